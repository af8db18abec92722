"""The house is tidy: every rule of tidy_rules and floor_rules holds for every file.

And every rule bites: each is also shown a file that breaks it, so that none can stop working
unnoticed. A rule that is in the way is changed there, with its reason, never skipped here.
"""

import statistics
import tomllib

import pytest

from tests import floor_rules, tidy_rules
from tests.source import ROOT, Source, sources, texts
from tests.tidy_rules import Rule

# What the best of their kind share: a file that can be read in one go, functions that need no
# scrolling. Below the range things are scattered, above it they have grown together.
MEDIAN_FILE_LINES = (100, 250)
MEDIAN_FUNCTION_LINES = (5, 9)
LONG_FUNCTIONS_SHARE = 0.02


def _broken(rule: Rule, files: tuple[Source, ...]) -> list[str]:
    return [fault for file in files for fault in rule(file)]


def _named(rule: Rule) -> str:
    return rule.__name__


@pytest.mark.parametrize("rule", tidy_rules.EVERY_FILE, ids=_named)
def test_every_file_keeps(rule: Rule) -> None:
    """Rules for all text: code, data and documentation."""
    assert [] == _broken(rule, texts())


@pytest.mark.parametrize("rule", tidy_rules.CODE, ids=_named)
@pytest.mark.parametrize("suffix", [".py", ".sql", ".sh"])
def test_all_code_keeps(rule: Rule, suffix: str) -> None:
    """Rules for whatever is read as code, tests included."""
    assert sources(suffix)
    assert [] == _broken(rule, sources(suffix))


@pytest.mark.parametrize("rule", tidy_rules.PYTHON, ids=_named)
def test_all_python_keeps(rule: Rule) -> None:
    """Rules for all Python, tests and scripts included."""
    assert [] == _broken(rule, sources(".py"))


@pytest.mark.parametrize("rule", [*tidy_rules.PROGRAM, *floor_rules.FLOORS], ids=_named)
def test_the_program_keeps(rule: Rule) -> None:
    """Rules for the program itself: what is public, who imports whom, who touches the world."""
    assert [] == _broken(rule, _program())


@pytest.mark.parametrize("rule", tidy_rules.TESTS, ids=_named)
def test_the_tests_keep(rule: Rule) -> None:
    """Rules for tests."""
    files = tuple(file for file in sources(".py") if file.path.startswith("tests/"))
    assert [] == _broken(rule, files)


def _program() -> tuple[Source, ...]:
    return tuple(file for file in sources(".py") if file.ours)


def test_nothing_calls_home() -> None:
    """The program names no host of its own: without providers and endpoints it calls nobody."""
    assert [] == _broken(floor_rules.calls_nobody, _program())
    named = Source("src/ringback/services/x.py", "fetch('https://updates.example.net/latest')")
    assert 1 == len(list(floor_rules.calls_nobody(named)))


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Any module can be read, tested and moved without the ones above it."""
    assert [] == floor_rules.cycles(sources(".py"))


def test_the_typical_file_is_neither_long_nor_a_splinter() -> None:
    """The median of the program's files, package docstrings left out, lies in the range."""
    lengths = [len(file.lines) for file in _program() if not file.path.endswith("__init__.py")]
    low, high = MEDIAN_FILE_LINES
    assert low <= statistics.median(lengths) <= high


def test_the_typical_function_needs_no_scrolling() -> None:
    """The median function lies in the range, and hardly any comes near the cap."""
    lengths = [tidy_rules.lines_of(one) for file in _program() for one in file.functions()]
    low, high = MEDIAN_FUNCTION_LINES
    assert low <= statistics.median(lengths) <= high
    half = tidy_rules.FUNCTION_LINES // 2
    assert sum(length > half for length in lengths) / len(lengths) <= LONG_FUNCTIONS_SHARE


def test_lint_and_types_are_as_strict_as_we_say() -> None:
    """All of ruff's rules but the listed ones, mypy's strict mode, warnings as errors."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert ["ALL"] == tool["ruff"]["lint"]["select"]
    assert tool["mypy"]["strict"] is True
    assert {"src", "tests"} <= set(tool["mypy"]["files"])
    assert "error" == tool["pytest"]["ini_options"]["filterwarnings"][0]


# One file for each rule that breaks it, and as little else as possible.
_IN_DOMAIN = "src/ringback/domain/broken.py"
_IN_SERVICES = "src/ringback/services/broken.py"
_IN_TESTS = "tests/test_broken.py"
_WRONG: list[tuple[Rule, str, str]] = [
    (tidy_rules.names_no_machine, "README.md", "cd /" + "root/ringback"),
    (tidy_rules.names_no_machine, "requirements.lock", "--" + "index-url http://packages"),
    (tidy_rules.is_short, _IN_DOMAIN, "x = 1\n" * 501),
    (tidy_rules.has_short_lines, "src/ringback/storage/sql/x.sql", "select " + "1" * 94),
    (tidy_rules.has_short_functions, _IN_DOMAIN, "def f():\n" + "    x = 1\n" * 70),
    (tidy_rules.has_a_telling_name, "src/ringback/domain/utils.py", ""),
    (tidy_rules.has_a_telling_name, "tests/helpers/test_x.py", ""),
    (tidy_rules.is_described, _IN_DOMAIN, "x = 1"),
    (tidy_rules.describes_what_is_public, _IN_DOMAIN, "def f():\n    return 1"),
    (tidy_rules.describes_what_is_public, _IN_DOMAIN, "class C:\n    '''Say.'''\n    def f(s): 1"),
    (tidy_rules.compares_secrets_in_constant_time, _IN_SERVICES, "ok = given == self.token"),
    (tidy_rules.compares_secrets_in_constant_time, _IN_SERVICES, "ok = h.hexdigest() != mac"),
    (tidy_rules.compares_secrets_in_constant_time, _IN_SERVICES, "ok = signature == wanted"),
    (tidy_rules.compares_secrets_in_constant_time, _IN_SERVICES, "ok = sig.lower() == wanted"),
    (tidy_rules.prints_nothing, _IN_SERVICES, "print(1)"),
    (tidy_rules.tests_say_what_they_test, _IN_TESTS, "async def test_a():\n    pass"),
    (tidy_rules.compares_no_times, _IN_TESTS, "def test_a():\n    assert time.time() == 1.5"),
    (tidy_rules.compares_no_times, _IN_TESTS,
     "def test_a():\n  began = time.time()\n  took = time.time() - began\n  assert 2 == took"),
    (floor_rules.keeps_to_its_floor, _IN_DOMAIN, "import ringback.storage.hot"),
    (floor_rules.keeps_to_its_floor, _IN_DOMAIN, "from ringback import storage"),
    (floor_rules.keeps_to_its_floor, _IN_DOMAIN, "def f():\n    from ..storage import hot"),
    (floor_rules.keeps_to_its_floor, "src/ringback/transport/x.py", "import ringback.providers"),
    (floor_rules.keeps_to_its_floor, "src/ringback/storage/x.py", "import ringback.services"),
    (floor_rules.keeps_to_its_floor, "src/ringback/api/x.py", "import ringback.transport.client"),
    (floor_rules.keeps_to_its_floor, "src/ringback/cli/x.py", "import ringback.storage.hot"),
    (floor_rules.keeps_to_its_floor, "src/ringback/attic/x.py", ""),
    (floor_rules.uses_libraries_where_decided, _IN_SERVICES, "import asyncpg"),
    (floor_rules.uses_libraries_where_decided, _IN_SERVICES, "from httptools import parse_url"),
    (floor_rules.uses_libraries_where_decided, _IN_SERVICES, "import requests"),
    (floor_rules.reaches_out_where_allowed, _IN_SERVICES, "from socket import socket"),
    (floor_rules.reaches_out_where_allowed, "src/ringback/api/x.py", "import ssl"),
    (floor_rules.reaches_out_where_allowed, _IN_SERVICES, "import urllib.request"),
    (floor_rules.reaches_out_where_allowed, _IN_SERVICES, "import subprocess"),
    (floor_rules.reaches_out_where_allowed, _IN_SERVICES, "x = asyncio.open_connection('h', 1)"),
    (floor_rules.is_pure, _IN_DOMAIN, "import time"),
    (floor_rules.is_pure, _IN_DOMAIN, "async def f(): pass"),
    (floor_rules.is_pure, "src/ringback/providers/x.py", "import random"),
    (floor_rules.is_pure, "src/ringback/providers/x.py", "at = datetime.now(UTC)"),
    (floor_rules.is_pure, "src/ringback/errors.py", "x = open('file')"),
    (floor_rules.adapters_do_not_know_each_other, "src/ringback/providers/whatsapp_items.py",
     "from ringback.providers.bandwidth_items import STATUS"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "text"), _WRONG)
def test_every_rule_bites(rule: Rule, path: str, text: str) -> None:
    """A file that breaks a rule is found, with its path in the message."""
    faults = list(rule(Source(path, text)))
    assert faults
    assert all(fault.startswith(path) for fault in faults)


def test_no_rule_is_without_a_file_that_breaks_it() -> None:
    """Who adds a rule shows that it works."""
    rules = {
        *tidy_rules.EVERY_FILE, *tidy_rules.CODE, *tidy_rules.PYTHON, *tidy_rules.PROGRAM,
        *tidy_rules.TESTS, *floor_rules.FLOORS,
    }  # fmt: skip
    assert rules == {rule for rule, _, _ in _WRONG}


def test_no_exception_has_outlived_its_file() -> None:
    """An exception names a file that there is, and something that still stands in it."""
    by_path = {file.path: file.text for file in texts()}
    for path, name in [*tidy_rules.PUBLIC_COMPARED, *tidy_rules.EVERYBODYS_PATHS]:
        assert name in by_path.get(path, ""), path
    assert set(tidy_rules.PRINTS) <= set(by_path)
    for start, name in [*floor_rules.OUTWARD_EXCEPTIONS, *floor_rules.PURE_EXCEPTIONS]:
        found = [text for path, text in by_path.items() if path.startswith(f"src/ringback/{start}")]
        assert any(name in text for text in found), start


def test_a_circle_is_found_and_a_chain_is_none() -> None:
    """Imports count wherever they stand; a module on the way to a circle is not part of it."""
    chain = Source("src/ringback/domain/a.py", "from ringback.domain import b")
    one = Source("src/ringback/domain/b.py", "def f():\n    from ringback.domain.c import x")
    other = Source("src/ringback/domain/c.py", "import ringback.domain.b")
    end = Source("src/ringback/domain/c.py", "x = 1")
    assert [] == floor_rules.cycles([chain, one, end])
    assert [["ringback.domain.b", "ringback.domain.c"]] == floor_rules.cycles([chain, one, other])
