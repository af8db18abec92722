"""Names to addresses: the system's resolver on our own threads, and a one-second cache.

The threads are daemons, because a blocked `getaddrinfo` cannot be interrupted and must not hold up
the end of the process. This module judges nothing: see `guard`.
"""

import asyncio
import ipaddress
import queue
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from ringback.domain.hosts import IpAddress
from ringback.transport.exchange import Failed

Resolve = Callable[[str, int], Awaitable[Sequence[tuple[int, str]]]]
"""host, port → (address family, address) pairs in order of preference; raises OSError."""

MAX_THREADS = 64
"""Look-ups at the same time: each hanging name server costs one thread for some seconds."""
MAX_QUEUED = 256
"""Look-ups that may wait for a thread."""
SLOW_S = 1.0
"""A look-up that takes longer makes its name a slow one, until one takes less."""
MAX_SLOW = 16
"""Look-ups of slow names at the same time: they leave the other threads to other names."""
MAX_NAMES = 4096
"""Names kept in the cache."""
MAX_ANSWERS = 32
"""Addresses of one name: more is no host but an attempt."""

_Job = tuple[str, int, asyncio.AbstractEventLoop, "asyncio.Future[list[tuple[int, str]]]"]


class ThreadResolver:
    """`getaddrinfo` for one event loop, on at most `MAX_THREADS` daemon threads of its own."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._pending = 0
        self._threads = 0

    async def __call__(self, host: str, port: int) -> list[tuple[int, str]]:
        """Resolve; raises OSError (gaierror) when there is no address.

        Without room for the job: `Failed` (busy), which says nothing of the name.
        """
        if self._pending >= MAX_THREADS + MAX_QUEUED:
            raise Failed("busy", f"{self._pending} names are looked up already")
        if self._threads < MAX_THREADS and self._pending >= self._threads:
            self._threads += 1
            threading.Thread(target=self._work, name="ringback-dns", daemon=True).start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[tuple[int, str]]] = loop.create_future()
        self._pending += 1
        future.add_done_callback(self._done)
        self._jobs.put((host, port, loop, future))
        return await future

    def close(self) -> None:
        """Let the threads end; those inside a look-up end after it."""
        for _ in range(self._threads):
            self._jobs.put(None)
        self._threads = 0

    def _done(self, _: object) -> None:
        self._pending -= 1

    def _work(self) -> None:
        """Run on a thread: look up until told to stop."""
        while (job := self._jobs.get()) is not None:
            host, port, loop, future = job
            if future.cancelled():
                continue
            try:
                found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
                answer = [(int(family), str(address[0])) for family, _, _, _, address in found]
                settle: Callable[[], None] = _setter(future, answer, None)
            except (OSError, UnicodeError) as error:
                settle = _setter(future, [], OSError(*error.args[-1:]))
            try:
                loop.call_soon_threadsafe(settle)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return


def _setter(
    future: "asyncio.Future[list[tuple[int, str]]]",
    answer: list[tuple[int, str]],
    error: OSError | None,
) -> Callable[[], None]:
    """Make the function that hands a thread's result to its waiter, if there still is one."""

    def settle() -> None:
        if future.done():
            return
        if error is None:
            future.set_result(answer)
        else:
            future.set_exception(error)

    return settle


class Answer(msgspec.Struct, frozen=True):
    """What a name resolved to; valid until `until` on the client's clock. Empty with an error.

    `busy`: nobody was asked, for want of room.
    """

    addresses: tuple[IpAddress, ...]
    until: float
    error: str = ""
    busy: bool = False


class Names:
    """Look-ups through `resolve`, one at a time per name, kept for `ttl_s` seconds (≤ 1).

    The cache does not open a door to rebinding: every answer that is used has been judged whole,
    and connections go to judged addresses only, never to a name.
    """

    def __init__(self, resolve: Resolve, ttl_s: float, clock: Callable[[], float]) -> None:
        self._resolve = resolve
        self._ttl = ttl_s
        self._clock = clock
        self._known: dict[str, Answer] = {}
        self._running: dict[str, asyncio.Task[Answer]] = {}
        self._slow: dict[str, None] = {}
        self._late: set[str] = set()

    async def lookup(self, host: str, port: int, timeout_s: float) -> Answer:
        """Resolve `host`; raises `Failed` (dns) when there is no address within `timeout_s`.

        While too many names are looked up, or too many slow ones for one more of them: `Failed`
        (busy).
        """
        answer = self._known.get(host)
        if answer is None or answer.until <= self._clock():
            task = self._running.get(host)
            if task is None:
                if host in self._slow:
                    if len(self._late) >= MAX_SLOW:
                        raise Failed("busy", f"{MAX_SLOW} names that take long are looked up")
                    self._late.add(host)
                task = asyncio.get_running_loop().create_task(self._query(host, port))
                self._running[host] = task
            answer = await self._wait(task, host, timeout_s)
        if answer.busy:
            raise Failed("busy", answer.error)
        if answer.error:
            raise Failed("dns", f"{host} cannot be resolved: {answer.error}")
        return answer

    def close(self) -> None:
        """Give up on what is being looked up."""
        for task in self._running.values():
            task.cancel()

    async def _wait(self, task: asyncio.Task[Answer], host: str, timeout_s: float) -> Answer:
        """Wait for a look-up that others may share: our own end does not end it."""
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(task)
        except TimeoutError:
            if timeout_s >= SLOW_S and self._running.get(host) is task:
                self._note_slow(host)
                self._late.add(host)
            raise Failed("dns", f"{host} was not resolved within {timeout_s:.1f} s") from None
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if task.cancelled() and not (current and current.cancelling()):
                raise Failed("closed", "the client was closed") from None
            raise

    def _note_slow(self, host: str) -> None:
        self._slow[host] = None
        if len(self._slow) > MAX_NAMES:
            del self._slow[next(iter(self._slow))]

    async def _query(self, host: str, port: int) -> Answer:
        """Ask the resolver once and keep what it says, a failure too; not that it has no room."""
        started = self._clock()
        busy = False
        try:
            found = await self._resolve(host, port)
            addresses = tuple(dict.fromkeys(ipaddress.ip_address(text) for _, text in found))
            error = "" if addresses else "it has no address"
            if len(addresses) > MAX_ANSWERS:
                addresses, error = (), f"it has more than {MAX_ANSWERS} addresses"
        except (OSError, ValueError) as problem:
            addresses, error = (), str(problem) or type(problem).__name__
        except Failed as problem:
            addresses, error, busy = (), problem.detail, True
        finally:
            self._running.pop(host, None)
            self._late.discard(host)
            if not busy:
                self._slow.pop(host, None)
            if self._clock() - started > SLOW_S:
                self._note_slow(host)
        answer = Answer(addresses, self._clock() + self._ttl, error, busy)
        if self._ttl > 0 and not busy:
            self._known.pop(host, None)
            self._known[host] = answer
            if len(self._known) > MAX_NAMES:
                del self._known[next(iter(self._known))]
        return answer
