"""Write docs/scopes.md anew from the table in the code: `python -m scripts.scopes`."""

from pathlib import Path

from ringback.domain.roles import POWERS, Powers
from ringback.domain.scopes import SCOPES, Covered

PAGE = Path(__file__).parents[1] / "docs" / "scopes.md"
_HEAD = """\
# Scopes

Written from [domain/scopes.py](../src/ringback/domain/scopes.py) by `make docs`. What a key may do;
[keys](keys.md) says the rest of it. Every operation of `/openapi.json` names its scope.

| scope | what | operations | |
|---|---|---|---|
"""


_ROLES = """
## Roles

What people may do who [sign in](sign-in.md), by their role in a tenant. Where it says masked, that
holds for the keys that they make, too; not for endpoints, which receive events whole:
`endpoints:write` and `endpoints:listen` are ways to every number and text
([more](sign-in.md#keys-of-those-who-see-masks)).

| role | what | scopes | numbers and texts |
|---|---|---|---|
"""


def page() -> str:
    """Return the page as the code has it."""
    rows = [
        f"| `{name}` | {covered.what} | {', '.join(f'`{one}`' for one in covered.operations)} | "
        f"{_whose(covered)}|\n"
        for name, covered in SCOPES.items()
    ]
    roles = [
        f"| `{role}` | {powers.what} | {_which(powers)} | "
        f"{'masked' if powers.masked else 'seen'} |\n"
        for role, powers in POWERS.items()
    ]
    return _HEAD + "".join(rows) + _ROLES + "".join(roles)


def _which(powers: Powers) -> str:
    """Say which scopes a role has, or which it lacks, whatever is shorter."""
    lacking = [name for name in SCOPES if name not in powers.scopes]
    if not lacking:
        return "all"
    having = [name for name in SCOPES if name in powers.scopes]
    names = ", ".join(f"`{name}`" for name in min(lacking, having, key=len))
    return f"all but {names}" if len(lacking) < len(having) else names


def _whose(covered: Covered) -> str:
    if covered.everybody:
        return "every key has it "
    return "operators only " if covered.operator else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
