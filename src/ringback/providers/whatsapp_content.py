"""What a WhatsApp message holds, in our words: its kind, the words in it, its files, its choices.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

import base64
import binascii

import msgspec

from ringback.domain.events import rfc3339
from ringback.domain.strict_json import StrictJsonError, decode_as
from ringback.providers import reading

# How long after a person's message or call anything but a template may be sent to them.
WINDOW_MS = 24 * 3_600_000
_LATEST_MS = 253_402_300_799_999 - WINDOW_MS

FILES = frozenset(("image", "video", "audio", "voice", "document", "sticker"))
# What comes as a message and is none that a person wrote to us.
_NO_WORD_OF_THEIRS = frozenset(("system", "request_welcome", "edit", "revoke"))
_NUMBER_CHANGED = "user_changed_number"
_MOVES = frozenset((_NUMBER_CHANGED, "user_changed_user_id"))
# Which field of a type's own object holds what the person wrote or chose.
_WORDS: dict[str, str] = {
    "text": "body",
    "button": "text",
    "order": "text",
    "system": "body",
    "button_reply": "title",
    "list_reply": "title",
    "nfm_reply": "body",
}
# What may stand beside the type's own object and belongs to the content.
_BESIDE = ("context", "referral", "identity", "errors", "group_id")
# Names that mean something in every content: a type that is called so stands in `object`.
_OURS = frozenset(
    ("kind", "text", "media", "moved", "profile", "user_id", "parent_user_id", *_BESIDE)
)
_BASE64_OF_32 = 44
_RENAMED = {"mime_type": "content_type"}
_MAP: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])


def content_of(message: dict[str, object], kind: str) -> dict[str, object]:
    """Make the content: the kind, the words if there are any, and the type's own object."""
    own = reading.mapping(message.get(kind))
    if kind in FILES:
        content = _file(own, kind)
    else:
        content = {"kind": kind}
        words = reading.clipped(_words(own, kind))
        if words is not None:
            content["text"] = words
        if kind != "text" and message.get(kind) is not None:
            content["object" if kind in _OURS else kind] = message[kind]
    if kind == "system":
        found = _moved(own, message)
        if found:
            content["moved"] = found
    for name in _BESIDE:
        if message.get(name) is not None:
            content.setdefault(name, message[name])
    return content


def _moved(own: dict[str, object], message: dict[str, object]) -> dict[str, object]:
    """Return what a person was known by and is known by now; empty for other system messages.

    A new number makes a new business-scoped id as well.
    https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system
    """
    change = own.get("type")
    if not isinstance(change, str) or change not in _MOVES:
        return {}
    by_number = change == _NUMBER_CHANGED
    sides = {
        "previous": {
            "number": message.get("from") if by_number else None,
            "user_id": own.get("previous_user_id") or message.get("from_user_id"),
            "parent_user_id": own.get("previous_parent_user_id"),
        },
        "current": {
            "number": own.get("wa_id"),
            "user_id": own.get("user_id"),
            "parent_user_id": own.get("parent_user_id"),
        },
    }
    found: dict[str, object] = {}
    for side, names in sides.items():
        known = {name: reading.plus(reading.text(value)) for name, value in names.items()}
        found[side] = {name: value for name, value in known.items() if value is not None}
    return found


def window(kind: str, message: dict[str, object], at_ms: int | None) -> str | None:
    """Say until when a person may be answered freely; None where the message opens no window.

    A person's call opens one as a message does.

    https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-messages#customer-service-windows
    """
    if at_ms is None or at_ms > _LATEST_MS or kind in _NO_WORD_OF_THEIRS or message.get("group_id"):
        return None
    return rfc3339(at_ms + WINDOW_MS)


def _words(own: dict[str, object], kind: str) -> object:
    if kind == "interactive":
        inner = own.get("type")
        if not isinstance(inner, str):
            return None
        chosen = reading.mapping(own.get(inner))
        if inner == "nfm_reply":
            _read_form(chosen)
        return chosen.get(_WORDS.get(inner, ""))
    if kind == "edit":
        changed = reading.mapping(own.get("message"))
        inner = changed.get("type")
        said = reading.mapping(changed.get(inner)) if isinstance(inner, str) else {}
        return said.get("body") or said.get("caption")
    return own.get(_WORDS.get(kind, ""))


def _read_form(reply: dict[str, object]) -> None:
    """Add what a flow's form was filled in with, which comes as JSON in a string."""
    form = reply.get("response_json")
    if isinstance(form, str):
        try:
            reply["response"] = decode_as(form.encode(), _MAP)
        except (StrictJsonError, UnicodeEncodeError):
            return


def _file(own: dict[str, object], kind: str) -> dict[str, object]:
    content: dict[str, object] = {"kind": "media"}
    entry: dict[str, object] = {"type": kind}
    for name, value in own.items():
        if name != "type" and value is not None:
            entry[_RENAMED.get(name, name)] = value
    if "sha256" in entry:
        entry["sha256"] = _hex(entry["sha256"])
    if isinstance(entry.get("id"), int):
        entry["id"] = str(entry["id"])
    if isinstance(entry.get("id"), str) or isinstance(entry.get("url"), str):
        content["media"] = [entry]
    elif own:
        content[kind] = own
    caption = reading.clipped(own.get("caption"))
    if caption is not None:
        content["text"] = caption
    return content


def _hex(encoded: object) -> object:
    """Write a digest in hexadecimal, as every provider's; WhatsApp's comes in base64."""
    if isinstance(encoded, str) and len(encoded) == _BASE64_OF_32 and encoded.isascii():
        try:
            return base64.b64decode(encoded, validate=True).hex()
        except binascii.Error:
            return encoded
    return encoded
