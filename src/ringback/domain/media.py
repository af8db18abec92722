"""Files that people send: their signed links, and what they may be served as. Pure.

A link is `{base}/media/{id}.{until}.{proof}`: whoever has it may fetch the file until then, and
needs no key. Fetching and keeping files is the business of `services.media`.
"""

import base64
import hashlib
import hmac
import uuid

from ringback.domain.ids import read, show

PREFIX = "/media/"
LINK_S = 7 * 86_400
"""Seconds that a link is good for."""
FILE_MAX = 25 * 1024 * 1024
"""Bytes of a file that is kept; a larger one is given up."""
PER_MESSAGE_MAX = 10
"""Files of one message that are fetched. Providers allow 10 at most."""
# What a browser shows in place. Everything else is a download: a file that somebody sent must
# never run as a page of ours.
_SHOWN = ("image/jpeg", "image/png", "image/gif", "image/webp", "audio/", "video/")
_OTHER = "application/octet-stream"
_PROOF_BYTES = 16


def link(base: str, secret: bytes, file: uuid.UUID, until_s: int) -> str:
    """Make the link to a file; `until_s` is when it ends, in seconds since 1970."""
    named = f"{show('med', file)}.{until_s}"
    return f"{base}{PREFIX}{named}.{_proof(secret, named)}"


def linked(secret: bytes, token: str) -> tuple[uuid.UUID, int] | None:
    """Read what follows `/media/` in a link: the file, and when the link ends.

    None for what no installation with this secret has made.
    """
    named, _, proof = token.rpartition(".")
    shown, _, until = named.partition(".")
    right = _proof(secret, named).encode()
    if not hmac.compare_digest(right, proof.encode("utf-8", "replace")):
        return None
    file = read("med", shown)
    return None if file is None or not until.isdigit() else (file, int(until))


def _proof(secret: bytes, named: str) -> str:
    key = hmac.digest(secret, b"media link", hashlib.sha256)
    proof = hmac.digest(key, named.encode("utf-8", "replace"), hashlib.sha256)[:_PROOF_BYTES]
    return base64.urlsafe_b64encode(proof).rstrip(b"=").decode()


def served_as(content_type: str | None) -> tuple[str, bool]:
    """Return the content type that a file is served as, and whether it may be shown in place."""
    plain = (content_type or "").partition(";")[0].strip().lower()
    known = (
        plain.isascii()
        and plain.startswith(_SHOWN)
        and plain.replace("/", "").replace("-", "").replace("+", "").replace(".", "").isalnum()
    )
    return (plain, True) if known else (_OTHER, False)
