"""API keys: who may ask for a tenant, in which mode, and for what."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.asked import Asked, id_in_path
from ringback.api.auth import CallerDep
from ringback.api.pages import Page, PageQuery, Pager
from ringback.api.problems import Problem, not_found
from ringback.api.rates import RateLimit, RateLimitAsked, asked_rate, shown_rate
from ringback.api.shown import KeyId, Time, View, moment, moment_or_none
from ringback.domain import ids
from ringback.domain.scopes import SCOPES
from ringback.errors import Fault, Invalid
from ringback.services.keys import NewKey, kind_of
from ringback.services.manage import LimitReached
from ringback.storage.keys import StoredKey

NAME_MAX = 128
router = APIRouter(prefix="/api-keys", tags=["api keys"])

Kind = Literal["live", "test", "operator"]
Scopes = Annotated[
    list[str],
    Field(
        max_length=len(SCOPES),
        description="What it may do, by name; null: everything that a key of its kind can.",
        examples=[["events:write", "messages:read"]],
    ),
]


class ApiKeyView(View):
    """An API key, without the key itself: that is kept nowhere."""

    id: KeyId
    name: str = Field(examples=["Order system"])
    kind: Kind
    hint: str = Field(description="Its last four characters.", examples=["x7Qk"])
    scopes: Scopes | None
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None
    last_used_at: Time | None = Field(description="To the minute, and about a minute late.")
    rate_limit: RateLimit | None = Field(
        description="Its own; null: its tenant's, or the installation's."
    )
    masked: bool = Field(
        description="Whether numbers and texts are masked for it, as for whoever made it."
    )


class NewApiKeyView(ApiKeyView):
    """An API key that was just made: the only answer that holds it."""

    key: str = Field(description="Shown this once.", examples=["rk_live_…"])


class ApiKeyCreate(Asked):
    """A new API key."""

    name: str = Field(min_length=1, max_length=NAME_MAX, examples=["Order system"])
    kind: Kind | None = Field(
        default=None,
        description="Its mode, or `operator`; left out: like the key that makes it. A live key may "
        "make test keys, an operator's any.",
    )
    scopes: Scopes | None = Field(
        default=None, description="Left out: all that the key that makes it has."
    )
    expires_at: str | None = Field(
        default=None, max_length=64, description="Left out: never.",
        json_schema_extra={"format": "date-time"}, examples=["2027-03-02T15:01:22Z"],
    )  # fmt: skip
    rate_limit: RateLimitAsked | None = Field(
        default=None,
        description="Left out: like the key that makes it. Only an operator's key gives more than "
        "it has itself.",
    )


def _fields(key: StoredKey) -> dict[str, Any]:
    return {
        "id": ids.show("key", key.id),
        "name": key.name,
        "kind": kind_of(key),
        "hint": key.hint,
        "scopes": key.scopes,
        "created_at": moment(key.created),
        "expires_at": moment_or_none(key.expires),
        "revoked_at": moment_or_none(key.revoked),
        "last_used_at": moment_or_none(key.last_used),
        "rate_limit": shown_rate(key.rate, key.burst),
        "masked": key.masked,
    }


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not 1971 <= at.year <= 9998:
        raise Invalid(Fault("/expires_at", "Write a time with its zone: 2027-03-02T15:01:22Z."))
    return at


@router.post("", name="create_api_key", status_code=201, summary="Make an API key")
async def create(caller: CallerDep, body: ApiKeyCreate) -> NewApiKeyView:
    """Make a key for the same tenant. When the answer comes, every worker takes it."""
    expires, rate = _time(body.expires_at), asked_rate(body.rate_limit)
    new = NewKey(body.name, body.kind, body.scopes, expires, rate)
    try:
        made, key = await caller.keys.make(new)
    except LimitReached as error:
        raise Problem("limit_reached", str(error)) from error
    return NewApiKeyView(**_fields(made), key=key)


@router.get("", name="list_api_keys", summary="List API keys")
async def page(
    request: Request, response: Response, caller: CallerDep, query: Annotated[PageQuery, Query()]
) -> Page[ApiKeyView]:
    """List the keys of the same tenant and mode, newest first; revoked ones stay 90 days."""
    pager = Pager(request, caller, query)
    found = await caller.keys.newest(caller.scope, pager.window)
    cut = pager.cut(found, lambda key: (key.id.int,), response)
    views = [ApiKeyView(**_fields(key)) for key in cut.rows]
    return Page(data=views, next=cut.next, prev=cut.prev)


@router.get("/{key_id}", name="get_api_key", summary="One API key")
async def get(caller: CallerDep, key_id: str) -> ApiKeyView:
    """Return what is known of a key."""
    found = await caller.keys.get(caller.scope, id_in_path("key", key_id))
    if found is None:
        raise not_found("API key")
    return ApiKeyView(**_fields(found))


@router.delete("/{key_id}", name="revoke_api_key", status_code=204, summary="Revoke an API key")
async def revoke(caller: CallerDep, key_id: str) -> None:
    """Revoke a key. When the answer comes, no worker takes it any more."""
    if not await caller.keys.revoke(caller.scope, id_in_path("key", key_id)):
        raise not_found("API key")
