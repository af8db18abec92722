"""Requests as bytes: the last place where a header can be stopped. It sends nothing itself."""

import functools

from ringback.domain.headers import InvalidHeader, check_header
from ringback.errors import RingbackError
from ringback.transport.exchange import Outgoing

MAX_REQUEST_BODY = 16 * 1024 * 1024
"""Bytes of a request's body."""
MAX_REQUEST_HEAD = 32 * 1024
"""Bytes of a request's header fields."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_CONTROLS = bytes(set(range(32)) - {9} | {127})


class Unsendable(RingbackError):
    """A request whose method or size is never sent."""


def encode(request: Outgoing) -> bytes:
    """Build the bytes of a request; raises `InvalidHeader` or `Unsendable`.

    The header fields are checked here too, whoever built them, so that no caller can forget it:
    names against the list, values by counting control characters in one pass.
    """
    headers, body, target = request.headers, request.body, request.target
    if request.method not in _METHODS:
        raise Unsendable("This method cannot be sent.")
    if len(body) > MAX_REQUEST_BODY:
        raise Unsendable(f"The body is larger than {MAX_REQUEST_BODY} bytes.")
    for name, _ in headers:
        if not _name_allowed(name):
            check_header(name, "")
    text = "".join([f"{name}: {value}\r\n" for name, value in headers])
    try:
        fields = text.encode("ascii")
    except UnicodeEncodeError:
        raise InvalidHeader("A header value is not ASCII.") from None
    if len(fields.translate(None, _CONTROLS)) != len(fields) - 2 * len(headers):
        raise InvalidHeader("A header value contains a line end or control character.")
    if len(fields) > MAX_REQUEST_HEAD:
        raise Unsendable(f"The header fields are larger than {MAX_REQUEST_HEAD} bytes.")
    head = (
        f"{request.method} {target.path} HTTP/1.1\r\nHost: {target.host_header}\r\n"
        "Accept-Encoding: identity\r\n"
    )
    if body or request.method in _WITH_BODY:
        head += f"Content-Length: {len(body)}\r\n"
    return b"".join((head.encode("ascii"), fields, b"\r\n", body))


@functools.lru_cache(maxsize=1024)
def _name_allowed(name: str) -> bool:
    """Remember the verdict on a header name: there are few of them, and every request asks."""
    try:
        check_header(name, "")
    except InvalidHeader:
        return False
    return True
