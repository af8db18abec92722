"""Server-sent events: a stream that goes on where it broke, by `Last-Event-ID`.

id: <cursor>          remembered, and sent along when the stream is opened again
event: <name>         `message` when it is missing
data: <text>          several lines are joined
retry: <ms>           how long to wait before opening it again
: <anything>          a sign of life
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import httpx

from ringback.client.http import PATIENCE_S, Client, Query, explained, retry_after
from ringback.client.problems import ApiError, ClientError, Unreachable, read

# Between two openings: what the server last asked for, doubled after each failure.
RETRY_S = 1.0
RETRY_MAX_S = 30.0
# One event is at most this long; a longer one is no event of ours.
EVENT_MAX = 4_194_304
_AGAIN = frozenset({429, 500, 502, 503, 504})


class Streamed(NamedTuple):
    """One event of a stream: its place in it, its name, its text."""

    id: str
    event: str
    data: str


class Stream:
    """Opens a stream, again and again, and goes through what it brings.

    `last_id` is the place that was reached: kept by the caller, it lets another run go on there.
    """

    def __init__(
        self,
        client: Client,
        path: str,
        query: Query | None = None,
        *,
        last_id: str | None = None,
        lost: Callable[[ClientError, float], None] = lambda *_: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take what to open. `lost` hears why it broke and how many seconds are waited then."""
        self.last_id = last_id
        self.retry_s = RETRY_S
        self._client = client
        self._path = path
        self._query = query
        self._lost = lost
        self._wait = wait

    def __iter__(self) -> Iterator[Streamed]:
        """Go through the events, for ever. A caller who has dealt with one asks for the next.

        Raises:
            ApiError: the server refuses for good: the key, the path or the filters are wrong.

        """
        failures = 0
        while True:
            try:
                for one in self._once():
                    failures = 0
                    yield one
                    if one.id:
                        self.last_id = one.id
                error: ClientError = Unreachable("The server has ended the stream.")
            except ApiError as refused:
                if refused.status not in _AGAIN:
                    raise
                error = refused
            except ClientError as broken:
                error = broken
            pause = min(self.retry_s * 2 ** min(failures, 8), RETRY_MAX_S)
            asked = getattr(error, "retry_after_s", None)
            pause = pause if asked is None else max(pause, min(asked, PATIENCE_S))
            failures += 1
            self._lost(error, pause)
            self._wait(pause)

    def _once(self) -> Iterator[Streamed]:
        headers = {"accept": "text/event-stream", "cache-control": "no-store"}
        if self.last_id is not None:
            headers["last-event-id"] = self.last_id
        try:
            with self._client.open_stream(self._path, self._query, headers) as response:
                if response.status_code != 200:
                    body = response.read()
                    after = retry_after(response.headers.get("retry-after"))
                    raise read(response.status_code, response.headers, body, after)
                yield from self._parsed(response.iter_lines())
        except httpx.HTTPError as error:
            raise explained(error, self._client.url) from error

    def _parsed(self, lines: Iterable[str]) -> Iterator[Streamed]:
        last_id, event, data, size = self.last_id or "", "", list[str](), 0
        for line in lines:
            if not line:
                if data:
                    yield Streamed(last_id, event or "message", "\n".join(data))
                elif last_id:
                    # Nothing to deal with, and a place further on to come back to.
                    self.last_id = last_id
                event, data, size = "", [], 0
                continue
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            size += len(line)
            if size > EVENT_MAX:
                raise Unreachable("The stream brought an event that is too long.")
            if field == "data":
                data.append(value)
            elif field == "event":
                event = value
            elif field == "id" and "\0" not in value:
                last_id = value
            elif field == "retry" and value.isdigit():
                self.retry_s = min(int(value) / 1000, RETRY_MAX_S)
