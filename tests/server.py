"""A whole worker of the program in a thread of this process, on loopback, to talk to in tests.

Everything is real but the process: its own event loop, a database of its own, the demo's things.
"""

import asyncio
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import structlog

from ringback.app import build
from ringback.domain.endpoints import Mode
from ringback.domain.ids import uuid7
from ringback.services import first_run
from ringback.services.demo.sets import BARE
from ringback.serving import Application
from ringback.settings import Settings
from ringback.storage import configuration as stored
from ringback.storage.vault import Vault, new_secret_key

KEY, LIVE_KEY, OPERATOR_KEY = "rk_test_cccc", "rk_live_cccc", "rk_op_cccc"
T = TypeVar("T")


class Served:
    """A running worker: where it listens, and the keys to ask it with."""

    def __init__(self, url: str, application: Application, loop: asyncio.AbstractEventLoop) -> None:
        """Take what runs."""
        self.url = url
        self.application = application
        # Of all requests: a connection, and what TLS would need, is made once.
        self.client = httpx.Client(base_url=url, timeout=20)
        self._loop = loop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the worker's own event loop, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    def api(self, method: str, path: str, body: Any = None, key: str = KEY) -> Any:
        """Ask the API; AssertionError unless the answer is a success."""
        headers = {"authorization": f"Bearer {key}"}
        answer = self.client.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def add_keys(self) -> None:
        """Make a test key, a live key and an operator's key."""
        configuration = self.application.engine.configuration
        tenant = next(iter(configuration.snapshot.tenants))
        now = round(datetime.now(UTC).timestamp() * 1000)
        async with configuration.change() as connection:
            for of, mode, key in (
                (tenant, Mode.TEST, KEY), (tenant, Mode.LIVE, LIVE_KEY), (0, 0, OPERATOR_KEY),
            ):  # fmt: skip
                new = uuid7(now, os.urandom(10))
                await stored.add_key(connection, new, of, mode, key, "tests")


@contextmanager
def serving(dsn: str) -> Iterator[Served]:
    """Run a worker on a fresh database, with the demo's connections; stop it at the end."""
    before = structlog.get_config()
    # What a command prints is standard output; the server's log is none of it.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.__stderr__))
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    secret = new_secret_key()
    files = tempfile.TemporaryDirectory(prefix="ringback-media-")
    settings = Settings(
        database_url=dsn, secret_key=secret, port=port, request_log="off",
        media_dir=Path(files.name),
    )  # fmt: skip
    demo = first_run.Demo(BARE)
    asyncio.run(first_run.prepare(dsn, Vault(secret), settings.base_url, demo=demo))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    served = Served(settings.base_url, Application(build(settings)), loop)
    try:
        served.run(served.application.start(listening))
        served.run(served.add_keys())
        yield served
    finally:
        served.client.close()
        served.run(served.application.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
        structlog.configure(**before)
        files.cleanup()
