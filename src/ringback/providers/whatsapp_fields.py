"""Fields of a WhatsApp callback beside messages: calls, wishes of people, templates, numbers.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference
"""

from collections.abc import Callable

from ringback.domain.calls import CallWord, Reason
from ringback.domain.consent import ConsentWord
from ringback.domain.messages import Direction
from ringback.providers import reading
from ringback.providers.base import CallReport, Consent, Notice
from ringback.providers.whatsapp_content import window
from ringback.providers.whatsapp_tables import CHANNEL

Said = dict[str, object]

# What happened to a call that a person or we began, and what became of one of ours.
CALL_EVENTS: dict[str, CallWord] = {"connect": "initiated"}
CALL_ENDS: dict[str, CallWord] = {"COMPLETED": "completed", "FAILED": "failed"}
# What the link, or the button of a message, carried that a person called by.
CALL_PAYLOADS = ("deeplink_payload", "cta_payload")
CALL_STATUS: dict[str, tuple[CallWord, Reason | None]] = {
    "RINGING": ("ringing", None),
    "ACCEPTED": ("answered", None),
    "REJECTED": ("failed", "rejected"),
}

# What people say of messages, by the word and the category of it.
WISHES: dict[str, ConsentWord] = {"stop": "opted_out", "resume": "opted_in", "signup": "opted_in"}
CATEGORIES = {"marketing_messages": "marketing"}

TEMPLATE_STATUS = {
    "APPROVED": "approved",
    "REINSTATED": "approved",
    "REJECTED": "rejected",
    "PENDING": "pending",
    "IN_APPEAL": "pending",
    "PAUSED": "paused",
    "DISABLED": "disabled",
    "FLAGGED": "flagged",
    "LOCKED": "locked",
    "ARCHIVED": "archived",
    "UNARCHIVED": "unarchived",
    "PENDING_DELETION": "deleted",
    "DELETED": "deleted",
    "LIMIT_EXCEEDED": "limit_exceeded",
}
# What a template holds, in Meta's words and in ours.
COMPONENTS = {"title": "header", "element": "text", "footer": "footer", "buttons": "buttons"}
# What an account may do, in the words of older callbacks and of newer ones.
CAPABILITIES = (
    "max_daily_conversations_per_business",
    "max_daily_conversation_per_phone",
    "max_phone_numbers_per_business",
    "max_phone_numbers_per_waba",
)
_ACCOUNT = "whatsapp_account"
_NOTHING = frozenset(("", "NONE"))


def call_of(call: Said, ours: str | None, *, failed_by_error: bool = False) -> CallReport | None:
    """Read the beginning or the end of a call; None for an event without a word.

    A person who calls may be answered freely for a day, as after a message. How long a call was,
    and when it began, is there only if somebody picked up, whatever its `status`.
    https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/reference
    """
    event, named = call.get("event"), reading.text(call.get("id")) or ""
    inbound = call.get("direction") == "USER_INITIATED"
    direction: Direction = "inbound" if inbound else "outbound"
    word: CallWord | None = None
    reason: Reason | None = None
    if event == "terminate":
        word = CALL_ENDS.get(str(call.get("status")))
        if word == "completed" and call.get("duration") is call.get("start_time") is None:
            word, reason = "failed", "no_answer"
    elif isinstance(event, str):
        word = CALL_EVENTS.get(event)
    if word is None:
        return None
    if word == "failed" and (failed_by_error or call.get("errors")):
        reason = "error"
    at = reading.unix_ms(call.get("timestamp"))
    from_ = _address(call, "from", "from_user_id") or (None if inbound else ours)
    to = _address(call, "to", "to_user_id") or (ours if inbound else None)
    return CallReport(
        call_id=named,
        word=word,
        key=f"{named}:{event}",
        occurred_at=at,
        direction=direction,
        from_=from_,
        to=to,
        reference=reading.text(call.get("biz_opaque_callback_data"), reading.REFERENCE_MAX),
        reason=reason,
        duration_s=_seconds(call.get("duration")),
        details=_details(call, at if inbound and event == "connect" else None),
    )


def _details(call: Said, called_at: int | None) -> dict[str, str] | None:
    """Return until when whoever called may be answered, and what the call's link carried."""
    found = {name: reading.clipped(call.get(name), 500) for name in CALL_PAYLOADS}
    found["service_window_closes_at"] = window("call", call, called_at)
    return {name: value for name, value in found.items() if value is not None} or None


def call_status_of(said: Said, ours: str | None) -> CallReport | None:
    """Read what became of a call of ours; None for a status without a word."""
    status, named = str(said.get("status")), reading.text(said.get("id")) or ""
    found = CALL_STATUS.get(status)
    if found is None:
        return None
    word, reason = found
    return CallReport(
        call_id=named,
        word=word,
        key=f"{named}:{status}",
        occurred_at=reading.unix_ms(said.get("timestamp")),
        direction="outbound",
        from_=ours,
        to=_address(said, "recipient_id", "recipient_user_id"),
        reference=reading.text(said.get("biz_opaque_callback_data"), reading.REFERENCE_MAX),
        reason=reason,
    )


def consents_of(said: Said, ours: str | None) -> list[Consent]:
    """Read a person's wish: one for each of their addresses, for either may be written to.

    Empty for a wish, or a category of messages, that has no word here.
    """
    value, category = said.get("value"), said.get("category")
    word = WISHES.get(value) if isinstance(value, str) else None
    purpose = CATEGORIES.get(category) if isinstance(category, str) else None
    if word is None or purpose is None:
        return []
    evidence = {"provider_word": str(value)}
    for name in ("detail", "signup_id"):
        told = reading.clipped(said.get(name), 500)
        if told is not None:
            evidence[name] = told
    found, at = [], reading.unix_ms(said.get("timestamp"))
    for name, kind in (("wa_id", "phone"), ("user_id", "whatsapp")):
        address = reading.plus(reading.text(said.get(name)))
        if address is not None:
            found.append(
                Consent(
                    address=address,
                    word=word,
                    key=f"{address}:{category}:{value}",
                    occurred_at=at,
                    kind=kind,
                    channel=CHANNEL,
                    sender=ours,
                    purpose=purpose,
                    evidence=evidence,
                    unnamed=at is None,
                )
            )
    return found


def _address(said: Said, *names: str) -> str | None:
    for name in names:
        found = reading.plus(reading.text(said.get(name)))
        if found is not None:
            return found
    return None


def _seconds(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 8:
        value = int(value)
    return value if isinstance(value, int) and value is not True and 0 <= value < 10**7 else None


def _word(said: Said, name: str) -> str | None:
    value = reading.text(said.get(name), reading.KIND_MAX)
    return None if value in _NOTHING else value


def _template(said: Said, status: str, word: str | None, **more: str | None) -> Notice | None:
    """Say what became of a template; None for one without a name."""
    name = reading.text(said.get("message_template_name"))
    if name is None:
        return None
    number = said.get("message_template_id")
    named = str(number) if isinstance(number, str | int) else None
    optional = {
        "provider_status": word,
        "id": reading.text(named),
        "language": _word(said, "message_template_language"),
        "category": _word(said, "message_template_category"),
        **more,
    }
    data: dict[str, object] = {"name": name, "status": status}
    data |= {key: value for key, value in optional.items() if value is not None}
    return Notice("template.status_changed", "", data)


def _template_status(said: Said, _account: str) -> Notice | None:
    word = _word(said, "event")
    status = TEMPLATE_STATUS.get(word or "")
    if word is None or status is None:
        return None
    reason = _word(said, "reason")
    rejection, other = (
        reading.mapping(said.get(name)) for name in ("rejection_info", "other_info")
    )
    told = reading.clipped(rejection.get("reason") or other.get("description"), 500)
    reason = f"{reason}: {told}" if reason and told else told or reason
    return _template(said, status, word, reason=reason)


def _template_quality(said: Said, _account: str) -> Notice | None:
    score, before = _word(said, "new_quality_score"), _word(said, "previous_quality_score")
    if score is None:
        return None
    reason = f"the quality was {before}" if before else None
    return _template(said, f"quality_{score.lower()}", score, reason=reason)


def _template_category(said: Said, _account: str) -> Notice | None:
    """Read that a template costs something else, or soon will: then `correct_category` says what.

    https://developers.facebook.com/docs/whatsapp/updates-to-pricing/launch-timeline
    """
    category, before = _word(said, "new_category"), _word(said, "previous_category")
    if category is None:
        return None
    due = _word(said, "correct_category")
    reason = f"it was {before}" if before else f"it will be {due}" if due else None
    return _template(said, "category_changed", category, reason=reason, category=category)


def _template_components(said: Said, _account: str) -> Notice | None:
    """Read that a template was edited, and what it holds now."""
    found = _template(said, "components_changed", None)
    named = {name: said.get(f"message_template_{theirs}") for theirs, name in COMPONENTS.items()}
    holds = {name: value for name, value in named.items() if value}
    if found is not None and holds:
        found.data["components"] = holds
    return found


def _sender(
    address: str | None, word: str | None, reason: str | None, kind: str = CHANNEL, prefix: str = ""
) -> Notice | None:
    """Say what became of a number, or of the account that it belongs to."""
    if not address or word is None:
        return None
    data: dict[str, object] = {
        "address": address,
        "kind": kind,
        "status": prefix + word.lower(),
        "provider_status": word,
    }
    if reason is not None:
        data["reason"] = reason
    return Notice("sender.status_changed", "", data)


def _number(said: Said, name: str) -> str | None:
    return reading.plus(reading.text(said.get(name)))


def _number_quality(said: Said, _account: str) -> Notice | None:
    limit = _word(said, "current_limit")
    return _sender(_number(said, "display_phone_number"), _word(said, "event"), limit)


def _number_name(said: Said, _account: str) -> Notice | None:
    number, reason = _number(said, "display_phone_number"), _word(said, "rejection_reason")
    return _sender(number, _word(said, "decision"), reason, prefix="name_")


def _number_security(said: Said, _account: str) -> Notice | None:
    """Read what became of the PIN that a number's registration is protected by."""
    return _sender(_number(said, "display_phone_number"), _word(said, "event"), None)


def _capability(said: Said, account: str) -> Notice | None:
    """Read how much an account, or the business that it belongs to, may do from now on."""
    limits = [(name, said.get(name)) for name in CAPABILITIES]
    told = [f"{name} {limit}" for name, limit in limits if type(limit) in (int, str)]
    if not (account and told):
        return None
    data: dict[str, object] = {
        "address": account,
        "kind": _ACCOUNT,
        "status": "capability_changed",
        "reason": reading.clipped(", ".join(told), 500),
    }
    return Notice("sender.status_changed", "", data)


def _account_update(said: Said, account: str) -> Notice | None:
    reason = None
    for part, name in (
        ("ban_info", "waba_ban_state"),
        ("violation_info", "violation_type"),
        ("disconnection_info", "reason"),
    ):
        reason = reason or _word(reading.mapping(said.get(part)), name)
    restrictions = said.get("restriction_info")
    if reason is None and isinstance(restrictions, list):
        kinds = [_word(reading.mapping(one), "restriction_type") for one in restrictions[:8]]
        reason = ", ".join(filter(None, kinds)) or None
    number, word = _number(said, "phone_number"), _word(said, "event")
    return _sender(number, word, reason) if number else _sender(account, word, reason, _ACCOUNT)


def _account_review(said: Said, account: str) -> Notice | None:
    return _sender(account, _word(said, "decision"), None, _ACCOUNT, prefix="review_")


def _account_alert(said: Said, account: str) -> Notice | None:
    alert = reading.mapping(said.get("alert_info")) or said
    reason = reading.clipped(alert.get("alert_description"), 500)
    entity = said.get("entity_id")
    named = reading.text(str(entity)) if isinstance(entity, str | int) and entity else account
    # The number is named by its id here, not by its digits.
    kind = CHANNEL if said.get("entity_type") == "PHONE_NUMBER" else _ACCOUNT
    return _sender(named, _word(alert, "alert_type"), reason, kind)


# What is read of each field, from its value and the account's id: None where it has no word.
NOTICES: dict[str, Callable[[Said, str], Notice | None]] = {
    "message_template_status_update": _template_status,
    "message_template_quality_update": _template_quality,
    "template_category_update": _template_category,
    "message_template_components_update": _template_components,
    "phone_number_quality_update": _number_quality,
    "phone_number_name_update": _number_name,
    "security": _number_security,
    "business_capability_update": _capability,
    "account_update": _account_update,
    "account_review_update": _account_review,
    "account_alerts": _account_alert,
}
