"""`ringback serve`: the server alone, on a database that somebody else made and migrated."""

import json
import os
import signal
import subprocess

from tests.postgres_server import PostgresServer

from .conftest import Make
from .installation import Installation, until

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OTHER_KEY = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="


def _served(make: Make, **variables: str) -> Installation:
    installation = make(**variables)
    installation.command = "serve"
    return installation


def _ready(installation: Installation) -> dict[str, object]:
    """Wait until the log says that it serves, and return that line."""
    installation.until_said('"server.ready"')
    lines = [json.loads(line) for line in installation.said.splitlines()]
    return next(line for line in lines if line["event"] == "server.ready")


def _migrate(installation: Installation, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [installation.python, "-m", "ringback", "migrate", *arguments], cwd="/",
        env=installation.variables, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip


def test_what_is_missing_is_named(make_installation: Make, empty_dsn: str) -> None:
    """No database, no key of its secrets, no tables: each refusal says what to do."""
    assert "RINGBACK_DATABASE_URL is not set" in _served(make_installation).refused()
    bare = _served(make_installation, RINGBACK_DATABASE_URL=empty_dsn)
    assert "RINGBACK_SECRET_KEY is not set" in bare.refused()
    bare.variables["RINGBACK_SECRET_KEY"] = KEY
    reason = bare.refused()
    assert "0001_foundation" in reason
    assert "Run `ringback migrate` once before" in reason
    assert "ringback serve --migrate" in reason
    assert not bare.data.exists()


def test_a_migrated_database_is_served(make_installation: Make, empty_dsn: str) -> None:
    """`migrate` makes the tables and an operator's key; `serve` logs JSON, writes no file, stops.

    Another secret key than the first is refused from then on.
    """
    served = _served(
        make_installation, RINGBACK_DATABASE_URL=empty_dsn, RINGBACK_SECRET_KEY=KEY,
        RINGBACK_PROT="1",
    )  # fmt: skip
    assert "0001_foundation\n" in _migrate(served, "status").stdout
    done = _migrate(served, "--operator-key")
    assert "0001_foundation" in done.stderr
    assert ("", "The database is up to date.\n") == _streams(_migrate(served, "status"))
    served.spawn("--workers", "2")
    assert f"http://127.0.0.1:{served.port}" == _ready(served)["reason"]
    until(lambda: 2 == len(served.workers()))
    headers = {"authorization": f"Bearer {done.stdout.strip()}"}
    tenants = served.ask("GET", "/v1/tenants", headers=headers).json["data"]
    assert ["default"] == [tenant["uid"] for tenant in tenants]
    assert "Did you mean RINGBACK_PORT?" in served.said
    assert 0 == served.stop(signal.SIGTERM)
    assert not served.config.exists()
    assert not served.data.exists()
    served.variables["RINGBACK_SECRET_KEY"] = OTHER_KEY
    assert "is not the key that this database was first started with" in served.refused()


def _streams(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    return done.stdout, done.stderr


def test_it_migrates_by_itself_when_told(
    make_installation: Make, postgres15: PostgresServer
) -> None:
    """With --migrate an empty database is enough; an interrupt ends it like SIGTERM."""
    dsn = postgres15.dsn(postgres15.create())
    served = _served(make_installation, RINGBACK_DATABASE_URL=dsn, RINGBACK_SECRET_KEY=KEY)
    served.spawn("--migrate")
    _ready(served)
    assert 200 == served.ask("GET", "/readyz").status
    os.killpg(served.pid, signal.SIGINT)
    assert 0 == served.ended()
