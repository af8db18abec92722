"""Times as mappings read and write them: ISO 8601, Unix times, and patterns of a closed list.

    iso · unix_s · unix_ms · %Y-%m-%d %H:%M:%S and the like

A pattern is read by hand, one directive after the other: nothing that somebody configures becomes
a regular expression, and no locale decides what a month is called.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LENGTH_MAX = 64
UNIX = {"unix_s": 1000, "unix_ms": 1}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST_MS = 253_402_300_799_999  # the end of the year 9999
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS_WHOLE = ("january", "february", "march", "april", "may", "june", "july", "august",
                 "september", "october", "november", "december")  # fmt: skip
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAYS_WHOLE = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# By directive: the field that it sets, and how many digits it has at least and at most.
_DIGITS = {
    "Y": ("year", 4, 4),
    "y": ("short", 2, 2),
    "m": ("month", 1, 2),
    "d": ("day", 1, 2),
    "H": ("hour", 1, 2),
    "I": ("half", 1, 2),
    "M": ("minute", 1, 2),
    "S": ("second", 1, 2),
    "f": ("fraction", 1, 9),
}
_WORDS = {
    "b": ("month", _MONTHS),
    "B": ("month", _MONTHS_WHOLE),
    "a": ("weekday", _DAYS),
    "A": ("weekday", _DAYS_WHOLE),
    "p": ("noon", ("am", "pm")),
}
DIRECTIVES = "%Y %y %m %d %b %B %a %A %H %I %p %M %S %f %z %%"


class TimeFormatError(ValueError):
    """A format or a zone that is not understood; the text says what would be."""


class _Scan:
    """A text being read from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[str, int] = {}
        self.zone: tzinfo | None = None

    def digits(self, least: int, most: int) -> str:
        end = self.at
        while end < len(self.text) and end - self.at < most and self.text[end] in "0123456789":
            end += 1
        taken = self.text[self.at : end]
        if len(taken) < least:
            raise ValueError
        self.at = end
        return taken

    def literal(self, text: str) -> None:
        if not self.text.startswith(text, self.at):
            raise ValueError
        self.at += len(text)

    def word(self, known: tuple[str, ...]) -> int:
        rest = self.text[self.at : self.at + 9].lower()
        index = next(number for number, one in enumerate(known) if rest.startswith(one))
        self.at += len(known[index])
        return index

    def offset(self) -> tzinfo:
        if self.text[self.at : self.at + 1] in ("Z", "z"):
            self.at += 1
            return UTC
        ahead = self.text[self.at : self.at + 1]
        if ahead not in ("+", "-"):
            raise ValueError
        self.at += 1
        hours = int(self.digits(2, 2))
        if self.text[self.at : self.at + 1] == ":":
            self.at += 1
        span = timedelta(hours=hours, minutes=int(self.digits(2, 2)))
        return timezone(span if ahead == "+" else -span)


class TimeReader:
    """Reads and writes times of a few formats, the first that fits; made once for a mapping."""

    def __init__(self, formats: list[str], zone: str | None) -> None:
        """Prepare the formats.

        `zone` is where a time is that names none: UTC, an offset such as +02:00, or a name such as
        Africa/Johannesburg. Raises TimeFormatError.
        """
        self._zone = None if zone is None else zone_of(zone)
        self._formats = list(formats)
        self._readers = [self._reader(one) for one in formats]

    def read(self, text: str) -> int | None:
        """Return milliseconds since 1970, or None where no format fits."""
        if len(text) > LENGTH_MAX:
            return None
        for reader in self._readers:
            try:
                at = reader(text)
            except (ValueError, OverflowError, StopIteration):
                continue
            if at is not None and 0 < at <= _LATEST_MS:
                return at
        return None

    def write(self, at_ms: int) -> str:
        """Write a time in the first format, as `read` reads it back to the second."""
        first = self._formats[0]
        if first in UNIX:
            return str(at_ms // UNIX[first])
        moment = (_EPOCH + at_ms * _MILLISECOND).astimezone(self._zone or UTC)
        if first == "iso":
            return moment.isoformat(timespec="milliseconds")
        return "".join(_written(piece, moment) for piece in pieces(first))

    def _reader(self, format_: str) -> Callable[[str], int | None]:
        if format_ == "iso":
            return self._iso
        if format_ in UNIX:
            factor = UNIX[format_]
            return lambda text: _unix(text, factor)
        parsed = pieces(format_)
        if self._zone is None and "%z" not in parsed:
            raise TimeFormatError("needs `zone`, because the format names none")
        return lambda text: self._pattern(text, parsed)

    def _iso(self, text: str) -> int | None:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            if self._zone is None:
                return None
            moment = moment.replace(tzinfo=self._zone)
        return (moment - _EPOCH) // _MILLISECOND

    def _pattern(self, text: str, parsed: list[str]) -> int | None:
        scan = _Scan(text.strip())
        for piece in parsed:
            _take(scan, piece)
        if scan.at != len(scan.text):
            return None
        found = scan.found
        hour = found.get("hour", 0)
        if "half" in found:
            if not 1 <= found["half"] <= 12:
                return None
            hour = found["half"] % 12 + 12 * found.get("noon", 0)
        short = found.get("short")
        year = found["year"] if short is None else short + (2000 if short < 70 else 1900)
        moment = datetime(  # noqa: DTZ001 - it gets its zone below
            year, found["month"], found["day"], hour, found.get("minute", 0),
            found.get("second", 0), found.get("fraction", 0),
        )  # fmt: skip
        aware = moment.replace(tzinfo=scan.zone or self._zone)
        return (aware - _EPOCH) // _MILLISECOND


def zone_of(name: str) -> tzinfo:
    """Return the zone of a name or an offset. Raises TimeFormatError."""
    if name == "UTC":
        return UTC
    if name[:1] in ("+", "-"):
        scan = _Scan(name)
        try:
            offset = scan.offset()
        except ValueError:
            offset = None
        if offset is None or scan.at != len(name):
            raise TimeFormatError("must be an offset such as +02:00 or the name of a zone")
        return offset
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeFormatError("is no zone that this machine knows, such as Europe/Oslo") from None


def pieces(format_: str) -> list[str]:
    """Split a pattern into directives and the text between them. Raises TimeFormatError."""
    found: list[str] = []
    rest = format_
    while rest:
        before, mark, rest = rest.partition("%")
        if before:
            found.append(before)
        if mark:
            found.append(f"%{rest[:1]}")
            rest = rest[1:]
    named = [piece[1] for piece in found if piece.startswith("%") and len(piece) == 2]
    for piece in found:
        if piece.startswith("%") and piece not in DIRECTIVES.split(" "):
            raise TimeFormatError(f"must be iso, unix_s, unix_ms, or made of {DIRECTIVES}")
    fields = [_field(name) for name in named if name not in "%aA"]
    whole = {"month", "day"} <= set(fields) and bool({"year", "short"} & set(fields))
    if not whole or len(set(fields)) < len(fields) or {"year", "short"} <= set(fields):
        raise TimeFormatError("must name year, month and day, and nothing twice")
    if ("half" in fields) is not ("noon" in fields) or {"half", "hour"} <= set(fields):
        raise TimeFormatError("must have %I and %p together, or %H")
    return found


def _field(directive: str) -> str:
    if directive in _DIGITS:
        return _DIGITS[directive][0]
    return _WORDS[directive][0] if directive in _WORDS else directive


def _take(scan: _Scan, piece: str) -> None:
    directive = piece[1] if len(piece) == 2 and piece.startswith("%") else ""
    if directive in _DIGITS:
        name, least, most = _DIGITS[directive]
        taken = scan.digits(least, most)
        scan.found[name] = int(taken.ljust(6, "0")[:6]) if name == "fraction" else int(taken)
    elif directive in _WORDS:
        name, known = _WORDS[directive]
        index = scan.word(known)
        scan.found[name] = index + 1 if name == "month" else index
    elif directive == "z":
        scan.zone = scan.offset()
    else:
        scan.literal("%" if directive else piece)


def _written(piece: str, moment: datetime) -> str:
    directive = piece[1] if len(piece) == 2 and piece.startswith("%") else ""
    if directive in _WORDS:
        name, known = _WORDS[directive]
        places = {"month": moment.month - 1, "weekday": moment.weekday(), "noon": moment.hour // 12}
        return known[places[name]].title() if name != "noon" else known[places[name]].upper()
    # What is left holds digits alone, in which no locale has a say.
    return moment.strftime(piece) if directive else piece


def _unix(text: str, factor: int) -> int | None:
    whole, _, fraction = text.strip().partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) <= 15):
        return None
    if fraction and not (fraction.isascii() and fraction.isdigit()):
        return None
    at = int(whole) * factor
    return at + int(fraction.ljust(3, "0")[:3]) if fraction and factor == 1000 else at
