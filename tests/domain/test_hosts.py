"""Host spellings: numeric forms as browsers read them, international names, refusals."""

import ipaddress

import pytest

from ringback.domain.hosts import InvalidUrl, normalise_host


@pytest.mark.parametrize(
    "spelling",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0X7F000001",
        "017700000001",
        "0x7f.1",
        "127.1",
        "127.0.1",
        "0177.0.0.01",
        "0x7f.0x0.0x0.0x1",
        "127.0x0.0.1",
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
        "127\uff0e0\uff0e0\uff0e1",
        "127\u30020\u30020\uff611",
        "\u2460\u2461\u2466.0.0.\u2460",
        "\uff10\uff58\uff17\uff46.1",
        "127.0.0.1\u3002",
    ],
)
def test_numeric_spellings_are_one_address(spelling: str) -> None:
    """Whatever `getaddrinfo` or a browser would read as 127.0.0.1 comes back as 127.0.0.1."""
    assert ipaddress.IPv4Address("127.0.0.1") == normalise_host(spelling)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("0", "0.0.0.0"),
        ("0x", "0.0.0.0"),
        ("0.0.0.0x", "0.0.0.0"),
        ("1.2.3", "1.2.0.3"),
        ("1.65535", "1.0.255.255"),
        ("4294967295", "255.255.255.255"),
        ("[::1]", "::1"),
        ("[::FFFF:7f00:1]", "::ffff:7f00:1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
    ],
)
def test_addresses(raw: str, expected: str) -> None:
    """Short, long and bracketed forms are read the way browsers read them."""
    assert ipaddress.ip_address(expected) == normalise_host(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("my_service", "my_service"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("B\u00dcCHER.example", "xn--bcher-kva.example"),
        ("\uff45xample.com", "example.com"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        ("1e3.example", "1e3.example"),
        ("127.0.0.1.example", "127.0.0.1.example"),
    ],
)
def test_names(raw: str, expected: str) -> None:
    """Names come back in lower case, in ASCII, without a final dot."""
    assert expected == normalise_host(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        ".",
        "..",
        "a..b",
        "-a.example",
        "a-.example",
        "a" * 64 + ".example",
        "a." * 127 + "example",
        "4294967296",
        "256.1.1.1",
        "1.2.3.256",
        "1.2.3.4.5",
        "1..2",
        "08",
        "127.0.0.08",
        "0x7g.1",
        "0xfffffffff",
        "example.123",
        "example.0x1f",
        "[::1",
        "[::1%25eth0]",
        "[fe80::1%eth0]",
        "[127.0.0.1]",
        "[::01.2.3.4]",
        "[1::2::3]",
        "[\uff11::1]",
        "%31%32%37.0.0.1",
        "a%00.example",
        "exa mple.com",
        "example.com\x00",
        "ex\u00adample.\u00e9com\u200d",
        "fa\u00df.example",
        "\u2100.example",
        "example\uff0fpath",
        "user\uff20host",
        "host\uff1a80",
        "9" * 250,
    ],
)
def test_refused(raw: str) -> None:
    """What is no host, or two hosts to two readers, is refused with a code."""
    with pytest.raises(InvalidUrl) as refusal:
        normalise_host(raw)
    assert refusal.value.code.startswith("host_")
