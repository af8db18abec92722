"""The catalogue of event types."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from ringback.api.auth import CallerDep
from ringback.api.pages import NoQuery, Page
from ringback.api.shown import View
from ringback.domain.event_types import CATALOGUE

router = APIRouter(prefix="/event-types", tags=["events"])


class EventTypeView(View):
    """A type of event."""

    name: str = Field(examples=["message.delivered"])
    description: str = Field(examples=[CATALOGUE["message.delivered"].description])


@router.get("", name="list_event_types", summary="List event types")
async def page(caller: CallerDep, query: Annotated[NoQuery, Query()]) -> Page[EventTypeView]:
    """List all types on one page. Endpoints choose by whole types, families, or `*`."""
    del caller, query
    types = CATALOGUE.values()
    views = [EventTypeView(name=type_.name, description=type_.description) for type_ in types]
    return Page(data=views, next=None, prev=None)
