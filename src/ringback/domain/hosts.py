"""Host spellings: one normal form per host, or a refusal. Pure; it resolves nothing.

A host in a URL has many spellings (`2130706433`, `0x7f.1`, full-width or circled digits,
`LOCALHOST.`) and different programs read them differently. Everything is brought to one form
here, the way browsers do it (WHATWG URL), so that what is judged is what is connected to. What
has no business in a webhook's host (zone ids, percent signs, half an address) is refused.
This is not the verdict on an address: see `networks`.
"""

import ipaddress
import re
import unicodedata

from ringback.errors import RingbackError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_HOST = 253
"""The longest host name in characters: the limit of DNS."""

_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_DIGITS = {8: re.compile(r"[0-7]*"), 10: re.compile(r"[0-9]+"), 16: re.compile(r"[0-9a-f]*")}
# The full stops that UTS 46 reads as a dot and NFKC leaves alone.
_DOTS = str.maketrans({"\u3002": ".", "\uff61": "."})


class InvalidUrl(RingbackError):
    """A URL or host that no request is ever sent to, whatever the policy allows.

    `code` is stable and goes into API answers; the message is for people and never repeats
    the userinfo or query of the URL, because those may be secrets.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def normalise_host(raw: str) -> str | IpAddress:
    """Return the one form of `raw` (a URL's host, without port): a name or an IP address.

    Names come back as lower-case ASCII without a trailing dot; numeric spellings become the IPv4
    address that a browser would read in them; a bracketed IPv6 address loses its brackets.
    Raises `InvalidUrl` for everything else.
    """
    if not raw:
        raise InvalidUrl("host_missing", "The URL has no host.")
    if len(raw) > MAX_HOST + 1:
        raise InvalidUrl("host_too_long", f"The host is longer than {MAX_HOST} characters.")
    if raw.startswith("["):
        return _ipv6(raw)
    host = _ascii(unicodedata.normalize("NFKC", raw.translate(_DOTS)).translate(_DOTS).lower())
    host = host.removesuffix(".")
    labels = host.split(".")
    if _is_number(labels[-1]):
        return _ipv4(labels)
    if len(host) > MAX_HOST or not all(map(_NAME.fullmatch, labels)):
        raise InvalidUrl("host_invalid", "The host is not a valid name or address.")
    return host


def _ipv6(raw: str) -> IpAddress:
    """Read `[…]`; a zone id is refused, because it names an interface of this machine."""
    if "%" in raw:
        raise InvalidUrl("host_zone", "An IPv6 address with a zone id cannot be used.")
    inner = raw[1:-1]
    if not raw.endswith("]") or not inner.isascii():
        raise InvalidUrl("host_invalid", "The host is not a valid IPv6 address.")
    try:
        return ipaddress.IPv6Address(inner)
    except ValueError:
        raise InvalidUrl("host_invalid", "The host is not a valid IPv6 address.") from None


def _ascii(host: str) -> str:
    """Encode an international name; refuse what two standards would encode differently."""
    if host.isascii():
        return host
    try:
        encoded = host.encode("idna")
        if encoded.decode("idna") == host:
            return encoded.decode("ascii").lower()
    except UnicodeError:
        pass
    message = "The international host name is ambiguous: write it in its xn-- form."
    raise InvalidUrl("host_international", message)


def _is_number(label: str) -> bool:
    """Say whether a last label makes the whole host an IPv4 address, as browsers decide it."""
    return bool(_DIGITS[10].fullmatch(label)) or _number(label) is not None


def _number(label: str) -> int | None:
    """Read one part of an IPv4 address: decimal, 0x-hexadecimal or 0-octal."""
    base, digits = 10, label
    if label.startswith("0x"):
        base, digits = 16, label[2:]
    elif len(label) > 1 and label.startswith("0"):
        base, digits = 8, label[1:]
    if not _DIGITS[base].fullmatch(digits):
        return None
    return int(digits, base) if digits else 0


def _ipv4(labels: list[str]) -> ipaddress.IPv4Address:
    """Read up to four parts, the last of which fills all the bytes that are left."""
    numbers = [_number(label) for label in labels] if len(labels) <= 4 else [None]
    parts = [number for number in numbers if number is not None]
    last = parts[-1] if parts else 0
    complete = len(parts) == len(labels)
    if not complete or max(parts[:-1], default=0) > 255 or last >= 256 ** (5 - len(parts)):
        raise InvalidUrl("host_invalid", "The host is not a valid IPv4 address.")
    value = sum(part << (24 - 8 * place) for place, part in enumerate(parts[:-1]))
    return ipaddress.IPv4Address(value + last)
