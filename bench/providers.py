"""How long one callback takes to verify and to read: `python -m bench.providers`, in process.

Every genuine recording of every adapter, over and over in random order, on one core; nothing is
received, stored or sent. The result is written to bench/results/providers/ and, with --publish,
into docs/performance.md.
"""

import argparse
import gc
import json
import platform
import random
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
_NOT_GENUINE = ("refused", "challenge", "handshake")
Recording = tuple[Callback, ProviderConfig]


def recordings(provider: Provider) -> list[Recording]:
    """Return the genuine recordings of a provider that its adapter verifies."""
    folder = PAYLOADS / provider.name
    found: list[Recording] = []
    for path in sorted(folder.glob("*.http")):
        if path.name.startswith(_NOT_GENUINE):
            continue
        own = path.with_suffix(".config.json")
        raw = json.loads((own if own.exists() else folder / "config.json").read_bytes())
        config = load_config(provider.Config, raw)
        callback = read_request(path.read_bytes())
        if provider.verify(callback, config, NOW_MS).verdict == "ok":
            found.append((callback, config))
    return found


def measured(provider: Provider, rounds: int) -> dict[str, float]:
    """Verify and read every recording so often; return microseconds a callback."""
    todo = recordings(provider)
    dice = random.Random(len(todo))
    spent: list[int] = []
    gc.collect()
    for turn in range(rounds + 1):
        dice.shuffle(todo)
        for callback, config in todo:
            began = time.thread_time_ns()
            provider.verify(callback, config, NOW_MS)
            provider.parse(callback, config)
            if turn:  # the first round only warms up
                spent.append(time.thread_time_ns() - began)
    spent.sort()
    return {
        "recordings": len(todo),
        "bytes": round(statistics.mean(len(callback.body) for callback, _ in todo)),
        "median_us": round(statistics.median(spent) / 1000, 1),
        "p99_us": round(spent[int(len(spent) * 0.99)] / 1000, 1),
    }


def recorded(rounds: int) -> dict[str, Any]:
    """Measure every provider that has genuine recordings."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "rounds": rounds,
        "providers": {
            name: measured(provider, rounds)
            for name, provider in sorted(PROVIDERS.items())
            if recordings(provider)
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
    lines = [
        how,
        "",
        "| provider | recordings | bytes, on average | median | p99 |",
        "|---|---|---|---|---|",
    ]
    for name, one in results["providers"].items():
        lines.append(
            f"| `{name}` | {one['recordings']} | {one['bytes']:,} | {one['median_us']:.1f} µs | "
            f"{one['p99_us']:.1f} µs |"
        )
    return "\n".join([*lines, ""])


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
