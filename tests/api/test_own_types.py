"""Types of one's own: described, versioned, held to, deprecated, archived, forgotten."""

import asyncio
from typing import Any

import jsonschema_rs
import pytest

from ringback.services import own_types
from tests.api.house import KEY, LIVE_KEY, OTHER_KEY, House, Json, assert_problem, places
from tests.api.test_deliver_to import endpoint

SCHEMA: Json = {
    "type": "object",
    "properties": {"total": {"type": "integer", "minimum": 0}},
    "required": ["total"],
}
NAME = "shop.order_paid"


async def put(
    house: House, name: str = NAME, *, status: int = 200, key: str = KEY, **body: Any
) -> Json:
    """Describe a type."""
    answer = await house.call("PUT", f"/v1/event-types/{name}", json=body, key=key)
    assert status == answer.status_code, answer.text
    found: Json = answer.json()
    return found


async def publish(house: House, *events: Any, **more: Any) -> Any:
    """Publish events, one as it is and several in a list."""
    body = events[0] if len(events) == 1 else [*events]
    return await house.call("POST", "/v1/events", json=body, **more)


def event(data: Any, type_: str = NAME) -> Json:
    """Make an event."""
    return {"type": type_, "data": data}


async def test_a_type_is_described(house: House) -> None:
    """It is in the catalogue with its schema and an example in its envelope; only its owner's."""
    made = await put(
        house, status=201, description="An order was paid.", schema=SCHEMA, example={"total": 12}
    )
    assert made == await house.get(f"/v1/event-types/{NAME}")
    assert (True, SCHEMA, 1, {"total": 12}, NAME, "test") == (
        made["own"], made["schema"], made["schema_version"], made["example"]["data"],
        made["example"]["type"], made["example"]["mode"],
    )  # fmt: skip
    listed = (await house.get("/v1/event-types"))["data"]
    assert {name: made[name] for name in listed[-1]} == listed[-1]
    (version,) = made["schemas"]
    path = version["url"].partition(":8420")[2]
    answer = await house.call("GET", path)
    assert (SCHEMA, "application/schema+json") == (answer.json(), answer.headers["content-type"])
    jsonschema_rs.validator_for(answer.json()).validate({"total": 12})
    for key in (LIVE_KEY, OTHER_KEY):
        assert_problem(await house.call("GET", path, key=key), 404, "not_found")
        for method in ("GET", "DELETE"):
            theirs, missing = [
                assert_problem(
                    await house.call(method, f"/v1/event-types/{name}", key=key), 404, "not_found"
                )
                for name in (NAME, "shop.nothing")
            ]
            assert {**theirs, "instance": ""} == {**missing, "instance": ""}
    assert made == await house.get(f"/v1/event-types/{NAME}")
    ours = await house.call("GET", "/v1/event-types/message.sent/schemas/1")
    assert "message.sent" == ours.json()["title"]
    for wrong in ("0", "2", "01", "99999", "x"):
        answer = await house.call("GET", f"/v1/event-types/{NAME}/schemas/{wrong}")
        assert_problem(answer, 404, "not_found")


async def test_what_is_published_has_to_fit(house: House) -> None:
    """Faults are named with their places in the request, and nothing of it is stored."""
    await endpoint(house, "mine", "shop.*")
    await put(house, status=201, schema=SCHEMA)
    wrong = await publish(
        house, event({"total": 1}), event({"x": 1}), event(5, "a.free"), event({"total": "1"})
    )
    assert ["/2/data"] == places(assert_problem(wrong, 422, "invalid"))
    wrong = await publish(house, event({"total": 1}), event({}), event({"total": "1"}))
    assert ["/1/data/total", "/2/data/total"] == places(assert_problem(wrong, 422, "invalid"))
    wrong = await publish(house, event({"total": -1}))
    assert ["/data/total"] == places(assert_problem(wrong, 422, "invalid"))
    assert 0 == await house.stage.value("select count(*) from event")
    assert 201 == (await publish(house, event({"total": 1}), event({}, "shop.free"))).status_code
    await house.delivered(2)
    for key in (LIVE_KEY, OTHER_KEY):
        assert 201 == (await publish(house, event({}), key=key)).status_code


async def test_another_schema_is_another_version(house: House) -> None:
    """The newest is held to, older ones are kept; the same again is none; null frees the data."""
    await put(house, status=201, schema=SCHEMA)
    await put(house, schema=SCHEMA, description="The same.")
    second = {**SCHEMA, "required": ["total", "currency"]}
    changed = await put(house, schema=second)
    assert (2, [1, 2], "The same.") == (
        changed["schema_version"], [one["version"] for one in changed["schemas"]],
        changed["description"],
    )  # fmt: skip
    assert 422 == (await publish(house, event({"total": 1}))).status_code
    first = await house.call("GET", f"/v1/event-types/{NAME}/schemas/1")
    assert SCHEMA == first.json()
    freed = await put(house, schema=None)
    assert (None, None, 2) == (freed["schema"], freed["schema_version"], len(freed["schemas"]))
    assert 201 == (await publish(house, event({}))).status_code
    assert 3 == (await put(house, schema=SCHEMA))["schema_version"]


async def test_a_type_comes_to_its_end(house: House) -> None:
    """Deprecated: published with a warning. Archived: refused. Deleted: as if never described."""
    note = "Use shop.paid."
    await put(house, status=201, deprecated=True, deprecation_note=note)
    warned = await publish(house, event({}), event({}, "shop.paid"))
    assert [f"{NAME} is deprecated. {note}", None] == [
        one.get("warning") for one in warned.json()["data"]
    ]
    await put(house, archived=True)
    refused = assert_problem(await publish(house, event({})), 422, "invalid")
    assert ["/type"] == places(refused)
    assert note in refused["errors"][0]["detail"]
    await put(house, archived=False, deprecated=False, deprecation_note=None)
    assert "warning" not in (await publish(house, event({}))).json()
    path = f"/v1/event-types/{NAME}"
    assert 204 == (await house.call("DELETE", path)).status_code
    for method in ("GET", "DELETE"):
        assert_problem(await house.call(method, path), 404, "not_found")
    assert 201 == (await publish(house, event({}))).status_code
    log = (await house.get("/v1/audit-log", object=NAME))["data"]
    assert [
        "event_type.deleted", "event_type.changed", "event_type.changed", "event_type.created",
    ] == [entry["action"] for entry in log]  # fmt: skip


async def test_what_cannot_be_described(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours, wrong names, no schemas, examples that do not fit, more than there may be."""
    for name in ("message.mine", "message.sent", "Shop.paid", "shop", "x" * 65 + ".y"):
        answer = await house.call("PUT", f"/v1/event-types/{name}", json={})
        assert ["event_type"] == places(assert_problem(answer, 422, "invalid"))
    answer = await house.call("DELETE", "/v1/event-types/message.sent")
    assert_problem(answer, 404, "not_found")
    wrong = await put(house, status=422, schema={"properties": {"a": {"type": "x"}}})
    assert ["/schema/properties/a/type"] == places(wrong)
    wrong = await put(house, status=422, schema=SCHEMA, example={"total": "x"})
    assert ["/example/total"] == places(wrong)
    await put(house, status=201, schema=SCHEMA, example={"total": 1})
    wrong = await put(house, status=422, schema={"required": ["a"]})
    assert ["/schema"] == places(wrong)
    large = await put(house, status=422, example={"x": "y" * own_types.EXAMPLE_MAX})
    assert ["/example"] == places(large)
    monkeypatch.setattr(own_types, "TYPES_MAX", 1)
    assert "limit_reached" == (await put(house, "a.b", status=409))["code"]
    assert (
        201 == (await house.call("PUT", "/v1/event-types/a.b", json={}, key=LIVE_KEY)).status_code
    )
    monkeypatch.setattr(own_types, "VERSIONS_MAX", 1)
    assert "limit_reached" == (await put(house, status=409, schema={}))["code"]


async def test_what_would_take_too_long_is_refused(house: House) -> None:
    """The bound is for all events of a request together."""
    await put(house, status=201, schema={"properties": {"a": {"items": {"allOf": [{}] * 90}}}})
    large = event({"a": [1] * 40_000})
    assert 201 == (await publish(house, large)).status_code
    problem = assert_problem(await publish(house, large, large, large), 422, "invalid")
    assert ["/2/data"] == places(problem)


async def test_an_example_of_ones_own_is_sent_as_a_test(house: House) -> None:
    """A type with an example can be tested, and is what a test sends if that is what is wanted."""
    mine = await endpoint(house, "mine", NAME)
    path = f"/v1/endpoints/{mine['id']}/test"
    assert "message.delivered" == (await house.post(path, {}, status=202))["type"]
    await put(house, status=201)
    answer = await house.call("POST", path, json={"event_type": NAME})
    assert ["/event_type"] == places(assert_problem(answer, 422, "invalid"))
    await put(house, example={"total": 12})
    sent = await house.post(path, {}, status=202)
    shown = await house.get(f"/v1/events/{sent['id']}")
    assert (NAME, True, {"total": 12}, sent["id"]) == (
        shown["type"], shown["test"], shown["data"], shown["id"],
    )  # fmt: skip


async def test_changes_at_once_are_all_kept(house: House) -> None:
    """What one request leaves out is not put back by it, when another changes it meanwhile."""
    await put(house, status=201, schema=SCHEMA)
    for turn in range(5):
        await asyncio.gather(
            put(house, description=f"Turn {turn}."),
            put(house, archived=turn % 2 == 0),
            put(house, deprecated=turn % 2 == 1),
        )
        found = await house.get(f"/v1/event-types/{NAME}")
        assert (f"Turn {turn}.", turn % 2 == 0, turn % 2 == 1) == (
            found["description"], found["archived"], found["deprecated"],
        )  # fmt: skip
