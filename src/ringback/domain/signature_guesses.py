"""What a signature was really made of, found by trying what goes wrong in practice. Pure.

Three things can be off: the body, the key that was made of the secret, and what stands before the
body. Every way in which one of them is off is tried, then every pair.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Iterator
from itertools import product

import msgspec

from ringback.domain.signing import SECRET_PREFIX

_BOM = b"\xef\xbb\xbf"


class Target(msgspec.Struct, frozen=True):
    """What was received, and the digests that its signatures claim."""

    body: bytes
    id: str | None
    timestamp: str | None
    digests: frozenset[bytes]


class Guess(msgspec.Struct, frozen=True):
    """One thing that is off: a stable word, and what to do about it."""

    code: str
    detail: str


class _Try(msgspec.Struct, frozen=True):
    """A value to sign with, and what is off if it fits; None: nothing, it is as it was given."""

    value: bytes
    guess: Guess | None = None


def guess(target: Target, secret: str) -> tuple[Guess, ...] | None:
    """Return what is off, at most two things, if that explains a signature; None if nothing does.

    Nothing is off when the digest was only written in another way.
    """
    tries = list(product(_keys(secret), _heads(target), _bodies(target.body)))
    for allowed in range(3):
        for combination in tries:
            off = tuple(each.guess for each in combination if each.guess is not None)
            if len(off) == allowed:
                key, head, body = (each.value for each in combination)
                if hmac.digest(key, head + body, "sha256") in target.digests:
                    return off
    return _other_hash(target, tries[0][0].value if tries else b"")


def _other_hash(target: Target, key: bytes) -> tuple[Guess, ...] | None:
    for head, name in product(_heads(target), ("sha1", "sha512")):
        if hmac.digest(key, head.value + target.body, name) in target.digests:
            detail = f"It was signed with HMAC-{name.upper()}; Standard Webhooks use HMAC-SHA256."
            return (Guess("hash_other", detail), *([head.guess] if head.guess else []))
    return None


def _keys(secret: str) -> list[_Try]:
    """Go through the keys that people make of a secret."""
    bare = secret.strip().strip("'\"")
    part = bare.removeprefix(SECRET_PREFIX)
    tries = []
    decoded = _decoded(secret.removeprefix(SECRET_PREFIX))
    if decoded is not None:
        tries.append(_Try(decoded))
    trimmed = _decoded(part)
    if trimmed is not None and decoded is None:
        tries.append(_Try(trimmed, _SPACE))
    if trimmed is None and (lenient := _lenient(part)) is not None:
        tries.append(_Try(lenient, _LENIENT))
    tries += [_Try(bare.encode(), _TEXT), _Try(part.encode(), _TEXT_PART)]
    if (twice := _decoded((trimmed or b"").decode("latin-1"))) is not None:
        tries.append(_Try(twice, _TWICE))
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", part):
        tries.append(_Try(bytes.fromhex(part), _HEX))
    return tries


_SPACE = Guess(
    "secret_spaces", "The secret has spaces or quotes around it that do not belong to it."
)
_LENIENT = Guess(
    "secret_alphabet",
    "The secret is written in URL-safe or unpadded base64: receivers' libraries want the standard "
    "alphabet with padding. Copy it from Ringback once more.",
)
_TEXT = Guess(
    "secret_not_decoded",
    "It was signed with the secret's text as the key. The key is what stands after whsec_, decoded "
    "from base64.",
)
_TEXT_PART = Guess(
    "secret_not_decoded",
    "It was signed with the text after whsec_ as the key, without decoding it from base64.",
)
_TWICE = Guess("secret_decoded_twice", "It was signed with the secret decoded from base64 twice.")
_HEX = Guess("secret_hex", "It was signed with the secret read as hex; it is base64.")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _lenient(text: str) -> bytes | None:
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    return _decoded(plain + "=" * (-len(plain) % 4))


def _heads(target: Target) -> list[_Try]:
    """Go through what people put before the body."""
    id_, stamp = (target.id or "").encode(), (target.timestamp or "").encode()
    tries = []
    if target.id is not None and target.timestamp is not None:
        tries.append(_Try(b"%b.%b." % (id_, stamp)))
        tries.append(_Try(b"%b.%b." % (stamp, id_), _swapped("id and timestamp are swapped")))
    if target.timestamp is not None:
        tries.append(_Try(b"%b." % stamp, _swapped("the id is missing")))
        if re.fullmatch(rb"[0-9]{13}", stamp):
            short = stamp[:-3]
            tries.append(_Try(b"%b.%b." % (id_, short), _swapped("the timestamp is in seconds")))
        elif target.id is not None and re.fullmatch(rb"[0-9]{1,11}", stamp):
            long = stamp + b"000"
            tries.append(_Try(b"%b.%b." % (id_, long), _swapped("the timestamp is in ms")))
    if target.id is not None:
        tries.append(_Try(b"%b." % id_, _swapped("the timestamp is missing")))
    tries.append(_Try(b"", _swapped("there is only the body")))
    return tries


def _swapped(what: str) -> Guess:
    return Guess(
        "signed_content",
        f"In what was signed, {what}. It must be the id, the timestamp in seconds and the body, "
        "with dots between them: id.timestamp.body.",
    )


def _bodies(body: bytes) -> list[_Try]:
    """Go through what a body may have been before something wrote it anew, each text once."""
    seen = {body}
    tries = [_Try(body)]
    for value, guess_ in [*_texts(body), *_rewritten(body)]:
        if value not in seen:
            seen.add(value)
            tries.append(_Try(value, guess_))
    return tries


def _texts(body: bytes) -> Iterator[tuple[bytes, Guess]]:
    ends = "body_line_ends"
    lean = body.rstrip(b"\r\n")
    more = "The signed body has no line end at its end: something added one (an editor, echo)."
    less = "The signed body ends with a line end that is missing here: something cut it off."
    yield lean, Guess(ends, more)
    yield body + b"\n", Guess(ends, less)
    yield body + b"\r\n", Guess(ends, less)
    lines = "The signed body has {}, this one {}: something translated the line ends."
    unix = body.replace(b"\r\n", b"\n")
    yield unix, Guess(ends, lines.format("LF", "CRLF"))
    yield unix.replace(b"\n", b"\r\n"), Guess(ends, lines.format("CRLF", "LF"))
    yield body.strip(), Guess("body_spaces", "The signed body has no spaces around it.")
    mark = "byte order mark"
    yield body.removeprefix(_BOM), Guess("body_bom", f"This body has a {mark} that was not signed.")
    yield _BOM + body, Guess("body_bom", f"The signed body has a {mark} that is missing here.")
    yield (
        b"",
        Guess(
            "body_empty",
            "An empty body was signed: somebody had read the body before, and read it again when "
            "nothing was left.",
        ),
    )


_FORMS: tuple[tuple[str, dict[str, object]], ...] = (
    ("without spaces", {"separators": (",", ":")}),
    ("with a space after each comma and colon", {}),
    ("indented by two spaces", {"indent": 2}),
    ("indented by four spaces", {"indent": 4}),
    ("indented by tabs", {"indent": "\t"}),
)


def _rewritten(body: bytes) -> Iterator[tuple[bytes, Guess]]:
    """Go through the ways in which programs write the same JSON."""
    try:
        value = json.loads(body.removeprefix(_BOM))
    except (ValueError, RecursionError):
        return
    if isinstance(value, str):
        yield value.encode("utf-8", "replace"), _anew("as it is, not quoted as a JSON string")
        return
    for sort, escaped, (form, options) in product((False, True), (False, True), _FORMS):
        try:
            text = json.dumps(value, ensure_ascii=escaped, sort_keys=sort, **options)  # type: ignore[arg-type]
        except (ValueError, RecursionError):
            return
        words = form + (", its keys sorted" if sort else "")
        words += r", other letters as \u…" if escaped else ""
        for end in ("", "\n"):
            ended = words + (", and a line end" if end else "")
            yield (text + end).encode("utf-8", "replace"), _anew(ended)
            slashed = text.replace("/", "\\/") + end
            yield slashed.encode("utf-8", "replace"), _anew(ended + r", slashes as \/")
    whole = json.loads(body.removeprefix(_BOM), parse_float=_as_javascript)
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    yield text.encode("utf-8", "replace"), _anew("as JavaScript does, numbers without .0")


def looks_sorted(body: bytes) -> bool:
    """Say whether a JSON object has three keys or more, in alphabetical order."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and len(value) > 2 and list(value) == sorted(value)


def _as_javascript(text: str) -> float | int:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e21 else number


def _anew(form: str) -> Guess:
    return Guess(
        "body_rewritten",
        f"The signature belongs to the same JSON, written {form}. So something parsed the body and "
        "wrote it anew: sign and verify the raw bytes of the request, before a framework touches "
        "them (request.get_data() in Flask, await request.body() in FastAPI, express.raw() in "
        "Express).",
    )
