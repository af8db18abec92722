"""Facts and outcomes for the tests of the merge: what must not depend on the order of arrival."""

import copy
from collections import Counter
from collections.abc import Iterable, Sequence

from ringback.domain.messages import RANK, TIE_ORDER, Emission, Fact, Message, Status, merge

STATUSES: tuple[Status, ...] = (
    "submitted", "sent", "delivered", "read", "failed", "expired", "cancelled", "unconfirmed",
)  # fmt: skip

Outcome = tuple[object, ...]


def message(parts: int | None = None) -> Message:
    """Make a message that nobody has said anything about."""
    return Message(origin="observed", direction="outbound", parts=parts)


def fork(known: Message) -> Message:
    """Copy a message so that merging into the copy leaves the original alone."""
    twin = copy.copy(known)
    twin.timestamps, twin.heard = dict(known.timestamps), dict(known.heard)
    twin.facts, twin.reached = list(known.facts), list(known.reached)
    twin.part_facts = {part: dict(said) for part, said in known.part_facts.items()}
    return twin


def live(facts: Iterable[Fact], parts: int | None = None) -> tuple[Message, list[Emission]]:
    """Merge facts in order, as the caller does: one whose hash is known is dropped."""
    known, emissions = message(parts), list[Emission]()
    hashes: set[int] = set()
    for fact in facts:
        if fact.hash not in hashes:
            hashes.add(fact.hash)
            emissions += merge(known, fact)
    return known, emissions


def outcome(known: Message, emissions: Sequence[Emission]) -> Outcome:
    """Return everything that a set of facts decides, whatever their order."""
    facts = Counter((fact.status, fact.part, fact.at) for fact in known.facts)
    return (
        known.status,
        known.timestamps,
        sorted(known.heard),
        Counter(emission.status for emission in emissions),
        facts,
        known.conflict,
        known.error,
        known.winner,
    )


def expected_status(facts: Iterable[Fact]) -> Status:
    """Say which status a whole message must have: the independent rule, in other words."""
    return max(
        facts,
        key=lambda fact: (
            4 if fact.own and fact.status == "expired" else RANK[fact.status],
            fact.at is not None,
            fact.at or 0,
            TIE_ORDER[fact.status],
        ),
    ).status
