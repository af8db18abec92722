"""Deliveries and attempts: what was owed, what was sent, what was answered."""

import json
from datetime import timedelta
from typing import Any

import standardwebhooks

from tests.api.house import House, Json, assert_problem, at

WAIT = timedelta(seconds=4.9)


async def statuses(house: House, **filters: Any) -> list[str]:
    """Return the statuses of the deliveries that fit."""
    listed = await house.get("/v1/deliveries", **filters)
    return [delivery["status"] for delivery in listed["data"]]


async def one_of_each(house: House) -> dict[str, Json]:
    """Make a delivery of each status, at two endpoints; return them by status."""
    sink = house.stage.sink
    await house.stage.add_endpoint(f"{sink.url}/second", "message.failed")
    await house.give_up_on(400)
    sink.answers.append((400, ""))
    await house.hear("m1", "sent")
    await house.delivered(1)
    await house.hear("m2", "sent")
    await house.delivered(2)
    sink.answers.append((503, ""))
    await house.hear("m3", "sent", "delivered")
    await house.delivered(3)
    await house.hear("m4", "failed")
    await house.delivered(5)
    listed = (await house.get("/v1/deliveries"))["data"]
    return {delivery["status"]: delivery for delivery in reversed(listed)}


async def test_deliveries_of_each_status(house: House) -> None:
    """What is over, what waits for its time, and what waits behind another."""
    found = await one_of_each(house)
    assert {"delivered", "exhausted", "scheduled", "pending"} == set(found)
    order = ["delivered", "delivered", "pending", "scheduled", "delivered", "exhausted"]
    assert order == await statuses(house)
    second, first = [one["id"] for one in (await house.get("/v1/endpoints"))["data"]]
    for status in found:
        expected = [one for one in order if one == status]
        assert expected == await statuses(house, status=status)
        assert expected[:5] == [*await statuses(house, status=status, endpoint=first),
                                *await statuses(house, status=status, endpoint=second)]  # fmt: skip
    assert [] == await statuses(house, status="cancelled")
    assert order[1:] == await statuses(house, endpoint=first)
    assert ["delivered"] == await statuses(house, endpoint=second)


async def test_a_delivery_is_shown_with_its_attempts(house: House) -> None:
    """How it stands, when it goes on, and every attempt so far."""
    found = await one_of_each(house)
    for status, listed in found.items():
        shown = await house.get(f"/v1/deliveries/{listed['id']}")
        history = shown.pop("history")
        assert listed == shown
        assert shown["attempts"] == len(history)
        assert (history[-1] if history else None) == shown["last_attempt"]
        assert (status == "scheduled") == (shown["next_attempt_at"] is not None)
        event = await house.get(f"/v1/events/{shown['event']}")
        assert (event["type"], event["data"]["message"]["id"]) == (
            shown["event_type"], shown["message"],
        )  # fmt: skip
    scheduled = found["scheduled"]
    wait = at(scheduled["next_attempt_at"]) - at(scheduled["last_attempt"]["at"])
    assert WAIT < wait < timedelta(seconds=6.5)


async def test_deliveries_of_one_event(house: House) -> None:
    """One for each endpoint that wanted it."""
    await one_of_each(house)
    event = (await house.get("/v1/events", type="message.failed"))["data"][0]["id"]
    listed = (await house.get("/v1/deliveries", event=event))["data"]
    assert [event, event] == [delivery["event"] for delivery in listed]
    assert 2 == len({delivery["endpoint"] for delivery in listed})
    assert ["delivered", "delivered"] == await statuses(house, event=event, status="delivered")
    assert [] == await statuses(house, event=event, status="pending")
    endpoint = listed[0]["endpoint"]
    assert listed[:1] == (await house.get("/v1/deliveries", event=event, endpoint=endpoint))["data"]


async def test_what_is_no_delivery(house: House) -> None:
    """Numbers that no delivery has, other ids and nonsense are answered alike."""
    await house.hear("m1", "sent")
    await house.delivered(1)
    real = (await house.get("/v1/deliveries"))["data"][0]["id"]
    wrong = [f"{real[:-1]}z", "dlv_" + "7" + "z" * 25, "dlv_" + "0" * 26, "dlv_x", real[4:],
             "dlv_0000000000zzzzzzzzzzzzzzzz"]  # fmt: skip
    for text in wrong:
        assert_problem(await house.call("GET", f"/v1/deliveries/{text}"), 404, "not_found")


async def test_an_attempt_with_request_and_answer(house: House) -> None:
    """The request can be checked by anyone who has the secret; the answer is kept as it came."""
    house.stage.sink.answers.append((503, "x-why: because\r\nretry-after: 60\r\n"))
    await house.hear("m1", "sent")
    await house.delivered(1)
    listed = (await house.get("/v1/attempts"))["data"][0]
    shown = await house.get(f"/v1/attempts/{listed['id']}")
    assert listed == {name: shown[name] for name in listed}
    assert (1, 503, None, None) == (shown["n"], shown["status"], shown["error"], shown["final"])
    assert shown["decision"].startswith("503, Retry-After 60 s: attempt 1 of 10, next in")
    request = shown["request"]
    assert ("POST", house.stage.sink.url) == (request["method"], request["url"])
    body = request["body"]["text"]
    assert house.stage.sink.received[0].body.decode() == body
    webhook = standardwebhooks.Webhook(house.stage.secret)
    assert json.loads(body) == webhook.verify(body, dict(request["headers"]))
    answer = shown["response"]
    assert (503, False) == (answer["status"], answer["truncated"])
    assert ["x-why", "because"] in answer["headers"]
    assert f"127.0.0.1:{house.stage.sink.port}" == shown["address"]
    assert (None, False) == (shown["tls"], shown["reused"])
    assert shown["timings"]["total"] > 0
    assert {"dns", "connect", "tls", "first_byte", "total"} <= set(shown["timings"])


async def test_an_attempt_that_reached_nobody(house: House) -> None:
    """There is a request, no answer, and the reason in words."""
    sink = house.stage.sink
    await sink.stop()
    await house.hear("m1", "sent")
    async with house.engine.database.acquire() as connection:
        for _ in range(500):
            if await connection.fetchval("select count(*) from attempt"):
                break
    await house.engine.recorder.drained()
    listed = (await house.get("/v1/attempts"))["data"][0]
    shown = await house.get(f"/v1/attempts/{listed['id']}")
    assert (None, "connect") == (shown["status"], shown["error"])
    assert shown["response"] is None
    assert shown["explanation"]
    assert shown["request"]["url"] == sink.url
    await sink.start()


async def test_an_end_without_a_request(house: House) -> None:
    """A delivery that was cancelled has an entry in its history, and no request in it."""
    house.stage.sink.answers.append((503, ""))
    await house.hear("m1", "sent")
    await house.delivered(1)
    endpoint = (await house.get("/v1/endpoints"))["data"][0]["id"]
    await house.call("DELETE", f"/v1/endpoints/{endpoint}")
    delivery = (await house.get("/v1/deliveries", endpoint=endpoint))["data"][0]
    assert ("cancelled", 1) == (delivery["status"], delivery["attempts"])
    shown = await house.get(f"/v1/attempts/{delivery['last_attempt']['id']}")
    assert ("cancelled", None, None) == (shown["error"], shown["request"], shown["response"])
    assert "Cancelled: the endpoint was deleted." == shown["decision"]


async def test_attempts_by_event_and_endpoint(house: House) -> None:
    """Each filter alone, and both together."""
    await one_of_each(house)
    everything = (await house.get("/v1/attempts"))["data"]
    assert 5 == len(everything)
    for filters in ({"event": 1}, {"endpoint": 1}, {"event": 1, "endpoint": 1}):
        for attempt in everything:
            chosen = {name: attempt[name] for name in filters}
            fitting = [one for one in everything if chosen == {name: one[name] for name in filters}]
            assert fitting == (await house.get("/v1/attempts", **chosen))["data"]


async def test_deliveries_are_found_behind_many_events_without_any(house: House) -> None:
    """A search goes through 2,000 events a time, and says where it goes on."""
    await house.hear("m1", "sent")
    await house.delivered(1)
    await house.stage.execute(
        "insert into event select uuid7_now(), tenant, mode, pos + i, 'call.ringing', null, 1, "
        "occurred, callback, body from event, generate_series(1, 2100) i"
    )
    page = await house.get("/v1/deliveries")
    assert [] == page["data"]
    page = await house.get("/v1/deliveries", cursor=page["next"])
    assert ["delivered"] == [delivery["status"] for delivery in page["data"]]
    assert page["next"] is None
