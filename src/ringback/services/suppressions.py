"""Taking an opt-out back by hand: what was said stays in the ledger, with who did it."""

import os
import uuid
from datetime import UTC, datetime

from ringback.domain.ids import show, uuid7
from ringback.services import audit
from ringback.services.audit import Act
from ringback.storage import suppressions
from ringback.storage.audit import Actor
from ringback.storage.database import Database
from ringback.storage.lists import Scope


async def remove(
    database: Database, scope: Scope, actor: Actor, id_: uuid.UUID, now_ms: int
) -> bool:
    """Take an opt-out back, with its entry in the audit log; False when none is in force."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    removed_as = uuid7(now_ms, os.urandom(10))
    act = Act("suppression.removed", show("opt", id_), {"entry": show("opt", removed_as)})
    async with database.acquire() as connection, connection.transaction():
        if not await suppressions.remove(connection, scope, id_, removed_as, actor, now):
            return False
        await audit.write(connection, scope, actor, now_ms, act)
    return True
