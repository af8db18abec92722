"""What the guard allows an endpoint: by its mode, and by what its owner has opened for it."""

import ipaddress
from functools import lru_cache

import msgspec

from ringback.domain.endpoints import DeliveryPolicy, Mode
from ringback.domain.networks import LIVE, TEST, Policy


@lru_cache(maxsize=4096)
def guard_of(mode: Mode, allowed_networks: tuple[str, ...]) -> Policy:
    """Return the egress policy; equal arguments give the same object, so pools are shared."""
    base = TEST if mode == Mode.TEST else LIVE
    if not allowed_networks:
        return base
    networks = tuple(ipaddress.ip_network(text) for text in allowed_networks)
    return msgspec.structs.replace(base, allowed_networks=networks)


def guard_for(mode: Mode, policy: DeliveryPolicy) -> Policy:
    """Return the egress policy of an endpoint."""
    return guard_of(mode, policy.allowed_networks)
