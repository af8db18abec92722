"""The overview: what it counts is what is there, folded or not, and only the asker's own."""

import random
from collections import Counter
from typing import Any

import pytest

from ringback.domain.messages import STATUS_CODE, Status
from ringback.services import folding
from ringback.storage import rollups
from tests.api.house import (
    ACTING,
    KEY,
    LIVE_KEY,
    OPERATOR_KEY,
    OTHER_KEY,
    House,
    Json,
    assert_problem,
)

_STATUSES: tuple[Status, ...] = (
    "queued", "submitted", "sent", "delivered", "read", "failed", "expired", "cancelled",
)  # fmt: skip
_PLAIN = """
    select status, count(*) as n from subject
    where kind = 1 and sequence > 0 and tenant = 1 and mode = 2 group by status"""


async def _fold(house: House) -> None:
    await house.engine.folding.once(least=1, after_s=0, ids_after_s=0, grace_s=-1)


def _counts(found: Json) -> Json:
    """Return what must not differ between what is folded and what is not yet."""
    return {
        "became": found["became"],
        "messages": {name: sum(line) for name, line in found["series"]["messages"].items()},
        "webhooks": {name: sum(line) for name, line in found["series"]["webhooks"].items()},
        "tiles": {**found["tiles"], "awaiting": None, "backlog": None},
        "heard": [(one["name"], one["lately"], one["rejected"]) for one in found["connections"]],
    }


async def test_everything_is_counted_once_folded_or_not(house: House) -> None:
    """Four messages and a reply: each in one bucket, the same before, during and after folding."""
    await house.hear("m1", "sent", "delivered", "read")
    await house.hear("m2", "sent", "delivered")
    await house.hear("m3", "sent")
    await house.hear("m4", "failed")
    await house.hear("m5", "received")
    await house.delivered(8)
    raw = await house.get("/v1/overview", span="1h")
    assert {
        "accepted": 4, "submitted": 4, "delivered": 2, "read": 1, "replied": None, "awaiting": 1,
        "failed_or_expired": 1, "unconfirmed": 0,
    } == raw["became"]  # fmt: skip
    assert {"value": 1, "previous": 0} == raw["tiles"]["inbound"]
    assert {"value": 2, "of": 4, "previous": 0, "previous_of": 0} == raw["tiles"]["delivered"]
    assert raw["complete"]
    await house.engine.folding.once(least=1, after_s=0, ids_after_s=3600)
    half = await house.get("/v1/overview", span="1h")
    await house.hear("m3", "delivered")
    await house.delivered(9)
    await _fold(house)
    await _fold(house)
    assert 0 == await house.stage.value(
        "select count(*) from event e, rollup_place p where p.kind = 1 and e.pos > p.pos"
    )
    folded = await house.get("/v1/overview", span="1h")
    assert _counts(raw)["became"] == _counts(half)["became"]
    assert (3, 0) == (folded["became"]["delivered"], folded["became"]["awaiting"])
    assert 9 == sum(folded["series"]["webhooks"]["success"])
    assert {"read": 1, "delivered": 2, "failed": 1, "inbound": 1} == {
        name: n for name, n in _counts(folded)["messages"].items() if n
    }
    for span in ("24h", "7d"):
        assert _counts(folded) == _counts(await house.get("/v1/overview", span=span))


@pytest.mark.parametrize("seed", range(3))
async def test_random_lives_are_counted_as_they_lie_in_the_table(
    house: House, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Facts in any order, parts, contradictions; folded in tiny chunks, with a tail left over."""
    monkeypatch.setattr(folding, "CHUNK", 7)
    monkeypatch.setattr(folding, "PAUSE_S", 0)
    dice = random.Random(seed)
    for turn in range(120):
        number = dice.randrange(25)
        parts = {"parts": 2, "part": dice.randrange(1, 3)} if number % 5 == 0 else {}
        status = dice.choice(_STATUSES)
        await house.observe(number, status=status, at=1_772_442_927_000 + turn, **parts)
        if turn % 40 == 25:
            await _fold(house)
    found = await house.get("/v1/overview", span="1h")
    rows = await house.stage.rows(_PLAIN)
    plain: Counter[int] = Counter({row["status"]: row["n"] for row in rows})
    assert plain.total() == found["became"]["accepted"] > 20
    lines = {name: sum(line) for name, line in found["series"]["messages"].items()}
    awaiting = sum(plain[STATUS_CODE[one]] for one in ("queued", "submitted", "sent"))
    assert awaiting == lines.pop("awaiting")
    assert {name: plain[STATUS_CODE[name]] for name in lines if name != "inbound"} == {
        name: n for name, n in lines.items() if name != "inbound"
    }


async def test_a_turn_that_is_cut_short_counts_nothing_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended between counting and its commit, the chunk is folded whole the next time."""
    await house.hear("m1", "sent", "delivered")
    await house.delivered(2)
    whole = rollups.fold_messages

    async def dies(*given: Any) -> int:
        await whole(*given)
        raise ConnectionResetError("killed")

    monkeypatch.setattr(rollups, "fold_messages", dies)
    with pytest.raises(Exception, match="killed"):
        await _fold(house)
    assert 0 == await house.stage.value("select count(*) from rollup")
    monkeypatch.setattr(rollups, "fold_messages", whole)
    await _fold(house)
    assert 1 == (await house.get("/v1/overview"))["became"]["accepted"]


async def test_only_one_folds_and_the_others_pass(house: House) -> None:
    """While another worker holds the lock, a turn does nothing and waits for nothing."""
    await house.hear("m1", "sent")
    async with house.engine.database.acquire() as connection, connection.transaction():
        assert await rollups.alone(connection)
        await _fold(house)
        assert 0 == await house.stage.value("select count(*) from rollup_place")
    await _fold(house)
    assert 3 == await house.stage.value("select count(*) from rollup_place")


async def test_tenants_and_modes_count_for_themselves(house: House) -> None:
    """Another tenant, the other mode, an operator acting for one: nothing of the first's."""
    await house.hear("m1", "sent", "delivered")
    await house.delivered(2)
    await _fold(house)
    await house.hear("m2", "failed")
    await house.delivered(3)
    assert 2 == (await house.get("/v1/overview", key=KEY))["became"]["accepted"]
    for key, headers in ((OTHER_KEY, {}), (LIVE_KEY, {}), (OPERATOR_KEY, ACTING)):
        answer = await house.call("GET", "/v1/overview", key=key, headers=headers)
        found = answer.json()
        assert 0 == found["became"]["accepted"] == sum(found["series"]["webhooks"]["success"])
        assert [] == found["connections"] == found["needs_a_person"]


async def test_more_than_can_be_counted_is_said(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits to be folded beyond the limit is left out, and `complete` says so."""
    await house.hear("m1", "sent", "delivered", "read")
    monkeypatch.setattr(rollups, "TAIL_MAX", 2)
    monkeypatch.setattr(rollups, "CUT_MAX", 0)
    assert not (await house.get("/v1/overview"))["complete"]
    await _fold(house)
    found = await house.get("/v1/overview")
    assert found["complete"]
    assert 1 == found["became"]["read"]


async def test_a_span_that_there_is_not_is_refused(house: House) -> None:
    """With the place of the fault."""
    answer = await house.call("GET", "/v1/overview", params={"span": "2h"})
    problem = assert_problem(answer, 422, "invalid")
    assert "span" == problem["errors"][0]["parameter"]


async def test_what_needs_a_person_is_named(house: House) -> None:
    """An endpoint that fails, and then is off, while it is owed something; what was given up."""
    house.stage.sink.answers.extend([(503, "")])
    await house.hear("m1", "sent")
    await house.delivered(1)
    (need,) = (await house.get("/v1/overview"))["needs_a_person"]
    assert ("endpoint_failing", 1, 503) == (need["kind"], need["count"], need["answer"])
    endpoint = (await house.get("/v1/endpoints"))["data"][0]["id"]
    assert endpoint == need["endpoint"]
    tile = (await house.get("/v1/overview"))["tiles"]["webhooks"]
    assert (0, 1, 1) == (tile["value"], tile["of"], tile["retrying"])
    await house.call("PATCH", f"/v1/endpoints/{endpoint}", json={"enabled": False})
    found = await house.get("/v1/overview")
    (need,) = found["needs_a_person"]
    assert ("endpoint_disabled", 1, "Disabled by hand.") == (
        need["kind"], need["count"], need["reason"],
    )  # fmt: skip
    assert {"open": 1, "at_least": False} == {
        name: found["tiles"]["backlog"][name] for name in ("open", "at_least")
    }
    await house.call("PATCH", f"/v1/endpoints/{endpoint}", json={"enabled": True})
    await house.give_up_on(500)
    house.stage.sink.answers.extend([(500, "")])
    await house.hear("m2", "sent")
    await house.delivered(2)
    kinds = {n["kind"]: n["count"] for n in (await house.get("/v1/overview"))["needs_a_person"]}
    assert 1 == kinds["deliveries_exhausted"]
