"""What is derived from a `Config` struct: validation, redaction, and the schema for a form.

Nothing here knows a provider; nothing here stores a secret.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import inspect

from ringback.providers.base import ProviderConfig

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
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    faults = [(_pointer(str(name)), "no such field") for name in raw if name not in fields]
    for name, field in fields.items():
        if name not in raw:
            if field.required:
                faults.append((_pointer(name), "is required"))
            continue
        try:
            msgspec.convert(raw[name], field.type)
        except msgspec.ValidationError as error:
            faults.append((_pointer(name), _said(str(error))))
    if faults:
        raise ConfigError(faults)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise ConfigError([("", _said(str(error)))]) from error


def secret_fields(kind: type[ProviderConfig]) -> set[str]:
    """Return the names of the fields whose values are secrets."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return {field.encode_name for field in info.fields if _is_secret(field.type)}


def redact(config: ProviderConfig) -> dict[str, object]:
    """Return the config as plain values in which no secret can be read.

    A long secret becomes "…" and its last four characters, a short one "set", none stays None.
    """
    plain: dict[str, object] = msgspec.to_builtins(config)
    for name in secret_fields(type(config)):
        value = plain.get(name)
        if isinstance(value, str):
            plain[name] = f"…{value[-4:]}" if len(value) >= SHOWN_FROM else "set"
    return plain


def json_schema(kind: type[ProviderConfig]) -> dict[str, object]:
    """Return the JSON Schema of a config, with its secrets marked `writeOnly`."""
    _, components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own: dict[str, object] = dict(components[kind.__name__])
    properties = own["properties"]
    assert isinstance(properties, dict)
    for name in secret_fields(kind):
        properties[name] = {**properties[name], "writeOnly": True, "format": "password"}
    return own


def _is_secret(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.Metadata):
        return bool((kind.extra or {}).get("secret")) or _is_secret(kind.type)
    return isinstance(kind, inspect.UnionType) and any(map(_is_secret, kind.types))


def _pointer(name: str) -> str:
    return "/" + name[:128].replace("~", "~0").replace("/", "~1")


def _said(message: str) -> str:
    return message.partition(" - at `")[0]
