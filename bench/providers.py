"""How long one callback takes to verify and to read: `python -m bench.providers`, in process.

Every recording of every adapter, over and over in random order, on one core; nothing is received,
stored or sent. What is aimed at is meant for JSON: forms, XML and queries have figures of their
own, and so has what is refused or only challenged, which is verified and never read. Some callbacks
are batches: of each kind there is also the time divided by what came in the callback. The result is
written to bench/results/providers/ and, with --publish, into docs/performance.md.
"""

import argparse
import gc
import json
import platform
import random
import statistics
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ringback.domain.http import Callback
from ringback.providers.base import Provider, ProviderConfig
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS, read_request
from ringback.providers.registry import PROVIDERS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "bench" / "results" / "providers"
PAYLOADS = ROOT / "src" / "ringback" / "providers" / "payloads"
BEGIN, END = "<!-- providers: python -m bench.providers -->\n", "<!-- end of providers -->"
AIM_US = 60.0
KINDS = ("json", "form", "xml", "query", "other", "refused")


class Recording(NamedTuple):
    """A callback that was recorded, of which of KINDS it is, and how many things it tells of.

    What could not be read counts like what was, and a callback is never less than one.
    """

    callback: Callback
    config: ProviderConfig
    kind: str
    items: int


def recordings(provider: Provider) -> list[Recording]:
    """Return the recordings of a provider, all of them."""
    folder = PAYLOADS / provider.name
    found: list[Recording] = []
    for path in sorted(folder.glob("*.http")):
        own = path.with_suffix(".config.json")
        raw = json.loads((own if own.exists() else folder / "config.json").read_bytes())
        config = load_config(provider.Config, raw)
        callback = read_request(path.read_bytes())
        genuine = provider.verify(callback, config, NOW_MS).verdict == "ok"
        if genuine:
            parsed = provider.parse(callback, config)
            items = max(1, len(parsed.items) + len(parsed.unparsed))
            found.append(Recording(callback, config, kind(callback), items))
        else:
            found.append(Recording(callback, config, "refused", 1))
    return found


def kind(callback: Callback) -> str:
    """Tell JSON, forms, XML and queries by what they are, whatever they say they are."""
    body = callback.body.strip()
    if not body:
        return "query"
    if body.startswith(b"<"):
        return "xml"
    try:
        json.loads(body)
    except ValueError:
        types = [value for name, value in callback.headers if name.lower() == "content-type"]
        return "form" if any("form" in one for one in types) else "other"
    return "json"


def measured(provider: Provider, rounds: int) -> dict[str, Any]:
    """Verify and read every recording so often; return microseconds a callback, also by kind."""
    todo = recordings(provider)
    genuine = [one for one in todo if one.kind != "refused"]
    dice = random.Random(len(todo))
    spent: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for_one: dict[str, list[float]] = {kind: [] for kind in KINDS}
    gc.collect()
    for turn in range(rounds + 1):
        dice.shuffle(todo)
        for callback, config, which, items in todo:
            read = which != "refused"
            began = time.thread_time_ns()
            provider.verify(callback, config, NOW_MS)
            if read:
                provider.parse(callback, config)
            took = time.thread_time_ns() - began
            if turn:  # the first round only warms up
                spent[which].append(took)
                for_one[which].append(took / items)
    of = Counter(one.kind for one in todo)
    told = Counter[str]()
    for one in todo:
        told[one.kind] += one.items
    return {
        "recordings": len(genuine),
        "bytes": round(statistics.mean(len(one.callback.body) for one in genuine)),
        **_figures([took for which in KINDS if which != "refused" for took in spent[which]]),
        "kinds": {
            which: {
                "recordings": of[which],
                **_figures(spent[which]),
                "items": told[which],
                "item_median_us": round(statistics.median(for_one[which]) / 1000, 1),
            }
            for which in KINDS
            if of[which]
        },
    }


def _figures(spent: list[int]) -> dict[str, float]:
    spent.sort()
    return {
        "median_us": round(statistics.median(spent) / 1000, 1),
        "p99_us": round(spent[int(len(spent) * 0.99)] / 1000, 1),
    }


def recorded(rounds: int) -> dict[str, Any]:
    """Measure every provider."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "rounds": rounds,
        "providers": {
            name: measured(provider, rounds) for name, provider in sorted(PROVIDERS.items())
        },
    }


def latest() -> dict[str, Any] | None:
    """Read the newest result, or None when there is none."""
    found = sorted(RESULTS.glob("*.json"))
    return json.loads(found[-1].read_text(encoding="utf-8")) if found else None


def markdown(results: dict[str, Any] | None) -> str:
    """Write a result as a table."""
    if results is None:
        return "No run has been recorded yet: `python -m bench.providers --publish` does it.\n"
    how = (
        f"Measured on {results['date']}, Python {results['python']}: {results['rounds']:,} times "
        "each recording, time of the processor, nothing received or stored. At most "
        f"{AIM_US:g} µs are aimed at for JSON, in the middle."
    )
    providers = results["providers"]
    if not all("kinds" in one for one in providers.values()):
        return "\n".join([how, "", *_all_in_one(providers), ""])
    apart = "The others are forms, XML and queries; what is refused is verified and not read."
    return "\n".join([f"{how} {apart}", "", *_by_kind(providers), ""])


def _all_in_one(providers: dict[str, Any]) -> list[str]:
    """Write a result from before kinds were told apart."""
    lines = [
        "| provider | recordings | bytes, on average | median | p99 |",
        "|---|---|---|---|---|",
    ]
    for name, one in providers.items():
        lines.append(
            f"| `{name}` | {one['recordings']} | {one['bytes']:,} | {one['median_us']:.1f} µs | "
            f"{one['p99_us']:.1f} µs |"
        )
    return lines


_COLUMNS = (
    "provider", "recordings", "bytes, on average", "JSON, median", "an item of JSON, median",
    "others, median", "refused, median", "p99",
)  # fmt: skip
_ITEM = 4  # which of them the results from before items were counted have not


def _by_kind(providers: dict[str, Any]) -> list[str]:
    """Write JSON apart from everything else: each median with the number of its recordings."""
    counted = any("items" in kind for one in providers.values() for kind in one["kinds"].values())
    columns = [name for at, name in enumerate(_COLUMNS) if counted or at != _ITEM]
    lines = [f"| {' | '.join(columns)} |", f"{'|---' * len(columns)}|"]
    for name, one in providers.items():
        kinds = one["kinds"]
        others = [
            f"{_named(which)} {_cell(kinds[which])}" for which in KINDS[1:-1] if which in kinds
        ]
        cells = [
            f"`{name}`", f"{one['recordings']}", f"{one['bytes']:,}", _cell(kinds.get("json")),
            *([_item(kinds.get("json"))] if counted else []),
            ", ".join(others) or "none", _cell(kinds.get("refused")), f"{one['p99_us']:.1f} µs",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _named(which: str) -> str:
    return "XML" if which == "xml" else which


def _cell(one: dict[str, float] | None) -> str:
    return f"{one['median_us']:.1f} µs ({one['recordings']})" if one else "none"


def _item(one: dict[str, float] | None) -> str:
    return f"{one['item_median_us']:.1f} µs ({one['items']})" if one else "none"


def published(text: str) -> str:
    """Return the page with a table in its place."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.providers")
    parser.add_argument("--rounds", type=int, default=1000, help="times that each is read")
    parser.add_argument("--publish", action="store_true", help="write it to docs/performance.md")
    options = parser.parse_args()
    results = recorded(options.rounds)
    text = markdown(results)
    print(text)
    if options.publish:
        RESULTS.mkdir(parents=True, exist_ok=True)
        path = RESULTS / f"{results['date']}.json"
        path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        PAGE.write_text(published(text), encoding="utf-8")


if __name__ == "__main__":
    main()
