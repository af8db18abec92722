"""`POST /in/{token}` of a native connection as the document describes it.

It is served past the framework, by services/native.py: nothing here is ever called.
"""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from ringback.api.auth import CallerDep
from ringback.api.document import PROBLEMS
from ringback.api.shown import View, example
from ringback.services.catalogue import native_schema

_REF = "#/components/schemas/{name}"
_BODY, SCHEMAS = native_schema(_REF)
# At an unknown token nobody can say whether a provider asks or a program of the tenant's own.
_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {**PROBLEMS[404], "content": {"text/plain": {"schema": {"type": "string"}}}}
}
router = APIRouter(prefix="/in", tags=["native"], responses={**PROBLEMS, **_UNKNOWN})


class NativeTaken(View):
    """What an item was about."""

    id: str = Field(description="Of the message, the call or the order.", examples=[example("msg")])


class NativeTakenList(View):
    """What the items were about, in the order in which they were sent."""

    data: list[NativeTaken] = Field(max_length=1000)


_EXTRA: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}
}


@router.post(
    "/{token}", name="post_native", operation_id="post_native", openapi_extra=_EXTRA,
    summary="Tell of messages, calls and number orders of your own",
)  # fmt: skip
async def post(caller: CallerDep, token: str) -> NativeTaken | NativeTakenList:
    """Post one item, or up to 1,000, to a connection of the provider `native`.

    Taken as a whole or not at all; an item that is known already changes nothing.
    """
    raise NotImplementedError(caller, token)
