"""What providers say of consent, links, senders and templates, without a database."""

import json
import uuid
from typing import Any

import msgspec

from ringback.domain.consent import ConsentWord
from ringback.domain.http import Callback
from ringback.domain.ids import DAY_MS
from ringback.domain.messages import Failure, Status
from ringback.providers.base import Consent, Inbound, Notice, Parsed
from ringback.services.arrivals import Arrival
from ringback.services.batch import Known
from ringback.services.statements import key_of, moment_of, refused_by
from ringback.services.subject_keys import day_of, inbound_key
from ringback.storage.suppressions import InForce
from tests.domain.schemas import faults
from tests.providers.cases import GENUINE
from tests.services.test_decide import (
    CONNECTION,
    NOW,
    Decision,
    _arrival,
    _decide,
    _endpoint,
    _report,
    _snapshot,
)

_STOP = Consent("+16505551234", "opted_out", "stop", NOW, sender="+15550783881")
_CLICK = Notice(
    "link.clicked", "c1", {"url": "https://example.com/a", "source": "provider"}, NOW, "m1"
)


# What is recorded of wishes without ids and times.
BY_DAY = {
    "link_cool/inbound-stop", "pswin/inbound-stop", "smsportal/v3-preset-click-unjoined",
    "textellent/opt-out-query",
}  # fmt: skip


def _bodies(decision: Decision) -> list[dict[str, Any]]:
    """Return the bodies of a decision's events, each fit for its schema."""
    bodies: list[bytes] = [row[9] for row in decision.rows.events]  # type: ignore[misc]
    assert [] == [fault for body in bodies for fault in faults(body)]
    return [json.loads(body) for body in bodies]


def test_a_wish_is_an_event_and_comes_once() -> None:
    """The same word with the same time is known, in this batch or from before it."""
    decision = _decide(_arrival(_STOP), _arrival(_STOP))
    (body,) = _bodies(decision)
    assert ["accepted", "duplicate"] == decision.outcomes
    assert "contact.opted_out" == body["type"]
    assert {"kind": "phone", "value": "+16505551234"} == body["data"]["contact"]
    assert "provider" == body["data"]["source"]
    known = Known({}, set(), {_arrival(_STOP).keyed[0].key})
    assert ["duplicate"] == _decide(_arrival(_STOP), known=known).outcomes


def test_an_error_reaches_as_far_as_its_providers_list() -> None:
    """Where the list of who opted out is the account's, an error is about every sender."""
    refused = msgspec.structs.replace(
        _report("failed"), from_="+15550783881", channel="sms",
        error=Failure("consent", "opted_out", opt_out=True),
    )  # fmt: skip
    people = {name: refused_by(refused, name) for name in ("bandwidth", "smsportal", "pswin")}
    assert {"bandwidth": "+15550783881", "smsportal": None, "pswin": None} == {
        name: person.sender for name, (person,) in people.items()
    }


def test_a_wish_names_the_message_that_said_it() -> None:
    """A keyword that came as a message: both from one callback."""
    inbound = Inbound("in1", "in1", "+1", "+2", {"kind": "text"}, "sms", NOW)
    consent = Consent(
        "+1", "opted_in", "start", NOW, evidence={"keyword": "START", "message_id": "in1"}
    )
    received, opted = _bodies(_decide(_arrival(inbound, consent)))
    assert "contact.opted_in" == opted["type"]
    assert received["data"]["message"]["id"] == opted["data"]["message"]
    assert ("keyword", 1) == (opted["data"]["source"], opted["data"]["sequence"])


def test_a_click_goes_on_in_its_messages_order() -> None:
    """It is numbered within the message, in its lane, and what comes after it goes on from it."""
    snapshot = _snapshot(_endpoint(1, "*"))
    statuses: tuple[Status, ...] = ("sent", "read")
    decision = _decide(
        _arrival(_report(statuses[0])), _arrival(_CLICK, _CLICK), _arrival(_report(statuses[1])),
        snapshot=snapshot,
    )  # fmt: skip
    sent, click, delivered, read = _bodies(decision)
    assert ["link.clicked", "message.delivered"] == [click["type"], delivered["type"]]
    assert sent["data"]["message"]["id"] == click["data"]["message"]
    told = [one["data"]["sequence"] for one in (sent, click, delivered, read)]
    assert [1, 2, 3, 4] == told == [row[6] for row in decision.rows.events]
    assert 1 == len({push.lane for push in decision.pushes}) == len(decision.rows.subjects)
    assert [1, 1] == [place for _, place in decision.rows.about if place][:2]


def test_a_notice_about_no_message_stands_alone() -> None:
    """A click of a message that nobody knows, a sender's and a template's status."""
    sender = Notice(
        "sender.status_changed", "s1",
        {"address": "+15550783881", "kind": "toll_free", "status": "verified"}, NOW,
    )  # fmt: skip
    template = Notice("template.status_changed", "t1", {"name": "a", "status": "paused"}, NOW)
    decision = _decide(_arrival(_CLICK, sender, template))
    bodies = _bodies(decision)
    assert [1, 1, 1] == [body["data"]["sequence"] for body in bodies]
    assert bodies[0]["data"]["message"] is None
    assert [] == decision.rows.subjects
    assert ["accepted"] == decision.outcomes


def test_what_has_neither_id_nor_time_is_known_for_a_day() -> None:
    """Such a wish or notice is the same for that day alone; one with an id is so for weeks."""
    stop = Consent("+1", "opted_out", "stop", unnamed=True)
    click = Notice("link.clicked", "c1", {"url": "https://x"}, unnamed=True)
    for item in (stop, click):
        keys = [key_of(item, "c", b"s", ms) for ms in (0, DAY_MS - 1, DAY_MS, 21 * DAY_MS)]
        assert keys[0] == keys[1]
        assert 3 == len(set(keys))
        named = msgspec.structs.replace(item, unnamed=False)
        assert key_of(named, "c", b"s", 0) == key_of(named, "c", b"s", 21 * DAY_MS)
    assert key_of(_STOP, "c", b"s", 0) == key_of(_STOP, "c", b"s", DAY_MS)


def test_what_is_recorded_of_wishes_and_notices_is_the_same_on_any_day() -> None:
    """Of every provider, but for the few that come with neither an id nor a time."""
    by_day = set()
    for case in GENUINE:
        for item in case.provider.parse(case.callback, case.config).items:
            if not isinstance(item, Consent | Notice):
                continue
            keys = {key_of(item, "c", b"s", ms) for ms in (0, DAY_MS, 35 * DAY_MS)}
            assert item.unnamed == (len(keys) > 1), str(case)
            if item.unnamed:
                assert item.occurred_at is None
                by_day.add(str(case))
    assert BY_DAY == by_day


def test_a_message_without_id_and_time_is_known_for_a_day() -> None:
    """STOP, sent again on another day, is another message; one that has an id never is."""

    def keyed(unnamed: bool, ms: int) -> uuid.UUID:
        content: dict[str, object] = {"kind": "text", "text": "STOP"}
        item = Inbound("f1", "f1", "+1", "+2", content, "sms", unnamed=unnamed)
        callback = Callback("POST", "https://x/in/{token}", (), b"{}")
        arrival = Arrival(CONNECTION, callback, ms, Parsed((item,)))
        arrival.prepare(b"s")
        return arrival.keyed[0].key

    assert keyed(True, NOW) == keyed(True, NOW + 1)
    assert keyed(True, NOW) != keyed(True, NOW + DAY_MS)
    assert keyed(False, NOW) == keyed(False, NOW + DAY_MS)
    assert inbound_key(b"s", "c", "f1", None) != inbound_key(b"s", "c", "f1", None, day_of(0))


def _wish(word: ConsentWord, at_ms: int) -> Arrival:
    """Make a callback of a word without id and time, as it came at a moment."""
    message = Inbound("f1", word, "+1", "+2", {"kind": "text"}, "sms", unnamed=True)
    evidence = {"keyword": word, "message_id": "f1"}
    consent = Consent("+1", word, word, evidence=evidence, unnamed=True)
    callback = Callback("POST", "https://x/in/{token}", (), b"{}")
    arrival = Arrival(CONNECTION, callback, at_ms, Parsed((message, consent)))
    arrival.prepare(_snapshot().hash_key)
    return arrival


def _in_force(entry: dict[str, Any]) -> InForce:
    return InForce(entry["word"], entry["since"], uuid.UUID(entry["id"]), entry["address"])


def _told(decision: Decision) -> list[str]:
    """Return what a decision tells of wishes, in order."""
    types = [body["type"] for body in _bodies(decision)]
    return [one.removeprefix("contact.") for one in types if one.startswith("contact.")]


def test_no_opt_out_is_taken_for_a_repetition_after_a_resumption() -> None:
    """STOP, START, STOP on one day, without ids and times: the last holds. Repetitions are none."""
    at = NOW - NOW % DAY_MS
    words: list[ConsentWord] = [
        "opted_out", "opted_out", "opted_in", "opted_in", "opted_out", "opted_out", "opted_in",
    ]  # fmt: skip
    expected = ["opted_out", "opted_in", "opted_out"]
    course = [_wish(word, at + place) for place, word in enumerate(words)]
    assert expected == _told(_decide(*course))
    # The same from batch to batch: what is known then is read.
    once: set[uuid.UUID] = set()
    in_force: dict[uuid.UUID, InForce] = {}
    told = []
    for place, word in enumerate(words):
        arrival = _wish(word, at + place)
        known = Known({}, set(), once, wishes=in_force)
        decision = _decide(arrival, known=known)
        told += _told(decision)
        once |= {row[0] for row in decision.rows.once}
        for _, written in decision.rows.wishes:
            entry = json.loads(str(written))
            in_force[uuid.UUID(entry["key"])] = _in_force(entry)
        assert [*in_force] == arrival.opt_outs(_snapshot().hash_key)
    assert expected == told
    # What is read again is as old as it was.
    resumed = dict.fromkeys(in_force, InForce(1, at + 9, uuid.UUID(int=1), "+1"))
    again = _decide(_wish("opted_out", at), known=Known({}, set(), once, wishes=resumed))
    assert [] == _told(again)


def test_nothing_is_said_later_than_it_came() -> None:
    """A provider's clock that is ahead does not make what comes afterwards count for nothing."""
    assert NOW == moment_of(msgspec.structs.replace(_STOP, occurred_at=NOW + 9 * DAY_MS), NOW)
    assert NOW - 1 == moment_of(msgspec.structs.replace(_STOP, occurred_at=NOW - 1), NOW)
