"""Counting and adding up: bounded, and never backwards, whoever dies or comes back."""

import random
from collections import Counter

from ringback.services.numbers import Counts, Ledger, Totals, gathered, read, summed
from ringback.services.tally import ENDPOINTS_MAX, Attempts, Histogram
from ringback.storage.workers import Told


def test_a_value_belongs_to_the_first_bound_that_is_not_below_it() -> None:
    """On the bound is inside, as Prometheus wants it; above all bounds is the last bucket."""
    histogram = Histogram((1.0, 2.0))
    for value in (0.0, 1.0, 1.5, 2.0, 2.1, 900.0):
        histogram.add(value)
    assert [2, 2, 2] == histogram.counts
    assert 906.6 == round(histogram.total, 9)


def test_attempts_are_counted_by_class_and_endpoint() -> None:
    """An error counts as itself even beside a status; only a delivery has a latency."""
    tally = Attempts()
    tally.configure([7])
    tally.made(7, 200, None, "delivered", 12.9, 40)
    tally.made(7, 503, None, None, 5.0, 90)
    tally.made(7, 200, "reset", None, 1.0, 90)
    tally.made(7, None, "timeout", "exhausted", 15000.0, 99)
    assert {"5xx": 1, "reset": 1, "timeout": 1} == tally.results
    assert (1, {"exhausted": 1}) == (tally.delivered, tally.ends)
    mine = tally.endpoints[7]
    assert (1, 3, 15018) == (mine.delivered, mine.failed, mine.ms)
    assert (1, 0.04) == (sum(tally.seconds.counts), tally.seconds.total)


def test_no_more_than_a_thousand_endpoints_are_counted_by_themselves() -> None:
    """The oldest are; the rest is counted together, and whoever is deleted joins the rest."""
    tally = Attempts()
    tally.configure(range(1, 3 * ENDPOINTS_MAX))
    assert ENDPOINTS_MAX == len(tally.endpoints)
    for number in (1, ENDPOINTS_MAX, ENDPOINTS_MAX + 1, 999_999):
        tally.made(number, 200, None, "delivered", 1.0, 1)
    assert (1, 1) == (tally.endpoints[1].delivered, tally.endpoints[ENDPOINTS_MAX].delivered)
    assert 2 == tally.others.delivered
    tally.configure(range(2, 3 * ENDPOINTS_MAX))
    assert ENDPOINTS_MAX == len(tally.endpoints)
    assert 3 == tally.others.delivered
    assert 0 == tally.endpoints[ENDPOINTS_MAX + 1].delivered


def test_what_is_of_unnamed_endpoints_is_put_together() -> None:
    """Names that only look alike stay; nothing is lost."""
    totals = {
        "endpoint 1 failed": 2, "endpoint 2 failed": 3, "endpoint other failed": 4,
        "endpoint_ms 2": 50, "endpoint_ms other": 1, "attempts 2xx": 7,
    }  # fmt: skip
    assert {
        "endpoint 1 failed": 2, "endpoint other failed": 7, "endpoint_ms other": 51,
        "attempts 2xx": 7,
    } == gathered(totals, {1})  # fmt: skip


class _Process(Counts):
    """A process that counts two things."""

    named = (1,)

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.ledger = Ledger(lambda: self)

    def totals(self) -> Totals:
        return dict(self.counted)

    def now(self) -> Totals:
        return {"queued": 2, "lag": self.counted["lag"]}


def test_standing_values_are_of_the_living_only() -> None:
    """Sums, but the highest lag; the dead stand nowhere, and what they counted stays."""
    one, other = _Process(), _Process()
    one.counted.update(a=1, lag=50)
    other.counted.update(a=10, lag=70)
    rows = [Told(True, one.ledger.tell()), Told(True, other.ledger.tell()), Told(True, None)]
    found = summed(rows, None)
    assert (3, 11, {"queued": 4, "lag": 70}) == (found.living, found.totals["a"], found.now)
    found = summed([rows[0], rows[1]._replace(alive=False)], None)
    assert (1, 11, {"queued": 2, "lag": 50}) == (found.living, found.totals["a"], found.now)


def test_numbers_of_another_version_are_kept_and_added_up() -> None:
    """What nobody here understands survives being folded; rubbish counts as nothing."""
    strange = b"\x82\xa6totals\x81\xaefuture_thing x\x05\xa5extra\xc0"
    kept = _Process().ledger.fold(None, [strange, b"\xff", strange])
    assert {"future_thing x": 10} == read(kept).totals


def test_whatever_happens_totals_are_exact_and_never_go_back() -> None:
    """Processes count, beat, are retired unseen, come back, die; rows are folded and forgotten.

    The model of storage/workers.py: a row of a retired worker never changes again.
    """
    for seed in range(200):
        _Story(random.Random(seed)).play(60)


class _Story:
    """Rows by registration, and processes by the row that they think is theirs."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.rows: dict[int, Told] = {}
        self.folded: dict[int, Told] = {}
        self.kept: bytes | None = None
        self.processes: dict[int, _Process] = {}
        self.told: Counter[int] = Counter()
        self.counted = self.lost = self.next = 0

    def play(self, turns: int) -> None:
        steps = {
            self._register: 2, self._count: 6, self._beat: 6, self._retire: 2, self._die: 1,
            self._fold: 1, self._forget: 1,
        }  # fmt: skip
        shown = 0
        for _ in range(turns):
            self.chance.choices(list(steps), list(steps.values()))[0]()
            assert shown <= self.shown()
            shown = self.shown()
        for row in list(self.processes):
            self._beat_of(row)
        assert self.counted - self.lost == self.shown()

    def shown(self) -> int:
        return summed(self.rows.values(), self.kept).totals.get("a", 0)

    def _any(self) -> int:
        if not self.processes:
            self._register()
        return self.chance.choice(list(self.processes))

    def _register(self) -> None:
        self._enter(_Process())

    def _enter(self, process: _Process) -> None:
        self.next += 1
        self.processes[self.next] = process
        self._tell(self.next)

    def _tell(self, row: int) -> None:
        self.rows[row] = Told(True, self.processes[row].ledger.tell())
        self.told[row] = self._untold(row) + self.told[row]

    def _untold(self, row: int) -> int:
        told = read(self.processes[row].ledger.tell()).totals.get("a", 0)
        return told - self.told[row]

    def _count(self) -> None:
        self.processes[self._any()].counted["a"] += 1
        self.counted += 1

    def _beat(self) -> None:
        self._beat_of(self._any())

    def _beat_of(self, row: int) -> None:
        before = self.rows.get(row) or self.folded.get(row)
        if before is not None and before.alive:
            self._tell(row)
            return
        if before is None:
            self.lost += self._untold(row)
        process = self.processes.pop(row)
        if before is None:
            process.ledger.forgotten()
        else:
            process.ledger.left(before.numbers)
        self._enter(process)

    def _retire(self) -> None:
        self._retire_row(self._any())

    def _die(self) -> None:
        row = self._any()
        self._retire_row(row)
        self.lost += self._untold(row)
        del self.processes[row]

    def _retire_row(self, row: int) -> None:
        if row in self.rows:
            self.rows[row] = self.rows[row]._replace(alive=False)

    def _fold(self) -> None:
        gone = {row: told for row, told in self.rows.items() if not told.alive}
        numbers = [told.numbers for told in gone.values() if told.numbers is not None]
        self.kept = _Process().ledger.fold(self.kept, numbers)
        self.folded |= gone
        for row in gone:
            del self.rows[row]

    def _forget(self) -> None:
        self.folded.clear()
