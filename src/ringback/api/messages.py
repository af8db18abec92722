"""Messages: one text to or from one person, as they stand."""

import re
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field

from ringback.api.asked import id_in_filter, id_in_path
from ringback.api.auth import Caller, CallerDep
from ringback.api.pages import Page, Pager
from ringback.api.problems import not_found, wrong_parameter
from ringback.api.shown import ConnectionId, MessageId, Time, View, born
from ringback.api.spans import SpanQuery, moments
from ringback.domain import ids
from ringback.domain.events import message_view
from ringback.domain.masking import BY_DIGITS, SHOWN_DIGITS, tells_more
from ringback.domain.messages import STATUS_CODE, Status
from ringback.domain.search import VALUE_MAX, Kind, reversed_address
from ringback.services import catalogue
from ringback.services.sieve import sieve
from ringback.storage import messages
from ringback.storage.lists import Found, Key, Window
from ringback.storage.messages import EVERYTHING, StoredMessage, Term, TooBroad, Traits

DIGITS_MIN = 4
STATUSES_MAX = 256
_DIGITS = re.compile(r"[0-9]+")
_PARAMETERS = {
    Kind.PROVIDER_MESSAGE_ID: "provider_message_id",
    Kind.REFERENCE: "reference",
    Kind.TO: "to",
    Kind.FROM: "from",
}
BY_ADDRESS = (
    f"A whole address, or its last digits ({DIGITS_MIN}+); where numbers are masked for whoever "
    f"asks, exactly the last {SHOWN_DIGITS}."
)
router = APIRouter(prefix="/messages", tags=["messages"])


class FailureView(View):
    """Why a message failed, in one vocabulary for all providers."""

    # What the merge leaves out at its default is left out here as well.
    model_config = ConfigDict(extra="allow")

    class_: str = Field(alias="class", examples=["recipient"])
    code: str = Field(examples=["unreachable"])


class MessageView(View):
    """A message, in the words of its events."""

    # Events and the API show the same: what events gain, answers gain.
    model_config = ConfigDict(extra="allow")

    id: MessageId
    origin: str = Field(description="sent, observed, inbound or simulated.", examples=["observed"])
    direction: str = Field(description="outbound or inbound.", examples=["outbound"])
    channel: str | None = Field(examples=["sms"])
    from_: str | None = Field(alias="from", examples=["+15550100"])
    to: str | None = Field(examples=["+15550123"])
    status: str | None = Field(examples=["delivered"])
    provider: str | None = Field(examples=["bandwidth"])
    connection: ConnectionId | None
    provider_message_id: str | None
    reference: str | None = Field(description="The sender's own name for it.")
    error: FailureView | None
    timestamps: dict[str, Time] = Field(description="When each status was reached.")
    sequence: int = Field(description="The number of its newest event.", examples=[3])
    created_at: Time = Field(description="When it became known here.")


class MessageQuery(SpanQuery):
    """Filters of the list; a message has to fit all of them."""

    to: str | None = Field(default=None, max_length=VALUE_MAX, description=BY_ADDRESS)
    from_: str | None = Field(
        default=None, alias="from", max_length=VALUE_MAX, description=BY_ADDRESS
    )
    reference: str | None = Field(default=None, max_length=VALUE_MAX, min_length=1)
    provider_message_id: str | None = Field(default=None, max_length=VALUE_MAX, min_length=1)
    status: str | None = Field(
        default=None, max_length=STATUSES_MAX, examples=["failed,expired"],
        description="How they stand: a status, or several with commas between.",
    )  # fmt: skip
    direction: Literal["inbound", "outbound"] | None = None
    channel: str | None = Field(
        default=None, pattern="^[a-z0-9_]{1,32}$", description="Such as sms or whatsapp."
    )
    provider: str | None = Field(
        default=None, max_length=VALUE_MAX, description="A provider's name, such as bandwidth."
    )
    connection: str | None = Field(default=None, description="The messages of one connection.")


def view(stored: StoredMessage) -> MessageView:
    """Show a message."""
    plain: dict[str, Any] = msgspec.to_builtins(
        message_view(ids.show("msg", stored.id), stored.message)
    )
    return MessageView.model_validate(
        {**plain, "sequence": stored.sequence, "created_at": born(stored.id)}
    )


@router.get("", name="list_messages", summary="List or search messages")
async def page(
    request: Request,
    response: Response,
    caller: CallerDep,
    query: Annotated[MessageQuery, Query()],
) -> Page[MessageView]:
    """List messages, newest first, or those that fit the filters."""
    pager = Pager(request, caller, query)
    find = partial(_find, caller, _terms(query, caller.asker.masked), _traits(query))
    span = moments(caller, query).of_ids()
    try:
        found = await sieve(find, pager.window, _key, span)
    except TooBroad as error:
        parameter = _PARAMETERS[Kind(error.kind)]
        detail = "More than 1,000 addresses end so: give more digits."
        raise wrong_parameter(parameter, detail) from error
    cut = pager.cut(found, _key, response)
    return Page(data=[view(row) for row in cut.rows], next=cut.next, prev=cut.prev)


async def _find(
    caller: Caller, terms: list[Term], traits: Traits, window: Window
) -> Found[StoredMessage]:
    database, scope = caller.context.database, caller.scope
    if terms:
        return await messages.search(database, scope, terms, window, traits)
    if traits != EVERYTHING:
        return await messages.narrowed(database, scope, traits, window)
    return await messages.newest(database, scope, window)


def _key(row: StoredMessage) -> Key:
    return (row.id.int,)


def _traits(query: MessageQuery) -> Traits:
    connection = id_in_filter("con", query.connection, "connection")
    if query.provider is not None:
        known = catalogue.names()
        if query.provider not in known:
            raise wrong_parameter("provider", f"Write one of {', '.join(known)}.")
    return Traits(
        statuses=_statuses(query.status),
        channel=query.channel,
        direction=query.direction,
        provider=query.provider,
        connection=None if connection is None else ids.show("con", connection),
    )


def _statuses(text: str | None) -> tuple[Status, ...]:
    if text is None:
        return ()
    words = text.split(",")
    found = tuple(status for status in STATUS_CODE if status in words)
    if len(found) < len(set(words)):
        several = f"Write one of {', '.join(STATUS_CODE)}; several with commas between."
        raise wrong_parameter("status", several)
    return found


def _terms(query: MessageQuery, masked: bool) -> list[Term]:
    terms = []
    if query.provider_message_id is not None:
        terms.append(Term(Kind.PROVIDER_MESSAGE_ID, query.provider_message_id))
    if query.reference is not None:
        terms.append(Term(Kind.REFERENCE, query.reference))
    if query.to is not None:
        terms.append(_address(Kind.TO, query.to, masked))
    if query.from_ is not None:
        terms.append(_address(Kind.FROM, query.from_, masked))
    return terms


def _address(kind: Kind, text: str, masked: bool) -> Term:
    text, whole = address_in_filter(text, _PARAMETERS[kind], masked=masked)
    return Term(kind, reversed_address(text), prefix=not whole)


def address_in_filter(text: str, parameter: str, *, masked: bool) -> tuple[str, bool]:
    """Read an address from a filter, and whether it is a whole one. Raises Problem.

    `masked`: whoever asks is shown no numbers, and may look by as many digits as masks show.
    """
    # A plus that was not encoded arrives as a space.
    if text[:1] == " " and _DIGITS.fullmatch(text[1:]):
        text = "+" + text[1:]
    if masked and tells_more(text):
        raise wrong_parameter(parameter, BY_DIGITS)
    if not _DIGITS.fullmatch(text):
        if not text:
            raise wrong_parameter(parameter, "Give an address, or leave it out.")
        return text, True
    if len(text) < DIGITS_MIN:
        detail = f"Give at least the last {DIGITS_MIN} digits, or the whole address."
        raise wrong_parameter(parameter, detail)
    return text, False


@router.get("/{message_id}", name="get_message", summary="One message")
async def get(caller: CallerDep, message_id: str) -> MessageView:
    """Return a message as it stands."""
    identifier = id_in_path("msg", message_id)
    found = await messages.get(caller.context.database, caller.scope, identifier)
    if found is None:
        raise not_found("message")
    return view(found)
