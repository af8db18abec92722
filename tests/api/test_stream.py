"""The feed as a stream: told as it comes, taken up where it broke off, ended when it has to be."""

import asyncio
import random
import time
from typing import Any

import pytest

from ringback.api import feed as api_feed
from ringback.services import feed as feed_service
from ringback.storage import feed as stored
from tests.api.house import LIVE_KEY, OTHER_KEY, House, assert_problem, places
from tests.api.streamed import ALL, Front, Stream, Told, front_of
from tests.api.test_feed import publish, write
from tests.services.sink import until

STREAM = {"accept": "text/event-stream"}


async def test_events_are_told_as_they_come(house: House) -> None:
    """Each with its cursor as its id, its type as its name, and its body byte for byte."""
    await publish(house, "shop.a")
    async with front_of(house) as front, front.stream(**ALL) as stream:
        hello = await stream.any()
        assert (b"", True) == (hello.data, bool(hello.id))
        assert "no-store" == stream.response.headers["cache-control"]
        await publish(house, "shop.b")
        told = await stream.some(2)
        assert ["shop.a", "shop.b"] == [one.event for one in told]
        rows = await house.stage.rows("select body from event order by pos")
        assert [row["body"] for row in rows] == [one.data for one in told]
        # Each id leads on, in a stream and in the pages.
        page = await house.get("/v1/events", after=told[0].id)
        assert ["shop.b"] == [event["type"] for event in page["data"]]
    async with front_of(house) as front, front.stream(last=told[0].id, **ALL) as stream:
        assert told[1] == await stream.next()


async def test_a_stream_begins_now(house: House) -> None:
    """Without a place it tells what comes; with types, only those."""
    await publish(house, "shop.old")
    async with front_of(house) as front, front.stream(type="shop.*,call.*") as stream:
        await stream.any()
        await publish(house, "other.a", "shop.new")
        assert "shop.new" == (await stream.next()).event


async def test_lines_that_data_holds(house: House) -> None:
    """What a publisher wrote on several lines arrives so; a carriage return as a new line."""
    body = b'{"type": "shop.a", "data": {"one":\n 1,\r\n\n "two": "2"}}'
    headers = {"content-type": "application/json"}
    answer = await house.call("POST", "/v1/events", content=body, headers=headers)
    assert 201 == answer.status_code
    async with front_of(house) as front, front.stream(**ALL) as stream:
        stored = (await house.stage.rows("select body from event"))[0]["body"]
        assert b"\r\n\n" in stored
        assert stored.replace(b"\r\n", b"\n") == (await stream.next()).data


async def test_a_silent_stream_shows_that_it_lives(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment, and a newer cursor: also past events that are not wanted."""
    monkeypatch.setattr(api_feed, "HEARTBEAT_S", 0.2)
    async with front_of(house) as front, front.stream(type="shop.*") as stream:
        first = await stream.any()
        await publish(house, "other.a")
        ids = {first.id}
        while len(ids) < 3:
            told = await stream.any()
            assert ("", b"") == (told.event, told.data)
            ids.add(told.id)
        page = await house.get("/v1/events", after=stream.last_id)
        assert [] == page["data"]


async def test_what_cannot_be_streamed(house: House) -> None:
    """The same problems as elsewhere, before a stream begins; no place is taken by them."""

    async def refused(status: int, code: str, key: str | None = None, **params: str) -> list[str]:
        headers = {**STREAM, **({"authorization": f"Bearer {key}"} if key else {})}
        answer = await house.client.get("/v1/events", headers=headers, params=params)
        return places(assert_problem(answer, status, code))

    assert [] == await refused(401, "unauthenticated")
    assert [] == await refused(401, "unauthenticated", key="rk_test_unknown")
    for name in ("limit", "wait", "cursor"):
        params = {name: "5"}
        assert [name] == await refused(422, "invalid", OTHER_KEY, **params)
    assert ["after"] == await refused(400, "invalid_cursor", OTHER_KEY, after="nowhere")
    assert 0 == house.engine.feed.readers


async def test_nothing_is_lost_or_told_twice_over_broken_connections(house: House) -> None:
    """A reader whose connection breaks again and again goes on behind what it has seen, whichever
    worker it comes to, while several write.
    """
    second = house.stage.another_engine()
    await second.start()
    dice = random.Random(8420)
    other = House(house.stage)
    other.engine = second
    other.app = other.build()
    writers = [write(house, engine, name) for name in "abc" for engine in (house.engine, second)]
    seen: list[Told] = []
    try:
        async with front_of(house) as front, front_of(other) as there:
            last = (await house.get("/v1/events", after="now"))["next"]
            writing = asyncio.gather(*writers)
            while len(seen) < 300:
                async with dice.choice((front, there)).stream(last=last) as stream:
                    for _ in range(min(dice.randrange(1, 60), 300 - len(seen))):
                        seen.append(await stream.next())
                        last = stream.last_id
            await writing
            await until(lambda: house.engine.feed.readers == second.feed.readers == 0)
    finally:
        await second.stop()
    rows = await house.stage.rows("select body from event where type like 'shop.%' order by pos")
    assert [row["body"] for row in rows] == [told.data for told in seen]


async def test_tenants_and_modes_hear_their_own(house: House) -> None:
    """Nobody is told of what is another's, and an id is good for its own feed alone."""
    async with front_of(house) as front:
        async with front.stream() as mine, front.stream(key=OTHER_KEY) as theirs:
            await mine.any()
            await theirs.any()
            await publish(house, "shop.other", key=OTHER_KEY)
            await publish(house, "shop.live", key=LIVE_KEY)
            await publish(house, "shop.mine")
            assert "shop.mine" == (await mine.next()).event
            assert "shop.other" == (await theirs.next()).event
            last = theirs.last_id
        headers = {**STREAM, "last-event-id": last}
        answer = await house.call("GET", "/v1/events", headers=headers)
        assert_problem(answer, 400, "invalid_cursor")


async def test_a_caller_who_goes_frees_the_place_at_once(house: House) -> None:
    """Whether a stream or a long poll: nobody waits on for those who have hung up."""
    async with front_of(house) as front:
        async with front.stream() as stream:
            await stream.any()
            assert 1 == house.engine.feed.readers == house.engine.meters.now()["readers"]
        began = time.monotonic()
        await until(lambda: house.engine.feed.readers == 0)
        headers = {"authorization": "Bearer rk_test_aaaa"}
        params = {"after": "now", "wait": "25"}
        poll = front.client.get("/v1/events", params=params, headers=headers)
        waiting = asyncio.create_task(poll)
        await until(lambda: house.engine.feed.readers == 1)
        waiting.cancel()
        await until(lambda: house.engine.feed.readers == 0)
        assert time.monotonic() - began < 5


async def revoke_while(front: Front, stream: Stream, key_id: str) -> float:
    """Revoke a key; return how long its stream went on after that was answered."""
    house = front.house
    assert 204 == (await house.call("DELETE", f"/v1/api-keys/{key_id}")).status_code
    answered = time.monotonic()
    await publish(house, "shop.secret")
    with pytest.raises(StopAsyncIteration):
        raise AssertionError(await stream.next())
    return time.monotonic() - answered


async def test_a_stream_ends_with_its_key(house: House) -> None:
    """Within a second of the revocation, properly, and without another event."""
    key = await house.post("/v1/api-keys", {"name": "reader", "scopes": ["events:read"]})
    async with front_of(house) as front, front.stream(key=key["key"]) as stream:
        await stream.any()
        assert await revoke_while(front, stream, key["id"]) < 1
    assert 0 == house.engine.feed.readers


async def test_streams_end_when_the_lease_is_lost(house: House) -> None:
    """A worker that is cut off does not know which keys are good: it tells nobody anything."""
    async with front_of(house) as front, front.stream() as stream:
        await stream.any()
        house.held = False
        await stream.ended()


async def test_streams_end_when_the_worker_stops(house: House) -> None:
    """At once and properly, so that clients come again, elsewhere; no further one begins."""
    async with front_of(house) as front, front.stream() as one, front.stream() as two:
        await one.any()
        await two.any()
        began = time.monotonic()
        front.server.stop_accepting()
        await house.engine.feed.close()
        await front.server.drained(5)
        assert time.monotonic() - began < 1
        await one.ended()
        await two.ended()
        assert 0 == house.engine.feed.readers


async def test_no_more_streams_than_there_is_room_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond that 429; a place that is left is free at once."""
    monkeypatch.setattr(feed_service, "READERS_PER_KEY_MAX", 1)
    async with front_of(house) as front:
        async with front.stream() as stream:
            await stream.any()
            assert_problem(await house.call("GET", "/v1/events", headers=STREAM), 429, "busy")
        await until(lambda: house.engine.feed.readers == 0)
        async with front.stream() as stream:
            await stream.any()


async def test_a_slow_reader_costs_only_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not read is not read for: its worker has little of it in hand, and others go on."""
    fetched = 0
    after = stored.after

    async def counted(*given: Any) -> stored.Stretch:
        nonlocal fetched
        stretch = await after(*given)
        fetched += sum(len(event.body) for event in stretch.events)
        return stretch

    data = {"text": "x" * 100_000}
    for _ in range(8):
        await house.post("/v1/events", [{"type": "shop.large", "data": data}] * 8)
    monkeypatch.setattr(stored, "after", counted)
    async with front_of(house) as front:
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port, limit=1024)
        request = "GET /v1/events?after=earliest HTTP/1.1\r\nhost: x\r\naccept: text/event-stream"
        writer.write(f"{request}\r\nauthorization: Bearer rk_test_aaaa\r\n\r\n".encode())
        await until(lambda: fetched > 300_000)
        async with front.stream() as stream:
            await stream.any()
            await publish(house, "shop.a")
            assert "shop.a" == (await stream.next()).event
        # What the kernel takes on both sides is all that went out beyond what the worker holds.
        held = [one.transport for one in front.server._listeners]
        assert len(held) >= 1
        assert all(
            one is not None and one.get_write_buffer_size() < 3 * api_feed.STREAM_BYTES_MAX
            for one in held
        )
        assert fetched < 64 * 100_000
        del reader
        writer.transport.abort()
        await until(lambda: house.engine.feed.readers == 0)


async def test_a_stream_of_http_1_0(house: House) -> None:
    """Without chunks: the end of the connection is its end."""
    await publish(house, "shop.a")
    async with front_of(house) as front:
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        request = "GET /v1/events?after=earliest HTTP/1.0\r\naccept: text/event-stream"
        writer.write(f"{request}\r\nauthorization: Bearer rk_test_aaaa\r\n\r\n".encode())
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"event: shop.a\n")
            assert b"chunked" not in head
            await house.engine.feed.close()
            await reader.read()
        writer.close()
