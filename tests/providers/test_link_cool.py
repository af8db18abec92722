"""LINK Denmark's API: reports in a query, messages in a form, and the API that is played."""

import json
import random
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from ringback.domain.http import Callback, HttpRequest, HttpResponse
from ringback.providers import query_proof
from ringback.providers.base import (
    Consent,
    Fake,
    Inbound,
    OutboundMessage,
    Report,
    SendResult,
    Unparsed,
    Unrecognised,
)
from ringback.providers.config import load_config
from ringback.providers.link_cool import LinkCool
from ringback.providers.link_send import REFERENCE_MAX, LinkCoolConfig
from ringback.providers.recorded import NOW_MS

from .cases import GENUINE
from .driving import FakeApi, assert_told, assert_unasked, driven
from .sound import taken

COOL = LinkCool()
CONFIG = load_config(
    LinkCoolConfig,
    {"callback_secret": "not-a-real-callback-secret", "api_key": "not-a-real-api-key"},
)
MESSAGE = OutboundMessage(
    "+15550100123", "+15550100900", "sms", "Hi Å", reference="order-48213", at_ms=NOW_MS
)
URL = "https://hooks.example/in/example"


def test_a_text_is_sent_with_the_key_and_its_own_status_url() -> None:
    """The request is LINK's; the answer's batch and the recipient are the message."""
    api = FakeApi(COOL, CONFIG)
    message = msgspec.structs.replace(MESSAGE, validity_s=90, callback_url=URL)
    result, (request,) = driven(COOL.send(message, CONFIG), api)
    assert isinstance(request, HttpRequest)
    assert request.url == "https://api.linkmobility.dk/v2/message.json?apikey=not-a-real-api-key"
    proved = f"{URL}?callback_proof={CONFIG.callback_secret}"
    assert json.loads(request.body) == {
        "message": {
            "recipients": "+15550100123",
            "sender": "+15550100900",
            "message": "Hi Å",
            "format": "GSM",
            "status": True,
            "statusurl": proved,
            "returndata": "order-48213",
            "validity": 2,
        }
    }
    (taken,) = api.taken
    assert result == SendResult("submitted", (taken.message_id,), recipient="+15550100123")
    assert (taken.callback_url, taken.validity_s) == (proved, 120)
    unicode = msgspec.structs.replace(MESSAGE, text="👍")
    _, (request,) = driven(COOL.send(unicode, CONFIG), api)
    assert isinstance(request, HttpRequest)
    assert json.loads(request.body)["message"]["format"] == "UNICODE"
    assert "statusurl" not in json.loads(request.body)["message"]


def test_a_report_joins_the_send_by_batch_and_recipient() -> None:
    """What a report is known by is what the send was answered with."""
    api = FakeApi(COOL, CONFIG)
    result, _ = driven(COOL.send(MESSAGE, CONFIG), api)
    request = COOL.simulate(api.taken[0], "delivered", CONFIG, URL)
    assert request.method == "GET"
    assert parse_qs(urlsplit(request.url).query)["batchid"] == list(result.message_ids)
    callback = Callback(request.method, request.url, request.headers, request.body)
    (item,) = COOL.parse(callback, CONFIG).items
    assert isinstance(item, Report)
    assert (result.message_ids, result.recipient) == ((item.message_id,), item.recipient)


@pytest.mark.parametrize(
    ("how", "outcome", "class_", "provider_code"),
    [
        ({"outcome": "refused"}, "refused", "content", "http_400"),
        ({"outcome": "refused", "code": "401"}, "refused", "platform", "http_401"),
        ({"outcome": "throttled"}, "throttled", "throttled", "http_429"),
        ({"outcome": "broken"}, "uncertain", None, None),
    ],
)
def test_what_the_api_refuses_is_told_in_our_words(
    how: dict[str, str], outcome: str, class_: str | None, provider_code: str | None
) -> None:
    """Every shape of refusal that is played becomes an outcome and a class; 5xx is uncertain."""
    assert_told(COOL, CONFIG, MESSAGE, how, outcome, class_, provider_code)


def test_the_longest_reference_comes_back_whole() -> None:
    """500 characters, each of which takes twelve in a URL, are told again by the report."""
    message = msgspec.structs.replace(MESSAGE, reference="👍" * REFERENCE_MAX)
    api = FakeApi(COOL, CONFIG)
    driven(COOL.send(message, CONFIG), api)
    request = COOL.simulate(api.taken[0], "delivered", CONFIG, URL)
    callback = Callback(request.method, request.url, request.headers, request.body)
    (item,) = COOL.parse(callback, CONFIG).items
    assert isinstance(item, Report)
    assert message.reference == item.reference


@pytest.mark.parametrize("body", [b"{}", b'{"details":{"batchid":null}}', b'{"details":5}', b"<"])
def test_an_answer_without_a_batch_is_uncertain(body: bytes) -> None:
    """Nobody could join the report; it is not sent again blindly."""
    result, _ = driven(COOL.send(MESSAGE, CONFIG), lambda _: HttpResponse(201, (), body))
    assert result == SendResult("uncertain")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"to": "Ada"}, "invalid_recipient"),
        ({"from_": "A name too long"}, "invalid_sender"),
        ({"text": ""}, "text_length"),
        ({"text": "x" * 1601}, "text_length"),
        ({"content": {"kind": "media", "media": []}}, "unsupported_content"),
        ({"reference": "r" * 501}, "reference_length"),
    ],
)
def test_what_link_could_only_refuse_makes_no_request(
    changed: dict[str, object], code: str
) -> None:
    """It is said before anything leaves; and so is that there is no key."""
    assert_unasked(COOL, CONFIG, msgspec.structs.replace(MESSAGE, **changed), code)
    bare = load_config(LinkCoolConfig, {"callback_secret": "not-a-real-callback-secret"})
    assert_unasked(COOL, bare, MESSAGE, "not_configured")


def test_the_played_api_takes_lists_of_recipients() -> None:
    """Several recipients are one batch, as LINK has it; a wrong key and other paths are refused."""
    body = json.dumps({"message": {"recipients": "+15550100123,+15550100124", "message": "x"}})
    url = "https://h/v2/message.json?apikey="
    how = Fake(seed="1" * 32, now_ms=0)
    request = HttpRequest("POST", f"{url}not-a-real-api-key", (), body.encode())
    found = COOL.fake(request, CONFIG, how)
    assert found is not None
    assert [one.to for one in found.messages] == ["+15550100123", "+15550100124"]
    assert len({one.message_id for one in found.messages}) == 1
    found = COOL.fake(HttpRequest("POST", f"{url}x", (), body.encode()), CONFIG, how)
    assert found is not None
    assert found.response.status == 401
    assert COOL.fake(HttpRequest("POST", "https://h/v2/ping.json"), CONFIG, how) is None


def test_any_query_and_form_gives_a_typed_result() -> None:
    """T13: recorded reports and messages with bytes put in, cut out and doubled get their 200."""
    dice, kinds = random.Random(13), set[type]()
    cases = [one.callback for one in GENUINE if one.provider.name == "link_cool"]
    pieces = ["%00", "%ff", "&", "=", "status=received", "é", "%F0%9F%91%8D", "+", "x" * 600, "#"]
    for _ in range(1_500):
        callback = dice.choice(cases)
        text = callback.body.decode("latin-1") or callback.query
        for _ in range(dice.randrange(1, 4)):
            place = dice.randrange(len(text) + 1)
            cut = dice.randrange(8) if dice.random() < 0.5 else 0
            text = text[:place] + dice.choice(["", *pieces]) + text[place + cut :]
        proof = f"{URL}?callback_proof={CONFIG.callback_secret}"
        if callback.body:
            made = Callback("POST", proof, callback.headers, text.encode("utf-8"))
        else:
            text = text.replace(query_proof.PARAMETER, "was")
            made = Callback("GET", f"{proof}&{text}", (), b"")
        kinds |= taken(COOL, CONFIG, made)
    assert {Report, Inbound, Unrecognised, Unparsed} == kinds - {Consent}
