"""Wishes of people: what providers say of them becomes events and suppressions, in one commit.

A provider's own notice is taken as often as it is said. What follows from an error (the provider
refused the message because the person had opted out) is an event once: while the suppression that
it brought about is in force, further errors say nothing new.
"""

import uuid
from typing import NamedTuple

from ringback.domain.consent import CODE, ConsentWord, Person, Source, evidence_of
from ringback.domain.endpoints import Connection
from ringback.domain.events import Envelope, contact_event
from ringback.domain.ids import hashed_key, show
from ringback.domain.messages import Failure
from ringback.services.batch import Batch, Scope
from ringback.storage.suppressions import Entry, InForce

_REFUSED: ConsentWord = "opted_out"


class Said(NamedTuple):
    """A wish as somebody said it: when, how, with which message, and on what it rests."""

    word: ConsentWord
    at_ms: int
    received_ms: int
    source: Source
    evidence: dict[str, str]
    message: uuid.UUID | None = None
    callback: uuid.UUID | None = None


def key_of(connection: Connection, person: Person, secret: bytes) -> uuid.UUID:
    """Hash whom a wish is of, and how far it reaches."""
    # What is about no sender is about the account, and two connections may have two.
    of = str(connection.id) if person.sender is None else ""
    scope = (str(connection.tenant), str(int(connection.mode)), of)
    reach = (person.channel or "", person.sender or "", person.purpose or "")
    return hashed_key(secret, "suppression", *scope, person.kind, person.value, *reach)


def tell(batch: Batch, connection: Connection, person: Person, said: Said, once: int) -> uuid.UUID:
    """Emit a wish, and write it into the ledger; `once` is the place of the key it hangs on."""
    scope = Scope(connection.tenant, connection.mode)
    key = key_of(connection, person, batch.snapshot.hash_key)
    event_id, type_ = batch.ids.next(), f"contact.{said.word}"
    envelope = batch.envelope(
        scope, event_id, type_, occurred=said.at_ms, received=said.received_ms, sequence=1
    )
    batch.event(
        scope, event_id, type_, _body(envelope, connection, person, said), occurred=said.at_ms,
        sequence=1, once=once, callback=said.callback, lane=key,
    )  # fmt: skip
    batch.wish(once, _entry(batch, connection, person, said, key, event_id))
    return event_id


def _body(envelope: Envelope, connection: Connection, person: Person, said: Said) -> bytes:
    told_by = {
        "provider": connection.provider, "connection": show("con", connection.id),
        "source": said.source,
    }  # fmt: skip
    message = show("msg", said.message) if said.message else None
    return contact_event(envelope, person, told_by, message, said.evidence)


def _entry(
    batch: Batch, connection: Connection, person: Person, said: Said, key: uuid.UUID,
    event_id: uuid.UUID,
) -> Entry:  # fmt: skip
    return Entry(
        id=batch.ids.next(), tenant=connection.tenant, mode=int(connection.mode), key=key,
        kind=person.kind, address=person.value, channel=person.channel, sender=person.sender,
        purpose=person.purpose, connection=connection.no, word=CODE[said.word],
        since_ms=said.at_ms, source=said.source, event=event_id, callback=said.callback,
        message=said.message, evidence=said.evidence,
    )  # fmt: skip


def refused(
    batch: Batch, connection: Connection, person: Person, error: Failure, said: Said
) -> uuid.UUID | None:
    """Take an opt-out that a failed message tells of; return its event, None if it is known."""
    key = key_of(connection, person, batch.snapshot.hash_key)
    known = batch.in_force(key)
    if known is not None and not _news(known, said.at_ms):
        return None
    scope = Scope(connection.tenant, connection.mode)
    # Two that are decided at once claim the same key: one of them comes to nothing.
    stamp = "" if known is None else str(known.since_ms)
    once = batch.once(hashed_key(batch.snapshot.hash_key, "refused", str(key), stamp), scope)
    if once is None:
        return None
    evidence = dict(said.evidence)
    if error.provider_code is not None:
        evidence["provider_code"] = error.provider_code
    if error.description is not None:
        evidence["provider_word"] = error.description
    said = said._replace(word=_REFUSED, source="error", evidence=evidence_of(evidence))
    return tell(batch, connection, person, said, once)


def once_more(
    batch: Batch, connection: Connection, person: Person, said: Said, key: uuid.UUID
) -> int | None:
    """Claim an opt-out that reads like one of the same day, and `key` is known; None: it is that.

    Where a provider gives neither ids nor times, STOP, START and STOP again cannot be told from a
    STOP that comes twice. So what counts is what is in force: an opt-out after a resumption is a
    new one. A resumption that reads like an earlier one is not.
    """
    known = batch.in_force(key_of(connection, person, batch.snapshot.hash_key))
    if said.word != _REFUSED or known is None or known.word == CODE[_REFUSED]:
        return None
    if known.since_ms > said.at_ms:
        return None
    scope = Scope(connection.tenant, connection.mode)
    again = hashed_key(batch.snapshot.hash_key, "again", str(key), str(known.since_ms))
    return batch.once(again, scope)


def _news(known: InForce, at_ms: int) -> bool:
    """Say whether an opt-out at a moment changes what is in force."""
    return known.word != CODE[_REFUSED] and known.since_ms < at_ms
