"""`ringback doctor`: what the checks find, as they find it, and how to mend it."""

import asyncio
import json
import sys
from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from ringback.services.doctor.examination import examine
from ringback.services.doctor.finding import Check, Finding, Group

_MARKS = {
    "ok": "[green]ok     [/]",
    "warning": "[yellow]warning[/]",
    "problem": "[bold red]problem[/]",
    "skipped": "[dim]-      [/]",
}


def run(output: str, *, quiet: bool) -> int:
    """Examine, show what was found, and return 1 if there is a problem."""
    try:
        return asyncio.run(_run(output, quiet=quiet))
    except KeyboardInterrupt:
        return 130


async def _run(output: str, *, quiet: bool) -> int:
    show = _Shown(quiet=quiet)
    counts: Counter[str] = Counter()
    fields = []
    with Console(stderr=True).status("") as status:

        def begins(check: Check) -> None:
            _progress(status, check)

        async for group, finding in examine(begins):
            counts[finding.state] += 1
            if output == "json":
                fields.append({
                    "group": group.name, "check": finding.check, "state": finding.state,
                    "says": finding.says, "fix": finding.fix or None,
                })  # fmt: skip
            else:
                show.one(group, finding)
    if output == "json":
        numbers = {"problems": counts["problem"], "warnings": counts["warning"]}
        print(json.dumps({**numbers, "findings": fields}, ensure_ascii=False, indent=2))
    else:
        show.sum(counts)
    return 1 if counts["problem"] else 0


def _progress(status: Status, check: Check) -> None:
    status.update(f"[dim]{escape(check.looks.replace('`', ''))} …[/]")


class _Shown:
    """Writes findings for people, group by group."""

    def __init__(self, *, quiet: bool) -> None:
        """Take whether only what is not well is shown."""
        self._out = Console(highlight=False, emoji=False, soft_wrap=True)
        self._quiet = quiet
        self._group = ""

    def one(self, group: Group, finding: Finding) -> None:
        """Write one finding, after the heading of its group."""
        if self._quiet and finding.state in {"ok", "skipped"}:
            return
        if group.name != self._group:
            self._out.print(f"{chr(10) if self._group else ''}[bold]{group.title}[/]")
            self._group = group.name
        self._out.print(f"  {_MARKS[finding.state]} {escape(finding.says)}")
        if finding.fix:
            self._out.print(f"          → {escape(finding.fix)} [dim]({finding.check})[/]")

    def sum(self, counts: Counter[str]) -> None:
        """Say how many there were."""
        sys.stdout.flush()
        words = [f"{counts['problem']} problems", f"{counts['warning']} warnings"]
        self._out.print(f"{chr(10) if self._group else ''}{', '.join(words)}.")
