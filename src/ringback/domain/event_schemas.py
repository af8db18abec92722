"""The schema of every type of ours, derived from the structs in event_bodies.py.

JSON Schema, draft 2020-12. Objects are open: a receiver lets fields pass that it does not know.
"""

import re
from functools import cache
from typing import Any

import msgspec

from ringback.domain.event_bodies import body_of
from ringback.domain.event_envelopes import PublishedEnvelope
from ringback.domain.event_types import CATALOGUE

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = 1
_REFERENCES = "#/$defs/{name}"


def versions(type_: str) -> list[int]:
    """Return the versions that a type of ours has, oldest first; none when there is no such."""
    return [VERSION] if type_ in CATALOGUE else []


def schema_path(type_: str, version: int = VERSION) -> str:
    """Return the path at which a schema of ours is served."""
    return f"/schemas/{type_}/v{version}"


def envelope_has_subject(type_: str) -> bool:
    """Say whether events of a type have the envelope of published ones."""
    return issubclass(body_of(type_), PublishedEnvelope)


@cache
def schema(type_: str) -> dict[str, Any]:
    """Return the schema of whole events of a type, complete in itself."""
    parts = definitions(_REFERENCES, type_)
    name = body_of(type_).__name__
    whole = parts.pop(name)
    return {
        "$schema": DIALECT,
        "$id": schema_path(type_),
        "title": type_,
        **whole,
        "description": CATALOGUE[type_].description,
        "properties": {**whole["properties"], "type": {"const": type_}},
        "$defs": parts,
    }


def definitions(references: str, *types: str) -> dict[str, Any]:
    """Return what describes the bodies of these types, by name.

    `references` says how they refer to one another, with {name} for the name.
    """
    bodies = {body_of(type_) for type_ in types}
    ordered = sorted(bodies, key=lambda body: body.__name__)
    _, found = msgspec.json.schema_components(ordered, ref_template=references)
    return {name: _described(part) for name, part in found.items()}


def _described(part: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in part.items() if name != "title"}


def _plain(value: Any) -> Any:
    """Take the line breaks of docstrings out of descriptions, at every depth."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return re.sub(r"\s*\n\s*", " ", value) if isinstance(value, str) else value
