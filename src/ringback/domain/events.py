"""Events as bytes: the envelope that is stored once and sent to every endpoint unchanged."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from ringback.domain.calls import Call, CallEmission
from ringback.domain.consent import Person
from ringback.domain.messages import Emission, Message, times
from ringback.domain.orders import NumberOrder, OrderEmission

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


# An event tells five times: most are whole seconds, or the moment of its batch.
@lru_cache(4096)
def rfc3339(at_ms: int) -> str:
    """Write milliseconds since 1970 as `2026-03-02T15:01:22.646Z`."""
    second, milliseconds = divmod(at_ms, 1000)
    return f"{_second(second)}.{milliseconds:03}Z"


@lru_cache(1024)
def _second(at_s: int) -> str:
    return (_EPOCH + timedelta(seconds=at_s)).isoformat()[:-6]


class Envelope(msgspec.Struct, frozen=True):
    """What every event says of itself, whatever it is about."""

    id: str
    type: str
    tenant: str
    mode: str
    occurred_at: int
    received_at: int
    emitted_at: int
    sequence: int


def enveloped(envelope: Envelope, data: dict[str, object]) -> bytes:
    """Render an event: what it says of itself, and `data` behind its clocks."""
    return _encode(
        {
            "id": envelope.id,
            "type": envelope.type,
            "timestamp": rfc3339(envelope.occurred_at),
            "tenant": envelope.tenant,
            "mode": envelope.mode,
            "data": {
                "sequence": envelope.sequence,
                "received_at": rfc3339(envelope.received_at),
                "emitted_at": rfc3339(envelope.emitted_at),
                **data,
            },
        }
    )


def message_view(message_id: str, message: Message) -> dict[str, object]:
    """Show a message as events and the API show it: the same words in both."""
    return {
        "id": message_id,
        "origin": message.origin,
        "direction": message.direction,
        "channel": message.channel,
        "purpose": message.purpose,
        "from": message.from_,
        "to": message.to,
        "status": message.status,
        "provider": message.provider,
        "connection": message.connection,
        "provider_message_id": message.provider_message_id,
        "reference": message.reference,
        "campaign": message.campaign,
        "tags": message.tags,
        "metadata": message.metadata,
        "carrier": message.carrier,
        "segments": message.segments,
        "cost": message.cost,
        "error": message.error,
        "conflict": message.conflict,
        "timestamps": {status: rfc3339(at) for status, at in times(message).items()},
        **({"content": message.content} if message.content is not None else {}),
    }


def message_event(
    envelope: Envelope,
    message_id: str,
    message: Message,
    emission: Emission,
    in_reply_to: dict[str, str] | None = None,
) -> bytes:
    """Render `message.<status>`: what happened, and the message as it stands after it."""
    view = message_view(message_id, message)
    view["status"] = emission.standing
    view["previous_status"] = emission.previous_status
    if emission.provider_status is not None:
        view["provider_status"] = emission.provider_status
    data: dict[str, object] = {
        "late": emission.late,
        "inferred": emission.inferred,
        "weak": emission.weak,
        "message": view,
    }
    if emission.error is not None:
        data["error"] = emission.error
    if in_reply_to is not None:
        data["in_reply_to"] = in_reply_to
    return enveloped(envelope, data)


def call_event(envelope: Envelope, call_id: str, call: Call, emission: CallEmission) -> bytes:
    """Render `call.<word>`: what happened, and the call as it stands after it."""
    fact = emission.fact
    data: dict[str, object] = {
        "late": emission.late,
        "call": {
            "id": call_id,
            "direction": call.direction,
            "from": call.from_,
            "to": call.to,
            "status": call.status,
            "previous_status": emission.previous_status,
            "provider": call.provider,
            "connection": call.connection,
            "provider_call_id": call.provider_call_id,
            "reference": call.reference,
            "duration_s": call.duration_s,
            "reason": call.reason,
            "timestamps": {
                status: rfc3339(at) for status, at in {**call.heard, **call.timestamps}.items()
            },
        },
    }
    more = {
        "forwarded_to": fact.forwarded_to,
        "input": fact.input,
        "recording": fact.recording,
        "details": fact.details,
    }
    data |= {name: value for name, value in more.items() if value is not None}
    return enveloped(envelope, data)


def number_order_event(
    envelope: Envelope, order_id: str, order: NumberOrder, emission: OrderEmission
) -> bytes:
    """Render `number_order.<status>`: the order as it stands after what happened."""
    data: dict[str, object] = {
        "late": emission.late,
        "number_order": {
            "id": order_id,
            "status": order.status,
            "kind": order.kind,
            "provider_status": order.provider_status,
            "provider": order.provider,
            "connection": order.connection,
            "provider_order_id": order.provider_order_id,
            "reference": order.reference,
            "numbers": order.numbers,
            "partial": order.partial,
            "error": order.error,
        },
    }
    return enveloped(envelope, data)


def unrecognised_event(
    envelope: Envelope, provider: str, connection: str, kind: str, fragment: msgspec.Raw
) -> bytes:
    """Render `provider.unrecognised`: what a provider sent beyond our words, as it came."""
    data: dict[str, object] = {
        "provider": provider,
        "connection": connection,
        "kind": kind,
        "raw": fragment,
    }
    return enveloped(envelope, data)


def contact_event(
    envelope: Envelope,
    person: Person,
    told_by: dict[str, str],
    message: str | None,
    evidence: dict[str, str],
) -> bytes:
    """Render `contact.opted_out` or `opted_in`; `told_by` has provider, connection and source."""
    data: dict[str, object] = {
        "contact": {"kind": person.kind, "value": person.value},
        "channel": person.channel,
        "sender": person.sender,
        "purpose": person.purpose,
        **told_by,
        "message": message,
        "evidence": evidence,
    }
    return enveloped(envelope, data)


def notice_event(
    envelope: Envelope,
    about: dict[str, object],
    provider: str,
    connection: str,
    message: str | None = None,
) -> bytes:
    """Render what a provider says of a link, a sender or a template: the family's own object.

    Only a link is about a message.
    """
    family = envelope.type.partition(".")[0]
    data: dict[str, object] = {family: {**about, "provider": provider, "connection": connection}}
    if family == "link":
        data["message"] = message
    return enveloped(envelope, data)
