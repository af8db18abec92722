"""Textellent's events as they are assumed to be: what it posts is documented nowhere in public.

The names of events are those of its own API of samples (`/api/v1/events/{name}.json`); an event
value of its subscriptions is known for incoming messages alone. The address that a subscription
names is ours to choose, so the event stands in its query: `?event=incomingMessageDetail`.
"""

from ringback.providers.mapping import Preset, made

_EVENT = ["query:event", "/event"]

TEXTELLENT = Preset(
    name="textellent",
    label="Textellent",
    note="Not verified: Textellent publishes neither the fields nor the words of what it posts. "
    "Try it on callbacks of yours, and change what is different.",
    mapping=made({
        "numbers": {"country": "1", "national_digits": 10},
        "times": {"formats": ["iso", "unix_ms", "%Y-%m-%d %H:%M:%S"], "zone": "UTC"},
        "rules": [
            {
                "item": "inbound",
                "when": [{"place": _EVENT, "in": [
                    "incomingMessageDetail", "INCOMING_MESSAGE", "INCOMING_MESSAGE_DETAIL"]}],
                "fields": {
                    "message_id": ["/messageId", "/id"],
                    "from": ["/from", "/phoneNumber"],
                    "to": ["/to", "/textNumber"],
                    "text": ["/text", "/message", "/body"],
                    "media": ["/mediaFileURLs"],
                    "occurred_at": ["/timestamp", "/dateTime", "/createdAt"],
                    "channel": "const:sms",
                },
            },
            {
                "item": "report",
                "when": [{"place": _EVENT, "in": [
                    "outgoingMessageDeliveryStatus", "OUTGOING_MESSAGE_DELIVERY_STATUS"]}],
                "fields": {
                    "message_id": ["/messageId", "/id"],
                    "status": ["/status", "/deliveryStatus", "/messageStatus"],
                    "to": ["/to", "/phoneNumber"],
                    "from": ["/from", "/textNumber"],
                    "error_code": ["/errorCode", "/statusCode"],
                    "error_text": ["/errorMessage", "/reason"],
                    "occurred_at": ["/timestamp", "/dateTime", "/createdAt"],
                    "channel": "const:sms",
                },
                "statuses": {
                    "queued": "queued", "accepted": "submitted", "sending": "submitted",
                    "sent": "sent", "delivered": "delivered", "failed": "failed",
                    "undelivered": {"status": "failed", "error": {
                        "class": "recipient", "code": "undeliverable"}},
                    "rejected": {"status": "failed", "error": {
                        "class": "policy", "code": "rejected_by_provider", "stage": "rejected"}},
                },
            },
            {
                "item": "consent",
                "when": [{"place": _EVENT, "in": [
                    "phoneNumberAddedToDNT", "phoneNumberRemovedFromDNT",
                    "PHONE_NUMBER_ADDED_TO_DNT", "PHONE_NUMBER_REMOVED_FROM_DNT"]}],
                "fields": {
                    "address": ["/phoneNumber", "/from", "/phone"],
                    "word": _EVENT,
                    "occurred_at": ["/timestamp", "/dateTime", "/createdAt"],
                    "channel": "const:sms",
                },
                "words": {
                    "phoneNumberAddedToDNT": "opted_out",
                    "PHONE_NUMBER_ADDED_TO_DNT": "opted_out",
                    "phoneNumberRemovedFromDNT": "opted_in",
                    "PHONE_NUMBER_REMOVED_FROM_DNT": "opted_in",
                },
            },
        ],
    }),
)  # fmt: skip
