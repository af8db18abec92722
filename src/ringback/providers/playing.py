"""Playing a recording to a connection: made news, and proved anew as the provider would.

What a recording names is replaced in its raw text, wherever it stands there: the ids of messages,
calls, orders and statements by others of the same shape, and every moment by one as much later as
makes its newest statement one of now. Numbers, texts and references stay, unless nothing else could
be news. Pure: time and seed are arguments, and the same seed at the same time gives the same bytes.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from ringback.domain.http import Callback, Headers, HttpRequest
from ringback.providers.base import (
    CallReport,
    Consent,
    Inbound,
    Item,
    Notice,
    OrderReport,
    Parsed,
    Provider,
    ProviderConfig,
    Report,
    Unrecognised,
)
from ringback.providers.recorded import NOW_MS

# So many of an id's last letters and digits are made fresh.
FRESH = 12
_SHORT = 8
_SECOND_MS = 1000
# A number is a moment when it lies so near to the day of the recordings.
_NEAR_MS = 60 * 86_400_000
_UNITS_MS = {10: 1000.0, 13: 1.0, 16: 0.001}
_CLASSES = ("0123456789", "abcdef", "ghijklmnopqrstuvwxyz", "ABCDEF", "GHIJKLMNOPQRSTUVWXYZ")
_NEUTRAL = frozenset(("content-type", "user-agent", "accept"))
_OURS = frozenset(("host", "content-length", "authorization", "cookie"))
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_COLON, _SPACE = r"(?::|%3[Aa])", r"(?:[Tt +_]|%20|%2[Bb])"
_CLOCK = rf"\d\d{_COLON}\d\d(?:{_COLON}\d\d)?"
_PART = r"(?:/|%2[Ff]|[ +-]|%20)"
_NUMBERED = r"\d{4}[-_./]\d\d[-_./]\d\d"
_DAY = rf"(?:{_NUMBERED}|\d{{1,2}}{_PART}(?:{'|'.join(_MONTHS)}){_PART}\d{{4}})"
# A day with or without a time; fourteen, twelve or ten digits on end; a number of seconds or less.
_MOMENT = re.compile(rf"(?<!\d)(?:{_DAY}(?:{_SPACE}{_CLOCK})?|\d{{10,16}}(?![\w]))".encode())
_WORD = re.compile(r"%[0-9A-Fa-f]{2}|\d+|[A-Z][a-z]{2}|.")
_PARTED = re.compile(r"[:|/ ]")
_SHAPED = re.compile(
    rb"(?<![A-Za-z0-9])((?!AC)[A-Z]{2}[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    rb"(?![A-Za-z0-9])"
)
_NUMBER = re.compile(rb"(?<![\w%])(?!(?:19|20)\d\d(?!\d))\d{4,}(?!\w)")


class CannotPlayError(ValueError):
    """A connection, as it is configured, would not take this recording: why."""


class Recording(msgspec.Struct, frozen=True):
    """A recorded callback, the config that it was recorded with, and what it says."""

    callback: Callback
    config: ProviderConfig
    parsed: Parsed


def played(
    provider: Provider,
    recording: Recording,
    config: Any,
    url: str,
    now_ms: int,
    seed: bytes,
) -> HttpRequest:
    """Make the request that plays a recording to a connection.

    `config` and `url` are the connection's own. Raises CannotPlayError where no proof that it can
    be given lets it in.
    """
    callback = recording.callback
    change = _made_news(provider, recording, config, now_ms, seed)
    query = callback.url.partition("?")[2].encode("latin-1", "replace")
    target = f"{url}?{change(query).decode('latin-1')}" if query else url
    plain = HttpRequest(callback.method, target, (), change(callback.body))
    why = ""
    for headers in _headers(provider, recording, config):
        request = msgspec.structs.replace(plain, headers=headers)
        request = provider.authenticate(request, config, now_ms)
        made = Callback(request.method, request.url, request.headers, request.body)
        found = provider.verify(made, config, now_ms)
        if found.verdict == "ok":
            return request
        why = why or found.reason
    raise CannotPlayError(why)


def _headers(provider: Provider, recording: Recording, config: Any) -> Iterable[Headers]:
    """Return the recorded headers without those that prove it; then only those that never do."""
    callback = recording.callback
    bare = HttpRequest(callback.method, "https://hooks.example/in/example", (), callback.body)
    names = set(_OURS)
    for each in (recording.config, config):
        made = provider.authenticate(bare, each, NOW_MS).headers
        names |= {name.lower() for name, _ in made}
    yield tuple(one for one in callback.headers if one[0].lower() not in names)
    yield tuple(one for one in callback.headers if one[0].lower() in _NEUTRAL)


def _made_news(
    provider: Provider, recording: Recording, config: Any, now_ms: int, seed: bytes
) -> Callable[[bytes], bytes]:
    """Return what makes the raw text of a recording news to whoever has heard it before.

    The ids that were read are replaced first; where what it says is still known by what it was
    known by, whatever looks like an id, then numbers of people, then any number at all.
    """
    callback = recording.callback
    raw = callback.url.encode("latin-1", "replace") + b"\n" + callback.body
    items = [*recording.parsed.items, *provider.parse(callback, config).items]
    newest = max([item.occurred_at or 0 for item in items], default=0) or NOW_MS
    later_s = (now_ms - newest) // _SECOND_MS
    fixed = " ".join(value for _, value in callback.headers)
    known = {_known_by(item) for item in recording.parsed.items}
    names = set[str]()
    change = _changed(names, later_s, seed)
    for layer in (_ids, _shaped, _people, _numbers):
        # A boundary of parts stands in a header as well, and is no name.
        names |= {one for one in layer(items, raw) if one not in fixed}
        change = _changed(names, later_s, seed)
        url = change(callback.url.encode("latin-1", "replace")).decode("latin-1")
        made = msgspec.structs.replace(callback, url=url, body=change(callback.body))
        if not known & {_known_by(one) for one in provider.parse(made, recording.config).items}:
            break
    return change


def _changed(names: set[str], later_s: int, seed: bytes) -> Callable[[bytes], bytes]:
    """Return what puts others in place of names, and moves moments."""
    pairs: dict[bytes, bytes] = {}
    for name in sorted(names):
        fresh = _fresh(name, seed)
        pairs.update((form(name).encode(), form(fresh).encode()) for form in _FORMS)
    longest = sorted(pairs, key=lambda one: (-len(one), one))
    found_in = re.compile(b"|".join(map(_bounded, longest))) if longest else None

    def change(text: bytes) -> bytes:
        parts = []
        last = 0
        # What is a name is no moment, though it may look like one.
        for found in found_in.finditer(text) if found_in else ():
            parts += [_later(text[last : found.start()], later_s), pairs[found[0]]]
            last = found.end()
        return b"".join([*parts, _later(text[last:], later_s)])

    return change


def _known_by(item: Item) -> tuple[object, ...]:
    return type(item), item.key, item.occurred_at


def _quote(name: str) -> str:
    return quote(name, safe="")


def _in_json(name: str) -> str:
    return json.dumps(name)[1:-1]


_FORMS = (str, quote, _quote, quote_plus, _in_json)


def _bounded(name: bytes) -> bytes:
    """Match a name; a short one only where nothing stands beside it that could belong to it."""
    plain = re.escape(name)
    return rb"(?<![\w+])" + plain + rb"(?!\w)" if len(name) < _SHORT else plain


def _ids(items: Iterable[Item], raw: bytes) -> set[str]:
    """Return the names in a raw text that make what it says known as what it said before."""
    found = set[str]()
    for item in items:
        kept = _kept(item)
        for named in _named(item):
            pieces = [named] if _stands(named, raw) else _PARTED.split(named)
            found |= {
                one for one in pieces
                if (_numbered(one) or one == named) and one.lstrip("+") not in kept
            }  # fmt: skip
        found |= {
            one for one in _PARTED.split(item.key)
            if len(one) >= _SHORT and _numbered(one) and one.lstrip("+") not in kept
        }  # fmt: skip
    return {one for one in found if _stands(one, raw)}


def _shaped(items: Iterable[Item], raw: bytes) -> set[str]:
    """Return what looks like the name of something: a UUID, or two letters and 32 digits."""
    del items
    return {found.decode() for found in _SHAPED.findall(raw)}


def _people(items: Iterable[Item], raw: bytes) -> set[str]:
    """Return the numbers of people who say something."""
    found = set[str]()
    for item in items:
        if isinstance(item, Inbound) and item.from_:
            found.add(item.from_.lstrip("+"))
        if isinstance(item, Consent):
            found.add(item.address.lstrip("+"))
    return {one for one in found if len(one) >= _SHORT and _stands(one, raw)}


def _numbers(items: Iterable[Item], raw: bytes) -> set[str]:
    """Return all numbers, of what nobody has a word for."""
    if not any(isinstance(item, Unrecognised) for item in items):
        return set()
    found = {one.decode() for one in _NUMBER.findall(raw)}
    return {one for one in found if _moved_digits(one, 1) == one}


def _numbered(name: str) -> bool:
    return any(map(str.isdigit, name))


def _named(item: Item) -> list[str]:
    match item:
        case Report() | Inbound():
            return [item.message_id]
        case CallReport():
            return [item.call_id]
        case OrderReport():
            return [item.order_id]
        case Consent():
            return [item.evidence.get("message_id", "")]
        case Notice():
            links = [str(one) for name, one in item.data.items() if name.endswith("id")]
            return [item.message_id or "", *links]
        case Unrecognised():
            return []


def _kept(item: Item) -> set[str]:
    """Return what is no name though it may stand in a key: numbers, references, moments."""
    fields = ("to", "from_", "recipient", "address", "reference", "sender", "reply_recipient")
    told = [getattr(item, name, None) for name in fields]
    if isinstance(item, Notice):
        told += [one for one in item.data.values() if isinstance(one, str) and one[:1] == "+"]
    at = item.occurred_at
    told += [] if at is None else [str(at), str(at // _SECOND_MS)]
    told += [getattr(item, "provider_status", None), getattr(item, "kind", None)]
    return {one.lstrip("+") for one in told if isinstance(one, str)}


def _stands(name: str, raw: bytes) -> bool:
    found = (re.search(_bounded(form(name).encode()), raw) for form in _FORMS)
    return bool(name) and any(found)


def _fresh(name: str, seed: bytes) -> str:
    """Make another id of the same shape: as many digits and letters, of the same kinds."""
    noise = iter(hashlib.shake_256(seed + name.encode()).digest(FRESH))
    made: list[str] = []
    left = FRESH
    for letter in reversed(name):
        kind = next((one for one in _CLASSES if letter in one), None)
        if kind is None or not left:
            made.append(letter)
            continue
        left -= 1
        # No 0, so that a number stays one of as many digits.
        kind = kind.lstrip("0")
        made.append(kind[next(noise) % len(kind)])
    return "".join(reversed(made))


def _later(text: bytes, seconds: int) -> bytes:
    """Move every moment in a raw text, each written as it was."""
    return _MOMENT.sub(lambda found: _moved(found[0].decode(), seconds).encode(), text)


def _moved(moment: str, seconds: int) -> str:
    if moment.isdigit():
        return _moved_digits(moment, seconds)
    at = _read_words(moment)
    near = at is not None and abs(at.timestamp() * _SECOND_MS - NOW_MS) < _NEAR_MS
    return _write_like(moment, at + timedelta(seconds=seconds)) if at and near else moment


def _words(moment: str) -> list[str]:
    return _WORD.findall(moment)


def _read_words(moment: str) -> datetime | None:
    words = [one for one in _words(moment) if one.isdigit() or one in _MONTHS]
    if len(words[0]) == 4:
        year, month, day = int(words[0]), int(words[1]), int(words[2])
    else:
        day, month, year = int(words[0]), _MONTHS.index(words[1]) + 1, int(words[2])
    try:
        hour, minute, second = [*map(int, words[3:]), 0, 0, 0][:3]
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _write_like(moment: str, at: datetime) -> str:
    """Write a moment with the same words in the same order."""
    words = _words(moment)
    places = [n for n, one in enumerate(words) if one.isdigit() or one in _MONTHS]
    clock = [f"{at.hour:02}", f"{at.minute:02}", f"{at.second:02}"]
    if len(words[places[0]]) == 4:
        day = [f"{at.year:04}", f"{at.month:02}", f"{at.day:02}"]
    else:
        width = len(words[places[0]])
        day = [f"{at.day:0{width}}", _MONTHS[at.month - 1], f"{at.year:04}"]
    for place, word in zip(places, [*day, *clock], strict=False):
        words[place] = word
    return "".join(words)


def _moved_digits(digits: str, seconds: int) -> str:
    unit = _UNITS_MS.get(len(digits))
    if unit is not None and abs(int(digits) * unit - NOW_MS) < _NEAR_MS:
        return str(int(digits) + round(seconds * _SECOND_MS / unit))
    for pattern in ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%y%m%d%H%M%S", "%y%m%d%H%M"):
        try:
            at = datetime.strptime(digits, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
        near = abs(at.timestamp() * _SECOND_MS - NOW_MS) < _NEAR_MS
        if near and at.strftime(pattern) == digits:
            return (at + timedelta(seconds=seconds)).strftime(pattern)
    return digits
