"""Jasmin's HTTP callbacks: delivery reports and messages, as forms or queries.

Only the fields of reports (id, message_status, err) are known from programs that take them; those
of messages are not confirmed, so the preset is not called verified.
"""

from ringback.providers.mapping import Preset, made

JASMIN = Preset(
    name="jasmin",
    label="Jasmin SMS Gateway",
    note="Answer with the body `ACK/Jasmin`, or Jasmin sends everything again. The fields of "
    "messages from people have not been tried: check them with a callback of yours.",
    mapping=made({
        "rules": [
            {
                "item": "report",
                "when": [{"place": "/message_status"}],
                "fields": {
                    "message_id": "/id", "status": "/message_status", "error_code": "/err",
                    "channel": "const:sms",
                },
                "statuses": {
                    "ESME_ROK": "submitted", "ENROUTE": "sent", "ACCEPTD": "sent",
                    "DELIVRD": "delivered", "EXPIRED": "expired", "UNKNOWN": "unconfirmed",
                    "UNDELIV": {"status": "failed", "error": {
                        "class": "recipient", "code": "undeliverable"}},
                    "DELETED": {"status": "failed", "error": {
                        "class": "network", "code": "deleted"}},
                    "REJECTD": {"status": "failed", "error": {
                        "class": "policy", "code": "rejected_by_carrier", "stage": "rejected"}},
                },
            },
            {
                "item": "inbound",
                "when": [{"place": "/content"}, {"place": "/from"}],
                "fields": {
                    "message_id": "/id", "from": "/from", "to": "/to", "text": "/content",
                    "channel": "const:sms",
                },
            },
        ],
    }),
)  # fmt: skip
