"""All cases: what each runs, which figures it gives, what they mean and what is aimed at."""

from collections.abc import Callable
from dataclasses import dataclass

from bench import counting, latency, lifecycle, panel, throughput
from bench.stage import Stage

Run = Callable[[Stage], dict[str, float]]


@dataclass(frozen=True)
class Figure:
    """One figure of a case: its key, name, unit, and decimal places."""

    key: str
    label: str
    unit: str
    digits: int = 0


@dataclass(frozen=True)
class Target:
    """What a figure of a variant must reach first, and what it is to reach."""

    variant: str
    key: str
    first: float
    goal: float
    at_least: bool = True

    def judge(self, value: float) -> str:
        """Say how far a value has come."""
        for bound, word in ((self.goal, "goal"), (self.first, "first")):
            if (value >= bound) if self.at_least else (value <= bound):
                return word
        return "missed"


@dataclass(frozen=True)
class Case:
    """A case and its variants. One without variants takes its figures from another's runs."""

    id: str
    title: str
    says: str
    figures: tuple[Figure, ...]
    targets: tuple[Target, ...]
    variants: dict[str, Run]
    runs_of: str | None = None


_RATE = Figure("rate", "accepted and delivered", "/s")
_COST = (
    Figure("cpu", "CPU, product and database", "µs"),
    Figure("cpu_product", "of it product", "µs"),
    Figure("cpu_database", "of it PostgreSQL", "µs"),
)
_FLOW = (
    Figure("accepted", "accepted", "/s"),
    Figure("delivered", "delivered and logged", "/s"),
    Figure("backlog", "owed when the load stops", ""),
    Figure("drain", "until nothing is owed", "s", 2),
    Figure("refused", "answered 429", ""),
    Figure("ack_p50", "answer, p50", "ms", 1),
    Figure("ack_p99", "answer, p99", "ms", 1),
)
_STORE = (
    Figure("commits", "writing transactions each", "", 3),
    Figure("wal", "WAL each", "bytes"),
    Figure("memory_product", "memory (PSS), product", "MiB"),
    Figure("memory_database", "memory (PSS), PostgreSQL", "MiB"),
    Figure("cpu_tools", "CPU of generator and receiver", "µs"),
)
_CLOSED = (_RATE, *_COST, *_FLOW, *_STORE)
_DELAYS = (
    Figure("e2e_p50", "due until received, p50", "ms", 2),
    Figure("e2e_p95", "due until received, p95", "ms", 2),
    Figure("e2e_p99", "due until received, p99", "ms", 2),
    Figure("ack_p50", "due until answered, p50", "ms", 2),
    Figure("ack_p95", "due until answered, p95", "ms", 2),
    Figure("ack_p99", "due until answered, p99", "ms", 2),
    Figure("late_p99", "the generator's own lateness, p99 (contained)", "ms", 2),
)

_ALL = (
    Case(
        "B1", "Publish and deliver",
        "`POST /v1/events`, one event a request, to one endpoint: stored, answered, signed, "
        "delivered, attempt logged.",
        _CLOSED,
        (Target("1 worker", "rate", 4000, 6500), Target("2 workers", "rate", 4000, 6500)),
        {"1 worker": throughput.one_worker, "2 workers": throughput.two_workers},
    ),
    Case(
        "B2", "Fan-out while loaded",
        "B1 with more endpoints, each of an origin of its own. Rates and costs are per delivery. "
        "Intake is to slow down instead of piling up what is owed.",
        _CLOSED,
        (Target("fan-out 10", "rate", 8000, 13_000), Target("fan-out 100", "rate", 8000, 13_000)),
        {"fan-out 10": throughput.fan_out_10, "fan-out 100": throughput.fan_out_100},
    ),
    Case(
        "B3", "Status callbacks",
        "WhatsApp callbacks that say sent, delivered and read of each message, signed as Meta "
        "signs: verified, parsed, merged into their message, one event each, delivered.",
        _CLOSED,
        (Target("1 worker", "rate", 3000, 5000),),
        {"1 worker": throughput.callbacks},
    ),
    Case(
        "B4", "Callbacks without an endpoint",
        "WhatsApp callbacks, each of a new message: verified, parsed, stored with message and "
        "event, answered; nobody wants the event. A crowd keeps 512 requests under way, which fill "
        "the batches; the others 128.",
        (Figure("rate", "accepted durably", "/s"), *_COST, *_FLOW[-2:], *_STORE),
        (
            Target("1 worker", "rate", 6000, 12_000),
            Target("2 workers", "rate", 6000, 12_000),
            Target("2 workers, a crowd", "rate", 6000, 12_000),
        ),
        {
            "1 worker": throughput.callbacks_stored,
            "2 workers": throughput.callbacks_stored_by_two,
            "2 workers, a crowd": throughput.callbacks_stored_of_a_crowd,
        },
    ),
    Case(
        "B5", "CPU of an event",
        "All processes of the installation during B1, from the process table.",
        _COST,
        (Target("1 worker", "cpu", 300, 200, at_least=False),),
        {}, runs_of="B1",
    ),
    Case(
        "B6", "Latency at 100 callbacks a second",
        "Callbacks of new messages at a constant rate. Times count from when a callback was due.",
        _DELAYS,
        (
            Target("1 worker", "e2e_p50", 5, 2, at_least=False),
            Target("1 worker", "e2e_p99", 20, 6, at_least=False),
        ),
        {"1 worker": latency.at_100},
    ),
    Case(
        "B7", "Answers at 500 callbacks a second",
        "As B6; looked at is when the callback was answered, which is after its commit.",
        _DELAYS,
        (
            Target("1 worker", "ack_p50", 5, 2.5, at_least=False),
            Target("1 worker", "ack_p99", 30, 10, at_least=False),
        ),
        {"1 worker": latency.at_500},
    ),
    Case(
        "B8", "Statements and commits of an event",
        "B1 once more with every statement counted in the driver, heartbeats and claims included. "
        "A commit is a transaction that wrote; PostgreSQL's own statistics count reading ones too.",
        (
            Figure("statements", "statements", "", 3),
            Figure("commits", "writing transactions", "", 3),
            Figure("transactions", "all transactions, by pg_stat_database", "", 3),
            Figure("committing", "statements that commit batches", "", 3),
            Figure("finishing", "statements that record attempts", "", 3),
        ),
        (
            Target("1 worker", "statements", 0.3, 0.1, at_least=False),
            Target("1 worker", "commits", 0.1, 0.03, at_least=False),
        ),
        {"1 worker": counting.statements},
    ),
    Case(
        "B11", "One of ten endpoints hangs",
        "The nine others, relative to ten healthy ones: deliveries a second in a closed loop, and "
        "p99 at 100 events a second. The tenth reads and never answers.",
        (
            Figure("rate_ratio", "throughput of the nine, relative", "x", 2),
            Figure("p99_ratio", "p99 of the nine, relative", "x", 2),
            Figure("rate_healthy", "throughput of the nine, all healthy", "/s"),
            Figure("rate_hanging", "throughput of the nine, one hangs", "/s"),
            Figure("p99_healthy", "p99 of the nine, all healthy", "ms", 2),
            Figure("p99_hanging", "p99 of the nine, one hangs", "ms", 2),
        ),
        (
            Target("1 worker", "rate_ratio", 0.9, 0.98),
            Target("1 worker", "p99_ratio", 1.5, 1.1, at_least=False),
        ),
        {"1 worker": latency.one_hangs},
    ),
    Case(
        "B15", "Cold start",
        "From `ringback up` in an empty directory until a delivery with a signature that verifies "
        "has arrived; an endpoint is added and an event published on the way.",
        (
            Figure("start", "first signed delivery", "s", 2),
            Figure("ready", "of it until ready", "s", 2),
        ),
        (Target("1 worker", "start", 8, 4, at_least=False),),
        {"1 worker": lifecycle.cold_start},
    ),
    Case(
        "B16", "A panel over a million messages",
        "A million messages of the last seven days, with 2.2 million events and callbacks and a "
        "million attempts, are made in the database; then the API is asked over one connection, "
        "200 times each. All are p95. The list of what is rare finds nothing in 20,000 rows; "
        "the overview is asked once its figures have caught up.",
        (
            Figure("list", "newest messages", "ms", 1),
            Figure("filtered", "those that failed", "ms", 1),
            Figure("rare", "a filter that nothing fits", "ms", 1),
            Figure("search", "the slowest kind of search", "ms", 1),
            Figure("search_id", "search by id", "ms", 1),
            Figure("search_provider", "search by the provider's id", "ms", 1),
            Figure("search_reference", "search by reference", "ms", 1),
            Figure("search_number", "search by number", "ms", 1),
            Figure("search_digits", "search by four last digits", "ms", 1),
            Figure("timeline", "timeline of a message", "ms", 1),
            Figure("overview", "overview of seven days", "ms", 1),
            Figure("seed", "making all of it", "s", 1),
        ),
        (
            Target("1 worker", "list", 200, 50, at_least=False),
            Target("1 worker", "filtered", 200, 50, at_least=False),
            Target("1 worker", "rare", 200, 50, at_least=False),
            Target("1 worker", "search", 200, 50, at_least=False),
            Target("1 worker", "timeline", 200, 50, at_least=False),
            Target("1 worker", "overview", 500, 150, at_least=False),
        ),
        {"1 worker": panel.panel},
    ),
    Case(
        "B18", "A quiet day",
        "What an installation costs that has little or nothing to do. At 100 events a second "
        "batches are almost empty. 1 % is of one core.",
        (
            Figure("cpu_quiet", "CPU of an event at 100/s", "µs"),
            Figure("idle", "CPU when idle", "%", 2),
            Figure("idle_product", "of it product", "%", 2),
            Figure("idle_database", "of it PostgreSQL", "%", 2),
            Figure("pss_idle", "memory (PSS) when idle", "MiB"),
            Figure("pss_idle_product", "of it product", "MiB"),
            Figure("pss_busy", "memory (PSS) during B1", "MiB"),
            Figure("pss_busy_product", "of it product", "MiB"),
        ),
        (
            Target("1 worker", "cpu_quiet", 1500, 900, at_least=False),
            Target("1 worker", "idle", 2, 0.5, at_least=False),
            Target("1 worker", "pss_idle", 250, 150, at_least=False),
            Target("1 worker", "pss_busy", 400, 300, at_least=False),
        ),
        {"1 worker": lifecycle.quiet_day},
    ),
)  # fmt: skip
CASES: dict[str, Case] = {case.id: case for case in _ALL}
