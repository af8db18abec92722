"""Twilio's forms: names and values as octets for signatures, as text for reading.

A form is a POST body, or the query where Twilio is told to call with GET.
"""

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes, urlencode, urlsplit

from ringback.providers.forms import PAIRS_MAX, unescaped
from ringback.providers.proofs import octets

# Twilio's forms have a few thousand bytes. A form is split before its signature is known, and a
# megabyte of %41 would take a tenth of a second.
SIZE_MAX = 256 * 1024
# What a callback URL of ours carries and gets back: the reference of the message.
REFERENCE = "reference"
_GIVES_REFERENCE = f"{REFERENCE}="

Pairs = list[tuple[bytes, bytes]]


def pairs(form: bytes) -> Pairs | None:
    """Split an url-encoded form and undo its escapes; None beyond 1,000 pairs or 256 KiB."""
    if len(form) > SIZE_MAX or form.count(b"&") >= PAIRS_MAX:
        return None
    form = form.replace(b"+", b" ")
    whole = unescaped(form)
    if whole is not None:
        return _split(whole)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, value in _split(form)]


def _split(form: bytes) -> Pairs:
    return [piece.partition(b"=")[::2] for piece in form.split(b"&") if piece]


def fields(found: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the fields as text, without those that are not UTF-8 or hold NUL.

    One that comes with several values is left out too: no signature tells their order.
    """
    told: dict[str, str] = {}
    doubled: set[str] = set()
    for name, value in found:
        try:
            key, text = name.decode(), value.decode()
        except UnicodeDecodeError:
            continue
        if "\0" not in key and "\0" not in text and told.setdefault(key, text) != text:
            doubled.add(key)
    for key in doubled:
        del told[key]
    return told


def reference_in(url: str) -> str | None:
    """Return the `reference` that a callback URL carries, or None."""
    if _GIVES_REFERENCE not in url:
        return None
    found = fields(pairs(octets(url.partition("?")[2].partition("#")[0])) or ())
    return found.get(REFERENCE)


def with_query(url: str, **added: str) -> str:
    """Return a URL with these parameters at the end of its query, before any fragment."""
    bare, mark, fragment = url.partition("#")
    joint = "&" if urlsplit(bare).query else "?"
    return f"{bare.removesuffix('?')}{joint}{urlencode(added)}{mark}{fragment}"
