"""`Idempotency-Key` on ordinary routes: a POST that is sent twice happens once."""

import asyncio
import re
from typing import Any

import pytest

from ringback.api.application import operations_of_post
from ringback.services import once
from tests.api.house import (
    ACTING,
    KEY,
    LIVE_KEY,
    OPERATOR_KEY,
    OTHER_KEY,
    House,
    assert_problem,
    places,
)
from tests.api.test_document import operations

ENDPOINT = {"url": "https://example.com/hook", "event_types": ["*"]}


async def post(house: House, path: str, body: Any, name: str = "k-1", **more: Any) -> Any:
    """Post with an idempotency key."""
    headers = {"idempotency-key": name, **more.pop("headers", {})}
    return await house.call("POST", path, json=body, headers=headers, **more)


async def test_a_repeat_gets_the_first_answer(house: House) -> None:
    """The same key and body: the same answer, secrets and all, and nothing happens again."""
    before = len((await house.get("/v1/endpoints"))["data"])
    first = await post(house, "/v1/endpoints", ENDPOINT)
    assert 201 == first.status_code
    assert "idempotency-replayed" not in first.headers
    for _ in range(2):
        again = await post(house, "/v1/endpoints", ENDPOINT)
        assert (201, first.content) == (again.status_code, again.content)
        assert "true" == again.headers["idempotency-replayed"]
        assert again.headers["ringback-request-id"] != first.headers["ringback-request-id"]
    assert before + 1 == len((await house.get("/v1/endpoints"))["data"])


async def test_every_operation_of_a_post_is_known_by_its_path(house: House) -> None:
    """A POST is known as what the document calls it, whatever stands in for its parameters."""
    document = await house.get("/openapi.json", key=None)
    named = {
        re.sub(r"\{\w+\}", "some-id", path): methods["post"]["operationId"]
        for path, methods in document["paths"].items()
        if "post" in methods
    }
    found = {
        path: [name for shape, name in operations_of_post() if shape.fullmatch(path)]
        for path in named
    }
    # Past the framework: neither is answered here.
    hot = {"publish_events", "post_native"}
    assert {path: [] if name in hot else [name] for path, name in named.items()} == found


async def test_another_body_is_refused(house: House) -> None:
    """The same key with another body is a mistake: 422, and nothing happens."""
    await post(house, "/v1/endpoints", ENDPOINT)
    other = await post(house, "/v1/endpoints", {**ENDPOINT, "description": "x"})
    assert ["Idempotency-Key"] == places(assert_problem(other, 422, "idempotency_key_reused"))


async def test_a_key_belongs_to_its_tenant_mode_and_route(house: House) -> None:
    """Others may use the same words; so may the same tenant on another route."""
    made = [
        (await post(house, "/v1/endpoints", ENDPOINT, key=key)).json()["id"]
        for key in (KEY, LIVE_KEY, OTHER_KEY)
    ]
    assert 3 == len(set(made))
    key = await post(house, "/v1/api-keys", {"name": "k"})
    assert 201 == key.status_code
    acting = await post(house, "/v1/endpoints", ENDPOINT, key=OPERATOR_KEY, headers=ACTING)
    assert acting.json()["id"] not in made
    operators = await post(house, "/v1/api-keys", {"name": "k"}, key=OPERATOR_KEY)
    assert operators.json()["key"].startswith("rk_op_")


async def test_a_key_belongs_to_who_asks(house: House) -> None:
    """Another key of the same tenant and mode is not handed the secret that was answered first."""
    first = (await post(house, "/v1/api-keys", {"name": "k"})).json()
    other = (await house.post("/v1/api-keys", {"name": "another"}))["key"]
    theirs = await post(house, "/v1/api-keys", {"name": "k"}, key=other)
    assert "idempotency-replayed" not in theirs.headers
    assert first["key"] != theirs.json()["key"]
    assert first == (await post(house, "/v1/api-keys", {"name": "k"})).json()


async def test_what_failed_can_be_tried_again(house: House) -> None:
    """An answer that says that nothing happened is not kept: the key is free again."""
    wrong = await post(house, "/v1/endpoints", {**ENDPOINT, "event_types": ["?"]})
    assert 422 == wrong.status_code
    assert 201 == (await post(house, "/v1/endpoints", ENDPOINT)).status_code


async def test_a_repeat_needs_the_same_scope(house: House) -> None:
    """What is kept is shown to nobody who could not have asked for it."""
    await post(house, "/v1/endpoints", ENDPOINT)
    reader = (await house.post("/v1/api-keys", {"name": "r", "scopes": ["keys:read"]}))["key"]
    refused = await post(house, "/v1/endpoints", ENDPOINT, key=reader)
    assert_problem(refused, 403, "scope_missing")
    nobody = await post(house, "/v1/endpoints", ENDPOINT, key="rk_test_nobody")
    assert_problem(nobody, 401, "unauthenticated")


async def test_two_at_once(house: House) -> None:
    """While the first is under way its repeats are told to come again, and it happens once."""
    answers = await asyncio.gather(*(post(house, "/v1/api-keys", {"name": "k"}) for _ in range(8)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert 1 == len({answer.json()["id"] for answer in made})
    told = [answer for answer in answers if answer.status_code != 201]
    assert told
    for answer in told:
        assert_problem(answer, 409, "in_flight")
        assert "1" == answer.headers["retry-after"]
    again = await post(house, "/v1/api-keys", {"name": "k"})
    assert (201, made[0].json()) == (again.status_code, again.json())


async def test_what_ended_unknown_is_not_done_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that was never answered is not repeated behind anybody's back."""
    await post(house, "/v1/endpoints", ENDPOINT)
    await house.stage.execute("update idempotency_key set status = null, answer = null")
    assert_problem(await post(house, "/v1/endpoints", ENDPOINT), 409, "in_flight")
    monkeypatch.setattr(once, "IN_FLIGHT_S", 0.0)
    unknown = await post(house, "/v1/endpoints", ENDPOINT)
    assert_problem(unknown, 409, "outcome_unknown")
    assert "retry-after" not in unknown.headers


async def test_a_key_is_forgotten_after_a_day(house: House) -> None:
    """A day later the same key is a new one, before and after housekeeping."""
    first = await post(house, "/v1/endpoints", ENDPOINT)
    await house.stage.execute("update idempotency_key set created = now() - interval '25 hours'")
    second = await post(house, "/v1/endpoints", ENDPOINT)
    assert first.json()["id"] != second.json()["id"]
    await house.stage.execute("update idempotency_key set created = now() - interval '26 hours'")
    await house.engine.retainer.once()
    assert 0 == await house.stage.value("select count(*) from idempotency_key")


@pytest.mark.parametrize("name", ["", "x" * 256, "a b"])
async def test_what_no_key_can_be(house: House, name: str) -> None:
    """422, on every kind of route."""
    for path, body in (("/v1/endpoints", ENDPOINT), ("/v1/events", {"type": "a.b", "data": {}})):
        answer = await post(house, path, body, name)
        assert ["Idempotency-Key"] == places(assert_problem(answer, 422, "invalid"))


async def test_every_post_takes_one(house: House) -> None:
    """The document says so of each POST under /v1 but signing in, and of nothing else."""
    document = await house.get("/openapi.json", key=None)
    for name, operation in operations(document):
        named = [one["name"] for one in operation.get("parameters", ())]
        takes = name.startswith("POST /v1/") and name != "POST /v1/session"
        assert ("Idempotency-Key" in named) == takes, name
