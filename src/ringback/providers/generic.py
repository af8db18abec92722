"""Generic HTTP: callbacks of any system, verified and read by configuration, or passed on.

Takes any method and content type. What a callback means is told by a mapping in the config; without
one each is one item that was not recognised, `generic.callback`, whole. Proofs are checked in
`generic_proofs`, contents read in `generic_items`, the config declared in `generic_config`. Nothing
is sent through it.
"""

from typing import ClassVar, get_args

import msgspec

from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse
from ringback.domain.messages import Failure, Status
from ringback.providers import (
    forms,
    generic_handshakes,
    generic_items,
    generic_proofs,
    mapping_writing,
)
from ringback.providers.base import (
    OutboundMessage,
    Parsed,
    Provider,
    ProviderConfig,
    SendFlow,
    SendResult,
    Verification,
)
from ringback.providers.generic_config import ApiKey, Basic, Bearer, GenericConfig, Hmac, pieces
from ringback.providers.proofs import HIDDEN, hidden

REALM = "ringback"

# Whatever somebody configures as an answer, a browser that comes upon it makes nothing of it.
_INERT: Headers = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; sandbox"),
)


class Generic(Provider):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "generic"
    label: ClassVar[str] = "Generic HTTP"
    channels: ClassVar[tuple[str, ...]] = ()
    documentation: ClassVar[str] = ""
    Config: ClassVar[type[ProviderConfig]] = GenericConfig
    simulated: ClassVar[tuple[Status, ...]] = get_args(Status)

    def verify(self, callback: Callback, config: GenericConfig, now_ms: int) -> Verification:
        """Check the proof that the config asks for, or answer the sender's handshake."""
        if config.handshake is not None:
            judged = generic_handshakes.verify(callback, config.handshake)
            if judged is not None:
                return judged
        return generic_proofs.verify(callback, config.verify, now_ms)

    def covers(self, config: GenericConfig) -> tuple[str, bool]:
        """Say what the proof that is asked for covers."""
        return generic_proofs.covers(config.verify)

    def parse(self, callback: Callback, config: GenericConfig) -> Parsed:
        """Make one item of the callback."""
        return config.heard(generic_items.read(callback, config))

    def reply(
        self, callback: Callback, config: GenericConfig, verification: Verification
    ) -> HttpResponse:
        """Answer as configured, or 401 and, for Basic and Bearer, what is asked for."""
        if verification.verdict == "handshake" and config.handshake is not None:
            return generic_handshakes.reply(callback, config.handshake)
        if verification.verdict != "ok":
            words = {Basic: "Basic", Bearer: "Bearer"}
            word = words.get(type(config.verify))
            asked = (("WWW-Authenticate", f'{word} realm="{REALM}"'),) if word else ()
            return HttpResponse(401, asked)
        answer = config.reply
        if not answer.body or callback.method == "HEAD":
            return HttpResponse(answer.status)
        headers = (("Content-Type", answer.content_type), *_INERT)
        return HttpResponse(answer.status, headers, answer.body.encode())

    def sign(self, body: bytes, config: GenericConfig, now_ms: int) -> Headers:
        """Make the headers that prove a body.

        Raises ValueError where the proof covers more than the body and the time, or is no header:
        that is what `authenticate` is for.
        """
        bare = HttpRequest("POST", "", (), body)
        proved = self.authenticate(bare, config, now_ms)
        scheme = config.verify
        covered = pieces(scheme.signed) if isinstance(scheme, Hmac) else []
        if proved.url or "{url}" in covered or "{method}" in covered:
            raise ValueError("the proof needs the whole request: use authenticate")
        return proved.headers

    def authenticate(self, request: HttpRequest, config: GenericConfig, now_ms: int) -> HttpRequest:
        """Give a request the proof that the config asks for."""
        return generic_proofs.authenticate(request, config.verify, now_ms)

    def url_to_enter(self, url: str, config: GenericConfig) -> str:
        """Put the key into the query, where it is to stand there."""
        if not isinstance(config.verify, ApiKey):
            return url
        return generic_proofs.authenticate(HttpRequest("POST", url), config.verify, 0).url

    def conceal(self, callback: Callback, config: GenericConfig) -> Callback:
        """Hide an API key where it stands, in its header or in the query; a handshake's token."""
        shaken = config.handshake
        if isinstance(shaken, generic_handshakes.Echo) and shaken.token_parameter is not None:
            url = forms.without(callback.url, shaken.token_parameter, HIDDEN)
            callback = msgspec.structs.replace(callback, url=url)
        scheme = config.verify
        if not isinstance(scheme, ApiKey):
            return callback
        if scheme.in_ == "query":
            url = forms.without(callback.url, scheme.name, HIDDEN)
            return msgspec.structs.replace(callback, url=url)
        return hidden(callback, scheme.name)

    def send(self, message: OutboundMessage, config: GenericConfig) -> SendFlow:
        """Refuse: nothing is known of how this system sends."""
        del message, config
        yield from ()
        return SendResult("refused", error=Failure("platform", "cannot_send", stage="rejected"))

    def simulate(
        self, message: OutboundMessage, status: Status, config: GenericConfig, url: str
    ) -> HttpRequest:
        """Make a callback about a status, with the proof that is asked for.

        One that the mapping reads; without a mapping, of our own making.
        """
        if config.how is not None:
            request = mapping_writing.write(config.how, message, status, url, self.name)
            return self.authenticate(request, config, message.at_ms)
        body = msgspec.json.encode(
            {
                "id": message.message_id,
                "status": status,
                "at": message.at_ms,
                "from": message.from_,
                "to": message.to,
                "channel": message.channel,
                "reference": message.reference,
                "text": message.text,
            }
        )
        request = HttpRequest("POST", url, (("Content-Type", "application/json"),), body)
        return self.authenticate(request, config, message.at_ms)
