"""People who sign in, their sessions, their links, and attempts to be one of them.

Secrets come in as hashes. Passwords are hashed by storage/passwords.py.
"""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple, cast

import asyncpg
import msgspec

from ringback.domain.people import IDLE_S, LINK_S, SESSION_S, Person, Purpose, Session
from ringback.domain.roles import Role
from ringback.errors import RingbackError
from ringback.storage.database import Connection, Database
from ringback.storage.queries import query

# Uses are written once a minute: a session lives a little longer than it says.
_IDLE = timedelta(seconds=IDLE_S + 120)


class Everybody(msgspec.Struct, frozen=True):
    """All people, and the sessions in force by the hashes of their secrets."""

    people: dict[uuid.UUID, Person] = {}
    sessions: dict[bytes, Session] = {}


class EmailTaken(RingbackError):
    """Another person has this e-mail address."""


class Change(msgspec.Struct, frozen=True):
    """What is to change of a person; None leaves a field as it is. `password` is hashed."""

    email: str | None = None
    name: str | None = None
    password: str | None = None
    owner: bool | None = None


class Known(NamedTuple):
    """A person as locked for a change, with the hash of the password."""

    id: uuid.UUID
    email: str | None
    name: str
    owner: bool
    password: str | None


class Link(NamedTuple):
    """What a link is for, and whom it signs in; None: whoever comes first.

    `offer` is the tenant and the role of an offer, which changes nothing until it is accepted.
    """

    purpose: Purpose
    person: uuid.UUID | None
    offer: tuple[int, Role] | None = None


class NewSession(NamedTuple):
    """A session to be: whose, the hash of its secret, from where."""

    id: uuid.UUID
    person: uuid.UUID
    hash: bytes
    address: str
    agent: str


async def everybody(connection: Connection) -> Everybody:
    """Read all people, and the sessions in force."""
    roles: dict[uuid.UUID, dict[int, Role]] = {}
    for person, tenant, role in await connection.fetch(query("people.memberships")):
        roles.setdefault(person, {})[tenant] = role
    people = {
        row["id"]: Person(
            row["id"], row["email"], row["name"], row["owner"], row["secured"],
            _ms(row["created"]), roles.get(row["id"], {}),
        )
        for row in await connection.fetch(query("people.persons"))
    }  # fmt: skip
    sessions = {
        row["hash"]: Session(
            row["id"], row["person"], _ms(row["created"]), _ms(row["last_used"]),
            _ms(row["expires"]), row["address"], row["agent"],
        )
        for row in await connection.fetch(query("people.sessions"), _IDLE)
    }  # fmt: skip
    return Everybody(people, sessions)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


# --- people ---


async def by_email(database: Database, email: str) -> tuple[uuid.UUID, str | None] | None:
    """Return a person's id and the hash of the password, by e-mail address."""
    row = await database.row(query("people.by_email"), email)
    return (row["id"], row["password"]) if row else None


async def lock(connection: Connection, person: uuid.UUID) -> Known | None:
    """Return a person, whom nobody else changes until the transaction ends; None: gone."""
    row = await connection.fetchrow(query("people.lock"), person)
    if row is None:
        return None
    return Known(row["id"], row["email"], row["name"], row["owner"], row["password"])


async def lock_whole(connection: Connection, person: uuid.UUID) -> Person | None:
    """Return a person with roles as `lock` does: nobody else changes either; None: gone."""
    row = await connection.fetchrow(query("people.lock"), person)
    if row is None:
        return None
    rows = await connection.fetch(query("people.memberships_of"), person)
    roles: dict[int, Role] = {row["in_tenant"]: row["role"] for row in rows}
    secured = row["password"] is not None
    return Person(
        person, row["email"], row["name"], row["owner"], secured, _ms(row["created"]), roles
    )


async def first_owner(connection: Connection) -> uuid.UUID | None:
    """Return who has owned the installation longest, locked; None: nobody owns it yet."""
    found: uuid.UUID | None = await connection.fetchval(query("people.first_owner"))
    return found


async def other_owners(connection: Connection, person: uuid.UUID) -> int:
    """Count the owners with a password beside one."""
    return int(await connection.fetchval(query("people.secured_owners"), person))


async def count(connection: Connection, tenant: int | None = None) -> int:
    """Count people, or those of one tenant."""
    if tenant is None:
        return int(await connection.fetchval(query("people.count")))
    return int(await connection.fetchval(query("people.count_members"), tenant))


async def add(
    connection: Connection, id_: uuid.UUID, email: str | None, name: str, *, owner: bool
) -> bool:
    """Add a person; False when another one has this e-mail address."""
    return await connection.fetchval(query("people.add"), id_, email, name, owner) is not None


async def change(connection: Connection, person: uuid.UUID, wanted: Change) -> bool:
    """Change what is given; False when there is no such person.

    Raises:
        EmailTaken: another person has this address; the transaction cannot go on.

    """
    values = (wanted.email, wanted.name, wanted.password, wanted.owner)
    try:
        return await connection.fetchval(query("people.change"), person, *values) is not None
    except asyncpg.UniqueViolationError as error:
        raise EmailTaken("Another person has this e-mail address.") from error


async def remove(connection: Connection, person: uuid.UUID) -> bool:
    """Remove a person with sessions and links; False when there is none."""
    return await connection.fetchval(query("people.remove"), person) is not None


async def join(connection: Connection, person: uuid.UUID, tenant: int, role: Role) -> None:
    """Give a person a role in a tenant, instead of the one there was."""
    await connection.execute(query("people.join"), person, tenant, role)


async def leave(connection: Connection, person: uuid.UUID, tenant: int) -> bool:
    """Take a person out of a tenant, and out of the installation if it was the last one."""
    left = await connection.fetchval(query("people.leave"), person, tenant) is not None
    await connection.execute(query("people.remove_strangers"))
    return left


async def leave_tenant(connection: Connection, tenant: int) -> None:
    """Take everybody out of a tenant that is no more, and what was offered there."""
    await connection.execute(query("people.drop_offers"), tenant)
    await connection.execute(query("people.leave_tenant"), tenant)
    await connection.execute(query("people.remove_strangers"))


# --- sessions ---


async def sessions(connection: Connection) -> int:
    """Count the sessions that there are."""
    return int(await connection.fetchval(query("people.count_sessions")))


async def add_session(connection: Connection, new: NewSession, keep: int) -> None:
    """Add a session; a person keeps so many, those that were used last."""
    await connection.execute(query("people.trim_sessions"), new.person, keep - 1)
    await connection.execute(
        query("people.add_session"), new.id, new.person, new.hash, timedelta(seconds=SESSION_S),
        new.address, new.agent,
    )  # fmt: skip


async def end_session(connection: Connection, session: uuid.UUID) -> bool:
    """End a session; False when there is none."""
    return await connection.fetchval(query("people.end_session"), session) is not None


async def end_sessions(
    connection: Connection, person: uuid.UUID, but: uuid.UUID | None = None
) -> int:
    """End all sessions of a person, but for one; return how many."""
    return len(await connection.fetch(query("people.end_sessions"), person, but))


async def used(database: Database, ids: Collection[uuid.UUID]) -> None:
    """Note that these sessions were used just now."""
    await database.rows(query("people.used"), list(ids))


async def expire(connection: Connection) -> int:
    """Remove what has ended by itself; return how many sessions have."""
    await connection.execute(query("people.expire_links"))
    await connection.execute(query("people.expire_trials"))
    return len(await connection.fetch(query("people.expire_sessions"), _IDLE))


# --- links ---


async def add_link(connection: Connection, hash_: bytes, link: Link) -> None:
    """Make a link of a person, or the installation's first one, in place of any such before it."""
    lives = timedelta(seconds=LINK_S[link.purpose])
    tenant, role = link.offer or (None, None)
    await connection.execute(query("people.replace_links"), link.person, tenant)
    await connection.execute(
        query("people.add_link"), hash_, link.purpose, link.person, tenant, role, lives
    )


async def find_link(connection: Connection, hash_: bytes) -> Link | None:
    """Return a link that is in force; None: there is none. Locked is whom it is for, not it."""
    row = await connection.fetchrow(query("people.find_link"), hash_)
    if row is None:
        return None
    offer = None if row["role"] is None else (row["in_tenant"], cast("Role", row["role"]))
    return Link(cast("Purpose", row["purpose"]), row["person"], offer)


async def use_link(connection: Connection, hash_: bytes) -> bool:
    """Use a link up; False when somebody else has."""
    return await connection.fetchval(query("people.use_link"), hash_) is not None


async def drop_links(
    connection: Connection, person: uuid.UUID, *, offers: bool = False, owner: bool = False
) -> None:
    """Take back the links that sign a person in, of an `owner` also those that are of nobody.

    With `offers` also what other tenants have offered.
    """
    await connection.execute(query("people.drop_links"), person, offers, owner)


# --- attempts ---


async def attempt(database: Database, what: bytes, free: int, most_s: float) -> int:
    """Count an attempt; return the seconds to wait instead of making it, or 0.

    After `free` attempts that failed, each one doubles the wait, up to `most_s`; an hour without
    any begins anew.
    """
    if await database.row(query("people.try"), what, free, most_s) is not None:
        return 0
    row = await database.row(query("people.wait"), what, free, most_s)
    return max(1, int(row[0])) if row is not None else 1


async def forgive(database: Database, what: bytes) -> None:
    """Forget the attempts that failed."""
    await database.rows(query("people.forgive"), what)


async def take_back(database: Database, what: bytes) -> None:
    """Take one attempt back: it did not fail."""
    await database.rows(query("people.take_back"), what)
