"""Requests for the application: bodies as they come, answers of any length, callers that go."""

import asyncio
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from ringback.transport.asgi import Receive, Scope, Send
from tests.transport.receivers import eventually
from tests.transport.served import request, served

MIB = 1024 * 1024


async def _echo(asked: Request) -> JSONResponse:
    body = await asked.body()
    shown: dict[str, Any] = {
        "method": asked.method, "path": asked.scope["path"], "query": asked.url.query,
        "x": asked.headers.getlist("x-a"), "size": len(body), "peer": asked.scope["client"][0],
    }  # fmt: skip
    return JSONResponse(shown)


async def _stream(asked: Request) -> StreamingResponse:
    async def pieces() -> Any:
        for number in range(int(asked.path_params["count"])):
            yield f"{number}\n".encode() * 1000
            await asyncio.sleep(0)

    return StreamingResponse(pieces())


_APP = Starlette(routes=[
    Route("/echo/{rest:path}", _echo, methods=["GET", "POST"]),
    Route("/stream/{count}", _stream),
])  # fmt: skip


async def test_a_request_as_the_framework_sees_it() -> None:
    """Method, decoded path, query, repeated headers, body, and the peer."""
    async with served(app=_APP) as door, door.caller() as caller:
        await caller.say(request("/echo/a%20b?q=%41", b"X-A: 1", b"x-a: 2", body=b"x" * 2 * MIB))
        answer = await caller.answer()
        expected = (
            b'{"method":"POST","path":"/echo/a b","query":"q=%41","x":["1","2"],"size":2097152,'
            b'"peer":"127.0.0.1"}'
        )
        assert (200, expected) == (answer.status, answer.body)
        assert ["application/json"] == answer.header("content-type")
        # The connection goes on.
        await caller.say(request("/echo/", method="GET", body=None))
        assert 200 == (await caller.answer()).status


async def test_an_answer_of_unknown_length() -> None:
    """In chunks for HTTP/1.1, up to the end of the connection for 1.0, without a body for HEAD."""
    whole = b"".join(f"{number}\n".encode() * 1000 for number in range(50))
    async with served(app=_APP) as door:
        async with door.caller() as caller:
            await caller.say(request("/stream/50", method="GET", body=None))
            assert whole == (await caller.answer()).body
            await caller.say(request("/stream/50", method="HEAD", body=None))
            head = (await caller.reader.readuntil(b"\r\n\r\n")).lower()
            assert b"transfer-encoding: chunked" in head
            await caller.say(request("/stream/1", method="GET", body=None))
            assert b"0\n" * 1000 == (await caller.answer()).body
        async with door.caller() as caller:
            await caller.say(b"GET /stream/50 HTTP/1.0\r\n\r\n")
            head, _, body = (await caller.ended()).partition(b"\r\n\r\n")
            assert (whole, True) == (body, b"connection: close" in head)


class _App:
    """An application that does what its path says."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.sizes: list[int] = []
        self.go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": []}
        path = scope["path"]
        if path == "/breaks":
            raise ValueError("before it has answered")
        if path == "/early":
            await send({**start, "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        elif path == "/slow":
            while not self.go.is_set():
                await asyncio.sleep(0.01)
            while (message := await receive())["more_body"]:
                self.sizes.append(len(message["body"]))
            await send(start)
            await send({"type": "http.response.body", "body": b"read"})
        else:
            await receive()
            await send(start)
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            if path == "/broken":
                raise ValueError("in the middle of its answer")
            self.heard.append((await receive())["type"])


async def test_errors_of_the_application() -> None:
    """A 500 before the answer has begun; later the answer is cut off, so that nobody takes it."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with served(app=_App()) as door:
        answer = await door.send(request("/breaks"))
        assert (500, ["close"]) == (answer.status, answer.header("connection"))
        async with door.caller() as caller:
            await caller.say(request("/broken"))
            assert not (await caller.ended()).endswith(b"0\r\n\r\n")


async def test_the_application_hears_that_the_caller_has_gone() -> None:
    """Whoever waits for more to say to a caller is told when there is nobody to say it to."""
    app = _App()
    async with served(app=app) as door:
        async with door.caller() as caller:
            await caller.say(request("/waits"))
            await caller.reader.readuntil(b"a\r\n")
            assert [] == app.heard
        await eventually(lambda: app.heard == ["http.disconnect"])


async def test_a_body_that_nobody_reads_is_not_read() -> None:
    """It waits at the caller's, but for a little; and it is read when somebody wants it."""
    app = _App()
    async with served(app=app) as door, door.caller() as caller:
        whole = request("/slow", body=b"x" * 16 * MIB)
        saying = asyncio.create_task(caller.say(whole))
        await asyncio.sleep(0.2)
        assert not saying.done()
        app.go.set()
        assert b"read" == (await caller.answer()).body
        await saying
        assert 16 * MIB >= sum(app.sizes) >= 15 * MIB
        assert max(app.sizes) <= MIB


async def test_who_is_answered_before_the_end_of_its_request() -> None:
    """The answer is heard though the caller is still sending, and the connection ends."""
    async with served(app=_App()) as door, door.caller() as caller:
        whole = request("/early", body=b"x" * 4 * MIB)
        await caller.say(whole[:MIB])
        assert 413 == (await caller.answer()).status
        await caller.say(whole[MIB : 2 * MIB])
        assert b"" == await caller.ended()


async def test_a_request_sent_ahead_in_part_is_read_on_when_it_is_its_turn() -> None:
    """While it waits nothing more is read; its body comes when the application asks for it."""
    async with served(app=_APP) as door, door.caller() as caller:
        whole = request("/echo/", body=b"x" * 1000)
        await caller.say(whole + whole[:-1000])
        await caller.say(b"x" * 1000)
        for _ in range(2):
            assert b'"size":1000' in (await caller.answer()).body
