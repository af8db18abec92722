"""Which addresses a request may go to: the verdict on one IP address under a policy. Pure.

Default-deny: only public unicast passes. The special blocks of IANA's registries are written out
as a table (the standard library's `is_global` differs between Python versions), all of them are
refused, also the few that IANA calls globally reachable, because nobody receives webhooks there.
IPv4 inside IPv6 is judged as the IPv4 address that it stands for. Resolving names, and connecting
only to what was judged, is the business of `transport.guard`.
"""

import ipaddress
from typing import Literal

import msgspec

from ringback.domain.hosts import IpAddress

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK: tuple[IpNetwork, ...] = (
    ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"),
)  # fmt: skip
Remedy = Literal["", "allow_list", "second_switch", "test_mode", "never"]
"""Who could allow it: nobody needs to, the allow-list, the list and the switch, test mode, nobody.
"""


class Policy(msgspec.Struct, frozen=True, cache_hash=True):
    """What one tenant and mode may reach beyond public https.

    `allow_loopback`, `allow_http` and `any_port` are set in test mode. `allowed_networks` and
    `allowed_hosts` (in normal form; `*.` and a name for every name below it) let private addresses
    through; link-local and metadata addresses need `allow_forbidden` on top. Beside 80 and 443
    the ports in `allowed_ports` pass, or with `any_port` all, but for those that nobody can open;
    `extra_ports` pass even then. Pooled connections are shared only within one policy.
    """

    allow_loopback: bool = False
    allow_http: bool = False
    allowed_networks: tuple[IpNetwork, ...] = ()
    allowed_hosts: frozenset[str] = frozenset()
    allow_forbidden: bool = False
    any_port: bool = False
    allowed_ports: frozenset[int] = frozenset()
    extra_ports: frozenset[int] = frozenset()


LIVE = Policy()
"""Public addresses, https only, ports 80 and 443."""
TEST = Policy(allow_loopback=True, allow_http=True, any_port=True)
"""What test mode adds: this machine, plain http, and ports from 1024 on."""


class Verdict(msgspec.Struct, frozen=True):
    """Allowed or not, with a stable `code`, a `reason` in words, and who could allow it."""

    allowed: bool
    code: str
    reason: str
    remedy: Remedy = ""


class Block(msgspec.Struct, frozen=True):
    """A special block: its kind is the verdict's code, its name is for people."""

    network: IpNetwork
    kind: str
    name: str


# The strictness of a kind: 0 passes, 1 the allow-list lets through, 2 needs the second switch
# too, 3 is never let through.
_TIERS = {
    "public": 0,
    "loopback": 1,
    "private": 1,
    "special": 1,
    "link_local": 2,
    "metadata": 2,
    "unusable": 3,
}
_REMEDIES: tuple[Remedy, ...] = ("", "allow_list", "second_switch", "never")


def _table(text: str) -> tuple[Block, ...]:
    """Read the lines `network kind name`; the first block that contains an address counts."""
    rows = (line.split(None, 2) for line in text.strip().splitlines())
    return tuple(Block(ipaddress.ip_network(net), kind, name) for net, kind, name in rows)


IPV4_BLOCKS = _table("""
    169.254.169.254/32  metadata    cloud metadata
    169.254.170.0/24    metadata    cloud container credentials
    169.254.42.42/32    metadata    cloud metadata
    169.254.0.23/32     metadata    cloud metadata
    100.100.100.200/32  metadata    cloud metadata
    100.96.0.96/32      metadata    cloud metadata
    168.63.129.16/32    metadata    cloud platform channel
    192.0.0.192/32      metadata    cloud metadata
    0.0.0.0/8           unusable    this network
    10.0.0.0/8          private     private network
    100.64.0.0/10       private     shared address space of carriers
    127.0.0.0/8         loopback    this machine
    169.254.0.0/16      link_local  link-local
    172.16.0.0/12       private     private network
    192.0.0.0/24        special     IETF protocol assignments
    192.0.2.0/24        special     documentation
    192.31.196.0/24     special     AS112
    192.52.193.0/24     special     multicast tunnelling
    192.88.99.0/24      special     6to4 relay
    192.168.0.0/16      private     private network
    192.175.48.0/24     special     AS112
    198.18.0.0/15       special     benchmarking
    198.51.100.0/24     special     documentation
    203.0.113.0/24      special     documentation
    224.0.0.0/4         unusable    multicast
    255.255.255.255/32  unusable    broadcast
    240.0.0.0/4         special     reserved
""")
IPV6_BLOCKS = _table("""
    fd00:ec2::/32       metadata    cloud metadata
    fd20:ce::254/128    metadata    cloud metadata
    fd00:42::42/128     metadata    cloud metadata
    fe80::a9fe:a9fe/128 metadata    cloud metadata
    ::/128              unusable    unspecified
    ::1/128             loopback    this machine
    64:ff9b:1::/48      special     local translation prefix
    fc00::/7            private     unique local network
    fe80::/10           link_local  link-local
    fec0::/10           private     site-local (retired)
    ff00::/8            unusable    multicast
    2001::/23           special     IETF protocol assignments
    2001:db8::/32       special     documentation
    2002::/16           special     6to4
    2620:4f:8000::/48   special     AS112
    3ffe::/16           special     6bone (retired)
    3fff::/20           special     documentation
    2000::/3            public      public unicast
    ::/0                unusable    outside the public unicast range
""")


def judge_address(address: IpAddress, policy: Policy, host: str = "") -> Verdict:
    """Judge one resolved or literal address; `host` is the name that led to it, if any.

    An IPv6 address that carries IPv4 addresses gets the strictest of their verdicts, and its own.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        return Verdict(False, "host_zone", "an address with a zone id cannot be used", "never")
    worst = None
    for reading in readings(address):
        verdict = _judge_one(reading, policy, host)
        if not verdict.allowed:
            rank = _REMEDIES.index(verdict.remedy)
            if worst is None or rank > _REMEDIES.index(worst.remedy):
                worst = verdict
    if worst is None:
        return Verdict(True, "allowed", f"{address} may be reached")
    if worst.reason.startswith(f"{address} "):
        return worst
    reason = f"{address} stands for {worst.reason}"
    return Verdict(False, worst.code, reason, worst.remedy)


def find_block(address: IpAddress) -> Block:
    """Return the block of an address as it is written; public IPv4 is in no special block."""
    blocks = IPV4_BLOCKS if address.version == 4 else IPV6_BLOCKS
    for block in blocks:
        if address in block.network:
            return block
    return Block(ipaddress.ip_network(address), "public", "public unicast")


def _judge_one(address: IpAddress, policy: Policy, host: str) -> Verdict:
    """Judge one reading of an address."""
    block = find_block(address)
    tier = _TIERS[block.kind]
    listed = _host_listed(host, policy.allowed_hosts) or any(
        address in network for network in policy.allowed_networks
    )
    allowed = (
        tier == 0
        or (tier == 1 and listed)
        or (tier == 2 and listed and policy.allow_forbidden)
        or (block.kind == "loopback" and policy.allow_loopback)
    )
    if allowed:
        return Verdict(True, "allowed", f"{address} may be reached")
    reason = f"{address} is not public: {block.name} ({block.network})"
    # With the second switch on, what is missing is the list.
    remedy = _REMEDIES[1 if tier == 2 and policy.allow_forbidden else tier]
    return Verdict(False, block.kind, reason, remedy)


def _host_listed(host: str, listed: frozenset[str]) -> bool:
    """Say whether a name is on the list, itself or as one below a listed `*.` name."""
    if not listed or not host:
        return False
    labels = host.split(".")
    above = (".".join(labels[place:]) for place in range(1, len(labels)))
    return host in listed or any(f"*.{name}" in listed for name in above)


_MAPPED = int(ipaddress.IPv6Address("::ffff:0:0")) >> 32
_TRANSLATED = int(ipaddress.IPv6Address("::ffff:0:0:0")) >> 32
_NAT64 = int(ipaddress.IPv6Address("64:ff9b::")) >> 32
_NAT64_LOCAL = int(ipaddress.IPv6Address("64:ff9b:1::")) >> 80
_ISATAP = 0x0000_5EFE


def readings(address: IpAddress) -> tuple[IpAddress, ...]:
    """Return every address that has to pass for `address` to pass.

    Mapped addresses and the well-known NAT64 prefix are nothing but IPv4; in every other form the
    outer address has to pass as well.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    value = int(address)
    low = value & 0xFFFF_FFFF
    if value >> 32 in {_MAPPED, _NAT64}:
        return (ipaddress.IPv4Address(low),)
    return (address, *(ipaddress.IPv4Address(inner) for inner in _embedded(value, low)))


def _embedded(value: int, low: int) -> list[int]:
    """Find the IPv4 addresses inside an IPv6 address that is more than a wrapper."""
    found = []
    if value >> 32 in {0, _TRANSLATED} and value > 1:
        found.append(low)
    if value >> 80 == _NAT64_LOCAL:
        # Shorter prefixes keep the address further left and end in zeros: they are not read,
        # and 0.0.0.0 never passes.
        found.append(low if low & 0xFF_FFFF else 0)
    if value >> 112 == 0x2002:
        found.append(value >> 80 & 0xFFFF_FFFF)
    if value >> 96 == 0x2001_0000:
        found += [value >> 64 & 0xFFFF_FFFF, low ^ 0xFFFF_FFFF]
    if value >> 32 & 0xFCFF_FFFF == _ISATAP:
        found.append(low)
    return found
