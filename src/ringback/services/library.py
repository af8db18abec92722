"""The library of samples: recorded callbacks of each provider, in words, ready to be played.

A recording that was refused, and one that only sets a connection up, is none; nor is any of a
provider whose callers have a key of ours, which is known to nobody here.
"""

import difflib
import functools
import re
from collections import Counter
from importlib import resources
from typing import Literal, get_args

import msgspec

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback, HttpRequest
from ringback.errors import Fault, Invalid
from ringback.providers import config as configs
from ringback.providers import registry
from ringback.providers.base import (
    CallReport,
    Consent,
    Inbound,
    Item,
    Notice,
    OrderReport,
    Parsed,
    Provider,
    Report,
)
from ringback.providers.playing import CannotPlayError, Recording, played
from ringback.providers.recorded import NOW_MS, read_request
from ringback.services.mapping_trials import event_of

About = Literal[
    "statuses", "people", "consent", "links", "templates", "senders", "calls", "orders", "others",
    "unread",
]  # fmt: skip
# Recordings that prove that something is kept out, or that set a connection up.
_NO_SAMPLE = ("refused", "challenge", "handshake")
_FAMILIES: dict[str, About] = {"link": "links", "template": "templates", "sender": "senders"}
_NEAR = 5
_QUOTED = 60
_TOLD = 4
_SPELT = {
    "sms": "SMS", "mms": "MMS", "rcs": "RCS", "whatsapp": "WhatsApp", "id": "id", "json": "JSON",
    "xml": "XML", "url": "URL", "utf": "UTF", "get": "GET", "api": "API", "rbm": "RBM",
}  # fmt: skip
_URL = "https://hooks.example.com/in/sample"
_SEED = b"shown"


class Sample(msgspec.Struct, frozen=True):
    """A recording as it is offered to a connection.

    `says` is what it tells, in words, and `events` the types that follow from it at this
    connection when it is news. `query` and `body` are as they were recorded.
    """

    name: str
    title: str
    about: About
    says: str
    events: tuple[str, ...]
    method: str
    query: str
    content_type: str
    body: bytes


def samples(connection: Connection, now_ms: int) -> list[Sample]:
    """List what can be played to a connection as it is configured, by what it is about.

    Takes a tenth of a second where there are many: not for an event loop.
    """
    provider = registry.get(connection.provider)
    found = []
    for name, recording in _recordings(provider.name).items():
        try:
            made = played(provider, recording, connection.config, _URL, now_ms, _SEED)
        except CannotPlayError:
            continue
        said = Callback(made.method, made.url, made.headers, made.body)
        parsed = provider.parse(said, connection.config)
        recorded = recording.callback
        found.append(
            Sample(
                name, _title(name), _about(parsed), _says(parsed),
                tuple(dict.fromkeys(map(event_of, parsed.items))), recorded.method, recorded.query,
                recorded.header("Content-Type") or "", recorded.body,
            )
        )  # fmt: skip
    order = get_args(About)
    return sorted(found, key=lambda one: (order.index(one.about), one.name))


def made(connection: Connection, name: str, url: str, now_ms: int, seed: bytes) -> HttpRequest:
    """Make the request that plays a sample to a connection at its `url`.

    Raises Invalid (`/sample`) for a name that there is no sample of, with those that are near, and
    for one that the connection would not take as it is configured.
    """
    provider = registry.get(connection.provider)
    known = _recordings(provider.name)
    if name not in known:
        raise Invalid(Fault("/sample", _unknown(provider, name, list(known))))
    try:
        return played(provider, known[name], connection.config, url, now_ms, seed)
    except CannotPlayError as error:
        words = f"This connection would not take it: {str(error).rstrip('.')}."
        raise Invalid(Fault("/sample", words)) from error


def _unknown(provider: Provider, name: str, known: list[str]) -> str:
    if not known:
        return f"There are no samples of {provider.label}."
    near = difflib.get_close_matches(name, known, _NEAR, 0.5)
    near += [one for one in known if name and name in one and one not in near]
    hint = f"Near it are: {', '.join(near[:_NEAR])}." if near else "The list of samples has them."
    return f"{provider.label} has no sample of this name. {hint}"


@functools.cache
def _recordings(provider: str) -> dict[str, Recording]:
    """Read the recordings of a provider; they are part of the program."""
    found = registry.get(provider)
    if found.keyed:
        return {}
    folder = resources.files("ringback.providers").joinpath("payloads", provider)
    files = {one.name: one for one in folder.iterdir()}
    recordings = {}
    for file in sorted(files):
        name = file.removesuffix(".http")
        if name == file or name.startswith(_NO_SAMPLE):
            continue
        own = files.get(f"{name}.config.json", files["config.json"])
        config = configs.load_config(found.Config, msgspec.json.decode(own.read_bytes()))
        callback = read_request(files[file].read_bytes())
        if found.verify(callback, config, NOW_MS).verdict == "ok":
            recordings[name] = Recording(callback, config, found.parse(callback, config))
    return recordings


def _title(name: str) -> str:
    """Write a name as words: `inbound-mms` is `Inbound MMS`."""
    words = " ".join(_SPELT.get(one, one) for one in name.split("-"))
    words = re.sub(r"\bv(\d)\b", r"version \1:", words)
    return words[:1].upper() + words[1:]


def _about(parsed: Parsed) -> About:
    """Say what a sample is about: what is rarest in it."""
    found = {_about_item(item) for item in parsed.items}
    for about in ("consent", "links", "templates", "senders", "calls", "orders", "people",
                  "statuses", "others"):  # fmt: skip
        if about in found:
            return about
    return "unread"


def _about_item(item: Item) -> About:
    match item:
        case Report():
            return "statuses"
        case Inbound():
            return "people"
        case Consent():
            return "consent"
        case CallReport():
            return "calls"
        case OrderReport():
            return "orders"
        case Notice():
            return _FAMILIES[item.type.partition(".")[0]]
        case _:
            return "others"


def _says(parsed: Parsed) -> str:
    """Say in a few words what a sample tells."""
    told = Counter(map(_said, parsed.items))
    words = [f"{one} ({many} times)" if many > 1 else one for one, many in told.items()]
    if len(words) > _TOLD:
        words[_TOLD:] = [f"{len(words) - _TOLD} more"]
    if parsed.unparsed:
        pieces = "1 piece" if len(parsed.unparsed) == 1 else f"{len(parsed.unparsed)} pieces"
        words.append(f"{pieces} that cannot be read: {parsed.unparsed[0].reason}")
    return "; ".join(words) or "nothing"


def _said(item: Item) -> str:
    match item:
        case Report():
            why = f", {item.error.code.replace('_', ' ')}" if item.error else ""
            return f"a message is {item.status}{why}"
        case Inbound():
            text = item.content.get("text")
            kind = str(item.content.get("kind", "message")).replace("_", " ")
            said = f": “{_cut(text)}”" if isinstance(text, str) and text else ""
            return f"a person sends: {kind}{said}"
        case Consent():
            return f"a person {item.word.replace('_', ' ')}"
        case CallReport():
            return f"a call: {item.word.replace('_', ' ')}"
        case OrderReport():
            return f"an order of numbers is {item.status}"
        case Notice():
            return item.type.replace(".", " ").replace("_", " ")
        case _:
            return f"{item.kind}, which Ringback has no word for"


def _cut(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
