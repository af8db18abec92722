"""Kept connections: when one is reused, when not, and how many there may be."""

import asyncio
import socket
import time

import msgspec
import pytest

from ringback.domain.networks import TEST
from ringback.domain.targets import Target
from ringback.transport.client import Client, Options
from ringback.transport.exchange import Exchange, Failed, Outgoing
from ringback.transport.pool import MAX_ORIGINS, MAX_WAITERS, Limits, Pool
from ringback.transport.wire import Connection

from .receivers import OK, Receiver, eventually, receiving, reset

BOTH_LOOPS = True


async def post(client: Client, receiver: Receiver, path: str = "/") -> Exchange:
    """Send a small POST in test mode."""
    return await client.send(receiver.post(path), policy=TEST, deadline_s=2)


async def test_keep_alive_uses_one_connection() -> None:
    """Requests one after the other share a connection; 50 at once open no more than allowed."""
    async with receiving() as receiver:
        client = Client()
        for _ in range(20):
            assert (await post(client, receiver)).ok
        assert 1 == receiver.connections
        many = await asyncio.gather(
            *(
                client.send(receiver.post(), policy=TEST, deadline_s=2, connections=5)
                for _ in range(50)
            )
        )
        await client.close()
    assert all(exchange.ok for exchange in many)
    assert receiver.connections <= 5
    assert any(exchange.timings.wait > 0 for exchange in many)


async def test_policies_do_not_share_connections() -> None:
    """A connection that was judged under one policy is not used under another."""
    async with receiving() as receiver:
        client = Client()
        other = msgspec.structs.replace(TEST, allow_forbidden=True)
        for policy in (TEST, other, TEST, other):
            assert (await client.send(receiver.post(), policy=policy, deadline_s=2)).ok
        await client.close()
    assert 2 == receiver.connections


async def test_waiting_for_a_connection_ends_with_the_deadline() -> None:
    """A request that gets no connection in time says `busy`; nothing was sent; others go on."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with receiving(hang) as receiver:
        client = Client()
        request = receiver.post()
        first = asyncio.create_task(
            client.send(request, policy=TEST, deadline_s=0.6, connections=1)
        )
        await eventually(lambda: receiver.connections == 1)
        second = await client.send(request, policy=TEST, deadline_s=0.1, connections=1)
        assert ("busy", False) == (second.error, second.sent)
        third = asyncio.create_task(client.send(request, policy=TEST, deadline_s=5, connections=1))
        assert ("timeout", True) == ((await first).error, (await first).sent)
        await eventually(lambda: receiver.connections == 2)  # the slot was handed on
        await client.close()
        assert "closed" == (await third).error


async def test_a_kept_connection_that_was_closed_is_not_written_to() -> None:
    """Closed before our request left (the loop has not even seen it): a fresh one is used."""
    answered: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(listener)
            await loop.sock_recv(sock, 65536)
            await loop.sock_sendall(sock, OK)
            answered.append(sock)

    server = asyncio.create_task(serve())
    client = Client()
    request = Outgoing("POST", Target.parse(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
    assert (await client.send(request, policy=TEST, deadline_s=2)).ok
    answered[0].close()
    time.sleep(0.02)  # noqa: ASYNC251 - the loop must not turn: it would see the end itself
    exchange = await client.send(request, policy=TEST, deadline_s=2)
    server.cancel()
    for sock in (*answered, listener):
        sock.close()
    await client.close()
    assert (200, False, 2) == (exchange.status, exchange.reused, len(answered))


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_request_that_may_have_arrived_is_not_repeated(how: str) -> None:
    """On a kept connection that dies after our request arrived, the result is `reset`."""

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receiver.read(reader)
        writer.write(OK)
        await receiver.read(reader)
        if how == "reset":
            reset(writer)

    async with receiving(once) as receiver:
        client = Client()
        assert (await post(client, receiver)).ok
        exchange = await post(client, receiver)
        await client.close()
    assert ("reset", True, True) == (exchange.error, exchange.reused, exchange.sent)
    assert (2, 1) == (len(receiver.heads), receiver.connections)


async def test_an_idle_connection_that_talks_is_dropped() -> None:
    """Bytes that nobody asked for never become the answer to the next request."""

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receiver.read(reader)
        writer.write(OK)
        await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 500 Injected\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async with receiving(rude) as receiver:
        client = Client()
        assert (await post(client, receiver)).ok
        await eventually(lambda: client.open_connections == 0)
        assert (200, False) == ((e := await post(client, receiver)).status, e.reused)
        await client.close()


async def test_connection_close_is_respected() -> None:
    """An answer that ends the connection is complete, and the connection is not kept."""
    async with receiving() as receiver:
        receiver.reply = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
        client = Client()
        exchanges = [await post(client, receiver) for _ in range(3)]
        await client.close()
    assert [(200, b"ok", False)] * 3 == [(e.status, e.body, e.reused) for e in exchanges]
    assert 3 == receiver.connections


async def test_idle_connections_are_bounded_in_number_and_time() -> None:
    """More than the limit are not kept, and none is reused after its time."""
    now = [1000.0]
    limits = Limits(idle_s=30, idle_per_origin=2, idle_total=3)
    async with receiving() as one, receiving() as two:
        client = Client(options=Options(limits=limits), clock=lambda: now[0])
        for receiver in (one, two):
            await asyncio.gather(*(post(client, receiver) for _ in range(6)))
        await eventually(lambda: client.open_connections == 3)
        now[0] += 31
        before = one.connections + two.connections
        assert not (await post(client, one)).reused
        assert before + 1 == one.connections + two.connections
        await client.close()


async def test_open_connections_are_bounded() -> None:
    """At the limit a free connection of another origin makes room; without one it is `busy`."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    limits = Limits(open_total=2)
    async with receiving() as good, receiving(hang) as bad, receiving() as other:
        client = Client(options=Options(limits=limits))
        assert (await post(client, good)).ok
        held = asyncio.create_task(post(client, bad))
        await eventually(lambda: bad.connections == 1)
        assert (await post(client, other)).ok
        second = asyncio.create_task(post(client, bad))
        await eventually(lambda: bad.connections == 2)
        assert "busy" == (await post(client, good)).error
        await client.close()
        assert {"closed"} == {(await held).error, (await second).error}


async def test_idle_connections_end_by_themselves() -> None:
    """A connection that nobody uses is closed when its time is over, without another request."""
    limits = Limits(idle_s=0.1, sweep_s=0.05)
    async with receiving() as receiver:
        client = Client(options=Options(limits=limits))
        assert (await post(client, receiver)).ok
        assert 1 == client.open_connections
        await eventually(lambda: client.open_connections == 0)
        await client.close()


async def test_connections_have_an_age() -> None:
    """A busy connection is replaced once it is old, so that servers can move away."""
    now = [1000.0]
    async with receiving() as receiver:
        client = Client(options=Options(limits=Limits(age_s=60)), clock=lambda: now[0])
        reused = []
        for _ in range(6):
            reused.append((await post(client, receiver)).reused)
            now[0] += 15
        await client.close()
    assert [False, True, True, True, False, True] == reused


async def test_more_than_one_answer_ends_the_connection() -> None:
    """What follows an answer, whole or in part, is never read as the answer to the next request."""
    for rest in (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 50", b"\r\n"):
        async with receiving() as receiver:
            receiver.reply = OK + rest
            client = Client()
            exchanges = [await post(client, receiver) for _ in range(3)]
            await client.close()
        kept = rest == b"\r\n"  # an empty line between answers is tolerated, as HTTP says
        assert [(200, False), (200, kept), (200, kept)] == [(e.status, e.reused) for e in exchanges]


async def test_an_answer_before_the_request_was_read_ends_the_connection() -> None:
    """The rest of the request would stand in the way of the next one: the answer counts alone."""

    async def hasty(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await asyncio.sleep(5)

    async with receiving(hasty) as receiver:
        client = Client()
        request = receiver.post(body=b"x" * 12_000_000)
        exchange = await client.send(request, policy=TEST, deadline_s=3)
        assert (200, None) == (exchange.status, exchange.error)
        await eventually(lambda: client.open_connections == 0)
        await client.close()


async def test_a_slot_handed_to_a_cancelled_request_goes_on() -> None:
    """Cancelled in the moment that it got its slot, a request leaves the slot to others."""
    pool = Pool(Limits(), lambda: 0.0)
    origin = pool.origin(Target.parse("http://127.0.0.1/"), TEST, None)
    await pool.slot(origin, 1, 5)
    waiting = [asyncio.create_task(pool.slot(origin, 1, 5)) for _ in range(2)]
    await asyncio.sleep(0)
    pool.release(origin)
    waiting[0].cancel()
    await asyncio.wait(waiting, timeout=2)
    assert waiting[0].cancelled()
    assert waiting[1].done()
    assert 1 == origin.busy
    pool.release(origin)
    assert 0 == origin.busy


async def test_waiting_requests_are_bounded() -> None:
    """Beyond the limit a request is refused at once instead of waiting for its deadline."""
    pool = Pool(Limits(), lambda: 0.0)
    origin = pool.origin(Target.parse("http://127.0.0.1/"), TEST, None)
    await pool.slot(origin, 1, 5)
    waiting = [asyncio.create_task(pool.slot(origin, 1, 0.2)) for _ in range(MAX_WAITERS)]
    await asyncio.sleep(0)
    with pytest.raises(Failed) as failure:
        await pool.slot(origin, 1, 5)
    assert "busy" == failure.value.error
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {"busy"} == {result.error for result in results if isinstance(result, Failed)}
    assert 0 == len(origin.waiters)


async def test_origins_are_bounded() -> None:
    """Names that are sent to once do not pile up in memory."""
    pool = Pool(Limits(), lambda: 0.0)
    for n in range(MAX_ORIGINS * 2):
        pool.origin(Target.parse(f"http://n{n}.example/"), TEST, None)
    assert MAX_ORIGINS >= len(pool._origins)


async def test_an_ended_connection_is_not_kept() -> None:
    """From the moment that the server has ended its side, a connection counts as closed."""
    connection = Connection(lambda _: None, "127.0.0.1", 80)
    connection.eof_received()
    assert connection.closed
