"""Data on standard output: tables for people; JSON, CSV and ids for programs.

On a terminal a table keeps to its width, ids are never cut, and times are told from now. Elsewhere
nothing is cut and times are whole. What came from outside cannot steer the terminal.
"""

import csv
import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import typer
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from ringback.cli.declared import Column
from ringback.cli.options import Format

Row = dict[str, Any]
# Rows by which the widths of a table's columns are found; those after them keep to it.
MEASURED = 200
_GAP = 2
_FLEXIBLE_MIN = 8
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FORMULA = re.compile(r"[=+\-@\t\r]")
_HARMLESS = re.compile(r"\+[0-9][0-9 ().-]{1,24}|-?[0-9]+(\.[0-9]+)?")
_GOOD = frozenset({
    "delivered", "read", "accepted", "enabled", "received", "live", "active", "succeeded", "200",
    "201", "202", "204",
})  # fmt: skip
_BAD = frozenset({
    "failed", "exhausted", "rejected", "expired", "disabled", "revoked", "suspended", "quarantined",
    "unparsed",
})  # fmt: skip
_OPEN = frozenset({"pending", "scheduled", "queued", "submitted", "sent", "unconfirmed", "test"})


class Output:
    """Writes rows and records in one format."""

    def __init__(self, wanted: Format, *, no_color: bool = False) -> None:
        """Take the format; standard output is looked at, not written to."""
        self.format = wanted
        self._console = Console(
            file=sys.stdout, no_color=no_color or None, highlight=False, emoji=False,
            markup=False, soft_wrap=True,
        )  # fmt: skip
        self._terminal = self._console.is_terminal

    def rows(self, rows: Iterable[Row], columns: Sequence[Column], key: str = "id") -> int:
        """Write a list and return how many rows it had; `key` names the field that is the id."""
        writers = {
            "table": self._table, "json": self._json, "jsonl": self._jsonl, "csv": self._csv,
        }  # fmt: skip
        if self.format == "id":
            return self._ids(rows, key)
        return writers[self.format](rows, columns)

    def one(self, record: Any, columns: Sequence[Column] = (), key: str = "id") -> None:
        """Write one thing, whole."""
        if self.format == "table":
            self._detail(record)
        elif self.format == "json":
            self._line(_json(record, indent=2))
        elif self.format == "csv" and columns:
            self._csv([record], columns)
        elif self.format == "id" and isinstance(record, dict) and key in record:
            self._ids([record], key)
        else:
            self._line(_json(record))

    def several(self, records: Iterable[Row], columns: Sequence[Column], key: str = "id") -> None:
        """Write several things, whole, as they come."""
        if self.format in {"json", "csv", "id"}:
            self.rows(records, columns, key)
            return
        for number, record in enumerate(records):
            if number and self.format == "table":
                self._line("")
            self.one(record, columns, key)

    def text(self, text: Text) -> None:
        """Write a line of a drawing."""
        text.rstrip()
        self._console.print(text)

    def _line(self, text: str) -> None:
        sys.stdout.write(text + "\n")

    def _ids(self, rows: Iterable[Row], key: str) -> int:
        count = 0
        for row in rows:
            self._line(_plain(row.get(key)))
            count += 1
        return count

    def _json(self, rows: Iterable[Row], columns: Sequence[Column]) -> int:
        del columns
        count = 0
        try:
            for row in rows:
                text = _json(row, indent=2).replace("\n", "\n  ")
                sys.stdout.write(f"{',' if count else '['}\n  {text}")
                count += 1
        except typer.Exit:
            # What there was is whole, and the exit code tells that it is a part.
            self._line("\n]" if count else "[]")
            raise
        self._line("\n]" if count else "[]")
        return count

    def _jsonl(self, rows: Iterable[Row], columns: Sequence[Column]) -> int:
        del columns
        count = 0
        for row in rows:
            self._line(_json(row))
            count += 1
        return count

    def _csv(self, rows: Iterable[Row], columns: Sequence[Column]) -> int:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([column.title for column in columns])
        count = 0
        for row in rows:
            writer.writerow([harmless(_plain(told(row, column))) for column in columns])
            count += 1
        return count

    def _table(self, rows: Iterable[Row], columns: Sequence[Column]) -> int:
        now = datetime.now(UTC)
        waiting = iter(rows)
        count, shown, widths = 0, list(columns), list[int]()
        while chunk := list(islice(waiting, MEASURED)):
            cells = [[self._cell(row, column, now) for column in columns] for row in chunk]
            if not count:
                shown, widths = self._fit(columns, cells)
                self._print([column.title.upper() for column in shown], shown, widths, "dim")
            keep = [place for place, column in enumerate(columns) if column in shown]
            for line in cells:
                self._print([line[place] for place in keep], shown, widths)
            count += len(chunk)
        return count

    def _cell(self, row: Row, column: Column, now: datetime) -> str:
        value = told(row, column)
        if column.kind == "time" and value and self._terminal:
            return since(str(value), now)
        return safe(_plain(value))

    def _fit(
        self, columns: Sequence[Column], cells: list[list[str]]
    ) -> tuple[list[Column], list[int]]:
        """Choose what fits: wide columns go first, then texts are cut; ids never are."""
        needed = [
            max([cell_len(column.title), *(cell_len(line[place]) for line in cells)])
            for place, column in enumerate(columns)
        ]
        shown = list(enumerate(columns))
        if not self._terminal:
            return [column for _, column in shown], needed
        room = self._console.width
        for place, column in reversed(list(enumerate(columns))):
            if column.wide and _total(needed[at] for at, _ in shown) > room:
                shown.remove((place, column))
        widths = [needed[at] for at, _ in shown]
        while (over := _total(widths) - room) > 0:
            flexible = [
                at for at, (_, column) in enumerate(shown)
                if column.kind == "text" and widths[at] > _FLEXIBLE_MIN
            ]  # fmt: skip
            if not flexible:
                break
            widest = max(flexible, key=lambda at: widths[at])
            others = [widths[at] for at in flexible if at != widest]
            least = max([_FLEXIBLE_MIN, *others])
            cut = min(over, max(1, widths[widest] - least))
            widths[widest] -= cut
        return [column for _, column in shown], widths

    def _print(
        self, cells: list[str], columns: list[Column], widths: list[int], style: str = ""
    ) -> None:
        line = Text()
        for place, (cell, column, width) in enumerate(zip(cells, columns, widths, strict=True)):
            last = place == len(cells) - 1
            text = _cut(cell, width)
            padded = text if last else set_cell_size(text, width) + " " * _GAP
            if column.kind == "number" and not style:
                padded = " " * (width - cell_len(text)) + text + ("" if last else " " * _GAP)
            line.append(padded, style or _style(cell, column))
        line.rstrip()
        self._console.print(line)

    def _detail(self, record: Any, indent: str = "") -> None:
        if not isinstance(record, dict):
            self._line(indent + safe(_plain(record)))
            return
        width = max((len(str(name)) for name in record), default=0)
        for name, value in record.items():
            label = Text(f"{indent}{safe(str(name)):<{width}}  ", "dim")
            if isinstance(value, dict) and value:
                self._console.print(Text(f"{indent}{safe(str(name))}", "dim"))
                self._detail(value, indent + "  ")
            elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
                self._console.print(Text(f"{indent}{safe(str(name))}", "dim"))
                for one in value:
                    self._line(f"{indent}  {safe(_json(one))}")
            else:
                column = Column(str(name), "", "status" if name in _STATUSES else "text")
                text = safe(_plain(value)) or "-"
                self._console.print(label + Text(text, _style(text, column)))


_STATUSES = frozenset({"status", "outcome", "final", "mode"})


def found(row: Any, path: str) -> Any:
    """Return what is at a path in a row: `a.b|c` is a.b, or c where that is null or missing."""
    for way in path.split("|"):
        value = row
        for step in way.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def told(row: Any, column: Column) -> Any:
    """Return what a column says of a row."""
    value = found(row, column.path)
    return value if column.words is None else column.words[bool(value)]


def safe(text: str) -> str:
    """Return text that cannot steer a terminal, nor turn its direction."""
    return _STEERING.sub(lambda one: f"\\x{ord(one[0]):02x}" if one[0] != "\n" else "⏎", text)


def harmless(text: str) -> str:
    """Return text that a spreadsheet takes as text: no formula. Phone numbers stay as they are."""
    if _FORMULA.match(text) and not _HARMLESS.fullmatch(text):
        return "'" + text
    return text


def since(text: str, now: datetime) -> str:
    """Tell a time from now: `12s ago`, `in 4h`, and the day when it is more than a month away."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return safe(text)
    away = (now - at).total_seconds()
    size = abs(away)
    if size >= 30 * 86_400:
        return at.astimezone().strftime("%Y-%m-%d")
    unit, length = next(
        (unit, length)
        for unit, length in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
        if size >= length or unit == "s"
    )
    span = f"{int(size // length)}{unit}"
    return f"{span} ago" if away >= 0 else f"in {span}"


def _total(widths: Iterable[int]) -> int:
    each = list(widths)
    return sum(each) + _GAP * (len(each) - 1)


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return ", ".join(_plain(one) for one in value)
    if isinstance(value, dict | list):
        return _json(value) if value else ""
    return str(value)


def _json(value: Any, indent: int | None = None) -> str:
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    # JSON's own escapes spare these, and some terminals obey them.
    return _STEERING.sub(lambda one: one[0] if one[0] == "\n" else f"\\u{ord(one[0]):04x}", text)


def _style(cell: str, column: Column) -> str:
    if column.kind == "status":
        if cell in _GOOD:
            return "green"
        if cell in _BAD:
            return "red"
        return "yellow" if cell in _OPEN else ""
    return "dim" if column.kind == "time" else ""
