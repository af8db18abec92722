"""URLs: what becomes a target, what is refused, and which ports may be used (T25, T30)."""

import ipaddress

import pytest

from ringback.domain.egress import BAD_PORTS, Own, judge, judge_target, port_allowed
from ringback.domain.hosts import InvalidUrl
from ringback.domain.networks import LIVE, TEST, Policy
from ringback.domain.targets import MAX_URL, Target

ip = ipaddress.ip_address


@pytest.mark.parametrize(
    ("url", "origin", "host_header", "path"),
    [
        ("https://a.example", "https://a.example:443", "a.example", "/"),
        ("HTTPS://A.example:443/x", "https://a.example:443", "a.example", "/x"),
        ("https://a.example:8443?q=1#top", "https://a.example:8443", "a.example:8443", "/?q=1"),
        ("http://127.1/x?y", "http://127.0.0.1:80", "127.0.0.1", "/x?y"),
        ("http://[::1]:8080/", "http://[::1]:8080", "[::1]:8080", "/"),
        ("https://a.example:/x", "https://a.example:443", "a.example", "/x"),
        ("https://a.example/ü?é=ß", "https://a.example:443", "a.example", "/%C3%BC?%C3%A9=%C3%9F"),
        ("https://a.example/a|b%20c", "https://a.example:443", "a.example", "/a%7Cb%20c"),
        ("https://a.example#@b.example/", "https://a.example:443", "a.example", "/"),
    ],
)
def test_parse(url: str, origin: str, host_header: str, path: str) -> None:
    """A URL is read once into what a request needs; the fragment is dropped."""
    target = Target.parse(url)
    assert (origin, host_header, path) == (target.origin, target.host_header, target.path)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "url_invalid"),
        ("/path", "url_invalid"),
        ("//a.example/", "url_invalid"),
        ("https:a.example", "url_invalid"),
        ("https:///path", "host_missing"),
        ("https://", "host_missing"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://a.example/", "scheme"),
        ("ftp://a.example/", "scheme"),
        ("unix:/run/x.sock", "scheme"),
        ("http+unix://%2Frun%2Fx/", "scheme"),
        ("ws://a.example/", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/plain,x", "scheme"),
        ("https://user@a.example/", "userinfo"),
        ("https://user:pw@a.example/", "userinfo"),
        ("https://a.example@127.0.0.1/", "userinfo"),
        ("https://a.example\\@127.0.0.1/", "url_characters"),
        ("https://a.example\\.b.example/", "url_characters"),
        (" https://a.example/", "url_characters"),
        ("https://a.example/ x", "url_characters"),
        ("https://a.exa\tmple/", "url_characters"),
        ("https://a.example/\r\nX: y", "url_characters"),
        ("https://a.example/\x00", "url_characters"),
        ("https://a.example/\u2028", "url_characters"),
        ("https://a.example/\ud800", "url_characters"),
        ("https://a.example:0/", "port_invalid"),
        ("https://a.example:65536/", "port_invalid"),
        ("https://a.example:-1/", "host_invalid"),
        ("https://a.example:\uff180/", "host_invalid"),
        ("https://a.example:80:80/", "host_invalid"),
        ("https://[::1/", "host_invalid"),
        ("https://a.example/" + "x" * MAX_URL, "url_too_long"),
    ],
)
def test_refused(url: str, code: str) -> None:
    """What is no clear http(s) URL is refused with a stable code."""
    with pytest.raises(InvalidUrl) as refusal:
        Target.parse(url)
    assert code == refusal.value.code


def test_no_secret_in_what_is_shown() -> None:
    """T30: the form for logs has no query, and a refusal never repeats the userinfo."""
    assert "https://a.example/hook?…" == Target.parse("https://a.example/hook?token=CANARY").shown
    with pytest.raises(InvalidUrl) as refusal:
        Target.parse("https://user:CANARY@a.example/")
    assert "CANARY" not in str(refusal.value)


def test_ports() -> None:
    """Live: 80, 443 and what was opened; test mode: from 1024 on; never other services' ports."""
    ports = (1, 22, 25, 53, 80, 443, 445, 1023, 1024, 5432, 6379, 8080, 8443, 65535)
    opened = Policy(allowed_ports=frozenset({22, 1023, 6379, 8443, 65535}))
    extra = Policy(extra_ports=frozenset({25}))
    assert {
        "live": [80, 443],
        "opened": [80, 443, 8443, 65535],
        "test": [80, 443, 1024, 8080, 8443, 65535],
        "extra": [25, 80, 443],
    } == {
        name: [port for port in ports if port_allowed(port, policy)]
        for name, policy in (("live", LIVE), ("opened", opened), ("test", TEST), ("extra", extra))
    }
    assert all(port >= 1024 for port in BAD_PORTS)


def test_a_closed_port_says_whether_it_can_be_opened() -> None:
    """What an owner may open is told apart from what nobody can; the code is the same."""
    for port, remedy in ((8443, "allow_list"), (6379, "never"), (22, "never"), (1023, "never")):
        verdict = judge_target(Target.parse(f"https://a.example:{port}/"), LIVE)
        assert (False, "port", remedy) == (verdict.allowed, verdict.code, verdict.remedy)
        assert f"port {port} " in verdict.reason


def test_the_stricter_of_port_and_address_is_told() -> None:
    """A closed port at a private address names both; at one that nobody can open, the address."""
    told = {
        address: judge(Target.parse("https://a.example:8443/"), [ip(address)], LIVE)
        for address in ("10.0.0.1", "169.254.169.254", "0.0.0.0")
    }
    assert ["port", "metadata", "unusable"] == [verdict.code for verdict in told.values()]
    both = told["10.0.0.1"]
    assert "allow_list" == both.remedy
    assert "port 8443" in both.reason
    assert "10.0.0.1 is not public" in both.reason


def test_plain_http_is_for_test_mode() -> None:
    """Live targets are https, and the refusal says what would change it."""
    target = Target.parse("http://a.example/")
    verdict = judge_target(target, LIVE)
    assert (False, "plain_http", "test_mode") == (verdict.allowed, verdict.code, verdict.remedy)
    assert judge_target(target, TEST).allowed


OWN = Own(
    port=8420,
    addresses=frozenset({ip("192.168.1.5"), ip("93.184.216.34")}),
    origins=frozenset({"https://hooks.ringback.example:443"}),
)


@pytest.mark.parametrize(
    ("url", "address", "code"),
    [
        ("http://localhost:8420/v1/keys", "127.0.0.1", "own_listener"),
        ("http://localhost:8420/v1/keys", "::1", "own_listener"),
        ("http://localhost:8420/v1/keys", "::ffff:127.0.0.1", "own_listener"),
        ("http://localhost:8420/v1/keys", "0.0.0.0", "own_listener"),
        ("http://localhost:8420/v1/keys", "192.168.1.5", "own_listener"),
        ("http://localhost:8420/v1/keys", "93.184.216.34", "own_listener"),
        ("https://hooks.ringback.example/in/x", "93.184.216.99", "own_listener"),
        ("http://localhost:8420/inspect/abc", "127.0.0.1", "allowed"),
        ("http://localhost:8420/inspect/abc/orders?x=1", "::1", "allowed"),
        ("http://localhost:8420/fake/abc/ringback/picture.png", "127.0.0.1", "allowed"),
        ("http://localhost:8420/fake/abc/ringback/picture.png?x", "127.0.0.1", "own_listener"),
        ("http://localhost:8420/fake/abc/2010-04-01", "127.0.0.1", "own_listener"),
        ("http://localhost:8420/inspect/../v1/keys", "127.0.0.1", "own_listener"),
        ("http://localhost:8420/inspect/%2e%2e/v1", "127.0.0.1", "own_listener"),
        ("http://localhost:8420/inspect//v1", "127.0.0.1", "own_listener"),
        ("http://localhost:8420/inspected", "127.0.0.1", "own_listener"),
        ("http://localhost:8420/Inspect/abc", "127.0.0.1", "own_listener"),
        ("http://localhost:8421/inspect/abc", "127.0.0.1", "plain_http"),
        ("https://localhost:8421/inspect/abc", "127.0.0.1", "port"),
        ("https://localhost/inspect/abc", "127.0.0.1", "loopback"),
        ("http://localhost:8420/inspect/abc", "10.0.0.1", "plain_http"),
    ],
)
def test_own_listener(url: str, address: str, code: str) -> None:
    """Our own listener is refused in live mode but for the receiver pages under /inspect/."""
    assert code == judge(Target.parse(url), [ip(address)], LIVE, OWN).code


def test_own_listener_in_test_mode() -> None:
    """Test mode may reach loopback, but still not our own API."""
    assert (
        "own_listener"
        == judge(
            Target.parse("http://127.0.0.1:8420/v1/messages"), [ip("127.0.0.1")], TEST, OWN
        ).code
    )
    assert judge(Target.parse("http://127.0.0.1:9000/"), [ip("127.0.0.1")], TEST, OWN).allowed


def test_every_address_has_to_pass() -> None:
    """One private address among public ones denies the target; so does our own among others."""
    target = Target.parse("https://a.example:8420/inspect/x")
    public, private, own = ip("8.8.8.8"), ip("10.0.0.1"), ip("127.0.0.1")
    opened = Policy(allowed_ports=frozenset({8420}))
    assert judge(target, [public, public], opened, OWN).allowed
    assert "private" == judge(target, [public, private], opened, OWN).code
    assert "own_listener" == judge(target, [public, own], opened, OWN).code
