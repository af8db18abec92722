"""Schemes of `generic`, one of each kind, and callbacks that are proved by them."""

from typing import Any

from ringback.domain.http import Callback, HttpRequest
from ringback.providers import generic_proofs
from ringback.providers.base import Verification
from ringback.providers.config import load_config
from ringback.providers.generic_config import GenericConfig, Scheme
from ringback.providers.recorded import NOW_MS

from .cases import arrived

URL = "https://hooks.example/in/a-token-of-22-characters?source=acme"
BODY = b'{"id": 7001, "status": "delivered"}'
REQUEST = HttpRequest("POST", URL, (("Content-Type", "application/json"),), BODY)
STAMPED: dict[str, Any] = {
    "secret": "not-a-real-secret", "header": "X-Signature", "signed": "{timestamp}.{body}",
    "timestamp_header": "X-Timestamp",
}  # fmt: skip
SCHEMES: dict[str, dict[str, Any]] = {
    "hmac": {"scheme": "hmac", "secret": "not-a-real-secret", "header": "X-Signature"},
    "stamped": {"scheme": "hmac", **STAMPED},
    "whole": {"scheme": "hmac", **STAMPED, "signed": "{method}\n{url}\n{timestamp}\n{body}"},
    "basic": {"scheme": "basic", "username": "acme", "password": "not-a-real-password-1"},
    "bearer": {"scheme": "bearer", "token": "not-a-real-token"},
    "header": {"scheme": "api_key", "name": "X-Api-Key", "value": "not-a-real-key"},
    "query": {"scheme": "api_key", "in": "query", "name": "key", "value": "not-a-real-key"},
    "url_token": {"scheme": "url_token"},
}
WITH_SECRETS = [name for name in SCHEMES if name != "url_token"]


def scheme_of(raw: dict[str, Any], **changes: Any) -> Scheme:
    """Make a scheme of plain values."""
    return load_config(GenericConfig, {"verify": {**raw, **changes}}).verify


def proved(raw: dict[str, Any], request: HttpRequest = REQUEST, **changes: Any) -> Callback:
    """Make a genuine callback."""
    scheme = scheme_of(raw, **changes)
    return arrived(generic_proofs.authenticate(request, scheme, NOW_MS))


def check(callback: Callback, raw: dict[str, Any], **changes: Any) -> Verification:
    """Verify a callback at the time of the recordings."""
    return generic_proofs.verify(callback, scheme_of(raw, **changes), NOW_MS)


def headed(raw: dict[str, Any], name: str, value: str, body: bytes = BODY) -> Verification:
    """Verify a callback with one header."""
    return check(Callback("POST", URL, ((name, value),), body), raw)
