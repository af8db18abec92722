"""A request as somebody pastes it: perhaps a request line, headers, an empty line, the body. Pure.

Such text comes from logs, from `curl -v` and from the panel of a browser; so it is read kindly.
Not for requests that come over the wire.
"""

import re

import msgspec

_REQUEST_LINE = re.compile(rb"[A-Z]{1,20} \S+(?: HTTP/[0-9.]+)?")
_FIELD = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*(.*)")


class Pasted(msgspec.Struct, frozen=True):
    """The headers in order, and the body as it was pasted."""

    headers: tuple[tuple[str, str], ...]
    body: bytes


def field(line: str) -> tuple[str, str] | None:
    """Read one header field, `Name: value`; None when it is none."""
    found = _FIELD.fullmatch(line.strip().encode("utf-8", "surrogateescape"))
    return (found[1].decode(), found[2].decode("utf-8", "replace").strip()) if found else None


def read(text: bytes) -> Pasted | None:
    """Read a request with its headers; None when the text does not begin like one."""
    if re.match(rb"[<>] ", text):  # as `curl -v` shows it, mark and all
        text = re.sub(rb"(?m)^[<>](?: |(?=\r?$))", b"", text)
    head, _, body = _divided(text)
    lines = head.splitlines()
    if lines and _REQUEST_LINE.fullmatch(lines[0].strip()):
        lines = lines[1:]
    headers = []
    for line in lines:
        found = _FIELD.fullmatch(line.strip())
        if found is None:
            return None
        headers.append((found[1].decode(), found[2].decode("utf-8", "replace").strip()))
    return Pasted(tuple(headers), body) if headers else None


def _divided(text: bytes) -> tuple[bytes, bytes, bytes]:
    found = re.search(rb"\r?\n\r?\n", text)
    if found is None:
        return text, b"", b""
    return text[: found.start()], found[0], text[found.end() :]
