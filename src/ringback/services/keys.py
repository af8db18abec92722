"""Making and revoking API keys.

A key is shown once, by `make`. When `revoke` returns, no living worker takes the key any more.
"""

import os
import secrets
import uuid
from collections.abc import Collection
from datetime import datetime

import msgspec

from ringback.domain.endpoints import Mode
from ringback.domain.ids import show, uuid7
from ringback.domain.rate import Rate, rate_of
from ringback.domain.scopes import SCOPES, may
from ringback.errors import Fault, Invalid
from ringback.services import audit
from ringback.services.access import Asker
from ringback.services.audit import Act
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.manage import LimitReached
from ringback.services.rate_limits import RateLimits
from ringback.storage import configuration as stored
from ringback.storage import keys
from ringback.storage.database import Connection, Database
from ringback.storage.keys import StoredKey
from ringback.storage.lists import Found, Scope, Window

# All keys in force are in every worker's memory.
KEYS_MAX = 2000
_BYTES = 32
_OPERATOR = Scope(0, 0)


class NewKey(msgspec.Struct, frozen=True):
    """What a new key is to be. Its kind: `live`, `test` or `operator`; None: its maker's.

    `scopes` None: all that its maker has; `rate` None: its maker's own, if that has one.
    """

    name: str
    kind: str | None = None
    scopes: list[str] | None = None
    expires: datetime | None = None
    rate: Rate | None = None


def new_key(kind: str) -> str:
    """Think of a key: 256 random bits after what tells its kind."""
    word = "op" if kind == "operator" else kind
    return f"rk_{word}_{secrets.token_urlsafe(_BYTES)}"


def kind_of(key: StoredKey) -> str:
    """Return the kind of a key: `live`, `test` or `operator`."""
    return Mode(key.mode).word if key.mode else "operator"


class Keys:
    """The API keys of one tenant and mode, or those of the installation's operators."""

    def __init__(
        self,
        configuration: Configuration,
        database: Database,
        clock: Clock,
        asker: Asker,
        rates: RateLimits,
    ) -> None:
        """Take the edges, who asks, and what knows how much a key may do."""
        self._asker = asker
        self._rates = rates
        self._configuration = configuration
        self._database = database
        self._clock = clock

    async def make(self, new: NewKey) -> tuple[StoredKey, str]:
        """Make a key for whom its maker acts for; return it, and the key that is shown once.

        It is shown no more than its maker: where numbers and texts are masked for one, they are
        for the other.

        Raises:
            Invalid: the kind, a scope or the time is wrong, or more than its maker may give.
            LimitReached: there are 2,000 already.

        """
        asker = self._asker
        kind = new.kind or (asker.mode.word if asker.mode else "operator")
        scopes = self._scopes(asker, new.scopes)
        faults = [*_faults_in_kind(asker, kind), *_faults_in_scopes(asker, kind, new.scopes)]
        faults += self._faults_in_time(asker, new.expires)
        faults += self._faults_in_rate(asker, new.rate)
        if faults:
            raise Invalid(*faults)
        scope = _OPERATOR if kind == "operator" else Scope(asker.tenant, Mode[kind.upper()])
        id_ = uuid7(self._clock.now_ms(), os.urandom(10))
        key = new_key(kind)
        async with self._configuration.change() as connection:
            if await keys.count(connection, scope) >= KEYS_MAX:
                raise LimitReached(f"There are {KEYS_MAX} keys already; revoke some.")
            await stored.add_key(
                connection, id_, *scope, key, new.name, scopes=scopes, expires=new.expires,
                rate=new.rate or _own_rate(asker), masked=asker.masked,
            )  # fmt: skip
            detail: audit.Detail = {"name": new.name, "kind": kind, "scopes": scopes}
            if asker.masked:
                detail["masked"] = True
            if new.rate is not None:
                detail["rate_limit"] = list(new.rate)
            await self._audit(connection, scope, Act("api_key.created", show("key", id_), detail))
        made = await self.get(scope, id_)
        assert made is not None
        return made, key

    def _scopes(self, asker: Asker, wanted: list[str] | None) -> list[str] | None:
        """Return what the new key gets: without a wish, what its maker has."""
        if wanted is not None:
            return sorted(set(wanted))
        return None if asker.key.scopes is None else sorted(asker.key.scopes)

    def _faults_in_time(self, asker: Asker, expires: datetime | None) -> list[Fault]:
        place, end = "/expires_at", asker.key.expires_ms
        wanted = None if expires is None else int(expires.timestamp() * 1000)
        if wanted is not None and wanted <= self._clock.now_ms():
            return [Fault(place, "That is in the past.")]
        if end is not None and (wanted is None or wanted > end):
            return [Fault(place, "A key that expires makes none that outlives it.")]
        return []

    def _faults_in_rate(self, asker: Asker, rate: Rate | None) -> list[Fault]:
        own = self._rates.rate(asker.key)
        if rate is None or own is None or asker.key.operator:
            return []
        names = zip(Rate._fields, rate, own, strict=True)
        return [
            Fault(f"/rate_limit/{name}", f"Your key has {most} itself; an operator's gives more.")
            for name, asked, most in names
            if asked > most
        ]

    async def revoke(self, scope: Scope, id_: uuid.UUID) -> bool:
        """Revoke a key, everywhere; False when there is none that is in force."""
        known = await self.get(scope, id_)
        if known is None:
            return False
        async with self._configuration.change() as connection:
            if not await keys.revoke(connection, scope, id_):
                return False
            act = Act("api_key.revoked", show("key", id_), {"name": known.name})
            await self._audit(connection, scope, act)
        return True

    async def _audit(self, connection: Connection, scope: Scope, act: Act) -> None:
        await audit.write(connection, scope, self._asker.actor, self._clock.now_ms(), act)

    async def get(self, scope: Scope, id_: uuid.UUID) -> StoredKey | None:
        """Return a key, or None when this tenant and mode has none of this id."""
        return await keys.get(self._database, scope, id_)

    async def newest(self, scope: Scope, window: Window) -> Found[StoredKey]:
        """Return keys by when they were made, revoked ones too."""
        return await keys.newest(self._database, scope, window)


def _own_rate(asker: Asker) -> Rate | None:
    """Return what a key hands on: the rate that was given to it, if one was."""
    key = asker.key
    if key.rate is None or key.operator:
        return None
    return rate_of(key.rate, key.burst)


def _faults_in_kind(asker: Asker, kind: str) -> list[Fault]:
    if kind == "operator" and not asker.key.operator:
        return [Fault("/kind", "Only an operator's key makes operators' keys.")]
    if kind != "operator" and asker.mode is None:
        words = "Say for which tenant, with the header Ringback-Tenant, and Ringback-Mode."
        return [Fault("/kind", words)]
    if kind == "live" and asker.mode is Mode.TEST:
        return [Fault("/kind", "A test key makes test keys only.")]
    return []


def _faults_in_scopes(asker: Asker, kind: str, wanted: Collection[str] | None) -> list[Fault]:
    faults = []
    for place, scope in enumerate(wanted or ()):
        if scope not in SCOPES:
            faults.append(Fault(f"/scopes/{place}", "There is no such scope; see docs/scopes.md."))
        elif not may(None, scope, operator=kind == "operator"):
            faults.append(Fault(f"/scopes/{place}", "Only operators' keys can have this scope."))
        elif not may(asker.key.scopes, scope, operator=asker.key.operator):
            faults.append(Fault(f"/scopes/{place}", "Your key does not have this scope itself."))
    return faults
