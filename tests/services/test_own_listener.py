"""No delivery may be sent to our own listener: it would be a callback of its own deliveries."""

import ipaddress

import psutil
import pytest

from ringback.domain.egress import Own, judge
from ringback.domain.networks import TEST, Policy
from ringback.domain.targets import Target
from ringback.services.own_listener import own_listener
from tests.services.stage import Stage

PUBLIC = "93.184.216.34"


def _reason(own: Own, url: str, address: str = PUBLIC) -> str:
    opened = Policy(allowed_ports=frozenset({8443, 9443}))
    policy = TEST if url.startswith("http:") else opened
    return judge(Target.parse(url), [ipaddress.ip_address(address)], policy, own).code


@pytest.mark.parametrize(
    ("public_url", "url"),
    [
        ("https://ringback.example", "https://ringback.example/in/token"),
        ("https://ringback.example/", "https://RINGBACK.example.:443/in/token"),
        ("https://ringback.example:443", "https://ringback.example/in/token"),
        ("http://ringback.example", "http://ringback.example:80/in/token"),
        ("https://ringback.example:8443", "https://ringback.example:8443/in/token"),
    ],
)
def test_the_public_url_is_ours_however_it_is_written(public_url: str, url: str) -> None:
    """With its port or without it; another port or name is somebody else's."""
    own = own_listener("10.0.0.5", 8420, public_url)
    assert "own_listener" == _reason(own, url)
    assert "allowed" == _reason(own, "https://ringback.example:9443/in/token")
    assert "allowed" == _reason(own, "https://other.example/in/token")


def test_bound_to_everything_it_is_at_every_address_of_the_machine() -> None:
    """0.0.0.0 and :: mean all interfaces; bound to one address it is only there."""
    found = [one for all_ in psutil.net_if_addrs().values() for one in all_]
    texts = {one.address.partition("%")[0] for one in found}
    machine = {text for text in texts if "." in text or text.count(":") not in {0, 5}}
    assert "127.0.0.1" in machine
    for host in ("0.0.0.0", "::"):
        own = own_listener(host, 8420, "http://127.0.0.1:8420")
        assert {ipaddress.ip_address(text) for text in machine} <= own.addresses
        assert not own.listens_at(ipaddress.ip_address(PUBLIC), 8420)
    own = own_listener(PUBLIC, 8420, "http://127.0.0.1:8420")
    assert "own_listener" == _reason(own, f"http://{PUBLIC}:8420/in/token")
    assert "allowed" == _reason(own, f"http://{PUBLIC}:8421/in/token")


def test_the_engine_knows_its_own_listener(stage: Stage) -> None:
    """What the settings say is what its client refuses."""
    engine = stage.another_engine(public_url="https://ringback.example", host=PUBLIC)
    assert own_listener(PUBLIC, 8420, "https://ringback.example") == engine.own
    assert "own_listener" == _reason(engine.own, "https://ringback.example/in/token")
