"""Once more: replaying a delivery, and reading a stored callback again."""

import json

from ringback.domain.http import Callback
from tests.api.house import OTHER_KEY, House, assert_problem
from tests.services.sink import until


async def test_an_exhausted_delivery_is_listed_and_replayed(house: House) -> None:
    """It is sent once more with its own webhook-id and body, as a delivery of its own."""
    await house.give_up_on(400)
    house.stage.sink.answers.append((400, ""))
    await house.hear("m1", "delivered")
    await house.delivered(1)
    (delivery,) = (await house.get("/v1/deliveries", status="exhausted"))["data"]
    replayed = await house.post(f"/v1/deliveries/{delivery['id']}/replay", None, status=202)
    await house.delivered(2)
    first, second = house.stage.sink.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    made = await house.get(f"/v1/deliveries/{replayed['id']}")
    assert ("delivered", delivery["event"]) == (made["status"], made["event"])
    assert "exhausted" == (await house.get(f"/v1/deliveries/{delivery['id']}"))["status"]


async def test_a_replay_takes_its_turn_in_the_lane(house: House) -> None:
    """While a later event of the message waits, the replay waits behind it."""
    await house.hear("m1", "sent")
    await house.delivered(1)
    (over,) = (await house.get("/v1/deliveries", status="delivered"))["data"]
    house.stage.sink.answers.append((503, ""))
    await house.hear("m1", "delivered")
    await house.delivered(2)
    await house.post(f"/v1/deliveries/{over['id']}/replay", None, status=202)
    assert 2 == len(house.stage.sink.received)
    await house.stage.execute("update delivery set due = now() where due is not null")
    house.engine.claimer.poke()
    await house.delivered(4)
    numbers = [json.loads(got.body)["data"]["sequence"] for got in house.stage.sink.received]
    assert [1, 2, 2, 1] == numbers


async def test_an_open_delivery_is_not_replayed(house: House) -> None:
    """It goes on by itself; a second copy would only get in its way."""
    house.stage.sink.answers.append((503, ""))
    await house.hear("m1", "sent")
    await house.delivered(1)
    (delivery,) = (await house.get("/v1/deliveries"))["data"]
    answer = await house.call("POST", f"/v1/deliveries/{delivery['id']}/replay")
    assert_problem(answer, 409, "not_now")


async def test_a_foreign_delivery_or_callback_is_not_there(house: House) -> None:
    """Another tenant's ids are answered as missing ones are."""
    await house.hear("m1", "sent")
    await house.delivered(1)
    (delivery,) = (await house.get("/v1/deliveries"))["data"]
    (callback,) = (await house.get("/v1/callbacks"))["data"]
    for path in (f"deliveries/{delivery['id']}/replay", f"callbacks/{callback['id']}/reparse"):
        answer = await house.call("POST", f"/v1/{path}", key=OTHER_KEY, json={})
        assert_problem(answer, 404, "not_found")


async def test_reading_a_callback_again_shows_what_it_says(house: House) -> None:
    """Without effects nothing is written and nothing is sent."""
    await house.hear("m1", "delivered")
    await house.delivered(1)
    (callback,) = (await house.get("/v1/callbacks"))["data"]
    found = await house.post(f"/v1/callbacks/{callback['id']}/reparse", {}, status=200)
    assert ("accepted", False, []) == (found["outcome"], found["effects"], found["events"])
    assert [{"kind": "report", "about": "m1", "status": "delivered"}] == found["items"]


async def test_what_an_old_parser_missed_is_taken_once(house: House) -> None:
    """With effects the events go out now, in sequence; a second time there is nothing new."""
    await _stored_unread(house)
    (callback,) = (await house.get("/v1/callbacks"))["data"]
    assert "unparsed" == callback["outcome"]
    path = f"/v1/callbacks/{callback['id']}/reparse"
    found = await house.post(path, {"effects": True}, status=200)
    assert ("accepted", 1) == (found["outcome"], len(found["events"]))
    await house.delivered(1)
    got = json.loads(house.stage.sink.received[0].body)
    assert (found["events"][0], 1) == (got["id"], got["data"]["sequence"])
    assert "accepted" == (await house.get(f"/v1/callbacks/{callback['id']}"))["outcome"]
    again = await house.post(path, {"effects": True}, status=200)
    assert ("accepted", []) == (again["outcome"], again["events"])
    assert 1 == len((await house.get("/v1/callbacks"))["data"])


async def _stored_unread(house: House) -> None:
    """Store a good callback as if the parser of that day had not understood it."""
    await house.hear("m1", "delivered")
    await house.delivered(1)
    house.stage.sink.received.clear()
    for table in ("event", "subject", "subject_key", "search_key", "attempt"):
        await house.stage.execute(f"delete from {table}")
    await house.stage.execute("update callback set outcome = 5, subject = null")


async def test_a_refused_callback_is_never_read(house: House) -> None:
    """What failed its signature stays unread, whoever asks."""
    good = house.stage.callback("delivered", "m1")
    forged = Callback(good.method, good.url, good.headers, good.body + b" ")
    await house.stage.receive(forged)
    (callback,) = (await house.get("/v1/callbacks"))["data"]
    answer = await house.call("POST", f"/v1/callbacks/{callback['id']}/reparse", json={})
    assert_problem(answer, 409, "not_now")


async def test_a_delivery_policy_is_kept_and_obeyed(house: House) -> None:
    """What is given is kept beside the defaults; one lane for all events holds them in order."""
    sink = house.stage.sink
    made = await house.post(
        "/v1/endpoints",
        {"url": f"{sink.url}/strict", "event_types": ["message.sent"],
         "delivery": {"order": "endpoint", "retry_schedule_s": [7], "give_up_on": [422]}},
    )  # fmt: skip
    assert ("endpoint", [7], [422], 15.0, 32) == tuple(
        made["delivery"][name]
        for name in ("order", "retry_schedule_s", "give_up_on", "timeout_s", "concurrency")
    )
    changed = await house.call(
        "PATCH", f"/v1/endpoints/{made['id']}", json={"delivery": {"timeout_s": 3}}
    )
    assert (3.0, "endpoint") == (
        changed.json()["delivery"]["timeout_s"], changed.json()["delivery"]["order"],
    )  # fmt: skip
    await house.stage.execute("update endpoint set deleted = now() where url not like '%strict'")
    await house.engine.configuration.reload()
    sink.answers.append((500, ""))
    await house.hear("m1", "sent")
    await house.delivered(1)
    await house.hear("m2", "sent")
    await until(lambda: house.engine.push.active == 0)
    assert 1 == len(sink.received)


async def test_a_wrong_policy_is_refused_with_pointers(house: House) -> None:
    """Every fault of a policy is named with its place."""
    wrong = {
        "retry_schedule_s": [0], "timeout_s": 99, "concurrency": 0, "give_up_on": [500],
        "allowed_networks": ["10.0.0.1/8"],
    }  # fmt: skip
    answer = await house.call(
        "POST", "/v1/endpoints",
        json={"url": "https://example.com/x", "event_types": ["*"], "delivery": wrong},
    )  # fmt: skip
    assert_problem(answer, 422, "invalid")
    assert {
        "/delivery/retry_schedule_s/0", "/delivery/timeout_s", "/delivery/concurrency",
        "/delivery/give_up_on/0", "/delivery/allowed_networks/0",
    } == {fault["pointer"] for fault in answer.json()["errors"]}  # fmt: skip
