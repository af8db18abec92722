"""Tables of a mapping that can be looked up: their words and ranges of codes → ours."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from ringback.providers.mapping_config import RANGE_MAX

T = TypeVar("T")


class Table(Generic[T]):
    """One table, prepared once: words in any case; a single code beats a range, a narrow a wide."""

    def __init__(self, rows: Mapping[str, T]) -> None:
        """Prepare rows that have no fault."""
        self._words: dict[str, T] = {}
        self._ranges: list[tuple[int, int, T]] = []
        for word, meaning in rows.items():
            bounds = _bounds(word)
            if bounds is None:
                self._words[_plain(word)] = meaning
            else:
                self._ranges.append((*bounds, meaning))
        self._ranges.sort(key=lambda one: one[1] - one[0])

    def get(self, word: str) -> T | None:
        """Return what a word or code means, or None."""
        plain = _plain(word)
        found = self._words.get(plain)
        if found is None and self._ranges and _is_number(plain):
            code = int(plain)
            for first, last, meaning in self._ranges:
                if first <= code <= last:
                    return meaning
        return found


def faults_in_table(rows: Mapping[str, object], at: str) -> list[tuple[str, str]]:
    """Return what is wrong with the words of a table that stands at a pointer."""
    faults: list[tuple[str, str]] = []
    seen: set[str] = set()
    for word in rows:
        bounds, plain = _bounds(word), _plain(word)
        here = f"{at}/{word.replace('~', '~0').replace('/', '~1')}"
        if plain in seen:
            faults.append((here, "stands here twice: case and space do not count"))
        if not plain:
            faults.append((here, "is no word"))
        if bounds is not None and not 0 < bounds[1] - bounds[0] <= RANGE_MAX:
            faults.append((here, f"is no range: the first number, -, and one up to {RANGE_MAX} on"))
        seen.add(plain)
    return faults


def _plain(word: str) -> str:
    return word.strip().casefold()


def _bounds(word: str) -> tuple[int, int] | None:
    first, mark, last = word.strip().partition("-")
    return (int(first), int(last)) if mark and _is_number(first) and _is_number(last) else None


def _is_number(text: str) -> bool:
    return len(text) <= 12 and text.isascii() and text.isdigit()
