"""Sending with MyLINK: an OAuth token, then up to 1,000 messages a request; and LINK's own part.

https://docs.linkmobility.com/api-reference/mylink-sms-api. Nothing is idempotent: a request
without an answer may have been taken.
"""

import hmac
import re
from collections.abc import Generator
from urllib.parse import urlencode, urlsplit

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import ErrorClass, Failure
from ringback.domain.strict_json import StrictJsonError, decode
from ringback.providers import forms, query_proof, reading
from ringback.providers.base import (
    CheckFlow,
    Fake,
    Faked,
    OutboundMessage,
    SendResult,
    TokenRequest,
)
from ringback.providers.linkmobility_config import LinkMobilityConfig

GRANT_URL = "https://sso.linkmobility.com/auth/realms/CPaaS/protocol/openid-connect/token"
SEND_URL = "https://api.linkmobility.com/sms/v1/messages"
GRANT_PATH = urlsplit(GRANT_URL).path
# The second is older, and takes the same.
SEND_PATHS = (urlsplit(SEND_URL).path, "/sms/v1")
BATCH_MAX = 1000
TEXT_MAX = 38_862
REFERENCE_MAX = 500
VALIDITY_MAX_MS = 172_800_000
TOKEN_LIFE_S = 300
# For how long a report is tried again: the most that LINK offers, twice what it does unasked.
REPORTS_LIVE_MS = 28_800_000
REFUSALS = ("400", "401", "403", "invalid_client")

_SENDER = re.compile(r"""\+?[0-9]{1,15}|[A-Za-z0-9\s+\-/'"!#%&()*.?><;]{1,11}""")
_RECIPIENT = re.compile(r"\+[0-9]{5,15}")

Flow = Generator[HttpRequest | TokenRequest, HttpResponse, list[SendResult]]


def flow(messages: tuple[OutboundMessage, ...], config: LinkMobilityConfig) -> Flow:
    """Send these with one request. What LINK could only refuse is refused before."""
    if not (config.client_id and config.client_secret):
        return [_refused("platform", "not_configured")] * len(messages)
    checked = [_item(message, config) for message in messages]
    items = [one for one in checked if isinstance(one, dict)]
    if items:
        found = yield from _post(items, config)
        taken = iter(found)
        return [one if isinstance(one, SendResult) else next(taken) for one in checked]
    return [one for one in checked if isinstance(one, SendResult)]


def check(config: LinkMobilityConfig) -> CheckFlow:
    """Ask for a new token."""
    granted = yield TokenRequest(_token_request(config), refused=True)
    return reading.checked(granted, "LINK Mobility")


def _post(items: list[dict[str, object]], config: LinkMobilityConfig) -> Flow:
    """Fetch a token and send; once more with a new token where the old one is not taken."""
    response = HttpResponse(401)
    for refused in (False, True):
        granted = yield TokenRequest(_token_request(config), refused)
        token = reading.answer(granted.body, _TOKEN)
        if granted.status != 200 or token is None or not reading.text(token.access_token, 8192):
            return [_no_token(granted)] * len(items)
        response = yield HttpRequest(
            "POST",
            SEND_URL,
            (
                ("Authorization", f"Bearer {token.access_token}"),
                ("Content-Type", "application/json"),
            ),
            msgspec.json.encode(items),
        )
        if response.status != 401:
            break
    return _results(response, items)


def _token_request(config: LinkMobilityConfig) -> HttpRequest:
    form = urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": config.client_id,
            "client_secret": config.client_secret,
        }
    )
    headers = (("Content-Type", "application/x-www-form-urlencoded"),)
    return HttpRequest("POST", GRANT_URL, headers, form.encode())


def _item(message: OutboundMessage, config: LinkMobilityConfig) -> dict[str, object] | SendResult:
    """Make one item of the request, or say why LINK could only refuse it."""
    to, sender = reading.plus(message.to) or "", message.from_
    if message.content and message.content.get("kind") not in (None, "text"):
        return _refused("content", "unsupported_content")
    if not _RECIPIENT.fullmatch(to):
        return _refused("recipient", "invalid_recipient")
    if not _SENDER.fullmatch(sender):
        return _refused("sender", "invalid_sender")
    if not 0 < len(message.text) <= TEXT_MAX:
        return _refused("content", "text_length")
    if len(message.reference or "") > REFERENCE_MAX:
        return _refused("content", "reference_length")
    item: dict[str, object] = {
        "recipient": to,
        "content": {
            "text": message.text,
            "options": {"sms.sender": sender, "sms.encoding": "AutoDetect"},
        },
    }
    if message.reference:
        item["referenceId"] = message.reference
    if message.validity_s is not None:
        lives = min(max(message.validity_s * 1000, 1), VALIDITY_MAX_MS)
        item["expiration"] = {"relative": lives}
    if message.callback_url:
        # Headers belong to callbacks that are configured in the portal: this one has none.
        url = query_proof.into(message.callback_url, config.token)
        item["callback"] = {"mode": "URL", "urls": [url], "ttl": REPORTS_LIVE_MS}
    return item


class _Token(msgspec.Struct):
    access_token: str = ""
    error: str | None = None
    error_description: str | None = None


class _Taken(msgspec.Struct, rename="camel"):
    message_id: str = ""
    reference_id: str | None = None
    recipient: str | None = None


class _Answer(msgspec.Struct):
    messages: list[_Taken] | None = None
    message: str | None = None
    description: str | None = None
    code: str | None = None


_TOKEN, _ANSWER = reading.Shape(_Token), reading.Shape(_Answer)


def _no_token(granted: HttpResponse) -> SendResult:
    """Judge an answer that holds no token: nothing was sent, whatever it says."""
    said = reading.answer(granted.body, _TOKEN) or _Token()
    because = reading.clipped(said.error_description, 500)
    code = reading.text(said.error, 64) or f"http_{granted.status}"
    if granted.status == 429:
        failure = Failure("throttled", "rate", True, code, because, "rejected")
        return SendResult("throttled", error=failure, wait_s=_wait_s(granted))
    if granted.status in (400, 401, 403):
        failure = Failure("platform", "unauthorised", False, code, because, "rejected")
    else:
        failure = Failure("platform", "no_token", True, code, because, "rejected")
    return SendResult("refused", error=failure)


def _results(response: HttpResponse, items: list[dict[str, object]]) -> list[SendResult]:
    answer = reading.answer(response.body, _ANSWER) or _Answer()
    if 200 <= response.status < 300:
        return _matched(answer.messages or [], items)
    result = reading.result_of_status(response.status)
    if result.error is not None:
        class_, code = result.error.class_, result.error.code
        if response.status == 400 and answer.message:
            class_, code = "content", "bad_request"
        failure = Failure(
            class_,
            code,
            result.error.retryable,
            reading.text(answer.code, 64) or result.error.provider_code,
            reading.clipped(answer.description or answer.message, 500),
            "rejected",
        )
        result = SendResult(result.outcome, error=failure, wait_s=_wait_s(response))
    return [result] * len(items)


def _matched(taken: list[_Taken], items: list[dict[str, object]]) -> list[SendResult]:
    """Find each item's id: in the order of the request, or else by our reference."""
    sound = [one for one in taken if reading.text(one.message_id)]
    in_order = len(sound) == len(items) and all(
        one.recipient in (None, item["recipient"])
        and one.reference_id in (None, item.get("referenceId"))
        for one, item in zip(sound, items, strict=True)
    )
    if in_order:
        return [SendResult("submitted", (one.message_id,)) for one in sound]
    by_name: dict[tuple[object, object], list[str]] = {}
    for one in sound:
        by_name.setdefault((one.reference_id, one.recipient), []).append(one.message_id)
    results = []
    for item in items:
        ids = by_name.get((item.get("referenceId"), item["recipient"]), [])
        # Two that are called the same cannot be told apart: LINK has taken them, and no more is
        # known.
        known = item.get("referenceId") is not None and len(ids) == 1
        results.append(SendResult("submitted", (ids[0],)) if known else SendResult("uncertain"))
    return results


def _wait_s(response: HttpResponse) -> float | None:
    """Read `Retry-After` in seconds; LINK documents none, and a proxy may send it."""
    for name, value in response.headers:
        if name.lower() == "retry-after" and value.isascii() and value.isdigit():
            return float(min(int(value[:9]), 86_400))
    return None


def _refused(class_: ErrorClass, code: str) -> SendResult:
    return SendResult("refused", error=Failure(class_, code, stage="rejected"))


def uuid_of(*pieces: str) -> str:
    """Make an id as LINK's look, the same for the same pieces."""
    hexed = reading.fingerprint(*pieces)
    return f"{hexed[:8]}-{hexed[8:12]}-4{hexed[13:16]}-a{hexed[17:20]}-{hexed[20:]}"


def fake(request: HttpRequest, config: LinkMobilityConfig, how: Fake) -> Faked | None:
    """Answer a request as LINK would; None for an address that it does not have."""
    path = urlsplit(request.url).path
    if path == GRANT_PATH:
        return Faked(_grant(request, config, how))
    if path not in SEND_PATHS:
        return None
    if request.method != "POST":
        return Faked(HttpResponse(405))
    token = {name.lower(): value for name, value in request.headers}.get("authorization", "")
    known = f"Bearer {_token_of(config)}".encode()
    if not hmac.compare_digest(_octets(token), known) or how.code == "401":
        return Faked(_json(401, {"message": "Unauthorized"}))
    return _take(request, how)


def _take(request: HttpRequest, how: Fake) -> Faked:
    named = uuid_of(how.seed)
    if how.outcome == "throttled":
        said = {"requestId": named, "description": "Too many requests", "code": "429"}
        return Faked(_json(429, said))
    if how.outcome == "broken":
        said = {"requestId": named, "description": "Internal server error", "code": "500"}
        return Faked(_json(500, said))
    if how.outcome == "refused" and how.code == "403":
        return Faked(HttpResponse(403))
    try:
        items = decode(request.body)
    except StrictJsonError:
        items = None
    fault = _fault(items)
    if how.outcome == "refused":
        fault = fault or "The request is invalid"
    if fault is not None or not isinstance(items, list):
        return Faked(_json(400, {"requestId": named, "message": fault}))
    taken = tuple(_taken(item, uuid_of(how.seed, str(n))) for n, item in enumerate(items))
    listed = [
        {"messageId": one.message_id, "referenceId": one.reference, "recipient": one.to}
        for one in taken
    ]
    return Faked(_json(202, {"requestId": named, "messages": listed}), taken)


def _fault(items: object) -> str | None:
    """Say what LINK would find wrong with a request's body."""
    if not isinstance(items, list) or not items:
        return "The body must be an array of messages"
    if len(items) > BATCH_MAX:
        return f"At most {BATCH_MAX} messages are allowed"
    for number, item in enumerate(map(reading.mapping, items)):
        content = reading.mapping(item.get("content"))
        options = reading.mapping(content.get("options"))
        text, callback = content.get("text"), reading.mapping(item.get("callback"))
        if not str(item.get("recipient", "")).startswith("+"):
            return f"[{number}].recipient must match ^\\+.*$"
        if not isinstance(text, str) or not 0 < len(text) <= TEXT_MAX:
            return f"[{number}].content.text must have 1 to {TEXT_MAX} characters"
        if not _SENDER.fullmatch(str(options.get("sms.sender", ""))):
            return f"[{number}].content.options.sms.sender is invalid"
        if len(str(item.get("referenceId") or "")) > REFERENCE_MAX:
            return f"[{number}].referenceId has more than {REFERENCE_MAX} characters"
        if callback.get("mode") == "URL" and not callback.get("urls"):
            return f"[{number}].callback.urls is required"
    return None


def _taken(item: object, named: str) -> OutboundMessage:
    found = reading.mapping(item)
    content = reading.mapping(found.get("content"))
    lives = reading.mapping(found.get("expiration")).get("relative")
    urls = reading.mapping(found.get("callback")).get("urls")
    return OutboundMessage(
        to=str(found.get("recipient")),
        from_=str(reading.mapping(content.get("options")).get("sms.sender")),
        channel="sms",
        text=str(content.get("text")),
        message_id=named,
        reference=reading.text(found.get("referenceId"), REFERENCE_MAX),
        validity_s=lives // 1000 if isinstance(lives, int) else None,
        callback_url=str(urls[0]) if isinstance(urls, list) and urls else None,
    )


def _grant(request: HttpRequest, config: LinkMobilityConfig, how: Fake) -> HttpResponse:
    """Answer a request for a token as LINK's sign-on server, a Keycloak, would."""
    form = dict(forms.pairs(request.body) or ())
    if request.method != "POST" or form.get("grant_type") != "client_credentials":
        said = {"error": "unsupported_grant_type", "error_description": "Unsupported grant_type"}
        return _json(400, said)
    expected = (config.client_id or "", config.client_secret or "")
    right = True
    for name, value in zip(("client_id", "client_secret"), expected, strict=True):
        right &= hmac.compare_digest(_octets(form.get(name, "")), _octets(value)) and bool(value)
    if not right or how.code == "invalid_client":
        because = "Invalid client or Invalid client credentials"
        return _json(401, {"error": "invalid_client", "error_description": because})
    granted = {
        "access_token": _token_of(config),
        "expires_in": TOKEN_LIFE_S,
        "refresh_expires_in": 0,
        "token_type": "Bearer",
        "not-before-policy": 0,
        "scope": "",
    }
    return _json(200, granted)


def _token_of(config: LinkMobilityConfig) -> str:
    return "fake-" + reading.fingerprint(config.client_id or "", config.client_secret or "")


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _json(status: int, body: object) -> HttpResponse:
    headers = (("Content-Type", "application/json; charset=utf-8"),)
    return HttpResponse(status, headers, msgspec.json.encode(body))
