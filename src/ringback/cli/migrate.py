"""`ringback migrate`: bring a database of your own to this version."""

import asyncio
import sys

from ringback.errors import RingbackError
from ringback.services.migration import apply, list_pending
from ringback.settings import load


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def run(*, only_status: bool) -> int:
    """Migrate, or list what is pending; return the exit code."""
    try:
        dsn = load().database_url
        if dsn is None:
            print(
                "RINGBACK_DATABASE_URL is not set. The embedded database is migrated by "
                "`ringback up` itself.",
                file=sys.stderr,
            )
            return 2
        names = asyncio.run(list_pending(dsn) if only_status else apply(dsn, _say))
    except RingbackError as error:
        print(f"ringback: {error}", file=sys.stderr)
        return 1
    for name in names:
        print(name)
    if not names:
        print("The database is up to date.", file=sys.stderr)
    return 0
