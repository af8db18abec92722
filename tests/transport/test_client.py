"""The client at work: requests as bytes, results, cancelling, closing."""

import asyncio
import socket
import time

import pytest

from ringback.domain.http import HttpRequest
from ringback.domain.networks import LIVE, TEST
from ringback.domain.targets import Target
from ringback.transport.client import Client, Options
from ringback.transport.exchange import Exchange, Outgoing
from ringback.transport.wire import MAX_BODY

from .receivers import Receiver, Spy, eventually, no_names, receiving

BOTH_LOOPS = True


async def post(client: Client, receiver: Receiver, path: str = "/") -> Exchange:
    """Send a small POST in test mode."""
    return await client.send(receiver.post(path), policy=TEST, deadline_s=2)


async def test_request_on_the_wire() -> None:
    """The receiver sees exactly these lines, in this order, and the body as given."""
    async with receiving() as receiver:
        client = Client()
        target = Target.parse(receiver.url("/hook?a=b"))
        request = Outgoing("POST", target, (("Content-Type", "x/y"), ("X-Two", "b c")), b"body")
        exchange = await client.send(request, policy=TEST, deadline_s=2)
        await client.close()
    expected = (
        f"POST /hook?a=b HTTP/1.1\r\nHost: 127.0.0.1:{receiver.port}\r\n"
        "Accept-Encoding: identity\r\nContent-Length: 4\r\n"
        "Content-Type: x/y\r\nX-Two: b c\r\n\r\n"
    )
    assert [expected.encode()] == receiver.heads
    assert [b"body"] == receiver.bodies
    assert (200, b"ok", None) == (exchange.status, exchange.body, exchange.error)


async def test_exchange_tells_what_happened() -> None:
    """Status, headers, address, timings and reuse are all in the result."""
    async with receiving() as receiver:
        receiver.reply = b"HTTP/1.1 201 Yes\r\nX-A: 1\r\nx-b: 2\r\nContent-Length: 0\r\n\r\n"
        client = Client()
        first, second = await post(client, receiver), await post(client, receiver)
        await client.close()
    assert first.ok
    assert (("X-A", "1"), ("x-b", "2"), ("Content-Length", "0")) == first.headers
    assert ("2", None) == (first.header("X-B"), first.header("X-C"))
    assert ("127.0.0.1", receiver.port) == first.address
    assert (False, True) == (first.reused, second.reused)
    assert 0 < first.timings.connect < first.timings.total
    assert 0 < first.timings.first_byte <= first.timings.total
    assert (0.0, 0.0) == (second.timings.connect, second.timings.dns)


async def test_described_requests_are_sent() -> None:
    """What a provider adapter describes as a value can be sent as it is."""
    async with receiving() as receiver:
        client = Client()
        described = HttpRequest("GET", receiver.url("/v1/numbers"), (("X-Key", "k"),))
        exchange = await client.send(Outgoing.of(described), policy=TEST, deadline_s=2)
        await client.close()
    assert exchange.ok
    assert receiver.heads[0].startswith(b"GET /v1/numbers HTTP/1.1\r\n")
    assert b"Content-Length" not in receiver.heads[0]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "get", "POST /x HTTP/1.1\r\nX:"])
async def test_other_methods_are_not_sent(method: str) -> None:
    """Only plain request methods leave; the rest is refused before anything is connected."""
    spy = Spy()
    client = Client(connect=spy)
    request = Outgoing(method, Target.parse("http://127.0.0.1:9000/"))
    exchange = await client.send(request, policy=TEST, deadline_s=1)
    assert ("invalid_request", [], False) == (exchange.error, spy.calls, exchange.sent)


async def test_cancelling_ends_the_connection_and_frees_the_slot() -> None:
    """A cancelled request leaves nothing behind, whether it was sending or waiting."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with receiving(hang) as receiver:
        client = Client()

        def send() -> asyncio.Task[Exchange]:
            return asyncio.create_task(
                client.send(receiver.post(), policy=TEST, deadline_s=5, connections=1)
            )

        sending = send()
        await eventually(lambda: receiver.connections == 1)
        waiting, last = send(), send()
        await asyncio.sleep(0.01)
        for task in (waiting, sending):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await eventually(lambda: receiver.connections == 2)
        assert 1 == client.open_connections
        last.cancel()
        with pytest.raises(asyncio.CancelledError):
            await last
        await eventually(lambda: client.open_connections == 0)
        await client.close()


async def test_close_ends_everything() -> None:
    """Closing settles requests under way and refuses later ones; no connection stays open."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with receiving(hang) as receiver, receiving() as good:
        client = Client()
        assert (await post(client, good)).ok
        task = asyncio.create_task(post(client, receiver))
        await eventually(lambda: receiver.connections == 1)
        await client.close()
        assert "closed" == (await task).error
        assert 0 == client.open_connections
        assert "closed" == (await post(client, good)).error


async def test_connect_failures_are_values() -> None:
    """Refused, unreachable and silent addresses each have their class; nothing was sent."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    client = Client(options=Options(connect_s=0.2))
    request = Outgoing("POST", Target.parse(f"http://127.0.0.1:{port}/"))
    refused = await client.send(request, policy=TEST, deadline_s=2)
    assert ("connect", False) == (refused.error, refused.sent)
    assert "refused" in refused.detail.lower()

    async def never(*_: object) -> None:
        await asyncio.sleep(30)

    silent = Client(options=Options(connect_s=0.2), connect=Spy(never))
    started = time.monotonic()
    exchange = await silent.send(request, policy=TEST, deadline_s=2)
    assert ("connect_timeout", False) == (exchange.error, exchange.sent)
    assert time.monotonic() - started < 2
    assert 0 == silent.open_connections


async def test_next_address_is_tried() -> None:
    """When the first address of a name refuses, the next one gets the request."""

    async def resolve(_host: str, _port: int) -> list[tuple[int, str]]:
        return [(socket.AF_INET, "127.0.0.9"), (socket.AF_INET, "127.0.0.1")]

    async with receiving() as receiver:
        client = Client(resolve=resolve)
        target = Target.parse(f"http://a.example:{receiver.port}/")
        exchange = await client.send(Outgoing("POST", target), policy=TEST, deadline_s=2)
        await client.close()
    assert (200, ("127.0.0.1", receiver.port)) == (exchange.status, exchange.address)
    assert f"Host: a.example:{receiver.port}".encode() in receiver.heads[0]


async def test_head_request_has_no_body() -> None:
    """The length that a HEAD answer announces is not waited for."""
    async with receiving() as receiver:
        receiver.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
        client = Client()
        request = Outgoing("HEAD", Target.parse(receiver.url()))
        exchange = await client.send(request, policy=TEST, deadline_s=1)
        await client.close()
    assert (200, b"", None) == (exchange.status, exchange.body, exchange.error)


async def test_check_gives_the_verdict_of_a_send() -> None:
    """Asking and sending agree, and asking connects to nothing."""
    spy = Spy()
    client = Client(connect=spy, resolve=no_names)
    target = Target.parse("http://127.0.0.1:9000/")
    verdict = await client.check(target, LIVE)
    exchange = await client.send(Outgoing("POST", target), policy=LIVE, deadline_s=1)
    assert (False, "plain_http") == (verdict.allowed, verdict.code)
    assert ("guard_denied", verdict) == (exchange.error, exchange.verdict)
    assert (await client.check(target, TEST)).allowed
    assert [] == spy.calls
    await client.close()


async def test_an_answer_of_another_size_is_kept_whole_when_asked_for() -> None:
    """64 KiB of a body are kept unless more is asked for; what is beyond that is cut off."""
    body = b"x" * 300_000
    async with receiving() as receiver:
        receiver.reply = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + body
        client = Client()
        sizes = [(len((await post(client, receiver)).body), True)]
        for most in (MAX_BODY, 300_000, 299_999):
            exchange = await client.send(
                receiver.post("/"), policy=TEST, deadline_s=2, body_max=most
            )
            sizes.append((len(exchange.body), exchange.truncated))
        await client.close()
    assert [(65_536, True), (65_536, True), (300_000, False), (299_999, True)] == sizes
