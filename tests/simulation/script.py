"""What happens in a simulated month: who publishes when, who fails when. Made from a seed alone.

In safety mode faults may come at any time. In liveness mode there are times of peace in between:
all faults end at once, everybody takes everything, and what is open has to drain.
"""

import random
import uuid
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from ringback.domain.endpoints import DeliveryPolicy, Endpoint, Mode, Order, Tenant
from ringback.domain.ids import uuid7
from ringback.domain.retry import SCHEDULE_S
from ringback.storage.configuration import Everything, StoredEndpoint
from tests.simulation.faults import Fault, every_fault
from tests.simulation.receivers import HABITS, RETRY_AFTER, Habit, Outage

DAY_S = 86_400.0
DAYS = 30
# Nothing is published in the last days: retries need 72 hours to come to their end.
PUBLISHING_DAYS = 26
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
BURSTS = 10
# How long faults go on after the last burst before a peace, in seconds.
TO_PEACE_S = (1.0, 60.0)
# Waits that are over within the time that a backlog may take to drain.
SHORT_SCHEDULE_S = (5, 30, 120, 600)
SHORT_RETRY_AFTER = (0, 1, 7, 60, 600)
TENANTS = 25
# What the endpoints of each tenant want.
WANTED = (
    ("*",), ("shop.paid",), ("shop.sent",), ("shop.*",), ("message.*",), ("message.delivered",),
    ("endpoint.*",), ("shop.paid", "message.sent"),
)  # fmt: skip
ORDERS: tuple[Order, ...] = (*(("message",) * 8), "endpoint", "none")
FAULTS = every_fault()
HOWS: tuple[Literal["refuses", "fails", "hangs"], ...] = ("refuses", "fails", "fails", "hangs")
# What has to go wrong before some statements are made at all.
LEADS_TO = {
    "deliveries.release": Fault("subjects.commit.after", "cut"),
    "workers.adopt": Fault("answer", "kill"),
}
Mood = Literal["safety", "liveness"]
# What goes wrong, at most how often in a month, and how badly.
TROUBLES: tuple[tuple[str, int, tuple[Any, ...]], ...] = (
    ("fault", 24, tuple(FAULTS)),
    ("database", 2, (0.2, 3.0, 12.0, 40.0)),
    ("apart", 2, (1.0, 9.0, 20.0, 40.0)),
    ("restart", 2, (None,)),
    ("clock", 3, (-DAY_S, -3600.0, -5.0, 5.0, 3600.0, DAY_S)),
)


class Item(NamedTuple):
    """Something to be done at a time, in seconds of the world's clock."""

    at: float
    what: str
    value: Any = None


class Script(NamedTuple):
    """A whole month."""

    everything: Everything
    habits: dict[int, tuple[Habit, list[Outage]]]
    workers: int
    items: list[Item]
    # What throttling receivers ask for, in seconds; as dates, too, or not.
    retry_after: tuple[int, ...] = RETRY_AFTER
    dates: bool = True


def everything(chance: random.Random, schedule_s: tuple[int, ...] = SCHEDULE_S) -> Everything:
    """Return a configuration: tenants with endpoints of every kind."""
    began = int(BEGIN.timestamp() * 1000)
    endpoints = []
    for number in range(1, TENANTS * len(WANTED) + 1):
        tenant, place = divmod(number - 1, len(WANTED))
        policy = DeliveryPolicy(
            order=chance.choice(ORDERS), timeout_s=chance.choice((15.0, 15.0, 30.0)),
            concurrency=chance.choice((1, 2, 8, 32)), schedule_s=schedule_s,
        )  # fmt: skip
        engine = Endpoint(
            number, uuid7(began, chance.randbytes(10)), tenant + 1, Mode.LIVE,
            f"https://e{number}.example/hook", WANTED[place], (b"k" * 24,), policy=policy,
        )  # fmt: skip
        endpoints.append(StoredEndpoint(engine, [], "", BEGIN, BEGIN, None, None, None))
    tenants = [Tenant(no, uuid.UUID(int=no), f"t{no}") for no in range(1, TENANTS + 1)]
    return Everything(1, b"h" * 32, tenants, {}, [], endpoints)


def month(seed: int, mode: Mood = "safety") -> Script:
    """Return the month of a seed: bursts of traffic, and whatever can go wrong around them."""
    chance = random.Random(f"{mode} {seed}")
    lively = mode == "liveness"
    config = everything(chance, SHORT_SCHEDULE_S if lively else SCHEDULE_S)
    start = BEGIN.timestamp()
    bursts = sorted(start + chance.uniform(0, PUBLISHING_DAYS) * DAY_S for _ in range(BURSTS))
    items = [Item(at, "burst", chance.randint(6, 14)) for at in bursts]
    items += [
        Item(_near(chance, bursts), what, chance.choice(values))
        for what, most, values in TROUBLES
        for _ in range(chance.randint(most // 2 if most > 4 else 0, most))
    ]
    if lively:
        items += [Item(at + chance.uniform(*TO_PEACE_S), "peace") for at in bursts]
    items.append(Item(start + DAYS * DAY_S, "end"))
    items.sort(key=lambda item: item.at)
    habits = _habits(chance, config, bursts, 0.5 if lively else 0.15)
    script = Script(config, habits, chance.choice((2, 3, 3, 4)), items)
    return script._replace(retry_after=SHORT_RETRY_AFTER, dates=False) if lively else script


def alone(fault: Fault, workers: int, seed: int = 0) -> Script:
    """Return some bursts in which this is all that goes wrong, but for what leads up to it."""
    chance = random.Random(seed)
    config, start = everything(chance), BEGIN.timestamp()
    items = [Item(start + 100 * n, "burst", 12) for n in (1, 2)]
    if (before := LEADS_TO.get(fault.point.rpartition(".")[0])) is not None:
        items.insert(0, Item(start + 9, "next", before))
    items.insert(0, Item(start + 9, "next", fault))
    steady: dict[int, tuple[Habit, list[Outage]]] = {
        row.engine.no: ("flaky", []) for row in config.endpoints
    }
    return Script(config, steady, workers, items)


def _near(chance: random.Random, bursts: list[float]) -> float:
    return chance.choice(bursts) + chance.uniform(0, 4)


def _habits(
    chance: random.Random, config: Everything, bursts: list[float], down: float
) -> dict[int, tuple[Habit, list[Outage]]]:
    found: dict[int, tuple[Habit, list[Outage]]] = {}
    for row in config.endpoints:
        outages = []
        if chance.random() < down:
            begin = chance.choice(bursts) - chance.uniform(0, 3600)
            length = chance.choice((30.0, 900.0, 4 * 3600.0, 2 * DAY_S, 6 * DAY_S))
            end = begin + length * chance.uniform(0.5, 1)
            outages.append(Outage(begin, end, chance.choice(HOWS)))
        found[row.engine.no] = chance.choice(HABITS), outages
    return found
