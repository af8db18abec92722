"""What a listener answered, written down as the attempts of an endpoint that has no URL.

A listener reads its endpoint's stream, posts each event to a program beside it, and tells us what
that one answered. Each is one attempt, and the last: who wants another one replays the delivery.
"""

import os
import uuid
from collections.abc import Callable
from typing import Literal

import msgspec

from ringback.domain.endpoints import Endpoint
from ringback.domain.ids import IdSequence, delivery_id, show
from ringback.errors import Fault, Invalid
from ringback.services.clock import Clock
from ringback.services.outcome import FINAL, RESPONSE_KEPT
from ringback.storage import listening
from ringback.storage.database import Database
from ringback.storage.listening import Made, Waiting
from ringback.storage.lists import Scope

ANSWERS_MAX = 100
PER_DELIVERY_MAX = 100
MS_MAX = 3_600_000
HEADERS_MAX = 64
Failure = Literal["connect", "dns", "tls", "timeout", "protocol"]
_NOT_TOLD = "This event was not told to this endpoint as this delivery, or stands here twice."
_encode = msgspec.json.Encoder().encode


class Given(msgspec.Struct, frozen=True):
    """What a listener tells of one delivery: `ord` is its place; `ms` from start to end.

    `status` is None when there was no answer; then `error` says why.
    """

    event: uuid.UUID
    endpoint: int
    ord: int
    ms: float
    status: int | None
    error: Failure | None
    url: str
    headers: list[tuple[str, str]]
    body: bytes
    truncated: bool


class Answers:
    """Takes the answers of listeners."""

    def __init__(self, database: Database, clock: Clock, worker: Callable[[], int]) -> None:
        """Take the edges; `worker` returns our number, and raises when we have lost our lease."""
        self._database = database
        self._clock = clock
        self._worker = worker

    async def take(self, scope: Scope, endpoint: Endpoint, given: list[Given]) -> list[Made]:
        """Write answers down, all or none, and return their attempts.

        Raises:
            Invalid: one is about what this endpoint was never told, or was told too often.
            DatabaseUnavailable: nobody answers.

        """
        waiting = Waiting(scope, endpoint.no)
        told = [(one.event, one.ord) for one in given]
        before = await listening.known(self._database, waiting, told)
        faults = []
        for place, one in enumerate(given):
            pointer = f"/answers/{place}/delivery"
            if (
                one.endpoint != endpoint.no
                or place not in before
                or told.index(told[place]) < place
            ):
                detail = (
                    "This event was not told to this endpoint as this delivery, or comes twice."
                )
                faults.append(Fault(pointer, detail))
            elif before[place] >= PER_DELIVERY_MAX:
                faults.append(Fault(pointer, f"It has {PER_DELIVERY_MAX} attempts already."))
        if faults:
            raise Invalid(*faults)
        now_ms = self._clock.now_ms()
        ids = IdSequence(now_ms, os.urandom(10))
        made = [_made(one, ids.next(), before[place] + 1) for place, one in enumerate(given)]
        await listening.answer(self._database, waiting, self._worker(), made)
        return made


def _made(given: Given, id_: uuid.UUID, n: int) -> Made:
    ended = "delivered" if given.status is not None and 200 <= given.status < 300 else "exhausted"
    said = given.error or given.status
    words = {
        "delivered": f"{said}: taken by the listener's program.",
        "exhausted": f"{said}: not taken. The listener is told once; replay it for another time.",
    }
    truncated = given.truncated or len(given.body) > RESPONSE_KEPT
    request = {
        "method": "POST", "url": given.url,
        "headers": [("content-type", "application/json"), ("webhook-id", show("evt", given.event))],
    }  # fmt: skip
    detail = {
        "request": request,
        "response": {"headers": given.headers, "truncated": truncated},
        "error": None,
        "timings": {"total": round(given.ms, 3)},
        "decision": words[ended],
    }
    return Made(
        id_, given.event, given.ord, n, given.status, given.error, given.ms, FINAL[ended],
        _encode(detail), given.body[:RESPONSE_KEPT],
    )  # fmt: skip


def shown(endpoint: Endpoint, made: Made) -> tuple[str, str]:
    """Return the ids of an attempt and its delivery as people see them."""
    return show("att", made.id), delivery_id(endpoint.no, made.ord)
