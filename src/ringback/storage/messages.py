"""Reading messages: one, the newest, and those that carry an address, a reference or an id."""

import uuid
from typing import NamedTuple

import msgspec

from ringback.domain.messages import Message
from ringback.domain.search import terms
from ringback.errors import RingbackError
from ringback.storage.database import Database, Row
from ringback.storage.lists import Found, Key, Scope, Window, nearest_first
from ringback.storage.queries import query

# A few last digits must not stand for more addresses than this.
VALUES_MAX = 1000
_SEARCHED_MAX = 2000
_CHUNK = 500
_decode = msgspec.msgpack.Decoder(Message).decode


class StoredMessage(NamedTuple):
    """A message as it stands; its id carries the time at which it was created."""

    id: uuid.UUID
    sequence: int
    message: Message


class Term(NamedTuple):
    """What to search by: a whole value, or (`prefix`) what values begin with."""

    kind: int
    value: str
    prefix: bool = False


class TooBroad(RingbackError):
    """A term stands for more values than one search may follow."""

    def __init__(self, kind: int) -> None:
        """Remember the kind of the term."""
        super().__init__(f"More than {VALUES_MAX:,} values begin so.")
        self.kind = kind


class _Values(NamedTuple):
    term: Term
    values: list[str]


async def get(database: Database, scope: Scope, id_: uuid.UUID) -> StoredMessage | None:
    """Return a message, or None when this tenant and mode has none of this id."""
    row = await database.row(query("messages.get"), id_, *scope)
    return _message(row) if row else None


async def newest(database: Database, scope: Scope, window: Window) -> Found[StoredMessage]:
    """Return messages by when they were created."""
    rows = await database.rows(
        query("messages.page"), *scope, window.before, window.after, window.limit
    )
    return Found(_in_order(rows, window))


async def search(
    database: Database, scope: Scope, wanted: list[Term], window: Window
) -> Found[StoredMessage]:
    """Return the messages that carry every one of the wanted terms (at least one).

    Follows the rarest term and checks the others on the messages themselves.

    Raises:
        TooBroad: a prefix stands for more than 1,000 values.

    """
    spread = [_Values(term, await _values(database, scope, term)) for term in wanted]
    rarest = spread[0]
    if len(spread) > 1:
        weights = [await _weight(database, scope, one) for one in spread]
        rarest = spread[weights.index(min(weights))]
    others = [one.term for one in spread if one is not rarest]
    if not others:
        return Found(await _matching(database, scope, rarest, window))
    return await _filtered(database, scope, rarest, others, window)


async def _filtered(
    database: Database, scope: Scope, rarest: _Values, others: list[Term], window: Window
) -> Found[StoredMessage]:
    found: list[StoredMessage] = []
    key: Key | None = window.key
    for _ in range(_SEARCHED_MAX // _CHUNK):
        chunk = await _matching(database, scope, rarest, Window(_CHUNK, key, window.newer))
        found += [one for one in chunk if all(_carries(one.message, term) for term in others)]
        if len(found) >= window.limit or len(chunk) < _CHUNK:
            return Found(found[: window.limit])
        key = (chunk[-1].id.int,)
    return Found(found, stopped=key)


def _carries(message: Message, wanted: Term) -> bool:
    return any(
        kind == wanted.kind
        and (value.startswith(wanted.value) if wanted.prefix else value == wanted.value)
        for kind, value in terms(message)
    )


async def _values(database: Database, scope: Scope, term: Term) -> list[str]:
    if not term.prefix:
        return [term.value]
    past = term.value[:-1] + chr(ord(term.value[-1]) + 1)
    rows = await database.rows(
        query("messages.values"), *scope, term.kind, term.value, past, VALUES_MAX + 1
    )
    if len(rows) > VALUES_MAX:
        raise TooBroad(term.kind)
    return [row["value"] for row in rows]


async def _weight(database: Database, scope: Scope, one: _Values) -> int:
    row = await database.row(
        query("messages.weight"), *scope, one.term.kind, one.values, _SEARCHED_MAX
    )
    assert row is not None
    return int(row["n"])


async def _matching(
    database: Database, scope: Scope, one: _Values, window: Window
) -> list[StoredMessage]:
    rows = await database.rows(
        query("messages.matching"), *scope, one.term.kind, one.values,
        window.before, window.after, window.limit,
    )  # fmt: skip
    return _in_order(rows, window)


def _in_order(rows: list[Row], window: Window) -> list[StoredMessage]:
    return nearest_first(map(_message, rows), window, lambda message: message.id)


def _message(row: Row) -> StoredMessage:
    return StoredMessage(row["id"], row["sequence"], _decode(row["data"]))
