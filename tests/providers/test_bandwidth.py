"""Bandwidth: what is sent and refused, what its answers mean, media, and simulated callbacks."""

import base64
import json
from typing import Any

import msgspec
import pytest

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import Failure
from ringback.providers.bandwidth import Bandwidth
from ringback.providers.bandwidth_config import BandwidthConfig
from ringback.providers.base import (
    CannotSimulateError,
    Inbound,
    MediaRefused,
    OutboundMessage,
    Report,
    SendResult,
)
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS

from .cases import arrived, raw_config

BANDWIDTH = Bandwidth()
SENDING = {
    "account_id": "5500001",
    "application_id": "93de2206-9669-4e07-948d-329f4b722ee2",
    "api_username": "not-a-real-api-user",
    "api_password": "not-a-real-api-password",
}
BASIC = "Basic " + base64.b64encode(b"not-a-real-api-user:not-a-real-api-password").decode()
PICTURE = {"url": "https://files.example/door.jpg"}
URL = "https://hooks.example/in/example"


def config_with(**changes: object) -> BandwidthConfig:
    """Make the config of the recordings with what sending takes, and some changes."""
    return load_config(BandwidthConfig, {**raw_config(BANDWIDTH), **SENDING, **changes})


def message(channel: str = "sms", text: str = "Hi", **changes: Any) -> OutboundMessage:
    """Make a message to a person."""
    return OutboundMessage("+15550100123", "+15550100900", channel, text, **changes)


def filled(channel: str, text: str, **content: object) -> OutboundMessage:
    """Make a message of some content."""
    return message(channel, text, content=content)


def sent(one: OutboundMessage, **changes: object) -> tuple[HttpRequest, dict[str, Any]]:
    """Return the request of a send and its body."""
    request = next(BANDWIDTH.send(one, config_with(**changes)))
    assert isinstance(request, HttpRequest)
    assert ("Authorization", BASIC) in request.headers
    return request, json.loads(request.body)


def ended(one: OutboundMessage, answer: HttpResponse | None = None) -> SendResult:
    """Return what becomes of a send: without a request, or answered so."""
    flow = BANDWIDTH.send(one, config_with())
    try:
        next(flow)
        assert answer is not None
        flow.send(answer)
    except StopIteration as stopped:
        result = stopped.value
    assert isinstance(result, SendResult)
    return result


def answered(status: int, body: object, *headers: tuple[str, str]) -> SendResult:
    """Return what becomes of a text that is answered so."""
    return ended(message(), HttpResponse(status, headers, json.dumps(body).encode()))


def test_an_mms_has_its_files_and_perhaps_a_text() -> None:
    """Files are named by their URLs; a text goes along, or there is none."""
    files = {"kind": "media", "media": [PICTURE, {"url": "http://files.example/b.png"}]}
    request, body = sent(message("mms", "Your door", content=files, reference="order-48213"))
    assert request.url == "https://messaging.bandwidth.com/api/v2/users/5500001/messages"
    assert body == {
        "applicationId": SENDING["application_id"],
        "from": "+15550100900",
        "to": ["+15550100123"],
        "text": "Your door",
        "media": ["https://files.example/door.jpg", "http://files.example/b.png"],
        "tag": "order-48213",
    }
    assert "text" not in sent(message("mms", "", content=files))[1]


def test_validity_and_priority_go_along() -> None:
    """The moment until which it may be tried, counted from the message's time; `high` if so set."""
    _, body = sent(message(at_ms=NOW_MS, validity_s=3600), priority="high")
    assert (body["expiration"], body["priority"]) == ("2026-03-02T10:16:40.000Z", "high")
    assert {"expiration", "priority"} & set(sent(message())[1]) == set()


def test_an_rbm_text_goes_through_the_other_address() -> None:
    """RBM has an address of its own; payloads of suggestions are wrapped in base64."""
    content = {
        "kind": "text",
        "suggestions": [
            {"text": "Yes", "payload": "é yes"},
            {"kind": "url", "text": "Track", "url": "https://shop.example/1"},
            {"kind": "dial", "text": "Call", "phone_number": "+15550100900"},
            {"kind": "location_request", "text": "Where are you?"},
            {"kind": "location", "text": "Shop", "latitude": 51.5, "longitude": -0.12},
        ],
    }
    request, body = sent(message("rcs", "Is it you?", content=content, reference="order-48213"))
    assert request.url.endswith("/api/v2/users/5500001/messages/multiChannel")
    assert (body["to"], body["tag"]) == ("+15550100123", "order-48213")
    (channel,) = body["channelList"]
    assert (channel["channel"], channel["from"]) == ("RBM", "+15550100900")
    assert channel["content"]["text"] == "Is it you?"
    suggestions = channel["content"]["suggestions"]
    assert [one["type"] for one in suggestions] == [
        "REPLY", "OPEN_URL", "DIAL_PHONE", "REQUEST_LOCATION", "SHOW_LOCATION",
    ]  # fmt: skip
    assert base64.b64decode(suggestions[0]["postbackData"]).decode() == "é yes"
    assert base64.b64decode(suggestions[1]["postbackData"]) == b"Track"
    assert suggestions[4]["latitude"] == "51.5"


def rbm(text: str, **content: object) -> dict[str, Any]:
    """Return what an RBM message of some content holds."""
    _, body = sent(filled("rcs", text, **content))
    found = body["channelList"][0]["content"]
    assert isinstance(found, dict)
    return found


def test_rbm_files_and_cards() -> None:
    """Files alone are a message; a file with a text is a card; several cards are a carousel."""
    small = {**PICTURE, "thumbnail_url": "https://files.example/small.jpg"}
    file = {"fileUrl": PICTURE["url"]}
    both = {**file, "thumbnailUrl": "https://files.example/small.jpg"}
    assert rbm("", kind="media", media=[PICTURE, small]) == {"media": [file, both]}
    card = {"description": "Your door", "media": {**file, "height": "MEDIUM"}}
    expected = {"orientation": "VERTICAL", "cardContent": card}
    assert expected == rbm("Your door", kind="media", media=[PICTURE])
    told = rbm("Text", kind="card", title="Title", suggestions=[{"text": "Yes"}])
    assert (told["cardContent"]["title"], told["cardContent"]["description"]) == ("Title", "Text")
    assert len(told["cardContent"]["suggestions"]) == 1
    cards: list[object] = [{"title": "One"}, {"text": "Two", "media": [PICTURE]}]
    second = {**card, "description": "Two"}
    carousel = {"cardWidth": "MEDIUM", "cardContents": [{"title": "One"}, second]}
    assert carousel == rbm("", kind="carousel", cards=cards)


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (filled("mms", "x", kind="media"), "bad_media"),
        (filled("mms", "x", kind="media", media=[{"id": "1"}]), "bad_media"),
        (filled("mms", "x", kind="media", media=[PICTURE] * 11), "bad_media"),
        (filled("sms", "x", media=[PICTURE]), "bad_media"),
        (filled("sms", "x", kind="template", name="n"), "unsupported_kind"),
        (filled("rcs", "x", kind="template", name="n"), "unsupported_kind"),
        (filled("rcs", ""), "text_length"),
        (filled("rcs", "x" * 3271), "text_length"),
        (filled("rcs", "x", kind="media", media=[PICTURE] * 2), "text_beside_media"),
        (filled("rcs", "", kind="media", media=[]), "bad_media"),
        (filled("rcs", "", kind="card"), "empty_card"),
        (filled("rcs", "", kind="carousel", cards=[{"title": "1"}]), "cards_count"),
        (filled("rcs", "x", suggestions=[{"text": "x" * 26}]), "bad_suggestion"),
        (filled("rcs", "x", suggestions=[{"text": "x"}] * 12), "bad_suggestion"),
        (filled("rcs", "x", suggestions=[{"kind": "x", "text": "x"}]), "bad_suggestion"),
        (message(reference="x" * 1025), "reference_length"),
        (message(validity_s=60), "no_time"),
    ],
)  # fmt: skip
def test_what_bandwidth_would_refuse_makes_no_request(one: OutboundMessage, code: str) -> None:
    """It is refused before anything leaves, with a code that says why."""
    result = ended(one)
    assert result.error is not None
    assert (result.outcome, result.error.code, result.error.stage) == ("refused", code, "rejected")


def test_the_answer_of_multi_channel_is_wrapped() -> None:
    """Its id stands under `data`, its errors in a list, each with the field it is about."""
    taken = answered(202, {"data": {"id": "id-1"}, "links": [], "errors": []})
    assert taken == SendResult("submitted", ("id-1",), recipient="+15550100123")
    source = {"field": "channelList[0].content.text"}
    errors = [{"type": "request-validation", "description": "too long", "source": source}]
    refused = answered(400, {"errors": errors})
    expected = Failure(
        "content", "bad_text", provider_code="request-validation", description="too long",
        stage="rejected",
    )  # fmt: skip
    assert SendResult("refused", error=expected) == refused


@pytest.mark.parametrize(
    ("status", "word", "outcome", "class_"),
    [
        (400, "request-validation", "refused", "content"),
        (401, "unauthorized", "refused", "platform"),
        (403, "forbidden", "refused", "platform"),
        (415, "unsupported-content-type", "refused", "platform"),
        (429, "max-message-queue-size-exceeded", "throttled", "throttled"),
        (400, "max-message-queue-size-exceeded", "throttled", "throttled"),
        (429, "something-new", "throttled", "throttled"),
        (400, "something-new", "refused", "unknown"),
    ],
)
def test_a_refusal_is_judged_by_its_type(status: int, word: str, outcome: str, class_: str) -> None:
    """The word decides; a 429 is throttling whatever the word. The word is kept."""
    result = answered(status, {"type": word, "description": "because"})
    assert result.error is not None
    assert (outcome, class_) == (result.outcome, result.error.class_)
    assert (word, "because") == (result.error.provider_code, result.error.description)
    assert (outcome == "throttled") == result.error.retryable


@pytest.mark.parametrize(
    ("value", "expected"), [("7", 7.0), ("999999", 86400.0), ("soon", None), ("-1", None)]
)
def test_retry_after_is_passed_on(value: str, expected: float | None) -> None:
    """How long a throttled sender is to wait, where Bandwidth says so; no longer than a day."""
    full = {"type": "max-message-queue-size-exceeded", "description": "full"}
    assert expected == answered(429, full, ("Retry-After", value)).wait_s
    assert answered(400, {"type": "forbidden"}, ("Retry-After", "7")).wait_s is None


def fetched(url: object, **changes: object) -> HttpRequest | MediaRefused:
    """Return how a file is fetched."""
    flow = BANDWIDTH.media({"url": url}, config_with(**changes))
    with pytest.raises(StopIteration) as stopped:
        next(flow)
    found = stopped.value.value
    assert isinstance(found, HttpRequest | MediaRefused)
    return found


def test_media_is_fetched_with_credentials_from_bandwidth_alone() -> None:
    """Only Bandwidth's own host is shown the API password, and only by https."""
    url = "https://messaging.bandwidth.com/api/v2/users/5500001/media/1/0/door.jpg"
    assert HttpRequest("GET", url, (("Authorization", BASIC),)) == fetched(url)
    for other in (
        "https://cdn.example/a.jpg",
        "http://messaging.bandwidth.com/api/v2/users/5500001/media/1",
        "https://messaging.bandwidth.com@evil.example/media/1",
        "https://messaging.bandwidth.com.evil.example/media/1",
        "https://messaging.bandwidth.com:444/media/1",
    ):
        assert HttpRequest("GET", other) == fetched(other)
    for bad in (None, 5, "", "https://[", "https://h:x/"):
        assert isinstance(fetched(bad), MediaRefused)
    assert isinstance(fetched(url, api_password=None), MediaRefused)


def read(request: HttpRequest) -> list[Report | Inbound]:
    """Verify and parse a simulated callback."""
    callback, config = arrived(request), config_with()
    assert BANDWIDTH.verify(callback, config, NOW_MS).verdict == "ok"
    parsed = BANDWIDTH.parse(callback, config)
    assert parsed.unparsed == ()
    return [item for item in parsed.items if isinstance(item, Report | Inbound)]


@pytest.mark.parametrize(
    ("channel", "content"),
    [
        ("mms", {"kind": "media", "media": [{"url": "https://h.example/a.jpg"}]}),
        ("rcs", {"kind": "media", "media": [{"url": "https://h.example/a.jpg"}]}),
        ("rcs", {"kind": "button", "button": {"text": "Yes", "payload": "é"}}),
        ("rcs", {"kind": "location", "location": {"latitude": 51.5, "longitude": -0.12}}),
    ],
)
def test_whatever_people_send_can_be_simulated(channel: str, content: dict[str, Any]) -> None:
    """Files, answers to suggestions and places arrive as what they are."""
    one = message(channel, content=content, at_ms=NOW_MS)
    (item,) = read(BANDWIDTH.simulate(one, "received", config_with(), URL))
    assert isinstance(item, Inbound)
    assert (content["kind"], channel) == (item.content["kind"], item.channel)
    inner = content["kind"]
    if inner == "media":
        assert item.content["media"] == [{"url": "https://h.example/a.jpg", "filename": "a.jpg"}]
    else:
        assert content[inner] == item.content[inner]


@pytest.mark.parametrize(
    ("status", "code", "class_"),
    [
        ("failed", "4775", "consent"),
        ("failed", "4781", "throttled"),
        ("expired", "4794", "network"),
    ],
)
def test_a_failure_can_be_simulated_by_its_code(status: Any, code: str, class_: str) -> None:
    """The code that was asked for is the one that comes, and an opt-out says so."""
    one = message(error_code=code, message_id="id-1", at_ms=NOW_MS)
    (item,) = read(BANDWIDTH.simulate(one, status, config_with(), URL))
    assert isinstance(item, Report)
    assert item.error is not None
    assert (code, class_) == (item.error.provider_code, item.error.class_)
    assert (code == "4775") == item.error.opt_out


@pytest.mark.parametrize("code", ["9902", "x", "47", "99999"])
def test_a_code_of_another_status_cannot_be_simulated(code: str) -> None:
    """What Bandwidth would never say is an error, and not a callback."""
    with pytest.raises(CannotSimulateError, match="means failed"):
        BANDWIDTH.simulate(message(error_code=code), "failed", config_with(), URL)


def test_a_batch_is_one_array() -> None:
    """Several messages in one callback are several reports, in order."""
    many = tuple(message(message_id=f"id-{n}", at_ms=NOW_MS) for n in range(5))
    request = BANDWIDTH.simulate_batch(many, "delivered", config_with(), URL)
    assert len(msgspec.json.decode(request.body)) == 5
    assert [f"id-{n}" for n in range(5)] == [item.message_id for item in read(request)]
