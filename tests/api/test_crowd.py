"""Bodies of requests that are not known yet: together they fill a stated part of memory."""

import asyncio
from typing import Any

import httpx

from ringback.api.frame import BODIES_MAX, BODY_MAX, Frame
from tests.api.house import House


class _Slow(httpx.AsyncByteStream):
    """A body whose last byte comes when it is told to."""

    def __init__(self, size: int, go: asyncio.Event) -> None:
        self.size, self.go = size, go

    async def __aiter__(self) -> Any:
        yield b'"' + b"x" * (self.size - 2)
        await self.go.wait()
        yield b'"'


async def test_bodies_under_way_are_bounded_together(house: House) -> None:
    """As many as fit are read; the next is told to come again; afterwards there is room."""
    assert 200 == (await house.call("GET", "/healthz", key=None)).status_code
    frame, go = _frame(house), asyncio.Event()
    fits = BODIES_MAX // BODY_MAX

    async def post() -> httpx.Response:
        headers = {"content-type": "application/json"}
        slow = _Slow(BODY_MAX, go)
        return await house.client.post("/v1/endpoints", content=slow, headers=headers)

    tasks = [asyncio.create_task(post()) for _ in range(fits)]
    async with asyncio.timeout(10):
        while frame._held < fits * (BODY_MAX - 1):
            await asyncio.sleep(0.01)
    refused = await post()
    assert (429, "busy", "1") == (
        refused.status_code, refused.json()["code"], refused.headers["retry-after"]
    )  # fmt: skip
    go.set()
    assert {401} == {(await task).status_code for task in tasks}
    assert 0 == frame._held
    assert 401 == (await post()).status_code


def _frame(house: House) -> Frame:
    """Find the frame in what the application has built around itself."""
    layer: Any = house.app.middleware_stack
    while not isinstance(layer, Frame):
        layer = layer.app
    return layer
