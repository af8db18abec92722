"""Where tests keep what need not survive the machine: a file system in memory, if there is one.

What is proved here survives the end of processes, not of the machine. Making a database is mostly
writing a thousand small files, which takes a fifth of the time in memory, and others may keep the
disk busy.
"""

import os
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ROOM = 1024**3


def base() -> Path:
    """Return the directory in which tests make theirs.

    A container's file system in memory is often too small, and closed to programs, which one test
    copies there.
    """
    if _MEMORY.is_dir():
        found = os.statvfs(_MEMORY)
        if found.f_bavail * found.f_frsize > _ROOM and not found.f_flag & os.ST_NOEXEC:
            return _MEMORY
    return Path("/tmp")
