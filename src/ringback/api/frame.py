"""The frame around every request of the API: its id, its limits, and the last line of defence.

Reads the whole body, within limits of size and time, before anything looks at it; refuses what no
handler should see (NUL, half characters, what is not JSON); turns whatever is left over into a
problem. Not authentication, and not for the hot routes: those have transport/incoming.py.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog

from ringback.api.problems import REQUEST_ID_HEADER, Problem, of_exception
from ringback.domain.ids import show, uuid7
from ringback.domain.strict_json import StrictJsonError, decode
from ringback.services.clock import Clock
from ringback.services.rate_limits import Taken
from ringback.services.request_log import Line, RequestLog

BODY_MAX = 1024 * 1024
URL_MAX = 8 * 1024
# Bodies of all requests under way together: who is not known yet may fill no more than this.
BODIES_MAX = 64 * 1024 * 1024
RECEIVE_S = 15.0
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
log = structlog.get_logger()


_VERSION = "/v1/"
# What answers say unless they say something else themselves: most are somebody's data.
_UNKEPT = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
# Asked by machines, every few seconds, for ever.
_PROBES = frozenset(("/healthz", "/readyz", "/metrics"))


class _Gone(Exception):
    """The caller hung up before the request was whole."""


class Frame:
    """Pure ASGI middleware around the API."""

    def __init__(self, app: App, clock: Clock, request_log: RequestLog) -> None:
        """Take the application to wrap, the clock that ids are made by, and what tells of it."""
        self._app = app
        self._clock = clock
        self._log = request_log
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; anything but HTTP passes unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = show("req", uuid7(self._clock.now_ms(), os.urandom(10)))
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        began = time.perf_counter()
        started = False
        status: int | None = None
        sent = 0
        body = bytearray()

        async def tell(message: Message) -> None:
            nonlocal started, status, sent
            sent += len(message.get("body", b""))
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                headers = message.get("headers", ())
                message["headers"] = [
                    *headers,
                    *(_unkept(headers) if scope["path"].startswith(_VERSION) else ()),
                    (REQUEST_ID_HEADER.encode(), request_id.encode()),
                    *_rate(state.get("rate")),
                ]
            await send(message)

        try:
            check_url(scope)
            await self._body(scope, receive, body)
            await self._app(scope, replay(bytes(body), receive), tell)
        except _Gone:
            return
        except Exception as error:
            if started:
                raise
            problem = of_exception(error)
            state["code"] = problem.code
            if problem.code == "internal":
                log.exception("api.defect", request_id=request_id)
            await problem.response(request_id)(scope, receive, tell)
        finally:
            self._held -= len(body)
            if scope["path"] not in _PROBES and self._log.wants(status):
                seconds = time.perf_counter() - began
                self._log.note(_line(scope, status, seconds, len(body), sent))

    async def _body(self, scope: Scope, receive: Receive, body: bytearray) -> None:
        """Read and check the body. Raises Problem, or _Gone."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if length.isdigit() and (len(length) > 18 or int(length) > BODY_MAX):
            raise _too_large()
        try:
            await asyncio.wait_for(self._read(receive, body), RECEIVE_S)
        except TimeoutError:
            words = f"It has to arrive within {RECEIVE_S:.0f} s."
            raise Problem("request_timeout", words) from None
        if body and scope["method"] in _WITH_BODY:
            media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
            if media_type != b"application/json":
                words = "Send it with content-type: application/json."
                raise Problem("unsupported_media_type", words)
            try:
                decode(bytes(body))
            except StrictJsonError as error:
                raise Problem("malformed_json", f"The body cannot be used: {error}.") from None

    async def _read(self, receive: Receive, body: bytearray) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            chunk: bytes = message.get("body", b"")
            if len(body) + len(chunk) > BODY_MAX:
                raise _too_large()
            if self._held + len(chunk) > BODIES_MAX:
                words = "Too many large bodies are under way; send it again."
                raise Problem("busy", words, headers={"retry-after": "1", "connection": "close"})
            self._held += len(chunk)
            body += chunk
            if not message.get("more_body", False):
                return


def _unkept(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Keep answers out of caches, and from being taken for what they are not."""
    said = {name.lower() for name, _ in headers}
    return [(name, value) for name, value in _UNKEPT if name not in said]


def _rate(taken: Taken | None) -> list[tuple[bytes, bytes]]:
    """Say how many requests are left to the key that asked."""
    if taken is None:
        return []
    return [(name.encode(), value.encode()) for name, value in taken.headers]


def _line(scope: Scope, status: int | None, seconds: float, came: int, sent: int) -> Line:
    """Say what the log tells of a request: its route's template, never its path."""
    state = scope["state"]
    route = scope.get("route")
    template: str | None = None if route is None else route.path
    if template is not None and scope["path"].startswith(_VERSION) and _VERSION not in template:
        template = _VERSION + template.removeprefix("/")  # a route knows itself within its router
    return Line(
        scope["method"], template, status, seconds,
        state["request_id"], came, sent, state.get("asker"), state.get("code"),
    )  # fmt: skip


def check_url(scope: Scope) -> None:
    """Refuse a URL that is too long or holds what no database can store. Raises Problem."""
    path: bytes = scope["path"].encode("utf-8", "surrogatepass")
    raw: bytes = scope.get("raw_path") or path
    query: bytes = scope.get("query_string") or b""
    if len(raw) + len(query) > URL_MAX:
        raise Problem("url_too_long", f"A URL may have {URL_MAX} bytes.")
    for part in (path, unquote_to_bytes(raw), unquote_to_bytes(query)):
        try:
            text = part.decode("utf-8")
        except UnicodeDecodeError:
            raise Problem("malformed_url", "The URL holds bytes that are not UTF-8.") from None
        if "\0" in text:
            raise Problem("malformed_url", "The URL holds a NUL character.")


def _too_large() -> Problem:
    return Problem("body_too_large", "A body may have 1 MiB.", headers={"connection": "close"})


def replay(body: bytes, receive: Receive) -> Receive:
    """Give the body once more, in one piece; then whatever the server has to say."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
