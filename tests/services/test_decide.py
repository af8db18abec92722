"""The decision on a batch, without a database: what is written, numbered, owed and handed on."""

import json
import uuid
from collections import Counter
from typing import NamedTuple

import msgspec
import pytest

from ringback.domain.endpoints import Connection, Endpoint, Mode, Tenant
from ringback.domain.http import Callback
from ringback.domain.ids import IdSequence, fact_hash
from ringback.domain.messages import Message, Status
from ringback.domain.outcomes import Outcome
from ringback.providers.base import Inbound, Item, Parsed, Report, Unparsed, Unrecognised
from ringback.services.arrivals import Arrival
from ringback.services.batch import SEEN_MAX, Batch, Known, Push
from ringback.services.snapshot import Snapshot
from ringback.services.work import Work
from ringback.storage.hot import CommitRows, SubjectRow

NOW = 1_772_442_000_000
SECRET = b"k" * 32


class NoConfig(msgspec.Struct):
    """A provider's config without fields."""


CONNECTION = Connection(3, uuid.UUID(int=3), 1, Mode.TEST, "whatsapp", "n", "tok", NoConfig())
NOTHING = Known({}, set(), set())


def _endpoint(no: int, *types: str, mode: Mode = Mode.TEST, disabled: bool = False) -> Endpoint:
    return Endpoint(
        no, uuid.UUID(int=no), 1, mode, f"http://127.0.0.1/{no}", types, (b"k",), disabled
    )


def _snapshot(*endpoints: Endpoint) -> Snapshot:
    return Snapshot(
        1, SECRET, {1: Tenant(1, uuid.UUID(int=1), "Default")}, {}, {"tok": CONNECTION},
        {endpoint.no: endpoint for endpoint in endpoints},
    )  # fmt: skip


def _report(status: Status, message_id: str = "m1", at: int | None = NOW) -> Report:
    return Report(message_id, status, f"{message_id}+{status}", at, to="+15552223333")


def _arrival(*items: Item, unparsed: tuple[Unparsed, ...] = ()) -> Arrival:
    callback = Callback("POST", "https://x/in/{token}", (), b"{}")
    arrival = Arrival(CONNECTION, callback, NOW, Parsed(items, unparsed))
    arrival.prepare(SECRET)
    return arrival


class Decision(NamedTuple):
    """What came of a batch."""

    rows: CommitRows
    outcomes: list[Outcome]
    pushes: list[Push]


def _decide(
    *arrivals: Work,
    snapshot: Snapshot | None = None,
    known: Known = NOTHING,
    free: dict[int, int] | None = None,
) -> Decision:
    batch = Batch(
        snapshot or _snapshot(), known, IdSequence(NOW, b"e" * 10), NOW,
        Counter({1: 9, 2: 9} if free is None else free), lambda *_: True,
    )  # fmt: skip
    for arrival in arrivals:
        arrival.decide(batch)
    pushes = batch.close()
    return Decision(
        batch.rows, [one.outcome for one in arrivals if isinstance(one, Arrival)], pushes
    )


def test_one_batch_merges_what_is_about_one_message() -> None:
    """Three callbacks about one unknown message: one subject, events 1, 2, 3, one lane."""
    decision = _decide(
        _arrival(_report("sent")), _arrival(_report("delivered")), _arrival(_report("read")),
        snapshot=_snapshot(_endpoint(1, "*")),
    )  # fmt: skip
    assert decision.outcomes == ["accepted"] * 3
    assert len(decision.rows.subjects) == 1
    assert [row[3] for row in decision.rows.events] == [
        "message.sent", "message.delivered", "message.read",
    ]  # fmt: skip
    assert [row[6] for row in decision.rows.events] == [1, 2, 3]
    assert len({push.lane for push in decision.pushes}) == 1
    assert [(push.first, push.own) for push in decision.pushes] == [
        (True, True), (False, False), (False, False),
    ]  # fmt: skip


def test_later_facts_fill_gaps_and_never_overwrite() -> None:
    """What a later report adds completes the message; what is known of it stays."""
    first = msgspec.structs.replace(
        _report("sent"), reference="a", tags=["x"], segments=2, cost={"amount": "1"}
    )
    later = msgspec.structs.replace(
        _report("read"), to="+15559998888", from_="+15550100900", channel="sms", parts=1,
        tags=["y"], segments=3, cost={}, carrier={"name": "c"}, purpose="utility", campaign="z",
        metadata={"k": "v"}, content={"kind": "text"},
    )  # fmt: skip
    subject = _decide(_arrival(first), _arrival(later)).rows.subjects[0]
    assert isinstance(subject[8], bytes)
    known = msgspec.msgpack.decode(subject[8], type=Message)
    assert ("+15552223333", "+15550100900", "a", ["x"], 2, {"amount": "1"}) == (
        known.to, known.from_, known.reference, known.tags, known.segments, known.cost,
    )  # fmt: skip
    assert ("sms", 1, {"name": "c"}, "utility", "z", {"k": "v"}, {"kind": "text"}) == (
        known.channel, known.parts, known.carrier, known.purpose, known.campaign, known.metadata,
        known.content,
    )  # fmt: skip


def test_a_repeat_in_the_same_batch_is_a_duplicate() -> None:
    """The second copy writes its raw row and nothing else."""
    decision = _decide(_arrival(_report("sent")), _arrival(_report("sent")))
    assert decision.outcomes == ["accepted", "duplicate"]
    assert len(decision.rows.events) == 1
    assert len(decision.rows.callbacks) == 2


def test_a_known_fact_changes_nothing() -> None:
    """A subject whose facts are all known is not written, so its version stays."""
    arrival = _arrival(_report("sent"))
    seen = [fact_hash("m1+sent", NOW)]
    row = _row(Message(origin="observed", direction="outbound"), seen)
    decision = _decide(arrival, known=Known({arrival.keyed[0].key: row}, set(), set()))
    assert decision.outcomes == ["duplicate"]
    assert decision.rows.subjects == []
    assert len(decision.rows.callbacks) == 1


def _row(message: Message, seen: list[int]) -> SubjectRow:
    data = msgspec.msgpack.encode(message)
    return SubjectRow(uuid.UUID(int=77), 4, message.sequence, seen, data, 0)


def test_a_known_message_goes_on_from_its_sequence() -> None:
    """The version that was read and the next sequence number are what is written."""
    arrival = _arrival(_report("delivered"))
    message = Message(origin="observed", direction="outbound", sequence=2, status="sent")
    known = Known({arrival.keyed[0].key: _row(message, [5])}, set(), set())
    decision = _decide(arrival, known=known)
    subject = decision.rows.subjects[0]
    assert (subject[0], subject[4], subject[5]) == (uuid.UUID(int=77), 4, 3)
    assert decision.rows.events[0][6] == 3
    assert decision.rows.keys == []


def test_facts_beyond_64_spill_over() -> None:
    """The 65th hash goes to the table of facts; one that lies there already is a duplicate."""
    message = Message(origin="observed", direction="outbound", sequence=64, status="sent")
    arrival = _arrival(_report("delivered"))
    row = _row(message, list(range(SEEN_MAX)))
    key = arrival.keyed[0].key
    decision = _decide(arrival, known=Known({key: row}, set(), set()))
    hash_ = fact_hash("m1+delivered", NOW)
    assert decision.rows.facts == [(1, hash_)]
    again = _decide(
        _arrival(_report("delivered")), known=Known({key: row}, {(row.id, hash_)}, set())
    )
    assert again.outcomes == ["duplicate"]


def test_only_endpoints_that_want_a_type_in_this_mode_are_owed() -> None:
    """Patterns, mode and `disabled` decide; each owed endpoint is a delivery of its own."""
    snapshot = _snapshot(
        _endpoint(1, "message.*"), _endpoint(2, "message.read"), _endpoint(3, "*", mode=Mode.LIVE),
        _endpoint(4, "*", disabled=True), _endpoint(5, "message.sent", "call.*"),
    )  # fmt: skip
    decision = _decide(_arrival(_report("sent")), snapshot=snapshot)
    assert [push.endpoint.no for push in decision.pushes] == [1, 5]


def test_without_room_a_delivery_is_left_to_be_claimed() -> None:
    """A full endpoint's delivery is written without an owner."""
    decision = _decide(
        _arrival(_report("sent")), snapshot=_snapshot(_endpoint(1, "*")), free={1: 0}
    )
    assert [row[3] for row in decision.rows.deliveries] == [False]


def test_one_bad_item_costs_only_itself() -> None:
    """The good half of a callback is emitted; the callback's outcome names the bad half."""
    decision = _decide(_arrival(_report("sent"), unparsed=(Unparsed("no id", "/1"),)))
    assert decision.outcomes == ["unparsed"]
    assert len(decision.rows.events) == 1
    assert decision.rows.callbacks[0][11] == "/1: no id"


def test_what_is_unrecognised_is_emitted_once() -> None:
    """The same unknown thing again, in this batch or before it, is a duplicate."""
    item = Unrecognised("whatsapp.flows", "k", msgspec.Raw(b"{}"))
    decision = _decide(_arrival(item), _arrival(item))
    assert decision.outcomes == ["unrecognised", "duplicate"]
    assert len(decision.rows.once) == len(decision.rows.events) == 1
    key = _arrival(item).keyed[0].key
    assert _decide(_arrival(item), known=Known({}, set(), {key})).outcomes == ["duplicate"]


def test_a_reply_names_the_message_it_answers() -> None:
    """The provider's own reference to an outbound message of this connection is resolved."""
    inbound = Inbound("in1", "in1", "+1", "+2", {"kind": "text"}, "whatsapp", NOW, reply_to="m1")
    decision = _decide(
        _arrival(_report("sent")), _arrival(inbound), snapshot=_snapshot(_endpoint(1, "*"))
    )
    event = json.loads(decision.rows.events[1][9])  # type: ignore[arg-type]
    outbound = json.loads(decision.rows.events[0][9])["data"]["message"]["id"]  # type: ignore[arg-type]
    assert event["type"] == "message.received"
    assert event["data"]["in_reply_to"] == {"message": outbound, "how": "provider"}


def test_events_are_in_order_of_their_ids() -> None:
    """What was decided first has the smaller id, so lists by id follow the feed."""
    decision = _decide(*(_arrival(_report("sent", f"m{n}")) for n in range(50)))
    ids = [row[0] for row in decision.rows.events]
    assert ids == sorted(ids)  # type: ignore[type-var]


@pytest.mark.parametrize("settled", ["rejected", "quarantined"])
def test_a_refused_callback_is_stored_and_never_read(settled: str) -> None:
    """Nothing follows from a callback whose signature was wrong."""
    arrival = _arrival()
    arrival.settled_as, arrival.reason = settled, "the signature does not match"  # type: ignore[assignment]
    decision = _decide(arrival)
    assert decision.outcomes == [settled]
    assert decision.rows.callbacks[0][11] == "the signature does not match"
    assert decision.rows.events == []
