"""Envelopes: what an event says, in which words, and that it says it the same way every time."""

import json

import msgspec

from ringback.domain.events import Envelope, message_event, rfc3339, unrecognised_event
from ringback.domain.messages import Emission, Failure, Message

ENVELOPE = Envelope(
    id="evt_1", type="message.failed", tenant="ten_1", mode="test", occurred_at=1_772_463_682_646,
    received_at=1_772_463_683_000, emitted_at=1_772_463_683_004, sequence=3,
)  # fmt: skip


def test_times_are_rfc3339_with_milliseconds() -> None:
    """Milliseconds are always there, and Z for UTC."""
    assert rfc3339(1_772_463_682_646) == "2026-03-02T15:01:22.646Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(253_402_300_799_999) == "9999-12-31T23:59:59.999Z"


def test_a_message_event() -> None:
    """Three clocks, the sequence, the message as it stands, and why it failed."""
    failure = Failure("recipient", "unreachable", provider_code="4720")
    message = Message(
        origin="observed", direction="outbound", to="+15552223333", status="failed",
        error=failure, timestamps={"failed": 1_772_463_682_646}, reference="order-1",
    )  # fmt: skip
    emission = Emission("failed", "sent", "failed", 3, 0, 0, late=True, error=failure)
    event = json.loads(message_event(ENVELOPE, "msg_1", message, emission))
    data = event["data"]
    assert {name: event[name] for name in ("id", "type", "tenant", "mode")} == {
        "id": "evt_1",
        "type": "message.failed",
        "tenant": "ten_1",
        "mode": "test",
    }
    assert event["timestamp"] == "2026-03-02T15:01:22.646Z"
    assert data["received_at"] == "2026-03-02T15:01:23.000Z"
    assert data["emitted_at"] == "2026-03-02T15:01:23.004Z"
    assert (data["sequence"], data["late"], data["inferred"]) == (3, True, False)
    assert data["error"] == {
        "class": "recipient", "code": "unreachable", "provider_code": "4720",
    }  # fmt: skip
    assert data["message"]["timestamps"] == {"failed": "2026-03-02T15:01:22.646Z"}
    assert data["message"]["previous_status"] == "sent"
    assert data["message"]["from"] is None
    assert "in_reply_to" not in data


def test_a_reply_says_what_it_answers() -> None:
    """The answered message is named, and how it was found."""
    message = Message(origin="inbound", direction="inbound", content={"kind": "text", "text": "Hi"})
    emission = Emission("received", None, "received", 1, 0, 0)
    reply = {"message": "msg_0", "how": "provider"}
    event = json.loads(message_event(ENVELOPE, "msg_1", message, emission, reply))
    assert event["data"]["in_reply_to"] == reply
    assert event["data"]["message"]["content"] == {"kind": "text", "text": "Hi"}


def test_what_is_not_recognised_goes_out_as_it_came() -> None:
    """The provider's own bytes stand in the event, number spelling and key order included."""
    fragment = msgspec.Raw(b'{"b":1.50,"a":"\\u00e9"}')
    body = unrecognised_event(ENVELOPE, "whatsapp", "con_1", "whatsapp.flows", fragment)
    assert b'"raw":{"b":1.50,"a":"\\u00e9"}' in body
    assert json.loads(body)["data"]["kind"] == "whatsapp.flows"
