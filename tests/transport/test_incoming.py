"""The hot route as an ASGI application, driven by hand: what it takes, refuses, and answers."""

import asyncio
from collections.abc import AsyncIterator, Iterable, MutableMapping
from typing import Any, NamedTuple

import pytest

from ringback.domain.http import Callback, HttpResponse
from ringback.transport.incoming import BODY_MAX, HEAD_MAX, LARGE_MAX, Incoming
from tests.transport.receivers import eventually

PUBLIC_URL = "https://hooks.example.com"
MIB = 1024 * 1024
Message = MutableMapping[str, Any]


class Answer(NamedTuple):
    """What was sent back; no status when nothing was."""

    status: int | None
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> list[bytes]:
        """Return the values of a header field."""
        return [value for key, value in self.headers if key == name]


class Door:
    """A hot route with a handler that remembers, and a caller for it."""

    def __init__(self, answer: HttpResponse | None = None, receive_s: float = 5.0) -> None:
        """Answer everything with `answer`, 200 unless told otherwise."""
        self.taken: list[tuple[str, Callback]] = []
        self._answer = answer or HttpResponse(200, (("content-type", "text/plain"),), b"ok")
        self._incoming = Incoming("/in/", self._handle, f"{PUBLIC_URL}/", receive_s)
        self.waits: asyncio.Event | None = None

    async def _handle(self, name: str, callback: Callback) -> HttpResponse:
        self.taken.append((name, callback))
        if self.waits is not None:
            await self.waits.wait()
        return self._answer

    async def call(
        self,
        chunks: Iterable[bytes] | AsyncIterator[bytes] = (b"{}",),
        *,
        headers: Iterable[tuple[bytes, bytes]] = (),
        gone: bool = False,
        **scope: Any,
    ) -> Answer:
        """Make one request; with `gone` the caller hangs up after the chunks."""
        messages = _messages(chunks, gone=gone)
        sent: list[Message] = []

        async def receive() -> Message:
            return await anext(messages)

        async def send(message: Message) -> None:
            sent.append(message)

        whole: Message = {
            "type": "http", "method": "POST", "path": "/in/token", "raw_path": b"/in/token",
            "query_string": b"", "headers": list(headers), "client": ("192.0.2.7", "1234"), **scope,
        }  # fmt: skip
        await self._incoming(whole, receive, send)
        if not sent:
            return Answer(None, [], b"")
        assert ["http.response.start", "http.response.body"] == [one["type"] for one in sent]
        return Answer(sent[0]["status"], sent[0]["headers"], sent[1]["body"])


async def _messages(
    chunks: Iterable[bytes] | AsyncIterator[bytes], *, gone: bool
) -> AsyncIterator[Message]:
    if isinstance(chunks, AsyncIterator):
        async for chunk in chunks:
            yield {"type": "http.request", "body": chunk, "more_body": True}
    else:
        for chunk in chunks:
            yield {"type": "http.request", "body": chunk, "more_body": True}
    if gone:
        yield {"type": "http.disconnect"}
    yield {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]
)
async def test_every_method_reaches_the_handler(method: str) -> None:
    """Providers use what they like, and challenges come by GET: the handler decides."""
    door = Door()
    assert 200 == (await door.call(method=method)).status
    assert [("token", method)] == [(name, callback.method) for name, callback in door.taken]


async def test_the_url_is_the_public_one_and_undecoded() -> None:
    """Signatures cover the URL that the provider called: nothing in it is decoded or sorted."""
    door = Door()
    await door.call(
        path="/in/a b/c", raw_path=b"/in/a%20b%2Fc", query_string=b"b=%2B+1&a=%zz&b=caf\xe9&empty"
    )
    name, callback = door.taken[0]
    query = "b=%2B+1&a=%zz&b=caf\xe9&empty"
    assert ("a%20b%2Fc", query) == (name, callback.query)
    assert f"{PUBLIC_URL}/in/a%20b%2Fc?{query}" == callback.url


async def test_headers_keep_their_order_their_repeats_and_their_bytes() -> None:
    """A doubled signature header is a refusal, so it has to be seen; bytes become Latin-1."""
    door = Door()
    headers = [(b"b", b"1"), (b"a", b"caf\xe9\xff"), (b"b", b"2"), (b"c", b"")]
    await door.call(headers=headers)
    expected = (("b", "1"), ("a", "caf\xe9\xff"), ("b", "2"), ("c", ""))
    assert expected == door.taken[0][1].headers


async def test_only_the_connection_says_who_called() -> None:
    """What a caller writes into forwarding headers does not change the peer."""
    door = Door()
    names = (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"x-client-ip", b"cf-connecting-ip",
             b"true-client-ip", b"x-cluster-client-ip", b"x-forwarded")  # fmt: skip
    values = (b"127.0.0.1", b"::1", b"10.0.0.1, 127.0.0.1", b"for=127.0.0.1", b"unknown")
    for name in names:
        for value in values:
            await door.call(headers=[(name, value)])
    assert {"192.0.2.7"} == {callback.peer for _, callback in door.taken}
    await door.call(client=None)
    assert "" == door.taken[-1][1].peer


async def test_a_body_in_pieces_is_one_body() -> None:
    """Empty pieces among them change nothing; exactly 4 MiB is not too much."""
    door = Door()
    await door.call([b"", b'{"a":', b"", b"1}", b""])
    answer = await door.call([b"x" * MIB] * 4)
    assert [b'{"a":1}', b"x" * BODY_MAX] == [callback.body for _, callback in door.taken]
    assert 200 == answer.status


async def test_a_declared_body_that_is_too_large_is_not_read() -> None:
    """413 at the head: the first piece is never asked for."""
    asked = []

    async def body() -> AsyncIterator[bytes]:
        asked.append(1)
        yield b"x"

    door = Door()
    for size in (BODY_MAX + 1, 2**30, 10**17):
        answer = await door.call(body(), headers=[(b"content-length", str(size).encode())])
        assert (413, [b"close"]) == (answer.status, answer.header(b"connection"))
    answer = await door.call(headers=[(b"content-length", str(BODY_MAX).encode())])
    assert (200, []) == (answer.status, asked)


@pytest.mark.parametrize(
    ("chunk", "read_at_most"), [(MIB, BODY_MAX + MIB), (4096, BODY_MAX + 4096)]
)
async def test_an_endless_body_is_cut_off_at_the_limit(chunk: int, read_at_most: int) -> None:
    """413 as soon as there is more than 4 MiB; nothing is read after that."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += chunk
            yield b"x" * chunk

    door = Door()
    answer = await door.call(endless())
    assert (413, [b"close"], []) == (answer.status, answer.header(b"connection"), door.taken)
    assert read <= read_at_most


@pytest.mark.parametrize(
    "length", [b"", b"abc", b"-1", b"+1", b"1 ", b"1.0", b"0x10", b"1_0", b"\xb2", b"9" * 19]
)
async def test_a_content_length_that_is_no_number_is_refused(length: bytes) -> None:
    """400, and the handler never sees it."""
    door = Door()
    assert 400 == (await door.call(headers=[(b"content-length", length)])).status
    assert [] == door.taken


async def test_a_head_beyond_its_limits_is_refused() -> None:
    """431 for more than 64 lines or 16 KiB of headers; 414 for a URL of more than 8 KiB."""
    door = Door()
    lines = [(b"x-%d" % number, b"1") for number in range(64)]
    assert 200 == (await door.call(headers=lines)).status
    assert 431 == (await door.call(headers=[*lines, (b"y", b"1")])).status
    assert 200 == (await door.call(headers=[(b"x", b"v" * (HEAD_MAX - 5))])).status
    assert 431 == (await door.call(headers=[(b"x", b"v" * (HEAD_MAX - 4))])).status
    path = b"/in/" + b"%41" * 2700
    assert 200 == (await door.call(raw_path=path, path="/in/" + "A" * 2700)).status
    answer = await door.call(raw_path=path + b"%41" * 40, path="/in/" + "A" * 2740)
    assert 414 == answer.status
    assert 414 == (await door.call(query_string=b"q" * 8192)).status
    assert 3 == len(door.taken)


async def test_a_body_that_drips_is_given_up() -> None:
    """408 when the whole request has not arrived in time, however steadily it comes."""

    async def drip() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b"x"

    door = Door(receive_s=0.2)
    async with asyncio.timeout(2):
        answer = await door.call(drip())
    assert (408, [b"close"], []) == (answer.status, answer.header(b"connection"), door.taken)
    assert b"0.2 s" in answer.body


async def test_who_hangs_up_in_the_middle_is_not_answered() -> None:
    """Half a request is none: the handler does not see it, and nothing is sent."""
    door = Door()
    assert Answer(None, [], b"") == await door.call([b'{"a":'], gone=True)
    assert Answer(None, [], b"") == await door.call([], gone=True)
    assert [] == door.taken


FITS = LARGE_MAX // (BODY_MAX - 64 * 1024)


async def _fill(door: Door) -> list[asyncio.Task[Answer]]:
    """Let as many of the largest bodies come in as there is room for, and wait in the handler."""
    door.waits = asyncio.Event()
    before = len(door.taken)
    tasks = [asyncio.create_task(door.call([b"x" * BODY_MAX])) for _ in range(FITS)]
    await eventually(lambda: len(door.taken) == before + FITS)
    return tasks


async def test_large_bodies_share_one_room_and_leave_ordinary_ones_alone() -> None:
    """Beyond 64 MiB of large bodies under way 503 and come again; small ones still get in."""
    door = Door()
    tasks = await _fill(door)
    refused = await door.call([b"x" * BODY_MAX])
    assert (503, [b"1"]) == (refused.status, refused.header(b"retry-after"))
    tasks.append(asyncio.create_task(door.call([b"x" * 64 * 1024])))
    await eventually(lambda: len(door.taken) == FITS + 1)
    assert door.waits is not None
    door.waits.set()
    assert {200} == {(await task).status for task in tasks}
    again = await door.call([b"x" * BODY_MAX])
    assert 200 == again.status


async def test_room_is_given_back_however_a_request_ends() -> None:
    """Hung up, too slow, too large, answered: afterwards all of the room is free again."""
    door = Door(receive_s=0.1)

    async def stall() -> AsyncIterator[bytes]:
        yield b"x" * 3 * MIB
        await asyncio.sleep(60)

    calls = [door.call([b"x" * 3 * MIB], gone=True) for _ in range(10)]
    calls += [door.call(stall()) for _ in range(10)]
    calls += [door.call([b"x" * 3 * MIB] * 2) for _ in range(10)]
    ended = {answer.status for answer in await asyncio.gather(*calls)}
    assert {None, 408, 413} <= ended
    tasks = await _fill(door)
    assert door.waits is not None
    door.waits.set()
    assert {200} == {(await task).status for task in tasks}


async def test_the_answer_to_head_has_no_body() -> None:
    """Its length is that of the body that GET would have."""
    answer = await Door().call(method="HEAD")
    assert (200, [b"2"], b"") == (answer.status, answer.header(b"content-length"), answer.body)


@pytest.mark.parametrize(("status", "length"), [(204, []), (304, []), (205, [b"0"])])
async def test_a_status_without_a_body_gets_none(status: int, length: list[bytes]) -> None:
    """Whatever the handler gave; and 204 and 304 say nothing about a length."""
    answer = await Door(HttpResponse(status, (("x-a", "1"),), b"oops")).call()
    assert (status, b"") == (answer.status, answer.body)
    assert length == answer.header(b"content-length")
    assert [b"1"] == answer.header(b"x-a")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-a", "1\r\nx-b: 2"), ("x-a", "1\nx-b: 2"), ("x-a", "1\r"), ("x-a", "1\0"),
        ("x-a", "\x1b[2J"), ("x-a", "\x7f"), ("x-a", "\u2028"), ("x-a\r\nx-b", "1"), ("x a", "1"),
        ("x:a", "1"), ("", "1"), ("x-\xe9", "1"), ("Content-Length", "9"),
        ("transfer-encoding", "chunked"),
    ],
)  # fmt: skip
async def test_a_header_that_would_begin_another_line_is_left_out(name: str, value: str) -> None:
    """Nothing that a handler puts into a header can add a line or change the framing."""
    headers = (("x-first", "1"), (name, value), ("x-last", "caf\xe9 \t."))
    answer = await Door(HttpResponse(200, headers, b"ok")).call()
    expected = [(b"x-first", b"1"), (b"x-last", b"caf\xe9 \t."), (b"content-length", b"2")]
    assert expected == answer.headers
