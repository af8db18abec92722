"""What the tests of Twilio's sending and of its fake have in common."""

from typing import Any

import msgspec

from ringback.domain.http import HttpRequest
from ringback.providers.base import Fake, OutboundMessage
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS

TWILIO = PROVIDERS["twilio"]
ACCOUNT = "AC00000000000000000000000000000001"
SERVICE = "MG00000000000000000000000000000002"
TEMPLATE = "HX00000000000000000000000000000003"
CONFIG = {"auth_token": "not-a-real-auth-token", "account_sid": ACCOUNT}
KEY = {
    "api_key_sid": "SK00000000000000000000000000000004",
    "api_key_secret": "not-a-real-api-key-secret",
}
HERE = "https://hooks.example/in/example"
MESSAGE = OutboundMessage(
    "+15550100123", "+15550100900", "sms", "Hi é 👍", reference="order-48213", callback_url=HERE
)
FAKE = Fake("0123456789abcdef" * 2, NOW_MS)


def config(**changes: object) -> Any:
    """Make a config that can send, with some fields changed."""
    return load_config(TWILIO.Config, {**CONFIG, **changes})


def requested(message: OutboundMessage = MESSAGE, **changes: object) -> HttpRequest:
    """Return the request of a send."""
    request = next(TWILIO.send(message, config(**changes)))
    assert isinstance(request, HttpRequest)
    return request


def changed(**changes: Any) -> OutboundMessage:
    """Return the message with some fields changed."""
    return msgspec.structs.replace(MESSAGE, **changes)
