"""The judge can be trusted: a clean log passes, and every kind of broken promise is found."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from .behaviours import BEHAVIOURS, MIXES, behaviour
from .checker import Evidence, Verdict, check
from .faults import (
    HELD_S,
    UNRECORDED_MAX,
    WIRE_S,
    Fault,
    held_s,
    killed,
    lost_answer,
    paused,
)
from .journal import Intent, Journal, Receipt, Record, Result, read

SEED = 7


def _post(fact: str, event: str = "") -> list[Record]:
    return [Intent(fact, 1.0), Result(fact, "accepted", 2.0, 201, event or f"evt_{fact}")]


def _receipt(fact: str, endpoint: str = "a", **more: Any) -> Receipt:
    plain = Receipt(
        endpoint=endpoint, id=f"evt_{fact}", at=3.0, behaviour="ok", attempt=1, digest="d" + fact,
        signed=True, fact=fact, subject="s", sequence=int(fact[1:]),
    )  # fmt: skip
    return msgspec.structs.replace(plain, **more)


def _both(fact: str) -> list[Record]:
    return [_receipt(fact, "a"), _receipt(fact, "b")]


def _check(records: list[Record], **more: Any) -> Verdict:
    return check(Evidence(SEED, records, ("a", "b"), **more))


CLEAN = [*_post("f1"), *_both("f1"), *_post("f2"), *_both("f2")]


def test_a_clean_run_passes() -> None:
    """Two events at two endpoints, in order, once each."""
    verdict = _check(CLEAN)
    assert [] == verdict.violations
    assert (2, 4, 4, 0) == (
        verdict.accepted, verdict.delivered, verdict.receipts, verdict.duplicates
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "records"),
    [
        ("lost", [*CLEAN, *_post("f3"), _receipt("f3", "a")]),
        ("lost", [*CLEAN, *_post("f3"), _receipt("f3"), _receipt("f3", "b", behaviour="swallow")]),
        ("signature", [*CLEAN, _receipt("f2", signed=False, behaviour="fail")]),
        ("unknown", [*CLEAN, _receipt("f9")]),
        ("doubled", [*CLEAN, _receipt("f2", id="evt_other", sequence=3)]),
        ("doubled", [*_post("f1", "evt_told"), *_both("f1")]),
        ("body", [*CLEAN, _receipt("f2", digest="another", behaviour="fail")]),
        ("order", [*_post("f1"), *_post("f2"), *_both("f2"), *_both("f1")]),
        (
            "overtaken",
            [*_post("f1"), *_post("f2"), _receipt("f1", behaviour="fail"), _receipt("f2"),
             _receipt("f1"), _receipt("f1", "b"), _receipt("f2", "b")],
        ),
        ("duplicates", [*CLEAN, _receipt("f2")]),
        ("redirect", [*CLEAN, _receipt("f2", behaviour="trap")]),
    ],
)  # fmt: skip
def test_each_broken_promise_is_found(kind: str, records: list[Record]) -> None:
    """A log with one thing wrong: the first violation is of that kind, with the seed beside it."""
    verdict = _check(records)
    assert kind in {violation.kind for violation in verdict.violations}
    assert f"seed {SEED}" in str(verdict)
    assert verdict.violations[0].id in str(verdict)


def test_what_is_only_stored_counts_too() -> None:
    """An event whose publisher saw no answer, but which is stored, is owed to every endpoint."""
    records: list[Record] = [*CLEAN, Intent("f3", 1.0), Result("f3", "unknown", 2.0)]
    assert [] == _check(records).violations
    verdict = _check(records, stored=frozenset(("evt_f1", "evt_f2", "evt_f3")))
    assert [("lost", "a", "evt_f3"), ("lost", "b", "evt_f3")] == [
        (one.kind, one.endpoint, one.id) for one in verdict.violations
    ]


def test_what_was_given_up_is_not_lost() -> None:
    """The attempt log says exhausted: neither lost, nor in the way of the next."""
    records = [
        *_post("f1"), _receipt("f1", behaviour="fail"), _receipt("f1", "b"), *_post("f2"),
        *_both("f2"),
    ]  # fmt: skip
    assert {"lost", "overtaken"} == {one.kind for one in _check(records).violations}
    assert [] == _check(records, exhausted=frozenset((("a", "evt_f1"),))).violations


def test_repeats_after_failures_are_no_duplicates() -> None:
    """A retry of what was not answered with a whole 2xx is what is wanted."""
    failed = [_receipt("f1", behaviour=how) for how in ("fail", "hang", "reset", "swallow")]
    verdict = _check([*_post("f1"), *failed, *_both("f1")])
    assert [] == verdict.violations
    assert 0 == verdict.duplicates


IN_FLIGHT = 4
# When the request came that was answered with 2xx first, and when it came again.
FIRST, AGAIN = 100.0, 130.0
PAUSE = paused(FIRST + 1, FIRST + 22, IN_FLIGHT)


def _again(*moments: float, many: int = 1, **last: Any) -> list[Record]:
    """Write down requests about the same events at these moments, all answered but the last."""
    records: list[Record] = []
    for number in range(1, many + 1):
        subject = f"s{number}"
        told = [*_post(f"f{number}"), _receipt(f"f{number}", "b", subject=subject)]
        came = [_receipt(f"f{number}", at=at, subject=subject) for at in moments]
        records += [*told, *came[:-1], msgspec.structs.replace(came[-1], **last)]
    return records


def _unexcused(records: list[Record], *faults: Fault) -> int:
    found = [one.kind for one in _check(records, faults=faults).violations]
    assert {"duplicates"} >= set(found)
    return len(found)


@pytest.mark.parametrize(
    ("faults", "excused"),
    [
        ((), False),
        (killed(FIRST + 1, IN_FLIGHT), True),
        # The first was on the wire at the kill, and read a moment later.
        (killed(FIRST - WIRE_S / 2, IN_FLIGHT), True),
        (killed(FIRST - WIRE_S * 2, IN_FLIGHT), False),
        # Recorded long before the kill; unless the database was away in between.
        (killed(FIRST + HELD_S + 1, IN_FLIGHT), False),
        (killed(FIRST + HELD_S + 1, IN_FLIGHT, HELD_S + 5), True),
        # It came again before the worker was killed.
        (killed(AGAIN + 0.1, IN_FLIGHT, 60), False),
        (PAUSE, True),
        (paused(AGAIN + 1, AGAIN + 22, IN_FLIGHT), False),
        # Others sent it during the pause; the one that woke had just checked that it may.
        (paused(FIRST - 16, FIRST + 5, IN_FLIGHT), True),
        (paused(FIRST - 30, FIRST - 9, IN_FLIGHT), False),
        ((lost_answer(FIRST + 0.01),), True),
        ((lost_answer(FIRST - 0.01),), False),
    ],
)
def test_a_fault_excuses_what_was_open_then(faults: tuple[Fault, ...], excused: bool) -> None:
    """It lies between the answer and the repeat, and the answer was not recorded yet."""
    assert int(not excused) == _unexcused(_again(FIRST, AGAIN), *faults)


def test_a_repeat_may_come_late() -> None:
    """Its lane waited for an hour: what counts is that a fault came before it, not how soon."""
    assert 0 == _unexcused(_again(FIRST, FIRST + 3_600), *killed(FIRST + 1, IN_FLIGHT))


def test_each_fault_excuses_so_many_and_not_one_more() -> None:
    """A kill: in flight, one, and 500 unrecorded; of what came after it only what was in flight."""
    bound = UNRECORDED_MAX + IN_FLIGHT + 1
    kill = killed(FIRST + 1, IN_FLIGHT)
    assert 0 == _unexcused(_again(FIRST, AGAIN, many=bound), *kill)
    assert 1 == _unexcused(_again(FIRST, AGAIN, many=bound + 1), *kill)
    assert bound == _check(_again(FIRST, AGAIN, many=bound + 1), faults=kill).excused_at_once
    before = killed(FIRST - WIRE_S / 2, IN_FLIGHT)
    assert 7 == _unexcused(_again(FIRST, AGAIN, many=IN_FLIGHT + 8), *before)
    assert 2 == _unexcused(_again(FIRST, AGAIN, many=3), lost_answer(FIRST))


def test_many_kills_do_not_excuse_what_none_of_them_explains() -> None:
    """A log in which everything is sent twice, however often workers are killed in that time."""
    kills = [fault for second in range(20) for fault in killed(second * 60.0, IN_FLIGHT)]
    records = _again(FIRST, FIRST + 0.01, many=40)
    assert 40 == _unexcused(records, *kills)
    assert 40 == _check(records, faults=tuple(kills)).duplicates


def test_a_fault_is_given_to_whom_no_other_is_left() -> None:
    """Two repeats, two lost answers: the one that both explain leaves the other its only one."""
    records = [*_again(FIRST, AGAIN), *_post("f2"), _receipt("f2", "b", sequence=2)]
    records += [_receipt("f2", at=at, subject="t") for at in (FIRST + 1, FIRST + 3)]
    assert 0 == _unexcused(records, lost_answer(FIRST + 2), lost_answer(FIRST + 4))
    assert 1 == _unexcused(records, lost_answer(FIRST + 4), lost_answer(FIRST + 4))


def test_each_repeat_needs_a_fault_of_its_own() -> None:
    """One kill explains the second request, not the third; a retry of what failed needs none."""
    kill = killed(FIRST + 1, IN_FLIGHT)
    assert 1 == _unexcused(_again(FIRST, FIRST + 5, AGAIN), *kill)
    assert 0 == _unexcused(_again(FIRST, FIRST + 5, AGAIN), *kill, *killed(FIRST + 6, IN_FLIGHT))
    failed = _again(FIRST, FIRST + 5, behaviour="fail")
    retried = [*failed, _receipt("f1", at=AGAIN, subject="s1")]
    assert 0 == _unexcused(retried, *kill)
    assert 1 == _unexcused([*retried, _receipt("f1", at=AGAIN + 1, subject="s1")], *kill)
    assert 2 == _check(retried, faults=kill).duplicates


def test_a_result_waits_longer_while_the_database_is_away() -> None:
    """Up to the begin of the outage, for kills in it and shortly after it."""
    outages = [(50.0, 65.0), (200.0, 201.0)]
    assert [HELD_S, HELD_S + 10, HELD_S + 18, HELD_S] == [
        held_s(at, outages) for at in (49.0, 60.0, 68.0, 90.0)
    ]


def test_what_was_changed_on_the_way_does_not_count() -> None:
    """Behind something that flips bits a bad signature is no violation, and no delivery."""
    bad = _receipt("f1", signed=False, digest="x")
    records = [*_post("f1"), bad, _receipt("f1", "b")]
    assert ["lost"] == [one.kind for one in _check(records, corrupted=frozenset(("a",))).violations]
    assert [] == _check([*records, _receipt("f1")], corrupted=frozenset(("a",))).violations


def test_a_refused_post_owes_nothing() -> None:
    """What was answered with an error may be lost, or come."""
    records: list[Record] = [*CLEAN, Intent("f3", 1.0), Result("f3", "error", 2.0, 503)]
    assert [] == _check(records).violations
    assert [] == _check([*records, *_both("f3")]).violations


def test_a_journal_reads_what_was_written(tmp_path: Path) -> None:
    """Records come back as they were, and a line that is still being written is left out."""
    journal = Journal(tmp_path / "journal")
    for record in CLEAN:
        journal.write(record)
    journal.close()
    with journal.path.open("ab") as half:
        half.write(b'{"type":"intent","fact":"to')
    assert CLEAN == read(journal.path)


def test_behaviours_follow_the_seed() -> None:
    """The same seed behaves the same; every behaviour occurs, with about its share."""
    dice = [behaviour(SEED, "e", MIXES["flaky"], f"f{n}", 1) for n in range(20_000)]
    assert dice == [behaviour(SEED, "e", MIXES["flaky"], f"f{n}", 1) for n in range(20_000)]
    slow = {behaviour(SEED, "e", MIXES["slow"], f"f{n}", 1) for n in range(1_000)}
    assert set(BEHAVIOURS) == {*dice, *slow}
    failing = sum(how not in {"ok", "drip"} for how in dice)
    assert 0.03 < failing / len(dice) < 0.07
    assert {"ok"} == {behaviour(SEED, "e", MIXES["steady"], f"f{n}", 1) for n in range(100)}
