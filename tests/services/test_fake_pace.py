"""How fast a faked API may be asked, and what it says beyond that."""

import uuid
from contextlib import ExitStack, suppress
from types import SimpleNamespace
from typing import cast

import pytest

from ringback.domain.endpoints import Connection, Mode
from ringback.domain.http import Callback, HttpRequest, HttpResponse
from ringback.domain.rate import Rate
from ringback.providers.base import Fake, Provider, TokenRequest
from ringback.providers.placeholders import filled
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.services import fake_pace
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.fake_apis import FakeApis
from ringback.services.fake_pace import Pace
from ringback.services.simulate import SCENARIO_HEADER, Simulator
from ringback.transport.client import Client
from tests.providers.cases import config_of, sendable
from tests.providers.driving import Asked, driven

BASE = "http://127.0.0.1:8420"
SENDING = [provider for provider in PROVIDERS.values() if provider.faked]
ONE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


class _Now:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_calls_are_counted_by_the_second_and_at_once() -> None:
    """Each connection for itself; who comes later than the limit finds room again."""
    now = _Now()
    pace = Pace(now, Rate(2, 4), at_once=3)
    with ExitStack() as calls:
        waits = [calls.enter_context(pace.call(one)) for one in (ONE, ONE, ONE, ONE, OTHER)]
    assert [0, 0, 0, 1, 0] == waits
    with pace.call(ONE) as last, pace.call(ONE) as beyond:
        assert (0, 1) == (last, beyond)
    now.now += 0.5
    with pace.call(ONE) as waited, pace.call(ONE) as more:
        assert (0, 1) == (waited, more)


def test_what_breaks_in_a_call_is_no_longer_under_way() -> None:
    """Or a connection would lose its places one by one."""
    pace, waits = Pace(_Now(), Rate(100, 100), at_once=1), []
    for _ in range(3):
        with suppress(ValueError), pace.call(ONE) as wait:
            waits.append(wait)
            raise ValueError("broken")
    assert [0, 0, 0] == waits


def test_connections_at_rest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be any number of them in the life of a worker; who is limited stays so."""
    monkeypatch.setattr(fake_pace, "COUNTED_MAX", 3)
    now = _Now()
    pace = Pace(now, Rate(1, 1), at_once=5)
    for number in (5, 6, 7):
        with pace.call(uuid.UUID(int=number)):
            pass
        now.now += 0.4
    for number, expected in ((8, 0), (7, 1), (5, 0)):
        with pace.call(uuid.UUID(int=number)) as wait:
            assert expected == wait, number


@pytest.mark.parametrize("provider", SENDING, ids=lambda one: one.name)
async def test_a_fake_that_is_asked_too_often_says_so_as_its_provider(provider: Provider) -> None:
    """The next send is throttled, by the provider's own answer; a request for a token too."""
    config = filled(config_of(provider))
    connection = Connection(1, ONE, 1, Mode.TEST, provider.name, "Test", "tok", config)
    snapshot = SimpleNamespace(connections={"tok": connection})
    known = cast("Configuration", SimpleNamespace(snapshot=snapshot))
    client, clock = Client(), Clock()
    fakes = FakeApis(known, clock, Simulator(client, clock, BASE), BASE, Pace(_Now(), Rate(1, 1)))
    sent: list[HttpRequest] = []

    def faked(asked: Asked) -> HttpResponse:
        request = asked.request if isinstance(asked, TokenRequest) else asked
        sent.append(request)
        found = provider.fake(request, config, Fake("0" * 32, NOW_MS))
        assert found is not None
        return found.response

    driven(provider.send(sendable(provider), config), faked)
    last = sent[-1]
    tail = "/" + last.url.partition("://")[2].partition("/")[2]
    headers = (*last.headers, (SCENARIO_HEADER, "delivered; quiet"))
    callback = Callback(last.method, f"{BASE}/fake/tok{tail}", headers, last.body)
    place = f"tok{tail.partition('?')[0]}"
    first, second = [await fakes.handle(place, callback) for _ in range(2)]
    assert first.status < 300
    assert second.status >= 400

    def throttled(asked: Asked) -> HttpResponse:
        request = asked.request if isinstance(asked, TokenRequest) else asked
        return second if request.url == last.url else faked(asked)

    result, _ = driven(provider.send(sendable(provider), config), throttled)
    assert "throttled" == result.outcome
    if sent[0] is not last:
        token = Callback(sent[0].method, f"{BASE}/fake/tok/{sent[0].url.split('/', 3)[3]}",
                         sent[0].headers, sent[0].body)  # fmt: skip
        assert 429 == (await fakes.handle(f"tok/{sent[0].url.split('/', 3)[3]}", token)).status
    await client.close()
