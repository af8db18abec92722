"""What a message can be found by: search terms, in the form in which they are stored."""

from enum import IntEnum

from ringback.domain.messages import Message

VALUE_MAX = 256


class Kind(IntEnum):
    """Which field a term is of; addresses are stored back to front."""

    TO = 1
    FROM = 2
    REFERENCE = 3
    PROVIDER_MESSAGE_ID = 4


def reversed_address(address: str) -> str:
    """Write an address back to front, so that its last digits are a prefix."""
    return address[::-1][:VALUE_MAX]


def terms(message: Message) -> set[tuple[int, str]]:
    """Return everything a message is found by."""
    found: set[tuple[int, str]] = set()
    if message.to:
        found.add((Kind.TO, reversed_address(message.to)))
    if message.from_:
        found.add((Kind.FROM, reversed_address(message.from_)))
    if message.reference:
        found.add((Kind.REFERENCE, message.reference[:VALUE_MAX]))
    if message.provider_message_id:
        found.add((Kind.PROVIDER_MESSAGE_ID, message.provider_message_id[:VALUE_MAX]))
    return found
