"""What the guard allows an endpoint: by its mode, and by what its owner has opened for it."""

import ipaddress
from functools import lru_cache

import msgspec

from ringback.domain.endpoints import DeliveryPolicy, Mode
from ringback.domain.networks import LIVE, TEST, Policy, Verdict
from ringback.domain.opening import Change, opening
from ringback.domain.targets import Target

LOCKED = "This installation opens no private networks and hosts (RINGBACK_LOCK_EGRESS)."
_SWITCH = (
    "Link-local and metadata addresses stay closed unless whoever runs this installation "
    "sets RINGBACK_ALLOW_METADATA."
)
_json = msgspec.json.Encoder().encode


class Advice(msgspec.Struct, frozen=True):
    """How a refused request could pass: in words, and as a change to its endpoint if that helps."""

    words: str
    change: Change | None = None


class Guards(msgspec.Struct, frozen=True):
    """What whoever runs this installation has decided for all endpoints.

    `locked`: nothing private is reached, whatever an owner has opened. `metadata`: what owners open
    may be link-local and metadata addresses too.
    """

    locked: bool = False
    metadata: bool = False

    def policy(self, mode: Mode, delivery: DeliveryPolicy) -> Policy:
        """Return the egress policy of an endpoint. Equal ones are one object, so pools are shared.

        Raises:
            ValueError: a network of it cannot be read.

        """
        if self.locked:
            return _policy(mode, (), (), forbidden=False)
        return _policy(
            mode, delivery.allowed_networks, delivery.allowed_hosts, forbidden=self.metadata
        )

    def advice(self, target: Target, verdict: Verdict, delivery: DeliveryPolicy) -> Advice:
        """Say what would let a refused target pass; nothing when nothing would."""
        if verdict.remedy == "test_mode":
            return Advice("A test key may use it.")
        if verdict.remedy == "second_switch":
            return Advice(LOCKED if self.locked else _SWITCH)
        if verdict.remedy != "allow_list":
            return Advice("")
        if self.locked:
            return Advice(LOCKED)
        change = opening(target, verdict, delivery)
        if change is None:
            return Advice("As many networks and hosts are open for it as there may be.")
        return Advice(f"If it is yours, open it for this endpoint with {_json(change).decode()}.",
                      change)  # fmt: skip


OPEN = Guards()
"""What holds unless it is set otherwise."""


@lru_cache(maxsize=4096)
def _policy(
    mode: Mode, networks: tuple[str, ...], hosts: tuple[str, ...], *, forbidden: bool
) -> Policy:
    base = TEST if mode == Mode.TEST else LIVE
    if not (networks or hosts or forbidden):
        return base
    return msgspec.structs.replace(
        base,
        allowed_networks=tuple(ipaddress.ip_network(text) for text in networks),
        allowed_hosts=frozenset(hosts),
        allow_forbidden=forbidden,
    )
