"""What people write and what the API gets: times, spans, lists, pairs, paths."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer

from ringback.cli import values
from ringback.domain.ids import Prefix, show, uuid7
from ringback.providers.config import json_schema
from ringback.providers.generic_config import GenericConfig

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
BORN_MS = round(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp() * 1000)


def _id(prefix: Prefix) -> str:
    return show(prefix, uuid7(BORN_MS, bytes(10)))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("2h30m", 9000), ("7d", 604_800), ("1w", 604_800), ("250ms", 0.25),
     ("12", 12), ("1.5", 1.5)],
)  # fmt: skip
def test_spans_are_read(text: str, seconds: float) -> None:
    """With units, or as seconds."""
    assert seconds == values.seconds(text)


@pytest.mark.parametrize("text", ["", "m", "-5m", "5 m", "5x", "1h-5m", "²s"])
def test_what_is_no_span_is_refused(text: str) -> None:
    """With an example of one."""
    with pytest.raises(typer.BadParameter, match="15m"):
        values.seconds(text)


@pytest.mark.parametrize(
    ("text", "ahead", "at"),
    [
        ("2h", False, "2026-03-02T13:00:00.000Z"), ("2h", True, "2026-03-02T17:00:00.000Z"),
        ("2026-03-02T16:00:00+02:00", False, "2026-03-02T14:00:00.000Z"),
        (_id("msg"), False, "2026-03-01T12:00:00.000Z"),
    ],
)  # fmt: skip
def test_times_are_read(text: str, ahead: bool, at: str) -> None:
    """A span from now, ISO 8601 with its zone, or an id for the time that it carries."""
    assert at == values.moment(text, NOW, ahead=ahead)


@pytest.mark.parametrize("text", ["yesterday", "msg_1", "2026-13-01", ""])
def test_what_is_no_time_is_refused(text: str) -> None:
    """With what it may be."""
    with pytest.raises(typer.BadParameter, match="or an id"):
        values.moment(text, NOW)


def test_places_in_the_feed_are_the_apis_or_the_time_of_an_id() -> None:
    """What the API knows is left alone."""
    for text in ("15m", "earliest", _id("evt"), "fNbR"):
        assert text == values.place(text, NOW)
    assert "2026-03-01T12:00:00.000Z" == values.place(_id("msg"), NOW)


def test_fields_are_set_by_their_paths() -> None:
    """JSON where it is some, else text; through what is no object leads no path."""
    into: dict[str, Any] = {"a": 1}
    values.assignments(["b.c=3", "b.d=x y", "e=null", "f=", "g=[1]", "h=0815", "i=a=b"], into)
    wanted = {"a": 1, "b": {"c": 3, "d": "x y"}, "e": None, "f": "", "g": [1], "h": "0815"}
    assert {**wanted, "i": "a=b"} == into
    for wrong in ("a.b=1", "nothing", "=x"):
        with pytest.raises(typer.BadParameter):
            values.assignments([wrong], into)


def test_lists_are_given_at_once_or_one_by_one() -> None:
    """An empty text is the empty list."""
    assert ["a", "b", "c"] == values.items(["a, b", "c"])
    assert [] == values.items([""])
    assert {} == values.pairs([""])
    assert {"a": "b=c"} == values.pairs(["a=b=c"])


def test_settings_are_read_as_their_schema_says(tmp_path: Path) -> None:
    """Within parts too: digits of a secret stay a text; what is no text may stand in a file."""
    mapping = tmp_path / "mapping.json"
    mapping.write_text('{"rules": []}', encoding="utf-8")
    given = {
        "mapping": f"@{mapping}", "verify.scheme": "hmac", "verify.secret": "0042",
        "verify.tolerance_s": "60", "preset": "@kannel",
    }  # fmt: skip
    read = values.by_schema(given, json_schema(GenericConfig))
    verify = {"scheme": "hmac", "secret": "0042", "tolerance_s": 60}
    assert {"mapping": {"rules": []}, "verify": verify, "preset": "@kannel"} == read
    with pytest.raises(typer.BadParameter, match="Cannot read"):
        values.by_schema({"mapping": "@nowhere.json"}, json_schema(GenericConfig))
