"""A worker whose API is not loaded yet, or never will be, though deliveries go on already."""

import asyncio
import os
import signal
import socket
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType

import asyncpg
import pytest

from ringback import worker
from ringback.app import Engine, build
from ringback.services import first_run
from ringback.settings import Settings
from ringback.storage.vault import Vault, new_secret_key
from tests.services.sink import until


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    """The engines that workers of this test have built."""
    engines = []

    def noted(settings: Settings) -> Engine:
        engines.append(build(settings))
        return engines[-1]

    monkeypatch.setattr(worker, "build", noted)
    return engines


async def _serve(dsn: str, files: Path, serving: Future[ModuleType], built: list[Engine]) -> None:
    """Serve until that ends: told to stop as soon as the engine runs, if the API is not there."""
    key = new_secret_key()
    await first_run.prepare(dsn, Vault(key), "http://127.0.0.1:8420")
    settings = Settings(database_url=dsn, secret_key=key, media_dir=files)
    with socket.socket() as listening:
        task = asyncio.create_task(worker.serve(settings, listening, serving))
        if not serving.done():
            await until(lambda: bool(built) and bool(built[0]._tasks))
            os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 30)


def _living(dsn: str) -> object:
    async def count() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval("select count(*) from worker where alive")
        finally:
            await connection.close()

    return asyncio.run(count())


def test_a_stop_waits_for_no_api(dsn: str, tmp_path: Path, built: list[Engine]) -> None:
    """Told to stop while the API loads, it ends in order; the thread that loads goes on."""
    serving: Future[ModuleType] = Future()
    serving.set_running_or_notify_cancel()
    asyncio.run(_serve(dsn, tmp_path, serving, built))
    assert all(task.done() for task in built[0]._tasks)
    assert 0 == _living(dsn)
    serving.set_result(worker)


def test_an_api_that_does_not_load_stops_the_engine(
    dsn: str, tmp_path: Path, built: list[Engine]
) -> None:
    """Its worker ends with the reason, and leaves nothing that others have to wait for."""
    serving = worker._loaded("ringback.no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        serving.result(30)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        asyncio.run(_serve(dsn, tmp_path, serving, built))
    assert all(task.done() for task in built[0]._tasks)
    assert 0 == _living(dsn)
