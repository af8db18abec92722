"""Who this process is to the workers beside it, and whether one of those on this host is gone.

No step of the wall clock changes it: Linux says when a process began in ticks since the boot.
Elsewhere a process counts as gone when its id is free; one that was taken again is not noticed here
but by its silence.
"""

import os
from pathlib import Path
from typing import NamedTuple

import psutil

# Of /proc/<pid>/stat, counted after the name, which stands in parentheses and may hold anything.
_STATE, _START = 0, 19
_ENDED = frozenset((b"Z", b"X", b"x"))
_TOLD = Path("/proc/self/stat").exists()
_NAMESPACES = ("pid", "time")


class Identity(NamedTuple):
    """A process: the host's boot, its id, and when it began in ticks since then (0: unknown)."""

    boot_id: str
    pid: int
    start: float


def boot_id() -> str:
    """Name this boot of this host: equal for two processes that can see each other."""
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        text = str(int(psutil.boot_time()))
    # Two containers share a boot id but not their process ids, nor always the time since the boot.
    spaces = [Path("/proc/self/ns", name) for name in _NAMESPACES]
    return "/".join([text, *(str(space.stat().st_ino) for space in spaces if space.exists())])


def this_process() -> Identity:
    """Say who this process is."""
    pid = os.getpid()
    looked = _look(pid)
    return Identity(boot_id(), pid, looked[1] if looked else 0.0)


def gone(other: Identity) -> bool:
    """Whether a process of this host has ended, or its id is another's now."""
    try:
        looked = _look(other.pid)
    except PermissionError:
        return False
    except OSError:
        return not _exists(other.pid)
    if looked is None:
        return not psutil.pid_exists(other.pid)
    state, start = looked
    return state in _ENDED or bool(other.start and start != other.start)


def _look(pid: int) -> tuple[bytes, float] | None:
    """Return a process's state and start in ticks since the boot; None where that is not told.

    Raises OSError when there is no such process, or it is hidden from us.
    """
    if not _TOLD:
        return None
    fields = Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()
    return fields[_STATE], float(fields[_START])


def _exists(pid: int) -> bool:
    """Whether a process exists that may be hidden from us, as those of other users can be."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
