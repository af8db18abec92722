"""The hot route behind the real server: limits, framing and memory as a caller on a socket sees."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.transport.callers import Server, read_answer, request, serving
from tests.transport.incoming_server import PUBLIC_URL, RECEIVE_S

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all tests of this file."""
    with serving() as one:
        yield one


async def test_a_request_comes_through_as_it_was_sent(server: Server) -> None:
    """Any method; URL undecoded; repeats in order; Latin-1 bytes; the peer of the socket."""
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"):
        await server.send(request("m", method=method))
        assert method == (await server.last()).method
    raw = request(
        "a%20b%2Fc", "X-A: 1", "X-B: 2", b"X-A: caf\xe9", "X-Forwarded-For: 10.0.0.1",
        body=b"hello", query="?b=%2B+1&a=%zz&b=2",
    )  # fmt: skip
    await server.send(raw)
    last = await server.last()
    assert ("a%20b%2Fc", f"{PUBLIC_URL}/in/a%20b%2Fc?b=%2B+1&a=%zz&b=2") == (last.name, last.url)
    assert ["1", "caf\xe9"] == [value for name, value in last.headers if name == "x-a"]
    assert (5, "127.0.0.1") == (last.size, last.peer)


async def test_limits_of_the_head(server: Server) -> None:
    """431 for lines and bytes, 414 for the URL, 400 for a length that is none: never the handler.

    Beyond its own limits the server answers the same by itself.
    """
    before = (await server.last()).calls
    for lines in (70, 200):
        many = [f"X-{number}: 1" for number in range(lines)]
        assert 431 == (await server.send(request("x", *many)))[0]
    for size in (17_000, 500_000):
        assert 431 == (await server.send(request("x", "X-A: " + "v" * size)))[0]
    for size in (9_000, 70_000):
        assert 414 == (await server.send(request("x" * size)))[0]
    for length in ("abc", "-1", "1, 2", "9" * 30):
        assert 400 == (await server.send(request("x", f"Content-Length: {length}")))[0]
    assert before == (await server.last()).calls


async def test_huge_bodies_cost_no_memory(server: Server) -> None:
    """200 declared at 1 GiB, 200 in pieces of a byte, 40 endless: refused, memory about constant.

    Endless ones share 64 MiB while they come; the rest is what the allocator keeps.
    """
    before = server.worker.memory_info().rss
    declared = request("x", f"Content-Length: {2**30}")
    answers = await asyncio.gather(*(server.send(declared) for _ in range(200)))
    assert {413} == {status for status, _, _ in answers}
    dripping = [asyncio.create_task(_chunks(server, b"1\r\nx\r\n" * 200)) for _ in range(200)]
    assert {408} == {await task for task in dripping}
    assert server.worker.memory_info().rss - before < 20 * MIB
    endless = [asyncio.create_task(_endless(server)) for _ in range(40)]
    assert {await task for task in endless} <= {408, 413, 503, None}
    assert server.worker.memory_info().rss - before < 192 * MIB


async def _chunks(server: Server, chunks: bytes) -> int:
    """Send chunks and then nothing; return the status of the answer."""
    reader, writer = await server.open()
    try:
        writer.write(request("x", "Transfer-Encoding: chunked") + chunks)
        return (await read_answer(reader))[0]
    finally:
        writer.close()


async def _endless(server: Server) -> int | None:
    """Send chunks until an answer comes or the connection ends; return the answer's status."""
    reader, writer = await server.open()
    answer = asyncio.create_task(read_answer(reader))
    try:
        writer.write(request("x", "Transfer-Encoding: chunked"))
        while not answer.done():
            writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            await asyncio.wait_for(writer.drain(), 10)
            await asyncio.sleep(0)
        return (await answer)[0]
    except (ConnectionError, asyncio.IncompleteReadError):
        # Who goes on sending may find the connection closed before the answer is read.
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)
        return None
    finally:
        writer.close()


async def test_a_slow_body_is_cut_off_and_harms_nobody(server: Server) -> None:
    """408 and the end of the connection at the deadline; others are answered meanwhile."""
    reader, writer = await server.open()
    writer.write(request("slow", "Content-Length: 100"))
    began = time.monotonic()
    answer = asyncio.create_task(read_answer(reader))
    while not answer.done():
        assert 200 == (await server.send(request("quick")))[0]
        if not writer.is_closing():
            writer.write(b"x")
        await asyncio.sleep(0.05)
    status, fields, _ = await answer
    took = time.monotonic() - began
    assert (408, "close") == (status, fields["connection"])
    assert RECEIVE_S * 0.9 < took < RECEIVE_S * 10
    writer.close()
    assert "quick" == (await server.last()).name


async def test_who_hangs_up_in_the_middle_leaves_nothing(server: Server) -> None:
    """Half a request, by length or in chunks, never reaches the handler; the server goes on."""
    before = (await server.last()).calls
    for line in ("Content-Length: 100", "Transfer-Encoding: chunked"):
        for _ in range(20):
            _, writer = await server.open()
            writer.write(request("half", line) + b"3\r\nabc\r\n")
            await writer.drain()
            writer.transport.abort()
    await asyncio.sleep(0.2)
    assert before == (await server.last()).calls


async def test_answers_without_a_body_keep_the_connection_in_step(server: Server) -> None:
    """HEAD has the length and no body, 204 neither: the next answer begins where it should."""
    reader, writer = await server.open()
    writer.write(request("x", method="HEAD"))
    status, fields, _ = await read_answer(reader, bare=True)
    assert 200 == status
    assert int(fields["content-length"]) > 0
    writer.write(request("empty"))
    status, fields, _ = await read_answer(reader)
    assert (204, "1") == (status, fields["x-kept"])
    assert "content-length" not in fields
    writer.write(request("after"))
    assert 200 == (await read_answer(reader))[0]
    writer.close()
    assert "after" == (await server.last()).name


async def test_no_header_of_an_answer_begins_another(server: Server) -> None:
    """A value with a line end is left out, the rest of the answer is sent; Latin-1 is."""
    status, fields, body = await server.send(request("inject"))
    assert (200, b"ok", "1") == (status, body, fields["x-kept"])
    assert set() == {"x-a", "x-b", "y"} & set(fields)
    assert "caf\xe9" == (await server.send(request("latin")))[1]["x-a"]
