"""How endpoints and connections do: one over a span in full, all of them in a line each."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from ringback.api.auth import CallerDep
from ringback.api.connections import known_connection
from ringback.api.endpoints import endpoint_in_path
from ringback.api.overview import (
    BacklogView,
    HeardView,
    LatencyView,
    Ms,
    SpanOfFigures,
    SpanView,
    WebhooksView,
    asked_of,
    at_of,
    heard_of,
    span_of,
)
from ringback.api.shown import CallbackId, EndpointId, MessageId, Time, View, moment
from ringback.domain import ids
from ringback.domain.events import rfc3339
from ringback.domain.outcomes import Outcome
from ringback.services import stats

router = APIRouter(tags=["figures"])


class CodesView(View):
    """Requests by class of answer; `no_answer` are those without one."""

    ok: int = Field(default=0, alias="2xx")
    redirect: int = Field(default=0, alias="3xx")
    refused: int = Field(default=0, alias="4xx")
    broken: int = Field(default=0, alias="5xx")
    other: int = 0
    no_answer: int = 0


class RequestsView(View):
    """The requests of a span, by when they began."""

    success: int = Field(description="Those that delivered.")
    failure: int
    previous_success: int
    previous_failure: int
    p50_ms: Ms = Field(description="Half of them took less.")
    p95_ms: Ms
    p99_ms: Ms
    previous_p95_ms: Ms
    codes: CodesView


class TypeView(View):
    """How the newest attempts at events of a type went."""

    type: str = Field(examples=["message.delivered"])
    success: int
    failure: int


class ByTypeView(View):
    """The newest attempts by the types of their events, whatever the span."""

    of: int = Field(description="How many attempts; 1,000 at most.")
    types: list[TypeView]


class RequestLinesView(View):
    """Requests over the stretches, by when they began."""

    at: list[Time]
    success: list[int]
    failure: list[int]
    p50_ms: list[Ms]
    p95_ms: list[Ms]
    p99_ms: list[Ms]


class EndpointStatsView(SpanView):
    """How an endpoint does."""

    deliveries: WebhooksView
    requests: RequestsView
    latency: LatencyView
    backlog: BacklogView
    by_type: ByTypeView
    series: RequestLinesView


class OutcomesView(View):
    """Callbacks by what became of them."""

    accepted: int
    duplicate: int
    rejected: int
    quarantined: int
    unparsed: int
    unrecognised: int
    unmatched: int
    held: int


class OutcomeLinesView(View):
    """The same over the stretches."""

    at: list[Time]
    accepted: list[int]
    duplicate: list[int]
    rejected: list[int]
    quarantined: list[int]
    unparsed: list[int]
    unrecognised: list[int]
    unmatched: list[int]
    held: list[int]


class SkewView(View):
    """By how much callbacks come after what they tell of, by the provider's clock."""

    median_ms: float | None = Field(
        description="Negative: the provider's clock is ahead. Null: it tells no times."
    )
    of: int = Field(description="How many of the newest callbacks; 200 at most.")


class VerdictView(View):
    """What became of one callback."""

    id: CallbackId
    received_at: Time
    outcome: Outcome
    reason: str | None = Field(
        description="Why, when the outcome is not `accepted`; null without `callbacks:read`."
    )


class UnknownCodeView(View):
    """A code of failures that is in no table of ours."""

    code: str = Field(
        description="As the provider writes it, cut after 64 characters.", examples=["4999"]
    )
    times: int = Field(description="How many messages failed with it.")
    last_at: Time = Field(description="When the last of them failed.")
    last_message: MessageId


class UnknownCodesView(View):
    """Codes of failures, as messages have them now, that are in no table of ours."""

    since: Time = Field(description="Looked at are messages that were created since then.")
    complete: bool = Field(
        description="False when there was more to look at than the newest 20,000 messages of all "
        "connections, 2,000 such failures, or 20 codes."
    )
    codes: list[UnknownCodeView] = Field(description="The most frequent first; 20 at most.")


class ConnectionStatsView(SpanView):
    """How a connection does."""

    heard: HeardView
    callbacks: OutcomesView
    previous: OutcomesView
    series: OutcomeLinesView
    skew: SkewView
    last_callbacks: list[VerdictView] = Field(
        description="Newest first, whatever the span; 10 at most."
    )
    unknown_codes: UnknownCodesView


class EndpointLineView(View):
    """An endpoint in a line."""

    id: EndpointId
    deliveries: WebhooksView
    p95_ms: Ms
    open: int = Field(description="Open deliveries, now.")
    success: list[int] = Field(description="Requests by when they began, over `at`.")
    failure: list[int]


class ConnectionLineView(HeardView):
    """A connection in a line."""

    callbacks: int = Field(description="In the span.")
    refused: int = Field(description="Of these, rejected.")
    line: list[int] = Field(description="Callbacks over `at`.")


class EndpointLinesView(SpanView):
    """Endpoints, newest first; 200 at most."""

    at: list[Time]
    data: list[EndpointLineView]


class ConnectionLinesView(SpanView):
    """Connections, newest first; 200 at most."""

    at: list[Time]
    data: list[ConnectionLineView]


_Span = Annotated[SpanOfFigures, Query()]


@router.get(
    "/endpoints/{endpoint_id}/stats", name="get_endpoint_stats", summary="How an endpoint does"
)
async def of_endpoint(caller: CallerDep, endpoint_id: str, query: _Span) -> EndpointStatsView:
    """Say how requests to an endpoint went and how long they took, and what it is owed."""
    named, asked = endpoint_in_path(caller, endpoint_id), asked_of(caller, query.span)
    found = await stats.endpoint(caller.context.database, asked, named)
    parts = msgspec.to_builtins(found)
    del parts["grid"], parts["now_ms"]
    parts["series"]["at"] = at_of(found.series.at)
    parts["by_type"] = {
        "of": sum(one.success + one.failure for one in found.by_type), "types": parts["by_type"],
    }  # fmt: skip
    return EndpointStatsView.model_validate({**span_of(found.grid, found.now_ms), **parts})


@router.get(
    "/connections/{connection_id}/stats", name="get_connection_stats",
    summary="How a connection does",
)  # fmt: skip
async def of_connection(caller: CallerDep, connection_id: str, query: _Span) -> ConnectionStatsView:
    """Say how many callbacks came, what became of them, and whether a silence is unusual."""
    named, asked = known_connection(caller, connection_id), asked_of(caller, query.span)
    found = await stats.connection(caller.context.database, asked, named)
    read = caller.asker.may("callbacks:read")
    return ConnectionStatsView(
        **span_of(found.grid, found.now_ms),
        complete=found.complete,
        heard=heard_of(found.heard),
        callbacks=OutcomesView(**found.callbacks),
        previous=OutcomesView(**found.previous),
        series=OutcomeLinesView(at=at_of(found.grid.starts), **found.lines),
        skew=SkewView(median_ms=found.skew_ms, of=found.skew_of),
        last_callbacks=[
            VerdictView(
                id=ids.show("cbk", one.id), received_at=moment(one.received),
                outcome=one.outcome, reason=one.reason if read else None,
            )
            for one in found.last
        ],
        unknown_codes=_unknown(found.unknown),
    )  # fmt: skip


def _unknown(found: stats.UnknownCodes) -> UnknownCodesView:
    return UnknownCodesView(
        since=rfc3339(found.since_ms),
        complete=found.complete,
        codes=[
            UnknownCodeView(
                code=one.code, times=one.times, last_at=rfc3339(one.at_ms),
                last_message=ids.show("msg", one.message),
            )
            for one in found.codes
        ],
    )  # fmt: skip


@router.get("/stats/endpoints", name="list_endpoint_stats", summary="All endpoints in a line each")
async def of_endpoints(caller: CallerDep, query: _Span) -> EndpointLinesView:
    """List how endpoints do, in some two dozen stretches, newest first."""
    found = await stats.endpoints(caller.context.database, asked_of(caller, query.span))
    return EndpointLinesView(
        **span_of(found.grid, found.now_ms),
        complete=found.complete,
        at=at_of(found.grid.starts),
        data=[
            EndpointLineView.model_validate(
                {**msgspec.to_builtins(one), "id": ids.show("end", one.id)}
            )
            for one in found.endpoints
        ],
    )


@router.get(
    "/stats/connections", name="list_connection_stats", summary="All connections in a line each"
)
async def of_connections(caller: CallerDep, query: _Span) -> ConnectionLinesView:
    """List how connections are heard, in some two dozen stretches, newest first."""
    found = await stats.connections(caller.context.database, asked_of(caller, query.span))
    return ConnectionLinesView(
        **span_of(found.grid, found.now_ms),
        complete=found.complete,
        at=at_of(found.grid.starts),
        data=[
            ConnectionLineView(
                **heard_of(one.heard).model_dump(), callbacks=one.callbacks,
                refused=one.rejected, line=one.line,
            )
            for one in found.connections
        ],
    )  # fmt: skip
