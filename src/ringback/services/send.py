"""Sending through a provider: durable before the request, joined with what was reported early.

Whoever is interrupted between begin and finish leaves a message that nobody sends again: after its
time it is said of it that nobody knows whether the provider has it.
"""

import asyncio
import os
import uuid
from collections import Counter

import structlog

from ringback.domain.endpoints import Connection, Mode
from ringback.domain.ids import show, uuid7
from ringback.domain.messages import Failure
from ringback.providers import registry
from ringback.providers.base import OutboundMessage, SendResult
from ringback.services.batch import Scope
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.sends import Answered, Submitting, Unanswered, Unclaimed
from ringback.services.talk import Talk, talk
from ringback.services.trouble import Trouble
from ringback.storage.database import Database
from ringback.storage.hot import forgotten, unanswered
from ringback.transport.exchange import Exchange

SWEEP_S = 1.0
SWEEP_MAX = 500
log = structlog.get_logger()


class Sender:
    """Hands messages to providers, and commits what happens around that."""

    def __init__(self, committer: Committer, clock: Clock, unlisted: Counter[str]) -> None:
        """Take the edges; `unlisted` counts, by provider, refusals with codes of no table."""
        self._committer = committer
        self._clock = clock
        self._unlisted = unlisted

    async def begin(self, connection: Connection, message: OutboundMessage) -> uuid.UUID:
        """Commit that a message is about to be sent; return its id. Only then may it be sent."""
        now = self._clock.now_ms()
        id_ = uuid7(now, os.urandom(10))
        await self._committer.submit(Submitting(connection, id_, now, message))
        return id_

    async def send(
        self, connection: Connection, messages: tuple[OutboundMessage, ...], how: Talk
    ) -> tuple[SendResult, ...]:
        """Hand messages that have begun to the provider; return what became of each, in order.

        Several go in one request where the provider takes that.
        """
        most = registry.get(connection.provider).batch_max
        results: list[SendResult] = []
        for place in range(0, len(messages), most):
            results += await _sent(connection, messages[place : place + most], how)
        return tuple(results)

    async def finish(
        self,
        connection: Connection,
        id_: uuid.UUID,
        result: SendResult,
        sent: OutboundMessage | None = None,
    ) -> None:
        """Commit what became of a send; with `sent` also an opt-out that a refusal tells of."""
        now = self._clock.now_ms()
        await self._committer.submit(Answered(connection, id_, now, result, sent))
        if result.error is not None and result.error.unlisted:
            self._unlisted[connection.provider] += 1


async def _sent(
    connection: Connection, messages: tuple[OutboundMessage, ...], how: Talk
) -> tuple[SendResult, ...]:
    provider = registry.get(connection.provider)
    if len(messages) == 1:
        one = await talk(provider.send(messages[0], connection.config), how)
        return (_unanswered(one) if isinstance(one, Exchange) else one,)
    several = await talk(provider.send_batch(messages, connection.config), how)
    if isinstance(several, Exchange):
        return (_unanswered(several),) * len(messages)
    return several


def _unanswered(exchange: Exchange) -> SendResult:
    """Judge a send that got no answer: what never left may be tried again, the rest is open."""
    if exchange.sent:
        return SendResult("uncertain")
    why = Failure("network", "unreachable", True, exchange.error, exchange.detail[:500], "rejected")
    return SendResult("refused", error=why)


class Sweeper:
    """Ends what waits for sends: early reports that none has claimed, and those never finished.

    The former are observed messages after all; the latter are left uncertain.
    """

    def __init__(self, database: Database, committer: Committer, clock: Clock) -> None:
        """Take the edges."""
        self._database = database
        self._committer = committer
        self._clock = clock
        self._sweep, self._give_up = Trouble("sweep"), Trouble("give_up")
        self.released = 0

    async def run(self) -> None:
        """Sweep once a second, for ever."""
        while True:
            await asyncio.sleep(SWEEP_S)
            # One does not wait for the other to go well.
            with self._sweep:
                await self.once()
            with self._give_up:
                await self.give_up()

    async def once(self) -> int:
        """Sweep; return how many were let go."""
        async with self._database.acquire() as session:
            found = await forgotten(session, SWEEP_MAX)
        now = self._clock.now_ms()
        works = [
            Unclaimed(Scope(tenant, Mode(mode)), subject, now) for subject, tenant, mode in found
        ]
        await asyncio.gather(*(self._committer.submit(work) for work in works))
        self.released += len(works)
        return len(works)

    async def give_up(self) -> int:
        """Say of sends that nobody finished in time that they are uncertain; return of how many."""
        async with self._database.acquire() as session:
            found = await unanswered(session, SWEEP_MAX)
        now = self._clock.now_ms()
        works = [Unanswered(Scope(tenant, Mode(mode)), id_, now) for id_, tenant, mode in found]
        await asyncio.gather(*(self._committer.submit(work) for work in works))
        for work in works:
            if work.told:
                log.warning("send.uncertain", message=show("msg", work.message_id))
        return len(works)
