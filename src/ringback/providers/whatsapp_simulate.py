"""Callbacks as Meta would post them: statuses of messages, and messages from people."""

import base64
import hashlib

import msgspec

from ringback.domain.consent import ConsentWord
from ringback.domain.messages import Status
from ringback.providers import reading
from ringback.providers.base import CannotSimulateError, OutboundMessage
from ringback.providers.whatsapp_config import WhatsAppConfig
from ringback.providers.whatsapp_content import FILES
from ringback.providers.whatsapp_send import USER_ID
from ringback.providers.whatsapp_tables import OBJECT

SIMULATED: tuple[Status, ...] = ("sent", "delivered", "read", "failed", "received")
ACCOUNT_ID = "100000000000001"
NUMBER_ID = "100000000000002"
UNDELIVERABLE = "131026"

_TITLES = {
    "131026": "Message undeliverable",
    "131047": "Re-engagement message",
    "131049": "This message was not delivered to maintain healthy ecosystem engagement.",
    "131050": "User has stopped marketing messages",
    "131056": "(Business Account, Consumer Account) pair rate limit hit",
    "130429": "Rate limit hit",
    "130472": "User's number is part of an experiment",
    "131051": "Message type unknown",
    "131053": "Media upload error",
    "132001": "Template name does not exist in the translation",
}
_TYPE_OF_FAMILY = {"image": "image", "video": "video", "audio": "audio"}


def body_of(messages: tuple[OutboundMessage, ...], status: Status, config: WhatsAppConfig) -> bytes:
    """Make a body that tells `status` of every message, those of one number together.

    Raises CannotSimulateError.
    """
    if status not in SIMULATED:
        raise CannotSimulateError(f"WhatsApp never reports {status}")
    received = status == "received"
    by_number: dict[str, list[OutboundMessage]] = {}
    for message in messages:
        by_number.setdefault(message.to if received else message.from_, []).append(message)
    changes = []
    for number, together in by_number.items():
        value: dict[str, object] = {
            "messaging_product": "whatsapp",
            "metadata": _metadata(number, config),
        }
        if received:
            value["contacts"] = [_contact(message.from_) for message in together]
            value["messages"] = [_received(message, number) for message in together]
        else:
            if status != "failed":
                value["contacts"] = [_contact(message.to) for message in together]
            value["statuses"] = [_reported(message, status) for message in together]
        changes.append({"field": "messages", "value": value})
    entry = {"id": config.account_id or ACCOUNT_ID, "changes": changes}
    return msgspec.json.encode({"object": OBJECT, "entry": [entry]})


def preference_of(message: OutboundMessage, word: ConsentWord, config: WhatsAppConfig) -> bytes:
    """Make a body by which a message's sender stops marketing, or wants it again."""
    stops = word == "opted_out"
    named = "user_id" if USER_ID.fullmatch(message.from_) else "wa_id"
    preference = {
        named: message.from_.lstrip("+"),
        "detail": f"User requested to {'stop' if stops else 'resume'} marketing messages",
        "category": "marketing_messages",
        "value": "stop" if stops else "resume",
        "timestamp": message.at_ms // 1000,
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": _metadata(message.to, config),
        "contacts": [_contact(message.from_)],
        "user_preferences": [preference],
    }
    changes = [{"field": "user_preferences", "value": value}]
    entry = {"id": config.account_id or ACCOUNT_ID, "changes": changes}
    return msgspec.json.encode({"object": OBJECT, "entry": [entry]})


def identify(message: OutboundMessage) -> str:
    """Return a message's id, or one made of its content."""
    if message.message_id:
        return message.message_id
    seed = f"{message.to}|{message.reference}|{message.text}|{message.at_ms}".encode()
    return wamid(hashlib.sha256(seed).digest())


def wamid(seed: bytes) -> str:
    """Make an id of a message as WhatsApp's look."""
    return "wamid." + base64.b64encode(seed[:24]).decode()


def title_of(code: str) -> str:
    """Return what Meta calls an error."""
    return _TITLES.get(code, "Something went wrong")


def _metadata(number: str, config: WhatsAppConfig) -> dict[str, str]:
    named = config.phone_number_id or NUMBER_ID
    if number == config.phone_number_id:
        return {"phone_number_id": named}
    return {"display_phone_number": number.lstrip("+"), "phone_number_id": named}


def _contact(person: str) -> dict[str, object]:
    named = {"user_id": person} if USER_ID.fullmatch(person) else {"wa_id": person.lstrip("+")}
    return {"profile": {"name": "Simulated"}, **named}


def _reported(message: OutboundMessage, status: Status) -> dict[str, object]:
    said: dict[str, object] = {
        "id": identify(message),
        "status": status,
        "timestamp": str(message.at_ms // 1000),
    }
    if USER_ID.fullmatch(message.to):
        said["recipient_user_id"] = message.to
    else:
        said["recipient_id"] = message.to.lstrip("+")
    if message.reference:
        said["biz_opaque_callback_data"] = message.reference
    if status == "failed":
        code = message.error_code or UNDELIVERABLE
        title = title_of(code)
        said["errors"] = [
            {
                "code": int(code) if code.isascii() and code.isdigit() else code,
                "title": title,
                "message": title,
                "error_data": {"details": title},
                "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
            }
        ]
    else:
        template = message.content.get("kind") == "template"
        said["pricing"] = {
            "billable": template,
            "pricing_model": "PMP",
            "type": "regular" if template else "free_customer_service",
            "category": "utility" if template else "service",
        }
    return said


def _received(message: OutboundMessage, number: str) -> dict[str, object]:
    type_, own = _own(message)
    named = identify(message)
    found: dict[str, object] = {
        "id": named,
        "timestamp": str(message.at_ms // 1000),
        "type": type_,
        type_: own,
    }
    if USER_ID.fullmatch(message.from_):
        found["from_user_id"] = message.from_
    else:
        found["from"] = message.from_.lstrip("+")
    answers = message.content.get("reply_to")
    if isinstance(answers, str):
        found["context"] = {"from": number.lstrip("+"), "id": answers}
    return found


def _own(message: OutboundMessage) -> tuple[str, object]:
    """Make the object of a message from a person: a text, a file, or what its kind carries."""
    kind = message.content.get("kind")
    files = message.content.get("media")
    if kind == "media" and isinstance(files, list) and files:
        return _file(reading.mapping(files[0]), message)
    if isinstance(kind, str) and kind not in ("text", "media") and kind in message.content:
        return kind, message.content[kind]
    return "text", {"body": message.text}


def _file(file: dict[str, object], message: OutboundMessage) -> tuple[str, object]:
    content_type = str(file.get("content_type") or "image/png")
    said = str(file.get("type") or "")
    type_ = said if said in FILES else _TYPE_OF_FAMILY.get(content_type.partition("/")[0])
    type_ = type_ or "document"
    if type_ == "voice":
        type_ = "audio"
    seed = hashlib.sha256(identify(message).encode()).digest()
    named = str(int.from_bytes(seed[:6], "big") + 10**15)
    # Whoever says where the file is wants it fetched from there, not from Meta.
    where: dict[str, object] = {"id": str(file.get("id") or named)}
    if isinstance(file.get("url"), str):
        where = {"url": file["url"]}
    own: dict[str, object] = {
        **where,
        "mime_type": content_type,
        "sha256": base64.b64encode(seed).decode(),
    }
    if said == "voice":
        own["voice"] = True
    if message.text:
        own["caption"] = message.text
    if isinstance(file.get("filename"), str):
        own["filename"] = file["filename"]
    return type_, own
