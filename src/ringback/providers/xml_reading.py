"""XML as adapters read it: small trees, made by expat behind limits that every body must keep.

    256 KiB · depth ≤ 64 · 10,000 elements and attributes · no DOCTYPE, so no entity but the five

Nothing is resolved and nothing is fetched: a document type is refused where it begins, before
anything in it could be declared. Where a provider puts the same empty one into all it sends, that
one is taken out beforehand, letter for letter. Names lose their namespace's prefix. No provider's
words live here.
"""

import codecs
import re
from collections.abc import Iterator
from xml.parsers import expat

import msgspec

SIZE_MAX = 256 * 1024
DEPTH_MAX = 64
NODES_MAX = 10_000

# Decoders that turn bytes into characters and do nothing else; Python knows others that unpack.
CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
    "utf-16": "utf-16",
}
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")


class XmlError(ValueError):
    """A body that is not XML or breaks a limit. `reason` holds nothing of the content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Element(msgspec.Struct):
    """One element: its name, its attributes, the text that stands directly in it, what it holds."""

    name: str
    attributes: dict[str, str] = {}
    text: str = ""
    children: list["Element"] = []

    def each(self, name: str) -> Iterator["Element"]:
        """Go through the children that are called so."""
        return (child for child in self.children if child.name == name)

    def first(self, *path: str) -> "Element | None":
        """Return the first element at this path of names below, or None."""
        found: Element | None = self
        for name in path:
            found = next(found.each(name), None) if found is not None else None
        return found

    def words(self, *path: str) -> str | None:
        """Return the text of the first element at this path without space around it, or None."""
        found = self.first(*path)
        return (found.text.strip() or None) if found is not None else None

    def plain(self) -> object:
        """Return it as JSON has it: its text, or an object of its attributes and children.

        Attributes stand under `@name`, text beside others under `#text`, and children that are
        called the same in a list.
        """
        told: dict[str, object] = {f"@{name}": value for name, value in self.attributes.items()}
        lists: set[str] = set()
        for child in self.children:
            inner, known = child.plain(), told.get(child.name)
            if child.name not in told:
                told[child.name] = inner
            elif child.name in lists and isinstance(known, list):
                known.append(inner)
            else:
                lists.add(child.name)
                told[child.name] = [known, inner]
        words = self.text.strip()
        if not told:
            return words
        return {**told, "#text": words} if words else told


def document_type(name: str, *system_ids: str) -> re.Pattern[str]:
    """Make what `read` takes out: this document type with one of these ids and nothing else."""
    ids = "|".join(map(re.escape, system_ids))
    return re.compile(
        rf"""((?:<\?xml[^>]{{0,200}}\?>)?\s*)<!DOCTYPE\s+{name}\s+SYSTEM\s+["'](?:{ids})["']\s*>"""
    )


def read(
    body: bytes,
    charset: str | None = None,
    default: str = "utf-8",
    taken_out: re.Pattern[str] | None = None,
) -> Element:
    """Read a document to its outermost element. Raises XmlError.

    The characters are those of a byte order mark, else of `charset` (a Content-Type's parameter),
    else of the declaration, else of `default`. `taken_out` is the only document type that is
    not refused (see `document_type`); what is read never sees it.
    """
    if len(body) > SIZE_MAX:
        raise XmlError(f"more than {SIZE_MAX // 1024} KiB of XML")
    if not body.strip():
        raise XmlError("the body is empty")
    text = _decoded(body, charset, default).lstrip()
    found = taken_out.match(text) if taken_out is not None else None
    return _Tree().read(text if found is None else found[1] + text[found.end() :])


def escaped(text: str) -> str:
    """Write text so that XML reads it again; characters that XML cannot hold are left out."""
    kept = _NO_CHARACTER.sub("", text)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        kept = kept.replace(character, entity)
    return kept


_NO_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _decoded(body: bytes, charset: str | None, default: str) -> str:
    marked = next((known for mark, known in _MARKS if body.startswith(mark)), None)
    if marked is None:
        declared = _DECLARED.match(body.lstrip())
        said = charset or (declared[1].decode("ascii") if declared else "") or default
        marked = CHARSETS.get(said.strip().lower())
        if marked is None:
            raise XmlError("text in a charset that is not read")
    try:
        return body.decode(marked)
    except UnicodeDecodeError:
        raise XmlError("bytes that are not text in the charset that it names") from None


class _Tree:
    """Builds the tree of one document; made anew for each."""

    def __init__(self) -> None:
        self._nodes = 0
        self._open: list[tuple[Element, list[str]]] = []
        self._root: Element | None = None

    def read(self, text: str) -> Element:
        """Read decoded text. Raises XmlError."""
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse_document_type
        try:
            parser.Parse(text.encode("utf-8", "surrogatepass"), True)
        except expat.ExpatError as error:
            why = expat.ErrorString(error.code)
            raise XmlError(f"not XML: {why} (line {error.lineno})") from None
        if self._root is None:
            raise XmlError("not XML: no element")
        return self._root

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._nodes += 1 + len(attributes)
        if self._nodes > NODES_MAX:
            raise XmlError(f"more than {NODES_MAX} elements and attributes")
        if len(self._open) >= DEPTH_MAX:
            raise XmlError(f"deeper than {DEPTH_MAX} levels")
        element = Element(name.rpartition(":")[2], attributes)
        if self._open:
            self._open[-1][0].children.append(element)
        else:
            self._root = element
        self._open.append((element, []))

    def _end(self, name: str) -> None:
        del name
        element, words = self._open.pop()
        # Put together once: text between thousands of children would be copied as often.
        element.text = "".join(words)

    def _text(self, text: str) -> None:
        self._open[-1][1].append(text)


def _refuse_document_type(*declared: object) -> None:
    del declared
    raise XmlError("it has a DOCTYPE, which is never read")
