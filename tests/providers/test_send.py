"""Sends described as request values, and what becomes of each answer; no connection is made."""

import base64
import json

import pytest

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import Failure
from ringback.providers.base import OutboundMessage, Provider, SendResult, TokenRequest
from ringback.providers.config import load_config
from ringback.providers.registry import PROVIDERS

from .cases import raw_config

CONFIGS: dict[str, dict[str, object]] = {
    "whatsapp": {"access_token": "not-a-real-access-token", "phone_number_id": "106540352242922"},
    "bandwidth": {
        "account_id": "5500001",
        "application_id": "93de2206-9669-4e07-948d-329f4b722ee2",
        "api_username": "not-a-real-api-user",
        "api_password": "not-a-real-api-password",
    },
    "simulator": {},
    "smsportal": {},
}
MESSAGE = OutboundMessage("+15550100123", "+15550100900", "sms", "Hi é 👍", reference="order-48213")

by_provider = pytest.mark.parametrize("name", CONFIGS)


def talk(
    provider: Provider, message: OutboundMessage, answer: HttpResponse, **config: object
) -> tuple[HttpRequest | TokenRequest | None, SendResult]:
    """Drive one send: return its request, or None if it made none, and its result."""
    raw = {**raw_config(provider), **CONFIGS[provider.name], **config}
    flow = provider.send(message, load_config(provider.Config, raw))
    request = next(flow, None)
    if request is None:
        # It ended without a request; a finished generator no longer tells its result.
        flow = provider.send(message, load_config(provider.Config, raw))
    with pytest.raises(StopIteration) as stopped:
        flow.send(answer if request else None)  # type: ignore[arg-type]
    result = stopped.value.value
    assert isinstance(result, SendResult)
    return request, result


def answered(name: str, status: int, body: object, **config: object) -> SendResult:
    """Return what becomes of a send that is answered so."""
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return talk(PROVIDERS[name], MESSAGE, HttpResponse(status, (), encoded), **config)[1]


def requested(
    name: str, message: OutboundMessage = MESSAGE
) -> tuple[HttpRequest, dict[str, object]]:
    """Return the request of a send, and its body decoded."""
    request, _ = talk(PROVIDERS[name], message, HttpResponse(500))
    assert isinstance(request, HttpRequest)
    body = json.loads(request.body)
    assert isinstance(body, dict)
    return request, body


def test_whatsapp_sends_a_text() -> None:
    """The request is Meta's: its URL, bearer token, number without plus, and our reference."""
    request, body = requested("whatsapp")
    assert request.method == "POST"
    assert request.url == "https://graph.facebook.com/v25.0/106540352242922/messages"
    assert ("Authorization", "Bearer not-a-real-access-token") in request.headers
    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "15550100123",
        "type": "text",
        "text": {"body": "Hi é 👍", "preview_url": False},
        "biz_opaque_callback_data": "order-48213",
    }


def test_whatsapp_names_a_user_id_as_recipient() -> None:
    """A user id in `to` would be taken and silently dropped."""
    message = OutboundMessage("US.13491208655302741918", "+15550100900", "whatsapp", "Hi")
    _, body = requested("whatsapp", message)
    assert body["recipient"] == "US.13491208655302741918"
    assert "to" not in body


def test_bandwidth_sends_a_text() -> None:
    """The request is Bandwidth's: account in the URL, Basic credentials of the API, the tag."""
    request, body = requested("bandwidth")
    expected = base64.b64encode(b"not-a-real-api-user:not-a-real-api-password").decode()
    assert request.url == "https://messaging.bandwidth.com/api/v2/users/5500001/messages"
    assert ("Authorization", f"Basic {expected}") in request.headers
    assert body == {
        "applicationId": "93de2206-9669-4e07-948d-329f4b722ee2",
        "to": ["+15550100123"],
        "from": "+15550100900",
        "text": "Hi é 👍",
        "tag": "order-48213",
    }


def test_the_simulator_sends_to_a_reserved_name() -> None:
    """The URL can reach nobody: whoever drives the send answers for it."""
    request, body = requested("simulator")
    assert request.url == "https://simulator.invalid/messages"
    assert (body["to"], body["reference"]) == ("+15550100123", "order-48213")


@pytest.mark.parametrize(
    ("name", "status", "body", "recipient"),
    [
        ("whatsapp", 200, {"messages": [{"id": "id-1", "message_status": "accepted"}]}, None),
        ("whatsapp", 200, {"messages": [{"id": "id-1"}], "contacts": 5}, None),
        ("bandwidth", 202, {"id": "id-1", "to": ["+15550100123"]}, "+15550100123"),
        ("simulator", 200, {"id": "id-1"}, None),
    ],
)
def test_an_id_means_submitted(name: str, status: int, body: object, recipient: str | None) -> None:
    """The provider's id joins the reports; Bandwidth's also needs the recipient."""
    expected = SendResult("submitted", ("id-1",), recipient=recipient)
    assert expected == answered(name, status, body)


@by_provider
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {}),
        (200, b""),
        (200, b"<html>"),
        (202, {"messages": []}),
        (500, b""),
        (502, b"<html>Bad gateway</html>"),
        (503, {}),
        (504, b"\xff"),
        (200, b"[" * 100_000),
    ],
)
def test_an_answer_without_proof_is_uncertain(name: str, status: int, body: object) -> None:
    """Without an id or an error nobody knows whether it was taken: never sent again blindly."""
    assert answered(name, status, body) == SendResult("uncertain")


@by_provider
@pytest.mark.parametrize(
    ("status", "outcome", "class_"),
    [
        (429, "throttled", "throttled"),
        (401, "refused", "platform"),
        (403, "refused", "platform"),
        (400, "refused", "unknown"),
        (404, "refused", "unknown"),
        (302, "refused", "unknown"),
    ],
)
def test_a_bare_status_is_judged(name: str, status: int, outcome: str, class_: str) -> None:
    """Where the body says nothing the HTTP status decides; only 429 may be tried again."""
    result = answered(name, status, b"nonsense")
    assert result.error is not None
    assert (outcome, class_) == (result.outcome, result.error.class_)
    assert (status == 429) == result.error.retryable
    assert result.error.stage == "rejected"


@pytest.mark.parametrize(
    ("code", "outcome", "class_"),
    [
        (4, "throttled", "throttled"),
        (80007, "throttled", "throttled"),
        (130429, "throttled", "throttled"),
        (131056, "throttled", "throttled"),
        (131048, "refused", "sender"),
        (133016, "refused", "platform"),
        (131047, "refused", "policy"),
        (131050, "refused", "consent"),
        (131026, "refused", "recipient"),
        (190, "refused", "platform"),
        (131042, "refused", "credit"),
        (7, "refused", "unknown"),
    ],
)
def test_metas_error_codes(code: int, outcome: str, class_: str) -> None:
    """The code decides, not the HTTP status; only rate limits are throttling."""
    error = {"error": {"message": f"(#{code}) No", "type": "OAuthException", "code": code}}
    for status in (400, 403, 500):
        result = answered("whatsapp", status, error)
        assert result.error is not None
        assert (outcome, class_) == (result.outcome, result.error.class_)
        assert (str(code), f"(#{code}) No") == (
            result.error.provider_code,
            result.error.description,
        )
        assert result.error.stage == "rejected"


@pytest.mark.parametrize(
    ("field", "class_", "code"),
    [
        ("to", "recipient", "invalid_recipient"),
        ("to[0]", "recipient", "invalid_recipient"),
        ("from", "sender", "invalid_sender"),
        ("text", "content", "bad_text"),
        ("applicationId", "platform", "bad_application"),
        ("moon", "content", "bad_request"),
    ],
)
def test_bandwidths_refusals_name_a_field(field: str, class_: str, code: str) -> None:
    """A refused request says whose fault it was."""
    body = {
        "type": "request-validation",
        "description": "Your request could not be accepted",
        "fieldErrors": [{"fieldName": field, "description": f"'{field}' is bad"}],
    }
    result = answered("bandwidth", 400, body)
    assert result.error is not None
    assert (class_, code) == (result.error.class_, result.error.code)
    assert result.error.provider_code == "request-validation"
    assert f"'{field}' is bad" == result.error.description


def test_bandwidths_full_queue_is_throttling() -> None:
    """A 429 names the queue that is full; it may be tried again."""
    body = {"type": "max-message-queue-size-exceeded", "description": "60 messages per minute"}
    expected = Failure(
        "throttled",
        "rate",
        retryable=True,
        provider_code="max-message-queue-size-exceeded",
        description="60 messages per minute",
        stage="rejected",
    )
    assert SendResult("throttled", error=expected) == answered("bandwidth", 429, body)


@pytest.mark.parametrize(("code", "outcome"), [("too_fast", "throttled"), ("spam", "refused")])
def test_the_simulator_can_refuse(code: str, outcome: str) -> None:
    """An answer with one of its codes is refused as the table says."""
    result = answered("simulator", 400, {"error": code})
    assert result.error is not None
    assert (outcome, code) == (result.outcome, result.error.provider_code)


@pytest.mark.parametrize(
    ("name", "message", "config", "code"),
    [
        ("whatsapp", MESSAGE, {"access_token": None}, "not_configured"),
        ("whatsapp", MESSAGE, {"phone_number_id": None}, "not_configured"),
        ("whatsapp", OutboundMessage("Ada", "+1", "whatsapp", "x"), {}, "invalid_recipient"),
        ("whatsapp", OutboundMessage("+15550100123", "+1", "whatsapp", ""), {}, "text_length"),
        ("whatsapp", OutboundMessage("+15550100123", "+1", "w", "x" * 4097), {}, "text_length"),
        ("bandwidth", MESSAGE, {"account_id": None}, "not_configured"),
        ("bandwidth", MESSAGE, {"application_id": None}, "not_configured"),
        ("bandwidth", MESSAGE, {"api_username": None}, "not_configured"),
        ("bandwidth", MESSAGE, {"api_password": None}, "not_configured"),
        ("bandwidth", OutboundMessage("+15550100123", "+1", "sms", ""), {}, "text_length"),
        ("bandwidth", OutboundMessage("+15550100123", "+1", "sms", "x" * 2049), {}, "text_length"),
    ],
)
def test_what_cannot_be_sent_makes_no_request(
    name: str, message: OutboundMessage, config: dict[str, object], code: str
) -> None:
    """A send that the provider would have to refuse is refused before anything leaves."""
    request, result = talk(PROVIDERS[name], message, HttpResponse(200), **config)
    assert request is None
    assert result.outcome == "refused"
    assert result.error is not None
    assert (code, "rejected") == (result.error.code, result.error.stage)
