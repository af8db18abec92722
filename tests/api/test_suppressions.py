"""Suppressions: what brings them about, which word wins, and taking one back by hand."""

import itertools

from msgspec.structs import replace

from ringback.domain.consent import ConsentWord
from ringback.domain.http import Callback
from ringback.domain.messages import Failure
from ringback.providers.base import Consent, Item, Parsed, Report
from ringback.services.arrivals import Arrival
from tests.api.house import LIVE_KEY, OTHER_KEY, House, Json, assert_problem
from tests.api.test_audit import actor, log
from tests.services.stage import fresh

THEIRS, OURS = "+15550123", "+15550100"
AT = 1_772_463_682_646
_numbers = itertools.count()


async def said(house: House, *items: Item) -> None:
    """Commit what a provider is taken to have said."""
    connection = house.stage.connection()
    callback = Callback("POST", "https://x/in/{token}", (), b"{}")
    now = house.engine.clock.now_ms()
    await house.engine.receiver.submit(Arrival(connection, callback, now, Parsed(items)))


def wish(word: ConsentWord, at: int = AT, channel: str | None = "sms", **more: str) -> Consent:
    """Make a notice of a person's wish, which nobody has said before; `more` is its evidence."""
    return Consent(
        THEIRS, word, f"wish {next(_numbers)}", at, channel=channel, sender=OURS, evidence=more
    )


def _refused(at: int = AT) -> Report:
    error = Failure("consent", "opted_out", provider_code="4775", opt_out=True)
    id_ = fresh()
    return Report(id_, "failed", id_, at, to=THEIRS, from_=OURS, channel="sms", error=error)


async def _listed(house: House, **filters: str) -> list[Json]:
    found: list[Json] = (await house.get("/v1/suppressions", **filters))["data"]
    return found


async def test_an_opt_out_is_an_event_and_in_force(house: House) -> None:
    """With what it rests on, in one commit; found by the number's end, for its tenant and mode."""
    await said(house, wish("opted_out", keyword="STOP"))
    (one,) = await _listed(house)
    assert {"kind": "phone", "value": THEIRS} == one["contact"]
    assert ("sms", OURS, None) == (one["channel"], one["sender"], one["purpose"])
    assert ("keyword", {"keyword": "STOP"}) == (one["source"], one["evidence"])
    event = await house.get(f"/v1/events/{one['event']}")
    assert "contact.opted_out" == event["type"]
    assert one["since"] == event["timestamp"]
    assert [one] == await _listed(house, address="0123") == await _listed(house, address=THEIRS)
    assert [] == await _listed(house, address="0124") == await _listed(house, until="1d")
    for key in (LIVE_KEY, OTHER_KEY):
        assert [] == (await house.get("/v1/suppressions", key=key))["data"]
        answer = await house.call("GET", f"/v1/suppressions/{one['id']}", key=key)
        assert_problem(answer, 404, "not_found")


async def test_the_newest_word_wins(house: House) -> None:
    """By the provider's time, in whatever order words arrive; of one moment the opt-out holds."""
    await said(house, wish("opted_in", AT + 2000), wish("opted_out", AT + 1000))
    await said(house, wish("opted_out", AT))
    assert [] == await _listed(house)
    await said(house, wish("opted_out", AT + 2000))
    (one,) = await _listed(house)
    whole = await house.get(f"/v1/suppressions/{one['id']}")
    words = [past["word"] for past in whole["history"]]
    assert ["opted_out", "opted_out", "opted_out", "opted_in"] == words
    await said(house, wish("opted_in", AT + 3000))
    assert [] == await _listed(house)


async def test_wanting_all_lifts_what_was_refused_of_one_channel(house: House) -> None:
    """A narrower word later leaves the others as they are."""
    await said(house, wish("opted_out"), wish("opted_out", channel="whatsapp"))
    assert 2 == len(await _listed(house))
    await said(house, wish("opted_in", AT + 1, channel="whatsapp"))
    assert ["sms"] == [one["channel"] for one in await _listed(house)]
    await said(house, wish("opted_in", AT + 2, channel=None))
    assert [] == await _listed(house)


async def test_text_messages_are_refused_and_wanted_in_every_form(house: House) -> None:
    """What an MMS was refused for is taken back by SMS, and so on; messages stay what they are."""
    await said(house, replace(_refused(), channel="mms"))
    (one,) = await _listed(house)
    assert "sms" == one["channel"]
    assert "mms" == (await house.get(f"/v1/messages/{one['message']}"))["channel"]
    assert "sms" == (await house.get(f"/v1/events/{one['event']}"))["data"]["channel"]
    await said(house, wish("opted_in", AT + 1))
    assert [] == await _listed(house)
    await said(house, wish("opted_out", AT + 2, channel="rcs"))
    await said(
        house, replace(_refused(AT + 3), channel="sms"), wish("opted_in", AT + 4, "whatsapp")
    )
    assert ["sms"] == [one["channel"] for one in await _listed(house)]
    await said(house, wish("opted_in", AT + 5, channel="mms"))
    assert [] == await _listed(house)


async def test_an_error_that_says_it_is_told_once(house: House) -> None:
    """While it is in force; after the person has wanted messages again, the next one is news."""
    await said(house, _refused(), _refused(AT + 1))
    await said(house, _refused(AT + 2))
    (one,) = await _listed(house)
    assert "error" == one["source"]
    assert "4775" == one["evidence"]["provider_code"]
    assert "failed" == (await house.get(f"/v1/messages/{one['message']}"))["status"]
    events = await house.get("/v1/events", type="contact.opted_out")
    assert [one["event"]] == [event["id"] for event in events["data"]]
    await said(house, wish("opted_in", AT + 3))
    await said(house, _refused(AT + 1))
    assert [] == await _listed(house)
    await said(house, _refused(AT + 4))
    assert 1 == len(await _listed(house))


async def test_who_refuses_marketing_refuses_nothing_else(house: House) -> None:
    """WhatsApp's error is about the same as its notice: the person's resumption takes it back."""
    for person, kind in ((THEIRS, "phone"), ("US.13491208655302741918", "whatsapp")):
        error = Failure("consent", "marketing_stopped", provider_code="131050", opt_out=True)
        id_ = fresh()
        report = Report(
            id_, "failed", id_, AT, to=person, from_=OURS, channel="whatsapp", error=error
        )
        await said(house, report)
        (one,) = await _listed(house)
        assert ({"kind": kind, "value": person}, "marketing") == (one["contact"], one["purpose"])
        resumed = Consent(
            person, "opted_in", fresh(), AT + 1, kind, "whatsapp", OURS, "marketing", {}
        )
        await said(house, resumed)
        assert [] == await _listed(house)


async def test_taking_an_opt_out_back(house: House) -> None:
    """It is gone, the audit log has it, and only a later word counts again."""
    await said(house, wish("opted_out"))
    (one,) = await _listed(house)
    path = f"/v1/suppressions/{one['id']}"
    assert 204 == (await house.call("DELETE", path)).status_code
    assert [] == await _listed(house)
    assert_problem(await house.call("DELETE", path), 404, "not_found")
    (entry,) = await log(house, action="suppression.removed")
    assert (one["id"], actor(house)) == (entry["object"], entry["actor"])
    await said(house, wish("opted_out", AT + 1), _refused(AT + 2))
    assert [] == await _listed(house)
    later = house.engine.clock.now_ms() + 1000
    await said(house, wish("opted_out", later))
    (again,) = await _listed(house)
    history = (await house.get(f"/v1/suppressions/{again['id']}"))["history"]
    assert ["opted_out", "opted_out", "removed", "opted_out"] == [past["word"] for past in history]
    assert [None, None, actor(house), None] == [past["actor"] for past in history]


async def test_what_no_database_takes_is_replaced(house: House) -> None:
    """A provider's text with NUL or half a character costs nothing but that character."""
    await said(house, wish("opted_out", keyword="ST\0P\ud800" + "x" * 5000))
    (one,) = await _listed(house)
    assert "ST\ufffdP?" + "x" * 995 == one["evidence"]["keyword"]


async def test_a_time_in_the_future_silences_no_later_stop(house: House) -> None:
    """Neither a resumption from then, nor taking back by hand an opt-out from then, lasts."""
    far = house.engine.clock.now_ms() + 365 * 86_400_000
    await said(house, wish("opted_in", far))
    await said(house, wish("opted_out", house.engine.clock.now_ms()))
    assert 1 == len(await _listed(house))
    await said(house, wish("opted_in", far), _refused(far))
    for one in await _listed(house):
        await house.call("DELETE", f"/v1/suppressions/{one['id']}")
    await said(house, wish("opted_out", house.engine.clock.now_ms()))
    assert 1 == len(await _listed(house))
