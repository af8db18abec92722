"""T22: a name server that changes its answers does not move a connection anywhere."""

import ipaddress
from itertools import cycle, islice

from ringback.domain.networks import Policy
from ringback.domain.targets import Target
from ringback.transport.client import Client, Options
from ringback.transport.dial import connect_tcp
from ringback.transport.exchange import Outgoing
from tests.sizes import SIZES

from .dns_server import Zone, resolving
from .receivers import Spy, receiving

PUBLIC = ["93.184.216.34"]
PUBLIC6 = ["2606:4700::1111"]
# What a script moves to, and what it hides among: each goes through all of the shapes below.
INSIDE = ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00:ec2::254", "::ffff:a00:5"]
SCRIPTS = [
    script
    for inside in INSIDE
    for script in (
        [PUBLIC, [inside]],
        [PUBLIC, PUBLIC, PUBLIC, [inside]],
        [[inside, *PUBLIC]],
        [[*PUBLIC, inside]],
        [[*PUBLIC, *PUBLIC6], [*PUBLIC6, inside, "8.8.8.8"]],
    )
]
NO_CACHE = Options(dns_ttl_s=0)


def passes(answer: list[str]) -> bool:
    """Say whether every address of an answer is public."""
    return all(address in {*PUBLIC, *PUBLIC6, "8.8.8.8"} for address in answer)


async def test_every_answer_of_every_attempt_is_judged() -> None:
    """30 scripts, plain and through a CNAME: one resolution per attempt, 0 connects inside."""
    assert 30 == len(SCRIPTS)
    zone = Zone({f"s{n}.example": script for n, script in enumerate(SCRIPTS)})
    for n in range(0, len(SCRIPTS), 2):
        zone.cnames[f"s{n}.example"] = "metadata.internal"
    spy = Spy()
    denied = 0
    async with resolving(zone) as resolver:
        client = Client(options=NO_CACHE, resolve=resolver, connect=spy)
        for n, script in enumerate(SCRIPTS):
            request = Outgoing("POST", Target.parse(f"http://s{n}.example/hook"))
            for answer in islice(cycle(script), SIZES.rebinding_attempts):
                spy.calls.clear()
                exchange = await client.send(
                    request, policy=Policy(allow_http=True, any_port=True), deadline_s=5
                )
                if passes(answer):
                    assert "connect" == exchange.error
                    assert {address for address, _ in spy.calls} <= set(answer)
                else:
                    assert ("guard_denied", []) == (exchange.error, spy.calls)
                    denied += 1
            assert SIZES.rebinding_attempts == zone.asked[f"s{n}.example"]
        await client.close()
    assert denied >= len(SCRIPTS) * SIZES.rebinding_attempts // 5


async def test_a_kept_connection_is_judged_again() -> None:
    """A connection to an allowed address is not used once its name points elsewhere."""
    allowed, forbidden = "127.0.0.2", "127.0.0.3"
    network = (ipaddress.ip_network(allowed),)
    policy = Policy(allow_http=True, any_port=True, allowed_networks=network)
    script = [[allowed], [allowed], [forbidden], [allowed, forbidden], [allowed]]
    zone = Zone({"a.example": script})
    spy = Spy(connect_tcp)
    async with resolving(zone) as resolver, receiving(host=allowed) as receiver:
        client = Client(options=NO_CACHE, resolve=resolver, connect=spy)
        target = Target.parse(f"http://a.example:{receiver.port}/")
        outcomes = []
        for _ in range(len(script)):
            exchange = await client.send(Outgoing("POST", target), policy=policy, deadline_s=5)
            outcomes.append((exchange.error, exchange.reused))
        await client.close()
    assert [
        (None, False),
        (None, True),
        ("guard_denied", False),
        ("guard_denied", False),
        (None, False),
    ] == outcomes
    assert [(allowed, receiver.port)] * 2 == spy.calls
    assert 3 == len(receiver.heads)


async def test_a_name_that_moves_takes_its_connections_with_it() -> None:
    """When a name points to another allowed address, the old address gets no further request."""
    loopback = (ipaddress.ip_network("127.0.0.0/8"),)
    policy = Policy(allow_http=True, any_port=True, allowed_networks=loopback)
    zone = Zone({"a.example": [["127.0.0.2"], ["127.0.0.4"], ["127.0.0.2"]]})
    spy = Spy(connect_tcp)
    async with resolving(zone) as resolver, receiving(host="0.0.0.0") as receiver:
        client = Client(options=NO_CACHE, resolve=resolver, connect=spy)
        target = Target.parse(f"http://a.example:{receiver.port}/")
        reached = []
        for _ in range(3):
            exchange = await client.send(Outgoing("POST", target), policy=policy, deadline_s=5)
            reached.append(exchange.address and exchange.address[0])
        await client.close()
    assert ["127.0.0.2", "127.0.0.4", "127.0.0.2"] == reached
    assert all(f"Host: a.example:{receiver.port}".encode() in head for head in receiver.heads)


async def test_the_cache_keeps_an_answer_for_its_time_and_no_longer() -> None:
    """Within a second one look-up serves all; after it the name is asked again."""
    now = [100.0]
    zone = Zone({"a.example": [PUBLIC, ["10.0.0.5"]]})
    async with resolving(zone) as resolver:
        client = Client(resolve=resolver, connect=Spy(), clock=lambda: now[0])
        target = Target.parse("https://a.example/")
        codes = []
        for step in (0.0, 0.5, 0.4, 0.2, 0.5):
            now[0] += step
            codes.append((await client.check(target, Policy())).code)
        await client.close()
    assert ["allowed", "allowed", "allowed", "private", "private"] == codes
    assert {"a.example": 2} == zone.asked


async def test_a_name_without_an_address() -> None:
    """NXDOMAIN and an empty answer are `dns`, in words, with nothing connected."""
    zone = Zone({"empty.example": [[]]})
    spy = Spy()
    async with resolving(zone) as resolver:
        client = Client(resolve=resolver, connect=spy)
        for name, words in (("missing.example", "NXDOMAIN"), ("empty.example", "no address")):
            request = Outgoing("POST", Target.parse(f"https://{name}/hook?token=CANARY"))
            exchange = await client.send(request, policy=Policy(), deadline_s=5)
            assert ("dns", False) == (exchange.error, exchange.sent)
            assert words in exchange.detail
            assert "CANARY" not in exchange.detail
        await client.close()
    assert [] == spy.calls
