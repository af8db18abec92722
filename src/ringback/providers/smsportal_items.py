"""What a callback of SMSPortal's says: tables of statuses and errors, and the reading.

Three generations of webhooks are live at once, and the newest is a template that each customer
writes. So nothing is taken from a place, only from names, in capitals or not:

    V1     GET, everything in the query               docs.smsportal.com/docs/webhooks-v1-get
    V2     POST, a flat JSON object                   docs.smsportal.com/docs/webhooks-v2-post
    V3     GET or POST, as the template says          docs.smsportal.com/docs/webhook-integration
    WhatsApp   POST, JSON that may be nested          docs.smsportal.com/docs/whatsapp-webhooks

Parameters of the query stand in for what a body does not say, so that `?type=click` tells what a
template without a type is about. A message is known by the EventId of its batch and the number,
which are all that every generation and the answer to a send have in common.
"""

import re
from datetime import UTC, datetime, timedelta
from json import JSONDecoder

import msgspec

from ringback.domain.events import rfc3339
from ringback.domain.http import Callback
from ringback.domain.messages import Failure, Status
from ringback.domain.strict_json import StrictJsonError, unchecked
from ringback.providers import forms, reading
from ringback.providers.base import (
    ErrorRule,
    Inbound,
    Notice,
    NoticeType,
    Parsed,
    Report,
    Unparsed,
)
from ringback.providers.error_table import UNKNOWN, ErrorTable
from ringback.providers.smsportal_config import SmsPortalConfig, offset_minutes
from ringback.providers.smsportal_fields import RENAMED, Fields

# After https://docs.smsportal.com/docs/delivery-statuses.
STATUS: dict[str, Status] = {
    "STAGED": "submitted",
    "SUBMITD": "sent",
    "DELIVRD": "delivered",
    "UNDELIV": "failed",
    # No report came while it was valid: a weak proof.
    "EXPIRED": "expired",
    "BLIST": "failed",
    "NOROUTE": "failed",
    "CANCELLED": "cancelled",
}
# The status is all there is of a code. Columns: class, code, retryable, stage, status, opt-out.
ERRORS: dict[str, ErrorRule] = {
    "UNDELIV": ErrorRule("recipient", "undeliverable"),
    "EXPIRED": ErrorRule("network", "expired", status="expired"),
    "BLIST": ErrorRule("consent", "opted_out", stage="rejected", opt_out=True),
    "NOROUTE": ErrorRule("network", "no_route", stage="rejected"),
}
ERROR_TABLE = ErrorTable(ERRORS)

_REPORT, _INBOUND, _SHORT_CODE, _CLICK, _PREVIEW = (
    "status",
    "reply",
    "shortcode",
    "click",
    "preview",
)
_TYPES = {
    "status": _REPORT, "dlr": _REPORT, "deliverystatus": _REPORT, "deliveryreceipt": _REPORT,
    "reply": _INBOUND, "mo": _INBOUND, "incoming": _INBOUND,
    "shortcode": _SHORT_CODE, "shortcodesubmission": _SHORT_CODE,
    "click": _CLICK, "urlclick": _CLICK,
    "preview": _PREVIEW, "urlpreview": _PREVIEW,
}  # fmt: skip
_NOTICES: dict[str, NoticeType] = {_CLICK: "link.clicked", _PREVIEW: "link.previewed"}
_ONLY_INBOUND = ("incomingid", "incomingdata", "replyid", "submissionid")

_TEXT_LAST = re.compile(rb'"text"\s*:\s*"')
_TEXT_END = re.compile(rb'"\s*\}\s*')
_OBJECT: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])

_DAY = r"(?P<d>[0-9]{1,2})"
_YEAR = r"(?P<y>[0-9]{4})"
_CLOCK = r"[ T](?P<h>[0-9]{1,2}):(?P<m>[0-9]{2}):(?P<s>[0-9]{2})(?:\.[0-9]{1,7})?"
_LOCAL = (
    re.compile(_DAY + r"[/ -](?P<b>[A-Za-z]{3})[/ -]" + _YEAR + _CLOCK),
    re.compile(_YEAR + r"[/-](?P<o>[0-9]{1,2})[/-]" + _DAY + _CLOCK),
)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read(callback: Callback, config: SmsPortalConfig) -> Parsed:
    """Read a verified callback. Raises nothing, whatever it holds."""
    asked = forms.pairs(callback.query)
    if asked is None:
        return Parsed(unparsed=(Unparsed("the query is too long, or holds faulty text"),))
    items = Items(config, {name: value for name, value in reversed(asked) if value})
    if callback.body:
        return items.read(callback.body)
    said = dict(reversed(asked))
    if not said:
        return Parsed(unparsed=(Unparsed("there is neither a query nor a body", ""),))
    return items.read(msgspec.json.encode(said))


class Items(reading.Walk):
    """Reads one callback of SMSPortal's; made anew for each."""

    def __init__(self, config: SmsPortalConfig, asked: dict[str, str]) -> None:
        super().__init__()
        self._config, self._asked = config, asked
        self._named = {
            word: one.name
            for one in reversed(config.fields)
            for word in RENAMED.get(one.field, (one.field,))
        }

    def read(self, body: bytes) -> Parsed:
        """Read a body; one whose text was filled in without its quotes escaped is put right."""
        parsed = super().read(body)
        if parsed.items or not parsed.unparsed:
            return parsed
        mended = _with_text_escaped(body)
        if mended is None:
            return parsed
        again = Items(self._config, self._asked)
        found = reading.Walk.read(again, mended)
        return found if found.items else parsed

    def body(self, body: bytes) -> None:
        """Read one object, or a list of them. Raises StrictJsonError for anything else."""
        if _TEXT_LAST.search(body) and _repeats_itself(body):
            raise StrictJsonError("the same field twice")
        if body.lstrip()[:1] == b"[":
            self.each(body, "", self._one)
        else:
            self._one(msgspec.Raw(body), "")

    def _one(self, fragment: msgspec.Raw, where: str) -> None:
        told = unchecked(self.sound(fragment), _OBJECT)
        fields = Fields(told, self._asked, self._named)
        kind = _kind(fields)
        if kind is None:
            self.unrecognised("smsportal.callback", fragment)
        elif kind in _NOTICES:
            self._notice(fields, kind, fragment, where)
        elif kind == _REPORT:
            self._report(fields, fragment, where)
        else:
            self._inbound(fields, kind, fragment)

    def _report(self, fields: Fields, fragment: msgspec.Raw, where: str) -> None:
        whatsapp = _channel(fields) == "whatsapp"
        word = fields.word("status")
        status = _meaning(word, self._config) if whatsapp else STATUS.get(word.upper())
        at = self._time(fields, "status_time")
        if status is None:
            named = reading.kind_of("smsportal", word or "status")
            self.unrecognised(named, fragment, at)
            return
        number = _number(fields.text("number"))
        id_, recipient = _identity(fields, number)
        if id_ is None:
            self.unmatched("a report without EventId and number, and without an id", where)
            return
        shown = word if whatsapp else word.upper()
        text = fields.text("sent_text", reading.TEXT_MAX)
        self.add(
            Report(
                message_id=id_,
                status=status,
                key=f"{id_}:{recipient or ''}:{shown}",
                occurred_at=at,
                recipient=recipient,
                to=number,
                from_=_number(fields.text("ours")),
                channel=_channel(fields),
                reference=fields.text("reference", reading.REFERENCE_MAX),
                error=_failure(fields, status, shown, whatsapp=whatsapp),
                provider_status=shown,
                weak=status == "expired" and not whatsapp,
                segments=_count(fields.text("parts")),
                carrier=_carrier(fields),
                campaign=fields.text("campaign"),
                content=None if text is None else {"kind": "text", "text": text},
            )
        )

    def _inbound(self, fields: Fields, kind: str, fragment: msgspec.Raw) -> None:
        person, ours = _number(fields.text("from")), _number(fields.text("to"))
        text = fields.text("text", reading.TEXT_MAX)
        at, channel = self._time(fields, "inbound_time"), _channel(fields)
        id_ = fields.text("incoming_id")
        unnamed = id_ is None and at is None
        if id_ is None:
            # A template may leave it out, and no reply is to be lost for that.
            id_ = reading.fingerprint(bytes(memoryview(fragment)))
        content: dict[str, object] = {"kind": "text"}
        if text is not None:
            content["text"] = text
        elif channel == "whatsapp":
            content = {"kind": "unsupported", "original": fields.told}
        answered, recipient = _identity(fields, person, "answered")
        about = self._answered(fields)
        if about:
            content["answers"] = about
        key = f"{id_}:{kind}"
        self.add(
            Inbound(
                message_id=id_,
                key=key,
                from_=person,
                to=ours,
                content=content,
                channel=channel,
                occurred_at=at,
                reply_to=answered,
                reply_recipient=recipient,
                reference=fields.text("reference", reading.REFERENCE_MAX),
                unnamed=unnamed,
            )
        )

    def _answered(self, fields: Fields) -> dict[str, str]:
        """Return what a reply tells of the message that it answers."""
        sent_at = self._time(fields, "answered_time")
        found = {
            "id": fields.text("answered"),
            "text": fields.text("answered_text", reading.TEXT_MAX),
            "sent_at": None if sent_at is None else rfc3339(sent_at),
            "campaign": fields.text("campaign"),
            "group": fields.text("group"),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _notice(self, fields: Fields, kind: str, fragment: msgspec.Raw, where: str) -> None:
        number = _number(fields.text("number"))
        short = fields.text("short_url", reading.REFERENCE_MAX)
        url = fields.text("url", reading.REFERENCE_MAX) or short
        if url is None:
            self.unparsed(f"a {kind} that names no URL", where)
            return
        link: dict[str, object] = {"url": url, "source": "provider"}
        if number is not None:
            link["recipient"] = number
        if short is not None:
            link["provider_link"] = short
        id_, recipient = _identity(fields, number, "answered")
        at, clicked = self._time(fields, "notice_time"), fields.text("click_id")
        named = clicked or reading.fingerprint(bytes(memoryview(fragment)))
        self.add(
            Notice(
                type=_NOTICES[kind],
                key=f"{kind}:{named}",
                data=link,
                occurred_at=at,
                message_id=id_,
                recipient=recipient,
                unnamed=at is None and clicked is None and id_ is None,
            )
        )

    def _time(self, fields: Fields, field: str) -> int | None:
        found = fields.text(field)
        return None if found is None else time_ms(found, offset_minutes(self._config))


def time_ms(text: str, offset: int) -> int | None:
    """Read a time, to milliseconds since 1970, or None; one without a zone is `offset` minutes.

    V2 has Unix seconds and V1 `dd/MMM/yyyy HH:mm:ss`; how V3 writes them is not published.
    """
    at = reading.unix_ms(text)
    if at is None:
        at = reading.iso_ms(text)
    return _local_ms(text, offset) if at is None else at


def _local_ms(text: str, offset: int) -> int | None:
    for pattern in _LOCAL:
        found = pattern.fullmatch(text)
        if found is None:
            continue
        named = found.groupdict()
        month = int(named["o"]) if "o" in named else _MONTHS.get(named["b"].lower(), 0)
        try:
            moment = datetime(
                int(named["y"]), month, int(named["d"]),
                int(named["h"]), int(named["m"]), int(named["s"]), tzinfo=UTC,
            )  # fmt: skip
            at = (moment - _EPOCH - timedelta(minutes=offset)) // timedelta(milliseconds=1)
        except (ValueError, OverflowError):
            return None
        return at if at >= 0 else None
    return None


def _kind(fields: Fields) -> str | None:
    """Say what a callback is about: by its type, or else by what only such a one has."""
    known = _TYPES.get(fields.word("type").lower())
    if known is not None:
        return known
    if fields.any_of(_ONLY_INBOUND):
        return _INBOUND
    if fields.text("status") is not None:
        return _REPORT
    for kind in _NOTICES:
        if fields.any_of(name for name in fields.flat if kind in name):
            return kind
    # A reply of V2 has no name that nothing else has: it is a text, perhaps an empty one, and
    # somebody whose it is.
    if fields.text("from") is not None and (
        fields.text("text", reading.TEXT_MAX) is not None
        or any(name.lower() == "message" for name in fields.told)
    ):
        return _INBOUND
    return None


def _identity(
    fields: Fields, number: str | None, own: str = "sent_id"
) -> tuple[str | None, str | None]:
    """Return what a message is known by: EventId and number, or else an id of its own."""
    event = _event(fields)
    if event is not None and number is not None:
        return event, number
    return fields.text(own), None


def _event(fields: Fields) -> str | None:
    event = fields.text("event_id")
    return None if event == "0" else event


def _channel(fields: Fields) -> str:
    return "whatsapp" if fields.word("channel").lower() == "whatsapp" else "sms"


def _meaning(word: str, config: SmsPortalConfig) -> Status | None:
    for one in config.whatsapp_statuses:
        if one.word.lower() == word.lower():
            return one.status
    return None


def _failure(fields: Fields, status: Status, shown: str, *, whatsapp: bool) -> Failure | None:
    if not whatsapp:
        return ERROR_TABLE.failure(shown, None)[1] if shown in ERRORS else None
    if status != "failed":
        return None
    code = fields.text("error_code", 32)
    return UNKNOWN.failure(code, fields.text("error_text", 500))


def _carrier(fields: Fields) -> dict[str, str] | None:
    mcc, mnc = fields.text("mcc", 3), fields.text("mnc", 3)
    if mcc is None or mnc is None or not (mcc + mnc).isdigit():
        return None
    return {"mccmnc": mcc + mnc.rjust(2, "0")}


def _number(value: str | None) -> str | None:
    """Put the + back; short codes and alphanumeric senders stay as they are."""
    return reading.plus(value)


def _count(value: str | None) -> int | None:
    plain = value is not None and value.isascii() and value.isdigit() and len(value) <= 3
    return reading.count(int(value)) if plain and value is not None else None


def _repeats_itself(body: bytes) -> bool:
    """Say whether an object has a field twice: a text that was not escaped may have added it."""
    try:
        _ONCE.decode(body.decode("utf-8-sig", "surrogatepass"))
    except LookupError:
        return True
    except ValueError:
        return False
    return False


def _once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise LookupError


_ONCE = JSONDecoder(object_pairs_hook=_once)


def _with_text_escaped(body: bytes) -> bytes | None:
    """Escape the text that stands last in a body, as in our presets, or None where none does.

    A template puts values between quotes, and what a person wrote may hold quotes and line ends,
    or be made to look like further fields. Everything from the first `"text": "` on is that text.
    """
    start = _TEXT_LAST.search(body)
    end = body.rfind(b'"')
    if start is None or end < start.end() or not _TEXT_END.fullmatch(body, end):
        return None
    try:
        text = body[start.end() : end].decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    return body[: start.end() - 1] + msgspec.json.encode(text) + body[end + 1 :]
