"""What would let a refused request pass: a change to its endpoint's policy, ready to be sent. Pure.

It is not the verdict, and it opens nothing: the owner does, by sending the change.
"""

import ipaddress

from ringback.domain.delivery_policy import HOSTS_MAX, NETWORKS_MAX, PORTS_MAX
from ringback.domain.endpoints import DeliveryPolicy
from ringback.domain.networks import IpNetwork, Verdict, find_block, readings
from ringback.domain.targets import Target

Opened = list[str] | list[int]
Change = dict[str, dict[str, Opened]]
"""What to send with PATCH: `{"delivery": {"allowed_…": […]}}`, with what is open already."""


def opening(target: Target, verdict: Verdict, policy: DeliveryPolicy) -> Change | None:
    """Return the change after which the target passes; None when its owner cannot let it pass.

    A name is opened by name, because its addresses may change; an address as the smallest
    network, and so is every address inside it. What a closed port's name leads to is not known
    yet: that is a change of its own.
    """
    if verdict.remedy != "allow_list":
        return None
    changes: dict[str, Opened] = {}
    if target.literal:
        if closed := _closed_networks(target, policy):
            changes["allowed_networks"] = [*policy.allowed_networks, *closed]
    elif verdict.code != "port":
        changes["allowed_hosts"] = [*policy.allowed_hosts, target.host]
    if verdict.code == "port":
        changes["allowed_ports"] = [*policy.allowed_ports, target.port]
    full = any(len(changes.get(name, ())) > most for name, most in _LISTS.items())
    return None if full else {"delivery": changes}


_LISTS = {"allowed_networks": NETWORKS_MAX, "allowed_hosts": HOSTS_MAX, "allowed_ports": PORTS_MAX}


def _closed_networks(target: Target, policy: DeliveryPolicy) -> list[str]:
    """Return the smallest networks of an address that nothing open contains yet."""
    opened = [found for text in policy.allowed_networks if (found := _read(text)) is not None]
    return [
        str(ipaddress.ip_network(reading))
        for reading in readings(ipaddress.ip_address(target.host))
        if find_block(reading).kind != "public"
        and not any(reading in network for network in opened)
    ]


def _read(text: str) -> IpNetwork | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None  # what is wrong with it is said at its own place
