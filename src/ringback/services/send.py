"""Sending through a provider: durable before the request, joined with what was reported early.

First cut: the caller plays the network between the adapter's requests and their answers. Whoever
is interrupted between begin and finish leaves a message that nobody sends again blindly.
"""

import asyncio
import os
import uuid

import structlog

from ringback.domain.endpoints import Connection
from ringback.domain.http import HttpResponse
from ringback.domain.ids import uuid7
from ringback.errors import DatabaseUnavailable
from ringback.providers import registry
from ringback.providers.base import OutboundMessage, SendResult
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.configuration import Configuration
from ringback.services.sends import Answered, Submitting, Unclaimed
from ringback.storage.database import Database
from ringback.storage.hot import forgotten

SWEEP_S = 1.0
SWEEP_MAX = 500
log = structlog.get_logger()


class Sender:
    """Commits what happens around a send."""

    def __init__(self, committer: Committer, clock: Clock) -> None:
        """Take the edges."""
        self._committer = committer
        self._clock = clock

    async def begin(self, connection: Connection, message: OutboundMessage) -> uuid.UUID:
        """Commit that a message is about to be sent; return its id. Only then may it be sent."""
        now = self._clock.now_ms()
        id_ = uuid7(now, os.urandom(10))
        await self._committer.submit(Submitting(connection, id_, now, message))
        return id_

    async def finish(
        self,
        connection: Connection,
        message: OutboundMessage,
        id_: uuid.UUID,
        response: HttpResponse,
    ) -> SendResult:
        """Read the provider's answer to a one-request send, and commit what it says."""
        flow = registry.get(connection.provider).send(message, connection.config)
        next(flow)
        try:
            flow.send(response)
        except StopIteration as end:
            result: SendResult = end.value
        else:
            flow.close()
            result = SendResult("uncertain")
        await self._committer.submit(Answered(connection, id_, self._clock.now_ms(), result))
        return result


class Sweeper:
    """Lets early reports go that no send has claimed: they are observed messages after all."""

    def __init__(
        self,
        database: Database,
        committer: Committer,
        configuration: Configuration,
        clock: Clock,
    ) -> None:
        """Take the edges."""
        self._database = database
        self._committer = committer
        self._configuration = configuration
        self._clock = clock
        self.released = 0

    async def run(self) -> None:
        """Sweep once a second, for ever."""
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.once()
            except DatabaseUnavailable as error:
                log.warning("sweep.failed", error=str(error)[:200])

    async def once(self) -> int:
        """Sweep; return how many were let go."""
        async with self._database.acquire() as session:
            found = await forgotten(session, SWEEP_MAX)
        known = {c.no: c for c in self._configuration.snapshot.connections.values()}
        now = self._clock.now_ms()
        works = [
            Unclaimed(known[number], subject, now) for subject, number in found if number in known
        ]
        await asyncio.gather(*(self._committer.submit(work) for work in works))
        self.released += len(works)
        return len(works)
