"""Strict JSON: msgspec's decoder behind the limits that every outside body must keep.

    depth ≤ 64 · numbers ≤ 64 characters · no NaN or Infinity · UTF-8 only, without a byte order
    mark · no NUL and no lone surrogate in any string, read or skipped

The checks work on the bytes, so they also cover what a typed decoder skips or leaves raw. Most
bodies are small and flat: counting brackets decides whether the slower look is needed, and what
cannot be right is refused by what a cheap look at it shows. Doubled keys are tolerated (the last
one counts), because providers send them. No schema lives here.
"""

import re
from typing import TypeVar

import msgspec

DEPTH_MAX = 64
NUMBER_MAX = 64
# So many commas outside strings: beyond that a body is no messages, but takes long to read. Of the
# callbacks that providers send, each has 18 bytes or more for every comma.
COMMAS_MAX = 262_144
# So many faults in strings are replaced; a body with more of them is refused whole.
MENDED_MAX = 32_768

T = TypeVar("T")

# What a decoder of msgspec's raises for a body that it cannot read.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

# What stands for a fault in a mended copy: a code point that is no character.
MENDED = b"\\uffff"

_NUMERIC = b"0123456789+-.eE"
_BRACKETS = b"[]{}"
# Every character of a number becomes "0", everything else a space: a long number is a long run.
_AS_RUN = bytes(ord("0") if byte in _NUMERIC else ord(" ") for byte in range(256))
# Which kind closes which is the decoder's business; here all brackets are one kind.
_AS_ROUND = bytes.maketrans(_BRACKETS, b"()()")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in _BRACKETS)
_RUN = b"0" * (NUMBER_MAX + 1)
# Of every run that long, wherever it begins, so many of every thirteenth byte are a part.
_SAMPLE = 13
_SAMPLED = b"0" * ((NUMBER_MAX + 1) // _SAMPLE)
_HIGH, _LOW, _HEX = rb"[89aAbB]", rb"[c-fC-F]", rb"[0-9a-fA-F]{2}"
# Every way begins with the same two bytes, which are found faster than any alternative is tried.
_FAULTY = re.compile(
    rb"\\u(?:0000"
    rb"|[dD]" + _HIGH + _HEX + rb"(?!\\u[dD]" + _LOW + _HEX + rb")"
    rb"|[dD](?<!\\u[dD]" + _HIGH + _HEX + rb"\\u[dD])" + _LOW + _HEX + rb")"
)
# Without one of these there is no such escape.
_SUSPECT = re.compile(rb"\\u(?:[dD]|0000)")
# Nesting that goes on for long shows at the beginning.
_BEGINNING = 16 * 1024
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]+")
_ANY: msgspec.json.Decoder[object] = msgspec.json.Decoder()


_TOO_FAULTY = f"more than {MENDED_MAX} faults in strings"


class StrictJsonError(ValueError):
    """A body that is not JSON, breaks a limit, or does not have the expected shape.

    `reason` is in words and holds nothing of the content; `at` is the byte where it went wrong,
    or None where that is not known.
    """

    def __init__(self, reason: str, at: int | None = None) -> None:
        super().__init__(reason if at is None else f"{reason} (byte {at})")
        self.reason = reason
        self.at = at


def decode(data: bytes) -> object:
    """Decode a whole body to plain Python values. Raises StrictJsonError."""
    return decode_as(data, _ANY)


def decode_as(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Check `data`, then decode it with a prepared, possibly typed decoder.

    Raises StrictJsonError, also when the JSON is sound but not of the decoder's type.
    """
    check(data)
    return unchecked(data, decoder)


def unchecked(data: bytes | msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode what lies inside an already checked body: one kind of error, no second check."""
    try:
        return decoder.decode(data)
    except UnicodeDecodeError as error:
        raise StrictJsonError("not valid UTF-8") from error
    except RecursionError as error:
        raise StrictJsonError("nested too deeply") from error
    except msgspec.MsgspecError as error:
        raise StrictJsonError(str(error)) from error


def check(data: bytes) -> None:
    """Hold a body to the limits without decoding it. Raises StrictJsonError.

    Sound syntax is the decoder's business: this finds only what a decoder would let pass.
    """
    check_structure(data)
    check_strings(data)


def check_strings(data: bytes) -> None:
    """Check only what strings hold. Raises StrictJsonError."""
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise StrictJsonError("not valid UTF-8", error.start) from error
    # One byte is found far faster than several, and most bodies have no escape at all.
    if b"\\" in data and _SUSPECT.search(data):
        found = _FAULTY.search(_without_backslashes(data))
        if found is not None:
            what = "NUL" if found[0] == b"\\u0000" else "a lone surrogate"
            raise StrictJsonError(f"{what} in a string", found.start())


def check_structure(data: bytes) -> None:
    """Check nesting, the length of numbers and of lists only. Raises StrictJsonError."""
    flat = data.count(b"[") + data.count(b"{") <= DEPTH_MAX
    # A long number covers a whole row of samples; only then is every byte looked at.
    short = _SAMPLED not in data[_SAMPLE - 1 :: _SAMPLE].translate(
        _AS_RUN
    ) or _RUN not in data.translate(_AS_RUN)
    few = len(data) <= COMMAS_MAX or data.count(b",") <= COMMAS_MAX
    if flat and short and few:
        return
    if not flat and len(data) > _BEGINNING and _sinks(data[:_BEGINNING]):
        raise StrictJsonError(f"nested deeper than {DEPTH_MAX}")
    outside = _outside_strings(data)
    if not few and outside.count(b",") > COMMAS_MAX:
        raise StrictJsonError(f"more than {COMMAS_MAX} commas")
    if not short and _RUN in outside.translate(_AS_RUN):
        raise StrictJsonError(f"a number longer than {NUMBER_MAX} characters")
    if not flat and _too_deep(outside.translate(_AS_ROUND, delete=_NOT_BRACKETS)):
        raise StrictJsonError(f"nested deeper than {DEPTH_MAX}")


def mend(data: bytes) -> bytes:
    r"""Return a copy in which the escape `\uffff` stands for all that a string must not hold.

    That is NUL, lone surrogates, and bytes that are not UTF-8. For taking a batch apart when one
    item is faulty: the copy can be decoded, and `is_mended` tells which pieces not to use. Raises
    StrictJsonError where there are too many faults.
    """
    pieces: list[bytes] = []
    last = 0
    for found in _FAULTY.finditer(_without_backslashes(data)):
        if len(pieces) >= 2 * MENDED_MAX:
            raise StrictJsonError(_TOO_FAULTY)
        pieces += [data[last : found.start()], MENDED]
        last = found.end()
    mended = b"".join([*pieces, data[last:]])
    if mended.isascii():
        return mended
    # Bytes that are not UTF-8 come back as lone surrogates, which no UTF-8 can hold.
    decoded = mended.decode("utf-8", "surrogateescape")
    whole, count = _ESCAPED_BYTE.subn(r"\\uffff", decoded, MENDED_MAX + 1)
    if count > MENDED_MAX:
        raise StrictJsonError(_TOO_FAULTY)
    return whole.encode("utf-8")


def is_mended(fragment: bytes | memoryview) -> bool:
    """Say whether a piece of a mended copy holds something that was replaced."""
    return MENDED in bytes(fragment)


def _without_backslashes(data: bytes) -> bytes:
    # An escaped backslash must not look like the beginning of an escape; offsets stay.
    return data.replace(b"\\\\", b"__")


def _outside_strings(data: bytes) -> bytes:
    # Backslashes occur only inside strings, in runs that begin with an escape: once the escaped
    # backslashes and quotes are gone, every second piece between quotes lies outside.
    unescaped = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b" ".join(unescaped.split(b'"')[::2])


def _sinks(beginning: bytes) -> bool:
    """Say whether a body's beginning opens more levels than there may be, and closes none."""
    brackets = _outside_strings(beginning).translate(_AS_ROUND, delete=_NOT_BRACKETS)
    return b"(" * (DEPTH_MAX + 1) in brackets


def _too_deep(brackets: bytes) -> bool:
    if b"(" * (DEPTH_MAX + 1) in brackets:
        return True
    # Each round takes the innermost level away, at the speed of bytes.replace.
    for _ in range(DEPTH_MAX):
        if not brackets:
            return False
        brackets = brackets.replace(b"()", b"")
    # What is left is too deep, or not balanced: then the decoder says where.
    return b"()" in brackets
