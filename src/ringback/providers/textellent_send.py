"""Sending by Textellent's API, one message a request; and its own part, to try that.

Path, header and fields are those of https://github.com/riaz3485/mcp-server, which was generated
from Textellent's API documentation. The answer's fields are declared there and not confirmed: both
a bare object and one under `data` are read. It takes no reference of ours.
"""

import hmac
import re
from urllib.parse import urlsplit

import msgspec

from ringback.domain.http import Headers, HttpRequest, HttpResponse
from ringback.domain.messages import ErrorClass, Failure
from ringback.domain.strict_json import StrictJsonError, decode
from ringback.providers import reading
from ringback.providers.base import Fake, Faked, OutboundMessage, SendFlow, SendResult
from ringback.providers.textellent_config import TextellentConfig

HOST = "https://client.textellent.com"
MESSAGES = "/api/v1/messages.json"
SUBSCRIBE = "/api/v1/event/subscribe.json"
SUBSCRIPTIONS = "/api/v1/event/subscriptions.json"
UNSUBSCRIBE = "/api/v1/event/unsubscribe"
REFUSALS = ("401",)

_UNSUBSCRIBE = re.compile(rf"{UNSUBSCRIBE}/[A-Za-z0-9-]{{1,64}}\.json")
_JSON = (("Content-Type", "application/json"),)


def flow(message: OutboundMessage, config: TextellentConfig) -> SendFlow:
    """Send one message, a text or files with one."""
    if not config.auth_code:
        return _refused("platform", "not_configured")
    kind = message.content.get("kind", "text")
    files = _addresses(message.content.get("media")) if kind == "media" else []
    if kind not in ("text", "media") or (kind == "media" and not files):
        return _refused("content", "unsupported_content")
    if not message.text and not files:
        return _refused("content", "text_length")
    if message.validity_s is not None:
        # Its API has no such field: the text could come when it is worth nothing any more.
        return _refused("content", "validity_not_possible")
    body: dict[str, object] = {"text": message.text, "from": message.from_, "to": message.to}
    if files:
        body["mediaFileURLs"] = files
    if config.ignore_quiet_hours:
        body["ignoreQuietHours"] = True
    octets = msgspec.json.encode(body)
    response = yield HttpRequest("POST", HOST + MESSAGES, account(config), octets)
    return _result(response)


def account(config: TextellentConfig) -> Headers:
    """Return the headers that say whose a request is, and that it is JSON."""
    headers: Headers = (*_JSON, ("authCode", config.auth_code or ""))
    if config.partner_client_code:
        headers += (("partnerClientCode", config.partner_client_code),)
    return headers


def fake(request: HttpRequest, config: TextellentConfig, how: Fake) -> Faked | None:
    """Answer a request as Textellent's API may; None for an address that it does not have."""
    path = urlsplit(request.url).path
    if path not in (MESSAGES, SUBSCRIBE, SUBSCRIPTIONS) and not _UNSUBSCRIBE.fullmatch(path):
        return None
    if how.outcome == "broken":
        return Faked(_answer(500, "Internal server error"))
    if how.outcome == "throttled":
        return Faked(_answer(429, "Too many requests"))
    given = [value for name, value in request.headers if name.lower() == "authcode"]
    known = (config.auth_code or "").encode()
    right = len(given) == 1 and hmac.compare_digest(given[0].encode(), known) and bool(known)
    if not right or how.outcome == "refused":
        return Faked(_answer(401, "Invalid authCode"))
    if path != MESSAGES:
        return Faked(_answer(200, "Success", [] if path == SUBSCRIPTIONS else None))
    if request.method != "POST":
        return Faked(_answer(405, "Method not allowed"))
    message = _taken(request.body, how)
    if message is None:
        return Faked(_answer(400, "Bad request"))
    body = {"statusCode": 200, "message": "Success", "messageId": message.message_id}
    return Faked(HttpResponse(200, _JSON, msgspec.json.encode(body)), (message,))


def _result(response: HttpResponse) -> SendResult:
    if not 200 <= response.status < 300:
        return reading.result_of_status(response.status)
    try:
        told = reading.mapping(decode(response.body))
    except StrictJsonError:
        return SendResult("uncertain")
    inner = reading.mapping(told.get("data")) or told
    named = inner.get("messageId", inner.get("id"))
    if isinstance(named, int) and not isinstance(named, bool):
        named = str(named)
    code = told.get("statusCode")
    if isinstance(code, int) and code >= 400:
        return reading.result_of_status(code)
    found = reading.text(named)
    return SendResult("uncertain") if found is None else SendResult("submitted", (found,))


def _taken(body: bytes, how: Fake) -> OutboundMessage | None:
    try:
        told = reading.mapping(decode(body))
    except StrictJsonError:
        return None
    to, sender = reading.text(told.get("to")), reading.text(told.get("from"))
    words, files = told.get("text"), told.get("mediaFileURLs")
    named = files if isinstance(files, list) else []
    listed = [{"url": one} for one in named if reading.text(one, 2048)]
    if to is None or sender is None or not (reading.clipped(words) or listed):
        return None
    return OutboundMessage(
        to=to,
        from_=sender,
        channel="mms" if listed else "sms",
        text=reading.clipped(words) or "",
        message_id=str(int(how.seed[:12], 16)),
        content={"kind": "media", "media": listed} if listed else {},
    )


def _addresses(files: object) -> list[str]:
    found = [reading.mapping(one).get("url") for one in files] if isinstance(files, list) else []
    return [one for one in found if isinstance(one, str) and one]


def _answer(status: int, words: str, data: object = None) -> HttpResponse:
    body: dict[str, object] = {"statusCode": status, "message": words}
    if data is not None:
        body["data"] = data
    return HttpResponse(status, _JSON, msgspec.json.encode(body))


def _refused(class_: ErrorClass, code: str) -> SendResult:
    return SendResult("refused", error=Failure(class_, code, stage="rejected"))
