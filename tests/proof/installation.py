"""`ringback up` as people run it, on a database of ours, to be killed in every way there is.

Several may share one database, each with a port of its own: `beside`.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import psutil

from ringback.domain.endpoints import DeliveryPolicy, Endpoint, Mode
from ringback.domain.ids import show, uuid7
from ringback.domain.signing import new_secret
from ringback.services import first_run
from ringback.services.demo.sets import BARE
from ringback.services.failpoints import LOG_VARIABLE, VARIABLE
from ringback.storage import configuration as stored
from ringback.storage.database import Database
from ringback.storage.vault import Vault, new_secret_key

# Retries come within seconds, and there are enough of them for any run.
SCHEDULE_S = (1,) * 60
READY_S = 40.0
# The supervisor gives up when workers keep ending within five seconds of their start.
SETTLED_S = 6.0
TYPES = ("shop.*", "message.*")


class Installation:
    """One installation in test mode. `prepare` fills its database, `start` starts it."""

    def __init__(self, dsn: str, home: Path, workers: int = 2) -> None:
        """Take a migrated database and a directory for its profile and its log."""
        self.dsn = dsn
        self.home = home
        self._workers = workers
        self.secret_key = new_secret_key()
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api_key = ""
        self.app_secret = ""
        self.failpoints = ""
        self.failpoints_log = home / "failpoints"
        # When it was started, and how often because it had ended by itself.
        self.started_at = 0.0
        self.restarts = 0
        self._numbers: dict[int, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def beside(self, home: Path) -> "Installation":
        """Make one more on the same database, which is prepared already."""
        home.mkdir()
        other = Installation(self.dsn, home, self._workers)
        other.secret_key = self.secret_key
        return other

    async def prepare(self, urls: dict[str, str], policy: DeliveryPolicy) -> dict[str, str]:
        """Make tenant, key, connections and one endpoint for each URL; return their secrets."""
        vault = Vault(self.secret_key)
        started = await first_run.prepare(self.dsn, vault, self.url, demo=first_run.Demo(BARE))
        self.api_key = started.profile.api_key
        self.app_secret = started.demo["DEMO_WHATSAPP_SECRET"]
        secrets = {name: new_secret(os.urandom(24)) for name in urls}
        database = Database(self.dsn)
        await database.open()
        try:
            async with database.acquire() as connection, connection.transaction():
                await connection.execute("update endpoint set deleted = now()")
                tenant = await connection.fetchval("select min(no) from tenant")
                for name, url in urls.items():
                    id_ = uuid7(time.time_ns() // 1_000_000, os.urandom(10))
                    engine = Endpoint(0, id_, tenant, Mode.TEST, url, TYPES, (), policy=policy)
                    now = datetime.now(UTC)
                    new = stored.StoredEndpoint(
                        engine, [secrets[name]], name, now, now, None, None, None
                    )
                    self._numbers[await stored.add_endpoint(connection, vault, new)] = name
                await stored.changed(connection)
        finally:
            await database.close()
        return secrets

    async def move(self, urls: dict[str, str]) -> None:
        """Point the endpoints to where their receivers listen. Only before the start."""
        for number, name in self._numbers.items():
            await self.rows("update endpoint set url = $2 where no = $1", number, urls[name])

    def start(self) -> None:
        """Start the supervisor; returns at once."""
        environment = {
            **{name: value for name, value in os.environ.items() if name[:9] != "RINGBACK_"},
            "RINGBACK_DATABASE_URL": self.dsn, "RINGBACK_SECRET_KEY": self.secret_key,
            "RINGBACK_RATE_LIMIT": "0",
            "XDG_CONFIG_HOME": str(self.home), VARIABLE: self.failpoints,
            LOG_VARIABLE: str(self.failpoints_log),
        }  # fmt: skip
        self.started_at = time.time()
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                # Should the tests be killed themselves, nothing of it stays behind.
                ["setpriv", "--pdeathsig", "TERM", sys.executable, "-m", "ringback", "up",
                 "--workers", str(self._workers), "--port", str(self.port)],
                env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    async def ready(self) -> None:
        """Wait until it answers; start it again should it have ended. Fails after a while."""
        async with asyncio.timeout(READY_S):
            while not await asyncio.to_thread(_answers, f"{self.url}/readyz"):
                self.ensure()
                await asyncio.sleep(0.1)

    def ensure(self) -> None:
        """Start it again if it has ended by itself: one worker died too soon after its start."""
        if self._process is not None and self._process.poll() is not None:
            self.restarts += 1
            self.start()

    def workers(self, age_s: float = 0.0) -> list[psutil.Process]:
        """Return the processes of its workers that have run for so long, the oldest first."""
        now = time.time()
        try:
            ages = [
                (now - child.create_time(), child)
                for child in self._supervisor().children()
                if "ringback.worker" in child.cmdline()
            ]
        except psutil.NoSuchProcess:
            return []
        return [child for age, child in sorted(ages, key=lambda one: -one[0]) if age >= age_s]

    def _supervisor(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def kill_everything(self) -> int:
        """SIGKILL the supervisor and all its workers at once; return how many workers it hit."""
        workers = self.workers()
        process = self._process
        assert process is not None
        process.kill()
        for worker in workers:
            _signal(worker, signal.SIGKILL)
        process.wait()
        return len(workers)

    def stop(self) -> None:
        """End it as a person would, and all that is left of it."""
        process, self._process = self._process, None
        if process is None:
            return
        family = [process.pid]
        try:
            family += [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            pass
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in family[1:]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def failpoint_kills(self) -> list[float]:
        """Return when failpoints have killed a worker."""
        lines = (line.split() for line in self._reached())
        return [float(at) for _, action, _, at in lines if action == "kill"]

    def reached(self, place: str) -> int:
        """Count how often something was done at a place."""
        return sum(line.startswith(f"{place} ") for line in self._reached())

    def _reached(self) -> list[str]:
        if not self.failpoints_log.exists():
            return []
        return self.failpoints_log.read_text(encoding="ascii").splitlines()

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask the database, behind the server's back."""
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    async def value(self, sql: str, *arguments: object) -> object:
        """Ask the database for one value."""
        return (await self.rows(sql, *arguments))[0][0]

    async def emptied(self, seconds: float) -> None:
        """Wait until nothing is open any more; fails after `seconds`."""
        async with asyncio.timeout(seconds):
            while await self.value("select count(*) from delivery"):
                self.ensure()
                await asyncio.sleep(0.2)

    async def stuck(self) -> int:
        """Run the sweep for rows that wait with nothing in front; it must find none."""
        found = await self.value("select unblock(null)")
        assert isinstance(found, int)
        return found

    async def exhausted(self) -> frozenset[tuple[str, str]]:
        """Return which (endpoint, event) the attempt log calls exhausted."""
        rows = await self.rows("select endpoint, event from attempt where final = 2")
        return frozenset((self._numbers[row[0]], show("evt", row[1])) for row in rows)

    async def stored(self) -> frozenset[str]:
        """Return the ids of all events that endpoints are owed."""
        rows = await self.rows(
            "select id from event where type like 'shop.%' or type like 'message.%'"
        )
        return frozenset(show("evt", row[0]) for row in rows)


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
