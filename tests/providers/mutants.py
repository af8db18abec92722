"""Mutants of functions: one small change each, put in place of the original and taken out again.

Conditions turned over or fixed, comparisons and operators replaced, numbers, words and truth values
changed, results left out. Texts that people read stay: those that hold a space.
"""

import ast
import copy
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one function: which, where, what to what, and the code that it gives."""

    function: FunctionType
    line: int
    change: str
    code: Any

    def __str__(self) -> str:
        name = f"{self.function.__module__.rpartition('.')[2]}.{self.function.__qualname__}"
        return f"{name}: {self.change}"

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the original behave as the mutant, for whoever holds it by whatever name."""
        original = self.function.__code__
        self.function.__code__ = self.code
        try:
            yield
        finally:
            self.function.__code__ = original


def mutants(module: ModuleType, *names: str) -> list[Mutant]:
    """Make every mutant of these functions and methods (`Class.method`) of a module."""
    tree = ast.parse(inspect.getsource(module))
    found = []
    for name in names:
        owner, _, alone = name.rpartition(".")
        body = tree.body if not owner else _named(tree.body, owner).body
        node = _bare(_named(body, alone))
        held = module if not owner else getattr(module, owner)
        function = vars(held)[alone]
        assert isinstance(function, FunctionType)
        for change, line, changed in _changed(node):
            found.append(Mutant(function, line, change, _compiled(changed, module)))
    return found


def _named(body: list[ast.stmt], name: str) -> Any:
    (found,) = [one for one in body if getattr(one, "name", None) == name]
    return found


def _bare(function: Any) -> Any:
    """Take types and decorators from a function: they are no part of what it does."""
    function.decorator_list, function.returns = [], None
    # Defaults are no part of the code either.
    function.args.defaults = []
    function.args.kw_defaults = [None] * len(function.args.kwonlyargs)
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.Subscript) and _is_int(node.slice):
            node.slice.place = True  # type: ignore[attr-defined]
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, name, [_untyped(one) for one in value])
    return function


def _untyped(node: Any) -> Any:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return ast.copy_location(ast.Assign([node.target], node.value), node)
    return node


def _compiled(node: ast.stmt, module: ModuleType) -> Any:
    whole = ast.fix_missing_locations(ast.Module([node], []))
    space = dict(vars(module))
    exec(compile(whole, str(module.__file__), "exec"), space)
    return space[node.name].__code__  # type: ignore[attr-defined]


def _changed(function: Any) -> Iterator[tuple[str, int, Any]]:
    """Yield what is changed, its line, and the whole function with just that change."""
    count = sum(1 for _ in ast.walk(function))
    for place in range(count):
        for way in range(20):
            whole = copy.deepcopy(function)
            node = list(ast.walk(whole))[place]
            before = ast.unparse(node) if _shown(node) else ""
            after = _mutate(whole, node, way)
            if after is None:
                break
            line = getattr(node, "lineno", function.lineno)
            yield f"`{before}` → `{after}`", line, whole


def _shown(node: ast.AST) -> bool:
    return not isinstance(node, ast.FunctionDef | ast.arguments | ast.arg | ast.expr_context)


def _mutate(whole: Any, node: Any, way: int) -> str | None:
    """Change a node in the way that has this number; None when there are no more."""
    changes = list(_ways(node))
    if way >= len(changes):
        return None
    replacement = changes[way]
    _replace(whole, node, replacement)
    return ast.unparse(replacement)


def _replace(whole: ast.AST, node: ast.AST, replacement: ast.AST) -> None:
    ast.copy_location(replacement, node)
    for parent in ast.walk(whole):
        for name, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, name, replacement)
            elif isinstance(value, list):
                value[:] = [replacement if one is node else one for one in value]


def _ways(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left, [only], comparators) if type(only) in _COMPARISONS:
            yield ast.Compare(left, [_COMPARISONS[type(only)]()], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for index in range(len(values)):
                rest = [*values[:index], *values[index + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(op)](), right)
        case ast.AugAssign(target, op, value) if type(op) in _OPERATORS:
            yield ast.AugAssign(target, _OPERATORS[type(op)](), value)
            yield ast.Pass()
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.If(_, body, orelse):
            yield ast.If(ast.Constant(False), body, orelse)
            yield ast.If(ast.Constant(True), body, orelse)
        case ast.IfExp(_, body, orelse):
            yield body
            yield orelse
        case ast.Return(value) if value is not None and not _is_empty(value):
            yield ast.Return(ast.Constant(None))
        case ast.Call(ast.Attribute(attr="compare_digest")):
            yield ast.Constant(True)
            yield ast.Constant(False)
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value)):
            yield ast.Constant(value + 1)
            # The first of a list that holds one is also its last.
            if not hasattr(node, "place"):
                yield ast.Constant(value - 1)
        case ast.Constant(str(value)) if " " not in value and value:
            yield ast.Constant(value + "x")
        case ast.Constant(bytes(value)) if value:
            yield ast.Constant(value + b"x")


def _is_int(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def _is_empty(node: ast.AST) -> bool:
    """Say whether a result is as false as None."""
    constant = isinstance(node, ast.Constant) and not node.value
    return constant or (isinstance(node, ast.Dict) and not node.keys)
