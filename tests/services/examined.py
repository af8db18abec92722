"""Examining an installation in this process, in a world that a test has made."""

import os
import socket

from ringback.services.doctor.examination import GROUPS, examine
from ringback.services.doctor.finding import Finding
from ringback.storage.vault import new_secret_key

NAMES = {check.name for group in GROUPS for check in group.checks}
Found = dict[str, list[Finding]]
KEY = new_secret_key()


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def look(**variables: str) -> Found:
    """Examine with these settings; return what each check found."""
    os.environ |= {f"RINGBACK_{name.upper()}": value for name, value in variables.items()}
    begun: list[str] = []
    found: Found = {}
    async for _, finding in examine(lambda check: begun.append(check.name)):
        found.setdefault(finding.check, []).append(finding)
    assert NAMES == set(begun) == set(found)
    for finding in (each for several in found.values() for each in several):
        assert finding.says
        assert (finding.state in {"warning", "problem"}) == bool(finding.fix), finding
    return found


def states(found: Found, check: str) -> set[str]:
    """Return the states of what a check found."""
    return {finding.state for finding in found[check]}


def only(found: Found, check: str, state: str, *says: str) -> None:
    """See that a check found one thing, in this state and with these words in it or its fix."""
    (finding,) = found[check]
    assert state == finding.state, finding
    for words in says:
        assert words in f"{finding.says} {finding.fix}", finding
