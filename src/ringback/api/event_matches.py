"""Event matches: what an endpoint with a filter would have been sent of the last events."""

import uuid

from fastapi import APIRouter
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import CallerDep
from ringback.api.endpoints import EventTypes
from ringback.api.shown import EventId, MessageId, Time, View, born
from ringback.domain import ids
from ringback.services.dry_run import LAST_MAX, SHOWN, dry_run

router = APIRouter(prefix="/event-matches", tags=["events"])


class EventMatchRequest(Asked):
    """A filter, as an endpoint would have it, and on how many events it is tried."""

    event_types: EventTypes
    last: int = Field(
        default=LAST_MAX, ge=1, le=LAST_MAX, description="How many of the last events to look at."
    )


class PatternView(View):
    """One of the patterns."""

    pattern: str = Field(examples=["message.*"])
    matched: int = Field(description="Events that it lets through, and no pattern before it.")


class TypeMatchView(View):
    """A type among these events."""

    type: str = Field(examples=["message.sent"])
    count: int = Field(description="How many events of it there were.", examples=[380])
    matched: bool
    pattern: str | None = Field(description="The first pattern that lets it through.")


class JudgedEventView(View):
    """An event, and whether it would have been sent."""

    id: EventId
    type: str = Field(examples=["message.delivered"])
    emitted_at: Time
    message: MessageId | None = Field(description="The message that it is about.")
    matched: bool
    why: str = Field(examples=["message.* asks for all types that begin with message."])


class EventMatches(View):
    """What would have been sent."""

    looked_at: int = Field(description="How many events there were to look at.", examples=[1000])
    matched: int = Field(description="How many of them would have been sent.", examples=[412])
    patterns: list[PatternView]
    types: list[TypeMatchView] = Field(description="The most frequent first.")
    sample: list[JudgedEventView] = Field(
        description=f"The newest {SHOWN} that match and the newest {SHOWN} that do not."
    )


@router.post("", name="match_events", summary="Try a filter on stored events")
async def match(caller: CallerDep, body: EventMatchRequest) -> EventMatches:
    """Say which of the last events an endpoint with these types would have been sent, and why.

    Nothing is sent, and nothing changes.
    """
    found = await dry_run(
        caller.context.database, caller.scope, body.event_types, "/event_types", body.last
    )
    return EventMatches(
        looked_at=found.looked_at,
        matched=found.matched,
        patterns=[
            PatternView(pattern=pattern, matched=count) for pattern, count in found.patterns.items()
        ],
        types=[
            TypeMatchView(type=one.type, count=one.count, matched=bool(one.by), pattern=one.by)
            for one in found.types
        ],
        sample=[
            JudgedEventView(
                id=ids.show("evt", one.event.id),
                type=one.event.type,
                emitted_at=born(one.event.id),
                message=_message(one.event.type, one.event.subject),
                matched=bool(one.by),
                why=one.why,
            )
            for one in found.sample
        ],
    )


def _message(type_: str, subject: uuid.UUID | None) -> str | None:
    if subject is None or not type_.startswith("message."):
        return None
    return ids.show("msg", subject)
