"""The catalogue of event types: what they mean, their schemas, an example of each."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from ringback.api.auth import Caller, CallerDep
from ringback.api.pages import NoQuery, Page
from ringback.api.problems import not_found
from ringback.api.shown import View
from ringback.domain.event_examples import example
from ringback.domain.event_schemas import schema_path, versions
from ringback.domain.event_types import CATALOGUE, EventType

router = APIRouter(prefix="/event-types", tags=["event types"])


class SchemaView(View):
    """One version of a type's schema."""

    version: int = Field(examples=[1])
    url: str = Field(
        description="Where the JSON Schema of whole events is; no key is needed.",
        examples=["https://example.com/schemas/message.delivered/v1"],
    )


class EventTypeView(View):
    """A type of event."""

    name: str = Field(examples=["message.delivered"])
    description: str = Field(examples=[CATALOGUE["message.delivered"].description])
    emitted: bool = Field(
        description="Whether anything in this version of Ringback brings it about."
    )
    schemas: list[SchemaView] = Field(description="Its versions, oldest first.")


class EventTypeWhole(EventTypeView):
    """A type of event, with an example."""

    example: dict[str, Any] = Field(
        description="An event of this type, as an endpoint receives it.",
        examples=[{"type": "message.delivered"}],
    )


@router.get("", name="list_event_types", summary="List event types")
async def page(caller: CallerDep, query: Annotated[NoQuery, Query()]) -> Page[EventTypeView]:
    """List all types on one page. Endpoints choose by whole types, families, or `*`."""
    del query
    views = [EventTypeView(**_fields(caller, type_)) for type_ in CATALOGUE.values()]
    return Page(data=views, next=None, prev=None)


@router.get("/{event_type}", name="get_event_type", summary="One event type")
async def get(caller: CallerDep, event_type: str) -> EventTypeWhole:
    """Return a type with its schemas and an example."""
    type_ = CATALOGUE.get(event_type)
    if type_ is None:
        raise not_found("event type")
    return EventTypeWhole(
        **_fields(caller, type_), example=msgspec.json.decode(example(type_.name))
    )


def _fields(caller: Caller, type_: EventType) -> dict[str, Any]:
    base = caller.context.public_url
    schemas = [
        SchemaView(version=version, url=base + schema_path(type_.name, version))
        for version in versions(type_.name)
    ]
    return {
        "name": type_.name, "description": type_.description, "emitted": type_.emitted,
        "schemas": schemas,
    }  # fmt: skip
