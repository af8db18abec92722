"""`ringback up`: the embedded database, migrations, the first run, and the server's processes.

    PostgreSQL ─▶ migrate ─▶ prepare ─▶ Granian with its workers ─▶ (stop) workers ─▶ PostgreSQL

Everything is stopped in the reverse order, within ten seconds; a second Ctrl-C does it at once.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import msgspec
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from ringback.errors import SettingsError, StartupError
from ringback.services import first_run, profile
from ringback.services.embedded.server import EmbeddedServer, default_data_dir
from ringback.settings import Settings
from ringback.storage.migrate import migrate
from ringback.storage.vault import Vault, new_secret_key

HEADER_READ_MS = 5_000
# What the server reads ahead of each connection; also the most that a head may take of it.
READ_BUFFER = 64 * 1024
# Connections that wait to be accepted; of all workers together, also how many are served at a time.
BACKLOG_MAX = 1024
WORKERS_STOP_S = 6
DATABASE_STOP_S = 3.0
_WATCH_S = 1.0
_READY_S = 30.0
Say = Callable[[str], None]


class Ready(msgspec.Struct, frozen=True):
    """What is announced once the server answers."""

    url: str
    started: first_run.Started
    seconds: float
    data_dir: Path | None


class Supervisor:
    """Runs one installation in the foreground, from start to stop."""

    def __init__(
        self, settings: Settings, *, demo: bool, say: Say, announce: Callable[[Ready], None]
    ) -> None:
        """Take the settings; `announce` is called once, when the server answers."""
        self._settings = settings
        self._demo = demo
        self._say = say
        self._announce = announce
        self._database: EmbeddedServer | None = None
        self._server: MPServer | None = None
        self._interrupts = 0
        self._stopped = threading.Event()
        self._failure: str | None = None

    def run(self) -> int:
        """Start everything, serve until a signal, stop everything; return the exit code.

        Raises:
            StartupError: something that is needed is missing or taken; the text says what to do.

        """
        began = time.monotonic()
        _require_free_port(self._settings.host, self._settings.port)
        try:
            dsn, secret_key = self._data()
            asyncio.run(migrate(dsn, self._say))
            vault = Vault(*[key for key in secret_key.split(",") if key.strip()])
            started = asyncio.run(
                first_run.prepare(dsn, vault, self._settings.base_url, demo=self._demo)
            )
            self._serve(dsn, secret_key, started, began)
        finally:
            self._stopped.set()
            if self._database is not None:
                self._database.stop(DATABASE_STOP_S if self._interrupts < 2 else 0.5)
        if self._failure:
            self._say(self._failure)
        return 1 if self._failure else 0

    def _data(self) -> tuple[str, str]:
        """Return the database to use and the key that seals its secrets."""
        settings = self._settings
        if settings.database_url:
            if not settings.secret_key:
                raise SettingsError(
                    "RINGBACK_SECRET_KEY is not set. With a database of your own, keep its key "
                    "yourself: export RINGBACK_SECRET_KEY=$(openssl rand -base64 32), and store "
                    "it safely: without it stored secrets cannot be read again."
                )
            return settings.database_url, settings.secret_key
        directory = settings.data_dir or default_data_dir()
        self._database = EmbeddedServer(directory, self._say)
        dsn = self._database.start()
        return dsn, settings.secret_key or _secret_key_in(self._database.data_dir)

    def _serve(self, dsn: str, secret_key: str, started: first_run.Started, began: float) -> None:
        settings = self._settings
        os.environ["RINGBACK_DATABASE_URL"] = dsn
        os.environ["RINGBACK_SECRET_KEY"] = secret_key
        os.environ["RINGBACK_SUPERVISOR"] = str(os.getpid())
        server = MPServer(
            "ringback.app:create", settings.host, settings.port,
            interface=Interfaces.ASGI, workers=settings.workers, loop=Loops.uvloop,
            http=HTTPModes.http1, websockets=False, log_level=LogLevels.error,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADER_READ_MS, max_buffer_size=READ_BUFFER
            ),
            backlog=BACKLOG_MAX, respawn_failed_workers=True,
            workers_kill_timeout=WORKERS_STOP_S, factory=True,
        )  # fmt: skip
        self._server = server
        ready = Ready(
            settings.base_url, started, began, self._database.data_dir if self._database else None
        )
        threading.Thread(target=self._announce_when_ready, args=(ready,), daemon=True).start()
        if self._database is not None:
            threading.Thread(target=self._watch_database, daemon=True).start()
        server.on_startup(self._take_signals)
        try:
            server.serve()
        except SystemExit as stop:
            if stop.code and not self._interrupts:
                self._failure = self._failure or "A server process kept failing; see the log above."

    def _take_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupted)

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupts += 1
        server = self._server
        if server is None:
            return
        if self._interrupts == 1:
            server.signal_handler_interrupt()  # type: ignore[no-untyped-call]
            return
        for worker in list(server.wrks):
            worker.kill()  # type: ignore[no-untyped-call]

    def _watch_database(self) -> None:
        """Stop everything when the database has gone: a start brings it back, half does not."""
        turns = 0
        while not self._stopped.wait(_WATCH_S):
            database = self._database
            if database is None or self._interrupts:
                return
            if not database.alive():
                self._failure = str(database.lost())
                self._interrupted(0, None)
                return
            turns += 1
            if turns % 60 == 0:
                database.trim_log()

    def _announce_when_ready(self, ready: Ready) -> None:
        deadline = time.monotonic() + _READY_S
        url = _local_url(self._settings)
        while time.monotonic() < deadline and not self._stopped.is_set():
            try:
                with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310
                    if answer.status == 200:
                        took = time.monotonic() - ready.seconds
                        self._announce(msgspec.structs.replace(ready, seconds=took))
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        if not self._stopped.is_set():
            self._say("The server does not answer yet; see the log above.")


def _local_url(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _require_free_port(host: str, port: int) -> None:
    """Make sure that nobody listens on the port yet. Raises StartupError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise StartupError(
                f"Port {port} needs more rights. Choose one above 1023 with RINGBACK_PORT."
            ) from None
        except OSError as error:
            raise StartupError(
                f"Cannot listen on {host}:{port} ({error.strerror}). Another program has the port: "
                "stop it, or choose another one with RINGBACK_PORT."
            ) from None


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
