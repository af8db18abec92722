"""The guard: nothing is connected to before every address of the target has been judged.

It resolves once per attempt (answers are kept for at most a second), has all answers judged by
`domain.egress`, and hands back the addresses to connect to. It opens no connection itself.
"""

import ipaddress
import math

import msgspec

from ringback.domain.egress import Own, judge, may_be_own
from ringback.domain.networks import Policy, Verdict
from ringback.domain.targets import Target
from ringback.transport.exchange import Failed
from ringback.transport.resolver import Answer, Names


class Checked(msgspec.Struct, frozen=True):
    """A verdict, the addresses that it allows, and until when it holds (the client's clock)."""

    verdict: Verdict
    addresses: tuple[str, ...]
    until: float


class Guard:
    """Judges targets; one per client. `own` is our own listener, None when there is none."""

    def __init__(self, names: Names, own: Own | None) -> None:
        self._names = names
        self._own = own

    async def check(self, target: Target, policy: Policy, timeout_s: float) -> Checked:
        """Resolve and judge `target`.

        `timeout_s` bounds the look-up. Raises `Failed` (dns) when the name has no address; a
        denial is a verdict. What scheme and port already refuse is not looked up at all.
        """
        if target.literal:
            answer = Answer((ipaddress.ip_address(target.host),), math.inf)
        else:
            early = judge(target, (), policy, self._own)
            if not early.allowed and not may_be_own(target, self._own):
                return Checked(early, (), 0.0)
            answer = await self._names.lookup(target.host, target.port, timeout_s)
        verdict = judge(target, answer.addresses, policy, self._own)
        allowed = tuple(map(str, answer.addresses)) if verdict.allowed else ()
        return Checked(verdict, allowed, answer.until)


def refuse(verdict: Verdict) -> Failed:
    """Turn a denial into the failure that `send` reports."""
    return Failed("guard_denied", verdict.reason, verdict)
