"""Standard Webhooks signatures: what goes into the headers of a delivery.

The signed string is `{id}.{timestamp}.{body}`; the key is the base64 part of a `whsec_` secret.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib

SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix, not a secret
SECRET_BYTES = 24
_SHORTEST, _LONGEST = 24, 64
_BLOCK = 64


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


class Signer:
    """Signs for one endpoint, with every active key; receivers accept any of the signatures.

    HMAC (RFC 2104) hashes a block made of the key before anything else, twice: that is done once.
    """

    __slots__ = ("_keyed",)

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """Take the keys, newest first."""
        self._keyed = [(_keyed(key, 0x36), _keyed(key, 0x5C)) for key in keys]

    def sign(self, event_id: str, timestamp_s: int, body: bytes) -> str:
        """Sign one attempt.

        `timestamp_s` is the attempt's own time in seconds: a fresh one for each attempt, while the
        event's id stays.
        """
        signed = b"%b.%d.%b" % (event_id.encode(), timestamp_s, body)
        return " ".join([_signature(inner, outer, signed) for inner, outer in self._keyed])


def _keyed(key: bytes, pad: int) -> "hashlib._Hash":
    block = key if len(key) <= _BLOCK else hashlib.sha256(key).digest()
    return hashlib.sha256(bytes(byte ^ pad for byte in block.ljust(_BLOCK, b"\0")))


def _signature(inner: "hashlib._Hash", outer: "hashlib._Hash", signed: bytes) -> str:
    first = inner.copy()
    first.update(signed)
    second = outer.copy()
    second.update(first.digest())
    return "v1," + binascii.b2a_base64(second.digest(), newline=False).decode()
