"""The catalogue as the API shows it, and the schemas that need no key."""

import json

import jsonschema_rs

from ringback.domain.event_examples import example
from ringback.domain.event_schemas import schema
from ringback.domain.event_types import CATALOGUE
from tests.api.house import House, assert_problem, places
from tests.services.stage import BASE_URL


async def test_the_list(house: House) -> None:
    """Every type that there is, with what it means, and where its schema is."""
    listed = {shown["name"]: shown for shown in (await house.get("/v1/event-types"))["data"]}
    assert {name: type_.description for name, type_ in CATALOGUE.items()} == {
        name: shown["description"] for name, shown in listed.items()
    }
    url = f"{BASE_URL}/schemas/message.sent/v1"
    assert [{"version": 1, "url": url}] == listed["message.sent"]["schemas"]
    assert (True, False) == (
        listed["message.sent"]["emitted"], listed["conversation.opened"]["emitted"],
    )  # fmt: skip
    response = await house.call("GET", "/v1/event-types?limit=5")
    assert ["limit"] == places(assert_problem(response, 422, "invalid"))


async def test_one_type(house: House) -> None:
    """A type by its name, with an example as an endpoint would receive it."""
    for name in ("message.delivered", "endpoint.disabled", "call.failed"):
        found = await house.get(f"/v1/event-types/{name}")
        assert (name, json.loads(example(name))) == (found["name"], found["example"])
    for name in ("message.arrived", "message", "shop.order_paid"):
        assert_problem(await house.call("GET", f"/v1/event-types/{name}"), 404, "not_found")


async def test_schemas_need_no_key_and_may_be_kept(house: House) -> None:
    """A schema says what it is, may be kept, and is not sent again to whoever has it."""
    answer = await house.call("GET", "/schemas/message.failed/v1", key=None)
    assert 200 == answer.status_code
    assert ("application/schema+json", "public, max-age=86400") == (
        answer.headers["content-type"], answer.headers["cache-control"],
    )  # fmt: skip
    assert schema("message.failed") == answer.json()
    jsonschema_rs.validator_for(answer.json()).validate(json.loads(example("message.failed")))
    tag = answer.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = await house.call(
            "GET", "/schemas/message.failed/v1", key=None, headers={"if-none-match": known}
        )
        assert (304, b"", tag) == (again.status_code, again.content, again.headers["etag"])
    other = await house.call(
        "GET", "/schemas/message.failed/v1", key=None, headers={"if-none-match": '"other"'}
    )
    assert 200 == other.status_code


async def test_without_a_version_the_newest_is_found(house: House) -> None:
    """The name alone leads to the newest version; what does not exist is a problem."""
    answer = await house.call("GET", "/schemas/message.sent", key=None)
    assert (307, "/schemas/message.sent/v1") == (answer.status_code, answer.headers["location"])
    for path in ("message.arrived", "message.arrived/v1", "message.sent/v2", "message.sent/v01"):
        assert_problem(await house.call("GET", f"/schemas/{path}", key=None), 404, "not_found")
