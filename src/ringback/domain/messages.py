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
    # It also says that the person wants no more messages.
    opt_out: bool = False

    @property
    def unlisted(self) -> bool:
        """Whether the provider gave a code that is in no table of ours."""
        return self.class_ == "unknown" and self.provider_code is not None


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
    # Of a message of several parts: by part (0 is the whole) and status, the fact that counts.
    part_facts: dict[int, dict[str, Fact]] = {}
    reached: list[str] = []
    facts: list[Fact] = []
    # A report that came while a send was on its way: nothing is emitted until it is known whose
    # it is. `held` are its facts, in order of arrival.
    provisional: bool = False
    held: list[Fact] = []

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
    if (message.parts or 1) > 1:
        return _merge_part(message, fact)
    return _apply(message, fact)


def _apply(message: Message, fact: Fact) -> list[Emission]:
    emissions: list[Emission] = []
    message.succeeded = message.succeeded or fact.status in SUCCESSES
    message.failed = message.failed or (fact.status in FAILURES and not fact.own)
    previous = message.status
    if fact.status == "read" and not _knows_delivery(message):
        # A provider may skip `delivered` when the message is read at once: read implies it.
        message.inferred_delivered = message.delivered_owed = True
        emissions.append(_emit(message, "delivered", fact, previous=previous, inferred=True))
        previous = "delivered"
    moved = _move(message, fact)
    _note_times(message.timestamps, message.heard, fact)
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


def _note_times(dated: dict[str, int], heard: dict[str, int], fact: Fact) -> None:
    noted, at = (heard, fact.received) if fact.at is None else (dated, fact.at)
    noted[fact.status] = min(at, noted.get(fact.status, at))


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
        previous_status=previous,
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


class _Whole(msgspec.Struct, frozen=True):
    """What the parts make the whole say: a fact, and whether a part was only inferred."""

    fact: Fact
    inferred: bool = False


# What a part must have said for it to have come at least this far.
_ONWARD: dict[Status, tuple[Status, ...]] = {
    "submitted": ("sent", "delivered", "read"),
    "sent": ("delivered", "read"),
    "delivered": ("read",),
    "read": (),
}


def _merge_part(message: Message, fact: Fact) -> list[Emission]:
    """Take a fact about a message of several parts; the whole speaks when the parts allow it.

    An ending without success needs one part, everything else all of them, and what is said of
    the whole message stands for all. Each status speaks once. Which ones do, and the status and
    times of the whole, are derived anew from the set of facts, so that no order can matter.
    """
    if not message.part_facts:
        # The number of parts may be announced late: what came before it counts too.
        for known in message.facts:
            _note_part(message, known)
        spoken = [known.status for known in message.facts if known is not fact]
        message.reached = [*spoken, "delivered"] if message.inferred_delivered else [*spoken]
    _note_part(message, fact)
    wholes = sorted(_wholes(message), key=lambda whole: _key(whole.fact))
    previous, stood = message.status, message.winner
    _derive(message, wholes)
    emissions: list[Emission] = []
    for whole in wholes:
        if whole.fact.status not in message.reached:
            message.reached.append(whole.fact.status)
            late = stood is not None and _key(whole.fact) <= tuple(stood)
            told = msgspec.structs.replace(whole.fact, received=fact.received)
            emissions.append(
                _emit(
                    message,
                    told.status,
                    told,
                    previous=previous,
                    late=late,
                    inferred=whole.inferred,
                )
            )
            previous = previous if late else told.status
    return emissions


def _note_part(message: Message, fact: Fact) -> None:
    said = message.part_facts.setdefault(min(fact.part, PARTS_MAX), {})
    known = said.get(fact.status)
    if known is None or _first(fact) < _first(known):
        said[fact.status] = fact


def _first(fact: Fact) -> tuple[bool, bool, int, int]:
    # The provider's word before ours, dated before undated, early before late: a total order.
    return fact.own, fact.at is None, fact.at or 0, fact.hash


def _wholes(message: Message) -> list[_Whole]:
    """Return what the whole has reached, one fact for each status."""
    said = message.part_facts.values()
    parts = [facts for part, facts in message.part_facts.items() if part]
    of_whole = message.part_facts.get(0, {})
    found: list[_Whole] = []
    for status in TIE_ORDER:
        if status not in _ONWARD:
            literal = [facts[status] for facts in said if status in facts]
            if literal:
                found.append(_Whole(min(literal, key=_first)))
        elif status in of_whole:
            found.append(_Whole(of_whole[status]))
        else:
            whole = _of_all(parts, status, message.parts or 1)
            if whole is None and status == "delivered" and "read" in of_whole:
                whole = _Whole(of_whole["read"], inferred=True)
            if whole is not None:
                fact = msgspec.structs.replace(whole.fact, status=status)
                found.append(_Whole(fact, whole.inferred))
    return found


def _of_all(parts: list[dict[str, Fact]], status: Status, expected: int) -> _Whole | None:
    """Return the last part's fact if every part has come to `status`, or None.

    At least one must have said so itself: nothing is made up but a `delivered` before `read`.
    """
    literal = [facts[status] for facts in parts if status in facts]
    if not literal and status != "delivered":
        return None
    for facts in parts:
        further = [facts[onward] for onward in _ONWARD[status] if onward in facts]
        if status not in facts and further:
            literal.append(min(further, key=_first))
    if len(literal) < expected:
        return None
    inferred = not all(fact.status == status for fact in literal)
    return _Whole(max(literal, key=lambda fact: (fact.at or -1, fact.hash)), inferred)


def _derive(message: Message, wholes: list[_Whole]) -> None:
    """Set status, times and flags from what the whole has reached, sorted by key."""
    message.timestamps, message.heard = {}, {}
    for whole in wholes:
        if not whole.inferred:
            _note_times(message.timestamps, message.heard, whole.fact)
    facts = [whole.fact for whole in wholes]
    message.succeeded = any(fact.status in SUCCESSES for fact in facts)
    message.failed = any(fact.status in FAILURES and not fact.own for fact in facts)
    if facts:
        top = facts[-1]
        message.winner, message.status, message.error = _key(top), top.status, top.error


def hold(message: Message, fact: Fact) -> None:
    """Keep a fact of a provisional message until it is known which message it is about."""
    message.provisional = True
    if len(message.held) < FACTS_KEPT:
        message.held.append(fact)


def times(message: Message) -> dict[str, int]:
    """Return when each status was reached, provider's time first, ours where it sent none."""
    return {**message.heard, **message.timestamps}
