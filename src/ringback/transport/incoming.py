"""The hot routes: requests read as raw bytes, within limits, before anything looks at them.

A plain ASGI application: no framework between a provider and the receiver. Not the API.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ringback.domain.http import Callback, Headers, HttpResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handle = Callable[[str, Callback], Awaitable[HttpResponse]]

BODY_MAX = 4 * 1024 * 1024
HEAD_MAX = 16 * 1024
HEADERS_MAX = 64
URL_MAX = 8 * 1024
RECEIVE_S = 15.0
# Bodies of the requests under way share this much memory; the first 64 KiB of each are its own, so
# that large bodies can crowd out one another and never an ordinary callback.
LARGE_MAX = 64 * 1024 * 1024
_OWN = 64 * 1024

_PLAIN = (("content-type", "text/plain"),)
_CLOSE = (*_PLAIN, ("connection", "close"))
_TOO_LARGE = HttpResponse(413, _CLOSE, b"the body is larger than 4 MiB\n")
_CROWDED = HttpResponse(503, (*_CLOSE, ("retry-after", "1")), b"too many large bodies at once\n")
_HEAD = HttpResponse(431, _PLAIN, b"more than 16 KiB or 64 lines of headers\n")
_LONG = HttpResponse(414, _PLAIN, b"the URL is longer than 8 KiB\n")
_BAD = HttpResponse(400, _PLAIN, b"the content-length is not a number\n")
_WITHOUT_BODY = frozenset((204, 205, 304))
# The server's own business, whatever a handler says.
_FRAMING = frozenset(("content-length", "transfer-encoding"))
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class _Gone(Exception):
    """The caller hung up before the request was whole."""


class _Refused(Exception):
    """The body is not read to its end."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


class _Share:
    """What one request holds of the memory that large bodies share, in bytes."""

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0


class Incoming:
    """Serves one prefix, such as `/in/`: what follows it names the receiver's own resource.

    `refused` counts by status what was turned away before the handler saw it.
    """

    def __init__(
        self, prefix: str, handle: Handle, public_url: str, receive_s: float = RECEIVE_S
    ) -> None:
        """Take the handler; `public_url` is how providers reach us, without a final slash.

        A request has `receive_s` seconds to arrive.
        """
        self.prefix = prefix
        self._handle = handle
        self._public_url = public_url.rstrip("/")
        self._receive_s = receive_s
        words = f"the request took longer than {receive_s:g} s to arrive\n"
        self._too_slow = HttpResponse(408, _CLOSE, words.encode())
        self._large = 0
        self.refused: Counter[int] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        response = _refuse_head(scope)
        if response is not None:
            self.refused[response.status] += 1
        else:
            share = _Share()
            try:
                response = await self._answer(scope, receive, share)
            except _Gone:
                return
            finally:
                self._large -= share.size
        await _respond(send, response, head_only=scope["method"] == "HEAD")

    async def _answer(self, scope: Scope, receive: Receive, share: _Share) -> HttpResponse:
        try:
            body = await asyncio.wait_for(self._read(receive, share), self._receive_s)
        except TimeoutError:
            self.refused[self._too_slow.status] += 1
            return self._too_slow
        except _Refused as refused:
            self.refused[refused.response.status] += 1
            return refused.response
        callback = self._callback(scope, body)
        name = callback.url[len(self._public_url) + len(self.prefix) :].partition("?")[0]
        return await self._handle(name, callback)

    async def _read(self, receive: Receive, share: _Share) -> bytes:
        """Read the whole body; raises `_Refused` or `_Gone`."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            body += message.get("body", b"")
            if len(body) > BODY_MAX:
                raise _Refused(_TOO_LARGE)
            grown = max(0, len(body) - _OWN) - share.size
            if self._large + grown > LARGE_MAX:
                raise _Refused(_CROWDED)
            self._large += grown
            share.size += grown
            if not message.get("more_body", False):
                return bytes(body)

    def _callback(self, scope: Scope, body: bytes) -> Callback:
        query: bytes = scope.get("query_string") or b""
        url = f"{self._public_url}{_raw_path(scope).decode('latin-1')}"
        client = scope.get("client")
        return Callback(
            method=scope["method"],
            url=f"{url}?{query.decode('latin-1')}" if query else url,
            headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]),
            body=body,
            peer=str(client[0]) if client else "",
        )


def _raw_path(scope: Scope) -> bytes:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0]


def _refuse_head(scope: Scope) -> HttpResponse | None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > HEADERS_MAX or sum(len(n) + len(v) + 4 for n, v in headers) > HEAD_MAX:
        return _HEAD
    if len(_raw_path(scope)) + len(scope.get("query_string") or b"") > URL_MAX:
        return _LONG
    for name, value in headers:
        if name == b"content-length":
            if not value.isdigit() or len(value) > 18:
                return _BAD
            if int(value) > BODY_MAX:
                return _TOO_LARGE
    return None


async def _respond(send: Send, response: HttpResponse, *, head_only: bool) -> None:
    bare = response.status in _WITHOUT_BODY
    headers = _fields(response.headers)
    # No length with these: RFC 9110 has none for 204, and 304 speaks of another answer's.
    if response.status not in {204, 304}:
        length = 0 if bare else len(response.body)
        headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if bare or head_only else response.body
    await send({"type": "http.response.body", "body": body})


def _fields(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Return the header fields that can be sent; one that would begin another line is left out."""
    return [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in headers
        if _NAME.fullmatch(name) and _VALUE.fullmatch(value) and name.lower() not in _FRAMING
    ]
