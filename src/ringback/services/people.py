"""Inviting people, giving them roles, links and an end, on behalf of whoever manages a tenant.

Roles belong to tenants, owners to the installation. Nobody gives or takes what lies beyond their
own tenant: that is for owners and operators' keys. When a function here returns, every living
worker goes by it.
"""

import os
import uuid
from typing import NamedTuple

from ringback.domain.endpoints import Mode
from ringback.domain.ids import read, show, uuid7
from ringback.domain.people import Person, Purpose, faults_in_email, faults_in_name, plain_email
from ringback.domain.roles import OWNER, Role
from ringback.errors import Fault, Invalid, RingbackError
from ringback.services import audit
from ringback.services.access import Asker
from ringback.services.again import NotNow
from ringback.services.audit import Act, Detail
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.manage import LimitReached
from ringback.services.sign_in import new_link
from ringback.storage import audit as entries
from ringback.storage import keys, people
from ringback.storage.audit import Wanted
from ringback.storage.database import Connection, Database
from ringback.storage.keys import StoredKey
from ringback.storage.lists import Scope, Window
from ringback.storage.people import Change, EmailTaken

# All of them are in every worker's memory.
PEOPLE_MAX = 10_000
PEOPLE_PER_TENANT_MAX = 1000
# Keys of each mode that are told of when somebody is removed.
KEYS_TOLD_MAX = 100


class NotYours(RingbackError):
    """Only an owner, or an operator's key, may do this; the text says what."""


class Gone(RingbackError):
    """Somebody was removed at the same moment."""


class Invited(NamedTuple):
    """Somebody who was invited, and what is in their link.

    `offered`: they are known in the installation, and have the role once they accept it. Until then
    only what the inviter knows anyway is told of them.
    """

    person: Person
    secret: str
    offered: bool


class People:
    """The people of one tenant, and for owners and operators also the owners."""

    def __init__(
        self, configuration: Configuration, database: Database, clock: Clock, asker: Asker
    ) -> None:
        """Take the edges, and who asks."""
        self._configuration = configuration
        self._database = database
        self._clock = clock
        self._asker = asker

    def visible(self) -> list[Person]:
        """Return the people that may be seen, the newest first."""
        found = self._configuration.snapshot.people.values()
        seen = [person for person in found if self._asker.sees(person)]
        return sorted(seen, key=lambda person: person.id, reverse=True)

    def find(self, id_: uuid.UUID | None, email: str) -> Person | None:
        """Return somebody who may be seen, by id or by e-mail address, or None."""
        wanted = plain_email(email)
        return next(
            (one for one in self.visible() if one.id == id_ or (not id_ and one.email == wanted)),
            None,
        )

    def role(self, person: Person) -> Role:
        """Return the role of somebody who may be seen, in the tenant that is acted for."""
        role = person.role_in(self._asker.tenant)
        # Somebody who sees themselves from a tenant that they have just left.
        return role or "read_only"

    async def invite(self, email: str, name: str, role: Role) -> Invited:
        """Add somebody to the tenant, with a link.

        To whoever is known in the installation already the role is offered: an address is proof of
        nothing, so that the link is for the right one, who accepts it as themselves.

        Raises:
            Invalid: the address or the name is wrong, or the person is in the tenant already.
            LimitReached: there are too many people.
            NotYours: only an owner makes owners, and a test key manages nobody.

        """
        email = plain_email(email)
        if faults := [*faults_in_email(email), *faults_in_name(name)]:
            raise Invalid(*faults)
        self._may_manage(role)
        tenant, known = self._asker.tenant, await people.by_email(self._database, email)
        id_ = known[0] if known else uuid7(self._clock.now_ms(), os.urandom(10))
        async with self._configuration.change() as connection:
            if known is None:
                await self._room(connection)
                if not await people.add(connection, id_, email, name, owner=role == OWNER):
                    raise Invalid(Fault("/email", "Somebody has just been invited by it: again."))
                if role != OWNER:
                    await people.join(connection, id_, tenant, role)
                secret = await new_link(connection, "invitation", id_)
            else:
                there = await people.lock_whole(connection, id_)
                if there is None:
                    raise Invalid(Fault("/email", "They have just been removed: again."))
                self._new_here(there, role)
                await self._room_here(connection)
                secret = await new_link(connection, "offer", id_, (tenant, role))
            await self._audit(connection, Act("person.invited", show("usr", id_), {"role": role}))
        if known is None:
            return Invited(self._configuration.snapshot.people[id_], secret, offered=False)
        told = Person(
            id_, email, name, owner=False, secured=False, created_ms=self._clock.now_ms(),
            roles={tenant: role},
        )  # fmt: skip
        return Invited(told, secret, offered=True)

    def _new_here(self, there: Person, role: Role) -> None:
        if there.role_in(self._asker.tenant) is None:
            return
        if there.owner and not self._asker.owns:
            raise NotYours("This person has every role here already.")
        if there.owner or role != OWNER:
            raise Invalid(Fault("/email", "This person is here already: change the role instead."))

    async def _room(self, connection: Connection) -> None:
        """Raise LimitReached when there is no room for one more."""
        if await people.count(connection) >= PEOPLE_MAX:
            raise LimitReached(f"There are {PEOPLE_MAX} people already; remove some.")
        await self._room_here(connection)

    async def _room_here(self, connection: Connection) -> None:
        if await people.count(connection, self._asker.tenant) >= PEOPLE_PER_TENANT_MAX:
            words = f"There are {PEOPLE_PER_TENANT_MAX} people in this tenant already; remove some."
            raise LimitReached(words)

    async def change(
        self, person: Person, *, role: Role | None, name: str | None, email: str | None
    ) -> Person:
        """Change somebody's role in this tenant, or their name or address.

        Raises:
            Gone: they were removed at the same moment.
            Invalid: something is wrong, or another person has the address.
            NotNow: it is the last owner who can sign in.
            NotYours: it is for an owner.

        """
        plain = None if email is None else plain_email(email)
        faults = [] if name is None else faults_in_name(name)
        if faults := [*faults, *([] if plain is None else faults_in_email(plain))]:
            raise Invalid(*faults)
        asked = {"role": role, "name": name, "email": plain}
        detail: Detail = {key: value for key, value in asked.items() if value is not None}
        try:
            async with self._configuration.change() as connection:
                person = await self._locked(connection, person)
                self._may_manage(role, person)
                if name is not None or plain is not None:
                    self._wholly_here(person)
                if person.owner and role not in {None, OWNER}:
                    await self._another_owner(connection, person)
                owner = None if role is None else role == OWNER
                if role is not None or plain not in {None, person.email}:
                    # What was made for who they were is worth nothing for who they become.
                    owners = person.owner or role == OWNER
                    await people.drop_links(connection, person.id, offers=True, owner=owners)
                await people.change(connection, person.id, Change(plain, name, None, owner))
                if role is not None and role != OWNER:
                    await people.join(connection, person.id, self._asker.tenant, role)
                act = Act("person.changed", show("usr", person.id), detail)
                await self._audit(connection, act)
        except EmailTaken:
            raise Invalid(Fault("/email", "Somebody else has this address here.")) from None
        return self._configuration.snapshot.people[person.id]

    async def link(self, person: Person) -> str:
        """Make a link with which somebody chooses a password; return what is in it.

        Raises:
            Gone: they were removed at the same moment.
            NotYours: it is for an owner to do so.

        """
        async with self._database.acquire() as connection, connection.transaction():
            person = await self._locked(connection, person)
            self._may_manage(None, person)
            self._wholly_here(person)
            purpose: Purpose = "reset" if person.secured else "invitation"
            secret = await new_link(connection, purpose, person.id)
            act = Act("person.link_made", show("usr", person.id), {"for": purpose})
            await self._audit(connection, act)
        return secret

    async def remove(self, person: Person) -> None:
        """Take somebody out of the tenant, and out of the installation if it was their last one.

        Raises:
            Gone: somebody else has just done so.
            NotNow: it is the last owner who can sign in.
            NotYours: it is for an owner.

        """
        async with self._configuration.change() as connection:
            person = await self._locked(connection, person)
            self._may_manage(None, person)
            await people.drop_links(connection, person.id, offers=True, owner=person.owner)
            if person.owner:
                await self._another_owner(connection, person)
                await people.remove(connection, person.id)
            else:
                await people.leave(connection, person.id, self._asker.tenant)
            detail: Detail = {"email": person.email, "role": self.role(person)}
            await self._audit(connection, Act("person.removed", show("usr", person.id), detail))

    async def _locked(self, connection: Connection, person: Person) -> Person:
        """Return somebody as they are now, whom nobody else changes meanwhile. Raises Gone."""
        there = await people.lock_whole(connection, person.id)
        if there is None or not self._asker.sees(there):
            raise Gone
        return there

    async def keys_of(self, person: Person) -> list[StoredKey]:
        """Return the keys in force that somebody has made in the tenant, by its audit log."""
        wanted = Wanted(action="api_key.created", actor=person.id)
        found, now_ms = [], self._clock.now_ms()
        for mode in Mode:
            scope = Scope(self._asker.tenant, mode)
            made = await entries.page(self._database, scope, Window(KEYS_TOLD_MAX), wanted)
            for entry in made.rows:
                id_ = read("key", entry.about)
                key = None if id_ is None else await keys.get(self._database, scope, id_)
                if key is None or key.revoked is not None:
                    continue
                if key.expires is None or key.expires.timestamp() * 1000 > now_ms:
                    found.append(key)
        return found

    async def _another_owner(self, connection: Connection, person: Person) -> None:
        await people.first_owner(connection)  # locked: only one of two owners goes at a time
        if not await people.other_owners(connection, person.id):
            raise NotNow("Nobody else who owns the installation has a password: make an owner.")

    def _may_manage(self, role: Role | None, person: Person | None = None) -> None:
        if self._asker.only_tests:
            words = "People work in both modes: a test key does not manage them. Use a live key, "
            raise NotYours(words + "an operator's, or the panel.")
        if self._asker.owns:
            return
        if role == OWNER or (person is not None and person.owner):
            raise NotYours("Owners belong to the installation: only an owner changes who is one.")

    def _wholly_here(self, person: Person) -> None:
        """Raise NotYours when somebody works for other tenants, too: it is theirs as well."""
        if not self._asker.governs(person):
            words = "This person works for other tenants, too: only an owner, or they themselves, "
            raise NotYours(words + "may change this. The role in this tenant is yours to change.")

    async def _audit(self, connection: Connection, act: Act) -> None:
        now_ms = self._clock.now_ms()
        tenant, actor = self._asker.tenant, self._asker.actor
        await audit.write_of_people(connection, tenant, actor, now_ms, act)
