"""What the document says of events: each type under `webhooks`, its schema among the components."""

from typing import Any

import msgspec

from ringback.domain.event_examples import example
from ringback.domain.event_schemas import definitions, schema, schema_path
from ringback.domain.event_types import CATALOGUE

_COMPONENTS = "#/components/schemas/{name}"
_ANSWERS: dict[str, dict[str, Any]] = {
    "2XX": {"description": "Taken. Answer within 15 s and work afterwards; the body is ignored."},
    "410": {"description": "Gone: the endpoint is disabled and gets nothing more."},
    "4XX": {"description": "Not taken: it is tried again later; `Retry-After` is honoured."},
    "5XX": {"description": "Not taken: it is tried again later; `Retry-After` is honoured."},
}


def _header(name: str, description: str, shown: str) -> dict[str, Any]:
    return {
        "name": name, "in": "header", "required": True, "schema": {"type": "string"},
        "description": description, "example": shown,
    }  # fmt: skip


_HEADERS = [
    _header(
        "webhook-id", "The event's id: the same on every attempt. Drop what you have seen.",
        "evt_01kjqh2x2pfb882kzkt6mv5hre",
    ),
    _header(
        "webhook-timestamp", "When this attempt was signed, in seconds since 1970.", "1772463683"
    ),
    _header(
        "webhook-signature",
        "`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; several while a secret is "
        "rotated, with a space in between.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
    _header("ringback-attempt", "1, 2, 3 …", "1"),
]  # fmt: skip


def add_events(document: dict[str, Any]) -> None:
    """Add every type of ours to a document."""
    parts = definitions(_COMPONENTS, *CATALOGUE)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    bodies = {type_: _body(type_) for type_ in CATALOGUE}
    clashes = set(schemas) & {*parts, *bodies}
    assert not clashes, clashes
    schemas |= {name: part for name, part in parts.items() if not name.endswith("Event")}
    schemas |= bodies
    document["webhooks"] = {type_: {"post": _webhook(type_)} for type_ in CATALOGUE}


def _body(type_: str) -> dict[str, Any]:
    """Return a type's schema as a component: what it refers to are components too."""
    whole = {name: value for name, value in schema(type_).items() if not name.startswith("$")}
    data = whole["properties"]["data"]["$ref"].rpartition("/")[2]
    whole["properties"] = {
        **whole["properties"], "data": {"$ref": _COMPONENTS.format(name=data)}
    }  # fmt: skip
    return whole


def _webhook(type_: str) -> dict[str, Any]:
    known = CATALOGUE[type_]
    later = "" if known.emitted else " Nothing in this version brings it about."
    content = {
        "schema": {"$ref": _COMPONENTS.format(name=type_)},
        "example": msgspec.json.decode(example(type_)),
    }
    return {
        "operationId": f"on_{type_.replace('.', '_')}",
        "tags": [f"{type_.partition('.')[0]} events".replace("_", " ")],
        "summary": known.description.rstrip("."),
        "description": f"{known.description}{later} Schema: `{schema_path(type_)}`.",
        "parameters": _HEADERS,
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": _ANSWERS,
        "security": [],
    }  # fmt: skip
