"""A million messages with all that belongs to them, made by the database itself within a minute.

Each life of a message is rendered once by the program's own code, with marks where numbers go; SQL
cuts it at the marks and puts the numbers in. So nothing large leaves the database, and nothing but
one statement is in memory. Ids end in the ten digits of their number: in base 32 a digit is itself.
"""

import asyncio
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
import msgspec

from ringback.domain.events import Envelope, message_event
from ringback.domain.ids import DAY_MS, Prefix, floor7, show, uuid7
from ringback.domain.messages import STATUS_CODE, Fact, Failure, Message, Status, merge
from ringback.domain.outcomes import CODE
from ringback.domain.search import Kind

DAYS = 7
PERSONS = 250_000
_CHUNK = 5000
_LOW = (1 << 50) - 1
_NUMBER, _PERSON = b"444444441", b"4444444442"
_MARK = re.compile(b"%b|%b" % (_PERSON, _NUMBER))
_REFUSED = Failure("recipient", "undeliverable", False, "131026", "Message undeliverable")
_DIGITS = " | ".join(f"((i / {10**place} % 10) << {5 * place})" for place in range(9))


class Life(NamedTuple):
    """What is said of a message, and of how many in a hundred."""

    share: int
    statuses: tuple[Status, ...]


LIVES = (
    Life(55, ("sent", "delivered")), Life(25, ("sent", "delivered", "read")),
    Life(8, ("sent", "failed")), Life(5, ("sent",)), Life(7, ("received",)),
)  # fmt: skip


@dataclass(frozen=True)
class Owner:
    """Whose they are: the numbers of tenant, connection and endpoint, and the names in events."""

    tenant: int
    tenant_id: str
    mode: int
    connection: int
    connection_id: str
    endpoint: int


class Chunk(NamedTuple):
    """Messages that became known in the same millisecond: their first number, and how many."""

    first: int
    size: int
    at_ms: int

    @property
    def base(self) -> int:
        """The id of number 0."""
        return uuid7(self.at_ms, bytes(10)).int & ~_LOW

    def id(self, prefix: Prefix, number: int) -> str:
        """Return the id of a number as people see it."""
        return show(prefix, uuid.UUID(int=self.base))[:-10] + f"{number:010}"


class Seeded(NamedTuple):
    """What there is now: every chunk, the oldest first."""

    chunks: list[Chunk]

    def message(self, number: int) -> str:
        """Return the id of a message."""
        chunk = next(one for one in self.chunks if number < one.first + one.size)
        return chunk.id("msg", number)


def address(number: int) -> str:
    """Return whom a message is to, or from if it is inbound."""
    return f"+1{5_000_000_000 + number * 7919 % PERSONS}"


def reference(number: int) -> str:
    """Return what its sender calls a message."""
    return f"order-{number:010}"


def provider_id(number: int) -> str:
    """Return what the provider calls a message."""
    return f"wamid.HBgL{number:010}"


async def seed(dsn: str, messages: int, now_ms: int) -> Seeded:
    """Fill a database with so many messages of the last seven days. It must hold no others."""
    size = min(_CHUNK, max(messages // 20, 20))
    firsts = range(0, messages, size)
    step = DAYS * DAY_MS // (len(firsts) + 1)
    chunks = [
        Chunk(first, min(size, messages - first), now_ms - step * (len(firsts) - place))
        for place, first in enumerate(firsts)
    ]
    connections = [await asyncpg.connect(dsn) for _ in range(2)]
    try:
        one, other = connections
        owner = await _owner(one)
        await _make_room(one, chunks)
        for connection in connections:
            await connection.execute("set synchronous_commit = off; set jit = off")
        await asyncio.gather(
            _write(one, owner, chunks, ("subject", "subject_key", "search_key", "attempt")),
            _write(other, owner, chunks, ("event", "callback")),
        )
        await _finish(one, other)
    finally:
        for connection in connections:
            await connection.close()
    return Seeded(chunks)


async def _owner(connection: Any) -> Owner:
    row = await connection.fetchrow(
        "select t.no, t.id, c.mode, c.no, c.id, e.no from tenant t"
        " join connection c on c.tenant = t.no and c.provider = 'whatsapp'"
        " join endpoint e on e.tenant = t.no and e.deleted is null limit 1"
    )
    return Owner(row[0], show("ten", row[1]), row[2], row[3], show("con", row[4]), row[5])


async def _make_room(connection: Any, chunks: list[Chunk]) -> None:
    """Make the partitions of past days, and drop what is faster built than kept."""
    day = datetime.fromtimestamp(chunks[0].at_ms / 1000, UTC).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    for _ in range(DAYS + 1):
        for table in ("event", "callback", "attempt"):
            low, high = (
                floor7(int(at.timestamp() * 1000)) for at in (day, day + timedelta(days=1))
            )
            await connection.execute(
                f"create table if not exists {table}_{day:%Y%m%d} partition of {table}"
                f" for values from ('{low}') to ('{high}')"
            )
        day += timedelta(days=1)
    await connection.execute(
        "alter table search_key drop constraint search_key_pkey;"
        "alter table subject_key drop constraint subject_key_pkey; drop index subject_of_key"
    )


async def _finish(one: Any, other: Any) -> None:
    """Build the indexes again, and tell the planner what there is."""
    await asyncio.gather(
        one.execute("alter table search_key add primary key (tenant, mode, kind, value, subject)"),
        other.execute(
            "alter table subject_key add primary key (key);"
            "create index subject_of_key on subject_key (subject);"
            "select setval('feed_position', greatest((select max(pos) from event), 1))"
        ),
    )
    await asyncio.gather(
        one.execute(
            "analyze event (id, tenant, mode, pos, type, subject),"
            " callback (id, tenant, mode, connection, outcome, subject),"
            " attempt (id, tenant, mode, event, endpoint, ord, final)"
        ),
        other.execute("analyze subject, subject_key, search_key"),
    )


async def _write(
    connection: Any, owner: Owner, chunks: list[Chunk], tables: tuple[str, ...]
) -> None:
    for chunk in chunks:
        first = chunk.first
        for number, life in enumerate(LIVES):
            count = chunk.size * life.share // 100
            if number == len(LIVES) - 1:
                count = chunk.first + chunk.size - first
            numbers = (
                f"(select i, {_DIGITS} as digits, convert_to(lpad(i::text, 9, '0'), 'UTF8') as n,"
                f" convert_to((5000000000 + i * 7919 % {PERSONS})::text, 'UTF8') as person"
                f" from generate_series({first}::bigint, {first + count - 1}) i offset 0) as made"
            )
            for table, row in _rows(owner, chunk, life, (first, count)):
                if table in tables:
                    await connection.execute(f"insert into {table} select {row} from {numbers}")
            first += count


def _rows(owner: Owner, chunk: Chunk, life: Life, of: tuple[int, int]) -> Iterator[tuple[str, str]]:
    """Return (table, expressions) for each row that a message of this life has.

    `of` is the first number and how many there are. Positions follow the order of the statements,
    as they follow commits: what reads the feed meanwhile misses none.
    """
    first, count = of

    def position(place: int) -> str:
        return f"{3 * first + place * count + 1} + i"

    scope = f"{owner.tenant}, {owner.mode}"
    message, events = _rendered(owner, chunk, life)
    subject = _id(chunk, 0)
    status = life.statuses[-1]
    seen = ", ".join(f"4 * i + {place}" for place in range(len(life.statuses)))
    yield (
        "subject",
        (
            f"{subject}, {scope}, 1, {len(events)}, {len(events)}, {STATUS_CODE[status]},"
            f" array[{seen}], {_cut(message)}, null"
        ),
    )
    yield "subject_key", f"gen_random_uuid(), {scope}, {subject}, 0"
    theirs, ours = (Kind.FROM, Kind.TO) if status == "received" else (Kind.TO, Kind.FROM)
    for kind, value in (
        (theirs, "reverse('+1' || convert_from(person, 'UTF8'))"), (ours, f"reverse('{_OURS}')"),
        (Kind.REFERENCE, "'order-' || lpad(i::text, 10, '0')"),
        (Kind.PROVIDER_MESSAGE_ID, "'wamid.HBgL' || lpad(i::text, 10, '0')"),
    ):  # fmt: skip
        yield "search_key", f"{scope}, {int(kind)}, {value}, {subject}"
    at = f"to_timestamp({chunk.at_ms / 1000})"
    for place, (word, body) in enumerate(zip(life.statuses, events, strict=True)):
        own = _id(chunk, place)
        yield (
            "event",
            (
                f"{own}, {scope}, {position(place)}, 'message.{word}', {subject}, {place + 1},"
                f" {at}, {own}, {_cut(body)}"
            ),
        )
        yield (
            "callback",
            (
                f"{own}, {scope}, {owner.connection}, {at}, 'POST', '/in/…', '192.0.2.10',"
                f" {_cut(_HEADERS)}, {_cut(_callback(word))}, {CODE['accepted']}, '', 1, {subject}"
            ),
        )
    last = len(events) - 1
    yield (
        "attempt",
        (
            f"{_id(chunk, 0)}, {scope}, {_id(chunk, last)},"
            f" {owner.endpoint}, {position(last)}, 1, 1, 200, null, 12.5, 1, {_cut(_DETAIL)},"
            " 'ok'::bytea"
        ),
    )


def _id(chunk: Chunk, place: int) -> str:
    """Write the id of a row's number as an expression; `place` tells several of a row apart."""
    low = chunk.base & ((1 << 64) - 1) | place << 45
    # PostgreSQL's integers have a sign.
    low -= (low >> 63) << 64
    return f"('{chunk.base >> 64:016x}' || lpad(to_hex({low} | digits), 16, '0'))::uuid"


def _cut(template: bytes) -> str:
    """Write bytes with marks as an expression in which the numbers of a row stand there."""
    pieces, place = [], 0
    for mark in _MARK.finditer(template):
        pieces.append(f"'\\x{template[place : mark.start()].hex()}'::bytea")
        pieces.append("person" if mark[0] == _PERSON else "n")
        place = mark.end()
    pieces.append(f"'\\x{template[place:].hex()}'::bytea")
    return " || ".join(pieces)


_OURS = "+15550100"
_HEADERS = json.dumps([
    ["host", "hooks.example.com"], ["content-type", "application/json"],
    ["user-agent", "facebookexternalua"], ["x-hub-signature-256", "sha256=" + "5a" * 32],
]).encode()  # fmt: skip
_DETAIL = json.dumps({
    "request": {"method": "POST", "url": "https://example.com/hooks", "headers": [
        ["content-type", "application/json"], ["webhook-signature", "v1," + "K5oZ" * 11],
    ]},
    "response": {"headers": [["content-type", "text/plain"]], "truncated": False},
    "address": ["192.0.2.20", 443], "reused": True, "timings": {"first_byte": 11.9, "total": 12.5},
    "decision": "Answered 200: delivered.",
}).encode()  # fmt: skip


def _callback(word: str) -> bytes:
    status = {"id": "wamid.HBgL0444444441", "status": word, "recipient_id": "14444444442"}
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1" * 15}}
    change = {"field": "messages", "value": {**value, "statuses": [status]}}
    entry = {"id": "2" * 15, "changes": [change]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def _rendered(owner: Owner, chunk: Chunk, life: Life) -> tuple[bytes, list[bytes]]:
    """Let the program write a message of this life and its events, with marks for numbers."""
    inbound = life.statuses == ("received",)
    theirs = "+14444444442"
    message = Message(
        origin="inbound" if inbound else "observed",
        direction="inbound" if inbound else "outbound", channel="whatsapp",
        from_=theirs if inbound else _OURS, to=_OURS if inbound else theirs,
        provider="whatsapp", connection=owner.connection_id,
        provider_message_id="wamid.HBgL0444444441", reference="order-0444444441",
        content={"kind": "text", "text": "Yes, that suits me."} if inbound else None,
    )  # fmt: skip
    events, at_ms = [], chunk.at_ms
    for place, status in enumerate(life.statuses):
        callback = chunk.id("cbk", 0)[:-10] + f"{place}444444441"
        error = _REFUSED if status == "failed" else None
        fact = Fact(status, at_ms, place + 1, at=at_ms, error=error, callback=callback)
        (emission,) = merge(message, fact)
        event = chunk.id("evt", 0)[:-10] + f"{place}444444441"
        envelope = Envelope(
            id=event, type=f"message.{status}", tenant=owner.tenant_id, mode="test",
            occurred_at=at_ms, received_at=at_ms, emitted_at=at_ms, sequence=place + 1,
        )  # fmt: skip
        shown = chunk.id("msg", 0)[:-10] + "0444444441"
        events.append(message_event(envelope, shown, message, emission))
    return msgspec.msgpack.encode(message), events
