"""Ids: UUIDv7 values, how people see them (prefix + Crockford base 32), and hashed keys.

Stored as 128-bit UUIDs, shown as `msg_` + 26 lower-case Crockford characters. Time and randomness
come in as arguments; nothing here reads a clock.
"""

import hashlib
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, get_args

Prefix = Literal[
    "msg", "cal", "ord", "evt", "end", "dlv", "att", "con", "snd", "cbk", "ctc", "opt", "cnv",
    "aut", "run", "trg", "lnk", "tpl", "cmp", "rpl", "alr", "key", "ten", "usr",
    "ses", "req", "aud", "med",
]  # fmt: skip
PREFIXES: frozenset[str] = frozenset(get_args(Prefix))

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_VALUES = {char: index for index, char in enumerate(_ALPHABET)}
_SHOWN = 26
DAY_MS = 86_400_000
# Makes an id of its sixteen bytes.
Maker = Callable[[bytes], uuid.UUID]


def of_bytes(value: bytes) -> uuid.UUID:
    """Make an id of its sixteen bytes as the standard library does: right everywhere, but slow."""
    return uuid.UUID(bytes=value)


def uuid7(at_ms: int, entropy: bytes) -> uuid.UUID:
    """Make a UUIDv7 of `at_ms` (milliseconds since 1970, UTC) and ten bytes of randomness.

    The first bytes of the entropy sort first, so a caller that wants ids in order within one
    millisecond counts upwards there.
    """
    value = (at_ms & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(entropy[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


class IdSequence:
    """Ids of one millisecond: strictly ascending, so that what was decided first sorts first."""

    def __init__(self, at_ms: int, entropy: bytes, make: Maker = of_bytes) -> None:
        """Start at `at_ms`, the database's clock in milliseconds, with ten random bytes."""
        self._make = make
        # 12 bits after the version, 62 after the variant. The top bit of the counter is left
        # clear, so that a batch can never overflow into the timestamp.
        self._time = at_ms & 0xFFFF_FFFF_FFFF
        seed = int.from_bytes(entropy[:10], "big")
        self._counter = seed & ((1 << 73) - 1)

    @property
    def at_ms(self) -> int:
        """The millisecond that the ids carry."""
        return self._time

    def next(self) -> uuid.UUID:
        """Return the next id; each is greater than the one before."""
        self._counter += 0x1_0000_0001
        counter = self._counter & ((1 << 74) - 1)
        high, low = counter >> 62, counter & ((1 << 62) - 1)
        value = self._time << 80 | 0x7 << 76 | high << 64 | 0x2 << 62 | low
        return self._make(value.to_bytes(16, "big"))


def floor7(at_ms: int) -> uuid.UUID:
    """Return the smallest UUIDv7-ordered value of a millisecond: a bound for ranges of ids."""
    return uuid.UUID(int=(at_ms & 0xFFFF_FFFF_FFFF) << 80)


def time_of(identifier: uuid.UUID) -> int:
    """Return the milliseconds since 1970 that a UUIDv7 carries."""
    return identifier.int >> 80


def show(prefix: Prefix, identifier: uuid.UUID) -> str:
    """Write an id as people see it: `msg_01hz…`, 26 Crockford characters after the prefix."""
    value, pairs = identifier.int, _PAIRS
    return "".join((
        prefix, "_",
        pairs[value >> 120], pairs[value >> 110 & 1023], pairs[value >> 100 & 1023],
        pairs[value >> 90 & 1023], pairs[value >> 80 & 1023], pairs[value >> 70 & 1023],
        pairs[value >> 60 & 1023], pairs[value >> 50 & 1023], pairs[value >> 40 & 1023],
        pairs[value >> 30 & 1023], pairs[value >> 20 & 1023], pairs[value >> 10 & 1023],
        pairs[value & 1023],
    ))  # fmt: skip


# For ids that are told with every event, such as a connection's.
show_often = lru_cache(4096)(show)


def read(prefix: Prefix, text: str) -> uuid.UUID | None:
    """Read what `show` wrote, or return None for anything else. Exact: no case folding."""
    body = text[4:]
    if text[:4] != f"{prefix}_" or len(body) != _SHOWN:
        return None
    value = 0
    for char in body:
        digit = _VALUES.get(char)
        if digit is None:
            return None
        value = value << 5 | digit
    return uuid.UUID(int=value) if value < 1 << 128 else None


def delivery_id(endpoint: int, ord_: int) -> str:
    """Name a delivery: its endpoint's number and its place in the feed, as `dlv_…`."""
    return show("dlv", uuid.UUID(int=endpoint << 64 | ord_))


def read_delivery_id(text: str) -> tuple[int, int] | None:
    """Read a `dlv_…` id back into (endpoint number, ord), or return None."""
    identifier = read("dlv", text)
    if identifier is None or identifier.int >> 96:
        return None
    return identifier.int >> 64, identifier.int & ((1 << 64) - 1)


def hashed_key(secret: bytes, *parts: str, make: Maker = of_bytes) -> uuid.UUID:
    """Hash what names a subject (connection, kind, provider's id, recipient) to 128 bits.

    `secret` is made once per installation and never rotated: the keys in the database hang on it.
    The parts are length-prefixed, so that no two lists of parts read alike.
    """
    pieces: list[bytes] = []
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        pieces += (len(encoded).to_bytes(4, "big"), encoded)
    return make(hashlib.blake2b(b"".join(pieces), digest_size=16, key=secret).digest())


def fact_hash(key: str, occurred_at: int | None) -> int:
    """Hash a fact to 63 bits: the provider's key, and its time (milliseconds) if it sends one."""
    named = key if occurred_at is None else f"{key}@{occurred_at}"
    digest = hashlib.blake2b(named.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
