"""Wishes that people write at WhatsApp: of every identity by which they may be written to.

https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
"""

from msgspec.structs import replace

from ringback.providers import keywords
from ringback.providers.base import Consent, Inbound, Item, Parsed


def heard(parsed: Parsed, config: keywords.Words) -> Parsed:
    """Add what people's words say of consent: for the number, and for the id that came with it.

    What is sent next may go to either, so a wish is about both, as in `user_preferences`.
    """
    found = keywords.heard(parsed, config, by_sender=True)
    if len(found.items) == len(parsed.items):
        return found
    items: list[Item] = []
    user_id: object = None
    for item in found.items:
        items.append(item)
        if isinstance(item, Inbound):
            user_id = item.content.get("user_id")
        # What a word says stands right after the message that has it.
        elif isinstance(item, Consent) and isinstance(user_id, str) and "keyword" in item.evidence:
            if user_id != item.address:
                key = f"{item.key}:user_id"
                items.append(replace(item, address=user_id, kind="whatsapp", key=key))
            user_id = None
    return replace(found, items=tuple(items))
