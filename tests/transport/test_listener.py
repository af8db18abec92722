"""Reading requests and answering them, as a caller on a socket sees it."""

import asyncio

import pytest

from ringback.domain.http import Callback, HttpResponse
from ringback.transport.incoming import BODY_MAX, HEAD_MAX, LARGE_MAX, Times
from ringback.transport.listener import AHEAD_MAX
from tests.transport.receivers import eventually
from tests.transport.served import PUBLIC_URL, Served, request, served

MIB = 1024 * 1024
CHUNKED = b"Transfer-Encoding: chunked"
FITS = LARGE_MAX // (BODY_MAX - 64 * 1024)


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]
)
async def test_every_method_reaches_the_handler(method: str) -> None:
    """Providers use what they like, and challenges come by GET: the handler decides."""
    async with served() as door:
        assert 200 == (await door.send(request(method=method), head_only=method == "HEAD")).status
        assert [("token", method)] == [(name, callback.method) for name, callback in door.taken]


async def test_the_url_is_the_public_one_and_undecoded() -> None:
    """Signatures cover the URL that the provider called: nothing in it is decoded or sorted."""
    async with served() as door:
        query = "b=%2B+1&a=%zz&b=caf%E9&empty"
        await door.send(request(f"/in/a%20b%2Fc?{query}"))
        await door.send(request("http://elsewhere.example/in/whole?x=1"))
        (name, callback), (whole, _) = door.taken
        assert ("a%20b%2Fc", query) == (name, callback.query)
        assert f"{PUBLIC_URL}/in/a%20b%2Fc?{query}" == callback.url
        assert "whole" == whole


async def test_bytes_beyond_ascii_in_a_url_are_kept() -> None:
    """An old SMS gateway does not escape: its URL comes as it was sent, however it is cut."""
    query = "from=%2B1&text=caf\xe9+cr\xe8me\xff"
    whole = request(f"/in/gateway?{query}", b"a: \xe9", b"b: 2")
    async with served() as door, door.caller() as caller:
        await door.send(whole)
        for cut in range(1, len(whole)):
            await caller.say(whole[:cut])
            await asyncio.sleep(0.002)
            await caller.say(whole[cut:])
            assert 200 == (await caller.answer()).status, cut
        # The line of one that follows in the same packet is read strictly: the connection ends.
        await caller.say(request("/in/plain") + whole)
        assert 200 == (await caller.answer()).status
        assert b"" == await caller.ended()
        await door.send(request("/in/plain?a=%E9"))
        assert {query, "", "a=%E9"} == {callback.query for _, callback in door.taken}
        assert f"{PUBLIC_URL}/in/gateway?{query}" == door.taken[0][1].url
        heads = {callback.header("a") for name, callback in door.taken if name == "gateway"}
        assert {"\xe9"} == heads
        assert 404 == (await door.send(request("/caf\xe9"))).status


async def test_headers_keep_their_order_their_repeats_and_their_bytes() -> None:
    """A doubled signature header is a refusal, so it has to be seen; bytes become Latin-1."""
    async with served() as door:
        await door.send(request("/in/x", b"B: 1", b"a: caf\xe9\xff", b"b: 2", b"C:"))
        found = [pair for pair in door.taken[0][1].headers if pair[0] in "abc"]
        assert [("b", "1"), ("a", "caf\xe9\xff"), ("b", "2"), ("c", "")] == found


async def test_only_the_connection_says_who_called() -> None:
    """What a caller writes into forwarding headers does not change the peer."""
    names = (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"x-client-ip", b"cf-connecting-ip")
    async with served() as door:
        for name in names:
            for value in (b"10.0.0.1", b"::1", b"10.0.0.1, 127.0.0.2", b"for=10.0.0.1"):
                await door.send(request("/in/x", b"%b: %b" % (name, value)))
        assert {"127.0.0.1"} == {callback.peer for _, callback in door.taken}


async def test_a_request_in_pieces_is_one_request() -> None:
    """However the bytes are cut; chunks are joined; exactly 4 MiB is not too much."""
    async with served() as door:
        whole = request("/in/x", b"X-A: 1", body=b'{"a":1}')
        await door.send(*[whole[at : at + 1] for at in range(len(whole))])
        chunks = request("/in/x", CHUNKED, body=None)
        await door.send(chunks, b'4\r\n{"a', b'"\r\n', b"3;x=y\r\n:1}\r\n0\r\nTrailer: 1\r\n\r\n")
        assert 200 == (await door.send(request(body=b"x" * BODY_MAX))).status
        bodies = [callback.body for _, callback in door.taken]
        assert [b'{"a":1}', b'{"a":1}', b"x" * BODY_MAX] == bodies
        assert ("x-a", "1") in door.taken[0][1].headers


async def test_a_declared_body_that_is_too_large_is_not_waited_for() -> None:
    """413 at the head, and the end of the connection."""
    async with served() as door:
        for size in (BODY_MAX + 1, 2**30, 10**17):
            head = request("/in/x", b"Content-Length: %d" % size, body=None)
            answer = await door.send(head)
            assert (413, ["close"]) == (answer.status, answer.header("connection"))
        assert [] == door.taken


async def test_an_endless_body_is_cut_off_at_the_limit() -> None:
    """413 as soon as there is more than 4 MiB, and the caller gets to read it."""
    async with served() as door, door.caller() as caller:
        await caller.say(request("/in/x", CHUNKED, body=None))
        chunk = b"%x\r\n%b\r\n" % (MIB, b"x" * MIB)
        await caller.say(*[chunk] * 6)
        answer = await caller.answer()
        assert (413, ["close"], []) == (answer.status, answer.header("connection"), door.taken)
        assert b"" == await caller.ended()


@pytest.mark.parametrize(
    "length", [b"abc", b"-1", b"+1", b"1.0", b"0x10", b"1_0", b"\xb2", b"9" * 19, b"1, 2"]
)
async def test_a_content_length_that_is_no_number_is_refused(length: bytes) -> None:
    """400, and the handler never sees it."""
    async with served() as door:
        answer = await door.send(request("/in/x", b"Content-Length: " + length, body=None), b"{}")
        assert (400, []) == (answer.status, door.taken)


async def test_a_head_beyond_its_limits_is_refused() -> None:
    """431 for more than 64 lines or 16 KiB of headers; 414 for a URL of more than 8 KiB."""
    async with served() as door:

        async def status(path: str = "/in/x", *lines: bytes) -> int:
            return (await door.send(request(path, *lines))).status

        lines = [b"x-%d: 1" % number for number in range(62)]
        assert 200 == await status("/in/x", *lines)
        assert 431 == await status("/in/x", *lines, b"y: 1")
        others = len("host: x\r\ncontent-length: 2\r\n")
        room = HEAD_MAX - others - len("x: \r\n")
        assert 200 == await status("/in/x", b"x: " + b"v" * room)
        assert 431 == await status("/in/x", b"x: " + b"v" * (room + 1))
        assert 431 == await status("/in/x", b"x: " + b"v" * MIB)
        assert 200 == await status("/in/" + "%41" * 2729)
        assert 414 == await status("/in/" + "%41" * 2730)
        assert 414 == await status("/in/x?" + "q" * 70_000)
        assert 3 == len(door.taken)
        assert {431: 3, 414: 2} == {**door.server.turned_away, **_refused(door)}


def _refused(door: Served) -> dict[int, int]:
    route = door.server.route("POST", b"/in/x")
    assert route is not None
    return {
        status: route.refused[status] + door.server.turned_away[status]
        for status in {*route.refused, *door.server.turned_away}
    }


@pytest.mark.parametrize(
    ("times", "pieces"),
    [
        (Times(head_s=0.3), (b"POST /in/x HTTP/1.1\r\n", b"X-A: ")),
        (Times(receive_s=0.3), (request("/in/x", b"Content-Length: 9999", body=None), b"1")),
        (Times(receive_s=0.3), (request("/in/x", CHUNKED, body=None), b"1\r\nx\r\n")),
    ],
)
async def test_what_drips_is_given_up(times: Times, pieces: tuple[bytes, bytes]) -> None:
    """408 when head or body have not arrived in time, however steadily they come."""
    async with served(times=times) as door, door.caller() as caller:
        began = asyncio.get_running_loop().time()
        answer = asyncio.create_task(caller.answer())
        await caller.say(pieces[0])
        while not answer.done():
            await caller.say(pieces[1])
            await asyncio.sleep(0.02)
        assert (408, ["close"]) == (answer.result().status, answer.result().header("connection"))
        assert b"0.3 s" in answer.result().body
        assert asyncio.get_running_loop().time() - began >= 0.25
        assert [] == door.taken


async def test_who_hangs_up_in_the_middle_is_forgotten() -> None:
    """Half a request is none: the handler does not see it, and nothing of it stays."""
    async with served() as door:
        for line in (b"Content-Length: 100", CHUNKED):
            async with door.caller() as caller:
                await caller.say(request("/in/half", line, body=None) + b"3\r\nabc\r\n")
        await eventually(lambda: door.server.connections == 0)
        assert [] == door.taken


async def test_who_only_stops_talking_still_gets_the_answer() -> None:
    """A caller may end its own side once its request is whole."""
    go = asyncio.Event()

    async def slow(_: str, __: Callback) -> HttpResponse:
        await go.wait()
        return HttpResponse(200, (), b"late")

    async with served(slow) as door, door.caller() as caller:
        await caller.say(request())
        caller.writer.write_eof()
        await door.took(1)
        go.set()
        assert b"late" == (await caller.answer()).body
        assert b"" == await caller.ended()


async def test_large_bodies_share_one_room_and_leave_ordinary_ones_alone() -> None:
    """Beyond 64 MiB of large bodies under way 503 and come again; small ones still get in."""
    go = asyncio.Event()

    async def slow(_: str, __: Callback) -> HttpResponse:
        await go.wait()
        return HttpResponse(200)

    async with served(slow) as door:
        for _ in range(2):  # the second time shows that all of the room was given back
            go.clear()
            before = len(door.taken)
            large = [
                asyncio.create_task(door.send(request(body=b"x" * BODY_MAX))) for _ in range(FITS)
            ]
            await door.took(before + FITS)
            refused = await door.send(request(body=b"x" * BODY_MAX))
            assert (503, ["1"]) == (refused.status, refused.header("retry-after"))
            small = asyncio.create_task(door.send(request(body=b"x" * 64 * 1024)))
            await door.took(before + FITS + 1)
            go.set()
            assert {200} == {(await task).status for task in (*large, small)}
            for _ in range(5):
                async with door.caller() as caller:
                    await caller.say(request(body=b"x" * 3 * MIB)[: 2 * MIB])


async def test_requests_sent_ahead_are_answered_in_order() -> None:
    """One after the other, whatever each takes; beyond 64 the connection ends after the last."""

    async def uneven(name: str, _: Callback) -> HttpResponse:
        await asyncio.sleep(0.02 if name in "02" else 0)
        return HttpResponse(200, (), name.encode())

    async with served(uneven) as door:
        async with door.caller() as caller:
            await caller.say(b"".join(request(f"/in/{number}") for number in range(6)))
            for number in range(6):
                assert str(number).encode() == (await caller.answer()).body
            await caller.say(request("/in/after"))
            assert b"after" == (await caller.answer()).body
        async with door.caller() as caller:
            await caller.say(b"".join(request(f"/in/{n:03}") for n in range(AHEAD_MAX + 20)))
            for number in range(AHEAD_MAX + 1):
                assert f"{number:03}".encode() == (await caller.answer()).body
            assert b"" == await caller.ended()


async def test_the_connection_is_kept_as_the_caller_wishes() -> None:
    """HTTP/1.1 keeps unless told not to, HTTP/1.0 ends unless asked to keep; both are said."""
    async with served() as door:
        for line, lines, kept in (
            (b"HTTP/1.1", b"", True), (b"HTTP/1.1", b"Connection: close\r\n", False),
            (b"HTTP/1.0", b"", False), (b"HTTP/1.0", b"Connection: keep-alive\r\n", True),
        ):  # fmt: skip
            async with door.caller() as caller:
                await caller.say(b"GET /in/x %b\r\n%b\r\n" % (line, lines))
                answer = await caller.answer()
                said = {(b"HTTP/1.1", True): [], (b"HTTP/1.0", True): ["keep-alive"]}
                assert said.get((line, kept), ["close"]) == answer.header("connection")
                if kept:
                    await caller.say(request())
                    assert 200 == (await caller.answer()).status
                else:
                    assert b"" == await caller.ended()


async def test_who_asks_before_sending_a_body_is_told_to_go_on() -> None:
    """100 before the body is sent, nothing of the kind to a body that will not be taken."""
    async with served() as door:
        async with door.caller() as caller:
            await caller.say(
                request("/in/x", b"Expect: 100-continue", b"Content-Length: 2", body=None)
            )
            assert 100 == (await caller.answer()).status
            await caller.say(b"{}")
            assert 200 == (await caller.answer()).status
        head = request("/in/x", b"Expect: 100-continue", b"Content-Length: 9999999", body=None)
        assert 413 == (await door.send(head)).status


async def test_other_protocols_are_not_spoken() -> None:
    """An offer to upgrade is ignored; a tunnel and HTTP/2 are refused."""
    async with served() as door:
        upgrade = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AA")
        assert 200 == (await door.send(request("/in/x", *upgrade))).status
        assert 200 == (await door.send(request("/in/x", *upgrade, method="GET", body=None))).status
        for raw in (
            b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ):
            assert 400 == (await door.send(raw)).status
        assert 2 == len(door.taken)


async def test_the_answer_to_head_has_no_body() -> None:
    """Its length is that of the body that GET would have."""
    async with served() as door, door.caller() as caller:
        await caller.say(request(method="HEAD"), request())
        assert ["2"] == (await caller.answer(head_only=True)).header("content-length")
        assert b"ok" == (await caller.answer()).body


@pytest.mark.parametrize(("status", "length"), [(204, []), (304, []), (205, ["0"])])
async def test_a_status_without_a_body_gets_none(status: int, length: list[str]) -> None:
    """Whatever the handler gave; and 204 and 304 say nothing about a length."""
    answer = HttpResponse(status, (("x-a", "1"),), b"oops")
    async with served(answer=answer) as door, door.caller() as caller:
        await caller.say(request(), request("/nobody"))
        got = await caller.answer()
        assert (status, length, ["1"]) == (
            got.status, got.header("content-length"), got.header("x-a")
        )  # fmt: skip
        assert 404 == (await caller.answer()).status


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
    async with served(answer=HttpResponse(200, headers, b"ok")) as door:
        got = await door.send(request())
        assert ["date", "x-first", "x-last", "content-length"] == [key for key, _ in got.fields]
        assert (["caf\xe9 \t."], b"ok") == (got.header("x-last"), got.body)


async def test_an_error_of_the_handler_is_a_500() -> None:
    """The caller gets an answer, and the connection ends."""

    async def broken(_: str, __: Callback) -> HttpResponse:
        raise ValueError("as no handler should")

    async with served(broken) as door:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        answer = await door.send(request())
        assert (500, ["close"]) == (answer.status, answer.header("connection"))
