"""What comes in, as values: limits, hot routes, heads that are refused, answers as bytes.

A hot route goes past the framework: its handler gets the raw bytes of a request that is whole. Not
here: connections (listener.py) and who accepts them (server.py).
"""

import functools
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec

from ringback.domain.http import Callback, HttpResponse

Handle = Callable[[str, Callback], Awaitable[HttpResponse]]

BODY_MAX = 4 * 1024 * 1024
HEAD_MAX = 16 * 1024
HEADERS_MAX = 64
URL_MAX = 8 * 1024
# Bodies of the requests under way share this much memory; the first 64 KiB of each are its own, so
# that large bodies can crowd out one another and never an ordinary callback.
LARGE_MAX = 64 * 1024 * 1024
OWN_BODY = 64 * 1024

_PLAIN = (("content-type", "text/plain"),)
_CLOSE = (*_PLAIN, ("connection", "close"))
_AGAIN = (*_CLOSE, ("retry-after", "1"))
TOO_LARGE = HttpResponse(413, _CLOSE, b"the body is larger than 4 MiB\n")
CROWDED = HttpResponse(503, _AGAIN, b"too many large bodies at once\n")
BUSY = HttpResponse(503, _AGAIN, b"too many requests at once, come again\n")
HEAD = HttpResponse(431, _CLOSE, b"more than 16 KiB or 64 lines of headers\n")
LONG = HttpResponse(414, _CLOSE, b"the URL is longer than 8 KiB\n")
BAD = HttpResponse(400, _CLOSE, b"this is not a request of HTTP/1.1 that can be read\n")
DEFECT = HttpResponse(500, _CLOSE, b"an error of ours\n")
_WITHOUT_BODY = frozenset((204, 205, 304))
# The listener's own business, whatever a handler says.
_FRAMING = frozenset(("content-length", "transfer-encoding"))
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class Request:
    """A request while it comes in and is answered. `held` bytes of it count as large.

    `target` is what the request line asks for, undecoded; header names are in lower case.
    """

    __slots__ = (
        "body", "complete", "head_only", "headers", "held", "keep", "method", "minor", "route",
        "target",
    )  # fmt: skip

    def __init__(self) -> None:
        """Start with nothing received."""
        self.target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self.method = ""
        self.minor = 1
        self.keep = True
        self.complete = False
        self.head_only = False
        self.held = 0
        self.route: HotRoute | None = None

    def header(self, name: bytes) -> bytes | None:
        """Return the first header called `name`, in lower case."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class HotRoute:
    """Serves one prefix, such as `/in/`: what follows it names the receiver's own resource.

    `refused` counts by status what was turned away before the handler saw it.
    """

    def __init__(
        self,
        prefix: str,
        handle: Handle,
        public_url: str,
        *,
        method: str | None = None,
        worded: Callable[[HttpResponse], HttpResponse] = lambda refused: refused,
    ) -> None:
        """Take the handler; `public_url` is how callers reach us, without a final slash.

        With `method` only requests of that method to exactly `prefix` are its own. `worded` puts
        what is refused before the handler sees it into the words that its callers expect.
        """
        self.worded = worded
        self._prefix = prefix.encode()
        self._method = method
        self._handle = handle
        self._public_url = public_url.rstrip("/")
        self.refused: Counter[int] = Counter()

    def takes(self, method: str, path: bytes) -> bool:
        """Say whether a request is this route's."""
        if self._method is None:
            return path.startswith(self._prefix)
        return method == self._method and path == self._prefix

    def handle(self, request: Request, peer: str) -> Awaitable[HttpResponse]:
        """Hand a whole request to the handler."""
        target = request.target.decode("latin-1")
        callback = Callback(
            method=request.method,
            url=self._public_url + target,
            headers=tuple([(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.headers]),
            body=bytes(request.body),
            peer=peer,
        )
        request.body = bytearray()
        return self._handle(target[len(self._prefix) :].partition("?")[0], callback)


class Times(msgspec.Struct, frozen=True):
    """Seconds that a caller may take.

    `head_s` for a head, `receive_s` for the whole request after it, `idle_s` between two requests,
    `write_s` without reading what it is sent, `linger_s` to hear that it was refused.
    """

    head_s: float = 5.0
    receive_s: float = 15.0
    idle_s: float = 75.0
    write_s: float = 30.0
    linger_s: float = 2.0


def too_slow(seconds: float) -> HttpResponse:
    """Return the answer to a request that did not arrive in time."""
    words = f"the request took longer than {seconds:g} s to arrive\n"
    return HttpResponse(408, _CLOSE, words.encode())


def origin_form(target: bytes) -> bytes | None:
    """Return path and query of what a request line asks for; None when it is neither of ours."""
    if target.startswith(b"/"):
        return target
    if target[:7].lower() == b"http://" or target[:8].lower() == b"https://":
        _, _, rest = target.partition(b"://")
        _, slash, path = rest.partition(b"/")
        return slash + path if slash else b"/"
    return b"/*" if target == b"*" else None


def refusal(request: Request) -> HttpResponse | None:
    """Say why a head is not taken, or None."""
    headers = request.headers
    if len(headers) > HEADERS_MAX or sum([len(n) + len(v) + 4 for n, v in headers]) > HEAD_MAX:
        return HEAD
    if len(request.target) > URL_MAX:
        return LONG
    if request.route is not None:
        length = request.header(b"content-length")
        if length is not None and (not length.isdigit() or len(length) > 18):
            return BAD
        if length is not None and int(length) > BODY_MAX:
            return TOO_LARGE
    return None


def closes(response: HttpResponse) -> bool:
    """Say whether an answer ends its connection."""
    return any(n.lower() == "connection" and v.lower() == "close" for n, v in response.headers)


def answer(response: HttpResponse, request: Request, date: bytes, *, keep: bool) -> bytes:
    """Write an answer. A field that would begin another line is left out."""
    bare = response.status in _WITHOUT_BODY
    parts = [status_line(response.status), date]
    parts += [_field(name, value) for name, value in response.headers]
    # No length with these: RFC 9110 has none for 204, and 304 speaks of another answer's.
    if response.status not in {204, 304}:
        parts.append(b"content-length: %d\r\n" % (0 if bare else len(response.body)))
    parts.append(connection_field(request, keep=keep) if not closes(response) else b"")
    parts.append(b"\r\n")
    if not bare and not request.head_only:
        parts.append(response.body)
    return b"".join(parts)


@functools.cache
def status_line(status: int) -> bytes:
    """Write the first line of an answer."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


def connection_field(request: Request, *, keep: bool) -> bytes:
    """Say what becomes of the connection, where the version of HTTP does not."""
    if not keep:
        return b"connection: close\r\n"
    return b"" if request.minor else b"connection: keep-alive\r\n"


@functools.lru_cache(maxsize=1024)
def _field(name: str, value: str) -> bytes:
    """Write a header field; empty for one that cannot be sent."""
    if _NAME.fullmatch(name) and _VALUE.fullmatch(value) and name.lower() not in _FRAMING:
        return f"{name}: {value}\r\n".encode("latin-1")
    return b""
