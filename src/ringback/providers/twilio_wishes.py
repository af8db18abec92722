"""Wishes of people at Twilio: of the number that they wrote to, and of its Messaging Service.

Twilio keeps an opt-out for the sender or for the whole Messaging Service that it belongs to, and
messages are sent by naming either. https://help.twilio.com/articles/223134027
"""

from collections.abc import Mapping

from msgspec.structs import replace

from ringback.domain.consent import SERVICE
from ringback.domain.messages import Failure
from ringback.providers import keywords, reading
from ringback.providers.base import Consent, Inbound, Item, Parsed

# Where a message from a person has the Messaging Service that it came to.
NAMED = "messaging_service"


def heard(parsed: Parsed, config: keywords.Words) -> Parsed:
    """Add what people's words say of consent, and say every wish of the service as well."""
    found = keywords.heard(parsed, config, by_sender=True, judged="opt_out_type")
    if not any(type(item) is Consent for item in found.items):
        return found
    items: list[Item] = []
    service: object = None
    for item in found.items:
        if type(item) is Inbound:
            service = item.content.get(NAMED)
        # A wish stands right after the message that says it.
        if type(item) is Consent and isinstance(service, str):
            told = replace(item, evidence={**item.evidence, NAMED: service})
            items += [told, replace(told, sender=service, key=f"{item.key}:service")]
        else:
            items.append(item)
    return Parsed(tuple(items), found.unparsed)


def of_service(service: object, error: Failure | None) -> Mapping[str, str]:
    """Return what a report says of the service that a person has opted out from, or nothing."""
    if error is None or not error.opt_out:
        return {}
    named = reading.text(service)
    return {} if named is None else {SERVICE: named}
