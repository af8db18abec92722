"""A WhatsApp connection that can send, and Meta's part in it played by the adapter's own fake."""

from typing import Any

import httpx
import pytest
from pywa.client import WhatsApp

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers.base import (
    Fake,
    Faked,
    MediaRefused,
    OutboundMessage,
    SendResult,
    TokenRequest,
)
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.providers.whatsapp_config import WhatsAppConfig

from .cases import raw_config

WHATSAPP = PROVIDERS["whatsapp"]
NUMBER_ID = "106540352242922"
TOKEN = "not-a-real-access-token"
SEED = "0123456789abcdef0123456789abcdef"
URL = "https://hooks.example/in/example-whatsapp"
TEXT = OutboundMessage(
    "+15550100123", "+15550100900", "whatsapp", "Hello", reference="order-48213", at_ms=NOW_MS
)


def config(**more: object) -> WhatsAppConfig:
    """Return a config that can send, with other fields as said."""
    sending = {"access_token": TOKEN, "phone_number_id": NUMBER_ID}
    return load_config(WhatsAppConfig, {**raw_config(WHATSAPP), **sending, **more})


def how(outcome: Any = "accepted", code: str | None = None) -> Fake:
    """Return how the fake is to behave."""
    return Fake(SEED, NOW_MS, outcome, code)


def played(request: HttpRequest, told: Fake, **more: object) -> Faked:
    """Have the fake answer a request."""
    faked = WHATSAPP.fake(request, config(**more), told)
    assert faked is not None
    return faked


def asked(message: OutboundMessage, **more: object) -> HttpRequest:
    """Return the request that sends a message."""
    request = next(WHATSAPP.send(message, config(**more)))
    assert isinstance(request, HttpRequest)
    return request


def sent(
    message: OutboundMessage, told: Fake | None = None, **more: object
) -> tuple[SendResult, Faked]:
    """Send a message to the fake: what became of it, and what the fake took."""
    flow = WHATSAPP.send(message, config(**more))
    request = next(flow)
    assert isinstance(request, HttpRequest)
    faked = played(request, told or how(), **more)
    return _ended(flow, faked.response), faked


def refused(message: OutboundMessage, **more: object) -> SendResult:
    """Return the result of a send that makes no request."""
    return _ended(WHATSAPP.send(message, config(**more)), None)


def answered(response: HttpResponse) -> SendResult:
    """Return what becomes of a send that is answered so."""
    flow = WHATSAPP.send(TEXT, config())
    next(flow)
    return _ended(flow, response)


def fetched(
    found: dict[str, object], told: Fake | None = None, **more: object
) -> tuple[list[HttpRequest], HttpRequest | MediaRefused]:
    """Drive the fetching of a file: the requests before the last, and the last."""
    flow = WHATSAPP.media(found, config(**more))
    requests: list[HttpRequest] = []
    answer: HttpResponse | None = None
    while True:
        try:
            step = flow.send(answer) if answer is not None else next(flow)
        except StopIteration as stopped:
            last = stopped.value
            assert isinstance(last, HttpRequest | MediaRefused)
            return requests, last
        assert not isinstance(step, TokenRequest)
        requests.append(step)
        answer = played(step, told or how(), **more).response


def library(told: Fake, token: str = TOKEN) -> WhatsApp:
    """Return a client of pywa's whose every request is answered by the fake."""

    def answer(request: httpx.Request) -> httpx.Response:
        headers = tuple(request.headers.items())
        ours = HttpRequest(request.method, str(request.url), headers, request.read())
        response = played(ours, told).response
        return httpx.Response(response.status, headers=response.headers, content=response.body)

    session = httpx.Client(transport=httpx.MockTransport(answer))
    return WhatsApp(phone_id=NUMBER_ID, token=token, session=session)


def _ended(flow: Any, response: HttpResponse | None) -> SendResult:
    with pytest.raises(StopIteration) as stopped:
        flow.send(response)
    assert isinstance(stopped.value.value, SendResult)
    return stopped.value.value
