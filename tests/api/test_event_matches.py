"""A filter tried on stored events: what an endpoint with it would have been sent, and why."""

from typing import Any

import pytest

from ringback.services.dry_run import LAST_MAX, SHOWN
from tests.api.house import (
    ACTING,
    LIVE_KEY,
    OPERATOR_KEY,
    OTHER_KEY,
    House,
    Json,
    assert_problem,
    places,
)


async def tried(house: House, *types: str, **more: Any) -> Json:
    """Try a filter."""
    key = more.pop("key", "rk_test_aaaa")
    asked = {"event_types": list(types), **more}
    return await house.post("/v1/event-matches", asked, key=key, status=200)


async def some_events(house: House) -> None:
    """Let two messages be delivered and one fail, and publish an event."""
    await house.hear("m1", "sent", "delivered")
    await house.hear("m2", "sent", "delivered")
    await house.hear("m3", "sent", "failed")
    await house.post("/v1/events", {"type": "shop.paid", "data": {}})


async def test_what_would_have_been_sent(house: House) -> None:
    """As many as endpoints with these types are sent; each type and pattern with its number."""
    await some_events(house)
    found = await tried(house, "message.delivered", "message.*")
    assert (7, 6) == (found["looked_at"], found["matched"])
    assert [("message.delivered", 2), ("message.*", 4)] == [
        (one["pattern"], one["matched"]) for one in found["patterns"]
    ]
    assert {
        "message.sent": (3, True, "message.*"), "message.failed": (1, True, "message.*"),
        "message.delivered": (2, True, "message.delivered"), "shop.paid": (1, False, None),
    } == {
        one["type"]: (one["count"], one["matched"], one["pattern"]) for one in found["types"]
    }  # fmt: skip
    assert "message.sent" == found["types"][0]["type"]
    for types, matched in ((["*"], 7), (["shop.paid"], 1), (["shop.*"], 1), (["call.*"], 0)):
        assert matched == (await tried(house, *types))["matched"], types


async def test_examples_say_why(house: House) -> None:
    """Newest first, each with its reason and its message."""
    await some_events(house)
    sample = (await tried(house, "message.failed", "shop.*"))["sample"]
    listed = (await house.get("/v1/events"))["data"]
    assert [event["id"] for event in listed] == [one["id"] for one in sample]
    paid, failed, *others = sample
    assert (True, None, "shop.* asks for all types that begin with shop.") == (
        paid["matched"], paid["message"], paid["why"],
    )  # fmt: skip
    assert (True, (await house.message("m3"))["id"]) == (failed["matched"], failed["message"])
    assert "message.failed asks for exactly this type." == failed["why"]
    assert {False} == {one["matched"] for one in others}
    assert "Nothing asks for message.sent; message.sent or message.* would." == others[0]["why"]


async def test_only_the_last_ones(house: House) -> None:
    """As many as asked for; of each verdict a few are shown."""
    for number in range(SHOWN + 3):
        await house.observe(number)
    assert (2, 2) == (
        (found := await tried(house, "*", last=2))["looked_at"], found["matched"]
    )  # fmt: skip
    assert SHOWN == len((await tried(house, "*"))["sample"])
    assert SHOWN == len((await tried(house, "call.*"))["sample"])


async def test_it_tells_what_an_endpoint_is_sent(house: House) -> None:
    """The same verdict as the one that sends: the endpoint of the house wants messages."""
    await some_events(house)
    await house.delivered(6)
    assert len(house.stage.sink.received) == (await tried(house, "message.*"))["matched"]


async def test_nothing_of_anothers(house: House) -> None:
    """Other tenants and the other mode have no events to look at."""
    await some_events(house)
    for key in (OTHER_KEY, LIVE_KEY):
        found = await tried(house, "*", key=key)
        assert (0, 0, [], []) == (
            found["looked_at"], found["matched"], found["types"], found["sample"],
        )  # fmt: skip
    acting = await house.call(
        "POST", "/v1/event-matches", key=OPERATOR_KEY, headers=ACTING, json={"event_types": ["*"]}
    )
    assert 0 == acting.json()["looked_at"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "/event_types"), ({"event_types": []}, "/event_types"),
        ({"event_types": ["message.lost"]}, "/event_types/0"),
        ({"event_types": ["*"], "last": LAST_MAX + 1}, "/last"),
        ({"event_types": ["*"], "last": 0}, "/last"), ({"event_types": ["*"], "x": 1}, "/x"),
    ],
)  # fmt: skip
async def test_what_is_no_filter(house: House, body: Json, place: str) -> None:
    """Each fault with its place, as when an endpoint is made."""
    answer = await house.call("POST", "/v1/event-matches", json=body)
    assert [place] == places(assert_problem(answer, 422, "invalid"))
