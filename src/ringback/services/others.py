"""What callbacks say of other things than messages: calls, and orders of numbers.

One fact brings about one event. The keys, the facts that are known and the rows are the business of
arrivals.py.
"""

from collections.abc import Callable
from typing import NamedTuple

from ringback.domain import calls, orders
from ringback.domain.calls import Call, CallFact
from ringback.domain.endpoints import Connection
from ringback.domain.events import Envelope, call_event, number_order_event
from ringback.domain.ids import Prefix, show
from ringback.domain.orders import NumberOrder, OrderFact
from ringback.providers.base import CallReport, OrderReport
from ringback.services.batch import KIND_CALL, KIND_ORDER, State

Other = CallReport | OrderReport


class Told(NamedTuple):
    """The event that a fact brings about; `render` writes its body into an envelope."""

    type: str
    occurred: int
    sequence: int
    render: Callable[[Envelope, str], bytes]


def prefix_of(item: object) -> Prefix:
    """Return how the ids of what an item is about begin."""
    if isinstance(item, CallReport):
        return "cal"
    return "ord" if isinstance(item, OrderReport) else "msg"


def kind_of(item: Other) -> int:
    """Return the kind of subject that an item is about."""
    return KIND_CALL if isinstance(item, CallReport) else KIND_ORDER


def name_of(item: Other) -> tuple[str, str]:
    """Return what is hashed to its subject's key: a word for the kind, and the provider's id."""
    if isinstance(item, CallReport):
        return "call", item.call_id
    return "order", item.order_id


def new_state(connection: Connection, item: Other) -> State:
    """Make the state of something that nobody has spoken of."""
    provider, shown = connection.provider, show("con", connection.id)
    if isinstance(item, CallReport):
        return Call(
            direction=item.direction, provider=provider, connection=shown,
            provider_call_id=item.call_id,
        )  # fmt: skip
    return NumberOrder(provider=provider, connection=shown, provider_order_id=item.order_id)


def tell(state: State, item: Other, received_ms: int, hash_: int) -> Told:
    """Merge what an item says, and return the event that follows."""
    if isinstance(item, CallReport):
        assert isinstance(state, Call)
        return _of_call(state, item, received_ms, hash_)
    assert isinstance(state, NumberOrder)
    return _of_order(state, item, received_ms, hash_)


def _of_call(call: Call, item: CallReport, received_ms: int, hash_: int) -> Told:
    call.to, call.from_ = call.to or item.to, call.from_ or item.from_
    call.reference = call.reference or item.reference
    fact = CallFact(
        item.word, received_ms, hash_, item.occurred_at, item.reason, item.duration_s,
        item.forwarded_to, item.input, item.recording, item.details,
    )  # fmt: skip
    emission = calls.merge(call, fact)

    def render(envelope: Envelope, id_: str) -> bytes:
        return call_event(envelope, id_, call, emission)

    occurred = received_ms if item.occurred_at is None else item.occurred_at
    return Told(f"call.{item.word}", occurred, emission.sequence, render)


def _of_order(order: NumberOrder, item: OrderReport, received_ms: int, hash_: int) -> Told:
    order.kind, order.reference = order.kind or item.kind, order.reference or item.reference
    fact = OrderFact(
        item.status, received_ms, hash_, item.occurred_at, item.provider_status, item.numbers,
        item.partial, item.error,
    )  # fmt: skip
    emission = orders.merge(order, fact)

    def render(envelope: Envelope, id_: str) -> bytes:
        return number_order_event(envelope, id_, order, emission)

    occurred = received_ms if item.occurred_at is None else item.occurred_at
    return Told(f"number_order.{item.status}", occurred, emission.sequence, render)
