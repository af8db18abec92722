"""What one worker counts, gathered from the services that count it, each under its name.

The names are those of `api/metrics.py`, which says what each means. Nothing is counted here.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from ringback.services.commit import Committer
from ringback.services.feed import Feed
from ringback.services.held import Reconciler
from ringback.services.numbers import MICRO, OTHER, Totals
from ringback.services.pressure import Pressure
from ringback.services.publish import Publisher
from ringback.services.push import Push
from ringback.services.receive import Receiver
from ringback.services.record import Recorder
from ringback.services.resuming import Resuming
from ringback.services.stuck import Astray, Stuck
from ringback.services.tally import Histogram, OfEndpoint
from ringback.services.workers import Workers


class Meters(NamedTuple):
    """The services of one worker that count; `doors` are the refusals of each hot route."""

    receiver: Receiver
    publisher: Publisher
    committers: tuple[Committer, ...]
    push: Push
    recorder: Recorder
    pressure: Pressure
    workers: Workers
    reconciler: Reconciler
    stuck: Stuck
    astray: Astray
    feed: Feed
    resuming: Resuming
    doors: dict[str, Mapping[int, int]]

    @property
    def named(self) -> Collection[int]:
        """The numbers of the endpoints that are counted by themselves."""
        return self.push.tally.endpoints

    def totals(self) -> Totals:
        """Return everything that is counted, since this process started."""
        found: Totals = {
            "published": self.publisher.published,
            "adopted": self.workers.adopted,
            "unblocked": self.workers.stuck,
            "held_back": self.push.held_back,
            "reconciled": self.reconciler.returned,
            "slowed": self.pressure.slowed,
            "refused": self.pressure.refused,
        }
        for (provider, outcome), count in self.receiver.outcomes.items():
            found[f"callbacks {provider} {outcome}"] = count
        for (provider, cause), count in self.receiver.unproven.items():
            found[f"unproven {provider} {cause}"] = count
        for provider, count in self.receiver.unknown_codes.items():
            found[f"unknown_codes {provider}"] = count
        for provider, count in self.resuming.taken.items():
            found[f"resumed {provider}"] = count
        for outcome, count in self.publisher.requests.items():
            found[f"publish {outcome}"] = count
        for door, refusals in self.doors.items():
            for status, count in refusals.items():
                found[f"turned_away {door} {status}"] = count
        _histogram(found, "answer callback", self.receiver.seconds)
        _histogram(found, "answer event", self.publisher.seconds)
        for committer in self.committers:
            _histogram(found, "batch", committer.sizes)
        self._attempts(found)
        return found

    def _attempts(self, found: Totals) -> None:
        tally = self.push.tally
        if tally.delivered:
            found["attempts 2xx"] = found["ended delivered"] = tally.delivered
        for result, count in tally.results.items():
            found[f"attempts {result}"] = count
        for end, count in tally.ends.items():
            found[f"ended {end}"] = count
        _histogram(found, "delivery", tally.seconds)
        for number, counted in tally.endpoints.items():
            if counted.delivered or counted.failed:
                _endpoint(found, str(number), counted)
        _endpoint(found, OTHER, tally.others)

    def now(self) -> Totals:
        """Return how things stand."""
        failing, slowed = self.push.slowed
        return {
            "failing": failing,
            "slowed_endpoints": slowed,
            "in_flight": self.push.active,
            "queued": self.push.queued,
            "readers": self.feed.readers,
            "unrecorded": self.recorder.unrecorded,
            "stuck": self.stuck.count + self.astray.count,
            "waiting": sum(committer.waiting for committer in self.committers),
            "lag": round(max(self.pressure.lag_s, 0.0) * MICRO),
        }


def _histogram(found: Totals, name: str, histogram: Histogram) -> None:
    bounds = [*(f"{bound:g}" for bound in histogram.bounds), "+Inf"]
    for bound, count in zip(bounds, histogram.counts, strict=True):
        # Of several under one name, such as both committers', the sum.
        found[f"{name} {bound}"] = found.get(f"{name} {bound}", 0) + count
    total = round(histogram.total * MICRO)
    found[f"{name} sum"] = found.get(f"{name} sum", 0) + total


def _endpoint(found: Totals, who: str, counted: OfEndpoint) -> None:
    found[f"endpoint {who} delivered"] = counted.delivered
    found[f"endpoint {who} failed"] = counted.failed
    found[f"endpoint_ms {who}"] = counted.ms
