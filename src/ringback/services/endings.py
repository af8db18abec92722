"""What else follows when a delivery has failed for good: events about the endpoint, and 410.

Published before the delivery is ended, under a key that happens once: a crash in between repeats
the attempt, never the event.
"""

import msgspec

from ringback.domain.endpoints import Endpoint
from ringback.domain.events import rfc3339
from ringback.domain.ids import delivery_id, show
from ringback.domain.publishing import NewEvent
from ringback.domain.retry import Verdict
from ringback.services import audit
from ringback.services.batch import Scope
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.configuration import Configuration
from ringback.services.publications import Publication
from ringback.services.slots import Job
from ringback.storage import configuration as stored
from ringback.storage.lists import Scope as StoredScope

GONE = 410


class _Type(msgspec.Struct):
    type: str
    test: bool = False


_type = msgspec.json.Decoder(_Type).decode
_encode = msgspec.json.Encoder().encode


class Endings:
    """Publishes `endpoint.delivery_exhausted` and `endpoint.disabled`."""

    def __init__(self, committer: Committer, configuration: Configuration, clock: Clock) -> None:
        """Take the edges."""
        self._committer = committer
        self._configuration = configuration
        self._clock = clock

    async def ended(
        self, endpoint: Endpoint, job: Job, verdict: Verdict, status: int | None
    ) -> None:
        """Say that a delivery is exhausted; after a 410 disable the endpoint as well.

        Raises:
            DatabaseUnavailable: it could not be stored; the delivery must not be ended yet.

        """
        if status == GONE:
            await self.disable(endpoint, "It answered 410 Gone.")
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

    async def disable(self, endpoint: Endpoint, reason: str) -> None:
        """Disable an endpoint on every worker, and say so."""
        everything = self._configuration.everything
        row = next((e for e in everything.endpoints if e.engine.no == endpoint.no), None)
        if row is None or row.engine.disabled:
            return
        engine = msgspec.structs.replace(row.engine, disabled=True)
        changed = msgspec.structs.replace(row, engine=engine, disabled_for=reason)
        async with self._configuration.change() as connection:
            await stored.update_endpoint(connection, changed)
            scope = StoredScope(endpoint.tenant, endpoint.mode)
            act = audit.endpoint_disabled(changed, reason)
            await audit.write(connection, scope, None, self._clock.now_ms(), act)
        moment = rfc3339(self._clock.now_ms())
        await self._publish(
            endpoint, "endpoint.disabled", f"disabled {endpoint.id} {moment}", {"reason": reason}
        )

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
