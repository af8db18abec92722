"""The feed: every event once, in the order of the commits, for whoever asks or waits."""

import asyncio
import struct
import time
from typing import Any

import httpx
import msgspec
import pytest

from ringback.api import feed as api_feed
from ringback.api.cursors import Cursors
from ringback.app import Engine
from ringback.domain.http import Callback
from ringback.services import feed as feed_service
from ringback.storage import feed as stored
from tests.api.house import (
    ACTING,
    KEY,
    LIVE_KEY,
    OPERATOR_KEY,
    OTHER_KEY,
    House,
    Json,
    assert_problem,
    places,
)
from tests.api.test_pages import mutants
from tests.services.sink import until
from tests.services.stage import BASE_URL
from tests.sizes import SIZES


async def publish(house: House, *names: str, engine: Engine | None = None, key: str = KEY) -> None:
    """Publish an event of each of these types, through this worker or another."""
    body = msgspec.json.encode([{"type": name, "data": {}} for name in names])
    fields = (("authorization", f"Bearer {key}"), ("content-type", "application/json"))
    request = Callback("POST", f"{BASE_URL}/v1/events", fields, body)
    told = await (engine or house.engine).publisher.publish("", request)
    assert 201 == told.status, told.body


async def read(house: House, after: str, key: str = KEY, **params: Any) -> Json:
    """Read the feed."""
    return await house.get("/v1/events", key=key, after=after, **params)


def types(page: Json) -> list[str]:
    """Return the types of a page's events."""
    return [event["type"] for event in page["data"]]


async def test_the_feed_is_the_list_the_other_way_round(house: House) -> None:
    """Oldest first, byte for byte, from page to page by `next`, which never is null."""
    await publish(house, *(f"shop.n{n}" for n in range(7)))
    listed = (await house.get("/v1/events"))["data"]
    whole = await house.call("GET", "/v1/events", params={"after": "earliest"})
    bodies = [(await house.call("GET", f"/v1/events/{e['id']}")).content for e in reversed(listed)]
    expected = b'{"data":[' + b",".join(bodies) + b'],"next":"'
    assert whole.content.startswith(expected)
    assert (None, False) == (whole.json()["prev"], whole.json()["more"])
    seen: list[str] = []
    page = await read(house, "earliest", limit=3)
    for more in (True, True, False):
        assert more == page["more"]
        seen += types(page)
        page = await read(house, page["next"], limit=3)
    assert [f"shop.n{n}" for n in range(7)] == seen
    assert ([], False) == (page["data"], page["more"])
    await publish(house, "shop.late")
    assert ["shop.late"] == types(await read(house, page["next"]))


async def test_the_link_leads_on(house: House) -> None:
    """The Link header has the whole URL of what comes next, filters included."""
    await publish(house, "shop.a", "shop.b", "other.c")
    params = {"after": "earliest", "type": "shop.*", "limit": 1}
    first = await house.call("GET", "/v1/events", params=params)
    url = first.headers["link"].partition(">")[0].removeprefix(f"<{BASE_URL}")
    second = await house.call("GET", url)
    assert (["shop.a"], ["shop.b"]) == (types(first.json()), types(second.json()))


async def test_where_to_begin(house: House) -> None:
    """At an event, at a time, so long ago, at the end, or at the very beginning."""
    await publish(house, "shop.a")
    await asyncio.sleep(0.005)
    await publish(house, "shop.b", "shop.c")
    a, b, _ = (await read(house, "earliest"))["data"]
    assert ["shop.b", "shop.c"] == types(await read(house, a["id"]))
    assert ["shop.b", "shop.c"] == types(await read(house, b["received_at"]))
    zoned = b["received_at"].replace("Z", "+00:00")
    assert ["shop.b", "shop.c"] == types(await read(house, zoned))
    for long_ago in ("15m", "2h", "20d", "999999d", "2026-03-02T15:01:22.646+02:00"):
        assert 3 == len(types(await read(house, long_ago)))
    assert [] == types(await read(house, "0s"))
    now = await read(house, "now")
    assert [] == now["data"]
    await publish(house, "shop.d")
    assert ["shop.d"] == types(await read(house, now["next"]))


async def test_what_is_no_place(house: House) -> None:
    """What cannot be read is a cursor that is not ours; the rest says what is wrong with it."""

    async def refused(status: int, code: str, **params: Any) -> list[str]:
        answer = await house.call("GET", "/v1/events", params=params)
        return places(assert_problem(answer, status, code))

    for word in ("", "yesterday", "15", "15x", "-5m", "a" * 40, "m" * 128):
        assert ["after"] == await refused(400, "invalid_cursor", after=word)
    missing = "evt_0" + "1" * 25
    for after in ("2999-01-01T00:00:00Z", "2026-03-02T15:01:22", missing, "x" * 129):
        assert ["after"] == await refused(422, "invalid", after=after)
    assert ["wait"] == await refused(422, "invalid", wait=1)
    assert ["wait"] == await refused(422, "invalid", after="now", wait=31)
    assert ["type"] == await refused(422, "invalid", after="now", type="shop.a,message.nothing")
    assert ["message"] == await refused(422, "invalid", after="now", message="m1")
    cursor = (await house.get("/v1/events", limit=1))["next"] or "c" * 40
    assert ["cursor"] == await refused(422, "invalid", after="now", cursor=cursor)


async def test_only_some_events(house: House) -> None:
    """Types and families, several at once, or one message's; the cursor is for any of them."""
    await house.hear("m1", "sent", "delivered")
    await house.hear("m2", "sent")
    await publish(house, "shop.a", "warehouse.b")
    some = await read(house, "earliest", type="message.delivered,shop.*")
    assert ["message.delivered", "shop.a"] == types(some)
    message = (await house.message("m1"))["id"]
    told = await read(house, "earliest", message=message, limit=1)
    assert (["message.sent"], True) == (types(told), told["more"])
    assert ["message.delivered"] == types(await read(house, told["next"], message=message))
    assert ["message.delivered", "message.sent"] == types(await read(house, told["next"], limit=2))
    of_type = await read(house, "earliest", message=message, type="message.delivered")
    assert ["message.delivered"] == types(of_type)
    # Behind a page of the message lies everything that was there, whoever's it is.
    assert [] == types(await read(house, of_type["next"]))
    # The list takes several types as well.
    listed = await house.get("/v1/events", type="message.delivered,shop.*")
    assert ["shop.a", "message.delivered"] == types(listed)


async def test_a_rare_type_is_looked_for_in_steps(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read looks at so many events, says that there is more, and goes on behind them."""
    monkeypatch.setattr("ringback.storage.feed.LOOKED_AT_MAX", 4)
    await publish(house, *(["shop.often"] * 9), "shop.rare", "shop.often")
    page, steps = await read(house, "earliest", type="shop.rare"), 1
    while page["more"] and not page["data"]:
        page, steps = await read(house, page["next"], type="shop.rare"), steps + 1
    assert (3, ["shop.rare"]) == (steps, types(page))
    # Who waits does not have to take the steps.
    waited = await read(house, "earliest", type="shop.rare", wait=5)
    assert ["shop.rare"] == types(waited)


async def test_large_events_come_in_shorter_pages(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page has one event at least, and no more than it has room for."""
    await publish(house, *(f"shop.n{n}" for n in range(5)))
    newest = (await house.get("/v1/events", limit=1))["data"][0]["id"]
    size = len((await house.call("GET", f"/v1/events/{newest}")).content)
    for room, expected in ((1, [1, 1, 1, 1, 1]), (2 * size, [2, 2, 1])):
        monkeypatch.setattr(api_feed, "PAGE_BYTES_MAX", room)
        sizes, after, more = [], "earliest", True
        while more:
            page = await read(house, after)
            sizes.append(len(page["data"]))
            after, more = page["next"], page["more"]
        assert expected == sizes


async def test_waiting(house: House) -> None:
    """Who waits is told at once of what is there, soon of what comes, and otherwise of nothing."""
    now = (await read(house, "now"))["next"]
    began = time.monotonic()
    nothing = await read(house, now, wait=0.3)
    assert [] == nothing["data"]
    assert 0.3 <= time.monotonic() - began < 3
    waiting = asyncio.create_task(read(house, nothing["next"], wait=20, type="shop.*"))
    await until(lambda: house.engine.feed.readers == 1)
    await publish(house, "other.a")
    await publish(house, "shop.b")
    assert ["shop.b"] == types(await waiting)
    assert 0 == house.engine.feed.readers
    assert ["other.a", "shop.b"] == types(await read(house, now, wait=20))
    assert time.monotonic() - began < 15


async def test_other_tenants_and_modes_have_feeds_of_their_own(house: House) -> None:
    """Their events are not there, do not wake anybody, and their cursors are nobody else's."""
    await publish(house, "shop.test")
    await publish(house, "shop.live", key=LIVE_KEY)
    await publish(house, "shop.other", key=OTHER_KEY)
    mine = await read(house, "earliest")
    assert ["shop.test"] == types(mine)
    assert ["shop.live"] == types(await read(house, "earliest", key=LIVE_KEY))
    theirs = await read(house, "earliest", key=OTHER_KEY)
    assert ["shop.other"] == types(theirs)
    waiting = asyncio.create_task(read(house, mine["next"], wait=20))
    await until(lambda: house.engine.feed.readers == 1)
    await publish(house, "shop.other", key=OTHER_KEY)
    await publish(house, "shop.mine")
    assert ["shop.mine"] == types(await waiting)
    for key in (LIVE_KEY, OTHER_KEY):
        answer = await house.call("GET", "/v1/events", key=key, params={"after": mine["next"]})
        assert_problem(answer, 400, "invalid_cursor")
    # Another's event is as one that is not there.
    answers = [
        (await house.call("GET", "/v1/events", params={"after": after})).json()["errors"]
        for after in (theirs["data"][0]["id"], "evt_0" + "1" * 25)
    ]
    assert answers[0] == answers[1]
    # An operator reads the tenant's feed, by the tenant's cursors.
    params = {"after": theirs["next"]}
    acting = await house.call("GET", "/v1/events", key=OPERATOR_KEY, headers=ACTING, params=params)
    assert ["shop.other"] == types(acting.json())


async def test_cursors_of_the_feed_that_were_tampered_with(house: House) -> None:
    """T65: every changed cursor is refused, as `after` and as the last id of a stream."""
    await publish(house, "shop.a", "shop.b")
    cursor = (await read(house, "earliest", limit=1))["next"]
    assert ["shop.b"] == types(await read(house, cursor))
    for changed in mutants(cursor, SIZES.changed_cursors):
        answer = await house.call("GET", "/v1/events", params={"after": changed})
        assert ["after"] == places(assert_problem(answer, 400, "invalid_cursor")), changed
    # A header field has no other letters.
    for changed in filter(str.isascii, mutants(cursor, 40)):
        stream = {"accept": "text/event-stream", "last-event-id": changed}
        answer = await house.call("GET", "/v1/events", headers=stream)
        assert ["Last-Event-ID"] == places(assert_problem(answer, 400, "invalid_cursor")), changed
    listed = (await house.get("/v1/events", limit=1))["next"]
    for wrong in ({"after": listed}, {"cursor": cursor}):
        answer = await house.call("GET", "/v1/events", params=wrong)
        assert_problem(answer, 400, "invalid_cursor")


async def test_what_retention_has_removed_is_said_to_be_gone(house: House) -> None:
    """A place older than what is kept is refused with the way on; a younger one is not."""
    await publish(house, "shop.a")
    scope = (next(iter(house.engine.configuration.snapshot.tenants)), 2)
    cursors = Cursors(house.engine.configuration.snapshot.hash_key, ["feed", *scope])
    now_ms = house.engine.clock.now_ms()
    # The first partition of a new installation is yesterday's.
    for days, gone in ((0.5, False), (2.1, True), (100, True)):
        place = struct.pack(">QQ", 0, now_ms - round(days * 86_400_000))
        for headers in ({}, {"accept": "text/event-stream"}):
            if headers and not gone:
                continue
            params = {"after": cursors.write(place)}
            answer = await house.call("GET", "/v1/events", params=params, headers=headers)
            if gone:
                assert "after=earliest" in assert_problem(answer, 410, "cursor_expired")["detail"]
            else:
                assert ["shop.a"] == types(answer.json())
    assert ["shop.a"] == types(await read(house, "earliest"))
    assert ["shop.a"] == types(await read(house, "100d"))


async def test_a_reader_sees_every_event_of_all_workers_once(house: House) -> None:
    """Several workers commit at once; readers of all and of some lose nothing and see no order
    but the feed's.
    """
    second = house.stage.another_engine()
    await second.start()
    try:
        after = (await read(house, "now"))["next"]
        writers = [
            write(house, engine, name)
            for name in ("a", "b", "c")
            for engine in (house.engine, second)
        ]
        readers = [follow(house, after, 300, limit) for limit in (1, 7, 200)]
        readers.append(follow(house, after, 100, 5, type="shop.b,nothing.here"))
        writing = asyncio.gather(*writers)
        *seen, of_b = await asyncio.gather(*readers)
        await writing
    finally:
        await second.stop()
    rows = await house.stage.rows(
        "select id, type from event where type like 'shop.%' order by pos"
    )
    assert 300 == len({row["id"] for row in rows})
    listed = [row["type"] for row in rows]
    for one in seen:
        assert 300 == len(set(ids_of(one)))
        assert listed == [event["type"] for event in one]
        assert ids_of(seen[0]) == ids_of(one)
    assert [event["id"] for event in seen[0] if event["type"] == "shop.b"] == ids_of(of_b)


def ids_of(seen: list[Json]) -> list[str]:
    """Return the ids of events."""
    return [event["id"] for event in seen]


async def write(house: House, engine: Engine, name: str) -> None:
    """Publish fifty events through a worker, one or two at a time."""
    for _ in range(25):
        await publish(house, f"shop.{name}", engine=engine)
    for _ in range(12):
        await publish(house, f"shop.{name}", f"shop.{name}", engine=engine)
    await publish(house, f"shop.{name}", engine=engine)


async def follow(house: House, after: str, count: int, limit: int, **params: Any) -> list[Json]:
    """Read so many events by long polls."""
    seen: list[Json] = []
    while len(seen) < count:
        page = await read(house, after, limit=limit, wait=10, **params)
        assert page["data"]
        seen += page["data"]
        after = page["next"]
    assert [] == (await read(house, after, **params))["data"]
    return seen


async def test_no_more_readers_than_there_is_room_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond that, 429 with Retry-After for those who would have to wait; others are answered."""
    monkeypatch.setattr(feed_service, "READERS_PER_KEY_MAX", 1)
    monkeypatch.setattr(feed_service, "READERS_MAX", 2)
    params: Json = {"after": "now", "wait": 20}
    waiting = asyncio.create_task(house.call("GET", "/v1/events", params=params))
    await until(lambda: house.engine.feed.readers == 1)
    crowded = await house.call("GET", "/v1/events", params=params)
    assert_problem(crowded, 429, "busy")
    assert "5" == crowded.headers["retry-after"]
    other = asyncio.create_task(house.call("GET", "/v1/events", key=OTHER_KEY, params=params))
    await until(lambda: house.engine.feed.readers == 2)
    assert_problem(await house.call("GET", "/v1/events", key=LIVE_KEY, params=params), 429, "busy")
    await publish(house, "shop.a")
    assert ["shop.a"] == types((await waiting).json())
    assert ["shop.a"] == types(await read(house, "earliest", wait=20))
    await publish(house, "shop.b", key=OTHER_KEY)
    await other


async def test_who_waits_with_a_revoked_key_is_told_so(house: House) -> None:
    """Within a second, and not at the end of the wait."""
    key = await house.post("/v1/api-keys", {"name": "reader", "scopes": ["events:read"]})
    params: Json = {"after": "now", "wait": 25}
    call = house.call("GET", "/v1/events", key=key["key"], params=params)
    waiting = asyncio.create_task(call)
    await until(lambda: house.engine.feed.readers == 1)
    began = time.monotonic()
    assert 204 == (await house.call("DELETE", f"/v1/api-keys/{key['id']}")).status_code
    answer: httpx.Response = await waiting
    assert_problem(answer, 401, "unauthenticated")
    assert time.monotonic() - began < 5


async def test_who_waits_is_let_go_when_the_worker_stops(house: House) -> None:
    """With an empty page and a cursor that goes on from there."""
    waiting = asyncio.create_task(read(house, "now", wait=25))
    await until(lambda: house.engine.feed.readers == 1)
    await house.engine.feed.close()
    page = await waiting
    assert [] == page["data"]
    await publish(house, "shop.a")
    assert ["shop.a"] == types(await read(house, page["next"], wait=25))


async def test_waiting_looks_once_for_everybody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty readers cost one look at a time, and share what they read; none waiting, none."""
    looks, reads = 0, 0
    heads, after = stored.heads, stored.after

    async def counted_heads(*given: Any) -> Any:
        nonlocal looks
        looks += 1
        return await heads(*given)

    async def counted_after(*given: Any) -> Any:
        nonlocal reads
        reads += 1
        return await after(*given)

    monkeypatch.setattr(stored, "heads", counted_heads)
    monkeypatch.setattr(stored, "after", counted_after)
    cursor = (await read(house, "now"))["next"]
    reads = 0
    waiting = [asyncio.create_task(read(house, cursor, wait=20)) for _ in range(20)]
    await until(lambda: house.engine.feed.readers == 20)
    await until(lambda: looks >= 3)
    assert looks <= 5
    await publish(house, "shop.a")
    assert [["shop.a"]] * 20 == [types(page) for page in await asyncio.gather(*waiting)]
    assert reads <= 10
    await asyncio.sleep(2 * feed_service.POLL_S)
    looks = 0
    await asyncio.sleep(3 * feed_service.POLL_S)
    assert 0 == looks
