"""Adding, changing, suspending and deleting tenants, on behalf of the installation's operators.

When a function here returns, every living worker goes by it.
"""

import os
import re

from ringback.domain.ids import read, show, uuid7
from ringback.errors import DatabaseUnavailable, Fault, Invalid
from ringback.services import audit
from ringback.services.again import NotNow
from ringback.services.audit import Act
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.manage import LimitReached
from ringback.storage import deliveries, tenants
from ringback.storage.audit import Actor
from ringback.storage.database import Connection, Database
from ringback.storage.lists import Found, Scope, Window
from ringback.storage.tenants import Change, StoredTenant

# All of them are in every worker's memory.
TENANTS_MAX = 10_000
_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")


class Tenants:
    """The tenants of the installation."""

    def __init__(
        self,
        configuration: Configuration,
        database: Database,
        clock: Clock,
        actor: Actor | None = None,
    ) -> None:
        """Take the edges; `actor` is who asks."""
        self._actor = actor
        self._configuration = configuration
        self._database = database
        self._clock = clock

    async def put(self, named: str, wanted: Change) -> tuple[StoredTenant, bool]:
        """Add a tenant under its operator's own id, or change it; say whether it is new.

        What is None stays; a new tenant without a name is called by its own id.

        Raises:
            Invalid: there is none of this id, and it is no id for a new one.
            LimitReached: there are 10,000 already.

        """
        known = self._configuration.snapshot.tenants_by_name.get(named)
        if known is None and (not _UID.fullmatch(named) or read("ten", named)):
            words = "It has 1 to 128 letters, digits and . _ : @ - and is not like one of ours."
            raise Invalid(Fault("", f"The last part of the URL is your own id. {words}"))
        new_id = uuid7(self._clock.now_ms(), os.urandom(10))
        async with self._configuration.change() as connection:
            if known is None and await tenants.count(connection) >= TENANTS_MAX:
                raise LimitReached(f"There are {TENANTS_MAX} tenants already; delete some.")
            if known is None or known.uid == named:
                no, id_, new = await tenants.put(connection, new_id, named, wanted)
            else:
                no, id_, new = known.no, known.id, False
                await tenants.change(connection, no, wanted)
            asked: audit.Detail = {
                "uid": named, "name": wanted.name, "suspended": wanted.suspended,
            }  # fmt: skip
            if wanted.rated:
                asked["rate_limit"] = wanted.rate and list(wanted.rate)
            act = Act("tenant.created" if new else "tenant.changed", show("ten", id_), asked)
            await self._audit(connection, act)
        found = await tenants.get(self._database, no)
        if found is None:
            raise DatabaseUnavailable("Somebody has deleted it in this moment.")
        return found, new

    async def get(self, named: str) -> StoredTenant | None:
        """Return a tenant by its id or by its operator's own id, or None."""
        known = self._configuration.snapshot.tenants_by_name.get(named)
        return None if known is None else await tenants.get(self._database, known.no)

    async def newest(self, window: Window) -> Found[StoredTenant]:
        """Return tenants by when they were added."""
        return await tenants.newest(self._database, window)

    async def delete(self, named: str) -> bool:
        """Delete a tenant: its keys are revoked, its connections and endpoints deleted.

        What is stored of it goes when its retention is over. False when there is none.

        Raises:
            NotNow: it is the first tenant, which the installation cannot do without.

        """
        known = self._configuration.snapshot.tenants_by_name.get(named)
        if known is None:
            return False
        if known.no == min(self._configuration.snapshot.tenants):
            raise NotNow("The first tenant cannot be deleted; it can be suspended.")
        async with self._configuration.change() as connection:
            endpoints = await tenants.delete(connection, known.no)
            if endpoints is not None:
                name: audit.Detail = {"uid": known.uid, "name": known.name}
                await self._audit(connection, Act("tenant.deleted", show("ten", known.id), name))
        # No worker brings anything new for them now.
        for number in endpoints or ():
            while await deliveries.cancel(self._database, number):
                pass
        return endpoints is not None

    async def _audit(self, connection: Connection, act: Act) -> None:
        """Write down what was done to a tenant, among what is the installation's own."""
        await audit.write(connection, Scope(0, 0), self._actor, self._clock.now_ms(), act)
