"""`deliver_to`: the endpoints that one event is for."""

import json
from typing import Any

from tests.api.house import LIVE_KEY, OTHER_KEY, House, Json, assert_problem, places


async def endpoint(house: House, path: str, *types: str, **more: Any) -> Json:
    """Add an endpoint at the sink."""
    body = {"url": f"{house.stage.sink.url}/{path}", "event_types": [*types], **more}
    return await house.post("/v1/endpoints", body)


def received(house: House) -> list[tuple[str, int]]:
    """Return which paths were sent which number of its subject, in order."""
    return [
        (request.path.rpartition("/")[2], json.loads(request.body)["sequence"])
        for request in house.stage.sink.received
    ]


async def test_only_the_named_ones_get_it(house: House) -> None:
    """Whatever types they choose, by our id or their own; each gets a subject in order."""
    first = await endpoint(house, "first", "call.*")
    await endpoint(house, "second", "message.*", uid="second")
    await endpoint(house, "third", "shop.*")
    event = {"type": "shop.paid", "data": {}, "subject": "order-1"}
    both = [first["id"], "second", first["id"]]
    await house.post("/v1/events", [{**event, "deliver_to": both} for _ in range(5)])
    await house.post("/v1/events", {**event, "deliver_to": ["second"]})
    await house.post("/v1/events", event)
    await house.delivered(12)
    assert [1, 2, 3, 4, 5] == [number for path, number in received(house) if path == "first"]
    assert [1, 2, 3, 4, 5, 6] == [number for path, number in received(house) if path == "second"]
    assert [("third", 7)] == [one for one in received(house) if one[0] == "third"]


async def test_who_cannot_get_it_is_named(house: House) -> None:
    """Unknown, another's, of the other mode, disabled: 422 with each place, nothing is stored."""
    url = {"url": "https://example.com/hook", "event_types": ["*"]}
    live = await house.post("/v1/endpoints", url, key=LIVE_KEY)
    other = await house.post("/v1/endpoints", url, key=OTHER_KEY)
    own = await endpoint(house, "own", "*")
    off = await endpoint(house, "off", "*")
    await house.call("PATCH", f"/v1/endpoints/{off['id']}", json={"enabled": False})
    events = [
        {"type": "a.b", "data": {}},
        {"type": "a.b", "data": {}, "deliver_to": [own["id"], live["id"], "nobody", off["id"]]},
        {"type": "a.b", "data": {}, "deliver_to": [other["id"]]},
    ]
    problem = assert_problem(
        await house.call("POST", "/v1/events", json=events), 422, "invalid"
    )  # fmt: skip
    assert [
        "/1/deliver_to/1", "/1/deliver_to/2", "/1/deliver_to/3", "/2/deliver_to/0",
    ] == places(problem)  # fmt: skip
    details = [error["detail"] for error in problem["errors"]]
    assert details[0] == details[1] == details[3] != details[2]
    assert "disabled" in details[2]
    for wrong in ([], [own["id"]] * 21, own["id"], [1]):
        event: Json = {"type": "a.b", "data": {}, "deliver_to": wrong}
        answer = await house.call("POST", "/v1/events", json=event)
        (place,) = places(assert_problem(answer, 422, "invalid"))
        assert place.startswith("/deliver_to")
    assert 0 == await house.stage.value("select count(*) from event")


async def test_a_repeat_is_answered_though_its_endpoint_is_gone(house: House) -> None:
    """What was published under an idempotency key stays published; what was refused was not."""
    own = await endpoint(house, "own", "call.*")
    event = {"type": "a.b", "data": {}, "deliver_to": [own["id"]]}
    keyed = {"idempotency-key": "k-1"}
    first = await house.call("POST", "/v1/events", json=event, headers=keyed)
    await house.call("DELETE", f"/v1/endpoints/{own['id']}")
    again = await house.call("POST", "/v1/events", json=event, headers=keyed)
    assert (201, first.content) == (again.status_code, again.content)
    assert "true" == again.headers["idempotency-replayed"]
    for _ in range(2):
        new = await house.call("POST", "/v1/events", json=event, headers={"idempotency-key": "k-2"})
        assert ["/deliver_to/0"] == places(assert_problem(new, 422, "invalid"))
    assert 1 == await house.stage.value("select count(*) from event")
