"""What is learnt from an endpoint's answers, on a clock of the test's own."""

import random
from collections import Counter, deque

import pytest

from ringback.services import pace as pace_module
from ringback.services.pace import (
    FAILING,
    FIRST_RATE,
    PROBE_S,
    RATE_MAX,
    RECOVERED_RATE,
    RESUMED_RATE,
    TURN_S,
    Pace,
)

MOST = 32
BEGAN = 1000.0
PER_SECOND = 50


class Receiver:
    """Takes so many requests a second and answers 503 to the others, after 5 ms.

    Asked for twice as many it falls over, and answers 503 to everybody for five seconds.
    """

    def __init__(self, down_until: float) -> None:
        """Be down until then."""
        self.taken: deque[float] = deque()
        self.offered: deque[float] = deque()
        self.most = 0
        self.collapses = 0
        self.down_until = down_until

    def ask(self, now: float) -> int:
        """Take a request; return the status."""
        self.offered.append(now)
        for times in (self.taken, self.offered):
            while times and times[0] <= now - 1:
                times.popleft()
        if now >= self.down_until:
            self.most = max(self.most, len(self.offered))
            if len(self.offered) > 2 * PER_SECOND:
                self.collapses += 1
                self.down_until = now + 5
        if now < self.down_until or len(self.taken) >= PER_SECOND:
            return 503
        self.taken.append(now)
        return 200


def _drain(
    paces: list[Pace], receiver: Receiver, pending: int, now: float
) -> tuple[float, list[int]]:
    """Send all that is pending as fast as the workers' paces let; return when it was done, and how
    many were taken in each second.
    """
    flying: list[deque[tuple[float, int]]] = [deque() for _ in paces]
    taken: list[int] = []
    began = now
    while pending > 0:
        for pace, own in zip(paces, flying, strict=True):
            while own and own[0][0] <= now:
                _, status = own.popleft()
                pace.result(status, None, now)
                if status == 200:
                    pending -= 1
                    second = int(now - began)
                    taken.extend([0] * (second + 1 - len(taken)))
                    taken[second] += 1
            while len(own) < pace.limit and pace.wait_s(now) <= 0:
                pace.begun(now)
                own.append((now + 0.005, receiver.ask(now)))
        now += 0.001
        assert now < began + 3600
    return now, taken


def _crew(count: int) -> list[Pace]:
    """One endpoint's paces in so many workers that share it."""
    paces = [Pace(MOST) for _ in range(count)]
    for pace in paces:
        pace.allow(MOST // count, count)
    return paces


def _fail(pace: Pace, now: float = BEGAN) -> None:
    for _ in range(FAILING):
        pace.result(None, "connect", now)


def test_who_answers_is_not_slowed() -> None:
    """Redirects and refused events are answers; one 503 in fifty, or nine errors in a row, ends
    nothing.
    """
    pace = Pace(MOST)
    for number in range(20_000):
        status = (200, 204, 302, 400, 404, 410, 422)[number % 7]
        pace.result(503 if number % 50 == 49 else status, None, BEGAN + number / 1000)
    assert (True, MOST, 0.0) == (pace.easy, pace.limit, pace.rate)
    pace.result(200, None, BEGAN + 20)
    for _ in range(FAILING - 1):
        pace.result(500, None, BEGAN + 20)
    assert (True, False) == (pace.easy, pace.failing)
    assert pace.wait_s(BEGAN + 20) <= 0


def test_who_does_not_answer_gets_fewer_at_a_time() -> None:
    """Each request without an answer halves it down to one; each answer gives one back."""
    pace = Pace(MOST)
    limits = []
    for _ in range(6):
        pace.result(None, "timeout", BEGAN)
        limits.append(pace.limit)
    assert [16, 8, 4, 2, 1, 1] == limits
    for _ in range(MOST - 1):
        assert not pace.easy
        pace.result(200, None, BEGAN)
    assert (True, MOST) == (pace.easy, pace.limit)


def test_who_fails_is_asked_once_a_second() -> None:
    """After ten failures one request at a time, at least half a second later; again after each."""
    pace = Pace(MOST)
    _fail(pace)
    now = BEGAN
    for _ in range(20):
        assert (True, False, 1) == (pace.failing, pace.easy, pace.limit)
        wait = pace.wait_s(now)
        assert PROBE_S / 2 <= wait <= PROBE_S * 1.5
        now += wait
        pace.begun(now)
        pace.result(500, None, now)


def test_who_comes_back_gets_slowly_more() -> None:
    """One answer ends it: two a second then, doubled each second, and at last no rate at all."""
    pace = Pace(MOST)
    _fail(pace)
    pace.result(200, None, BEGAN + 5)
    rates = []
    for second in range(9):
        pace.wait_s(BEGAN + 5 + second)
        rates.append(pace.rate)
        pace.result(200, None, BEGAN + 5 + second)
    assert [RECOVERED_RATE * 2**second for second in range(8)] == rates[:8]
    assert 0.0 == rates[8]
    for _ in range(MOST):
        pace.result(200, None, BEGAN + 14)
    assert (True, MOST, False) == (pace.easy, pace.limit, pace.failing)


def test_who_refuses_is_held_to_what_it_takes() -> None:
    """A receiver of fifty a second that comes back with 10,000 waiting is neither overrun nor left
    idle: at most 5 % more than it takes, in every second as much as it can after the first ten.
    """
    receiver = Receiver(down_until=BEGAN + 30)
    ended, taken = _drain([Pace(MOST)], receiver, 10_000, BEGAN)
    assert 0 == receiver.collapses
    assert receiver.most <= PER_SECOND * 1.05
    assert all(count >= PER_SECOND * 0.6 for count in taken[45:-1])
    assert ended - BEGAN <= 30 + 10_000 / PER_SECOND * 1.25


@pytest.mark.parametrize("count", [2, 4, 8])
def test_workers_together_do_not_run_over_who_comes_back(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each learns for itself: they may pass what it takes until all of them have been refused, by
    a quarter; it does not fall over, and is as busy as by one worker.
    """
    monkeypatch.setattr(pace_module, "random", random.Random(count))
    receiver = Receiver(down_until=BEGAN + 30)
    ended, taken = _drain(_crew(count), receiver, 2_000, BEGAN)
    assert 0 == receiver.collapses
    assert receiver.most <= PER_SECOND * 1.25
    assert all(taken_then >= PER_SECOND * 0.6 for taken_then in taken[50:-1])
    assert ended - BEGAN <= 30 + 15 + 2_000 / PER_SECOND * 1.25


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_the_rates_of_all_workers_are_one_rate(count: int) -> None:
    """However many there are: together they ask one that fails once a second, begin with 64 a
    second, and with two when it is back; what a first refusal leaves is never below 16.
    """
    failing, starting, back, refused = (_crew(count) for _ in range(4))
    for pace in starting:
        pace.resume(BEGAN)
    for pace in (*failing, *back):
        _fail(pace)
    for pace in back:
        pace.result(200, None, BEGAN + 5)
    for pace in refused:
        pace.result(503, None, BEGAN)
    together = [sum(pace.rate for pace in paces) for paces in (failing, starting, back, refused)]
    assert pytest.approx([1 / PROBE_S, RESUMED_RATE, RECOVERED_RATE, FIRST_RATE]) == together
    times = []
    for pace in starting:
        now = BEGAN
        while (now := max(now, pace._next)) < BEGAN + TURN_S:
            pace.begun(now)
            times.append(now)
    assert RESUMED_RATE * 0.95 - count <= len(times) <= RESUMED_RATE * 1.05


def test_a_worker_that_leaves_or_comes_changes_the_parts() -> None:
    """The whole rate is the others' then, and what they have learnt of the endpoint stays."""
    first, second = _crew(2)
    for pace in (first, second):
        pace.result(429, None, BEGAN)
        pace.wait_s(BEGAN + 2)
    together = first.rate + second.rate
    first.allow(MOST)
    assert pytest.approx(together) == first.rate
    first.allow(MOST // 4, 4)
    assert pytest.approx(together / 4) == first.rate
    _fail(first, BEGAN + 2)
    first.allow(MOST)
    assert (True, 1 / PROBE_S) == (first.failing, first.rate)


@pytest.mark.parametrize("rate", [PROBE_S, RECOVERED_RATE, RESUMED_RATE])
def test_nobody_is_in_step(rate: float) -> None:
    """Of 1,000 endpoints that fail, come back, or are begun with in the same moment, each has its
    first request at a moment drawn by lot, evenly over the time between two.
    """
    waits = []
    for _ in range(1_000):
        pace, now = Pace(MOST), BEGAN
        if rate == RESUMED_RATE:
            pace.resume(now)
        else:
            _fail(pace)
        if rate == RECOVERED_RATE:
            pace.result(200, None, now)
        waits.append(pace.wait_s(now) * rate - 0.5 * (rate == PROBE_S))
    parts = Counter(int(wait * 10) for wait in waits)
    assert set(range(10)) == set(parts)
    assert max(parts.values()) <= 160


def test_a_first_refusal_is_followed_at_once() -> None:
    """Three quarters of what it took in the last second, sixteen a second at least."""
    pace = Pace(MOST)
    for number in range(400):
        pace.result(200, None, BEGAN + number / 200)
    for _ in range(10):
        pace.result(429, None, BEGAN + 2)
    assert (150.0, False) == (pace.rate, pace.easy) or pace.rate <= 150.0
    quiet = Pace(MOST)
    quiet.result(503, None, BEGAN)
    assert FIRST_RATE == quiet.rate


def test_a_quiet_minute_makes_it_easy_again() -> None:
    """An endpoint that refused once, and is sent little, is not held to anything for long."""
    pace = Pace(MOST)
    pace.result(503, None, BEGAN)
    assert not pace.easy
    for second in range(1, 180):
        pace.result(200, None, BEGAN + second)
    assert (True, 0.0) == (pace.easy, pace.rate)


def test_a_start_is_slow() -> None:
    """With much waiting it begins with 64 a second; who is held back already stays so."""
    pace = Pace(MOST)
    pace.resume(BEGAN)
    assert (RESUMED_RATE, MOST) == (pace.rate, pace.limit)
    begun, now = 0, BEGAN + 1 / RESUMED_RATE
    while pace.wait_s(now) <= 0:
        pace.begun(now)
        begun += 1
    assert 1 <= begun <= RESUMED_RATE / 4
    pace.wait_s(BEGAN + 3.5)
    assert 0.0 == pace.rate
    assert RESUMED_RATE * 8 == RATE_MAX
    _fail(pace, BEGAN + 4)
    pace.resume(BEGAN + 4)
    assert (True, 1) == (pace.failing, pace.limit)


def test_what_its_owner_allows_is_followed() -> None:
    """More or less at a time, also while it is held back."""
    pace = Pace(MOST)
    pace.allow(4)
    assert (True, 4) == (pace.easy, pace.limit)
    pace.allow(MOST)
    pace.result(None, "timeout", BEGAN)
    pace.allow(8)
    assert (True, 8) == (pace.easy, pace.limit)
    _fail(pace)
    pace.allow(64)
    assert (1, 64) == (pace.limit, pace.most)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "share", [{429: 0.01}, {500: 0.05}, {429: 0.01, 500: 0.04}], ids=["busy", "broken", "both"]
)
def test_who_fails_now_and_then_still_gets_all_there_is(share: dict[int, float], seed: int) -> None:
    """After a start, one refusal in a hundred or one error in twenty, at thirty events a second:
    what piled up in the slow beginning is sent, and nothing piles up after that.
    """
    dice, pace, now, waiting = random.Random(seed), Pace(MOST), BEGAN, 0.0
    pace.resume(now)
    while now < BEGAN + 300:
        now += 1 / 400
        waiting += 30 / 400
        if waiting >= 1 and pace.wait_s(now) <= 0:
            waiting -= 1
            pace.begun(now)
            roll, status = dice.random(), 200
            for answer, part in share.items():
                roll -= part
                if roll < 0 and status == 200:
                    status = answer
            pace.result(status, None, now)
    assert waiting < 30
