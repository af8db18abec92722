"""What WhatsApp's words and codes mean to us: statuses, errors, prices, waits. Tables only.

https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
"""

from typing import Literal

from ringback.domain.messages import Status
from ringback.providers.base import ErrorRule
from ringback.providers.error_table import ErrorTable

CHANNEL = "whatsapp"
OBJECT = "whatsapp_business_account"

STATUS: dict[str, Status] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",  # a voice message was played for the first time
    "failed": "failed",
}

# Columns: class, code, retryable, stage.
ERRORS: dict[str, ErrorRule] = {
    "131026": ErrorRule("recipient", "undeliverable", False, "undeliverable"),
    "131021": ErrorRule("recipient", "same_as_sender", False, "rejected"),
    "131030": ErrorRule("recipient", "not_allow_listed", False, "rejected"),
    "131062": ErrorRule("recipient", "user_id_not_supported", False, "rejected"),
    "137000": ErrorRule("recipient", "identity_changed", False, "rejected"),
    "131037": ErrorRule("sender", "display_name_not_approved", False, "rejected"),
    "131045": ErrorRule("sender", "certificate", False, "rejected"),
    "131048": ErrorRule("sender", "restricted_for_spam", False, "rejected"),
    "131008-131009": ErrorRule("content", "bad_parameter", False, "rejected"),
    "131051": ErrorRule("content", "unsupported_type", False, "rejected"),
    "131052": ErrorRule("content", "media_download", False, "rejected"),
    "131053": ErrorRule("content", "media_upload", True, "rejected"),
    "132000-132012": ErrorRule("content", "template", False, "rejected"),
    "132015": ErrorRule("content", "template_paused", False, "rejected"),
    "132016": ErrorRule("content", "template_disabled", False, "rejected"),
    "132068-132069": ErrorRule("content", "flow", False, "rejected"),
    "368": ErrorRule("policy", "account_blocked", False, "rejected"),
    "130472": ErrorRule("policy", "experiment", False, "rejected"),
    "130497": ErrorRule("policy", "country_restricted", False, "rejected"),
    "131031": ErrorRule("policy", "account_locked", False, "rejected"),
    "131047": ErrorRule("policy", "service_window_closed", False, "rejected"),
    "131049": ErrorRule("policy", "marketing_limit", False, "rejected"),
    "131064": ErrorRule("policy", "template_classification", False, "rejected"),
    "131050": ErrorRule("consent", "marketing_stopped", False, "rejected", opt_out=True),
    "131042": ErrorRule("credit", "payment", False, "rejected"),
    "131044": ErrorRule("credit", "payment", False, "rejected"),
    "4": ErrorRule("throttled", "application_rate", True, "rejected"),
    "80007": ErrorRule("throttled", "account_rate", True, "rejected"),
    "130429": ErrorRule("throttled", "throughput", True, "rejected"),
    "131056": ErrorRule("throttled", "pair_rate", True, "rejected"),
    "131000": ErrorRule("platform", "provider_error", True, "undeliverable"),
    "131016": ErrorRule("platform", "unavailable", True, "undeliverable"),
    "131057": ErrorRule("platform", "maintenance", True, "undeliverable"),
    "135000": ErrorRule("platform", "provider_error", False, "undeliverable"),
    "131063": ErrorRule("platform", "marketing_disabled", False, "rejected"),
    "133016": ErrorRule("platform", "registration_rate", False, "rejected"),
    "138000-138999": ErrorRule("platform", "calling", False, "rejected"),
    "139100-139103": ErrorRule("platform", "block_list", False, "rejected"),
    "1": ErrorRule("platform", "provider_error", False, "rejected"),
    "2": ErrorRule("platform", "unavailable", True, "rejected"),
    "33": ErrorRule("sender", "no_such_object", False, "rejected"),
    "100": ErrorRule("content", "bad_parameter", False, "rejected"),
    "133010": ErrorRule("sender", "not_registered", False, "rejected"),
    "0": ErrorRule("platform", "unauthorised", False, "rejected"),
    "3": ErrorRule("platform", "unauthorised", False, "rejected"),
    "10": ErrorRule("platform", "unauthorised", False, "rejected"),
    "190": ErrorRule("platform", "unauthorised", False, "rejected"),
    "200-299": ErrorRule("platform", "unauthorised", False, "rejected"),
    "131005": ErrorRule("platform", "unauthorised", False, "rejected"),
}
ERROR_TABLE = ErrorTable(ERRORS)

# How long a sender is to wait, in seconds, where the limit itself says it: one message every six
# seconds to one person, and so many a second in all.
WAITS_S = {"131056": 6.0, "130429": 1.0}

Purpose = Literal["marketing", "transactional"]

# What the category that a message is priced by, or its conversation, says of its purpose.
PURPOSES: dict[str, Purpose] = {
    "marketing": "marketing",
    "marketing_lite": "marketing",
    "group_marketing": "marketing",
    "utility": "transactional",
    "group_utility": "transactional",
    "authentication": "transactional",
    "authentication_international": "transactional",
    "service": "transactional",
    "group_service": "transactional",
}
# As the answer to a send, with a 5xx: nobody knows whether the message was taken.
UNEXPECTED = frozenset(("1", "2", "131000", "131016"))
# Only marketing messages can fail so.
MARKETING_ONLY = frozenset(("131049", "131050", "131063"))
