"""Every fault of a config at once: where it lies, as a JSON pointer, and what is wrong, in words.

Goes down into the config's parts: structs, structs told apart by a tag, lists, tables. No message
holds a value of the config, because a secret may stand in the wrong field.
"""

import re
import types
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

Fault = tuple[str, str]

# How many items of a list, or of a table, are looked at one by one; their bounds are lower.
ITEMS_MAX = 64
NAMES_MAX = 256

_STEP = re.compile(r"\.(\w+)|\[([0-9]+)\]")


def faults(raw: object, kind: Any, at: str = "") -> list[Fault]:
    """Return what keeps `raw`, which stands at the pointer `at`, from being a `kind`."""
    within = list(_within(raw, kind, at))
    if within:
        return within
    try:
        msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$")
        steps = ("".join(step) for step in _STEP.findall(path))
        return [(at + "".join(f"/{step}" for step in steps), _worded(said, kind))]
    return []


def pointer(name: str) -> str:
    """Write a field's name as one step of a JSON pointer."""
    return "/" + name[:128].replace("~", "~0").replace("/", "~1")


def _within(raw: object, kind: Any, at: str) -> Iterator[Fault]:
    members = _members(kind)
    if isinstance(raw, Mapping):
        structs = [one for one in members if _is_struct(one)]
        if structs:
            yield from _of_object(raw, structs, at)
        for member in members:
            if get_origin(member) is dict:
                for name, item in islice(raw.items(), NAMES_MAX):
                    yield from faults(item, get_args(member)[1], at + pointer(str(name)))
    elif isinstance(raw, list | tuple):
        for member in members:
            if get_origin(member) is list:
                for index, item in enumerate(raw[:ITEMS_MAX]):
                    yield from faults(item, get_args(member)[0], f"{at}/{index}")


def _of_object(
    raw: Mapping[object, object], structs: list[type[msgspec.Struct]], at: str
) -> Iterator[Fault]:
    tag_field = structs[0].__struct_config__.tag_field
    kinds = {str(one.__struct_config__.tag): one for one in structs}
    chosen = structs[0]
    if tag_field is not None:
        word = raw.get(tag_field)
        if not isinstance(word, str) or word not in kinds:
            known = f"must be one of: {', '.join(kinds)}"
            yield at + pointer(tag_field), known if tag_field in raw else "is required"
            return
        chosen = kinds[word]
    fields = {field.encode_name: field for field in msgspec.structs.fields(chosen)}
    for name in raw:
        if name not in fields and name != tag_field:
            yield at + pointer(str(name)), "no such field"
    for name, field in fields.items():
        if name in raw:
            yield from faults(raw[name], field.type, at + pointer(name))
        elif field.required:
            yield at + pointer(name), "is required"


def _members(kind: Any) -> list[Any]:
    """Return the types that a field may have, without what is annotated to them."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _members(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return [member for one in get_args(kind) for member in _members(one)]
    return [kind]


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _worded(said: str, kind: Any) -> str:
    if not said.startswith("Invalid "):
        return said
    # The library repeats the value; the words that would have been right are of more use.
    literals = [one for one in _members(kind) if get_origin(one) is Literal]
    words = [str(word) for one in literals for word in get_args(one)]
    return f"must be one of: {', '.join(words)}"
