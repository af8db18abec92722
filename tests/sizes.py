"""How much each stage of proof runs: a small size for `make test`, the full one for `make proof`.

`RINGBACK_PROOF=1` in the environment chooses the full sizes. Every number is a count of cases.
"""

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Sizes:
    """Counts per stage; the names say which threat or stage they belong to."""

    carrier_cases: int
    """T21: IPv4 addresses, each in all eight IPv6 carriers."""
    rebinding_attempts: int
    """T22: attempts for each of the thirty scripts."""
    hostile_repeats: int
    """T26: times that each hostile behaviour is met."""
    header_strings: int
    """T28: random names and values."""
    fuzzed_bodies: int
    """T13: validly signed bodies of a provider's own words in the wrong places, per provider."""
    replayed_callbacks: int
    """T04: callbacks that are posted five times each."""
    slow_callers: int
    """T07: connections that send a byte a second, half of them within the head."""
    slow_s: float
    """T07: seconds that a request may take to arrive."""
    parser_mutations: int
    """S3: mutations of each recorded callback of every provider, read without a proof."""
    poisoned_bodies: int
    """T13: validly signed callbacks, spoiled, of all providers together, through an engine."""
    early_interleavings: int
    """T15: messages whose answer and reports race each other."""
    model_sequences: int
    """R2: random call sequences on the model of the store and on PostgreSQL; 15 gets a tenth."""
    simulated_months: int
    """R2: seeds of the simulation: thirty virtual days each, in each of two modes."""
    oracle_bodies: int
    """S4: random bodies for each pair of a signer and a verifier."""
    verify_mutants: int
    """T02: mutants of what verifies, of all providers together; each is run against its tests."""
    foreign_calls: int
    """T64: random calls of one tenant about what is another's."""
    changed_cursors: int
    """T65: cursors of a list that were changed somewhere."""
    kill_seconds: int
    """R3: the kill loop fails when it has not done its work in this time."""
    random_kills: int
    """R3: workers killed at random moments."""
    kills_per_failpoint: int
    """R3: workers killed at each failpoint."""
    killed_events: int
    """R3: events accepted meanwhile."""
    restarts: int
    """R3: kills of the supervisor and all its workers at once."""
    database_crashes: int
    """R3: crashes of PostgreSQL, by an immediate stop and by the kill of a session, in turn."""
    raced_messages: int
    """R3: messages of four facts, each posted to up to three workers at once."""
    raced_kills: int
    """R3: workers killed meanwhile."""
    raced_cuts: int
    """R3: database connections cut meanwhile."""
    short_pauses: int
    """R3: workers that stand still for five seconds, shorter than their lease."""
    long_pauses: int
    """R3: workers that stand still until they are retired, and wake up."""
    spoiled_deliveries: int
    """R5: deliveries through each of the twelve faults."""
    neighbours: int
    """T31: endpoints of which some hang."""
    neighbours_s: int
    """T31: seconds of traffic for each number of them that hangs."""
    herd: int
    """T32: deliveries that wait for an endpoint which comes back."""
    api_examples: int
    """Requests for each operation, caller and kind: with what is allowed, with what is not."""
    issued_keys: int
    """T60: API keys that are made, used, and then looked for in everything that is kept."""
    canaries: int
    """T63: times that numbers, texts and secrets go through everything: 25 events each."""
    adoptions: int
    """R4: workers that are killed or paused, each on this host and as if on another."""


SMALL = Sizes(
    carrier_cases=2_000,
    rebinding_attempts=5,
    hostile_repeats=2,
    header_strings=500,
    fuzzed_bodies=1_000,
    slow_callers=200,
    slow_s=1.0,
    parser_mutations=12,
    poisoned_bodies=800,
    replayed_callbacks=300,
    early_interleavings=1_000,
    model_sequences=300,
    simulated_months=50,
    oracle_bodies=1_000,
    verify_mutants=40,
    foreign_calls=500,
    changed_cursors=500,
    kill_seconds=480,
    random_kills=10,
    kills_per_failpoint=1,
    killed_events=2_500,
    restarts=2,
    database_crashes=2,
    raced_messages=300,
    raced_kills=5,
    raced_cuts=15,
    short_pauses=3,
    long_pauses=1,
    spoiled_deliveries=40,
    neighbours=40,
    neighbours_s=3,
    herd=400,
    issued_keys=200,
    api_examples=4,
    canaries=5,
    adoptions=1,
)
FULL = Sizes(
    carrier_cases=20_000,
    rebinding_attempts=50,
    hostile_repeats=100,
    header_strings=2_000,
    fuzzed_bodies=10_000,
    slow_callers=2_000,
    slow_s=15.0,
    parser_mutations=2_000,
    poisoned_bodies=10_000,
    replayed_callbacks=10_000,
    early_interleavings=50_000,
    model_sequences=10_000,
    simulated_months=300,
    oracle_bodies=10_000,
    verify_mutants=10_000,
    foreign_calls=20_000,
    changed_cursors=5_000,
    kill_seconds=3_600,
    random_kills=60,
    kills_per_failpoint=20,
    killed_events=30_000,
    restarts=15,
    database_crashes=15,
    raced_messages=2_000,
    raced_kills=40,
    raced_cuts=150,
    short_pauses=15,
    long_pauses=5,
    spoiled_deliveries=500,
    neighbours=100,
    neighbours_s=60,
    herd=10_000,
    issued_keys=1_000,
    api_examples=100,
    canaries=500,
    adoptions=10,
)
SIZES = FULL if os.environ.get("RINGBACK_PROOF") == "1" else SMALL


class Bars(NamedTuple):
    """The seconds that the median and the longest of several runs may take."""

    median: float
    longest: float


# So many processes a core that want to run: beyond that a machine is busy with something else.
CROWDED = 1.5


def load() -> float:
    """Return how many processes a core have wanted to run in the last minute."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def bars(seconds: float, loads: Sequence[float], slack: float = 1) -> Bars:
    """Return what runs are held to whose bar is so many seconds, at these `loads`.

    In full the median has the bar, times `slack`, and the longest twice as much. In the small
    size, and where the machine was crowded, each has ten times the bar.
    """
    if SIZES is SMALL or statistics.median(loads) > CROWDED:
        return Bars(10 * seconds, 10 * seconds)
    return Bars(slack * seconds, 2 * slack * seconds)
