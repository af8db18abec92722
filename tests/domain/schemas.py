"""Checking bodies against schemas, as closed as they can be: a field too many is a fault too."""

import json
from functools import cache
from typing import Any

import jsonschema_rs

from ringback.domain.event_schemas import schema


def closed(node: Any) -> Any:
    """Return a schema in which no object may have fields that it does not name."""
    if isinstance(node, list):
        return [closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    shut = {name: closed(one) for name, one in node.items()}
    if isinstance(shut.get("properties"), dict) and "type" in shut:
        shut["additionalProperties"] = False
    return shut


@cache
def _validator(type_: str) -> Any:
    return jsonschema_rs.Draft202012Validator(closed(schema(type_)), validate_formats=True)


def faults(body: bytes) -> list[str]:
    """Return what is wrong with an event of a type of ours, by its schema."""
    event = json.loads(body)
    return [
        f"{event['type']} {error.instance_path}: {error.message}"
        for error in _validator(event["type"]).iter_errors(event)
    ]
