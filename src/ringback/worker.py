"""A worker process, started by the supervisor: `python -m ringback.worker FD`.

FD is the listening socket that it shares with the others. Which database it is for, and the key of
its secrets, comes over standard input; everything else is in its environment.
"""

import asyncio
import importlib
import signal
import socket
import sys
import threading
from collections.abc import Awaitable
from concurrent.futures import Future
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
import uvloop

from ringback import log as logging_setup
from ringback.app import DRAIN_S, QUICK_S, Engine, build
from ringback.errors import RingbackError
from ringback.services import crew, failpoints
from ringback.services.worker_process import begin, informed
from ringback.settings import Settings, load

if TYPE_CHECKING:
    from ringback.serving import Application

log = structlog.get_logger()


def main() -> int:
    """Serve until the supervisor says that it is enough; return the exit code."""
    begin()
    serving = _loaded("ringback.serving")
    settings = load()
    settings = settings.model_copy(update=msgspec.structs.asdict(informed()))
    logging_setup.configure(settings.log_level)
    if failpoints.arm():
        reason = "RINGBACK_FAILPOINTS is set: this process may die"
        log.warning("failpoints.on", reason=reason)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(settings, socket.socket(fileno=int(sys.argv[1])), serving))
        except RingbackError as error:
            structlog.get_logger().error("worker.failed", error=str(error))
            return 1
    return 0


async def serve(settings: Settings, listening: socket.socket, serving: Future[ModuleType]) -> None:
    """Serve until SIGTERM, and stop in order; or until told to hurry, and stop quickly."""
    engine = build(settings)
    told, hurry, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

    def hurried() -> None:
        hurry.set()
        told.set()

    loop.add_signal_handler(signal.SIGTERM, told.set)
    loop.add_signal_handler(crew.HURRY, hurried)
    loop.add_signal_handler(crew.DIED, engine.workers.poke)
    loop.set_exception_handler(_report)
    # As long as the database takes nothing, this takes.
    if not await _done(engine.start(), told):
        return
    running: Engine | Application = engine
    patience = QUICK_S
    try:
        # Deliveries go on already.
        if await _done(asyncio.wrap_future(serving), told) and not told.is_set():
            application: Application = serving.result().Application(engine)
            running = application
            application.open(listening)
            await told.wait()
        patience = QUICK_S if hurry.is_set() else DRAIN_S
    finally:
        await running.stop(patience)


async def _done(doing: Awaitable[Any], told: asyncio.Event) -> bool:
    """Wait until something is done, and return True; False when told to stop before."""
    task, stop = asyncio.ensure_future(doing), asyncio.create_task(told.wait())
    await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
        return False
    await task
    return True


def _loaded(module: str) -> Future[ModuleType]:
    """Load a module on a thread.

    The REST API takes twice as long to load as the engine, which need not wait for it.
    """
    found: Future[ModuleType] = Future()
    # Whoever does not wait for it any more does not cancel it: the thread goes on.
    found.set_running_or_notify_cancel()

    def load_it() -> None:
        try:
            found.set_result(importlib.import_module(module))
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=load_it, name="load", daemon=True).start()
    return found


def _report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.error("server.defect", reason=context.get("message"), exc_info=context.get("exception"))


if __name__ == "__main__":
    sys.exit(main())
