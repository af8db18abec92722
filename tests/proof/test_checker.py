"""The judge can be trusted: a clean log passes, and every kind of broken promise is found."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from .behaviours import BEHAVIOURS, MIXES, behaviour
from .checker import Evidence, Verdict, check
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


def test_repeats_are_excused_up_to_the_bound() -> None:
    """Faults excuse so many repeats and not one more; the order of repeats does not matter."""
    records = [*CLEAN, _receipt("f1"), _receipt("f2")]
    assert [] == _check(records, excused=2).violations
    assert ["duplicates"] == [one.kind for one in _check(records, excused=1).violations]


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
