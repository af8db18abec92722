"""What all connections of a server share: room, time, and a stop in order."""

import asyncio
import socket

from ringback.domain.http import Callback, HttpResponse
from ringback.transport.incoming import Times
from tests.transport.receivers import eventually
from tests.transport.served import request, served


class _Slow:
    """A handler that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, name: str, _: Callback) -> HttpResponse:
        if name == "broken":
            raise ValueError("as no handler should")
        await self.go.wait()
        return HttpResponse(200, (), b"done")


async def test_who_comes_when_it_is_full_is_turned_away() -> None:
    """503 with when to come again; as soon as one has its answer there is room again."""
    slow = _Slow()
    async with served(slow, requests_max=3) as door:
        under_way = [asyncio.create_task(door.send(request())) for _ in range(3)]
        await door.took(3)
        for _ in range(5):
            answer = await door.send(request())
            assert (503, ["1"], ["close"]) == (
                answer.status, answer.header("retry-after"), answer.header("connection")
            )  # fmt: skip
        assert {503: 5} == door.server.turned_away
        # Who asks whether the process lives is answered, however full it is.
        assert 404 == (await door.send(request("/healthz", method="GET"))).status
        slow.go.set()
        assert [200] * 3 == [(await task).status for task in under_way]
        assert 200 == (await door.send(request())).status
        assert 4 == len(door.taken)


async def test_a_request_that_breaks_or_is_given_up_gives_its_place_back() -> None:
    """Errors and callers that hang up leave no hole."""
    slow = _Slow()
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with served(slow, requests_max=1) as door:
        for count in range(3):
            assert 500 == (await door.send(request("/in/broken"))).status
            async with door.caller() as caller:
                await caller.say(request())
                await door.took(2 * count + 2)
            slow.go.set()
            await eventually(lambda: door.server.connections == 0)
            await door.server.drained(5)
            slow.go.clear()
        slow.go.set()
        assert 200 == (await door.send(request())).status


async def test_connections_are_bounded() -> None:
    """One more than there is room for gets a 503 and its end; when one goes there is room."""
    async with served(connections_max=3) as door:
        callers = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(3)]
        await eventually(lambda: door.server.connections == 3)
        async with door.caller() as caller:
            assert 503 == (await caller.answer()).status
            assert b"" == await caller.ended()
        callers[0][1].close()
        await eventually(lambda: door.server.connections == 2)
        assert 200 == (await door.send(request())).status
        for _, writer in callers:
            writer.close()


async def test_idle_connections_end() -> None:
    """One that has never said anything, and one that has nothing more to say."""
    async with served(times=Times(idle_s=0.2, receive_s=0.2)) as door:
        async with door.caller() as caller:
            assert b"" == await caller.ended()
        async with door.caller() as caller:
            await caller.say(request())
            assert 200 == (await caller.answer()).status
            assert b"" == await caller.ended()


async def test_who_does_not_read_its_answer_is_cut_off() -> None:
    """An answer that nobody takes is held for a stated time only."""
    large = HttpResponse(200, (), b"x" * 8 * 1024 * 1024)
    async with served(answer=large, times=Times(write_s=0.3)) as door:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", door.port))
            deaf.sendall(request())
            await door.took(1)
            await eventually(lambda: door.server.connections == 0)
        # Who reads, however much, is not.
        assert 8 * 1024 * 1024 == len((await door.send(request())).body)


async def test_a_stop_answers_what_is_under_way_and_ends_the_rest() -> None:
    """Idle connections end at once, others with their answer; nobody else is let in."""
    slow = _Slow()
    async with served(slow) as door, door.caller() as idle, door.caller() as busy:
        await eventually(lambda: door.server.connections == 2)
        await busy.say(request())
        await door.took(1)
        door.server.stop_accepting()
        assert b"" == await idle.ended()
        waiting = asyncio.create_task(door.server.drained(10))
        slow.go.set()
        answer = await busy.answer()
        assert (b"done", ["close"]) == (answer.body, answer.header("connection"))
        assert b"" == await busy.ended()
        await waiting
        assert 0 == door.server.connections
        try:
            await asyncio.open_connection("127.0.0.1", door.port)
        except ConnectionRefusedError:
            return
        raise AssertionError("somebody was let in")
