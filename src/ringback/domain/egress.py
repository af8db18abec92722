"""The whole verdict on one outgoing request: scheme, port, our own listener, addresses. Pure.

It is given what the name resolved to; resolving, and connecting only to what passed here, is the
business of `transport.guard`. A test send and a real one get their verdict from the same function.

The rule for ports: 80 and 443, and what else an endpoint has opened; in test mode everything from
1024 on. What nobody can open: the rest below 1024, where a system's own services live, and the
ports of well-known services that do not speak HTTP (the list that browsers block, and databases,
queues and caches) or that give away control of a machine when spoken to.
"""

from collections.abc import Sequence

import msgspec

from ringback.domain.hosts import IpAddress
from ringback.domain.networks import Policy, Verdict, find_block, judge_address, readings
from ringback.domain.targets import Target

# What browsers refuse (Fetch standard, "bad ports"), from 1024 up.
_BROWSERS = {
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566,
    6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
}  # fmt: skip
# Databases, queues, caches, proxies, remote control, cluster internals.
_SERVICES = {
    1080, 1433, 1521, 2181, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 4222, 5432, 5433, 5671, 5672,
    5900, 5985, 5986, 6379, 6380, 6432, 6443, 7000, 7001, 8125, 9042, 9092, 9200, 9300, 10250,
    10255, 11211, 26257, 26379, 27017, 27018, 27019,
}  # fmt: skip
BAD_PORTS = frozenset(_BROWSERS | _SERVICES)
WEB_PORTS = frozenset({80, 443})
LAST_PORT = 65535

ALLOWED = Verdict(True, "allowed", "the request may be sent")


class Own(msgspec.Struct, frozen=True):
    """Our own listener: no request goes there, but to the receiver pages under /inspect/, and for
    the picture with which simulated people answer.

    `addresses` are those that it is bound to; loopback counts always. `origins` are public
    addresses of ours as `scheme://host:port`, the port always written out.
    """

    port: int
    addresses: frozenset[IpAddress] = frozenset()
    origins: frozenset[str] = frozenset()

    def listens_at(self, address: IpAddress, port: int) -> bool:
        """Say whether this address and port reach our listener."""
        return port == self.port and any(
            reading in self.addresses
            or reading.is_unspecified
            or find_block(reading).kind == "loopback"
            for reading in readings(address)
        )


def judge(
    target: Target, addresses: Sequence[IpAddress], policy: Policy, own: Own | None = None
) -> Verdict:
    """Judge a request to `target` that resolved to `addresses`: every one of them has to pass."""
    ours = [own is not None and own.listens_at(address, target.port) for address in addresses]
    if target.inspect and ours and all(ours):
        return ALLOWED
    if any(ours) or (own is not None and target.origin in own.origins and not target.inspect):
        reason = "this is our own listener: only its pages under /inspect/ may be sent to"
        return Verdict(False, "own_listener", reason, "never")
    asked = judge_target(target, policy)
    if not (asked.allowed or asked.remedy == "allow_list"):
        return asked
    host = "" if target.literal else target.host
    for address in addresses:
        verdict = judge_address(address, policy, host)
        if not verdict.allowed:
            return verdict if asked.allowed else _both(asked, verdict)
    return asked


def _both(port: Verdict, address: Verdict) -> Verdict:
    """Join two refusals: of a port that can be opened, and of an address that maybe cannot."""
    if address.remedy != "allow_list":
        return address
    return msgspec.structs.replace(port, reason=f"{port.reason}; {address.reason}")


def may_be_own(target: Target, own: Own | None) -> bool:
    """Say whether the target could be a receiver page of ours, which passes whatever the mode."""
    return own is not None and target.inspect and target.port == own.port


def judge_target(target: Target, policy: Policy) -> Verdict:
    """Judge scheme and port alone: what they refuse does not need to be resolved."""
    if target.scheme == "http" and not policy.allow_http:
        reason = "plain http is refused: the message and its signature could be read on the way"
        return Verdict(False, "plain_http", reason, "test_mode")
    if port_allowed(target.port, policy):
        return ALLOWED
    if not may_be_opened(target.port):
        reason = f"port {target.port} is not a port for webhooks"
        return Verdict(False, "port", reason, "never")
    reason = f"port {target.port} is closed until it is allowed; 80 and 443 are open"
    return Verdict(False, "port", reason, "allow_list")


def port_allowed(port: int, policy: Policy) -> bool:
    """Say whether `port` may be connected to under `policy`."""
    if port in WEB_PORTS or port in policy.extra_ports:
        return True
    return may_be_opened(port) and (policy.any_port or port in policy.allowed_ports)


def may_be_opened(port: int) -> bool:
    """Say whether an owner may open `port`, or needs not to: it is no other service's."""
    return port in WEB_PORTS or (1024 <= port <= LAST_PORT and port not in BAD_PORTS)
