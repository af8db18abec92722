"""What errors of the database mean: whom they are about, and what is to be done next."""

from typing import Literal

import asyncpg

from ringback.errors import DatabaseUnavailable, Unstorable

Gone = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the driver says when the connection broke at an awkward moment.
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # No memory, disk or connection left; trouble with files.
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    TimeoutError,
)
# Whatever is the database's, and no defect of who asked.
OF_DATABASE = (DatabaseUnavailable, asyncpg.PostgresError, *Gone)

FaultKind = Literal["gone", "again", "shut", "unclear", "poison"]
# By the longest beginning that an SQLSTATE has; what is not listed is `shut`.
_KINDS: dict[str, FaultKind] = {
    "08": "gone", "40003": "gone", "53": "gone", "57P": "gone", "58": "gone",
    "40": "again", "55P03": "again", "57014": "again",
    "XX": "unclear", "P0": "unclear", "38": "unclear", "39": "unclear",
    "21": "poison", "22": "poison", "23": "poison", "54": "poison",
}  # fmt: skip


def fault_kind(error: BaseException) -> FaultKind:
    """Say what an error of a hot statement means.

    ```
    kind     SQLSTATE, its class or itself          what it is about          what follows
    gone     08 53 57P 58 40003; no server          the server or the way     503 for all, once the
                                                    to it; outcome unknown    outcome is settled
    again    40 (but 40003) 55P03 57014             what ran beside it        the same again, three
                                                                              times; then as unclear
    shut     every other: 0A 25 28 42 55 57 F0 …    the server, our login     503 for all,
                                                    or its schema             on a new connection
    unclear  38 39 P0 XX                            the server or an item     halved; alone: 503
    poison   21 22 23 54; a defect of ours          an item's data            halved; alone: kept
                                                                              unread, or else 503
    ```

    In `again`, `shut`, `unclear` and `poison` nothing was written. Only `poison` may take a
    callback's meaning away: what a server says of itself (25006 is that it is read-only, 42501 that
    we may not) is true of every callback, until it is no longer, and says nothing of any of them.

    The codes are those of appendix A of PostgreSQL's documentation.
    """
    if isinstance(error, Unstorable):
        # What a commit has said already of what was alone in it.
        return "poison"
    if isinstance(error, (*Gone, DatabaseUnavailable)):
        return "gone"
    code = getattr(error, "sqlstate", None)
    if not isinstance(code, str):
        # The driver's own words for an answer without a code, or a defect of ours.
        return "shut" if isinstance(error, asyncpg.PostgresError) else "poison"
    return next((_KINDS[code[:n]] for n in (5, 3, 2) if code[:n] in _KINDS), "shut")


def unfit(error: asyncpg.PostgresError) -> bool:
    """Whether the server does not do what it does otherwise: it is read-only, or refuses us.

    That passes, or somebody must see to it there; a statement of ours that is wrong is neither.
    """
    code = error.sqlstate or ""
    return code.startswith(("28", "F0")) or code in {"25006", "42501"}
