"""T14 for messages of several parts: the whole speaks when its parts allow it, in any order."""

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.domain.messages import PARTS_MAX, Fact, Failure, Status, merge, times

from .lives import STATUSES, live, outcome

ONWARD: dict[Status, set[Status]] = {
    "submitted": {"submitted", "sent", "delivered", "read"},
    "sent": {"sent", "delivered", "read"},
    "delivered": {"delivered", "read"},
    "read": {"read"},
}
ANY: set[Status] = {"failed", "expired", "cancelled", "unconfirmed"}


def part_facts() -> st.SearchStrategy[tuple[int, list[Fact]]]:
    """One to four parts with up to ten reports, some about the whole, some without a time."""
    report = st.tuples(
        st.sampled_from(STATUSES), st.integers(0, 4), st.one_of(st.none(), st.integers(1, 5))
    )
    rows = st.lists(report, min_size=1, max_size=10)
    return st.tuples(st.integers(1, 4), rows).map(
        lambda drawn: (
            drawn[0],
            [
                Fact(
                    status,
                    received=100 + place,
                    hash=place,
                    at=at,
                    part=min(part, drawn[0]),
                    error=Failure("network", f"e{place}") if status == "failed" else None,
                )
                for place, (status, part, at) in enumerate(drawn[1])
            ],
        )
    )


def reached(facts: list[Fact], parts: int) -> set[Status]:
    """Say which statuses the whole has reached: the independent rule, in other words."""
    by_part = [{f.status for f in facts if f.part == part} for part in range(1, parts + 1)]
    whole = {f.status for f in facts if f.part == 0}
    found: set[Status] = {f.status for f in facts if f.status in ANY} | whole
    for status, onward in ONWARD.items():
        literal = any(status in said for said in by_part) or status == "delivered"
        if literal and all(not said.isdisjoint(onward) for said in by_part):
            found.add(status)
    return found | {"delivered"} if "read" in whole else found


@settings(max_examples=1_000, deadline=None)
@given(part_facts(), st.data())
def test_reports_on_parts_commute(drawn: tuple[int, list[Fact]], data: st.DataObject) -> None:
    """Any order and repetition gives the same status, times, types, conflict and error."""
    parts, facts = drawn
    order = data.draw(st.permutations(facts))
    repeated = [*order, *data.draw(st.lists(st.sampled_from(facts), max_size=4))]
    assert outcome(*live(facts, parts)) == outcome(*live(repeated, parts))


@settings(max_examples=500, deadline=None)
@given(part_facts().filter(lambda drawn: drawn[0] > 1))
def test_the_whole_says_each_status_once_when_its_parts_allow_it(
    drawn: tuple[int, list[Fact]],
) -> None:
    """Failure needs one part, everything else all of them; numbers have no holes."""
    parts, facts = drawn
    known, emissions = live(facts, parts)
    assert Counter(reached(facts, parts)) == Counter(emission.status for emission in emissions)
    assert list(range(1, len(emissions) + 1)) == [emission.sequence for emission in emissions]
    assert known.sequence == len(emissions)


def test_delivered_when_all_parts_are() -> None:
    """Nothing is said before the last part; its time is the time of the whole."""
    facts = [Fact("delivered", 100 + part, part, at=10 * part, part=part) for part in (3, 1, 2)]
    known, emissions = live(facts, 3)
    assert [(e.status, e.occurred_at, e.inferred) for e in emissions] == [("delivered", 30, False)]
    assert (known.status, known.timestamps) == ("delivered", {"delivered": 30})


def test_one_failed_part_fails_the_whole_and_says_why() -> None:
    """The worst part decides, and among several the earliest names the reason, in any order."""
    facts = [
        Fact("delivered", 1, 1, at=10, part=1),
        Fact("failed", 2, 2, at=20, part=2, error=Failure("network", "first")),
        Fact("failed", 3, 3, at=30, part=3, error=Failure("recipient", "second")),
    ]
    for order in itertools.permutations(facts):
        known, emissions = live(order, 3)
        assert (known.status, known.error) == ("failed", Failure("network", "first"))
        assert [emission.status for emission in emissions] == ["failed"]
        assert not known.conflict


def test_facts_about_the_whole_keep_their_times_beside_the_parts() -> None:
    """What was said of the whole message is not lost when its parts report."""
    facts = [
        Fact("queued", 1, 1, at=1),
        Fact("submitted", 2, 2, at=2),
        Fact("delivered", 3, 3, at=10, part=1),
        Fact("delivered", 4, 4, at=20, part=2),
    ]
    for order in itertools.permutations(facts):
        known, emissions = live(order, 2)
        assert times(known) == {"queued": 1, "submitted": 2, "delivered": 20}
        assert Counter(["queued", "submitted", "delivered"]) == Counter(
            emission.status for emission in emissions
        )


def test_no_status_is_made_up_that_no_part_reported() -> None:
    """Parts that go straight to `delivered` emit neither `submitted` nor `sent`."""
    _, emissions = live([Fact("delivered", 1, part, at=9, part=part) for part in (1, 2)], 2)
    assert [emission.status for emission in emissions] == ["delivered"]


def test_undated_reports_do_not_let_our_clock_decide() -> None:
    """Without the provider's times a conflict ends the same way in every order of arrival."""
    facts: list[tuple[Status, int]] = [("delivered", 1), ("failed", 2), ("delivered", 2)]
    statuses = {
        live(
            [
                Fact(status, 100 + arrival, hash=part * 100 + len(status), part=part)
                for arrival, (status, part) in enumerate(order)
            ],
            2,
        )[0].status
        for order in itertools.permutations(facts)
    }
    assert {"delivered"} == statuses


def test_a_delivery_that_a_part_skipped_is_inferred() -> None:
    """All parts read or delivered: the whole's `delivered` says that it was inferred."""
    facts = [Fact("delivered", 1, 1, at=10, part=1), Fact("read", 2, 2, at=30, part=2)]
    known, emissions = live(facts, 2)
    assert [(e.status, e.inferred) for e in emissions] == [("delivered", True)]
    assert merge(known, Fact("read", 3, 3, at=40, part=1))[-1].status == "read"
    assert merge(known, Fact("delivered", 4, 4, at=20, part=2)) == []
    assert known.timestamps == {"delivered": 20, "read": 40}


def test_parts_count_alone_until_their_number_is_known() -> None:
    """Without a number each report speaks at once; announced later, what came before counts."""
    known, first = live([Fact("delivered", 1, 1, at=10, part=1)])
    assert [emission.status for emission in first] == ["delivered"]
    known.parts = 2
    assert merge(known, Fact("sent", 2, 2, at=5, part=2))[0].status == "sent"
    assert known.status == "sent"
    merge(known, Fact("delivered", 3, 3, at=20, part=2))
    assert (known.status, known.timestamps["delivered"]) == ("delivered", 20)


@pytest.mark.parametrize("part", [PARTS_MAX, PARTS_MAX + 1, 10**9])
def test_a_part_number_beyond_the_bound_takes_no_more_room(part: int) -> None:
    """Part numbers are clamped, so that a provider cannot grow a message without end."""
    known, _ = live([Fact("sent", 1, 1, at=1, part=part)], 2)
    assert max(known.part_facts) <= PARTS_MAX
