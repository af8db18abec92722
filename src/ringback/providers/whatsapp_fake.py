"""Meta's Graph API as far as messages and their files go, played: answers and refusals.

https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
"""

import base64
import hashlib
import hmac
import re
from urllib.parse import parse_qs, urlsplit

import msgspec

from ringback.domain.http import Headers, HttpRequest, HttpResponse
from ringback.domain.strict_json import StrictJsonError, decode_as
from ringback.providers import reading
from ringback.providers.base import Fake, Faked, OutboundMessage
from ringback.providers.whatsapp_config import WhatsAppConfig
from ringback.providers.whatsapp_content import FILES
from ringback.providers.whatsapp_receipts import receipt_fault
from ringback.providers.whatsapp_send import (
    KINDS,
    NUMBER,
    TEXT_MAX,
    USER_ID,
    VALIDITY_MAX_S,
    VALIDITY_MIN_S,
)
from ringback.providers.whatsapp_simulate import NUMBER_ID, title_of, wamid
from ringback.providers.whatsapp_tables import CHANNEL

# What sending is refused with at once; most refusals come later, as a failed status.
REFUSALS = ("131030", "131009", "132000", "132001", "131021", "131042", "131031", "368", "190")
RATE = "130429"
BROKEN = "131000"

_HTTP_STATUS = {
    "190": 401, "0": 401, "10": 403, "368": 403, "131005": 403, "131031": 403, "130497": 403,
    "132001": 404, "3": 500, "131000": 500, "131016": 500, "131045": 500, "131057": 500, "2": 503,
}  # fmt: skip
_MESSAGES = re.compile(r"(?:.*?/)?(?:([0-9]{1,32})/+)?(?:messages|marketing_messages)/?")
_UPLOAD = re.compile(r"(?:.*?/)?(?:([0-9]{1,32})/+)?media/?")
_APPS = re.compile(r"(?:.*?/)?([0-9]{1,32})/+subscribed_apps/?")
_OBJECT = re.compile(r"(?:.*/)?([0-9]{1,32})/?")
_FILES_PATH = "/whatsapp_business/attachments"
_FILES_HOST = "https://lookaside.fbsbx.com"
_JSON = ("Content-Type", "application/json; charset=UTF-8")
# One pixel: whatever file is asked for, this is what comes.
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJg"
    "gg=="
)
_MAP: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])


def fake(request: HttpRequest, config: WhatsAppConfig, how: Fake) -> Faked | None:
    """Answer as Meta would; None for an address that it is not played at."""
    parts = urlsplit(request.url)
    path = parts.path
    if path.rstrip("/").endswith(_FILES_PATH) and request.method == "GET":
        return _authorised(request, config, how) or _file(parts.query)
    for method, shape, play in (
        ("POST", _MESSAGES, _sent), ("POST", _UPLOAD, _uploaded), ("GET", _OBJECT, _looked_up),
        ("DELETE", _OBJECT, _deleted), ("GET", _APPS, _apps), ("POST", _APPS, _subscribed),
        ("DELETE", _APPS, _deleted),
    ):  # fmt: skip
        found = shape.fullmatch(path)
        if found is not None and request.method == method:
            return _authorised(request, config, how) or play(request, found[1], config, how)
    return None


def _authorised(request: HttpRequest, config: WhatsAppConfig, how: Fake) -> Faked | None:
    """Return Meta's refusal, unless the request holds the connection's token and no other.

    https://developers.facebook.com/docs/facebook-login/guides/access-tokens/debugging
    """
    header = config.token_header.lower()
    given = [
        (key.lower(), value)
        for key, value in request.headers
        if value and key.lower() in ("authorization", header)
    ]
    name, value = given[0] if len(given) == 1 else ("", "")
    # The scheme is Bearer; OAuth is what it was called before, and is still taken.
    scheme, _, token = ("bearer", "", value) if name == header else value.strip().partition(" ")
    known = (config.access_token or "").encode()
    right = hmac.compare_digest(token.strip().encode("utf-8", "surrogatepass"), known)
    if right and known and scheme.lower() in ("bearer", "oauth"):
        return None
    message = "Invalid OAuth access token - Cannot parse access token"
    return Faked(_refusal("190", message, how))


def _sent(request: HttpRequest, number: str | None, config: WhatsAppConfig, how: Fake) -> Faked:
    try:
        body = decode_as(request.body, _MAP)
    except StrictJsonError:
        return Faked(_refusal("100", "(#100) The body is no JSON object", how))
    if how.outcome != "accepted":
        return Faked(_chosen(how))
    if body.get("messaging_product") != "whatsapp":
        text = "(#100) The parameter messaging_product is required."
        return Faked(_refusal("100", text, how))
    reads = body.get("status") == "read"
    fault = receipt_fault(body) if reads else _fault(body)
    if fault is not None:
        return Faked(_refusal("131009", "(#131009) Parameter value is not valid", how, fault))
    if reads:
        return Faked(_ok({"success": True}))
    message = _taken(body, number or config.phone_number_id or NUMBER_ID, how)
    named = {"user_id" if "to" not in body else "wa_id": message.to.lstrip("+")}
    answer: dict[str, object] = {
        "messaging_product": "whatsapp",
        "contacts": [{"input": str(body.get("to") or body.get("recipient")), **named}],
        "messages": [{"id": message.message_id, "message_status": "accepted"}],
    }
    # In `to` a user id is taken like a number, and nothing is ever heard of the message again.
    dropped = USER_ID.fullmatch(str(body.get("to") or "")) is not None
    return Faked(_ok(answer), () if dropped else (message,))


def _fault(body: dict[str, object]) -> str | None:
    """Say what is wrong with a message, as far as Meta would see it at once."""
    to, recipient = body.get("to"), body.get("recipient")
    if isinstance(to, str) and to:
        if not (NUMBER.fullmatch(to) or USER_ID.fullmatch(to)):
            return "to is not a phone number"
    elif not (isinstance(recipient, str) and USER_ID.fullmatch(recipient)):
        return "to or recipient is required"
    type_ = body.get("type", "text")
    if not isinstance(type_, str) or type_ not in {*KINDS, *FILES} - {"media", "voice"}:
        return "type is not one of those that can be sent"
    if not body.get(type_):
        return f"{type_} is required"
    own = reading.mapping(body[type_])
    if type_ == "text" and not 0 < len(str(own.get("body") or "")) <= TEXT_MAX:
        return f"text['body'] must be between 1 and {TEXT_MAX} characters long"
    if type_ in FILES and not (own.get("id") or own.get("link")):
        return f"{type_}['id'] or {type_}['link'] is required"
    lives, most = body.get("ttl_seconds"), VALIDITY_MAX_S.get(str(body.get("category")))
    if lives is not None and not (
        isinstance(lives, int) and most and VALIDITY_MIN_S <= lives <= most
    ):
        return "the time-to-live is not one that a message of this category may have"
    if type_ == "template" and not (own.get("name") and reading.mapping(own.get("language"))):
        return "template['name'] and template['language'] are required"
    return None


def _taken(body: dict[str, object], number: str, how: Fake) -> OutboundMessage:
    to, type_ = str(body.get("to") or body.get("recipient")), str(body.get("type", "text"))
    own = reading.mapping(body.get(type_))
    content: dict[str, object] = {}
    if type_ in FILES:
        content = {"kind": "media", "media": [{"type": type_, **own}]}
        if "link" in own:
            content["media"] = [{"type": type_, **own, "url": own["link"]}]
    elif type_ == "template":
        language = reading.mapping(own.get("language")).get("code")
        content = {"kind": "template", **own, "language": language}
    elif type_ != "text":
        content = {"kind": type_, type_: body[type_]}
    answers = reading.mapping(body.get("context")).get("message_id")
    if answers:
        content["reply_to"] = answers
    if isinstance(body.get("category"), str):
        content["category"] = body["category"]
    words = own.get("body") if type_ == "text" else own.get("caption")
    lives = body.get("ttl_seconds")
    return OutboundMessage(
        to=reading.plus(to.lstrip("+")) or to,
        from_=number,
        channel=CHANNEL,
        text=words if isinstance(words, str) else "",
        message_id=wamid(hashlib.sha256(how.seed.encode()).digest()),
        reference=reading.text(body.get("biz_opaque_callback_data"), reading.REFERENCE_MAX),
        at_ms=how.now_ms,
        content=content,
        validity_s=lives if isinstance(lives, int) else None,
    )


def _uploaded(_: HttpRequest, _number: str | None, _config: WhatsAppConfig, how: Fake) -> Faked:
    if how.outcome != "accepted":
        return Faked(_chosen(how))
    digest = hashlib.sha256(how.seed.encode()).digest()
    return Faked(_ok({"id": str(int.from_bytes(digest[:6], "big") + 10**15)}))


def _looked_up(_: HttpRequest, named: str, config: WhatsAppConfig, how: Fake) -> Faked:
    if how.outcome != "accepted":
        return Faked(_chosen(how))
    if named == config.phone_number_id:
        return Faked(_ok({"id": named, "quality_rating": "GREEN", "verified_name": "Simulated"}))
    proof = hashlib.sha256(how.seed.encode()).hexdigest()[:32]
    until = how.now_ms // 1000 + 300
    return Faked(
        _ok(
            {
                "messaging_product": "whatsapp",
                "url": f"{_FILES_HOST}{_FILES_PATH}/?mid={named}&ext={until}&hash={proof}",
                "mime_type": "image/png",
                "sha256": hashlib.sha256(_PNG).hexdigest(),
                "file_size": len(_PNG),
                "id": named,
            }
        )
    )


def _deleted(_: HttpRequest, _named: str, _config: WhatsAppConfig, how: Fake) -> Faked:
    return Faked(_chosen(how) if how.outcome != "accepted" else _ok({"success": True}))


def _apps(_: HttpRequest, _account: str, _config: WhatsAppConfig, how: Fake) -> Faked:
    """Name the apps that are subscribed: none, because nothing is remembered."""
    return Faked(_chosen(how) if how.outcome != "accepted" else _ok({"data": []}))


def _subscribed(request: HttpRequest, _: str, config: WhatsAppConfig, how: Fake) -> Faked:
    """Subscribe an app; a URL that is to take the place of its own needs its verify token."""
    if how.outcome != "accepted":
        return Faked(_chosen(how))
    try:
        body = decode_as(request.body or b"{}", _MAP)
    except StrictJsonError:
        return Faked(_refusal("100", "(#100) The body is no JSON object", how))
    given = str(body.get("verify_token") or "").encode()
    if "override_callback_uri" in body and not hmac.compare_digest(
        given, config.verify_token.encode()
    ):
        return Faked(_refusal("2200", "(#2200) Callback verification failed", how))
    return Faked(_ok({"success": True}))


def _file(query: str) -> Faked:
    if not parse_qs(query).get("mid"):
        return Faked(HttpResponse(404, (("Content-Type", "text/html"),), b"Not Found"))
    return Faked(HttpResponse(200, (("Content-Type", "image/png"),), _PNG))


def _ok(answer: dict[str, object]) -> HttpResponse:
    return HttpResponse(200, (_JSON,), msgspec.json.encode(answer))


def _chosen(how: Fake) -> HttpResponse:
    """Refuse with the code that was chosen, or with one of the kind."""
    usual = {"throttled": RATE, "broken": BROKEN}.get(how.outcome, REFUSALS[0])
    code = how.code or usual
    return _refusal(code, f"(#{code}) {title_of(code)}", how, title_of(code))


def _refusal(
    code: str,
    message: str,
    how: Fake,
    details: str | None = None,
) -> HttpResponse:
    error: dict[str, object] = {
        "message": message,
        "type": "OAuthException",
        "code": int(code) if code.isascii() and code.isdigit() else 1,
    }
    if details is not None:
        error["error_data"] = {"messaging_product": "whatsapp", "details": details}
    if code in ("2", BROKEN, "131016", "131057"):
        error["is_transient"] = True
    error["fbtrace_id"] = "A" + hashlib.sha256(how.seed.encode()).hexdigest()[:22]
    headers: Headers = (_JSON,)
    if code == "190":
        headers += (("WWW-Authenticate", f'OAuth "Facebook Platform" "invalid_token" "{message}"'),)
    status = _HTTP_STATUS.get(code, 400)
    return HttpResponse(status, headers, msgspec.json.encode({"error": error}))
