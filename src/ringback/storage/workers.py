"""Who serves: registering a worker, its heartbeat, retiring the dead, adopting their deliveries."""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ringback.storage.database import POOL_ANSWER_S, Connection
from ringback.storage.queries import query

ADOPT_LIMIT = 1000
FOLD_MAX = 1000


class Beat(NamedTuple):
    """What a heartbeat brings back."""

    beat: int
    config_version: int
    clock: datetime


class Told(NamedTuple):
    """What a worker has told of its numbers; None: nothing yet."""

    alive: bool
    numbers: bytes | None


class Peer(NamedTuple):
    """Another living worker: its last beat, and the process it says it is."""

    id: int
    beat: int
    boot_id: str
    pid: int
    pid_start: float


Place = tuple[UUID, int, int]
"""Where a delivery stands in its table: lane, endpoint, position."""


class Looked(NamedTuple):
    """What was found stuck, and where to go on; None at the end."""

    stuck: list[Place]
    last: Place | None


async def register(connection: Connection, boot_id: str, pid: int, pid_start: float) -> int:
    """Add a worker and return its id.

    Over whatever connection, an answer is waited for long: a worker whose id is not known can be
    ended by nobody, and who registers has no lease to lose.
    """
    number: int = await connection.fetchval(
        query("workers.register"), boot_id, pid, pid_start, timeout=POOL_ANSWER_S
    )
    return number


async def heartbeat(
    connection: Connection, worker: int, config_seen: int, numbers: bytes | None = None
) -> Beat | None:
    """Show that this worker lives, and its `numbers`; None when it has been retired."""
    row = await connection.fetchrow(query("workers.heartbeat"), worker, config_seen, numbers)
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


async def leave(connection: Connection, worker: int) -> Told | None:
    """Sign a worker off, once it holds nothing any more; return what it told, None if forgotten."""
    row = await connection.fetchrow(query("workers.leave"), worker)
    return Told(False, row["numbers"]) if row else None


async def told(connection: Connection) -> tuple[list[Told], bytes | None]:
    """Return what workers told that is not folded yet, and what was kept; all of one moment."""
    rows = await connection.fetch(query("workers.told"))
    told = [Told(*row) for row in rows if row["alive"] is not None]
    (kept,) = [row["numbers"] for row in rows if row["alive"] is None]
    return told, kept


async def fold(connection: Connection, add: Callable[[bytes | None, list[bytes]], bytes]) -> int:
    """Add the numbers of up to `FOLD_MAX` dead workers to what is kept; return how many.

    `add` is given what is kept and what the dead had told. Nobody changes a dead worker's numbers.
    """
    async with connection.transaction():
        kept = await connection.fetchval(query("workers.kept"))
        gone = await connection.fetch(query("workers.gone"), FOLD_MAX)
        numbers = [row["numbers"] for row in gone if row["numbers"] is not None]
        if numbers:
            await connection.execute(query("workers.keep"), add(kept, numbers))
        if gone:
            await connection.execute(query("workers.folded"), [row["id"] for row in gone])
    return len(gone)


async def waiting(connection: Connection, slow: list[int]) -> tuple[float, int, int]:
    """Return the age in seconds of the oldest due delivery, and how many are due (≤ 10,000).

    Those of `slow` endpoints do not count: how many they are is the last number (≤ 10,000).
    """
    row = await connection.fetchrow(query("workers.oldest_due"), slow)
    assert row is not None
    return float(row["seconds"]), int(row["open"]), int(row["held"])


async def forget(connection: Connection) -> None:
    """Remove the rows of workers that have been dead for a week."""
    await connection.execute(query("workers.forget"))


async def stuck(connection: Connection, after: Place, limit: int, grace_s: float) -> Looked | None:
    """Look at up to `limit` open deliveries after a place, in the caller's transaction.

    None while another worker is looking. A worker that ended less than `grace_s` seconds ago may
    own deliveries still.
    """
    if not await connection.fetchval(query("workers.look_alone")):
        return None
    rows = await connection.fetch(query("workers.stuck"), *after, limit, grace_s)
    found = [(row["lane"], row["endpoint"], row["ord"]) for row in rows]
    return Looked(
        [place for place, row in zip(found, rows, strict=True) if row["stuck"]],
        next((place for place, row in zip(found, rows, strict=True) if row["last"]), None),
    )
