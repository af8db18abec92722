"""The gate: a stated number of requests at a time, whoever sends them."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from ringback.transport.gate import Gate, Receive, Scope, Send

Message = MutableMapping[str, Any]


class _Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.served = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        if scope["path"] == "/broken":
            raise ValueError("as a handler may")
        await self.go.wait()
        self.served += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def _ask(gate: Gate, path: str = "/") -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    await gate({"type": "http", "path": path, "method": "GET"}, receive, send)
    return sent


async def test_who_comes_when_it_is_full_is_turned_away() -> None:
    """503 with when to come again; as soon as one has its answer there is room again."""
    slow = _Slow()
    gate = Gate(slow, 3)
    under_way = [asyncio.create_task(_ask(gate)) for _ in range(3)]
    await asyncio.sleep(0)
    for _ in range(5):
        start, body = await _ask(gate)
        assert 503 == start["status"]
        headers = dict(start["headers"])
        assert (b"1", b"close") == (headers[b"retry-after"], headers[b"connection"])
        assert str(len(body["body"])).encode() == headers[b"content-length"]
    assert {503: 5} == gate.refused
    slow.go.set()
    assert [200] * 3 == [(await task)[0]["status"] for task in under_way]
    assert 200 == (await _ask(gate))[0]["status"]
    assert 4 == slow.served


async def test_a_full_house_is_still_alive() -> None:
    """Who asks whether the process lives is answered, however full it is."""
    slow = _Slow()
    gate = Gate(slow, 0)
    slow.go.set()
    assert 503 == (await _ask(gate))[0]["status"]
    assert 200 == (await _ask(gate, "/healthz"))[0]["status"]


async def test_a_request_that_breaks_or_is_given_up_gives_its_place_back() -> None:
    """Errors and callers that hang up leave no hole."""
    slow = _Slow()
    gate = Gate(slow, 1)
    for _ in range(3):
        (broken,) = await asyncio.gather(_ask(gate, "/broken"), return_exceptions=True)
        assert isinstance(broken, ValueError)
        task = asyncio.create_task(_ask(gate))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    slow.go.set()
    assert 200 == (await _ask(gate))[0]["status"]
    assert {} == gate.refused
