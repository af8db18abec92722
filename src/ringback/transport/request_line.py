"""Request lines with bytes beyond ASCII, as old SMS gateways send them, for a strict parser.

RFC 9112 has no such bytes, and llhttp refuses them. Here they are escaped before it sees the line,
and nothing else is touched: what separates and ends a request is read by the parser alone.
"""

import re

_BEYOND = re.compile(rb"[\x80-\xff]")
_LINE = re.compile(rb"[A-Z]+ ([^\x00-\x20\x7f]+) HTTP/1\.[01]\r?")


class RequestLine:
    """The first line of a request while it comes in.

    `open` until it has ended; `escaped` when the parser was given something else than what came.
    """

    __slots__ = ("_raw", "escaped", "open")

    def __init__(self) -> None:
        """Begin where a request begins."""
        self.begin()

    def begin(self) -> None:
        """Begin with another request."""
        self.open, self.escaped, self._raw = True, False, b""

    def readable(self, data: bytes) -> bytes:
        """Return what came for the parser: with the bytes of the line escaped that it refuses."""
        end = data.find(b"\n")
        line = data if end < 0 else data[:end]
        self.open = end < 0
        if line.isascii():
            self._raw += line if self.open or self.escaped else b""
            return data
        self._raw += line
        self.escaped = True
        return escaped(line) + data[len(line) :]

    def target(self, parsed: bytes) -> bytes | None:
        """Return what the line asks for as it came; None unless the parser read the same."""
        found = _LINE.fullmatch(self._raw)
        return found[1] if found is not None and escaped(found[1]) == parsed else None


def escaped(octets: bytes) -> bytes:
    """Escape the bytes beyond ASCII, as a URL should have had them."""
    return _BEYOND.sub(lambda found: b"%%%02X" % found[0][0], octets)
