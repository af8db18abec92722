"""WhatsApp Cloud API: Meta's signature, handshake and answers, and the sending of texts.

A POST is signed over its raw body with the app's secret; a GET is the handshake of the set-up.
What a callback says is read in `whatsapp_items`. Templates and media are not sent from here.
"""

import base64
import hashlib
import hmac
import re
from typing import Annotated, ClassVar
from urllib.parse import parse_qsl

import msgspec

from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse
from ringback.domain.messages import Failure, Status
from ringback.providers import reading, whatsapp_items
from ringback.providers.base import (
    CannotSimulateError,
    OutboundMessage,
    Parsed,
    Provider,
    ProviderConfig,
    SendFlow,
    SendResult,
    Verification,
    secret,
)

GRAPH_URL = "https://graph.facebook.com/v25.0"
TEXT_MAX = 4096
QUERY_MAX = 4096

_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")
# What may be echoed: nothing that a browser could take for markup.
_CHALLENGE = re.compile(r"[A-Za-z0-9_.~+/=:-]{1,256}")
_HANDSHAKE = ("hub.mode", "hub.verify_token", "hub.challenge")
_NUMBER = re.compile(r"\+?[0-9]{7,15}")
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,126}")


class WhatsAppConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a WhatsApp connection needs to know."""

    app_secret: Annotated[str, secret("App Secret of the Meta app: it signs the callbacks.")]
    verify_token: Annotated[
        str, secret("The verify token that you enter beside the callback URL at Meta.")
    ]
    access_token: (
        Annotated[str, secret("System user token. Needed only to send.", limit=1024)] | None
    ) = None
    phone_number_id: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[0-9]{1,32}$(?!\n)",
                description="Id of the sending phone number at Meta. Needed only to send.",
            ),
        ]
        | None
    ) = None


class WhatsApp(Provider):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "whatsapp"
    label: ClassVar[str] = "WhatsApp Cloud API"
    channels: ClassVar[tuple[str, ...]] = (whatsapp_items.CHANNEL,)
    documentation: ClassVar[str] = (
        "https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks"
    )
    Config: ClassVar[type[ProviderConfig]] = WhatsAppConfig
    STATUS = whatsapp_items.STATUS
    ERRORS = whatsapp_items.ERRORS
    simulated: ClassVar[tuple[Status, ...]] = ("sent", "delivered", "read", "failed", "received")

    def verify(self, callback: Callback, config: WhatsAppConfig, now_ms: int) -> Verification:
        """Check the signature of a POST, or the verify token of a GET. Meta signs no time."""
        del now_ms
        if callback.method == "GET":
            return _verify_handshake(callback, config)
        if callback.method != "POST":
            return _failed("the method is neither POST nor GET")
        given = callback.header_values("X-Hub-Signature-256")
        if len(given) != 1:
            what = "several headers" if given else "no header"
            return _failed(f"{what} X-Hub-Signature-256")
        if _SIGNATURE.fullmatch(given[0]) is None:
            return _failed("X-Hub-Signature-256 is not sha256= and 64 lower-case hex digits")
        if not config.app_secret:
            return _failed("the connection has no app secret")
        if not hmac.compare_digest(_signature(callback.body, config), given[0]):
            return _failed(
                "the signature does not match the body: another app secret signed it, or the "
                "body was changed on its way"
            )
        return Verification("ok", "X-Hub-Signature-256 matches the body")

    def parse(self, callback: Callback, config: WhatsAppConfig) -> Parsed:
        """Read every entry, change, status and message of a callback."""
        del config
        return whatsapp_items.Items().read(callback.body)

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

    def send(self, message: OutboundMessage, config: WhatsAppConfig) -> SendFlow:
        """Send a text inside the 24-hour window; one request."""
        refusal = _refusal(message, config)
        if refusal is not None:
            return SendResult("refused", error=refusal)
        body: dict[str, object] = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            # In `to` a user id would be taken and silently dropped.
            "to" if _NUMBER.fullmatch(message.to) else "recipient": message.to.lstrip("+"),
            "type": "text",
            "text": {"body": message.text, "preview_url": False},
        }
        if message.reference:
            body["biz_opaque_callback_data"] = message.reference
        response = yield HttpRequest(
            "POST",
            f"{GRAPH_URL}/{config.phone_number_id}/messages",
            (
                ("Authorization", f"Bearer {config.access_token}"),
                ("Content-Type", "application/json"),
            ),
            msgspec.json.encode(body),
        )
        return _result(response)

    def simulate(
        self, message: OutboundMessage, status: Status, config: WhatsAppConfig, url: str
    ) -> HttpRequest:
        """Make a signed callback for a status of `message`, or for its arrival from a person.

        In one that arrives, `from_` is the person and `to` is our number.
        """
        if status not in self.simulated:
            raise CannotSimulateError(f"WhatsApp never reports {status}")
        value = _received(message) if status == "received" else _reported(message, status)
        change = {"field": "messages", "value": value}
        body = msgspec.json.encode(
            {
                "object": whatsapp_items.OBJECT,
                "entry": [{"id": "100000000000001", "changes": [change]}],
            }
        )
        headers = (("Content-Type", "application/json"), ("User-Agent", "facebookexternalua"))
        return HttpRequest("POST", url, headers + self.sign(body, config, message.at_ms), body)


def _failed(reason: str) -> Verification:
    return Verification("failed", reason)


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
        return _failed("a GET without hub.mode, hub.verify_token and hub.challenge, once each")
    if not config.verify_token:
        return _failed("the connection has no verify token")
    token = given["hub.verify_token"].encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(token, config.verify_token.encode()):
        return _failed("hub.verify_token is not the token of this connection")
    if given["hub.mode"] != "subscribe":
        return _failed("hub.mode is not subscribe")
    if _CHALLENGE.fullmatch(given["hub.challenge"]) is None:
        return _failed("hub.challenge holds more than 256 characters, or some that are not echoed")
    return Verification("handshake", "hub.verify_token matches")


def _refusal(message: OutboundMessage, config: WhatsAppConfig) -> Failure | None:
    """Say why a message cannot even be asked for, or None."""
    if not config.access_token or not config.phone_number_id:
        return Failure("platform", "not_configured", stage="rejected")
    if not (_NUMBER.fullmatch(message.to) or _USER_ID.fullmatch(message.to)):
        return Failure("recipient", "invalid_recipient", stage="rejected")
    if not 0 < len(message.text) <= TEXT_MAX:
        return Failure("content", "text_length", stage="rejected")
    return None


class _Sent(msgspec.Struct):
    id: str


class _Error(msgspec.Struct):
    code: int
    message: str | None = None
    is_transient: bool | None = None


class _Answer(msgspec.Struct):
    messages: list[_Sent] = []
    error: _Error | None = None


_ANSWER = reading.Shape(_Answer)


def _result(response: HttpResponse) -> SendResult:
    """Read Meta's answer to a send. One that names neither an id nor an error proves nothing."""
    answer = reading.answer(response.body, _ANSWER) or _Answer()
    if 200 <= response.status < 300 and answer.messages:
        return SendResult("submitted", (answer.messages[0].id[: reading.ID_MAX],))
    if answer.error is not None:
        table = whatsapp_items.ERROR_TABLE
        rule, failure = table.failure(answer.error.code, answer.error.message)
        failure = msgspec.structs.replace(failure, stage="rejected")
        return SendResult("throttled" if rule.class_ == "throttled" else "refused", error=failure)
    return reading.result_of_status(response.status)


def _identify(message: OutboundMessage) -> str:
    if message.message_id:
        return message.message_id
    seed = f"{message.to}|{message.reference}|{message.text}|{message.at_ms}".encode()
    return "wamid." + base64.b64encode(hashlib.sha256(seed).digest()[:24]).decode()


def _metadata(number: str) -> dict[str, str]:
    return {"display_phone_number": number.lstrip("+"), "phone_number_id": "100000000000002"}


def _reported(message: OutboundMessage, status: Status) -> dict[str, object]:
    person = message.to.lstrip("+")
    said: dict[str, object] = {
        "id": _identify(message),
        "status": status,
        "timestamp": str(message.at_ms // 1000),
        "recipient_id": person,
    }
    if message.reference:
        said["biz_opaque_callback_data"] = message.reference
    value: dict[str, object] = {
        "messaging_product": "whatsapp",
        "metadata": _metadata(message.from_),
        "statuses": [said],
    }
    if status == "failed":
        title = "Message undeliverable"
        said["errors"] = [
            {"code": 131026, "title": title, "message": title, "error_data": {"details": title}}
        ]
    else:
        value["contacts"] = [{"profile": {"name": "Simulated"}, "wa_id": person}]
    return value


def _received(message: OutboundMessage) -> dict[str, object]:
    person = message.from_.lstrip("+")
    return {
        "messaging_product": "whatsapp",
        "metadata": _metadata(message.to),
        "contacts": [{"profile": {"name": "Simulated"}, "wa_id": person}],
        "messages": [
            {
                "from": person,
                "id": _identify(message),
                "timestamp": str(message.at_ms // 1000),
                "type": "text",
                "text": {"body": message.text},
            }
        ],
    }
