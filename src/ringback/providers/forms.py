"""Queries and forms, url-encoded and multipart: names and values, read strictly and within limits.

What breaks a rule is None as a whole, never half a form. JSON is read elsewhere.
"""

import base64
import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

# Beyond this an url-encoded body is no form: a megabyte of %41 takes a tenth of a second to read.
SIZE_MAX = 1024 * 1024
PAIRS_MAX = 1000
PARTS_MAX = 100

_PARAMETER = re.compile(r'\s*;\s*([A-Za-z0-9*_-]+)=("(?:[^"\\]|\\.)*"|[^";\s]*)')
_ESCAPED = re.compile(r"\\(.)")
_SEPARATOR = re.compile(rb"%(?:26|3[dD])")
# What no text holds, as it comes: in JSON each would take six bytes.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_HEAD_MAX = 4096
_BOUNDARY_MAX = 70

Value = str | dict[str, str]


def pairs(octets: bytes | str, charset: str = "utf-8") -> list[tuple[str, str]] | None:
    """Read a query or an url-encoded body; None where it is too large or has faulty text.

    A query is given as it stands in the URL: bytes beyond ASCII as Latin-1.
    """
    if isinstance(octets, str):
        octets = octets.encode("latin-1", "replace")
    if not octets:
        return []
    if len(octets) > SIZE_MAX or octets.count(b"&") >= PAIRS_MAX or _CONTROL.search(octets):
        return None
    whole = unescaped(octets.replace(b"+", b" ")) if charset == "utf-8" else None
    if whole is not None:
        told = _decoded(whole, charset)
        return None if told is None else [one.partition("=")[::2] for one in told.split("&") if one]
    found: list[tuple[str, str]] = []
    for piece in octets.split(b"&"):
        name, _, value = (_plain(part, charset) for part in piece.partition(b"="))
        if name is None or value is None:
            return None
        if piece:
            found.append((name, value))
    return found


def unescaped(form: bytes) -> bytes | None:
    """Undo all escapes of a form at once; None where one stands for what separates fields."""
    if b"%" not in form:
        return form
    return None if _SEPARATOR.search(form) else unquote_to_bytes(form)


def lists(found: Sequence[tuple[str, Value]]) -> dict[str, list[Value]]:
    """Gather the values of each name, in order."""
    gathered: dict[str, list[Value]] = {}
    for name, value in found:
        gathered.setdefault(name, []).append(value)
    return gathered


def without(url: str, name: str, instead: str | None = None) -> str:
    """Return a URL whose query has lost a parameter, or has `instead` for its value."""
    bare, mark, query = url.partition("?")
    kept: list[str] = []
    for piece in query.split("&"):
        raw = piece.partition("=")[0]
        plain: str | None = raw
        if "%" in raw or "+" in raw or not raw.isascii():
            plain = _plain(raw.encode("latin-1", "replace"), "utf-8")
        if plain != name:
            kept.append(piece)
        elif instead is not None:
            kept.append(f"{raw}={instead}")
    return f"{bare}{mark}{'&'.join(kept)}".removesuffix("?") if mark else url


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Split a header such as Content-Type: the word in lower case, and its parameters."""
    word, _, _ = value.partition(";")
    found = {
        name.lower(): _ESCAPED.sub(r"\1", text[1:-1]) if text.startswith('"') else text
        for name, text in _PARAMETER.findall(value[len(word) :][:1024])
    }
    return word.strip().lower(), found


def multipart(body: bytes, boundary: str) -> list[tuple[str, Value]] | None:
    """Read a multipart form; files become `{"filename", "content_type", "base64"}`.

    None where a part is malformed or has no name, and for more than 100 parts.
    """
    delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
    body = b"\r\n" + body
    if not 0 < len(boundary) <= _BOUNDARY_MAX or not 0 < body.count(delimiter) <= PARTS_MAX + 1:
        return None
    _, *parts, last = body.split(delimiter)
    if not last.startswith(b"--"):
        return None
    found: list[tuple[str, Value]] = []
    for part in parts:
        named = _part(part)
        if named is None:
            return None
        found.append(named)
    return found


def text(octets: bytes, charset: str = "utf-8") -> str | None:
    """Decode text; None for what is not in the charset, and for control characters."""
    return None if _CONTROL.search(octets) else _decoded(octets, charset)


def _part(part: bytes) -> tuple[str, Value] | None:
    head, separator, content = part.partition(b"\r\n\r\n")
    if not separator or not head.startswith(b"\r\n") or len(head) > _HEAD_MAX:
        return None
    headers = {}
    for line in head[2:].split(b"\r\n"):
        name, _, value = line.decode("utf-8", "replace").partition(":")
        headers[name.strip().lower()] = value.strip()
    word, told = parameters(headers.get("content-disposition", ""))
    if word != "form-data" or not told.get("name") or "\0" in "".join(told.values()):
        return None
    words = text(content)
    if words is not None and "filename" not in told:
        return told["name"], words
    return told["name"], {
        "filename": told.get("filename", ""),
        "content_type": headers.get("content-type", ""),
        "base64": base64.b64encode(content).decode(),
    }


def _plain(octets: bytes, charset: str) -> str | None:
    return _decoded(unquote_to_bytes(octets.replace(b"+", b" ")), charset)


def _decoded(octets: bytes, charset: str) -> str | None:
    try:
        found = octets.decode(charset)
    except UnicodeDecodeError:
        return None
    # NUL is what no database takes.
    return None if "\0" in found else found
