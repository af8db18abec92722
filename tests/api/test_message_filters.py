"""Messages by how they stand, what they are, where they went and when: all that fit, none else."""

import asyncio
from typing import Any

import pytest

from ringback.domain.ids import show
from ringback.storage import messages
from tests.api.house import House, assert_problem, places
from tests.api.test_messages import found
from tests.api.test_native import MESSAGE, connect, tell


async def crowd(house: House) -> None:
    """Make four messages through the simulator, p3 an inbound one, and w1 through WhatsApp."""
    await house.observe(0)
    await house.observe(1, status="failed", code="unreachable")
    await house.observe(2, house.item(2, status="delivered"), channel="rcs")
    await house.observe(3, type="received", text="Yes")
    await house.hear("w1", "sent", "delivered")


async def test_by_what_they_are(house: House) -> None:
    """By status, direction, channel, provider and connection, newest first."""
    await crowd(house)
    whatsapp = await house.connection("whatsapp")
    for filters, expected in (
        ({"status": "failed"}, ["p1"]), ({"status": "delivered"}, ["w1", "p2"]),
        ({"status": "sent,failed"}, ["p1", "p0"]), ({"status": "received"}, ["p3"]),
        ({"status": "read"}, []), ({"direction": "inbound"}, ["p3"]),
        ({"direction": "outbound"}, ["w1", "p2", "p1", "p0"]),
        ({"channel": "sms"}, ["p3", "p1", "p0"]), ({"channel": "rcs"}, ["p2"]),
        ({"channel": "fax"}, []), ({"provider": "whatsapp"}, ["w1"]),
        ({"provider": "bandwidth"}, []), ({"connection": whatsapp["id"]}, ["w1"]),
        ({"connection": show("con", house.new_id())}, []),
        ({"provider": "simulator", "status": "delivered"}, ["p2"]),
        ({"channel": "sms", "direction": "outbound", "status": "sent"}, ["p0"]),
    ):  # fmt: skip
        assert expected == await found(house, **filters), filters


async def test_with_what_they_carry(house: House) -> None:
    """The same filters narrow a search by address, reference or the provider's id."""
    await crowd(house)
    assert ["p2"] == await found(house, status="delivered", **{"from": "9999"})
    assert ["p1"] == await found(house, status="failed,expired", reference="order-1")
    assert ["p3"] == await found(house, direction="inbound", reference="order-1")
    assert [] == await found(house, channel="rcs", to="0001")
    assert ["p2"] == await found(house, channel="rcs", provider_message_id="p2")


async def test_by_when_they_became_known(house: House) -> None:
    """From a time on and before one, alone and with every other kind of filter."""
    await house.observe(0)
    await asyncio.sleep(0.01)
    between = (await house.message("p0"))["created_at"].replace("Z", "+00:00")
    await house.observe(2)
    assert ["p2", "p0"] == await found(house, since=between)
    after = (await house.message("p2"))["created_at"]
    for more in (
        {},
        {"status": "sent"},
        {"reference": "order-0"},
        {"to": "0002", "status": "sent"},
    ):
        older = [] if "to" in more else ["p0"]
        assert ["p2"] == await found(house, since=after, **more), more
        assert older == await found(house, until=after, **more), more
        assert ["p2", *older] == await found(house, since="1h", **more), more
        assert [] == await found(house, until="1h", **more), more


async def test_pages_of_what_fits(house: House, monkeypatch: Any) -> None:
    """Looking for what is rare ends after so many rows and says where to look on; both ways."""
    monkeypatch.setattr(messages, "SCAN_MAX", 3)
    for number in range(8):
        await house.observe(number, status="failed" if number % 4 == 1 else "sent")
    seen, pages, page = [], 0, await house.get("/v1/messages", status="failed", limit=1)
    oldest = page
    while True:
        pages += 1
        seen += [row["provider_message_id"] for row in page["data"]]
        assert len(page["data"]) <= 1
        oldest = page if page["data"] else oldest
        if page["next"] is None:
            break
        cursor = page["next"]
        page = await house.get("/v1/messages", status="failed", limit=1, cursor=cursor)
    assert ["p5", "p1"] == seen
    assert 3 <= pages <= 5
    back, cursor = [], oldest["prev"]
    while cursor:
        page = await house.get("/v1/messages", status="failed", limit=1, cursor=cursor)
        back += [row["provider_message_id"] for row in page["data"]]
        cursor = page["prev"]
    assert ["p5"] == back


async def test_words_elsewhere_in_a_message_are_not_its_fields(house: House) -> None:
    """What its owner wrote beside a message does not make it fit: its fields do."""
    token = await connect(house)
    for number in range(4):
        other = {**MESSAGE, "id": f"m-{number}", "channel": "rcs", "metadata": {"channel": "sms"}}
        await tell(house, token, other)
    await tell(house, token, {**MESSAGE, "id": "real", "metadata": {"channel": "rcs"}})
    assert ["real"] == await found(house, channel="sms")
    first = await house.get("/v1/messages", channel="sms", limit=1)
    assert ["real"] == [row["provider_message_id"] for row in first["data"]]
    assert ["m-3", "m-2", "m-1", "m-0"] == await found(house, channel="rcs")


@pytest.mark.parametrize(
    ("parameter", "text", "hint"),
    [
        ("status", "lost", "delivered"), ("status", "sent,", "commas"), ("status", "", "sent"),
        ("direction", "in", "inbound"), ("channel", "SMS!", ""), ("provider", "none", "whatsapp"),
        ("connection", "con_1", "con_ and 26"), ("since", "yesterday", "15m"),
        ("until", "2026-03-02T15:01:22", "time zone"),
    ],
)  # fmt: skip
async def test_filters_that_cannot_be_read(
    house: House, parameter: str, text: str, hint: str
) -> None:
    """Each says what to write instead."""
    answer = await house.call("GET", "/v1/messages", params={parameter: text})
    problem = assert_problem(answer, 422, "invalid")
    assert [parameter] == places(problem)
    assert hint in problem["errors"][0]["detail"]
