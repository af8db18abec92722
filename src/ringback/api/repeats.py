"""The header `Idempotency-Key`: a POST that is sent twice happens once.

Pure ASGI, inside the frame and around the routes. It decides nothing: services/once.py does.
"""

import re
from collections.abc import Sequence

import structlog
from starlette.requests import Request

from ringback.api.auth import asker_of
from ringback.api.context import Context
from ringback.api.frame import App, Message, Receive, Scope, Send, replay
from ringback.api.problems import Problem, Where
from ringback.domain.idempotency import HEADER, REPLAYED
from ringback.domain.scopes import OPERATIONS
from ringback.errors import DatabaseUnavailable
from ringback.services.access import Asker, Denied
from ringback.services.once import Answered, Refused, Turn
from ringback.storage.lists import Scope as Owner

RETRY_AFTER_S = "1"
_OF_THIS_TIME = frozenset((b"content-length", b"date"))
log = structlog.get_logger()


class Repeats:
    """Answers repeated requests with what was answered first."""

    def __init__(
        self, app: App, context: Context, operations: Sequence[tuple[re.Pattern[str], str]]
    ) -> None:
        """Take the application to wrap; `operations` are what may be posted, by their paths."""
        self._app = app
        self._context = context
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = self._asked(scope)
        if asked is None:
            # Also whatever is refused: the routes say why.
            await self._app(scope, receive, send)
            return
        asker, key = asked
        owner, who = Owner(asker.tenant, asker.mode or 0), asker.actor.id
        body = await _whole(receive)
        try:
            turn = await self._context.once.begin(owner, who, f"POST {scope['path']}", key, body)
        except Refused as error:
            raise _problem(error) from None
        if isinstance(turn, Answered):
            await _answer(send, turn)
        else:
            await self._first(turn, body, scope, receive, send)

    def _asked(self, scope: Scope) -> tuple[Asker, str] | None:
        """Return whose request it is and its key, if it may be answered from what is kept."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        request = Request(scope)
        key = request.headers.get(HEADER)
        if key is None:
            return None
        operation = self._operation(scope["path"])
        if operation not in OPERATIONS:
            return None
        try:
            asker = asker_of(self._context, request)
            asker.allow(OPERATIONS[operation])
        except (Problem, Denied):
            return None
        return asker, key

    def _operation(self, path: str) -> str | None:
        return next((name for shape, name in self._operations if shape.fullmatch(path)), None)

    async def _first(
        self, turn: Turn, body: bytes, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let a request happen, and keep its answer before it leaves."""
        said: list[Message] = []

        async def hear(message: Message) -> None:
            said.append(message)

        await self._app(scope, replay(body, receive), hear)
        answer = _kept(said)
        try:
            await self._context.once.end(turn, answer)
        except DatabaseUnavailable as error:
            # It has happened. Whoever repeats it is told that its end is not known.
            log.warning("once.unkept", error=str(error))
        for message in said:
            await send(message)


def _problem(error: Refused) -> Problem:
    where = [Where(error.detail, parameter="Idempotency-Key")]
    headers = {"retry-after": RETRY_AFTER_S} if error.code == "in_flight" else None
    return Problem(error.code, error.detail, where, headers)


async def _whole(receive: Receive) -> bytes:
    """Read the body; the frame gives it in one piece."""
    message = await receive()
    body: bytes = message.get("body", b"")
    return body


def _kept(said: list[Message]) -> Answered:
    start = said[0]
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in start.get("headers", ())
        if name.lower() not in _OF_THIS_TIME
    ]
    body = b"".join(message.get("body", b"") for message in said[1:])
    return Answered(start["status"], headers, body)


async def _answer(send: Send, answer: Answered) -> None:
    headers = [
        *((name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers),
        (b"content-length", str(len(answer.body)).encode()),
        (REPLAYED.encode(), b"true"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
