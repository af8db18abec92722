"""What else follows when a delivery has failed for good: events about the endpoint, and 410.

Published before the delivery is ended, under a key that happens once: a crash in between repeats
the attempt, never the event. What a worker that died has not said of an endpoint that it disabled
another one says.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from ringback.domain.endpoints import Endpoint
from ringback.domain.ids import delivery_id, show
from ringback.domain.publishing import NewEvent
from ringback.domain.retry import Verdict
from ringback.errors import Unstorable
from ringback.services import audit
from ringback.services.batch import Scope
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.configuration import Configuration
from ringback.services.publications import Publication
from ringback.services.slots import Job
from ringback.services.trouble import Trouble
from ringback.storage import configuration as stored
from ringback.storage.lists import Scope as StoredScope

GONE = 410
_GONE_WORDS = "It answered 410 Gone."
# How often it is looked whether something was not said, and how long after it still is.
LOOK_S = 15.0
_MADE_UP = timedelta(hours=12)


class _Type(msgspec.Struct):
    type: str
    test: bool = False


_type = msgspec.json.Decoder(_Type).decode
_encode = msgspec.json.Encoder().encode
log = structlog.get_logger()


class _Moot(Exception):
    """There is nothing to disable any more: what was begun is rolled back."""


class Endings:
    """Publishes `endpoint.delivery_exhausted` and `endpoint.disabled`."""

    def __init__(self, committer: Committer, configuration: Configuration, clock: Clock) -> None:
        """Take the edges."""
        self._committer = committer
        self._configuration = configuration
        self._clock = clock
        self._said: set[str] = set()

    async def run(self) -> None:
        """Say of endpoints that were disabled what nobody has said yet, for ever."""
        trouble = Trouble("endings")
        while True:
            with trouble:
                await self._make_up()
            await asyncio.sleep(LOOK_S)

    async def _make_up(self) -> None:
        since = self._clock.now_ms() / 1000 - _MADE_UP.total_seconds()
        found = {
            _once(row.engine, row.disabled_at): row.engine
            for row in self._configuration.everything.endpoints
            if row.disabled_for == _GONE_WORDS
            and row.disabled_at is not None
            and row.disabled_at.timestamp() > since
        }
        self._said &= found.keys()
        for once, endpoint in found.items():
            if once not in self._said:
                await self._say_disabled(endpoint, once)

    async def ended(
        self, endpoint: Endpoint, job: Job, verdict: Verdict, status: int | None,
        standing: Callable[[], bool],
    ) -> None:  # fmt: skip
        """Say that a delivery is exhausted; after a 410 disable the endpoint as well.

        `endpoint` is what it was when the request began; `standing` says whether it has been
        enabled ever since. A 410 that is about another URL, or from before, disables nothing.

        Raises:
            DatabaseUnavailable: it could not be stored; the delivery must not be ended yet.
            Unstorable: nor will it ever be; nothing is to wait for it.

        """
        if status == GONE:
            await self.disable(endpoint, standing)
        event = _type(job.body)
        type_ = event.type
        if event.test or type_.startswith("endpoint."):
            # What is about endpoints is not told about again: it would never end. And whoever
            # tests one looks for themselves.
            return
        delivery = delivery_id(job.owned.endpoint, job.owned.ord)
        await self._publish(
            endpoint, "endpoint.delivery_exhausted", f"exhausted {delivery}",
            {"delivery": delivery, "event": show("evt", job.owned.event), "event_type": type_,
             "attempts": job.owned.n + 1, "reason": verdict.words},
        )  # fmt: skip

    async def disable(self, endpoint: Endpoint, standing: Callable[[], bool]) -> bool:
        """Disable an endpoint on every worker, and say so; False when there is nothing to do.

        Of many that ask at once a single one does it.
        """
        if not standing():
            return False
        try:
            async with self._configuration.change() as connection:
                at = await stored.disable_endpoint(connection, endpoint, _GONE_WORDS)
                # Its row is ours by now: nobody enables it meanwhile.
                if at is None or not standing():
                    raise _Moot
                scope = StoredScope(endpoint.tenant, endpoint.mode)
                act = audit.endpoint_disabled(endpoint, _GONE_WORDS)
                await audit.write(connection, scope, None, self._clock.now_ms(), act)
        except _Moot:
            return False
        await self._say_disabled(endpoint, _once(endpoint, at))
        return True

    async def _say_disabled(self, endpoint: Endpoint, once: str) -> None:
        try:
            await self._publish(endpoint, "endpoint.disabled", once, {"reason": _GONE_WORDS})
        except Unstorable:
            # Nor will it be another time, and others wait to be told about.
            log.exception("endings.unstorable", endpoint=endpoint.no)
        self._said.add(once)

    async def _publish(
        self, endpoint: Endpoint, type_: str, once: str, facts: dict[str, object]
    ) -> None:
        about = {"id": show("end", endpoint.id), "url": endpoint.url}
        event = NewEvent(
            type=type_, data=msgspec.Raw(_encode({"endpoint": about, **facts})),
            subject=show("end", endpoint.id),
        )  # fmt: skip
        await self._committer.submit(
            Publication(
                Scope(endpoint.tenant, endpoint.mode), [event], self._clock.now_ms(),
                not_to=endpoint.no, once=once,
            )
        )  # fmt: skip


def _once(endpoint: Endpoint, at: datetime) -> str:
    """Name a disabling: by whom, and the moment that the database gave it."""
    return f"disabled {endpoint.id} {at.timestamp():.6f}"
