"""Attempts: the HTTP requests made for deliveries, with what was sent and what was answered."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.asked import id_in_filter, id_in_path
from ringback.api.auth import Caller, CallerDep
from ringback.api.pages import Page, Pager
from ringback.api.problems import not_found
from ringback.api.shown import (
    AttemptId,
    DeliveryId,
    EndpointId,
    EventId,
    RawBody,
    Time,
    View,
    body_of,
    born,
)
from ringback.api.spans import SpanQuery, moments
from ringback.domain import ids
from ringback.domain.opening import Change
from ringback.services.delivery_log import FINAL, DeliveryStatus
from ringback.services.sieve import sieve
from ringback.services.signature_checks import Which, examine_attempt, of_attempt, secrets_of
from ringback.storage import attempts, deliveries, events
from ringback.storage.attempts import StoredAttempt
from ringback.storage.lists import Found, Key, Window

router = APIRouter(prefix="/attempts", tags=["deliveries"])


class AttemptView(View):
    """An attempt in a list."""

    id: AttemptId
    at: Time = Field(description="When it started.")
    delivery: DeliveryId
    event: EventId
    endpoint: EndpointId
    n: int = Field(description="Which attempt of its delivery, from 1.")
    status: int | None = Field(description="The HTTP status of the answer.", examples=[503])
    error: str | None = Field(
        description="Why there was no whole answer; `cancelled` and `retention` made no request.",
        examples=["timeout"],
    )
    ms: float = Field(description="Milliseconds from start to result.")
    final: DeliveryStatus | None = Field(description="How the delivery ended with it, if it did.")
    decision: str = Field(
        description="What followed from it, in words.",
        examples=["503, Retry-After 120 s: attempt 3 of 10, next in 131 s."],
    )


class SentView(View):
    """What was sent."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: RawBody | None = Field(description="Null once retention has removed the event.")


class AnswerView(View):
    """What was answered."""

    status: int | None
    headers: list[tuple[str, str]]
    body: RawBody = Field(description="At most the first 64 KiB.")
    truncated: bool = Field(description="Whether there was more.")


class SignatureView(View):
    """How an attempt was signed."""

    signed: RawBody = Field(
        description="The bytes that were signed: id, timestamp and body, with dots between."
    )
    secrets: list[Which] = Field(
        description="Which of the endpoint's secrets did: the `current` one, one that is "
        "`retiring`; none: those that did have been replaced since.",
        examples=[["current"]],
    )


class WholeAttemptView(AttemptView):
    """An attempt with its request and answer; both null when none was made."""

    request: SentView | None
    response: AnswerView | None
    signature: SignatureView | None = Field(description="Null when nothing signed was sent.")
    explanation: str | None = Field(description="More about the error, and what to do.")
    allow: Change | None = Field(
        description="With `guard_denied`: the change to the endpoint (PATCH) that opens its host, "
        "address or port, if its owner may do that.",
        examples=[{"delivery": {"allowed_hosts": ["hooks.intern.example"]}}],
    )
    address: str | None = Field(description="The address and port that were connected to.")
    reused: bool = Field(description="Whether the connection had been used before.")
    tls: dict[str, Any] | None = Field(description="What the handshake agreed on.")
    timings: dict[str, float] = Field(
        description="Milliseconds per phase; 0 where there was none.",
        examples=[{"dns": 0.4, "connect": 11.2, "tls": 24.9, "first_byte": 51.0, "total": 88.1}],
    )


class AttemptQuery(SpanQuery):
    """Filters of the list."""

    event: str | None = Field(default=None, description="The attempts at delivering one event.")
    endpoint: str | None = Field(default=None, description="The attempts at one endpoint.")
    status: str | None = Field(
        default=None, pattern="^[1-5]([0-9][0-9]|xx)$",
        description="Those with this answer: a status such as `503`, or a class such as `5xx`.",
    )  # fmt: skip
    final: DeliveryStatus | None = Field(
        default=None, description="Those that were the last, by how the delivery ended."
    )


def view(attempt: StoredAttempt) -> AttemptView:
    """Show an attempt as in a list."""
    return AttemptView(
        id=ids.show("att", attempt.id),
        at=born(attempt.id),
        delivery=ids.delivery_id(attempt.endpoint_no, attempt.ord),
        event=ids.show("evt", attempt.event),
        endpoint=ids.show("end", attempt.endpoint),
        n=attempt.n,
        status=attempt.status,
        error=attempt.error,
        ms=round(attempt.ms, 3),
        final=FINAL[attempt.final] if attempt.final else None,
        decision=str(attempt.detail.get("decision", "")),
    )


@router.get("", name="list_attempts", summary="List attempts")
async def page(
    request: Request,
    response: Response,
    caller: CallerDep,
    query: Annotated[AttemptQuery, Query()],
) -> Page[AttemptView]:
    """List attempts, newest first."""
    pager = Pager(request, caller, query)
    fits = None if query.status is None and query.final is None else partial(_fits, query)
    find = await _search(caller, query)
    found = await sieve(find, pager.window, _key, moments(caller, query).of_ids(), fits)
    cut = pager.cut(found, _key, response)
    return Page(data=[view(row) for row in cut.rows], next=cut.next, prev=cut.prev)


async def _search(
    caller: Caller, query: AttemptQuery
) -> Callable[[Window], Awaitable[Found[StoredAttempt]]]:
    """Return what finds the attempts of an event or an endpoint, or all of them."""
    database, scope = caller.context.database, caller.scope
    event = id_in_filter("evt", query.event, "event")
    endpoint = id_in_filter("end", query.endpoint, "endpoint")
    number = None
    if endpoint is not None:
        number = await deliveries.endpoint_number(database, scope, endpoint)

    async def find(window: Window) -> Found[StoredAttempt]:
        if endpoint is not None and number is None:
            return Found([])
        if event is not None:
            return await attempts.of_event(database, scope, event, number, window)
        if number is not None:
            return await attempts.of_endpoint(database, scope, number, window)
        return await attempts.newest(database, scope, window)

    return find


def _key(row: StoredAttempt) -> Key:
    return (row.id.int,)


def _fits(query: AttemptQuery, row: StoredAttempt) -> bool:
    final = FINAL[row.final] if row.final else None
    if query.final is not None and query.final != final:
        return False
    # A class of statuses has no digits but its first.
    return query.status is None or str(row.status or "").startswith(query.status.rstrip("x"))


@router.get("/{attempt_id}", name="get_attempt", summary="One attempt, with request and answer")
async def get(caller: CallerDep, attempt_id: str) -> WholeAttemptView:
    """Return an attempt with everything that is known of it."""
    database = caller.context.database
    found = await attempts.get(database, caller.scope, id_in_path("att", attempt_id))
    if found is None:
        raise not_found("attempt")
    event = await events.get(database, caller.scope, found.attempt.event)
    detail = found.attempt.detail
    return WholeAttemptView(
        **view(found.attempt).model_dump(),
        request=_sent(detail.get("request"), event.body if event else None),
        response=_answer(found.attempt, found.response),
        signature=_signature(caller, found.attempt, event.body if event else None),
        explanation=detail.get("error"),
        allow=detail.get("allow"),
        address=_address(detail.get("address")),
        reused=bool(detail.get("reused", False)),
        tls=detail.get("tls"),
        timings=detail.get("timings") or {},
    )


def _sent(request: dict[str, Any] | None, body: bytes | None) -> SentView | None:
    if request is None:
        return None
    return SentView(
        method=request["method"],
        url=request["url"],
        headers=[(name, value) for name, value in request["headers"]],
        body=None if body is None else body_of(body),
    )


def _signature(caller: Caller, attempt: StoredAttempt, body: bytes | None) -> SignatureView | None:
    given = of_attempt(attempt.detail.get("request"), body)
    if given is None:
        return None
    endpoint = caller.manager.endpoint(caller.scope, attempt.endpoint)
    known = secrets_of(endpoint, ids.time_of(attempt.id)) if endpoint else []
    found = examine_attempt(given, known)
    fitting = [one.known.which for one in found.compared if one.fits]
    return SignatureView(signed=body_of(found.signed or b""), secrets=fitting)


def _answer(attempt: StoredAttempt, body: bytes) -> AnswerView | None:
    response = attempt.detail.get("response")
    if response is None or attempt.status is None:
        return None
    return AnswerView(
        status=attempt.status,
        headers=[(name, value) for name, value in response["headers"]],
        body=body_of(body),
        truncated=bool(response["truncated"]),
    )


def _address(address: list[Any] | None) -> str | None:
    if not address:
        return None
    host, port = str(address[0]), address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
