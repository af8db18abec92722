"""Sending through SMSPortal: requests of both versions, batches, tokens, answers, and the fake."""

import base64
import json
from typing import Any

import msgspec
import pytest

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers.base import (
    BatchFlow,
    Fake,
    OutboundMessage,
    SendFlow,
    SendResult,
    TokenRequest,
)
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.providers.smsportal_config import SmsPortalConfig

from .cases import raw_config

SMSPORTAL = PROVIDERS["smsportal"]
MESSAGE = OutboundMessage("+15550100123", "Marlow", "sms", "Hi é 👍", reference="order-48213")
BASIC = "Basic " + base64.b64encode(b"not-a-real-client:not-a-real-api-secret").decode()
HOW = Fake("0123456789abcdef0123456789abcdef", NOW_MS)


def config(**fields: Any) -> SmsPortalConfig:
    """Make a config that can send."""
    return load_config(SmsPortalConfig, {**raw_config(SMSPORTAL), **fields})


def drive(
    flow: SendFlow | BatchFlow, *answers: HttpResponse
) -> tuple[list[HttpRequest | TokenRequest], Any]:
    """Answer a flow's requests one after the other; return them, and what became of it."""
    asked: list[HttpRequest | TokenRequest] = []
    left = list(answers)
    try:
        asked.append(next(flow))
        while True:
            asked.append(flow.send(left.pop(0)))
    except StopIteration as end:
        return asked, end.value


def faked(flow: SendFlow | BatchFlow, *how: Fake) -> tuple[list[OutboundMessage], Any]:
    """Drive a flow against the fake; return the messages that it took, and the result."""
    taken: list[OutboundMessage] = []
    hows = list(how)
    try:
        asked = next(flow)
        while True:
            request = asked.request if isinstance(asked, TokenRequest) else asked
            one = SMSPORTAL.fake(request, config(), hows.pop(0) if len(hows) > 1 else hows[0])
            assert one is not None
            taken += one.messages
            asked = flow.send(one.response)
    except StopIteration as end:
        return taken, end.value


def said(status: int, body: object) -> HttpResponse:
    """Make an answer of JSON."""
    return HttpResponse(status, (), json.dumps(body).encode())


def answered(body: object, status: int = 200) -> SendResult:
    """Return what becomes of one message that is answered so."""
    _, result = drive(SMSPORTAL.send(MESSAGE, config()), said(status, body))
    assert isinstance(result, SendResult)
    return result


def sent(messages: int = 1, **report: object) -> dict[str, object]:
    """Make the answer of v3 to a send."""
    inner = {"eventId": 20431567890, "messages": messages, "errorReport": report}
    return {"statusCode": 200, "sendResponse": inner, "errors": []}


def test_a_text_is_sent_with_our_reference() -> None:
    """The request of v3: credentials, the number without its plus, our reference as customerId."""
    (request,), _ = drive(SMSPORTAL.send(MESSAGE, config()), said(200, sent()))
    assert isinstance(request, HttpRequest)
    assert (request.method, request.url) == ("POST", "https://rest.smsportal.com/v3/BulkMessages")
    assert ("Authorization", BASIC) in request.headers
    assert json.loads(request.body) == {
        "messages": [
            {"content": "Hi é 👍", "destination": "15550100123", "customerId": "order-48213"}
        ]
    }


def test_options_are_sent_where_they_are_wanted() -> None:
    """Senders of letters, hours of validity and short links, by configuration; v1 in capitals."""
    message = msgspec.structs.replace(MESSAGE, validity_s=5400)
    own = config(
        sender_ids=True, shorten_urls=True, api_version="v1", api_host="rest.mymobileapi.com"
    )
    (request,), _ = drive(SMSPORTAL.send(message, own), said(200, sent()))
    assert isinstance(request, HttpRequest)
    assert request.url == "https://rest.mymobileapi.com/v1/bulkmessages"
    body = json.loads(request.body)
    assert body["SendOptions"] == {"SenderId": "Marlow", "ValidityPeriod": 2, "ShortenUrls": True}
    assert body["Messages"][0]["Destination"] == "15550100123"


def test_a_token_is_fetched_where_one_is_wanted() -> None:
    """The credentials fetch it, the send carries it; one that is refused is fetched anew, once."""
    own = config(authentication="bearer")
    token = said(200, {"token": "not.a.token", "schema": "JWT", "expiresInMinutes": 1440})
    asked, result = drive(SMSPORTAL.send(MESSAGE, own), token, said(200, sent()))
    assert isinstance(asked[0], TokenRequest)
    assert asked[0].request.url == "https://rest.smsportal.com/v1/Authentication"
    assert ("Authorization", BASIC) in asked[0].request.headers
    assert isinstance(asked[1], HttpRequest)
    assert ("Authorization", "Bearer not.a.token") in asked[1].headers
    assert result.outcome == "submitted"
    flow = SMSPORTAL.send(MESSAGE, own)
    asked, result = drive(flow, token, said(401, {}), token, said(200, sent()))
    assert [False, True] == [one.refused for one in asked if isinstance(one, TokenRequest)]
    assert result.outcome == "submitted"


@pytest.mark.parametrize(
    ("answer", "outcome", "class_"),
    [
        (said(401, {"errorCode": "x"}), "refused", "platform"),
        (said(500, {}), "refused", "platform"),
        (said(200, {"token": ""}), "refused", "platform"),
        (said(200, {"token": "a\nb"}), "refused", "platform"),
        (said(429, {}), "throttled", "throttled"),
    ],
)
def test_without_a_token_nothing_is_sent(answer: HttpResponse, outcome: str, class_: str) -> None:
    """Whatever went wrong there, the message did not leave: it is never uncertain."""
    asked, result = drive(SMSPORTAL.send(MESSAGE, config(authentication="bearer")), answer)
    assert len(asked) == 1
    assert (outcome, class_) == (result.outcome, result.error.class_)


@pytest.mark.parametrize(
    "body",
    [
        sent(),
        {"EventId": "20431567890", "Messages": 1, "Parts": 1, "Cost": 1, "Sample": "Hi"},
        {"eventID": 20431567890},
    ],
)
def test_an_event_id_means_submitted(body: object) -> None:
    """In capitals or not, flat or nested; with the number it joins the reports."""
    expected = SendResult("submitted", ("20431567890",), recipient="+15550100123")
    assert expected == answered(body)


@pytest.mark.parametrize(
    ("count", "class_", "opt_out"),
    [
        ("noNetwork", "recipient", False),
        ("noContents", "content", False),
        ("contentToLong", "content", False),
        ("duplicates", "policy", False),
        ("optedOuts", "consent", True),
    ],
)
def test_a_success_that_queued_nothing_is_a_refusal(
    count: str, class_: str, *, opt_out: bool
) -> None:
    """HTTP 200 with no message says why by what it counts; an opt-out is one."""
    for body in (sent(0, **{count: 1}), sent(0, **{count.upper(): 1, "faults": []})):
        result = answered(body)
        assert result.error is not None
        assert ("refused", class_) == (result.outcome, result.error.class_)
        assert (count, opt_out) == (result.error.provider_code, result.error.opt_out)
        assert result.error.stage == "rejected"


def test_an_error_in_a_success_is_told() -> None:
    """Errors of the whole request, beside or instead of the answer, name a code and say why."""
    errors = [{"errorCode": "CREDIT", "errorMessage": "Not enough credits"}]
    for body in ({"errors": errors}, {**sent(0), "errors": errors}):
        result = answered(body)
        assert result.error is not None
        assert (result.error.provider_code, result.error.description) == (
            "CREDIT",
            "Not enough credits",
        )
    result = answered({"errorCode": "AUTH", "errorMessage": "Denied"}, 401)
    assert result.error is not None
    assert ("platform", "AUTH") == (result.error.class_, result.error.provider_code)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"to": "Ada"}, "invalid_recipient"),
        ({"to": "+1"}, "invalid_recipient"),
        ({"text": ""}, "text_length"),
        ({"text": "x" * 1601}, "text_length"),
        ({"content": {"kind": "media", "media": []}}, "unsupported_kind"),
    ],
)
def test_what_cannot_be_sent_makes_no_request(changes: dict[str, Any], code: str) -> None:
    """It is refused before anything leaves."""
    message = msgspec.structs.replace(MESSAGE, **changes)
    asked, result = drive(SMSPORTAL.send(message, config()))
    assert asked == []
    assert (result.outcome, result.error.code) == ("refused", code)


@pytest.mark.parametrize("missing", ["client_id", "api_secret"])
def test_without_credentials_nothing_is_sent(missing: str) -> None:
    """They are needed only to send, so a connection may lack them."""
    asked, result = drive(SMSPORTAL.send(MESSAGE, config(**{missing: None})))
    assert asked == []
    assert (result.outcome, result.error.code) == ("refused", "not_configured")


def many(count: int) -> tuple[OutboundMessage, ...]:
    """Make messages to as many numbers."""
    return tuple(
        msgspec.structs.replace(MESSAGE, to=f"+1555010{number:04}", reference=f"r{number}")
        for number in range(count)
    )


def test_a_batch_is_one_request_and_one_event() -> None:
    """100 messages share an EventId; each is known by it and its number."""
    messages = many(100)
    (request,), results = drive(SMSPORTAL.send_batch(messages, config()), said(200, sent(100)))
    assert isinstance(request, HttpRequest)
    assert len(json.loads(request.body)["messages"]) == 100
    assert [one.to for one in messages] == [result.recipient for result in results]
    assert {("20431567890",)} == {result.message_ids for result in results}


def test_a_number_never_stands_twice_in_a_batch() -> None:
    """Its reports could not be told apart: the second message goes in a request of its own."""
    first, second = many(2)
    messages = (first, msgspec.structs.replace(first, text="again"), second)
    other = {**sent(1), "sendResponse": {"eventId": 7, "messages": 1}}
    asked, results = drive(
        SMSPORTAL.send_batch(messages, config()), said(200, sent(2)), said(200, other)
    )
    counts = [
        len(json.loads(one.body)["messages"]) for one in asked if isinstance(one, HttpRequest)
    ]
    assert [2, 1] == counts
    ids = [result.message_ids[0] for result in results]
    assert ["20431567890", "7", "20431567890"] == ids


def test_what_would_need_many_requests_is_told_to_come_again() -> None:
    """One call makes at most four requests; nothing of the rest was sent."""
    messages = (MESSAGE,) * 6
    asked, results = drive(SMSPORTAL.send_batch(messages, config()), *[said(200, sent())] * 4)
    assert len(asked) == 4
    assert ["submitted"] * 4 + ["throttled"] * 2 == [result.outcome for result in results]
    assert results[-1].error.retryable


def test_faults_name_the_messages_that_were_left_out() -> None:
    """The others were queued; where faults name none, nobody knows which ones were."""
    messages = many(3)
    fault = {"rawDestination": "15550100001", "errorMessage": "noNetwork", "status": "failed"}
    body = sent(2, noNetwork=1, faults=[fault])
    _, results = drive(SMSPORTAL.send_batch(messages, config()), said(200, body))
    assert ["submitted", "refused", "submitted"] == [result.outcome for result in results]
    _, results = drive(
        SMSPORTAL.send_batch(messages, config()), said(200, sent(2, duplicates=1, faults=[]))
    )
    assert ["uncertain"] * 3 == [result.outcome for result in results]


@pytest.mark.parametrize("version", ["v1", "v3"])
@pytest.mark.parametrize("authentication", ["basic", "bearer"])
def test_the_fake_understands_what_send_makes(version: str, authentication: str) -> None:
    """Both versions, with credentials or a token: the messages come out as they went in."""
    own = config(api_version=version, authentication=authentication, sender_ids=True)
    taken, result = faked(SMSPORTAL.send(MESSAGE, own), HOW)
    (message,) = taken
    assert result.outcome == "submitted"
    assert (message.message_id, message.to) == (result.message_ids[0], result.recipient)
    assert (message.text, message.reference, message.from_) == ("Hi é 👍", "order-48213", "Marlow")


@pytest.mark.parametrize("keys", [("messages", "content", "destination"),
                                  ("Messages", "Content", "Destination")])  # fmt: skip
def test_the_fake_answers_as_each_version_does(keys: tuple[str, str, str]) -> None:
    """Version 1 names everything with capitals, version 3 in an answer of its own."""
    listed, text, number = keys
    told = [{text: "Hi", number: "27830000001"}, {text: "", number: "27830000002"}]
    body, proof = json.dumps({listed: told}).encode(), (("Authorization", BASIC),)
    answers = {}
    for version in ("v1", "v3"):
        url = f"https://rest.smsportal.com/{version}/bulkmessages"
        found = SMSPORTAL.fake(HttpRequest("POST", url, proof, body), config(), HOW)
        assert found is not None
        answers[version] = json.loads(found.response.body)
    report = answers["v1"].pop("ErrorReport")
    event = answers["v1"].pop("EventId")
    assert {
        "Cost": 1, "RemainingBalance": 999, "Messages": 1, "Parts": 1, "Sample": "Hi",
        "CostBreakDown": [],
    } == answers["v1"]  # fmt: skip
    assert (1, 0, "27830000002") == (
        report["NoContents"], report["NoNetwork"], report["Faults"][0]["RawDestination"],
    )  # fmt: skip
    sent = answers["v3"].pop("sendResponse")
    assert {"statusCode": 200, "errors": []} == answers["v3"]
    assert (event, 1, 1) == (sent["eventId"], sent["cost"], sent["errorReport"]["noContents"])


@pytest.mark.parametrize("code", SMSPORTAL.refusals)
def test_the_fake_refuses_as_it_is_told(code: str) -> None:
    """Each code comes back as what it means."""
    how = msgspec.structs.replace(HOW, outcome="refused", code=code)
    taken, result = faked(SMSPORTAL.send(MESSAGE, config()), how)
    assert taken == []
    assert result.outcome == "refused"
    assert code.isdigit() or code == result.error.provider_code


def test_the_fake_throttles_and_breaks() -> None:
    """429 says for how long to wait, and a 500 leaves it open whether it was taken."""
    _, result = faked(
        SMSPORTAL.send(MESSAGE, config()), msgspec.structs.replace(HOW, outcome="throttled")
    )
    assert (result.outcome, result.wait_s) == ("throttled", 2.0)
    _, result = faked(
        SMSPORTAL.send(MESSAGE, config()), msgspec.structs.replace(HOW, outcome="broken")
    )
    assert result == SendResult("uncertain")


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", "/BULKMESSAGES", (("authorization", BASIC),), (b'{"messages":[{"content":"Hi",'
         b'"destination":15550100123}]}'), 200),
        ("POST", "/v3/BulkMessages", (), b"{}", 401),
        ("POST", "/v3/BulkMessages", (("Authorization", "Basic !"),), b"{}", 401),
        ("POST", "/v3/BulkMessages", (("Authorization", BASIC),), b"{}", 400),
        ("POST", "/v3/BulkMessages", (("Authorization", BASIC),), b"[", 400),
        ("GET", "/v1/Authentication", (), b"", 401),
        ("POST", "/Authentication", (("Authorization", BASIC),), b"", 200),
        ("GET", "/v3/BulkMessages", (("Authorization", BASIC),), b"", None),
        ("POST", "/v1/groupmessages", (("Authorization", BASIC),), b"{}", None),
    ],
)  # fmt: skip
def test_the_fake_takes_what_people_write(
    method: str, path: str, headers: tuple[tuple[str, str], ...], body: bytes, status: int | None
) -> None:
    """Names in capitals or not, paths with a version or without; it has no other addresses."""
    request = HttpRequest(method, f"https://rest.smsportal.com{path}?x=1", headers, body)
    found = SMSPORTAL.fake(request, config(), HOW)
    assert status == (None if found is None else found.response.status)


def test_a_reference_that_is_too_long_is_refused() -> None:
    """Cut it would come back as another one; 100 characters are taken."""
    for length, outcome in ((100, "submitted"), (101, "refused")):
        message = msgspec.structs.replace(MESSAGE, reference="r" * length)
        replies = [said(200, sent())] if length == 100 else []
        _, result = drive(SMSPORTAL.send(message, config()), *replies)
        assert outcome == result.outcome
    assert result.error is not None
    assert "reference_length" == result.error.code
