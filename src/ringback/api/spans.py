"""Filters by time: `since` and `until`, as people write moments."""

import re
from datetime import datetime
from typing import NamedTuple

from pydantic import Field

from ringback.api.auth import Caller
from ringback.api.pages import PageQuery
from ringback.api.problems import wrong_parameter
from ringback.domain.ids import floor7
from ringback.services.sieve import Span
from ringback.storage import feed
from ringback.storage.lists import Key

MOMENT_MAX = 64
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class SpanQuery(PageQuery):
    """What lists can be asked that have times."""

    since: str | None = Field(
        default=None, max_length=MOMENT_MAX,
        description="From this time on, or from so long ago on: `15m`, `2h`, `7d`.",
    )  # fmt: skip
    until: str | None = Field(
        default=None, max_length=MOMENT_MAX, description="Before this time, or so long ago."
    )


class Moments(NamedTuple):
    """From when on and until when, in milliseconds since 1970, as far as it is said."""

    since: int | None
    until: int | None

    @property
    def said(self) -> bool:
        """Whether there is any bound."""
        return self.since is not None or self.until is not None

    def of_ids(self) -> Span:
        """Return the span of a list that is in the order of ids."""
        low = None if self.since is None else floor7(self.since).int
        high = None if self.until is None else floor7(self.until).int
        return Span(low, high, None if high is None else (high,))

    async def of_positions(self, caller: Caller, *rest: int) -> Span:
        """Return the span of a list in the order of the feed; `rest` ends its key before all."""
        database, scope = caller.context.database, caller.scope
        low = high = None
        start: Key | None = None
        if self.since is not None:
            # Nothing was emitted since then: a span above everything.
            low = await feed.since(database, scope, self.since) or _NEVER
        if self.until is not None:
            high = await feed.since(database, scope, self.until)
            start = None if high is None else (high, *rest)
        return Span(low, high, start)


_NEVER = 1 << 62


def moments(caller: Caller, query: SpanQuery) -> Moments:
    """Read the times that a list is asked for. Raises Problem."""
    now_ms = caller.context.clock.now_ms()
    found = []
    for name, text in (("since", query.since), ("until", query.until)):
        at_ms = None if text is None else moment_of(text, now_ms, name)
        if text is not None and at_ms is None:
            raise wrong_parameter(name, "Write 15m, 2h or 7d, or 2026-03-02T15:01:22Z.")
        found.append(at_ms)
    return Moments(*found)


def moment_of(text: str, now_ms: int, parameter: str) -> int | None:
    """Read a time or how long ago it was, as milliseconds since 1970; None when it is neither.

    Raises Problem when it has no time zone.
    """
    if ago := _DURATION.fullmatch(text):
        return max(now_ms - int(ago[1]) * _UNIT_MS[ago[2]], 0)
    try:
        # In a URL a plus sign is a space.
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        return None
    if at.tzinfo is None:
        raise wrong_parameter(parameter, "Say which time zone: 2026-03-02T15:01:22Z.")
    return max(round(at.timestamp() * 1000), 0)
