"""What the guard allows an endpoint: by its mode, and by what its owner has opened for it."""

import ipaddress
from contextlib import suppress
from functools import lru_cache

import msgspec

from ringback.domain.egress import WEB_PORTS
from ringback.domain.endpoints import Connection, DeliveryPolicy, Mode
from ringback.domain.hosts import InvalidUrl
from ringback.domain.networks import LIVE, TEST, Policy, Verdict
from ringback.domain.opening import Change, opening
from ringback.domain.targets import Target

LOCKED = (
    "This installation opens no private networks and hosts, and no further ports "
    "(RINGBACK_LOCK_EGRESS)."
)
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

    `locked`: nothing private is reached, and no further port, whatever an owner has opened.
    `metadata`: what owners open may be link-local and metadata addresses too.
    """

    locked: bool = False
    metadata: bool = False

    def policy(self, mode: Mode, delivery: DeliveryPolicy) -> Policy:
        """Return the egress policy of an endpoint. Equal ones are one object, so pools are shared.

        Raises:
            ValueError: a network of it cannot be read.

        """
        if self.locked:
            return _policy(mode, (), (), (), forbidden=False)
        return _policy(
            mode, delivery.allowed_networks, delivery.allowed_hosts, delivery.allowed_ports,
            forbidden=self.metadata,
        )  # fmt: skip

    def policy_of(self, connection: Connection) -> Policy:
        """Return the egress policy of what is asked of a provider.

        The ports of URLs in the connection's config are open: whoever owns it has typed them.
        """
        ports = tuple(sorted(_ports_in(connection.config)))
        return self.policy(connection.mode, DeliveryPolicy(allowed_ports=ports))

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
            return Advice("As many networks, hosts or ports are open for it as there may be.")
        return Advice(f"If it is yours, open it for this endpoint with {_json(change).decode()}.",
                      change)  # fmt: skip


OPEN = Guards()
"""What holds unless it is set otherwise."""


@lru_cache(maxsize=4096)
def _policy(
    mode: Mode,
    networks: tuple[str, ...],
    hosts: tuple[str, ...],
    ports: tuple[int, ...],
    *,
    forbidden: bool,
) -> Policy:
    base = TEST if mode == Mode.TEST else LIVE
    if not (networks or hosts or ports or forbidden):
        return base
    return msgspec.structs.replace(
        base,
        allowed_networks=tuple(ipaddress.ip_network(text) for text in networks),
        allowed_hosts=frozenset(hosts),
        allowed_ports=frozenset(ports),
        allow_forbidden=forbidden,
    )


def _ports_in(config: msgspec.Struct) -> set[int]:
    """Return the ports of the URLs among the fields of a config."""
    ports = set()
    for name in config.__struct_fields__:
        text = getattr(config, name)
        if isinstance(text, str) and text.startswith("https://"):
            with suppress(InvalidUrl):
                ports.add(Target.parse(text).port)
    return ports - WEB_PORTS
