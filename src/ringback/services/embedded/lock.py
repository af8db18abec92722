"""The lock on a data directory: one `ringback up` at a time.

It is a POSIX record lock, not `flock`: worker processes are forked from the holder, and a
record lock is the holder's alone, so it is free the moment that the holder is gone. Such a
lock is lost when *any* descriptor of the file is closed by the process, therefore the file is
opened once and never by anything else here. Not here: the server's own mark (`embedded_living`).
"""

import fcntl
import os
import time
from pathlib import Path

from ringback.services.embedded.errors import DirectoryLockedError
from ringback.services.embedded.files import explained

PID_MAX_BYTES = 32
PID_WAIT_S = 0.5  # the holder writes its pid right after it has the lock

# Record locks do not exclude the process that holds them, so a second holder in one process
# needs this table: (device, inode) -> pid. A forked child inherits the table but not the lock,
# which is why the pid is compared.
_held: dict[tuple[int, int], int] = {}


class DataDirectoryLock:
    """The exclusive right to run a server in a data directory; `path` is the lock file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._key: tuple[int, int] | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._handle is not None

    def acquire(self) -> None:
        """Take the lock without waiting and write our pid into the file.

        Raises DirectoryLockedError if somebody holds it, DataDirectoryError if the file cannot
        be written. Does nothing if this object holds it already.
        """
        if self._handle is not None:
            return
        with explained(self._path.parent):
            self._require_not_held_here()
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            handle = os.open(self._path, flags, 0o600)
            try:
                self._lock_and_sign(handle)
            except BaseException:
                os.close(handle)
                raise
            found = os.fstat(handle)
        self._handle, self._key = handle, (found.st_dev, found.st_ino)
        _held[self._key] = os.getpid()

    def release(self) -> None:
        """Give the lock back; does nothing if it is not held. The file stays (no races)."""
        if self._handle is None or self._key is None:
            return
        if _held.get(self._key) == os.getpid():
            del _held[self._key]
            os.ftruncate(self._handle, 0)
        os.close(self._handle)
        self._handle = self._key = None

    def _lock_and_sign(self, handle: int) -> None:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise DirectoryLockedError(self._path.parent, _read_pid(handle)) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)

    def _require_not_held_here(self) -> None:
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return
        if _held.get((found.st_dev, found.st_ino)) == os.getpid():
            raise DirectoryLockedError(self._path.parent, os.getpid())


def _read_pid(handle: int) -> int | None:
    end = time.monotonic() + PID_WAIT_S
    while True:
        text = os.pread(handle, PID_MAX_BYTES, 0).strip()
        if text.isdigit():
            return int(text)
        if time.monotonic() >= end:
            return None
        time.sleep(0.02)
