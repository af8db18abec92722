"""The catalogue of event types: ours, and those that a tenant describes itself."""

import re
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response
from msgspec import UNSET
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import Caller, CallerDep
from ringback.api.pages import NoQuery, Page
from ringback.api.problems import Problem, Where, not_found
from ringback.api.schemas import MEDIA_TYPE
from ringback.api.shown import Time, View, moment
from ringback.domain.event_examples import example, example_id
from ringback.domain.event_schemas import schema, schema_path, versions
from ringback.domain.event_types import CATALOGUE, EventType, OwnType, fault_in_own_name
from ringback.domain.publishing import sample
from ringback.services import own_types
from ringback.services.manage import LimitReached
from ringback.storage.event_types import StoredType

DESCRIPTION_MAX = 1000
NOTE_MAX = 500
_VERSION = re.compile("[1-9][0-9]{0,3}")
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"total": {"type": "integer", "minimum": 0}},
    "required": ["total"],
}
router = APIRouter(prefix="/event-types", tags=["event types"])


class SchemaView(View):
    """One version of a type's schema."""

    version: int = Field(examples=[1])
    url: str = Field(
        description="Where it is. One of ours describes whole events and needs no key; one of "
        "your own describes `data`.",
        examples=["https://example.com/schemas/message.delivered/v1"],
    )


class EventTypeView(View):
    """A type of event."""

    name: str = Field(examples=["message.delivered"])
    description: str = Field(examples=[CATALOGUE["message.delivered"].description])
    own: bool = Field(description="Whether it is one of your own.")
    emitted: bool = Field(
        description="Whether anything in this version brings it about; your own are published."
    )
    deprecated: bool = Field(description="It is published with a warning.")
    deprecation_note: str | None = Field(description="What to use instead.")
    archived: bool = Field(description="It is not published any more.")
    schemas: list[SchemaView] = Field(description="Its versions, oldest first.")
    schema_version: int | None = Field(
        description="The version that what is published has to fit; null: none.", examples=[1]
    )
    updated_at: Time | None = Field(description="Of your own.")


class EventTypeWhole(EventTypeView):
    """A type of event, with its schema and an example."""

    schema_: dict[str, Any] | None = Field(alias="schema", description="The newest.")
    example: dict[str, Any] | None = Field(
        description="An event of this type, as an endpoint receives it.",
        examples=[{"type": "message.delivered"}],
    )


class EventTypePut(Asked):
    """A type of your own as it is to be; what is left out stays."""

    description: str | None = Field(
        default=None, max_length=DESCRIPTION_MAX, examples=["An order was paid."]
    )
    schema_: dict[str, Any] | None = Field(
        default=None, alias="schema",
        description="JSON Schema of `data`, draft 2020-12, without references to elsewhere. "
        "Another one makes the next version; null: `data` is free.",
        examples=[_SCHEMA],
    )  # fmt: skip
    example: dict[str, Any] | None = Field(
        default=None, description="An example of `data`; it has to fit the schema.",
        examples=[{"order": "48213", "total": 12}],
    )  # fmt: skip
    deprecated: bool | None = Field(
        default=None, description="True: publishing it is answered with a warning."
    )
    deprecation_note: str | None = Field(
        default=None, max_length=NOTE_MAX, description="What to use instead."
    )
    archived: bool | None = Field(default=None, description="True: publishing it is refused.")

    def asked(self) -> own_types.Asked:
        """Return what is to change. Null empties what may be empty, and else says nothing."""
        given = self.model_fields_set
        return own_types.Asked(
            description=UNSET if self.description is None else self.description,
            schema=self.schema_ if "schema_" in given else UNSET,
            example=self.example if "example" in given else UNSET,
            deprecated=UNSET if self.deprecated is None else self.deprecated,
            note=self.deprecation_note if "deprecation_note" in given else UNSET,
            archived=UNSET if self.archived is None else self.archived,
        )


@router.get("", name="list_event_types", summary="List event types")
async def page(caller: CallerDep, query: Annotated[NoQuery, Query()]) -> Page[EventTypeView]:
    """List all types on one page: ours, then your own. Endpoints choose among both."""
    del query
    views = [EventTypeView(**_ours(caller, type_)) for type_ in CATALOGUE.values()]
    views += [EventTypeView(**_own(caller, one)) for one in caller.own_types.every(caller.scope)]
    return Page(data=views, next=None, prev=None)


@router.get("/{event_type}", name="get_event_type", summary="One event type")
async def get(caller: CallerDep, event_type: str) -> EventTypeWhole:
    """Return a type with its schema and an example."""
    type_ = CATALOGUE.get(event_type)
    if type_ is not None:
        shown = msgspec.json.decode(example(event_type))
        return EventTypeWhole(**_ours(caller, type_), schema_=schema(event_type), example=shown)
    return _whole(caller, _known(caller, event_type))


@router.put(
    "/{event_type}", name="put_event_type", summary="Describe a type of your own",
    responses={201: {"model": EventTypeWhole, "description": "It is new."}},
)  # fmt: skip
async def put(
    response: Response, caller: CallerDep, event_type: str, body: EventTypePut
) -> EventTypeWhole:
    """Say what a type of your own means, what its `data` has to look like, and when it ends.

    From the answer on, what is published of it has to fit its schema. Types that nobody has
    described are published all the same.
    """
    wrong = fault_in_own_name(event_type)
    if wrong is not None:
        where = Where(wrong, parameter="event_type")
        raise Problem("invalid", "The name of the type is wrong.", [where])
    try:
        made, new = await caller.own_types.put(caller.scope, event_type, body.asked())
    except LimitReached as error:
        raise Problem("limit_reached", str(error)) from error
    if new:
        response.status_code = 201
    return _whole(caller, made)


@router.delete(
    "/{event_type}", name="delete_event_type", status_code=204, summary="Forget a type of your own"
)
async def delete(caller: CallerDep, event_type: str) -> None:
    """Forget what a type means, with all versions of its schema: its `data` is free again."""
    if event_type in CATALOGUE or not await caller.own_types.delete(caller.scope, event_type):
        raise not_found("event type")


@router.get(
    "/{event_type}/schemas/{version}", name="get_event_type_schema",
    summary="One version of a schema",
    responses={200: {"description": "JSON Schema, draft 2020-12.", "content": {
        MEDIA_TYPE: {"schema": {"type": "object"}},
    }}},
    response_class=Response,
)  # fmt: skip
async def get_schema(caller: CallerDep, event_type: str, version: str) -> Response:
    """Return a schema: of whole events for one of our types, of `data` for one of your own."""
    body: bytes | None = None
    if version in map(str, versions(event_type)):
        body = msgspec.json.encode(schema(event_type))
    elif _VERSION.fullmatch(version):
        body = await caller.own_types.schema(caller.scope, event_type, int(version))
    if body is None:
        raise not_found("schema")
    return Response(body, media_type=MEDIA_TYPE)


def _known(caller: Caller, name: str) -> StoredType:
    found = caller.own_types.get(caller.scope, name)
    if found is None:
        raise not_found("event type")
    return found


def _whole(caller: Caller, one: StoredType) -> EventTypeWhole:
    own = one.own
    return EventTypeWhole(
        **_own(caller, one),
        schema_=None if own.schema is None else msgspec.json.decode(own.schema),
        example=_example(caller, own),
    )


def _example(caller: Caller, own: OwnType) -> dict[str, Any] | None:
    if own.example is None:
        return None
    tenant = caller.context.configuration.snapshot.tenant_id(caller.scope.tenant)
    body = sample(example_id("evt"), tenant, caller.mode.word, own.name, own.example)
    shown: dict[str, Any] = msgspec.json.decode(body)
    return shown


def _ours(caller: Caller, type_: EventType) -> dict[str, Any]:
    base = caller.context.public_url
    known = versions(type_.name)
    return {
        "name": type_.name, "description": type_.description, "own": False,
        "emitted": type_.emitted, "deprecated": False, "deprecation_note": None, "archived": False,
        "schemas": [
            SchemaView(version=version, url=base + schema_path(type_.name, version))
            for version in known
        ],
        "schema_version": known[-1], "updated_at": None,
    }  # fmt: skip


def _own(caller: Caller, one: StoredType) -> dict[str, Any]:
    own = one.own
    base = f"{caller.context.public_url}/v1/event-types/{own.name}/schemas"
    return {
        "name": own.name, "description": own.description, "own": True, "emitted": True,
        "deprecated": own.deprecated, "deprecation_note": own.note, "archived": own.archived,
        "schemas": [
            SchemaView(version=version, url=f"{base}/{version}")
            for version in range(1, own.version + 1)
        ],
        "schema_version": None if own.schema is None else own.version,
        "updated_at": moment(one.updated),
    }  # fmt: skip
