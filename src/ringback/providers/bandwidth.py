"""Bandwidth messaging: Basic credentials after a challenge, answers, and the fetching of media.

Bandwidth's first request carries no credentials and expects a 401 with WWW-Authenticate; without
it the callback is lost. What a callback says is read in `bandwidth_items`, what is sent is made in
`bandwidth_send`.
"""

import base64
import binascii
import hmac
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec

from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse
from ringback.domain.messages import Status
from ringback.providers import (
    bandwidth_access,
    bandwidth_explain,
    bandwidth_fake,
    bandwidth_items,
    bandwidth_send,
    bandwidth_simulated,
    bandwidth_toll_free,
    keywords,
    reading,
)
from ringback.providers.bandwidth_config import BandwidthConfig
from ringback.providers.base import (
    CheckFlow,
    Fake,
    Faked,
    MediaFlow,
    MediaRefused,
    OutboundMessage,
    Parsed,
    Provider,
    ProviderConfig,
    SendFlow,
    Verification,
    with_headers,
)
from ringback.providers.proofs import failed

REALM = "ringback"
_HEADERS = (
    ("Content-Type", "application/json; charset=utf-8"),
    ("User-Agent", "BandwidthAPI/v2"),
)
_MEDIA_HOST = urlsplit(bandwidth_send.HOST).hostname


class Bandwidth(Provider):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "bandwidth"
    label: ClassVar[str] = "Bandwidth"
    channels: ClassVar[tuple[str, ...]] = ("sms", "mms", "rcs")
    documentation: ClassVar[str] = "https://dev.bandwidth.com/docs/messaging/webhooks"
    Config: ClassVar[type[ProviderConfig]] = BandwidthConfig
    STATUS = bandwidth_items.STATUS
    ERRORS = bandwidth_items.ERRORS
    simulated: ClassVar[tuple[Status, ...]] = bandwidth_simulated.SIMULATED
    sends: ClassVar[tuple[str, ...]] = ("text", "media", "card", "carousel")
    refusals: ClassVar[tuple[str, ...]] = bandwidth_fake.CODES

    repeats: ClassVar[str] = "for 24 hours; waits 10 s for an answer"
    setup: ClassVar[str] = """\
1. Think of a user name and of a long random password: `username` and `password` of the connection.
   They are nothing that Bandwidth gives you: it shows them with each callback.
2. In the Bandwidth App, under *Applications*, create one for messaging. The callback URL is that of
   messages that come in and that of statuses alike, and both get that user name and password.
3. Assign the application to the locations whose numbers are to use it: a location has one messaging
   application. Without one, nothing comes.
4. To send, and to fetch media, add `account_id`, `application_id` and the credentials of an API
   user (`api_username`, `api_password`) or of an API client (`client_id`, `client_secret`).
5. For toll-free verifications, subscribe the same URL to them; a shared secret (16 to 64
   characters) is optional.
"""
    notes: ClassVar[str] = (
        "- The first request comes without credentials; it is answered 401 and counted, not "
        "listed. Base64 in any other than its one right spelling is refused.\n"
        "- One callback holds an array of events. A group message has one id, and one event for "
        "each recipient: it is one message for each of them.\n"
        "- `message-delivered` of an MMS or a group message proves a handset only if the account "
        "has delivery reports for them. What Bandwidth describes as delivered to the carrier is "
        "`sent`, marked weak; with `mms_reports` switched off, all of them are.\n"
        "- Expiry is a failure with the code 4360. The code 9902 means that no report came within "
        "two hours: `unconfirmed`, and a late one may follow. The code 4794 is taken "
        "for an expiry, too, which the documentation does not say.\n"
        "- The codes 4475 and 4775 mean that the person opted out.\n"
        "- A `message-received` whose direction is `out` is not read as an answer, so that nothing "
        "answers itself.\n"
        "- Files of an MMS stand at Bandwidth for two days and need the API credentials, which are "
        "shown to Bandwidth's own host alone.\n"
        "- A toll-free verification is one object and is answered 204. If the connection has a "
        "shared secret, a signature that comes with one must be right, and is proof enough "
        "without a password. Bandwidth says that it signs a canonical form of the body and not "
        "which: `toll_free_form` chooses, by default the body as it came.\n"
        "- The signature of Subscriptions 2.0, `X-Bandwidth-Signature-SHA-256`, is not checked: "
        "what exactly it is made of is not known here. The user name and password prove such "
        "callbacks, as all others.\n"
        "- An event with NUL or half a surrogate pair in a string is not read; those beside it "
        "are. An error code may be a number or text.\n"
        "- An access token is used in place of an API user where the connection has both.\n"
        "- RBM messages have cards instead of captions: a file with a text is sent as a card."
    )

    def verify(self, callback: Callback, config: BandwidthConfig, now_ms: int) -> Verification:
        """Check the Basic credentials. None at all is the first half of the exchange.

        A toll-free verification may come with a signature instead, and if it comes with both then
        both are checked.
        """
        del now_ms
        given = callback.header_values("Authorization")
        signatures = callback.header_values(bandwidth_toll_free.SIGNATURE_HEADER)
        if signatures and config.toll_free_secret:
            fault = bandwidth_toll_free.fault(callback.body, signatures, config)
            if fault is not None:
                return failed(fault)
            if not given:
                if callback.method != "POST":
                    return failed("the method is not POST")
                return Verification("ok", "the signature of the toll-free verification matches")
        if not given:
            return Verification("challenge", "no credentials yet: asked for them")
        if len(given) > 1:
            return failed("several Authorization headers")
        credentials = _credentials(given[0])
        if credentials is None:
            return failed("the Authorization header is not Basic with canonical base64")
        if not config.username or not config.password:
            return failed("the connection has no user name and password")
        username, _, password = credentials.partition(b":")
        # Both are compared, whatever the first says: the time taken must not tell them apart.
        known = hmac.compare_digest(username, config.username.encode())
        right = hmac.compare_digest(password, config.password.encode())
        if not (known & right):
            return failed("user name or password are not those of this connection")
        if callback.method != "POST":
            return failed("the method is not POST")
        return Verification("ok", "Basic credentials match")

    def explain(self, callback: Callback, config: BandwidthConfig, now_ms: int) -> str | None:
        """Say which of the credentials is wrong, or which form of a verification is signed."""
        del now_ms
        return bandwidth_explain.explain(callback, config)

    def parse(self, callback: Callback, config: BandwidthConfig) -> Parsed:
        """Read every event of a callback."""
        parsed = bandwidth_items.Items(config.mms_reports).read(callback.body)
        return keywords.heard(parsed, config, by_sender=True)

    def reply(
        self, callback: Callback, config: BandwidthConfig, verification: Verification
    ) -> HttpResponse:
        """Answer 200 and nothing, or 401 with the challenge that brings Bandwidth back.

        A toll-free verification is answered 204, as its specification has it.
        """
        del config
        if verification.verdict == "ok":
            return HttpResponse(200 if bandwidth_toll_free.said(callback.body) is None else 204)
        return HttpResponse(401, (("WWW-Authenticate", f'Basic realm="{REALM}"'),))

    def covers(self, config: BandwidthConfig) -> tuple[str, bool]:
        """Say what is signed: nothing, or toll-free verifications alone."""
        if config.toll_free_secret:
            return "it comes with a password, or the signature covers the body", False
        return "it comes with a password, and nothing is signed", False

    def sign(self, body: bytes, config: BandwidthConfig, now_ms: int) -> Headers:
        """Make the credentials; they cover neither body nor time."""
        del body, now_ms
        return (("Authorization", bandwidth_access.basic(config.username, config.password)),)

    def authenticate(
        self, request: HttpRequest, config: BandwidthConfig, now_ms: int
    ) -> HttpRequest:
        """Sign a toll-free verification where there is a secret for it; else add credentials."""
        secret = config.toll_free_secret
        if secret and bandwidth_toll_free.said(request.body) is not None:
            made = bandwidth_toll_free.signature(request.body, secret, config.toll_free_form)
            if made is not None:
                return with_headers(request, ((bandwidth_toll_free.SIGNATURE_HEADER, made),))
        return super().authenticate(request, config, now_ms)

    def send(self, message: OutboundMessage, config: BandwidthConfig) -> SendFlow:
        """Send an SMS, MMS or RBM message to one recipient; one request."""
        return bandwidth_send.flow(message, config)

    def media(self, found: dict[str, object], config: BandwidthConfig) -> MediaFlow:
        """Fetch a file of an inbound message, from Bandwidth's own host with API credentials.

        Nobody else is shown them. Files stand there for two days
        (https://dev.bandwidth.com/docs/messaging/media).
        """
        url = reading.text(found.get("url"), bandwidth_items.URL_MAX)
        try:
            parts = urlsplit(url or "")
            ours = (parts.scheme, parts.hostname, parts.port) == ("https", _MEDIA_HOST, None)
        except ValueError:
            url = None
        if url is None:
            return MediaRefused("it has no URL that can be read")
        if not ours:
            return HttpRequest("GET", url)
        if not bandwidth_access.configured(config):
            return MediaRefused("the connection has no API credentials to fetch it with")
        proof = yield from bandwidth_access.authorization(config)
        if isinstance(proof, HttpResponse):
            return MediaRefused("Bandwidth gave no access token", retryable=True)
        return HttpRequest("GET", url, (("Authorization", proof),))

    def check(self, config: BandwidthConfig) -> CheckFlow | None:
        """Ask whether our credentials are taken, where there are any."""
        able = config.account_id and bandwidth_access.configured(config)
        return bandwidth_send.check(config) if able else None

    def fake(self, request: HttpRequest, config: BandwidthConfig, how: Fake) -> Faked | None:
        """Answer as the messaging API would: messages, RBM, media, and access tokens."""
        return bandwidth_fake.answer(request, config, how)

    def simulate(
        self, message: OutboundMessage, status: Status, config: BandwidthConfig, url: str
    ) -> HttpRequest:
        """Make a callback with credentials for a status of `message`, or for its arrival.

        In one that arrives, `from_` is the person and `to` is our number. Content of the kind
        `toll_free` makes a verification of the number in `to` instead, whatever the status; its
        `status` is one of verified, unverified, pending, blocked and failed.
        """
        if message.content.get("kind") == bandwidth_toll_free.KIND:
            told = msgspec.json.encode(bandwidth_toll_free.simulated(message))
            request = HttpRequest("POST", url, _HEADERS, told)
            return self.authenticate(request, config, message.at_ms)
        return self.simulate_batch((message,), status, config, url)

    def simulate_batch(
        self,
        messages: tuple[OutboundMessage, ...],
        status: Status,
        config: BandwidthConfig,
        url: str,
    ) -> HttpRequest:
        """Make one callback that tells of several messages, in one array."""
        events = [bandwidth_simulated.event(message, status) for message in messages]
        request = HttpRequest("POST", url, _HEADERS, msgspec.json.encode(events))
        return self.authenticate(request, config, messages[0].at_ms if messages else 0)


def _credentials(header: str) -> bytes | None:
    """Decode an Authorization header, or None for anything but canonical Basic."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or not encoded.isascii():
        return None
    try:
        decoded = base64.b64decode(encoded)
    except binascii.Error:
        return None
    # Python skips strange characters and takes stray bits: only the one right spelling counts.
    canonical = base64.b64encode(decoded) == encoded.encode()
    return decoded if canonical else None
