"""Driving what an adapter describes, against answers of a test's own or the adapter's fake."""

from collections.abc import Callable, Generator
from typing import TypeVar

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers.base import (
    Fake,
    Faked,
    OutboundMessage,
    Provider,
    ProviderConfig,
    TokenRequest,
)

R = TypeVar("R")
Asked = HttpRequest | TokenRequest


def driven(
    flow: Generator[Asked, HttpResponse, R], answer: Callable[[Asked], HttpResponse]
) -> tuple[R, list[Asked]]:
    """Answer every request of a flow; return its result, and the requests in order."""
    asked: list[Asked] = []
    try:
        step = next(flow)
        while True:
            asked.append(step)
            step = flow.send(answer(step))
    except StopIteration as end:
        result: R = end.value
        return result, asked


class FakeApi:
    """A provider's faked API as something that answers requests; keeps what it has taken."""

    def __init__(self, provider: Provider, config: ProviderConfig, **how: object) -> None:
        self.provider, self.config, self.how = provider, config, how
        self.taken: list[OutboundMessage] = []
        self.seen = 0

    def __call__(self, asked: Asked) -> HttpResponse:
        """Answer as the provider would, with another seed each time."""
        request = asked.request if isinstance(asked, TokenRequest) else asked
        self.seen += 1
        how = Fake(seed=f"{self.seen:032x}", now_ms=0, **self.how)  # type: ignore[arg-type]
        found = self.provider.fake(request, self.config, how)
        assert isinstance(found, Faked), request.url
        self.taken += found.messages
        return found.response


def assert_told(
    provider: Provider,
    config: ProviderConfig,
    message: OutboundMessage,
    how: dict[str, str],
    *expected: str | None,
) -> None:
    """Send to a faked API that behaves so: outcome, class and code of the provider are these."""
    result, _ = driven(provider.send(message, config), FakeApi(provider, config, **how))
    error = result.error
    found = result.outcome, error and error.class_, error and error.provider_code
    assert expected == found


def assert_unasked(
    provider: Provider, config: ProviderConfig, message: OutboundMessage, code: str
) -> None:
    """Try to send what could only be refused: it is said, in our words, without a request."""
    result, asked = driven(provider.send(message, config), FakeApi(provider, config))
    assert [] == asked
    assert ("refused", code) == (result.outcome, result.error and result.error.code)
