"""Words by which people refuse messages or want them again, where a provider does not say so.

One reading for all adapters: a message from a person that is such a word, and nothing more, is an
opt-out or opt-in beside the message, unless what came with it tells of that already. The words are
those that operators in North America oblige senders to heed, and their kin of other countries where
the providers here are at home. YES is none: it answers many other questions.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Annotated, Protocol

import msgspec

from ringback.domain.consent import ConsentWord, person_of_address
from ringback.providers.base import Consent, Inbound, Item, Parsed

WORDS_MAX = 64
WORD_MAX = 32
OPT_OUT = (
    "STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT",
    "OPT OUT", "STOPP", "ARRET", "ARRÊT",
)  # fmt: skip
OPT_IN = ("START", "UNSTOP")
# On a button or in a list of choices these answer what the business asked: "Cancel" cancels an
# appointment. Whoever taps on "Stop" or "Unsubscribe" means nothing else.
ANSWERS = ("CANCEL", "END", "QUIT", "START")
_CHOICES = frozenset(("button", "interactive"))
# Of a longer text nothing is looked at.
_TEXT_MAX = 2 * WORD_MAX
_CONFIGS_MAX = 256
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")

_Listed = list[Annotated[str, msgspec.Meta(min_length=1, max_length=WORD_MAX)]]
OptOutWords = Annotated[
    _Listed,
    msgspec.Meta(
        max_length=WORDS_MAX,
        description="Messages from people that mean an opt-out, in capitals or not: the usual "
        "words if nothing is given; an empty list turns it off.",
    ),
]
OptInWords = Annotated[
    _Listed,
    msgspec.Meta(
        max_length=WORDS_MAX,
        description="Messages from people that take an opt-out back: the usual words if nothing is "
        "given; an empty list turns it off.",
    ),
]


class Words(Protocol):
    """A config that names the words."""

    @property
    def opt_out_words(self) -> list[str]:
        """Words for an opt-out."""

    @property
    def opt_in_words(self) -> list[str]:
        """Words that take it back."""


def opt_out_words() -> list[str]:
    """Return the usual words for an opt-out."""
    return list(OPT_OUT)


def opt_in_words() -> list[str]:
    """Return the usual words that take it back."""
    return list(OPT_IN)


def heard(
    parsed: Parsed, config: Words, *, by_sender: bool = False, judged: str | None = None
) -> Parsed:
    """Add what messages from people say of consent, once for each, after the message itself.

    `by_sender`: it is about messages from the number that the person wrote to, because messages
    come from such numbers; otherwise about all that the account sends. Left alone is a message
    whose consent the provider has told, and one whose content has the field `judged`: of that one
    the provider has said what it means, and be it nothing.
    """
    kinds = set(map(type, parsed.items))
    if Inbound not in kinds:
        return parsed
    told: set[tuple[str, str] | None] = set()
    if Consent in kinds:
        told = {_told_of(item) for item in parsed.items if isinstance(item, Consent)}
    items: list[Item] = []
    for item in parsed.items:
        items.append(item)
        if not isinstance(item, Inbound) or judged in item.content:
            continue
        consent = _consent(item, config, by_sender=by_sender)
        if (
            consent is not None
            and not {("message", item.message_id), ("person", item.from_)} & told
        ):
            items.append(consent)
    return Parsed(tuple(items), parsed.unparsed)


def meaning(text: str, config: Words) -> ConsentWord | None:
    """Return what a text says of consent; of a word in both lists, that it is an opt-out."""
    if len(text) > _TEXT_MAX:
        return None
    said = _bare(text)
    if said in _prepared(tuple(config.opt_out_words)):
        return "opted_out"
    return "opted_in" if said in _prepared(tuple(config.opt_in_words)) else None


def _told_of(consent: Consent) -> tuple[str, str] | None:
    """Name what a provider's own wish leaves nothing to be heard of: its message, or its person.

    A wish about one purpose, without its message, does not say what a word says.
    """
    message = consent.evidence.get("message_id")
    if message is not None:
        return "message", message
    return ("person", consent.address) if consent.purpose is None else None


def _consent(item: Inbound, config: Words, *, by_sender: bool) -> Consent | None:
    text = item.content.get("text")
    word = meaning(text, config) if isinstance(text, str) else None
    if word is None or item.from_ is None:
        return None
    if item.content.get("kind") in _CHOICES and _bare(str(text)) in _prepared(ANSWERS):
        return None
    return Consent(
        address=item.from_,
        word=word,
        key=f"{item.key}:{word}",
        occurred_at=item.occurred_at,
        kind=person_of_address(item.from_, item.channel, None).kind,
        channel=item.channel,
        sender=item.to if by_sender else None,
        evidence={"keyword": str(text).strip()[:WORD_MAX], "message_id": item.message_id},
        recipient=item.recipient,
        unnamed=item.unnamed,
    )


@lru_cache(_CONFIGS_MAX)
def _prepared(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(_bare, words))


def _bare(text: str) -> str:
    """Make one of all spellings: capitals, blanks, and dots or quotes around it."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if plain[:1].isalnum() and plain[-1:].isalnum():
        return plain
    return _AROUND.sub("", plain) or plain
