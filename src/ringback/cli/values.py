"""What people write, as the API wants it: durations, times, lists, pairs, JSON."""

import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import typer

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|min|m|h|d|w))+")
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|min|m|h|d|w)")


def duration_s(text: str) -> float | None:
    """Read `90s`, `15m`, `2h30m`, `7d` as seconds; None when it is no duration."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def seconds(text: str) -> float:
    """Read a duration, or a plain number of seconds.

    Raises:
        BadParameter: it is neither.

    """
    found = duration_s(text)
    if found is None and re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        found = float(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no duration: write 90s, 15m, 2h or 7d.")
    return int(found) if found == int(found) else found


def moment(text: str, now: datetime, *, ahead: bool = False) -> str:
    """Read a time: ISO 8601, a duration from now (before it, or `ahead`), or an id, for its time.

    Raises:
        BadParameter: it is none of them.

    """
    span = duration_s(text)
    if span is not None:
        return _written(now + timedelta(seconds=span if ahead else -span))
    born = _of_id(text)
    if born is not None:
        return _written(born)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time: write 2h or 7d, 2026-03-02T15:00:00Z, or an id."
        ) from None
    # Without a zone it is the time of whoever writes it.
    return _written(at if at.tzinfo else at.astimezone())


def place(text: str, now: datetime) -> str:
    """Read a place in the feed: what the API knows as one, or any other id, for its time."""
    return text if text.startswith("evt_") or _of_id(text) is None else moment(text, now)


def _of_id(text: str) -> datetime | None:
    from ringback.domain import ids

    prefix = next((one for one in get_args(ids.Prefix) if text.startswith(f"{one}_")), None)
    identifier = ids.read(prefix, text) if prefix else None
    if identifier is None:
        return None
    return datetime.fromtimestamp(ids.time_of(identifier) / 1000, UTC)


def _written(at: datetime) -> str:
    text = at.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def items(texts: Iterable[str]) -> list[str]:
    """Read a list: an option given several times, or once with commas; `""` is the empty list."""
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def each(texts: Iterable[str], read: Callable[[str], Any]) -> list[Any]:
    """Read every item of a list."""
    return [read(text) for text in items(texts)]


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """Read `name=value` pairs.

    Raises:
        BadParameter: one has no `=`.

    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            if not text:
                continue  # an empty one: no pairs at all
            raise typer.BadParameter(f"{text!r} is no pair: write name=value.")
        found[name.strip()] = value
    return found


def document(text: str) -> Any:
    """Read JSON: itself, `@file`, or `-` for standard input.

    Raises:
        BadParameter: the file cannot be read, or it is no JSON.

    """
    source = "it"
    if text == "-":
        source, text = "standard input", sys.stdin.read()
    elif text.startswith("@"):
        source = text[1:]
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"Cannot read {source}: {error}.") from None
    try:
        return json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"{source} is not JSON: {error}.") from None


def loose(text: str) -> Any:
    """Read a value for `--set`: JSON where it is some (3, true, null, [1]), else text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def by_schema(texts: dict[str, str], schema: dict[str, Any]) -> dict[str, Any]:
    """Read values as an object's JSON Schema says: texts stay texts, `a.b` is b in the object a.

    What is no text may stand in a file, as `@file`.
    """
    found: dict[str, Any] = {}
    for name, text in texts.items():
        if any(map(_is_text, _at(schema, name))):
            put(found, name, text)
        else:
            put(found, name, document(text) if text.startswith("@") else loose(text))
    return found


def _at(schema: dict[str, Any], path: str) -> list[dict[str, Any]]:
    """Return the schemas that a value at a dotted path may have."""
    found = _kinds(schema, schema)
    for step in path.split("."):
        inner = [one["properties"][step] for one in found if step in one.get("properties", {})]
        found = [kind for one in inner for kind in _kinds(one, schema)]
    return found


def _kinds(one: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a schema, what it refers to, and what else it may be."""
    if "$ref" in one:
        return [schema["$defs"][one["$ref"].rpartition("/")[2]]]
    return [one, *(kind for other in one.get("anyOf", ()) for kind in _kinds(other, schema))]


def _is_text(kind: dict[str, Any]) -> bool:
    return kind.get("type") == "string" or any(isinstance(one, str) for one in kind.get("enum", ()))


def put(into: dict[str, Any], path: str, value: Any) -> None:
    """Set a value at a dotted path, making objects on the way.

    Raises:
        BadParameter: on the way is something that is no object.

    """
    *way, last = path.split(".")
    for step in way:
        inner = into.setdefault(step, {})
        if not isinstance(inner, dict):
            raise typer.BadParameter(f"{path}: {step} is no object.")
        into = inner
    into[last] = value


def assignments(texts: Iterable[str], into: dict[str, Any]) -> None:
    """Apply `path=value` texts to an object.

    Raises:
        BadParameter: one has no `=`, or leads through what is no object.

    """
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise typer.BadParameter(f"{text!r}: write path=value, as in data.total=12.")
        put(into, path, loose(value))


def named(given: Iterable[str]) -> list[str]:
    """Read ids: as given, and for `-` those on standard input, of which there may be none."""
    found: list[str] = []
    for text in given:
        found += sys.stdin.read().split() if text == "-" else [text]
    return list(dict.fromkeys(found))
