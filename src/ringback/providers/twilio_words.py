"""What people wrote, as Twilio passes it on: texts that come in base64, and JSON within a field.

Twilio passes some long SMS on as base64 and does not say so: others that read its callbacks found
it out (https://github.com/nyaruka/rapidpro/pull/1187). So it is told by what is in it.
"""

import base64
import binascii
import re

from ringback.domain.strict_json import StrictJsonError, decode
from ringback.providers import reading

# What is shorter is no long SMS.
ENCODED_MIN = 60
_ENCODED = re.compile(r"[A-Za-z0-9+/]{58,}={0,2}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def decoded(body: str) -> str | None:
    """Return the text that a body holds in base64; None where it is a text as it came.

    One word in base64 stays as it is: only what has a blank in it was written by a person.
    """
    if len(body) < ENCODED_MIN or len(body) % 4 or not _ENCODED.fullmatch(body):
        return None
    try:
        text = base64.b64decode(body, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return None if _CONTROL.search(text) or " " not in text.strip() else text


def spoken(content: dict[str, object], body: str | None, channel: str) -> None:
    """Add what a person wrote to a content; of what came in base64 also how it came."""
    words = reading.clipped(body)
    if words is None:
        return
    content["text"] = words
    plain = decoded(words) if channel in ("sms", "mms") else None
    if plain is not None:
        content |= {"text": plain, "text_in_base64": words}


def held(field: str | None) -> dict[str, object]:
    """Read the JSON object in a field; empty for anything else."""
    if field is None or len(field) > reading.TEXT_MAX:
        return {}
    try:
        return reading.mapping(decode(field.encode()))
    except (StrictJsonError, UnicodeEncodeError):
        return {}
