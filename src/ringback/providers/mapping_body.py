"""A callback as one tree, whatever it is written in, and places in it.

    JSON      as it is
    XML       an object of its outermost element: children by name, attributes as @name
    a form    an object of its fields; a list where a field comes more than once
    no body   the query, as a form

So `/MSGLST/MSG` is the same place in XML and in JSON, and `/*/MSG` too, where nothing is known of
the outermost element's name. What stands there is made text.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

import msgspec

from ringback.domain.http import Callback
from ringback.domain.strict_json import (
    StrictJsonError,
    check,
    check_structure,
    mend,
    unchecked,
)
from ringback.providers import forms, reading, xml_reading

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_ANY: msgspec.json.Decoder[object] = msgspec.json.Decoder()
_POINTER = re.compile(r"(/([^~/]|~[01])*){1,16}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
# Proofs of who somebody is, and no part of what they say.
_PROOFS = frozenset(("authorization", "proxy-authorization", "cookie"))
_MENDED = "\uffff"
_PREFIXES = ("body:", "query:", "form:", "header:", "const:")


class UnreadableError(ValueError):
    """A body that is neither JSON, XML nor a form; `reason` holds nothing of the content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Body(msgspec.Struct, frozen=True):
    """A callback, read: its tree, its fields if it is a form, its query, and what it came in.

    `raw` is the body itself where that is sound JSON. `mended`: something in it is no text; the
    pieces that hold it are not to be used.
    """

    callback: Callback
    tree: object
    form: dict[str, object] = {}
    query: dict[str, object] = {}
    raw: bytes = b""
    mended: bool = False
    cut: dict[int, str] = {}

    def clipped(self, value: object) -> str | None:
        """Return what stands at a place as text, cut where it is too long.

        All pieces may look at the same long text: it is cut once, and they share it.
        """
        words = text_of(value)
        if words is None or len(words) <= reading.TEXT_MAX:
            return words
        # The tree holds it as long as this body is there, so no other text has its number.
        if id(words) not in self.cut:
            self.cut[id(words)] = words[: reading.TEXT_MAX]
        return self.cut[id(words)]


class Piece(msgspec.Struct, frozen=True):
    """One thing that a callback holds, and where, as a JSON pointer."""

    tree: object
    where: str
    body: Body

    @property
    def sound(self) -> bool:
        """Whether all that it holds is text."""
        return not self.body.mended or not _holds(self.tree, _MENDED)

    @property
    def fragment(self) -> msgspec.Raw:
        """The piece as JSON."""
        if not self.where and self.body.raw:
            return msgspec.Raw(self.body.raw)
        return msgspec.Raw(msgspec.json.encode(self.tree))


Getter = Callable[[Piece], object]


def read(callback: Callback) -> Body:
    """Read a callback. Raises UnreadableError."""
    octets = callback.body
    if not octets.strip():
        asked = forms.pairs(callback.query)
        if asked is None:
            raise UnreadableError("no body, and a query that cannot be read")
        fields = _fields(asked)
        return Body(callback, fields, fields, fields)
    body = _read(callback)
    asked = forms.pairs(callback.query) if "?" in callback.url else None
    return msgspec.structs.replace(body, query=_fields(asked)) if asked else body


def pieces(body: Body, steps: Sequence[str]) -> Iterator[Piece]:
    """Go through what stands at a place: each element of a list there, or the one thing.

    The step `*` is each element of a list on the way. Where nothing stands there is no piece; of
    more than are read there is one too many.
    """
    found = [(body.tree, "")]
    for step in [*steps, "*"]:
        after = chain.from_iterable(_after(one, step, step == "*") for one in found)
        found = list(islice(after, reading.PIECES_MAX + 1))
    for tree, where in found:
        yield Piece(tree, where, body)


def pointer_steps(pointer: str) -> list[str] | None:
    """Split a JSON pointer into its steps; None for what is none."""
    if not _POINTER.fullmatch(pointer):
        return None
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def fault_in(place: str) -> str | None:
    """Say what is wrong with a place as it is written, or None."""
    prefix = next((one for one in _PREFIXES if place.startswith(one)), "")
    rest = place[len(prefix) :]
    if prefix in ("", "body:"):
        if pointer_steps(rest) is None:
            return f"must be a JSON pointer such as /id, or begin with {' '.join(_PREFIXES)}"
    elif not rest:
        return f"needs something after {prefix}"
    elif prefix == "header:":
        if not _HEADER.fullmatch(rest):
            return "names a header, of letters, digits and hyphens"
        if rest.lower() in _PROOFS:
            return "names a header that proves who somebody is: it is never read"
    return None


def getter(place: str) -> Getter:
    """Make the function that returns what stands at a place that has no fault."""
    kind, _, rest = place.partition(":")
    if place.startswith("/"):
        return _at_steps(tuple(pointer_steps(place) or ()))
    if kind == "body":
        inner = _at_steps(tuple(pointer_steps(rest) or ()))
        return lambda piece: inner(Piece(piece.body.tree, "", piece.body))
    if kind == "form":
        return lambda piece: piece.body.form.get(rest)
    if kind == "query":
        return lambda piece: piece.body.query.get(rest)
    if kind == "header":
        return lambda piece: _only_header(piece.body.callback, rest)
    return lambda _: rest


def text_of(value: object) -> str | None:
    """Make text of what stands at a place; None for nothing, and for objects and lists."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        # An XML element that has attributes beside its text.
        inner = value.get("#text")
        return inner if isinstance(inner, str) and inner else None
    return None


def _read(callback: Callback) -> Body:
    octets = callback.body
    kind, told = forms.parameters(callback.header("Content-Type") or "")
    charset = told.get("charset")
    if kind in (FORM, MULTIPART):
        found = (
            forms.multipart(octets, told.get("boundary", ""))
            if kind == MULTIPART
            else forms.pairs(octets, xml_reading.CHARSETS.get((charset or "").lower(), "utf-8"))
        )
        if found is None:
            raise UnreadableError("a form that is not whole, too large or faulty")
        fields = _fields(found)
        return Body(callback, fields, fields)
    if octets.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" or kind.endswith(("/xml", "+xml")):
        try:
            root = xml_reading.read(octets, charset)
        except xml_reading.XmlError as error:
            raise UnreadableError(error.reason) from None
        return Body(callback, {root.name: root.plain()})
    return _json(callback)


def _json(callback: Callback) -> Body:
    octets, mended = callback.body, False
    try:
        try:
            check(octets)
        except StrictJsonError:
            check_structure(octets)
            octets, mended = mend(octets), True
        tree = unchecked(octets, _ANY)
    except StrictJsonError as error:
        raise UnreadableError(f"neither JSON nor XML nor a form: {error.reason}") from None
    return Body(callback, tree, raw=b"" if mended else octets, mended=mended)


def _fields(found: Sequence[tuple[str, forms.Value]]) -> dict[str, object]:
    return {
        name: values[0] if len(values) == 1 else values
        for name, values in forms.lists(found).items()
    }


def _after(one: tuple[object, str], step: str, each: bool) -> list[tuple[object, str]]:
    tree, where = one
    if each:
        if isinstance(tree, list):
            few = tree[: reading.PIECES_MAX + 1]
            return [(inner, f"{where}/{index}") for index, inner in enumerate(few)]
        return [] if tree is None else [one]
    inner = _into(tree, step)
    named = step.replace("~", "~0").replace("/", "~1")
    return [] if inner is None else [(inner, f"{where}/{named}")]


def _into(tree: object, step: str) -> object:
    if isinstance(tree, dict):
        return tree.get(step)
    if isinstance(tree, list) and _INDEX.fullmatch(step) and int(step) < len(tree):
        return tree[int(step)]
    return None


def _at_steps(steps: tuple[str, ...]) -> Getter:
    if len(steps) == 1:
        only = steps[0]
        return lambda piece: _into(piece.tree, only)

    outermost = steps[:1] == ("*",)
    after = steps[1:] if outermost else steps

    def get(piece: Piece) -> object:
        tree = piece.tree
        if outermost:
            tree = _only_one(tree)
        for step in after:
            tree = _into(tree, step)
            if tree is None:
                return None
        return tree

    return get


def _only_one(tree: object) -> object:
    """Return the only member of an object, whatever it is called: XML's outermost element."""
    return next(iter(tree.values())) if isinstance(tree, dict) and len(tree) == 1 else None


def _only_header(callback: Callback, name: str) -> str | None:
    values = callback.header_values(name)
    only = values[0] if len(values) == 1 else None
    return None if only is None or _UNREADABLE.search(only) else only


def _holds(tree: object, what: str) -> bool:
    if isinstance(tree, str):
        return what in tree
    if isinstance(tree, dict):
        return any(_holds(name, what) or _holds(inner, what) for name, inner in tree.items())
    return isinstance(tree, list) and any(_holds(inner, what) for inner in tree)
