"""A callback on its way to being stored: what came, what it says, and the keys it will be read by.

Only values; the committer carries them from the receiver to the database.
"""

import uuid

import msgspec

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback
from ringback.domain.ids import hashed_key
from ringback.domain.outcomes import Outcome
from ringback.providers.base import Inbound, Item, Parsed, Report, Unrecognised

KIND_MESSAGE = 1
ITEMS_MAX = 4096


class Keyed(msgspec.Struct, frozen=True):
    """An item with the keys that it is looked up by; `reply` names the message it answers."""

    item: Item
    key: uuid.UUID
    reply: uuid.UUID | None = None


class Arrival(msgspec.Struct):
    """One callback, verified or refused. `settled` outcomes (rejected …) carry no items.

    `stored` and `brought` remember what an earlier pass has already committed, when this arrival
    comes round again because somebody else was first with one of its subjects.
    """

    connection: Connection
    callback: Callback
    received_ms: int
    parsed: Parsed
    settled: Outcome | None = None
    reason: str = ""
    keyed: list[Keyed] = []
    id: uuid.UUID | None = None
    stored: bool = False
    brought: bool = False
    passes: int = 0

    @property
    def size(self) -> int:
        """How many bytes it adds to a batch."""
        return len(self.callback.body) + 512


def key_items(arrival: Arrival, secret: bytes) -> None:
    """Hash the keys of everything the callback speaks of."""
    connection = str(arrival.connection.id)
    arrival.keyed = [_keyed(item, connection, secret) for item in arrival.parsed.items]


def _keyed(item: Item, connection: str, secret: bytes) -> Keyed:
    if isinstance(item, Report):
        return Keyed(item, message_key(secret, connection, item.message_id, item.recipient))
    if isinstance(item, Inbound):
        key = hashed_key(secret, connection, "inbound", item.message_id, item.recipient or "")
        reply = message_key(secret, connection, item.reply_to, None) if item.reply_to else None
        return Keyed(item, key, reply)
    assert isinstance(item, Unrecognised)
    stamp = "" if item.occurred_at is None else str(item.occurred_at)
    return Keyed(item, hashed_key(secret, connection, "unrecognised", item.key, stamp))


def message_key(
    secret: bytes, connection: str, message_id: str, recipient: str | None
) -> uuid.UUID:
    """Hash what names an outbound message: one provider id to one recipient."""
    return hashed_key(secret, connection, "message", message_id, recipient or "")
