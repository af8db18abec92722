"""WhatsApp's send API: what is posted for each kind of content, and what its answers mean."""

import json
from typing import Any

import msgspec
import pytest

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers.base import MediaRefused, OutboundMessage, SendResult
from ringback.providers.whatsapp_fake import REFUSALS

from .whatsapp_stage import (
    NUMBER_ID,
    TEXT,
    TOKEN,
    WHATSAPP,
    answered,
    asked,
    config,
    fetched,
    how,
    library,
    played,
    refused,
    sent,
)

BUTTONS = {
    "type": "button",
    "body": {"text": "Come?"},
    "action": {"buttons": [{"type": "reply", "reply": {"id": "y", "title": "Yes"}}]},
}
REPLY = {"message_id": "wamid.theirs"}


def holding(text: str = "", **content: object) -> OutboundMessage:
    """Return a message with this content."""
    return msgspec.structs.replace(TEXT, text=text, content=content)


def file(text: str = "", **entry: object) -> OutboundMessage:
    """Return a message with one file."""
    return holding(text, kind="media", media=[entry])


def listing(titles: list[object]) -> dict[str, object]:
    """Return a list to choose from, a row for each title."""
    rows = [{"id": str(place), "title": title} for place, title in enumerate(titles)]
    return {"type": "list", "body": {"text": "When?"}, "action": {"sections": [{"rows": rows}]}}


@pytest.mark.parametrize(
    ("message", "type_", "own"),
    [
        (holding("Hi", preview_url=True), "text", {"body": "Hi", "preview_url": True}),
        (file("Look", url="https://x.example/a.jpg"), "image",
         {"link": "https://x.example/a.jpg", "caption": "Look"}),
        (file(id="9000", content_type="video/mp4", caption="See"), "video",
         {"id": "9000", "caption": "See"}),
        (file(id="9000", content_type="audio/ogg; codecs=opus"), "audio", {"id": "9000"}),
        (file(id="9000", type="voice"), "audio", {"id": "9000", "voice": True}),
        (file(id="9000", content_type="image/webp"), "sticker", {"id": "9000"}),
        (file(url="https://x.example/a?b.png", filename="a.PDF"), "document",
         {"link": "https://x.example/a?b.png", "filename": "a.PDF"}),
        (file(id="9000", content_type="image/jpeg", type="document"), "document", {"id": "9000"}),
        (holding(kind="template", name="hi", language="de"), "template",
         {"name": "hi", "language": {"policy": "deterministic", "code": "de"}}),
        (holding(kind="template", name="hi", language="de", parameters=["Ada", 7]), "template",
         {"name": "hi", "language": {"policy": "deterministic", "code": "de"},
          "components": [{"type": "body", "parameters": [
              {"type": "text", "text": "Ada"}, {"type": "text", "text": "7"}]}]}),
        (holding(kind="template", name="hi", language="de", parameters={"who": "Ada"},
                 components=[{"type": "header", "parameters": []}]), "template",
         {"name": "hi", "language": {"policy": "deterministic", "code": "de"},
          "components": [{"type": "header", "parameters": []}, {"type": "body", "parameters": [
              {"type": "text", "parameter_name": "who", "text": "Ada"}]}]}),
        (holding(kind="interactive", interactive=BUTTONS), "interactive", BUTTONS),
        (holding("Where?", kind="interactive", interactive={
            "type": "location_request_message", "action": {"name": "send_location"}}),
         "interactive", {"type": "location_request_message", "action": {"name": "send_location"},
                         "body": {"text": "Where?"}}),
        (holding(kind="interactive", interactive=listing(["a"] * 10)), "interactive",
         listing(["a"] * 10)),
        (holding(kind="location", location={"latitude": 51.5, "longitude": -0.1}), "location",
         {"latitude": 51.5, "longitude": -0.1}),
        (holding(kind="contacts", contacts=[{"name": {"formatted_name": "Cy"}}]), "contacts",
         [{"name": {"formatted_name": "Cy"}}]),
        (holding(kind="reaction", reaction={**REPLY, "emoji": "👍"}), "reaction",
         {**REPLY, "emoji": "👍"}),
        (holding(kind="reaction", reaction=REPLY), "reaction", {**REPLY, "emoji": ""}),
    ],
)  # fmt: skip
def test_each_kind_of_content_is_posted_as_meta_wants_it(
    message: OutboundMessage, type_: str, own: object
) -> None:
    """Its own object under its type, with our reference beside it; and the fake takes it."""
    body = json.loads(asked(message).body)
    assert {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "15550100123",
        "type": type_,
        type_: own,
        "biz_opaque_callback_data": "order-48213",
    } == body
    result, faked = sent(message)
    (taken,) = faked.messages
    assert ("submitted", (taken.message_id,)) == (result.outcome, result.message_ids)
    assert ("+15550100123", "order-48213") == (taken.to, taken.reference)
    assert message.content.get("kind", "text") == taken.content.get("kind", "text")


@pytest.mark.parametrize(
    ("category", "asked_s", "given_s"),
    [
        ("utility", 600, 600),
        ("utility", 90_000, 43_200),
        ("authentication", 3_600, 900),
        ("authentication", 5, 30),
        ("utility", None, None),
    ],
)
def test_what_needs_no_template_may_expire(
    category: str, asked_s: int | None, given_s: int | None
) -> None:
    """Its category says within which bounds; the fake takes what is sent so."""
    message = msgspec.structs.replace(holding("Hi", category=category), validity_s=asked_s)
    body = json.loads(asked(message).body)
    assert (category, given_s) == (body["category"], body.get("ttl_seconds"))
    result, faked = sent(message)
    assert "submitted" == result.outcome
    (taken,) = faked.messages
    assert (category, given_s) == (taken.content["category"], taken.validity_s)


def test_what_is_held_for_a_check_of_its_quality_is_submitted() -> None:
    """Meta has it, and has not sent it yet."""
    body = b'{"messages":[{"id":"wamid.x","message_status":"held_for_quality_assessment"}]}'
    assert SendResult("submitted", ("wamid.x",)) == answered(HttpResponse(200, (), body))


def test_a_reply_names_what_it_answers() -> None:
    """`reply_to` becomes the context, whatever the kind."""
    body = json.loads(asked(holding("Yes", reply_to="wamid.theirs")).body)
    assert REPLY == body["context"]
    assert (
        "wamid.theirs"
        == sent(holding("Yes", reply_to="wamid.theirs"))[1].messages[0].content["reply_to"]
    )


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (holding("Hi", kind="hologram"), "unsupported_type"),
        (holding("Hi", kind=["text"]), "unsupported_type"),
        (holding(kind="media", media=[]), "media_count"),
        (holding(kind="media", media=[{"id": "1"}, {"id": "2"}]), "media_count"),
        (holding(kind="media"), "media_count"),
        (file(url="ftp://x.example/a"), "media_without_url"),
        (file(filename="a.pdf"), "media_without_url"),
        (file("Hear", id="1", content_type="audio/ogg"), "text_not_possible"),
        (file("x" * 1025, id="1"), "caption_length"),
        (file(id="1", caption=7), "caption_length"),
        (holding(kind="template", language="de"), "template_name"),
        (holding(kind="template", name="hi"), "template_name"),
        (holding(kind="interactive"), "interactive_type"),
        (holding(kind="interactive", interactive={"type": "button", "action": {"buttons": []}}),
         "interactive_count"),
        (holding(kind="interactive", interactive={"type": "button", "action": {
            "buttons": [{"reply": {"id": str(n), "title": "a"}} for n in range(4)]}}),
         "interactive_count"),
        (holding(kind="interactive", interactive={"type": "button", "action": {
            "buttons": [{"reply": {"id": "y", "title": "a" * 21}}]}}), "interactive_title"),
        (holding(kind="interactive", interactive=listing(["a"] * 11)), "interactive_count"),
        (holding(kind="interactive", interactive=listing(["a" * 25])), "interactive_title"),
        (holding(kind="interactive", interactive=listing([None])), "interactive_title"),
        (holding(kind="location", location={"latitude": 91, "longitude": 0}), "location"),
        (holding(kind="location"), "location"),
        (holding("Here", kind="location", location={"latitude": 1, "longitude": 0}),
         "text_not_possible"),
        (holding(kind="contacts", contacts=[]), "contacts"),
        (holding(kind="reaction", reaction={"emoji": "👍"}), "reaction"),
        (msgspec.structs.replace(TEXT, reference="x" * 513), "reference_length"),
        (msgspec.structs.replace(TEXT, validity_s=600), "validity_not_possible"),
        (msgspec.structs.replace(holding(kind="template", name="hi", language="de"),
                                 validity_s=600), "validity_not_possible"),
        (holding("Hi", category="marketing"), "category"),
        (holding("Hi", category=["utility"]), "category"),
        (holding(kind="template", name="hi", language="de", category="utility"), "category"),
    ],
)  # fmt: skip
def test_what_meta_would_not_take_leaves_no_request(message: OutboundMessage, code: str) -> None:
    """Nor is anything sent without what it would lose on the way."""
    result = refused(message)
    assert result.error is not None
    assert ("refused", "content", code, "rejected") == (
        result.outcome, result.error.class_, result.error.code, result.error.stage,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "headers", "wait_s"),
    [
        (131056, (), 6.0),
        (130429, (), 1.0),
        (4, (), None),
        (80007, (), None),
        (4, (("Retry-After", "30"),), 30.0),
        (4, (("Retry-After", "99999"),), 3600.0),
        (4, (("Retry-After", "soon"),), None),
        (80007, (("X-Business-Use-Case-Usage",
                  '{"1":[{"call_count":100,"estimated_time_to_regain_access":19}]}'),), 1140.0),
        (80007, (("X-Business-Use-Case-Usage",
                  '{"1":[{"estimated_time_to_regain_access":0}]}'),), None),
        (80007, (("X-Business-Use-Case-Usage", "[]"),), None),
    ],
)  # fmt: skip
def test_a_throttled_send_says_how_long_to_wait(
    code: int, headers: tuple[tuple[str, str], ...], wait_s: float | None
) -> None:
    """As the answer says, else as the limit itself does, else not at all."""
    body = json.dumps({"error": {"code": code, "message": "(#) slow down"}}).encode()
    result = answered(HttpResponse(400, headers, body))
    assert ("throttled", wait_s) == (result.outcome, result.wait_s)


def test_an_error_tells_its_details() -> None:
    """What Meta says of this very request is worth more than the name of the error."""
    error = {"code": 131009, "message": "(#131009) Bad", "error_data": {"details": "No such id"}}
    result = answered(HttpResponse(400, (), json.dumps({"error": error}).encode()))
    assert result.error is not None
    assert "No such id" == result.error.description


def test_the_person_who_stopped_marketing_is_an_opt_out() -> None:
    """131050 may come at once, too."""
    result, faked = sent(TEXT, how("refused", "131050"))
    assert faked.messages == ()
    assert result.error is not None
    assert (True, "consent") == (result.error.opt_out, result.error.class_)


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_of_the_fake_is_known(code: str) -> None:
    """It comes with the status that Meta sends it with, and reads as the table says."""
    result, faked = sent(TEXT, how("refused", code))
    assert ("refused", ()) == (result.outcome, faked.messages)
    assert result.error is not None
    assert (code, WHATSAPP.ERRORS[code if code in WHATSAPP.ERRORS else "131008-131009"].class_) == (
        result.error.provider_code, result.error.class_,
    ) or code.startswith("132")  # fmt: skip
    assert faked.response.status in (400, 401, 403, 404)


@pytest.mark.parametrize(
    ("told", "outcome", "provider_code"),
    [
        (how("refused"), "refused", "131030"),
        (how("throttled"), "throttled", "130429"),
        (how("throttled", "131056"), "throttled", "131056"),
    ],
)
def test_the_fake_fails_as_meta_does(told: object, outcome: str, provider_code: str) -> None:
    """Refused or throttled: an error object, and no message."""
    result, faked = sent(TEXT, told)  # type: ignore[arg-type]
    assert faked.messages == ()
    assert result.error is not None
    assert (outcome, provider_code) == (result.outcome, result.error.provider_code)
    assert {"message", "type", "code", "fbtrace_id"} <= json.loads(faked.response.body)[
        "error"
    ].keys()


def test_a_broken_meta_leaves_it_open() -> None:
    """Its own unexpected error says nothing about the message; others do, whatever the 5xx."""
    result, faked = sent(TEXT, how("broken"))
    assert ((), 500) == (faked.messages, faked.response.status)
    assert SendResult("uncertain") == result
    body = json.dumps({"error": {"code": 131057, "message": "maintenance"}}).encode()
    assert "refused" == answered(HttpResponse(500, (), body)).outcome


def test_a_user_id_in_to_is_taken_and_never_heard_of() -> None:
    """Meta answers as if it were sent, even beside a `recipient`; in `recipient` alone it is."""
    good, user = asked(TEXT), "US.13491208655302741918"
    body = json.loads(good.body)
    del body["to"]
    for addressed, taken in (
        ({"to": user}, 0), ({"to": user, "recipient": user}, 0), ({"recipient": user}, 1)
    ):  # fmt: skip
        content = json.dumps({**body, **addressed}).encode()
        faked = played(msgspec.structs.replace(good, body=content), how())
        answer = json.loads(faked.response.body)
        assert (200, taken) == (faked.response.status, len(faked.messages))
        assert (user, "accepted") == (
            answer["contacts"][0]["input"], answer["messages"][0]["message_status"],
        )  # fmt: skip


def test_the_fake_wants_a_token() -> None:
    """The connection's own: none, somebody else's, an empty one or two are 190."""
    good = asked(TEXT)
    ((name, _), *rest) = good.headers
    for given, status in (
        ([], 401), (["Bearer"], 401), ([""], 401), (["Bearer a", "Bearer b"], 401),
        (["Bearer somebody-elses"], 401), ([TOKEN], 401), ([f"Basic {TOKEN}"], 401),
        ([f"Bearer {TOKEN}"], 200), ([f"OAuth {TOKEN}"], 200),
    ):  # fmt: skip
        headers = (*((name, value) for value in given), *rest)
        faked = played(msgspec.structs.replace(good, headers=headers), how())
        assert (status, status == 200) == (faked.response.status, bool(faked.messages))
        assert status == 200 or b'"code":190' in faked.response.body


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (b"{", 100),
        (b"[]", 100),
        (b"{}", 100),
        ({"to": None}, 131009),
        ({"to": "Ada"}, 131009),
        ({"type": "hologram"}, 131009),
        ({"type": ["text"]}, 131009),
        ({"text": None}, 131009),
        ({"text": {"body": "x" * 4097}}, 131009),
        ({"type": "image", "image": {"caption": "a"}}, 131009),
        ({"ttl_seconds": 600}, 131009),
        ({"ttl_seconds": 901, "category": "authentication"}, 131009),
        ({"ttl_seconds": 29, "category": "utility"}, 131009),
        ({"type": "template", "template": {"name": "a"}}, 131009),
    ],
)
def test_the_fake_refuses_what_meta_would(changed: object, code: int) -> None:
    """Bodies that are none, or that lack what their type needs."""
    good = asked(TEXT)
    body = changed if isinstance(changed, bytes) else None
    if body is None:
        assert isinstance(changed, dict)
        body = json.dumps({**json.loads(good.body), **changed}).encode()
    faked = played(msgspec.structs.replace(good, body=body), how())
    assert (400, code, ()) == (
        faked.response.status, json.loads(faked.response.body)["error"]["code"], faked.messages,
    )  # fmt: skip


def test_the_fake_plays_any_number_of_metas_and_nothing_else() -> None:
    """Whoever tries a library there has a number of their own; other addresses are not Meta's."""
    good = asked(TEXT)
    other = msgspec.structs.replace(good, url=good.url.replace(NUMBER_ID, "77"))
    assert "77" == played(other, how()).messages[0].from_
    for method, path in (("PUT", "/v25.0/1/messages"), ("GET", "/v25.0/me"), ("POST", "/")):
        request = HttpRequest(method, f"https://graph.facebook.com{path}", good.headers, b"{}")
        assert WHATSAPP.fake(request, config(), how()) is None


def test_a_file_is_fetched_in_two_steps() -> None:
    """Its address by its id, then the file; both with the token, and the fake has one."""
    (lookup,), last = fetched({"id": "9000", "url": "https://old.example/"})
    assert isinstance(last, HttpRequest)
    assert "https://graph.facebook.com/v25.0/9000" == lookup.url
    assert last.url.startswith(
        "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=9000"
    )
    assert lookup.headers == last.headers == (("Authorization", f"Bearer {TOKEN}"),)
    response = played(last, how()).response
    assert (200, b"\x89PNG") == (response.status, response.body[:4])
    requests, last = fetched({"url": "https://lookaside.example/a"})
    assert isinstance(last, HttpRequest)
    assert ([], "https://lookaside.example/a") == (requests, last.url)
    assert ([], HttpRequest("GET", "http://a.example/")) == fetched({"url": "http://a.example/"})


@pytest.mark.parametrize(
    ("found", "told", "more", "retryable"),
    [
        ({}, how(), {}, False),
        ({"id": "../../me"}, how(), {}, False),
        ({"url": "ftp://plain.example/a"}, how(), {}, False),
        ({"id": "9000"}, how(), {"access_token": None}, False),
        ({"id": "9000"}, how("refused", "100"), {}, False),
        ({"id": "9000"}, how("throttled"), {}, True),
        ({"id": "9000"}, how("broken"), {}, True),
    ],
)
def test_a_file_that_cannot_be_had_says_why(
    found: dict[str, object], told: object, more: dict[str, object], retryable: bool
) -> None:
    """Without an id, an address or a token never; after a limit or a fault of Meta's later."""
    _, last = fetched(found, told, **more)  # type: ignore[arg-type]
    assert isinstance(last, MediaRefused)
    assert last.reason
    assert retryable == last.retryable


def test_a_partner_takes_the_same_at_its_own_address() -> None:
    """Under `base_url`, with the key in a header of its own; files come from there, too."""
    partner: dict[str, Any] = {
        "base_url": "https://partner.example/wa/",
        "token_header": "D360-API-KEY",
        "phone_number_id": None,
    }
    request = asked(TEXT, **partner)
    assert "https://partner.example/wa/messages" == request.url
    assert ("D360-API-KEY", TOKEN) == request.headers[0]
    result, faked = sent(TEXT, **partner)
    assert ("submitted", 1) == (result.outcome, len(faked.messages))
    (lookup,), last = fetched({"id": "9000"}, **partner)
    assert isinstance(last, HttpRequest)
    assert "https://partner.example/wa/9000" == lookup.url
    assert last.url.startswith("https://partner.example/wa/whatsapp_business/attachments/?mid=9000")
    assert 200 == played(last, how(), **partner).response.status


def test_the_version_of_the_graph_is_a_setting() -> None:
    """Meta ends versions after two years."""
    url = asked(TEXT, graph_version="v31.0").url
    assert f"https://graph.facebook.com/v31.0/{NUMBER_ID}/messages" == url


def test_what_pywa_sends_is_understood() -> None:
    """S4: the fake answers another library as Meta would: ids, files, errors by their class."""
    client = library(how())
    (message,) = sent(TEXT)[1].messages
    text = client.send_message(to="15550100123", text="Hello", tracker="order-48213")
    assert message.message_id == text.id
    client.send_image(to="15550100123", image="https://x.example/a.png", caption="Look")
    client.send_location(to="15550100123", latitude=51.5, longitude=-0.1)
    client.send_reaction(to="15550100123", emoji="👍", message_id="wamid.theirs")
    assert client.mark_message_as_read("wamid.theirs").success
    file_ = client.get_media_url("9000")
    assert (70, "image/png") == (file_.file_size, file_.mime_type)
    for told, name in (
        (how("throttled"), "RateLimitHit"), (how("refused", "131047"), "ReEngagementMessage"),
        (how("broken"), "UnknownError"),
    ):  # fmt: skip
        with pytest.raises(Exception, match="#") as raised:
            library(told).send_message(to="15550100123", text="Hello")
        assert name == type(raised.value).__name__


@pytest.mark.parametrize("url", [
    "https://evil.example/x", "https://fbsbx.com.evil.example/x", "https://evilfbsbx.com/x",
    "https://lookaside.fbsbx.com:8443/x", "https://lookaside.fbsbx.com@evil.example/x", "https://[",
])  # fmt: skip
def test_the_token_is_shown_to_metas_hosts_alone(url: str) -> None:
    """Whatever address a callback names: elsewhere it is asked for without credentials."""
    _, end = fetched({"url": url})
    assert end == HttpRequest("GET", url)
    _, end = fetched({"url": "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1"})
    assert isinstance(end, HttpRequest)
    assert {"authorization"} == {name.lower() for name, _ in end.headers}
