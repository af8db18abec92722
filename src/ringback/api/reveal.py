"""One object as it is, for people whose role sees masks instead of numbers and texts: audited."""

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from ringback.api import attempts, callbacks, events, messages
from ringback.api.asked import Asked
from ringback.api.auth import CallerDep, denied
from ringback.api.shown import example
from ringback.errors import Fault, Invalid
from ringback.services import audit
from ringback.services.access import Denied
from ringback.services.audit import Act

OBJECT_MAX = 64
MEDIA_TYPE = "application/json"
# By the first letters of an id: what shows such an object, and the scope that seeing it needs.
_SHOWN = {
    "msg": (messages.get, "messages:read"),
    "evt": (events.get, "events:read"),
    "cbk": (callbacks.get, "callbacks:read"),
    "att": (attempts.get, "deliveries:read"),
}
router = APIRouter(prefix="/reveal", tags=["signing in"])
Revealed = (
    messages.MessageView | events.EventView | callbacks.WholeCallbackView
    | attempts.WholeAttemptView
)  # fmt: skip


class Reveal(Asked):
    """What is to be shown."""

    object: str = Field(
        min_length=1, max_length=OBJECT_MAX, examples=[example("msg")],
        description="The id of a message, an event, a callback or an attempt.",
    )  # fmt: skip


@router.post(
    "", name="reveal_object", summary="Show one object without masks",
    responses={200: {"model": Revealed}},
)  # fmt: skip
async def reveal(request: Request, caller: CallerDep, body: Reveal) -> Response:
    """Return an object as those see it for whom nothing is masked, and write down who asked."""
    shown = _SHOWN.get(body.object[:3])
    if shown is None:
        words = "Write the id of a message, an event, a callback or an attempt."
        raise Invalid(Fault("/object", words))
    find, scope = shown
    try:
        caller.asker.allow(scope)
    except Denied as error:
        raise denied(error) from None
    found = await find(caller, body.object)
    context, now_ms = caller.context, caller.context.clock.now_ms()
    async with context.database.acquire() as connection, connection.transaction():
        act = Act("personal.revealed", body.object)
        await audit.write(connection, caller.scope, caller.asker.actor, now_ms, act)
    request.scope["state"]["unmasked"] = True
    if isinstance(found, Response):
        return found
    assert isinstance(found, BaseModel)
    return Response(
        msgspec.json.encode(found.model_dump(mode="json", by_alias=True)), media_type=MEDIA_TYPE
    )
