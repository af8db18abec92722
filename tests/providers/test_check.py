"""Credentials are tried with a request that changes nothing; its status says what they hold."""

import pytest

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers.base import Checked, Provider, TokenRequest
from ringback.providers.config import load_config
from ringback.providers.placeholders import filled
from ringback.providers.registry import PROVIDERS

from .cases import config_of, raw_config

# How often a token is asked for on the way, and what is asked with it.
ASKED = {
    "bandwidth": (1, "https://messaging.bandwidth.com/api/v2/users/"),
    "linkmobility": (1, None),
    "smsportal": (0, "https://rest.smsportal.com/v3/Balance"),
    "textellent": (0, "https://client.textellent.com/api/v1/event/subscriptions.json"),
    "twilio": (0, "https://api."),
    "whatsapp": (0, "https://graph.facebook.com/"),
}
TOKEN = HttpResponse(200, (), b'{"access_token": "not-a-real-token", "expires_in": 300}')
by_asked = pytest.mark.parametrize(
    "provider", [PROVIDERS[name] for name in ASKED], ids=lambda p: p.name
)


def asked(provider: Provider, answer: HttpResponse) -> tuple[list[HttpRequest], int, Checked]:
    """Carry a check out; return what was asked, how many tokens were fetched, and the verdict."""
    flow = provider.check(filled(config_of(provider)))
    assert flow is not None
    requests, tokens = [], 0
    step = next(flow)
    while True:
        try:
            if isinstance(step, TokenRequest):
                tokens += 1
                last = provider.name == "linkmobility"
                step = flow.send(answer if last else TOKEN)
            else:
                requests.append(step)
                step = flow.send(answer)
        except StopIteration as end:
            told: Checked = end.value
            return requests, tokens, told


@by_asked
def test_what_the_provider_answers_is_the_verdict(provider: Provider) -> None:
    """Taken, refused, unknown, and what says nothing: each in words, without the credentials."""
    for status, ok, words in (
        (200, True, "takes the credentials"), (401, False, "refuses the credentials"),
        (404, False, "knows no such account"), (503, False, "says nothing"),
    ):  # fmt: skip
        _, _, told = asked(provider, HttpResponse(status))
        assert (ok, True) == (told.ok, words in told.detail)
        assert "not-a-real" not in told.detail


def test_an_answer_of_textellents_may_say_otherwise_within() -> None:
    """An HTTP 200 whose body has another status is that status."""
    body = b'{"statusCode": 401, "message": "Invalid authCode"}'
    _, _, told = asked(PROVIDERS["textellent"], HttpResponse(200, (), body))
    assert not told.ok


@by_asked
def test_a_check_changes_nothing(provider: Provider) -> None:
    """It is a GET with credentials, at the provider's own host; or a token that is asked for."""
    tokens, url = ASKED[provider.name]
    requests, fetched, _ = asked(provider, HttpResponse(200))
    assert tokens == fetched
    assert (0 if url is None else 1) == len(requests)
    for request in requests:
        assert ("GET", b"") == (request.method, request.body)
        assert request.url.startswith(str(url))
        named = {name.lower() for name, _ in request.headers}
        assert not named.isdisjoint({"authorization", "authcode"})


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.name)
def test_nothing_to_try_is_no_check(provider: Provider) -> None:
    """With the recordings' own config, which holds no credentials to send with, there is none."""
    config = load_config(provider.Config, raw_config(provider))
    flow = provider.check(config)
    assert flow is None or provider.name in ASKED
