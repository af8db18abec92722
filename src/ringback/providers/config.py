"""What is derived from a `Config` struct: validation, redaction, and the schema for a form.

A config may have parts: structs, also told apart by a tag, and lists of them. Nothing here knows a
provider; nothing here stores a secret.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec
from msgspec import inspect

from ringback.providers.base import ProviderConfig
from ringback.providers.config_faults import faults

C = TypeVar("C", bound=ProviderConfig)

# A secret at least this long may show its last four characters.
SHOWN_FROM = 12


class ConfigError(ValueError):
    """A config that is not valid: every fault at once, as (JSON pointer, message).

    No message holds a value of the config.
    """

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{pointer}: {message}" for pointer, message in faults))
        self.faults = faults


def load_config(kind: type[C], raw: object) -> C:
    """Make a `kind` of plain values. Raises ConfigError with everything that is wrong."""
    if not isinstance(raw, Mapping):
        raise ConfigError([("", "must be an object")])
    try:
        config = msgspec.convert(raw, kind)
    except msgspec.ValidationError:
        # The library's own error may repeat a value.
        raise ConfigError(faults(raw, kind)) from None
    found = config.faults()
    if found:
        raise ConfigError(found)
    return config


def secret_fields(kind: type[msgspec.Struct]) -> set[str]:
    """Return the names of the fields of this struct itself whose values are secrets."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return {field.encode_name for field in info.fields if _is_marked(field.type, "secret")}


def chosen_fields(kind: type[msgspec.Struct]) -> set[str]:
    """Return the names of the fields of this struct itself that we choose, and the provider not."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return {field.encode_name for field in info.fields if _is_marked(field.type, "chosen")}


def redact(config: msgspec.Struct) -> dict[str, object]:
    """Return the config as plain values in which no secret can be read, however deep it stands.

    A long secret becomes "…" and its last four characters, a short one "set", none stays None.
    Parts that are declared so leave out what is at its default.
    """
    about = config.__struct_config__
    plain: dict[str, object] = {about.tag_field: about.tag} if about.tag_field else {}
    hidden = secret_fields(type(config))
    for field in msgspec.structs.fields(config):
        value = getattr(config, field.name)
        if about.omit_defaults and _is_default(field, value):
            continue
        plain[field.encode_name] = _masked(value) if field.encode_name in hidden else _shown(value)
    return plain


def json_schema(kind: type[ProviderConfig]) -> dict[str, object]:
    """Return the JSON Schema of a config.

    Its secrets are marked `writeOnly`, and what we choose ourselves `x-chosen`.
    """
    _, components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    for struct in _structs(inspect.type_info(kind)):
        properties = components[struct.__name__]["properties"]
        for name in secret_fields(struct):
            properties[name] = {**properties[name], "writeOnly": True, "format": "password"}
        for name in chosen_fields(struct):
            properties[name] = {**properties[name], "x-chosen": True}
    own: dict[str, object] = components.pop(kind.__name__)
    return {**own, "$defs": components} if components else own


def _is_default(field: msgspec.structs.FieldInfo, value: object) -> bool:
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(value == field.default_factory())
    return bool(value == field.default)


def _masked(value: object) -> object:
    if isinstance(value, str):
        return f"…{value[-4:]}" if len(value) >= SHOWN_FROM else "set"
    return [_masked(one) for one in value] if isinstance(value, list) else value


def _shown(value: object) -> object:
    if isinstance(value, msgspec.Struct):
        return redact(value)
    return [_shown(one) for one in value] if isinstance(value, list) else msgspec.to_builtins(value)


def _is_marked(kind: inspect.Type, mark: str) -> bool:
    if isinstance(kind, inspect.Metadata):
        return bool((kind.extra or {}).get(mark)) or _is_marked(kind.type, mark)
    if isinstance(kind, inspect.ListType):
        return _is_marked(kind.item_type, mark)
    return isinstance(kind, inspect.UnionType) and any(_is_marked(one, mark) for one in kind.types)


def _structs(kind: inspect.Type) -> Iterator[type[msgspec.Struct]]:
    """Go through the structs that a type is made of, each after the one it stands in."""
    if isinstance(kind, inspect.StructType):
        yield kind.cls
        for field in kind.fields:
            yield from _structs(field.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _structs(one)
    elif isinstance(kind, inspect.Metadata):
        yield from _structs(kind.type)
    elif isinstance(kind, inspect.ListType):
        yield from _structs(kind.item_type)
    elif isinstance(kind, inspect.DictType):
        yield from _structs(kind.value_type)
