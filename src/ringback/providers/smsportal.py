"""SMSPortal: its webhooks of every generation, and sending through its REST API.

One connection takes whatever the account is set to. What a callback says is read in
`smsportal_items`, proofs are checked in `smsportal_proofs`, requests made in `smsportal_send`; what
customers paste at SMSPortal stands in `smsportal_templates`.
"""

from typing import ClassVar

from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse
from ringback.domain.messages import Status
from ringback.providers import (
    keywords,
    smsportal_fake,
    smsportal_items,
    smsportal_proofs,
    smsportal_send,
    smsportal_simulated,
    smsportal_templates,
)
from ringback.providers.base import (
    BatchFlow,
    CheckFlow,
    Fake,
    Faked,
    OutboundMessage,
    Parsed,
    Provider,
    ProviderConfig,
    SendFlow,
    Verification,
)
from ringback.providers.smsportal_config import SmsPortalConfig


class SmsPortal(Provider):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "smsportal"
    label: ClassVar[str] = "SMSPortal"
    channels: ClassVar[tuple[str, ...]] = ("sms", "whatsapp")
    documentation: ClassVar[str] = "https://docs.smsportal.com/docs/webhooks"
    Config: ClassVar[type[ProviderConfig]] = SmsPortalConfig
    STATUS = smsportal_items.STATUS
    ERRORS = smsportal_items.ERRORS
    simulated: ClassVar[tuple[Status, ...]] = (*smsportal_simulated.WORDS, "received")
    sends: ClassVar[tuple[str, ...]] = ("text",)
    refusals: ClassVar[tuple[str, ...]] = smsportal_fake.CODES
    batch_max: ClassVar[int] = smsportal_send.BATCH_MAX
    opt_outs_by_sender: ClassVar[bool] = False
    repeats: ClassVar[str] = "up to 5 times, at growing intervals; waits 10 s for an answer"
    setup: ClassVar[str] = smsportal_templates.SETUP
    notes: ClassVar[str] = smsportal_templates.NOTES

    def verify(self, callback: Callback, config: SmsPortalConfig, now_ms: int) -> Verification:
        """Check the proof that the config asks for."""
        return smsportal_proofs.verify(callback, config.verify, now_ms)

    def explain(self, callback: Callback, config: SmsPortalConfig, now_ms: int) -> str | None:
        """Say which header holds what another should, or which half of credentials is wrong."""
        return smsportal_proofs.explain(callback, config.verify, now_ms)

    def covers(self, config: SmsPortalConfig) -> tuple[str, bool]:
        """Say what the proof that is asked for covers."""
        return smsportal_proofs.covers(config.verify)

    def conceal(self, callback: Callback, config: SmsPortalConfig) -> Callback:
        """Hide the header that lets callbacks in, where one does."""
        return smsportal_proofs.conceal(callback, config.verify)

    def parse(self, callback: Callback, config: SmsPortalConfig) -> Parsed:
        """Read a callback of any generation."""
        return keywords.heard(smsportal_items.read(callback, config), config)

    def reply(
        self, callback: Callback, config: SmsPortalConfig, verification: Verification
    ) -> HttpResponse:
        """Answer 200 or 401, and nothing: SMSPortal reads no body."""
        del callback, config
        return HttpResponse(200 if verification.verdict == "ok" else 401)

    def sign(self, body: bytes, config: SmsPortalConfig, now_ms: int) -> Headers:
        """Make the headers that prove a body.

        Raises ValueError for signatures, which cover the URL: that is what `authenticate` is for.
        """
        if smsportal_proofs.covers(config.verify)[1]:
            raise ValueError("the signature covers the whole request: use authenticate")
        return self.authenticate(HttpRequest("POST", "", (), body), config, now_ms).headers

    def authenticate(
        self, request: HttpRequest, config: SmsPortalConfig, now_ms: int
    ) -> HttpRequest:
        """Give a request the proof that the config asks for."""
        return smsportal_proofs.authenticate(request, config.verify, now_ms)

    def send(self, message: OutboundMessage, config: SmsPortalConfig) -> SendFlow:
        """Send a text to one recipient."""
        return smsportal_send.send(message, config)

    def send_batch(
        self, messages: tuple[OutboundMessage, ...], config: SmsPortalConfig
    ) -> BatchFlow:
        """Send texts, as few requests as can be."""
        return smsportal_send.send_batch(messages, config)

    def check(self, config: SmsPortalConfig) -> CheckFlow | None:
        """Ask whether our credentials are taken, where there are any."""
        return smsportal_send.check(config) if config.client_id and config.api_secret else None

    def fake(self, request: HttpRequest, config: SmsPortalConfig, how: Fake) -> Faked | None:
        """Answer as SMSPortal's send API, or as the place where its tokens come from."""
        return smsportal_fake.answer(request, config, how)

    def simulate(
        self, message: OutboundMessage, status: Status, config: SmsPortalConfig, url: str
    ) -> HttpRequest:
        """Make a callback as the generation in `simulate_as` would post it, with its proof.

        In one that arrives, `from_` is the person and `to` is our number.
        """
        request = smsportal_simulated.simulate(message, status, config, url)
        return self.authenticate(request, config, message.at_ms)
