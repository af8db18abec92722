"""Other ways to live: a database of one's own, an ordinary user, two installations side by side."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres_server import PostgresServer

from .conftest import Make
from .installation import SOURCES, Installation, until
from .receiver import Receiver

NOBODY = 65534


def delivered(installation: Installation, reference: str, count: int = 1) -> None:
    """Post a report and wait until so many endpoints have got its event."""
    assert 200 == installation.report(reference)
    until(
        lambda: (
            [each["final"] for each in installation.attempts(reference)] == ["delivered"] * count
        )
    )


def test_a_database_of_ones_own(
    make_installation: Make, postgres15: PostgresServer, tmp_path: Path
) -> None:
    """On PostgreSQL 15 everything works as on the embedded one; nothing is put into the home."""
    key = tmp_path / "key"
    key.write_text("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n")
    dsn = postgres15.dsn(postgres15.create())
    own = make_installation(RINGBACK_DATABASE_URL=dsn, RINGBACK_SECRET_KEY_FILE=str(key))
    own.start()
    delivered(own, "fifteen")
    assert not own.data.exists()
    assert 0 == own.stop()
    own.start()
    assert 1 == len(own.messages("fifteen"))
    delivered(own, "again")
    assert 0 == own.stop()
    key.write_text("ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=\n")
    reason = own.refused("--demo=bare")
    assert "RINGBACK_SECRET_KEY is not the key that this database was first started" in reason


def _python_for_everybody() -> str | None:
    """Return an interpreter that an ordinary user can run with our packages, if there is one."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        if shutil.which("setpriv") is None or not Path(python).exists():
            continue
        tried = subprocess.run(
            [*_as_nobody(), "env", python, "-c", "import httptools, ringback, uvloop"],
            env={"PYTHONPATH": _search()}, cwd="/", capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        if tried.returncode == 0:
            return python
    return None


def _as_nobody() -> list[str]:
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def _search() -> str:
    return os.pathsep.join([str(SOURCES), *(path for path in sys.path if "-packages" in path)])


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever runs the tests is an ordinary user")
def test_an_ordinary_user_needs_nothing_but_a_home(make_installation: Make) -> None:
    """Data and key are kept in the home, every process is the user's, all works and stops."""
    python = _python_for_everybody()
    if python is None:
        pytest.skip("neither this Python nor one of the system is within an ordinary user's reach")
    user = make_installation(*_as_nobody(), PYTHONPATH=_search())
    del user.variables["RINGBACK_DATA_DIR"], user.variables["XDG_CONFIG_HOME"]
    user.python = python
    os.chown(user.home, NOBODY, NOBODY)
    user.start()
    assert user.home / ".local" / "share" / "ringback" == user.data
    assert f"data     {user.data}" in user.said
    assert f". {user.home}/.config/ringback/demo.env" in user.said
    assert {NOBODY} == {uid for process in user.processes() for uid in process.uids()}
    delivered(user, "mine")
    assert 0 == user.stop()


def test_two_installations_side_by_side(make_installation: Make, receiver: Receiver) -> None:
    """Two data directories and two ports are enough, even for one user who starts both at once."""
    one = make_installation(http_proxy="http://127.0.0.1:1")
    config = one.variables["XDG_CONFIG_HOME"]
    two = make_installation(XDG_CONFIG_HOME=config)
    two.variables["RINGBACK_DATA_DIR"] = str(two.home / "data [bold] :key:")
    one.spawn("--demo=bare")
    two.spawn("--demo=bare")
    for each in (one, two):
        each.until_said("Ctrl-C stops")
        assert f"data     {each.data}\n" in each.said
    assert one.key != two.key
    profiles = (one.config / "config.toml").read_text(encoding="utf-8")
    assert all(f'"{each.key}"' in profiles for each in (one, two))
    one.add_endpoint(receiver.url)
    delivered(two, "of-two")
    assert [] == receiver.got
    assert 0 == two.stop()
    delivered(one, "of-one", 2)
    assert 0 == one.stop()
