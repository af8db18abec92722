"""Write docs/scopes.md anew from the table in the code: `python -m scripts.scopes`."""

from pathlib import Path

from ringback.domain.scopes import SCOPES, Covered

PAGE = Path(__file__).parents[1] / "docs" / "scopes.md"
_HEAD = """\
# Scopes

Written from [domain/scopes.py](../src/ringback/domain/scopes.py) by `make docs`. What a key may do;
[keys](keys.md) says the rest of it. Every operation of `/openapi.json` names its scope.

| scope | what | operations | |
|---|---|---|---|
"""


def page() -> str:
    """Return the page as the code has it."""
    rows = [
        f"| `{name}` | {covered.what} | {', '.join(f'`{one}`' for one in covered.operations)} | "
        f"{_whose(covered)}|\n"
        for name, covered in SCOPES.items()
    ]
    return _HEAD + "".join(rows)


def _whose(covered: Covered) -> str:
    if covered.everybody:
        return "every key has it "
    return "operators only " if covered.operator else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
