"""What masks answers for those who are shown no numbers and no texts: around every route.

These are people, by their role, and the keys that such people have made.

Pure ASGI, around what keeps answers, so that these are kept whole. It decides nothing: what is
personal stands in domain/masking.py. What it cannot look into is not let out.
"""

from typing import Any

import msgspec
from starlette.requests import Request

from ringback.api.auth import identified
from ringback.api.context import Context
from ringback.api.frame import App, Message, Receive, Scope, Send
from ringback.api.problems import MEDIA_TYPE as PROBLEM
from ringback.api.problems import Problem
from ringback.api.streams import MEDIA_TYPE as STREAM
from ringback.domain.masking import HIDDEN, NOTHING_PERSONAL, masked
from ringback.services.access import Asker

JSON = "application/json"
LISTENING = "listen"
_DATA = b"data: "
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Masking:
    """Masks answers."""

    def __init__(self, app: App, context: Context) -> None:
        """Take the application to wrap, and what knows who asks."""
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; who asks is known when the answer begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        mask: _Mask | None = None

        async def tell(message: Message) -> None:
            nonlocal mask
            if message["type"] == "http.response.start":
                mask = self._for(scope, message)
            for told in [message] if mask is None else mask.told(message):
                await send(told)

        await self._app(scope, receive, tell)

    def _for(self, scope: Scope, start: Message) -> "_Mask | None":
        """Return what masks an answer, or None where nothing is to be masked. Raises Problem."""
        state = scope["state"]
        asker: Asker | None = state.get("asker")
        if asker is None or state.get("unmasked"):
            return None
        kind, operation = _media_type(start), _operation(scope)
        if kind == STREAM:
            # Of people also for those who see everything now: a role may change while they listen.
            # A program that listens is an endpoint, and what is posted there is whole and signed.
            masks = asker.signed_in is not None or (asker.masked and operation != LISTENING)
            return _Streamed(self._context, scope) if masks else None
        if not asker.masked or operation in NOTHING_PERSONAL or kind in {"", PROBLEM}:
            return None
        if kind != JSON:
            raise Problem("scope_missing", "You would see this masked, which it cannot be.")
        return _Whole()


def _operation(scope: Scope) -> str:
    route = scope.get("route")
    return "" if route is None else str(route.name)


def _media_type(start: Message) -> str:
    for name, value in start.get("headers", ()):
        if name.lower() == b"content-type":
            text: str = value.decode("latin-1")
            return text.partition(";")[0].strip().lower()
    return ""


class _Mask:
    """Masks one answer, message by message."""

    def told(self, message: Message) -> list[Message]:
        """Return what is to be sent in place of a message of the answer."""
        raise NotImplementedError


class _Whole(_Mask):
    """Masks JSON, once all of it is there."""

    def __init__(self) -> None:
        self._start: Message = {}
        self._body = bytearray()

    def told(self, message: Message) -> list[Message]:
        """Keep everything until the end."""
        if message["type"] == "http.response.start":
            self._start = message
            return []
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return []
        body = _encode(masked(_decode(self._body))) if self._body else b""
        headers = [
            (name, value)
            for name, value in self._start.get("headers", ())
            if name.lower() != b"content-length"
        ]
        length = (b"content-length", str(len(body)).encode())
        start = {**self._start, "headers": [*headers, length]}
        return [start, {**message, "body": body}]


class _Streamed(_Mask):
    """Masks the data of server-sent events, line by line, by the role as of each."""

    def __init__(self, context: Context, scope: Scope) -> None:
        self._context = context
        self._request = Request(scope)
        self._rest = b""

    def told(self, message: Message) -> list[Message]:
        """Let only whole lines out."""
        if message["type"] == "http.response.start":
            return [message]
        if not self._masked():
            body, self._rest = self._rest + message.get("body", b""), b""
            return [{**message, "body": body}]
        *lines, self._rest = (self._rest + message.get("body", b"")).split(b"\n")
        body = b"".join(_line(line) + b"\n" for line in lines)
        return [{**message, "body": body}]

    def _masked(self) -> bool:
        try:
            return identified(self._context, self._request).masked
        except Problem:
            return True


def _line(line: bytes) -> bytes:
    if not line.startswith(_DATA):
        return line
    try:
        data: Any = _decode(line.removeprefix(_DATA))
    except msgspec.DecodeError:
        return _DATA + HIDDEN.encode()
    return _DATA + _encode(masked(data))
