"""Signing in, by password or by a link that was given; signing out; changing one's own password.

A new session has a new secret, which only the answer holds. When a function here returns, every
living worker goes by it. Whoever may not sign in learns nothing of who there is.
"""

import hmac
import ipaddress
import os
import secrets
import uuid
from typing import NamedTuple

from ringback.domain.ids import show, uuid7
from ringback.domain.people import (
    EMAIL_MAX,
    Purpose,
    Session,
    faults_in_email,
    faults_in_name,
    faults_in_password,
    plain_email,
    plain_password,
    secret_hash,
)
from ringback.domain.roles import OWNER, Role
from ringback.errors import Fault, Invalid, RingbackError
from ringback.services import audit
from ringback.services.access import Asker, SignedIn
from ringback.services.audit import Act, Detail
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.manage import LimitReached
from ringback.services.passwords import Busy, Passwords
from ringback.storage import people
from ringback.storage.audit import Actor
from ringback.storage.database import Connection, Database
from ringback.storage.lists import Scope
from ringback.storage.passwords import outdated
from ringback.storage.people import Change, EmailTaken, Known, Link, NewSession

# All sessions in force are in every worker's memory.
SESSIONS_MAX = 20_000
SESSIONS_PER_PERSON_MAX = 20
# Attempts that fail before each further one has to wait, twice as long each time, at most so long.
# FREE_PER_PERSON is from one network: nobody is locked out from elsewhere by a few requests.
FREE_PER_PERSON = 5
FREE_PER_EMAIL = 100
FREE_PER_ADDRESS = 30
WAIT_MAX_S = 900.0
AGENT_MAX = 256
_SECRET_BYTES = 32
_INSTALLATION = Scope(0, 0)


_ADDRESS_STAYS = Fault(
    "/email", "An owner changes it, or an admin of your tenant if you have one alone: under Team."
)


class WrongCredentials(RingbackError):
    """Nobody has this e-mail address and this password."""


class LinkSpent(RingbackError):
    """There is no such link, or it was used, or it is too old."""


class TooMany(RingbackError):
    """Too many attempts have failed; `wait_s` seconds from now there may be another one."""

    def __init__(self, wait_s: int) -> None:
        """Take how long to wait."""
        super().__init__(f"Wait {wait_s} s before another attempt, or ask for a link.")
        self.wait_s = wait_s


class Peer(NamedTuple):
    """From where somebody signs in: the address, the browser, and the session that was there."""

    address: str
    agent: str
    before: Session | None = None


class Counted(NamedTuple):
    """What attempts are counted by, hashed, and how many may fail before they have to wait.

    `theirs`: one that succeeds shows that all were by the same person, who is forgiven.
    """

    what: bytes
    free: int
    theirs: bool = False


class Wishes(NamedTuple):
    """What somebody says of themselves with a link, or changes later; None: nothing."""

    name: str | None = None
    email: str | None = None
    password: str | None = None


class SignIn:
    """Opens sessions and ends them."""

    def __init__(
        self, configuration: Configuration, database: Database, clock: Clock, passwords: Passwords
    ) -> None:
        """Take the edges."""
        self._configuration = configuration
        self._database = database
        self._clock = clock
        self._passwords = passwords

    async def by_password(self, email: str, password: str, peer: Peer) -> str:
        """Sign somebody in; return the new session's secret, which is kept nowhere.

        Raises:
            WrongCredentials: nobody has these.
            TooMany: too many attempts have failed.
            Busy: too many people sign in.
            LimitReached: there are too many sessions.

        """
        email = plain_email(email)
        counted = (_where(peer), *_who(email, peer.address))
        await self._admit(*counted)
        found = await people.by_email(self._database, email)
        plain, kept = plain_password(password), found[1] if found else None
        if not await self._fits(plain, kept, *counted) or found is None or kept is None:
            await self._failed(found[0] if found else None, email, peer)
            raise WrongCredentials
        await self._succeeded(*counted)
        anew = await self._passwords.hashed(plain) if outdated(kept) else None
        async with self._configuration.change() as connection:
            known = await people.lock(connection, found[0])
            if known is None or not _same(known.password, kept):
                raise WrongCredentials
            if anew is not None:
                await people.change(connection, known.id, Change(password=anew))
            return await self._open(connection, known, peer, {"how": "password"})

    async def by_link(
        self, secret: str, wishes: Wishes, peer: Peer, current: str | None = None
    ) -> str:
        """Sign somebody in who has a link, and take what they say of themselves.

        The link is used up with it, and only with it: what is wrong may be said again. An offer to
        somebody who has a password is theirs to accept: by their session, or `current`, that
        password. An address proves nothing, as whoever invited them first may have made it up.

        Raises:
            LinkSpent: there is no such link any more.
            Invalid: a password is needed, or something is wrong with it.
            WrongCredentials: the password was changed at the same moment.
            TooMany: too many attempts have failed.
            Busy: too many people sign in.
            LimitReached: there are too many sessions.

        """
        where = _where(peer)
        await self._admit(where)
        hash_ = secret_hash(secret)
        async with self._database.acquire() as connection, connection.transaction():
            link, known = await _behind(connection, hash_)
        await people.take_back(self._database, where.what)
        kept = None if known is None else known.password
        if link.offer is not None and known is not None and kept is not None:
            if peer.before is None or peer.before.person != known.id:
                await self._confirm(known.email, peer.address, current)
            wishes = Wishes()
        else:
            wishes = _checked(wishes, link.purpose, known)
        hashed = None
        if wishes.password is not None:
            hashed = await self._passwords.hashed(plain_password(wishes.password))
        try:
            async with self._configuration.change() as connection:
                link, known = await _behind(connection, hash_)
                # Whoever comes second waits here, and finds it gone.
                if not await people.use_link(connection, hash_):
                    raise LinkSpent
                known = known or await self._first(connection)
                if link.offer is not None and not _same(known.password, kept):
                    raise WrongCredentials
                return await self._with_link(connection, link, known, wishes, hashed, peer)
        except EmailTaken:
            raise Invalid(Fault("/email", "Somebody else has this address here.")) from None

    async def _with_link(
        self, connection: Connection, link: Link, known: Known, wishes: Wishes,
        hashed: str | None, peer: Peer,
    ) -> str:  # fmt: skip
        await people.change(connection, known.id, Change(wishes.email, wishes.name, hashed))
        if hashed is not None or wishes.email is not None:
            await people.drop_links(connection, known.id, owner=known.owner)
        if hashed is not None:
            await people.end_sessions(connection, known.id)
            await self._audit(connection, known.id, Act("person.password_set", _shown(known.id)))
        if link.offer is not None:
            await self._join(connection, known, *link.offer)
        return await self._open(connection, known, peer, {"how": "link", "link": link.purpose})

    async def _join(self, connection: Connection, known: Known, tenant: int, role: Role) -> None:
        """Give somebody what was offered; links that others made for them are worth nothing now."""
        if role == OWNER:
            await people.change(connection, known.id, Change(owner=True))
        elif not known.owner:
            await people.join(connection, known.id, tenant, role)
        owner = known.owner or role == OWNER
        await people.drop_links(connection, known.id, offers=role == OWNER, owner=owner)
        act = Act("person.joined", _shown(known.id), {"role": role})
        actor, now_ms = Actor(known.id, person=True), self._clock.now_ms()
        await audit.write_of_people(connection, tenant, actor, now_ms, act)

    async def _first(self, connection: Connection) -> Known:
        """Return the owner of the installation; whoever comes first becomes it."""
        id_ = await people.first_owner(connection)
        if id_ is None:
            id_ = uuid7(self._clock.now_ms(), os.urandom(10))
            await people.add(connection, id_, None, "Owner", owner=True)
        known = await people.lock(connection, id_)
        assert known is not None
        return known

    async def _open(self, connection: Connection, known: Known, peer: Peer, detail: Detail) -> str:
        if await people.sessions(connection) >= SESSIONS_MAX:
            raise LimitReached(f"There are {SESSIONS_MAX} sessions already; end some.")
        if peer.before is not None:
            await people.end_session(connection, peer.before.id)
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        id_ = uuid7(self._clock.now_ms(), os.urandom(10))
        new = NewSession(id_, known.id, secret_hash(secret), peer.address, peer.agent[:AGENT_MAX])
        await people.add_session(connection, new, SESSIONS_PER_PERSON_MAX)
        act = Act("person.signed_in", _shown(known.id), {**detail, "address": peer.address})
        await self._audit(connection, known.id, act)
        return secret

    async def sign_out(self, session: Session) -> None:
        """End a session at its owner's wish."""
        person = session.person
        async with self._configuration.change() as connection:
            if await people.end_session(connection, session.id):
                await self._audit(connection, person, Act("person.signed_out", _shown(person)))

    async def end(self, asker: Asker, session: Session) -> None:
        """End a session, one's own or somebody else's, who may be told by the audit log."""
        person = session.person
        act = Act("person.session_ended", _shown(person), {"session": show("ses", session.id)})
        async with self._configuration.change() as connection:
            if await people.end_session(connection, session.id):
                await self._audit(connection, person, act, actor=asker.actor)

    async def change_self(self, signed_in: SignedIn, wishes: Wishes, current: str | None) -> None:
        """Change one's own name or password; a new one ends all other sessions.

        An e-mail address is for whoever has none yet: nobody takes one on that others may invite.

        Raises:
            Invalid: something is wrong, or the password that was is missing or another one.
            TooMany: too many attempts have failed.
            Busy: too many passwords are being looked at.

        """
        person = signed_in.person
        if wishes.email is not None and plain_email(wishes.email) == person.email:
            wishes = wishes._replace(email=None)
        faults = _faults(wishes, person.email)
        if wishes.email is not None and person.email is not None:
            faults.append(_ADDRESS_STAYS)
        if wishes.password is not None and wishes.email is None and person.email is None:
            faults.append(Fault("/email", "Say the address that you will sign in with, too."))
        if faults:
            raise Invalid(*faults)
        wishes = _plain(wishes)
        asked = wishes.email is not None or wishes.password is not None
        if asked and person.secured and person.email is not None:
            await self._confirm(person.email, signed_in.session.address, current)
        hashed = None
        if wishes.password is not None:
            hashed = await self._passwords.hashed(plain_password(wishes.password))
        try:
            async with self._configuration.change() as connection:
                known = await people.lock(connection, person.id)
                if known is not None and known.email is not None and wishes.email is not None:
                    raise Invalid(_ADDRESS_STAYS)
                change = Change(wishes.email, wishes.name, hashed)
                await people.change(connection, person.id, change)
                if asked:
                    await people.drop_links(connection, person.id, owner=person.owner)
                changed = [name for name in wishes._fields if getattr(wishes, name) is not None]
                acts = [Act("person.changed", _shown(person.id), {"fields": changed})]
                if hashed is not None:
                    await people.end_sessions(connection, person.id, signed_in.session.id)
                    acts.append(Act("person.password_set", _shown(person.id)))
                await self._audit(connection, person.id, *acts)
        except EmailTaken:
            raise Invalid(Fault("/email", "Somebody else has this address here.")) from None

    async def _confirm(self, email: str | None, address: str, current: str | None) -> None:
        """Make sure that it is the person, and not somebody at their desk. Raises Invalid."""
        if current is None:
            raise Invalid(Fault("/current_password", "Say the password that you have now."))
        email = email or ""
        counted = _who(email, address)
        await self._admit(*counted)
        found = await people.by_email(self._database, email)
        kept = found[1] if found else None
        if not await self._fits(plain_password(current), kept, *counted):
            raise Invalid(Fault("/current_password", "That is not your password."))
        await self._succeeded(*counted)

    async def _admit(self, *counted: Counted) -> None:
        """Count an attempt. Raises TooMany; then it counts nowhere."""
        for place, (what, free, _) in enumerate(counted):
            wait_s = await people.attempt(self._database, what, free, WAIT_MAX_S)
            if wait_s:
                await self._take_back(*counted[:place])
                raise TooMany(wait_s)

    async def _take_back(self, *counted: Counted) -> None:
        for one in counted:
            await people.take_back(self._database, one.what)

    async def _succeeded(self, *counted: Counted) -> None:
        for one in counted:
            forget = people.forgive if one.theirs else people.take_back
            await forget(self._database, one.what)

    async def _fits(self, plain: str, kept: str | None, *counted: Counted) -> bool:
        """Compare a password. Raises Busy; then it was no attempt."""
        try:
            return await self._passwords.fits(plain, kept)
        except Busy:
            await self._take_back(*counted)
            raise

    async def _failed(self, person: uuid.UUID | None, email: str, peer: Peer) -> None:
        # What is no address may be a password in the wrong field.
        tried = "" if faults_in_email(email) else email[:EMAIL_MAX]
        detail: Detail = {"email": tried, "address": peer.address}
        act = Act("person.sign_in_failed", _shown(person) if person else "", detail)
        known = self._configuration.snapshot.people.get(person) if person else None
        async with self._database.acquire() as connection, connection.transaction():
            if person is None or known is None or known.owner:
                # No tenant's business: what was typed is told to operators alone.
                await audit.write(connection, _INSTALLATION, None, self._clock.now_ms(), act)
            else:
                await self._audit(connection, person, act, by_themselves=False)

    async def _audit(
        self,
        connection: Connection,
        person: uuid.UUID | None,
        *acts: Act,
        by_themselves: bool = True,
        actor: Actor | None = None,
    ) -> None:  # fmt: skip
        """Write down what somebody did, in every tenant of theirs; of nobody: in the first."""
        snapshot = self._configuration.snapshot
        known = snapshot.people.get(person) if person else None
        tenants = [*known.roles] if known is not None and known.roles else [min(snapshot.tenants)]
        if actor is None and person is not None and by_themselves:
            actor = Actor(person, person=True)
        now_ms = self._clock.now_ms()
        for tenant in tenants:
            await audit.write_of_people(connection, tenant, actor, now_ms, *acts)


def _who(email: str, address: str) -> tuple[Counted, Counted]:
    there = secret_hash(f"email:{email} {_network(address)}")
    anywhere = secret_hash(f"email:{email}")
    return Counted(there, FREE_PER_PERSON, theirs=True), Counted(anywhere, FREE_PER_EMAIL)


def _where(peer: Peer) -> Counted:
    return Counted(secret_hash(f"address:{_network(peer.address)}"), FREE_PER_ADDRESS)


def _network(address: str) -> str:
    """Return an address as it is counted: of IPv6 the half that somebody is given whole."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))


def _shown(person: uuid.UUID) -> str:
    return show("usr", person)


def _same(one: str | None, other: str | None) -> bool:
    """Compare what passwords are kept as; None: there is none."""
    return hmac.compare_digest(one or "", other or "")


async def _behind(connection: Connection, hash_: bytes) -> tuple[Link, Known | None]:
    """Return a link, and whom it signs in, locked. Raises LinkSpent."""
    link = await people.find_link(connection, hash_)
    if link is None:
        raise LinkSpent
    person = link.person or await people.first_owner(connection)
    known = await people.lock(connection, person) if person is not None else None
    if link.person is not None and known is None:
        raise LinkSpent
    return link, known


def _plain(wishes: Wishes) -> Wishes:
    email = None if wishes.email is None else plain_email(wishes.email)
    return wishes._replace(email=email)


def _faults(wishes: Wishes, email: str | None) -> list[Fault]:
    faults: list[Fault] = []
    plain = _plain(wishes)
    if plain.name is not None:
        faults += faults_in_name(plain.name)
    if plain.email is not None:
        faults += faults_in_email(plain.email)
    if plain.password is not None:
        faults += faults_in_password(plain.password, plain.email or email)
    return faults


def _checked(wishes: Wishes, purpose: Purpose, known: Known | None) -> Wishes:
    """Return what somebody with a link says, as it is stored. Raises Invalid."""
    email = None if known is None else known.email
    faults = _faults(wishes, email)
    if purpose != "first_run" and wishes.password is None:
        faults.append(Fault("/password", "Choose a password to sign in with from now on."))
    if wishes.password is not None and wishes.email is None and email is None:
        faults.append(Fault("/email", "Say the address that you will sign in with, too."))
    if wishes.email is not None and email not in {None, plain_email(wishes.email)}:
        faults.append(Fault("/email", "The link is for another address; leave this out."))
    if faults:
        raise Invalid(*faults)
    return _plain(wishes)


def link_to(public_url: str, secret: str, mode: str | None = None) -> str:
    """Write a link; what it holds comes after the #, so that no server ever logs it.

    With a `mode`, `live` or `test`, the panel begins in that one.
    """
    return f"{public_url}/panel/sign-in#token={secret}" + (f"&mode={mode}" if mode else "")


async def new_link(
    connection: Connection, purpose: Purpose, person: uuid.UUID | None,
    offer: tuple[int, Role] | None = None,
) -> str:  # fmt: skip
    """Make a link in place of any such before it; return its secret, which is kept nowhere.

    An `offer` is of a role in a tenant, to somebody who is known.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    await people.add_link(connection, secret_hash(secret), Link(purpose, person, offer))
    return secret
