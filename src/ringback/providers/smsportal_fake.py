"""A faked send API of SMSPortal's: both versions of sending, and the token.

It takes what `smsportal_send` makes and what people write by hand after SMSPortal's pages: names in
capitals or not, paths with a version or without, credentials themselves or a token. What was sent
it answers as each version does, the first with names in capitals:
https://docs.smsportal.com/docs/rest-sending
"""

import base64
import binascii
import hmac

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.strict_json import StrictJsonError, decode
from ringback.providers import reading
from ringback.providers.base import Fake, Faked, OutboundMessage
from ringback.providers.smsportal_config import SmsPortalConfig
from ringback.providers.smsportal_send import BATCH_MAX, REFUSALS, capitals

# Codes that it refuses with: counts of an answer 200, and statuses.
CODES = (*REFUSALS, "400", "401", "403")

_COUNTS = ("noNetwork", "noContents", "contentToLong", "duplicates", "optedOuts")
_SIGN_IN = "/authentication"
_SEND = "/bulkmessages"


def answer(request: HttpRequest, config: SmsPortalConfig, how: Fake) -> Faked | None:
    """Answer as SMSPortal would; None for an address that it does not have."""
    path = "/" + request.url.partition("://")[2].partition("/")[2].partition("?")[0]
    bare = path.lower().rstrip("/")
    version = "v3" if bare.endswith(f"/v3{_SEND}") else "v1"
    if bare.endswith(_SIGN_IN) and request.method in ("GET", "POST"):
        return _token(request, config, how)
    if not bare.endswith(_SEND) or request.method != "POST":
        return None
    if not _proved(request, config, ("basic", "bearer")):
        return _error(401, "unauthorised", "Authorization has been denied for this request.")
    refused = _refused(how)
    return refused or _taken(request, how, version)


def _token(request: HttpRequest, config: SmsPortalConfig, how: Fake) -> Faked:
    if not _proved(request, config, ("basic",)):
        return _error(401, "unauthorised", "Authorization has been denied for this request.")
    if how.outcome == "broken":
        return _error(500, "internal", "An error has occurred.")
    if how.outcome == "throttled":
        return _error(429, "throttled", "Too many requests.", ("Retry-After", "2"))
    token = _token_of(config)
    return _said(200, {"token": token, "schema": "JWT", "expiresInMinutes": 1440})


def _refused(how: Fake) -> Faked | None:
    if how.outcome == "throttled":
        return _error(429, "throttled", "Too many requests.", ("Retry-After", "2"))
    if how.outcome == "broken":
        return _error(500, "internal", "An error has occurred.")
    if how.outcome == "refused" and how.code in ("400", "401", "403"):
        return _error(int(how.code), "refused", "The request was refused.")
    return None


def _taken(request: HttpRequest, how: Fake, version: str) -> Faked:
    try:
        asked = _lower(decode(request.body), 0)
    except StrictJsonError:
        return _error(400, "malformed", "The request is not JSON.")
    body = reading.mapping(asked)
    listed = body.get("messages")
    if not isinstance(listed, list) or not 0 < len(listed) <= BATCH_MAX:
        return _error(400, "messages", f"There must be 1 to {BATCH_MAX} messages.")
    options = reading.mapping(body.get("sendoptions"))
    event = str(10_000_000_000 + int(how.seed[:8], 16))
    messages: list[OutboundMessage] = []
    counts = dict.fromkeys(_COUNTS, 0)
    faults: list[dict[str, object]] = []
    for one in map(reading.mapping, listed):
        reason = _reason(one, how)
        if reason is None:
            messages.append(_message(one, options, event))
        else:
            counts[reason] += 1
            number = one.get("destination")
            fault = {"rawDestination": number, "errorMessage": reason, "status": "failed"}
            faults.append({**fault, "customerId": one.get("customerid")})
    queued = len(messages)
    sent: dict[str, object] = {
        "cost": queued,
        "remainingBalance": 1000 - queued,
        "eventId": int(event),
        "messages": queued,
        "parts": queued,
        "errorReport": {**counts, "faults": faults},
    }
    told: dict[str, object] = {"statusCode": 200, "sendResponse": sent, "errors": []}
    if version == "v1":
        sample = messages[0].text if messages else ""
        shown = capitals({**sent, "sample": sample, "costBreakDown": []})
        told = reading.mapping(shown)
    return _said(200, told, tuple(messages))


def _reason(one: dict[str, object], how: Fake) -> str | None:
    """Say why a message is left out, by the name under which it is counted."""
    number, text = one.get("destination"), one.get("content")
    if how.outcome == "refused":
        return how.code if how.code in REFUSALS else "noNetwork"
    plain = isinstance(number, str | int) and str(number).removeprefix("+").isdigit()
    if not plain or isinstance(number, bool):
        return "noNetwork"
    return None if isinstance(text, str) and text else "noContents"


def _message(one: dict[str, object], options: dict[str, object], event: str) -> OutboundMessage:
    return OutboundMessage(
        to=f"+{str(one['destination']).removeprefix('+')}",
        from_=reading.text(options.get("senderid")) or "",
        channel="sms",
        text=str(one["content"]),
        message_id=event,
        reference=reading.text(one.get("customerid"), reading.REFERENCE_MAX),
    )


def _proved(request: HttpRequest, config: SmsPortalConfig, schemes: tuple[str, ...]) -> bool:
    """Say whether the connection's credentials came along, or the token that they bring."""
    given = [value for name, value in request.headers if name.lower() == "authorization"]
    scheme, _, rest = (given or [""])[0].partition(" ")
    if len(given) != 1 or scheme.lower() not in schemes:
        return False
    if not (config.client_id and config.api_secret):
        return False
    if scheme.lower() == "bearer":
        return _same(rest.encode("utf-8", "surrogatepass"), _token_of(config))
    try:
        return _same(
            base64.b64decode(rest, validate=True), f"{config.client_id}:{config.api_secret}"
        )
    except (binascii.Error, ValueError):
        return False


def _same(given: bytes, right: str) -> bool:
    return hmac.compare_digest(given, right.encode())


def _token_of(config: SmsPortalConfig) -> str:
    # The same for the same account: nothing is remembered, and nobody guesses it.
    return "fake-" + reading.fingerprint(config.client_id or "", config.api_secret or "")


def _lower(value: object, depth: int) -> object:
    if isinstance(value, dict) and depth < 4:
        return {str(name).lower(): _lower(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list):
        return [_lower(one, depth + 1) for one in value]
    return value


def _error(status: int, code: str, message: str, *headers: tuple[str, str]) -> Faked:
    body = msgspec.json.encode({"errorCode": code, "errorMessage": message})
    return Faked(HttpResponse(status, (("Content-Type", "application/json"), *headers), body))


def _said(
    status: int, body: dict[str, object], messages: tuple[OutboundMessage, ...] = ()
) -> Faked:
    headers = (("Content-Type", "application/json; charset=utf-8"),)
    return Faked(HttpResponse(status, headers, msgspec.json.encode(body)), messages)
