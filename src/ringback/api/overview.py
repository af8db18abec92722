"""The overview of a tenant and mode: what became of messages, how deliveries go, who is silent."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ringback.api.auth import Caller, CallerDep
from ringback.api.shown import CallbackId, ConnectionId, EndpointId, Time, View, moment
from ringback.domain import ids
from ringback.domain.events import rfc3339
from ringback.domain.figures import Grid, Span
from ringback.services import overview as service
from ringback.services.attention import Kind, Need
from ringback.services.hearing import Connected

router = APIRouter(tags=["figures"])
_PREVIOUS = "The same of the span before; of messages, as they stand now."
Ms = float | None


class SpanOfFigures(BaseModel):
    """Which span."""

    model_config = ConfigDict(extra="forbid")

    span: Span = Field(default="24h", description="Up to now; docs/figures.md has its stretches.")


class SpanView(View):
    """A span and its stretches: `at` are their starts, and the last one is under way."""

    span: Span
    since: Time = Field(description="Where the first stretch starts.")
    until: Time = Field(description="The moment of these figures.")
    previous_since: Time = Field(description="Where the span before starts; it ends at `since`.")
    step_s: int = Field(description="Seconds in a stretch.", examples=[900])
    complete: bool = Field(
        description="False while so much was committed lately that the newest is not counted yet."
    )


class AmountView(View):
    """So many."""

    value: int
    previous: int = Field(description=_PREVIOUS)


class ShareView(View):
    """So many of so many."""

    value: int
    of: int
    previous: int = Field(description=_PREVIOUS)
    previous_of: int


class AwaitingView(View):
    """Messages without a final report."""

    value: int
    of: int
    p95_age_s: float | None = Field(description="95 % of them are younger; null: nothing waits.")
    usual_s: float | None = Field(
        description="Within so long 95 % of the last 24 hours' messages had a final report."
    )


class WebhooksView(View):
    """Deliveries that came to a result; what is being tried again counts as failing until done."""

    value: int = Field(description="Delivered.")
    of: int = Field(description="Delivered, given up, and being tried again now.")
    retrying: int
    exhausted: int
    previous: int
    previous_of: int = Field(description="Delivered and given up.")


class LatencyView(View):
    """From an event's making, right after its callback came, to its delivery."""

    p50_ms: Ms
    p99_ms: Ms
    of: int = Field(description="Deliveries by a first attempt; what was tried again is not here.")
    previous_p50_ms: Ms
    previous_p99_ms: Ms


class BacklogView(View):
    """Open deliveries, now."""

    open: int
    at_least: bool = Field(description="Whether there are more than were counted.")
    oldest_s: float | None = Field(description="Age of the event that waits in front.")


class TilesView(View):
    """The numbers on top."""

    accepted: AmountView = Field(description="Outbound messages first known of in the span.")
    delivered: ShareView = Field(description="Of these, delivered or read.")
    failed: ShareView = Field(description="Of these, failed, expired or cancelled.")
    awaiting: AwaitingView
    inbound: AmountView
    webhooks: WebhooksView
    latency: LatencyView
    backlog: BacklogView


class BecameView(View):
    """What became of the span's outbound messages, as they stand now.

    delivered, awaiting, failed_or_expired and unconfirmed make accepted.
    """

    accepted: int
    submitted: int = Field(description="All but those that are scheduled or queued.")
    delivered: int = Field(description="Delivered or read.")
    read: int
    replied: int | None = Field(description="Null: not counted.")
    awaiting: int
    failed_or_expired: int
    unconfirmed: int


class StatusLinesView(View):
    """Messages by when they were accepted and how they stand now; without overlap."""

    read: list[int]
    delivered: list[int]
    awaiting: list[int]
    unconfirmed: list[int]
    failed: list[int]
    expired: list[int]
    cancelled: list[int]
    inbound: list[int]


class WebhookLinesView(View):
    """Requests by when they began."""

    success: list[int]
    failure: list[int]


class LatencyLinesView(View):
    """As the tile, by stretches; null: none."""

    p50_ms: list[Ms]
    p99_ms: list[Ms]


class SeriesView(View):
    """Lines over the stretches, all of one length."""

    at: list[Time]
    messages: StatusLinesView
    webhooks: WebhookLinesView
    latency: LatencyLinesView


class HeardView(View):
    """A connection and how it is heard."""

    id: ConnectionId
    name: str = Field(examples=["WhatsApp, main number"])
    provider: str = Field(examples=["whatsapp"])
    state: Literal["receiving", "quiet", "silent", "rejecting", "never"] = Field(
        description="quiet: nothing for five minutes. silent: nothing for so long, and that is "
        "unusual for it. rejecting: half of the last quarter of an hour's callbacks, and three at "
        "least, were refused."
    )
    per_s: float = Field(description="Callbacks a second over the last five minutes.")
    usual_per_s: float | None = Field(
        description="Over the three hours before its last callback; null: too little is known."
    )
    silent_s: float | None = Field(description="Seconds since the last callback.")
    last_callback: CallbackId | None
    last_callback_at: Time | None
    last_outcome: str | None = Field(examples=["accepted"])
    lately: int = Field(description="Callbacks in the last quarter of an hour.")
    rejected: int = Field(description="Of these, rejected.")


class NeedView(View):
    """One thing that needs a person."""

    kind: Kind
    name: str = Field(description="Of the endpoint or connection.", examples=["Order system"])
    since: Time | None = Field(description="Since when; null: not known.")
    endpoint: EndpointId | None
    connection: ConnectionId | None
    count: int = Field(
        description="Deliveries that wait, or that were given up in the span; of a connection the "
        "callbacks that were refused or are held."
    )
    answer: int | None = Field(description="What a failing endpoint last answered.")
    error: str | None = Field(description="Why there was no answer.", examples=["timeout"])
    reason: str | None = Field(
        description="Why an endpoint is disabled, or a connection is paused."
    )
    usual_per_s: float | None = Field(description="Of a silent connection.")
    silent_s: float | None


class OverviewView(SpanView):
    """The overview."""

    tiles: TilesView
    became: BecameView
    series: SeriesView
    connections: list[HeardView] = Field(description="The newest fifty.")
    needs_a_person: list[NeedView] = Field(description="The gravest kinds first; fifty at most.")


def span_of(grid: Grid, now_ms: int) -> dict[str, object]:
    """Say which span figures are of."""
    return {
        "span": grid.span,
        "since": rfc3339(grid.since * 60_000),
        "until": rfc3339(now_ms),
        "previous_since": rfc3339(grid.before * 60_000),
        "step_s": grid.step * 60,
    }


def at_of(starts: list[int]) -> list[str]:
    """Write down where stretches start."""
    return [rfc3339(start * 60_000) for start in starts]


def asked_of(caller: Caller, span: Span) -> service.Asked:
    """Say for whom a caller asks."""
    manager = caller.manager
    return service.Asked(
        caller.scope, span, caller.context.clock.now_ms(),
        manager.endpoints(caller.scope), manager.connections(caller.scope),
    )  # fmt: skip


def heard_of(one: Connected) -> HeardView:
    """Show how a connection is heard."""
    last = one.last
    return HeardView(
        id=ids.show("con", one.id), name=one.name, provider=one.provider, state=one.state,
        per_s=one.per_s, usual_per_s=one.usual_per_s, silent_s=one.silent_s,
        last_callback=ids.show("cbk", last.id) if last else None,
        last_callback_at=moment(last.received) if last else None,
        last_outcome=last.outcome if last else None,
        lately=one.lately, rejected=one.rejected,
    )  # fmt: skip


def _need(one: Need) -> NeedView:
    return NeedView(
        kind=one.kind, name=one.name,
        since=None if one.since_ms is None else rfc3339(one.since_ms),
        endpoint=ids.show("end", one.endpoint) if one.endpoint else None,
        connection=ids.show("con", one.connection) if one.connection else None,
        count=one.count, answer=one.answer, error=one.error, reason=one.reason,
        usual_per_s=one.usual_per_s, silent_s=one.silent_s,
    )  # fmt: skip


@router.get("/overview", name="get_overview", summary="The overview")
async def get(caller: CallerDep, query: Annotated[SpanOfFigures, Query()]) -> OverviewView:
    """Say what became of messages, how deliveries go, who is silent and what needs a person.

    Counted from what was committed, all of one moment.
    """
    found = await service.overview(caller.context.database, asked_of(caller, query.span))
    series, tiles = found.series, found.tiles
    return OverviewView.model_validate(
        {
            **span_of(found.grid, found.now_ms),
            "complete": found.complete,
            "tiles": _plain(tiles),
            "became": _plain(found.became),
            "series": SeriesView(
                at=at_of(series.at),
                messages=StatusLinesView(**series.messages),
                webhooks=WebhookLinesView(success=series.success, failure=series.failure),
                latency=LatencyLinesView(p50_ms=series.p50_ms, p99_ms=series.p99_ms),
            ),
            "connections": [heard_of(one) for one in found.connections],
            "needs_a_person": [_need(one) for one in found.needs_a_person],
        }
    )


def _plain(value: msgspec.Struct) -> object:
    """Turn values of a service into what a view of the same fields takes."""
    return msgspec.to_builtins(value)
