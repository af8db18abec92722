"""Handshakes: requests by which a system finds out whether a URL is ours, before it posts there.

Two kinds are in use. An *echo* wants one of its parameters back as plain text, and often shows a
token that was agreed on; a *CRC* wants the HMAC of a parameter. Neither is a callback.

Whoever asks chooses what is signed in a CRC, often with the secret that signs callbacks too. So
only what no callback of these systems consists of is signed: letters, digits, `-` and `_` (their
bodies are JSON or forms), and such a body is never taken for a callback.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from typing import Annotated, Literal

import msgspec

from ringback.domain.http import Callback, Headers, HttpResponse
from ringback.providers import forms
from ringback.providers.base import ProviderConfig, Verification, secret
from ringback.providers.proofs import same

VALUE_MAX = 256
_VALUE = re.compile(rf"[A-Za-z0-9_.~-]{{1,{VALUE_MAX}}}")
_SIGNABLE = re.compile(rf"[A-Za-z0-9_-]{{8,{VALUE_MAX}}}")
_PLAIN: Headers = (("Content-Type", "text/plain"), ("X-Content-Type-Options", "nosniff"))
_JSON: Headers = (("Content-Type", "application/json"), ("X-Content-Type-Options", "nosniff"))
_PARAMETER = msgspec.Meta(
    min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$(?!\n)",
    description="The query parameter that holds the challenge.",
)  # fmt: skip


class Echo(
    ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True,
    tag_field="kind", tag="echo",
):  # fmt: skip
    """A GET whose challenge is to be given back."""

    parameter: Annotated[str, _PARAMETER]
    token_parameter: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=64, pattern=r"^[A-Za-z0-9_.-]+$(?!\n)",
                description="The query parameter that holds the token you have agreed on.",
            ),
        ]
        | None
    ) = None  # fmt: skip
    token: Annotated[str, secret("The token that you have agreed on.")] | None = None

    def __post_init__(self) -> None:
        """Refuse a token that is never looked at. Raises ValueError, which msgspec passes on."""
        if (self.token is None) is not (self.token_parameter is None):
            raise ValueError("`token` and `token_parameter` need each other")


class Crc(
    ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True,
    tag_field="kind", tag="crc",
):  # fmt: skip
    """A GET whose challenge is to be signed: a challenge-response check."""

    parameter: Annotated[str, _PARAMETER] = "crc_token"
    secret: Annotated[str, secret("The secret that the challenge is signed with.")]
    field: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=64, description="The field of the JSON that is answered."
        ),
    ] = "response_token"
    prefix: Annotated[
        str, msgspec.Meta(max_length=32, description="What stands before the signature.")
    ] = "sha256="
    encoding: Annotated[
        Literal["base64", "hex"], msgspec.Meta(description="How the signature is written.")
    ] = "base64"


Handshake = Echo | Crc


def verify(callback: Callback, handshake: Handshake) -> Verification | None:
    """Judge a handshake; None for what is none, which has to prove itself as usual."""
    if callback.method == "POST":
        if isinstance(handshake, Crc) and _SIGNABLE.fullmatch(_text(callback.body)):
            words = "the body could be what a handshake had signed: it is no callback"
            return Verification("failed", words)
        return None
    value = _one(callback, handshake.parameter)
    if callback.method != "GET" or value is None:
        return None
    if isinstance(handshake, Crc):
        if _SIGNABLE.fullmatch(value):
            return Verification("handshake", f"{handshake.parameter} is signed")
        words = "is not 8 to 256 letters, digits, - and _: nothing else is signed"
        return Verification("failed", f"{handshake.parameter} {words}")
    if not _VALUE.fullmatch(value):
        words = "is not 1 to 256 letters, digits and . _ ~ -: nothing else is given back"
        return Verification("failed", f"{handshake.parameter} {words}")
    if handshake.token_parameter is None:
        return Verification("handshake", f"{handshake.parameter} is given back")
    given = _one(callback, handshake.token_parameter) or ""
    if same(given, handshake.token or ""):
        return Verification("handshake", f"{handshake.token_parameter} matches")
    return Verification("failed", f"{handshake.token_parameter} is not the token of the connection")


def reply(callback: Callback, handshake: Handshake) -> HttpResponse:
    """Answer a handshake that was judged to be one."""
    value = _one(callback, handshake.parameter) or ""
    if isinstance(handshake, Echo):
        return HttpResponse(200, _PLAIN, value.encode())
    digest = hmac.digest(handshake.secret.encode(), value.encode(), hashlib.sha256)
    proof = b64encode(digest).decode() if handshake.encoding == "base64" else digest.hex()
    answer = msgspec.json.encode({handshake.field: f"{handshake.prefix}{proof}"})
    return HttpResponse(200, _JSON, answer)


def _one(callback: Callback, name: str) -> str | None:
    """Return a query parameter that is there once."""
    found = forms.pairs(callback.query) or []
    values = [value for key, value in found if key == name]
    return values[0] if len(values) == 1 else None


def _text(body: bytes) -> str:
    return body.decode("latin-1") if len(body) <= VALUE_MAX else ""
