"""The inspector's last requests: what was posted to `/inspect/{name}`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.auth import CallerDep
from ringback.api.pages import Page, PageQuery, Pager
from ringback.api.shown import RawBody, Time, View, body_of, moment
from ringback.domain.strict_json import StrictJsonError, decode
from ringback.storage import inspector
from ringback.storage.inspector import Inspected
from ringback.storage.lists import Found

_NEWEST = (1 << 63) - 1
router = APIRouter(prefix="/inspect", tags=["inspector"])


class InspectedView(View):
    """A request that the inspector received."""

    received_at: Time
    method: str = Field(examples=["POST"])
    url: str
    headers: list[tuple[str, str]]
    body: RawBody
    parsed: Any = Field(description="The body, if it is JSON; else null.")
    answered: int = Field(description="The status it was answered with.", examples=[200])


def _view(request: Inspected) -> InspectedView:
    return InspectedView(
        received_at=moment(request.received),
        method=request.method,
        url=request.url,
        headers=list(request.headers),
        body=body_of(request.body),
        parsed=_parsed(request.body),
        answered=request.answered,
    )


def _parsed(body: bytes) -> object:
    try:
        return decode(body)
    except StrictJsonError:
        return None


@router.get("/{name}", name="list_inspected", summary="The last requests of a name")
async def page(
    request: Request,
    response: Response,
    caller: CallerDep,
    name: str,
    query: Annotated[PageQuery, Query()],
) -> Page[InspectedView]:
    """List the last 500 requests to `/inspect/{name}`, newest first. Only for test keys."""
    caller.only_in_test_mode("The inspector")
    pager = Pager(request, caller, query)
    window = pager.window
    database, scope = caller.context.database, caller.scope
    if window.newer:
        rows = await inspector.newest(database, *scope, name, before=_NEWEST, limit=inspector.KEPT)
        newer = [row for row in reversed(rows) if window.key and row.id > window.key[0]]
        found = Found(newer[: window.limit])
    else:
        before = window.key[0] if window.key else _NEWEST
        found = Found(
            await inspector.newest(database, *scope, name, before=before, limit=window.limit)
        )
    cut = pager.cut(found, lambda row: (row.id,), response)
    return Page(data=[_view(row) for row in cut.rows], next=cut.next, prev=cut.prev)


@router.delete("/{name}", name="clear_inspected", status_code=204, summary="Forget them")
async def clear(caller: CallerDep, name: str) -> None:
    """Forget the requests of a name. Only for test keys."""
    caller.only_in_test_mode("The inspector")
    await caller.manager.clear_inspected(caller.scope, name)
