"""Test events: an example of a type, sent to one endpoint to see whether it arrives."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import CallerDep
from ringback.api.endpoints import endpoint_in_path
from ringback.api.problems import Problem
from ringback.api.shown import DeliveryId, EventId, View
from ringback.domain.event_types import PATTERN_MAX
from ringback.services.again import NotNow

router = APIRouter(prefix="/endpoints", tags=["endpoints"])


class TestRequest(Asked):
    """Which type's example is to be sent, and with which data."""

    event_type: str | None = Field(
        default=None, max_length=PATTERN_MAX,
        description="Any type of the catalogue. Left out: one that the endpoint wants, "
        "`message.delivered` rather than others.",
        examples=["message.failed"],
    )  # fmt: skip
    data: dict[str, Any] | None = Field(
        default=None,
        description="In place of the example's `data`, as it is: it need not fit the schema.",
        examples=[{"order": "48213"}],
    )


class TestSent(View):
    """A test event that is on its way."""

    id: EventId
    type: str = Field(examples=["message.delivered"])
    delivery: DeliveryId = Field(description="GET /v1/deliveries/{id} shows how it went.")


@router.post(
    "/{endpoint_id}/test", name="test_endpoint", status_code=202, summary="Send a test event"
)
async def send(caller: CallerDep, endpoint_id: str, body: TestRequest) -> TestSent:
    """Send the example of a type to this endpoint alone, signed and logged like any other event.

    Its body has `"test": true` beside its type. It is tried once.
    """
    found = endpoint_in_path(caller, endpoint_id)
    try:
        sent = await caller.context.trials.send(
            caller.scope, caller.asker.actor, found.engine, body.event_type, body.data
        )
    except NotNow as error:
        raise Problem("not_now", str(error)) from error
    return TestSent(id=sent.event, type=sent.type, delivery=sent.delivery)
