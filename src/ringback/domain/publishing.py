"""What publishers send: events of their own types, one or up to a hundred. Pure.

{"type": "shop.order_paid", "subject": "order-1", "timestamp": "2026-…Z", "data": {…}}
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from ringback.domain.event_types import fault_in_own_name
from ringback.domain.events import rfc3339
from ringback.domain.strict_json import StrictJsonError, check
from ringback.errors import Fault, Invalid

EVENTS_MAX = 100
DATA_MAX = 256 * 1024
SUBJECT_MAX = 256
DELIVER_TO_MAX = 20
# When examples happened: 2026-03-02T15:01:22.646Z
SAMPLE_MS = 1_772_463_682_646
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST_MS = 253_402_300_799_999


class NewEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event as a publisher writes it. `data` keeps its bytes and the order of its keys.

    `subject` names what it is about: events of one subject are numbered and delivered in order.
    `retry` is "none" for an event that is worth one attempt only. `deliver_to` are the endpoints
    that it is for, by their ids or their owner's; None: for all that want its type.
    """

    type: str
    data: msgspec.Raw
    subject: str | None = None
    timestamp: datetime | None = None
    retry: Literal["schedule", "none"] = "schedule"
    deliver_to: list[str] | None = None

    @property
    def occurred_ms(self) -> int | None:
        """The publisher's time in milliseconds since 1970, or None."""
        return None if self.timestamp is None else (self.timestamp - _EPOCH) // _MILLISECOND


_raws = msgspec.json.Decoder(list[msgspec.Raw])
_event = msgspec.json.Decoder(NewEvent)


def read_events(body: bytes) -> tuple[list[NewEvent], bool]:
    """Read a request body: one event, or a list of them; say which of the two it was.

    Raises:
        StrictJsonError: the body is not JSON that can be used.
        Invalid: something in it is wrong; every fault with its JSON pointer.

    """
    check(body)
    many = body.lstrip()[:1] == b"["
    try:
        pieces = _raws.decode(body) if many else [msgspec.Raw(body)]
    except (msgspec.MsgspecError, RecursionError) as error:
        raise StrictJsonError(str(error)) from error
    if not 1 <= len(pieces) <= EVENTS_MAX:
        raise Invalid(Fault("", f"Send 1 to {EVENTS_MAX} events; these are {len(pieces)}."))
    events: list[NewEvent] = []
    faults: list[Fault] = []
    for place, piece in enumerate(pieces):
        pointer = f"/{place}" if many else ""
        try:
            event = _event.decode(piece)
        except msgspec.ValidationError as error:
            faults.append(_fault(str(error), pointer))
            continue
        except (msgspec.MsgspecError, RecursionError) as error:
            raise StrictJsonError(str(error)) from error
        faults += _faults(event, pointer)
        events.append(event)
    if faults:
        raise Invalid(*faults)
    return events, many


def _fault(said: str, pointer: str) -> Fault:
    """Turn msgspec's `… - at `$.name`` into a fault with its pointer."""
    detail, _, where = said.partition(" - at `$")
    path = where.rstrip("`").replace(".", "/")
    missing = re.search(r"required field `(\w+)`", detail)
    if missing and not path:
        path = f"/{missing[1]}"
    return Fault(pointer + path, f"{detail}.")


def _faults(event: NewEvent, pointer: str) -> list[Fault]:
    faults = []
    wrong = fault_in_own_name(event.type)
    if wrong is not None:
        faults.append(Fault(f"{pointer}/type", wrong))
    data = bytes(event.data)
    if data.lstrip()[:1] != b"{":
        faults.append(Fault(f"{pointer}/data", "data must be a JSON object."))
    if len(data) > DATA_MAX:
        faults.append(Fault(f"{pointer}/data", f"data is larger than {DATA_MAX} bytes."))
    if event.subject is not None and not 1 <= len(event.subject) <= SUBJECT_MAX:
        text = f"A subject has 1 to {SUBJECT_MAX} characters."
        faults.append(Fault(f"{pointer}/subject", text))
    if event.deliver_to is not None and not 1 <= len(event.deliver_to) <= DELIVER_TO_MAX:
        text = f"Name 1 to {DELIVER_TO_MAX} endpoints, or leave it out: then all that want it."
        faults.append(Fault(f"{pointer}/deliver_to", text))
    if event.timestamp is not None:
        faults += _faults_in_time(event.timestamp, pointer)
    return faults


def _faults_in_time(moment: datetime, pointer: str) -> list[Fault]:
    if moment.tzinfo is None:
        text = "Say which time zone: 2026-03-02T15:01:22Z."
        return [Fault(f"{pointer}/timestamp", text)]
    if not 0 <= (moment - _EPOCH) // _MILLISECOND <= _LATEST_MS:
        return [Fault(f"{pointer}/timestamp", "The time lies before 1970 or after 9999.")]
    return []


def published_body(
    event_id: str, tenant: str, mode: str, event: NewEvent, sequence: int, received_ms: int
) -> bytes:
    """Render a published event: the publisher's data unchanged, our facts beside it."""
    occurred = event.occurred_ms
    return msgspec.json.encode(
        {
            "id": event_id,
            "type": event.type,
            "timestamp": rfc3339(received_ms if occurred is None else occurred),
            "tenant": tenant,
            "mode": mode,
            "subject": event.subject,
            "sequence": sequence,
            "received_at": rfc3339(received_ms),
            "data": event.data,
        }
    )


def sample(event_id: str, tenant: str, mode: str, type_: str, data: bytes) -> bytes:
    """Render an example of somebody's own type, as an endpoint would receive it."""
    event = NewEvent(type=type_, data=msgspec.Raw(data))
    return published_body(event_id, tenant, mode, event, 1, SAMPLE_MS)
