"""Starting and stopping where nothing is in the way."""

import urllib.parse
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from ringback.services.embedded.server import EmbeddedServer, LoginRefusedError

from .stage import Holder, Said, query, server_pid, server_processes

MakeServer = Callable[[Path], EmbeddedServer]
MakeHolder = Callable[..., Holder]


def test_first_start_creates_a_database_that_answers(
    spot: Path, make_server: MakeServer, said: Said
) -> None:
    """In an empty place, one call makes a database, says so, and the DSN leads to it."""
    server = make_server(spot / "new" / "data")
    dsn = server.start()
    assert query(dsn, "select current_user || '/' || current_database()") == "ringback/ringback"
    assert [f"creating the database in {spot}/new/data"] == said
    assert server.alive()
    server.stop(10)
    assert not server.alive()
    assert server_processes(spot / "new" / "data") == []


def test_second_start_finds_the_data(data: Path, make_server: MakeServer, said: Said) -> None:
    """What was stored is there after a stop and a start, with the same address."""
    server = make_server(data)
    first = server.start()
    query(first, "create table kept as select 42 as n")
    server.stop(10)
    assert first == server.start()
    assert query(first, "select n from kept") == 42
    assert said == []


def test_start_creates_the_database_if_somebody_dropped_it(
    data: Path, make_server: MakeServer
) -> None:
    """The database `ringback` is made whenever it is missing, not only by the first start."""
    server = make_server(data)
    dsn = server.start()
    query(dsn.replace("/ringback?", "/postgres?"), "drop database ringback")
    server.stop(10)
    assert query(server.start(), "select 1") == 1


def test_directories_and_secrets_are_private(data: Path, make_server: MakeServer) -> None:
    """Nobody but the server's account enters the directories or reads the password."""
    make_server(data).start()
    modes = {
        path.name: oct(path.stat().st_mode & 0o777)
        for path in (data, data / "run", data / "log", data / "pg18", data / "password")
    }
    private = dict.fromkeys(("data", "run", "log", "pg18"), "0o700")
    assert {**private, "password": "0o600"} == modes
    assert (data / "run" / ".s.PGSQL.5432").stat().st_mode & 0o777 == 0o700


def test_no_login_without_the_password(data: Path, make_server: MakeServer) -> None:
    """The socket trusts nobody, not even root or the server's own account."""
    dsn = make_server(data).start()
    secret = urllib.parse.urlsplit(dsn).password
    assert secret
    for wrong in ("", "ringback", secret[:-1]):
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(dsn.replace(secret, wrong), "select 1")


def test_settings_that_promises_rest_on(data: Path, make_server: MakeServer) -> None:
    """Commits reach the disk, pages have checksums, text is UTF-8, and no port is open."""
    expected = {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "listen_addresses": "",
        "autovacuum": "on",
        "jit": "off",
        "log_error_verbosity": "terse",
        "max_connections": "100",
    }
    dsn = make_server(data).start()
    assert expected == {name: query(dsn, f"show {name}") for name in expected}
    assert query(dsn, "select lower('ÄÖÜ')") == "äöü"


def test_custom_settings_win(data: Path, make_server: MakeServer) -> None:
    """A line in custom.conf in the data directory overrides a setting of ours."""
    (data / "custom.conf").write_text("work_mem = '33MB'\n")
    (data / "custom.conf").chmod(0o644)
    assert query(make_server(data).start(), "show work_mem") == "33MB"


def test_two_installations_side_by_side(spot: Path, data: Path, make_server: MakeServer) -> None:
    """Two directories are two databases with a password each."""
    one, two = make_server(data), make_server(spot / "second")
    first, second = one.start(), two.start()
    query(first, "create table only_here as select 1 as n")
    assert query(second, "select to_regclass('only_here')") is None
    assert (data / "password").read_text() != (spot / "second" / "password").read_text()
    one.stop(10)
    assert query(second, "select 1") == 1


def test_the_wheels_own_code_is_never_imported(data: Path, make_holder: MakeHolder) -> None:
    """Only the programs of the wheel are used: its package is not imported by a start."""
    told = make_holder("--data", str(data)).outcome()
    assert told["imported"] is False


def test_a_lost_password_is_replaced(data: Path, make_server: MakeServer, said: Said) -> None:
    """Without its password file the database is still there, with a new password."""
    server = make_server(data)
    first = server.start()
    query(first, "create table kept as select 42 as n")
    server.stop(10)
    (data / "password").unlink()
    second = server.start()
    assert query(second, "select n from kept") == 42
    assert first != second
    assert [f"{data}/password was missing: the database has a new password"] == said


def test_a_wrong_password_file_is_explained(data: Path, make_server: MakeServer) -> None:
    """If the file and the database disagree, the message says which file and what to do."""
    (data / "password").write_text("not-it\n")
    server = make_server(data)
    with pytest.raises(LoginRefusedError, match=r"data/password: .* delete the file"):
        server.start()
    assert server_processes(data) == []


def test_old_log_files_are_deleted(data: Path, make_server: MakeServer) -> None:
    """The newest ten log files are kept, at every start and whenever asked."""
    for number in range(15):
        (data / "log" / f"postgresql-20200101-0000{number:02}.log").touch()
    server = make_server(data)
    server.start()
    kept = sorted(path.name for path in (data / "log").glob("postgresql-2020*"))
    assert kept[-1] == "postgresql-20200101-000014.log"
    assert len(kept) in {9, 10}
    server.trim_log()
    assert len(list((data / "log").glob("postgresql-*.log"))) == 10


def test_start_and_stop_are_safe_at_any_time(data: Path, make_server: MakeServer) -> None:
    """Starting twice, stopping before a start, twice, or with no patience does no harm."""
    server = make_server(data)
    server.stop(1)
    dsn = server.start()
    query(dsn, "create table kept as select 42 as n")
    pid = server_pid(data)
    assert dsn == server.start()
    assert pid == server_pid(data)
    server.stop(0)
    server.stop(0)
    assert not any(process.pid == pid for process in server_processes(data))
    assert query(server.start(), "select n from kept") == 42
