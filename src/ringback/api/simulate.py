"""Making a provider's callbacks for a test connection, as if messages had been sent through it."""

from typing import Any, Literal

import msgspec
from fastapi import APIRouter
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import Caller, CallerDep
from ringback.api.connections import known_connection
from ringback.api.library import PlayedView, shown_played, usable_connection
from ringback.api.problems import Problem
from ringback.api.shown import MessageId, View
from ringback.domain import ids
from ringback.domain.endpoints import Connection
from ringback.domain.messages import ErrorClass, Status
from ringback.domain.scenarios import Outcome
from ringback.errors import Fault, Invalid
from ringback.services import catalogue
from ringback.services import simulate as services
from ringback.services.simulate import (
    BATCH_MAX,
    DELAY_MAX_MS,
    PICTURE_PATH,
    PICTURE_TYPE,
    STATUSES_MAX,
    Plan,
)
from ringback.storage import messages
from ringback.storage.configuration import StoredConnection

TEXT_MAX = 1600
NAME_MAX = 100
ADDRESS_MAX = 64
REFERENCE_MAX = 128
URL_MAX = 2048
MEDIA_MAX = 10
_USUAL: list[Status] = ["submitted", "sent", "delivered"]
router = APIRouter(prefix="/connections", tags=["connections"])


class FileAsked(Asked):
    """A file of a message: where it is, and what it is."""

    url: str | None = Field(
        default=None, max_length=URL_MAX, pattern=r"^https?://[!-~]+$",
        description="A picture of one pixel, served here, if not said.",
    )  # fmt: skip
    content_type: str = Field(default=PICTURE_TYPE, pattern=r"^[a-z]+/[a-z0-9.+-]{1,64}$")
    filename: str | None = Field(default=None, min_length=1, max_length=REFERENCE_MAX)


class SimulateRequest(Asked):
    """What to simulate: the statuses in order, and how far the network is from perfect.

    Or a sample, and nothing else but `again`.
    """

    sample: str | None = Field(
        default=None, max_length=NAME_MAX,
        description="In place of a message's life: the name of a sample, which is posted once, "
        "signed with this connection's own secret. GET /v1/connections/{id}/samples lists them.",
    )  # fmt: skip
    again: bool = Field(
        default=False,
        description="Whether a sample is posted twice, in the very same bytes: the second is a "
        "duplicate.",
    )

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
        description="`received` makes a message from a person. If not said, those of these three "
        "that the provider reports.",
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
    outcome: Outcome = Field(
        default="accepted",
        description="What the provider's send API does with the message; for providers that "
        "messages can be sent through.",
    )
    error_code: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="The provider's code of the refusal or failure.", examples=["30003"],
    )  # fmt: skip
    error_class: ErrorClass | None = Field(
        default=None,
        description="In place of `error_code`: the first code that means this, see `errors` and "
        "`refusals` of the provider.",
    )
    media: list[FileAsked] = Field(
        default=[], max_length=MEDIA_MAX, description="Files that the message carries."
    )
    batch: int = Field(
        default=1, ge=1, le=BATCH_MAX,
        description="So many messages, of which each callback tells together; for providers that "
        "report so.",
    )  # fmt: skip


class SimulatedMessage(View):
    """One message of a simulation."""

    provider_message_id: str | None = Field(
        description="By which the message can be found once it is in; none when it was refused."
    )
    message: MessageId | None = Field(
        description="The message, when it is sent or was named, or a sample is about it alone; "
        "otherwise it is observed."
    )
    outcome: Literal["submitted", "refused", "throttled", "uncertain"] | None = Field(
        description="What became of the send, where there was one."
    )


class Simulated(SimulatedMessage):
    """A simulation that was started: its message, and the `others` of a batch.

    Of a sample, which has come in by now, `callbacks` says what became of each post.
    """

    others: list[SimulatedMessage]
    callbacks: list[PlayedView] = Field(description="Of a sample; else empty, as it goes on.")


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
    connection = usable_connection(caller, found)
    if body.sample is not None:
        return await _play(caller, connection, body, body.sample)
    if body.again:
        raise Invalid(Fault("/again", "It is for samples; see `duplicate`."))
    faults = _faults(found.provider, body)
    if faults:
        raise Invalid(*faults)
    picture = f"{caller.context.public_url}/fake/{connection.token}{PICTURE_PATH}"
    plan = Plan(
        to=body.to or "", from_=body.from_ or "", channel=body.channel,
        statuses=_statuses(found.provider, body), reference=body.reference, text=body.text,
        delay_ms=body.delay_ms, duplicate=body.duplicate, loss=body.loss, reorder=body.reorder,
        answer_ms=body.answer_ms, forged=body.forged, outcome=body.outcome,
        error_code=_code(found.provider, body), batch=body.batch,
        media=tuple([_file(one, picture) for one in body.media]),
    )  # fmt: skip
    plan = _between(body, plan) if body.message is None else await _about(caller, found, body, plan)
    try:
        made = await caller.context.simulate(connection, plan)
    except BlockingIOError as error:
        raise Problem("busy", str(error), headers={"retry-after": "5"}) from error
    others = [SimulatedMessage(**_shown(one, None)) for one in made.others]
    return Simulated(**_shown(made, body.message), others=others, callbacks=[])


async def _play(
    caller: Caller, connection: Connection, body: SimulateRequest, sample: str
) -> Simulated:
    """Play a sample, and say what became of it. Raises Invalid, and Problem when too much goes."""
    others = body.model_fields_set - {"sample", "again"}
    if others:
        named = sorted("from" if one == "from_" else one for one in others)
        raise Invalid(*[Fault(f"/{one}", "A sample says all of it by itself.") for one in named])
    try:
        played = await caller.context.player.play(connection, sample, again=body.again)
    except BlockingIOError as error:
        raise Problem("busy", str(error), headers={"retry-after": "5"}) from error
    message = next((one.message for one in played if one.message), None)
    return Simulated(
        provider_message_id=None, message=ids.show("msg", message) if message else None,
        outcome=None, others=[], callbacks=[shown_played(one) for one in played],
    )  # fmt: skip


def _faults(provider: str, body: SimulateRequest) -> list[Fault]:
    """Say what a provider cannot do of what is asked."""
    can = catalogue.simulated(provider)
    faults = [
        Fault(f"/statuses/{place}", f"This provider's callbacks can be: {', '.join(can)}.")
        for place, status in enumerate(body.statuses)
        if status not in can and "statuses" in body.model_fields_set
    ]
    sends = catalogue.sends(provider)
    if body.outcome != "accepted" and not sends:
        faults.append(Fault("/outcome", "Nothing can be sent through this provider yet."))
    if body.media and "media" not in sends and set(body.statuses) != {"received"}:
        faults.append(Fault("/media", "This provider's messages cannot be sent with files here."))
    if body.batch > 1 and not catalogue.batches(provider):
        faults.append(Fault("/batch", "This provider tells of every message by itself."))
    if body.batch > 1 and body.message is not None:
        faults.append(Fault("/batch", "A message that is there is one message."))
    if body.error_code is not None and body.error_class is not None:
        faults.append(Fault("/error_class", "Say a code or a class, not both."))
    elif body.error_class is not None and _code(provider, body) is None:
        faults.append(Fault("/error_class", "This provider has no code of that class here."))
    if body.outcome == "refused" and body.error_code is not None:
        known = catalogue.refusals(provider)
        if body.error_code not in known:
            words = f"It can be refused with: {', '.join(known) or 'no code'}."
            faults.append(Fault("/error_code", words))
    return faults


def _statuses(provider: str, body: SimulateRequest) -> tuple[Status, ...]:
    can = catalogue.simulated(provider)
    return tuple([status for status in body.statuses if status in can])


def _code(provider: str, body: SimulateRequest) -> str | None:
    """Return the provider's code that was asked for, by itself or by its class."""
    if body.error_class is None:
        return body.error_code
    codes = catalogue.codes_of_class(provider, body.error_class)
    if body.outcome == "refused":
        codes = [one for one in codes if one in catalogue.refusals(provider)]
    return next(iter(codes), None)


def _file(asked: FileAsked, picture: str) -> dict[str, object]:
    file: dict[str, object] = {
        "url": asked.url or picture, "content_type": asked.content_type,
    }  # fmt: skip
    return {**file, "filename": asked.filename} if asked.filename else file


def _shown(made: services.Simulated, named: str | None) -> dict[str, Any]:
    return {
        "provider_message_id": made.provider_id,
        "message": ids.show("msg", made.message) if made.message else named,
        "outcome": made.outcome,
    }


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
