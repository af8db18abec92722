"""Callbacks as SMSPortal would post them, in each of its generations; unsigned.

V3 is our own presets, which is what people are told to paste. WhatsApp is not simulated: what its
webhooks hold is not published.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import msgspec

from ringback.domain.http import HttpRequest
from ringback.domain.messages import Status
from ringback.providers.base import CannotSimulateError, OutboundMessage
from ringback.providers.smsportal_config import SmsPortalConfig, offset_minutes
from ringback.providers.smsportal_items import ERRORS

AGENT = "SMSPortal Webhook Engine"

WORDS: dict[Status, str] = {
    "submitted": "STAGED",
    "sent": "SUBMITD",
    "delivered": "DELIVRD",
    "failed": "UNDELIV",
    "expired": "EXPIRED",
    "cancelled": "CANCELLED",
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def simulate(
    message: OutboundMessage, status: Status, config: SmsPortalConfig, url: str
) -> HttpRequest:
    """Make the request, without its proof. Raises CannotSimulateError."""
    if status != "received" and status not in WORDS:
        raise CannotSimulateError(f"SMSPortal never reports {status}")
    word = "" if status == "received" else _word(message, status)
    if config.simulate_as == "v1":
        return _v1(message, word, config, url)
    said = _v2(message, word) if config.simulate_as == "v2" else _v3(message, word, config)
    headers = (("Content-Type", "application/json; charset=utf-8"), ("User-Agent", AGENT))
    return HttpRequest("POST", url, headers, msgspec.json.encode(said))


def _word(message: OutboundMessage, status: Status) -> str:
    code = message.error_code
    if code is None or status not in ("failed", "expired"):
        return WORDS[status]
    rule = ERRORS.get(code.upper())
    if rule is None or rule.status != status:
        codes = ", ".join(name for name, one in ERRORS.items() if one.status == status)
        raise CannotSimulateError(f"SMSPortal has no code {code[:32]!r} for that, but: {codes}")
    return code.upper()


def _v1(message: OutboundMessage, word: str, config: SmsPortalConfig, url: str) -> HttpRequest:
    at = _local(message.at_ms, config)
    time = f"{at.day:02}/{_MONTHS[at.month - 1]}/{at:%Y %H:%M:%S}"
    said: dict[str, str | int] = {
        "ID": _line(message),
        "EventID": _event(message),
        "Phonenumber": _bare(message.to),
        "DataType": "SMS",
        "Data": message.text,
        "SentDataTime": time,
        "Status": word,
        "CustomerID": message.reference or "",
    }
    if not word:
        said = {
            "IncomingID": _event(message),
            "Phonenumber": _bare(message.from_),
            "IncomingData": message.text,
            "IncomingDataTime": time,
            "SentID": "",
            "EventID": "",
            "SentData": "",
            "SentDataTime": "",
            "CustomerID": message.reference or "",
            "ShortCode": _bare(message.to),
        }
    mark = "&" if "?" in url else "?"
    asked = urlencode(said, quote_via=quote)
    return HttpRequest("GET", f"{url}{mark}{asked}", (("User-Agent", AGENT),))


def _v2(message: OutboundMessage, word: str) -> dict[str, object]:
    seconds = message.at_ms // 1000
    if not word:
        return {
            "To": _bare(message.to),
            "Id": _event(message),
            "EventId": 0,
            "Msisdn": _bare(message.from_),
            "Message": message.text,
            "Received": seconds,
            "UserReference": message.reference or "",
        }
    return {
        "Status": word,
        "EventId": _event(message),
        "Mcc": 655,
        "Mnc": "01",
        "MsgCount": 1,
        "Msisdn": _bare(message.to),
        "Received": seconds,
        "UserReference": message.reference or "",
    }


def _v3(message: OutboundMessage, word: str, config: SmsPortalConfig) -> dict[str, object]:
    time = f"{_local(message.at_ms, config):%Y-%m-%dT%H:%M:%S}"
    if not word:
        return {
            "type": "reply",
            "incomingId": str(_event(message)),
            "eventId": "",
            "sentId": "",
            "customerId": message.reference or "",
            "sourcePhoneNumber": _bare(message.from_),
            "shortCode": _bare(message.to),
            "dateTime": time,
            "text": message.text,
        }
    return {
        "type": "status",
        "eventId": str(_event(message)),
        "sentId": str(_line(message)),
        "customerId": message.reference or "",
        "phoneNumber": _bare(message.to),
        "status": word,
        "dateTime": time,
    }


def _local(at_ms: int, config: SmsPortalConfig) -> datetime:
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return moment + timedelta(minutes=offset_minutes(config))


def _bare(number: str) -> str:
    return number.removeprefix("+")


def _event(message: OutboundMessage) -> str | int:
    """Return the id of the message, or one made of its content."""
    named = message.message_id or str(_made(message, "event"))
    # As a number, which is what SMSPortal has, wherever it is one.
    return int(named) if named.isascii() and named.isdigit() and len(named) < 19 else named


def _line(message: OutboundMessage) -> int:
    return _made(message, message.message_id)


def _made(message: OutboundMessage, salt: str) -> int:
    seed = f"{salt}|{message.to}|{message.reference}|{message.text}|{message.at_ms}"
    return int(hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:8], 16) + 1
