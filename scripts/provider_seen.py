"""What the recordings of a provider and their goldens prove: nothing else is claimed of it."""

import json
from pathlib import Path
from typing import Any

import msgspec

from ringback.domain.http import Callback
from ringback.providers.base import Consent, Parsed, Provider, ProviderConfig
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS, read_request

PAYLOADS = Path(__file__).parents[1] / "src" / "ringback" / "providers" / "payloads"
_MONTH_MS = 30 * 86_400_000
Json = dict[str, Any]


class Recording(msgspec.Struct, frozen=True):
    """One recorded callback, the config that it came to, and what was made of it."""

    name: str
    callback: Callback
    config: ProviderConfig
    golden: Json

    @property
    def verdict(self) -> str:
        """What was thought of it."""
        return str(self.golden["verification"]["verdict"])


class Seen(msgspec.Struct, frozen=True):
    """What all recordings of a provider show."""

    recordings: list[Recording]

    @property
    def items(self) -> list[tuple[str, Json]]:
        """Everything that was read, each with the name of its recording."""
        return [
            (one.name, item)
            for one in self.recordings
            for item in (one.golden["parsed"] or {}).get("items", ())
        ]

    @property
    def kinds(self) -> set[str]:
        """The kinds of items, the families of notices, and the verdicts."""
        found = {item["item"] for _, item in self.items}
        found |= {one["type"].partition(".")[0] for _, one in self.items if one["item"] == "notice"}
        return found | {one.verdict for one in self.recordings}

    @property
    def reports(self) -> list[tuple[str, Json]]:
        """The reports alone."""
        return [(name, item) for name, item in self.items if item["item"] == "report"]

    def statuses(self, provider: Provider) -> set[str]:
        """Return the statuses that some report has, by a word of the provider's own."""
        own = provider.STATUS
        return {
            item["status"] for _, item in self.reports
            if not own or item.get("provider_status") in (None, *own)
        }  # fmt: skip

    @property
    def weak(self) -> set[str]:
        """The statuses that some report has on weak proof."""
        return {item["status"] for _, item in self.reports if item.get("weak")}

    @property
    def files(self) -> bool:
        """Whether somebody sent a file."""
        return any(
            item["item"] == "inbound" and item["content"].get("media") for _, item in self.items
        )

    def seen_in(self, word: str, status: str) -> str:
        """Return the recording that shows a provider's word as a status, and little else."""
        names = [name for name, _ in self.reports]
        shown = (
            name for name, item in self.reports
            if (item.get("provider_status"), item["status"]) == (word, status)
        )  # fmt: skip
        return min(shown, key=lambda name: (names.count(name), name))

    @property
    def opt_out_codes(self) -> bool:
        """Whether a failure says that the person opted out."""
        return any((item.get("error") or {}).get("opt_out") for _, item in self.reports)

    @property
    def batched(self) -> bool:
        """Whether one callback told of several messages."""
        return any(
            len({(item.get("message_id"), item.get("recipient")) for item in found}) > 1
            for found in (
                [item for name, item in self.reports if name == one.name] for one in self.recordings
            )
        )


def seen(provider: Provider) -> Seen:
    """Read the recordings of a provider."""
    folder = PAYLOADS / provider.name
    found = []
    for path in sorted(folder.glob("*.http")):
        own = path.with_suffix(".config.json")
        raw = json.loads((own if own.exists() else folder / "config.json").read_bytes())
        found.append(
            Recording(
                path.stem, read_request(path.read_bytes()), load_config(provider.Config, raw),
                json.loads(path.with_suffix(".json").read_bytes()),
            )
        )  # fmt: skip
    return Seen(found)


def wishes(provider: Provider, found: Seen) -> set[str]:
    """Say who tells that somebody opted out or in: `told` by the provider, `heard` here in a word.

    What is left when the connection's lists of words are empty is the provider's own.
    """
    ways = set[str]()
    for one in found.recordings:
        if one.verdict == "ok":
            own = _count(provider.parse(one.callback, _wordless(one.config)))
            ways |= {"told"} if own else set()
            ways |= {"heard"} if _count(provider.parse(one.callback, one.config)) > own else set()
    return ways


def _wordless(config: ProviderConfig) -> ProviderConfig:
    lists: dict[str, list[str]] = {
        name: [] for name in ("opt_out_words", "opt_in_words") if hasattr(config, name)
    }
    return msgspec.structs.replace(config, **lists)


def _count(parsed: Parsed) -> int:
    return sum(isinstance(item, Consent) for item in parsed.items)


def proofs(provider: Provider, found: Seen) -> list[str]:
    """Say what proves callbacks, the strongest first: tried by changing genuine ones."""
    if provider.keyed:
        return ["API key"]
    signed, bare = set[str](), set[str]()
    for one in found.recordings:
        if one.verdict == "ok":
            covered = _covered(provider, one)
            signed |= covered
            if not covered:
                bare.add(_bare(provider, one))
    words = [part for part in ("body", "URL", "time") if part in signed]
    told = [f"signature of {', '.join(words)}"] if words else []
    return told + [kind for kind in (_SECRET, _ADDRESS) if kind in bare]


_SECRET, _ADDRESS = "secret in each callback", "secret address alone"


def _covered(provider: Provider, one: Recording) -> set[str]:
    """Find out what of a genuine callback cannot be changed without being noticed."""
    callback, found = one.callback, set()
    if callback.body or callback.method == "POST":
        body = callback.body[:-2] + b"x" + callback.body[-1:]
        if not _taken(provider, one, msgspec.structs.replace(callback, body=body)):
            found.add("body")
    more = callback.url + ("&" if "?" in callback.url else "?") + "zz=1"
    if not _taken(provider, one, msgspec.structs.replace(callback, url=more)):
        found.add("URL")
    if not _taken(provider, one, callback, _MONTH_MS):
        found.add("time")
    return found


def _bare(provider: Provider, one: Recording) -> str:
    url = one.callback.url.partition("?")[0]
    stripped = msgspec.structs.replace(one.callback, headers=(), url=url)
    return _ADDRESS if _taken(provider, one, stripped) else _SECRET


def _taken(provider: Provider, one: Recording, callback: Callback, later_ms: int = 0) -> bool:
    return provider.verify(callback, one.config, NOW_MS + later_ms).verdict == "ok"
