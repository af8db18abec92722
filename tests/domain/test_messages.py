"""T14: the merge of a message's facts does not depend on the order or repetition of callbacks."""

import itertools
import time
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.domain.messages import (
    FACTS_KEPT,
    Emission,
    Fact,
    Failure,
    Message,
    Status,
    merge,
    times,
)

from .lives import STATUSES, Outcome, expected_status, fork, live, message, outcome

CONFLICTING = {"delivered", "read"}, {"failed", "expired", "cancelled"}


class Explorer:
    """Walks through every sequence of callbacks up to a length, sharing what they begin with."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts = facts
        self.outcomes: dict[frozenset[Status], Outcome] = {}
        self.sequences = 0

    def walk(self, known: Message, emitted: tuple[Emission, ...], length: int) -> None:
        """Extend a sequence by each callback in turn, down to `length` more."""
        hashes = {fact.hash for fact in known.facts}
        for fact in self.facts:
            self.sequences += 1
            if fact.hash in hashes:
                after, events = known, emitted
            else:
                after, events = self._merge(known, emitted, fact)
            self._compare(after, events)
            if length > 1:
                self.walk(after, events, length - 1)

    def _merge(
        self, known: Message, emitted: tuple[Emission, ...], fact: Fact
    ) -> tuple[Message, tuple[Emission, ...]]:
        after = fork(known)
        new = merge(after, fact)
        numbers = [emission.sequence for emission in new]
        assert list(range(known.sequence + 1, known.sequence + 1 + len(new))) == numbers
        if new and new[-1].late:
            assert known.status == after.status
        return after, (*emitted, *new)

    def _compare(self, known: Message, emitted: tuple[Emission, ...]) -> None:
        said: frozenset[Status] = frozenset(fact.status for fact in known.facts)
        found = outcome(known, emitted)
        first = self.outcomes.setdefault(said, found)
        if first is found:
            self._judge(known, emitted, said)
        else:
            assert first == found

    def _judge(
        self, known: Message, emitted: tuple[Emission, ...], said: frozenset[Status]
    ) -> None:
        # Once for each set of facts: what all orders agree on must also be right.
        assert expected_status(known.facts) == known.status
        assert all(not side.isdisjoint(said) for side in CONFLICTING) == known.conflict
        types = Counter(said | {"delivered"} if "read" in said else said)
        assert types == Counter(emission.status for emission in emitted)
        assert {f.status: f.at for f in known.facts if f.at is not None} == known.timestamps


def told(times_of: dict[Status, int | None]) -> list[Fact]:
    """Make one fact for each status, with the provider's times that are given."""
    return [
        Fact(status, received=9_000 + place, hash=place + 1, at=at)
        for place, (status, at) in enumerate(times_of.items())
    ]


def test_every_sequence_of_up_to_six_callbacks_gives_the_same_life() -> None:
    """All 299,592 sequences agree per set of facts: status, times, types, facts, conflict."""
    explorer = Explorer(told({status: 1_000 + 7 * i for i, status in enumerate(STATUSES)}))
    began = time.monotonic()
    explorer.walk(message(), (), 6)
    assert explorer.sequences == 299_592
    assert len(explorer.outcomes) == sum(
        len(list(itertools.combinations(STATUSES, size))) for size in range(1, 7)
    )
    assert time.monotonic() - began <= 100


@pytest.mark.parametrize(
    "at",
    [
        dict.fromkeys(STATUSES, 5_000),
        dict.fromkeys(STATUSES),
        {status: 9_000 - 7 * i for i, status in enumerate(STATUSES)},
        {status: None if i % 2 else 5_000 for i, status in enumerate(STATUSES)},
        {status: 5_000 if i % 2 else None for i, status in enumerate(STATUSES)},
    ],
    ids=["equal", "missing", "reversed", "odd ones missing", "even ones missing"],
)
def test_equal_missing_and_reversed_times_change_nothing(at: dict[Status, int | None]) -> None:
    """All 4,680 sequences of up to four agree, whatever the provider's times are worth."""
    explorer = Explorer(told(at))
    explorer.walk(message(), (), 4)
    assert explorer.sequences == sum(8**length for length in range(1, 5))


def test_read_before_delivered_infers_it_once() -> None:
    """A `read` first emits an inferred `delivered`; the real one then only dates the timeline."""
    known, emissions = live([Fact("sent", 1, 1, at=10), Fact("read", 2, 2, at=30)])
    assert [(emission.status, emission.inferred) for emission in emissions] == [
        ("sent", False),
        ("delivered", True),
        ("read", False),
    ]
    assert [emission.previous_status for emission in emissions] == [None, "sent", "delivered"]
    assert merge(known, Fact("delivered", 3, 3, at=20)) == []
    assert known.timestamps == {"sent": 10, "delivered": 20, "read": 30}
    assert known.status == "read"


def test_an_inferred_delivery_after_a_failure_is_flagged_as_a_conflict() -> None:
    """`failed` and then `read` contradict each other: both emissions of the second say so."""
    _, emissions = live([Fact("failed", 1, 1, at=10), Fact("read", 2, 2, at=30)])
    assert [emission.conflict for emission in emissions] == [False, True, True]


def test_a_late_status_is_emitted_and_moves_nothing() -> None:
    """`sent` after `delivered` is kept, emitted with `late`, and the status stays."""
    known, emissions = live([Fact("delivered", 1, 1, at=20), Fact("sent", 2, 2, at=10)])
    assert [emission.late for emission in emissions] == [False, True]
    assert (known.status, emissions[1].previous_status) == ("delivered", "delivered")
    assert times(known) == {"sent": 10, "delivered": 20}


@pytest.mark.parametrize("newer", ["failed", "delivered"])
def test_of_two_contradictory_ends_the_newer_wins(newer: Status) -> None:
    """`failed` and `delivered`: the provider's newer time decides, in both orders, flagged."""
    older: Status = "failed" if newer == "delivered" else "delivered"
    error = Failure("recipient", "undeliverable")
    facts = [
        Fact(status, 1, place, at=at, error=error if status == "failed" else None)
        for place, (status, at) in enumerate(((older, 10), (newer, 20)))
    ]
    for order in itertools.permutations(facts):
        known, _ = live(order)
        assert (newer, True) == (known.status, known.conflict)
        assert known.error == (error if newer == "failed" else None)


def test_any_word_of_the_provider_outranks_our_own_expiry() -> None:
    """What we decided ourselves proves nothing: it neither wins nor makes a conflict."""
    ours = Fact("expired", 1, 1, at=99_999, own=True)
    for status in ("delivered", "read", "failed", "cancelled", "expired"):
        for order in itertools.permutations([ours, Fact(status, 2, 2, at=5)]):
            known, _ = live(order)
            assert (known.status, known.conflict) == (status, False)
    sent, _ = live([Fact("sent", 2, 2, at=5), ours])
    assert sent.status == "expired"


def test_unconfirmed_is_neither_success_nor_failure() -> None:
    """`unconfirmed` ranks above `sent` and below every proof, and contradicts nothing."""
    for status in ("delivered", "failed"):
        facts = [Fact("unconfirmed", 1, 1, at=90), Fact(status, 2, 2, at=10)]
        for order in itertools.permutations(facts):
            known, _ = live(order)
            assert (known.status, known.conflict) == (status, False)


def test_no_more_facts_are_kept_than_stated() -> None:
    """Beyond the bound a fact still counts, and the list does not grow."""
    known, emissions = live([Fact("sent", n, n, at=n) for n in range(FACTS_KEPT + 10)])
    assert len(known.facts) == FACTS_KEPT
    assert len(emissions) == FACTS_KEPT + 10


def whole_facts() -> st.SearchStrategy[list[Fact]]:
    """Up to eight facts about a whole message, some about the same status at other times."""
    one = st.tuples(
        st.sampled_from(STATUSES),
        st.one_of(st.none(), st.integers(1, 5)),
        st.booleans(),
        st.booleans(),
    )
    return st.lists(one, min_size=1, max_size=8).map(
        lambda rows: [
            Fact(
                status,
                received=100 + place,
                hash=place,
                at=at,
                own=own and status == "expired",
                error=Failure("network", f"e{place}") if failing and status == "failed" else None,
            )
            for place, (status, at, own, failing) in enumerate(rows)
        ]
    )


@settings(max_examples=500, deadline=None)
@given(whole_facts(), st.data())
def test_distinct_duplicates_and_own_expiry_commute(facts: list[Fact], data: st.DataObject) -> None:
    """Facts about the same status at other times, and our own expiry, may come in any order."""
    order = data.draw(st.permutations(facts))
    repeated = [*order, *data.draw(st.lists(st.sampled_from(facts), max_size=4))]
    assert outcome(*live(facts)) == outcome(*live(repeated))
    assert expected_status(facts) == live(facts)[0].status


@settings(max_examples=500, deadline=None)
@given(whole_facts(), st.data())
def test_every_dated_fact_is_emitted_or_stood_in_for(
    facts: list[Fact], data: st.DataObject
) -> None:
    """Dated emissions that are not inferred are the dated facts, but for what one inferred."""
    _, emissions = live(data.draw(st.permutations(facts)))
    dated = Counter((fact.status, fact.at) for fact in facts if fact.at is not None)
    told_of = {fact.at for fact in facts}
    emitted = Counter(
        (emission.status, emission.occurred_at)
        for emission in emissions
        if not emission.inferred and emission.occurred_at in told_of
    )
    missing = dated - emitted
    assert emitted - dated == Counter()
    assert sum(missing.values()) <= sum(emission.inferred for emission in emissions)
    assert {"delivered"} >= {status for status, _ in missing}


def test_times_prefer_the_providers() -> None:
    """A status is dated by the provider's earliest time, and by ours where it sent none."""
    known, _ = live(
        [
            Fact("sent", 500, 1),
            Fact("delivered", 501, 2, at=20),
            Fact("delivered", 502, 3, at=10),
            Fact("delivered", 503, 4),
        ]
    )
    assert times(known) == {"sent": 500, "delivered": 10}
