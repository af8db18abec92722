"""The timeline: one message's story, in order, with nothing left out."""

from typing import Any

from tests.api.house import House, Json

CALLBACK_FIELDS = {
    "kind", "at", "id", "provider", "connection", "method", "outcome", "reason", "items", "repeats",
}  # fmt: skip


async def story(house: House, message: str) -> list[Json]:
    """Return the entries of a message's timeline."""
    found = await house.message(message)
    timeline = await house.get(f"/v1/messages/{found['id']}/timeline")
    assert found == timeline["message"]
    entries: list[Json] = timeline["entries"]
    return entries


def short(entry: Json) -> str:
    """Say in two words what an entry is."""
    what = {
        "callback": "outcome", "event": "type", "fact": "status", "attempt": "status",
        "delivery": "status",
    }[entry["kind"]]  # fmt: skip
    return f"{entry['kind']} {entry[what]}"


def of_kind(entries: list[Json], kind: str) -> list[Json]:
    """Pick the entries of one kind."""
    return [entry for entry in entries if entry["kind"] == kind]


def in_order_of_cause(entries: list[Json]) -> bool:
    """Say whether every event comes after its callback, and every attempt after its event."""
    place = {entry["id"]: index for index, entry in enumerate(entries) if "id" in entry}
    events = of_kind(entries, "event")
    return (
        all(place[event["callback"]] < place[event["id"]] for event in events)
        and all(
            place[attempt["event"]] < place[attempt["id"]]
            for attempt in of_kind(entries, "attempt")
        )
        and [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    )


async def test_causes_come_before_effects(house: House) -> None:
    """Callback, event, attempt: in this order, message by message as they happened."""
    for count, status in enumerate(("sent", "delivered", "read"), 1):
        await house.hear("m1", status)  # type: ignore[arg-type]
        await house.delivered(count)
    entries = await story(house, "m1")
    assert [
        "callback accepted", "event message.sent", "attempt 200",
        "callback accepted", "event message.delivered", "attempt 200",
        "callback accepted", "event message.read", "attempt 200",
    ] == [short(entry) for entry in entries]  # fmt: skip
    assert in_order_of_cause(entries)
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)


async def test_causes_come_before_effects_within_one_batch(house: House) -> None:
    """Also when all of it happens in the same millisecond, for several messages at once."""
    items = [house.item(number, status=status) for status in ("delivered", "read")
             for number in range(5)]  # fmt: skip
    await house.observe(9, *items)
    await house.delivered(11)
    for number in range(5):
        entries = await story(house, f"p{number}")
        assert [
            "callback accepted", "event message.delivered", "event message.read",
            "attempt 200", "attempt 200",
        ] == [short(entry) for entry in entries]  # fmt: skip
        assert in_order_of_cause(entries)


async def test_what_the_entries_say(house: House) -> None:
    """Each kind of entry names what it is about, and its own clocks."""
    await house.hear("m1", "delivered")
    await house.delivered(1)
    callback, event, attempt = await story(house, "m1")
    assert set(callback) == CALLBACK_FIELDS
    assert ("whatsapp", "POST", 1, "") == (
        callback["provider"], callback["method"], callback["items"], callback["reason"],
    )  # fmt: skip
    stored = await house.get(f"/v1/events/{event['id']}")
    assert (stored["timestamp"], stored["data"]["received_at"], stored["data"]["emitted_at"]) == (
        event["occurred_at"], event["received_at"], event["emitted_at"],
    )  # fmt: skip
    assert callback["at"] == event["received_at"]
    assert (False, False, False) == (event["late"], event["inferred"], event["weak"])
    shown = await house.get(f"/v1/attempts/{attempt['id']}")
    assert {name: shown[name] for name in attempt if name != "kind"} == {
        name: value for name, value in attempt.items() if name != "kind"
    }
    assert ("200: delivered.", "delivered", 1) == (
        attempt["decision"], attempt["final"], attempt["n"],
    )  # fmt: skip


async def test_a_real_report_after_an_inferred_one(house: House) -> None:
    """`read` implies `delivered`; the real report that follows emits nothing and is shown."""
    await house.hear("m1", "read", "delivered")
    await house.delivered(2)
    entries = await story(house, "m1")
    assert ["message.delivered", "message.read"] == [
        event["type"] for event in of_kind(entries, "event")
    ]
    assert [True, False] == [event["inferred"] for event in of_kind(entries, "event")]
    assert 2 == len(of_kind(entries, "callback"))
    (fact,) = of_kind(entries, "fact")
    assert "delivered" == fact["status"]
    assert "inferred" in fact["why"]
    assert of_kind(entries, "callback")[1]["id"] == fact["callback"]
    places = [entry.get("id") for entry in entries]
    assert entries.index(fact) == places.index(fact["callback"]) + 1


async def test_repetitions_are_shown(house: House) -> None:
    """A callback that came again is in the story, and names the one that it repeats."""
    callback = house.stage.callback("sent", "m1")
    await house.stage.receive(callback)
    await house.hear("m1", "delivered")
    for _ in range(2):
        await house.stage.receive(callback)
    entries = await story(house, "m1")
    first, other, *again = of_kind(entries, "callback")
    assert ["accepted", "accepted"] == [first["outcome"], other["outcome"]]
    assert [None, None] == [first["repeats"], other["repeats"]]
    assert [("duplicate", first["id"])] * 2 == [
        (entry["outcome"], entry["repeats"]) for entry in again
    ]
    entries = [entry for entry in entries if entry.get("type") != "message.delivered"]
    assert 1 == len(of_kind(entries, "event"))
    assert [] == of_kind(entries, "fact")


async def test_late_news(house: House) -> None:
    """What came after something that follows it is marked late; the order stays that of arrival."""
    await house.observe(1, status="delivered", at=None)
    await house.observe(1, status="sent", at=None)
    events = of_kind(await story(house, "p1"), "event")
    assert [("message.delivered", False), ("message.sent", True)] == [
        (event["type"], event["late"]) for event in events
    ]


async def test_parts_that_change_nothing(house: House) -> None:
    """A report about one part of several that the whole does not follow yet is shown as a fact."""
    await house.observe(1, status="delivered", part=1, parts=2)
    await house.observe(1, status="delivered", part=2, parts=2)
    entries = await story(house, "p1")
    assert ["callback", "fact", "callback", "event"] == [
        entry["kind"] for entry in entries if entry["kind"] not in ("attempt", "delivery")
    ]
    (fact,) = of_kind(entries, "fact")
    assert (1, "About part 1 of 2: the whole was not affected.") == (fact["part"], fact["why"])


async def test_what_is_still_owed_comes_last(house: House) -> None:
    """A failing endpoint: the attempt, then its delivery with its time, then what waits behind."""
    house.stage.sink.answers.append((503, ""))
    await house.hear("m1", "sent", "delivered")
    await house.delivered(1)
    entries = await story(house, "m1")
    assert ["delivery scheduled", "delivery pending"] == [short(entry) for entry in entries[-2:]]
    (attempt,) = of_kind(entries, "attempt")
    assert (503, None) == (attempt["status"], attempt["final"])
    assert attempt["decision"].startswith("503: attempt 1 of 10, next in")
    scheduled, waiting = entries[-2:]
    assert (attempt["delivery"], 1) == (scheduled["id"], scheduled["attempts"])
    assert attempt["at"] < scheduled["at"]
    assert (None, 0) == (waiting["at"], waiting["attempts"])
    assert of_kind(entries, "event")[1]["id"] == waiting["event"]


async def test_a_callback_about_several_messages(house: House) -> None:
    """It is in the story of each of them."""
    await house.observe(1, house.item(2), house.item(3))
    found = [of_kind(await story(house, f"p{number}"), "callback") for number in (1, 2, 3)]
    assert found[0] == found[1] == found[2]
    assert [3] == [callback["items"] for callback in found[0]]


async def test_events_that_retention_has_removed(house: House) -> None:
    """What is gone is said to be gone: how many, and in the place of each what it told."""
    await house.hear("m1", "sent", "delivered")
    await house.stage.execute("delete from event where type = 'message.sent'")
    message = await house.message("m1")
    timeline = await house.get(f"/v1/messages/{message['id']}/timeline")
    assert 1 == timeline["events_removed"]
    (fact,) = of_kind(timeline["entries"], "fact")
    assert ("sent", True) == (fact["status"], "older than events are kept" in fact["why"])


async def test_a_story_without_end_is_cut(house: House) -> None:
    """At most 1,000 entries are told, the oldest, and that it was cut is said."""
    await house.hear("m1", "sent")
    message = await house.message("m1")
    path = f"/v1/messages/{message['id']}/timeline"
    whole = await house.get(path)
    assert (False, 0) == (whole["truncated"], whole["events_removed"])
    await house.stage.execute(
        "insert into callback select uuid7_now(), tenant, mode, connection, received, method, url, "
        "peer, headers, body, outcome, reason, items, subject "
        "from callback, generate_series(1, 1100)"
    )
    cut: Any = await house.get(path)
    assert (True, 1000) == (cut["truncated"], len(cut["entries"]))
    assert ["callback", "event"] == [entry["kind"] for entry in cut["entries"][:2]]
