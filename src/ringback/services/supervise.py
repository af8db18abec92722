"""`ringback up`: the embedded database, migrations, the first run, and the server's processes.

    PostgreSQL ─▶ migrate ─▶ prepare ─▶ worker processes ─▶ (stop) workers ─▶ PostgreSQL

Everything is stopped in the reverse order: by Ctrl-C within ten seconds, by SIGTERM as soon as the
deliveries under way are through, within half a minute. A second Ctrl-C does it at once.
Not here: `ringback serve`, which has less to start (production.py), how workers are kept running
(crew.py), and PostgreSQL itself (embedded/).
"""

import asyncio
import errno
import ipaddress
import math
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import msgspec

from ringback.errors import MadeByAnother, SettingsError, StartupError
from ringback.services import first_run, profile, worker_process
from ringback.services.crew import Crew
from ringback.services.demo.sets import SETS
from ringback.services.demo.start import Playing
from ringback.services.embedded.server import EmbeddedServer, default_data_dir
from ringback.settings import Settings
from ringback.storage.migrate import migrate
from ringback.storage.vault import Vault, new_secret_key
from ringback.transport.server import BACKLOG_MAX

WORKERS_STOP_S = 6
# Told to by SIGTERM: they wait for the deliveries that are under way.
WORKERS_DRAIN_S = 24
DATABASE_STOP_S = 3.0
_WATCH_S = 1.0
_READY_S = 30.0
_ASK_MAX_S = 0.25
# A terminal that is closed hangs up; `nohup` has that ignored, and so it stays.
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The server is on this machine: no proxy of the environment stands before it.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Say = Callable[[str], None]


class Ready(msgspec.Struct, frozen=True):
    """What is announced once the server answers."""

    url: str
    seconds: float


class Supervisor:
    """Runs an installation's processes in the foreground, from start to stop.

    What is there before the workers is `prepare`'s: each command that serves has its own.
    """

    def __init__(self, settings: Settings, *, say: Say, announce: Callable[[Ready], None]) -> None:
        """Take the settings; `announce` is called once, when the server answers."""
        self._settings = settings
        self._say = say
        self._announce = announce
        self._database: EmbeddedServer | None = None
        self._crew: Crew | None = None
        self._interrupts = 0
        self._pid = os.getpid()
        self._signals = [n for n in _STOPPING if signal.getsignal(n) is not signal.SIG_IGN]
        self._stopped = threading.Event()
        self._failure: str | None = None

    def run(self) -> int:
        """Start everything, serve until a signal, stop everything; return the exit code.

        Raises:
            StartupError: something that is needed is missing or taken; the text says what to do.
            KeyboardInterrupt: told to stop before the server was up; what had started is stopped.

        """
        began = time.monotonic()
        for number in self._signals:
            signal.signal(number, self._interrupted_early)
        os.environ[worker_process.SUPERVISOR] = str(self._pid)
        try:
            with _bound(self._settings.host, self._settings.port) as listening:
                self._work(listening, began)
        finally:
            self._stopped.set()
            self.stopped()
            if self._database is not None:
                self._database.stop(DATABASE_STOP_S if self._interrupts < 2 else 0.5)
        if self._failure:
            self._say(self._failure)
        return 1 if self._failure else 0

    def prepare(self) -> tuple[str, str]:
        """Make ready what workers need: return the database's DSN and the key of its secrets.

        Raises:
            RingbackError: something is missing; the text says what to do.

        """
        raise NotImplementedError

    def serving(self) -> None:
        """Do what is to be done once the server answers; on a thread of its own."""

    def stopping(self) -> None:
        """Do what is to be done when it is told to stop; where a signal is handled."""

    def stopped(self) -> None:
        """Do what is to be done when no worker serves any more."""

    def _work(self, listening: socket.socket, began: float) -> None:
        """Prepare and serve; the workers load their code while everything else is prepared."""
        fd = listening.fileno()
        crew = Crew(self._settings.workers, fd, WORKERS_STOP_S, WORKERS_DRAIN_S)
        try:
            crew.start()
            self.heed()
            informed = worker_process.Informed(*self.prepare())
            _listen(listening, self._settings)
            # Workers close theirs, too: who comes while they drain is refused, not kept waiting.
            self._serve(crew, msgspec.json.encode(informed), began, listening.close)
        finally:
            crew.abandon()

    def _serve(self, crew: Crew, informed: bytes, began: float, close: Callable[[], None]) -> None:
        ready = Ready(self._settings.base_url, began)
        threading.Thread(target=self._announce_when_ready, args=(ready,), daemon=True).start()
        if self._database is not None:
            threading.Thread(target=self._watch_database, daemon=True).start()
        self._crew = crew
        for number in self._signals:
            signal.signal(number, self._interrupted)
        self.heed()
        if not crew.run(lambda: self._interrupts, informed, close):
            self._failure = self._failure or "Worker processes kept failing; see the log above."

    def _interrupted_early(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupts += 1
        raise KeyboardInterrupt

    def heed(self) -> None:
        """Stop after all: where the interpreter forks, it drops what a signal's handler raises."""
        if self._interrupts:
            raise KeyboardInterrupt

    def _interrupted(self, number: int, _frame: FrameType | None) -> None:
        self._interrupts += 1
        assert self._crew is not None
        if self._interrupts == 1:
            self._crew.patient = number == signal.SIGTERM
        self.stopping()
        if self._interrupts > 1:
            self._crew.kill()

    def _watch_database(self) -> None:
        """Stop everything when the database has gone: a start brings it back, half does not."""
        turns = 0
        while not self._stopped.wait(_WATCH_S):
            database = self._database
            if database is None or self._interrupts:
                return
            if not database.alive():
                self._failure = str(database.lost())
                # At once: whatever workers are at cannot be stored any more.
                self._interrupts += 2
                return
            turns += 1
            if turns % 60 == 0:
                database.trim_log()

    def _announce_when_ready(self, ready: Ready) -> None:
        patience, pause = time.monotonic() + _READY_S, 0.02
        url = f"{_local_url(self._settings)}/readyz"
        while not self._answers(url):
            if time.monotonic() > patience:
                self._say("The server does not answer yet; see the log above.")
                patience = math.inf
            if self._stopped.wait(pause):
                return
            pause = min(2 * pause, _ASK_MAX_S)
        self._announce(msgspec.structs.replace(ready, seconds=time.monotonic() - ready.seconds))
        self.serving()

    @staticmethod
    def _answers(url: str) -> bool:
        try:
            with _direct.open(url, timeout=2):
                return True
        except OSError:
            return False


class Up(Supervisor):
    """`ringback up`: with a database of its own unless another one is named, and a first key."""

    def __init__(
        self,
        settings: Settings,
        *,
        demo: str | None,
        operator_key: bool,
        sign_in_link: bool,
        say: Say,
        announce: Callable[[Ready], None],
    ) -> None:
        """Take the settings; `demo` names a data set, the others a key and a link to sign in."""
        super().__init__(settings, say=say, announce=announce)
        self._demo = None if demo is None else SETS[demo]
        self._receivers: socket.socket | None = None
        self._playing: Playing | None = None
        self._operator_key = operator_key
        self._sign_in_link = sign_in_link
        self.started: first_run.Started | None = None

    @property
    def data_dir(self) -> Path | None:
        """Where the embedded database is; None with one of another's."""
        return self._database.data_dir if self._database else None

    def prepare(self) -> tuple[str, str]:
        """Start the database, migrate it, and make what a first start makes."""
        dsn, secret_key = self._data()
        self.heed()
        try:
            asyncio.run(migrate(dsn, self._say))
        except MadeByAnother as error:
            raise (error.within(str(self.data_dir)) if self.data_dir else error) from error
        vault = vault_of(secret_key)
        self.started = asyncio.run(
            first_run.prepare(
                dsn, vault, self._settings.base_url, demo=self._demonstrated(),
                operator=self._operator_key, sign_in_link=self._sign_in_link,
            )
        )  # fmt: skip
        return dsn, secret_key

    def _demonstrated(self) -> first_run.Demo | None:
        """Open the port of the demo's receivers, if its data set has any."""
        if self._demo is None:
            return None
        receivers = ""
        if self._demo.endpoints:
            self._receivers = _bound_near(self._settings.port)
            receivers = f"http://127.0.0.1:{self._receivers.getsockname()[1]}"
        return first_run.Demo(self._demo, receivers, _local_url(self._settings))

    def serving(self) -> None:
        """Let the demo's data set play."""
        played = self.started and self.started.played
        if played and self._receivers is not None and not self._interrupts:
            _listen(self._receivers, self._settings)
            self._playing = Playing(self._receivers.fileno())
            self._playing.start(played)

    def stopping(self) -> None:
        """Have the demo end with, not after, the server."""
        if self._playing is not None:
            self._playing.stop()

    def stopped(self) -> None:
        """Wait for the demo's end."""
        if self._playing is not None:
            self._playing.ended()
        if self._receivers is not None:
            self._receivers.close()

    def _data(self) -> tuple[str, str]:
        """Return the database to use and the key that seals its secrets."""
        settings = self._settings
        if settings.database_url:
            return settings.database_url, own_secret_key(settings)
        directory = settings.data_dir or default_data_dir()
        self._database = EmbeddedServer(directory, self._say)
        dsn = self._database.start()
        return dsn, settings.secret_key or _secret_key_in(self._database.data_dir)


def own_secret_key(settings: Settings) -> str:
    """Return the secret key that goes with a database of one's own. Raises SettingsError."""
    if settings.secret_key:
        return settings.secret_key
    raise SettingsError(
        "RINGBACK_SECRET_KEY is not set. With a database of your own, keep its key yourself: "
        "export RINGBACK_SECRET_KEY=$(openssl rand -base64 32), and store it safely: without it "
        "stored secrets cannot be read again."
    )


def vault_of(secret_key: str) -> Vault:
    """Return the vault of a secret key, or of several that are separated by commas."""
    return Vault(*[key for key in secret_key.split(",") if key.strip()])


def _local_url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that has the port; nobody can connect yet. Raises StartupError."""
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        raise StartupError(
            f"RINGBACK_HOST is {host!r}, which is not an IP address. Write 127.0.0.1 to be reached "
            "from this machine only, or 0.0.0.0 from everywhere."
        ) from None
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise _cannot_listen(host, port, error) from None
    return bound


def _bound_near(port: int) -> socket.socket:
    """Return a socket on this machine's own address: the next port up if it is free, or any."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port % 65_535 + 1))
    except OSError:
        bound.bind(("127.0.0.1", 0))
    return bound


def _listen(bound: socket.socket, settings: Settings) -> None:
    """Let connections come, for the workers to share. Raises StartupError."""
    try:
        bound.listen(BACKLOG_MAX)
    except OSError as error:
        # Somebody else had the same port and was faster.
        raise _cannot_listen(settings.host, settings.port, error) from None


def _cannot_listen(host: str, port: int, error: OSError) -> StartupError:
    return StartupError(f"Cannot listen on {host}, port {port}: {error.strerror}. {_remedy(error)}")


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "Another program has the port: stop it, or choose another one with RINGBACK_PORT."
    if error.errno == errno.EACCES:
        return "It needs more rights: choose a port above 1023 with RINGBACK_PORT."
    return "Give an address of this machine in RINGBACK_HOST; 0.0.0.0 stands for all of them."


def _secret_key_in(data_dir: Path) -> str:
    """Return the installation's secret key, made at the first start, for its owner only."""
    file = data_dir / "secret_key"
    try:
        if not file.exists():
            profile.write_private(file, new_secret_key() + "\n")
        return file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise StartupError(f"Cannot read or write {file}: {error.strerror}.") from None


def supported() -> None:
    """Refuse to start on a platform that nobody has tested. Raises StartupError."""
    if sys.platform not in {"linux", "darwin"}:
        raise StartupError("Ringback runs on Linux and macOS.")
