"""Carrying out what an adapter describes: its requests one by one, each answer given back to it.

Access tokens are kept here for as long as they are good, so that adapters need no memory.
"""

import time
import uuid
from collections.abc import Callable, Generator
from typing import NamedTuple, TypeVar

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.networks import Policy
from ringback.providers.base import TokenRequest
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

STEPS_MAX = 8
TOKENS_MAX = 10_000
# A token is no longer used when it has less than this to live.
_SPARE_S = 60.0
# What an answer without `expires_in` is taken to be good for.
_USUAL_S = 300.0
_LONGEST_S = 86_400.0

R = TypeVar("R")


class _Expiry(msgspec.Struct):
    expires_in: float | None = None


class _Kept(NamedTuple):
    answer: HttpResponse
    until: float


class Tokens:
    """Answers to requests for access tokens, by connection and request; one per worker."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start empty; `clock` counts seconds."""
        self._clock = clock
        self._kept: dict[tuple[uuid.UUID, HttpRequest], _Kept] = {}

    def get(self, connection: uuid.UUID, asked: TokenRequest) -> HttpResponse | None:
        """Return an answer that is still good."""
        kept = self._kept.get((connection, asked.request))
        if kept is None or asked.refused or kept.until <= self._clock():
            return None
        return kept.answer

    def keep(self, connection: uuid.UUID, asked: TokenRequest, answer: HttpResponse) -> None:
        """Keep an answer for as long as it says."""
        key = (connection, asked.request)
        self._kept.pop(key, None)
        if not 200 <= answer.status < 300:
            return
        try:
            good_for = msgspec.json.decode(answer.body, type=_Expiry, strict=False).expires_in
        except msgspec.DecodeError:
            return
        seconds = min(_USUAL_S if good_for is None else good_for, _LONGEST_S) - _SPARE_S
        if seconds > 0:
            while len(self._kept) >= TOKENS_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = _Kept(answer, self._clock() + seconds)


class Talk(NamedTuple):
    """How to carry out a flow: the way out, what it may reach, seconds for each request.

    `onto` turns each request into the one that is sent instead, as for a faked API; a flow of more
    than `steps_max` is given up.
    """

    client: Client
    policy: Policy
    deadline_s: float
    tokens: Tokens
    connection: uuid.UUID
    onto: Callable[[HttpRequest], HttpRequest] = lambda request: request
    steps_max: int = STEPS_MAX


async def talk(
    flow: Generator[HttpRequest | TokenRequest, HttpResponse, R], how: Talk
) -> R | Exchange:
    """Drive a flow to its end; return its result, or the request that has no complete answer.

    Raises InvalidUrl for a URL that no request is ever sent to.
    """
    try:
        step = next(flow)
        for _ in range(how.steps_max):
            answer = await _answered(step, how)
            if isinstance(answer, Exchange):
                flow.close()
                return answer
            step = flow.send(answer)
    except StopIteration as end:
        result: R = end.value
        return result
    flow.close()
    words = f"the provider needs more than {how.steps_max} requests"
    return Exchange(error="protocol", detail=words)


async def _answered(step: HttpRequest | TokenRequest, how: Talk) -> HttpResponse | Exchange:
    if not isinstance(step, TokenRequest):
        return await _sent(step, how)
    known = how.tokens.get(how.connection, step)
    if known is not None:
        return known
    answer = await _sent(step.request, how)
    if isinstance(answer, HttpResponse):
        how.tokens.keep(how.connection, step, answer)
    return answer


async def _sent(request: HttpRequest, how: Talk) -> HttpResponse | Exchange:
    answer = await how.client.send(
        Outgoing.of(how.onto(request)), policy=how.policy, deadline_s=how.deadline_s
    )
    if answer.error is not None or answer.status is None:
        return answer
    return HttpResponse(answer.status, answer.headers, answer.body)
