"""By which hashes subjects are known: what a provider calls them, and their own ids."""

import uuid

from ringback.domain.ids import hashed_key


def own_key(secret: bytes, subject: uuid.UUID) -> uuid.UUID:
    """Hash a subject's own id: by this key it is read when no provider's id is at hand."""
    return hashed_key(secret, "own", str(subject))


def message_key(
    secret: bytes, connection: str, message_id: str, recipient: str | None
) -> uuid.UUID:
    """Hash what names an outbound message: one provider id to one recipient."""
    return hashed_key(secret, connection, "message", message_id, recipient or "")


def inbound_key(
    secret: bytes, connection: str, message_id: str, recipient: str | None
) -> uuid.UUID:
    """Hash what names an inbound message."""
    return hashed_key(secret, connection, "inbound", message_id, recipient or "")
