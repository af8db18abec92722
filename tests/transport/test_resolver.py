"""The look-ups themselves: the system's resolver on threads, sharing, limits, time."""

import asyncio
import socket
import threading
import time

import pytest

from ringback.domain.networks import LIVE, TEST
from ringback.domain.targets import Target
from ringback.transport import resolver as module
from ringback.transport.client import Client, Options
from ringback.transport.exchange import Exchange, Failed, Outgoing
from ringback.transport.resolver import Names, ThreadResolver

from .receivers import eventually, receiving

BOTH_LOOPS = True


async def test_localhost_through_the_system() -> None:
    """A name of this machine is resolved by the system and reached, in test mode."""
    async with receiving() as receiver:
        client = Client()
        target = Target.parse(f"http://localhost:{receiver.port}/")
        exchange = await client.send(Outgoing("POST", target), policy=TEST, deadline_s=5)
        refused = await client.check(target, LIVE)
        await client.close()
    assert 200 == exchange.status
    assert exchange.timings.dns > 0
    assert not refused.allowed


async def test_unknown_name_through_the_system() -> None:
    """A name that cannot exist is an OSError with the system's words."""
    resolve = ThreadResolver()
    with pytest.raises(OSError, match=r"\w"):
        await resolve("name.invalid", 443)
    resolve.close()


async def test_threads_are_few_and_end() -> None:
    """Look-ups one after the other share a thread, and closing ends it."""

    def running() -> int:
        return sum(thread.name == "ringback-dns" for thread in threading.enumerate())

    await eventually(lambda: running() == 0)
    resolve = ThreadResolver()
    for _ in range(20):
        assert await resolve("localhost", 80)
    assert 1 == running()
    await asyncio.gather(*(resolve("localhost", 80) for _ in range(200)))
    assert module.MAX_THREADS >= running()
    resolve.close()
    await eventually(lambda: running() == 0)


async def test_too_many_look_ups_are_refused() -> None:
    """Beyond the threads and their queue a look-up fails at once instead of waiting."""
    resolve = ThreadResolver()
    limit = module.MAX_THREADS + module.MAX_QUEUED
    results = await asyncio.gather(
        *(resolve("localhost", 80) for _ in range(limit + 5)), return_exceptions=True
    )
    resolve.close()
    refused = [result.error for result in results if isinstance(result, Failed)]
    assert ["busy"] * 5 == refused


async def test_a_look_up_that_found_no_room_says_nothing_of_the_name() -> None:
    """It is `busy` and not `dns`, it is not kept, and a name that is slow stays a slow one."""
    full = True

    async def resolve(_host: str, _port: int) -> list[tuple[int, str]]:
        if full:
            raise Failed("busy", "no room")
        return [(socket.AF_INET, "8.8.8.8")]

    names = Names(resolve, 1.0, lambda: 1000.0)
    names._note_slow("a.example")
    for _ in range(2):
        with pytest.raises(Failed) as failure:
            await names.lookup("a.example", 443, 1.0)
        assert "busy" == failure.value.error
    assert ["a.example"] == list(names._slow)
    full = False
    assert (await names.lookup("a.example", 443, 1.0)).addresses
    assert [] == list(names._slow)


class Slow:
    """A resolver that answers when it is told to, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = asyncio.Event()

    async def __call__(self, _host: str, _port: int) -> list[tuple[int, str]]:
        """Wait, then give a private address."""
        self.asked += 1
        await self.answer.wait()
        return [(socket.AF_INET, "10.0.0.1")]


async def test_requests_share_a_look_up() -> None:
    """Many requests to one name at once cost one look-up; one that gives up takes none along."""
    slow = Slow()
    client = Client(resolve=slow)
    request = Outgoing("POST", Target.parse("https://a.example/"))

    def send() -> asyncio.Task[Exchange]:
        return asyncio.create_task(client.send(request, policy=LIVE, deadline_s=5, connections=100))

    tasks = [send() for _ in range(50)]
    await eventually(lambda: slow.asked == 1)
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    slow.answer.set()
    results = await asyncio.gather(*tasks[1:])
    await client.close()
    assert {"guard_denied"} == {result.error for result in results}
    assert 1 == slow.asked


async def test_slow_names_leave_the_others_their_threads() -> None:
    """Of names whose look-ups take long, sixteen are looked up at a time; the others do not wait,
    and one that is quick again is slow no more.
    """
    gate, now = asyncio.Event(), 1000.0
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> list[tuple[int, str]]:
        asked.append(host)
        if host.startswith("slow"):
            await gate.wait()
        return [(socket.AF_INET, "8.8.8.8")]

    names = Names(resolve, 0.0, lambda: now)
    hosts = [f"slow{n}.example" for n in range(module.MAX_SLOW + 4)]

    async def look_up() -> list[asyncio.Task[object]]:
        tasks = [asyncio.create_task(names.lookup(host, 443, 5.0)) for host in hosts]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return list(tasks)

    tasks = await look_up()
    assert hosts == asked
    now += module.SLOW_S + 1
    gate.set()
    await asyncio.gather(*tasks)
    gate.clear()
    asked.clear()
    tasks = await look_up()
    assert hosts[: module.MAX_SLOW] == asked
    assert (await names.lookup("quick.example", 443, 5.0)).addresses
    gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [result.error for result in results if isinstance(result, Failed)]
    assert ["busy"] * 4 == failed
    gate.clear()
    asked.clear()
    tasks = await look_up()
    assert hosts == asked
    gate.set()
    await asyncio.gather(*tasks)


async def test_a_name_is_slow_while_it_is_looked_up() -> None:
    """Nobody waits for the answer of a name server to find out that it takes long."""
    slow = Slow()
    names = Names(slow, 1.0, time.monotonic)
    hosts = [f"n{n}.example" for n in range(module.MAX_SLOW)]
    waits = [names.lookup(host, 443, module.SLOW_S) for host in hosts]
    failures = await asyncio.gather(*waits, return_exceptions=True)
    assert ["dns"] * module.MAX_SLOW == [f.error for f in failures if isinstance(f, Failed)]
    names._note_slow("another.example")
    with pytest.raises(Failed) as failure:
        await names.lookup("another.example", 443, 1.0)
    assert "busy" == failure.value.error
    names.close()


async def test_a_slow_name_ends_in_time() -> None:
    """A name server that does not answer costs a request `dns_s` seconds, or its deadline."""
    client = Client(resolve=Slow(), options=Options(dns_s=0.1))
    request = Outgoing("POST", Target.parse("https://a.example/"))
    results = [
        await client.send(request, policy=LIVE, deadline_s=deadline) for deadline in (5, 0.05)
    ]
    await client.close()
    assert [("dns", False)] * 2 == [(result.error, result.sent) for result in results]
    assert all(0.04 <= result.timings.total / 1000 < 1 for result in results)


async def test_closing_ends_look_ups() -> None:
    """A request that waits for a name ends with `closed` when the client is closed."""
    slow = Slow()
    client = Client(resolve=slow)
    request = Outgoing("POST", Target.parse("https://a.example/"))
    task = asyncio.create_task(client.send(request, policy=LIVE, deadline_s=5))
    await eventually(lambda: slow.asked == 1)
    await client.close()
    assert "closed" == (await task).error


async def test_a_name_with_very_many_addresses_is_refused() -> None:
    """More addresses than any host has are not judged one by one, but refused."""

    async def many(_host: str, _port: int) -> list[tuple[int, str]]:
        return [(socket.AF_INET, f"8.8.{n}.8") for n in range(module.MAX_ANSWERS + 1)]

    names = Names(many, 1.0, lambda: 0.0)
    with pytest.raises(Failed) as failure:
        await names.lookup("a.example", 443, 1.0)
    assert ("dns", True) == (failure.value.error, "addresses" in failure.value.detail)


async def test_the_cache_is_bounded() -> None:
    """Names beyond the limit push out the oldest."""

    async def resolve(_host: str, _port: int) -> list[tuple[int, str]]:
        return [(socket.AF_INET, "8.8.8.8")]

    names = Names(resolve, 1.0, lambda: 0.0)
    for n in range(module.MAX_NAMES + 100):
        await names.lookup(f"n{n}.example", 443, 1.0)
    assert module.MAX_NAMES == len(names._known)
