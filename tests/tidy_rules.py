"""The rules of the house as functions: each is given a file and says what breaks the rule.

test_tidy.py holds them to every file, and every rule to a file that breaks it. Why a rule is
there stands beside its numbers; CONTRIBUTING.md tells them to people.
"""

import ast
import re
from collections.abc import Callable, Iterator

from tests.source import Function, Source

Rule = Callable[[Source], Iterator[str]]

# Who can be read in one go is read; what is longer is skimmed.
FILE_LINES = 500
FUNCTION_LINES = 70
LINE_CHARACTERS = 100
# Names that say nothing, so that anything may end up inside.
EMPTY_NAMES = frozenset({"util", "utils", "common", "helper", "helpers", "misc", "shared", "stuff"})


_REMARK = re.compile(r"  # (noqa|type: ignore|fmt:).*$")


def is_short(file: Source) -> Iterator[str]:
    """Hold a file to its number of lines."""
    if len(file.lines) > FILE_LINES:
        yield f"{file.path}: {len(file.lines)} lines; at most {FILE_LINES}"


def has_short_lines(file: Source) -> Iterator[str]:
    """Hold each line to its number of characters; remarks to tools and a last URL not counted."""
    for number, whole in enumerate(file.lines, 1):
        line = _REMARK.sub("", whole)
        if len(line) > LINE_CHARACTERS and "://" not in line.split()[-1]:
            yield f"{file.path}:{number}: {len(line)} characters; at most {LINE_CHARACTERS}"


def has_short_functions(file: Source) -> Iterator[str]:
    """Hold each function, from `def` to its last line, to its number of lines."""
    for function in file.functions():
        length = lines_of(function)
        if length > FUNCTION_LINES:
            yield file.at(function, f"{function.name} has {length} lines; at most {FUNCTION_LINES}")


def lines_of(function: Function) -> int:
    """Count the lines of a function, decorators not included."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def has_a_telling_name(file: Source) -> Iterator[str]:
    """Refuse names of files and folders that say nothing."""
    for part in file.module.split("."):
        if part.lower() in EMPTY_NAMES:
            yield f"{file.path}: {part} is no name for what is in it"


def is_described(file: Source) -> Iterator[str]:
    """Want a docstring in every module."""
    if file.text.strip() and ast.get_docstring(file.tree) is None:
        yield f"{file.path}: no docstring says what the module is"


def describes_what_is_public(file: Source) -> Iterator[str]:
    """Want a docstring on every public class, function and method."""
    yield from _undescribed(file, file.tree)


def _undescribed(file: Source, parent: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in parent.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None and not _is_overload(node):
                yield file.at(node, f"{node.name} has no docstring")
            if isinstance(node, ast.ClassDef):
                yield from _undescribed(file, node)


def _is_overload(node: Function | ast.ClassDef) -> bool:
    return any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)


def tests_say_what_they_test(file: Source) -> Iterator[str]:
    """Want every test to state the behaviour in a docstring."""
    for function in file.functions():
        if function.name.startswith("test_") and ast.get_docstring(function) is None:
            yield file.at(function, f"{function.name} does not say which behaviour it tests")


_CLOCKS = frozenset({"time", "monotonic", "perf_counter", "process_time", "loop_time"})


def compares_no_times(file: Source) -> Iterator[str]:
    """Refuse `assert` of equality on what a clock returned: it holds on a quiet machine only."""
    for function in file.functions():
        timed: set[str] = set()
        for node in sorted(ast.walk(function), key=lambda node: getattr(node, "lineno", 0)):
            if isinstance(node, ast.Assign) and _reads_clock(node.value, timed):
                timed |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            elif isinstance(node, ast.Assert):
                yield from _equal_times(file, node, timed)


def _equal_times(file: Source, assertion: ast.Assert, timed: set[str]) -> Iterator[str]:
    for node in ast.walk(assertion.test):
        if not isinstance(node, ast.Compare):
            continue
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.Eq | ast.NotEq) and (
                _reads_clock(node.left, timed) or _reads_clock(right, timed)
            ):
                yield file.at(node, "an exact time is asserted; give it a range")


def _reads_clock(expression: ast.expr, timed: set[str]) -> bool:
    # A time itself, not something that was made of it: a header with the time in it is exact.
    if isinstance(expression, ast.Name):
        return expression.id in timed
    if isinstance(expression, ast.BinOp):
        return _reads_clock(expression.left, timed) or _reads_clock(expression.right, timed)
    if not isinstance(expression, ast.Call):
        return False
    if _called(expression) in {"int", "float", "round", "abs", "max", "min"}:
        return any(_reads_clock(argument, timed) for argument in expression.args)
    return _called(expression) in _CLOCKS and not expression.args


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


_SECRET_WORDS = frozenset({"sig", "sigs", "signed"})
_SECRET_PARTS = ("token", "digest", "hmac", "signature", "secret", "password")
# A comparison that may take its time, because what is compared is no secret. (file, name): why.
PUBLIC_COMPARED = {
    ("src/ringback/services/first_run.py", "WHATSAPP_TOKEN"): "a name that everybody knows",
    ("src/ringback/services/first_run.py", "BANDWIDTH_TOKEN"): "a name that everybody knows",
    ("src/ringback/services/first_run.py", "SIMULATOR_TOKEN"): "a name that everybody knows",
}


def compares_secrets_in_constant_time(file: Source) -> Iterator[str]:
    """Refuse `==` on names that sound like secrets: `hmac.compare_digest` takes equally long."""
    for node in ast.walk(file.tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        if not any(isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops):
            continue
        names = [name for side in sides for name in _names(side)]
        if any((file.path, name) in PUBLIC_COMPARED for name in names):
            continue
        for name in names:
            if _sounds_secret(name):
                yield file.at(node, f"{name} is compared with ==; use hmac.compare_digest")


def _sounds_secret(name: str) -> bool:
    lower = name.lower()
    return any(part in lower for part in _SECRET_PARTS) or not _SECRET_WORDS.isdisjoint(
        lower.split("_")
    )


def _names(side: ast.expr) -> Iterator[str]:
    # What is compared, not what is in it: `len(token) == 3` and `tokens[0].kind == "a"` are fine.
    if isinstance(side, ast.Name):
        yield side.id
    elif isinstance(side, ast.Attribute):
        yield side.attr
    elif isinstance(side, ast.Subscript):
        yield from _names(side.value)
    elif isinstance(side, ast.Call) and isinstance(side.func, ast.Attribute):
        yield side.func.attr
        if side.func.attr in {"lower", "upper", "strip", "encode", "decode"}:
            yield from _names(side.func.value)


# File: why it prints although it is not the command line.
PRINTS = {
    "src/ringback/services/migration.py": "the talk of `ringback migrate`, on standard error",
}


def prints_nothing(file: Source) -> Iterator[str]:
    """Refuse `print` outside the command line: everything else returns, raises or logs."""
    if file.package == "cli" or file.path in PRINTS:
        return
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and _called(node) in {"print", "pprint", "breakpoint"}:
            yield file.at(node, f"{_called(node)}() outside cli/")


# A path or host of somebody's machine means nothing on another one. Assembled, so that this file
# does not break its own rule.
_MACHINE = tuple("/" + start for start in ("root/", "home/", "work/", "Users/", "opt/", "mnt/"))
_INDEX = tuple("--" + option for option in ("index-url", "extra-index", "find-links", "trusted-"))
# Text that speaks of such paths as everybody's. (file, start): why.
EVERYBODYS_PATHS: dict[tuple[str, str], str] = {}


def names_no_machine(file: Source) -> Iterator[str]:
    """Refuse paths of somebody's machine and package indexes of somebody's network."""
    for number, line in enumerate(file.lines, 1):
        for start in (*_MACHINE, *_INDEX):
            if start in line and (file.path, start) not in EVERYBODYS_PATHS:
                yield f"{file.path}:{number}: {start} belongs to one machine"


EVERY_FILE: tuple[Rule, ...] = (names_no_machine,)
CODE: tuple[Rule, ...] = (is_short, has_short_lines)
PYTHON: tuple[Rule, ...] = (has_short_functions, has_a_telling_name, is_described)
PROGRAM: tuple[Rule, ...] = (
    describes_what_is_public, compares_secrets_in_constant_time, prints_nothing,
)  # fmt: skip
TESTS: tuple[Rule, ...] = (tests_say_what_they_test, compares_no_times)
