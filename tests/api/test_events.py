"""Events as they were stored, and the catalogue of their types."""

import json

from tests.api.house import House, Json, assert_problem, places


async def types(house: House, **filters: str) -> list[str]:
    """Return the types of the events that fit, newest first."""
    return [event["type"] for event in (await house.get("/v1/events", **filters))["data"]]


async def test_an_event_is_shown_byte_for_byte(house: House) -> None:
    """What the API shows is what the endpoint was sent and what its signature covers."""
    await house.hear("m1", "sent", "delivered")
    await house.delivered(2)
    bodies = [received.body for received in house.stage.sink.received]
    for body in bodies:
        response = await house.call("GET", f"/v1/events/{json.loads(body)['id']}")
        assert ("application/json", body) == (response.headers["content-type"], response.content)
    listed = await house.call("GET", "/v1/events")
    expected = b'{"data":[' + b",".join(reversed(bodies)) + b'],"next":null,"prev":null}'
    assert ("application/json", expected) == (listed.headers["content-type"], listed.content)


async def test_events_by_type(house: House) -> None:
    """By a whole type, or by a family."""
    await house.hear("m1", "sent", "read")
    assert ["message.read", "message.delivered", "message.sent"] == await types(house)
    assert ["message.delivered"] == await types(house, type="message.delivered")
    assert 3 == len(await types(house, type="message.*"))
    assert [] == await types(house, type="message.failed")
    assert [] == await types(house, type="call.*")
    for wrong in ("message", "message.nothing", "*", "Message.read", "nonsense.*x"):
        response = await house.call("GET", "/v1/events", params={"type": wrong})
        assert ["type"] == places(assert_problem(response, 422, "invalid"))


async def test_events_of_one_message(house: House) -> None:
    """Only that message's; together with a type, those that fit both."""
    await house.hear("m1", "sent", "delivered")
    await house.hear("m2", "sent")
    message = (await house.message("m1"))["id"]
    assert ["message.delivered", "message.sent"] == await types(house, message=message)
    assert ["message.sent"] == await types(house, message=message, type="message.sent")
    page = await house.get("/v1/events", message=message, type="message.sent", limit=1)
    seen: list[Json] = page["data"]
    while page["next"]:
        page = await house.get(
            "/v1/events", message=message, type="message.sent", limit=1, cursor=page["next"]
        )
        seen += page["data"]
    assert ["message.sent"] == [event["type"] for event in seen]


async def test_a_rare_type_is_found_behind_many_others(house: House) -> None:
    """A search looks at 20,000 events a time and says where it goes on."""
    await house.hear("m1", "failed")
    await house.stage.execute(
        "insert into event select uuid7_now(), tenant, mode, pos + i, 'message.sent', null, 1, "
        "occurred, callback, body from event, generate_series(1, 20100) i"
    )
    page = await house.get("/v1/events", type="message.failed")
    assert [] == page["data"]
    assert page["next"] is not None
    page = await house.get("/v1/events", type="message.failed", cursor=page["next"])
    assert ["message.failed"] == [event["type"] for event in page["data"]]
    assert page["next"] is None
