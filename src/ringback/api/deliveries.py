"""Deliveries: one event owed to one endpoint, and how that stands."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.asked import TYPES_MAX, id_in_filter, types_in_filter
from ringback.api.attempts import AttemptView
from ringback.api.attempts import view as attempt_view
from ringback.api.auth import Caller, CallerDep
from ringback.api.pages import Page, Pager
from ringback.api.problems import not_found, wrong_parameter
from ringback.api.shown import (
    DeliveryId,
    EndpointId,
    EventId,
    MessageId,
    Time,
    View,
    born,
    moment_or_none,
)
from ringback.api.spans import SpanQuery, moments
from ringback.domain import ids
from ringback.domain.event_types import matches
from ringback.services import delivery_log
from ringback.services.delivery_log import (
    ABOVE_ALL,
    FINAL,
    Delivery,
    DeliveryStatus,
    Filter,
    Placed,
)
from ringback.services.sieve import Span, sieve
from ringback.storage import deliveries
from ringback.storage.lists import Found, Key, Window

router = APIRouter(prefix="/deliveries", tags=["deliveries"])


class DeliveryView(View):
    """A delivery in a list."""

    id: DeliveryId
    event: EventId
    event_type: str | None = Field(
        description="Null once retention has removed the event.", examples=["message.delivered"]
    )
    message: MessageId | None = Field(description="The message that the event is about.")
    endpoint: EndpointId
    status: DeliveryStatus = Field(
        description="`pending`: being sent, due, or behind an earlier one; `scheduled`: waits for "
        "its next attempt."
    )
    attempts: int = Field(description="How many requests were made.")
    next_attempt_at: Time | None = Field(description="When the next attempt is due.")
    created_at: Time = Field(description="When the event was emitted.")
    last_attempt: AttemptView | None


class WholeDeliveryView(DeliveryView):
    """A delivery with all its attempts, oldest first."""

    history: list[AttemptView]


class DeliveryQuery(SpanQuery):
    """Filters of the list."""

    endpoint: str | None = Field(default=None, description="The deliveries to one endpoint.")
    event: str | None = Field(default=None, description="The deliveries of one event.")
    status: DeliveryStatus | None = Field(
        default=None,
        description="With a status that is an end, deliveries come by when they ended, and `since` "
        "and `until` are about that; otherwise about when their events were emitted.",
    )
    type: str | None = Field(
        default=None, max_length=TYPES_MAX,
        description="Those of events of a type, a family, or several with commas between.",
    )  # fmt: skip


def number_in_path(delivery_id: str) -> tuple[int, int]:
    """Read a delivery's endpoint number and place. Raises Problem when it can be none."""
    named = ids.read_delivery_id(delivery_id)
    # Both numbers are signed in the database: beyond that, nothing has them.
    if named is None or named[0] >> 31 or named[1] >> 63:
        raise not_found("delivery")
    return named


def _view(delivery: Delivery) -> DeliveryView:
    last = delivery.attempts[-1] if delivery.attempts else None
    return DeliveryView(
        id=delivery.id,
        event=ids.show("evt", delivery.ref.event),
        event_type=delivery.event_type,
        message=ids.show("msg", delivery.message) if delivery.message else None,
        endpoint=ids.show("end", delivery.endpoint),
        status=delivery.status,
        attempts=delivery.requests,
        next_attempt_at=moment_or_none(delivery.due),
        created_at=born(delivery.ref.event),
        last_attempt=attempt_view(last) if last else None,
    )


@router.get("", name="list_deliveries", summary="List deliveries")
async def page(
    request: Request,
    response: Response,
    caller: CallerDep,
    query: Annotated[DeliveryQuery, Query()],
) -> Page[DeliveryView]:
    """List deliveries, newest first."""
    pager = Pager(request, caller, query)
    context = caller.context
    event = id_in_filter("evt", query.event, "event")
    endpoint = id_in_filter("end", query.endpoint, "endpoint")
    number = None
    if endpoint is not None:
        number = await deliveries.endpoint_number(context.database, caller.scope, endpoint)
        if number is None:
            return Page(data=[], next=None, prev=None)
    wanted = Filter(endpoint=number, event=event, status=query.status)
    patterns = tuple(types_in_filter(query.type))

    async def find(window: Window) -> Found[Placed]:
        return await delivery_log.page(
            context.database, caller.scope, wanted, window, context.now()
        )

    def fits(row: Placed) -> bool:
        return matches(patterns, row.delivery.event_type or "")

    span = await _span(caller, query, wanted)
    found = await sieve(find, pager.window, _key, span, fits if patterns else None)
    cut = pager.cut(found, _key, response)
    return Page(data=[_view(row.delivery) for row in cut.rows], next=cut.next, prev=cut.prev)


def _key(row: Placed) -> Key:
    return row.key


async def _span(caller: Caller, query: DeliveryQuery, wanted: Filter) -> Span:
    """Say which keys lie between the times that are asked for; each list has keys of its own."""
    bounds = moments(caller, query)
    if wanted.event is not None:
        if bounds.said:
            name = "until" if query.since is None else "since"
            raise wrong_parameter(name, "The deliveries of one event are all of one time.")
        return Span()
    if wanted.status in FINAL.values():
        return bounds.of_ids()
    if wanted.status is not None:
        return await bounds.of_positions(caller, ABOVE_ALL - 1)
    if wanted.endpoint is not None:
        return await bounds.of_positions(caller)
    return await bounds.of_positions(caller, ABOVE_ALL, 0)


@router.get("/{delivery_id}", name="get_delivery", summary="One delivery")
async def get(caller: CallerDep, delivery_id: str) -> WholeDeliveryView:
    """Return a delivery with all its attempts."""
    context = caller.context
    named = number_in_path(delivery_id)
    found = await delivery_log.get(context.database, caller.scope, *named, context.now())
    if found is None:
        raise not_found("delivery")
    return WholeDeliveryView(
        **_view(found).model_dump(),
        history=[attempt_view(attempt) for attempt in found.attempts],
    )
