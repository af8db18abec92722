"""What sending through a provider comes to: found by sending to its fake, not by being told."""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers.base import (
    Fake,
    OutboundMessage,
    Provider,
    ProviderConfig,
    SendResult,
    TokenRequest,
)
from ringback.providers.placeholders import filled
from ringback.providers.reading import fingerprint
from ringback.providers.recorded import NOW_MS
from scripts.provider_seen import Seen

Outcome = Literal["accepted", "refused", "throttled", "broken"]
_TEXT_MAX = 200_000
_FILES_MAX = 200
_AFTER_S = 7
# What nobody takes, whoever it is. What is wrong: a message's fields.
_FAULTY: dict[str, dict[str, object]] = {
    "no recipient": {"to": ""},
    "a recipient that is no address": {"to": "nobody at all\n"},
    "a sender that is none": {"from_": "\n" * 200},
    "no text": {"text": ""},
    "a text that is too long": {"text": "a" * _TEXT_MAX},
    "a kind of content that it does not send": {"content": {"kind": "smell"}, "text": ""},
}


class AskedError(Exception):
    """A request went out where none should have."""


class Sent(msgspec.Struct, frozen=True):
    """One way that a send may end: what brought it about, and what came of it."""

    about: str
    result: SendResult


class Sender:
    """Sends to a provider's fake, with placeholders for whatever is not configured."""

    def __init__(self, provider: Provider, found: Seen) -> None:
        self.provider = provider
        self.config: ProviderConfig = filled(found.recordings[0].config)
        self.message = OutboundMessage(
            to="+15550100123", from_="+15550100900", channel=provider.channels[0], text="Hello",
            reference="order-48213", at_ms=NOW_MS,
        )  # fmt: skip

    def refusals(self) -> list[Sent]:
        """Send so that the provider refuses, once for every code that it can be asked for."""
        found = [
            Sent(f"`{code}`", self._result(self._fake("refused", code)))
            for code in self.provider.refusals
        ]
        found.append(Sent("asked too often", self._result(self._fake("throttled"))))
        return [*found, Sent("an error of its own", self._result(self._fake("broken")))]

    def refused_here(self) -> list[Sent]:
        """Send what is refused before anything goes out."""
        bare = _bare(self.config)
        found: list[tuple[str, dict[str, object], ProviderConfig]] = []
        if bare is not None:
            found.append(("settings that sending needs are missing", {}, bare))
        found += [(about, changes, self.config) for about, changes in _FAULTY.items()]
        told = []
        for about, changes, config in found:
            message = msgspec.structs.replace(self.message, **changes)
            try:
                told.append(Sent(about, self._result(_silent, message, config)))
            except AskedError:
                continue
        return [one for one in told if one.result.outcome == "refused"]

    def text_max(self) -> int | None:
        """Return how many letters a text may have; None where nothing says so."""
        return self._most(_TEXT_MAX, lambda many: {"text": "a" * many})

    def files_max(self) -> int | None:
        """Return how many files a message may have; None where nothing says so."""
        if "media" not in self.provider.sends:
            return None
        one = {"url": "https://files.example/one.png", "content_type": "image/png"}
        return self._most(
            _FILES_MAX,
            lambda many: {"content": {"kind": "media", "media": [one] * many}, "text": ""},
        )

    def waits(self) -> bool:
        """Say whether it waits for as long as `Retry-After` of a 429 says."""
        after = HttpResponse(429, (("Retry-After", str(_AFTER_S)),))
        accepted = self._fake("accepted")

        def answer(request: HttpRequest, *, token: bool) -> HttpResponse:
            return accepted(request, token=token) if token else after

        return self._result(answer).wait_s == _AFTER_S

    def _most(self, limit: int, changes: Callable[[int], dict[str, object]]) -> int | None:
        def taken(many: int) -> bool:
            message = msgspec.structs.replace(self.message, **changes(many))
            return self._result(self._fake("accepted"), message).outcome == "submitted"

        low, high = 1, limit
        if not taken(low) or taken(high):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if taken(middle) else (low, middle)
        return low

    def _fake(self, outcome: Outcome, code: str | None = None) -> "Answer":
        """Answer as `/fake/{token}` does: what takes no message (a token, say) is not refused."""
        count = 0

        def answer(request: HttpRequest, *, token: bool) -> HttpResponse:
            del token
            nonlocal count
            count += 1
            how = Fake(fingerprint(str(count)), NOW_MS)
            found = self.provider.fake(request, self.config, how)
            assert found is not None, f"{request.method} {request.url} is not known to the fake"
            if found.messages and outcome != "accepted":
                found = self.provider.fake(
                    request, self.config, Fake(how.seed, NOW_MS, outcome, code)
                )
            elif code is not None:
                found = self.provider.fake(request, self.config, Fake(how.seed, NOW_MS, code=code))
            assert found is not None
            return found.response

        return answer

    def _result(
        self,
        answer: "Answer",
        message: OutboundMessage | None = None,
        config: ProviderConfig | None = None,
    ) -> SendResult:
        flow = self.provider.send(message or self.message, config or self.config)
        try:
            asked = next(flow)
            while True:
                token = isinstance(asked, TokenRequest)
                request = asked.request if isinstance(asked, TokenRequest) else asked
                asked = flow.send(answer(request, token=token))
        except StopIteration as end:
            result: SendResult = end.value
            return result


class Answer(Protocol):
    """What answers requests; `token` says that one asks for an access token."""

    def __call__(self, request: HttpRequest, *, token: bool) -> HttpResponse:
        """Answer one."""
        ...


def _silent(request: HttpRequest, *, token: bool) -> HttpResponse:
    del request, token
    raise AskedError


def _bare(config: ProviderConfig) -> ProviderConfig | None:
    """Return a config without any setting that may be missing."""
    missing = {
        field.name: None
        for field in msgspec.structs.fields(type(config))
        if field.default is None and getattr(config, field.name) is not None
    }
    return msgspec.structs.replace(config, **missing) if missing else None
