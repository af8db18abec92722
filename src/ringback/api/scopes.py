"""Scopes: what keys and roles may do, by name, as the one table has them."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from ringback.api.auth import CallerDep
from ringback.api.pages import NoQuery, Page
from ringback.api.shown import View
from ringback.domain.roles import POWERS, Role
from ringback.domain.scopes import SCOPES

router = APIRouter(prefix="/scopes", tags=["api keys"])


class ScopeView(View):
    """A scope."""

    name: str = Field(examples=["events:write"])
    what: str = Field(description="What it covers.", examples=["Publishing events"])
    operations: list[str] = Field(
        description="The operations that need it, as the document names them.",
        examples=[["publish_events"]],
    )
    operator: bool = Field(description="Whether only operators' keys can have it.")
    everybody: bool = Field(description="Whether every key has it, whatever its scopes are.")
    roles: list[Role] = Field(description="People of which roles have it.", examples=[["owner"]])


@router.get("", name="list_scopes", summary="List scopes")
async def page(caller: CallerDep, query: Annotated[NoQuery, Query()]) -> Page[ScopeView]:
    """List all scopes that there are on one page, whether or not the caller has them."""
    del caller, query
    views = [
        ScopeView(
            name=name, what=covered.what, operations=list(covered.operations),
            operator=covered.operator, everybody=covered.everybody,
            roles=[role for role, powers in POWERS.items() if name in powers.scopes],
        )
        for name, covered in SCOPES.items()
    ]  # fmt: skip
    return Page(data=views, next=None, prev=None)
