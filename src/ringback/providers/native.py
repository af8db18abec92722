"""Native: our own JSON, for platforms that send messages themselves and want the same events.

Whoever posts proves it with an API key of the connection's own tenant and mode, which is looked at
before anything here is asked: services/native.py. Nothing is sent through it, nothing simulated.
"""

from typing import Any, ClassVar

from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse
from ringback.domain.messages import STATUS_CODE, Failure, Status
from ringback.providers import native_items
from ringback.providers.base import (
    CannotSimulateError,
    OutboundMessage,
    Parsed,
    Provider,
    ProviderConfig,
    SendFlow,
    SendResult,
    Verification,
)


class NativeConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing: the key that comes with a request is all the proof there is."""


class Native(Provider):
    """The adapter; it holds no state. It needs no tables: the words are ours already."""

    name: ClassVar[str] = "native"
    label: ClassVar[str] = "Native (your own platform)"
    channels: ClassVar[tuple[str, ...]] = ("sms", "mms", "whatsapp", "rcs")
    documentation: ClassVar[str] = ""
    Config: ClassVar[type[ProviderConfig]] = NativeConfig
    keyed: ClassVar[bool] = True
    tells: ClassVar[tuple[Status, ...]] = tuple(one for one in STATUS_CODE if one != "received")

    def verify(self, callback: Callback, config: Any, now_ms: int) -> Verification:
        """Check the method: the key has been checked by whoever asks."""
        del config, now_ms
        if callback.method != "POST":
            return Verification("failed", "the method is not POST")
        return Verification("ok", "an API key of the connection's tenant and mode")

    def parse(self, callback: Callback, config: Any) -> Parsed:
        """Read every item; what is wrong comes back with its place."""
        del config
        return native_items.read(callback.body)

    def reply(self, callback: Callback, config: Any, verification: Verification) -> HttpResponse:
        """Answer 200 or 405; the ids of what it was about are added by whoever stores it."""
        del callback, config
        if verification.verdict == "ok":
            return HttpResponse(200)
        return HttpResponse(405, (("allow", "POST"),))

    def sign(self, body: bytes, config: Any, now_ms: int) -> Headers:
        """Sign nothing: the proof is a key, and no key is known here."""
        del body, config, now_ms
        return ()

    def send(self, message: OutboundMessage, config: Any) -> SendFlow:
        """Refuse: whoever posts here sends by itself."""
        del message, config
        yield from ()
        return SendResult("refused", error=Failure("platform", "cannot_send", stage="rejected"))

    def simulate(
        self, message: OutboundMessage, status: Status, config: Any, url: str
    ) -> HttpRequest:
        """Refuse: post what you want to see. Raises CannotSimulateError."""
        del message, status, config, url
        raise CannotSimulateError("nothing is simulated for a native connection: post it")
