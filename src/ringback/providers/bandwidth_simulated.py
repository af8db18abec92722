"""Callbacks as Bandwidth would post them: events of messages, alone or several in one array."""

import base64
import hashlib

from ringback.domain.messages import Status
from ringback.providers import reading
from ringback.providers.bandwidth_items import ERROR_TABLE
from ringback.providers.bandwidth_send import iso
from ringback.providers.base import CannotSimulateError, OutboundMessage

APPLICATION_ID = "93de2206-9669-4e07-948d-329f4b722ee2"

# What a failure carries whose code nobody named: the error's code and its description.
_ENDINGS: dict[Status, tuple[str, str]] = {
    "failed": ("4720", "Invalid destination"),
    "expired": ("4360", "Message expired"),
    "unconfirmed": ("9902", "Delivery receipt timed out"),
}
_TYPES: dict[Status, str] = {
    "submitted": "message-sending",
    "sent": "message-sent",
    "delivered": "message-delivered",
    "read": "message-read",
    "received": "message-received",
}
_INBOUND = {"button": "suggestion-response", "location": "requested-location-response"}
_CHANNELS = {"mms": "MMS", "rcs": "RBM"}
SIMULATED: tuple[Status, ...] = (*_TYPES, *_ENDINGS)


def event(message: OutboundMessage, status: Status) -> dict[str, object]:
    """Make the event that tells of a status of `message`, or of its arrival.

    In one that arrives, `from_` is the person and `to` is our number. Raises CannotSimulateError
    for a status that Bandwidth never reports, and for a code that means another status.
    """
    if status not in SIMULATED:
        raise CannotSimulateError(f"Bandwidth never reports {status}")
    time = iso(message.at_ms)
    inbound = status == "received"
    seed = f"{message.to}|{message.from_}|{message.reference}|{message.text}|{message.at_ms}"
    inner: dict[str, object] = {
        "id": message.message_id or hashlib.sha256(seed.encode()).hexdigest()[:32],
        "owner": message.to if inbound else message.from_,
        "applicationId": APPLICATION_ID,
        "time": time,
        "segmentCount": 1,
        "direction": "in" if inbound else "out",
        "to": [message.to],
        "from": message.from_,
        # Reports say nothing of what was sent.
        "text": message.text if inbound else "",
        "channel": _CHANNELS.get(message.channel, "SMS"),
    }
    if message.reference:
        inner["tag"] = message.reference
    told: dict[str, object] = {"time": time, "to": message.to, "message": inner}
    if inbound:
        kind = str(message.content.get("kind", "text"))
        inner |= _arrived(message, kind)
        type_ = _INBOUND.get(kind, "message-received")
        return {**told, "type": type_, "description": "Incoming message received"}
    if status in _ENDINGS:
        code, description = _failed(message, status)
        told |= {"errorCode": int(code), "description": description}
        return {**told, "type": "message-failed"}
    if status == "read":
        told["eventTime"] = time
    return {**told, "type": _TYPES[status], "description": "ok"}


def _failed(message: OutboundMessage, status: Status) -> tuple[str, str]:
    named = message.error_code
    if named is None:
        return _ENDINGS[status]
    row = ERROR_TABLE.rule(named)
    if not (named.isascii() and named.isdigit() and len(named) == 4 and row.status == status):
        raise CannotSimulateError(f"Bandwidth has no error {named[:16]} that means {status}")
    return named, row.code.replace("_", "-")


def _arrived(message: OutboundMessage, kind: str) -> dict[str, object]:
    """Make what an inbound message of some kind has beside its text."""
    content = message.content
    if kind == "media":
        files = content.get("media")
        urls = [reading.mapping(one).get("url") for one in files] if isinstance(files, list) else []
        if message.channel != "rcs":
            return {"media": urls, "channel": "MMS"}
        first = {"media": {"fileUrl": urls[0]}} if urls else {}
        return {"content": {"text": message.text, **first}}
    if kind == "button":
        button = reading.mapping(content.get("button"))
        payload = str(button.get("payload", ""))
        said = {
            "text": button.get("text", message.text),
            "postbackData": base64.b64encode(payload.encode()).decode(),
        }
        paired = {"pairedMessageId": content["reply_to"]} if content.get("reply_to") else {}
        return {"suggestionResponse": {**said, **paired}, "channel": "RBM"}
    if kind == "location":
        place = reading.mapping(content.get("location"))
        degrees = {name: str(place.get(name, 0)) for name in ("latitude", "longitude")}
        return {"locationResponse": degrees, "channel": "RBM"}
    return {}
