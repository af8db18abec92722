"""The clock: against the database's, and whether something keeps it."""

import ctypes
import sys
import time
from collections.abc import Sequence

from ringback.domain.signature_check import words
from ringback.services.clock import SKEW_MAX_MS
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
from ringback.storage import doctor as stored

OFF_S = 1.0
_UNSYNCHRONISED = 0x0040


class _Timex(ctypes.Structure):
    """The beginning of the kernel's `struct timex`, and room for its rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


async def _database(ground: Ground) -> Sequence[Found]:
    assert ground.connection is not None
    best = None
    for _ in range(3):
        asked = time.time()
        theirs = (await stored.clock(ground.connection)).timestamp()
        answered = time.time()
        took, off = answered - asked, theirs - (asked + answered) / 2
        if best is None or took < best[0]:
            best = (took, off)
    assert best is not None
    off = best[1]
    says = f"This machine's clock is {abs(off):.3f} s {'behind' if off > 0 else 'ahead of'} the "
    says += "database's."
    fix = "Let NTP keep the clocks of both machines (systemd-timesyncd, chrony)."
    if abs(off) * 1000 > SKEW_MAX_MS:
        refuse = f"{says} Beyond {words(SKEW_MAX_MS // 1000)} a worker refuses to work."
        return [problem(refuse, fix)]
    return [warning(says, fix) if abs(off) > OFF_S else ok(says)]


async def _kept(ground: Ground) -> Sequence[Found]:
    del ground
    if sys.platform != "linux":
        return [skipped("Only Linux tells.")]
    state = synchronised()
    if state is None:
        return [skipped("The kernel does not tell.")]
    if not state:
        return [
            warning(
                "Nothing keeps this machine's clock: the kernel says it is not synchronised.",
                "Switch NTP on (timedatectl set-ntp true, or chrony). Receivers refuse deliveries "
                "whose timestamp is more than 5 min off.",
            )
        ]
    return [ok("The clock is kept by NTP.")]


def synchronised() -> bool | None:
    """Say whether the kernel's clock is synchronised; None when it does not tell."""
    try:
        found = _Timex()
        done = ctypes.CDLL(None).adjtimex(ctypes.byref(found))  # modes 0: it only reads
    except (OSError, AttributeError):
        return None
    return None if done < 0 else not found.status & _UNSYNCHRONISED


GROUP = Group(
    "clock",
    "Clock",
    (
        Check(
            "clock.database", "this machine's clock against the database's",
            f"more than {OFF_S:g} s off; from {SKEW_MAX_MS // 1000} s on a problem", _database,
            ("connection",),
        ),
        Check(
            "clock.kept", "whether the kernel says that NTP keeps the clock (Linux)",
            "it is not synchronised", _kept,
        ),
    ),
)  # fmt: skip
