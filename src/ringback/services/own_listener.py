"""Where our own listener is reached: no delivery may be sent there, or it would never end."""

import ipaddress

import psutil

from ringback.domain.egress import Own
from ringback.domain.hosts import IpAddress
from ringback.domain.targets import Target

_FAMILIES = {"AF_INET", "AF_INET6"}


def own_listener(host: str, port: int, base_url: str) -> Own:
    """Describe a listener that is bound to `host` and `port` and is told to others as `base_url`.

    The addresses of a machine are those that it has now.
    """
    origin = Target.parse(base_url).origin
    return Own(port, _addresses(host), frozenset((origin,)))


def _addresses(host: str) -> frozenset[IpAddress]:
    try:
        bound = ipaddress.ip_address(host)
    except ValueError:
        return frozenset()  # a name: loopback and the public URL count all the same
    if not bound.is_unspecified:
        return frozenset((bound,))
    found = [one for all_ in psutil.net_if_addrs().values() for one in all_]
    # An address of one link has the link's name behind a %.
    texts = [one.address.partition("%")[0] for one in found if one.family.name in _FAMILIES]
    return frozenset((bound, *map(ipaddress.ip_address, texts)))
