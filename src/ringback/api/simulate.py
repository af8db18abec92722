"""Making a provider's callbacks for a test connection, as if messages had been sent through it."""

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import CallerDep
from ringback.api.connections import known_connection
from ringback.api.problems import Problem
from ringback.api.shown import MessageId, View
from ringback.domain import ids
from ringback.domain.messages import Status
from ringback.errors import Fault, Invalid
from ringback.services import catalogue
from ringback.services.simulate import DELAY_MAX_MS, STATUSES_MAX, Plan

TEXT_MAX = 1600
ADDRESS_MAX = 64
REFERENCE_MAX = 128
_USUAL: list[Status] = ["submitted", "sent", "delivered"]
router = APIRouter(prefix="/connections", tags=["connections"])


class SimulateRequest(Asked):
    """What to simulate: the statuses in order, and how far the network is from perfect."""

    to: str = Field(min_length=1, max_length=ADDRESS_MAX, examples=["+15550123"])
    from_: str = Field(alias="from", min_length=1, max_length=ADDRESS_MAX, examples=["+15550100"])
    channel: Literal["sms", "mms", "whatsapp", "rcs"] = "sms"
    statuses: list[Status] = Field(
        default=_USUAL,
        min_length=1,
        max_length=STATUSES_MAX,
        description="`received` makes a message from a person.",
    )
    reference: str | None = Field(default=None, max_length=REFERENCE_MAX)
    text: str = Field(default="", max_length=TEXT_MAX)
    delay_ms: int = Field(
        default=0, ge=0, le=DELAY_MAX_MS, description="Between one callback and the next."
    )
    duplicate: float = Field(default=0, ge=0, le=1, description="Probability of coming twice.")
    loss: float = Field(default=0, ge=0, le=1, description="Probability of never coming.")
    reorder: bool = Field(default=False, description="Whether the order is shuffled.")
    answer_ms: int = Field(
        default=0, ge=0, le=DELAY_MAX_MS,
        description="How long the provider takes to answer the send; reports may come before.",
    )  # fmt: skip
    forged: bool = Field(
        default=False,
        description="Whether the callbacks are badly signed, so that they are refused.",
    )


class Simulated(View):
    """A simulation that was started."""

    provider_message_id: str = Field(description="By which the message can be found once it is in.")
    message: MessageId | None = Field(
        description="The message, when it is sent through the simulator; otherwise it is observed."
    )


@router.post(
    "/{connection_id}/simulate",
    name="simulate",
    status_code=202,
    summary="Simulate a message's callbacks",
)
async def simulate(caller: CallerDep, connection_id: str, body: SimulateRequest) -> Simulated:
    """Post signed callbacks to this connection as its provider would. Only for test keys."""
    found = known_connection(caller, connection_id)
    caller.only_in_test_mode("Simulation")
    connection = caller.context.configuration.snapshot.connection_by_id(found.id)
    if connection is None:
        raise Invalid(Fault("", "This version cannot read the connection's stored config."))
    can = catalogue.simulated(found.provider)
    faults = [
        Fault(f"/statuses/{place}", f"This provider's callbacks can be: {', '.join(can)}.")
        for place, status in enumerate(body.statuses)
        if status not in can
    ]
    if faults:
        raise Invalid(*faults)
    plan = Plan(
        to=body.to, from_=body.from_, channel=body.channel, statuses=tuple(body.statuses),
        reference=body.reference, text=body.text, delay_ms=body.delay_ms,
        duplicate=body.duplicate, loss=body.loss, reorder=body.reorder,
        answer_ms=body.answer_ms, forged=body.forged,
    )  # fmt: skip
    try:
        made = await caller.context.simulate(connection, plan)
    except BlockingIOError as error:
        raise Problem("busy", str(error), headers={"retry-after": "5"}) from error
    shown = ids.show("msg", made.message) if made.message else None
    return Simulated(provider_message_id=made.provider_id, message=shown)
