"""How a callback proves where it comes from, for each scheme that `generic` can be configured with.

Checking a proof and making one stand side by side, because they must agree to the byte. All
comparisons take equally long; of every proof exactly one spelling counts, but for hex in capitals
and base64url with padding. No reason holds a secret.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from urllib.parse import quote

import msgspec

from ringback.domain.http import Callback, Headers, HttpRequest
from ringback.providers import forms
from ringback.providers.base import Verification, with_headers
from ringback.providers.generic_config import (
    ApiKey,
    Basic,
    Bearer,
    Hmac,
    Scheme,
    UrlToken,
    pieces,
)
from ringback.providers.proofs import by_url_token, failed, octets, only

_DIGITS = {"s": re.compile(r"[0-9]{10}"), "ms": re.compile(r"[0-9]{13}")}
_HEX = re.compile(r"[0-9a-f]*|[0-9A-F]*")


def verify(callback: Callback, scheme: Scheme, now_ms: int) -> Verification:
    """Check the proof of a callback. Raises nothing, whatever the callback holds."""
    match scheme:
        case Hmac():
            return _verify_hmac(callback, scheme, now_ms)
        case Basic():
            return _verify_basic(callback, scheme)
        case Bearer():
            return _verify_bearer(callback, scheme)
        case ApiKey():
            return _verify_api_key(callback, scheme)
        case UrlToken():
            return by_url_token(callback)


def covers(scheme: Scheme) -> tuple[str, bool]:
    """Say in words what a proof covers, and whether the URL is part of it."""
    if isinstance(scheme, Hmac):
        if "{url}" in scheme.signed:
            return "the signature covers this URL, letter for letter", True
        return "the signature covers the body, and not the URL", False
    if isinstance(scheme, UrlToken):
        return "it proves itself by nothing but this URL", False
    return "it comes with a password or key, and nothing is signed", False


def authenticate(request: HttpRequest, scheme: Scheme, now_ms: int) -> HttpRequest:
    """Give a request the proof that `verify` wants, made with the newest secret."""
    match scheme:
        case Hmac():
            return _sign(request, scheme, now_ms)
        case Basic():
            encoded = base64.b64encode(f"{scheme.username}:{scheme.password}".encode()).decode()
            return with_headers(request, (("Authorization", f"Basic {encoded}"),))
        case Bearer():
            return with_headers(request, (("Authorization", f"Bearer {scheme.token}"),))
        case ApiKey(in_="header"):
            return with_headers(request, ((scheme.name, scheme.value),))
        case ApiKey():
            bare = forms.without(request.url, scheme.name)
            mark = "&" if "?" in bare else "?"
            url = f"{bare}{mark}{quote(scheme.name, safe='')}={quote(scheme.value, safe='')}"
            return msgspec.structs.replace(request, url=url)
        case UrlToken():
            return request


def _verify_hmac(callback: Callback, scheme: Hmac, now_ms: int) -> Verification:
    given, fault = only(callback, scheme.header)
    if given is None:
        return failed(fault)
    if not given.startswith(scheme.prefix):
        return failed(f"{scheme.header} does not begin with {scheme.prefix!r}")
    sent = _decoded(given[len(scheme.prefix) :], scheme)
    if sent is None:
        return failed(f"{scheme.header} holds no {scheme.algorithm} in {scheme.encoding}")
    timestamp, fault = _timestamp(callback, scheme)
    if timestamp is None:
        return failed(fault)
    keys = [key for key in _known(scheme.secret, scheme.older) if key]
    if not _among(sent, [_mac(callback, scheme, key, timestamp) for key in keys]):
        return failed(
            f"the signature does not match what it should cover ({scheme.signed!r}): another "
            "secret made it, or something was changed on its way"
        )
    at_ms = int(timestamp or 0) * (1000 if scheme.timestamp_unit == "s" else 1)
    if timestamp and abs(at_ms - now_ms) > scheme.tolerance_s * 1000:
        return failed(f"signed more than {scheme.tolerance_s} s before or after now")
    # What is read of a callback without a body is its query: it has to be proved.
    if not callback.body and callback.query and "{url}" not in scheme.signed:
        return failed("all it says stands in the query, and the signature does not cover {url}")
    return Verification("ok", f"{scheme.header} matches {scheme.signed!r}")


def _timestamp(callback: Callback, scheme: Hmac) -> tuple[str | None, str]:
    """Return the digits of the time, "" where none is asked for, or None and what is wrong."""
    if scheme.timestamp_header is None:
        return "", ""
    found, fault = only(callback, scheme.timestamp_header)
    if found is not None and not _DIGITS[scheme.timestamp_unit].fullmatch(found):
        unit = {"s": "seconds", "ms": "milliseconds"}[scheme.timestamp_unit]
        return None, f"{scheme.timestamp_header} is no Unix time in {unit}"
    return found, fault


def _sign(request: HttpRequest, scheme: Hmac, now_ms: int) -> HttpRequest:
    timestamp = str(now_ms // 1000 if scheme.timestamp_unit == "s" else now_ms)
    made = _mac(request, scheme, scheme.secret.encode(), timestamp)
    written = {
        "hex": made.hex(),
        "base64": base64.b64encode(made).decode(),
        "base64url": base64.urlsafe_b64encode(made).decode().rstrip("="),
    }[scheme.encoding]
    headers: Headers = ((scheme.header, scheme.prefix + written),)
    if scheme.timestamp_header is not None:
        headers = ((scheme.timestamp_header, timestamp), *headers)
    return with_headers(request, headers)


def _mac(what: Callback | HttpRequest, scheme: Hmac, key: bytes, timestamp: str) -> bytes:
    values = {
        "{timestamp}": timestamp.encode(),
        "{method}": octets(what.method),
        "{url}": octets(what.url),
        "{body}": what.body,
    }
    made = hmac.new(key, digestmod=scheme.algorithm)
    for piece in pieces(scheme.signed):
        made.update(values[piece] if piece in values else piece.encode())
    return made.digest()


def _decoded(text: str, scheme: Hmac) -> bytes | None:
    """Decode a signature strictly: None for another alphabet, spelling or length."""
    if scheme.encoding == "hex":
        found = bytes.fromhex(text) if len(text) % 2 == 0 and _HEX.fullmatch(text) else None
    else:
        found = _unbase64(text, urlsafe=scheme.encoding == "base64url")
    size = hashlib.new(scheme.algorithm).digest_size
    return found if found is not None and len(found) == size else None


def _unbase64(text: str, *, urlsafe: bool = False) -> bytes | None:
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    if urlsafe and "=" not in text:
        text += "=" * (-len(text) % 4)
    try:
        found = base64.b64decode(text, b"-_" if urlsafe else None, validate=True)
    except ValueError:
        return None
    # Python takes stray bits and both alphabets: only the one right spelling counts.
    return found if encode(found).decode() == text else None


def _verify_basic(callback: Callback, scheme: Basic) -> Verification:
    if not callback.header_values("Authorization"):
        return Verification("challenge", "no credentials yet: asked for them")
    encoded, fault = _authorization(callback, "Basic")
    if encoded is None:
        return failed(fault)
    credentials = _unbase64(encoded)
    if credentials is None:
        return failed("the Authorization header is not Basic with canonical base64")
    username, _, password = credentials.partition(b":")
    # Both are compared, whatever the first says: the time taken must not tell them apart.
    known = _among(username, [scheme.username.encode()])
    right = _among(password, _known(scheme.password, scheme.older))
    if not (known & right):
        return failed("user name or password are not those of this connection")
    return Verification("ok", "Basic credentials match")


def _verify_bearer(callback: Callback, scheme: Bearer) -> Verification:
    given, fault = _authorization(callback, "Bearer")
    if given is None:
        return failed(fault)
    if not _among(octets(given), _known(scheme.token, scheme.older)):
        return failed("the bearer token is not one of this connection")
    return Verification("ok", "the bearer token matches")


def _verify_api_key(callback: Callback, scheme: ApiKey) -> Verification:
    if scheme.in_ == "header":
        given, fault = only(callback, scheme.name)
    else:
        found = [v for name, v in forms.pairs(callback.query) or () if name == scheme.name]
        given = found[0] if len(found) == 1 else None
        several = "several parameters" if found else "no readable parameter"
        fault = f"{several} {scheme.name} in the query"
    if given is None:
        return failed(fault)
    if not _among(octets(given), _known(scheme.value, scheme.older)):
        return failed(f"the {scheme.in_} {scheme.name} is not a key of this connection")
    return Verification("ok", f"the key in the {scheme.in_} {scheme.name} matches")


def _authorization(callback: Callback, scheme: str) -> tuple[str | None, str]:
    """Return what follows the scheme in the only Authorization header, or None and why not."""
    given, fault = only(callback, "Authorization")
    if given is None:
        return None, fault
    word, _, rest = given.partition(" ")
    return (rest, "") if word.lower() == scheme.lower() else (None, f"no {scheme} credentials")


def _among(given: bytes, known: Iterable[bytes]) -> bool:
    """Say whether `given` is one of these; empty ones never count. All are compared."""
    found = False
    for one in known:
        found |= bool(one) & hmac.compare_digest(given, one)
    return found


def _known(newest: str, older: list[str]) -> list[bytes]:
    return [one.encode() for one in (newest, *older)]
