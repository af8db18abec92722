"""Whether a person wants messages: the words for it, and how far one of them reaches. Pure."""

from typing import Literal

import msgspec

ConsentWord = Literal["opted_out", "opted_in"]
# Where a word comes from: something that was sent, a provider's notice, a message that a provider
# refused to deliver for it, or a person who works with Ringback.
Source = Literal["keyword", "provider", "error", "by_hand"]
# As they are stored. Of two that are said of the same moment, the higher one holds.
LedgerWord = Literal["opted_in", "opted_out", "removed"]
CODE: dict[LedgerWord, int] = {"opted_in": 1, "opted_out": 2, "removed": 3}
WORD: dict[int, LedgerWord] = {code: word for word, code in CODE.items()}
# Errors by which a person refuses messages of one purpose only: our code of them.
PURPOSE_OF_ERROR = {"marketing_stopped": "marketing"}
# A line of the ledger that no one said: where a person of a key went. Only moves.py reads it.
MOVED = 4
# Channels whose people go by another number or id some day, and the purposes of their wishes.
MOVING = frozenset(("whatsapp",))
PURPOSES = (None, *PURPOSE_OF_ERROR.values())
# Where a report has the id that stands beside a person's number, among its metadata.
BESIDE = "whatsapp_user_id"
# Who refuses text messages refuses them in every form: lists of opt-outs are kept for a number, and
# of those of one sender Twilio says so.
TEXT_CHANNEL = "sms"
TEXT_CHANNELS = frozenset((TEXT_CHANNEL, "mms", "rcs"))
# Where a report has, among its metadata, the service of several senders that it was sent by.
SERVICE = "twilio_messaging_service"
TEXT_MAX = 256
EVIDENCE_MAX = 16
EVIDENCE_TEXT_MAX = 1000


class Person(msgspec.Struct, frozen=True):
    """Whose wish it is, and how far it reaches: None is all channels, senders or purposes.

    The channel `sms` is text messages, MMS and RCS among them. Without a `sender` it is about
    whatever the provider's account sends.
    """

    kind: str
    value: str
    channel: str | None = None
    sender: str | None = None
    purpose: str | None = None


def person_of(
    address: str, kind: str, channel: str | None, sender: str | None, purpose: str | None
) -> Person:
    """Make a person of what a provider says, cut to what is kept; `channel` is a message's."""
    reach = TEXT_CHANNEL if channel in TEXT_CHANNELS else _maybe(channel)
    return Person(clean(kind), clean(address), reach, _maybe(sender), _maybe(purpose))


def person_of_address(
    address: str, channel: str | None, sender: str | None, code: str | None = None
) -> Person:
    """Make a person of a message's address; `code` is ours of the error that refuses it.

    People of WhatsApp's may have no number: their ids are of that kind, as in its own notices.
    """
    kind = "whatsapp" if channel == "whatsapp" else "id"
    if address.removeprefix("+").isdecimal():
        kind = "phone"
    return person_of(address, kind, channel, sender, PURPOSE_OF_ERROR.get(code or ""))


def people_of_address(
    address: str, channel: str | None, sender: str | None, code: str | None,
    metadata: dict[str, str],
) -> list[Person]:  # fmt: skip
    """Make a person of every address and sender that a report names, for it is about each of them.

    People of WhatsApp's may have two addresses, and Twilio's senders a service that they are of.
    """
    senders: list[str | None] = [one for one in (sender, metadata.get(SERVICE)) if one]
    beside = metadata.get(BESIDE) if channel == "whatsapp" else None
    addresses = [one for one in dict.fromkeys((address, beside)) if one is not None]
    return [
        person_of_address(one, channel, by, code) for by in senders or [None] for one in addresses
    ]


def evidence_of(found: dict[str, str]) -> dict[str, str]:
    """Cut what a wish rests on to what is kept."""
    some = list(found.items())[:EVIDENCE_MAX]
    return {clean(name): clean(value, EVIDENCE_TEXT_MAX) for name, value in some}


def clean(text: str, limit: int = TEXT_MAX) -> str:
    """Replace what no database takes, and cut."""
    return text[:limit].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _maybe(text: str | None) -> str | None:
    return clean(text) if text else None
