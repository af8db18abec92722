"""Who serves: registering a worker, its heartbeat, retiring the dead, adopting their deliveries."""

from datetime import datetime
from typing import NamedTuple

from ringback.storage.database import Connection
from ringback.storage.queries import query

ADOPT_LIMIT = 1000


class Beat(NamedTuple):
    """What a heartbeat brings back."""

    beat: int
    config_version: int
    clock: datetime


class Peer(NamedTuple):
    """Another living worker: its last beat, and the process it says it is."""

    id: int
    beat: int
    boot_id: str
    pid: int
    pid_start: float


async def register(connection: Connection, boot_id: str, pid: int, pid_start: float) -> int:
    """Add a worker and return its id."""
    number: int = await connection.fetchval(query("workers.register"), boot_id, pid, pid_start)
    return number


async def heartbeat(connection: Connection, worker: int, config_seen: int) -> Beat | None:
    """Show that this worker lives; None when it has been retired."""
    row = await connection.fetchrow(query("workers.heartbeat"), worker, config_seen)
    return Beat(*row) if row else None


async def peers(connection: Connection, worker: int) -> list[Peer]:
    """Return the other workers that count as living."""
    return [Peer(*row) for row in await connection.fetch(query("workers.others"), worker)]


async def retire(connection: Connection, peer: Peer) -> bool:
    """Declare a worker dead unless it has shown a new beat; True when that was us."""
    retired: bool = await connection.fetchval(query("workers.retire"), peer.id, peer.beat)
    return retired


async def adopt(connection: Connection) -> int:
    """Give back up to `ADOPT_LIMIT` deliveries that no living worker owns; return how many."""
    adopted: int = await connection.fetchval(query("workers.adopt"), None, ADOPT_LIMIT)
    return adopted


async def unblock(connection: Connection) -> int:
    """Free rows that wait with nothing in front; always 0 unless there is a defect."""
    stuck: int = await connection.fetchval(query("workers.unblock"), None)
    return stuck


async def leave(connection: Connection, worker: int) -> None:
    """Sign a worker off, once it holds nothing any more."""
    await connection.execute(query("workers.leave"), worker)


async def waiting(connection: Connection) -> tuple[float, int]:
    """Return the age in seconds of the oldest due delivery, and how many wait (≤ 10,000)."""
    row = await connection.fetchrow(query("workers.oldest_due"))
    assert row is not None
    return float(row["seconds"]), int(row["open"])


async def forget(connection: Connection) -> None:
    """Remove the rows of workers that have been dead for a week."""
    await connection.execute(query("workers.forget"))
