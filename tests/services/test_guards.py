"""SEC-14: what an owner opens for an endpoint, what may be opened at all, and what is advised."""

import ipaddress
import uuid

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.domain.delivery_policy import (
    HOSTS_MAX,
    NETWORKS_MAX,
    PORTS_MAX,
    faults_in_policy,
)
from ringback.domain.egress import judge
from ringback.domain.endpoints import Connection, DeliveryPolicy, Mode
from ringback.domain.networks import IPV4_BLOCKS, IPV6_BLOCKS, LIVE, Verdict
from ringback.domain.opening import Change
from ringback.domain.targets import Target
from ringback.providers.whatsapp_config import WhatsAppConfig
from ringback.services.guards import LOCKED, OPEN, Guards
from ringback.transport.client import Client, Options
from ringback.transport.dial import connect_tcp
from ringback.transport.exchange import Outgoing
from tests.transport.dns_server import Zone, resolving
from tests.transport.receivers import Spy, receiving

METADATA = Guards(metadata=True)


def _verdict(
    url: str, *addresses: str, guards: Guards = OPEN, networks: tuple[str, ...] = (),
    hosts: tuple[str, ...] = (), ports: tuple[int, ...] = (),
) -> Verdict:  # fmt: skip
    """Judge a URL that resolved to these addresses, as a live endpoint that opened so much."""
    delivery = DeliveryPolicy(allowed_networks=networks, allowed_hosts=hosts, allowed_ports=ports)
    found = [ipaddress.ip_address(text) for text in addresses]
    return judge(Target.parse(url), found, guards.policy(Mode.LIVE, delivery))


@pytest.mark.parametrize(
    ("host", "listed", "allowed"),
    [
        ("hooks.intern.example", ("hooks.intern.example",), True),
        ("HOOKS.Intern.Example.", ("hooks.intern.example",), True),
        ("hooks.intern.example", ("*.intern.example",), True),
        ("a.b.intern.example", ("*.intern.example",), True),
        ("intern.example", ("*.intern.example",), False),
        ("xintern.example", ("*.intern.example",), False),
        ("intern.example.evil.example", ("*.intern.example",), False),
        ("a.hooks.intern.example", ("hooks.intern.example",), False),
        ("erp", ("erp",), True),
        ("erp.example", ("*.example", "x"), True),
        ("hooks.intern.example", ("other.example", "*.other.example"), False),
        ("hooks.intern.example", (), False),
    ],
)
def test_a_name_is_opened_by_itself_or_from_above(
    host: str, listed: tuple[str, ...], allowed: bool
) -> None:
    """`*.` and a name opens the names below it, not itself and not what only ends alike."""
    assert allowed == _verdict(f"https://{host}/", "10.1.2.3", "fd12::3", hosts=listed).allowed


def test_opening_has_two_tiers() -> None:
    """Private by the list; link-local and metadata by list and switch; the rest by nothing."""
    addresses = ("10.0.0.1", "127.0.0.1", "169.254.1.1", "169.254.169.254", "fd00:ec2::254",
                 "0.0.0.0", "224.0.0.1")  # fmt: skip
    everything = ("0.0.0.0/0", "::/0")
    locked = Guards(locked=True, metadata=True)
    assert {
        "list": [True, True, False, False, False, False, False],
        "list and switch": [True, True, True, True, True, False, False],
        "switch": [False] * 7,
        "locked": [False] * 7,
    } == {
        name: [
            _verdict("https://a.example/", one, guards=guards, networks=networks).allowed
            for one in addresses
        ]
        for name, guards, networks in (
            ("list", OPEN, everything), ("list and switch", METADATA, everything),
            ("switch", METADATA, ()), ("locked", locked, everything),
        )
    }  # fmt: skip
    by_name = [
        _verdict("https://a.example/", "169.254.169.254", guards=guards, hosts=("a.example",))
        for guards in (OPEN, METADATA, locked)
    ]
    assert [False, True, False] == [verdict.allowed for verdict in by_name]


def test_endpoints_that_open_the_same_share_their_connections() -> None:
    """Equal policies are one object; without anything opened it is everybody's."""
    assert OPEN.policy(Mode.LIVE, DeliveryPolicy()) is LIVE
    opened = DeliveryPolicy(
        allowed_hosts=("a.example",), allowed_networks=("10.0.0.0/8",), allowed_ports=(8443,)
    )
    again = msgspec.structs.replace(opened, timeout_s=1.0)
    assert OPEN.policy(Mode.LIVE, opened) is OPEN.policy(Mode.LIVE, again)
    assert Guards(locked=True).policy(Mode.LIVE, opened) is LIVE


def _changed(delivery: DeliveryPolicy, change: Change | None) -> DeliveryPolicy:
    assert change is not None
    changes = {name: tuple(value) for name, value in change["delivery"].items()}
    return msgspec.structs.replace(delivery, **changes)


_special = st.sampled_from([*IPV4_BLOCKS, *IPV6_BLOCKS]).flatmap(
    lambda block: st.integers(
        int(block.network.network_address), int(block.network.broadcast_address)
    ).map(type(block.network.network_address))
)


@settings(max_examples=300, deadline=None, database=None)
@given(
    addresses=st.lists(_special, min_size=1, max_size=3), named=st.booleans(),
    guards=st.sampled_from([OPEN, METADATA]),
    before=st.sampled_from([(), ("10.0.0.0/9",)]), port=st.sampled_from([443, 8443, 6379]),
)  # fmt: skip
def test_what_is_advised_lets_the_request_pass(
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
    named: bool,
    guards: Guards,
    before: tuple[str, ...],
    port: int,
) -> None:
    """Whenever a change is named, the same target is allowed after it, and what was open stays.

    A name at a closed port is opened in two steps: it is only looked up once its port is open.
    """
    if not named:
        addresses = addresses[:1]
    literal = f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])
    target = Target.parse(f"https://{'hooks.example' if named else literal}:{port}/")
    delivery = DeliveryPolicy(
        allowed_networks=before, allowed_hosts=("other.example",), allowed_ports=(9443,)
    )
    if named and port == 8443:
        verdict = judge(target, (), guards.policy(Mode.LIVE, delivery))
        delivery = _changed(delivery, guards.advice(target, verdict, delivery).change)
    verdict = judge(target, addresses, guards.policy(Mode.LIVE, delivery))
    advice = guards.advice(target, verdict, delivery)
    if advice.change is None:
        assert verdict.allowed or verdict.remedy in {"never", "second_switch"}
        return
    assert verdict.remedy == "allow_list"
    changed = _changed(delivery, advice.change)
    assert [] == faults_in_policy(changed, "")
    assert {9443, *({port} - {443})} == set(changed.allowed_ports)
    assert set(before) <= set(changed.allowed_networks)
    assert "other.example" in changed.allowed_hosts
    after = judge(target, addresses, guards.policy(Mode.LIVE, changed))
    # Of several addresses the next one may be of a kind that no owner can open.
    assert after.allowed or (named and after.remedy in {"never", "second_switch"})
    assert msgspec.json.encode(advice.change).decode() in advice.words


@pytest.mark.parametrize(
    ("guards", "url", "address", "words"),
    [
        (OPEN, "https://10.1.2.3/", "10.1.2.3", '{"allowed_networks":["10.1.2.3/32"]}}'),
        (OPEN, "https://erp.example/", "10.1.2.3", '{"allowed_hosts":["erp.example"]}}'),
        (OPEN, "https://erp.example/", "169.254.169.254", "RINGBACK_ALLOW_METADATA"),
        (METADATA, "https://erp.example/", "169.254.169.254", '["erp.example"]'),
        (Guards(locked=True), "https://10.1.2.3/", "10.1.2.3", LOCKED),
        (Guards(locked=True), "https://x.example/", "169.254.169.254", LOCKED),
        (OPEN, "http://x.example/", "8.8.8.8", "A test key may use it."),
        (OPEN, "https://x.example:6379/", "8.8.8.8", ""),
        (OPEN, "https://x.example:81/", "8.8.8.8", ""),
        (OPEN, "https://x.example:8443/", "8.8.8.8", '{"delivery":{"allowed_ports":[8443]}}'),
        (OPEN, "https://10.1.2.3:8443/", "10.1.2.3",
         '{"delivery":{"allowed_networks":["10.1.2.3/32"],"allowed_ports":[8443]}}'),
        (Guards(locked=True), "https://x.example:8443/", "8.8.8.8", LOCKED),
        (OPEN, "https://x.example/", "0.0.0.0", ""),
    ],
)  # fmt: skip
def test_advice_for_every_kind_of_refusal(
    guards: Guards, url: str, address: str, words: str
) -> None:
    """The change, the switch, the lock or test mode; nothing where nothing helps."""
    verdict = _verdict(url, address, guards=guards)
    advice = guards.advice(Target.parse(url), verdict, DeliveryPolicy()).words
    assert not verdict.allowed
    assert (words == advice) if not words else (words in advice)


def test_a_port_is_opened_for_an_endpoint() -> None:
    """What is on its list passes, live; the lock closes it; what nobody can open stays closed."""
    ports = (8443, 6379, 22)
    codes = [
        _verdict(f"https://a.example:{port}/", "8.8.8.8", ports=ports, guards=guards).allowed
        for guards in (OPEN, Guards(locked=True))
        for port in (443, 8443, 9443, 6379, 22)
    ]
    assert [True, True, False, False, False, True, False, False, False, False] == codes


def test_which_ports_an_owner_may_list() -> None:
    """1 to 65535, none that nobody can open, each with its place; 16 of them."""
    policy = DeliveryPolicy(allowed_ports=(8443, 0, 65536, -1, 6379, 22, 443, 65535))
    faults = faults_in_policy(policy, "/delivery")
    assert [f"/delivery/allowed_ports/{place}" for place in range(1, 6)] == [
        fault.pointer for fault in faults
    ]
    assert all("from 1 to 65535" in fault.detail for fault in faults[:3])
    assert all("nobody can open it" in fault.detail for fault in faults[3:])
    many = DeliveryPolicy(allowed_ports=tuple(range(8000, 8001 + PORTS_MAX)))
    assert ["At most 16 ports."] == [fault.detail for fault in faults_in_policy(many, "")]


def test_a_connection_may_name_a_port_in_its_config() -> None:
    """The port of a URL that its owner typed is open to it, and no other; not with the lock."""

    def ask(guards: Guards, mode: Mode, base_url: str, port: int) -> str:
        config = WhatsAppConfig(app_secret="s", verify_token="v", base_url=base_url)
        connection = Connection(1, uuid.UUID(int=1), 1, mode, "whatsapp", "", "t", config)
        target = Target.parse(f"https://partner.example:{port}/messages")
        policy = guards.policy_of(connection)
        return judge(target, [ipaddress.ip_address("8.8.8.8")], policy).code

    named = "https://partner.example:8443/v1"
    assert "allowed" == ask(OPEN, Mode.LIVE, named, 8443)
    assert "port" == ask(OPEN, Mode.LIVE, named, 9443)
    assert "port" == ask(OPEN, Mode.LIVE, "", 8443)
    assert "port" == ask(OPEN, Mode.LIVE, "https://partner.example:6379/", 6379)
    assert "port" == ask(Guards(locked=True), Mode.LIVE, named, 8443)
    assert "allowed" == ask(OPEN, Mode.TEST, "", 9443)


def test_full_lists_are_said_to_be_full() -> None:
    """No change is advised that would be refused."""
    full = DeliveryPolicy(
        allowed_networks=tuple(f"10.{n}.0.0/16" for n in range(NETWORKS_MAX)),
        allowed_hosts=tuple(f"a{n}.example" for n in range(HOSTS_MAX)),
        allowed_ports=tuple(range(8000, 8000 + PORTS_MAX)),
    )
    for url, address in (
        ("https://b.example/", "10.200.0.1"), ("https://10.200.0.1/", "10.200.0.1"),
        ("https://b.example:8443/", "8.8.8.8"),
    ):  # fmt: skip
        target = Target.parse(url)
        found = [ipaddress.ip_address(address)]
        verdict = judge(target, found, OPEN.policy(Mode.LIVE, full))
        advice = OPEN.advice(target, verdict, full)
        assert (None, True) == (advice.change, "as there may be" in advice.words)


async def test_an_opened_name_is_connected_to_and_no_other() -> None:
    """The listed name reaches its private address on the wire; another name for it does not."""
    zone = Zone({name: [["127.0.0.1"]] for name in ("hooks.intern.example", "b.example")})
    spy = Spy(connect_tcp)
    async with resolving(zone) as resolver, receiving() as receiver:
        delivery = DeliveryPolicy(
            allowed_hosts=("*.intern.example",), allowed_ports=(receiver.port,)
        )
        guard = OPEN.policy(Mode.LIVE, delivery)
        guard = msgspec.structs.replace(guard, allow_http=True)
        client = Client(options=Options(dns_ttl_s=0), resolve=resolver, connect=spy)
        errors = []
        for name in ("hooks.intern.example", "b.example"):
            target = Target.parse(f"http://{name}:{receiver.port}/")
            sent = await client.send(Outgoing("POST", target), policy=guard, deadline_s=5)
            errors.append(sent.error)
        await client.close()
    assert [None, "guard_denied"] == errors
    assert 1 == len(spy.calls) == len(receiver.heads)
