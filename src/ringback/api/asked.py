"""The base of all request bodies: nothing is guessed, nothing unknown is let pass.

And reading ids out of paths and filters.
"""

import uuid

from pydantic import BaseModel, ConfigDict

from ringback.api.problems import not_found, wrong_parameter
from ringback.domain import ids
from ringback.domain.event_types import faults_in_patterns

# What names types in a filter.
TYPES_MAX = 1024
_NOUNS: dict[ids.Prefix, str] = {
    "msg": "message", "evt": "event", "end": "endpoint", "con": "connection", "cbk": "callback",
    "att": "attempt", "dlv": "delivery", "key": "API key", "usr": "person", "ses": "session",
    "opt": "suppression", "med": "file",
}  # fmt: skip


class Asked(BaseModel):
    """The base of every request body: no unknown field, no text where a number belongs."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_by_name=False)


def id_in_path(prefix: ids.Prefix, text: str) -> uuid.UUID:
    """Read an id from a path. Raises Problem 404: what is no id names nothing."""
    found = ids.read(prefix, text)
    if found is None:
        raise not_found(_NOUNS[prefix])
    return found


def id_in_filter(prefix: ids.Prefix, text: str | None, parameter: str) -> uuid.UUID | None:
    """Read an id from a filter, if there is one. Raises Problem 422 when it is no id."""
    if text is None:
        return None
    found = ids.read(prefix, text)
    if found is None:
        detail = f"Write the id of one {_NOUNS[prefix]}, {prefix}_ and 26 characters."
        raise wrong_parameter(parameter, detail)
    return found


def types_in_filter(text: str | None) -> list[str]:
    """Read which types are asked for, with commas between; none: all. Raises Problem 422."""
    if text is None:
        return []
    patterns = text.split(",")
    if "*" in patterns or faults_in_patterns(patterns, ""):
        words = "Write a type such as message.read, or a family such as message.*; "
        raise wrong_parameter("type", words + "several with commas between.")
    return patterns
