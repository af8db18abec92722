"""Following a list: what is new in it, in order, by looking at its newest rows again and again.

For lists without a stream. Rows may get into a list a moment after later ones, so the last seconds
are looked at again each time.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from ringback.client.http import Client, Json, Query
from ringback.client.problems import ApiError, ClientError

Followed = Iterator[Json]
EVERY_S = 1.0
# A row is found if it is in the list so long after its time.
LATE = timedelta(seconds=15)
# New rows of one look; more are left out, and it is said.
ROWS_MAX = 5000
# Rows that are known, of the last looks, whatever their times: the servers' clocks may differ.
SEEN_MAX = 4 * ROWS_MAX
# After a look that failed; doubled each time.
PAUSE_S = 1.0
PAUSE_MAX_S = 30.0
_AGAIN = frozenset({429, 500, 502, 503, 504})


def follow(
    client: Client,
    path: str,
    query: Query,
    field: str,
    *,
    every_s: float = EVERY_S,
    lost: Callable[[ClientError, float], None] = lambda *_: None,
    left_out: Callable[[int], None] = lambda _: None,
    wait: Callable[[float], None] = time.sleep,
) -> Followed:
    """Go through what comes into a list from now on, oldest first, for ever.

    `field` holds a row's time. A look that failed is made again: `lost` hears why, and in how many
    seconds. `left_out` hears when more than `ROWS_MAX` came between two looks.

    Raises:
        ApiError: the server refuses for good: the key or the filters are wrong.

    """
    seen: dict[str, None] = {}
    newest: datetime | None = None
    failures = 0
    while True:
        try:
            rows, whole = _newest(client, path, query, field, newest)
        except ClientError as error:
            if isinstance(error, ApiError) and error.status not in _AGAIN:
                raise
            pause = min(PAUSE_S * 2 ** min(failures, 8), PAUSE_MAX_S)
            failures += 1
            lost(error, pause)
            wait(pause)
            continue
        failures = 0
        fresh = [row for row in rows if row["id"] not in seen]
        # A known row that is seen again becomes one of the last, so that it is forgotten later.
        for row in rows:
            seen.pop(row["id"], None)
            seen[row["id"]] = None
        for id_ in list(itertools.islice(seen, max(0, len(seen) - SEEN_MAX))):
            del seen[id_]
        if newest is None:  # what is there at the beginning is the past
            earliest = datetime.min.replace(tzinfo=UTC) + LATE
            newest = max((_time(row, field) for row in rows), default=earliest)
            wait(every_s)
            continue
        if not whole:
            left_out(ROWS_MAX)
        yield from reversed(fresh)
        newest = max([newest, *(_time(row, field) for row in fresh)])
        wait(every_s)


def _time(row: Json, field: str) -> datetime:
    return datetime.fromisoformat(row[field])


def _newest(
    client: Client, path: str, query: Query, field: str, newest: datetime | None
) -> tuple[list[Json], bool]:
    """Return the newest rows, newest first, back to a while before the newest one of last time.

    At the beginning that is the newest there is. The second value is False when there were too
    many.
    """
    rows: list[Json] = []
    for page in client.pages(path, query):
        rows += page.data
        if newest is None and page.data:
            newest = _time(page.data[0], field)
        if newest is None or not page.data or _time(page.data[-1], field) < newest - LATE:
            return rows, True
        if len(rows) >= ROWS_MAX:
            return rows, False
    return rows, True
