"""What processes use: CPU time and memory of a tree, from the process tables of Linux."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
MIB = 1024 * 1024


@dataclass(frozen=True)
class Process:
    """One line of the process table. Times are in seconds.

    `own_s` is what the process has used itself, `reaped_s` what its ended children had used.
    """

    pid: int
    parent: int
    name: str
    own_s: float
    reaped_s: float

    @property
    def is_database(self) -> bool:
        """Whether it belongs to PostgreSQL."""
        return self.name.startswith("postgres")


@dataclass(frozen=True)
class Used:
    """Seconds of CPU, or bytes of memory, of an installation by part."""

    product: float
    database: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.product + self.database

    def __sub__(self, earlier: "Used") -> "Used":
        """Return what was used since an earlier reading."""
        return Used(self.product - earlier.product, self.database - earlier.database)


def tree(root: int) -> list[Process]:
    """Return a process and all of its descendants, as they are now."""
    everybody = list(_everybody())
    found = [process for process in everybody if process.pid == root]
    for parent in found:
        found += [process for process in everybody if process.parent == parent.pid]
    return found


def _everybody() -> Iterator[Process]:
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                yield _parsed((entry / "stat").read_text(encoding="utf-8", errors="replace"))
            except OSError:  # it has ended meanwhile
                continue


def _parsed(line: str) -> Process:
    # The name stands in brackets and may hold anything, brackets and spaces too.
    name = line[line.index("(") + 1 : line.rindex(")")]
    fields = line[line.rindex(")") + 2 :].split()
    user, system, reaped_user, reaped_system = (int(field) * _TICK_S for field in fields[11:15])
    pid, parent = int(line.split(" ", 1)[0]), int(fields[1])
    return Process(pid, parent, name, user + system, reaped_user + reaped_system)


def cpu(root: int) -> Used:
    """Return the CPU seconds of a tree since its start, those of ended processes included."""
    return _by_part((one, one.own_s + one.reaped_s) for one in tree(root))


def cpu_exactly(root: int) -> Used:
    """Return the same to the nanosecond, for a time in which hardly anything is used.

    It comes from the scheduler's own count of each living thread; what ended threads had used is
    not in it.
    """
    return _by_part((one, _scheduled(one.pid) + one.reaped_s) for one in tree(root))


def _scheduled(pid: int) -> float:
    total = 0
    for task in (_PROC / str(pid) / "task").glob("*/schedstat"):
        try:
            total += int(task.read_text(encoding="ascii").split()[0])
        except (OSError, IndexError):
            continue
    return total / 1e9


def memory(root: int) -> Used:
    """Return the bytes of memory of a tree, shared pages divided by their users (PSS)."""
    return _by_part((one, _proportional(one.pid)) for one in tree(root))


def _proportional(pid: int) -> float:
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return sum(float(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:") * 1024


def _by_part(values: "Iterator[tuple[Process, float]]") -> Used:
    product = database = 0.0
    for process, value in values:
        if process.is_database:
            database += value
        else:
            product += value
    return Used(product, database)
