"""The life of a message: facts, ranks, and the merge that no order of arrival can upset.

Everything that decides a message's status is in this file. The merge is commutative, associative
and idempotent: a set of facts gives the same status, timestamps and multiset of emitted types in
whatever order, and however often, its callbacks come. Only `sequence`, `late`, `inferred` and
`received_at` follow arrival.

    scheduled < queued < submitted < sent < unconfirmed, own expiry
              < {expired, cancelled, failed, delivered} < read            received (inbound)
"""

from typing import Literal

import msgspec

Status = Literal[
    "scheduled", "queued", "submitted", "sent", "delivered", "read",
    "failed", "expired", "cancelled", "unconfirmed", "received",
]  # fmt: skip
Origin = Literal["sent", "observed", "inbound", "simulated"]
Direction = Literal["outbound", "inbound"]
ErrorClass = Literal[
    "recipient", "sender", "content", "policy", "consent",
    "credit", "throttled", "network", "platform", "unknown",
]  # fmt: skip

RANK: dict[Status, int] = {
    "scheduled": 0, "queued": 1, "submitted": 2, "sent": 3, "unconfirmed": 4,
    "expired": 5, "cancelled": 5, "failed": 5, "delivered": 5, "received": 5, "read": 6,
}  # fmt: skip
# An `expired` that we decided ourselves proves nothing: any word from the provider outranks it.
OWN_EXPIRY_RANK = 4
# Who wins inside one rank when the provider's times are equal or missing.
TIE_ORDER: dict[Status, int] = {
    "unconfirmed": 0, "expired": 1, "cancelled": 2, "failed": 3, "delivered": 4,
    "scheduled": 5, "queued": 6, "submitted": 7, "sent": 8, "read": 9, "received": 10,
}  # fmt: skip
STATUS_CODE: dict[Status, int] = {
    "scheduled": 1, "queued": 2, "submitted": 3, "sent": 4, "delivered": 5, "read": 6,
    "failed": 7, "expired": 8, "cancelled": 9, "unconfirmed": 10, "received": 11,
}  # fmt: skip
FAILURES = frozenset(("failed", "expired", "cancelled"))
SUCCESSES = frozenset(("delivered", "read"))

FACTS_KEPT = 64
PARTS_MAX = 255


class Failure(msgspec.Struct, frozen=True, omit_defaults=True, rename={"class_": "class"}):
    """Why a message failed, in one vocabulary for all providers, with the provider's own code."""

    class_: ErrorClass
    code: str
    retryable: bool = False
    provider_code: str | None = None
    description: str | None = None
    stage: Literal["rejected", "undeliverable"] = "undeliverable"


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that somebody said about a message.

    `at` is the provider's time and `received` ours, both in milliseconds since 1970; `at` is None
    where the provider sends none. `hash` is the fact's identity. `part` counts from 1; 0 is the
    whole message. `own` marks what we decided ourselves; `weak` a proof weaker than its word.
    """

    status: Status
    received: int
    hash: int
    at: int | None = None
    part: int = 0
    weak: bool = False
    own: bool = False
    error: Failure | None = None
    provider_status: str | None = None
    callback: str | None = None


class Emission(msgspec.Struct, frozen=True):
    """One event that a fact brings about: `message.<status>` with its place in the life.

    `standing` is the message's status after it.
    """

    status: Status
    previous_status: Status | None
    standing: Status | None
    sequence: int
    occurred_at: int
    received_at: int
    late: bool = False
    inferred: bool = False
    weak: bool = False
    conflict: bool = False
    error: Failure | None = None
    provider_status: str | None = None


class Message(msgspec.Struct, omit_defaults=True, rename={"from_": "from"}):
    """One text to or from one person: what is known of it, and the state of its merge.

    `timestamps` holds the provider's earliest time for each status, `heard` ours, for statuses
    that no provider dated. `winner` is the sort key of the fact that sets the status.
    """

    origin: Origin
    direction: Direction
    channel: str | None = None
    purpose: str | None = None
    to: str | None = None
    from_: str | None = None
    provider: str | None = None
    connection: str | None = None
    provider_message_id: str | None = None
    reference: str | None = None
    campaign: str | None = None
    tags: list[str] = []
    metadata: dict[str, str] = {}
    carrier: dict[str, str] | None = None
    segments: int | None = None
    cost: dict[str, str] | None = None
    content: dict[str, object] | None = None
    parts: int | None = None
    status: Status | None = None
    error: Failure | None = None
    sequence: int = 0
    timestamps: dict[str, int] = {}
    heard: dict[str, int] = {}
    winner: tuple[int, int, int, int] | None = None
    succeeded: bool = False
    failed: bool = False
    inferred_delivered: bool = False
    # The inferred `delivered` still waits for the real one, which then emits nothing.
    delivered_owed: bool = False
    part_facts: dict[int, dict[str, int]] = {}
    reached: list[str] = []
    facts: list[Fact] = []

    @property
    def conflict(self) -> bool:
        """Whether the provider has said both that it arrived and that it did not."""
        return self.succeeded and self.failed


def rank(fact: Fact) -> int:
    """Return the rank of a fact: how far along a message's life it lies."""
    if fact.own and fact.status == "expired":
        return OWN_EXPIRY_RANK
    return RANK[fact.status]


def _key(fact: Fact) -> tuple[int, int, int, int]:
    # A total order that depends on nothing but the fact's content. A fact without a provider's
    # time stands before every dated one of its rank: our own clock must not decide.
    return rank(fact), -1 if fact.at is None else fact.at, TIE_ORDER[fact.status], fact.hash


def merge(message: Message, fact: Fact) -> list[Emission]:
    """Add one fact that the message has not seen, and return the events that follow from it.

    The caller has dropped facts whose hash is known. Changes `message` in place: callers work on
    a copy of their own, freshly decoded.
    """
    if len(message.facts) < FACTS_KEPT:
        message.facts.append(fact)
    if fact.part and (message.parts or 1) > 1:
        return _merge_part(message, fact)
    return _apply(message, fact)


def _apply(message: Message, fact: Fact) -> list[Emission]:
    emissions: list[Emission] = []
    if fact.status == "read" and not _knows_delivery(message):
        # A provider may skip `delivered` when the message is read at once: read implies it.
        message.inferred_delivered = message.delivered_owed = True
        emissions.append(_emit(message, "delivered", fact, inferred=True))
    previous, moved = message.status, _move(message, fact)
    _note_times(message, fact)
    message.succeeded = message.succeeded or fact.status in SUCCESSES
    message.failed = message.failed or (fact.status in FAILURES and not fact.own)
    if fact.status == "delivered" and message.delivered_owed:
        message.delivered_owed = False
        return emissions
    emissions.append(_emit(message, fact.status, fact, previous=previous, late=not moved))
    return emissions


def _knows_delivery(message: Message) -> bool:
    dated = message.timestamps
    return message.inferred_delivered or "delivered" in dated or "delivered" in message.heard


def _move(message: Message, fact: Fact) -> bool:
    key = _key(fact)
    if message.winner is not None and key <= tuple(message.winner):
        return False
    message.winner, message.status = key, fact.status
    message.error = fact.error
    return True


def _note_times(message: Message, fact: Fact) -> None:
    times, at = (message.heard, fact.received) if fact.at is None else (message.timestamps, fact.at)
    known = times.get(fact.status)
    if known is None or at < known:
        times[fact.status] = at


def _emit(
    message: Message,
    status: Status,
    fact: Fact,
    *,
    previous: Status | None = None,
    late: bool = False,
    inferred: bool = False,
) -> Emission:
    message.sequence += 1
    standing = message.status
    if inferred and (standing is None or RANK[standing] < RANK[status]):
        standing = status
    return Emission(
        status=status,
        previous_status=message.status if inferred else previous,
        standing=standing,
        sequence=message.sequence,
        occurred_at=fact.received if fact.at is None else fact.at,
        received_at=fact.received,
        late=late,
        inferred=inferred,
        weak=fact.weak,
        conflict=message.conflict,
        error=fact.error if status == fact.status else None,
        provider_status=fact.provider_status,
    )


def _merge_part(message: Message, fact: Fact) -> list[Emission]:
    """Take a report about one part of several; the whole speaks when the parts allow it.

    Failure needs one part, everything else all of them. Each status speaks once: which ones do,
    and the status and times of the whole, are derived anew from the set of the parts' reports.
    """
    times = message.part_facts.setdefault(min(fact.part, PARTS_MAX), {})
    at = fact.received if fact.at is None else fact.at
    times[fact.status] = min(at, times.get(fact.status, at))
    reached = {s: since for s in _OF_PARTS if (since := _reached_at(message, s)) is not None}
    if not reached:
        return []
    wholes = [msgspec.structs.replace(fact, status=s, at=at) for s, at in reached.items()]
    top = max(wholes, key=lambda whole: _key(whole)[:3])
    previous, stood = message.status, message.winner
    message.timestamps = {str(name): since for name, since in reached.items()}
    message.winner, message.status = _key(top), top.status
    message.error = (message.error or fact.error) if top.status in FAILURES else None
    message.succeeded = not SUCCESSES.isdisjoint(reached)
    message.failed = not FAILURES.isdisjoint(reached)
    emissions: list[Emission] = []
    for whole in wholes:
        if whole.status not in message.reached:
            message.reached.append(whole.status)
            late = stood is not None and _key(whole) <= tuple(stood)
            emissions.append(_emit(message, whole.status, whole, previous=previous, late=late))
            previous = whole.status
    return emissions


_OF_PARTS: tuple[Status, ...] = (
    "submitted", "sent", "delivered", "read", "failed", "expired", "cancelled", "unconfirmed",
)  # fmt: skip
_ONWARD: dict[Status, tuple[Status, ...]] = {
    "submitted": ("submitted", "sent", "delivered", "read"),
    "sent": ("sent", "delivered", "read"),
    "delivered": ("delivered", "read"),
    "read": ("read",),
}


def _reached_at(message: Message, status: Status) -> int | None:
    """Return when all parts (for an ending without proof: any part) got there, or None."""
    reports = message.part_facts.values()
    if status not in _ONWARD:
        return min((part[status] for part in reports if status in part), default=None)
    onward = _ONWARD[status]
    times = [min(found) for part in reports if (found := [part[s] for s in onward if s in part])]
    return max(times) if len(times) >= (message.parts or 1) else None


def fill(message: Message, **later: object) -> None:
    """Fill in what earlier facts left open (addresses, reference, carrier …); never overwrite."""
    for name, value in later.items():
        if value is not None and getattr(message, name) in (None, {}, []):
            setattr(message, name, value)


def times(message: Message) -> dict[str, int]:
    """Return when each status was reached, provider's time first, ours where it sent none."""
    return {**message.heard, **message.timestamps}
