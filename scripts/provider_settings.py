"""The settings of a provider as tables: its own, then each of the parts that they are made of."""

import json
from typing import Any

import msgspec

from ringback.providers.base import ProviderConfig
from ringback.providers.config import json_schema
from scripts.provider_tables import code, codes, section, table

Json = dict[str, Any]
# What several providers have in common stands on the page of one. Part: that page.
_ELSEWHERE = {"Mapping": "generic.md"}
_TYPES = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
    "null": "nothing",
}  # fmt: skip


def settings(kind: type[ProviderConfig], page: str) -> str:
    """Return the tables of a config for the page of that name; a part stands there once."""
    schema = json_schema(kind)
    parts: Json = schema.get("$defs", {})  # type: ignore[assignment]
    own = _rows(schema, page)
    if not own:
        return "There are none.\n"
    told, waiting, texts = set[str](), _named(schema, page), []
    while waiting:
        name = waiting.pop(0)
        if name not in told:
            told.add(name)
            part = parts[name]
            body = f"{part.get('description', '')}\n\n" + table(_HEAD, _rows(part, page))
            texts.append(section(name, body, 3))
            waiting += _named(part, page)
    after = "\nWhat is secret is sealed, and never shown again. "
    after += "`a.b` is the field `b` of the setting `a`.\n" if texts else "\n"
    return "\n".join([table(_HEAD, own) + after.replace(" \n", "\n"), *texts])


_HEAD = ["setting", "is", "", "what it is"]


def required(kind: type[ProviderConfig]) -> list[str]:
    """Return the settings without which there is no connection; of parts with their path."""
    schema = json_schema(kind)
    parts: Json = schema.get("$defs", {})  # type: ignore[assignment]
    return _required(schema, parts)


def sending(kind: type[ProviderConfig]) -> list[str]:
    """Return the optional settings that are needed to send, as their help says."""
    return [
        field.encode_name
        for field in msgspec.structs.fields(kind)
        if field.default is None and "Needed" in _help(json_schema(kind), field.encode_name)
    ]


def _help(schema: Json, name: str) -> str:
    said = schema["properties"][name]
    inner = [said, *said.get("anyOf", [])]
    return next((str(one["description"]) for one in inner if one.get("description")), "")


def _required(schema: Json, parts: Json) -> list[str]:
    found = []
    for name in schema.get("required", []):
        said = schema["properties"][name]
        inner = _refs(said)
        if inner:
            # Of several kinds the first: it is what most want.
            found += [f"{name}.{one}" for one in _required(parts[inner[0]], parts)]
        else:
            word = said.get("enum", ["…"])[0]
            found.append(f"{name}={word}")
    return found


def _rows(schema: Json, page: str) -> list[list[str]]:
    wanted = schema.get("required", [])
    rows = []
    for name, said in schema.get("properties", {}).items():
        marks = ["required"] if name in wanted else []
        marks += ["secret"] if said.get("writeOnly") else []
        marks += ["made up if left out"] if name in wanted and said.get("x-chosen") else []
        default = said.get("default")
        if name not in wanted and default not in (None, "", [], {}):
            marks.append(code(default if isinstance(default, str) else json.dumps(default)))
        rows.append([code(name), _type(said, page), ", ".join(marks), _help(schema, name)])
    return rows


def _type(said: Json, page: str) -> str:
    """Say in a few words what may stand in a field."""
    if "$ref" in said:
        name = said["$ref"].rpartition("/")[2]
        there = _ELSEWHERE.get(name, page)
        return f"[{name}]({'' if there == page else there}#{name.lower()})"
    if "enum" in said:
        return codes([str(one) for one in said["enum"]])
    if "anyOf" in said:
        kinds = [_type(one, page) for one in said["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if said.get("type") == "array":
        inner = _type(said.get("items", {}), page)
        return f"list of {inner}" if inner else "list"
    if said.get("type") == "object":
        inner = _type(said.get("additionalProperties") or {}, page)
        return f"names, each with {inner}" if inner else "object"
    return _TYPES.get(str(said.get("type")), "")


def _named(schema: Json, page: str) -> list[str]:
    """Return the parts that an object's fields name, in their order."""
    found = [name for said in schema.get("properties", {}).values() for name in _refs(said)]
    return [name for name in found if _ELSEWHERE.get(name, page) == page]


def _refs(said: Json) -> list[str]:
    if "$ref" in said:
        return [said["$ref"].rpartition("/")[2]]
    inner = [*said.get("anyOf", []), said.get("items"), said.get("additionalProperties")]
    return [name for one in inner if isinstance(one, dict) for name in _refs(one)]
