"""Outgoing header fields: which names and values may go on the wire. Pure.

Two lists of reserved names: `FRAMING` belongs to the HTTP client, whoever asks; `SIGNING` belongs
to the sender of webhooks, so an endpoint's custom headers may not use it either.
"""

import re

from ringback.domain.http import Headers
from ringback.errors import RingbackError

MAX_CUSTOM = 20
"""The most custom headers of one endpoint."""
MAX_CUSTOM_BYTES = 4096
"""The most bytes of all custom headers of one endpoint, as sent."""

FRAMING = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer",
    "upgrade", "expect", "accept-encoding", "proxy-connection", "proxy-authorization",
    "proxy-authenticate", "http2-settings",
})  # fmt: skip
"""What only the HTTP client sets."""
SIGNING = frozenset({
    "signature", "signature-input", "content-digest", "digest", "content-type", "user-agent",
})  # fmt: skip
"""What only the sender of webhooks sets, besides names that begin with `RESERVED`."""
RESERVED = ("webhook-", "ringback-")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?")


class InvalidHeader(RingbackError):
    """A header that is never sent; the message names the header, never its value."""


def check_header(name: str, value: str) -> None:
    """Raise `InvalidHeader` unless this pair may stand in any outgoing request.

    The name is a token that the HTTP client does not own; the value is visible ASCII with blanks
    inside, so no line end, NUL or other control character can begin a second line.
    """
    if not _NAME.fullmatch(name):
        raise InvalidHeader("A header name may hold letters, digits and hyphens only.")
    if name.lower() in FRAMING:
        raise InvalidHeader(f"The header {name} is set by the HTTP client itself.")
    if not _VALUE.fullmatch(value):
        message = f"The value of {name} may hold visible ASCII characters and inner blanks only."
        raise InvalidHeader(message)


def check_custom_headers(headers: Headers) -> None:
    """Raise `InvalidHeader` unless these may be the custom headers of an endpoint."""
    if len(headers) > MAX_CUSTOM:
        raise InvalidHeader(f"At most {MAX_CUSTOM} custom headers can be set.")
    seen = set()
    for name, value in headers:
        check_header(name, value)
        lowered = name.lower()
        if lowered in SIGNING or lowered.startswith(RESERVED):
            raise InvalidHeader(f"The header {name} is set by Ringback.")
        if lowered in seen:
            raise InvalidHeader(f"The header {name} is set twice.")
        seen.add(lowered)
    if sum(len(name) + len(value) + 4 for name, value in headers) > MAX_CUSTOM_BYTES:
        raise InvalidHeader(f"Custom headers can have {MAX_CUSTOM_BYTES} bytes together.")
