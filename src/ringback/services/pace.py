"""How fast one endpoint may be sent to by this worker, learnt from how it answers. No I/O.

The numbers are those of all workers together; each has its part of every rate.

An endpoint that answers is not slowed: it has all the requests at a time that its owner allows,
and no rate. Otherwise, from its last results alone:

- no answer (timeout, refused, reset): half as many at a time; each answer gives one back.
- 429 or 503 with fewer than 32 answers since the last one: a rate, three quarters of what it took
  in the last second. A second without that doubles it up to what was taken before, and adds a
  little beyond, then more and more. While there is a rate, three failures of any kind in a row
  lower it too; single ones say nothing about speed.
- ten failures in a row: failing. One request at a time and one a second, until one is answered;
  then from two a second on, doubled every second. A 4xx is an answer, but for 408 and 429.

Requests that a rate lets out are spread over the second. Where one begins, after a start or when an
endpoint is back, is drawn by lot, so that neither workers nor endpoints are in step.

What is held back so stays in the database: see push.py.
"""

import random

# So many failures without an answer in between, and the endpoint is failing.
FAILING = 10
PROBE_S = 1.0
TURN_S = 1.0
RECOVERED_RATE = 2.0
# After a start, or when an endpoint is enabled again, there may be a backlog for it.
RESUMED_RATE = 64.0
# The first rate of an endpoint that had none is not below this, however little it was sent.
FIRST_RATE = 16.0
# Requests a second from which on an endpoint is not held to a rate any more.
RATE_MAX = 512.0
# A refusal with so many answers before it is not taken as a wish.
REFUSALS_IGNORED = 32
# Failures in a row by which it is seen that a rate is too high.
TROUBLE = 3
_SLOWER = 0.75
_FASTER = 1 / 32
# So many seconds without a wish to slow down, and what is added each second is once more as much.
_BOLDER_S = 4
# How far a late timer may catch up.
_CATCH_UP_S = 0.1
_REFUSALS = frozenset((429, 503))
_REQUEST_TIMEOUT = 408


class Pace:
    """What this worker has learnt about one endpoint.

    `limit` is how many requests may be under way, `rate` how many may begin in a second (0: any
    number). While it is `easy` nothing is held back. Times are the event loop's.
    """

    __slots__ = (
        "_answered", "_before", "_calm", "_ceiling", "_cut_at", "_next", "_part", "_refused",
        "_since", "_turn", "easy", "failing", "limit", "most", "rate", "streak",
    )  # fmt: skip

    def __init__(self, most: int) -> None:
        """Begin without a reserve; `most` is how many requests its owner allows at a time."""
        self.most = self.limit = most
        self.rate = 0.0
        self.streak = 0
        self.failing = False
        self.easy = True
        self._ceiling = RATE_MAX
        # Of every rate, as one of so many workers.
        self._part = 1.0
        self._next = self._turn = self._cut_at = 0.0
        self._answered = self._before = 0
        # Answers since the last refusal, and whether it is held to be one in this turn.
        self._since = 0
        self._refused = False
        self._calm = 0

    def allow(self, most: int, workers: int = 1) -> None:
        """Follow a change of what its owner allows at a time, or of how many workers share it."""
        more = 1 / workers / self._part
        self._part = 1 / workers
        self.rate *= more
        self._ceiling *= more
        if most != self.most:
            if not self.failing:
                self.limit = most if self.limit == self.most else min(self.limit, most)
            self.most = most
            self._look()

    def resume(self, now: float) -> None:
        """Begin slowly: nothing is known of the endpoint, and much may be waiting for it."""
        if self.easy:
            self._begin(now, RESUMED_RATE * self._part)

    def result(self, status: int | None, error: str | None, now: float) -> None:
        """Learn from an attempt."""
        if now >= self._turn:
            self._roll(now)
        if error is None and status is not None and not _is_failure(status):
            self.streak = 0
            self._answered += 1
            self._since += 1
            if not self.easy:
                self._answer(now)
            return
        self.streak += 1
        if self.streak >= FAILING:
            self._fail(now)
            return
        if error is not None and self.limit > 1:
            self.limit >>= 1
            self.easy = False
        if status in _REFUSALS:
            often, self._since = self._since < REFUSALS_IGNORED, 0
            if often:
                self._slow(now)
        elif self.rate and self.streak >= TROUBLE:
            self._slow(now)

    def wait_s(self, now: float) -> float:
        """Say in how many seconds the next request may begin; 0 or less is now."""
        if now >= self._turn:
            self._roll(now)
        return self._next - now if self.rate else 0.0

    def begun(self, now: float) -> None:
        """Note that a request begins."""
        if self.rate:
            self._next = max(self._next, now - _CATCH_UP_S) + 1 / self.rate

    def _answer(self, now: float) -> None:
        if self.failing:
            self.failing = False
            self.limit = 1
            self._begin(now, RECOVERED_RATE * self._part)
        if self.limit < self.most:
            self.limit += 1
        self._look()

    def _begin(self, now: float, rate: float) -> None:
        """Begin with a rate, and with a new turn."""
        self.rate = rate
        self.easy = False
        self._next = now + random.random() / rate  # noqa: S311 - jitter
        self._turn = now + TURN_S
        self._answered = self._before = 0
        self._refused = False

    def _fail(self, now: float) -> None:
        self.failing = True
        self.easy = False
        self.limit = 1
        self.rate = self._part / PROBE_S
        self._ceiling = RATE_MAX * self._part
        # Workers that share an endpoint do not ask it in step.
        self._next = now + (0.5 + random.random()) / self.rate  # noqa: S311 - jitter

    @property
    def _seen(self) -> int:
        """How many answers there were in a second, this one or the last."""
        return max(self._answered, self._before)

    def _slow(self, now: float) -> None:
        self._refused = True
        self._calm = 0
        if now - self._cut_at < TURN_S:
            return
        self._cut_at = now
        before = self.rate
        slower = (self._seen or before) * _SLOWER
        least = 1.0 if before else FIRST_RATE
        self.rate = max(least * self._part, min(before or slower, slower))
        self._ceiling = max(float(self._seen), self.rate, before / 2)
        self._next = max(self._next, now + 1 / self.rate)
        self.easy = False

    def _roll(self, now: float) -> None:
        """End the turns that are over; each without a wish to slow down makes it faster."""
        turns = 1 + int((now - self._turn) / TURN_S)
        self._before = self._answered if turns == 1 else 0
        if self.rate and not self.failing:
            if not self._refused:
                for _ in range(min(turns, int(RATE_MAX))):
                    self._grow()
                    if not self.rate:
                        break
            self._look()
        self._answered, self._refused = 0, False
        self._turn += turns * TURN_S

    def _grow(self) -> None:
        if self.rate < self._ceiling:
            self.rate = min(self.rate * 2, self._ceiling)
        else:
            self._calm += 1
            self.rate += max(self._part, self.rate * _FASTER) * (1 + self._calm // _BOLDER_S)
        if self.rate >= RATE_MAX * self._part:
            self.rate, self._ceiling = 0.0, RATE_MAX * self._part

    def _look(self) -> None:
        self.easy = not self.rate and self.limit == self.most


def _is_failure(status: int) -> bool:
    """Whether an answer says that the endpoint is not well; a refused event says nothing of it."""
    return status >= 500 or status in _REFUSALS or status == _REQUEST_TIMEOUT
