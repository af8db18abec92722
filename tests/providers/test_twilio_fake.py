"""Twilio's own side of the wire: what it would answer and post, against its own library."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from requests import Request
from twilio.base.exceptions import TwilioRestException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from ringback.domain.http import HttpRequest
from ringback.domain.messages import Status
from ringback.providers.base import (
    Consent,
    Fake,
    Faked,
    Inbound,
    OutboundMessage,
    Report,
    SendResult,
    TokenRequest,
)
from ringback.providers.recorded import NOW_MS

from .cases import arrived
from .twilio_stage import (
    ACCOUNT,
    FAKE,
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


def faked(request: HttpRequest | TokenRequest, how: Fake = FAKE, **changes: object) -> Faked:
    """Return what the fake makes of a request."""
    assert isinstance(request, HttpRequest)
    found = TWILIO.fake(request, config(**changes), how)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "message",
    [
        MESSAGE,
        changed(channel="whatsapp", validity_s=60),
        changed(channel="mms", content={"kind": "media", "media": [{"url": "https://a.example/"}]}),
        changed(text="", content={"kind": "template", "name": TEMPLATE, "parameters": {"1": "A"}}),
        changed(from_=SERVICE, callback_url=None, reference=None),
    ],
)
def test_the_fake_understands_what_is_sent(message: OutboundMessage) -> None:
    """What comes out of the fake is what went into the send, with Twilio's id."""
    flow = TWILIO.send(message, config())
    answer = faked(next(flow))
    (taken,) = answer.messages
    with pytest.raises(StopIteration) as stopped:
        flow.send(answer.response)
    assert stopped.value.value == SendResult("submitted", (taken.message_id,))
    expected = msgspec.structs.replace(
        message, message_id=taken.message_id, at_ms=NOW_MS, callback_url=taken.callback_url
    )
    assert expected == taken
    assert taken.message_id[2:] == FAKE.seed
    assert (taken.callback_url is None) == (message.callback_url is None)


@pytest.mark.parametrize("code", TWILIO.refusals)
def test_the_fake_refuses_as_twilio_does(code: str) -> None:
    """Each of the declared codes comes back from a send as its row says."""
    flow = TWILIO.send(MESSAGE, config())
    answer = faked(next(flow), msgspec.structs.replace(FAKE, outcome="refused", code=code))
    with pytest.raises(StopIteration) as stopped:
        flow.send(answer.response)
    result, rule = stopped.value.value, TWILIO.ERRORS[code]
    assert (result.error.class_, result.error.code) == (rule.class_, rule.code)
    assert result.outcome == ("throttled" if rule.class_ == "throttled" else "refused")
    assert answer.messages == ()


class Wire(HttpClient):  # type: ignore[misc]
    """What Twilio's library sends with: requests as it makes them, answered by the fake."""

    def __init__(self, how: Fake, changes: dict[str, str]) -> None:
        self.how, self.changes = how, changes
        self.taken: list[OutboundMessage] = []

    def request(self, method: str, url: str, **given: Any) -> Response:
        """Answer one request of the library's."""
        made = Request(method, url, **{name: given[name] for name in ("params", "data", "headers")})
        made.auth = given["auth"]
        prepared = made.prepare()
        body = prepared.body or b""
        headers = tuple((name, str(value)) for name, value in prepared.headers.items())
        octets = body.encode() if isinstance(body, str) else bytes(body)  # type: ignore[arg-type]
        request = HttpRequest(method, str(prepared.url), headers, octets)
        found = TWILIO.fake(request, config(**self.changes), self.how)
        if found is None:
            return Response(404, '{"code":20404,"message":"Not found","status":404}')
        self.taken += found.messages
        return Response(found.response.status, found.response.body.decode())


def test_twilios_library_sends_to_the_fake() -> None:
    """The vendor's own client creates messages there, by token or key, and reads the resource."""
    for settings, login in (
        ({}, (ACCOUNT, "not-a-real-auth-token")),
        (KEY, (KEY["api_key_sid"], KEY["api_key_secret"], ACCOUNT)),
    ):
        wire = Wire(FAKE, settings)
        client = Client(*login, http_client=wire)
        message = client.messages.create(
            to="whatsapp:+15550100123",
            from_="whatsapp:+15550100900",
            body="Hi é 👍",
            media_url=["https://a.example/1.png", "https://a.example/2.png"],
            status_callback=f"{HERE}?reference=order-48213",
            validity_period=60,
        )
        (taken,) = wire.taken
        assert message.sid == taken.message_id == "MM" + FAKE.seed
        assert (message.status, message.to, message.error_code) == (
            "queued", "whatsapp:+15550100123", None,
        )  # fmt: skip
        assert message.date_created.timestamp() == NOW_MS // 1000
        assert (taken.to, taken.channel, taken.text) == ("+15550100123", "whatsapp", "Hi é 👍")
        assert (taken.reference, taken.validity_s) == ("order-48213", 60)
        assert taken.content["media"] == [
            {"url": "https://a.example/1.png"},
            {"url": "https://a.example/2.png"},
        ]
        by_service = client.messages.create(
            to="+15550100123", messaging_service_sid=SERVICE, content_sid=TEMPLATE,
            content_variables='{"1":"Ada"}',
        )  # fmt: skip
        assert by_service.status == "accepted"
        assert wire.taken[1].content == {
            "kind": "template", "name": TEMPLATE, "parameters": {"1": "Ada"},
        }  # fmt: skip


@pytest.mark.parametrize(
    ("how", "login", "fields", "expected"),
    [
        (FAKE, "not-a-real-other", {"body": "Hi", "from_": "+15550100900"}, (401, 20003)),
        (FAKE, None, {"from_": "+15550100900"}, (400, 21602)),
        (FAKE, None, {"body": "Hi"}, (400, 21603)),
        (FAKE, None, {"body": "x" * 1601, "from_": "+15550100900"}, (400, 21617)),
        (Fake("0" * 32, 0, "throttled"), None, {"body": "Hi", "from_": "1"}, (429, 20429)),
        (Fake("0" * 32, 0, "broken"), None, {"body": "Hi", "from_": "1"}, (500, 20500)),
        (Fake("0" * 32, 0, "refused"), None, {"body": "Hi", "from_": "1"}, (400, 21211)),
        (Fake("0" * 32, 0, "refused", "21610"), None, {"body": "Hi", "from_": "1"}, (400, 21610)),
    ],
)
def test_twilios_library_reads_the_fakes_errors(
    how: Fake, login: str | None, fields: dict[str, str], expected: tuple[int, int]
) -> None:
    """Refusals, throttling and breakdowns are the exceptions that real ones would be."""
    wire = Wire(how, {})
    client = Client(ACCOUNT, login or "not-a-real-auth-token", http_client=wire)
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(to="+15550100123", **fields)
    assert expected == (caught.value.status, caught.value.code)
    assert wire.taken == []


def test_the_fake_has_no_other_addresses() -> None:
    """What is not the creation of a message is nothing of its own."""
    request = requested()
    for other in (
        msgspec.structs.replace(request, method="GET"),
        msgspec.structs.replace(request, url=request.url.replace("Messages", "Calls")),
        msgspec.structs.replace(request, url="https://api.twilio.com/"),
    ):
        assert TWILIO.fake(other, config(), FAKE) is None
    bare = msgspec.structs.replace(request, headers=())
    assert faked(bare).response.status == 401


def posted(
    message: OutboundMessage, status: Status, **changes: object
) -> tuple[Report | Inbound | Consent, ...]:
    """Simulate a callback, verify it, and return what it says."""
    callback = arrived(TWILIO.simulate(message, status, config(**changes), HERE))
    assert TWILIO.verify(callback, config(**changes), NOW_MS).verdict == "ok"
    parsed = TWILIO.parse(callback, config(**changes))
    assert parsed.unparsed == ()
    found = [item for item in parsed.items if isinstance(item, Report | Inbound | Consent)]
    assert len(found) == len(parsed.items)
    return tuple(found)


@pytest.mark.parametrize("code", TWILIO.ERRORS)
def test_a_failure_of_every_code(code: str) -> None:
    """A simulated failure has the code that was asked for, and reads as its row."""
    rule = TWILIO.ERRORS[code]
    (report,) = posted(changed(error_code=code), rule.status)
    assert isinstance(report, Report)
    assert report.error is not None
    assert (rule.status, rule.code, code) == (
        report.status, report.error.code, report.error.provider_code,
    )  # fmt: skip
    assert report.provider_status == ("failed" if rule.stage == "rejected" else "undelivered")


@pytest.mark.parametrize(
    ("text", "word"),
    [("STOP", "opted_out"), (" unsubscribe ", "opted_out"), ("Start", "opted_in"), ("HELP", None)],
)
def test_a_keyword_comes_with_what_twilio_makes_of_it(text: str, word: str | None) -> None:
    """STOP and START from a person are told beside the message; HELP and the rest are not."""
    inbound, *rest = posted(
        OutboundMessage("+15550100900", "+15550100123", "sms", text, "SM1"), "received"
    )
    assert isinstance(inbound, Inbound)
    assert (inbound.from_, inbound.content["text"]) == ("+15550100123", text)
    assert ([] if word is None else [word]) == [
        one.word for one in rest if isinstance(one, Consent)
    ]


def test_a_simulated_file_and_other_channels() -> None:
    """Files have their URLs and types; addresses lose Twilio's prefix; a shared key signs."""
    files = [{"url": "https://api.twilio.com/a", "content_type": "image/png"}]
    content: dict[str, object] = {"kind": "media", "media": files}
    message = OutboundMessage("+15550100900", "+15550100123", "mms", "Look", content=content)
    (inbound,) = posted(message, "received", shared_key="not-a-real-shared-key")
    assert isinstance(inbound, Inbound)
    assert (inbound.channel, inbound.content["media"]) == ("mms", files)
    assert inbound.message_id.startswith("MM")
    for channel in ("whatsapp", "rcs"):
        (report,) = posted(changed(channel=channel), "read", messaging_service_sid=SERVICE)
        assert isinstance(report, Report)
        assert (report.channel, report.to) == (channel, "+15550100123")
        assert (report.status, report.reference) == ("read", "order-48213")


def test_what_is_simulated_is_a_form_like_twilios() -> None:
    """It has Twilio's ids and fields, and its reference in the URL alone."""
    request = TWILIO.simulate(MESSAGE, "delivered", config(), HERE)
    fields = parse_qs(request.body.decode())
    assert fields["MessageSid"] == fields["SmsSid"]
    assert fields["MessageStatus"] == fields["SmsStatus"] == ["delivered"]
    assert fields["RawDlrDoneDate"] == ["7001010000"]
    assert parse_qs(urlsplit(request.url).query) == {"reference": ["order-48213"]}
