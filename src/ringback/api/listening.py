"""Endpoints that listen: their stream, and the answers that come back from it."""

import asyncio
import base64
import binascii
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ringback import __version__
from ringback.api.asked import Asked
from ringback.api.auth import Caller, CallerDep
from ringback.api.deliveries import number_in_path
from ringback.api.endpoints import endpoint_in_path
from ringback.api.feed import AFTER_MAX, FeedReader
from ringback.api.problems import Problem, ProblemBody
from ringback.api.shown import AttemptId, DeliveryId, EventId, View
from ringback.api.streams import HEARTBEAT_S, MEDIA_TYPE, message
from ringback.domain import ids
from ringback.domain.signing import Signer
from ringback.domain.targets import MAX_URL
from ringback.errors import Fault, Invalid
from ringback.services.answers import (
    ANSWERS_MAX,
    HEADERS_MAX,
    MS_MAX,
    Failure,
    Given,
    shown,
)
from ringback.services.delivery_log import FINAL, DeliveryStatus
from ringback.services.outcome import RESPONSE_KEPT
from ringback.storage.configuration import StoredEndpoint
from ringback.storage.feed import FeedEvent, Wanted

router = APIRouter(prefix="/endpoints", tags=["endpoints"])
_encode = msgspec.json.Encoder().encode


class StreamQuery(BaseModel):
    """Where a listener begins."""

    model_config = ConfigDict(extra="forbid")

    after: str | None = Field(
        default=None, max_length=AFTER_MAX,
        description="Where to begin without `Last-Event-ID`, as in the feed; otherwise when the "
        "endpoint was made.",
    )  # fmt: skip


class Answer(Asked):
    """What the listener's program answered to one delivery."""

    delivery: DeliveryId = Field(description="From the stream.")
    event: EventId = Field(description="From the stream.")
    status: int | None = Field(
        default=None, ge=100, le=599, description="Of the answer; null when there was none."
    )
    error: Failure | None = Field(default=None, description="Why there was no answer.")
    ms: float = Field(ge=0, le=MS_MAX, description="Milliseconds from start to result.")
    url: str = Field(default="", max_length=MAX_URL, description="Where it was posted to.")
    headers: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(
        default_factory=list, max_length=HEADERS_MAX,
        description="Header fields of the answer, each a name and a value.",
    )  # fmt: skip
    body: str | None = Field(default=None, max_length=RESPONSE_KEPT, description="Of the answer.")
    body_base64: str | None = Field(
        default=None, max_length=RESPONSE_KEPT * 4 // 3 + 4,
        description="The same, where it is not UTF-8.",
    )  # fmt: skip
    truncated: bool = Field(default=False, description="Whether there was more of the body.")


class AnswersGiven(Asked):
    """Answers, at most a hundred at a time."""

    answers: list[Answer] = Field(min_length=1, max_length=ANSWERS_MAX)


class AnsweredView(View):
    """The attempt that an answer has become."""

    attempt: AttemptId
    delivery: DeliveryId
    status: DeliveryStatus = Field(description="How the delivery ended.")


class AnswersTaken(View):
    """The attempts, in the order of the answers."""

    data: list[AnsweredView]


class Listener(FeedReader):
    """Reads for an endpoint: what it wants, signed as if it were posted."""

    def __init__(self, request: Request, caller: Caller, endpoint: StoredEndpoint) -> None:
        """Take the request, who makes it, and the endpoint."""
        super().__init__(request, caller, Wanted(endpoint.engine.event_types))
        self.endpoint_no = endpoint.engine.no
        self._caller = caller
        self._clock = caller.context.clock
        self._configuration = caller.context.configuration
        self._endpoint = endpoint
        self._seen = 0
        self._renewed = -HEARTBEAT_S

    def allowed(self) -> bool:
        """Say whether the caller may still read, and the endpoint is there and enabled."""
        found = self._configuration.snapshot.endpoints.get(self._endpoint.engine.no)
        return found is not None and not found.disabled and super().allowed()

    async def still_here(self) -> None:
        """Let the endpoint live on, and follow what has changed about it."""
        id_, scope, manager = self._endpoint.engine.id, self._caller.scope, self._caller.manager
        now = asyncio.get_running_loop().time()
        if now >= self._renewed + HEARTBEAT_S:
            await manager.keep_listening(scope, id_)
            self._renewed = now
        if self._configuration.version != self._seen:
            self._seen = self._configuration.version
            self._endpoint = manager.endpoint(scope, id_) or self._endpoint
            self.wanted = Wanted(self._endpoint.engine.event_types)

    def told(self, event: FeedEvent, cursor: str) -> bytes:
        """Write what is to be posted: header fields and body, signed at this moment."""
        endpoint = self._endpoint.engine
        now_ms = self._clock.now_ms()
        event_id = ids.show("evt", event.id)
        signature = Signer(endpoint.signing_keys(now_ms)).sign(event_id, now_ms // 1000, event.body)
        headers = [
            ("content-type", "application/json"),
            ("user-agent", f"Ringback/{__version__}"),
            ("webhook-id", event_id),
            ("webhook-timestamp", str(now_ms // 1000)),
            ("webhook-signature", signature),
            *endpoint.headers,
        ]
        data = {
            "delivery": ids.delivery_id(endpoint.no, event.pos), "event": event_id,
            "type": event.type, "headers": headers, "body": event.body.decode(),
        }  # fmt: skip
        return message(id_=cursor, event="delivery", data=_encode(data))


def _listening(caller: Caller, endpoint_id: str) -> StoredEndpoint:
    """Find the endpoint of the path. Raises Problem when there is none that listens."""
    found = endpoint_in_path(caller, endpoint_id)
    if not found.engine.listens:
        raise Problem("not_now", "This endpoint has a URL: events are posted there.")
    if found.engine.disabled:
        raise Problem("not_now", "The endpoint is disabled: enable it, then listen.")
    return found


@router.get(
    "/{endpoint_id}/stream", name="listen", summary="Listen", response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
        410: {"model": ProblemBody, "description": "What comes after the place is gone."},
    },
)  # fmt: skip
async def stream(
    request: Request, caller: CallerDep, endpoint_id: str, query: Annotated[StreamQuery, Query()]
) -> Response:
    """Stream what is to be posted to a program beside the listener: an endpoint's events, signed.

    It is the feed of what the endpoint wants, and replays to it. `Last-Event-ID` goes on behind
    that message.
    """
    found = _listening(caller, endpoint_id)
    reader = Listener(request, caller, found)
    place = await reader.begin(query.after or found.created.isoformat())
    return await reader.stream(place)


@router.post(
    "/{endpoint_id}/answers", name="answer", summary="Say what was answered", status_code=201
)
async def answer(caller: CallerDep, endpoint_id: str, body: AnswersGiven) -> AnswersTaken:
    """Write down what the listener's program answered: each becomes an attempt, and the last one.

    2xx is delivered, anything else exhausted; a replay is told on the stream again.
    """
    found = _listening(caller, endpoint_id)
    given = [_given(one, place) for place, one in enumerate(body.answers)]
    made = await caller.context.answers.take(caller.scope, found.engine, given)
    rows = []
    for one in made:
        attempt, delivery = shown(found.engine, one)
        rows.append(AnsweredView(attempt=attempt, delivery=delivery, status=FINAL[one.final]))
    return AnswersTaken(data=rows)


def _given(answer_: Answer, place: int) -> Given:
    pointer = f"/answers/{place}"
    event = ids.read("evt", answer_.event)
    if event is None:
        raise Invalid(Fault(f"{pointer}/event", "Send back the event's id from the stream."))
    if (answer_.status is None) == (answer_.error is None):
        words = "Say which status was answered, or with error why there was none."
        raise Invalid(Fault(f"{pointer}/status", words))
    try:
        endpoint, ord_ = number_in_path(answer_.delivery)
    except Problem:
        words = "Send back the delivery's id from the stream."
        raise Invalid(Fault(f"{pointer}/delivery", words)) from None
    return Given(
        event, endpoint, ord_, answer_.ms, answer_.status, answer_.error, answer_.url,
        [(name, value) for name, value in answer_.headers], _body(answer_, pointer),
        answer_.truncated,
    )  # fmt: skip


def _body(answer_: Answer, pointer: str) -> bytes:
    if answer_.body_base64 is None:
        return (answer_.body or "").encode()
    try:
        return base64.b64decode(answer_.body_base64, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(Fault(f"{pointer}/body_base64", "This is not base64.")) from None
