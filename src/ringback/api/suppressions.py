"""Suppressions: addresses whose people want no messages, and what that rests on."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.asked import id_in_path
from ringback.api.auth import Caller, CallerDep
from ringback.api.messages import BY_ADDRESS, address_in_filter
from ringback.api.pages import Page, Pager
from ringback.api.problems import not_found
from ringback.api.shown import (
    CallbackId,
    ConnectionId,
    EventId,
    MessageId,
    Time,
    View,
    born,
    example,
    moment,
)
from ringback.api.spans import SpanQuery, moments
from ringback.domain import ids
from ringback.domain.consent import LedgerWord, Source
from ringback.domain.search import VALUE_MAX
from ringback.services import suppressions as service
from ringback.services.sieve import sieve
from ringback.storage import suppressions
from ringback.storage.audit import Actor
from ringback.storage.lists import Found, Key, Window
from ringback.storage.suppressions import Ending, Past, Suppression

router = APIRouter(prefix="/suppressions", tags=["suppressions"])
_REACH = "null: all of them."
_CHANNELS = "`sms` is text messages: SMS, MMS and RCS. null: all of them."


class ContactView(View):
    """One address of a person."""

    kind: str = Field(
        description="`phone`, or what the provider's id is one of.", examples=["phone"]
    )
    value: str = Field(examples=["+15550123"])


class SuppressionView(View):
    """An opt-out that is in force."""

    id: str = Field(examples=[example("opt")])
    contact: ContactView
    channel: str | None = Field(description=_CHANNELS, examples=["sms"])
    sender: str | None = Field(
        description="Whose messages; null: all of the connection's account.", examples=["+15550100"]
    )
    purpose: str | None = Field(description=_REACH)
    since: Time = Field(description="When it was said: the provider's time, ours if it gave none.")
    provider: str = Field(examples=["bandwidth"])
    connection: ConnectionId
    source: Source = Field(description="Where it comes from.", examples=["error"])
    message: MessageId | None = Field(description="The message that said it, or failed by it.")
    event: EventId | None = Field(description="The `contact.opted_out` that told of it.")
    callback: CallbackId | None
    evidence: dict[str, str] = Field(
        description="What it rests on, in the provider's words.",
        examples=[{"provider_code": "4775"}],
    )
    created_at: Time = Field(description="When it became known here.")


class PastView(View):
    """One thing that was said of the address."""

    id: str = Field(examples=[example("opt")])
    word: LedgerWord = Field(examples=["opted_out"])
    since: Time
    source: Source = Field(examples=["keyword"])
    channel: str | None
    sender: str | None
    purpose: str | None
    event: EventId | None
    actor: str | None = Field(description="The key or the person that took it back by hand.")
    created_at: Time


class WholeSuppressionView(SuppressionView):
    """An opt-out that is in force, and what else was said of its address."""

    history: list[PastView] = Field(
        description="The last 100 words of this address, newest first, whatever they reached."
    )


class SuppressionQuery(SpanQuery):
    """Filters of the list; times are those at which an opt-out became known."""

    address: str | None = Field(default=None, max_length=VALUE_MAX, description=BY_ADDRESS)


def _fields(found: Suppression) -> dict[str, Any]:
    return {
        "id": ids.show("opt", found.id),
        "contact": {"kind": found.kind, "value": found.address},
        "channel": found.channel,
        "sender": found.sender,
        "purpose": found.purpose,
        "since": moment(found.since),
        "provider": found.provider,
        "connection": ids.show("con", found.connection),
        "source": found.source,
        "message": ids.show("msg", found.message) if found.message else None,
        "event": ids.show("evt", found.event) if found.event else None,
        "callback": ids.show("cbk", found.callback) if found.callback else None,
        "evidence": found.evidence,
        "created_at": born(found.id),
    }


def _past(past: Past) -> dict[str, Any]:
    return {
        "id": ids.show("opt", past.id),
        "word": past.word,
        "since": moment(past.since),
        "source": past.source,
        "channel": past.channel,
        "sender": past.sender,
        "purpose": past.purpose,
        "event": ids.show("evt", past.event) if past.event else None,
        "actor": _who(past.actor),
        "created_at": born(past.id),
    }


def _who(actor: Actor | None) -> str | None:
    return ids.show("usr" if actor.person else "key", actor.id) if actor else None


@router.get("", name="list_suppressions", summary="List suppressions")
async def page(
    request: Request,
    response: Response,
    caller: CallerDep,
    query: Annotated[SuppressionQuery, Query()],
) -> Page[SuppressionView]:
    """List opt-outs that are in force, newest first, or those of an address."""
    pager = Pager(request, caller, query)
    ending = _ending(caller, query.address)

    async def find(window: Window) -> Found[Suppression]:
        return await suppressions.page(caller.context.database, caller.scope, window, ending)

    found = await sieve(find, pager.window, _key, moments(caller, query).of_ids())
    cut = pager.cut(found, _key, response)
    rows = [SuppressionView.model_validate(_fields(row)) for row in cut.rows]
    return Page(data=rows, next=cut.next, prev=cut.prev)


def _ending(caller: Caller, address: str | None) -> Ending | None:
    if address is None:
        return None
    text, whole = address_in_filter(address, "address", masked=caller.asker.masked)
    return Ending(text[::-1], len(text) if whole else None)


def _key(row: Suppression) -> Key:
    return (row.id.int,)


@router.get("/{suppression_id}", name="get_suppression", summary="One suppression")
async def get(caller: CallerDep, suppression_id: str) -> WholeSuppressionView:
    """Return an opt-out that is in force, with what else was said of its address."""
    identifier, database = id_in_path("opt", suppression_id), caller.context.database
    found = await suppressions.get(database, caller.scope, identifier)
    if found is None:
        raise not_found("suppression")
    past = await suppressions.history(database, caller.scope, found)
    fields = {**_fields(found), "history": list(map(_past, past))}
    return WholeSuppressionView.model_validate(fields)


@router.delete(
    "/{suppression_id}", name="delete_suppression", status_code=204, summary="Take an opt-out back"
)
async def delete(caller: CallerDep, suppression_id: str) -> None:
    """Take an opt-out back by hand: in the audit log, and the next one counts again."""
    identifier, context = id_in_path("opt", suppression_id), caller.context
    now_ms = context.clock.now_ms()
    if not await service.remove(
        context.database, caller.scope, caller.asker.actor, identifier, now_ms
    ):
        raise not_found("suppression")
