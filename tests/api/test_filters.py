"""Lists by status, type, endpoint and time: what fits, all of it, and nothing else."""

import asyncio
from datetime import timedelta
from typing import Any

from ringback.services import sieve
from tests.api.house import House, Json, assert_problem, at, places
from tests.api.test_deliveries import one_of_each


async def ids(house: House, name: str, **filters: Any) -> list[str]:
    """Return the ids of the rows that fit."""
    return [row["id"] for row in (await house.get(f"/v1/{name}", **filters))["data"]]


async def story(house: House) -> tuple[list[str], list[str]]:
    """Let something happen, and after a moment something else; return three times and what lies
    between them.
    """
    times = []
    for number in range(2):
        times.append(house.engine.clock.now_ms())
        await asyncio.sleep(0.01)
        await house.hear(f"m{number}", "sent", "delivered")
        await house.delivered(2 * number + 2)
        await asyncio.sleep(0.01)
    times.append(house.engine.clock.now_ms())
    moments = [(at("1970-01-01T00:00:00.000Z") + timedelta(milliseconds=t)) for t in times]
    return [moment.isoformat() for moment in moments], ["m0", "m1"]


async def test_by_time(house: House) -> None:
    """From a time on, before a time, and between two; the same rows as without, only fewer."""
    (before, between, after), _ = await story(house)
    endpoint = (await house.get("/v1/endpoints"))["data"][0]["id"]
    for name, more in (
        ("events", {}), ("events", {"type": "message.*"}), ("callbacks", {}),
        ("callbacks", {"outcome": "accepted"}), ("attempts", {}), ("attempts", {"status": "2xx"}),
        ("attempts", {"endpoint": endpoint}), ("deliveries", {}),
        ("deliveries", {"status": "delivered"}),
        ("deliveries", {"endpoint": endpoint}), ("deliveries", {"type": "message.sent"}),
    ):  # fmt: skip
        whole = await ids(house, name, **more)
        half = len(whole) // 2
        assert half >= 1, (name, more)
        assert whole == await ids(house, name, since=before, **more), (name, more)
        assert whole[:half] == await ids(house, name, since=between, **more), (name, more)
        assert whole[half:] == await ids(house, name, until=between, **more), (name, more)
        assert whole == await ids(house, name, until=after, **more), (name, more)
        assert [] == await ids(house, name, since=after, **more), (name, more)
        assert [] == await ids(house, name, until=before, **more), (name, more)
        assert whole[half:] == await ids(house, name, since=before, until=between, **more)
        assert [] == await ids(house, name, since=between, until=between, **more)
        assert whole == await ids(house, name, since="15m", until="0s", **more)
        assert [] == await ids(house, name, until="15m", **more)


async def test_open_deliveries_by_time(house: House) -> None:
    """What is scheduled or waits, by when its event was emitted."""
    found = await one_of_each(house)
    for status in ("pending", "scheduled"):
        whole = await ids(house, "deliveries", status=status)
        assert [found[status]["id"]] == whole
        assert whole == await ids(house, "deliveries", status=status, since="1h")
        assert [] == await ids(house, "deliveries", status=status, until="1h")
        later = found[status]["created_at"].replace("Z", "+00:00")
        assert whole == await ids(house, "deliveries", status=status, since=later)


async def test_deliveries_by_type(house: House) -> None:
    """A type, a family or several, together with the other filters."""
    found = await one_of_each(house)
    everything = (await house.get("/v1/deliveries"))["data"]
    assert {"message.sent", "message.delivered", "message.failed"} == {
        row["event_type"] for row in everything
    }
    for type_, fitting in (
        ("message.failed", {"message.failed"}), ("message.*", {"message.sent", "message.delivered",
        "message.failed"}), ("message.sent,message.failed", {"message.sent", "message.failed"}),
        ("shop.paid", set()),
    ):  # fmt: skip
        expected = [row["id"] for row in everything if row["event_type"] in fitting]
        assert expected == await ids(house, "deliveries", type=type_)
    event = found["exhausted"]["event"]
    assert [found["exhausted"]["id"]] == await ids(
        house, "deliveries", event=event, type="message.sent"
    )
    assert [] == await ids(house, "deliveries", event=event, type="message.read")
    assert [found["scheduled"]["id"]] == await ids(
        house, "deliveries", status="scheduled", type="message.sent"
    )


async def test_attempts_by_answer_and_end(house: House) -> None:
    """By one status or a class of them, and by how the delivery ended with it."""
    await one_of_each(house)
    everything = (await house.get("/v1/attempts"))["data"]

    async def fitting(**filters: Any) -> list[Json]:
        return list((await house.get("/v1/attempts", **filters))["data"])

    assert [row for row in everything if row["status"] == 503] == await fitting(status="503")
    for one in ("2", "4", "5"):
        expected = [row for row in everything if str(row["status"]).startswith(one)]
        assert expected
        assert expected == await fitting(status=f"{one}xx")
    for final in ("delivered", "exhausted", "cancelled"):
        expected = [row for row in everything if row["final"] == final]
        assert expected == await fitting(final=final)
    both = [row for row in everything if row["final"] == "exhausted" and row["status"] == 400]
    assert both == await fitting(final="exhausted", status="400")
    assert [] == await fitting(final="delivered", status="5xx")


async def test_what_is_rare_is_looked_for_in_steps(house: House, monkeypatch: Any) -> None:
    """A page looks at so many rows, and says where to look on."""
    monkeypatch.setattr(sieve, "LOOKED_AT_MAX", 3)
    monkeypatch.setattr(sieve, "_STEP", 2)
    house.stage.sink.answers.append((503, ""))
    await house.hear("m0", "sent")
    await house.delivered(1)
    for number in range(1, 9):
        await house.hear(f"m{number}", "sent")
    await house.delivered(9)
    page, pages = await house.get("/v1/attempts", status="503", limit=1), 1
    while page["next"] and not page["data"]:
        cursor = page["next"]
        page = await house.get("/v1/attempts", status="503", limit=1, cursor=cursor)
        pages += 1
    assert 1 < pages < 6
    assert [503] == [row["status"] for row in page["data"]]


async def test_filters_that_cannot_be_read(house: House) -> None:
    """Each says what to write instead."""

    async def refused(name: str, **filters: str) -> list[str]:
        answer = await house.call("GET", f"/v1/{name}", params=filters)
        return places(assert_problem(answer, 422, "invalid"))

    for name in ("events", "deliveries", "attempts", "callbacks"):
        for wrong in ("yesterday", "2026-03-02T15:01:22", "15", "x" * 65):
            assert ["since"] == await refused(name, since=wrong)
            assert ["until"] == await refused(name, until=wrong)
    for wrong in ("600", "5x", "20", "abc", "xxx"):
        assert ["status"] == await refused("attempts", status=wrong)
    assert ["final"] == await refused("attempts", final="over")
    assert ["type"] == await refused("deliveries", type="message.nothing")
    event = (await house.get("/v1/events"))["data"]
    assert [] == event
    one = {"event": "evt_" + "0" * 26}
    assert ["since"] == await refused("deliveries", since="1h", **one)
    assert ["until"] == await refused("events", after="now", until="1h")
