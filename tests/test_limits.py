"""Everything has a maximum, and docs/limits.md says which: written from the code, never by hand."""

import ast
import re

import pytest

from scripts import limits
from scripts.grows import GROWS
from scripts.limits import LIMITS
from scripts.limits_kinds import BYTES, MILLISECONDS, SECONDS, Limit
from scripts.no_limits import NO_LIMITS
from tests.source import texts

TABLE = {name: limit for group in LIMITS.values() for name, limit in group.items()}


def test_the_page_is_up_to_date() -> None:
    """The page is as the code is; `make docs` writes it anew."""
    assert limits.PAGE.read_text(encoding="utf-8") == limits.page()


def test_what_sounds_like_a_limit_is_one_or_says_why_not() -> None:
    """Name a new one in scripts/limits_table.py: what it holds down and what happens beyond."""
    sounding = limits.sounding()
    assert sounding
    assert set() == sounding - set(TABLE) - set(NO_LIMITS)
    assert set() == set(NO_LIMITS) - sounding
    assert set() == set(TABLE) & set(NO_LIMITS)


def test_what_grows_has_a_bound() -> None:
    """Whatever starts empty and lives long says what holds it down, by limits that there are."""
    assert set(GROWS) == limits.growing()
    known = {name.partition(":")[2] for name in TABLE}
    for bound in GROWS.values():
        assert set(re.findall(r"`([^`]+)`", bound)) <= known, bound


@pytest.mark.parametrize("name", TABLE)
def test_every_limit_is_a_number_that_is_used(name: str) -> None:
    """A limit that nothing reads holds nothing down."""
    assert 0 < limits.value(name) < 1 << 62
    last = name.rpartition(":")[2].rpartition(".")[2]
    used = sum(
        isinstance(node, ast.Name | ast.Attribute)
        and last in {getattr(node, "id", None), getattr(node, "attr", None)}
        and isinstance(node.ctx, ast.Load)
        for file in texts()
        if file.ours and file.path.endswith(".py") and last in file.text
        for node in ast.walk(file.tree)
    )
    assert used


@pytest.mark.parametrize(
    ("unit", "number", "text"),
    [
        (BYTES, 4 * 1024 * 1024, "4 MiB"), (BYTES, 65_536, "64 KiB"), (BYTES, 100, "100 bytes"),
        (BYTES, 1500, "1,500 bytes"), (SECONDS, 15.0, "15 s"), (SECONDS, 0.003, "3 ms"),
        (SECONDS, 86_400, "24 h"), (SECONDS, 7 * 86_400, "7 days"), (MILLISECONDS, 5000, "5 s"),
        ("items", 4096, "4,096 items"), ("", 7, "7"),
    ],
)  # fmt: skip
def test_numbers_are_written_for_people(unit: str, number: float, text: str) -> None:
    """In the largest unit that is exact."""
    assert text == limits.written(Limit(unit, "", ""), number)
