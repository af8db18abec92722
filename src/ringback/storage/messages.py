"""Reading messages: one, the newest, and those that carry an address, a reference or an id."""

import uuid
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from ringback.domain.ids import floor7, time_of
from ringback.domain.messages import (
    STATUS_CODE,
    ErrorClass,
    Failure,
    Message,
    Status,
    times,
)
from ringback.domain.search import terms
from ringback.errors import RingbackError
from ringback.storage.database import Database, Row
from ringback.storage.lists import SCAN_MAX, Found, Key, Scope, Window, nearest_first
from ringback.storage.queries import query

# A few last digits must not stand for more addresses than this.
VALUES_MAX = 1000
_SEARCHED_MAX = 2000
_CHUNK = 500
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


class StoredMessage(NamedTuple):
    """A message as it stands; its id carries the time at which it was created."""

    id: uuid.UUID
    sequence: int
    message: Message


class StoredFailure(NamedTuple):
    """Why a message failed, and when (ms)."""

    id: uuid.UUID
    at_ms: int
    error: Failure


class Term(NamedTuple):
    """What to search by: a whole value, or (`prefix`) what values begin with."""

    kind: int
    value: str
    prefix: bool = False


class Traits(NamedTuple):
    """What messages are asked to be: of any of these statuses (none: of all), and what is given."""

    statuses: tuple[Status, ...] = ()
    channel: str | None = None
    direction: str | None = None
    provider: str | None = None
    connection: str | None = None

    def fit(self, message: Message) -> bool:
        """Say whether a message is all of this."""
        if self.statuses and message.status not in self.statuses:
            return False
        return all(value in (None, getattr(message, name)) for name, value in self.asked())

    def written(self) -> list[bytes | None]:
        """Return the bytes that a stored message must hold to fit, one for each field."""
        return [
            None if value is None else _encode(name) + _encode(value)
            for name, value in self.asked()
        ]

    def asked(self) -> list[tuple[str, str | None]]:
        """Return the fields of a message by name, and what each is asked to be."""
        return [
            ("channel", self.channel), ("direction", self.direction),
            ("provider", self.provider), ("connection", self.connection),
        ]  # fmt: skip


EVERYTHING = Traits()


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


async def narrowed(
    database: Database, scope: Scope, traits: Traits, window: Window
) -> Found[StoredMessage]:
    """Return messages that are what is asked, by when they were created, looking at 20,000."""
    codes = [STATUS_CODE[status] for status in traits.statuses] or None
    rows = await database.rows(
        query("messages.narrowed"), *scope, window.before, window.after, window.limit, SCAN_MAX,
        codes, *traits.written(),
    )  # fmt: skip
    found = _in_order(rows, window)
    fitting = [one for one in found if traits.fit(one.message)]
    if len(found) >= window.limit:
        # The bytes of a field may stand elsewhere in a message: then fewer are left than were read.
        return Found(fitting, (found[-1].id.int,))
    edge = await database.row(
        query("messages.edge"), *scope, window.before, window.after, SCAN_MAX - 1
    )
    return Found(fitting, (edge["id"].int,) if edge else None)


async def failed_as(
    database: Database, scope: Scope, connection: str, class_: ErrorClass, since_ms: int, limit: int
) -> tuple[list[StoredFailure], bool]:
    """Return a connection's newest messages that failed for a class of reasons.

    Looks at the newest 20,000 messages of all connections that were created since a moment. The
    second part says whether that was all there is.
    """
    since = floor7(since_ms)
    written = _encode("connection") + _encode(connection), _encode("class") + _encode(class_)
    rows = await database.rows(
        query("messages.failed_as"), *scope, since, SCAN_MAX, *written, STATUS_CODE["failed"], limit
    )
    more = await database.row(query("messages.edge"), *scope, None, since, SCAN_MAX)
    found = []
    for row in rows:
        message = _decode(row["data"])
        error = message.error
        if message.connection == connection and error is not None and error.class_ == class_:
            at_ms = times(message).get("failed", time_of(row["id"]))
            found.append(StoredFailure(row["id"], at_ms, error))
    return found, more is None and len(rows) < limit


async def search(
    database: Database,
    scope: Scope,
    wanted: list[Term],
    window: Window,
    traits: Traits = EVERYTHING,
) -> Found[StoredMessage]:
    """Return the messages that carry every one of the wanted terms (at least one), and fit.

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
    if not others and traits == EVERYTHING:
        return Found(await _matching(database, scope, rarest, window))

    def fits(message: Message) -> bool:
        return traits.fit(message) and all(_carries(message, term) for term in others)

    return await _filtered(database, scope, rarest, fits, window)


async def _filtered(
    database: Database,
    scope: Scope,
    rarest: _Values,
    fits: Callable[[Message], bool],
    window: Window,
) -> Found[StoredMessage]:
    found: list[StoredMessage] = []
    key: Key | None = window.key
    for _ in range(_SEARCHED_MAX // _CHUNK):
        chunk = await _matching(database, scope, rarest, Window(_CHUNK, key, window.newer))
        found += [one for one in chunk if fits(one.message)]
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
    past = _past(term.value)
    rows = await database.rows(
        query("messages.values"), *scope, term.kind, term.value, past, VALUES_MAX + 1
    )
    if len(rows) > VALUES_MAX:
        raise TooBroad(term.kind)
    return [row["value"] for row in rows]


def _past(value: str) -> str:
    """Return what lies just above all that begins with a value, by code points."""
    stem = value.rstrip("\U0010ffff")
    if not stem:
        return value + "\U0010ffff"
    after = ord(stem[-1]) + 1
    # There are no characters between these: they would be halves of others.
    return stem[:-1] + chr(0xE000 if after == 0xD800 else after)


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
