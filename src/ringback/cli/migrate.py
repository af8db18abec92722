"""`ringback migrate`: bring a database of your own to this version."""

import asyncio
import sys

from ringback.errors import RingbackError
from ringback.services.first_run import ground
from ringback.services.migration import apply, list_pending
from ringback.settings import load


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def run(*, only_status: bool, operator_key: bool = False) -> int:
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
        key = asyncio.run(ground(dsn, None, operator=True)) if operator_key else None
    except RingbackError as error:
        print(f"ringback: {error}", file=sys.stderr)
        return 1
    if only_status and names:
        _say("Still to be applied, by `ringback migrate`:")
    for name in names:
        print(name, file=sys.stderr if operator_key else sys.stdout)
    if not names:
        _say("The database is up to date.")
    if key is not None:
        _say("An operator's key, shown once and kept nowhere:")
        print(key)
    return 0
