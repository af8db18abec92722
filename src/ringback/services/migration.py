"""Migrating a database from the command line, with what people see of it."""

import sys

from ringback.storage import migrate as storage


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - talk goes to standard error


async def apply(dsn: str) -> list[str]:
    """Bring a database to this version; return what was applied."""
    return await storage.migrate(dsn, _say)


async def list_pending(dsn: str) -> list[str]:
    """Return what is still to be applied."""
    return await storage.pending(dsn)
