"""What the panel's benchmark puts into the database is what the program would have put there."""

from bench import seed
from bench.seed import LIVES, Seeded
from tests.api.house import House, Json


async def seeded(house: House, messages: int) -> Seeded:
    """Fill the house's database."""
    return await seed.seed(house.stage.dsn, messages, house.engine.clock.now_ms())


async def entry_kinds(house: House, message: str) -> list[str]:
    """Return the kinds of a timeline's entries, in order."""
    story = await house.get(f"/v1/messages/{message}/timeline")
    return [entry["kind"] for entry in story["entries"]]


async def test_made_messages_are_whole(house: House) -> None:
    """Each is found by all that it carries; its timeline has every callback and event once."""
    made = await seeded(house, 2000)
    lengths = set()
    for number in (0, 160, 281, 1989, 1994, 1999):
        message: Json = await house.get(f"/v1/messages/{made.message(number)}")
        assert seed.provider_id(number) == message["provider_message_id"]
        party = "from" if message["direction"] == "inbound" else "to"
        assert seed.address(number) == message[party]
        for filters in (
            {"reference": seed.reference(number)}, {party: seed.address(number)},
            {"provider_message_id": seed.provider_id(number)},
        ):  # fmt: skip
            page = await house.get("/v1/messages", **filters)
            assert [message["id"]] == [one["id"] for one in page["data"]]
        kinds = await entry_kinds(house, message["id"])
        assert ["callback", "event"] * message["sequence"] + ["attempt"] == sorted(
            kinds, key=lambda kind: kind == "attempt"
        )
        lengths.add(message["sequence"])
    assert {1, 2, 3} == lengths
    assert 2000 == await house.stage.value("select count(*) from subject where kind = 1")
    told = await house.stage.value("select count(*) from event")
    assert sum(life.share * len(life.statuses) for life in LIVES) * 20 == told


async def test_what_comes_later_goes_on_from_there(house: House) -> None:
    """New callbacks are taken as ever: positions and indexes are in order."""
    await seeded(house, 100)
    await house.hear("m1", "sent", "delivered")
    newest = (await house.get("/v1/events", limit=2))["data"]
    assert ["m1", "m1"] == [event["data"]["message"]["provider_message_id"] for event in newest]
