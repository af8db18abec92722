"""What has neither a provider's id nor a time, and says so: it is known for a day alone."""

import json
from typing import Any

from ringback.providers.base import Consent, Inbound, Notice
from ringback.providers.registry import PROVIDERS

from .cases import CASES, config_of, signed
from .mapped import mapping, only, posted


def _unnamed(provider: str, recording: str, *without: str) -> set[bool]:
    """Read a recording again whose body lacks some fields, and say what is known for a day."""
    (case,) = [one for one in CASES if str(one) == f"{provider}/{recording}"]
    body = _lacking(json.loads(case.callback.body), without)
    adapter = PROVIDERS[provider]
    made = signed(adapter, config_of(adapter), json.dumps(body).encode())
    items = adapter.parse(made, config_of(adapter)).items
    return {item.unnamed for item in items if isinstance(item, Inbound | Consent | Notice)}


def _lacking(said: Any, names: tuple[str, ...]) -> Any:
    if isinstance(said, list):
        return [_lacking(one, names) for one in said]
    if not isinstance(said, dict):
        return said
    return {name: _lacking(one, names) for name, one in said.items() if name not in names}


def test_an_id_or_a_time_is_a_name() -> None:
    """Only without both is something known for a day: replies, clicks, wishes and verifications."""
    for expected, *lacking in (
        ({False}, "smsportal", "v3-preset-reply"),
        ({False}, "smsportal", "v3-preset-reply", "incomingId"),
        ({False}, "smsportal", "v3-preset-reply", "dateTime"),
        ({True}, "smsportal", "v3-preset-reply", "incomingId", "dateTime"),
        ({False}, "bandwidth", "toll-free-verified"),
        ({True}, "bandwidth", "toll-free-verified", "internalTicketNumber"),
        ({False}, "whatsapp", "template-rejected"),
        ({True}, "whatsapp", "template-rejected", "time"),
        ({False}, "whatsapp", "consent-stop"),
        ({True}, "whatsapp", "consent-stop", "timestamp"),
    ):
        assert expected == _unnamed(*lacking), lacking


def test_a_mapping_says_where_a_name_stands() -> None:
    """An id, a time or a key of ones own; a key of which a part is missing is none."""
    rules: list[dict[str, Any]] = [
        {"item": "inbound", "fields": {"from": "/n", "message_id": "/id", "occurred_at": "/at"}},
        {"item": "consent", "words": {"1": "opted_out"},
         "fields": {"address": "/n", "word": "/w", "message_id": "/id", "occurred_at": "/at"}},
        {"item": "link", "fields": {"url": "/w", "message_id": "/id", "occurred_at": "/at"}},
    ]  # fmt: skip
    for rule in rules:
        how = mapping({**rule, "key": ["/k", "/l"]})
        for expected, more in (
            (True, {}), (True, {"k": "1"}), (False, {"k": "1", "l": "2"}), (False, {"id": "m1"}),
            (False, {"at": "2026-03-02T15:01:22Z"}),
        ):  # fmt: skip
            item = only(how, posted({"n": "15550100123", "w": "1", **more}))
            assert expected == item.get("unnamed", False), (rule["item"], more)
