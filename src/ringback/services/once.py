"""Requests that happen once: what was answered under an idempotency key is answered again.

For ordinary routes. A publication keeps its own, in the transaction that stores its events:
services/publications.py.
"""

import uuid
from collections.abc import Sequence

import msgspec

from ringback.domain.idempotency import BAD_KEY, OTHER_BODY, fingerprint, usable
from ringback.domain.ids import hashed_key
from ringback.errors import RingbackError
from ringback.services.configuration import Configuration
from ringback.storage import idempotency
from ringback.storage.database import Database
from ringback.storage.lists import Scope

# A request that is not answered after so long is taken for one whose end nobody knows.
IN_FLIGHT_S = 60.0
Headers = Sequence[tuple[str, str]]


class Answered(msgspec.Struct, frozen=True):
    """An answer as it is kept."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Refused(RingbackError):
    """A key that cannot be used now: a problem's code and the words."""

    def __init__(self, code: str, detail: str) -> None:
        """Take what the answer says."""
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Turn(msgspec.Struct, frozen=True):
    """A request that has claimed its key and now happens."""

    key: uuid.UUID
    scope: Scope


class Once:
    """Keeps answers by key, sealed: they may hold secrets that are shown once."""

    def __init__(self, configuration: Configuration, database: Database) -> None:
        """Take the edges."""
        self._configuration = configuration
        self._database = database

    async def begin(
        self, scope: Scope, asker: uuid.UUID, route: str, key: str, body: bytes
    ) -> Turn | Answered:
        """Claim a key for a request, or return what its first request was answered.

        It counts for `asker` alone, an API key or a person: answers hold secrets, and others who
        may ask the same may not see these.

        Raises:
            Refused: it is no key, it came with another body, or its first request is under way.

        """
        if not usable(key):
            raise Refused("invalid", BAD_KEY)
        secret = self._configuration.snapshot.hash_key
        parts = (str(scope.tenant), str(scope.mode), str(asker), route, key)
        turn = Turn(hashed_key(secret, "idempotent", *parts), scope)
        print_ = fingerprint(body)
        if await idempotency.claim(self._database, turn.key, scope, print_):
            return turn
        known = await idempotency.read(self._database, turn.key, scope)
        if known is not None and known.fingerprint != print_:
            raise Refused("idempotency_key_reused", OTHER_BODY)
        if known is None or (known.answer is None and known.age_s < IN_FLIGHT_S):
            raise Refused("in_flight", "The first request with this key is under way.")
        if known.answer is None:
            words = "Nobody knows how the first request with this key ended: look what there is."
            raise Refused("outcome_unknown", words)
        opened = self._configuration.vault.open(known.answer, _row(turn))
        return msgspec.msgpack.decode(opened, type=Answered)

    async def end(self, turn: Turn, answer: Answered) -> None:
        """Keep an answer, or give the key back when nothing came of the request.

        After an error of ours nothing is known: the key stays claimed.
        """
        if answer.status < 400:
            sealed = self._configuration.vault.seal(msgspec.msgpack.encode(answer), _row(turn))
            await idempotency.answer(self._database, turn.key, turn.scope, answer.status, sealed)
        elif answer.status < 500:
            await idempotency.forget(self._database, turn.key, turn.scope)


def _row(turn: Turn) -> str:
    return f"idempotency key {turn.key}"
