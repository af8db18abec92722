"""Suppressions: who wants no messages, what that rests on, and taking one back by hand."""

import uuid
from datetime import datetime
from typing import NamedTuple

import msgspec

from ringback.domain.consent import CODE, WORD, LedgerWord
from ringback.storage.audit import Actor
from ringback.storage.database import Connection, Database, Row
from ringback.storage.lists import Found, Scope, Window, nearest_first
from ringback.storage.queries import query

HISTORY_MAX = 100
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, str]).decode


class Entry(msgspec.Struct, frozen=True, rename={"since_ms": "since"}):
    """One line of the ledger as a commit writes it; `since_ms` is when it was said."""

    id: uuid.UUID
    tenant: int
    mode: int
    key: uuid.UUID
    kind: str
    address: str
    channel: str | None
    sender: str | None
    purpose: str | None
    connection: int
    word: int
    since_ms: int
    source: str
    event: uuid.UUID | None
    callback: uuid.UUID | None
    message: uuid.UUID | None
    evidence: dict[str, str]

    def written(self) -> str:
        """Return it as the commit takes it."""
        return _encode(self).decode()


class InForce(NamedTuple):
    """What holds for a key: the word's code, and since when (milliseconds since 1970).

    `id` is the entry's that says so; of a move, `address` is where it led and `callback` told it.
    """

    word: int
    since_ms: int
    id: uuid.UUID
    address: str
    callback: uuid.UUID | None = None


class Suppression(NamedTuple):
    """An opt-out in force, with the entry that brought it about."""

    id: uuid.UUID
    key: uuid.UUID
    kind: str
    address: str
    channel: str | None
    sender: str | None
    purpose: str | None
    since: datetime
    provider: str
    connection: uuid.UUID
    source: str
    event: uuid.UUID | None
    callback: uuid.UUID | None
    message: uuid.UUID | None
    evidence: dict[str, str]


class Past(NamedTuple):
    """Something that was said of an address; `actor` took it back by hand."""

    id: uuid.UUID
    word: LedgerWord
    since: datetime
    source: str
    channel: str | None
    sender: str | None
    purpose: str | None
    event: uuid.UUID | None
    actor: Actor | None


class Ending(NamedTuple):
    """How addresses have to end, back to front; `length` when the whole address is meant."""

    text: str
    length: int | None = None


async def read_in_force(connection: Connection, keys: list[uuid.UUID]) -> dict[uuid.UUID, InForce]:
    """Return what holds for keys of wishes."""
    rows = await connection.fetch(query("suppressions.in_force"), keys)
    return {row[0]: InForce(*row[1:6]) for row in rows}


async def page(
    database: Database, scope: Scope, window: Window, ending: Ending | None = None
) -> Found[Suppression]:
    """Return opt-outs in force by their ids, newest first; with `ending` those of an address."""
    bounds = (*scope, window.before, window.after, window.limit)
    if ending is None:
        rows = await database.rows(query("suppressions.page"), *bounds)
    else:
        rows = await database.rows(query("suppressions.of_address"), *bounds, *ending)
    return Found(nearest_first(map(_suppression, rows), window, lambda row: row.id))


async def get(database: Database, scope: Scope, id_: uuid.UUID) -> Suppression | None:
    """Return an opt-out that is in force, or None."""
    row = await database.row(query("suppressions.get"), id_, *scope)
    return _suppression(row) if row else None


async def history(database: Database, scope: Scope, known: Suppression) -> list[Past]:
    """Return the last 100 things that were said of a suppression's address, newest first."""
    rows = await database.rows(
        query("suppressions.history"), *scope, known.kind, known.address, HISTORY_MAX
    )
    return [_past(row) for row in rows]


async def remove(
    connection: Connection, scope: Scope, id_: uuid.UUID, removed_as: uuid.UUID, actor: Actor,
    now: datetime,
) -> bool:  # fmt: skip
    """Take an opt-out back, in the caller's transaction; False when none of this id is in force."""
    row = await connection.fetchrow(
        query("suppressions.remove"), id_, *scope, removed_as, *actor, CODE["removed"], now
    )
    return row is not None


def _suppression(row: Row) -> Suppression:
    evidence = _decode(row["evidence"])
    return Suppression(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9], row[10],
        row[11], row[12], row[13], evidence,
    )  # fmt: skip


def _past(row: Row) -> Past:
    actor = Actor(row["actor"], row["person"]) if row["actor"] else None
    return Past(
        row[0], WORD[row[1]], row[2], row[3], row[4], row[5], row[6], row[7], actor
    )  # fmt: skip
