"""The verdict on addresses: special blocks, policies, and IPv4 hidden in IPv6 (T21)."""

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringback.domain.hosts import IpAddress
from ringback.domain.networks import (
    IPV4_BLOCKS,
    IPV6_BLOCKS,
    LIVE,
    TEST,
    IpNetwork,
    Policy,
    judge_address,
)
from tests.sizes import SIZES

ip = ipaddress.ip_address


def nets(*cidrs: str) -> tuple[IpNetwork, ...]:
    """Read CIDRs for a policy."""
    return tuple(ipaddress.ip_network(cidr) for cidr in cidrs)


@pytest.mark.parametrize(
    ("address", "code", "remedy"),
    [
        ("8.8.8.8", "allowed", ""),
        ("2606:4700::1111", "allowed", ""),
        ("127.0.0.1", "loopback", "allow_list"),
        ("127.255.255.254", "loopback", "allow_list"),
        ("::1", "loopback", "allow_list"),
        ("10.0.0.1", "private", "allow_list"),
        ("100.64.0.1", "private", "allow_list"),
        ("fd12::1", "private", "allow_list"),
        ("192.0.2.1", "special", "allow_list"),
        ("192.0.0.9", "special", "allow_list"),
        ("2001:db8::1", "special", "allow_list"),
        ("2001:2ff::1", "allowed", ""),
        ("2001:1ff::1", "special", "allow_list"),
        ("3fff:fff::1", "special", "allow_list"),
        ("169.254.1.1", "link_local", "second_switch"),
        ("fe80::1", "link_local", "second_switch"),
        ("169.254.169.254", "metadata", "second_switch"),
        ("168.63.129.16", "metadata", "second_switch"),
        ("fd00:ec2::254", "metadata", "second_switch"),
        ("100.100.100.200", "metadata", "second_switch"),
        ("0.0.0.0", "unusable", "never"),
        ("224.0.0.1", "unusable", "never"),
        ("255.255.255.255", "unusable", "never"),
        ("::", "unusable", "never"),
        ("ff02::1", "unusable", "never"),
        ("4000::1", "unusable", "never"),
        ("::ffff:8.8.8.8", "allowed", ""),
        ("::ffff:10.0.0.1", "private", "allow_list"),
        ("64:ff9b::8.8.8.8", "allowed", ""),
        ("64:ff9b::7f00:1", "loopback", "allow_list"),
        ("fe80::1%eth0", "host_zone", "never"),
    ],
)
def test_verdict_of_an_address(address: str, code: str, remedy: str) -> None:
    """Without exceptions only public unicast passes, and a denial says who could allow it."""
    verdict = judge_address(ip(address), LIVE)
    assert (code, remedy) == (verdict.code, verdict.remedy)
    assert (code == "allowed") == verdict.allowed


def test_reason_names_address_and_block() -> None:
    """A denial can be understood: the address, what it stands for, and the block it is in."""
    reason = judge_address(ip("::ffff:10.1.2.3"), LIVE).reason
    assert "::ffff:" in reason.lower()
    assert "10.1.2.3" in reason
    assert "10.0.0.0/8" in reason


def test_allow_list_has_two_tiers() -> None:
    """The list lets private addresses through; metadata needs the second switch as well."""
    listed = Policy(allowed_networks=nets("10.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"))
    both = Policy(allowed_networks=listed.allowed_networks, allow_forbidden=True)
    switch = Policy(allow_forbidden=True)
    answers = {
        address: tuple(judge_address(ip(address), p).allowed for p in (listed, both, switch))
        for address in ("10.9.9.9", "11.0.0.1", "172.16.0.1", "169.254.169.254", "224.0.0.1")
    }
    assert {
        "10.9.9.9": (True, True, False),
        "11.0.0.1": (True, True, True),
        "172.16.0.1": (False, False, False),
        "169.254.169.254": (False, True, False),
        "224.0.0.1": (False, False, False),
    } == answers


def test_allow_list_by_host() -> None:
    """A listed host may resolve to private addresses; another host may not."""
    policy = Policy(allowed_hosts=frozenset({"erp.internal"}))
    assert judge_address(ip("10.0.0.5"), policy, "erp.internal").allowed
    assert not judge_address(ip("10.0.0.5"), policy, "other.internal").allowed
    assert not judge_address(ip("10.0.0.5"), policy).allowed
    assert not judge_address(ip("169.254.169.254"), policy, "erp.internal").allowed


def test_test_mode_adds_loopback_only() -> None:
    """Test mode reaches this machine, in IPv4 and IPv6, and nothing else that is private."""
    allowed = [
        address
        for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.1", "0.0.0.0", "fe80::1")
        if judge_address(ip(address), TEST).allowed
    ]
    assert ["127.0.0.1", "::1", "::ffff:127.0.0.1"] == allowed


def test_every_special_block_is_refused_to_its_edges() -> None:
    """First, middle and last address of each block are refused; 0 looser than the table."""
    blocks = [block for block in IPV4_BLOCKS + IPV6_BLOCKS if block.kind != "public"]
    checked = 0
    for block in blocks[:-1]:  # the last one is everything else in IPv6
        size = block.network.num_addresses
        for offset in (0, size // 2, size - 1):
            assert not judge_address(block.network[offset], LIVE).allowed, block
            checked += 1
    assert checked >= 130


def _v6(value: int) -> ipaddress.IPv6Address:
    return ipaddress.IPv6Address(value)


CARRIERS: dict[str, Callable[[int], IpAddress]] = {
    "mapped": lambda v4: _v6(0xFFFF << 32 | v4),
    "compatible": _v6,
    "translated": lambda v4: _v6(0xFFFF << 48 | v4),
    "isatap": lambda v4: _v6(0x2A00_1450_4001_0830 << 64 | 0x5EFE << 32 | v4),
    "nat64": lambda v4: _v6(0x64_FF9B << 96 | v4),
    "nat64 local": lambda v4: _v6(0x64_FF9B_0001 << 80 | v4),
    "6to4": lambda v4: _v6(0x2002 << 112 | v4 << 80 | 1),
    "teredo": lambda v4: _v6(0x2001 << 112 | 0x0808_0808 << 64 | v4 ^ 0xFFFF_FFFF),
}

special = st.sampled_from([block.network for block in IPV4_BLOCKS]).flatmap(
    lambda net: st.integers(int(net.network_address), int(net.broadcast_address))
)
addresses = st.one_of(st.integers(0, 2**32 - 1), special)
networks = st.one_of(
    st.builds(
        lambda v, n: ipaddress.ip_network((v, n), strict=False), addresses, st.integers(0, 32)
    ),
    st.sampled_from(nets("::/0", "2000::/3", "2002::/16", "64:ff9b:1::/48", "::/96", "2001::/23")),
)
policies = st.builds(
    Policy,
    allow_loopback=st.booleans(),
    allowed_networks=st.lists(networks, max_size=4).map(tuple),
    allow_forbidden=st.booleans(),
)


@settings(
    max_examples=SIZES.carrier_cases,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(address=addresses, policy=policies)
def test_no_carrier_is_looser_than_the_address_it_carries(address: int, policy: Policy) -> None:
    """T21: whatever the policy, an IPv4 address in any of eight IPv6 forms passes only if the
    address itself would."""  # noqa: D209
    plain = judge_address(ipaddress.IPv4Address(address), policy).allowed
    looser = [
        name
        for name, carry in CARRIERS.items()
        if judge_address(carry(address), policy).allowed
        and not plain
        and not (name == "compatible" and address == 1)  # ::1 carries nothing, it is loopback
    ]
    assert [] == looser


def test_carriers_that_are_in_use_are_not_blocked() -> None:
    """The forms that real networks hand out (mapped, well-known NAT64) pass for public IPv4."""
    public = int(ipaddress.IPv4Address("93.184.216.34"))
    passing = {
        name for name, carry in CARRIERS.items() if judge_address(carry(public), LIVE).allowed
    }
    assert {"mapped", "nat64", "isatap"} == passing


def test_local_translation_prefix_is_read_in_one_layout_only() -> None:
    """A prefix of another length keeps the IPv4 address elsewhere: such an address never passes."""
    policy = Policy(allowed_networks=nets("64:ff9b:1::/48"))
    assert judge_address(ip("64:ff9b:1::8.8.8.8"), policy).allowed
    # 10.0.0.8 behind a /64, /56 and /48 prefix.
    for hidden in ("64:ff9b:1:0:a:0:800:0", "64:ff9b:1:a:0:8::", "64:ff9b:1:a00:0:800::"):
        assert not judge_address(ip(hidden), policy).allowed
