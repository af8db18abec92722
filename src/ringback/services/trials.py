"""Test events: the example of a type sent to one endpoint as a real delivery, marked as a test."""

import uuid
from collections.abc import Iterable
from typing import Any

import msgspec

from ringback.domain.endpoints import Endpoint
from ringback.domain.event_examples import example
from ringback.domain.event_types import CATALOGUE, matches
from ringback.domain.events import rfc3339
from ringback.domain.ids import delivery_id, show
from ringback.domain.publishing import DATA_MAX, sample
from ringback.errors import Fault, Invalid
from ringback.services import audit
from ringback.services.again import NotNow
from ringback.services.audit import Act
from ringback.services.batch import Batch, Scope
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.configuration import Configuration
from ringback.services.own_events import own_type
from ringback.services.work import Work
from ringback.storage.audit import Actor
from ringback.storage.database import Database
from ringback.storage.lists import Scope as StoredScope

USUAL = "message.delivered"


class Sent(msgspec.Struct, frozen=True):
    """A test event: its id, its type, and the delivery by which it can be followed."""

    event: str
    type: str
    delivery: str


class Trial(Work):
    """One example for one endpoint. It is worth one attempt, and touches no subject."""

    def __init__(self, scope: Scope, endpoint: Endpoint, type_: str, sample: bytes) -> None:
        """Take the example that is to be sent."""
        self.scope = scope
        self.passes = 0
        self.ord = 0
        self.id: uuid.UUID | None = None
        self._endpoint = endpoint
        self._type = type_
        self._sample = sample
        self._place = 0

    @property
    def size(self) -> int:
        """How many bytes it adds to a batch."""
        return len(self._sample)

    def decide(self, batch: Batch) -> None:
        """Add the event, owed to that endpoint alone."""
        self.id = batch.ids.next()
        body = self._body(show("evt", self.id), batch)
        self._place = batch.event(
            self.scope, self.id, self._type, body, occurred=batch.now_ms, sequence=1, retry=False,
            only_to=(self._endpoint.no,),
        )  # fmt: skip

    def _body(self, event_id: str, batch: Batch) -> bytes:
        """Put what is true of this event in place of what the example says."""
        shown = msgspec.json.decode(self._sample)
        shown |= {
            "id": event_id,
            "timestamp": rfc3339(batch.now_ms),
            "tenant": batch.snapshot.tenant_id(self.scope.tenant),
            "mode": self.scope.mode.word,
        }
        if "received_at" in shown:
            shown["received_at"] = shown["timestamp"]
        data = shown.pop("data")
        return msgspec.json.encode({**shown, "test": True, "data": data})

    def committed(self, base: int, events: int) -> None:
        """Learn the delivery's place in the feed."""
        del events
        self.ord = base + self._place

    def missed(self, lost: set[int]) -> bool:
        """Say no: it touches no subject."""
        del lost
        return False

    def settled(self, events: set[uuid.UUID], callbacks: set[uuid.UUID]) -> bool:
        """Say no: nobody knows its delivery, so it is made again; at most a second test event."""
        del events, callbacks
        return False


class Trials:
    """Sends test events."""

    def __init__(
        self, configuration: Configuration, database: Database, committer: Committer, clock: Clock
    ) -> None:
        """Take the edges."""
        self._configuration = configuration
        self._database = database
        self._committer = committer
        self._clock = clock

    async def send(
        self,
        scope: StoredScope,
        actor: Actor,
        endpoint: Endpoint,
        type_: str | None,
        data: dict[str, Any] | None = None,
    ) -> Sent:
        """Send the example of a type to an endpoint; without a type, one that it wants.

        `data` stands in place of the example's.

        Raises:
            Invalid: there is no such type, or `data` is too large.
            NotNow: the endpoint is disabled.

        """
        chosen = type_ or self._usual(scope, endpoint)
        given = None if data is None else msgspec.json.encode(data)
        if given is not None and len(given) > DATA_MAX:
            raise Invalid(Fault("/data", f"data is larger than {DATA_MAX} bytes."))
        shown = self._sample(scope, endpoint, chosen, given)
        if shown is None:
            detail = f"There is no type {chosen} with an example; GET /v1/event-types lists them."
            raise Invalid(Fault("/event_type", detail))
        if endpoint.disabled:
            raise NotNow("The endpoint is disabled: enable it, then test it.")
        act = Act("endpoint.tested", show("end", endpoint.id), {"event_type": chosen})
        async with self._database.acquire() as connection:
            await audit.write(connection, scope, actor, self._clock.now_ms(), act)
        trial = Trial(Scope(scope.tenant, endpoint.mode), endpoint, chosen, shown)
        await self._committer.submit(trial)
        assert trial.id is not None
        delivery = delivery_id(endpoint.no, trial.ord)
        return Sent(show("evt", trial.id), chosen, delivery)

    def _usual(self, scope: StoredScope, endpoint: Endpoint) -> str:
        everything = self._configuration.everything
        own = [one.own for one in everything.event_types if one.scope == scope]
        shown = [one.name for one in own if one.example is not None and not one.archived]
        return usual_type(endpoint.event_types, shown)

    def _sample(
        self, scope: StoredScope, endpoint: Endpoint, type_: str, data: bytes | None
    ) -> bytes | None:
        if type_ in CATALOGUE:
            shown = example(type_)
            if data is None:
                return shown
            return msgspec.json.encode(msgspec.json.decode(shown) | {"data": msgspec.Raw(data)})
        own = own_type(self._configuration.snapshot, Scope(scope.tenant, endpoint.mode), type_)
        wanted = data if own is None or data is not None else own.example
        if own is None or wanted is None:
            return None
        return sample("", "", endpoint.mode.word, type_, wanted)


def usual_type(patterns: tuple[str, ...], own: Iterable[str] = ()) -> str:
    """Return the type that a test sends when nobody says which: one that the endpoint wants.

    `own` are the tenant's types that have an example.
    """
    emitted = [name for name, type_ in CATALOGUE.items() if type_.emitted]
    for name in (USUAL, *emitted, *own, *CATALOGUE):
        if matches(patterns, name):
            return name
    return USUAL
