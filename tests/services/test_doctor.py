"""The doctor's checks: everything that they look for is broken for real, and must be found."""

import asyncio
import datetime as dt
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from ringback.domain.endpoints import Endpoint, Mode
from ringback.domain.ids import uuid7
from ringback.domain.signing import new_secret
from ringback.services import first_run
from ringback.services.doctor import clock, database, disk, serving
from ringback.services.doctor.examination import GROUPS
from ringback.services.doctor.versions import unmet
from ringback.storage import configuration as stored
from ringback.storage import database as storage_database
from ringback.storage.database import connect
from ringback.storage.vault import Vault, new_secret_key
from tests.postgres_server import WHEEL_18, PostgresServer
from tests.services.examined import KEY, NAMES, free_port, look, only, states
from tests.services.stage import Stage

pytestmark = pytest.mark.usefixtures("alone")


async def execute(dsn: str, *statements: str) -> None:
    """Change the database behind everybody's back."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_fresh_installation_has_no_problem_but_what_the_tests_switch_off(dsn: str) -> None:
    """All is well that can be; the tests' PostgreSQL runs without fsync, and that is found."""
    await first_run.ground(dsn, Vault(KEY))
    found = await look(database_url=dsn, secret_key=KEY)
    only(found, "database.durable", "problem", "fsync and full_page_writes off", "fsync = on")
    problems = {name for name in NAMES if "problem" in states(found, name)}
    assert {"database.durable"} == problems
    for name in (
        "settings.readable", "settings.known", "database.reachable", "database.version",
        "database.primary", "database.migrations", "database.pooling", "database.sessions",
        "database.connections", "database.partitions", "clock.database", "secrets.key",
        "secrets.sealed", "server.backlog", "server.stuck", "public_url.signed",
        "egress.authorities", "versions.packages",
    ):  # fmt: skip
        assert {"ok"} == states(found, name), found[name]
    only(found, "server.workers", "warning", "No worker is registered")
    only(found, "server.answers", "warning", "Connection refused")


async def test_settings_that_are_wrong() -> None:
    """What cannot be read is a problem; what depends on it is not looked at."""
    found = await look(port="x", prot="1")
    only(found, "settings.readable", "problem", "RINGBACK_PORT")
    only(found, "settings.known", "warning", "Did you mean RINGBACK_PORT?")
    only(found, "database.reachable", "skipped", "the settings cannot be read")


async def test_settings_that_do_not_go_together(tmp_path: Path) -> None:
    """A database without its key, a variable set twice, every address in plain HTTP, 64 workers."""
    file = tmp_path / "dsn"
    file.write_text("postgresql://me@127.0.0.1:1/x")
    found = await look(
        database_url="x", database_url_file=str(file), host="0.0.0.0", workers="64"
    )  # fmt: skip
    only(found, "settings.known", "warning", "both set; the file counts")
    only(found, "settings.secret_key", "problem", "openssl rand -base64 32")
    only(found, "settings.listening", "warning", "plain HTTP")
    if (os.cpu_count() or 1) < 32:
        only(found, "settings.workers", "warning", "RINGBACK_WORKERS is 64")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://me:hunter2@127.0.0.1:{port}/x", "Nobody listens there"),
        ("postgresql://me:hunter2@no-such-host.invalid/x", "cannot be resolved"),
        ("postgresql://me:hunter2@/x?host=/nowhere", "no such socket"),
    ],
)
async def test_a_database_that_does_not_answer(url: str, says: str) -> None:
    """The reason in words, with what to do; no password; the rest is not looked at."""
    found = await look(database_url=url.format(port=free_port()), secret_key=KEY)
    only(found, "database.reachable", "problem", says)
    only(found, "database.version", "skipped", "the database could not be asked")
    assert "hunter2" not in str(found)


async def test_a_database_that_is_not_there_or_not_migrated(
    postgres18: PostgresServer, empty_dsn: str
) -> None:
    """The command that makes it, or migrates it, is named."""
    found = await look(database_url=postgres18.dsn("nothing"), secret_key=KEY)
    only(found, "database.reachable", "problem", "createdb")
    found = await look(database_url=empty_dsn)
    only(found, "database.migrations", "problem", "0001_foundation", "Run `ringback migrate`")
    only(found, "database.partitions", "skipped", "not migrated")
    only(found, "server.stuck", "skipped")


async def test_a_database_of_a_newer_version(dsn: str) -> None:
    """A migration that this version does not know."""
    await execute(dsn, "insert into migration (name, checksum) values ('9999_future', 'x')")
    found = await look(database_url=dsn, secret_key=KEY)
    only(found, "database.migrations", "problem", "9999_future", "newer Ringback")


async def test_a_role_that_may_not_make_tables(empty_dsn: str) -> None:
    """The fix says what to grant before it says to migrate."""
    role = f"poor_{uuid.uuid4().hex[:8]}"
    await execute(
        empty_dsn, f"create role {role} login", "revoke create on schema public from public"
    )
    found = await look(database_url=empty_dsn.replace("postgres@", f"{role}@"), secret_key=KEY)
    only(found, "database.migrations", "problem", "Let the user create tables")
    await execute(empty_dsn, f"drop role {role}")


async def test_days_without_tables(dsn: str) -> None:
    """Tomorrow missing is a warning, today a problem."""
    today = dt.datetime.now(dt.UTC).date()
    days = [f"{today + dt.timedelta(days=ahead):%Y%m%d}" for ahead in (2, 0)]
    await execute(dsn, f"alter table event detach partition event_{days[0]}")
    found = await look(database_url=dsn, secret_key=KEY)
    only(found, "database.partitions", "warning", "1 more day only")
    await execute(dsn, f"alter table attempt detach partition attempt_{days[1]}")
    found = await look(database_url=dsn, secret_key=KEY)
    only(found, "database.partitions", "problem", "no tables for today")


async def test_too_few_connections(dsn: str) -> None:
    """A limit of the database below what one worker opens, or without room for another."""
    name = urlsplit(dsn).path[1:]
    await execute(dsn, f"alter database {name} connection limit {database.PER_WORKER - 1}")
    found = await look(database_url=dsn, secret_key=KEY)
    only(found, "database.connections", "problem", "16 are allowed")
    await execute(dsn, f"alter database {name} connection limit {database.PER_WORKER + 3}")
    found = await look(database_url=dsn, secret_key=KEY)
    only(found, "database.connections", "warning", "one more worker")


def test_what_a_worker_opens_is_what_the_doctor_counts() -> None:
    """The pool at its largest, the hot connections, that of beats, and that of changes."""
    engine = Stage("postgresql://127.0.0.1:1/x").engine
    assert storage_database._POOL_MAX + len(engine.links) + 2 == database.PER_WORKER


async def test_a_standby(tmp_path: Path) -> None:
    """A server that only reads is no place for a server that writes."""
    server = PostgresServer(WHEEL_18)
    try:
        server.start()
        server.stop_process()
        server.become_standby()
        found = await look(database_url=server.dsn("postgres"), secret_key=KEY)
    finally:
        server.stop()
    only(found, "database.primary", "problem", "standby", "target_session_attrs=read-write")


@asynccontextmanager
async def pgbouncer(dsn: str, folder: Path, mode: str) -> AsyncIterator[str]:
    """Run a PgBouncer before a database, pooling by `mode`; it drops our sessions' settings."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("there is no pgbouncer")
    port = free_port()
    host = dsn.rpartition("host=")[2]
    ignored = (
        "jit,synchronous_commit,idle_in_transaction_session_timeout,plan_cache_mode,"
        "enable_hashjoin,enable_mergejoin,enable_seqscan,statement_timeout"
    )
    folder.chmod(0o755)
    for parent in list(folder.parents)[:-1]:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = host={host} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = any\npool_mode = {mode}\nunix_socket_dir =\n"
        f"ignore_startup_parameters = {ignored}\n"
    )
    config.chmod(0o644)
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        program, *user, str(config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        name = urlsplit(dsn).path[1:]
        through = f"postgresql://postgres@127.0.0.1:{port}/{name}"
        async with asyncio.timeout(20):
            while not await _answers(through):
                await asyncio.sleep(0.05)
        yield through
    finally:
        process.terminate()
        await process.wait()


async def _answers(dsn: str) -> bool:
    try:
        await (await asyncpg.connect(dsn)).close()
    except OSError:
        return False
    return True


async def test_a_pooler_that_takes_sessions_away(dsn: str, tmp_path: Path) -> None:
    """PgBouncer pooling by transaction, and one by session that drops our settings."""
    async with pgbouncer(dsn, tmp_path, "transaction") as through:
        found = await look(database_url=through, secret_key=KEY)
        only(found, "database.pooling", "problem", "session pooling")
        only(found, "database.version", "skipped")
    async with pgbouncer(dsn, tmp_path, "session") as through:
        found = await look(database_url=through, secret_key=KEY)
        only(found, "database.pooling", "ok")
        only(found, "database.sessions", "problem", "idle_in_transaction_session_timeout is 0")


async def test_a_clock_that_is_off(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds are a warning; two minutes are what a worker refuses to work with."""
    real = time.time
    for off, state in ((2.0, "warning"), (-120.0, "problem")):
        monkeypatch.setattr(time, "time", lambda off=off: real() + off)
        found = await look(database_url=dsn, secret_key=KEY)
        monkeypatch.setattr(time, "time", real)
        only(found, "clock.database", state, "NTP", "ahead of" if off > 0 else "behind")


@pytest.mark.parametrize(("told", "state"), [(True, "ok"), (False, "warning"), (None, "skipped")])
async def test_a_clock_that_nothing_keeps(
    told: bool | None, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel says; and it does say something, or that it does not tell."""
    assert clock.synchronised() in {True, False, None}
    monkeypatch.setattr(clock, "synchronised", lambda: told)
    assert {state} == states(await look(), "clock.kept")


async def test_a_disk_without_room_and_files_that_are_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Thresholds above what is free stand for a full disk; a key that all can read is a problem."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "secret_key").write_text(KEY)
    (data / "secret_key").chmod(0o644)
    monkeypatch.setattr(disk, "LOW_BYTES", 2**60)
    found = await look()
    only(found, "disk.space", "warning", "GiB are free", "RINGBACK_DATA_DIR")
    only(found, "disk.private", "problem", f"chmod 0600 {data / 'secret_key'}")
    monkeypatch.setattr(disk, "FULL_BYTES", 2**60)
    (data / "secret_key").chmod(0o600)
    found = await look()
    only(found, "disk.space", "problem", "callbacks are refused")
    only(found, "disk.private", "ok")
    only(found, "database.reachable", "warning", "`ringback up` starts it")


async def _installed(dsn: str, url: str) -> None:
    """Make a tenant with an endpoint and two connections, one of which signs its URL."""
    vault = Vault(KEY)
    await first_run.ground(dsn, vault)
    connection = await connect(dsn)
    now = dt.datetime.now(dt.UTC)
    ids = [uuid7(int(time.time() * 1000), os.urandom(10)) for _ in range(4)]
    engine = Endpoint(0, ids[0], 1, Mode.LIVE, url, ("*",), ())
    endpoint = stored.StoredEndpoint(
        engine, [new_secret(os.urandom(24))], "", now, now, None, None, None
    )
    hmac_: dict[str, Any] = {
        "scheme": "hmac", "secret": "hunter2hunter2hunter2", "header": "x-sig",
        "signed": "{url}{body}",
    }  # fmt: skip
    rows = [
        stored.StoredConnection(
            0, ids[1], 1, Mode.LIVE, "generic", "one", "tokentokentoken1", {"verify": hmac_}, now,
            now,
        ),
        stored.StoredConnection(
            0, ids[2], 1, Mode.LIVE, "whatsapp", "two", "tokentokentoken2",
            {"app_secret": "hunter2hunter2hunter2hunter2hunt", "verify_token": "hunter2hunter2"},
            now, now,
        ),
        stored.StoredConnection(
            0, ids[3], 1, Mode.LIVE, "generic", "three", "tokentokentoken3", {"verify": hmac_},
            now, now, "https://203.0.113.9/y",
        ),
    ]  # fmt: skip
    try:
        async with connection.transaction():
            await stored.add_endpoint(connection, vault, endpoint)
            for row in rows:
                await stored.add_connection(connection, vault, row)
            await stored.changed(connection)
    finally:
        await connection.close()


async def test_secrets_that_cannot_be_opened(dsn: str) -> None:
    """Another key, a key of the wrong form, bytes that were changed, and an older key."""
    await _installed(dsn, "https://203.0.113.9/hook")
    found = await look(database_url=dsn, secret_key=new_secret_key())
    only(found, "secrets.key", "problem", "not the key that this database")
    only(found, "secrets.sealed", "problem", "con_", "end_", "cannot be opened")
    only(found, "egress.endpoints", "skipped")
    found = await look(secret_key="short")
    only(found, "secrets.key", "problem", "32 bytes")
    found = await look(secret_key=f"{new_secret_key()},{KEY}")
    only(found, "secrets.sealed", "warning", "4 secrets still sealed with an older key")
    await execute(dsn, "update endpoint set sealed = set_byte(sealed, 30, 0)")
    found = await look(secret_key=KEY)
    only(found, "secrets.key", "ok")
    only(found, "secrets.sealed", "problem", "end_")


async def test_what_connections_sign_and_where_endpoints_are(dsn: str) -> None:
    """A signature over the URL needs a public URL; a private address is not sent to; no secret."""
    await _installed(dsn, "https://10.1.2.3/hook")
    found = await look(database_url=dsn, secret_key=KEY)
    signs, other, elsewhere = found["public_url.signed"]
    assert ("problem", "ok", "ok") == (signs.state, other.state, elsewhere.state)
    assert "https://203.0.113.9/y/in/toke…" in elsewhere.says
    assert "covers this URL, letter for letter" in signs.says
    assert "covers the body, and not the URL" in other.says
    only(found, "egress.endpoints", "warning", "is not sent to", '"allowed_networks"')
    assert "hunter2" not in str(found)
    assert "tokentoken" not in str(found)
    found = await look(public_url="https://203.0.113.7/x")
    assert {"ok"} == states(found, "public_url.signed")
    assert "https://203.0.113.7/x/in/toke…" in found["public_url.signed"][0].says


async def test_workers_that_do_not_beat(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that beats lives; one that does not is a warning; an old configuration as well."""
    await first_run.ground(dsn, Vault(KEY))
    register = "insert into worker (boot_id, pid, pid_start) values ('x', 1, 1)"
    await execute(dsn, register)
    found = await look(database_url=dsn, secret_key=KEY)
    only(found, "server.workers", "warning", "none of them beats")
    only(found, "server.configuration", "warning", "1 worker with an older configuration")
    await execute(dsn, register)
    monkeypatch.setattr(serving, "BEAT_S", 0.5)
    beating = asyncio.create_task(_beat(dsn))
    found = await look(database_url=dsn, secret_key=KEY)
    beating.cancel()
    assert ["ok", "warning"] == [each.state for each in found["server.workers"]]


async def _beat(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        while True:
            await connection.execute("update worker set beat = beat + 1 where id = 2")
            await asyncio.sleep(0.05)
    finally:
        connection.terminate()


async def test_deliveries_that_wait_or_are_stuck(dsn: str) -> None:
    """Overdue for two minutes, for an hour, and one that waits behind nothing."""
    await _installed(dsn, "https://203.0.113.9/hook")
    insert = (
        "insert into delivery (lane, endpoint, ord, tenant, mode, event, due, n, retry) "
        "select gen_random_uuid(), no, {ord}, 1, 1, gen_random_uuid(), {due}, 0, true from endpoint"
    )
    await execute(dsn, insert.format(ord=1, due="now() - interval '2 minutes'"))
    found = await look(database_url=dsn, secret_key=KEY)
    only(found, "server.backlog", "warning", "Start the server")
    await execute(dsn, insert.format(ord=2, due="now() - interval '1 hour'"))
    await execute(dsn, insert.format(ord=3, due="null"))
    found = await look(database_url=dsn, secret_key=KEY)
    only(found, "server.backlog", "problem", "2; the oldest for 36")
    only(found, "server.stuck", "warning", "dlv_")


def test_requirements_that_are_not_met() -> None:
    """Missing, too old, and met; extras and bounds are read."""
    assert "no-such-package is missing" == unmet("no-such-package>=1")
    assert "needed is 999" in unmet("asyncpg>=999")
    assert "" == unmet("asyncpg>=0.31")
    assert "" == unmet("pydantic-settings>=2.0,<9")


def test_every_check_has_its_group_name_and_words() -> None:
    """Names begin with the group's, are unique, and say what is looked at and when it is wrong."""
    for group in GROUPS:
        for check in group.checks:
            assert check.name.startswith(f"{group.name}.")
            assert check.looks
            assert check.wrong
    assert len(NAMES) == sum(len(group.checks) for group in GROUPS)
