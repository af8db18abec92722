"""`/metrics`: the installation's numbers in Prometheus' text format. For machines; needs no key.

Labels hold ids, names of ours and classes of results: no number, no address, no text of anybody.
"""

import asyncio
from collections.abc import Iterator
from typing import Literal, NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from ringback import __version__
from ringback.api.context import Context
from ringback.services.figures import Figures

router = APIRouter(tags=["health"])
_MICRO = 1e-6
_Samples = list[tuple[list[str], int]]


class Family(NamedTuple):
    """One metric: the name it is counted under, and what people see of it."""

    key: str
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str
    unit: float = 1


FAMILIES = (
    Family("callbacks", "ringback_callbacks_total", "counter", ("provider", "outcome"),
           "Callbacks answered, by what became of them."),
    Family("unproven", "ringback_callbacks_unproven_total", "counter", ("provider", "reason"),
           "Callbacks that did not prove themselves, rejected or quarantined, by what was wrong."),
    Family("unknown_codes", "ringback_unknown_codes_total", "counter", ("provider",),
           "Failures, of sends or by callbacks, with a code that is in no table of ours."),
    Family("turned_away", "ringback_requests_turned_away_total", "counter", ("door", "status"),
           "Requests refused for their size, form or slowness, before anything read them."),
    Family("answer", "ringback_answer_seconds", "histogram", ("door",),
           "From the whole request to its answer, storing included.", _MICRO),
    Family("publish", "ringback_publish_requests_total", "counter", ("outcome",),
           "Requests to publish, by what was answered."),
    Family("published", "ringback_published_events_total", "counter", (),
           "Events taken from publishers."),
    Family("slowed", "ringback_intake_slowed_total", "counter", (),
           "Requests that had to wait because deliveries were behind."),
    Family("refused", "ringback_intake_refused_total", "counter", (),
           "Requests to publish that were refused because deliveries were behind."),
    Family("batch", "ringback_commit_items", "histogram", (),
           "Pieces of work in each commit.", _MICRO),
    Family("waiting", "ringback_commit_waiting", "gauge", (),
           "Pieces of work that wait for a place in a commit."),
    Family("attempts", "ringback_attempts_total", "counter", ("result",),
           "Requests made for deliveries, by class of status or error."),
    Family("endpoint", "ringback_endpoint_attempts_total", "counter", ("endpoint", "result"),
           "The same for each endpoint: delivered or failed."),
    Family("endpoint_ms", "ringback_endpoint_attempt_seconds_total", "counter", ("endpoint",),
           "How long the attempts at an endpoint took together.", 1e-3),
    Family("ended", "ringback_deliveries_ended_total", "counter", ("end",),
           "Deliveries that attempts brought to an end."),
    Family("delivery", "ringback_delivery_seconds", "histogram", (),
           "From the making of an event to its delivery, retries and replays included.", _MICRO),
    Family("due", "ringback_deliveries_due", "gauge", (),
           "Deliveries that are due and with no worker, and not held back; counted up to 10,000."),
    Family("oldest_due", "ringback_oldest_due_seconds", "gauge", (),
           "For how long the oldest of them has been due.", _MICRO),
    Family("held", "ringback_deliveries_held", "gauge", (),
           "Deliveries that are due and held back, because their endpoint fails or comes back; "
           "counted up to 10,000."),
    Family("paused", "ringback_connections_paused", "gauge", ("part",),
           "Connections that are paused."),
    Family("callbacks_held", "ringback_callbacks_held", "gauge", (),
           "Callbacks that are stored and not read yet, because their connection was paused; "
           "counted up to 10,000 of each."),
    Family("oldest_held", "ringback_oldest_callback_held_seconds", "gauge", (),
           "For how long the oldest of them has been held.", _MICRO),
    Family("last", "ringback_connection_last_callback_timestamp_seconds", "gauge",
           ("connection", "provider", "mode"),
           "When the newest callback of a connection came, in seconds since 1970.", 1e-3),
    Family("silent", "ringback_connection_silent", "gauge", ("connection", "provider", "mode"),
           "Whether a connection that is used to more has been silent for unusually long: 1 or 0."),
    Family("resumed", "ringback_callbacks_resumed_total", "counter", ("provider",),
           "Callbacks that were held and have been read since."),
    Family("queued", "ringback_deliveries_queued", "gauge", (),
           "Deliveries in the workers' memory that wait for a slot."),
    Family("in_flight", "ringback_attempts_in_flight", "gauge", (),
           "Requests for deliveries that are under way."),
    Family("failing", "ringback_endpoints_failing", "gauge", (),
           "Endpoints that are only tried now and then; the most that a worker has."),
    Family("slowed_endpoints", "ringback_endpoints_slowed", "gauge", (),
           "Others that are sent less than their owner allows; the most that a worker has."),
    Family("held_back", "ringback_deliveries_held_back_total", "counter", (),
           "Deliveries given back to the database because their endpoint was failing."),
    Family("readers", "ringback_feed_readers", "gauge", (),
           "Readers of the feed who wait or are streamed to."),
    Family("unrecorded", "ringback_results_unrecorded", "gauge", (),
           "Results of attempts that are still to be recorded."),
    Family("adopted", "ringback_deliveries_adopted_total", "counter", (),
           "Deliveries taken over from workers that were gone."),
    Family("reconciled", "ringback_deliveries_reconciled_total", "counter", (),
           "Deliveries given back after a broken connection had left them with nobody."),
    Family("unblocked", "ringback_deliveries_unblocked_total", "counter", (),
           "Deliveries that waited behind nothing and were freed; any is a defect."),
    Family("stuck", "ringback_deliveries_stuck", "gauge", (),
           "Deliveries that nobody would ever send, when last looked at; any is a defect."),
    Family("lag", "ringback_event_loop_lag_seconds", "gauge", (),
           "How late the event loop of the busiest worker has been lately.", _MICRO),
    Family("workers", "ringback_workers", "gauge", (),
           "Workers that count as living."),
    Family("database", "ringback_database_up", "gauge", (),
           "Whether the database answered; if not, there is nothing here but one worker's gauges."),
    Family("build", "ringback_build_info", "gauge", ("version",),
           "The version that answered."),
)  # fmt: skip


@router.get(
    "/metrics", name="metrics", summary="The installation's numbers",
    response_class=PlainTextResponse,
)  # fmt: skip
async def metrics(request: Request) -> PlainTextResponse:
    """Answer for all workers together, in Prometheus' text format 0.0.4."""
    context: Context = request.app.state.context
    figures = await context.figures()
    kept: tuple[Figures, bytes] | None = getattr(request.app.state, "metrics", None)
    if kept is None or kept[0] is not figures:
        # A thousand endpoints take a while to write: not in the event loop.
        kept = request.app.state.metrics = (figures, await asyncio.to_thread(written, figures))
    return PlainTextResponse(kept[1], media_type=CONTENT_TYPE_PLAIN_0_0_4)


def written(figures: Figures) -> bytes:
    """Write the figures down."""
    return generate_latest(_Exposition(figures))


class _Exposition:
    """What the library asks for everything that is to be written."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        counted = _counted(self._figures)
        standing = _standing(self._figures)
        for family in FAMILIES:
            if family.kind == "gauge":
                yield _gauge(family, standing.get(family.key, []))
            elif family.kind == "counter":
                yield _counter(family, counted.get(family.key, []))
            else:
                yield _histogram(family, counted.get(family.key, []))


def _counted(figures: Figures) -> dict[str, _Samples]:
    """Arrange what was counted by name; endpoints by their ids."""
    found: dict[str, _Samples] = {}
    for name, count in figures.totals.items():
        key, *labels = name.split(" ")
        if key.startswith("endpoint"):
            labels[0] = figures.endpoints.get(labels[0], labels[0])
        found.setdefault(key, []).append((labels, count))
    return found


def _standing(figures: Figures) -> dict[str, _Samples]:
    values = {**figures.now, "database": int(figures.database)}
    if figures.database:
        values |= {
            "workers": figures.workers, "due": figures.due, "held": figures.held,
            "oldest_due": round(figures.oldest_due_s / _MICRO),
            "callbacks_held": figures.paused.callbacks,
            "oldest_held": round(figures.paused.oldest_s / _MICRO),
        }  # fmt: skip
    found: dict[str, _Samples] = {key: [([], value)] for key, value in values.items()}
    if figures.database:
        paused = figures.paused
        found["paused"] = [(["intake"], paused.intake), (["processing"], paused.processing)]
        found["last"], found["silent"] = [], []
        for one in figures.heard:
            labels = [one.id, one.provider, one.mode]
            found["silent"].append((labels, int(one.silent)))
            if one.last_ms is not None:
                found["last"].append((labels, one.last_ms))
    return {**found, "build": [([__version__], 1)]}


def _gauge(family: Family, samples: _Samples) -> Metric:
    metric = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in samples:
        metric.add_metric(labels, value * family.unit)
    return metric


def _counter(family: Family, samples: _Samples) -> Metric:
    name = family.name.removesuffix("_total")
    metric = CounterMetricFamily(name, family.meaning, labels=family.labels)
    for labels, value in samples:
        if len(labels) == len(family.labels):
            metric.add_metric(labels, value * family.unit)
    return metric


def _histogram(family: Family, samples: _Samples) -> Metric:
    metric = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    series: dict[tuple[str, ...], dict[str, int]] = {}
    for (*labels, bound), count in samples:
        series.setdefault(tuple(labels), {})[bound] = count
    for names, counts in series.items():
        total = counts.pop("sum", 0)
        buckets, below = [], 0
        # Versions may differ in their buckets: all that were ever used, in order.
        for bound in sorted(counts, key=float):
            below += counts[bound]
            buckets.append((bound if bound == "+Inf" else str(float(bound)), below))
        metric.add_metric(list(names), buckets, total * family.unit)
    return metric
