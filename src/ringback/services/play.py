"""Playing a sample to a connection's own URL, and finding the callback that came of it.

It is posted over HTTP, as the provider would, so whichever worker takes it answers; the callback
is then looked up by what was posted.
"""

import asyncio
import hashlib
import os
import uuid

import msgspec

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback, HttpRequest
from ringback.domain.outcomes import Outcome
from ringback.providers import registry
from ringback.services import library
from ringback.services.clock import Clock
from ringback.services.library import Sample
from ringback.services.simulate import Simulator
from ringback.storage import callbacks
from ringback.storage.callbacks import StoredCallback
from ringback.storage.database import Database
from ringback.storage.lists import Scope, Window

# Among so many of a connection's newest callbacks those that were played are looked for.
LOOK_MAX = 100


class Played(msgspec.Struct, frozen=True):
    """One post of a sample: how it was answered, and the callback, if one was kept.

    `status` is None when there was no answer, and `reason` says why a callback is not `accepted`.
    """

    status: int | None
    callback: uuid.UUID | None = None
    outcome: Outcome | None = None
    reason: str = ""
    message: uuid.UUID | None = None


class Player:
    """Plays samples; a few hold for all workers that share a database."""

    def __init__(self, simulator: Simulator, database: Database, clock: Clock) -> None:
        """Take what posts to our own door, and where callbacks are found again."""
        self._simulator = simulator
        self._database = database
        self._clock = clock

    async def samples(self, connection: Connection) -> list[Sample]:
        """List what can be played to a connection as it is configured."""
        return await asyncio.to_thread(library.samples, connection, self._clock.now_ms())

    async def play(self, connection: Connection, name: str, *, again: bool) -> list[Played]:
        """Play a sample; `again`: once more in the very same bytes, so that it is a repeat.

        Raises Invalid for a name that there is no sample of, and for one that the connection would
        not take; BlockingIOError when too many simulations are under way; DatabaseUnavailable.
        """
        url = self._simulator.url_of(connection)
        now = self._clock.now_ms()
        seed = os.urandom(16)
        # Reading a provider's recordings for the first time takes a while.
        request = await asyncio.to_thread(library.made, connection, name, url, now, seed)
        before = {one.id for one in await self._like(connection, request)}
        answers = [
            await self._simulator.post_now(connection, request) for _ in range(2 if again else 1)
        ]
        kept = [one for one in await self._like(connection, request) if one.id not in before]
        # Newest first, and as many as were kept: none of what was turned away.
        kept = kept[: len(answers)][::-1]
        found = [one for one in answers if one.ok] if len(kept) < len(answers) else answers
        by_answer = dict(zip(map(id, found), kept, strict=False))
        return [_played(one.status, by_answer.get(id(one))) for one in answers]

    async def _like(self, connection: Connection, request: HttpRequest) -> list[StoredCallback]:
        """Return those of a connection's newest callbacks that say what a request says."""
        scope = Scope(connection.tenant, connection.mode)
        newest = await callbacks.filtered(
            self._database, scope, Window(LOOK_MAX), connection=connection.id, outcome=None
        )
        digests = await callbacks.digests(
            self._database, scope, [one.id for one in newest.rows if one.method == request.method]
        )
        wanted = hashlib.sha256(request.body).digest()
        found = [one for one in newest.rows if digests.get(one.id) == wanted]
        if request.body:
            return found
        provider = registry.get(connection.provider)
        made = Callback(request.method, request.url, request.headers, b"")
        query = provider.conceal(made, connection.config).query
        raw = [await callbacks.get(self._database, scope, one.id) for one in found]
        return [one.callback for one in raw if one and one.url.partition("?")[2] == query]


def _played(status: int | None, kept: StoredCallback | None) -> Played:
    if kept is None:
        return Played(status)
    return Played(status, kept.id, kept.outcome, kept.reason, kept.subject)
