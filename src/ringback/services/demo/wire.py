"""Facts as the requests that providers would make of them, signed; and what can be wrong with them.

Unlike `simulate` of the adapters, any of a provider's error codes can be said, and times lie where
the story puts them; the signature is always of now.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from ringback.domain.http import HttpRequest
from ringback.providers import registry
from ringback.services.demo.plan import Failing, Trouble

_JSON = (("Content-Type", "application/json"),)
_APPLICATION = "93de2206-9669-4e07-948d-329f4b722ee2"
_STALE_MS = 20 * 60_000
_BANDWIDTH = {
    "submitted": "message-sending", "sent": "message-sent", "delivered": "message-delivered",
    "read": "message-read", "received": "message-received",
}  # fmt: skip


class Line(msgspec.Struct, frozen=True):
    """A connection as the player knows it: where callbacks go, and what proves them.

    `id` is as the API shows it, `key` is the API key of its tenant.
    """

    id: str
    token: str
    provider: str
    sender: str
    tenant: str
    config: dict[str, Any]
    key: str


class Fact(msgspec.Struct, frozen=True):
    """One thing that a provider says of a message: what, when (milliseconds since 1970), of whom.

    `status` is `received` for what a person wrote; `text` is known of it, and of what a native
    connection sends. `first` marks the first that is said of the message.
    """

    id: str
    status: str
    at_ms: int
    person: str
    name: str
    reference: str | None
    channel: str
    text: str | None = None
    error: Failing | None = None
    purpose: str = "transactional"
    campaign: str | None = None
    tags: tuple[str, ...] = ()
    reply_to: str | None = None
    first: bool = False


def callback(line: Line, fact: Fact, base_url: str, now_ms: int) -> HttpRequest:
    """Make the callback that tells of a fact."""
    return signed(line, _BODIES[line.provider](line, fact), base_url, now_ms)


def items(line: Line, said: list[dict[str, Any]], base_url: str, now_ms: int) -> HttpRequest:
    """Make a request to a native connection; `at` of each item is in milliseconds since 1970."""
    told = [{**item, "at": _iso(item["at"])} for item in said]
    return signed(line, told, base_url, now_ms)


def signed(line: Line, said: object, base_url: str, now_ms: int) -> HttpRequest:
    """Make a request of a body, proved as the connection wants it."""
    body = said if isinstance(said, bytes) else msgspec.json.encode(said)
    url = f"{base_url}/in/{line.token}"
    if line.provider == "native":
        key = ("Authorization", f"Bearer {line.key}")
        return HttpRequest("POST", url, (*_JSON, key), body)
    provider = registry.get(line.provider)
    config = msgspec.convert(line.config, provider.Config)
    return provider.authenticate(HttpRequest("POST", url, _JSON, body), config, now_ms)


def troubled(line: Line, trouble: Trouble, fact: Fact, base_url: str, now_ms: int) -> HttpRequest:
    """Make a callback with something wrong about it."""
    if trouble == "stale":
        return callback(line, fact, base_url, now_ms - _STALE_MS)
    if trouble == "unknown_kind":
        return signed(line, _unknown(line, fact), base_url, now_ms)
    said = _BODIES[line.provider](line, fact)
    whole = msgspec.json.encode(said)
    if trouble == "garbled":
        return signed(line, whole[: len(whole) * 2 // 3], base_url, now_ms)
    if trouble == "nameless":
        return signed(line, whole.replace(fact.id.encode(), b""), base_url, now_ms)
    other = {
        name: value[::-1] if name in ("app_secret", "secret", "password") else value
        for name, value in line.config.items()
    }
    return signed(msgspec.structs.replace(line, config=other), whole, base_url, now_ms)


def _iso(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _whatsapp(line: Line, fact: Fact) -> object:
    person = fact.person.lstrip("+")
    value: dict[str, object] = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": line.sender.lstrip("+"),
            "phone_number_id": "106540352242922",
        },
    }
    stamp = str(fact.at_ms // 1000)
    if fact.status == "received":
        message: dict[str, object] = {
            "from": person, "id": fact.id, "timestamp": stamp, "type": "text",
            "text": {"body": fact.text or ""},
        }  # fmt: skip
        if fact.reply_to:
            message["context"] = {"from": line.sender.lstrip("+"), "id": fact.reply_to}
        value["contacts"] = [{"profile": {"name": fact.name}, "wa_id": person}]
        value["messages"] = [message]
    else:
        category = "marketing" if fact.purpose == "marketing" else "utility"
        said: dict[str, object] = {
            "id": fact.id, "status": fact.status, "timestamp": stamp, "recipient_id": person,
        }  # fmt: skip
        if fact.reference:
            said["biz_opaque_callback_data"] = fact.reference
        if fact.error is not None:
            words = fact.error.words
            said["errors"] = [{
                "code": int(fact.error.code), "title": words, "message": words,
                "error_data": {"details": words},
            }]  # fmt: skip
        elif fact.status != "read":
            said["pricing"] = {"billable": True, "pricing_model": "PMP", "category": category}
        value["statuses"] = [said]
    change = {"field": "messages", "value": value}
    entry = {"id": "102290129340398", "changes": [change]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def _bandwidth(line: Line, fact: Fact) -> object:
    inbound = fact.status == "received"
    from_, to = (fact.person, line.sender) if inbound else (line.sender, fact.person)
    message: dict[str, object] = {
        "id": fact.id, "owner": line.sender, "applicationId": _APPLICATION,
        "time": _iso(fact.at_ms), "segmentCount": 1, "direction": "in" if inbound else "out",
        "to": [to], "from": from_, "text": (fact.text or "") if inbound else "", "channel": "SMS",
    }  # fmt: skip
    if fact.reference:
        message["tag"] = fact.reference
    event: dict[str, object] = {"time": _iso(fact.at_ms), "to": to, "message": message}
    if fact.error is not None and fact.status not in _BANDWIDTH:
        event |= {"errorCode": int(fact.error.code), "description": fact.error.words}
        return [{**event, "type": "message-failed"}]
    description = "Incoming message received" if inbound else "ok"
    return [{**event, "type": _BANDWIDTH[fact.status], "description": description}]


def _simulator(line: Line, fact: Fact) -> object:
    inbound = fact.status == "received"
    from_, to = (fact.person, line.sender) if inbound else (line.sender, fact.person)
    item: dict[str, object] = {
        "type": "received" if inbound else "status", "id": fact.id, "at": fact.at_ms,
        "from": from_, "to": to, "channel": fact.channel,
    }  # fmt: skip
    if inbound:
        item["text"] = fact.text or ""
    else:
        item["status"] = fact.status
    if fact.reference:
        item["reference"] = fact.reference
    if fact.reply_to:
        item["reply_to"] = fact.reply_to
    if fact.error is not None:
        item |= {"code": fact.error.code, "description": fact.error.words}
    return {"items": [item]}


def _native(line: Line, fact: Fact) -> object:
    common: dict[str, object] = {"id": fact.id, "at": _iso(fact.at_ms), "channel": fact.channel}
    if fact.reference:
        common["reference"] = fact.reference
    if fact.status == "received":
        answered = {"reply_to": fact.reply_to} if fact.reply_to else {}
        return [{**common, "type": "received", "from": fact.person, "to": line.sender,
                 "text": fact.text or "", **answered}]  # fmt: skip
    common |= {"to": fact.person, "from": line.sender}
    if fact.first and fact.status in ("scheduled", "queued", "submitted", "sent"):
        more: dict[str, object] = {"campaign": fact.campaign} if fact.campaign else {}
        if fact.text:
            more["text"] = fact.text
        return [{
            **common, "type": "message", "status": fact.status, "purpose": fact.purpose,
            "tags": list(fact.tags), "segments": 1 + len(fact.text or "") // 160,
            "metadata": {"first_name": fact.name, "locale": _locale(fact.person)}, **more,
        }]  # fmt: skip
    said = {**common, "type": "status", "status": fact.status}
    if fact.error is not None:
        said["error"] = {
            "class": fact.error.class_ or "recipient", "code": fact.error.code,
            "description": fact.error.words,
        }  # fmt: skip
    elif fact.status == "delivered":
        said["cost"] = {"amount": "0.0075", "currency": "EUR"}
    return [said]


def _locale(number: str) -> str:
    known = {"+1": "en-US", "+44": "en-GB", "+49": "de-DE", "+33": "fr-FR", "+61": "en-AU"}
    return next(locale for prefix, locale in known.items() if number.startswith(prefix))


def _generic(line: Line, fact: Fact) -> object:
    del line
    return {"event": "scanned", "parcel": fact.id, "order": fact.reference,
            "at": _iso(fact.at_ms), "depot": fact.text}  # fmt: skip


def _unknown(line: Line, fact: Fact) -> object:
    """Say something that is well-formed and has no type of ours."""
    if line.provider == "whatsapp":
        value = {"event": "FLOW_STATUS_CHANGE", "message": "The flow is throttled",
                 "flow_id": "6627390910605886", "at": fact.at_ms}  # fmt: skip
        change = {"field": "flows", "value": value}
        entry = {"id": "102290129340398", "time": fact.at_ms // 1000, "changes": [change]}
        return {"object": "whatsapp_business_account", "entry": [entry]}
    return _BODIES[line.provider](line, fact)


_BODIES: dict[str, Callable[[Line, Fact], object]] = {
    "whatsapp": _whatsapp,
    "bandwidth": _bandwidth,
    "simulator": _simulator,
    "native": _native,
    "generic": _generic,
}


def message_id(provider: str, seed: str) -> str:
    """Return an id such as this provider gives."""
    digest = _digest(seed)
    shapes = {
        "whatsapp": f"wamid.HBgL{digest[:28].upper()}",
        "bandwidth": f"17{digest[:26]}",
        "simulator": f"sim_{digest[:20]}",
        "generic": f"HP{int(digest[:12], 16) % 10**10:010}",
    }
    return shapes.get(provider, f"m-{digest[:16]}")
