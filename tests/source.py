"""The project's own files, as text and as trees: what the tidy and the docs tests look at.

It reads files only; nothing of the project is imported here.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "src/ringback/"
FOLDERS = ("src", "tests", "scripts", "bench", "examples")
_SKIPPED = frozenset({
    ".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis",
    ".import_linter_cache", "__pycache__", "build", "dist",
})  # fmt: skip

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One text file; `path` is relative to the root and uses slashes."""

    path: str
    text: str

    @property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of a Python file."""
        return ast.parse(self.text, self.path)

    @property
    def module(self) -> str:
        """The dotted name under which a Python file is imported."""
        path = self.path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
        return path.replace("/", ".")

    @property
    def package(self) -> str:
        """The room of a module of ours: `storage`, `domain` …, or a top module such as `app`.

        The empty text is the package `ringback` itself.
        """
        return [*self.module.split("."), ""][1] if self.ours else ""

    @property
    def ours(self) -> bool:
        """Whether it is a module of the program, not of its tests or tools."""
        return self.path.startswith(PACKAGE)

    def functions(self) -> Iterator[Function]:
        """Go through all functions and methods, inner ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def at(self, node: ast.AST, what: str) -> str:
        """Say that something is wrong at a node."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


@cache
def sources(suffix: str) -> tuple[Source, ...]:
    """Return all files of the code's folders whose name ends with `suffix`."""
    return tuple(file for file in texts() if file.path.endswith(suffix) and _is_code(file.path))


def _is_code(path: str) -> bool:
    return path.startswith(tuple(f"{folder}/" for folder in FOLDERS))


@cache
def texts() -> tuple[Source, ...]:
    """Return every text file of the project, but what tools have left behind."""
    found = []
    for path in sorted(_walk(ROOT)):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found.append(Source(path.relative_to(ROOT).as_posix(), text))
    return tuple(found)


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        # proof/ at the root is what `make proof` writes; tests/proof/ is ours.
        if path.name in _SKIPPED or path.is_symlink() or path == ROOT / "proof":
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.suffix != ".http":
            # Recorded requests are exact bytes of somebody else: no rule of ours holds for them.
            yield path
