"""Starting programs that end when whoever started them does, however that came about (Linux)."""

import ctypes
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_library = ctypes.CDLL(None, use_errno=True)


def started(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    said: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a program that gets SIGTERM at our end; `said` takes what it prints, errors too."""
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - nothing but one call into the kernel
    )


def _end_with_parent() -> None:
    _library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
