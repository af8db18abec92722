"""Checking a signed webhook, and finding out why a check fails. Pure; only for debugging.

A receiver needs a yes or a no (`standardwebhooks` and `svix` say it); whoever debugs one needs the
reason. Not here: the reasons that are found by trying (signature_guesses.py).
"""

import base64
import binascii
import hmac
import re
from collections.abc import Sequence

import msgspec

from ringback.domain.signature_guesses import Target, guess, looks_sorted
from ringback.domain.signing import SECRET_PREFIX

TOLERANCE_S = 300
# Guessing computes about a thousand signatures of the body.
GUESS_BODY_MAX = 1024 * 1024
_FIELDS = ("id", "timestamp", "signature")
_FAMILIES = ("webhook", "svix")
_MILLISECONDS = 10**11


class Received(msgspec.Struct, frozen=True):
    """A signed webhook as it was received; None: that header was not there.

    `length` is what its Content-Length said, in bytes.
    """

    body: bytes
    id: str | None = None
    timestamp: str | None = None
    signature: str | None = None
    length: int | None = None


class Cause(msgspec.Struct, frozen=True):
    """One reason why a check fails: a stable word, and what is wrong and what to do."""

    code: str
    detail: str


class Checked(msgspec.Struct, frozen=True):
    """What a check found; `secret` is the index of the secret that fits, also when it is too old.

    With causes the check has failed, and the first is the likeliest.
    """

    secret: int | None
    causes: tuple[Cause, ...]

    @property
    def ok(self) -> bool:
        """Whether a receiver should take it."""
        return self.secret is not None and not self.causes


class Signatures(msgspec.Struct, frozen=True):
    """A signature header taken apart: digests of `v1`, and what is odd about the rest."""

    digests: tuple[bytes, ...]
    odd: tuple[bytes, ...]
    causes: tuple[Cause, ...]


def received(
    headers: Sequence[tuple[str, str]], body: bytes, *, given: dict[str, str | None] | None = None
) -> Received:
    """Collect what a check needs from header fields, of any case and of either family of names.

    What is `given` by name (`id`, `timestamp`, `signature`) goes before the headers.
    """
    by_name: dict[str, str] = {}
    for name, value in headers:
        by_name.setdefault(name.strip().lower(), value.strip())
    found = {
        field: next(
            (by_name[name] for family in _FAMILIES if (name := f"{family}-{field}") in by_name),
            None,
        )
        for field in _FIELDS
    }
    found |= {field: value for field, value in (given or {}).items() if value is not None}
    length = by_name.get("content-length", "")
    return Received(
        body, found["id"], found["timestamp"], found["signature"],
        int(length) if re.fullmatch(r"[0-9]{1,15}", length) else None,
    )  # fmt: skip


def key_of(secret: str) -> bytes | None:
    """Return the key of a secret as receivers' libraries read it: base64, `whsec_` or not."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key or None


def check(
    given: Received, secrets: Sequence[str], now_s: int, tolerance_s: int = TOLERANCE_S
) -> Checked:
    """Check as a receiver does, with any of several secrets; say why when it must be refused.

    `now_s` is the receiver's clock in seconds since 1970.
    """
    causes = [*_missing(given), *_stale(given.timestamp, now_s, tolerance_s)]
    signatures = _read_signatures(given.signature)
    fitting = _fitting(given, secrets, signatures.digests)
    if fitting is not None:
        if causes:
            note = "The signature itself is right: secret, id, timestamp and body belong together."
            causes.append(Cause("signature_right", note))
        return Checked(fitting, tuple(causes))
    causes += signatures.causes
    if given.length is not None and given.length != len(given.body):
        causes.insert(0, _wrong_length(given.length, len(given.body)))
    causes += _unreadable(secrets)
    if given.signature is None:
        return Checked(None, tuple(causes))
    why = _guessed(given, secrets, signatures)
    return Checked(
        None, tuple([*why, *causes] if why else [*causes, _nothing_fits(secrets, given.body)])
    )


def _missing(given: Received) -> list[Cause]:
    return [
        Cause(
            f"{field}_missing",
            f"There is no webhook-{field} header. The signature covers id, timestamp and body, so "
            "a receiver needs all three headers: see that your proxy or framework passes them on.",
        )
        for field in _FIELDS
        if getattr(given, field) is None
    ]


def _stale(text: str | None, now_s: int, tolerance_s: int) -> list[Cause]:
    if text is None:
        return []
    if not re.fullmatch(r"[0-9]{1,18}", text):
        detail = f"webhook-timestamp is {text[:40]!r}: it must be whole seconds since 1970."
        return [Cause("timestamp_unreadable", detail)]
    stamp = int(text)
    if stamp > _MILLISECONDS:
        detail = f"webhook-timestamp {stamp} counts milliseconds: it must be seconds since 1970."
        return [Cause("timestamp_milliseconds", detail)]
    off = now_s - stamp
    if abs(off) <= tolerance_s:
        return []
    if off > 0:
        detail = (
            f"The timestamp is {words(off)} old, {words(off - tolerance_s)} more than the "
            f"tolerance of {words(tolerance_s)}. Either it waited on its way or comes from a log "
            "(to check an old one, give its own time with --at), or this clock is ahead."
        )
        return [Cause("too_old", detail)]
    detail = (
        f"The timestamp is {words(-off)} in the future, {words(-off - tolerance_s)} more than the "
        f"tolerance of {words(tolerance_s)}: this machine's clock is behind; see that it is kept "
        "by NTP."
    )
    return [Cause("in_the_future", detail)]


def words(seconds: int) -> str:
    """Say a length of time in its two largest units."""
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _read_signatures(text: str | None) -> Signatures:
    """Take a signature header apart: `v1,<base64>` entries, separated by spaces."""
    digests, odd, causes, versions = [], [], [], []
    for entry in (text or "").split():
        version, comma, value = entry.partition(",")
        if comma:
            versions.append(version)
        digest = _strict_digest(value)
        if comma and version == "v1" and digest is not None:
            digests.append(digest)
        elif not comma or version == "v1":
            odd += _lenient_digests(value if comma else entry)
            causes.append(_malformed(entry, comma))
    if versions and "v1" not in versions:
        found = ", ".join(sorted({version[:20] for version in versions}))
        detail = (
            f"The signature header has only {found}. Ringback signs with v1 (HMAC-SHA256 and a "
            "shared secret)"
        )
        if "v1a" in versions:
            detail += "; v1a is Ed25519 and checked with the sender's public key, not with a secret"
        causes.append(Cause("version_unknown", f"{detail}."))
    elif text is not None and not text.split():
        causes.append(Cause("signature_empty", "The signature header is empty."))
    return Signatures(tuple(digests), tuple(odd), tuple(causes))


def _malformed(entry: str, comma: str) -> Cause:
    if not comma:
        detail = (
            f"The signature {entry[:12]!r}… has no version: each one is `v1,` and base64, and "
            "several are separated by spaces. Take the header as it came."
        )
        return Cause("signature_unversioned", detail)
    return Cause(
        "signature_malformed",
        f"The signature {entry[:12]!r}… is not 32 bytes in base64: it was cut, or written in "
        "another way (hex, URL-safe base64).",
    )


def _strict_digest(text: str) -> bytes | None:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == 32 else None


def _lenient_digests(text: str) -> list[bytes]:
    """Read a digest that was written in other ways: hex, URL-safe or unpadded base64."""
    if re.fullmatch(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{128}", text):
        return [bytes.fromhex(text)]
    if re.fullmatch(r"[0-9A-Za-z+/_-]{27,86}={0,2}", text):
        plain = text.replace("-", "+").replace("_", "/").rstrip("=")
        try:
            return [base64.b64decode(plain + "=" * (-len(plain) % 4))]
        except (binascii.Error, ValueError):
            return []
    return []


def _fitting(given: Received, secrets: Sequence[str], digests: Sequence[bytes]) -> int | None:
    if given.id is None or given.timestamp is None:
        return None
    signed = f"{given.id}.{given.timestamp}.".encode() + given.body
    for number, secret in enumerate(secrets):
        key = key_of(secret)
        if key is not None:
            digest = hmac.digest(key, signed, "sha256")
            if any(hmac.compare_digest(digest, each) for each in digests):
                return number
    return None


def _wrong_length(said: int, came: int) -> Cause:
    lost = "were cut off" if came < said else "were added"
    return Cause(
        "body_length",
        f"Content-Length says {said} bytes, but {came} were given here: {abs(said - came)} bytes "
        f"{lost}. Check the body exactly as it came.",
    )


def _unreadable(secrets: Sequence[str]) -> list[Cause]:
    causes = []
    for number, secret in enumerate(secrets, 1):
        if key_of(secret) is None:
            detail = (
                f"{_which(number, secrets)} is not base64"
                f"{' after whsec_' if secret.startswith(SECRET_PREFIX) else ''}: it was cut, or "
                "has characters that do not belong to it."
            )
            causes.append(Cause("secret_unreadable", detail))
    return causes


def _which(number: int, secrets: Sequence[str]) -> str:
    return "The secret" if len(secrets) == 1 else f"Secret {number} of {len(secrets)}"


def _guessed(given: Received, secrets: Sequence[str], signatures: Signatures) -> list[Cause]:
    if len(given.body) > GUESS_BODY_MAX:
        return []
    target = Target(
        given.body, given.id, given.timestamp, frozenset((*signatures.digests, *signatures.odd))
    )
    for number, secret in enumerate(secrets, 1):
        found = guess(target, secret)
        if found is not None:
            causes = [Cause(each.code, each.detail) for each in found]
            if not causes:  # right but for how the digest was written, which is told already
                return []
            if len(secrets) > 1:
                which = f"It is secret {number} of {len(secrets)} that signed it."
                causes.append(Cause("secret_found", which))
            return causes
    return []


def _nothing_fits(secrets: Sequence[str], body: bytes) -> Cause:
    count = "the secret that was given" if len(secrets) == 1 else f"any of {len(secrets)} secrets"
    order = (
        " The body's keys are in alphabetical order: something may have sorted them, and in which "
        "order they were signed cannot be told from that."
    )
    return Cause(
        "secret_or_body",
        f"This signature was not made with {count} over this body, nor over the same JSON written "
        "in another way. Most likely it is another endpoint's secret, or one that was rotated "
        "(each endpoint has its own; GET /v1/endpoints/{id}/secret shows it); else something has "
        f"changed the body's text on its way.{order if looks_sorted(body) else ''}",
    )
