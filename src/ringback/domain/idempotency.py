"""Idempotency keys: what a client writes so that a request that is sent twice happens once. Pure.

After the IETF's draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import re

HEADER = "idempotency-key"
REPLAYED = "idempotency-replayed"
KEY_MAX = 255
_KEY = re.compile(rf"[\x21-\x7e]{{1,{KEY_MAX}}}")
BAD_KEY = f"An idempotency key has 1 to {KEY_MAX} visible ASCII characters."
OTHER_BODY = "This key came with another body before: use a new key for another request."


def usable(key: str) -> bool:
    """Say whether a text can be a key."""
    return _KEY.fullmatch(key) is not None


def fingerprint(body: bytes) -> bytes:
    """Return what two requests with one key have in common if they are the same."""
    return hashlib.sha256(body).digest()
