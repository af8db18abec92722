"""WhatsApp Cloud API: Meta's signature, its handshake, and the answers to its callbacks.

A POST is signed over its raw body with the app's secret; a GET is the handshake of the set-up.
What a callback says is read in `whatsapp_items`; sending is in `whatsapp_send`, and what plays
Meta's part in `whatsapp_fake` and `whatsapp_simulate`.
"""

import hmac
import re
from typing import ClassVar
from urllib.parse import parse_qsl, unquote

import msgspec

from ringback.domain.consent import ConsentWord
from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse
from ringback.domain.messages import Status
from ringback.providers import (
    whatsapp_explain,
    whatsapp_fake,
    whatsapp_items,
    whatsapp_receipts,
    whatsapp_send,
    whatsapp_simulate,
    whatsapp_subscribe,
    whatsapp_tables,
    whatsapp_wishes,
)
from ringback.providers.base import (
    CheckFlow,
    Fake,
    Faked,
    MediaFlow,
    OutboundMessage,
    Parsed,
    Provider,
    ProviderConfig,
    SendFlow,
    Verification,
)
from ringback.providers.beside import TellsBeside
from ringback.providers.proofs import HIDDEN, failed, only
from ringback.providers.subscribing import SubscribeFlow, Subscribing, Wish
from ringback.providers.whatsapp_config import WhatsAppConfig
from ringback.providers.whatsapp_page import NOTES, SETUP, SUBSCRIBES

QUERY_MAX = 4096

_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
# What may be echoed: nothing that a browser could take for markup.
_CHALLENGE = re.compile(r"[A-Za-z0-9_.~+/=:-]{1,256}")
_HANDSHAKE = ("hub.mode", "hub.verify_token", "hub.challenge")


class WhatsApp(Provider, Subscribing, TellsBeside):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "whatsapp"
    destinations: ClassVar[dict[str, tuple[str, ...]]] = {
        "base_url": ("access_token",),
        "token_header": ("access_token",),
    }
    label: ClassVar[str] = "WhatsApp Cloud API"
    channels: ClassVar[tuple[str, ...]] = (whatsapp_tables.CHANNEL,)
    documentation: ClassVar[str] = (
        "https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks"
    )
    Config: ClassVar[type[ProviderConfig]] = WhatsAppConfig
    STATUS = whatsapp_tables.STATUS
    ERRORS = whatsapp_tables.ERRORS
    simulated: ClassVar[tuple[Status, ...]] = whatsapp_simulate.SIMULATED
    sends: ClassVar[tuple[str, ...]] = whatsapp_send.KINDS
    refusals: ClassVar[tuple[str, ...]] = whatsapp_fake.REFUSALS
    repeats: ClassVar[str] = "for up to 7 days, at growing intervals"
    subscribes: ClassVar[str] = SUBSCRIBES
    setup: ClassVar[str] = SETUP
    notes: ClassVar[str] = NOTES

    def verify(self, callback: Callback, config: WhatsAppConfig, now_ms: int) -> Verification:
        """Check the signature of a POST, or the verify token of a GET. Meta signs no time."""
        del now_ms
        if callback.method == "GET":
            return _verify_handshake(callback, config)
        if callback.method != "POST":
            return failed("the method is neither POST nor GET")
        given, fault = only(callback, "X-Hub-Signature-256")
        if given is None:
            return failed(fault)
        if _SIGNATURE.fullmatch(given) is None:
            return failed("X-Hub-Signature-256 is not sha256= and 64 lower-case hex digits")
        if not config.app_secret:
            return failed("the connection has no app secret")
        if not hmac.compare_digest(_signature(callback.body, config), given):
            return failed(
                "the signature does not match the body: another app secret signed it, or the "
                "body was changed on its way"
            )
        return Verification("ok", "X-Hub-Signature-256 matches the body")

    def explain(self, callback: Callback, config: WhatsAppConfig, now_ms: int) -> str | None:
        """Say what Meta's own ways make likely: which app, which header, who wrote it anew."""
        del now_ms
        return whatsapp_explain.explain(callback, config)

    def parse(self, callback: Callback, config: WhatsAppConfig) -> Parsed:
        """Read every entry, change, status and message of a callback."""
        return whatsapp_wishes.heard(whatsapp_items.Items().read(callback.body), config)

    def reply(
        self, callback: Callback, config: WhatsAppConfig, verification: Verification
    ) -> HttpResponse:
        """Answer 200 and nothing, the challenge of a handshake, 403 or 401."""
        del config
        if verification.verdict == "handshake":
            headers = (
                ("Content-Type", "text/plain; charset=utf-8"),
                ("X-Content-Type-Options", "nosniff"),
            )
            return HttpResponse(200, headers, _handshake(callback)["hub.challenge"].encode())
        if verification.verdict == "ok":
            return HttpResponse(200)
        return HttpResponse(403 if callback.method == "GET" else 401)

    def sign(self, body: bytes, config: WhatsAppConfig, now_ms: int) -> Headers:
        """Sign a body as Meta does."""
        del now_ms
        return (("X-Hub-Signature-256", _signature(body, config)),)

    def conceal(self, callback: Callback, config: WhatsAppConfig) -> Callback:
        """Hide the verify token, which a handshake has in its query."""
        del config
        before, mark, query = callback.url.partition("?")
        if "verify" not in query.lower() and "%" not in query:
            return callback
        pieces = []
        for piece in query.split("&"):
            name, equals, _ = piece.partition("=")
            secret = unquote(name).strip().lower() == _HANDSHAKE[1]
            pieces.append(f"{name}{equals}{HIDDEN}" if secret else piece)
        return msgspec.structs.replace(callback, url=before + mark + "&".join(pieces))

    def send(self, message: OutboundMessage, config: WhatsAppConfig) -> SendFlow:
        """Send a message of any kind that `sends` names; one request."""
        return whatsapp_send.send(message, config)

    def mark_read(
        self, message_id: str, config: WhatsAppConfig, *, typing: bool = False
    ) -> SendFlow:
        """Tell a person that their message was read, and perhaps that it is being answered."""
        return whatsapp_receipts.mark_read(message_id, config, typing=typing)

    def media(self, found: dict[str, object], config: WhatsAppConfig) -> MediaFlow:
        """Ask for a file's address by its id, then fetch it, both with the token."""
        return whatsapp_send.media(found, config)

    def check(self, config: WhatsAppConfig) -> CheckFlow | None:
        """Ask whether our token is taken, where there is one and a number."""
        number = config.phone_number_id
        return whatsapp_send.check(config, number) if config.access_token and number else None

    def subscribe(self, wish: Wish, config: WhatsAppConfig) -> SubscribeFlow:
        """Subscribe the token's app to the account, with the connection's URL for its own."""
        return whatsapp_subscribe.flow(wish, config)

    def fake(self, request: HttpRequest, config: WhatsAppConfig, how: Fake) -> Faked | None:
        """Answer as the Graph API: messages, uploads, the addresses of files, and files."""
        return whatsapp_fake.fake(request, config, how)

    def simulate(
        self, message: OutboundMessage, status: Status, config: WhatsAppConfig, url: str
    ) -> HttpRequest:
        """Make a signed callback for a status of `message`, or for its arrival from a person.

        In one that arrives, `from_` is the person and `to` is our number.
        """
        return self.simulate_batch((message,), status, config, url)

    def simulate_batch(
        self,
        messages: tuple[OutboundMessage, ...],
        status: Status,
        config: WhatsAppConfig,
        url: str,
    ) -> HttpRequest:
        """Make one callback that tells a status of several messages, or of their arrival."""
        return _posted(whatsapp_simulate.body_of(messages, status, config), config, url)

    def notice(
        self, message: OutboundMessage, word: ConsentWord, config: WhatsAppConfig, url: str
    ) -> HttpRequest:
        """Make the callback of somebody who stops or resumes marketing, as by WhatsApp's menus."""
        return _posted(whatsapp_simulate.preference_of(message, word, config), config, url)


def _posted(body: bytes, config: WhatsAppConfig, url: str) -> HttpRequest:
    signed = ("X-Hub-Signature-256", _signature(body, config))
    headers = (("Content-Type", "application/json"), ("User-Agent", "facebookexternalua"), signed)
    return HttpRequest("POST", url, headers, body)


def _signature(body: bytes, config: WhatsAppConfig) -> str:
    return "sha256=" + hmac.digest(config.app_secret.encode(), body, "sha256").hex()


def _handshake(callback: Callback) -> dict[str, str]:
    """Return the three parameters of a handshake; empty where one is missing or doubled."""
    query = callback.query
    if len(query) > QUERY_MAX:
        return {}
    pairs = [(k, v) for k, v in parse_qsl(query, keep_blank_values=True) if k in _HANDSHAKE]
    return dict(pairs) if sorted(k for k, _ in pairs) == sorted(_HANDSHAKE) else {}


def _verify_handshake(callback: Callback, config: WhatsAppConfig) -> Verification:
    given = _handshake(callback)
    if not given:
        return failed("a GET without hub.mode, hub.verify_token and hub.challenge, once each")
    if not config.verify_token:
        return failed("the connection has no verify token")
    token = given["hub.verify_token"].encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(token, config.verify_token.encode()):
        return failed("hub.verify_token is not the token of this connection")
    if given["hub.mode"] != "subscribe":
        return failed("hub.mode is not subscribe")
    if _CHALLENGE.fullmatch(given["hub.challenge"]) is None:
        return failed("hub.challenge holds more than 256 characters, or some that are not echoed")
    return Verification("handshake", "hub.verify_token matches")
