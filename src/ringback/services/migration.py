"""Migrating a database from the command line, with what people see of it."""

from collections.abc import Callable

from ringback.storage import migrate as storage


async def apply(dsn: str, say: Callable[[str], None]) -> list[str]:
    """Bring a database to this version, saying what is done; return what was applied."""
    return await storage.migrate(dsn, say)


async def list_pending(dsn: str) -> list[str]:
    """Return what is still to be applied."""
    return await storage.pending(dsn)
