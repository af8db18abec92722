"""Calls and number orders: whatever order their facts come in, they end the same."""

import itertools
import random
from typing import get_args

import msgspec

from ringback.domain import calls, orders
from ringback.domain.calls import Call, CallFact, CallWord
from ringback.domain.messages import Failure
from ringback.domain.orders import NumberOrder, OrderFact, OrderStatus


def _call(facts: list[CallFact]) -> tuple[Call, list[tuple[str, bool]]]:
    call = Call()
    told = [calls.merge(call, fact) for fact in facts]
    assert [one.sequence for one in told] == list(range(1, len(facts) + 1))
    return call, [(one.fact.word, one.late) for one in told]


def _facts(dice: random.Random) -> list[CallFact]:
    words: tuple[CallWord, ...] = get_args(CallWord)
    return [
        CallFact(
            word, 0, hash_, dice.choice((None, 1, 2, 3)),
            reason=dice.choice(("busy", "no_answer")) if word == "failed" else None,
            duration_s=dice.choice((None, 3, 9)) if word == "completed" else None,
        )
        for hash_, word in enumerate(dice.choices(words, k=5))
    ]  # fmt: skip


def test_no_order_of_arrival_changes_a_call() -> None:
    """Status, reason, duration, times and the types of its events are those of the set of facts."""
    dice = random.Random(5)
    for _ in range(60):
        facts = _facts(dice)
        ends = set()
        for order in itertools.permutations(facts):
            call, told = _call(list(order))
            key = msgspec.structs.replace(call, timestamps={}, heard={})
            ends.add((repr(key), repr(sorted(call.timestamps.items())), repr(sorted(call.heard)),
                      repr(sorted(word for word, _ in told))))  # fmt: skip
        assert 1 == len(ends)


def test_a_call_moves_up_only() -> None:
    """What lies behind comes late; what is no status moves nothing and is never late."""
    call, told = _call([
        CallFact("answered", 0, 1, 20), CallFact("ringing", 0, 2, 10), CallFact("forwarded", 0, 3),
        CallFact("completed", 0, 4, 30, duration_s=12), CallFact("failed", 0, 5, 25, reason="busy"),
    ])  # fmt: skip
    assert [("answered", False), ("ringing", True), ("forwarded", False), ("completed", False),
            ("failed", True)] == told  # fmt: skip
    assert ("completed", None, 12) == (call.status, call.reason, call.duration_s)
    assert {"ringing": 10, "answered": 20, "completed": 30, "failed": 25} == call.timestamps


def test_what_is_known_of_a_call_outlasts_that_nobody_answered() -> None:
    """A call that was rejected, or answered and ended, was not merely left unanswered."""
    lost = CallFact("failed", 0, 1, 30, reason="no_answer")
    for known in (
        CallFact("failed", 0, 2, 20, reason="rejected"),
        CallFact("completed", 0, 2, 20, duration_s=3),
    ):
        for facts in ([lost, known], [known, lost]):
            call, _ = _call(facts)
            assert (known.word, known.reason) == (call.status, call.reason)
    call, _ = _call([CallFact("answered", 0, 2, 20), lost])
    assert ("failed", "no_answer") == (call.status, call.reason)


def test_no_order_of_arrival_changes_an_order() -> None:
    """State, numbers and error are those of the set of facts; nothing moves it once it is over."""
    dice = random.Random(6)
    statuses: tuple[OrderStatus, ...] = get_args(OrderStatus)
    for _ in range(60):
        facts = [
            OrderFact(
                status, 0, hash_, dice.choice((None, 1, 2)), provider_status=f"S{hash_}",
                numbers=dice.sample(["+1", "+2", "+3"], 1), partial=status == "completed",
                error=Failure("sender", "x") if status == "failed" else None,
            )
            for hash_, status in enumerate(dice.choices(statuses, k=4))
        ]  # fmt: skip
        ends = set()
        for arrived in itertools.permutations(facts):
            order = NumberOrder()
            told = [orders.merge(order, fact) for fact in arrived]
            assert not told[0].late
            ends.add(repr(order))
        assert 1 == len(ends)
        final = [fact.status for fact in facts if fact.status != "updated"]
        assert (order.status != "updated") == bool(final)


def test_an_order_has_a_bound() -> None:
    """However many numbers are told of, the same thousand are kept, whatever came first."""
    facts = [
        OrderFact(
            "updated", 0, hash_, hash_, numbers=[f"+1555{n:07}" for n in range(hash_, 3000, 7)]
        )
        for hash_ in range(7)
    ]
    ends = []
    for arrived in (facts, facts[::-1]):
        order = NumberOrder()
        for fact in arrived:
            orders.merge(order, fact)
        ends.append(order.numbers)
    assert [f"+1555{n:07}" for n in range(1000)] == ends[0] == ends[1]
