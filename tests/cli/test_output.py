"""Data as it is written: tables that fit, CSV that is safe, JSON that is JSON."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from rich.console import Console

from ringback.cli.declared import Column
from ringback.cli.output import Output, harmless, safe, since

COLUMNS = (
    Column("id", "id", "id"), Column("url", "url"),
    Column("status", "on", "status", words=("off", "on")),
    Column("made", "at", "time"), Column("more", "more", wide=True),
)  # fmt: skip
ID = "end_0123456789abcdefghjkmnpqrs"
ROW = {
    "id": ID, "url": "https://example.com/a/very/long/path/of/somebody/else", "on": True,
    "at": "2026-03-02T15:00:00.000Z", "more": "x" * 40,
}  # fmt: skip


def _written(
    monkeypatch: pytest.MonkeyPatch, form: str, rows: list[dict[str, object]], width: int = 0
) -> str:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    output = Output(form)  # type: ignore[arg-type]
    if width:
        output._console = Console(file=out, width=width, force_terminal=True, color_system=None)
        output._terminal = True
    output.rows(rows, COLUMNS)
    return out.getvalue()


def test_a_table_fits_the_terminal_and_cuts_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wide goes first, then texts are cut."""
    head, line = _written(monkeypatch, "table", [ROW], 80).splitlines()
    assert "MORE" not in head
    assert ID in line
    assert "…" in line
    assert 80 >= len(line.rstrip())
    wide = _written(monkeypatch, "table", [ROW], 200)
    assert "x" * 40 in wide
    assert str(ROW["url"]) in wide


def test_a_table_in_a_pipe_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is cut, times are times, and there are no colours."""
    text = _written(monkeypatch, "table", [ROW])
    assert str(ROW["url"]) in text
    assert "2026-03-02T15:00:00.000Z" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("+cmd", "'+cmd"), ("-x", "'-x"),
        ("\tx", "'\tx"), ("+15550123", "+15550123"), ("+44 20 7946 0000", "+44 20 7946 0000"),
        ("-5", "-5"), ("plain", "plain"), ("+1+1", "'+1+1"), ("", ""),
    ],
)  # fmt: skip
def test_a_spreadsheet_runs_nothing(text: str, written: str) -> None:
    """What would be a formula is text; phone numbers and numbers stay what they are."""
    assert written == harmless(text)


def test_csv_has_all_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Titles first; values as they are, quoted where need be."""
    text = _written(monkeypatch, "csv", [{**ROW, "more": '=A1,"b"'}])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(ID, "on", '\'=A1,"b"')] == [(row["id"], row["status"], row["more"]) for row in rows]


def test_json_stays_json_whatever_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list is one array, with jsonl a value a line; what steers terminals is escaped."""
    rows: list[dict[str, object]] = [{"id": "a", "text": "\x1b[31m\x9b2J\u202e\n"}, {"id": "b"}]
    one = _written(monkeypatch, "json", rows)
    assert rows == json.loads(one)
    assert not {"\x1b", "\x9b", "\u202e"} & set(one)
    lines = _written(monkeypatch, "jsonl", rows).splitlines()
    assert rows == [json.loads(line) for line in lines]
    assert [] == json.loads(_written(monkeypatch, "json", []))


def test_what_comes_from_outside_cannot_steer_the_terminal() -> None:
    """Control characters are shown, not obeyed."""
    assert "a\\x1b[2Jb⏎c" == safe("a\x1b[2Jb\nc")


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-03-02T14:59:30.000Z", "30s ago"), ("2026-03-02T12:00:00.000Z", "3h ago"),
        ("2026-03-02T15:05:00.000Z", "in 5m"), ("2025-03-02T12:00:00.000Z", "2025-03-02"),
        ("no time", "no time"),
    ],
)  # fmt: skip
def test_times_are_told_from_now(at: str, told: str) -> None:
    """In the largest unit, and as a day when it is more than a month away."""
    assert told == since(at, datetime(2026, 3, 2, 15, tzinfo=UTC))
