"""What proves a callback, found by watching what `authenticate` makes: nothing is listed by hand.

A part of a proof is a header or a parameter of the query that `authenticate` adds, or makes
otherwise with other secrets, at another time or for another body. A provider that is added is
found by its recordings.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, unquote_to_bytes

import msgspec

from ringback.domain.http import Callback, HttpRequest
from ringback.providers.base import ProviderConfig, Verification
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS

from .cases import GENUINE, Case, arrived, flipped, secrets_in

FLIPS = 200
SAYS_SOMETHING = 40
DAY_MS = 86_400_000
Verify = Callable[[Callback, Any, int], Verification]


@dataclass(frozen=True)
class Part:
    """A header, by its name in lower case, or a parameter of the query."""

    place: Literal["header", "query"]
    name: str

    def __str__(self) -> str:
        return f"{self.place} {self.name}"

    def put(self, callback: Callback, values: tuple[str, ...] = ()) -> Callback:
        """Give a callback these in place of its own: none takes it away, two double it."""
        if self.place == "header":
            kept = [one for one in callback.headers if one[0].lower() != self.name]
            headers = (*kept, *((self.name, value) for value in values))
            return msgspec.structs.replace(callback, headers=headers)
        kept_pieces = [one for one in callback.query.split("&") if _named(one)[0] != self.name]
        made = [f"{quote(self.name)}={quote(value, '', 'latin-1')}" for value in values]
        query = "&".join([*filter(None, kept_pieces), *made])
        bare = callback.url.partition("?")[0]
        return msgspec.structs.replace(callback, url=f"{bare}?{query}" if query else bare)


@dataclass(frozen=True)
class Proved:
    """A genuine callback, with the parts of its proof."""

    case: Case
    callback: Callback
    parts: frozenset[Part]

    def __str__(self) -> str:
        return str(self.case)

    def proves(self, callback: Callback, at_ms: int = NOW_MS) -> bool:
        """Say whether the proof that came with this callback is what `authenticate` makes."""
        own = said(self.callback)
        # Not taken away: a provider may look at where a proof stands to make it there again.
        for part in self.parts:
            callback = part.put(callback, ("x",))
        found = said(made(self.case, _request(callback), at_ms))
        return all(found.get(part) == own[part] for part in self.parts)


def _named(piece: str) -> tuple[str, str]:
    name, _, value = piece.partition("=")
    plain = [unquote_to_bytes(one.replace("+", " ")).decode("latin-1") for one in (name, value)]
    return plain[0], plain[1]


def said(request: HttpRequest | Callback) -> dict[Part, tuple[str, ...]]:
    """Return every header and every parameter of the query, with its values."""
    query = request.url.partition("?")[2].partition("#")[0]
    found = [(Part("header", name.lower()), value) for name, value in request.headers]
    for piece in filter(None, query.split("&")):
        name, value = _named(piece)
        found.append((Part("query", name), value))
    return {part: tuple(value for one, value in found if one == part) for part, _ in found}


def made(case: Case, request: HttpRequest, at_ms: int = NOW_MS) -> HttpRequest:
    """Prove a request as the case's provider would."""
    return case.provider.authenticate(request, case.config, at_ms)


def _other_secrets(config: ProviderConfig) -> ProviderConfig:
    known = set(secrets_in(config))

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(one) for name, one in value.items()}
        if isinstance(value, list):
            return [changed(one) for one in value]
        return value + "x" if isinstance(value, str) and value in known else value

    return load_config(type(config), changed(msgspec.to_builtins(config)))


def _request(callback: Callback) -> HttpRequest:
    return HttpRequest(callback.method, callback.url, callback.headers, callback.body)


def parts_of(case: Case) -> frozenset[Part]:
    """Find the parts of the proof of a recorded callback."""
    request = _request(case.callback)
    whole = said(made(case, request))
    others = [
        request,
        case.provider.authenticate(request, _other_secrets(case.config), NOW_MS),
        made(case, request, NOW_MS + 61_000),
        made(case, msgspec.structs.replace(request, body=request.body + b" ")),
    ]
    told = [said(other) for other in others]
    return frozenset(
        part for part, value in whole.items() for one in told if one.get(part) != value
    )


def _proved() -> list[Proved]:
    """Return one genuine callback for each config, method and set of parts of each provider."""
    cases = [case for case in GENUINE if not case.provider.keyed]
    parts = {str(case): parts_of(case) for case in cases}
    all_parts = {
        provider.name: {part for case in cases if case.provider is provider
                        for part in parts[str(case)]}
        for provider in {case.provider for case in cases}
    }  # fmt: skip
    found: dict[object, Proved] = {}
    for case in cases:
        own = parts[str(case)]
        callback = case.callback
        # What another callback of this provider proves itself with would be a proof as well.
        for part in all_parts[case.provider.name] - own:
            callback = part.put(callback)
        callback = arrived(made(case, _request(callback)))
        key = (case.provider.name, msgspec.json.encode(case.config), callback.method, own)
        made_of = Proved(case, callback, own)
        found[key] = min(found.get(key, made_of), made_of, key=_rank)
    return sorted(found.values(), key=str)


def _rank(one: Proved) -> tuple[bool, int]:
    """Prefer a body that says something, and a short one."""
    size = len(one.callback.body)
    return size < SAYS_SOMETHING, size


PROVED = _proved()


def forgeries(one: Proved, dice: random.Random) -> Iterator[tuple[str, Callback, int]]:
    """Yield what must not be let through: what was done, the callback, and the time it comes.

    Each part taken away, doubled, and with 200 random bits turned over; then a changed body, URL,
    method and time, wherever the proof would have been another one for it.
    """
    for part in sorted(one.parts, key=str):
        (value,) = said(one.callback)[part]
        yield f"{part} taken away", part.put(one.callback), NOW_MS
        yield f"{part} doubled", part.put(one.callback, (value, value)), NOW_MS
        yield f"{part} emptied", part.put(one.callback, ("",)), NOW_MS
        # The word before a space names a scheme, which may be written in any case.
        kept, space, altered = value.rpartition(" ")
        for _ in range(FLIPS):
            forged = kept + space + flipped(altered.encode("latin-1"), dice).decode("latin-1")
            yield f"{part} altered", part.put(one.callback, (forged,)), NOW_MS
    for what, changed in _changes(one.callback, dice):
        if not one.proves(changed):
            yield what, changed, NOW_MS
    for late_ms in (DAY_MS, -DAY_MS):
        if not one.proves(one.callback, NOW_MS + late_ms):
            yield "another time", one.callback, NOW_MS + late_ms


def same_body(one: Proved, dice: random.Random) -> Iterator[Callback]:
    """Yield other bodies that the same proof is right for: nothing covers what was changed."""
    for what, changed in _changes(one.callback, dice):
        if what == "another body" and one.proves(changed):
            yield changed


def _changes(callback: Callback, dice: random.Random) -> Iterator[tuple[str, Callback]]:
    for _ in range(FLIPS if callback.body else 0):
        body = flipped(callback.body, dice)
        yield "another body", msgspec.structs.replace(callback, body=body)
    bare, mark, query = callback.url.partition("?")
    for url in (
        f"{bare}x{mark}{query}", f"{bare}?x=y&{query}" if mark else f"{bare}?x=y",
        bare.replace("://", "://x.") + mark + query, callback.url.replace("https:", "http:"),
    ):  # fmt: skip
        yield "another URL", msgspec.structs.replace(callback, url=url)
    for method in {"GET", "POST", "PUT"} - {callback.method}:
        yield "another method", msgspec.structs.replace(callback, method=method)


def let_through(verify: Verify, one: Proved) -> set[str]:
    """Return what was done to forgeries that are taken for genuine."""
    dice = random.Random(str(one))
    return {
        what
        for what, callback, now_ms in forgeries(one, dice)
        if verify(callback, one.case.config, now_ms).verdict in ("ok", "handshake")
    }
