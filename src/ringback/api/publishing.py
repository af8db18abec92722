"""`POST /v1/events` as the document describes it.

It is served past the framework, by services/publish.py: nothing here is ever called.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import CallerDep
from ringback.api.document import PROBLEMS
from ringback.api.shown import EventId, View
from ringback.domain.event_types import TYPE_MAX
from ringback.domain.publishing import DELIVER_TO_MAX, EVENTS_MAX, SUBJECT_MAX

router = APIRouter(prefix="/v1/events", tags=["events"], responses=PROBLEMS)


class EventCreate(Asked):
    """An event to be published."""

    type: str = Field(
        max_length=TYPE_MAX, pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$",
        description="Of a family of your own, in lower case.", examples=["shop.order_paid"],
    )  # fmt: skip
    data: dict[str, Any] = Field(examples=[{"order": "48213", "total": 12}])
    subject: str | None = Field(
        default=None, min_length=1, max_length=SUBJECT_MAX,
        description="What it is about: events of one subject are numbered and go in order.",
        examples=["order-48213"],
    )  # fmt: skip
    timestamp: str | None = Field(
        default=None, description="When it happened, with its zone; left out: now.",
        json_schema_extra={"format": "date-time"}, examples=["2026-03-02T15:01:22Z"],
    )  # fmt: skip
    retry: Literal["schedule", "none"] = Field(
        default="schedule", description="`none`: it is worth one attempt."
    )
    deliver_to: list[str] | None = Field(
        default=None, min_length=1, max_length=DELIVER_TO_MAX,
        description="Endpoints by their ids or your own: only these get it, whatever types they "
        "choose. Left out: all that want its type.",
    )  # fmt: skip


class PublishedView(View):
    """An event that was published."""

    id: EventId
    type: str = Field(examples=["shop.order_paid"])
    warning: str | None = Field(
        default=None, description="Only if the type is deprecated: what to know of it."
    )


class PublishedList(View):
    """Events that were published together, in the order in which they were sent."""

    data: list[PublishedView]


Events = EventCreate | Annotated[list[EventCreate], Field(min_length=1, max_length=EVENTS_MAX)]


@router.post(
    "", name="publish_events", operation_id="publish_events", status_code=201,
    summary="Publish events",
)  # fmt: skip
async def publish(caller: CallerDep, body: Events) -> PublishedView | PublishedList:
    """Publish one event, or up to a hundred in a list. Answered after the commit."""
    raise NotImplementedError(caller, body)
