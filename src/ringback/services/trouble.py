"""Going on after whatever went wrong, and saying so now and then: how loops live through bad times.

A server that is read-only, full or gone refuses a loop's work every time that it is its turn, and a
worker that ends for that ends for nothing: the next one meets the same.
"""

import time
from types import TracebackType

import structlog

from ringback.storage.faults import OF_DATABASE

# What lasts is told again after so many seconds.
AGAIN_S = 60.0
log = structlog.get_logger()


class Trouble:
    """What is wrong with one activity: logged when it begins, changes, lasts, and ends.

    As a context manager it takes errors and lets the loop around it go on:

    ```
    while True:
        with self._trouble:
            await self.once()
        await asyncio.sleep(EVERY_S)
    ```
    """

    def __init__(self, name: str) -> None:
        """Take what the activity is called in the log: `name.failed` and `name.well`."""
        self._failed, self._defect, self._well = f"{name}.failed", f"{name}.defect", f"{name}.well"
        self._kind = ""
        self._told_at = 0.0
        self.count = 0

    def note(self, error: Exception) -> None:
        """Note that it went wrong. What is not the database's is a defect, and shown whole."""
        self.count += 1
        kind = f"{type(error).__name__} {getattr(error, 'sqlstate', '')}"
        now = time.monotonic()
        if kind == self._kind and now - self._told_at < AGAIN_S:
            return
        self._kind, self._told_at = kind, now
        words = f"{type(error).__name__}: {error}"[:300]
        if isinstance(error, OF_DATABASE):
            log.warning(self._failed, error=words, failures=self.count)
        else:
            log.error(self._defect, error=words, failures=self.count, exc_info=error)

    def over(self) -> None:
        """Note that it went well."""
        if self.count:
            log.info(self._well, failures=self.count)
            self.count = 0
            self._kind = ""

    def __enter__(self) -> None:
        """Begin a turn."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> bool:
        """Take an error, but no cancellation."""
        del kind, where
        if error is None:
            self.over()
            return False
        if not isinstance(error, Exception):
            return False
        self.note(error)
        return True
