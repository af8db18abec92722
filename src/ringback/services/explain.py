"""Why a callback was refused, in words: what its proof would have fitted, found by trying.

Variants of what came, of where it was sent, of the config and of the clock are put through the
adapter's own `verify`. Bounded in number and time, and done only for callbacks that are listed. It
names what fits, and shows neither a secret nor a signature that would have been right.
"""

import json
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from time import perf_counter
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback
from ringback.domain.ids import show
from ringback.providers.base import Provider
from ringback.providers.config import secret_fields

TRIES_MAX = 40
PATIENCE_S = 0.005
BODY_MAX = 64 * 1024
OTHERS_MAX = 5
_STAMP = re.compile(r"(?<![\w.])(1\d{9}|1\d{12})(?![\w.])")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")


class Cause(NamedTuple):
    """What a reason likely comes from that has such words: its name, and what is said of it."""

    words: str
    name: str
    told: str


# What a reason in an adapter's words likely comes from: the first words that are found count.
_CAUSES = (
    Cause(
        r"\bmatch|\bwrong\b|differ|not right|does not fit|is not the one that", "signature",
        "No likely cause fits: copy the secret from the provider once more.",
    ),
    Cause(
        "^the method|a GET with a body", "method",
        "The provider does not ask so: a browser, a scanner or a redirect on the way does.",
    ),
    Cause(
        "the connection has no|has fewer than", "not_set_up",
        "The connection is not set up completely: its secret or token has to be made first.",
    ),
    Cause(
        "several|doubled|not once", "doubled",
        "It came twice: a proxy on the way adds its own, or the provider has it set twice.",
    ),
    Cause(
        r"challenge|crc_token|hub\.mode", "handshake",
        "This was to be a handshake, and is not as the provider makes it: somebody else tries the "
        "address.",
    ),
    Cause(
        "verify_token|the token of the connection", "handshake",
        "The provider's handshake has another token: enter the connection's there.",
    ),
    Cause(
        "before or after now|no Unix time", "time",
        "Its time cannot count: look at both clocks, and at the unit that is set.",
    ),
    Cause(
        "another value|not this connection's|does not hold|not those of|not a key of|not one of",
        "credentials",
        "The provider has another value than this connection: enter the same on both sides, letter "
        "for letter.",
    ),
    Cause(
        r"no header|^no \S+ in the|without|does not cover|an empty", "missing",
        "Nothing proves it: that is not switched on at the provider, a proxy on the way has "
        "dropped it, or it is somebody else.",
    ),
    Cause(
        r"holds no|\bis no\b|is not|begin", "form",
        "It is written in another way: another scheme, encoding or algorithm is set at the "
        "provider, or it is somebody else.",
    ),
)  # fmt: skip
# What is counted of reasons that none of these words is in.
_NO_CAUSE = Cause("", "other", "")
CAUSES = (*dict.fromkeys(one.name for one in _CAUSES), _NO_CAUSE.name)
_FIRST_STAMP_MS, _LAST_STAMP_MS = 1_500_000_000_000, 4_000_000_000_000


class Try(NamedTuple):
    """Something that may have been meant, and what to say if it fits."""

    words: str
    callback: Callback
    config: msgspec.Struct
    now_ms: int


def explained(
    provider: Provider,
    connection: Connection,
    callback: Callback,
    reason: str,
    now_ms: int,
    others: list[Connection],
) -> str:
    """Return a reason with what was checked and, if it can be found, what is likely wrong.

    `others` are further connections of the tenant with this provider.
    """
    began, said = perf_counter(), reason.rstrip(".")
    for number, one in enumerate(_tries(provider, connection, callback, now_ms, others)):
        if number >= TRIES_MAX or perf_counter() - began > PATIENCE_S:
            break
        if _fits(provider, one):
            return f"{said}. {one.words}"
    words, signed = provider.covers(connection.config)
    checked = f"Checked: {words}"
    if signed:
        checked += f"; the URL was taken to be {_shown(provider, connection, callback)}"
    hint = provider.explain(callback, connection.config, now_ms)
    hint = hint or _likely(reason).told
    return f"{said}. {checked}.{f' {hint}' if hint else ''}"


def cause(reason: str) -> str:
    """Return the name of the likely cause of an adapter's reason: one of `CAUSES`."""
    return _likely(reason).name


def _likely(reason: str) -> Cause:
    return next((one for one in _CAUSES if re.search(one.words, reason)), _NO_CAUSE)


def _fits(provider: Provider, one: Try) -> bool:
    return provider.verify(one.callback, one.config, one.now_ms).verdict == "ok"


def _tries(
    provider: Provider,
    connection: Connection,
    callback: Callback,
    now_ms: int,
    others: list[Connection],
) -> Iterator[Try]:
    config = connection.config
    for at_ms in _times(callback):
        yield Try(_clock(at_ms, now_ms), callback, config, at_ms)
    for earlier, until in connection.previous:
        words = (
            "It fits the secret from before the last rotation, whose overlap is over: give the "
            "provider the new one."
        )
        if until <= now_ms:
            yield Try(words, callback, earlier, now_ms)
    if provider.covers(config)[1]:
        for words, url in _urls(connection, callback):
            meant = msgspec.structs.replace(callback, url=url)
            fits = f"It fits {_shown(provider, connection, meant)}: {words}"
            yield Try(fits, meant, config, now_ms)
    for words, changed in _configs(config):
        yield Try(words, callback, changed, now_ms)
    for other in others[:OTHERS_MAX]:
        yield Try(_of_other(connection, other), callback, other.config, now_ms)
    if len(callback.body) <= BODY_MAX:
        for words, body in _bodies(callback.body):
            meant = msgspec.structs.replace(callback, body=body)
            fits = f"It fits the body {words}: something on the way rewrites bodies."
            yield Try(fits, meant, config, now_ms)


def _shown(provider: Provider, connection: Connection, callback: Callback) -> str:
    url = provider.conceal(callback, connection.config).url
    return url.replace(f"/in/{connection.token}", "/in/{token}")


def _of_other(connection: Connection, other: Connection) -> str:
    if other.mode != connection.mode:
        whose = f"a connection of yours in {other.mode.word} mode"
    else:
        whose = f"your connection {other.name} ({show('con', other.id)})"
    return f"It fits the secret of {whose}: the provider posts to the wrong callback URL."


def _times(callback: Callback) -> list[int]:
    """Find the moments that header fields tell of, in milliseconds since 1970."""
    found: list[int] = []
    for name, value in callback.headers:
        stamps = _STAMP.findall(value[:1000])
        found.extend(int(stamp) * (1 if len(stamp) == 13 else 1000) for stamp in stamps)
        if "date" in name.lower():
            try:
                found.append(int(parsedate_to_datetime(value).timestamp() * 1000))
            except (ValueError, TypeError, OverflowError, IndexError):
                continue
    near = [at for at in dict.fromkeys(found) if _FIRST_STAMP_MS < at < _LAST_STAMP_MS]
    return near[:3]


def _clock(at_ms: int, now_ms: int) -> str:
    off = abs(now_ms - at_ms) // 1000
    if at_ms < now_ms:
        return (
            f"The signature fits, but it is {off} s old: the callback was held back on its way or "
            "posted again, or this machine's clock is ahead."
        )
    return (
        f"The signature fits, but it is of a moment {off} s ahead: this machine's clock, or the "
        "provider's, is off."
    )


def _urls(connection: Connection, callback: Callback) -> Iterator[tuple[str, str]]:
    """Go through the URLs that the provider may have called, each with the way to mend it."""
    parts = urlsplit(callback.url)
    query = f"?{parts.query}" if parts.query else ""
    seen = {callback.url}
    place = parts.path.find(f"/in/{connection.token}")
    inner = parts.path[max(place, 0) :]
    for host in _hosts(callback, parts.netloc):
        for scheme in ("https", "http"):
            for path in (parts.path, *_prefixed(callback, inner)):
                base = f"{scheme}://{host}{path[: len(path) - len(inner)]}"
                url = f"{scheme}://{host}{path}{query}"
                if url not in seen:
                    seen.add(url)
                    yield f"set this connection's public_url to {base}.", url
    base = f"{parts.scheme}://{parts.netloc}"
    path = parts.path[:-1] if parts.path.endswith("/") else f"{parts.path}/"
    yield (
        "enter the callback URL at the provider exactly as it is shown here.",
        (f"{base}{path}{query}"),
    )
    for words, other in _queries(parts.query):
        yield f"{words}; something on the way rewrites the query.", f"{base}{parts.path}{other}"


def _hosts(callback: Callback, own: str) -> list[str]:
    named = [own, callback.header("Host"), *_list(callback.header("X-Forwarded-Host"))]
    named.append(callback.header("X-Original-Host"))
    found: list[str] = []
    for host in named:
        if host and _HOST.fullmatch(host):
            bare = host.partition(":")[0]
            found += [host, bare, f"{bare}:443", f"{bare}:80"]
    return list(dict.fromkeys(found))[:8]


def _list(value: str | None) -> list[str]:
    return [one.strip() for one in (value or "").split(",")][:2]


def _prefixed(callback: Callback, inner: str) -> list[str]:
    prefix = callback.header("X-Forwarded-Prefix")
    return [f"{prefix.rstrip('/')}{inner}"] if prefix and prefix.startswith("/") else []


def _queries(query: str) -> Iterator[tuple[str, str]]:
    if not query:
        return
    yield "the URL without its query", ""
    yield "with its query decoded", f"?{unquote(query)}"
    pairs = parse_qsl(query, keep_blank_values=True)
    yield "with its query encoded anew", f"?{urlencode(pairs)}"
    yield "with blanks of its query as %20", f"?{urlencode(pairs, quote_via=quote)}"
    yield "with its query sorted", f"?{urlencode(sorted(pairs))}"


def _configs(config: msgspec.Struct) -> Iterator[tuple[str, msgspec.Struct]]:
    """Go through configs that may have been meant: secrets mistaken for others, or mistyped."""
    for field in msgspec.structs.fields(config):
        part = getattr(config, field.name)
        if isinstance(part, msgspec.Struct):
            for words, changed in _configs(part):
                yield words, msgspec.structs.replace(config, **{field.name: changed})
    hidden = secret_fields(type(config))
    secrets = {
        field.name: value
        for field in msgspec.structs.fields(config)
        if field.encode_name in hidden and isinstance(value := getattr(config, field.name), str)
    }
    for name, value in secrets.items():
        for words, other in (
            ("blanks around it", value.strip()),
            ("quotation marks around it", value.strip("'\"")),
            ("capital letters in it", value.lower()),
        ):
            if other and other != value:
                changed = msgspec.structs.replace(config, **{name: other})
                yield f"It fits if {name} is taken without the {words}: enter it anew.", changed
        for further, other in secrets.items():
            if further != name and other != value:
                changed = msgspec.structs.replace(config, **{name: other})
                yield f"It fits the value of {further}: that is what {name} has to be.", changed


def _bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Go through bodies that may have been signed."""
    found = [
        ("without the line end at its end", body.rstrip(b"\r\n")),
        ("with a line end at its end", body + b"\n"),
        ("with other line ends", body.replace(b"\r\n", b"\n")),
        ("with other line ends", body.replace(b"\n", b"\r\n")),
        ("without a byte order mark", body.removeprefix(b"\xef\xbb\xbf")),
        ("with blanks as %20", body.replace(b"+", b"%20")),
    ]
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict | list):
        for ascii_, words in ((True, "with its letters escaped"), (False, "with its letters bare")):
            for separators in ((",", ":"), (", ", ": ")):
                text = json.dumps(value, ensure_ascii=ascii_, separators=separators)
                found.append((words, text.encode("utf-8", "replace")))
    seen = {body}
    for words, other in found:
        if other not in seen:
            seen.add(other)
            yield words, other
