"""The judge: a pure function over what the oracle wrote down. It finds every broken promise.

What it is told besides: which deliveries the attempt log calls exhausted, which events are stored,
and which faults the run met, when: only they excuse repeats (faults.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from .faults import Fault, Repeat, unexcused
from .journal import Intent, Receipt, Record, Result

Kind = Literal[
    "lost", "signature", "unknown", "doubled", "body", "order", "overtaken", "duplicates",
    "redirect",
]  # fmt: skip


class Violation(msgspec.Struct, frozen=True):
    """A broken promise: of which kind, at which endpoint, about which event or fact."""

    kind: Kind
    endpoint: str
    id: str
    words: str


class Evidence(msgspec.Struct, frozen=True):
    """All that a run left behind.

    `endpoints` are those that every event is owed to. `exhausted` are (endpoint, event id) that
    the attempt log says were given up, `stored` the ids of all events in the database.
    `corrupted` endpoints sit behind something that changes bits: what it changed does not count.
    `faults` are the kills, the pauses beyond the lease and the lost answers of this run.
    """

    seed: int
    records: list[Record]
    endpoints: tuple[str, ...]
    exhausted: frozenset[tuple[str, str]] = frozenset()
    stored: frozenset[str] = frozenset()
    corrupted: frozenset[str] = frozenset()
    faults: tuple[Fault, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """What was found, the earliest first, and what was counted.

    `duplicates` are all requests about what their endpoint had answered with 2xx before, retries
    of a repeat that failed included; `excused_at_once` the most repeats that one moment excuses.
    """

    seed: int
    violations: list[Violation]
    accepted: int
    delivered: int
    receipts: int
    duplicates: int
    excused_at_once: int = 0

    def __str__(self) -> str:
        """Say it in a few lines: the seed and the first that went wrong."""
        counted = (
            f"seed {self.seed}: {self.accepted} accepted, {self.delivered} delivered in "
            f"{self.receipts} requests, {self.duplicates} repeats after a 2xx, "
            f"{self.excused_at_once} at most after one fault"
        )
        if not self.violations:
            return f"{counted}; nothing is wrong"
        first = self.violations[0]
        return (
            f"{counted}; {len(self.violations)} violations, the first: {first.kind} of {first.id} "
            f"at {first.endpoint}: {first.words}"
        )


def check(evidence: Evidence) -> Verdict:
    """Find every violation in the evidence."""
    case = _Case(evidence)
    violations = [
        *case.forged(), *case.unheard_of(), *case.redirected(), *case.doubled(), *case.changed(),
        *case.out_of_order(), *case.lost(), *case.excess(),
    ]  # fmt: skip
    return Verdict(
        evidence.seed, violations, len(case.accepted),
        sum(len(ids) for ids in case.delivered.values()), len(case.receipts), case.duplicates,
        case.excused_at_once,
    )  # fmt: skip


class _Case:
    """The evidence, sorted."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.intended: set[str] = set()
        self.accepted: dict[str, Result] = {}
        self.receipts: list[Receipt] = []
        for record in evidence.records:
            if isinstance(record, Intent):
                self.intended.add(record.fact)
            elif isinstance(record, Receipt):
                if record.signed or record.endpoint not in evidence.corrupted:
                    self.receipts.append(record)
            elif record.outcome == "accepted":
                self.accepted[record.fact] = record
        # Endpoint → the ids that it has answered with a whole 2xx.
        self.delivered: dict[str, set[str]] = defaultdict(set)
        self.duplicates = 0
        repeats = []
        before: dict[tuple[str, str], Receipt] = {}
        for receipt in self.receipts:
            answered = self.delivered[receipt.endpoint]
            self.duplicates += receipt.id in answered
            last = before.get((receipt.endpoint, receipt.id))
            if last is not None and last.answered:
                repeats.append(Repeat(last, receipt))
            before[receipt.endpoint, receipt.id] = receipt
            if receipt.answered:
                answered.add(receipt.id)
        self.unexcused, self.excused_at_once = unexcused(repeats, evidence.faults)
        self.ids: dict[str, str] = {}
        for receipt in self.receipts:
            if receipt.fact:
                self.ids.setdefault(receipt.fact, receipt.id)

    def forged(self) -> Iterator[Violation]:
        for one in self.receipts:
            if not one.signed:
                yield Violation("signature", one.endpoint, one.id, f"attempt {one.attempt}")

    def unheard_of(self) -> Iterator[Violation]:
        for one in self.receipts:
            if one.fact not in self.intended:
                yield Violation("unknown", one.endpoint, one.id, f"nobody posted {one.fact!r}")

    def redirected(self) -> Iterator[Violation]:
        for one in self.receipts:
            if one.behaviour == "trap":
                yield Violation("redirect", one.endpoint, one.id, "a redirect was followed")

    def doubled(self) -> Iterator[Violation]:
        """One fact is one event, everywhere, and the one that its publisher was told."""
        told: set[tuple[str, str]] = set()
        for one in self.receipts:
            known = self.ids.get(one.fact, one.id)
            answer = self.accepted.get(one.fact)
            named = answer.event if answer is not None and answer.event else known
            if one.id not in {known} & {named} and (one.fact, one.id) not in told:
                told.add((one.fact, one.id))
                yield Violation(
                    "doubled", one.endpoint, one.id, f"{one.fact} is {known}; told {named}"
                )

    def changed(self) -> Iterator[Violation]:
        """One id is one body, in every attempt at every endpoint."""
        digests: dict[str, str] = {}
        for one in self.receipts:
            if digests.setdefault(one.id, one.digest) != one.digest:
                yield Violation("body", one.endpoint, one.id, f"attempt {one.attempt} differs")

    def out_of_order(self) -> Iterator[Violation]:
        """Each subject's events come one after the other: a new one only after the one before."""
        seen: set[tuple[str, str]] = set()
        latest: dict[tuple[str, str], Receipt] = {}
        answered: set[tuple[str, str]] = set()
        for one in self.receipts:
            lane = (one.endpoint, one.subject)
            before = latest.get(lane)
            if one.subject and (one.endpoint, one.id) not in seen:
                seen.add((one.endpoint, one.id))
                if before is not None and one.sequence <= before.sequence:
                    words = f"{one.subject}: {one.sequence} came after {before.sequence}"
                    yield Violation("order", one.endpoint, one.id, words)
                elif before is not None and not self._over(before, answered):
                    words = f"{one.subject}: {one.sequence} while {before.sequence} was open"
                    yield Violation("overtaken", one.endpoint, one.id, words)
                if before is None or one.sequence > before.sequence:
                    latest[lane] = one
            if one.answered:
                answered.add((one.endpoint, one.id))

    def _over(self, one: Receipt, answered: set[tuple[str, str]]) -> bool:
        here = (one.endpoint, one.id)
        return here in answered or here in self.evidence.exhausted

    def lost(self) -> Iterator[Violation]:
        """What was accepted, and what is stored, has reached every endpoint or was given up."""
        for fact, result in self.accepted.items():
            event = result.event or self.ids.get(fact, "")
            yield from self._missing(event, fact, f"{fact} was accepted at {result.at:.3f}")
        known = {result.event or self.ids.get(fact) for fact, result in self.accepted.items()}
        for event in sorted(self.evidence.stored - known):
            yield from self._missing(event, event, "it is stored")

    def _missing(self, event: str, name: str, words: str) -> Iterable[Violation]:
        for endpoint in self.evidence.endpoints:
            if event in self.delivered[endpoint] or (endpoint, event) in self.evidence.exhausted:
                continue
            yield Violation("lost", endpoint, event or name, words)

    def excess(self) -> Iterator[Violation]:
        """What was answered with 2xx comes again only because of a fault after that answer.

        A retry of a repeat that was not answered with 2xx needs none of its own.
        """
        for first, again in ((one.first, one.again) for one in self.unexcused):
            words = (
                f"attempt {again.attempt} at {again.at:.3f} repeats attempt {first.attempt}, which "
                f"was answered 2xx at {first.at:.3f}: no fault excuses it"
            )
            yield Violation("duplicates", again.endpoint, again.id, words)
