"""An example of every type of ours: rendered by what renders the real ones, where something does.

Nothing here is drawn by chance or reads a clock, so an example is the same wherever it is shown.
"""

from functools import cache
from typing import Any

import msgspec

from ringback.domain.consent import Person
from ringback.domain.event_bodies import body_of
from ringback.domain.event_schemas import envelope_has_subject
from ringback.domain.events import (
    Envelope,
    contact_event,
    enveloped,
    message_event,
    notice_event,
    rfc3339,
    unrecognised_event,
)
from ringback.domain.ids import Prefix, show, uuid7
from ringback.domain.messages import Emission, Fact, Failure, Message, Status, merge
from ringback.domain.publishing import SAMPLE_MS, NewEvent, published_body

AT_MS = SAMPLE_MS
_ENTROPY = bytes.fromhex("5ad0c14ff3d1a9b2c70e")
_TENANT = show("ten", uuid7(AT_MS, _ENTROPY))
_OURS, _THEIRS = "+15550783881", "+16505551234"
_FAILURE = Failure(
    "recipient", "unreachable", provider_code="131026", description="Message undeliverable"
)
# How a message comes to a status.
_LIVES: dict[str, tuple[Status, ...]] = {
    "scheduled": ("scheduled",),
    "queued": ("queued",),
    "submitted": ("queued", "submitted"),
    "sent": ("queued", "submitted", "sent"),
    "delivered": ("queued", "submitted", "sent", "delivered"),
    "read": ("queued", "submitted", "sent", "delivered", "read"),
    "failed": ("queued", "submitted", "sent", "failed"),
    "expired": ("queued", "submitted", "expired"),
    "cancelled": ("scheduled", "cancelled"),
    "unconfirmed": ("queued", "submitted", "sent", "unconfirmed"),
    "received": ("received",),
    "report_overdue": ("queued", "submitted", "sent"),
}


def example_id(prefix: Prefix) -> str:
    """Return the id of a kind that examples have."""
    return show(prefix, uuid7(AT_MS, _ENTROPY))


@cache
def example(type_: str) -> bytes:
    """Return the body of an example of a type of ours."""
    if type_.startswith("message."):
        return _of_message(type_, type_.removeprefix("message."))
    if type_.startswith("contact."):
        return _of_contact(type_, type_ == "contact.opted_out")
    if type_.startswith(("link.", "sender.", "template.")):
        return _of_notice(type_)
    if type_ == "provider.unrecognised":
        raw = msgspec.Raw(b'{"event":"flow.completed","flow":"intake","answers":3}')
        connection = example_id("con")
        return unrecognised_event(_envelope(type_), "whatsapp", connection, "whatsapp.flows", raw)
    data = _data(type_)
    if not envelope_has_subject(type_):
        return enveloped(_envelope(type_), data)
    # Ours about our own parts: their subject is the part.
    subject = next(value["id"] for value in data.values() if isinstance(value, dict))
    event = NewEvent(type=type_, data=msgspec.Raw(msgspec.json.encode(data)), subject=subject)
    return published_body(example_id("evt"), _TENANT, "live", event, 1, AT_MS)


def _envelope(type_: str, at_ms: int = AT_MS, sequence: int = 1) -> Envelope:
    return Envelope(
        id=example_id("evt"), type=type_, tenant=_TENANT, mode="live", occurred_at=at_ms,
        received_at=at_ms + 354, emitted_at=at_ms + 358, sequence=sequence,
    )  # fmt: skip


def _of_message(type_: str, word: str) -> bytes:
    inbound = word == "received"
    from_, to = (_THEIRS, _OURS) if inbound else (_OURS, _THEIRS)
    message = Message(
        origin="inbound" if inbound else "sent",
        direction="inbound" if inbound else "outbound",
        channel="whatsapp", from_=from_, to=to, provider="whatsapp",
        connection=example_id("con"), provider_message_id="wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI5",
        reference=None if inbound else "order-48213",
        content={"kind": "text", "text": "Yes, please."} if inbound else None,
    )  # fmt: skip
    life = _LIVES[word]
    emission: Emission | None = None
    for place, status in enumerate(life):
        at = AT_MS - 1000 * (len(life) - 1 - place)
        failure = _FAILURE if status == "failed" else None
        emission = merge(message, Fact(status, at + 354, place, at=at, error=failure))[-1]
    assert emission is not None
    envelope = _envelope(type_, emission.occurred_at, emission.sequence)
    reply = {"message": example_id("msg"), "how": "provider"} if inbound else None
    return message_event(envelope, example_id("msg"), message, emission, reply)


def _data(type_: str) -> dict[str, Any]:
    """Make up what stands in `data` of a type whose events nothing here renders."""
    family, _, word = type_.partition(".")
    made = {
        "conversion": _conversion, "call": _call, "conversation": _conversation,
        "number_order": _order, "trigger": _trigger, "automation": _automation,
        "endpoint": _endpoint, "connection": _connection, "alert": _alert,
    }[family](word)  # fmt: skip
    # Fields in the order in which the schema has them.
    order = {f.encode_name: None for f in msgspec.structs.fields(_data_of(type_))}
    return {name: made[name] for name in order if name in made}


def _data_of(type_: str) -> Any:
    fields = msgspec.structs.fields(body_of(type_))
    return next(field.type for field in fields if field.name == "data")


def _carried() -> dict[str, str]:
    return {"provider": "bandwidth", "connection": example_id("con")}


def _of_contact(type_: str, out: bool) -> bytes:
    word = "STOP" if out else "START"
    person = Person("phone", _THEIRS, "sms", _OURS, None)
    told_by = {**_carried(), "source": "keyword"}
    evidence = {"keyword": word, "message_id": "wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI5"}
    return contact_event(_envelope(type_), person, told_by, example_id("msg"), evidence)


def _of_notice(type_: str) -> bytes:
    about: dict[str, dict[str, object]] = {
        "link": {
            "url": "https://example.com/orders/48213", "source": "provider", "recipient": _THEIRS,
            "provider_link": "https://example.com/l/7Kp2",
        },
        "sender": {
            "address": _OURS, "kind": "toll_free", "status": "verified",
            "provider_status": "VERIFIED",
        },
        "template": {
            "id": "1406", "name": "order_shipped", "language": "en_US", "status": "rejected",
            "provider_status": "REJECTED", "reason": "INVALID_FORMAT", "category": "UTILITY",
        },
    }  # fmt: skip
    provider, connection = _carried().values()
    about_it = about[type_.partition(".")[0]]
    return notice_event(_envelope(type_), about_it, provider, connection, example_id("msg"))


def _conversion(_: str) -> dict[str, Any]:
    return {
        "conversion": {"name": "order_paid", "value": "59.90", "currency": "EUR"},
        "message": example_id("msg"), "campaign": "spring",
    }  # fmt: skip


def _conversation(word: str) -> dict[str, Any]:
    return {
        "conversation": {
            "id": example_id("cnv"), "channel": "whatsapp",
            "contact": {"id": example_id("ctc"), "kind": "phone", "value": _THEIRS},
            "status": "closed" if word == "closed" else "open",
            "assignee": None if word == "opened" else example_id("usr"),
        },
        "message": example_id("msg") if word == "opened" else None,
    }  # fmt: skip


def _call(word: str) -> dict[str, Any]:
    path = ["initiated", "ringing", "answered"]
    if word in path:
        path = path[: path.index(word) + 1]
    elif word in {"completed", "failed"}:
        path = [*(path if word == "completed" else path[:2]), word]
    moved = word == path[-1]
    previous = [None, *path][-2] if moved else path[-1]
    more: dict[str, dict[str, Any]] = {
        "forwarded": {"forwarded_to": "+15557771212"},
        "input_received": {"input": {"digits": "1"}},
        "recording_available": {"recording": {"url": "https://example.com/rec-1.mp3"}},
    }
    times = {status: rfc3339(AT_MS - 1000 * n) for n, status in enumerate(reversed(path))}
    return {
        "late": False,
        "call": {
            "id": example_id("cal"), "direction": "outbound", "from": _OURS, "to": _THEIRS,
            "status": path[-1], "previous_status": previous, **_carried(),
            "provider_call_id": "c-95ac8d", "reference": "order-48213",
            "duration_s": 42 if word == "completed" else None,
            "reason": "busy" if word == "failed" else None,
            "timestamps": dict(reversed(times.items())),
        },
        **more.get(word, {}),
    }  # fmt: skip


def _order(word: str) -> dict[str, Any]:
    states = {"updated": "PROCESSING", "completed": "COMPLETE", "failed": "FAILED"}
    error = Failure("sender", "not_available", description="No such numbers") if (
        word == "failed"
    ) else None  # fmt: skip
    return {
        "late": False,
        "number_order": {
            "id": example_id("ord"), "status": word, "kind": "orders",
            "provider_status": states[word], **_carried(), "provider_order_id": "o-2f0e",
            "reference": None, "numbers": [_OURS] if word == "completed" else [],
            "partial": False, "error": error,
        },
    }  # fmt: skip


def _trigger(word: str) -> dict[str, Any]:
    reason = {"reason": "`total` is missing."} if word == "rejected" else {}
    return {
        "trigger": {"id": example_id("trg"), "name": "Order paid"}, "request": example_id("req"),
        **reason,
    }  # fmt: skip


def _automation(word: str) -> dict[str, Any]:
    error = {"error": "The endpoint of step 2 answered 500 five times."} if word == "failed" else {}
    return {
        "automation": {"id": example_id("aut"), "name": "Remind after a day", "version": 3},
        "run": {
            "id": example_id("run"), "started_at": rfc3339(AT_MS - 2500),
            "ended_at": rfc3339(AT_MS),
        },
        **error,
    }  # fmt: skip


def _endpoint(word: str) -> dict[str, Any]:
    reasons = {
        "failing": "20 attempts in a row have failed since 14:01.",
        "disabled": "It answered 410 Gone.",
        "delivery_exhausted": "The last of 12 attempts failed: 503.",
    }
    made: dict[str, Any] = {
        "endpoint": {"id": example_id("end"), "url": "https://example.com/webhooks/ringback"}
    }
    if word in reasons:
        made["reason"] = reasons[word]
    if word == "expiring":
        made["expires_at"] = rfc3339(AT_MS + 86_400_000)
    if word == "delivery_exhausted":
        made |= {
            "delivery": "dlv_0000000000000g0000000008ka", "event": example_id("evt"),
            "event_type": "message.delivered", "attempts": 12,
        }  # fmt: skip
    return made


def _connection(word: str) -> dict[str, Any]:
    reasons = {
        "silent": "No callback for 6 hours; usually there are 40 in an hour.",
        "rejecting": "12 callbacks in a row had a wrong signature.",
    }
    about = {"id": example_id("con"), "name": "Marketing", "provider": "bandwidth"}
    reason = {"reason": reasons[word]} if word in reasons else {}
    return {"connection": about, "since": rfc3339(AT_MS - 600_000), **reason}


def _alert(word: str) -> dict[str, Any]:
    resolved = rfc3339(AT_MS) if word == "resolved" else None
    return {
        "alert": {
            "id": example_id("alr"), "cause": "endpoint.failing", "about": example_id("end"),
            "text": "The endpoint example.com/webhooks/ringback fails.",
            "opened_at": rfc3339(AT_MS - 600_000), "resolved_at": resolved,
        }
    }  # fmt: skip
