"""T20, T23, T24, T25: what a URL can try in order to reach where it should not."""

import asyncio
import ipaddress
import socket
from collections import Counter
from itertools import product

import msgspec
import pytest

from ringback.domain.egress import BAD_PORTS, Own
from ringback.domain.hosts import InvalidUrl
from ringback.domain.networks import LIVE, LOOPBACK, TEST, Policy, readings
from ringback.domain.targets import Target
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

from . import ssrf_urls
from .receivers import Spy, no_names, receiving

PUBLIC = Policy(allow_http=True)
ANY_PORT = Policy(allow_http=True, any_port=True)


async def attempt(client: Client, url: str, policy: Policy = PUBLIC) -> Exchange | InvalidUrl:
    """Do what a caller does with a URL: read it, send to it."""
    try:
        target = Target.parse(url)
    except InvalidUrl as refusal:
        return refusal
    return await client.send(Outgoing("POST", target), policy=policy, deadline_s=2)


async def test_no_spelling_of_a_special_address_is_connected_to() -> None:
    """T20: special blocks in all spellings, and URL tricks, end before a look-up or connect."""
    spy = Spy()
    client = Client(connect=spy, resolve=no_names)
    urls = [f"http://{host}/x" for host in ssrf_urls.denied()] + ssrf_urls.TRICKS
    outcomes: Counter[str] = Counter()
    for url in urls:
        outcome = await attempt(client, url)
        result = "invalid" if isinstance(outcome, InvalidUrl) else outcome.error
        outcomes[str(result)] += 1
        assert result in {"invalid", "guard_denied"}, url
        assert [] == spy.calls, url
    assert 1_500 <= len(set(urls))
    # Nearly all are understood and judged; only the tricks are no URLs at all.
    assert outcomes["guard_denied"] >= 0.9 * len(urls)
    assert {"guard_denied", "invalid"} == set(outcomes)


async def test_no_spelling_of_a_public_address_is_blocked() -> None:
    """T20: the neighbours of the blocks are connected to, at exactly the address meant."""
    spy = Spy()
    client = Client(connect=spy, resolve=no_names)
    pairs = ssrf_urls.allowed()
    for host, address in pairs:
        spy.calls.clear()
        outcome = await attempt(client, f"http://{host}/x")
        assert isinstance(outcome, Exchange), host
        assert ("connect", None) == (outcome.error, outcome.verdict), host
        ((reached, port),) = spy.calls
        last = readings(ipaddress.ip_address(reached))
        assert (80, ipaddress.ip_address(address)) == (port, last[-1]), host
    assert 700 <= len(pairs)


@pytest.mark.parametrize("name", ["localhost", "api.localhost", "LOCALHOST.", "printer"])
async def test_names_are_judged_by_what_they_resolve_to(name: str) -> None:
    """A name is nothing special: it passes through the resolver, and its address is judged."""

    async def resolve(_host: str, _port: int) -> list[tuple[int, str]]:
        return [(socket.AF_INET, "127.0.0.1")]

    spy = Spy()
    client = Client(connect=spy, resolve=resolve)
    outcome = await attempt(client, f"http://{name}/")
    assert isinstance(outcome, Exchange)
    assert outcome.verdict is not None
    assert "loopback" == outcome.verdict.code
    assert [] == spy.calls
    allowed = await attempt(client, f"http://{name}/", TEST)
    assert isinstance(allowed, Exchange)
    assert [("127.0.0.1", 80)] == spy.calls


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_never_followed(status: int) -> None:
    """T23: a 3xx is an answer like another; 20 kinds of targets see no request."""
    async with receiving() as other, receiving() as receiver:
        client = Client()
        host = f"127.0.0.1:{other.port}"
        places = [
            f"http://{host}/",
            f"http://{host}/same",
            f"//{host}/",
            f"https://{host}/",
            f"http://localhost:{other.port}/",
            f"http://[::ffff:127.0.0.1]:{other.port}/",
            f"http://user@{host}/",
            f"HTTP://{host}",
            f" http://{host}/",
            f"http:\\\\{host}\\",
            "/relative",
            "relative",
            "?query",
            "",
            "//169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
            "gopher://127.0.0.1:6379/_",
            "javascript:alert(1)",
            "data:,x",
            f"http://{host}/\tx",
        ]
        for place in places:
            receiver.reply = (
                f"HTTP/1.1 {status} Moved\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
            ).encode()
            exchange = await client.send(receiver.post(), policy=TEST, deadline_s=2)
            assert (status, None, False) == (exchange.status, exchange.error, exchange.ok)
            assert place.strip() == exchange.header("location")
        await client.close()
    assert (20, 20, 0) == (len(places), len(receiver.heads), other.connections)


async def test_proxies_in_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """T24: with every proxy variable set, the request goes straight to its target, judged."""
    async with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SOCKS_PROXY"):
            monkeypatch.setenv(name, proxy.url())
            monkeypatch.setenv(name.lower(), proxy.url())
        monkeypatch.delenv("NO_PROXY", raising=False)
        client = Client()
        exchange = await client.send(receiver.post(), policy=TEST, deadline_s=2)
        denied = await attempt(client, "http://10.0.0.1/")
        await client.close()
    assert 200 == exchange.status
    assert isinstance(denied, Exchange)
    assert "guard_denied" == denied.error
    assert (1, 0) == (len(receiver.heads), proxy.connections)


SCHEMES = ["file", "ftp", "gopher", "unix", "ws", "wss", "ldap", "dict", "tftp", "ssh", "telnet"]
SCHEMES += ["jar", "netdoc", "data", "javascript", "blob", "about", "mailto", "http+unix", "httpx"]
SCHEMES += ["sftp", "ftps", "ldaps", "smb", "nfs", "rtsp", "imap", "pop3", "smtp", "mqtt", "redis"]
SCHEMES += ["postgresql", "mysql", "mongodb", "amqp", "git", "svn", "view-source", "php", "phar"]
SCHEMES += ["expect", "zlib", "glob", "s3", "gs", "chrome", "resource", "tel", "sms", "urn"]
PORTS = [0, 1, 21, 22, 23, 25, 53, 79, 81, 110, 135, 143, 389, 445, 514, 631, 873, 993, 1023]
OPENABLE = [1024, 3000, 8080, 8443, 65535]


async def test_schemes() -> None:
    """T25: whatever is not http(s) is no target, with an authority or without, in any case."""
    assert 40 <= len(set(SCHEMES))
    for scheme in SCHEMES:
        for url in (
            f"{scheme}://8.8.8.8/", f"{scheme.upper()}://8.8.8.8:443/", f"{scheme}:///etc/passwd",
            f"{scheme}:8.8.8.8", f"{scheme}:https://8.8.8.8/",
        ):  # fmt: skip
            with pytest.raises(InvalidUrl):
                Target.parse(url)


async def _ports(policy: Policy, ports: list[int]) -> dict[int, str]:
    """Send to each port of a public address; what it was refused with, or `connected`."""
    spy, told = Spy(), {}
    client = Client(connect=spy, resolve=no_names)
    for port in ports:
        outcome = await attempt(client, f"http://8.8.8.8:{port}/", policy)
        denied = isinstance(outcome, InvalidUrl) or outcome.error == "guard_denied"
        assert denied == (("8.8.8.8", port) not in spy.calls), port
        if isinstance(outcome, InvalidUrl):
            told[port] = outcome.code
        else:
            told[port] = outcome.verdict.remedy if outcome.verdict else "connected"
    return told


async def test_ports() -> None:
    """T25: 80 and 443, and what was opened; ports of other services are never connected to."""
    closed = [*PORTS, *sorted(BAD_PORTS), 65536]
    assert 40 <= len(closed)
    never = dict.fromkeys(closed, "never") | {0: "port_invalid", 65536: "port_invalid"}
    web = {80: "connected", 443: "connected"}
    ports = [*closed, 80, 443, *OPENABLE]
    opened = msgspec.structs.replace(PUBLIC, allowed_ports=frozenset({8443, *closed}))
    assert {**never, **web, **dict.fromkeys(OPENABLE, "allow_list")} == await _ports(PUBLIC, ports)
    assert {
        **never, **web, **dict.fromkeys(OPENABLE, "allow_list"), 8443: "connected",
    } == await _ports(opened, ports)  # fmt: skip
    assert {**never, **web, **dict.fromkeys(OPENABLE, "connected")} == await _ports(ANY_PORT, ports)


async def test_a_name_at_a_closed_port_is_not_even_looked_up() -> None:
    """T25: what the port refuses costs no look-up; once opened, the name is judged as ever."""
    asked = []

    async def resolve(host: str, _port: int) -> list[tuple[int, str]]:
        asked.append(host)
        return [(socket.AF_INET, "10.0.0.1")]

    client = Client(connect=Spy(), resolve=resolve)
    target = Target.parse("https://hooks.example:8443/")
    assert ("port", []) == ((await client.check(target, LIVE)).code, asked)
    opened = Policy(allowed_ports=frozenset({8443}))
    assert ("private", ["hooks.example"]) == ((await client.check(target, opened)).code, asked)
    await client.close()


async def test_own_listener_is_refused_but_for_its_receiver_pages() -> None:
    """T25: our own API is out of reach, the receiver pages are in reach, whatever the mode.

    To open our port and this machine for an endpoint changes nothing of that.
    """
    api = ("/v1/api-keys", "/", "/inspect", "/inspect/../v1/api-keys", "/inspect/%2e", "/metrics")
    async with receiving() as ours:
        client = Client(own=Own(port=ours.port))
        opened = msgspec.structs.replace(
            TEST, allowed_networks=LOOPBACK, allowed_ports=frozenset({ours.port})
        )

        async def reach_for_api() -> None:
            for policy, path in product((LIVE, PUBLIC, TEST, opened), api):
                outcome = await attempt(client, ours.url(path), policy)
                assert isinstance(outcome, Exchange)
                assert outcome.verdict is not None
                assert ("own_listener", "never") == (outcome.verdict.code, outcome.verdict.remedy)

        await reach_for_api()
        for policy in (LIVE, PUBLIC, TEST):
            allowed = await attempt(client, ours.url("/inspect/orders?x=1"), policy)
            assert isinstance(allowed, Exchange)
            assert 200 == allowed.status
        # A kept connection to a receiver page is not a way to the API either.
        await reach_for_api()
        await client.close()
    assert [b"/inspect/orders?x=1"] * 3 == [head.split(b" ")[1] for head in ours.heads]


async def test_denials_cost_no_time() -> None:
    """A denied target is answered at once, also 500 at the same time."""
    client = Client(connect=Spy(), resolve=no_names)
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(*(attempt(client, "http://10.0.0.1/") for _ in range(500)))
    assert all(isinstance(one, Exchange) and one.error == "guard_denied" for one in outcomes)
