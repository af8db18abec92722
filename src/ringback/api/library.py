"""The library of samples: which recorded callbacks can be played to a connection."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from ringback.api.auth import Caller, CallerDep
from ringback.api.connections import known_connection
from ringback.api.pages import NoQuery, Page
from ringback.api.shown import CallbackId, RawBody, View, body_of
from ringback.domain import ids
from ringback.domain.endpoints import Connection
from ringback.domain.outcomes import Outcome
from ringback.errors import Fault, Invalid
from ringback.services.library import About
from ringback.services.play import Played
from ringback.storage.configuration import StoredConnection

router = APIRouter(prefix="/connections", tags=["connections"])


class SampleView(View):
    """A recorded callback that can be played to a connection. Its ids and times are made up."""

    name: str = Field(examples=["status-delivered"])
    title: str = Field(examples=["Status delivered"])
    about: About = Field(
        description="What it is about; `others`: what Ringback has no word for, `unread`: what "
        "cannot be read."
    )
    says: str = Field(description="What it tells, in words.", examples=["a message is delivered"])
    events: list[str] = Field(
        description="The types of the events that follow at this connection.",
        examples=[["message.delivered"]],
    )
    method: str = Field(examples=["POST"])
    query: str = Field(description="What follows the URL, as it was recorded.")
    content_type: str = Field(description="Empty where there is none.")
    body: RawBody = Field(
        description="As it was recorded. What is posted has ids and times of its own."
    )


class PlayedView(View):
    """One post of a sample, and what came of it."""

    status: int | None = Field(description="How it was answered; null: not at all.", examples=[200])
    callback: CallbackId | None = Field(
        description="The callback; null when none was kept, as while the intake is paused."
    )
    outcome: Outcome | None = Field(description="What became of the callback.")
    reason: str = Field(description="Why, when the outcome is not `accepted`.")


def usable_connection(caller: Caller, found: StoredConnection) -> Connection:
    """Return a connection as it takes callbacks. Raises Invalid if its config cannot be read."""
    connection = caller.context.configuration.snapshot.connection_by_id(found.id)
    if connection is None:
        raise Invalid(Fault("", "This version cannot read the connection's stored config."))
    return connection


def shown_played(one: Played) -> PlayedView:
    """Show what came of a sample."""
    return PlayedView(
        status=one.status, callback=ids.show("cbk", one.callback) if one.callback else None,
        outcome=one.outcome, reason=one.reason,
    )  # fmt: skip


@router.get("/{connection_id}/samples", name="list_samples", summary="List samples to play")
async def page(
    caller: CallerDep, connection_id: str, query: Annotated[NoQuery, Query()]
) -> Page[SampleView]:
    """List all recorded callbacks that this connection would take, by what they are about.

    `simulate` plays one, in test mode. There are none for connections whose callers have an API
    key.
    """
    del query
    connection = usable_connection(caller, known_connection(caller, connection_id))
    found = await caller.context.player.samples(connection)
    views = [
        SampleView(
            name=one.name, title=one.title, about=one.about, says=one.says,
            events=list(one.events), method=one.method, query=one.query,
            content_type=one.content_type, body=body_of(one.body),
        )
        for one in found
    ]  # fmt: skip
    return Page(data=views, next=None, prev=None)
