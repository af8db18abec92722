"""Versions: Python, OpenSSL, this package and what it needs."""

import platform
import re
import sys
from collections.abc import Sequence
from importlib import metadata

from ringback import __version__
from ringback.services.doctor.finding import Check, Found, Ground, Group, ok, problem, warning
from ringback.transport import trust

PYTHON_MIN = (3, 11)
PYTHON_TESTED = (3, 14)
OPENSSL_MIN = (3, 0)


async def _python(ground: Ground) -> Sequence[Found]:
    del ground
    version = sys.version_info
    says = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}."
    if version[:2] < PYTHON_MIN:
        return [problem(says, f"Ringback needs Python {PYTHON_MIN[0]}.{PYTHON_MIN[1]} or newer.")]
    if version[:2] > PYTHON_TESTED:
        return [warning(says, f"Up to {PYTHON_TESTED[0]}.{PYTHON_TESTED[1]} is tested.")]
    return [ok(says)]


async def _openssl(ground: Ground) -> Sequence[Found]:
    del ground
    if trust.openssl_version() < OPENSSL_MIN:
        fix = "Use a Python that is built with OpenSSL 3: 1.1.1 gets no corrections any more."
        return [warning(f"{trust.openssl_name()}.", fix)]
    return [ok(f"{trust.openssl_name()}.")]


async def _packages(ground: Ground) -> Sequence[Found]:
    del ground
    try:
        wanted = metadata.requires("ringback") or []
    except metadata.PackageNotFoundError:
        fix = "Install it (pip install ringback) rather than running it from a folder."
        return [warning(f"Ringback {__version__} is not installed as a package.", fix)]
    bad = [said for line in wanted if ";" not in line and (said := unmet(line))]
    if bad:
        fix = "Install Ringback again, into an environment of its own."
        return [
            problem(f"Ringback {__version__} does not have what it needs: {'; '.join(bad)}.", fix)
        ]
    return [ok(f"Ringback {__version__}, with {len(wanted)} packages of the right versions.")]


def unmet(requirement: str) -> str:
    """Say what is wrong with a requirement such as `asyncpg>=0.31`; "" when it is met."""
    found = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*(?:>=\s*([0-9.]+))?", requirement)
    if found is None:
        return ""
    name, least = found[1], found[2]
    try:
        there = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} is missing"
    if least and _numbers(there) < _numbers(least):
        return f"{name} is {there}, needed is {least}"
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", version.partition("+")[0]))


GROUP = Group(
    "versions",
    "Versions",
    (
        Check(
            "versions.python", "Python and the platform",
            f"newer than {PYTHON_TESTED[0]}.{PYTHON_TESTED[1]}; older than "
            f"{PYTHON_MIN[0]}.{PYTHON_MIN[1]} is a problem",
            _python,
        ),
        Check("versions.openssl", "OpenSSL", "older than 3.0", _openssl),
        Check(
            "versions.packages", "Ringback and the packages that it needs",
            "not installed as a package; a missing or too old package is a problem", _packages,
        ),
    ),
)  # fmt: skip
