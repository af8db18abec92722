"""How a callback of SMSPortal's proves where it comes from, and how one is made that does.

The signature is an HMAC-SHA256 over `v1:{timestamp}|{METHOD}|{url}|{body}`, after
https://docs.smsportal.com/docs/webhook-signatures, which does not say how it is written: lower- or
upper-case hex or base64, alone or after `v1=` or `v1:`, counts. All comparisons take equally long.
"""

import base64
import hmac
import re

import msgspec

from ringback.domain.http import Callback, Headers, HttpRequest
from ringback.providers import header_words, reading
from ringback.providers.base import Verification, with_headers
from ringback.providers.proofs import by_url_token, failed, hidden, octets, only
from ringback.providers.smsportal_config import Proof, SharedHeader, Signature, UrlToken

METHODS = ("GET", "POST")
# What is looked at to explain a refusal.
EXPLAINED_MAX = 16 * 1024
SIGNATURE_MAX = 128
NAMES_MAX = 4

_WHERE = "among the custom headers of the webhook at SMSPortal"

_PREFIX = re.compile(r"v1[=:]")
_HEX = re.compile(r"[0-9a-f]{64}|[0-9A-F]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{43}=")
_UNIX = re.compile(r"[0-9]{10}|[0-9]{13}")


def verify(callback: Callback, proof: object, now_ms: int) -> Verification:
    """Check the proof of a callback. Raises nothing, whatever the callback holds.

    A `proof` that is none of ours is closed.
    """
    if callback.method not in METHODS:
        return failed("the method is neither GET nor POST")
    match proof:
        case Signature():
            return _signed(callback, proof, now_ms)
        case SharedHeader():
            return _shared(callback, proof)
        case UrlToken():
            return by_url_token(callback)
    return failed("the connection does not say how callbacks prove themselves")


def authenticate(request: HttpRequest, proof: object, now_ms: int) -> HttpRequest:
    """Give a request the proof that `verify` wants; the token stands in its URL already."""
    match proof:
        case Signature():
            stamp = str(now_ms // 1000)
            made = _mac(request, stamp, proof)
            written = base64.b64encode(made).decode() if proof.encoding == "base64" else made.hex()
            headers: Headers = ((proof.timestamp_header, stamp), (proof.header, written))
            return with_headers(request, headers)
        case SharedHeader():
            return with_headers(request, ((proof.name, proof.value),))
    return request


def covers(proof: Proof) -> tuple[str, bool]:
    """Say in words what a proof covers, and whether the URL is part of it."""
    match proof:
        case Signature():
            return "the signature covers the time, the method, this URL and the body", True
        case SharedHeader():
            return "it comes with a secret header, and nothing is signed", False
        case UrlToken():
            return "it proves itself by nothing but this URL", False


def explain(callback: Callback, proof: object, now_ms: int) -> str | None:
    """Say in words why a callback may have been refused; None: no idea."""
    match proof:
        case Signature():
            return _elsewhere(callback, proof, now_ms)
        case SharedHeader():
            return header_words.header_fault(callback, proof.name, proof.value, _WHERE)
    return None


def _elsewhere(callback: Callback, proof: Signature, now_ms: int) -> str | None:
    """Look for the signature under other headers: SMSPortal does not say what they are called."""
    if len(callback.body) > EXPLAINED_MAX:
        return None
    named = [(name, value) for name, value in callback.headers if len(value) <= SIGNATURE_MAX]
    signed = [name for name, value in named if _decoded(value, "any") is not None][:NAMES_MAX]
    stamped = [
        name for name, value in named if _UNIX.fullmatch(value) or reading.iso_ms(value) is not None
    ][:NAMES_MAX]
    for header in dict.fromkeys(signed):
        for stamp in dict.fromkeys(stamped):
            other = msgspec.structs.replace(
                proof, header=header, timestamp_header=stamp, encoding="any"
            )
            if _signed(callback, other, now_ms).verdict == "ok":
                return (
                    f"It fits with the signature in {header}, the time in {stamp} and any "
                    "encoding: set header, timestamp_header and encoding so."
                )
    if not callback.header_values(proof.header) and signed:
        return (
            f"What looks like a signature stands in {signed[0]}: if that is where SMSPortal puts "
            "it, set header so."
        )
    return None


def conceal(callback: Callback, proof: Proof) -> Callback:
    """Hide the value of the header that lets callbacks in."""
    if not isinstance(proof, SharedHeader):
        return callback
    return hidden(callback, proof.name)


def _signed(callback: Callback, proof: Signature, now_ms: int) -> Verification:
    if not proof.secret:
        return failed("the connection has no signature secret")
    given, fault = only(callback, proof.header)
    if given is None:
        return failed(fault)
    stamp, fault = only(callback, proof.timestamp_header)
    if stamp is None:
        return failed(fault)
    sent = _decoded(given, proof.encoding)
    if sent is None:
        written = "hex or base64" if proof.encoding == "any" else proof.encoding
        return failed(f"{proof.header} holds no SHA-256 in {written}")
    at_ms = reading.unix_ms(stamp) if _UNIX.fullmatch(stamp) else reading.iso_ms(stamp)
    if at_ms is None:
        return failed(f"{proof.timestamp_header} is no Unix time, and no ISO 8601 with a zone")
    if not hmac.compare_digest(_mac(callback, stamp, proof), sent):
        return failed(
            "the signature does not match the time, method, URL and body: another secret made "
            "it, SMSPortal calls another URL than this, or something was changed on its way"
        )
    if abs(at_ms - now_ms) > proof.tolerance_s * 1000:
        return failed(f"signed more than {proof.tolerance_s} s before or after now")
    return Verification("ok", f"{proof.header} matches the time, method, URL and body")


def _shared(callback: Callback, proof: SharedHeader) -> Verification:
    if not proof.value:
        return failed(f"the connection has no value for the header {proof.name}")
    given, fault = only(callback, proof.name)
    if given is None:
        return failed(fault)
    if not hmac.compare_digest(octets(given), proof.value.encode()):
        return failed(f"the header {proof.name} does not hold the value of this connection")
    return Verification("ok", f"the header {proof.name} holds the right value")


def _mac(what: Callback | HttpRequest, stamp: str, proof: Signature) -> bytes:
    made = hmac.new(proof.secret.encode(), digestmod="sha256")
    made.update(b"v1:" + octets(f"{stamp}|{what.method.upper()}|{what.url}|"))
    made.update(what.body)
    return made.digest()


def _decoded(text: str, encoding: str) -> bytes | None:
    """Decode a signature strictly: None for another alphabet, spelling or length."""
    prefix = _PREFIX.match(text)
    if prefix is not None:
        text = text[prefix.end() :]
    if encoding != "base64" and _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if encoding != "hex" and _BASE64.fullmatch(text):
        found = base64.b64decode(text)
        # Python takes stray bits: only the one right spelling counts.
        return found if base64.b64encode(found).decode() == text else None
    return None
