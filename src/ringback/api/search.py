"""Search: anything by an id, a number or its last digits, a reference, a name."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from ringback.api.auth import CallerDep
from ringback.api.problems import wrong_parameter
from ringback.api.shown import Time, View, example
from ringback.domain.events import rfc3339
from ringback.domain.finding import TEXT_MAX
from ringback.domain.masking import BY_DIGITS
from ringback.services.find import HITS_MAX, Asked, Finder, TellsMore, Thing

router = APIRouter(prefix="/search", tags=["search"])


class HitView(View):
    """One thing that was found."""

    kind: Thing = Field(examples=["message"])
    id: str = Field(description="Its id, or its name.", examples=[example("msg")])
    title: str = Field(examples=["To +15550123"])
    detail: str = Field(examples=["delivered · sms · bandwidth · order-48213"])
    at: Time | None = Field(description="When it came about; null for what has no time.")


class LookedView(View):
    """One look-up."""

    what: str = Field(
        description="What was looked for, in words.",
        examples=["messages to numbers that end in 0123"],
    )
    found: int = Field(description="How many of these are shown.", examples=[1])
    note: str | None = Field(
        description="Why there is nothing, or that there is more.",
        examples=["Too many values fit: give more of it."],
    )
    filters: dict[str, str] | None = Field(
        description="What makes `GET /v1/messages` list all of them.", examples=[{"to": "0123"}]
    )


class SearchView(View):
    """What was found, and what was looked for."""

    data: list[HitView] = Field(
        description=f"At most {HITS_MAX} things: messages newest first, then what has such a name."
    )
    looked_for: list[LookedView]


class SearchQuery(BaseModel):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(
        min_length=1, max_length=TEXT_MAX,
        description="An id of anything here, a provider's id of a message, a number or at least "
        "its last four digits, a reference or how one begins, or part of the name of an endpoint, "
        "a connection or an event type. Where numbers are masked for whoever asks: exactly the "
        "last four digits, and ids and references whole.",
        examples=["order-48213"],
    )  # fmt: skip


@router.get("", name="search", summary="Find anything")
async def search(caller: CallerDep, query: Annotated[SearchQuery, Query()]) -> SearchView:
    """Find whatever a text names. What the key may not read is left out, and that is said."""
    context, allowed = caller.context, caller.asker.may
    asked = Asked(
        context.database, caller.manager, caller.own_types, caller.scope, allowed, context.now(),
        caller.asker.masked,
    )  # fmt: skip
    try:
        found = await Finder(asked).find(query.q)
    except TellsMore:
        raise wrong_parameter("q", BY_DIGITS) from None
    return SearchView(
        data=[
            HitView(
                kind=hit.kind, id=hit.id, title=hit.title, detail=hit.detail,
                at=None if hit.at_ms is None else rfc3339(hit.at_ms),
            )
            for hit in found.hits
        ],
        looked_for=[
            LookedView(what=one.what, found=one.found, note=one.note, filters=one.filters)
            for one in found.looked
        ],
    )  # fmt: skip
