"""The timeline of a message: everything that happened around it, in one list."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter
from pydantic import Field

from ringback.api.asked import id_in_path
from ringback.api.auth import CallerDep
from ringback.api.messages import FailureView, MessageView
from ringback.api.messages import view as message_view
from ringback.api.problems import not_found
from ringback.api.shown import (
    AttemptId,
    CallbackId,
    ConnectionId,
    DeliveryId,
    EndpointId,
    EventId,
    Time,
    View,
    born,
    moment,
    moment_or_none,
)
from ringback.domain import ids
from ringback.domain.events import rfc3339
from ringback.services import timeline
from ringback.services.timeline import Entry

router = APIRouter(prefix="/messages", tags=["messages"])


class CallbackEntry(View):
    """A callback came from the provider."""

    kind: Literal["callback"] = "callback"
    at: Time
    id: CallbackId
    provider: str
    connection: ConnectionId
    method: str = Field(examples=["POST"])
    outcome: str = Field(examples=["accepted"])
    reason: str = Field(description="Why, when the outcome is not `accepted`.")
    items: int = Field(description="How many things it spoke of.")
    repeats: CallbackId | None = Field(
        description="Of a duplicate: the first callback that had the same body."
    )


class EventEntry(View):
    """An event was emitted."""

    kind: Literal["event"] = "event"
    at: Time
    id: EventId
    type: str = Field(examples=["message.delivered"])
    sequence: int
    late: bool = Field(description="It came after something that follows it in a message's life.")
    inferred: bool = Field(description="Nobody reported it, but what was reported implies it.")
    weak: bool = Field(description="The proof is weaker than the word.")
    occurred_at: Time = Field(description="The provider's clock.")
    received_at: Time = Field(description="When the callback came in.")
    emitted_at: Time = Field(description="When the event was made.")
    callback: CallbackId | None = Field(description="The callback that brought it about.")


class FactEntry(View):
    """The provider said something that no event tells."""

    kind: Literal["fact"] = "fact"
    at: Time
    status: str = Field(examples=["delivered"])
    why: str
    occurred_at: Time | None
    received_at: Time
    part: int = Field(description="Which part of several; 0 for the whole message.")
    provider_status: str | None
    error: FailureView | None
    callback: CallbackId | None


class AttemptEntry(View):
    """An event was sent to an endpoint, or its delivery ended without being sent."""

    kind: Literal["attempt"] = "attempt"
    at: Time
    id: AttemptId
    delivery: DeliveryId
    event: EventId
    endpoint: EndpointId
    n: int = Field(description="Which attempt of its delivery, from 1.")
    status: int | None = Field(description="The HTTP status of the answer.", examples=[200])
    error: str | None = Field(description="Why there was no whole answer.", examples=["timeout"])
    ms: float
    decision: str = Field(description="What followed from it, in words.")
    final: Literal["delivered", "exhausted", "cancelled"] | None


class DeliveryEntry(View):
    """A delivery that is still open."""

    kind: Literal["delivery"] = "delivery"
    at: Time | None = Field(description="When the next attempt is due; null while it waits.")
    id: DeliveryId
    event: EventId
    endpoint: EndpointId
    status: Literal["pending", "scheduled"]
    attempts: int = Field(description="How many were made.")


EntryView = Annotated[
    CallbackEntry | EventEntry | FactEntry | AttemptEntry | DeliveryEntry,
    Field(discriminator="kind"),
]


class TimelineView(View):
    """A message's story, oldest first: causes before effects, what is owed at the end."""

    message: MessageView
    entries: list[EntryView]
    truncated: bool = Field(description="Whether there is more than the 1,000 entries shown.")
    events_removed: int = Field(description="How many of its events retention has removed.")


@router.get("/{message_id}/timeline", name="get_timeline", summary="A message's whole story")
async def get(caller: CallerDep, message_id: str) -> TimelineView:
    """Tell what came in, what was told to whom, and how that went."""
    context = caller.context
    found = await timeline.of_message(
        context.database, caller.scope, id_in_path("msg", message_id), context.now()
    )
    if found is None:
        raise not_found("message")
    return TimelineView(
        message=message_view(found.message),
        entries=[_entry(entry) for entry in found.entries],
        truncated=found.truncated,
        events_removed=found.events_removed,
    )


def _entry(entry: Entry) -> Any:
    if isinstance(entry, timeline.CallbackEntry):
        return _callback(entry)
    if isinstance(entry, timeline.EventEntry):
        return _event(entry)
    if isinstance(entry, timeline.FactEntry):
        return _fact(entry)
    if isinstance(entry, timeline.AttemptEntry):
        return _attempt(entry)
    return _open(entry)


def _callback(entry: timeline.CallbackEntry) -> CallbackEntry:
    callback = entry.callback
    return CallbackEntry(
        at=moment(callback.received),
        id=ids.show("cbk", callback.id),
        provider=callback.provider,
        connection=ids.show("con", callback.connection),
        method=callback.method,
        outcome=callback.outcome,
        reason=callback.reason,
        items=callback.items,
        repeats=ids.show("cbk", entry.repeats) if entry.repeats else None,
    )


def _event(entry: timeline.EventEntry) -> EventEntry:
    event, data = entry.event, entry.data
    return EventEntry(
        at=data.emitted_at,
        id=ids.show("evt", event.id),
        type=event.type,
        sequence=event.sequence,
        late=data.late,
        inferred=data.inferred,
        weak=data.weak,
        occurred_at=entry.occurred_at,
        received_at=data.received_at,
        emitted_at=data.emitted_at,
        callback=ids.show("cbk", event.callback) if event.callback else None,
    )


def _fact(entry: timeline.FactEntry) -> FactEntry:
    fact = entry.fact
    error = msgspec.to_builtins(fact.error) if fact.error else None
    return FactEntry(
        at=rfc3339(fact.received),
        status=fact.status,
        why=entry.why,
        occurred_at=None if fact.at is None else rfc3339(fact.at),
        received_at=rfc3339(fact.received),
        part=fact.part,
        provider_status=fact.provider_status,
        error=FailureView.model_validate(error) if error else None,
        callback=fact.callback,
    )


def _attempt(entry: timeline.AttemptEntry) -> AttemptEntry:
    attempt = entry.attempt
    return AttemptEntry(
        at=born(attempt.id),
        id=ids.show("att", attempt.id),
        delivery=ids.delivery_id(attempt.endpoint_no, attempt.ord),
        event=ids.show("evt", attempt.event),
        endpoint=ids.show("end", attempt.endpoint),
        n=attempt.n,
        status=attempt.status,
        error=attempt.error,
        ms=round(attempt.ms, 3),
        decision=str(attempt.detail.get("decision", "")),
        final=entry.final,
    )


def _open(entry: timeline.OpenEntry) -> DeliveryEntry:
    row = entry.row
    return DeliveryEntry(
        at=moment_or_none(entry.due),
        id=ids.delivery_id(row.ref.endpoint_no, row.ref.ord),
        event=ids.show("evt", row.ref.event),
        endpoint=ids.show("end", row.endpoint),
        status=entry.status,
        attempts=row.n,
    )
