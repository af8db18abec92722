"""Bandwidth's messaging API as a fake: its addresses, answers and refusals, for trying things out.

What it takes it remembers nowhere: files come back as one small picture, lists are empty.
"""

import hmac
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from ringback.domain import strict_json
from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers import bandwidth_access, bandwidth_send, reading
from ringback.providers.bandwidth_config import BandwidthConfig
from ringback.providers.bandwidth_items import CHANNELS
from ringback.providers.bandwidth_send import FIELDS, REFUSED, TAG_MAX, TEXT_MAX, iso
from ringback.providers.base import Fake, Faked, OutboundMessage

_GROUP = 10
TOKEN_S = 3600

# The codes that it can be told to refuse with: words of its own, and fields to find fault with.
CODES: tuple[str, ...] = (
    *REFUSED,
    *("applicationId" if name == "applicationid" else name for name in FIELDS),
)

_PATH = re.compile(r"/api/v2/users/([^/]+)/(messages/multiChannel|messages|media/.+|media)")
_TOKEN_PATH = "/api/v1/oauth2/token"  # noqa: S105 - an address, not a token
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11}")
_JSON = ("Content-Type", "application/json; charset=utf-8")
_PICTURE = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000")
_FILE = _PICTURE + bytes.fromhex("010001000002024401003b")
_STATUS = {
    "request-validation": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "unsupported-content-type": 415,
    "max-message-queue-size-exceeded": 429,
}
_WORDS = {
    "request-validation": "Your request could not be accepted.",
    "unauthorized": "Authentication Failed",
    "forbidden": "Access Denied",
    "unsupported-content-type": "Content type is not supported. Please use 'application/json'",
    "max-message-queue-size-exceeded": (
        "The SMS queue for your account is full and cannot accept more messages right now. Your "
        "allowed rate is 60 messages per minute. The capacity of this queue is 900 messages "
        "(15 minutes). Reduce your message sending rate, or contact support to increase your "
        "allowed rate."
    ),
    "internal-server-error": "An unexpected error occurred",
}


class _Fault(NamedTuple):
    """Why a request is not taken: the word, and what is wrong with which fields."""

    word: str
    fields: tuple[tuple[str, str], ...] = ()


def answer(request: HttpRequest, config: BandwidthConfig, how: Fake) -> Faked | None:
    """Answer as Bandwidth would; None where it has no such address."""
    path = urlsplit(request.url).path
    if path.endswith(_TOKEN_PATH):
        return Faked(_token(request, config, how))
    found = _PATH.search(path)
    if found is None or found.end() != len(path):
        return None
    account, what = found.groups()
    wrapped = what.endswith("multiChannel")
    fault = _ordered(how) or _stranger(request, config, account)
    if fault is not None:
        return Faked(_refusal(fault, wrapped=wrapped))
    if what.startswith("media"):
        return Faked(_media(request, what))
    if request.method == "GET" and not wrapped:
        return Faked(_json(200, {"totalCount": 0, "pageInfo": {}, "messages": []}))
    if request.method != "POST":
        return Faked(_json(405, {"type": "method-not-allowed", "description": "Not allowed"}))
    return _taken(request, config, how, wrapped=wrapped)


def _ordered(how: Fake) -> _Fault | None:
    """Return the fault that was asked for."""
    if how.outcome == "broken":
        return _Fault("internal-server-error")
    if how.outcome == "throttled":
        return _Fault("max-message-queue-size-exceeded")
    if how.outcome == "refused":
        code = how.code if how.code in CODES else "to"
        if code in REFUSED:
            return _Fault(code)
        return _Fault("request-validation", ((code, f"'{code}' is not acceptable"),))
    return None


def _stranger(request: HttpRequest, config: BandwidthConfig, account: str) -> _Fault | None:
    """Say whether the caller is nobody that the account knows."""
    given = [value for name, value in request.headers if name.lower() == "authorization"]
    known = []
    if config.api_username and config.api_password:
        known.append(bandwidth_access.basic(config.api_username, config.api_password))
    if config.client_id and config.client_secret:
        known.append(f"Bearer {_access_token(config)}")
    if len(given) != 1 or not any(
        hmac.compare_digest(one.encode(), given[0].encode("utf-8", "surrogatepass"))
        for one in known
    ):
        return _Fault("unauthorized")
    return None if account == config.account_id else _Fault("forbidden")


def _access_token(config: BandwidthConfig) -> str:
    # The same for the same client: nothing is remembered, and it is never told what it is made of.
    return reading.fingerprint("access", config.client_id or "", config.client_secret or "")


def _token(request: HttpRequest, config: BandwidthConfig, how: Fake) -> HttpResponse:
    right = bandwidth_access.basic(config.client_id or "", config.client_secret or "")
    given = [value for name, value in request.headers if name.lower() == "authorization"]
    known = config.client_id and config.client_secret and len(given) == 1
    if how.outcome == "broken":
        return _json(500, {"error": "server_error"})
    if not known or not hmac.compare_digest(right.encode(), given[0].encode()):
        return _json(401, {"error": "invalid_client"})
    token = {"access_token": _access_token(config), "token_type": "Bearer"}
    return _json(200, {**token, "expires_in": TOKEN_S})


def _media(request: HttpRequest, what: str) -> HttpResponse:
    if what == "media":
        return _json(200, [])
    if request.method in ("PUT", "DELETE"):
        return HttpResponse(204)
    return HttpResponse(200, (("Content-Type", "image/gif"),), _FILE)


def _taken(request: HttpRequest, config: BandwidthConfig, how: Fake, *, wrapped: bool) -> Faked:
    types = [value for name, value in request.headers if name.lower() == "content-type"]
    if not (types and types[0].lower().startswith("application/json")):
        return Faked(_refusal(_Fault("unsupported-content-type"), wrapped=wrapped))
    try:
        body = reading.mapping(strict_json.decode(request.body))
    except strict_json.StrictJsonError:
        body = {}
    said = _Said(body, config, how, wrapped=wrapped)
    wrong = said.faults()
    if wrong:
        return Faked(_refusal(_Fault("request-validation", wrong), wrapped=wrapped))
    return Faked(_json(202, said.told()), said.messages())


class _Said:
    """A request for a message, of either address, as one thing to check and to repeat."""

    def __init__(
        self, body: dict[str, object], config: BandwidthConfig, how: Fake, *, wrapped: bool
    ) -> None:
        self.body, self.config, self.how, self.wrapped = body, config, how, wrapped
        listed = body.get("channelList")
        # The first channel is the one that is tried first, and here it works.
        first = reading.mapping(listed[0]) if isinstance(listed, list) and listed else {}
        self.part: Mapping[str, object] = first if wrapped else body
        self.content = reading.mapping(first.get("content")) if wrapped else body
        to = body.get("to")
        self.to = [to] if wrapped else to if isinstance(to, list) else []
        self.id = f"{how.now_ms}{how.seed[:16]}"
        self.files = [
            one if isinstance(one, str) else reading.mapping(one).get("fileUrl")
            for one in reading.sequence(self.content.get("media"))
        ]

    def faults(self) -> tuple[tuple[str, str], ...]:
        """Find fault with the fields, as (name, what is wrong)."""
        found = []
        right = [isinstance(one, str) and _NUMBER.fullmatch(one) is not None for one in self.to]
        if not right or not all(right) or len(right) > _GROUP:
            found.append(("to", "'to' must be one to ten phone numbers in E.164 format"))
        sender = self.part.get("from")
        if not isinstance(sender, str) or _SENDER.fullmatch(sender) is None:
            found.append(("from", "'from' must be a phone number or a sender id"))
        if self.part.get("applicationId") != self.config.application_id:
            found.append(("applicationId", "'applicationId' is not of this account"))
        text = self.content.get("text")
        rich = self.wrapped and bool(self.content)
        limit = bandwidth_send.RBM_TEXT_MAX if self.wrapped else TEXT_MAX
        if not (text or self.files or rich):
            found.append(("text", "'text' or 'media' is needed"))
        elif text is not None and not (isinstance(text, str) and len(text) <= limit):
            found.append(("text", f"'text' must be a string of at most {limit} characters"))
        if not all(isinstance(one, str) and one.startswith("http") for one in self.files):
            found.append(("media", "'media' must be URLs"))
        tag = self.body.get("tag")
        if tag is not None and not (isinstance(tag, str) and len(tag) <= TAG_MAX):
            found.append(("tag", f"'tag' must be a string of at most {TAG_MAX} characters"))
        until = self.body.get("expiration")
        if until is not None and (reading.iso_ms(until) or 0) <= self.how.now_ms:
            found.append(("expiration", "'expiration' must be in the future"))
        return tuple(found)

    def told(self) -> dict[str, object]:
        """Repeat the message, with its id."""
        kept = {
            name: self.body[name]
            for name in ("tag", "priority", "expiration")
            if self.body.get(name) is not None
        }
        common = {"id": self.id, "time": iso(self.how.now_ms), "direction": "out", "to": self.to}
        if self.wrapped:
            channels = [
                {**reading.mapping(one), "owner": reading.mapping(one).get("from")}
                for one in reading.sequence(self.body.get("channelList"))
            ]
            data = {**common, "channelList": channels, **kept}
            return {"links": [], "data": data, "errors": []}
        own = {name: self.body[name] for name in ("from", "applicationId", "text", "media")
               if self.body.get(name) is not None}  # fmt: skip
        own |= {"owner": self.body.get("from"), "segmentCount": self.segments()}
        return {**common, **own, **kept}

    def segments(self) -> int:
        """Count the parts that a text takes: 160 or 153 characters of plain text, else 70 or 67."""
        text = str(self.content.get("text") or "")
        if self.files or len(self.to) > 1:
            return 1
        whole, part = (160, 153) if text.isascii() else (70, 67)
        units = len(text.encode("utf-16-le")) // 2
        return 1 if units <= whole else -(-units // part)

    def messages(self) -> tuple[OutboundMessage, ...]:
        """Make one message for each recipient, all under the one id."""
        named = CHANNELS.get(str(self.part.get("channel", "")))
        channel = named or ("mms" if self.files or len(self.to) > 1 else "sms")
        media = [{"url": one} for one in self.files]
        until = reading.iso_ms(self.body.get("expiration"))
        return tuple(
            OutboundMessage(
                to=str(one),
                from_=str(self.part.get("from")),
                channel=channel,
                text=str(self.content.get("text") or ""),
                message_id=self.id,
                reference=reading.text(self.body.get("tag"), TAG_MAX),
                at_ms=self.how.now_ms,
                content={"kind": "media", "media": media} if media else {},
                validity_s=None if until is None else (until - self.how.now_ms) // 1000,
            )
            for one in self.to
        )


def _refusal(fault: _Fault, *, wrapped: bool) -> HttpResponse:
    status = _STATUS.get(fault.word, 500)
    description = _WORDS[fault.word]
    if wrapped:
        errors = [
            {"type": fault.word, "description": why, "source": {"field": name} if name else {}}
            for name, why in fault.fields or (("", description),)
        ]
        return _json(status, {"links": [], "errors": errors})
    told: dict[str, object] = {"type": fault.word, "description": description}
    if fault.fields:
        told["fieldErrors"] = [
            {"fieldName": name, "description": why} for name, why in fault.fields
        ]
    return _json(status, told)


def _json(status: int, body: object) -> HttpResponse:
    return HttpResponse(status, (_JSON,), msgspec.json.encode(body))
