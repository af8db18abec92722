"""Whether the process lives, and whether it can do its work. For machines; needs no key."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from ringback.api.context import Context
from ringback.api.shown import View

router = APIRouter(tags=["health"])


class Alive(View):
    """The process answers."""

    status: str = Field(examples=["ok"])


class Queue(View):
    """How far behind deliveries are."""

    oldest_due_seconds: float = Field(
        description="For how long the oldest of those that wait has been due."
    )
    waiting: int = Field(
        description="Deliveries that are due and with nobody, and not held back because their "
        "endpoint fails or comes back; at most 10,000."
    )
    sending: int = Field(description="Requests of this worker that are on the wire.")
    queued: int = Field(description="Deliveries in this worker's memory that wait for a slot.")
    stuck: int = Field(description="Always 0 unless there is a defect.")


class Ready(View):
    """Whether this worker can do its work."""

    ready: bool
    reasons: list[str] = Field(
        description="Why not, in words; empty when ready.",
        examples=[["The clock is more than 60 s off the database's."]],
    )
    queue: Queue


@router.get("/healthz", name="healthz", summary="The process lives")
async def healthz() -> Alive:
    """Answer 200 as long as the process can answer at all."""
    return Alive(status="ok")


@router.get(
    "/readyz",
    name="readyz",
    summary="The worker can do its work",
    responses={503: {"model": Ready, "description": "It cannot; `reasons` says why."}},
)
async def readyz(request: Request, response: Response) -> Ready:
    """Answer 200 when callbacks can be stored and events delivered, 503 when not."""
    context: Context = request.app.state.context
    health = await context.health()
    if not health.ready:
        response.status_code = 503
    return Ready(
        ready=health.ready,
        reasons=health.reasons,
        queue=Queue(
            oldest_due_seconds=health.oldest_due_s,
            waiting=health.waiting,
            sending=health.sending,
            queued=health.queued,
            stuck=health.stuck,
        ),
    )
