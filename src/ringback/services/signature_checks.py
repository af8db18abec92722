"""Why a signature is refused, with an endpoint's own secrets; and which of them signed an attempt.

What is judged stands in domain/signature_check.py, which `ringback verify` uses as well.
"""

import asyncio
import base64
import hmac
from typing import Any, Literal

import msgspec

from ringback.domain.signature_check import TOLERANCE_S, Cause, Received, check, key_of, received
from ringback.storage.configuration import StoredEndpoint

# Guessing what went wrong signs the body about a thousand times.
BODY_MAX = 256 * 1024
Which = Literal["current", "retiring", "given"]


class Known(msgspec.Struct, frozen=True):
    """A secret that may have signed: whose it is, and until when it signs if it is retiring."""

    secret: str
    which: Which
    until_ms: int | None = None


class Compared(msgspec.Struct, frozen=True):
    """What a secret makes of a request (None: it is none, or something is missing); if it fits."""

    known: Known
    signature: str | None
    fits: bool


class Examined(msgspec.Struct, frozen=True):
    """A request as a receiver sees it: whether it should take it, and if not, why.

    `signed` are the bytes that are signed; None when the id or the timestamp is missing.
    """

    given: Received
    valid: bool
    causes: tuple[Cause, ...]
    signed: bytes | None
    compared: list[Compared]


def secrets_of(endpoint: StoredEndpoint, now_ms: int) -> list[Known]:
    """Return what signs for an endpoint at a moment, newest first."""
    current = [Known(secret, "current") for secret in endpoint.secrets]
    return current + [
        Known(secret, "retiring", until) for secret, until in endpoint.retiring if until > now_ms
    ]


async def examine(
    given: Received, known: list[Known], now_s: int, tolerance_s: int = TOLERANCE_S
) -> Examined:
    """Check a request as its receiver does, as of `now_s` (seconds since 1970)."""
    secrets = [one.secret for one in known]
    # In a thread: what was wrong is found by trying.
    found = await asyncio.to_thread(check, given, secrets, now_s, tolerance_s)
    return Examined(given, found.ok, found.causes, _signed(given), _compared(given, known))


def of_attempt(request: dict[str, Any] | None, body: bytes | None) -> Received | None:
    """Return what was sent in an attempt, or None when that is not known or was not signed."""
    if request is None or body is None:
        return None
    found = received([(name, value) for name, value in request["headers"]], body)
    if found.id is None or found.timestamp is None or found.signature is None:
        return None
    return found


def examine_attempt(given: Received, known: list[Known]) -> Examined:
    """Say which secrets signed an attempt."""
    compared = _compared(given, known)
    causes: tuple[Cause, ...] = ()
    if not any(one.fits for one in compared):
        detail = (
            "None of the endpoint's secrets made this signature: it was signed with one that has "
            "been replaced since. A replay is signed with those of today."
        )
        causes = (Cause("secret_replaced", detail),)
    return Examined(given, not causes, causes, _signed(given), compared)


def _signed(given: Received) -> bytes | None:
    if given.id is None or given.timestamp is None:
        return None
    return f"{given.id}.{given.timestamp}.".encode() + given.body


def _compared(given: Received, known: list[Known]) -> list[Compared]:
    claimed, signed = (given.signature or "").split(), _signed(given)
    compared = []
    for one in known:
        key, signature = key_of(one.secret), None
        if key is not None and signed is not None:
            digest = hmac.digest(key, signed, "sha256")
            signature = "v1," + base64.b64encode(digest).decode()
        compared.append(Compared(one, signature, signature is not None and signature in claimed))
    return compared
