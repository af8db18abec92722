"""Migrations: numbered SQL files, applied forward only, and the hot functions after them.

A file is applied once, in a transaction, and remembered with its checksum; the functions of
`sql/hot/` are created anew whenever their text has changed.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files

import asyncpg
import msgspec

from ringback.errors import DatabaseUnavailable, MadeByAnother, MigrationError
from ringback.storage.database import Connection, connect
from ringback.storage.faults import Gone
from ringback.storage.partitions import extend
from ringback.storage.queries import query, sql_folder

_LOCK = 8420_0001


class Step(msgspec.Struct, frozen=True):
    """One migration: its file name, its text and the checksum that is remembered."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def steps() -> list[Step]:
    """Return the migrations that ship with this version, in order."""
    folder = files("ringback.storage") / "migrations"
    entries = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return [
        Step(entry.name.removesuffix(".sql"), entry.read_text(encoding="utf-8"))
        for entry in sorted(entries, key=lambda entry: entry.name)
    ]


def hot_functions() -> list[Step]:
    """Return the files of hot functions, in order of name."""
    entries = [entry for entry in (sql_folder() / "hot").iterdir() if entry.name.endswith(".sql")]
    return [
        Step(f"hot/{entry.name.removesuffix('.sql')}", entry.read_text(encoding="utf-8"))
        for entry in sorted(entries, key=lambda entry: entry.name)
    ]


async def migrate(dsn: str, say: Callable[[str], None]) -> list[str]:
    """Bring a database to this version and return the names of what was applied.

    Safe to run from several processes at once: an advisory lock lets one of them work.

    Raises:
        DatabaseUnavailable: nobody answers.
        MadeByAnother: another version made the database, or has migrated it further.
        MigrationError: the database is another program's, or the server refuses a statement.

    """
    connection = await connect(dsn)
    try:
        # Ends with the session, however that ends.
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        return await _apply_all(connection, say)
    except Gone as error:
        raise DatabaseUnavailable(f"Migrating was interrupted: {error}") from error
    except asyncpg.PostgresError as error:
        raise MigrationError(f"PostgreSQL refuses to be migrated: {error}") from error
    finally:
        await connection.close()


async def _read_log(connection: Connection) -> dict[str, str]:
    """Return the checksums of what was applied, by name.

    Raises:
        MadeByAnother: what was applied is not what this version has.
        MigrationError: another program's tables are in the way.

    """
    has_log = await connection.fetchval(query("migrate.has_log"))
    log = await connection.fetch(query("migrate.read_log")) if has_log else []
    done: dict[str, str] = {row["name"]: row["checksum"] for row in log}
    applied: dict[str, datetime] = {row["name"]: row["applied"] for row in log}
    known = {step.name for step in steps()} | {step.name for step in hot_functions()}
    if strangers := sorted(set(done) - known):
        raise MadeByAnother(
            f"The database has migrations that this version does not know ({', '.join(strangers)}):"
            " it was used by a newer Ringback."
        )
    if not done and (taken := await _taken(connection)):
        raise MigrationError(
            f"The database is taken: it has tables of another program ({', '.join(taken)}). "
            "Give Ringback a database of its own: createdb ringback."
        )
    for step in steps():
        if done.get(step.name, step.checksum) != step.checksum:
            raise MadeByAnother(
                "The database was made by another version of Ringback: what was applied on "
                f"{applied[step.name]:%Y-%m-%d} as {step.name} differs from this version's."
            )
    return done


async def _apply_all(connection: Connection, say: Callable[[str], None]) -> list[str]:
    done = await _read_log(connection)
    await connection.execute(query("migrate.create_log"))
    applied = []
    for step in steps():
        if step.name not in done:
            say(f"Migrating the database: {step.name}")
            await _apply(connection, step)
            applied.append(step.name)
    for step in hot_functions():
        if done.get(step.name) != step.checksum:
            await _apply(connection, step)
            applied.append(step.name)
    await extend(connection)
    return applied


async def _taken(connection: Connection) -> list[str]:
    """Return tables that were there before us and would be in our way."""
    wanted = re.findall(r"^create (?:unlogged )?table (\w+)", steps()[0].text, re.MULTILINE)
    rows = await connection.fetch(query("migrate.in_the_way"), wanted)
    return [row["name"] for row in rows]


async def _apply(connection: Connection, step: Step) -> None:
    async with connection.transaction():
        await connection.execute(step.text)
        await connection.execute(query("migrate.write_log"), step.name, step.checksum)


async def pending(dsn: str) -> list[str]:
    """Return the names of migrations that are still to be applied; changes nothing.

    Raises:
        DatabaseUnavailable: nobody answers.
        MadeByAnother: another version made the database, or has migrated it further.
        MigrationError: the database is another program's.

    """
    connection = await connect(dsn)
    try:
        done = await _read_log(connection)
        wanted = [*steps(), *hot_functions()]
        return [step.name for step in wanted if done.get(step.name) != step.checksum]
    finally:
        await connection.close()
