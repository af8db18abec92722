"""Words of opting out and in: one reading for every provider that does not tell of them itself."""

from typing import Any

import msgspec
import pytest

from ringback.domain.http import HttpRequest
from ringback.domain.messages import Status
from ringback.providers.bandwidth_config import BandwidthConfig
from ringback.providers.base import Consent, Inbound, Parsed, Provider
from ringback.providers.config import load_config
from ringback.providers.generic_config import GenericConfig
from ringback.providers.keywords import OPT_IN, OPT_OUT, WORD_MAX, heard, meaning
from ringback.providers.registry import PROVIDERS
from ringback.services import catalogue
from tests.providers.cases import arrived, sendable

USUAL = BandwidthConfig(username="u", password="p")
PERSON, OURS = "+15550100123", "+15550100900"
# Who listens for words by itself; the others tell of consent in their own ways.
HEARING = ("bandwidth", "link_cool", "linkmobility", "pswin", "smsportal")
SILENT = ("twilio", "whatsapp")


def _message(text: str, **more: Any) -> Inbound:
    content: dict[str, object] = {"kind": "text", "text": text}
    return Inbound("m1", "m1", PERSON, OURS, content, "sms", 5, **more)


def _consents(parsed: Parsed) -> list[Consent]:
    return [item for item in parsed.items if isinstance(item, Consent)]


@pytest.mark.parametrize("word", OPT_OUT)
def test_the_usual_words_opt_out(word: str) -> None:
    """In capitals or not, with blanks, dots and quotes around; and nothing else beside them."""
    for text in (
        word,
        word.lower(),
        f"  {word.title()}.\n",
        f"\u201c{word}\u201d!!",
        f"{word} \u26d4",
    ):
        assert "opted_out" == meaning(text, USUAL), text
    for text in (f"{word} 5 items", f"please {word.lower()}", f"{word}ping", f"not-{word}"):
        assert meaning(text, USUAL) != "opted_out" or text.upper() in OPT_OUT


def test_the_usual_words_opt_in_and_yes_is_none() -> None:
    """START and UNSTOP; YES answers other questions, unless it is configured."""
    assert ["opted_in"] * len(OPT_IN) == [meaning(word.lower(), USUAL) for word in OPT_IN]
    for text in ("YES", "", "  ", "!", "a" * 10_000, "STOP" * 100):
        assert meaning(text, USUAL) is None
    yes = msgspec.structs.replace(USUAL, opt_in_words=["Yes", "STOP"])
    assert ["opted_in", "opted_out", None] == [
        meaning(text, yes) for text in ("yes!", "stop", "start")
    ]


def test_words_of_ones_own_are_compared_like_the_usual_ones() -> None:
    """Full-width letters, capitals with accents, and a sign that is no letter at all."""
    own = msgspec.structs.replace(USUAL, opt_out_words=["Désinscrire", "\u26d4", "no more"])
    for text in ("DÉSINSCRIRE", "De\u0301sinscrire", "\u26d4", "No  More.", "\uff2e\uff4f more"):
        assert "opted_out" == meaning(text, own), text
    assert meaning("STOP", own) is None
    assert meaning("!", own) is None


def test_a_wish_stands_beside_its_message_once() -> None:
    """What the provider told of a message is not told again; messages without a sender say none."""
    told = Consent(PERSON, "opted_in", "x", evidence={"message_id": "m1"})
    message = _message("Stop.", recipient="r1")
    assert (message, told) == heard(Parsed((message, told)), USUAL).items
    (consent,) = _consents(heard(Parsed((message, _message("Hello"))), USUAL))
    assert Consent(
        PERSON, "opted_out", "m1:opted_out", 5, "phone", "sms",
        evidence={"keyword": "Stop.", "message_id": "m1"}, recipient="r1",
    ) == consent  # fmt: skip
    (of_sender,) = _consents(heard(Parsed((message,)), USUAL, by_sender=True))
    assert OURS == of_sender.sender
    nobody = msgspec.structs.replace(message, from_=None)
    assert [] == _consents(heard(Parsed((nobody,)), USUAL))
    long = _consents(heard(Parsed((_message(f"STOP{'!' * 50}"),)), USUAL))
    assert [WORD_MAX] == [len(one.evidence["keyword"]) for one in long]


def _said(provider: Provider, text: str, **changes: object) -> list[Consent]:
    """Return the wishes in a callback of a message from a person."""
    config = load_config(provider.Config, {**catalogue.example_config(provider.name), **changes})
    message = sendable(provider, from_=PERSON, to=OURS, text=text, reference=None)
    status: Status = "received"
    request = provider.simulate(message, status, config, "https://hooks.example/in/token")
    return _consents(provider.parse(arrived(request), config))


@pytest.mark.parametrize("name", HEARING)
def test_providers_that_say_nothing_are_listened_to(name: str) -> None:
    """STOP and START become wishes, with words of one's own, and not when it is turned off."""
    provider = PROVIDERS[name]
    for text, word in (("Stop", "opted_out"), ("START", "opted_in")):
        (consent,) = _said(provider, text)
        assert (PERSON, word, "phone") == (consent.address, consent.word, consent.kind)
        assert text == consent.evidence["keyword"]
        assert (OURS if name == "bandwidth" else None) == consent.sender
    assert [] == _said(provider, "Hello")
    assert [] == _said(provider, "STOP", opt_out_words=[], opt_in_words=[])
    assert ["opted_out"] == [one.word for one in _said(provider, "EIND", opt_out_words=["eind"])]


@pytest.mark.parametrize("name", SILENT)
def test_providers_that_tell_themselves_are_listened_to_when_asked(name: str) -> None:
    """Nothing by itself; with words of one's own each is a wish about the number written to."""
    provider = PROVIDERS[name]
    assert [] == _said(provider, "Eind")
    (consent,) = _said(provider, "Eind", opt_out_words=["EIND"])
    assert (PERSON, "opted_out", OURS) == (consent.address, consent.word, consent.sender)


def test_twilios_own_word_is_not_told_twice() -> None:
    """With an OptOutType and with words of one's own there is one wish: Twilio's."""
    (consent,) = _said(PROVIDERS["twilio"], "STOP", opt_out_words=["STOP"])
    assert "STOP" == consent.evidence["opt_out_type"]


def test_a_mapping_that_reads_consent_is_left_to_it() -> None:
    """Without a rule for consent messages are listened to; with one that rule says all."""
    generic = PROVIDERS["generic"]
    rule = {"item": "inbound", "fields": {"from": "/from", "text": "/text", "message_id": "/id"}}
    own = {
        "item": "consent", "when": [{"place": "/kind", "in": ["dnt"]}], "words": {"x": "opted_out"},
        "fields": {"address": "/from", "word": "/kind"},
    }  # fmt: skip
    body = b'{"id":"7","from":"+15550100123","text":"stop"}'
    found = []
    for rules in ([rule], [own, rule]):
        raw = {**catalogue.example_config("generic"), "mapping": {"rules": rules}}
        config = load_config(GenericConfig, {k: v for k, v in raw.items() if k != "preset"})
        request = generic.authenticate(
            HttpRequest("POST", "https://hooks.example/in/token", (), body), config, 0
        )
        found.append([one.word for one in _consents(generic.parse(arrived(request), config))])
    assert [["opted_out"], []] == found
