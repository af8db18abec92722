"""Where a request goes: an absolute http(s) URL, read strictly and once. Pure.

A `Target` is parsed when an endpoint is configured or loaded and kept; the sender never parses a
URL. What browsers forgive (white space, backslashes, userinfo, control characters) is refused,
because other programs would read another host in it. This is not the verdict on the target: see
`egress.judge`.
"""

import re
import string

import msgspec

from ringback.domain.hosts import InvalidUrl, normalise_host

MAX_URL = 2048
"""The longest URL in characters."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^#]*)(?:#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{0,5}))?")
# C0, space and DEL; C1, no-break and other Unicode spaces, line ends; backslash. None of them is
# quietly dropped or turned into something else.
_FORBIDDEN = re.compile(
    r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff\\]"
)
# Receiver pages, and the picture with which simulated people answer.
_INSPECT = re.compile(
    r"/inspect(?:/[A-Za-z0-9_-]{1,64}){1,8}/?(?:\?[A-Za-z0-9_=&-]{0,256})?"
    r"|/fake/[A-Za-z0-9_-]{1,64}/ringback/picture\.png"
)
_KEPT = set((string.ascii_letters + string.digits + "-._~:/?#[]@!$&'()*+,;=%").encode())
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Target(msgspec.Struct, frozen=True, cache_hash=True):
    """A checked destination. `host` is a lower-case ASCII name, or an IP address without brackets.

    `path` includes the query and starts with a slash. `origin` is `scheme://host:port`, the key of
    connection pools. `literal` says that the host is an address, so nothing is resolved.
    `inspect` says that the path is one of the pages that our own listener may be sent: a receiver
    page, or the picture of a faked API.
    """

    scheme: str
    host: str
    port: int
    path: str
    host_header: str
    origin: str
    literal: bool
    inspect: bool

    @staticmethod
    def parse(url: str) -> "Target":
        """Read an absolute URL; raises `InvalidUrl`. A fragment is dropped, as it is never sent."""
        scheme, authority, path = _split(url)
        found = _AUTHORITY.fullmatch(authority)
        if found is None:
            raise InvalidUrl("host_invalid", "The host or port of the URL cannot be read.")
        host = normalise_host(found[1])
        port = int(found[2] or _DEFAULT_PORTS[scheme])
        if not 0 < port < 65536:
            raise InvalidUrl("port_invalid", "The port must be between 1 and 65535.")
        literal = not isinstance(host, str)
        text = str(host)
        shown = f"[{text}]" if ":" in text else text
        path = _encode(path if path.startswith("/") else "/" + path)
        return Target(
            scheme=scheme,
            host=text,
            port=port,
            path=path,
            host_header=shown if port == _DEFAULT_PORTS[scheme] else f"{shown}:{port}",
            origin=f"{scheme}://{shown}:{port}",
            literal=literal,
            inspect=_INSPECT.fullmatch(path) is not None,
        )

    @property
    def shown(self) -> str:
        """The URL for logs and messages: without its query, which may hold a secret."""
        path, mark, _ = self.path.partition("?")
        return f"{self.scheme}://{self.host_header}{path}{'?…' if mark else ''}"


def _split(url: str) -> tuple[str, str, str]:
    """Cut a URL into its lower-case scheme, its authority and the rest without fragment."""
    if len(url) > MAX_URL:
        raise InvalidUrl("url_too_long", f"The URL is longer than {MAX_URL} characters.")
    if _FORBIDDEN.search(url):
        message = "The URL contains white space, a control character or a backslash."
        raise InvalidUrl("url_characters", message)
    found = _URL.fullmatch(url)
    if found is None:
        raise InvalidUrl("url_invalid", "This is not an absolute http or https URL.")
    scheme = found[1].lower()
    if scheme not in _DEFAULT_PORTS:
        raise InvalidUrl("scheme", "Only http and https URLs can be used.")
    if found[2] is None:
        raise InvalidUrl("url_invalid", "The URL needs // and a host after its scheme.")
    if "@" in found[2]:
        message = "A user name or password in the URL is refused: use an authentication header."
        raise InvalidUrl("userinfo", message)
    return scheme, found[2], found[3]


def _encode(path: str) -> str:
    """Percent-encode what may not stand in a request line (UTF-8); the rest stays as it is."""
    try:
        raw = path.encode()
    except UnicodeEncodeError:
        raise InvalidUrl("url_characters", "The URL contains half a character.") from None
    if all(byte in _KEPT for byte in raw):
        return path
    return "".join(chr(byte) if byte in _KEPT else f"%{byte:02X}" for byte in raw)
