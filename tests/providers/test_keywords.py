"""Words of opting out and in: one reading for every provider that does not tell of them itself."""

from typing import Any

import msgspec
import pytest

from ringback.domain.http import HttpRequest
from ringback.domain.messages import Status
from ringback.providers.bandwidth_config import BandwidthConfig
from ringback.providers.base import Consent, Inbound, Parsed, Provider
from ringback.providers.beside import TellsBeside
from ringback.providers.config import load_config
from ringback.providers.generic_config import GenericConfig
from ringback.providers.keywords import OPT_IN, OPT_OUT, WORD_MAX, heard, meaning
from ringback.providers.registry import PROVIDERS
from ringback.services import catalogue
from tests.providers.cases import arrived, sendable

USUAL = BandwidthConfig(username="u", password="p")
PERSON, OURS = "+15550100123", "+15550100900"
# Who is simulated without a word of its own on what a message means; and whose are about the
# number that was written to.
HEARING = (
    "bandwidth", "link_cool", "linkmobility", "pswin", "smsportal", "textellent", "whatsapp",
)  # fmt: skip
BY_SENDER = ("bandwidth", "twilio", "whatsapp")


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
        assert (OURS if name in BY_SENDER else None, None) == (consent.sender, consent.purpose)
    assert [] == _said(provider, "Hello")
    assert [] == _said(provider, "STOP", opt_out_words=[], opt_in_words=[])
    assert ["opted_out"] == [one.word for one in _said(provider, "EIND", opt_out_words=["eind"])]


def test_what_a_choice_answers_is_no_wish() -> None:
    """A tap on Cancel answers the business; on Stop it is an opt-out, and Cancel as a text, too."""
    kinds = ("button", "interactive", "text")
    found = {
        (kind, text): len(_consents(heard(Parsed((_chosen(kind, text),)), USUAL)))
        for kind in kinds
        for text in ("Cancel", "Start", "Stop")
    }
    assert {"Stop"} == {text for (kind, text), told in found.items() if told and kind != "text"}
    assert [1, 1, 1] == [told for (kind, _), told in found.items() if kind == "text"]


def _chosen(kind: str, text: str) -> Inbound:
    return msgspec.structs.replace(_message(text), content={"kind": kind, "text": text})


def test_twilios_own_word_is_not_told_twice() -> None:
    """With an OptOutType there is one wish, Twilio's, with HELP none; without it words count."""
    (consent,) = _said(PROVIDERS["twilio"], "STOP")
    assert ("STOP", OURS) == (consent.evidence["opt_out_type"], consent.sender)
    assert [] == _said(PROVIDERS["twilio"], "HELP", opt_out_words=["HELP"])
    (heard_here,) = _said(PROVIDERS["twilio"], "Stopp")
    assert ("Stopp", OURS) == (heard_here.evidence["keyword"], heard_here.sender)
    assert "opt_out_type" not in heard_here.evidence
    assert [] == _said(PROVIDERS["twilio"], "Stopp", opt_out_words=[])


def test_a_wish_about_marketing_leaves_the_word_beside_it() -> None:
    """Of a person, in one callback, without the message's id: the word says more."""
    message = _message("STOP")
    narrow = Consent(PERSON, "opted_out", "x", purpose="marketing")
    items = heard(Parsed((narrow, message)), USUAL).items
    assert [None, "marketing"] == sorted((one.purpose for one in _consents(Parsed(items))), key=str)
    wide = msgspec.structs.replace(narrow, purpose=None)
    assert (wide, message) == heard(Parsed((wide, message)), USUAL).items


INBOUND = {"item": "inbound", "fields": {"from": "/from", "text": "/text", "message_id": "/id"}}
OWN = {
    "item": "consent", "when": [{"place": "/kind", "in": ["dnt"]}], "words": {"dnt": "opted_out"},
    "fields": {"address": "/from", "word": "/kind"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "body", "expected"),
    [
        ([INBOUND], '{"id":"7","from":"+15550100123","text":"stop"}', ["7"]),
        ([OWN, INBOUND], '{"id":"7","from":"+15550100123","text":"stop"}', ["7"]),
        ([OWN, INBOUND], '{"id":"7","from":"+15550100123","text":"stop","kind":"dnt"}', [None]),
        (
            [OWN, INBOUND],
            (
                '[{"id":"7","from":"+15550100123","text":"stop"},'
                '{"from":"+15550100123","kind":"dnt"},'
                '{"id":"8","from":"+15550100124","text":"STOP"}]'
            ),
            [None, "8"],
        ),
    ],
)
def test_a_mapping_is_listened_to_but_for_what_its_rules_tell(
    rules: list[object], body: str, expected: list[str | None]
) -> None:
    """A rule for consent turns nothing off; who it tells of in a callback is told of once."""
    generic = PROVIDERS["generic"]
    items = {"items": "/*"} if body.startswith("[") else {}
    raw = {**catalogue.example_config("generic"), "mapping": {"rules": rules, **items}}
    config = load_config(GenericConfig, {k: v for k, v in raw.items() if k != "preset"})
    request = generic.authenticate(
        HttpRequest("POST", "https://hooks.example/in/token", (), body.encode()), config, 0
    )
    found = _consents(generic.parse(arrived(request), config))
    assert expected == [one.evidence.get("message_id") for one in found]


@pytest.mark.parametrize(("name", "purpose"), [("whatsapp", "marketing"), ("textellent", None)])
def test_a_provider_posts_its_own_notice_beside_a_simulated_word(
    name: str, purpose: str | None
) -> None:
    """Signed, of the person who wrote; nothing beside other texts, or beside what was sent."""
    provider = PROVIDERS[name]
    assert isinstance(provider, TellsBeside)
    config = load_config(provider.Config, catalogue.example_config(name))
    url = "https://hooks.example/in/token"
    for text, word in (("STOP", "opted_out"), ("Start", "opted_in")):
        message = sendable(provider, from_=PERSON, to=OURS, text=text, reference=None)
        request = provider.beside(message, "received", config, url)
        assert request is not None
        callback = arrived(request)
        assert "ok" == provider.verify(callback, config, message.at_ms).verdict
        (item,) = provider.parse(callback, config).items
        assert isinstance(item, Consent)
        assert (PERSON, word, purpose) == (item.address, item.word, item.purpose)
        assert provider.beside(message, "delivered", config, url) is None
    other = sendable(provider, from_=PERSON, to=OURS, text="Hello", reference=None)
    assert provider.beside(other, "received", config, url) is None


def test_a_mapping_without_a_rule_for_consent_has_no_notice() -> None:
    """Nothing is made that it could not read back."""
    provider = PROVIDERS["textellent"]
    assert isinstance(provider, TellsBeside)
    raw = {**catalogue.example_config("textellent"), "mapping": {"rules": [INBOUND]}}
    config = load_config(provider.Config, {k: v for k, v in raw.items() if k != "preset"})
    message = sendable(provider, from_=PERSON, to=OURS, text="STOP", reference=None)
    assert provider.beside(message, "received", config, "https://hooks.example/in/token") is None
