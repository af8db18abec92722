"""Lists in pages: newest first, with cursors that nobody can make up.

A cursor holds the key of the row it stands at, and belongs to the list, its filters, the tenant and
the mode: one that was changed, or comes from another list, is refused.
"""

import json
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ringback.api.auth import Caller
from ringback.api.cursors import Cursors
from ringback.storage.lists import Found, Key, Window

LIMIT_MAX = 200
LIMIT_DEFAULT = 50

T = TypeVar("T")


class NoQuery(BaseModel):
    """What a list can be asked that always fits on one page: nothing."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(BaseModel):
    """What every list can be asked; lists with filters add theirs."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(
        default=LIMIT_DEFAULT, ge=1, le=LIMIT_MAX, description="At most so many rows."
    )
    cursor: str | None = Field(
        default=None, max_length=1024, description="`next` or `prev` of an earlier page."
    )


class Page(BaseModel, Generic[T]):
    """A stretch of a list, newest first."""

    data: list[T] = Field(description="The rows; a search may find fewer than `limit` at a time.")
    next: str | None = Field(description="Cursor of the page with older rows; null at the end.")
    prev: str | None = Field(description="Cursor of the page with newer rows; null if none.")


class Cut(NamedTuple, Generic[T]):
    """The rows of a page, and the cursors of its neighbours."""

    rows: list[T]
    next: str | None
    prev: str | None


class Pager:
    """Makes the window that a request asks for, and the page of what was found in it."""

    def __init__(self, request: Request, caller: Caller, query: PageQuery) -> None:
        """Read the cursor. Raises Problem when it is not one of this list."""
        self._request = request
        self._caller = caller
        self._limit = query.limit
        self._filters = {
            name: str(value)
            for name, value in sorted(query.model_dump(exclude={"limit", "cursor"}).items())
            if value is not None
        }
        place = [request.url.path, *caller.scope, self._filters]
        self._cursors = Cursors(caller.context.configuration.snapshot.hash_key, place)
        newer, key = self._read(query.cursor) if query.cursor is not None else (False, None)
        # One more than is shown: so it is known whether there is a further page.
        self.window = Window(query.limit + 1, key, newer)

    def cut(self, found: Found[T], key: Callable[[T], Key], response: Response) -> Cut[T]:
        """Cut the page out of what was found, and name its neighbours in the Link header."""
        rows, window = found.rows[: self._limit], self.window
        beyond = found.stopped
        if len(found.rows) > self._limit:
            beyond = key(rows[-1])
        if window.newer:
            rows = rows[::-1]
            older, newer = (key(rows[-1]) if rows else None), beyond
        else:
            older, newer = beyond, (key(rows[0]) if rows and window.key else None)
        cut = Cut(
            rows,
            self._write(newer=False, key=older) if older else None,
            self._write(newer=True, key=newer) if newer else None,
        )
        self._link(cut, response)
        return cut

    def _link(self, cut: Cut[T], response: Response) -> None:
        base = self._caller.context.public_url + self._request.url.path
        links = [
            f"<{base}?{urlencode({**self._filters, 'limit': self._limit, 'cursor': cursor})}>; "
            f'rel="{name}"'
            for name, cursor in (("next", cut.next), ("prev", cut.prev))
            if cursor is not None
        ]
        if links:
            response.headers["link"] = ", ".join(links)

    def _write(self, *, newer: bool, key: Key) -> str:
        return self._cursors.write(json.dumps([newer, *key], separators=(",", ":")).encode())

    def _read(self, cursor: str) -> tuple[bool, Key]:
        newer, *key = json.loads(self._cursors.read(cursor, "cursor"))
        return bool(newer), tuple(key)


def within(rows: Sequence[T], key: Callable[[T], Key], window: Window) -> Found[T]:
    """Cut a window out of rows that lie in memory, newest first."""
    edge = window.key
    if window.newer:
        return Found([row for row in reversed(rows) if edge and key(row) > edge])
    return Found([row for row in rows if edge is None or key(row) < edge])
