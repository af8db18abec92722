"""Events: the canonical facts that endpoints are sent, byte for byte as they were stored."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field

from ringback.api.asked import TYPES_MAX, id_in_filter, id_in_path, types_in_filter
from ringback.api.auth import Caller, CallerDep
from ringback.api.feed import AFTER_MAX, FeedReader, Reading, wants_stream
from ringback.api.pages import Page, Pager
from ringback.api.problems import ProblemBody, not_found, wrong_parameter
from ringback.api.shown import EventId, Time, View
from ringback.api.spans import SpanQuery, moments
from ringback.api.streams import MEDIA_TYPE as STREAM
from ringback.domain.event_types import matches
from ringback.services.sieve import sieve
from ringback.storage import events
from ringback.storage.events import StoredEvent
from ringback.storage.feed import Wanted
from ringback.storage.lists import Found, Key, Window

MEDIA_TYPE = "application/json"
WAIT_MAX_S = 30
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


class EventPage(Page[EventView]):
    """A stretch of the feed: newest first, or with `after` in the order in which events came."""

    more: bool | None = Field(
        default=None, description="With `after` only: whether further events are there already."
    )


class EventQuery(SpanQuery):
    """Filters of the list, and where a reader of the feed stands."""

    type: str | None = Field(
        default=None, max_length=TYPES_MAX,
        description="A whole type, a family such as `message.*`, or several with commas between.",
    )  # fmt: skip
    message: str | None = Field(default=None, description="The events of one message.")
    after: str | None = Field(
        default=None, max_length=AFTER_MAX,
        description="Read the feed, oldest first, from here on: `next` of an earlier answer, "
        "`now`, `earliest`, an event's id, a time, or how long ago (`15m`, `2h`, `7d`).",
    )  # fmt: skip
    wait: float | None = Field(
        default=None, ge=0, le=WAIT_MAX_S,
        description="With `after`: when there is nothing yet, wait so many seconds for it.",
    )  # fmt: skip


@router.get(
    "", name="list_events", summary="List events, or read the feed",
    responses={
        200: {"model": EventPage, "content": {STREAM: {"schema": {"type": "string"}}}},
        410: {"model": ProblemBody, "description": "What comes after the place is gone."},
    },
)  # fmt: skip
async def page(
    request: Request, caller: CallerDep, query: Annotated[EventQuery, Query()]
) -> Response:
    """List events, newest first; with `after` read them in the order in which they came.

    With `Accept: text/event-stream` they are streamed as they come, each with its cursor as its
    id; `Last-Event-ID` goes on behind it.
    """
    if wants_stream(request):
        return await _stream(request, caller, query)
    if query.after is not None:
        return await _feed(request, caller, query, query.after)
    if query.wait is not None:
        raise wrong_parameter("wait", "Say from where on to read as well, such as after=now.")
    pager = Pager(request, caller, query)
    response = Response(media_type=MEDIA_TYPE)
    find = partial(_find, caller, query)
    span = await moments(caller, query).of_positions(caller)
    cut = pager.cut(await sieve(find, pager.window, _key, span), _key, response)
    return _raw(response, [event.body for event in cut.rows], cut.next, cut.prev)


async def _stream(request: Request, caller: Caller, query: EventQuery) -> Response:
    _without(query, "cursor", "wait", "since", "until")
    if "limit" in query.model_fields_set:
        raise wrong_parameter("limit", "A stream has no pages.")
    reader = FeedReader(request, caller, _wanted(query))
    return await reader.stream(await reader.begin(query.after or "now"))


async def _feed(request: Request, caller: Caller, query: EventQuery, after: str) -> Response:
    _without(query, "cursor", "since", "until")
    reader = FeedReader(request, caller, _wanted(query))
    place = await reader.start(after)
    stretch, cursor = await reader.page(place, Reading(query.limit, query.wait or 0))
    asked = {"type": query.type, "message": query.message, "limit": query.limit}
    filters = {name: str(value) for name, value in asked.items() if value is not None}
    response = Response(media_type=MEDIA_TYPE)
    response.headers["link"] = reader.next_link(cursor, filters)
    more = b',"more":true' if stretch.more else b',"more":false'
    return _raw(response, [event.body for event in stretch.events], cursor, None, more)


def _key(event: StoredEvent) -> Key:
    return (event.pos,)


def _without(query: EventQuery, *names: str) -> None:
    for name in names:
        if getattr(query, name) is not None:
            raise wrong_parameter(name, "This is for the list: leave it out to read the feed.")


def _wanted(query: EventQuery) -> Wanted:
    message = id_in_filter("msg", query.message, "message")
    return Wanted(tuple(types_in_filter(query.type)), message)


async def _find(caller: Caller, query: EventQuery, window: Window) -> Found[StoredEvent]:
    database, scope = caller.context.database, caller.scope
    patterns = types_in_filter(query.type)
    message = id_in_filter("msg", query.message, "message")
    if message is not None:
        told = await events.of_message(database, scope, message, window)
        fitting = [
            event for event in told.rows if not patterns or matches(tuple(patterns), event.type)
        ]
        full = len(told.rows) == window.limit
        return Found(
            [StoredEvent(event.id, event.pos, event.body) for event in fitting],
            (told.rows[-1].pos,) if full else None,
        )
    if patterns:
        return await events.of_types(database, scope, patterns, window)
    return await events.newest(database, scope, window)


def _raw(
    response: Response, bodies: list[bytes], older: str | None, newer: str | None, more: bytes = b""
) -> Response:
    """Write the page without taking the bodies apart: what was sent is what is shown."""

    def quoted(cursor: str | None) -> bytes:
        return b"null" if cursor is None else b'"%b"' % cursor.encode()

    body = b'{"data":[%b],"next":%b,"prev":%b%b}' % (
        b",".join(bodies), quoted(older), quoted(newer), more,
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
