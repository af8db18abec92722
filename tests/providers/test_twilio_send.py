"""Sending through Twilio, and fetching files of people from it."""

import base64
import json
from urllib.parse import parse_qsl

import pytest

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers.base import MediaRefused, OutboundMessage, SendResult

from .twilio_stage import (
    ACCOUNT,
    HERE,
    KEY,
    MESSAGE,
    SERVICE,
    TEMPLATE,
    TWILIO,
    changed,
    config,
    requested,
)


def sent(message: OutboundMessage, answer: HttpResponse, **changes: object) -> SendResult:
    """Return what becomes of a send that is answered so, or that makes no request."""
    flow = TWILIO.send(message, config(**changes))
    try:
        next(flow)
        flow.send(answer)
    except StopIteration as stopped:
        result = stopped.value
    assert isinstance(result, SendResult)
    return result


def form(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the fields of a request."""
    return parse_qsl(request.body.decode(), keep_blank_values=True)


def test_a_text() -> None:
    """The request is Twilio's; the reference stands in the callback URL, which asks for repeats."""
    request = requested(changed(validity_s=90_000))
    encoded = base64.b64encode(f"{ACCOUNT}:not-a-real-auth-token".encode()).decode()
    assert request.method == "POST"
    assert request.url == f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert ("Authorization", f"Basic {encoded}") in request.headers
    assert form(request) == [
        ("To", "+15550100123"),
        ("From", "+15550100900"),
        ("Body", "Hi é 👍"),
        ("ValidityPeriod", "36000"),
        ("StatusCallback", f"{HERE}?reference=order-48213#rc=5&rp=5xx,ct,rt"),
    ]


@pytest.mark.parametrize(
    ("message", "settings", "expected"),
    [
        (changed(from_=""), {"messaging_service_sid": SERVICE}, {"MessagingServiceSid": SERVICE}),
        (changed(from_=SERVICE), {}, {"MessagingServiceSid": SERVICE}),
        (changed(from_="55501"), {}, {"From": "55501"}),
        (changed(from_="RINGBACK"), {"messaging_service_sid": SERVICE}, {"From": "RINGBACK"}),
        (
            changed(channel="whatsapp"),
            {},
            {"To": "whatsapp:+15550100123", "From": "whatsapp:+15550100900"},
        ),
        (changed(channel="rcs", from_="rcs:agent"), {}, {"From": "rcs:agent"}),
        (changed(validity_s=0), {}, {"ValidityPeriod": "1"}),
        (
            changed(callback_url="https://h.example/a?b=c#e=dublin"),
            {},
            {"StatusCallback": "https://h.example/a?b=c&reference=order-48213#e=dublin"},
        ),
        (
            changed(content={"kind": "media", "media": [{"url": "https://a.example/b.png"}]}),
            {},
            {"MediaUrl": "https://a.example/b.png", "Body": "Hi é 👍"},
        ),
        (
            changed(content={"kind": "template", "name": TEMPLATE, "parameters": ["Ada", 7]}),
            {},
            {"ContentSid": TEMPLATE, "ContentVariables": '{"1":"Ada","2":"7"}'},
        ),
        (
            changed(content={"kind": "template", "name": TEMPLATE, "parameters": {"who": "Ada"}}),
            {},
            {"ContentVariables": '{"who":"Ada"}'},
        ),
    ],
)
def test_other_messages(
    message: OutboundMessage, settings: dict[str, object], expected: dict[str, str]
) -> None:
    """Services, channels, files and templates have their own fields."""
    fields = dict(form(requested(message, **settings)))
    assert expected == {name: fields.get(name) for name in expected}
    assert not {"From", "MessagingServiceSid"} <= set(fields)
    assert not {"Body", "ContentSid"} <= set(fields)


def test_an_api_key_and_a_region() -> None:
    """The key goes before the Auth Token; the account stays in the path; a region has its host."""
    request = requested(MESSAGE, **KEY, region="ie1", edge="dublin")
    encoded = base64.b64encode(f"{KEY['api_key_sid']}:{KEY['api_key_secret']}".encode()).decode()
    assert ("Authorization", f"Basic {encoded}") in request.headers
    assert request.url.startswith(
        f"https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/{ACCOUNT}"
    )
    assert requested(region="ie1").url.startswith("https://api.ie1.twilio.com/")
    assert requested(edge="sydney").url.startswith("https://api.sydney.us1.twilio.com/")


@pytest.mark.parametrize(
    ("message", "settings", "code"),
    [
        (MESSAGE, {"account_sid": None}, "not_configured"),
        (changed(from_=""), {}, "not_configured"),
        (changed(to=""), {}, "invalid_recipient"),
        (changed(to="+1\n2"), {}, "invalid_recipient"),
        (changed(from_="\x00"), {}, "invalid_sender"),
        (changed(text=""), {}, "text_length"),
        (changed(text="x" * 1601), {}, "text_length"),
        (changed(content={"kind": "media", "media": []}), {}, "media"),
        (
            changed(content={"kind": "media", "media": [{"url": "https://a.example/"}] * 11}),
            {},
            "media",
        ),
        (changed(content={"kind": "template", "name": "welcome"}), {}, "template"),
        (changed(content={"kind": "location"}), {}, "unsupported_type"),
    ],
)
def test_what_cannot_be_sent_makes_no_request(
    message: OutboundMessage, settings: dict[str, object], code: str
) -> None:
    """A send that Twilio would have to refuse is refused before anything leaves."""
    result = sent(message, HttpResponse(500), **settings)
    assert result.error is not None
    assert ("refused", code) == (result.outcome, result.error.code)
    assert result.error.stage == "rejected"


@pytest.mark.parametrize(
    ("status", "code", "wait", "expected"),
    [
        (400, 21211, "", ("refused", "recipient", "invalid_recipient", None, False)),
        (400, 21610, "", ("refused", "consent", "opted_out", None, True)),
        (400, 63016, "", ("refused", "policy", "service_window_closed", None, False)),
        (400, 21611, "", ("throttled", "throttled", "sender_queue_full", None, False)),
        (400, 14107, "", ("throttled", "throttled", "send_rate", None, False)),
        (401, 20003, "", ("refused", "platform", "unauthorised", None, False)),
        (429, 20429, "7", ("throttled", "throttled", "too_many_requests", 7, False)),
        (429, 20429, "soon", ("throttled", "throttled", "too_many_requests", None, False)),
        (429, 99999, "9999999", ("throttled", "throttled", "rate", 3600, False)),
        (400, 99999, "", ("refused", "unknown", "refused", None, False)),
        (403, 99999, "", ("refused", "platform", "unauthorised", None, False)),
    ],
)  # fmt: skip
def test_error_codes(
    status: int,
    code: int,
    wait: str,
    expected: tuple[str, str, str, float | None, bool],
) -> None:
    """Twilio's code decides, and the HTTP status for codes without a row."""
    body = {"code": code, "message": "No", "more_info": "https://errors.example", "status": status}
    headers = (("Retry-After", wait),) if wait else ()
    result = sent(MESSAGE, HttpResponse(status, headers, json.dumps(body).encode()))
    error = result.error
    assert error is not None
    assert expected == (result.outcome, error.class_, error.code, result.wait_s, error.opt_out)
    assert (str(code), "No", "rejected") == (error.provider_code, error.description, error.stage)
    assert error.retryable == (result.outcome == "throttled")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, b"{}"),
        (201, b'{"sid":null}'),
        (200, b"<html>"),
        (500, b'{"code":20500,"message":"Internal Server Error","status":500}'),
        (503, b""),
    ],
)
def test_an_answer_without_proof_is_uncertain(status: int, body: bytes) -> None:
    """Without an id or a refusal nobody knows whether it was taken."""
    assert sent(MESSAGE, HttpResponse(status, (), body)) == SendResult("uncertain")


FILE = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/MM1/Media/ME1"
SIGNED = "https://mms.twiliocdn.example/ME1?Expires=1&Signature=x"


def fetched(
    url: object, answer: HttpResponse | None = None, **changes: object
) -> tuple[HttpRequest | None, HttpRequest | MediaRefused]:
    """Return the first request for a file where there is one, and how it ends."""
    flow = TWILIO.media({"url": url}, config(**changes))
    first = None
    try:
        asked = next(flow)
        assert isinstance(asked, HttpRequest)
        first = asked
        assert answer is not None
        flow.send(answer)
    except StopIteration as stopped:
        return first, stopped.value
    raise AssertionError("a third request")


def test_a_file_is_had_with_credentials_and_then_without() -> None:
    """Twilio asks who it is and sends on to a signed URL, which learns no credentials."""
    found = HttpResponse(307, (("Location", SIGNED),))
    for settings, user in (
        ({}, ACCOUNT),
        (KEY, KEY["api_key_sid"]),
        ({"account_sid": None}, ACCOUNT),
    ):
        first, end = fetched(FILE, found, **settings)
        assert first is not None
        given = base64.b64decode(dict(first.headers)["Authorization"][6:]).decode()
        assert given.partition(":")[0] == user
        assert end == HttpRequest("GET", SIGNED)


@pytest.mark.parametrize(
    ("answer", "retryable"),
    [
        (HttpResponse(401), False),
        (HttpResponse(404), True),
        (HttpResponse(410), False),
        (HttpResponse(429), True),
        (HttpResponse(500), True),
        (HttpResponse(302), False),
        (HttpResponse(302, (("Location", "http://a.example/"),)), False),
    ],
)
def test_a_file_that_cannot_be_had(answer: HttpResponse, retryable: bool) -> None:
    """A refusal says whether it is worth another try."""
    _, end = fetched(FILE, answer)
    assert isinstance(end, MediaRefused)
    assert retryable == end.retryable


def test_files_at_other_places() -> None:
    """One that is given at once is fetched as it is; nobody but Twilio learns the credentials."""
    first, end = fetched(FILE, HttpResponse(200, (), b"\xff\xd8"))
    assert first == end
    service = "https://mcs.us1.twilio.com/v1/Services/IS1/Media/ME1"
    links = {"links": {"content_direct_temporary": SIGNED, "content": "/v1/x"}}
    first, end = fetched(service, HttpResponse(200, (), json.dumps(links).encode()))
    assert first is not None
    assert end == HttpRequest("GET", SIGNED)
    for url in (
        "https://a.example/x", "http://api.twilio.com/x", "https://twilio.com.a.example/x",
        "https://eviltwilio.com/x", "https://api.twilio.com@a.example/x",
    ):  # fmt: skip
        assert fetched(url) == (None, HttpRequest("GET", url))
    for nothing in (None, 7):
        assert isinstance(fetched(nothing)[1], MediaRefused)
    bare = fetched("https://api.twilio.com/x", account_sid=None)[1]
    assert isinstance(bare, MediaRefused)
