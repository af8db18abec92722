"""The demo's own process: `python -m ringback.services.demo FD`, started by the supervisor.

FD is the listening socket of the receivers. What to play comes over standard input. It ends with
its supervisor, and nothing that serves depends on it.
"""

import asyncio
import os
import signal
import socket
import sys
import time

import msgspec
import structlog

from ringback import log as logging_setup
from ringback.services.clock import Clock
from ringback.services.demo.player import FILLED_S, Player
from ringback.services.demo.receiver import Receivers
from ringback.services.demo.sets import SETS, behaviours
from ringback.services.demo.start import Played
from ringback.services.worker_process import begin
from ringback.settings import Settings, load
from ringback.transport.client import Client

log = structlog.get_logger()


async def play(played: Played, settings: Settings, listening: socket.socket) -> None:
    """Answer as the receivers, fill the last ten minutes, and go on until told to stop.

    Told once, nothing new happens; told again, the receivers are closed as well.
    """
    told, loop = asyncio.Semaphore(0), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.release)
    receivers, client, clock = Receivers(behaviours()), Client(), Clock()
    receivers.start(listening)
    player = Player(SETS[played.script.name], played.script, client, clock.now_ms)
    task = asyncio.create_task(_told(player, played, settings))
    await told.acquire()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await told.acquire()
    await receivers.close()
    await client.close()


async def _told(player: Player, played: Played, settings: Settings) -> None:
    try:
        await _play(player, played, settings)
    except Exception:
        log.exception("demo.failed", reason="nothing new happens; what serves is not concerned")


async def _play(player: Player, played: Played, settings: Settings) -> None:
    began = time.monotonic()
    now = Clock().now_ms()
    since = max(now - FILLED_S * 1000, played.newest_ms)
    seed = int.from_bytes(os.urandom(4)) if settings.demo_seed is None else settings.demo_seed
    pace = settings.demo_pace
    steps = await player.fill(seed, pace or 1.0, since)
    await player.test_endpoints()
    log.info("demo.filled", items=steps, seconds=round(time.monotonic() - began, 1))
    if pace:
        await player.live()


def main() -> None:
    """Play until the supervisor says that it is enough."""
    begin()
    settings = load()
    logging_setup.configure(settings.log_level)
    said = sys.stdin.buffer.read()
    if said:
        played = msgspec.json.decode(said, type=Played)
        asyncio.run(play(played, settings, socket.socket(fileno=int(sys.argv[1]))))


if __name__ == "__main__":
    main()
