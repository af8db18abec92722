"""Kannel's delivery reports: a GET of a URL that the sender writes, with codes it fills in.

The values of `%d` are in its user guide (http://www.kannel.org/userguide.shtml, delivery reports).
What else the URL holds is up to whoever writes it, so the names here are our own.
"""

from ringback.providers.mapping import Preset, made

KANNEL = Preset(
    name="kannel",
    label="Kannel",
    note="Give Kannel `…/in/{token}?id=YOUR-ID&status=%d&answer=%A` as `dlr-url`, with an id of "
    "your own for each message, and `…/in/{token}?from=%p&to=%P&text=%a` as its `get-url`.",
    mapping=made({
        "rules": [
            {
                "item": "report",
                "when": [{"place": "/status"}],
                "fields": {
                    "message_id": "/id", "status": "/status", "error_text": "/answer",
                    "channel": "const:sms",
                },
                "statuses": {
                    "1": "delivered", "4": "queued", "8": "sent",
                    "2": {"status": "failed", "error": {
                        "class": "recipient", "code": "undeliverable"}},
                    "16": {"status": "failed", "error": {
                        "class": "network", "code": "rejected_by_carrier", "stage": "rejected"}},
                },
            },
            {
                "item": "inbound",
                "when": [{"place": "/from"}, {"place": "/text"}],
                "fields": {
                    "from": "/from", "to": "/to", "text": "/text", "channel": "const:sms",
                    "message_id": "/id",
                },
            },
        ],
    }),
)  # fmt: skip
