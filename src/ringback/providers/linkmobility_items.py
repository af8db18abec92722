"""What a MyLINK callback says: tables of statuses and codes, and the reading of a body.

Source: https://docs.linkmobility.com/api-reference/mylink-sms-api (webhooks). One object a
request; a list of them is read as well. What a report means is told by `status.code`, not by
`status.type`: LINK puts what has expired, and what nobody will ever know, under `failed`.
"""

import msgspec

from ringback.domain.messages import Failure, Status
from ringback.domain.strict_json import StrictJsonError, unchecked
from ringback.providers import reading
from ringback.providers.base import ErrorRule, Inbound, Report
from ringback.providers.error_table import ErrorTable

# `status.type`; it decides only where the code is none that we know.
STATUS: dict[str, Status] = {
    "accepted": "submitted",
    "scheduled": "submitted",
    "queued": "submitted",
    "sent": "sent",
    # It could not be handed to a gateway and is tried again: it has not left LINK.
    "retried": "submitted",
    "delivered": "delivered",
    "read": "read",
    "rejected": "failed",
    "failed": "failed",
}
# `status.code` of "will retry sending again": no step, and not a new one however often it is told.
RETRIED = 5000
# `status.code` of what has not failed.
PROGRESS: dict[int, Status] = {
    1: "submitted",
    2: "submitted",
    1000: "submitted",
    1001: "sent",
    2000: "delivered",
    RETRIED: "submitted",
}
CHANNELS = {"sms": "sms", "whatsapp": "whatsapp", "rcs": "rcs", "email": "email"}

# `status.code` of what has: 3000-3013 were never sent, 4000-4002 could not be, the rest failed.
ERRORS: dict[str, ErrorRule] = {
    "3000": ErrorRule("platform", "account", False, "rejected"),
    "3001": ErrorRule("platform", "configuration", False, "rejected"),
    "3002": ErrorRule("sender", "invalid_sender", False, "rejected"),
    "3003": ErrorRule("sender", "unsupported_sender", False, "rejected"),
    "3004": ErrorRule("recipient", "invalid_recipient", False, "rejected"),
    "3005": ErrorRule("recipient", "unsupported_recipient", False, "rejected"),
    "3006": ErrorRule("content", "encoding", False, "rejected"),
    "3007": ErrorRule("content", "invalid_content", False, "rejected"),
    "3008": ErrorRule("content", "invalid_header", False, "rejected"),
    "3009": ErrorRule("throttled", "rate", True, "rejected"),
    "3010": ErrorRule("content", "malformed", False, "rejected"),
    "3011": ErrorRule("credit", "quota", False, "rejected"),
    "3013": ErrorRule("policy", "country_blocked", False, "rejected"),
    "4000": ErrorRule("network", "failed", False, "undeliverable"),
    "4001": ErrorRule("network", "routing", True, "undeliverable"),
    "4002": ErrorRule("network", "no_route", False, "rejected"),
    "4003": ErrorRule("recipient", "blocked", False, "undeliverable"),
    "4004": ErrorRule("recipient", "barred", True, "undeliverable"),
    "4005": ErrorRule("platform", "provider_error", False, "undeliverable"),
    "4006": ErrorRule("policy", "operation_blocked", False, "rejected"),
    "4007": ErrorRule("recipient", "undeliverable", False, "undeliverable"),
    "4008": ErrorRule("network", "expired", False, "undeliverable", "expired"),
    # Nobody knows whether it arrived: no proof of either.
    "4009": ErrorRule("network", "report_timed_out", False, "undeliverable", "unconfirmed"),
    "4010": ErrorRule("network", "no_reports", False, "undeliverable", "unconfirmed"),
    "4011": ErrorRule("network", "deleted", False, "undeliverable"),
}
ERROR_TABLE = ErrorTable(ERRORS)


class _Provider(msgspec.Struct, frozen=True):
    timestamp: str | None = None
    code: str | None = None
    details: str | None = None
    operator: str | None = None


class _Status(msgspec.Struct, rename="camel"):
    reference_id: str | None = None
    message_id: str = ""
    type: str = ""
    # A form has it as text.
    code: int | str | None = None
    details: str | None = None
    segments: int | None = None


class _Event(msgspec.Struct, rename="camel"):
    event_id: str | None = None
    channel: str | None = None
    recipient: str | None = None
    time_stamp: str | None = None
    timestamp: str | None = None
    status: msgspec.Raw = msgspec.Raw(b"")
    provider: _Provider | None = None
    reply: msgspec.Raw = msgspec.Raw(b"")


_EVENT = reading.Shape(_Event)
_STATUS = reading.Shape(_Status)
_REPLY: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])


class Items(reading.Walk):
    """Reads one callback of LINK's; made anew for each."""

    def body(self, body: bytes) -> None:
        """Read one event, or a list of them. Raises StrictJsonError for anything else."""
        if body.lstrip()[:1] == b"[":
            self.each(body, "", self._event)
        else:
            try:
                self._event(msgspec.Raw(body), "")
            except StrictJsonError as error:
                self.unparsed(error.reason, "")

    def _event(self, fragment: msgspec.Raw, where: str) -> None:
        event = _EVENT.read(self.sound(fragment))
        provider = event.provider or _Provider()
        at = (
            reading.iso_ms(event.time_stamp)
            or reading.iso_ms(event.timestamp)
            or reading.iso_ms(provider.timestamp)
        )
        if _is_there(event.status):
            self._report(event, provider, fragment, where, at)
        elif _is_there(event.reply):
            self._inbound(event, where, at)
        else:
            self.unrecognised("linkmobility.event", fragment, at)

    def _report(
        self,
        event: _Event,
        provider: _Provider,
        fragment: msgspec.Raw,
        where: str,
        at: int | None,
    ) -> None:
        said = _STATUS.read(event.status)
        named = reading.text(said.message_id)
        meant = _meaning(said, provider)
        if meant is None:
            self.unrecognised(reading.kind_of("linkmobility.status", said.type), fragment, at)
            return
        if named is None:
            self.unmatched("a status without the id of its message", f"{where}/status")
            return
        status, error = meant
        key = reading.text(event.event_id) or f"{named}:{said.type}:{said.code}"
        if status == "submitted" and _is_retried(said):
            # Told once a message, whatever ids and times the reports of it have.
            key, at = f"{named}:retried", None
        operator = reading.text(provider.operator)
        self.add(
            Report(
                message_id=named,
                status=status,
                key=key,
                occurred_at=at,
                to=_recipient(event),
                channel=_channel(event),
                reference=reading.text(said.reference_id, reading.REFERENCE_MAX),
                error=error,
                provider_status=reading.text(said.type),
                segments=reading.count(said.segments),
                carrier=None if operator is None else {"name": operator},
            )
        )

    def _inbound(self, event: _Event, where: str, at: int | None) -> None:
        reply = unchecked(event.reply, _REPLY)
        # There is no id of the message: the event's is the only one.
        named = reading.text(event.event_id)
        if named is None:
            self.unmatched("a reply without the id of its event", f"{where}/reply")
            return
        content, reply_to = _content(reply)
        self.add(
            Inbound(
                message_id=named,
                key=named,
                from_=reading.plus(reading.text(reply.get("sender"))),
                to=reading.plus(reading.text(event.recipient)),
                content=content,
                channel=_channel(event),
                occurred_at=at,
                reply_to=reply_to,
            )
        )


def _is_there(part: msgspec.Raw) -> bool:
    return bool(part) and bytes(memoryview(part)) != b"null"


def _recipient(event: _Event) -> str | None:
    """Return whom a report is about; a number that was made unreadable on request is nobody's."""
    found = reading.text(event.recipient)
    return None if found is None or "*" in found else reading.plus(found)


def _channel(event: _Event) -> str:
    return CHANNELS.get((event.channel or "").lower(), "sms")


def _code(said: _Status) -> int | None:
    code = said.code
    if isinstance(code, str):
        code = int(code) if code.isascii() and code.isdigit() and len(code) < 10 else None
    return code


def _is_retried(said: _Status) -> bool:
    code = _code(said)
    return code == RETRIED or (code not in PROGRESS and said.type == "retried")


def _meaning(said: _Status, provider: _Provider) -> tuple[Status, Failure | None] | None:
    """Return what a status means in our words, or None where nothing of it is known."""
    # There is no code for `read`; whatever stands there says less.
    if said.type == "read":
        return "read", None
    code = _code(said)
    if code in PROGRESS:
        return PROGRESS[code], None
    status = STATUS.get(said.type)
    if status != "failed" and ERROR_TABLE.row(str(code)) is None:
        return None if status is None else (status, None)
    because = reading.clipped(said.details, 500) or reading.clipped(provider.details, 500)
    rule, failure = ERROR_TABLE.failure(code, because)
    if said.type == "rejected" and rule.class_ == "unknown":
        failure = msgspec.structs.replace(failure, stage="rejected")
    return rule.status, failure


def _content(reply: dict[str, object]) -> tuple[dict[str, object], str | None]:
    """Make the content of a reply, and the id of the message that it is about."""
    content: dict[str, object] = {"kind": "text"}
    words = reading.clipped(reply.get("text"))
    about: str | None = None
    contact, reaction, media = (
        reading.mapping(reply.get(name)) for name in ("contact", "reaction", "media")
    )
    if contact:
        content = {"kind": "contacts", "contacts": [contact]}
    elif reaction:
        about = reading.text(reaction.get("message_id"))
        content = {"kind": "reaction", "reaction": reaction}
    elif media:
        content = {"kind": "media", "media": [_file(media)]}
        words = words or reading.clipped(media.get("caption"))
    else:
        for kind, name in (("button", "text"), ("interactive", "title"), ("location", "name")):
            found = reading.mapping(reply.get(kind))
            if found:
                content = {"kind": kind, kind: found}
                words = words or reading.clipped(found.get(name))
                break
        else:
            unknown = reading.mapping(reply.get("unknown"))
            if words is None and unknown:
                content = {"kind": "unknown"}
                words = reading.clipped(unknown.get("text"))
    if words is not None:
        content["text"] = words
    keyword = reading.text(reply.get("routeKeyword"))
    if keyword is not None:
        content["keyword"] = keyword
    return content, about


def _file(media: dict[str, object]) -> dict[str, object]:
    """Describe a file in our words; `source` is where it can be fetched."""
    size = media.get("size")
    said = {
        "url": reading.text(media.get("source"), 4096),
        "content_type": reading.text(media.get("type")),
        "size": size if isinstance(size, int) and size is not True and size > 0 else None,
        "caption": reading.clipped(media.get("caption")),
    }
    return {name: value for name, value in said.items() if value is not None}
