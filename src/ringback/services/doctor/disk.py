"""The disk: room for what is stored here, and files that nobody else should read."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from ringback.errors import RingbackError
from ringback.services import profile
from ringback.services.doctor.finding import (
    Check,
    Found,
    Ground,
    Group,
    ok,
    problem,
    skipped,
    warning,
)

GIB = 1024**3
LOW_BYTES = 5 * GIB
FULL_BYTES = GIB
LOW_INODES = 0.05
_PRIVATE = ("secret_key", "password")


async def _space(ground: Ground) -> Sequence[Found]:
    directory = _existing(ground.data_dir) if ground.embedded else None
    if directory is None:
        return [skipped("The database is one of your own: watch its disk there.")]
    found = os.statvfs(directory)
    free, whole = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
    says = f"{free / GIB:.1f} of {whole / GIB:.1f} GiB are free in {directory}."
    fix = "Make room, or move the data directory (RINGBACK_DATA_DIR) while nothing runs."
    if free < FULL_BYTES:
        return [problem(f"{says} When the disk is full, callbacks are refused.", fix)]
    if free < LOW_BYTES:
        return [warning(says, fix)]
    if found.f_files and found.f_favail < found.f_files * LOW_INODES:
        return [warning(f"{found.f_favail:,} inodes are free in {directory}.", fix)]
    return [ok(says)]


def _existing(directory: Path | None) -> Path | None:
    """Return the directory, or the nearest above it that exists."""
    while directory is not None and not directory.exists():
        directory = directory.parent if directory != directory.parent else None
    return directory


async def _private(ground: Ground) -> Sequence[Found]:
    files = []
    if ground.embedded and ground.data_dir is not None:
        files += [ground.data_dir, *(ground.data_dir / name for name in _PRIVATE)]
    for name in ("SECRET_KEY_FILE", "DATABASE_URL_FILE"):
        if given := ground.environment.get(f"RINGBACK_{name}"):
            files.append(Path(given))
    try:
        files.append(profile.path())
    except RingbackError:
        pass  # nobody without a home has one
    found = [said for file in files if (said := _others(file)) is not None]
    return found or [ok("Files with keys are readable by their owner only.")]


def _others(file: Path) -> Found | None:
    """Say that others than the owner can read or write a file."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except OSError:
        return None
    # A container platform gives secrets to a group; everybody is nobody's business.
    allowed = 0o740 if file.suffix != ".toml" else 0o700
    if not mode & 0o777 & ~allowed:
        return None
    wanted = "0700" if file.is_dir() else "0600"
    return problem(f"{file} is open to others (mode {mode:04o}).", f"chmod {wanted} {file}")


GROUP = Group(
    "disk",
    "Disk",
    (
        Check(
            "disk.space", "free space and inodes of the data directory (embedded database)",
            f"less than {LOW_BYTES // GIB} GiB or {LOW_INODES:.0%} of the inodes are free; less "
            f"than {FULL_BYTES // GIB} GiB is a problem",
            _space, ("settings",),
        ),
        Check(
            "disk.private", "who can read the files that hold keys and passwords",
            "somebody beside the owner (a group may read key files)", _private,
        ),
    ),
)  # fmt: skip
