"""The open-loop cases: how long things take at a constant rate. B6, B7 and B11."""

from bench import bodies
from bench.errors import BenchError
from bench.installation import Installation
from bench.load import Expected, Load, figures
from bench.open_loop import OpenLoop, Request, Sample, spread
from bench.sinks import Noting, Sink, discarding
from bench.stage import Stage
from bench.throughput import publishing

_SIGNED_AT = 1_795_000_000
_ENDPOINTS = 10


def callback_requests(installation: Installation) -> Request:
    """Return what makes the signed callback with a number."""
    secret = installation.demo["DEMO_WHATSAPP_SECRET"]

    def request(number: int) -> bytes:
        one = bodies.signed(secret, number, "sent", _SIGNED_AT)
        headers = {"x-hub-signature-256": f"sha256={one.signature}"}
        body = bodies.status_body(number, one.status, one.time)
        return bodies.request(bodies.WHATSAPP_PATH, installation.port, headers, body)

    return request


def publish_requests(installation: Installation) -> Request:
    """Return what makes the publication with a number."""
    headers = {"authorization": f"Bearer {installation.api_key}"}

    def request(number: int) -> bytes:
        body = bodies.publication(number)
        return bodies.request(bodies.PUBLISH_PATH, installation.port, headers, body)

    return request


def at_100(stage: Stage) -> dict[str, float]:
    """B6: 100 callbacks a second."""
    return _callbacks_at(stage, 100.0)


def at_500(stage: Stage) -> dict[str, float]:
    """B7: 500 callbacks a second."""
    return _callbacks_at(stage, 500.0)


def _callbacks_at(stage: Stage, rate: float) -> dict[str, float]:
    with stage.installation() as installation, Noting(stage.scratch, 1) as sink:
        with stage.endpoints(installation, sink):
            samples = _sent(stage, installation, callback_requests(installation), rate)
        acknowledged = spread([one.answered - one.due for one in samples])
        arrived = spread(_on_the_way(samples, sink, {0}))
    late = spread([one.left - one.due for one in samples])
    return {
        "ack_p50": acknowledged.p50, "ack_p95": acknowledged.p95, "ack_p99": acknowledged.p99,
        "e2e_p50": arrived.p50, "e2e_p95": arrived.p95, "e2e_p99": arrived.p99,
        "late_p99": late.p99, "requests": float(len(samples)),
    }  # fmt: skip


def _sent(
    stage: Stage, installation: Installation, request: Request, rate: float, but: int = 0
) -> list[Sample]:
    """Send at a rate for the size's durations, wait until all is delivered, and check it."""
    ledger = installation.ledger
    start = ledger.moment()
    generator = OpenLoop(installation.port, request, rate, stage.first_number())
    samples = generator.run(stage.size.warm_s, stage.size.run_s)
    Load(stage, installation, None, Expected(1, but=but)).drained()
    counted = ledger.counted(start.ms, ledger.moment().ms + 1, but)
    sent = int(rate * (stage.size.warm_s + stage.size.run_s))
    if counted.events != sent or counted.failed or counted.delivered % sent:
        raise BenchError(f"{sent} were sent, but {counted} is stored.")
    return samples


def _on_the_way(samples: list[Sample], sink: Noting, places: set[int]) -> list[float]:
    """Return the seconds from when each request was due to the arrival of its events."""
    due = {one.number: one.due for one in samples}
    arrivals = sink.arrivals()
    took = [at - due[number] for place, number, at in arrivals if place in places and number in due]
    if len(took) < len(samples) * len(places):
        raise BenchError(f"{len(took)} arrived of {len(samples)} to {len(places)} endpoints.")
    return took


def one_hangs(stage: Stage) -> dict[str, float]:
    """B11: what one of ten endpoints that never answers costs the nine others."""
    healthy, hanging = _nine_rate(stage, hang=False), _nine_rate(stage, hang=True)
    healthy_p99, hanging_p99 = _nine_p99(stage, hang=False), _nine_p99(stage, hang=True)
    return {
        "rate_ratio": hanging / healthy, "p99_ratio": hanging_p99 / healthy_p99,
        "rate_healthy": healthy, "rate_hanging": hanging,
        "p99_healthy": healthy_p99, "p99_hanging": hanging_p99,
    }  # fmt: skip


def _nine_rate(stage: Stage, *, hang: bool) -> float:
    """Return the deliveries a second to nine of ten endpoints, closed loop."""
    with (
        stage.installation() as installation,
        discarding(stage.scratch, _ENDPOINTS - 1) as sink,
        Noting(stage.scratch, 1, hang=int(hang)) as tenth,
        stage.endpoints(installation, sink),
    ):
        (odd,) = installation.add_endpoints(tenth.urls, ["*"])
        expected = Expected(_ENDPOINTS - 1, but=installation.ledger.number_of(odd.url))
        ran = Load(stage, installation, sink, expected).run(publishing(stage, installation))
        _settle(stage, installation, odd.id, tenth)
    return figures(ran, _ENDPOINTS - 1)["rate"]


def _nine_p99(stage: Stage, *, hang: bool) -> float:
    """Return the 99th percentile to nine of ten endpoints at 100 events a second, in ms."""
    with (
        stage.installation() as installation,
        Noting(stage.scratch, _ENDPOINTS - 1) as sink,
        Noting(stage.scratch, 1, hang=int(hang)) as tenth,
        stage.endpoints(installation, sink),
    ):
        (odd,) = installation.add_endpoints(tenth.urls, ["*"])
        number = installation.ledger.number_of(odd.url)
        samples = _sent(stage, installation, publish_requests(installation), 100.0, number)
        took = _on_the_way(samples, sink, set(range(_ENDPOINTS - 1)))
        _settle(stage, installation, odd.id, tenth)
    return spread(took).p99


def _settle(stage: Stage, installation: Installation, endpoint_id: str, tenth: Sink) -> None:
    """Delete the tenth endpoint and wait until nothing is owed to anybody."""
    installation.api("DELETE", f"/v1/endpoints/{endpoint_id}")
    tenth.end()
    Load(stage, installation, None, Expected(0)).drained()
