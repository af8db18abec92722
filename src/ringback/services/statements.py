"""What callbacks say that happens once: wishes of people, notices, and what has no word here.

Each brings about one event, known by the provider's key and its time. The rows of the callback, and
what is said of messages, calls and orders, are the business of arrivals.py.
"""

import uuid
from typing import NamedTuple

from ringback.domain.consent import (
    MOVING,
    Person,
    Source,
    evidence_of,
    people_of_address,
    person_of,
)
from ringback.domain.endpoints import Connection
from ringback.domain.events import Envelope, notice_event, unrecognised_event
from ringback.domain.ids import hashed_key, show
from ringback.domain.outcomes import Outcome
from ringback.providers import registry
from ringback.providers.base import Consent, Item, Notice, Report, Unrecognised
from ringback.services.subject_keys import day_of, inbound_key, message_key
from ringback.services.wishes import Said

Statement = Consent | Notice | Unrecognised
STATEMENTS = frozenset((Consent, Notice, Unrecognised))


class Words(NamedTuple):
    """The words for a statement: of its event, of its callback's outcome."""

    type: str
    outcome: Outcome


def key_of(item: Statement, connection: str, secret: bytes, received_ms: int) -> uuid.UUID:
    """Hash what makes a statement the same one again: the provider's key, and its time.

    What has neither an id nor a time is the same again on the day (UTC) that it came: who says STOP
    once more weeks later means it. Who says it once more after START on the same day does, too: see
    `wishes.once_more`. What has an id is the same again on any day, or whoever has kept a callback
    could lift an opt-out with it on the next one.
    """
    kind = type(item).__name__.lower()
    stamp = "" if item.occurred_at is None else str(item.occurred_at)
    if item.occurred_at is None and not isinstance(item, Unrecognised) and item.unnamed:
        stamp = day_of(received_ms)
    return hashed_key(secret, connection, kind, item.key, stamp)


def message_of(
    item: Statement, connection: str, secret: bytes, received_ms: int
) -> uuid.UUID | None:
    """Hash what names the message that a statement is about, or was made with."""
    if isinstance(item, Notice) and item.message_id is not None:
        return message_key(secret, connection, item.message_id, item.recipient)
    if isinstance(item, Consent) and (said_in := item.evidence.get("message_id")):
        day = day_of(received_ms) if item.unnamed else ""
        return inbound_key(secret, connection, said_in, item.recipient, day)
    return None


def words_of(item: Notice | Unrecognised) -> Words:
    """Return the words for a statement."""
    if isinstance(item, Notice):
        return Words(item.type, "accepted")
    return Words("provider.unrecognised", "unrecognised")


def render(
    item: Notice | Unrecognised, envelope: Envelope, connection: Connection, message: str | None
) -> bytes:
    """Write the body of a statement's event; `message` is the id of what it is about."""
    provider, shown = connection.provider, show("con", connection.id)
    if isinstance(item, Notice):
        return notice_event(envelope, item.data, provider, shown, message)
    return unrecognised_event(envelope, provider, shown, item.kind, item.fragment)


def wish_of(
    item: Consent, received_ms: int, message: uuid.UUID | None, callback: uuid.UUID | None
) -> tuple[Person, Said]:
    """Return whose wish a provider's notice tells of, and what it says.

    Nothing is said later than it came: a provider's clock that is ahead must not make what comes
    afterwards count for nothing.
    """
    person = _person(item)
    source: Source = "keyword" if "keyword" in item.evidence else "provider"
    at = moment_of(item, received_ms)
    evidence = evidence_of(item.evidence)
    return person, Said(item.word, at, received_ms, source, evidence, message, callback)


def moment_of(item: Consent | Report, received_ms: int) -> int:
    """Return when a wish was said: by the provider's clock, at the latest when it came."""
    return received_ms if item.occurred_at is None else min(item.occurred_at, received_ms)


def opted_out_by(item: Item, provider: str) -> list[Person]:
    """Return who opts out by an item for which it matters what is in force already."""
    if isinstance(item, Report) and item.error is not None and item.error.opt_out:
        return refused_by(item, provider)
    if isinstance(item, Consent) and (item.unnamed or _may_have_moved(item)):
        return [_person(item)]
    return []


def _may_have_moved(item: Consent) -> bool:
    return item.word == "opted_out" and item.channel in MOVING


def _person(item: Consent) -> Person:
    return person_of(item.address, item.kind, item.channel, item.sender, item.purpose)


def refused_by(item: Report, provider: str) -> list[Person]:
    """Return who wants no messages from whom, by a report of a failure that says so.

    It is one person under every address that the report names.
    """
    address = item.to or item.recipient
    code = item.error.code if item.error is not None else None
    sender = item.from_ if registry.get(provider).opt_outs_by_sender else None
    if not address:
        return []
    return people_of_address(address, item.channel, sender, code, item.metadata)
