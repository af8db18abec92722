"""What would let a refused request pass: a change to its endpoint's policy, ready to be sent. Pure.

It is not the verdict, and it opens nothing: the owner does, by sending the change.
"""

import ipaddress

from ringback.domain.delivery_policy import HOSTS_MAX, NETWORKS_MAX
from ringback.domain.endpoints import DeliveryPolicy
from ringback.domain.networks import Verdict, find_block, readings
from ringback.domain.targets import Target

Change = dict[str, dict[str, list[str]]]
"""What to send with PATCH: `{"delivery": {"allowed_…": […]}}`, with what is open already."""


def opening(target: Target, verdict: Verdict, policy: DeliveryPolicy) -> Change | None:
    """Return the change after which the target passes; None when its owner cannot let it pass.

    A name is opened by name, because its addresses may change; an address as the smallest
    network, and so is every address inside it.
    """
    if verdict.remedy != "allow_list":
        return None
    if not target.literal:
        hosts = [*policy.allowed_hosts, target.host]
        return {"delivery": {"allowed_hosts": hosts}} if len(hosts) <= HOSTS_MAX else None
    closed = (
        str(ipaddress.ip_network(reading))
        for reading in readings(ipaddress.ip_address(target.host))
        if find_block(reading).kind != "public"
    )
    networks = list(dict.fromkeys([*policy.allowed_networks, *closed]))
    return {"delivery": {"allowed_networks": networks}} if len(networks) <= NETWORKS_MAX else None
