"""Results as JSON, as Markdown, and between the markers of docs/performance.md. No measuring."""

import json
import statistics
from pathlib import Path
from typing import Any

from bench import profiling
from bench.cases import CASES, Case, Figure

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "bench" / "results"
BEGIN, END = "<!-- figures: python -m bench -->\n", "<!-- end of figures -->"
Results = dict[str, Any]
Runs = dict[str, dict[str, list[dict[str, float]]]]


def summed_up(machine: dict[str, str], date: str, size: dict[str, object], runs: Runs) -> Results:
    """Make the result of runs: every figure with its median, least, most and all values.

    `runs` has for each case and variant the figures of each repeat.
    """
    cases: dict[str, Any] = {}
    for case in CASES.values():
        source = runs.get(case.runs_of or case.id)
        measured = {
            variant: {figure.key: _spread(repeats, figure.key) for figure in case.figures}
            for variant, repeats in (source or {}).items()
            if repeats
        }
        if measured:
            cases[case.id] = measured
    return {"date": date, "machine": machine, "size": size, "cases": cases}


def _spread(repeats: list[dict[str, float]], key: str) -> dict[str, Any]:
    values = [round(one[key], 6) for one in repeats]
    return {
        "median": statistics.median(values), "min": min(values), "max": max(values), "all": values,
    }  # fmt: skip


def written(results: Results, folder: Path) -> Path:
    """Write the results as JSON and as Markdown; return the JSON file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{results['date']}.json"
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(markdown(results), encoding="utf-8")
    return path


def latest(folder: Path = RESULTS) -> Results | None:
    """Read the newest results, or None when there are none."""
    found = sorted(folder.glob("*.json"))
    return json.loads(found[-1].read_text(encoding="utf-8")) if found else None


def markdown(results: Results | None) -> str:
    """Write results as Markdown: the machine, the targets, and a table for each case."""
    if results is None:
        return "No run has been recorded yet: `make bench` records one.\n"
    size = results["size"]
    intro = (
        f"Measured on {results['date']}: {size['warm_s']:g} s to warm up, then "
        f"{size['run_s']:g} s, {size['connections']} connections, {size['repeats']} times from an "
        "empty database. Medians, with the lowest and the highest in brackets."
    )
    lines = [
        intro,
        "",
        "| machine | |", "|---|---|",
        *(f"| {name} | {value} |" for name, value in results["machine"].items()),
        "",
        "| # | case | | measured | first | goal | |", "|---|---|---|---:|---:|---:|---|",
    ]  # fmt: skip
    for name in results["cases"]:
        lines += _targets(CASES[name], results["cases"][name])
    for name, variants in results["cases"].items():
        lines += _details(CASES[name], variants)
    for name, found in results.get("profiles", {}).items():
        lines += [
            "",
            f"### Where the time of {name} goes",
            "",
            profiling.told(name, found).rstrip(),
        ]
    return "\n".join(lines) + "\n"


def _targets(case: Case, variants: dict[str, Any]) -> list[str]:
    lines = []
    figures = {figure.key: figure for figure in case.figures}
    for target in case.targets:
        if target.variant not in variants:
            continue
        found = variants[target.variant][target.key]
        figure = figures[target.key]
        what = f"{figure.label}, {target.variant}" if len(variants) > 1 else figure.label
        lines.append(
            f"| {case.id} | {case.title} | {what} | {_shown(figure, found)} "
            f"| {_number(figure, target.first)} | {_number(figure, target.goal)} "
            f"| {target.judge(found['median'])} |"
        )
    return lines


def _details(case: Case, variants: dict[str, Any]) -> list[str]:
    lines = ["", f"### {case.id}: {case.title.lower()}", "", case.says, ""]
    lines.append("| | " + " | ".join(variants) + " |")
    lines.append("|---|" + "---:|" * len(variants))
    for figure in case.figures:
        shown = [_shown(figure, found[figure.key]) for found in variants.values()]
        lines.append(f"| {figure.label} | " + " | ".join(shown) + " |")
    return lines


def _shown(figure: Figure, found: dict[str, Any]) -> str:
    """Write a median with its unit, and the extremes where it was measured more than once."""
    text = _number(figure, found["median"])
    if len(found["all"]) > 1:
        low, high = (f"{found[end]:,.{figure.digits}f}" for end in ("min", "max"))
        text += f" ({low} to {high})"
    return text


def _number(figure: Figure, value: float) -> str:
    unit = figure.unit if figure.unit.startswith("/") or not figure.unit else f" {figure.unit}"
    return f"{value:,.{figure.digits}f}{unit}"


def renewed(page: str, text: str) -> str:
    """Return the page with the figures replaced. Raises ValueError when it has no place for it."""
    begin = page.index(BEGIN) + len(BEGIN)
    return page[:begin] + "\n" + text + "\n" + page[page.index(END, begin) :]


def for_page() -> str:
    """Write what stands between the markers: the newest results, and links to all of them."""
    text = markdown(latest())
    earlier = sorted((path.stem for path in RESULTS.glob("*.json")), reverse=True)
    if earlier:
        links = ", ".join(f"[{name}](../bench/results/{name}.md)" for name in earlier)
        text += f"\nAll runs that were recorded: {links}.\n"
    return text


def published() -> None:
    """Put the newest results into docs/performance.md."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(renewed(page, for_page()), encoding="utf-8")
