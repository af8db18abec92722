"""People who go by another number or id from now on: what they refused goes with them.

WhatsApp tells of it by a message of the kind `system` whose content has `moved`. From that moment
on an opt-out from before holds for the new identities too, and is told of each. A move is also
remembered, as a line of the ledger: an opt-out from before it may arrive after it.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from ringback.domain.consent import (
    CODE,
    MOVED,
    MOVING,
    PURPOSES,
    Person,
    evidence_of,
    person_of_address,
)
from ringback.domain.endpoints import Connection
from ringback.domain.ids import hashed_key, show
from ringback.providers.base import Consent, Inbound, Item, Report
from ringback.services.batch import Batch, Scope
from ringback.services.statements import opted_out_by
from ringback.services.wishes import Said, key_of, tell
from ringback.storage.suppressions import Entry, InForce

# Over so many moves an opt-out is carried that comes after all of them.
HOPS_MAX = 8
Known = Mapping[uuid.UUID, InForce]
_OUT = CODE["opted_out"]
_NAMES = ("number", "user_id")
# What either of them is the address of: a move leads to one of each at most.
_KINDS = ("phone", "whatsapp")


class Move(NamedTuple):
    """A person as they were known, and as they are known now where that is something else."""

    before: list[Person]
    now: list[Person]


def move_of(item: Item) -> Move | None:
    """Return the move that an item tells of, or None."""
    if not isinstance(item, Inbound) or "moved" not in item.content:
        return None
    moved = item.content["moved"]
    if item.content.get("kind") != "system" or not isinstance(moved, dict):
        return None
    before = _people(item, moved.get("previous"))
    # Whoever has a new id alone keeps the number that this is from, and had it before.
    if item.from_:
        writer = person_of_address(item.from_, item.channel, item.to)
        before += [] if writer in before else [writer]
    now = [one for one in _people(item, moved.get("current")) if one not in before]
    return Move(before, now) if before and now and before[0].channel in MOVING else None


def keys(connection: Connection, items: Iterable[Item], secret: bytes) -> list[uuid.UUID]:
    """Return the keys of what has to be known of people to take these; of most items none."""
    found: list[uuid.UUID] = []
    for item in items:
        if _is_of_people(item):
            for one in _opting_out(connection, item):
                found += _keys_of(connection, one, secret)
            move = move_of(item)
            before = move.before if move else ()
            found += [key_of(connection, who, secret) for one in before for who in _wholly(one)]
    return found


def keys_onward(
    connection: Connection, items: Iterable[Item], secret: bytes, known: Known
) -> list[uuid.UUID]:
    """Return the keys of where people of these are known to have gone."""
    return [
        key
        for item in items
        if _is_of_people(item)
        for one in _opting_out(connection, item)
        for key in _onward(connection, one, secret, known, HOPS_MAX)
    ]


def take(
    batch: Batch, connection: Connection, item: Inbound, received_ms: int, subject: uuid.UUID,
    callback: uuid.UUID | None,
) -> list[uuid.UUID]:  # fmt: skip
    """Tell of opt-outs that go with a move, and remember it; return the events. Else nothing."""
    move = move_of(item)
    if move is None:
        return []
    at = received_ms if item.occurred_at is None else min(item.occurred_at, received_ms)
    evidence = {"message_id": item.message_id}
    said = Said("opted_out", at, received_ms, "provider", evidence, subject, callback)
    told: list[uuid.UUID] = []
    for purpose in PURPOSES:
        people = [_about(one, purpose) for one in move.before]
        held = [known for who in people if (known := _refuses(batch, connection, who, at))]
        if held:
            newest = max(held, key=lambda known: known.since_ms)
            for one in move.now:
                told += _carry(batch, connection, _about(one, purpose), newest, said, callback)
    for before in move.before:
        for one in move.now:
            _remember(batch, connection, before, one, said)
    return told


def follow(batch: Batch, connection: Connection, person: Person, said: Said) -> list[uuid.UUID]:
    """Let an opt-out that was told go where the person went after it; return the events."""
    if said.word != "opted_out" or person.channel not in MOVING:
        return []
    held = batch.in_force(key_of(connection, person, batch.snapshot.hash_key))
    if held is None or held.word != _OUT:
        return []
    told: list[uuid.UUID] = []
    for gone, way in _ways(connection, person, batch.snapshot.hash_key, batch.in_force):
        if said.at_ms <= way.since_ms:
            later = said._replace(at_ms=way.since_ms)
            told += _carry(batch, connection, gone, held, later, way.callback)
    return told


def _people(item: Inbound, names: object) -> list[Person]:
    if not isinstance(names, dict):
        return []
    found = [names.get(name) for name in _NAMES]
    return [
        person_of_address(one, item.channel, item.to)
        for one in found
        if isinstance(one, str) and one
    ]


def _is_of_people(item: Item) -> bool:
    """Say at a glance whether an item can be about what people want: hardly any is."""
    if type(item) is Report:
        return item.error is not None
    return "moved" in item.content if type(item) is Inbound else type(item) is Consent


def _opting_out(connection: Connection, item: Item) -> list[Person]:
    """Return who opts out by an item; by a move, whoever had before."""
    move = move_of(item)
    if move is None:
        return opted_out_by(item, connection.provider)
    return [who for one in move.now for who in _wholly(one)]


def _wholly(person: Person) -> list[Person]:
    """Return a person for each purpose that there is."""
    return [_about(person, purpose) for purpose in PURPOSES]


def _keys_of(connection: Connection, person: Person, secret: bytes) -> Iterator[uuid.UUID]:
    """Return the key of a person, and those of where they went."""
    yield key_of(connection, person, secret)
    if person.channel in MOVING:
        for kind in _KINDS:
            yield _way(connection, person, kind, secret)


def _onward(
    connection: Connection, person: Person, secret: bytes, known: Known, hops: int
) -> Iterator[uuid.UUID]:
    for gone, _ in _ways(connection, person, secret, known.get):
        yield from _keys_of(connection, gone, secret)
        if hops > 1:
            yield from _onward(connection, gone, secret, known, hops - 1)


def _about(person: Person, purpose: str | None) -> Person:
    return Person(person.kind, person.value, person.channel, person.sender, purpose)


def _way(connection: Connection, person: Person, kind: str, secret: bytes) -> uuid.UUID:
    """Hash what a person's move is remembered by: one line for a number, one for an id."""
    return hashed_key(secret, "moved", str(key_of(connection, _about(person, None), secret)), kind)


def _ways(
    connection: Connection, person: Person, secret: bytes,
    known: Callable[[uuid.UUID], InForce | None],
) -> Iterator[tuple[Person, InForce]]:  # fmt: skip
    """Return where a person went, with the lines that say so."""
    if person.channel in MOVING:
        for kind in _KINDS:
            way = known(_way(connection, person, kind, secret))
            if way is not None:
                reach = (person.channel, person.sender, person.purpose)
                yield Person(kind, way.address, *reach), way


def _refuses(batch: Batch, connection: Connection, person: Person, at_ms: int) -> InForce | None:
    """Return a person's opt-out if it was in force at a moment: who has a number next is free."""
    held = batch.in_force(key_of(connection, person, batch.snapshot.hash_key))
    return held if held is not None and held.word == _OUT and held.since_ms <= at_ms else None


def _carry(
    batch: Batch, connection: Connection, person: Person, held: InForce, said: Said,
    move: uuid.UUID | None,
) -> list[uuid.UUID]:  # fmt: skip
    """Tell that an opt-out holds for a new identity since the move, unless there is newer word."""
    key = key_of(connection, person, batch.snapshot.hash_key)
    known = batch.in_force(key)
    if known is not None and (known.word == _OUT or known.since_ms > said.at_ms):
        return []
    stamp = hashed_key(batch.snapshot.hash_key, "carried", str(key), str(said.at_ms))
    once = batch.once(stamp, Scope(connection.tenant, connection.mode))
    if once is None:
        return []
    origin = {"suppression": show("opt", held.id)}
    if move is not None:
        origin["moved"] = show("cbk", move)
    said = said._replace(evidence=evidence_of({**origin, **said.evidence}), source="provider")
    told = [tell(batch, connection, person, said, once)]
    return told + follow(batch, connection, person, said)


def _remember(
    batch: Batch, connection: Connection, before: Person, now: Person, said: Said
) -> None:
    secret = batch.snapshot.hash_key
    way = _way(connection, before, now.kind, secret)
    known = batch.in_force(way)
    if known is not None and known.since_ms >= said.at_ms:
        return
    stamp = hashed_key(secret, "move", str(way), now.value, str(said.at_ms))
    once = batch.once(stamp, Scope(connection.tenant, connection.mode))
    if once is None:
        return
    entry = Entry(
        id=batch.ids.next(), tenant=connection.tenant, mode=int(connection.mode), key=way,
        kind=now.kind, address=now.value, channel=now.channel, sender=now.sender, purpose=None,
        connection=connection.no, word=MOVED, since_ms=said.at_ms, source=said.source, event=None,
        callback=said.callback, message=said.message, evidence=said.evidence,
    )  # fmt: skip
    batch.wish(once, entry)
