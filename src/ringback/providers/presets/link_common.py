"""LINK Mobility's "Common" SMS REST API: its delivery reports, one for each part, and messages.

The send side is documented; the fields of reports and what result codes mean are put together from
several descriptions of the same platform, so the preset is not called verified.
"""

from ringback.providers.mapping import Preset, made

_FAILED = "failed"


def _at(*places: str) -> list[str]:
    """Return places as JSON and forms have them, then as XML does, whatever it is called there."""
    return [*places, *(f"/*{place}" for place in places)]


LINK_COMMON = Preset(
    name="link_common",
    label="LINK Mobility Common (SMS REST API)",
    documentation="https://www.linkmobility.com/developer/",
    note="Fields and codes are put together from several descriptions of this platform and have "
    "not been tried: check them with callbacks of yours. Give LINK's support the connection's URL "
    "for delivery reports and for messages. Long messages are reported part by part. JSON, forms, "
    "queries and XML are read; of XML, whose names are not published, those of JSON are expected, "
    "within an outermost element of any name.",
    mapping=made({
        "rules": [
            {
                "item": "report",
                "when": [{"place": _at("/resultCode")}, {"place": _at("/id")}],
                "part_mark": "$",
                "parts_from": 0,
                "fields": {
                    "message_id": _at("/id"), "status": _at("/resultCode"),
                    "reference": _at("/refId"), "error_code": _at("/resultCode"),
                    "error_text": _at("/operatorResultCode"),
                    "occurred_at": _at("/timestamp", "/sentTimestamp"),
                    "network": _at("/operator"), "segments": _at("/segments"),
                    "parts": _at("/segments"), "channel": "const:sms",
                },
                "statuses": {
                    "1000": "submitted", "1005": "submitted", "1008": "submitted",
                    "1011-1013": "submitted",
                    # 1007: delivered, and charged for later.
                    "1001": "delivered", "1007": "delivered",
                    "1002": "expired",
                    "0-3": _FAILED, "6": _FAILED, "104-105": _FAILED, "1003-1004": _FAILED,
                    "1006": _FAILED, "1009": _FAILED, "2104-2107": _FAILED,
                    "2200-2207": _FAILED, "3000-3002": _FAILED, "4001-4007": _FAILED,
                    # Nobody knows whether it arrived.
                    "4-5": "unconfirmed", "1010": "unconfirmed", "4000": "unconfirmed",
                },
                "errors": {
                    "0-1": {"class": "network", "code": "routing", "retryable": True},
                    "3": {"class": "throttled", "code": "rate", "retryable": True,
                          "stage": "rejected"},
                    "4-5": {"class": "network", "code": "no_report", "status": "unconfirmed"},
                    "1002": {"class": "network", "code": "expired", "status": "expired"},
                    "1003": {"class": "network", "code": "deleted"},
                    "1004": {"class": "recipient", "code": "unavailable", "retryable": True},
                    "1010": {"class": "network", "code": "no_report", "status": "unconfirmed"},
                    "2104": {"class": "recipient", "code": "undeliverable"},
                    "2105": {"class": "recipient", "code": "barred"},
                    "2106": {"class": "recipient", "code": "undeliverable"},
                    "2107": {"class": "recipient", "code": "barred", "retryable": True},
                    "2200-2207": {"class": "credit", "code": "not_charged"},
                    "3000-3002": {"class": "content", "code": "bad_content", "stage": "rejected"},
                    "4000": {"class": "network", "code": "no_report", "status": "unconfirmed"},
                    "4001-4007": {"class": "content", "code": "bad_content", "stage": "rejected"},
                },
            },
            {
                "item": "inbound",
                "when": [{"place": _at("/source")}, {"place": _at("/content")}],
                "fields": {
                    "message_id": _at("/messageId"), "from": _at("/source"),
                    "to": _at("/destination"), "text": _at("/content/userData", "/content"),
                    "occurred_at": _at("/timestamp"),
                    "channel": "const:sms",
                    "keyword": _at("/route/keyword"),
                    "metadata": {"subNumber": _at("/subNumber"), "operator": _at("/operator")},
                },
            },
        ],
    }),
)  # fmt: skip
