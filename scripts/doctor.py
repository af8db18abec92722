"""Write the table of checks in docs/doctor.md anew from the code: `python -m scripts.doctor`."""

from pathlib import Path

from ringback.services.doctor.examination import GROUPS

PAGE = Path(__file__).parents[1] / "docs" / "doctor.md"
BEGIN, END = "<!-- checks: scripts/doctor.py -->\n", "<!-- end of checks -->"


def drawn() -> str:
    """Return the tables as the code has them."""
    parts = []
    for group in GROUPS:
        parts.append(
            f"\n### {group.title}\n\n| check | looks at | not well when |\n|---|---|---|\n"
        )
        parts += [f"| `{each.name}` | {each.looks} | {each.wrong} |\n" for each in group.checks]
    return "".join(parts) + "\n"


def renewed(page: str) -> str:
    """Return the page with its tables replaced."""
    begin = page.index(BEGIN) + len(BEGIN)
    return page[:begin] + drawn() + page[page.index(END, begin) :]


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
