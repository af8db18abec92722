"""The hot routes: requests read as raw bytes, within limits, before anything looks at them.

A plain ASGI application: no framework between a provider and the receiver. Not the API.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ringback.domain.http import Callback, HttpResponse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handle = Callable[[str, Callback], Awaitable[HttpResponse]]

BODY_MAX = 4 * 1024 * 1024
HEAD_MAX = 16 * 1024
HEADERS_MAX = 64
URL_MAX = 8 * 1024
RECEIVE_S = 15.0

_PLAIN = (("content-type", "text/plain"),)
_TOO_LARGE = HttpResponse(
    413, (*_PLAIN, ("connection", "close")), b"the body is larger than 4 MiB\n"
)
_TOO_SLOW = HttpResponse(
    408, (*_PLAIN, ("connection", "close")), b"the request took longer than 15 s to arrive\n"
)
_HEAD = HttpResponse(431, _PLAIN, b"more than 16 KiB or 64 lines of headers\n")
_LONG = HttpResponse(414, _PLAIN, b"the URL is longer than 8 KiB\n")
_BAD = HttpResponse(400, _PLAIN, b"the content-length is not a number\n")


class _Gone(Exception):
    """The caller hung up before the request was whole."""


class Incoming:
    """Serves one prefix, such as `/in/`: what follows it names the receiver's own resource."""

    def __init__(self, prefix: str, handle: Handle, public_url: str) -> None:
        """Take the handler; `public_url` is how providers reach us, without a final slash."""
        self.prefix = prefix
        self._handle = handle
        self._public_url = public_url.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        refusal = _refuse_head(scope)
        if refusal is not None:
            await _respond(send, refusal)
            return
        try:
            body = await asyncio.wait_for(_read(receive), RECEIVE_S)
        except TimeoutError:
            await _respond(send, _TOO_SLOW)
            return
        except _Gone:
            return
        if body is None:
            await _respond(send, _TOO_LARGE)
            return
        callback = self._callback(scope, body)
        name = callback.url[len(self._public_url) + len(self.prefix) :].partition("?")[0]
        await _respond(send, await self._handle(name, callback))

    def _callback(self, scope: Scope, body: bytes) -> Callback:
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        query: bytes = scope.get("query_string") or b""
        path = raw.partition(b"?")[0].decode("latin-1")
        url = f"{self._public_url}{path}"
        client = scope.get("client")
        return Callback(
            method=scope["method"],
            url=f"{url}?{query.decode('latin-1')}" if query else url,
            headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]),
            body=body,
            peer=str(client[0]) if client else "",
        )


def _refuse_head(scope: Scope) -> HttpResponse | None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > HEADERS_MAX or sum(len(n) + len(v) + 4 for n, v in headers) > HEAD_MAX:
        return _HEAD
    if len(scope["path"]) + len(scope.get("query_string") or b"") > URL_MAX:
        return _LONG
    for name, value in headers:
        if name == b"content-length":
            if not value.isdigit() or len(value) > 18:
                return _BAD
            if int(value) > BODY_MAX:
                return _TOO_LARGE
    return None


async def _read(receive: Receive) -> bytes | None:
    """Read the whole body; None when it is larger than allowed."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _Gone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body if len(body) <= BODY_MAX else None
    chunks, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > BODY_MAX:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def _respond(send: Send, response: HttpResponse) -> None:
    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers
    ]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
