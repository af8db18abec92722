"""Subscribing: telling a provider by its own API where it is to post a connection's callbacks.

The part of the contract that only those adapters have whose provider can be told. Like a send it
is described and not done: requests come out one by one, and each answer is given back.
"""

from collections.abc import Generator
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec

from ringback.domain.hosts import InvalidUrl
from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.strict_json import StrictJsonError, decode
from ringback.domain.targets import Target
from ringback.providers import forms, reading
from ringback.providers.base import TokenRequest

# `kept` was right already, `changed` came to us at another address, `others` is somebody else's
# and stays, `refused` the provider would not have.
State = Literal["kept", "added", "changed", "removed", "others", "refused"]
# Somebody else's subscriptions that one call ends; more are left for the next.
REMOVED_MAX = 20
WORDS_MAX = 200


class Wish(msgspec.Struct, frozen=True):
    """What is wanted: callbacks at `url`, the connection's callback URL with nothing added to it.

    `dry_run`: the provider is asked what there is, and nothing is changed; what is said then is
    what would be. `remove_others`: what leads elsewhere ends, whoever has subscribed it.
    """

    url: str
    dry_run: bool = False
    remove_others: bool = False


class Subscription(msgspec.Struct, frozen=True):
    """One thing that callbacks come for, in the provider's word, and what became of it.

    `url` is where they are posted, without user, password and query, which may hold secrets.
    """

    what: str
    state: State
    url: str
    detail: str = ""


class Subscribed(msgspec.Struct, frozen=True):
    """What became of a wish: whether callbacks come now, and in words why not and what to do."""

    ok: bool
    detail: str
    subscriptions: tuple[Subscription, ...] = ()


SubscribeFlow = Generator[HttpRequest | TokenRequest, HttpResponse, Subscribed]


class Subscribing:
    """What an adapter is as well whose provider can be told where to post.

    `subscribes` says in words, for the documentation, what is subscribed to and what that needs.
    """

    subscribes: ClassVar[str]

    def subscribe(self, wish: Wish, config: Any) -> SubscribeFlow:
        """Describe the requests: ask what is there, add what is missing, mend what is ours.

        Asked twice it changes nothing the second time.
        """
        raise NotImplementedError


def ended(done: list[Subscription], label: str, *, dry_run: bool) -> Subscribed:
    """Sum up what was done, or would be."""
    wrong = [one.what for one in done if one.state == "refused"]
    if wrong:
        words = f"{label} refuses {', '.join(wrong)}; the rest is as it says."
        return Subscribed(False, words, tuple(done))
    changed = any(one.state in ("added", "changed", "removed") for one in done)
    words = "has what is wanted already: nothing was changed"
    if changed:
        words = "was only asked: nothing was changed yet" if dry_run else "posts here now"
    return Subscribed(True, f"{label} {words}.", tuple(done))


def missing(label: str, *names: str) -> Subscribed:
    """Say which settings are needed to ask the provider at all."""
    fields = " and ".join(f"`{name}`" for name in names)
    words = f"{label} cannot be asked without {fields}: add it to the connection's config."
    return Subscribed(False, words)


def refused(response: HttpResponse, label: str, *secrets: str | None) -> str:
    """Say why a provider will not, and what to do; with its own words, where it has some.

    `secrets` are left out of these, should it have repeated them.
    """
    if response.status in (401, 403, 404):
        words = reading.checked(response, label).detail
    elif 200 <= response.status < 300:
        words = f"What {label} answers cannot be read, so nothing was changed."
    elif response.status == 429:
        words = f"{label} has been asked too often (HTTP 429): try again later."
    elif response.status >= 500:
        words = f"{label} answered HTTP {response.status}: try again later."
    else:
        words = f"{label} refuses it (HTTP {response.status})."
    said = _own_words(response.body)
    for given in filter(None, secrets):
        # Our own, in an answer to ourselves: how long that takes tells nobody anything.
        if given in said:
            said = ""
    return f"{words} It says: {said}" if said else words


def listed(body: bytes, *names: str) -> list[dict[str, object]] | None:
    """Return the objects of an answer's list; None where there is none.

    It is the answer, or under one of these names, the first that has something; or under another
    of them in there.
    """
    try:
        told = decode(body)
    except StrictJsonError:
        return None
    for _ in range(2):
        if isinstance(told, dict):
            told = next((told[name] for name in names if told.get(name) is not None), None)
    return [reading.mapping(one) for one in told] if isinstance(told, list) else None


def same(one: str, other: str) -> bool:
    """Whether two URLs lead to the same place, however their query is ordered."""
    return _taken_apart(one) == _taken_apart(other)


def ours(url: str, callback_url: str) -> bool:
    """Whether a URL leads to this connection, at this address of ours or at an earlier one."""
    tail = _path(callback_url).rpartition("/in/")[2]
    return bool(tail) and _path(url).endswith(f"/in/{tail}")


def shown(url: str) -> str:
    """Return a URL as it may be shown: without user, password and query."""
    try:
        return Target.parse(url).shown.partition("?")[0]
    except InvalidUrl:
        return "a URL that cannot be read"


def _taken_apart(url: str) -> tuple[str, str, str, list[tuple[str, str]]]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ("", "", url, [])
    found = sorted(forms.pairs(parts.query.encode()) or [])
    return (parts.scheme.lower(), parts.netloc.lower(), parts.path, found)


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _own_words(body: bytes) -> str:
    """Return what an answer says in words, where it is JSON as providers write it."""
    try:
        told = reading.mapping(decode(body))
    except StrictJsonError:
        return ""
    words = reading.mapping(told.get("error")).get("message") or told.get("message")
    return "".join(one for one in str(words or "") if one.isprintable())[:WORDS_MAX]
