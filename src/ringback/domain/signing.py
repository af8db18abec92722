"""Standard Webhooks signatures: what goes into the headers of a delivery.

The signed string is `{id}.{timestamp}.{body}`; the key is the base64 part of a `whsec_` secret.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac

SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix, not a secret
SECRET_BYTES = 24
_SHORTEST, _LONGEST = 24, 64


def new_secret(entropy: bytes) -> str:
    """Write `SECRET_BYTES` of randomness as a signing secret."""
    return SECRET_PREFIX + base64.b64encode(entropy[:SECRET_BYTES]).decode()


def secret_key(secret: str) -> bytes | None:
    """Return the key of a `whsec_` secret, or None when it is not one (24 to 64 bytes)."""
    if not secret.startswith(SECRET_PREFIX):
        return None
    try:
        key = base64.b64decode(secret[len(SECRET_PREFIX) :], validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if _SHORTEST <= len(key) <= _LONGEST else None


def signature(keys: tuple[bytes, ...], event_id: str, timestamp_s: int, body: bytes) -> str:
    """Sign one attempt with every active key; receivers accept any of them.

    `timestamp_s` is the attempt's own time in seconds: a fresh one for each attempt, while the
    event's id stays.
    """
    signed = b"%b.%d.%b" % (event_id.encode(), timestamp_s, body)
    return " ".join(
        "v1," + binascii.b2a_base64(hmac.digest(key, signed, "sha256"), newline=False).decode()
        for key in keys
    )
