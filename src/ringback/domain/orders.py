"""The life of an order of numbers: updated whenever its state changes, then completed or failed.

The same facts give the same order in whatever order they come.
"""

from typing import Literal, NamedTuple

import msgspec

from ringback.domain.messages import Failure

OrderStatus = Literal["updated", "completed", "failed"]

# Every event of an order names all of its numbers.
NUMBERS_MAX = 1000
RANK: dict[OrderStatus, int] = {"updated": 0, "failed": 1, "completed": 1}
# Who wins inside one rank when the provider's times are equal or missing.
TIE_ORDER = {status: place for place, status in enumerate(RANK)}


class OrderFact(msgspec.Struct, frozen=True):
    """One thing that somebody said about an order; times are milliseconds since 1970.

    `provider_status` is its state in the provider's word, `numbers` are those that are done.
    """

    status: OrderStatus
    received: int
    hash: int
    at: int | None = None
    provider_status: str | None = None
    numbers: list[str] = []
    partial: bool = False
    error: Failure | None = None


class NumberOrder(msgspec.Struct, omit_defaults=True):
    """One order: what is known of it, and the state of its merge."""

    provider: str | None = None
    connection: str | None = None
    provider_order_id: str | None = None
    kind: str | None = None
    reference: str | None = None
    status: OrderStatus = "updated"
    provider_status: str | None = None
    numbers: list[str] = []
    partial: bool = False
    error: Failure | None = None
    sequence: int = 0
    winner: tuple[int, int, int, int] | None = None


class OrderEmission(NamedTuple):
    """The event that a fact brings about: `number_order.<status>` with its place in the life."""

    fact: OrderFact
    sequence: int
    late: bool


def merge(order: NumberOrder, fact: OrderFact) -> OrderEmission:
    """Add one fact that the order has not seen; changes `order` in place."""
    at = -1 if fact.at is None else fact.at
    key = RANK[fact.status], at, TIE_ORDER[fact.status], fact.hash
    late = order.winner is not None and key <= tuple(order.winner)
    if not late:
        order.winner, order.status, order.provider_status = key, fact.status, fact.provider_status
        order.partial, order.error = fact.partial, fact.error
    # The first of all in their order: which are kept does not depend on when they came.
    order.numbers = sorted({*order.numbers, *fact.numbers})[:NUMBERS_MAX]
    order.sequence += 1
    return OrderEmission(fact, order.sequence, late)
