"""Write docs/limits.md anew: `python -m scripts.limits`.

The numbers are read from the constants in the code, their meaning from limits_table.py and its
neighbour. Also finds
what sounds like a limit and is not in the table, and what grows in memory without a stated bound.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from scripts import limits_table
from scripts.grows import GROWS, SHORT_LIVED
from scripts.limits_asked import ASKED
from scripts.limits_kinds import BYTES, MILLISECONDS, SECONDS, Limit

LIMITS = {**limits_table.LIMITS, **ASKED}
ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "ringback"
PAGE = ROOT / "docs" / "limits.md"
_LEAD = """\
# Limits

Every queue, body, loop, buffer, list and name has a maximum. This page is written from the
constants in the code by `make docs`; a test fails when it is out of date, when a constant that
sounds like a limit is missing here, and when something that grows in memory has no bound.

None of them can be configured, but for what [endpoints](guarantees.md) and
[sources](generic.md) say of themselves. Each worker has a memory of its own: four workers have
four times as much room.
"""
_HEAD = "| at most | | beyond it | constant |\n|---|---|---|---|\n"
_GROWS_LEAD = """
## What grows in memory

What a worker keeps for longer than one request or one commit, and what holds it down.

| in | held down by |
|---|---|
"""
_WORDS = "MAX MOST PER LIMIT LIMITED KEPT BYTES CONCURRENT QUEUED HIGH LARGE BATCH BUFFER CHUNK"
_SOUNDS = re.compile(rf"(^|_)({_WORDS.replace(' ', '|')})(_|$)")
_EMPTY = frozenset((
    "Counter", "OrderedDict", "Queue", "SimpleQueue", "bytearray", "defaultdict", "deque", "dict",
    "list", "set",
))  # fmt: skip


def value(name: str) -> float:
    """Return what a limit is: a constant `module:NAME`, or a default `module:Class.field`."""
    module, _, path = name.partition(":")
    first, _, field = path.partition(".")
    found = getattr(importlib.import_module(f"ringback.{module}"), first)
    number: float = getattr(found(), field) if field else found
    return number


def written(limit: Limit, number: float) -> str:
    """Write a number with its unit, as large a unit as is exact."""
    if limit.unit == MILLISECONDS:
        return _time(number / 1000)
    if limit.unit == SECONDS:
        return _time(number)
    if limit.unit == BYTES:
        for size, unit in ((1 << 20, "MiB"), (1 << 10, "KiB")):
            if number >= size and number % size == 0:
                return f"{number // size:,.0f} {unit}"
    return f"{number:,.0f} {limit.unit}".rstrip()


def _time(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds > size and seconds % size == 0:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:g} s" if seconds >= 0.1 else f"{seconds * 1000:g} ms"


def page() -> str:
    """Return the whole page."""
    parts = [_LEAD]
    for heading, limits in LIMITS.items():
        parts.append(f"\n## {heading}\n\n{_HEAD}")
        parts += [
            f"| {written(limit, value(name))} | {limit.what} | {limit.beyond} "
            f"| `{name.replace(':', '.')}` |\n"
            for name, limit in limits.items()
        ]
    parts.append(_GROWS_LEAD)
    parts += [f"| `{name.replace(':', '.')}` | {bound} |\n" for name, bound in GROWS.items()]
    return "".join(parts)


def sounding() -> set[str]:
    """Return every module-level constant whose name sounds like a limit."""
    return {
        f"{module}:{name}"
        for module, tree in _modules()
        for node in tree.body
        for name in _assigned(node)
        if name.isupper() and _SOUNDS.search(name)
    }


def growing() -> set[str]:
    """Return every attribute of a service or an edge that starts empty and lives long."""
    found = set()
    for module, tree in _modules():
        if not module.startswith(("app", "api.", "services.", "transport.")):
            continue
        for kind in ast.walk(tree):
            if isinstance(kind, ast.ClassDef) and kind.name not in SHORT_LIVED:
                found |= {f"{module}:{kind.name}.{name}" for name in _containers(kind)}
    return found


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        yield module, ast.parse(path.read_text(encoding="utf-8"))


def _assigned(node: ast.stmt) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    for target in targets:
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                yield name.id


def _containers(kind: ast.ClassDef) -> Iterator[str]:
    for method in kind.body:
        if not (isinstance(method, ast.FunctionDef) and method.name == "__init__"):
            continue
        for node in ast.walk(method):
            if isinstance(node, ast.Assign | ast.AnnAssign) and _starts_empty(node.value):
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                if isinstance(target, ast.Attribute):
                    yield target.attr


def _starts_empty(made: ast.expr | None) -> bool:
    if isinstance(made, ast.Call):
        return ast.unparse(made.func).rpartition(".")[2] in _EMPTY and not made.args
    return isinstance(made, ast.Dict | ast.List) and ast.unparse(made) in {"{}", "[]"}


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
