"""Bandwidth messaging: Basic credentials after a challenge, answers, and the sending of texts.

Bandwidth's first request carries no credentials and expects a 401 with WWW-Authenticate; without
it the callback is lost. What a callback says is read in `bandwidth_items`.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Annotated, ClassVar

import msgspec

from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse
from ringback.domain.messages import ErrorClass, Failure, Status
from ringback.providers import bandwidth_items, reading
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

API_URL = "https://messaging.bandwidth.com/api/v2/users"
REALM = "ringback"
TEXT_MAX = 2048

# Which field of a refused request names whose fault it was.
_FIELDS: dict[str, tuple[ErrorClass, str]] = {
    "to": ("recipient", "invalid_recipient"),
    "from": ("sender", "invalid_sender"),
    "text": ("content", "bad_text"),
    "media": ("content", "bad_media"),
    "tag": ("content", "bad_tag"),
    "applicationid": ("platform", "bad_application"),
}
# What a simulated failure carries: the error's code and its description.
_ENDINGS: dict[Status, tuple[int, str]] = {
    "failed": (4720, "Invalid destination"),
    "expired": (4360, "Message expired"),
    "unconfirmed": (9902, "Delivery receipt timed out"),
}
_TYPES: dict[Status, str] = {
    "submitted": "message-sending",
    "sent": "message-sent",
    "delivered": "message-delivered",
    "read": "message-read",
    "received": "message-received",
}


class BandwidthConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a Bandwidth connection needs to know."""

    username: Annotated[
        str,
        msgspec.Meta(
            min_length=1,
            max_length=128,
            pattern=r"^[!-9;-~]+$(?!\n)",
            description="User name that you enter for the callback URL at Bandwidth; no colon.",
        ),
    ]
    password: Annotated[
        str, secret("Password that you enter for the callback URL at Bandwidth.", limit=128)
    ]
    account_id: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)",
                description="Account id at Bandwidth. Needed only to send.",
            ),
        ]
        | None
    ) = None
    application_id: (
        Annotated[
            str,
            msgspec.Meta(
                pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)",
                description="Messaging application id at Bandwidth. Needed only to send.",
            ),
        ]
        | None
    ) = None
    api_username: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=128,
                pattern=r"^[!-9;-~]+$(?!\n)",
                description="API user name at Bandwidth. Needed only to send.",
            ),
        ]
        | None
    ) = None
    api_password: (
        Annotated[str, secret("API password at Bandwidth. Needed only to send.", limit=256)] | None
    ) = None


class Bandwidth(Provider):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "bandwidth"
    label: ClassVar[str] = "Bandwidth"
    channels: ClassVar[tuple[str, ...]] = ("sms", "mms", "rcs")
    documentation: ClassVar[str] = "https://dev.bandwidth.com/docs/messaging/webhooks"
    Config: ClassVar[type[ProviderConfig]] = BandwidthConfig
    STATUS = bandwidth_items.STATUS
    ERRORS = bandwidth_items.ERRORS
    simulated: ClassVar[tuple[Status, ...]] = (*_TYPES, *_ENDINGS)

    def verify(self, callback: Callback, config: BandwidthConfig, now_ms: int) -> Verification:
        """Check the Basic credentials. None at all is the first half of the exchange."""
        del now_ms
        given = callback.header_values("Authorization")
        if not given:
            return Verification("challenge", "no credentials yet: asked for them")
        if len(given) > 1:
            return _failed("several Authorization headers")
        credentials = _credentials(given[0])
        if credentials is None:
            return _failed("the Authorization header is not Basic with canonical base64")
        if not config.username or not config.password:
            return _failed("the connection has no user name and password")
        username, _, password = credentials.partition(b":")
        # Both are compared, whatever the first says: the time taken must not tell them apart.
        known = hmac.compare_digest(username, config.username.encode())
        right = hmac.compare_digest(password, config.password.encode())
        if not (known & right):
            return _failed("user name or password are not those of this connection")
        if callback.method != "POST":
            return _failed("the method is not POST")
        return Verification("ok", "Basic credentials match")

    def parse(self, callback: Callback, config: BandwidthConfig) -> Parsed:
        """Read every event of a callback."""
        del config
        return bandwidth_items.Items().read(callback.body)

    def reply(
        self, callback: Callback, config: BandwidthConfig, verification: Verification
    ) -> HttpResponse:
        """Answer 200 and nothing, or 401 with the challenge that brings Bandwidth back."""
        del callback, config
        if verification.verdict == "ok":
            return HttpResponse(200)
        return HttpResponse(401, (("WWW-Authenticate", f'Basic realm="{REALM}"'),))

    def covers(self, config: BandwidthConfig) -> tuple[str, bool]:
        """Say that nothing is signed."""
        del config
        return "it comes with a password, and nothing is signed", False

    def sign(self, body: bytes, config: BandwidthConfig, now_ms: int) -> Headers:
        """Make the credentials; they cover neither body nor time."""
        del body, now_ms
        return (("Authorization", _basic(config.username, config.password)),)

    def send(self, message: OutboundMessage, config: BandwidthConfig) -> SendFlow:
        """Send a text to one recipient; one request."""
        if not (config.account_id and config.application_id):
            return _refused("platform", "not_configured")
        if not (config.api_username and config.api_password):
            return _refused("platform", "not_configured")
        if not 0 < len(message.text) <= TEXT_MAX:
            return _refused("content", "text_length")
        body: dict[str, object] = {
            "applicationId": config.application_id,
            "to": [message.to],
            "from": message.from_,
            "text": message.text,
        }
        if message.reference:
            body["tag"] = message.reference
        response = yield HttpRequest(
            "POST",
            f"{API_URL}/{config.account_id}/messages",
            (
                ("Authorization", _basic(config.api_username, config.api_password)),
                ("Content-Type", "application/json; charset=utf-8"),
            ),
            msgspec.json.encode(body),
        )
        return _result(response, message.to)

    def simulate(
        self, message: OutboundMessage, status: Status, config: BandwidthConfig, url: str
    ) -> HttpRequest:
        """Make a callback with credentials for a status of `message`, or for its arrival.

        In one that arrives, `from_` is the person and `to` is our number.
        """
        if status not in self.simulated:
            raise CannotSimulateError(f"Bandwidth never reports {status}")
        body = msgspec.json.encode([_event(message, status)])
        headers = (
            ("Content-Type", "application/json; charset=utf-8"),
            ("User-Agent", "BandwidthAPI/v2"),
        )
        return HttpRequest("POST", url, headers + self.sign(body, config, message.at_ms), body)


def _failed(reason: str) -> Verification:
    return Verification("failed", reason)


def _refused(class_: ErrorClass, code: str) -> SendResult:
    return SendResult("refused", error=Failure(class_, code, stage="rejected"))


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


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


class _FieldError(msgspec.Struct, rename="camel"):
    field_name: str = ""
    description: str = ""


class _Answer(msgspec.Struct, rename="camel"):
    id: str = ""
    type: str | None = None
    description: str | None = None
    field_errors: list[_FieldError] = []


_ANSWER = reading.Shape(_Answer)


def _result(response: HttpResponse, to: str) -> SendResult:
    """Read Bandwidth's answer to a send."""
    answer = reading.answer(response.body, _ANSWER) or _Answer()
    named = reading.text(answer.id)
    if 200 <= response.status < 300 and named is not None:
        return SendResult("submitted", (named,), recipient=to)
    result = reading.result_of_status(response.status)
    if result.error is None:
        return result
    class_, code = result.error.class_, result.error.code
    description = reading.clipped(answer.description, 500)
    if answer.field_errors:
        first = answer.field_errors[0]
        field = first.field_name.lower().partition("[")[0]
        class_, code = _FIELDS.get(field, ("content", "bad_request"))
        description = reading.clipped(first.description, 500) or description
    failure = Failure(
        class_,
        code,
        result.error.retryable,
        reading.text(answer.type) or result.error.provider_code,
        description,
        "rejected",
    )
    return SendResult(result.outcome, error=failure)


def _event(message: OutboundMessage, status: Status) -> dict[str, object]:
    seconds, milliseconds = divmod(message.at_ms, 1000)
    time = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"
    inbound = status == "received"
    seed = f"{message.to}|{message.from_}|{message.reference}|{message.text}|{message.at_ms}"
    inner: dict[str, object] = {
        "id": message.message_id or hashlib.sha256(seed.encode()).hexdigest()[:32],
        "owner": message.to if inbound else message.from_,
        "applicationId": "93de2206-9669-4e07-948d-329f4b722ee2",
        "time": time,
        "segmentCount": 1,
        "direction": "in" if inbound else "out",
        "to": [message.to],
        "from": message.from_,
        "text": message.text if inbound else "",
        "channel": {"mms": "MMS", "rcs": "RBM"}.get(message.channel, "SMS"),
    }
    if message.reference:
        inner["tag"] = message.reference
    event: dict[str, object] = {"time": time, "to": message.to, "message": inner}
    if status in _ENDINGS:
        code, description = _ENDINGS[status]
        return {**event, "type": "message-failed", "errorCode": code, "description": description}
    description = "Incoming message received" if inbound else "ok"
    return {**event, "type": _TYPES[status], "description": description}
