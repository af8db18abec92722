"""Twilio's statuses and error codes, and how its addresses are written. Values, and two look-ups.

https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
https://www.twilio.com/docs/api/errors
"""

from ringback.domain.messages import Failure, Status
from ringback.providers import reading
from ringback.providers.base import ErrorRule
from ringback.providers.error_table import ErrorTable

STATUS: dict[str, Status] = {
    "accepted": "submitted",
    "scheduled": "submitted",
    "queued": "submitted",
    "sending": "submitted",
    "sent": "sent",
    "delivered": "delivered",
    # To some of a group, no more: its proof is weaker than its word.
    "partially_delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "cancelled",
}
WEAK = frozenset(("partially_delivered",))
INBOUND = frozenset(("receiving", "received"))
# What stands before an address, with a colon. Without one it is SMS or MMS.
CHANNELS = ("whatsapp", "rcs", "messenger")

# Columns: class, code, retryable, stage, the status where it is not `failed`, and the opt-out.
ERRORS: dict[str, ErrorRule] = {
    "14107": ErrorRule("throttled", "send_rate", True, "rejected"),
    "20003": ErrorRule("platform", "unauthorised", False, "rejected"),
    "20429": ErrorRule("throttled", "too_many_requests", True, "rejected"),
    "21211": ErrorRule("recipient", "invalid_recipient", False, "rejected"),
    "21408": ErrorRule("policy", "region_not_enabled", False, "rejected"),
    "21610": ErrorRule("consent", "opted_out", False, "rejected", opt_out=True),
    "21611": ErrorRule("throttled", "sender_queue_full", True, "rejected"),
    "21612": ErrorRule("recipient", "no_route_from_sender", False, "rejected"),
    "21614": ErrorRule("recipient", "not_a_mobile_number", False, "rejected"),
    "21617": ErrorRule("content", "text_length", False, "rejected"),
    "30001": ErrorRule("throttled", "queue_overflow", True, "rejected"),
    "30002": ErrorRule("platform", "account_suspended", False, "rejected"),
    "30003": ErrorRule("recipient", "unreachable", True, "undeliverable"),
    "30004": ErrorRule("recipient", "blocked", False, "rejected"),
    "30005": ErrorRule("recipient", "unknown_number", False, "undeliverable"),
    "30006": ErrorRule("recipient", "landline_or_unreachable", False, "undeliverable"),
    "30007": ErrorRule("content", "filtered", False, "rejected"),
    "30008": ErrorRule("unknown", "unknown_to_carrier", False, "undeliverable"),
    "30009": ErrorRule("network", "missing_segment", False, "undeliverable"),
    "30010": ErrorRule("policy", "price_limit", False, "rejected"),
    "30017": ErrorRule("throttled", "carrier_congested", True, "rejected"),
    "30022": ErrorRule("throttled", "campaign_rate", True, "rejected"),
    "30023": ErrorRule("throttled", "daily_cap", True, "rejected"),
    "30027": ErrorRule("throttled", "daily_cap", True, "rejected"),
    "30032": ErrorRule("sender", "toll_free_unverified", False, "rejected"),
    "30034": ErrorRule("sender", "unregistered", False, "rejected"),
    # It stayed in Twilio's queue for longer than its ValidityPeriod and was never sent.
    "30036": ErrorRule("network", "expired", False, "rejected", "expired"),
    "30410": ErrorRule("network", "carrier_timed_out", True, "undeliverable"),
    "63003": ErrorRule("recipient", "not_on_channel", False, "undeliverable"),
    "63005": ErrorRule("content", "not_accepted_by_channel", False, "rejected"),
    "63007": ErrorRule("sender", "invalid_sender", False, "rejected"),
    "63013": ErrorRule("policy", "channel_policy", False, "rejected"),
    "63014": ErrorRule("consent", "opted_out", False, "rejected", opt_out=True),
    "63015": ErrorRule("recipient", "sandbox_not_joined", False, "rejected"),
    "63016": ErrorRule("policy", "service_window_closed", False, "rejected"),
    "63017": ErrorRule("throttled", "channel_rate", True, "rejected"),
    "63018": ErrorRule("throttled", "channel_rate", True, "rejected"),
    "63019": ErrorRule("content", "media_download", False, "rejected"),
    "63021": ErrorRule("content", "not_supported_by_channel", False, "rejected"),
    "63024": ErrorRule("recipient", "invalid_recipient", False, "undeliverable"),
    "63032": ErrorRule("policy", "channel_limitation", False, "rejected"),
    "63033": ErrorRule("recipient", "blocked", False, "rejected"),
    "63038": ErrorRule("throttled", "daily_cap", True, "rejected"),
}
ERROR_TABLE = ErrorTable(ERRORS)


def failure(code: object, description: object) -> tuple[Status, Failure]:
    """Return the status and the error of a message that failed with one of Twilio's codes."""
    rule, error = ERROR_TABLE.failure(code, reading.clipped(description))
    return rule.status, error


def address(value: object) -> str | None:
    """Return an address without the channel's prefix; numbers keep their +."""
    named = reading.text(value)
    if named is None or ":" not in named:
        return reading.plus(named)
    prefix, _, rest = named.partition(":")
    if prefix.lower() not in CHANNELS:
        return named
    return reading.plus(rest or None) if prefix.lower() == "whatsapp" else rest or None


def channel(sid: str, *addresses: object, media: bool = False) -> str:
    """Return the channel: as an address is prefixed, else MMS by its id or its files, else SMS."""
    for one in addresses:
        # Most are numbers, and those have no prefix.
        if isinstance(one, str) and not one.startswith("+"):
            prefix = one.partition(":")[0].lower()
            if prefix in CHANNELS:
                return prefix
    return "mms" if media or sid.startswith("MM") else "sms"
