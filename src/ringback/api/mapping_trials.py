"""Mapping trials: what callbacks would become with a mapping. And mappings that are ready."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import Caller, CallerDep
from ringback.api.connections import known_connection
from ringback.api.pages import NoQuery, Page
from ringback.api.problems import Problem
from ringback.api.samples import Samples, may_ask, sample_of
from ringback.api.shown import CallbackId, View
from ringback.domain import ids
from ringback.errors import Fault, Invalid
from ringback.services import audit, catalogue, mapping_trials
from ringback.services.audit import Act
from ringback.services.mapping_trials import LAST, SAMPLES_MAX, Sample, Tried

_GUESSED = (
    "Texts are masked for you, and what a mapping asks of them could be guessed from the answer: "
    "that needs reveal. Write samples instead."
)
router = APIRouter(tags=["connections"])


class TrialAsked(Asked):
    """What is to be tried, on what."""

    mapping: dict[str, Any] | None = Field(
        default=None,
        description="A mapping as the config of a connection has it. Without, and without a "
        "preset: that of the connection.",
        examples=[{"rules": [{"item": "inbound", "fields": {"from": "/from", "text": "/text"}}]}],
    )
    preset: str | None = Field(default=None, max_length=64, description="Or a ready one.")
    connection: str | None = Field(
        default=None,
        description=f"Whose mapping, and whose last {LAST} callbacks, where nothing else is named.",
    )
    callbacks: list[str] = Field(
        default=[], max_length=SAMPLES_MAX, description="Callbacks that were kept, by their ids."
    )
    samples: Samples = Field(default=[])


class SaidView(View):
    """One thing that a callback says, and the event that would follow if it is new."""

    item: str = Field(description="`report`, `inbound`, `consent`, `link`, `unrecognised`.")
    event: str = Field(examples=["message.delivered"])
    says: dict[str, Any] = Field(
        description="What was read; what is not there was not.",
        examples=[{"message_id": "7", "status": "delivered", "key": "7:DELIVRD"}],
    )


class NotReadView(View):
    """A piece that cannot be read."""

    pointer: str = Field(description="Where it stands in the callback.", examples=["/results/1"])
    reason: str


class NoteView(View):
    """Why a rule did not hold, or a field was not read."""

    piece: str = Field(description="Where it stands in the callback.", examples=["/results/1"])
    rule: int | None = Field(description="Which rule, from 0.")
    field: str = Field(description="Which of its fields or conditions.", examples=["when/0"])
    why: str = Field(examples=["'mo' stands there"])


class TriedView(View):
    """What a mapping makes of one callback."""

    callback: CallbackId | None = Field(description="The callback, if it was kept.")
    verdict: str = Field(
        description="`read`, `in_part`, `ignored` because a rule says so, or `not_read`.",
        examples=["read"],
    )
    items: list[SaidView]
    unparsed: list[NotReadView]
    notes: list[NoteView]


class TrialView(View):
    """What a mapping makes of callbacks, in the order in which they were named."""

    tried: list[TriedView]
    read: int = Field(description="How many are read, at least in part, or ignored.")


class PresetView(View):
    """A mapping that is ready to be used, or to begin with."""

    name: str = Field(examples=["kannel"])
    label: str = Field(examples=["Kannel"])
    note: str = Field(description="What to enter there and what to check, as Markdown.")
    documentation: str
    verified: bool = Field(
        description="Whether all of it is in the system's own documentation. Try others on "
        "callbacks of yours."
    )
    mapping: dict[str, Any]


@router.post("/mapping-trials", name="try_mapping", summary="Try a mapping on callbacks")
async def try_mapping(caller: CallerDep, body: TrialAsked) -> TrialView:
    """Say what callbacks would become with a mapping, and why the rest of them would not.

    Nothing is stored and no event follows. Callbacks that were kept need `callbacks:read` too;
    where texts are masked for whoever asks, only names of fields are told of them, no values. What
    a mapping asks of a text can be guessed from its answer all the same, so that needs `reveal`,
    and is in the audit log.
    """
    connection = None if body.connection is None else known_connection(caller, body.connection)
    provider = "generic" if connection is None else connection.provider
    config = {} if connection is None else connection.config
    mapping = mapping_trials.chosen(provider, config, body.mapping, body.preset)
    samples = [sample_of(one) for one in body.samples]
    kept = await _kept(caller, body, connection and connection.id)
    if kept and caller.asker.masked:
        await _write_down(caller, kept)
    samples += kept
    if not samples:
        words = "Name callbacks, write samples, or name a connection that has had some."
        raise Invalid(Fault("/callbacks", words))
    found = mapping_trials.tried(mapping, samples, provider, masked=caller.asker.masked)
    return TrialView(
        tried=[_view(one) for one in found],
        read=sum(one.verdict != "not_read" for one in found),
    )


@router.get("/mapping-presets", name="list_mapping_presets", summary="List ready mappings")
async def presets(caller: CallerDep, query: Annotated[NoQuery, Query()]) -> Page[PresetView]:
    """List all ready mappings on one page, in order of name."""
    del caller, query
    views = [PresetView(**msgspec.structs.asdict(one)) for one in catalogue.presets()]
    return Page(data=views, next=None, prev=None)


async def _kept(caller: Caller, body: TrialAsked, connection: Any) -> list[Sample]:
    last = connection is not None and not body.callbacks and not body.samples
    if not body.callbacks and not last:
        return []
    if not caller.asker.may("callbacks:read"):
        raise Problem("scope_missing", "Reading callbacks that were kept needs callbacks:read.")
    if not may_ask(caller):
        raise Problem("scope_missing", _GUESSED)
    database = caller.context.database
    if last:
        return await mapping_trials.last(database, caller.scope, connection)
    found = [ids.read("cbk", text) for text in body.callbacks]
    faults = [
        Fault(f"/callbacks/{place}", "Write cbk_ and 26 characters.")
        for place, one in enumerate(found)
        if one is None
    ]
    if faults:
        raise Invalid(*faults)
    return await mapping_trials.stored(
        database, caller.scope, [one for one in found if one is not None]
    )


async def _write_down(caller: Caller, kept: list[Sample]) -> None:
    tried = [ids.show("cbk", one.id) for one in kept if one.id is not None]
    act = Act("mapping.tried", tried[0], {"callbacks": tried})
    context = caller.context
    async with context.database.acquire() as connection, connection.transaction():
        now_ms = context.clock.now_ms()
        await audit.write(connection, caller.scope, caller.asker.actor, now_ms, act)


def _view(one: Tried) -> TriedView:
    return TriedView(
        callback=None if one.sample.id is None else ids.show("cbk", one.sample.id),
        verdict=one.verdict,
        items=[SaidView(item=got.item, event=got.event, says=got.says) for got in one.readings],
        unparsed=[NotReadView(pointer=at, reason=reason) for at, reason in one.unparsed],
        notes=[
            NoteView(piece=note.piece, rule=note.rule, field=note.field, why=note.why)
            for note in one.notes
        ],
    )
