"""Making a provider's callbacks for a test connection, as if messages had been sent through it."""

from typing import Literal

import msgspec
from fastapi import APIRouter
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import Caller, CallerDep
from ringback.api.connections import known_connection
from ringback.api.problems import Problem
from ringback.api.shown import MessageId, View
from ringback.domain import ids
from ringback.domain.messages import Status
from ringback.errors import Fault, Invalid
from ringback.services import catalogue
from ringback.services.simulate import DELAY_MAX_MS, STATUSES_MAX, Plan
from ringback.storage import messages
from ringback.storage.configuration import StoredConnection

TEXT_MAX = 1600
ADDRESS_MAX = 64
REFERENCE_MAX = 128
_USUAL: list[Status] = ["submitted", "sent", "delivered"]
router = APIRouter(prefix="/connections", tags=["connections"])


class SimulateRequest(Asked):
    """What to simulate: the statuses in order, and how far the network is from perfect."""

    message: str | None = Field(
        default=None,
        description="A message of this connection that is there: it is reported on, and nothing is "
        "sent. Who it is from and to need not be said then.",
        examples=["msg_01j9x4t0v2e5q8r3s6w7y9zabc"],
    )
    to: str | None = Field(
        default=None, min_length=1, max_length=ADDRESS_MAX, examples=["+15550123"]
    )
    from_: str | None = Field(
        default=None, alias="from", min_length=1, max_length=ADDRESS_MAX, examples=["+15550100"]
    )
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
        description="The message, when it is sent through the simulator or was named; otherwise it "
        "is observed."
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
        to=body.to or "", from_=body.from_ or "", channel=body.channel,
        statuses=tuple(body.statuses), reference=body.reference, text=body.text,
        delay_ms=body.delay_ms, duplicate=body.duplicate, loss=body.loss, reorder=body.reorder,
        answer_ms=body.answer_ms, forged=body.forged,
    )  # fmt: skip
    plan = _between(body, plan) if body.message is None else await _about(caller, found, body, plan)
    try:
        made = await caller.context.simulate(connection, plan)
    except BlockingIOError as error:
        raise Problem("busy", str(error), headers={"retry-after": "5"}) from error
    shown = ids.show("msg", made.message) if made.message else body.message
    return Simulated(provider_message_id=made.provider_id, message=shown)


def _between(body: SimulateRequest, plan: Plan) -> Plan:
    """Make sure that a new message has both its ends. Raises Invalid."""
    missing = [
        Fault(f"/{name}", "Say this, or name the `message` that is reported on.")
        for name, value in (("to", body.to), ("from", body.from_))
        if value is None
    ]
    if missing:
        raise Invalid(*missing)
    return plan


async def _about(
    caller: Caller, connection: StoredConnection, body: SimulateRequest, plan: Plan
) -> Plan:
    """Let the plan be about a message that is there, as it is. Raises Invalid."""
    identifier = ids.read("msg", body.message or "")
    stored = (
        await messages.get(caller.context.database, caller.scope, identifier)
        if identifier is not None
        else None
    )
    if stored is None:
        raise Invalid(Fault("/message", "There is no such message."))
    message = stored.message
    if message.connection != ids.show("con", connection.id):
        raise Invalid(Fault("/message", f"It belongs to {message.connection or 'no connection'}."))
    if message.provider_message_id is None:
        raise Invalid(Fault("/message", "It has no id at the provider, so nobody reports on it."))
    return msgspec.structs.replace(
        plan,
        about=message.provider_message_id,
        to=message.to or plan.to,
        from_=message.from_ or plan.from_,
        channel=message.channel or plan.channel,
        reference=message.reference,
    )
