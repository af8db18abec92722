"""Messages: one text to or from one person, as they stand."""

import re
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field

from ringback.api.asked import id_in_path
from ringback.api.auth import CallerDep
from ringback.api.pages import Page, PageQuery, Pager
from ringback.api.problems import not_found, wrong_parameter
from ringback.api.shown import ConnectionId, MessageId, Time, View, born
from ringback.domain import ids
from ringback.domain.events import message_view
from ringback.domain.search import VALUE_MAX, Kind, reversed_address
from ringback.storage import messages
from ringback.storage.messages import StoredMessage, Term, TooBroad

DIGITS_MIN = 4
_DIGITS = re.compile(r"[0-9]+")
_PARAMETERS = {
    Kind.PROVIDER_MESSAGE_ID: "provider_message_id",
    Kind.REFERENCE: "reference",
    Kind.TO: "to",
    Kind.FROM: "from",
}
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


class MessageQuery(PageQuery):
    """Filters of the list; a message has to fit all of them."""

    to: str | None = Field(
        default=None, max_length=VALUE_MAX, description="A whole address, or its last digits (4+)."
    )
    from_: str | None = Field(
        default=None, alias="from", max_length=VALUE_MAX,
        description="A whole address, or its last digits (4+).",
    )  # fmt: skip
    reference: str | None = Field(default=None, max_length=VALUE_MAX, min_length=1)
    provider_message_id: str | None = Field(default=None, max_length=VALUE_MAX, min_length=1)


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
    database, terms = caller.context.database, _terms(query)
    if terms:
        try:
            found = await messages.search(database, caller.scope, terms, pager.window)
        except TooBroad as error:
            parameter = _PARAMETERS[Kind(error.kind)]
            detail = "More than 1,000 addresses end so: give more digits."
            raise wrong_parameter(parameter, detail) from error
    else:
        found = await messages.newest(database, caller.scope, pager.window)
    cut = pager.cut(found, lambda row: (row.id.int,), response)
    return Page(data=[view(row) for row in cut.rows], next=cut.next, prev=cut.prev)


def _terms(query: MessageQuery) -> list[Term]:
    terms = []
    if query.provider_message_id is not None:
        terms.append(Term(Kind.PROVIDER_MESSAGE_ID, query.provider_message_id))
    if query.reference is not None:
        terms.append(Term(Kind.REFERENCE, query.reference))
    if query.to is not None:
        terms.append(_address(Kind.TO, query.to))
    if query.from_ is not None:
        terms.append(_address(Kind.FROM, query.from_))
    return terms


def _address(kind: Kind, text: str) -> Term:
    # A plus that was not encoded arrives as a space.
    if text[:1] == " " and _DIGITS.fullmatch(text[1:]):
        text = "+" + text[1:]
    if not _DIGITS.fullmatch(text):
        if not text:
            raise wrong_parameter(_PARAMETERS[kind], "Give an address, or leave it out.")
        return Term(kind, reversed_address(text))
    if len(text) < DIGITS_MIN:
        detail = f"Give at least the last {DIGITS_MIN} digits, or the whole address."
        raise wrong_parameter(_PARAMETERS[kind], detail)
    return Term(kind, reversed_address(text), prefix=True)


@router.get("/{message_id}", name="get_message", summary="One message")
async def get(caller: CallerDep, message_id: str) -> MessageView:
    """Return a message as it stands."""
    identifier = id_in_path("msg", message_id)
    found = await messages.get(caller.context.database, caller.scope, identifier)
    if found is None:
        raise not_found("message")
    return view(found)
