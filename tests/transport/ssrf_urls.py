"""URLs for T20: addresses of every special block in every spelling, and public ones beside them.

The blocks are IANA's registries written down a second time, on purpose: the product's own table
is what is tested. `generate` gives (url, address that it means); `TRICKS` are URLs that two
readers would read differently.
"""

import ipaddress
from collections.abc import Iterator

IPv4 = ipaddress.IPv4Address
IPv6 = ipaddress.IPv6Address


def _words(text: str) -> list[str]:
    """Split a list that is easier to read as text."""
    return text.split()


# IANA special-purpose registries (IPv4), and multicast and class E, which have their own.
DENIED_V4 = _words(
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 "
    "198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
)
# Cloud metadata and platform services, some of them inside public space.
DENIED_SINGLE = _words(
    "169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 192.0.0.192 255.255.255.255"
)
DENIED_V6 = _words(
    "::/128 ::1/128 ::/96 ::ffff:0:0:0/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 "
    "2001::/32 2001:2::/48 2001:db8::/32 2001:10::/28 2001:20::/28 2001:30::/28 2002::/16 "
    "2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fd00:ec2::254/128 fe80::/10 fec0::/10 "
    "ff00::/8 4000::/3 e000::/4"
)
# The last public address before and the first one after the blocks.
ALLOWED_V4 = _words(
    "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 "
    "168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 "
    "191.255.255.255 192.0.1.0 192.0.3.0 192.31.195.255 192.31.197.0 192.52.192.255 192.52.194.0 "
    "192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 192.175.47.255 192.175.49.0 "
    "198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 "
    "223.255.255.255 8.8.8.8"
)
ALLOWED_V6 = _words(
    "2000:: 2001:200:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9:: 2003:: 2606:4700::1111 "
    "2620:4f:7fff:: 2620:4f:8001:: 2a00:1450:4001:830::200e 3ffd:: 3fff:1000::"
)

_WIDE = str.maketrans("0123456789abcdefx.", "０１２３４５６７８９ａｂｃｄｅｆｘ．")  # noqa: RUF001
_CIRCLED = str.maketrans("123456789.", "①②③④⑤⑥⑦⑧⑨。")


def spell_v4(address: IPv4) -> Iterator[str]:
    """Give every spelling of an IPv4 address that some program would understand."""
    value = int(address)
    a, b, c, d = address.packed
    dotted = str(address)
    yield dotted
    yield dotted + "."
    yield f"{value}"
    yield f"0x{value:x}"
    yield f"0X{value:08X}"
    yield f"0{value:o}"
    yield f"000{value:o}"
    yield ".".join(f"0x{part:x}" for part in (a, b, c, d))
    yield ".".join(f"0{part:o}" for part in (a, b, c, d))
    yield f"0x{a:x}.{b}.0{c:o}.{d}"
    yield f"{a}.{b}.{c << 8 | d}"
    yield f"{a}.{b << 16 | c << 8 | d}"
    yield f"0{a:o}.0x{b << 16 | c << 8 | d:x}"
    yield dotted.translate(_WIDE)
    yield f"0x{value:x}".translate(_WIDE)
    yield dotted.translate(_CIRCLED)
    yield dotted.replace(".", "\uff61")
    yield f"[::ffff:{dotted}]"
    yield f"[::FFFF:{value >> 16:x}:{value & 0xFFFF:x}]"
    yield f"[0:0:0:0:0:ffff:{value >> 16:04x}:{value & 0xFFFF:04x}]"
    yield f"[64:ff9b::{dotted}]"


def spell_v6(address: IPv6) -> Iterator[str]:
    """Give the spellings of an IPv6 address."""
    yield f"[{address}]"
    yield f"[{address.exploded}]"
    yield f"[{address}]".upper()
    yield f"[{address.exploded[:30]}{IPv4(int(address) & 0xFFFF_FFFF)}]"


def _edges(cidr: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Give the first, an inner and the last address of a block."""
    block = ipaddress.ip_network(cidr)
    size = block.num_addresses
    return [block[0], block[size // 3], block[size - 1]] if size > 1 else [block[0]]


def _spell(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Iterator[str]:
    if isinstance(address, IPv4):
        yield from spell_v4(address)
    else:
        yield from spell_v6(address)


def denied() -> list[str]:
    """Give hosts that mean a special address."""
    blocks = [*DENIED_V4, *DENIED_SINGLE, *DENIED_V6]
    return [host for block in blocks for address in _edges(block) for host in _spell(address)]


def allowed() -> list[tuple[str, str]]:
    """Give hosts that mean a public address, with that address in its normal form."""
    pairs = []
    for text in ALLOWED_V4 + ALLOWED_V6:
        address = ipaddress.ip_address(text)
        pairs += [(host, str(address)) for host in _spell(address)]
    return pairs


# What a URL can hold so that two programs see different hosts in it. None may lead to a connect.
TRICKS = [
    f"http://{before}127.0.0.1{after}"
    for before, after in (
        ("user@", "/"),
        ("user:password@", "/"),
        ("8.8.8.8@", "/"),
        ("8.8.8.8:80@", "/"),
        ("8.8.8.8%40", "/"),
        ("8.8.8.8\\@", "/"),
        ("8.8.8.8 @", "/"),
        ("8.8.8.8\t@", "/"),
        ("8.8.8.8\n@", "/"),
        ("", "\\@8.8.8.8/"),
        ("", "#@8.8.8.8/"),
        ("", "?@8.8.8.8/"),
        ("", ":80#@8.8.8.8:443/"),
        ("", "/@8.8.8.8/"),
        ("", "%00.example.com/"),
        ("", "\x00.example.com/"),
        ("", "%0d%0aHost:x/"),
        ("", "\r\nX: y/"),
        ("", "%2f/"),
        ("", ":80:80/"),
        ("", ":+80/"),
        ("", ": 80/"),
        ("[", "]/"),
        ("[::ffff:", "%25eth0]/"),
        ("[::ffff:", "%eth0]/"),
        ("[", "/"),
        ("", "]/"),
        ("\t", "/"),
        ("\u00ad", "/"),
        ("\u200b", "/"),
        ("\ufeff", "/"),
        ("//", "/"),
        ("/", "/"),
        ("\\\\", "/"),
    )
] + [
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%lo]/",
    "http://[::1%2525lo]/",
    "http:127.0.0.1/",
    "http:/127.0.0.1/",
    "http:\\\\127.0.0.1\\",
    "HTTP:127.0.0.1",
    "http://127.0.0.1",
    "//127.0.0.1/",
    "http://127。0。0。1/",
    "http://%31%32%37.0.0.1/",
    "http://1%32%37.0.0.1/",
    "http://127.0.0.1.:80/",
    "http://0/",
    "http://0x/",
    "http://0.0/",
    "http://127.1:80/",
    "http://0177.1/",
    "http://localhost%00/",
    "http://loc\talhost/",
    "http://loc\nalhost/",
    "http://①②⑦.⓪.⓪.①/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0000::1]:80/",
    "http://[1::]]/",
]
