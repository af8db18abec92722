"""Trying a filter on the events that are stored: what an endpoint with it would have been sent.

Nothing is sent and nothing changes. Only the types of events are read.
"""

from collections import Counter

import msgspec

from ringback.domain.event_types import faults_in_patterns, matches
from ringback.errors import Invalid
from ringback.storage import events
from ringback.storage.database import Database
from ringback.storage.events import Typed
from ringback.storage.lists import Scope

LAST_MAX = 1000
# Newest events shown of those that match, and of those that do not.
SHOWN = 10


class Judged(msgspec.Struct, frozen=True):
    """One event: the pattern that lets it through, or None; and that in words."""

    event: Typed
    by: str | None
    why: str


class OfType(msgspec.Struct, frozen=True):
    """How many events of a type there were, and the pattern that lets them through, or None."""

    type: str
    count: int
    by: str | None


class DryRun(msgspec.Struct, frozen=True):
    """What a filter would have done: to so many events, in numbers and by example.

    `patterns` says how many events each lets through first; `types` are the most frequent first.
    """

    looked_at: int
    matched: int
    patterns: dict[str, int]
    types: list[OfType]
    sample: list[Judged]


async def dry_run(
    database: Database, scope: Scope, patterns: list[str], pointer: str, last: int
) -> DryRun:
    """Try a filter on the last events (at most 1,000).

    Raises Invalid when it is none; its faults lie below `pointer`.
    """
    faults = faults_in_patterns(patterns, pointer)
    if faults:
        raise Invalid(*faults)
    found = await events.last(database, scope, min(last, LAST_MAX))
    counted = Counter(event.type for event in found)
    by = {type_: _by(patterns, type_) for type_ in counted}
    through = dict.fromkeys(patterns, 0)
    for type_, count in counted.items():
        pattern = by[type_]
        if pattern is not None:
            through[pattern] += count
    return DryRun(
        looked_at=len(found),
        matched=sum(through.values()),
        patterns=through,
        types=[OfType(type_, count, by[type_]) for type_, count in counted.most_common()],
        sample=_sample(found, by),
    )


def _by(patterns: list[str], type_: str) -> str | None:
    """Return the first pattern that lets a type through."""
    return next((pattern for pattern in patterns if matches((pattern,), type_)), None)


def _sample(found: list[Typed], by: dict[str, str | None]) -> list[Judged]:
    room = {True: SHOWN, False: SHOWN}
    sample = []
    for event in found:
        pattern = by[event.type]
        fits = pattern is not None
        if room[fits]:
            room[fits] -= 1
            sample.append(Judged(event, pattern, _why(event.type, pattern)))
    return sample


def _why(type_: str, pattern: str | None) -> str:
    if pattern is None:
        family = type_.rpartition(".")[0]
        return f"Nothing asks for {type_}; {type_} or {family}.* would."
    if pattern == type_:
        return f"{pattern} asks for exactly this type."
    if pattern == "*":
        return "* asks for every type."
    return f"{pattern} asks for all types that begin with {pattern[:-1]}"
