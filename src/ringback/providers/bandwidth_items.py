"""What a Bandwidth messaging callback says: tables of statuses and errors, and the reading.

A body is an array of events, or one bare event. Group messages report once per recipient under
one id. Credentials, answers and sending are in `bandwidth`; voice and orders are not read here.
"""

import base64
import binascii
import re
from urllib.parse import urlsplit

import msgspec

from ringback.domain.messages import Failure, Status
from ringback.domain.strict_json import StrictJsonError
from ringback.providers import bandwidth_toll_free, reading
from ringback.providers.base import ErrorRule, Inbound, Report
from ringback.providers.error_table import ErrorTable

STATUS: dict[str, Status] = {
    "message-sending": "submitted",
    "message-sent": "sent",
    "message-delivered": "delivered",
    "message-read": "read",
    "message-failed": "failed",
}
# Said of MMS and groups without the delivery report feature: handed over, no more than that.
TO_CARRIER = "message delivered to carrier"
INBOUND = ("message-received", "suggestion-response", "requested-location-response")
CHANNELS: dict[str, str] = {"SMS": "sms", "MMS": "mms", "RBM": "rcs"}

URL_MAX = 4096
FILE_NAME_MAX = 255

# Columns: class, code, retryable, stage, and the status where it is not `failed`. A single code
# beats a range, a narrow range a wide one. First digit 4: client, 5: server, 9: ambiguous.
ERRORS: dict[str, ErrorRule] = {
    "4000-4399": ErrorRule("platform", "rejected_by_provider", False, "rejected"),
    "4001": ErrorRule("platform", "service_not_allowed", False, "rejected"),
    "4301": ErrorRule("content", "malformed", False, "rejected"),
    "4302": ErrorRule("sender", "invalid_sender", False, "rejected"),
    "4303": ErrorRule("recipient", "invalid_recipient", False, "undeliverable"),
    "4350": ErrorRule("recipient", "invalid_recipient", False, "undeliverable"),
    "4360": ErrorRule("network", "expired", False, "undeliverable", "expired"),
    "4400-4499": ErrorRule("policy", "rejected_by_provider", False, "rejected"),
    "4401-4409": ErrorRule("network", "routing", False, "rejected"),
    "4403": ErrorRule("sender", "not_allowed", False, "rejected"),
    "4404": ErrorRule("recipient", "undeliverable", False, "undeliverable"),
    "4405": ErrorRule("sender", "unallocated", False, "rejected"),
    "4406": ErrorRule("recipient", "undeliverable", False, "undeliverable"),
    "4407": ErrorRule("sender", "wrong_account", False, "rejected"),
    "4408": ErrorRule("recipient", "wrong_account", False, "rejected"),
    "4409": ErrorRule("recipient", "unsupported_channel", False, "rejected"),
    "4410-4412": ErrorRule("content", "media", False, "rejected"),
    "4420-4421": ErrorRule("network", "no_route", False, "rejected"),
    "4431-4434": ErrorRule("policy", "forbidden", False, "rejected"),
    "4435": ErrorRule("recipient", "too_many_recipients", False, "rejected"),
    "4451-4452": ErrorRule("platform", "wrong_account", False, "rejected"),
    "4470": ErrorRule("content", "spam", False, "rejected"),
    "4475": ErrorRule("consent", "opted_out", False, "rejected", opt_out=True),
    "4476": ErrorRule("sender", "unregistered", False, "rejected"),
    "4481": ErrorRule("sender", "block_listed", False, "rejected"),
    "4482": ErrorRule("recipient", "block_listed", False, "rejected"),
    "4492": ErrorRule("recipient", "emergency_number", False, "rejected"),
    "4493": ErrorRule("platform", "unauthorised", False, "rejected"),
    "4700-4799": ErrorRule("network", "rejected_by_carrier", False, "rejected"),
    "4700": ErrorRule("network", "invalid_service_type", False, "undeliverable"),
    "4701": ErrorRule("recipient", "unavailable", False, "undeliverable"),
    "4702": ErrorRule("recipient", "unavailable", True, "undeliverable"),
    "4710": ErrorRule("recipient", "unsupported_channel", False, "undeliverable"),
    "4711-4712": ErrorRule("content", "media", False, "rejected"),
    "4720": ErrorRule("recipient", "invalid_recipient", False, "undeliverable"),
    "4721": ErrorRule("recipient", "deactivated", False, "undeliverable"),
    "4730": ErrorRule("network", "no_route", False, "undeliverable"),
    "4735": ErrorRule("recipient", "unsupported_channel", False, "undeliverable"),
    "4740": ErrorRule("sender", "invalid_sender", False, "rejected"),
    "4750-4753": ErrorRule("network", "rejected_by_carrier", False, "rejected"),
    "4751": ErrorRule("content", "too_long", False, "rejected"),
    "4752": ErrorRule("content", "malformed", False, "rejected"),
    "4754": ErrorRule("recipient", "unsupported_channel", False, "undeliverable"),
    "4770": ErrorRule("content", "spam", False, "rejected"),
    "4771": ErrorRule("content", "shortened_link", False, "rejected"),
    # A blocked sender or a blocked receiver: neither spam nor an opt-out.
    "4772": ErrorRule("policy", "blocked", False, "rejected"),
    "4773": ErrorRule("sender", "inactive_campaign", False, "rejected"),
    "4774": ErrorRule("sender", "provisioning", False, "rejected"),
    "4775": ErrorRule("consent", "opted_out", False, "rejected", opt_out=True),
    # A carrier's cap of the day: to be tried again on the next one.
    "4780": ErrorRule("throttled", "daily_cap", True, "rejected"),
    "4781": ErrorRule("throttled", "volume", True, "rejected"),
    "4785": ErrorRule("throttled", "volume", True, "rejected"),
    "4790-4793": ErrorRule("sender", "short_code", False, "rejected"),
    # Not confirmed by the documentation: the carrier is taken to have let it run out.
    "4794": ErrorRule("network", "expired", False, "undeliverable", "expired"),
    "4795": ErrorRule("sender", "toll_free_unverified", False, "rejected"),
    "5000-5999": ErrorRule("platform", "provider_error", True, "undeliverable"),
    "5100-5231": ErrorRule("platform", "application_error", True, "undeliverable"),
    "5500-5501": ErrorRule("platform", "send_failed", True, "undeliverable"),
    "5600-5650": ErrorRule("network", "carrier_failure", True, "undeliverable"),
    "9000-9999": ErrorRule("unknown", "unknown", False, "undeliverable"),
    # The report did not come in time: no proof of failure, and a late one may still follow.
    "9902": ErrorRule("network", "report_timed_out", False, "undeliverable", "unconfirmed"),
}
ERROR_TABLE = ErrorTable(ERRORS)


class _Message(msgspec.Struct, rename="camel"):
    id: str = ""
    owner: str | None = None
    to: list[str] | str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    text: str | None = None
    tag: str | None = None
    media: list[str] | None = None
    channel: str | None = None
    segment_count: int | None = None
    direction: str | None = None
    content: dict[str, object] | None = None
    suggestion_response: dict[str, object] | None = None
    location_response: dict[str, object] | None = None


class _Event(msgspec.Struct, rename="camel"):
    type: str = ""
    time: str | None = None
    event_time: str | None = None
    to: str | None = None
    description: str | None = None
    error_code: int | str | None = None
    carrier_name: str | None = None
    message: msgspec.Raw = msgspec.Raw(b"")


_NUMBER = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,20})?")
_EVENT = reading.Shape(_Event)
_MESSAGE = reading.Shape(_Message)


class Items(reading.Walk):
    """Reads one callback of Bandwidth's; made anew for each."""

    def __init__(self, mms_reports: bool) -> None:
        """Take whether the account has delivery reports for MMS and group messages."""
        super().__init__()
        self._mms_reports = mms_reports

    def body(self, body: bytes) -> None:
        """Read an array of events, one, or a verification. Raises StrictJsonError for others."""
        if body.lstrip()[:1] == b"{":
            about = bandwidth_toll_free.said(body)
            try:
                if about is None:
                    self._event(msgspec.Raw(body), "")
                else:
                    self._toll_free(about, body)
            except StrictJsonError as error:
                self.unparsed(error.reason, "")
        else:
            self.each(body, "", self._event)

    def _event(self, fragment: msgspec.Raw, where: str) -> None:
        event = _EVENT.read(self.sound(fragment))
        at = reading.iso_ms(event.event_time) or reading.iso_ms(event.time)
        message = _MESSAGE.read(event.message) if event.message else _Message()
        arrived = event.type in INBOUND
        # What arrives is never our own: a copy of what was sent would be answered in a loop.
        if (event.type not in STATUS and not arrived) or (arrived and message.direction == "out"):
            self.unrecognised(reading.kind_of("bandwidth", event.type), fragment, at)
            return
        listed = [message.to] if isinstance(message.to, str) else message.to or []
        alone = listed[0] if len(listed) == 1 else None
        to = reading.text(event.to) or reading.text(alone)
        if arrived:
            to = to or reading.text(message.owner)
        if reading.text(message.id) is None:
            self.unmatched("an event without the id of its message", f"{where}/message/id")
        elif to is None:
            self.unmatched("an event that names no recipient", f"{where}/to")
        elif arrived:
            self._inbound(event, message, to, at, listed)
        else:
            self._report(event, message, to, at, len(listed) > 1)

    def _toll_free(self, about: bandwidth_toll_free.Said, body: bytes) -> None:
        self.sound(msgspec.Raw(body))
        notice = bandwidth_toll_free.notice(about, body)
        if notice is not None:
            self.add(notice)
        elif reading.text(about.phone_number) is None:
            self.unmatched("a toll-free verification without its number", "/phoneNumber")
        else:
            self.unrecognised("bandwidth.toll_free", msgspec.Raw(body))

    def _report(
        self, event: _Event, message: _Message, to: str, at: int | None, grouped: bool
    ) -> None:
        status, error = STATUS[event.type], None
        channel = _channel(message)
        weak = status == "delivered" and (
            (event.description or "").lower() == TO_CARRIER
            or (not self._mms_reports and (grouped or channel == "mms"))
        )
        if weak:
            status = "sent"
        elif status == "failed":
            status, error = _failure(event)
        self.add(
            Report(
                message_id=message.id,
                status=status,
                key=f"{message.id}:{to}:{event.type}",
                occurred_at=at,
                recipient=to,
                to=to,
                from_=reading.text(message.from_) or reading.text(message.owner),
                channel=channel,
                reference=reading.text(message.tag, reading.REFERENCE_MAX),
                error=error,
                provider_status=event.type,
                weak=weak,
                segments=reading.count(message.segment_count),
                carrier=_carrier(event),
            )
        )

    def _inbound(
        self, event: _Event, message: _Message, to: str, at: int | None, listed: list[str]
    ) -> None:
        content, paired = _content(event.type, message)
        if len(listed) > 1:
            content["group"] = listed[: reading.GROUP_MAX]
        carrier = _carrier(event)
        if carrier is not None:
            content["carrier"] = carrier
        self.add(
            Inbound(
                message_id=message.id,
                key=f"{message.id}:{to}:{event.type}",
                from_=reading.text(message.from_),
                to=to,
                content=content,
                channel=_channel(message),
                occurred_at=at,
                recipient=to,
                reply_to=paired,
                reply_recipient=None if paired is None else reading.text(message.from_),
                reference=reading.text(message.tag, reading.REFERENCE_MAX),
                segments=reading.count(message.segment_count),
            )
        )


def _failure(event: _Event) -> tuple[Status, Failure]:
    # By the code alone: descriptions change.
    rule, failure = ERROR_TABLE.failure(event.error_code, event.description)
    return rule.status, failure


def _carrier(event: _Event) -> dict[str, str] | None:
    name = reading.text(event.carrier_name)
    return None if name is None else {"name": name}


def _channel(message: _Message) -> str:
    known = CHANNELS.get(message.channel or "")
    return known or ("mms" if message.media else "sms")


def _content(type_: str, message: _Message) -> tuple[dict[str, object], str | None]:
    """Make the content, and name the message of ours that it answers.

    On the RBM channel what was written stands in an object of its own.
    """
    nested = reading.mapping(message.content)
    words = reading.clipped(message.text) or reading.clipped(nested.get("text"))
    content: dict[str, object] = {"kind": "text"}
    paired = None
    if type_ == "suggestion-response":
        said = message.suggestion_response or reading.mapping(nested.get("suggestionResponse"))
        label = reading.clipped(said.get("text"))
        payload = _unwrapped(reading.clipped(said.get("postbackData")))
        button = {"text": label, "payload": payload}
        content = {
            "kind": "button",
            "button": {name: one for name, one in button.items() if one is not None},
        }
        words = words or label
        paired = reading.text(said.get("pairedMessageId"))
    elif type_ == "requested-location-response":
        where = message.location_response or reading.mapping(nested.get("locationResponse"))
        content = {"kind": "location", "location": _degrees(where)}
    else:
        files = _files(nested.get("media"))
        known = {file["url"] for file in files}
        files += [file for file in _files(message.media) if file["url"] not in known]
        if files:
            content = {"kind": "media", "media": files}
    if words is not None:
        content["text"] = words
    return content, paired


def _files(value: object) -> list[dict[str, object]]:
    """Read the files of an MMS (a list of URLs) or of an RBM message (objects with `fileUrl`)."""
    files: list[dict[str, object]] = []
    for one in value if isinstance(value, list) else [value]:
        described = reading.mapping(one)
        named = one if isinstance(one, str) else described.get("fileUrl") or described.get("url")
        url = reading.text(named, URL_MAX)
        if url is None:
            continue
        file: dict[str, object] = {"url": url}
        name = _file_name(url)
        if name:
            file["filename"] = name
        thumbnail = reading.text(described.get("thumbnailUrl"), URL_MAX)
        if thumbnail:
            file["thumbnail_url"] = thumbnail
        files.append(file)
    return files


def _file_name(url: str) -> str | None:
    """Return the last part of a URL's path where it is called like a file."""
    try:
        name = urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        return None
    return reading.text(name, FILE_NAME_MAX) if "." in name else None


def _unwrapped(payload: str | None) -> str | None:
    """Undo the base64 that Bandwidth wraps a suggestion's payload in, where it holds text."""
    if payload is None:
        return None
    try:
        text = base64.b64decode(payload, validate=True).decode()
    except (binascii.Error, ValueError):
        return payload
    return payload if "\x00" in text else text


def _degrees(said: dict[str, object]) -> dict[str, object]:
    """Read a place whose numbers Bandwidth writes as text; what is no number stays as it came."""
    place = dict(said)
    for name in ("latitude", "longitude"):
        value = said.get(name)
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            place[name] = float(value)
    return place
