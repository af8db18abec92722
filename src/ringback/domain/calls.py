"""The life of a call: what is said of it, ranks, and the merge that no order of arrival can upset.

    initiated < ringing < answered < failed as `no_answer` < {completed, failed}

Forwarded, input received, machine detected and recording available happen to a call without moving
its status. The same facts give the same status, times, reason and duration in whatever order.
"""

from typing import Literal, NamedTuple

import msgspec

from ringback.domain.messages import Direction

CallStatus = Literal["initiated", "ringing", "answered", "completed", "failed"]
CallWord = Literal[
    "initiated", "ringing", "answered", "completed", "failed",
    "forwarded", "input_received", "machine_detected", "recording_available",
]  # fmt: skip
Reason = Literal["busy", "no_answer", "cancelled", "rejected", "unreachable", "error"]

RANK: dict[str, int] = {"initiated": 0, "ringing": 1, "answered": 2, "failed": 4, "completed": 4}
# That nobody answered may only be what is left over: whoever knows more outranks it.
NO_ANSWER_RANK = 3
# Who wins inside one rank when the provider's times are equal or missing.
TIE_ORDER = {word: place for place, word in enumerate(RANK)}


class CallFact(msgspec.Struct, frozen=True):
    """One thing that somebody said about a call; times are milliseconds since 1970.

    `at` is the provider's time, None where it sends none; `received` is ours. `hash` is the fact's
    identity.
    """

    word: CallWord
    received: int
    hash: int
    at: int | None = None
    reason: Reason | None = None
    duration_s: int | None = None
    forwarded_to: str | None = None
    input: dict[str, str] | None = None
    recording: dict[str, str] | None = None
    details: dict[str, str] | None = None


class Call(msgspec.Struct, omit_defaults=True, rename={"from_": "from"}):
    """One call: what is known of it, and the state of its merge.

    `timestamps` holds the provider's earliest time for each status, `heard` ours for those without.
    """

    direction: Direction = "outbound"
    from_: str | None = None
    to: str | None = None
    provider: str | None = None
    connection: str | None = None
    provider_call_id: str | None = None
    reference: str | None = None
    status: CallStatus | None = None
    reason: Reason | None = None
    duration_s: int | None = None
    sequence: int = 0
    timestamps: dict[str, int] = {}
    heard: dict[str, int] = {}
    winner: tuple[int, int, int, int] | None = None


class CallEmission(NamedTuple):
    """The event that a fact brings about: `call.<word>` with its place in the life."""

    fact: CallFact
    previous_status: CallStatus | None
    sequence: int
    late: bool


def merge(call: Call, fact: CallFact) -> CallEmission:
    """Add one fact that the call has not seen; changes `call` in place."""
    previous, late = call.status, False
    if fact.word in RANK:
        late = not _move(call, fact)
        noted, at = (call.heard, fact.received) if fact.at is None else (call.timestamps, fact.at)
        noted[fact.word] = min(at, noted.get(fact.word, at))
    if fact.duration_s is not None:
        call.duration_s = max(fact.duration_s, call.duration_s or 0)
    call.sequence += 1
    return CallEmission(fact, previous, call.sequence, late)


def _move(call: Call, fact: CallFact) -> bool:
    at = -1 if fact.at is None else fact.at
    rank = NO_ANSWER_RANK if fact.reason == "no_answer" else RANK[fact.word]
    key = rank, at, TIE_ORDER[fact.word], fact.hash
    if call.winner is not None and key <= tuple(call.winner):
        return False
    call.winner, call.status, call.reason = key, fact.word, fact.reason  # type: ignore[assignment]
    return True
