"""What the database says has happened: the count that figures and checks are taken from.

Rows are counted after the run, by the time in their ids, so that counting costs the run nothing.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

from ringback.domain.outcomes import CODE

_T = TypeVar("_T")


@dataclass(frozen=True)
class Moment:
    """The database at one moment: its clock (ms), WAL position (bytes), next transaction id."""

    ms: float
    wal: int
    transaction: int


@dataclass(frozen=True)
class Counted:
    """Rows of a stretch of time.

    `not_accepted` callbacks were repeated or could not be used. `delivered` deliveries ended well;
    `failed` attempts did not.
    """

    events: int
    callbacks: int
    not_accepted: int
    delivered: int
    failed: int

    def __sub__(self, before: "Counted") -> "Counted":
        """Return what has come since."""
        return Counted(
            self.events - before.events, self.callbacks - before.callbacks,
            self.not_accepted - before.not_accepted, self.delivered - before.delivered,
            self.failed - before.failed,
        )  # fmt: skip


class Ledger:
    """One connection to the installation's database, used between and after runs."""

    def __init__(self, dsn: str) -> None:
        """Connect."""
        self._runner = asyncio.Runner()
        self._connection = self._run(_connect(dsn))

    def _run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Disconnect."""
        if not self._connection.is_closed():
            self._connection.terminate()
        self._runner.close()

    def _row(self, sql: str, *arguments: object) -> Any:
        return self._run(self._connection.fetchrow(sql, *arguments))

    def moment(self) -> Moment:
        """Read the clock and the counters that say what was written."""
        row = self._row(
            "select extract(epoch from clock_timestamp())::float8 * 1000,"
            " pg_current_wal_insert_lsn() - '0/0'::pg_lsn,"
            " pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        )
        return Moment(float(row[0]), int(row[1]), int(row[2]))

    def living_workers(self) -> int:
        """Count the workers that are registered."""
        return int(self._row("select count(*) from worker where alive")[0])

    def number_of(self, url: str) -> int:
        """Return the number of an endpoint by its URL."""
        return int(self._row("select no from endpoint where url = $1 and deleted is null", url)[0])

    def open_deliveries(self, but: int = 0) -> int:
        """Count the deliveries that are still owed, but for one endpoint's."""
        return int(self._row("select count(*) from delivery where endpoint <> $1", but)[0])

    def transactions(self) -> int:
        """Return how many transactions have ended, reading ones too; up to a second old."""
        return int(
            self._row(
                "select xact_commit + xact_rollback from pg_stat_database"
                " where datname = current_database()"
            )[0]
        )

    def counted(self, since_ms: float, until_ms: float, but: int = 0) -> Counted:
        """Count what happened in a stretch of the database's clock, but for one endpoint's."""
        low, high = first_id(since_ms), first_id(until_ms)
        events = self._row("select count(*) from event where id >= $1 and id < $2", low, high)[0]
        callbacks, refused = self._row(
            "select count(*), count(*) filter (where outcome <> $3)"
            " from callback where id >= $1 and id < $2", low, high, CODE["accepted"],
        )  # fmt: skip
        # An attempt's id is of its start; it may have begun long before it ended.
        delivered, failed = self._row(
            "select count(*) filter (where final = 1),"
            " count(*) filter (where final is distinct from 1) from attempt"
            " where endpoint <> $1"
            " and extract(epoch from uuid_extract_timestamp(id)) * 1000 + ms >= $2"
            " and extract(epoch from uuid_extract_timestamp(id)) * 1000 + ms < $3",
            but, since_ms, until_ms,
        )  # fmt: skip
        return Counted(int(events), int(callbacks), int(refused), int(delivered), int(failed))


async def _connect(dsn: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(dsn, server_settings={"application_name": "bench", "jit": "off"})


def first_id(at_ms: float) -> str:
    """Return the smallest time-ordered id of a millisecond."""
    text = f"{int(at_ms):012x}"
    return f"{text[:8]}-{text[8:]}-0000-0000-000000000000"
