"""`ringback serve`: the server's processes alone, on a database that is there and migrated.

Nothing is made but what cannot be meant otherwise: no key, no demo, no file. What is missing is
named, and the exit code says so to whoever started it. Not here: running the processes
(supervise.py).
"""

import asyncio

import structlog

from ringback.errors import MigrationError, SettingsError
from ringback.services import first_run
from ringback.services.supervise import Ready, Supervisor, own_secret_key, vault_of
from ringback.settings import Settings
from ringback.storage.migrate import migrate, pending

log = structlog.get_logger()


class Production(Supervisor):
    """Runs the server's processes on a database of one's own."""

    def __init__(self, settings: Settings, *, migrates: bool) -> None:
        """Take the settings; with `migrates` the database is brought to this version first."""
        super().__init__(settings, say=_say, announce=_announce)
        self._migrates = migrates

    def prepare(self) -> tuple[str, str]:
        """Check that everything is there.

        Raises:
            SettingsError: a setting is missing, or the secret key is not the database's.
            MigrationError: the database is not of this version.
            DatabaseUnavailable: nobody answers.

        """
        dsn = self._settings.database_url
        if not dsn:
            raise SettingsError(
                "RINGBACK_DATABASE_URL is not set. `ringback serve` runs on a PostgreSQL of your "
                "own (15 to 18): name it there. `ringback up` brings one along."
            )
        secret_key = own_secret_key(self._settings)
        vault = vault_of(secret_key)
        if self._migrates:
            asyncio.run(migrate(dsn, _say))
        elif missing := asyncio.run(pending(dsn)):
            raise MigrationError(
                f"The database is not of this version; {len(missing)} migrations are missing "
                f"({', '.join(missing[:3])}{', …' if missing[3:] else ''}). Run `ringback migrate` "
                "once before, or start with `ringback serve --migrate`."
            )
        self.heed()
        asyncio.run(first_run.ground(dsn, vault))
        return dsn, secret_key


def _say(text: str) -> None:
    log.info("server.starting", reason=text)


def _announce(ready: Ready) -> None:
    log.info("server.ready", reason=ready.url, seconds=round(ready.seconds, 2))


def tell_unknown(warnings: list[str]) -> None:
    """Log what the environment has that means nothing."""
    for warning in warnings:
        log.warning("settings.unknown", reason=warning)
