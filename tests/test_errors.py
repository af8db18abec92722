"""The drawn trees of errors are the trees of classes."""

import ast
import re
from collections.abc import Iterator

from tests.source import Source, sources

_LINE = re.compile(r"^(?P<indent>[ │]*)(?:[├└]── )?(?P<name>[A-Z]\w+)\b")


def drawn(text: str) -> dict[str, str]:
    """Read a tree of names in a docstring: name → parent; the root's parent is ""."""
    found: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None or not (above or line.startswith("    ")):
            continue
        if not above and "──" in line:
            continue
        depth = match.start("name")
        while above and above[-1][0] >= depth:
            above.pop()
        if found and not above:
            break
        found[match["name"]] = above[-1][1] if above else ""
        above.append((depth, match["name"]))
    return found


def classes(files: tuple[Source, ...]) -> dict[str, str]:
    """Return every public class below RingbackError: name → parent."""
    bases = {node.name: _base(node) for file in files for node in _classes(file)}
    return {
        name: base
        for name, base in bases.items()
        if not name.startswith("_") and "RingbackError" in [name, *_ancestors(name, bases)]
    }


def _classes(file: Source) -> Iterator[ast.ClassDef]:
    return (node for node in file.tree.body if isinstance(node, ast.ClassDef))


def _base(node: ast.ClassDef) -> str:
    return node.bases[0].id if node.bases and isinstance(node.bases[0], ast.Name) else ""


def _ancestors(name: str, bases: dict[str, str]) -> Iterator[str]:
    while name := bases.get(name, ""):
        yield name


def _program() -> tuple[Source, ...]:
    return tuple(file for file in sources(".py") if file.ours)


def _docstring(path: str) -> str:
    file = next(file for file in sources(".py") if file.path == f"src/ringback/{path}")
    return ast.get_docstring(file.tree, clean=False) or ""


def test_every_error_is_drawn_under_its_parent() -> None:
    """All errors that are raised on purpose stand in the tree of errors.py.

    The embedded server's stand in a tree of their own, which begins where the first one ends.
    """
    tree = drawn(_docstring("errors.py"))
    embedded = drawn(_docstring("services/embedded/errors.py"))
    assert "" == embedded.pop("StartupError")
    assert "" == tree.pop("RingbackError")
    found = classes(_program())
    del found["RingbackError"]
    assert found == {**embedded, **tree}


def test_a_tree_is_read_as_it_is_drawn() -> None:
    """Names, parents and the end of a tree; prose around it is none of it."""
    text = (
        "Errors.\n\n    Root\n    ├── One   why\n    │   └── Inner\n    └── Two\n\n"
        "Messages say what is wrong.\n"
    )
    assert {"Root": "", "One": "Root", "Inner": "One", "Two": "Root"} == drawn(text)
