"""ERRORS tables that can be looked up: codes and ranges of codes → what they mean to us.

No provider's codes live here, only the rule of precedence: a single code beats a range, and a
narrow range beats a wide one.
"""

from collections.abc import Mapping

from ringback.domain.messages import Failure
from ringback.providers.base import ErrorRule

CODE_MAX = 32
DESCRIPTION_MAX = 500
RANGE_MAX = 10_000

UNKNOWN = ErrorRule("unknown", "unknown")


class ErrorTable:
    """One provider's ERRORS, expanded once at import: a look-up is one dictionary access."""

    def __init__(self, rows: Mapping[str, ErrorRule]) -> None:
        """Expand `rows`. Raises ValueError for a range that is reversed or too wide."""
        self._row_of: dict[str, str] = {}
        for row in sorted(rows, key=_width, reverse=True):
            first, _, last = row.partition("-")
            if last:
                for code in range(int(first), int(last) + 1):
                    self._row_of[str(code)] = row
            else:
                self._row_of[row] = row
        self._rows = dict(rows)

    def row(self, code: str) -> str | None:
        """Return the key of the row that covers `code`, or None."""
        return self._row_of.get(code)

    def example(self, row: str) -> str | None:
        """Return the first code that `row` decides on, or None where narrower rows leave none."""
        return next((code for code, found in self._row_of.items() if found == row), None)

    def rule(self, code: str | None) -> ErrorRule:
        """Return the rule for a provider's code; UNKNOWN for one that no row covers."""
        row = self._row_of.get(code) if code is not None else None
        return UNKNOWN if row is None else self._rows[row]

    def failure(self, code: object, description: str | None) -> tuple[ErrorRule, Failure]:
        """Return the rule and the canonical error for a code as the provider sent it."""
        named = str(code)[:CODE_MAX] if isinstance(code, str | int) else None
        rule = self.rule(named)
        said = description[:DESCRIPTION_MAX] if description else None
        return rule, rule.failure(named or None, said)


def _width(row: str) -> int:
    first, _, last = row.partition("-")
    width = int(last) - int(first) if last else 0
    if not 0 <= width <= RANGE_MAX or (last and width == 0):
        raise ValueError(f"not a range of codes: {row}")
    return width
