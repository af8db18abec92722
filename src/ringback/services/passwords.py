"""Hashing passwords beside the event loop: few at a time, and no long queue of those who wait."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ringback.errors import RingbackError
from ringback.storage import passwords

# Each takes 64 MiB for a sixth of a second, and a core.
AT_ONCE = 2
WAITING_MAX = 20
T = TypeVar("T")


class Busy(RingbackError):
    """Too many passwords are being looked at already."""


class Passwords:
    """Hashes passwords and compares them."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0

    async def hashed(self, password: str) -> str:
        """Hash a new password. Raises Busy."""
        return await self._run(lambda: passwords.hashed(password))

    async def fits(self, password: str, kept: str | None) -> bool:
        """Say whether a password is the one that was hashed.

        With nothing to compare it takes as long and is false, so that time tells nothing of who
        there is. Raises Busy.
        """
        if kept is not None:
            return await self._run(lambda: passwords.fits(password, kept))
        await self._run(lambda: passwords.hashed(password))
        return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise Busy("Too many people sign in at this moment; try again.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
