"""Callbacks: what providers posted, whole, and what became of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.asked import id_in_filter, id_in_path
from ringback.api.auth import CallerDep
from ringback.api.connections import callback_url
from ringback.api.pages import Page, Pager
from ringback.api.problems import not_found
from ringback.api.shown import (
    CallbackId,
    ConnectionId,
    MessageId,
    RawBody,
    Time,
    View,
    body_of,
    moment,
)
from ringback.api.spans import SpanQuery, moments
from ringback.domain import ids
from ringback.domain.outcomes import Outcome
from ringback.services.sieve import sieve
from ringback.storage import callbacks
from ringback.storage.callbacks import StoredCallback
from ringback.storage.lists import Found, Key, Window

router = APIRouter(prefix="/callbacks", tags=["callbacks"])


class CallbackView(View):
    """A callback in the list."""

    id: CallbackId
    received_at: Time
    connection: ConnectionId
    provider: str = Field(examples=["bandwidth"])
    method: str = Field(examples=["POST"])
    outcome: Outcome = Field(description="That of its worst item.")
    reason: str = Field(description="Why, when the outcome is not `accepted`.")
    items: int = Field(description="How many things it spoke of.")
    message: MessageId | None = Field(description="The message that all of it is about.")


class WholeCallbackView(CallbackView):
    """A callback as it came. Credentials and the token in its URL were hidden when it was stored.

    The body of a rejected one is cut after 64 KiB.
    """

    url: str
    peer: str = Field(description="The address that it came from.")
    headers: list[tuple[str, str]]
    body: RawBody


class CallbackQuery(SpanQuery):
    """Filters of the list."""

    outcome: Outcome | None = None
    connection: str | None = Field(default=None, description="The callbacks of one connection.")


def _fields(callback: StoredCallback) -> CallbackView:
    return CallbackView(
        id=ids.show("cbk", callback.id),
        received_at=moment(callback.received),
        connection=ids.show("con", callback.connection),
        provider=callback.provider,
        method=callback.method,
        outcome=callback.outcome,
        reason=callback.reason,
        items=callback.items,
        message=ids.show("msg", callback.subject) if callback.subject else None,
    )


@router.get("", name="list_callbacks", summary="List callbacks")
async def page(
    request: Request,
    response: Response,
    caller: CallerDep,
    query: Annotated[CallbackQuery, Query()],
) -> Page[CallbackView]:
    """List callbacks, newest first: also rejected and unparsed ones."""
    pager = Pager(request, caller, query)
    database, scope = caller.context.database, caller.scope
    connection = id_in_filter("con", query.connection, "connection")

    async def find(window: Window) -> Found[StoredCallback]:
        if connection is None and query.outcome is None:
            return await callbacks.newest(database, scope, window)
        return await callbacks.filtered(
            database, scope, window, connection=connection, outcome=query.outcome
        )

    found = await sieve(find, pager.window, _key, moments(caller, query).of_ids())
    cut = pager.cut(found, _key, response)
    return Page(data=[_fields(row) for row in cut.rows], next=cut.next, prev=cut.prev)


def _key(row: StoredCallback) -> Key:
    return (row.id.int,)


@router.get("/{callback_id}", name="get_callback", summary="One callback, raw")
async def get(caller: CallerDep, callback_id: str) -> WholeCallbackView:
    """Return a callback with its URL, headers and body."""
    found = await callbacks.get(
        caller.context.database, caller.scope, id_in_path("cbk", callback_id)
    )
    if found is None:
        raise not_found("callback")
    return WholeCallbackView(
        **_fields(found.callback).model_dump(),
        url=callback_url(caller, found.url),
        peer=found.peer,
        headers=list(found.headers),
        body=body_of(found.body),
    )
