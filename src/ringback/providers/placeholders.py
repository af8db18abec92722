"""Placeholders for settings that somebody who only tries things out has not made: pure.

What a provider's own host would never accept is enough for a faked one. Only optional texts that
are missing are filled in, and only for a send that goes to a fake.
"""

import re
from typing import TypeVar

import msgspec

C = TypeVar("C", bound=msgspec.Struct)

# Tried in turn against a field's pattern and length: the first that fits is taken.
_CANDIDATES = (
    "not-a-real-placeholder", "placeholder", "Placeholder1", "100000000000001", "1000001", "1",
    "0" * 32, "AC" + "0" * 32, "SK" + "0" * 32, "MG" + "0" * 32,
    "00000000-0000-4000-8000-000000000000", "+15550199000", "15550199000", "PH", "ph",
    "https://placeholder.invalid", "user@placeholder.invalid",
)  # fmt: skip


def filled(config: C) -> C:
    """Return a config in which every optional text that is missing has a made-up value.

    A text that no candidate fits stays missing.
    """
    made: dict[str, object] = {}
    for field in msgspec.structs.fields(type(config)):
        if getattr(config, field.name) is None:
            value = _made_up(msgspec.inspect.type_info(field.type))
            if value is not None:
                made[field.name] = value
    return msgspec.structs.replace(config, **made) if made else config


def _made_up(kind: msgspec.inspect.Type) -> str | None:
    """Make a value up for a type that may be a text; None for any other."""
    if isinstance(kind, msgspec.inspect.Metadata):
        return _made_up(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        found = (_made_up(one) for one in kind.types)
        return next((one for one in found if one is not None), None)
    if not isinstance(kind, msgspec.inspect.StrType):
        return None
    return next((one for one in _CANDIDATES if _fits(one, kind)), None)


def _fits(value: str, kind: msgspec.inspect.StrType) -> bool:
    longest = len(value) if kind.max_length is None else kind.max_length
    if not (kind.min_length or 0) <= len(value) <= longest:
        return False
    return kind.pattern is None or re.search(kind.pattern, value) is not None
