"""Removing messages whose time is over, in small batches, with all that names them."""

from datetime import datetime

import msgspec

from ringback.domain.ids import floor7
from ringback.domain.messages import Message
from ringback.domain.search import terms
from ringback.storage.database import Connection
from ringback.storage.deliveries import CANCEL_BATCH
from ringback.storage.queries import query

BATCH = 500
_decode = msgspec.msgpack.Decoder(Message).decode


async def lock(connection: Connection) -> bool:
    """Take the housekeeping lock for the session; False when another worker has it."""
    mine: bool = await connection.fetchval(query("retention.lock"))
    return mine


async def cancel_left_over(connection: Connection) -> int:
    """End what endpoints are owed that were deleted or have expired; return how many."""
    ended = 0
    for row in await connection.fetch(query("retention.left_over")):
        while count := await connection.fetchval(
            query("delivery_log.cancel"), row["no"], CANCEL_BATCH
        ):
            ended += count
    return ended


async def remove_messages(connection: Connection, before: datetime) -> int:
    """Remove messages created before a moment; return how many."""
    limit = floor7(int(before.timestamp() * 1000))
    removed = 0
    for scope in await connection.fetch(query("retention.scopes")):
        tenant, mode = scope["tenant"], scope["mode"]
        while True:
            rows = await connection.fetch(
                query("retention.old_messages"), limit, tenant, mode, BATCH
            )
            if not rows:
                break
            await _remove(connection, tenant, mode, [row["id"] for row in rows])
            removed += len(rows)
    return removed


async def _remove(connection: Connection, tenant: int, mode: int, ids: list[object]) -> None:
    found = await connection.fetch(query("retention.read_messages"), ids)
    names = [
        (tenant, mode, kind, value, row["id"])
        for row in found
        for kind, value in terms(_decode(row["data"]))
    ]
    async with connection.transaction():
        if names:
            columns = [list(column) for column in zip(*names, strict=True)]
            await connection.execute(query("retention.remove_search"), *columns)
        await connection.execute(query("retention.remove_keys"), ids)
        await connection.execute(query("retention.remove_facts"), ids)
        await connection.execute(query("retention.remove_subjects"), ids)
