"""What checks of proofs have in common, whatever the provider: one header, its bytes, the token.

What differs stands with the adapter; nothing here knows one of them.
"""

import hmac

import msgspec

from ringback.domain.http import Callback
from ringback.providers.base import Verification

# What stands in place of a secret in what is kept.
HIDDEN = "(hidden)"
# As long as the tokens that are made by chance: 128 bits in base64url.
TOKEN_MIN = 22


def failed(reason: str) -> Verification:
    """Refuse a callback, with words that hold no secret."""
    return Verification("failed", reason)


def only(callback: Callback, name: str) -> tuple[str | None, str]:
    """Return the only header that is called so, or None and what is wrong."""
    found = callback.header_values(name)
    if len(found) == 1:
        return found[0], ""
    return None, f"{'several headers' if found else 'no header'} {name}"


def octets(text: str) -> bytes:
    """Return the bytes that came: heads of requests are read as Latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def same(sent: str, known: str) -> bool:
    """Compare two secrets in a time that does not tell where they differ; none is never right."""
    right = hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), known.encode())
    return right and bool(known)


def by_url_token(callback: Callback) -> Verification:
    """Check that the token in the URL is long enough to be the only proof there is."""
    path = callback.url.partition("?")[0]
    if len(path.rpartition("/")[2]) < TOKEN_MIN:
        return failed(
            f"the token in the URL is all there is to prove anything, and has fewer than "
            f"{TOKEN_MIN} characters: make the connection anew without a token of your own"
        )
    return Verification("ok", "by the token in the URL alone")


def hidden(callback: Callback, name: str) -> Callback:
    """Return the callback as it may be kept: without the values of the headers called so."""
    headers = tuple(
        (header, HIDDEN if header.lower() == name.lower() else value)
        for header, value in callback.headers
    )
    return msgspec.structs.replace(callback, headers=headers)
