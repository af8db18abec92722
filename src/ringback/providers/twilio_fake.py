"""Twilio's side of the wire: its send API faked, and the callbacks it would post.

Its answers have the shapes of the real ones, so that Twilio's own libraries read them.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import msgspec

from ringback.domain.http import Headers, HttpRequest, HttpResponse
from ringback.domain.messages import Status
from ringback.providers import reading
from ringback.providers import twilio_forms as forms
from ringback.providers.base import Fake, Faked, OutboundMessage
from ringback.providers.twilio_config import TwilioConfig
from ringback.providers.twilio_items import OPT_OUT
from ringback.providers.twilio_proof import (
    FORM,
    SETTINGS_HEADER,
    SHA256,
    authenticate,
    basic,
)
from ringback.providers.twilio_send import prefixed
from ringback.providers.twilio_tables import ERRORS, address, channel

ACCOUNT = "AC" + "0" * 31 + "1"
# What a simulated status is called; failures follow their code.
WORDS: dict[Status, str] = {
    "submitted": "queued",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "cancelled": "canceled",
}
FAILED, EXPIRED = "30003", "30036"

_MESSAGES = re.compile(r"/2010-04-01/Accounts/([A-Za-z0-9]{1,64})/Messages(?:\.json)?")
_STATUSES = {"20003": 401, "20404": 404, "20429": 429, "20500": 500}
_SAID = {
    "20003": "Authenticate",
    "20429": "Too Many Requests",
    "20500": "An internal server error has occurred",
    "21211": "The 'To' number is not a valid phone number",
    "21602": "Message body is required",
    "21603": "A 'From' phone number is required",
    "21604": "A 'To' phone number is required",
    "21610": "Attempt to send to unsubscribed recipient",
    "21611": "This 'From' number has exceeded the maximum number of queued messages",
    "21617": "The concatenated message body exceeds the 1600 character limit",
}
_KEYWORDS = frozenset(
    ("STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT")
)


def fake(request: HttpRequest, config: TwilioConfig, how: Fake) -> Faked | None:
    """Answer the creation of a message as Twilio would; None for every other address."""
    found = _MESSAGES.fullmatch(urlsplit(request.url).path)
    if found is None or request.method != "POST":
        return None
    given = [value for name, value in request.headers if name.lower() == "authorization"]
    if len(given) != 1 or not _allowed(given[0], config):
        return Faked(_refusal("20003"))
    asked = _fields(request.body)
    if how.outcome != "accepted":
        default = {"refused": "21211", "throttled": "20429", "broken": "20500"}[how.outcome]
        named = how.code if how.outcome == "refused" and how.code else default
        return Faked(_refusal(named))
    if not asked.get("To"):
        return Faked(_refusal("21604"))
    if not (asked.get("From") or asked.get("MessagingServiceSid")):
        return Faked(_refusal("21603"))
    if not any(asked.get(name) for name in ("Body", "MediaUrl", "ContentSid")):
        return Faked(_refusal("21602"))
    if len(asked.get("Body", [""])[0]) > 1600:
        return Faked(_refusal("21617"))
    message = _taken(asked, how)
    body = msgspec.json.encode(_resource(message, asked, found[1], how))
    return Faked(HttpResponse(201, _headers(how.seed), body), (message,))


def simulate(
    message: OutboundMessage, status: Status, config: TwilioConfig, url: str
) -> HttpRequest:
    """Make a signed status callback of `message`, or one for its arrival from a person."""
    if status == "received":
        form = _received(message, config)
    else:
        form = _reported(message, status, config)
        if message.reference:
            url = forms.with_query(url, **{forms.REFERENCE: message.reference})
    headers: Headers = (
        ("Content-Type", f"{FORM}; charset=UTF-8"),
        ("User-Agent", "TwilioProxy/1.1"),
        ("I-Twilio-Idempotency-Token", hashlib.sha256(repr(form).encode()).hexdigest()[:36]),
    )
    if config.shared_key:
        headers += ((SETTINGS_HEADER, f"key=webhooks_sharedkey_1,algorithm={SHA256}"),)
    return authenticate(HttpRequest("POST", url, headers, urlencode(form).encode()), config)


def _allowed(given: str, config: TwilioConfig) -> bool:
    right = [basic(config.account_sid or ACCOUNT, config.auth_token)]
    if config.api_key_sid and config.api_key_secret:
        right.append(basic(config.api_key_sid, config.api_key_secret))
    return any(hmac.compare_digest(given.encode(), one.encode()) for one in right)


def _fields(body: bytes) -> dict[str, list[str]]:
    gathered: dict[str, list[str]] = {}
    for name, value in forms.pairs(body) or ():
        gathered.setdefault(name.decode(errors="replace"), []).append(
            value.decode(errors="replace")
        )
    return gathered


def _taken(asked: dict[str, list[str]], how: Fake) -> OutboundMessage:
    """Return the message that a form asks for, with the id that it gets."""

    def one(name: str) -> str:
        return asked.get(name, [""])[0]

    files = asked.get("MediaUrl", [])
    content: dict[str, object] = {}
    if files:
        content = {"kind": "media", "media": [{"url": url} for url in files]}
    if one("ContentSid"):
        content = {"kind": "template", "name": one("ContentSid")}
        if one("ContentVariables"):
            content["parameters"] = _decoded(one("ContentVariables"))
    sender = one("From") or one("MessagingServiceSid")
    sid = ("MM" if files else "SM") + how.seed
    validity = one("ValidityPeriod")
    called = one("StatusCallback") or None
    return OutboundMessage(
        to=address(one("To")) or one("To"),
        from_=address(sender) or sender,
        channel=channel(sid, one("To"), sender, media=bool(files)),
        text=one("Body"),
        message_id=sid,
        reference=None if called is None else forms.reference_in(called),
        at_ms=how.now_ms,
        content=content,
        validity_s=int(validity) if validity.isascii() and validity.isdigit() else None,
        callback_url=called,
    )


def _decoded(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _resource(
    message: OutboundMessage, asked: dict[str, list[str]], account: str, how: Fake
) -> dict[str, object]:
    """Make the Message resource that Twilio answers with."""
    path = f"/2010-04-01/Accounts/{account}/Messages/{message.message_id}"
    service = asked.get("MessagingServiceSid", [None])[0]
    status = "accepted" if service else "queued"
    created = datetime.fromtimestamp(how.now_ms // 1000, UTC)
    stamp = f"{created:%a, %d %b %Y %H:%M:%S} +0000"
    return {
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": message.text,
        "date_created": stamp,
        "date_sent": None,
        "date_updated": stamp,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": asked.get("From", [None])[0],
        "messaging_service_sid": service,
        "num_media": str(len(asked.get("MediaUrl", []))),
        "num_segments": "0" if service else "1",
        "price": None,
        "price_unit": "USD",
        "sid": message.message_id,
        "status": "scheduled" if asked.get("ScheduleType") else status,
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": asked["To"][0],
        "uri": f"{path}.json",
    }


def _headers(seed: str) -> Headers:
    return (
        ("Content-Type", "application/json; charset=utf-8"),
        ("Twilio-Request-Id", "RQ" + seed),
    )


def _refusal(code: str) -> HttpResponse:
    status = _STATUSES.get(code, 400)
    rule = ERRORS.get(code)
    said = _SAID.get(code) or (rule.code.replace("_", " ") if rule else "Bad request")
    body = {
        "code": int(code) if code.isascii() and code.isdigit() else 21211,
        "message": said,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    headers = _headers("0" * 32)
    if status == 429:
        headers += (("Retry-After", "1"),)
    return HttpResponse(status, headers, msgspec.json.encode(body))


def _identify(message: OutboundMessage) -> str:
    if message.message_id:
        return message.message_id
    seed = f"{message.to}|{message.from_}|{message.reference}|{message.text}|{message.at_ms}"
    kind = "MM" if message.content.get("media") else "SM"
    return kind + hashlib.sha256(seed.encode()).hexdigest()[:32]


def _common(message: OutboundMessage, config: TwilioConfig) -> dict[str, str]:
    sid = _identify(message)
    form = {
        "MessageSid": sid,
        "SmsSid": sid,
        "AccountSid": config.account_sid or ACCOUNT,
        "From": prefixed(message.from_, message.channel),
        "To": prefixed(message.to, message.channel),
        "ApiVersion": "2010-04-01",
    }
    if config.messaging_service_sid:
        form["MessagingServiceSid"] = config.messaging_service_sid
    return form


def _reported(message: OutboundMessage, status: Status, config: TwilioConfig) -> dict[str, str]:
    form = _common(message, config)
    if status in WORDS:
        word = WORDS[status]
    else:
        code = message.error_code or (EXPIRED if status == "expired" else FAILED)
        rule = ERRORS.get(code)
        word = "failed" if rule is not None and rule.stage == "rejected" else "undelivered"
        form["ErrorCode"] = code
    form |= {"MessageStatus": word, "SmsStatus": word}
    if status == "read":
        form["EventType"] = "READ"
    if message.channel in ("whatsapp", "rcs", "messenger"):
        form["ChannelPrefix"] = message.channel
        form["ChannelToAddress"] = prefixed(message.to, message.channel)
    elif status == "delivered":
        at = datetime.fromtimestamp(message.at_ms // 1000, UTC)
        form["RawDlrDoneDate"] = f"{at:%y%m%d%H%M}"
    return form


def _received(message: OutboundMessage, config: TwilioConfig) -> dict[str, str]:
    form = _common(message, config)
    form |= {
        "SmsMessageSid": form["MessageSid"],
        "SmsStatus": "received",
        "Body": message.text,
        "NumSegments": "1",
        "FromCountry": "US",
        "ToCountry": "US",
    }
    listed = message.content.get("media")
    files = [reading.mapping(one) for one in listed] if isinstance(listed, list) else []
    form["NumMedia"] = str(len(files))
    for index, one in enumerate(files):
        form[f"MediaUrl{index}"] = str(one.get("url", ""))
        form[f"MediaContentType{index}"] = str(one.get("content_type", "image/jpeg"))
    word = message.text.strip().upper()
    meant = "STOP" if word in _KEYWORDS else word
    if meant in (*OPT_OUT, "HELP"):
        form["OptOutType"] = meant
    if message.channel == "whatsapp":
        form |= {"ProfileName": "Simulated", "WaId": message.from_.lstrip("+")}
    return form
