"""PostgreSQL: whether it answers, is new enough, migrated, and keeps what it promises."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from ringback.errors import DatabaseUnavailable, MadeByAnother, MigrationError
from ringback.services.doctor.finding import (
    Check,
    Found,
    Ground,
    Group,
    count,
    ok,
    problem,
    skipped,
    warning,
)
from ringback.services.embedded.files import Layout
from ringback.services.embedded.living import read_pid_file
from ringback.storage import doctor as stored
from ringback.storage.database import MINIMUM_MAJOR, connect
from ringback.storage.migrate import pending

NEWEST_MAJOR = 18
# What one worker opens: the pool (10), hot connections (5), one that hears of changes.
PER_WORKER = 17
SLOW_MS = 20.0
DAYS_LOW = 3


async def _reachable(ground: Ground) -> Sequence[Found]:
    if ground.dsn is None and not ground.embedded:
        return [skipped("No database is known.")]
    if ground.data_dir is not None and not _open_to_us(ground.data_dir):
        fix = "Run this as the user that runs `ringback up`, or as root."
        return [problem(f"The data directory {ground.data_dir} is closed to this user.", fix)]
    if ground.embedded and not _runs(ground):
        return [
            warning(
                f"The embedded database in {ground.data_dir} does not run.",
                "`ringback up` starts it. To use one of your own, set RINGBACK_DATABASE_URL.",
            )
        ]
    if ground.dsn is None:
        fix = "Start `ringback up` again: it sets a new one."
        return [problem(f"The database's password is missing in {ground.data_dir}.", fix)]
    began = time.perf_counter()
    try:
        ground.connection = await connect(ground.dsn)
        ground.server = await stored.server(ground.connection)
    except DatabaseUnavailable as error:
        says = str(error).partition(" Check RINGBACK_DATABASE_URL")[0]
        return [problem(says, stored.trouble(error))]
    ms = (time.perf_counter() - began) * 1000
    whose = "The embedded database" if ground.embedded else "The database"
    return [ok(f"{whose} answers, in {ms:.0f} ms.")]


def _open_to_us(directory: Path) -> bool:
    return not directory.exists() or os.access(directory, os.R_OK | os.X_OK)


def _runs(ground: Ground) -> bool:
    assert ground.data_dir is not None
    file = read_pid_file(Layout(ground.data_dir).pid_file)
    return file is not None and psutil.pid_exists(file.pid)


async def _version(ground: Ground) -> Sequence[Found]:
    assert ground.server is not None
    major = ground.server.major
    if major > NEWEST_MAJOR:
        says = f"PostgreSQL {major} is newer than what this version is tested with."
        return [warning(says, f"PostgreSQL {MINIMUM_MAJOR} to {NEWEST_MAJOR} are tested.")]
    return [ok(f"PostgreSQL {major}.{ground.server.version % 10_000}.")]


async def _primary(ground: Ground) -> Sequence[Found]:
    assert ground.server is not None
    if ground.server.standby:
        fix = "Name the primary in RINGBACK_DATABASE_URL; with several hosts, add "
        return [
            problem(
                "This server is a standby, which cannot be written to.",
                f"{fix}target_session_attrs=read-write.",
            )
        ]
    return [ok("The server takes writes.")]


async def _migrations(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    assert ground.dsn is not None
    ground.migrated = await stored.has_tables(ground.connection)
    try:
        missing = await pending(ground.dsn)
    except MigrationError as error:
        ground.migrated = False
        if ground.embedded and isinstance(error, MadeByAnother):
            error = error.within(str(ground.data_dir))
        return [problem(str(error), "The message says what to do; nothing was changed.")]
    if missing:
        ground.migrated = ground.migrated and not any(name.startswith("0") for name in missing)
        says = f"{count(len(missing), 'migration')} still to be applied ({', '.join(missing[:3])})."
        may = ground.server is not None and ground.server.may_create
        fix = (
            "Run `ringback migrate`."
            if may
            else (
                "Let the user create tables (alter schema … owner to …), then `ringback migrate`."
            )
        )
        return [problem(says, fix)]
    return [ok("The tables are those of this version.")]


async def _pooling(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    assert ground.dsn is not None
    if await stored.pooled_by_transaction(ground.connection, ground.dsn):
        # Whatever else is asked would fail, sooner or later, for this reason.
        ground.connection.terminate()
        ground.connection = ground.server = None
        return [
            problem(
                "A pooler takes sessions away between transactions (transaction pooling): locks "
                "and prepared statements are lost, and a crash could repeat or lose deliveries.",
                "Connect directly to PostgreSQL, or set the pooler to session pooling.",
            )
        ]
    return [ok("Sessions are kept: a direct connection, or session pooling.")]


async def _sessions(ground: Ground) -> Sequence[Found]:
    server = ground.server
    assert server is not None
    wrong = []
    if server.idle_in_transaction not in {"5s", "5000"}:
        wrong.append(f"idle_in_transaction_session_timeout is {server.idle_in_transaction}")
    if server.synchronous_commit == "off":
        wrong.append("synchronous_commit is off")
    if server.jit != "off":
        wrong.append("jit is on")
    if wrong:
        return [
            problem(
                f"The settings of our sessions are not in force: {', '.join(wrong)}.",
                "A pooler drops them (ignore_startup_parameters): connect directly, or set them "
                "for the user with alter role … set … .",
            )
        ]
    return [ok("Sessions have their settings, idle_in_transaction_session_timeout among them.")]


async def _durable(ground: Ground) -> Sequence[Found]:
    server = ground.server
    assert server is not None
    off = [name for name in ("fsync", "full_page_writes") if getattr(server, name) != "on"]
    if off:
        says = f"{' and '.join(off)} off: what was acknowledged can be lost in a power cut."
        return [problem(says, f"Set {' and '.join(f'{name} = on' for name in off)}.")]
    return [ok("A commit is on the disk when it is answered.")]


async def _connections(ground: Ground) -> Sequence[Found]:
    server, settings = ground.server, ground.settings
    assert server is not None
    assert settings is not None
    limits = [server.max_connections - server.reserved]
    limits += [limit for limit in (server.role_limit, server.database_limit) if limit >= 0]
    free = min(limits) - server.connections
    needed = PER_WORKER * settings.workers
    left = free + server.ours - needed
    says = (
        f"{count(settings.workers, 'worker')} may open {needed} connections; {min(limits)} are "
        f"allowed, {server.connections - server.ours} are others'."
    )
    fix = f"Raise max_connections (or the limit of the role or database) by {-left + PER_WORKER}."
    if left < 0:
        return [problem(says, fix)]
    if left < PER_WORKER:
        more = f"{fix} There is no room for one more worker, as during a change of version."
        return [warning(says, more)]
    return [ok(says)]


async def _distance(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    times = []
    for _ in range(5):
        began = time.perf_counter()
        await stored.clock(ground.connection)
        times.append((time.perf_counter() - began) * 1000)
    ms = sorted(times)[2]
    says = f"One question to the database takes {ms:.1f} ms."
    if ms > SLOW_MS:
        fix = "Run the server near its database: every callback waits for a commit there."
        return [warning(says, fix)]
    return [ok(says)]


async def _partitions(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    if not ground.migrated:
        return [skipped("The database is not migrated.")]
    days = await stored.days_ahead(ground.connection)
    if days < 0:
        fix = "Start a worker, or run `ringback migrate`: both make them."
        return [problem("There are no tables for today: nothing can be stored.", fix)]
    if days < DAYS_LOW:
        fix = "Workers make two weeks of them ahead: see whether one runs, and its log."
        return [warning(f"There are tables for {count(days, 'more day')} only.", fix)]
    return [ok(f"There are tables for the next {days} days.")]


_SERVER = ("connection", "server")
GROUP = Group(
    "database",
    "Database",
    (
        Check(
            "database.reachable", "a connection, as a worker makes it",
            "nobody answers, or the server refuses; the embedded one not running is a warning",
            _reachable, ("settings",),
        ),
        Check(
            "database.pooling", "whether sessions are kept", "a pooler gives each transaction "
            "another session", _pooling, _SERVER,
        ),
        Check(
            "database.version", "PostgreSQL's version",
            f"newer than {NEWEST_MAJOR}; below {MINIMUM_MAJOR} no connection is made", _version,
            _SERVER,
        ),
        Check("database.primary", "whether it takes writes", "it is a standby", _primary, _SERVER),
        Check(
            "database.migrations", "the tables and functions of this version",
            "some are missing, are of a newer version, or another program's are there", _migrations,
            _SERVER,
        ),
        Check(
            "database.sessions", "the settings of our sessions, "
            "`idle_in_transaction_session_timeout` among them",
            "a pooler in between drops them", _sessions, _SERVER,
        ),
        Check(
            "database.durable", "`fsync` and `full_page_writes`",
            "one is off, so that a power cut loses what was acknowledged", _durable, _SERVER,
        ),
        Check(
            "database.connections", "connections that are free, and those that workers need",
            "there are too few, or no room for one more worker", _connections, _SERVER,
        ),
        Check(
            "database.distance", "how long a question takes", f"more than {SLOW_MS:.0f} ms",
            _distance, _SERVER,
        ),
        Check(
            "database.partitions", "the tables of the days to come",
            f"fewer than {DAYS_LOW} days ahead; none for today is a problem", _partitions, _SERVER,
        ),
    ),
)  # fmt: skip
