"""Roles: what people may do who sign in, as the scopes that each role has. The one table.

docs/scopes.md is written from it. What is personal, and how it is masked, is in masking.py.
"""

from typing import Literal, get_args

import msgspec

from ringback.domain.scopes import SCOPES

Role = Literal["owner", "admin", "developer", "marketer", "agent", "read_only"]
ROLES: tuple[Role, ...] = get_args(Role)
# What only owners give and take: it reaches beyond one tenant.
OWNER: Role = "owner"
REVEAL = "reveal"


class Powers(msgspec.Struct, frozen=True):
    """What a role is for, its scopes, and whether numbers and texts are masked for it."""

    what: str
    scopes: frozenset[str]
    masked: bool


_EVERYTHING = frozenset(SCOPES)
_OF_TENANT = frozenset(name for name, covered in SCOPES.items() if not covered.operator)
_EVERYBODYS = frozenset(name for name, covered in SCOPES.items() if covered.everybody)
_READING = frozenset(
    name for name, covered in SCOPES.items() if name.endswith(":read") and not covered.operator
)
_CONVERSATIONS = (
    frozenset(
        (
            "messages:read",
            "suppressions:read",
            "events:read",
            "connections:read",
            "figures:read",
        )
    )
    | _EVERYBODYS
)

POWERS: dict[Role, Powers] = {
    "owner": Powers("The installation: every tenant, and who its owners are", _EVERYTHING, False),
    "admin": Powers("A tenant: everything in it, also its people", _OF_TENANT, False),
    "developer": Powers(
        "Everything technical in a tenant; numbers and texts only one by one, which is audited",
        _OF_TENANT - {"people:write", "suppressions:write"}, True,
    ),
    "marketer": Powers(
        "How messages fare, without numbers and texts",
        _CONVERSATIONS | {"deliveries:read", "endpoints:read", "figures:read"}, True,
    ),
    "agent": Powers(
        "Messages with people: their numbers and texts", _CONVERSATIONS | {REVEAL}, False
    ),
    "read_only": Powers(
        "Looking at everything, but for numbers and texts, and changing nothing",
        _READING | _EVERYBODYS, True,
    ),
}  # fmt: skip
