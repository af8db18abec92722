"""Events: the canonical facts that endpoints are sent, byte for byte as they were stored."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field

from ringback.api.asked import id_in_filter, id_in_path
from ringback.api.auth import CallerDep
from ringback.api.pages import Page, PageQuery, Pager
from ringback.api.problems import not_found, wrong_parameter
from ringback.api.shown import EventId, Time, View
from ringback.domain.event_types import PATTERN_MAX, faults_in_patterns
from ringback.storage import events
from ringback.storage.events import StoredEvent
from ringback.storage.lists import Found

MEDIA_TYPE = "application/json"
router = APIRouter(prefix="/events", tags=["events"])


class EventView(View):
    """An event: the body of the webhook."""

    model_config = ConfigDict(extra="allow")

    id: EventId
    type: str = Field(examples=["message.delivered"])
    timestamp: Time = Field(description="When it happened, by the provider's clock.")
    tenant: str
    mode: str = Field(examples=["live"])
    data: dict[str, Any]


class EventQuery(PageQuery):
    """Filters of the list."""

    type: str | None = Field(
        default=None, max_length=PATTERN_MAX,
        description="A whole type, or a family such as `message.*`.",
    )  # fmt: skip
    message: str | None = Field(default=None, description="The events of one message.")


@router.get(
    "", name="list_events", summary="List events", responses={200: {"model": Page[EventView]}}
)
async def page(
    request: Request, caller: CallerDep, query: Annotated[EventQuery, Query()]
) -> Response:
    """List events in the order of the feed, newest first."""
    pager = Pager(request, caller, query)
    response = Response(media_type=MEDIA_TYPE)
    found = await _find(caller, query, pager)
    cut = pager.cut(found, lambda event: (event.pos,), response)
    return _raw(response, [event.body for event in cut.rows], cut.next, cut.prev)


async def _find(caller: CallerDep, query: EventQuery, pager: Pager) -> Found[StoredEvent]:
    database, scope = caller.context.database, caller.scope
    pattern = query.type
    if pattern is not None and (pattern == "*" or faults_in_patterns([pattern], "")):
        raise wrong_parameter(
            "type", "Write a type such as message.read, or a family such as message.*."
        )
    message = id_in_filter("msg", query.message, "message")
    if message is not None:
        told = await events.of_message(database, scope, message, pager.window)
        fitting = [event for event in told.rows if _fits(pattern, event)]
        full = len(told.rows) == pager.window.limit
        return Found(
            [StoredEvent(event.id, event.pos, event.body) for event in fitting],
            (told.rows[-1].pos,) if full else None,
        )
    if pattern is not None:
        return await events.of_type(database, scope, pattern, pager.window)
    return await events.newest(database, scope, pager.window)


def _fits(pattern: str | None, event: events.MessageEvent) -> bool:
    if pattern is None:
        return True
    return event.type == pattern or (pattern.endswith(".*") and event.type.startswith(pattern[:-1]))


def _raw(response: Response, bodies: list[bytes], older: str | None, newer: str | None) -> Response:
    """Write the page without taking the bodies apart: what was sent is what is shown."""

    def quoted(cursor: str | None) -> bytes:
        return b"null" if cursor is None else b'"%b"' % cursor.encode()

    body = b'{"data":[%b],"next":%b,"prev":%b}' % (
        b",".join(bodies), quoted(older), quoted(newer),
    )  # fmt: skip
    return Response(body, headers=dict(response.headers) | {"content-length": str(len(body))})


@router.get(
    "/{event_id}", name="get_event", summary="One event", responses={200: {"model": EventView}}
)
async def get(caller: CallerDep, event_id: str) -> Response:
    """Return the event as every endpoint is sent it."""
    found = await events.get(caller.context.database, caller.scope, id_in_path("evt", event_id))
    if found is None:
        raise not_found("event")
    return Response(found.body, media_type=MEDIA_TYPE)
