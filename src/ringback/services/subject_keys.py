"""By which hashes subjects are known: what a provider calls them, and their own ids."""

import uuid

from ringback.domain.ids import DAY_MS, hashed_key
from ringback.storage.uuids import quick


def own_key(secret: bytes, subject: uuid.UUID) -> uuid.UUID:
    """Hash a subject's own id: by this key it is read when no provider's id is at hand."""
    return hashed_key(secret, "own", str(subject), make=quick)


def message_key(
    secret: bytes, connection: str, message_id: str, recipient: str | None
) -> uuid.UUID:
    """Hash what names an outbound message: one provider id to one recipient."""
    return hashed_key(secret, connection, "message", message_id, recipient or "", make=quick)


def inbound_key(
    secret: bytes, connection: str, message_id: str, recipient: str | None, day: str = ""
) -> uuid.UUID:
    """Hash what names an inbound message; `day` is part of it where its provider gives no id."""
    of_day = (day,) if day else ()
    named = (connection, "inbound", message_id, recipient or "", *of_day)
    return hashed_key(secret, *named, make=quick)


def day_of(received_ms: int) -> str:
    """Name the day (UTC) on which something came that has neither an id nor a time."""
    return f"day {received_ms // DAY_MS}"
