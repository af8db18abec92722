"""Endpoints that listen: a laptop is told what would be posted, and says what was answered."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import standardwebhooks

from ringback.api import feed as api_feed
from tests.api.house import KEY, LIVE_KEY, OTHER_KEY, House, Json, assert_problem, places
from tests.api.streamed import Front, Stream, front_of
from tests.api.test_feed import publish
from tests.services.sink import until


async def listener(house: House, *types: str, key: str = KEY, **more: Any) -> Json:
    """Add an endpoint that listens."""
    body = {"kind": "listen", "event_types": list(types or ("*",)), **more}
    return await house.post("/v1/endpoints", body, key=key)


@asynccontextmanager
async def listening(
    front: Front, endpoint: Json, last: str | None = None, **params: str
) -> AsyncIterator[Stream]:
    """Open the stream of an endpoint."""
    path = f"/v1/endpoints/{endpoint['id']}/stream"
    async with front.stream(path, last=last, **params) as stream:
        yield stream


async def told(stream: Stream) -> Json:
    """Return what is to be posted next."""
    one = await stream.next()
    assert "delivery" == one.event
    found: Json = json.loads(one.data)
    return found


async def some(stream: Stream, count: int) -> list[Json]:
    """Return what is to be posted next, so many times."""
    return [await told(stream) for _ in range(count)]


async def reply(house: House, endpoint: Json, *answers: Json, status: int = 201) -> Json:
    """Post answers."""
    path = f"/v1/endpoints/{endpoint['id']}/answers"
    return await house.post(path, {"answers": list(answers)}, status=status)


def to(one: Json, status: int | None = 200, **more: Any) -> Json:
    """Answer what was told."""
    return {
        "delivery": one["delivery"], "event": one["event"], "status": status, "ms": 12.5, **more,
    }  # fmt: skip


async def test_a_listener_is_told_what_would_have_been_posted(house: House) -> None:
    """Only what it wants, from the moment that it was made on, signed as if it were posted."""
    await publish(house, "shop.before")
    made = await listener(house, "shop.*", headers={"x-own": "mine"})
    assert ("listen", None, "none") == (made["kind"], made["url"], made["delivery"]["order"])
    await publish(house, "shop.a", "other.b")
    async with front_of(house) as front, listening(front, made) as stream:
        await publish(house, "shop.c")
        first, second = await some(stream, 2)
    assert ["shop.a", "shop.c"] == [first["type"], second["type"]]
    event = await house.call("GET", f"/v1/events/{first['event']}")
    assert event.text == first["body"]
    headers = dict(first["headers"])
    assert ("application/json", "mine") == (headers["content-type"], headers["x-own"])
    verified = standardwebhooks.Webhook(made["secret"]).verify(first["body"], headers)
    assert json.loads(first["body"]) == verified


async def test_answers_are_attempts(house: House) -> None:
    """Each with the answer's status, body and time, and with how its delivery ended."""
    made = await listener(house, "shop.*")
    await publish(house, "shop.a", "shop.b", "shop.c")
    async with front_of(house) as front, listening(front, made) as stream:
        one, two, three = await some(stream, 3)
    answered = await reply(
        house, made,
        to(one, 200, url="http://localhost:3000/hooks", headers=[["x-a", "b"]], body="fine"),
        to(two, 500, body_base64=base64.b64encode(b"\xff\x00").decode(), truncated=True),
        to(three, None, error="connect"),
    )  # fmt: skip
    assert ["delivered", "exhausted", "exhausted"] == [row["status"] for row in answered["data"]]
    listed = (await house.get("/v1/attempts", endpoint=made["id"]))["data"]
    assert [row["attempt"] for row in reversed(answered["data"])] == [row["id"] for row in listed]
    first = await house.get(f"/v1/attempts/{answered['data'][0]['attempt']}")
    assert (200, 12.5, 1, "delivered") == (
        first["status"], first["ms"], first["n"], first["final"],
    )  # fmt: skip
    assert ("http://localhost:3000/hooks", one["body"]) == (
        first["request"]["url"], first["request"]["body"]["text"],
    )  # fmt: skip
    assert ([["x-a", "b"]], "fine", False) == (
        first["response"]["headers"], first["response"]["body"]["text"],
        first["response"]["truncated"],
    )  # fmt: skip
    second = await house.get(f"/v1/attempts/{answered['data'][1]['attempt']}")
    assert ("/wA=", True) == (
        second["response"]["body"]["base64"], second["response"]["truncated"],
    )  # fmt: skip
    assert "connect" == listed[0]["error"]
    delivery = await house.get(f"/v1/deliveries/{two['delivery']}")
    assert ("exhausted", 1, "shop.b") == (
        delivery["status"], delivery["attempts"], delivery["event_type"],
    )  # fmt: skip
    over = await house.get("/v1/deliveries", endpoint=made["id"], status="delivered")
    assert [one["delivery"]] == [row["id"] for row in over["data"]]


async def test_a_replay_reaches_the_listener(house: House) -> None:
    """Under the event's own id, as a delivery of its own that is open until it is answered; also
    when nobody listens just then, and again and again.
    """
    made = await listener(house, "shop.*")
    await publish(house, "shop.a")
    async with front_of(house) as front:
        async with listening(front, made) as stream:
            first = await told(stream)
            await reply(house, made, to(first, 500))
            again = await house.post(f"/v1/deliveries/{first['delivery']}/replay", None, status=202)
            second = await told(stream)
            assert (first["event"], again["id"]) == (second["event"], second["delivery"])
            assert first["body"] == second["body"]
            open_ = await house.get(f"/v1/deliveries/{second['delivery']}")
            assert ("pending", 0) == (open_["status"], open_["attempts"])
            refused = await house.call("POST", f"/v1/deliveries/{second['delivery']}/replay")
            assert_problem(refused, 409, "not_now")
            await reply(house, made, to(second, 200))
            last = stream.last_id
        for path in (first, second, second):
            await house.post(f"/v1/deliveries/{path['delivery']}/replay", None, status=202)
        await publish(house, "shop.b")
        async with listening(front, made, last) as stream:
            later = await some(stream, 4)
    assert [first["event"]] * 3 == [one["event"] for one in later[:3]]
    assert "shop.b" == later[3]["type"]
    assert 6 == len({one["delivery"] for one in (first, second, *later)})
    # Two that wait behind another of the same event are nobody's any more when all are answered.
    await reply(house, made, to(later[0]))
    assert [1] == [row["n"] for row in await free(house)]
    await reply(house, made, *map(to, later[1:]))
    assert 0 == await house.stage.value("select count(*) from delivery")


async def free(house: House) -> list[Any]:
    """Count open deliveries with nothing in front of them."""
    return await house.stage.rows("select count(*) as n from delivery where due is not null")


async def test_what_is_for_one_listener_alone(house: House) -> None:
    """A test event and an event with its address reach it, once each, whatever it wants."""
    made = await listener(house, "shop.*", uid="laptop")
    async with front_of(house) as front, listening(front, made) as stream:
        await stream.any()
        sent = await house.post(
            "/v1/endpoints/laptop/test", {"event_type": "call.failed"}, status=202
        )
        to_it = {"type": "shop.a", "data": {}, "deliver_to": ["laptop"]}
        await house.post("/v1/events", to_it)
        await publish(house, "shop.b")
        test, own, other = await some(stream, 3)
    assert (sent["id"], sent["delivery"]) == (test["event"], test["delivery"])
    assert ["shop.a", "shop.b"] == [own["type"], other["type"]]
    await reply(house, made, *map(to, (test, own, other)))
    assert 0 == await house.stage.value("select count(*) from delivery")


async def test_listening_costs_a_commit_nothing(house: House) -> None:
    """No row is written for a listener when events come; nothing is sent, nothing is late."""
    made = await listener(house)
    await house.hear("m1", "sent", "delivered")
    await house.delivered(2)
    assert 2 == len(house.stage.sink.received)
    assert 0 == await house.stage.value("select count(*) from delivery")
    async with front_of(house) as front, listening(front, made) as stream:
        first = await told(stream)
        await reply(house, made, to(first))
        await house.post(f"/v1/deliveries/{first['delivery']}/replay", None, status=202)
    assert 0 == (await house.engine.health()).waiting
    assert 1 == await house.stage.value("select count(*) from delivery where owner is null")


async def test_a_laptop_that_sleeps_misses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on behind the last message that it has dealt with, events and replays in order."""
    made = await listener(house, "shop.*")
    await publish(house, *(f"shop.n{n}" for n in range(30)))
    seen: list[Json] = []
    async with front_of(house) as front:
        last = None
        while len(seen) < 30:
            async with listening(front, made, last) as stream:
                for _ in range(7):
                    seen.append(await told(stream))
                    last = stream.last_id
                    if len(seen) == 10:
                        await reply(house, made, to(seen[3]))
                        path = f"/v1/deliveries/{seen[3]['delivery']}/replay"
                        await house.post(path, None, status=202)
                    if len(seen) == 30:
                        break
        # Ten minutes on a clock, for whoever counts them.
        awake = house.engine.clock.now_ms()
        monkeypatch.setattr(house.engine.clock, "now_ms", lambda: awake + 600_000)
        async with listening(front, made, last) as stream:
            again = await told(stream)
    assert [f"shop.n{n}" for n in range(30)] == [one["type"] for one in seen]
    assert "shop.n3" == again["type"]


async def test_many_replays_and_events_together(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pieces as small as they may be, each is told once and in the order of its place."""
    monkeypatch.setattr("ringback.storage.listening.OWED_MAX", 2)
    monkeypatch.setattr(api_feed, "STREAM_EVENTS_MAX", 3)
    made = await listener(house, "shop.*")
    await publish(house, *(f"shop.n{n}" for n in range(5)))
    async with front_of(house) as front:
        async with listening(front, made) as stream:
            first = await some(stream, 5)
            last = stream.last_id
        await reply(house, made, *map(to, first))
        for one in first:
            await house.post(f"/v1/deliveries/{one['delivery']}/replay", None, status=202)
            await publish(house, "shop.more")
        async with listening(front, made, last) as stream:
            rest = await some(stream, 10)
            await publish(house, "shop.end")
            assert "shop.end" == (await told(stream))["type"]
    expected = [name for n in range(5) for name in (f"shop.n{n}", "shop.more")]
    assert expected == [one["type"] for one in rest]


async def test_answers_that_cannot_be_taken(house: House) -> None:
    """Each fault with its place; none of the answers is written then."""
    made, other = await listener(house, "shop.*"), await listener(house, "shop.*")
    await publish(house, "shop.a", "shop.b")
    async with front_of(house) as front, listening(front, made) as stream:
        one, two = await some(stream, 2)

    async def refused(*answers: Json) -> list[str]:
        body = {"answers": list(answers)}
        answer = await house.call("POST", f"/v1/endpoints/{made['id']}/answers", json=body)
        return places(assert_problem(answer, 422, "invalid"))

    elsewhere = {**one, "delivery": one["delivery"][:-1] + "x"}
    assert ["/answers/1/delivery"] == await refused(to(one), to(elsewhere))
    assert ["/answers/0/delivery"] == await refused(to({**one, "event": two["event"]}))
    assert ["/answers/1/delivery"] == await refused(to(one), to(one))
    assert ["/answers/0/delivery"] == await refused(to({**one, "delivery": "dlv_x"}))
    assert ["/answers/0/event"] == await refused(to({**one, "event": "evt_x"}))
    assert ["/answers/0/status"] == await refused(to(one, None))
    assert ["/answers/0/status"] == await refused(to(one, 200, error="timeout"))
    assert ["/answers/0/body_base64"] == await refused(to(one, body_base64="="))
    assert ["/answers"] == await refused()
    wrong = await house.call(
        "POST", f"/v1/endpoints/{other['id']}/answers", json={"answers": [to(one)]}
    )
    assert ["/answers/0/delivery"] == places(assert_problem(wrong, 422, "invalid"))
    assert [] == (await house.get("/v1/attempts", endpoint=made["id"]))["data"]
    # What was told twice may be answered twice.
    for n in (1, 2):
        await reply(house, made, to(one))
        assert n == (await house.get("/v1/attempts", endpoint=made["id"]))["data"][0]["n"]


async def test_what_may_be_listened_to(house: House) -> None:
    """One's own endpoints that have no URL and are enabled; a foreign one is as if it were not."""
    made = await listener(house)
    theirs = await listener(house, key=OTHER_KEY)
    url = {"url": "https://example.com/", "event_types": ["*"]}
    posted = await house.post("/v1/endpoints", url)

    async def refused(id_: str, key: str = KEY, **more: Any) -> httpx.Response:
        headers = more.pop("headers", {})
        path = f"/v1/endpoints/{id_}/stream"
        return await house.call("GET", path, key=key, params=more, headers=headers)

    missing = await refused("end_" + "0" * 26)
    for answer in (await refused(theirs["id"]), await refused(made["id"], LIVE_KEY)):
        assert missing.json()["detail"] == assert_problem(answer, 404, "not_found")["detail"]
    assert_problem(await refused(posted["id"]), 409, "not_now")
    assert_problem(await refused(made["id"], after="nowhere"), 400, "invalid_cursor")
    bad = {"last-event-id": "nowhere"}
    assert_problem(await refused(made["id"], headers=bad), 400, "invalid_cursor")
    answer = await house.call("POST", f"/v1/endpoints/{theirs['id']}/answers", json={"answers": []})
    assert answer.status_code in (404, 422)
    reader = await house.post("/v1/api-keys", {"name": "r", "scopes": ["events:read"]})
    assert_problem(await refused(made["id"], reader["key"]), 403, "scope_missing")
    await house.call("PATCH", f"/v1/endpoints/{made['id']}", json={"enabled": False})
    assert_problem(await refused(made["id"]), 409, "not_now")


async def test_how_one_that_listens_is_made_and_changed(house: House) -> None:
    """Without a URL and without a policy of its own; the other kind needs its URL."""

    async def refused(method: str, path: str, body: Json) -> list[str]:
        return places(assert_problem(await house.call(method, path, json=body), 422, "invalid"))

    types = {"event_types": ["*"]}
    url, policy = {"url": "https://example.com/"}, {"delivery": {"timeout_s": 3}}
    assert ["/url"] == await refused("POST", "/v1/endpoints", types)
    wrong = {"kind": "listen", **types, **url, **policy}
    assert ["/url", "/delivery"] == await refused("POST", "/v1/endpoints", wrong)
    assert ["/kind"] == await refused("POST", "/v1/endpoints", {**types, **url, "kind": "x"})
    made = await listener(house)
    path = f"/v1/endpoints/{made['id']}"
    assert ["/url", "/delivery"] == await refused("PATCH", path, {**url, **policy})
    changed = await house.call("PATCH", path, json={"event_types": ["shop.*"]})
    assert ["shop.*"] == changed.json()["event_types"]
    secret = (await house.get(f"{path}/secret"))["secret"]
    assert made["secret"] == secret


async def test_a_stream_follows_its_endpoint(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other types and a new secret count at once; it ends when the endpoint is deleted."""
    monkeypatch.setattr(api_feed, "HEARTBEAT_S", 0.2)
    made = await listener(house, "shop.*")
    path = f"/v1/endpoints/{made['id']}"
    async with front_of(house) as front, listening(front, made) as stream:
        await stream.any()
        await house.call("PATCH", path, json={"event_types": ["other.*"]})
        rotated = await house.post(f"{path}/rotate-secret", {"overlap_s": 0}, status=200)
        await stream.any()
        await publish(house, "shop.a", "other.b")
        one = await told(stream)
        assert "other.b" == one["type"]
        standardwebhooks.Webhook(rotated["secret"]).verify(one["body"], dict(one["headers"]))
        await house.call("DELETE", path)
        await stream.ended()
    assert 0 == house.engine.feed.readers


async def test_it_lives_for_a_day_after_it_was_last_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading renews it, at most once an hour; one that nobody reads is gone."""
    made = await listener(house, key=LIVE_KEY)
    path = f"/v1/endpoints/{made['id']}"
    clock = house.engine.clock
    hours, now_ms = 0.0, clock.now_ms

    # A beat would set it right again.
    monkeypatch.setattr(clock, "correct", lambda *_: None)
    monkeypatch.setattr(clock, "now_ms", lambda: now_ms() + round(hours * 3_600_000))

    async def read() -> None:
        async with (
            front_of(house) as front,
            front.stream(f"{path}/stream", key=LIVE_KEY) as stream,
        ):
            await stream.any()
            await until(lambda: house.engine.feed.readers == 1)
            await asyncio.sleep(0.05)

    ends = made["expires_at"]
    hours = 0.5
    await read()
    assert ends == (await house.get(path, key=LIVE_KEY))["expires_at"]
    hours = 1.5
    await read()
    later = (await house.get(path, key=LIVE_KEY))["expires_at"]
    assert later > ends
    hours = 25
    await house.get(path, key=LIVE_KEY)
    hours = 27
    assert_problem(await house.call("GET", path, key=LIVE_KEY), 404, "not_found")
    assert_problem(await house.call("GET", f"{path}/stream", key=LIVE_KEY), 404, "not_found")
