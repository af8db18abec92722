"""The gate in front of everything: so many requests at a time, and who comes then is turned away.

What one request may take of memory is the business of what is behind it.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

REQUESTS_MAX = 4096
# Asked by whoever would end a process that does not answer: being busy is no reason to.
_ALWAYS = "/healthz"
_BODY = b"too many requests at once, come again\n"
_HEADERS = [
    (b"content-type", b"text/plain"),
    (b"content-length", str(len(_BODY)).encode()),
    (b"retry-after", b"1"),
    (b"connection", b"close"),
]


class Gate:
    """Lets `most` requests be under way; `refused` counts by status those that were turned away."""

    def __init__(self, app: App, most: int = REQUESTS_MAX) -> None:
        """Take the application behind it."""
        self._app = app
        self._most = most
        self._under_way = 0
        self.refused: Counter[int] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on or answer 503; anything but HTTP passes."""
        if scope["type"] != "http" or scope["path"] == _ALWAYS:
            await self._app(scope, receive, send)
            return
        if self._under_way >= self._most:
            self.refused[503] += 1
            await send({"type": "http.response.start", "status": 503, "headers": _HEADERS})
            await send({"type": "http.response.body", "body": _BODY})
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
