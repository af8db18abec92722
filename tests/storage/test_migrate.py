"""Migrating: a fresh database, one that is up to date, several at once, and what is refused."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from ringback.errors import DatabaseUnavailable, MadeByAnother, MigrationError
from ringback.storage.database import Connection, connect
from ringback.storage.migrate import hot_functions, migrate, pending, steps

EVERYTHING = [step.name for step in [*steps(), *hot_functions()]]
FIRST = EVERYTHING[0]


def _silent(_: str) -> None:
    pass


@pytest.fixture
async def admin(dsn: str) -> AsyncIterator[Connection]:
    """A connection to a migrated database."""
    connection = await connect(dsn)
    yield connection
    await connection.close()


async def test_a_fresh_database_gets_everything_once(empty_dsn: str) -> None:
    """Every file in order, said aloud; the days to come are there; a second run does nothing."""
    said: list[str] = []
    assert EVERYTHING == await migrate(empty_dsn, said.append)
    assert len(steps()) == len(said)
    assert said[0].endswith(FIRST)
    connection = await connect(empty_dsn)
    days = await connection.fetchval("select count(*) from pg_inherits where inhrelid::regclass"
                                     "::text ~ '^(callback|event|attempt)_[0-9]{8}$'")  # fmt: skip
    assert 3 * 16 == days
    before = await connection.fetch("select name, checksum, applied from migration order by name")
    assert [] == await migrate(empty_dsn, said.append)
    assert before == await connection.fetch(
        "select name, checksum, applied from migration order by name"
    )
    assert len(steps()) == len(said)
    await connection.close()


async def test_of_several_at_once_one_migrates(empty_dsn: str) -> None:
    """Four processes start together: everything is applied once, and all of them succeed."""
    applied = await asyncio.gather(*(migrate(empty_dsn, _silent) for _ in range(4)))
    assert sorted([EVERYTHING, [], [], []]) == sorted(applied)
    assert [] == await pending(empty_dsn)


async def test_looking_changes_nothing(empty_dsn: str) -> None:
    """What is pending can be asked of an empty database, and leaves it empty."""
    assert EVERYTHING == await pending(empty_dsn)
    connection = await connect(empty_dsn)
    assert 0 == await connection.fetchval(
        "select count(*) from pg_tables where schemaname = 'public'"
    )
    await connection.close()


async def test_what_another_version_made_is_refused(dsn: str, admin: Connection) -> None:
    """A migration whose text is another: which and when it was applied, and the ways on."""
    await admin.execute(
        "update migration set checksum = 'x', applied = '2026-11-20' where name = $1", FIRST
    )
    for ask in (migrate(dsn, _silent), pending(dsn)):
        with pytest.raises(MadeByAnother) as refused:
            await ask
        assert (
            "The database was made by another version of Ringback: what was applied on 2026-11-20 "
            f"as {FIRST} differs from this version's. Nothing was changed. Start that version; or "
            "restore a backup that this version made, or name an empty database in "
            "RINGBACK_DATABASE_URL."
        ) == str(refused.value)
    trial = refused.value.within("/tmp/a trial")
    assert str(trial).endswith(
        "Start that version; or if this was a trial, move its directory away and start anew: "
        "mv '/tmp/a trial' '/tmp/a trial.old'"
    )


async def test_a_newer_database_is_refused(dsn: str, admin: Connection) -> None:
    """Migrations that this version does not have are named, and nothing is changed."""
    await admin.execute("insert into migration (name, checksum) values ('9999_later', 'x')")
    await admin.execute("update migration set checksum = 'x' where name like 'hot/%'")
    with pytest.raises(MigrationError, match=r"does not know \(9999_later\)"):
        await migrate(dsn, _silent)
    changed = await admin.fetchval("select count(*) from migration where checksum = 'x'")
    assert 1 + len(hot_functions()) == changed


async def test_functions_are_made_anew_when_their_text_has_changed(
    dsn: str, admin: Connection
) -> None:
    """A database of an older version gets the hot functions of this one, and only those."""
    await admin.execute("update migration set checksum = 'x' where name = 'hot/ids'")
    await admin.execute(
        "create or replace function uuid7_now() returns uuid language sql as 'select null::uuid'"
    )
    assert ["hot/ids"] == await pending(dsn)
    assert ["hot/ids"] == await migrate(dsn, _silent)
    assert await admin.fetchval("select uuid7_now()") is not None
    assert [] == await pending(dsn)


async def test_the_database_of_another_program_is_refused(empty_dsn: str) -> None:
    """Its tables are named and left alone, whether one looks or migrates."""
    connection = await connect(empty_dsn)
    await connection.execute("create table tenant (name text)")
    for ask in (migrate(empty_dsn, _silent), pending(empty_dsn)):
        with pytest.raises(MigrationError, match=r"taken.*\(tenant\)"):
            await ask
    assert 1 == await connection.fetchval(
        "select count(*) from pg_tables where schemaname = 'public'"
    )
    await connection.close()


async def test_who_may_not_create_tables_is_told(empty_dsn: str) -> None:
    """A refusal of the server comes as an error with its words, not as a defect."""
    connection = await connect(empty_dsn)
    await connection.execute("drop role if exists guest")
    await connection.execute("create role guest login")
    await connection.close()
    with pytest.raises(MigrationError, match="permission denied"):
        await migrate(empty_dsn.replace("postgres@", "guest@"), _silent)
    with pytest.raises(DatabaseUnavailable, match="RINGBACK_DATABASE_URL"):
        await migrate(empty_dsn.replace("/test_", "/none_"), _silent)


def _ringback(dsn: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if "RINGBACK" not in name}
    if dsn is not None:
        environment["RINGBACK_DATABASE_URL"] = dsn
    return subprocess.run(
        [sys.executable, "-m", "ringback", "migrate", *arguments],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_command_lists_and_applies(empty_dsn: str) -> None:
    """Names on standard output, talk on standard error, and exit codes that scripts can use."""
    listed = _ringback(empty_dsn, "--status")
    assert (0, EVERYTHING) == (listed.returncode, listed.stdout.splitlines())
    applied = _ringback(empty_dsn)
    assert (0, EVERYTHING) == (applied.returncode, applied.stdout.splitlines())
    assert FIRST in applied.stderr
    for arguments in ([], ["--status"]):
        again = _ringback(empty_dsn, *arguments)
        assert (0, "") == (again.returncode, again.stdout)
        assert "up to date" in again.stderr


def test_the_command_says_what_is_wrong(empty_dsn: str) -> None:
    """No address is a mistake in the call; a server that does not answer is a failure."""
    without = _ringback(None)
    assert (2, "") == (without.returncode, without.stdout)
    assert "RINGBACK_DATABASE_URL" in without.stderr
    gone = _ringback(empty_dsn.replace("/test_", "/none_"))
    assert (1, "") == (gone.returncode, gone.stdout)
    assert "Traceback" not in gone.stderr
