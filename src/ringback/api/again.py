"""Once more, by a person's wish: replaying a delivery, reading a stored callback again."""

from fastapi import APIRouter
from pydantic import Field

from ringback.api.asked import Asked, id_in_path
from ringback.api.auth import CallerDep
from ringback.api.deliveries import number_in_path
from ringback.api.problems import Problem, not_found
from ringback.api.shown import DeliveryId, EventId, View
from ringback.services.again import NotNow

router = APIRouter(tags=["once more"])


class Replayed(View):
    """The delivery that a replay made."""

    id: DeliveryId


class Effects(Asked):
    """What may follow from reading a callback again."""

    effects: bool = Field(
        default=False,
        description="Merge, number and deliver what is new in it. Otherwise nothing is written.",
    )


class ReadItemView(View):
    """One thing that the callback says."""

    kind: str = Field(examples=["report"])
    about: str = Field(description="The provider's id of the message, or what it is.")
    status: str | None = Field(examples=["delivered"])


class Reread(View):
    """What reading the callback again gave."""

    outcome: str = Field(examples=["accepted"])
    reason: str
    items: list[ReadItemView]
    effects: bool
    events: list[EventId] = Field(description="The events that it brought about now.")


@router.post(
    "/deliveries/{delivery_id}/replay",
    name="replay_delivery",
    status_code=202,
    summary="Deliver once more",
)
async def replay(caller: CallerDep, delivery_id: str) -> Replayed:
    """Deliver the event once more, with its own id: a receiver that has it knows it again."""
    numbers = number_in_path(delivery_id)
    try:
        made = await caller.context.again.replay(caller.scope, caller.asker.actor, *numbers)
    except NotNow as error:
        raise Problem("not_now", str(error)) from error
    if made is None:
        raise not_found("delivery")
    return Replayed(id=made)


@router.post(
    "/callbacks/{callback_id}/reparse", name="reparse_callback", summary="Read a callback again"
)
async def reparse(caller: CallerDep, callback_id: str, body: Effects) -> Reread:
    """Read a stored callback with today's parser; by default only to see what it says."""
    identifier = id_in_path("cbk", callback_id)
    try:
        found = await caller.context.again.reparse(
            caller.scope, caller.asker.actor, identifier, effects=body.effects
        )
    except NotNow as error:
        raise Problem("not_now", str(error)) from error
    if found is None:
        raise not_found("callback")
    return Reread(
        outcome=found.outcome,
        reason=found.reason,
        items=[
            ReadItemView(kind=item.kind, about=item.about, status=item.status)
            for item in found.items
        ],
        effects=found.effects,
        events=found.events,
    )
