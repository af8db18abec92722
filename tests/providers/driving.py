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
