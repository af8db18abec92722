"""Starting after something was killed, and on top of something that still lives."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ringback.services.embedded.programs import find_installation
from ringback.services.embedded.server import EmbeddedServer, ServerLostError

from .stage import Holder, Said, kill_all, query, server_pid, server_processes, until

MakeServer = Callable[[Path], EmbeddedServer]
MakeHolder = Callable[..., Holder]
Spawn = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def spawn(data: Path) -> Iterator[Spawn]:
    """Start programs as the owner of the data directory; they are killed with the test."""
    made: list[subprocess.Popen[bytes]] = []
    owner = data.stat()
    root = os.geteuid() == 0

    def start(*arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        made.append(
            subprocess.Popen(
                arguments,
                env={**os.environ, **variables},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                user=owner.st_uid if root else None,
                group=owner.st_gid if root else None,
                extra_groups=[owner.st_gid] if root else None,
            )
        )
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait()


def start_by_hand(data: Path, spawn: Spawn) -> subprocess.Popen[bytes]:
    """Start PostgreSQL on the directory as an administrator would: nobody holds the lock."""
    program = str(find_installation() / "bin" / "postgres")
    server = spawn(program, "-D", str(data / "pg18"), "-k", str(data / "run"), "-h", "")
    pid_file = data / "pg18" / "postmaster.pid"
    assert until(lambda: pid_file.exists() and "ready" in pid_file.read_text())
    return server


def run_statement(data: Path, spawn: Spawn, statement: str) -> int:
    """Run a long statement; return the process that runs it, when it does."""
    program = str(find_installation() / "bin" / "psql")
    where = ("-h", str(data / "run"), "-U", "ringback", "-d", "ringback")
    secret = (data / "password").read_text().strip()
    spawn(program, "-X", *where, "-c", statement, PGPASSWORD=secret)
    running = f"ringback ringback [local] {statement.split(maxsplit=1)[0].upper()}"
    found: list[int] = []

    def runs() -> list[int]:
        for process in server_processes(data):
            with contextlib.suppress(psutil.Error):
                if running in " ".join(process.cmdline()):
                    found.append(process.pid)
        return found

    assert until(runs)
    return found[0]


def write_stale_files(data: Path, pid: int) -> None:
    """Put `pid` into both lock files that PostgreSQL looks at."""
    owner = data.stat()
    lines = f"{pid}\n{data}/pg18\n1700000000\n5432\n{data}/run\n\n 123456 7\nready   \n"
    for path in (data / "pg18" / "postmaster.pid", data / "run" / ".s.PGSQL.5432.lock"):
        path.write_text(lines)
        path.chmod(0o600)
        os.chown(path, owner.st_uid, owner.st_gid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_a_killed_parent_leaves_no_server_behind(
    data: Path, make_holder: MakeHolder, make_server: MakeServer
) -> None:
    """After kill -9 of `up` the server is gone within seconds, and the data is there."""
    holder = make_holder("--data", str(data))
    query(holder.dsn(), "create table kept as select 42 as n")
    holder.kill()
    assert until(lambda: not server_processes(data), seconds=5)
    assert query(make_server(data).start(), "select n from kept") == 42


def test_a_start_right_after_the_kill_waits_for_the_old_server(
    data: Path, make_holder: MakeHolder, make_server: MakeServer
) -> None:
    """Without a pause between kill -9 and the next start, a server of its own comes up."""
    holder = make_holder("--data", str(data))
    query(holder.dsn(), "create table kept as select 42 as n")
    before = server_pid(data)
    holder.kill()
    server = make_server(data)
    assert query(server.start(), "select n from kept") == 42
    assert before != server_pid(data)
    assert server.alive()


def test_files_with_the_pid_of_a_living_process_do_not_stop_a_start(
    data: Path, make_holder: MakeHolder, make_server: MakeServer, spawn: Spawn
) -> None:
    """Everything was killed, and the server's pid belongs to another process of its user now."""
    holder = make_holder("--data", str(data))
    query(holder.dsn(), "create table kept as select 42 as n")
    holder.process.send_signal(signal.SIGSTOP)  # so that the server is killed, not told to stop
    kill_all(data)
    holder.kill()
    write_stale_files(data, spawn("sleep", "60").pid)
    assert query(make_server(data).start(), "select n from kept") == 42


@pytest.mark.parametrize("name", ["pg18/postmaster.pid", "run/.s.PGSQL.5432.lock"])
def test_either_stale_file_alone_does_not_stop_a_start(
    data: Path, make_server: MakeServer, spawn: Spawn, name: str
) -> None:
    """PostgreSQL refuses because of each of the two files, so each is removed."""
    write_stale_files(data, spawn("sleep", "60").pid)
    for other in ("pg18/postmaster.pid", "run/.s.PGSQL.5432.lock"):
        if other != name:
            (data / other).unlink()
    assert query(make_server(data).start(), "select 1") == 1


def test_a_dead_server_that_nobody_has_reaped_is_no_server(
    data: Path, make_server: MakeServer, spawn: Spawn
) -> None:
    """A zombie still has the server's pid and name; it does not count."""
    dead = start_by_hand(data, spawn)
    kill_all(data)
    assert dead.pid == server_pid(data)
    assert Path(f"/proc/{dead.pid}").exists() or sys.platform != "linux"
    assert query(make_server(data).start(), "select 1") == 1


def test_a_living_server_without_a_parent_is_adopted(
    data: Path, make_server: MakeServer, spawn: Spawn, said: Said
) -> None:
    """A server runs and nobody holds the lock: it is used, watched and stopped as our own."""
    found = start_by_hand(data, spawn)
    server = make_server(data)
    assert query(server.start(), "select 1") == 1
    assert found.pid == server_pid(data)
    assert f"a database server is already running here (process {found.pid}): using it" == said[-1]
    assert server.alive()
    server.stop(10)
    assert not server.alive()
    assert server_processes(data) == []


def test_a_server_that_is_about_to_end_is_not_adopted(
    data: Path, make_server: MakeServer, spawn: Spawn
) -> None:
    """The word of a parent's end may reach the server after the lock is free."""
    old = start_by_hand(data, spawn)
    spawn("sh", "-c", f"sleep 0.5; kill -INT {old.pid}")
    assert query(make_server(data).start(), "select 1") == 1
    assert old.pid != server_pid(data)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up rights")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
def test_a_living_server_is_seen_by_a_root_with_few_rights(
    data: Path, spawn: Spawn, make_holder: MakeHolder
) -> None:
    """Containers take from root the right to see others' directories; no second server starts."""
    found = start_by_hand(data, spawn)
    before = ("setpriv", "--bounding-set=-sys_ptrace")
    holder = make_holder("--data", str(data), before=before)
    assert query(holder.dsn(), "select 1") == 1
    assert found.pid == server_pid(data)
    # Before it, there may be that the start takes its time.
    assert "already running" in holder.said[-1]


def recover_slowly(data: Path) -> None:
    """Make the next start recover from an archive that takes its time to say that it is empty."""
    (data / "custom.conf").write_text("restore_command = 'sleep 0.7; false'\nhot_standby = off\n")
    (data / "custom.conf").chmod(0o644)
    (data / "pg18" / "recovery.signal").touch()
    owner = data.stat()
    os.chown(data / "pg18" / "recovery.signal", owner.st_uid, owner.st_gid)


def test_a_recovery_is_waited_for_and_shown(
    data: Path, make_server: MakeServer, said: Said
) -> None:
    """While the database recovers, the start goes on waiting and says why."""
    recover_slowly(data)
    assert query(make_server(data).start(), "select 1") == 1
    assert said[0].startswith("the database is starting, or recovering")


def test_an_interrupted_start_leaves_no_server(data: Path, make_holder: MakeHolder) -> None:
    """Ctrl-C while the database recovers ends both, and does not wait for the recovery."""
    recover_slowly(data)
    holder = make_holder("--data", str(data))
    assert until(lambda: server_processes(data))
    time.sleep(0.3)
    holder.process.send_signal(signal.SIGINT)
    assert holder.process.wait(10) != 0
    assert server_processes(data) == []


def test_a_server_that_shuts_down_is_waited_for(
    data: Path, make_server: MakeServer, spawn: Spawn, said: Said
) -> None:
    """While the old server waits for its last client, the new one waits and says so."""
    old = start_by_hand(data, spawn)
    client = run_statement(data, spawn, "select pg_sleep(3600)")
    old.send_signal(signal.SIGTERM)  # a smart shutdown: it lets clients finish
    expected = f"waiting for the previous database server (process {old.pid}) to shut down"
    said.cue(expected, lambda: os.kill(client, signal.SIGTERM))
    assert query(make_server(data).start(), "select 1") == 1
    assert old.poll() is not None
    assert said[0].startswith(expected)


def test_a_busy_orphan_of_a_killed_server_is_waited_for(
    data: Path, make_server: MakeServer, spawn: Spawn, said: Said
) -> None:
    """A backend that computes outlives its server; none starts beside it, for the data's sake."""
    old = start_by_hand(data, spawn)
    busy = run_statement(data, spawn, "do $$ begin loop end loop; end $$")
    old.kill()
    old.wait()
    # The backend, and the log collector, which waits for it.
    assert until(lambda: len(server_processes(data)) <= 2)
    orphans = {process.pid for process in server_processes(data)}
    assert busy in orphans
    words = "waiting for processes of the previous database server to end: "
    said.cue(words, lambda: os.kill(busy, signal.SIGKILL))
    assert query(make_server(data).start(), "select 1") == 1
    assert not orphans & {process.pid for process in server_processes(data)}
    assert said[0].startswith(words)
    assert str(min(orphans)) in said[0]


def test_a_server_that_cannot_be_seen_is_waited_for(
    data: Path, make_server: MakeServer, said: Said
) -> None:
    """Processes of another container show only by the lock that every server keeps."""
    script = (
        "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX);"
        " print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(data / "server.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        said.cue("not visible from here", holder.stdin.close)
        assert query(make_server(data).start(), "select 1") == 1
        assert holder.wait() == 0
    assert "not visible from here" in said[0]


def test_every_process_of_a_server_keeps_the_mark(data: Path, make_server: MakeServer) -> None:
    """The mark is locked while the server lives, and we ourselves do not keep it."""
    server = make_server(data)
    server.start()
    try_it = ["flock", "--nonblock", str(data / "server.lock"), "true"]
    assert subprocess.run(try_it, check=False).returncode == 1
    server.stop(10)
    assert until(lambda: subprocess.run(try_it, check=False).returncode == 0, seconds=5)


def test_a_lost_server_is_noticed_and_explained(data: Path, make_server: MakeServer) -> None:
    """When the server is killed from outside, `alive` says no and `lost` says where to look."""
    server = make_server(data)
    server.start()
    os.kill(server_pid(data), signal.SIGKILL)
    assert until(lambda: not server.alive(), seconds=5)
    error = server.lost()
    assert isinstance(error, ServerLostError)
    assert str(data / "log") in str(error)
    assert "database system is ready" in error.output
    assert query(server.start(), "select 1") == 1


def test_a_server_that_cannot_start_shows_its_log(data: Path, make_server: MakeServer) -> None:
    """A mistake in custom.conf ends the start with PostgreSQL's own words, and frees the lock."""
    (data / "custom.conf").write_text("work_mem = 'a lot'\n")
    (data / "custom.conf").chmod(0o644)
    server = make_server(data)
    with pytest.raises(ServerLostError, match="work_mem"):
        server.start()
    (data / "custom.conf").unlink()
    assert query(make_server(data).start(), "select 1") == 1


def test_an_interrupted_initdb_is_started_over(
    spot: Path, make_holder: MakeHolder, make_server: MakeServer
) -> None:
    """A first start that is killed midway leaves nothing that the second stumbles over."""
    data = spot / "data"
    holder = make_holder("--data", str(data))
    assert until(lambda: any((each / "base").exists() for each in data.glob(".pg18-*")))
    holder.kill()
    assert not (data / "pg18").exists()
    server = make_server(data)
    assert query(server.start(), "select 1") == 1
    assert list(data.glob(".pg18-*")) == []
