"""How adapters read: single fields (text, times, addresses) and bodies that may be mistyped.

A field that cannot be used is None, never an
exception: one bad field must not cost the item it stands in.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import msgspec

from ringback.domain.http import Headers, HttpResponse
from ringback.domain.messages import ErrorClass, Failure
from ringback.domain.retry import RETRY_AFTER_MAX_S
from ringback.domain.strict_json import (
    UNREADABLE,
    StrictJsonError,
    check,
    check_strings,
    check_structure,
    is_mended,
    mend,
    unchecked,
)
from ringback.providers.base import Checked, Item, Parsed, SendResult, Unparsed, Unrecognised

ID_MAX = 512
REFERENCE_MAX = 1024
TEXT_MAX = 65_536
KIND_MAX = 64
GROUP_MAX = 50
# A body has at most 4 MiB: as many as it can hold of pieces that say something, of 128 bytes.
PIECES_MAX = 32_768

S = TypeVar("S", bound=msgspec.Struct)

_REFUSALS: dict[int, tuple[ErrorClass, str]] = {
    401: ("platform", "unauthorised"),
    403: ("platform", "unauthorised"),
    429: ("throttled", "rate"),
}
# Letters, digits and what stands between them; not that alone.
_KIND = re.compile(r"[_.-]*[A-Za-z0-9][A-Za-z0-9_.-]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# Unix times above this are in milliseconds: as seconds it would be the year 5138.
_MILLISECONDS_FROM = 100_000_000_000
_LATEST_MS = 253_402_300_799_999  # the end of the year 9999
_ANY: msgspec.json.Decoder[object] = msgspec.json.Decoder()
_RAWS: msgspec.json.Decoder[list[msgspec.Raw] | None] = msgspec.json.Decoder(
    list[msgspec.Raw] | None
)
_RAW_FIELDS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(
    dict[str, msgspec.Raw]
)


def text(value: object, limit: int = ID_MAX) -> str | None:
    """Return a string of 1 to `limit` characters, or None for anything else."""
    return value if isinstance(value, str) and 0 < len(value) <= limit else None


def clipped(value: object, limit: int = TEXT_MAX) -> str | None:
    """Return a non-empty string, cut after `limit` characters, or None for anything else."""
    return value[:limit] if isinstance(value, str) and value else None


def mapping(value: object) -> dict[str, object]:
    """Return a JSON object as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[object]:
    """Return a JSON array as it is, and an empty one for anything else."""
    return value if isinstance(value, list) else []


def iso_ms(value: object) -> int | None:
    """Read an ISO 8601 time that names its zone, to milliseconds since 1970, or None."""
    if not isinstance(value, str) or not 20 <= len(value) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return None
        at = (moment - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError):
        return None
    return at if 0 <= at <= _LATEST_MS else None


def unix_ms(value: object) -> int | None:
    """Read a Unix time, string or number, seconds or milliseconds, to milliseconds, or None."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 15):
            return None
        at = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        at = value
    else:
        return None
    if at < _MILLISECONDS_FROM:
        at *= 1000
    return at if 0 < at <= _LATEST_MS else None


def plus(value: str | None) -> str | None:
    """Put the + before a number that is all digits, as E.164 has it; leave all else alone."""
    if value is not None and 7 <= len(value) <= 15 and value.isascii() and value.isdigit():
        return f"+{value}"
    return value


def count(value: object) -> int | None:
    """Return a small natural number (1 to 255), or None for anything else."""
    return value if isinstance(value, int) and 0 < value <= 255 and value is not True else None


def network(mcc: object, mnc: object) -> dict[str, str] | None:
    """Return the carrier of a message by the codes of its country and of it there, or None."""
    country, own = (str(one) if type(one) in (int, str) else "" for one in (mcc, mnc))
    digits = country + own
    if len(country) != 3 or not 0 < len(own) <= 3 or not (digits.isascii() and digits.isdigit()):
        return None
    return {"mccmnc": country + own.rjust(2, "0")}


def kind_of(prefix: str, word: object) -> str:
    """Name an unrecognised thing `prefix.word`, with `unknown` for a word that cannot be shown."""
    shown = isinstance(word, str) and len(word) <= KIND_MAX and _KIND.fullmatch(word)
    return f"{prefix}.{word if shown else 'unknown'}"


def fingerprint(*pieces: str | bytes) -> str:
    """Hash what has no id of its own to 32 hex digits: the same bytes are the same thing."""
    told: list[bytes] = []
    for piece in pieces:
        encoded = piece.encode("utf-8", "surrogatepass") if isinstance(piece, str) else piece
        told += (len(encoded).to_bytes(4, "big"), encoded)
    return hashlib.blake2b(b"".join(told), digest_size=16).hexdigest()


class Shape(Generic[S]):
    """A Struct read from JSON: exactly, or else with every mistyped field left out.

    Every field of the Struct has a default.
    """

    def __init__(self, kind: type[S]) -> None:
        """Prepare the decoder; made once, at import."""
        self._kind = kind
        self._exact: msgspec.json.Decoder[S] = msgspec.json.Decoder(kind)
        self._fields = [
            (field.encode_name, field.name, msgspec.json.Decoder(field.type))
            for field in msgspec.structs.fields(kind)
        ]

    def read(self, fragment: bytes | msgspec.Raw) -> S:
        """Read what can be read of a JSON object. Raises StrictJsonError where it is none."""
        try:
            return self._exact.decode(fragment)
        except UNREADABLE:
            found = unchecked(fragment, _RAW_FIELDS)
        kept: dict[str, object] = {}
        for shown, name, decoder in self._fields:
            if shown in found:
                try:
                    kept[name] = decoder.decode(found[shown])
                except UNREADABLE:
                    continue
        return self._kind(**kept)


def answer(body: bytes, shape: Shape[S]) -> S | None:
    """Read a provider's answer to a request of ours, or None where it is not that JSON."""
    try:
        check(body)
        return shape.read(body)
    except StrictJsonError:
        return None


def result_of_status(status: int) -> SendResult:
    """Judge a send by the HTTP status alone, when the body of the answer says nothing.

    A 2xx without an id, and any 5xx, may stand for a message that was taken: uncertain.
    """
    if 200 <= status < 300 or status >= 500:
        return SendResult("uncertain")
    class_, code = _REFUSALS.get(status, ("unknown", "refused"))
    failure = Failure(class_, code, status == 429, f"http_{status}", stage="rejected")
    return SendResult("throttled" if status == 429 else "refused", error=failure)


def wait_s(headers: Headers) -> float | None:
    """Return how many seconds a `Retry-After` asks for (at most a day), or None without one.

    A date is not read: that would take a clock.
    """
    for name, value in headers:
        if name.lower() == "retry-after" and re.fullmatch(r"[0-9]{1,9}", value):
            return float(min(int(value), RETRY_AFTER_MAX_S))
    return None


class _TooManyError(Exception):
    """A callback of more items than can be taken at once, which none of its parts may hide."""


def checked(response: HttpResponse, label: str) -> Checked:
    """Say what a provider thinks of credentials, by the status of its answer alone."""
    if 200 <= response.status < 300:
        return Checked(True, f"{label} takes the credentials.")
    if response.status in (400, 401, 403):
        words = f"{label} refuses the credentials (HTTP {response.status}): compare them there."
        return Checked(False, words)
    if response.status == 404:
        words = f"{label} knows no such account (HTTP 404): compare its id with the one there."
        return Checked(False, words)
    words = f"{label} answered HTTP {response.status}, which says nothing: try again later."
    return Checked(False, words)


class Walk:
    """Takes one callback's JSON apart, piece by piece: what cannot be read costs only itself."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._unparsed: list[Unparsed] = []
        self.mended = False

    def read(self, body: bytes) -> Parsed:
        """Read a verified body. Raises nothing, whatever the bytes are."""
        try:
            self.body(self._checked(body))
        except StrictJsonError as error:
            self.unparsed(error.reason, "")
        except _TooManyError:
            return Parsed(unparsed=(Unparsed(f"more than {PIECES_MAX} items in one callback"),))
        return Parsed(tuple(self._items), tuple(self._unparsed))

    def body(self, body: bytes) -> None:
        """Read the checked body: what subclasses override. May raise StrictJsonError."""
        raise NotImplementedError

    def each(
        self,
        fragment: bytes | msgspec.Raw,
        where: str,
        step: Callable[..., None],
        *context: object,
    ) -> None:
        """Call `step(item, pointer, *context)` for every item of a JSON array; null has none.

        Raises StrictJsonError where the fragment is no array; what a step raises is noted.
        """
        found = unchecked(fragment, _RAWS)
        if found and len(self._items) + len(self._unparsed) + len(found) > PIECES_MAX:
            raise _TooManyError
        for index, item in enumerate(found or ()):
            pointer = f"{where}/{index}"
            if len(self._items) + len(self._unparsed) >= PIECES_MAX:
                raise _TooManyError
            try:
                step(item, pointer, *context)
            except StrictJsonError as error:
                self.unparsed(error.reason, pointer)

    def sound(self, fragment: msgspec.Raw) -> msgspec.Raw:
        """Return a piece that may be used as it is. Raises StrictJsonError for a faulty one."""
        if self.mended and is_mended(memoryview(fragment)):
            raise StrictJsonError("NUL, a lone surrogate or bytes that are not UTF-8 in a string")
        return fragment

    def add(self, item: Item) -> None:
        """Note something that was read."""
        self._items.append(item)

    def unparsed(self, reason: str, where: str) -> None:
        """Note a piece that could not be read."""
        self._unparsed.append(Unparsed(reason, where))

    def unmatched(self, reason: str, where: str) -> None:
        """Note something readable that names no message which it could be joined to."""
        self._unparsed.append(Unparsed(reason, where, unmatched=True))

    def unrecognised(
        self, kind: str, fragment: msgspec.Raw, at: int | None = None, *named: str
    ) -> None:
        """Note something well-formed without a word for it; `named` tells like ones apart.

        Raises StrictJsonError for a fragment that is not sound to its depths.
        """
        octets = bytes(memoryview(self.sound(fragment)))
        unchecked(octets, _ANY)
        key = f"{kind}:{fingerprint(*named, octets)}"
        self.add(Unrecognised(kind, key, msgspec.Raw(octets), at))

    def _checked(self, body: bytes) -> bytes:
        if not body:
            raise StrictJsonError("the body is empty")
        check_structure(body)
        try:
            check_strings(body)
        except StrictJsonError:
            self.mended = True
            return mend(body)
        return body
