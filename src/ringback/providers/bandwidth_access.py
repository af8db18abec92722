"""Who asks Bandwidth: an API user's Basic credentials, or an access token of an API client.

Tokens come from https://dev.bandwidth.com/docs/account/credentials: client credentials against
Basic, good for as long as the answer says.
"""

import base64
from collections.abc import Generator

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers import reading
from ringback.providers.bandwidth_config import BandwidthConfig
from ringback.providers.base import TokenRequest

TOKEN_URL = "https://api.bandwidth.com/api/v1/oauth2/token"  # noqa: S105 - an address

Asking = Generator[HttpRequest | TokenRequest, HttpResponse, str | HttpResponse]


class _Token(msgspec.Struct):
    access_token: str = ""


_TOKEN = reading.Shape(_Token)


def basic(username: str, password: str) -> str:
    """Write Basic credentials as a header has them."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def configured(config: BandwidthConfig) -> bool:
    """Whether the connection has what proves who asks."""
    user = config.api_username and config.api_password
    return bool(user or (config.client_id and config.client_secret))


def renewable(config: BandwidthConfig) -> bool:
    """Whether a refused proof may be replaced by a new one."""
    return bool(config.client_id and config.client_secret)


def authorization(config: BandwidthConfig, *, refused: bool = False) -> Asking:
    """Return the header's value, or the answer of whoever gave no token.

    A client comes before a user, where the connection has both. `refused`: the last token was.
    """
    if not (config.client_id and config.client_secret):
        return basic(config.api_username or "", config.api_password or "")
    headers = (
        ("Authorization", basic(config.client_id, config.client_secret)),
        ("Content-Type", "application/x-www-form-urlencoded"),
    )
    asked = HttpRequest("POST", TOKEN_URL, headers, b"grant_type=client_credentials")
    answer = yield TokenRequest(asked, refused)
    told = reading.answer(answer.body, _TOKEN)
    token = reading.text(told.access_token, 4096) if told else None
    return answer if token is None or answer.status >= 300 else f"Bearer {token}"
