"""Forwarding to a program on this machine or in its network: where to, one request, its answer.

Used by `ringback listen`. What is outside is refused unless that is wanted: events would leave the
network without the server's guard.
"""

import ipaddress
import re
import socket
import time
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import httpx

from ringback.domain.networks import find_block
from ringback.domain.signing import Signer
from ringback.errors import RingbackError

# Where frameworks of the web listen while one develops.
USUAL_PORTS = (3000, 8000, 8080, 5000)
TIMEOUT_S = 15.0
CONNECT_S = 3.0
# Of an answer, as the server keeps it of any other.
BODY_MAX = 64 * 1024
HEADERS_MAX = 64
_LOOK_S = 0.2
_SIGNED = frozenset({"webhook-timestamp", "webhook-signature"})
Headers = tuple[tuple[str, str], ...]
_NEAR = frozenset({"loopback", "private", "link_local"})


class NoTarget(RingbackError):
    """There is nowhere to forward to; the text says what to write."""


class Answer(NamedTuple):
    """What the local program answered; `error` (a word, as of attempts) when there is no answer."""

    status: int | None
    error: str | None
    detail: str
    ms: float
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False


def detected() -> int | None:
    """Return the first usual port that somebody listens on here, or None."""
    for port in USUAL_PORTS:
        with socket.socket() as probe:
            probe.settimeout(_LOOK_S)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return port
    return None


def target(text: str | None, path: str | None = None, *, external: bool = False) -> str:
    """Return the URL to forward to, of a port or a URL; `path` takes the place of the URL's.

    Raises:
        NoTarget: it is neither, or it is outside of this network and `external` is not set.

    """
    if text is None:
        port = detected()
        if port is None:
            usual = ", ".join(map(str, USUAL_PORTS))
            raise NoTarget(
                f"Nobody listens on a usual port here ({usual}). Start your program, or say where "
                "it is: ringback listen 3000, or ringback listen http://localhost:3000/webhooks"
            )
        text = str(port)
    if re.fullmatch(r"[0-9]{1,5}", text):
        if not 0 < int(text) < 65536:
            raise NoTarget(f"{text} is no port: there are 1 to 65535.")
        text = f"http://127.0.0.1:{text}/"
    elif "://" not in text:
        text = f"http://{text}"
    parts = urlsplit(text)
    try:
        _ = parts.port
    except ValueError:
        raise NoTarget(f"{text} has no port that can be read.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise NoTarget(f"{text} is no http or https URL. Write 3000 or http://localhost:3000/x.")
    if not external:
        _refuse_external(parts.hostname)
    wanted = parts.path or "/"
    if path is not None:
        wanted = path if path.startswith("/") else f"/{path}"
    return urlunsplit((parts.scheme, parts.netloc, wanted, parts.query, ""))


def _refuse_external(host: str) -> None:
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(host, None)}
    except OSError:
        raise NoTarget(f"{host} cannot be resolved: check its spelling.") from None
    for address in found:
        kind = find_block(ipaddress.ip_address(address.partition("%")[0])).kind
        if kind not in _NEAR:
            raise NoTarget(
                f"{host} is {address}, which is not on this machine nor in a private network. "
                "Events would leave it: say --allow-external if that is what you want, or make "
                "it an ordinary endpoint: ringback endpoints create --url …"
            )


class Forwarder:
    """Posts events to one URL as the server would."""

    def __init__(self, url: str, key: bytes | None, *, insecure: bool = False) -> None:
        """Take where to and the key that signs; `insecure` accepts any certificate.

        Without a key, events are forwarded as they were signed when they were streamed.
        """
        self.url = url
        self._signer = Signer((key,)) if key else None
        # No proxy and no redirect: what is forwarded goes where it was said, and nowhere else.
        self._http = httpx.Client(
            verify=not insecure and url.startswith("https:"), trust_env=False,
            follow_redirects=False, timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=64),
            headers={"accept-encoding": "identity"},
        )  # fmt: skip

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def send(self, event_id: str, headers: Headers, body: bytes) -> Answer:
        """Forward one event and return what was answered; nothing is raised."""
        began = time.perf_counter()
        answer = self._exchanged(self._signed(event_id, headers, body), body, began)
        return answer._replace(ms=(time.perf_counter() - began) * 1000, url=self.url)

    def _signed(self, event_id: str, headers: Headers, body: bytes) -> Headers:
        """Sign anew: what was streamed before a laptop fell asleep would be too old."""
        if self._signer is None:
            return headers
        now = int(time.time())
        kept = [(name, value) for name, value in headers if name.lower() not in _SIGNED]
        signature = self._signer.sign(event_id, now, body)
        return (*kept, ("webhook-timestamp", str(now)), ("webhook-signature", signature))

    def _exchanged(self, headers: Headers, body: bytes, began: float) -> Answer:
        try:
            with self._http.stream(
                "POST", self.url, content=body, headers=list(headers)
            ) as response:
                given, truncated = self._read(response, began)
                fields = tuple(response.headers.multi_items())[:HEADERS_MAX]
                return Answer(response.status_code, None, "", 0, "", fields, given, truncated)
        except httpx.TimeoutException as error:
            kind = "connect_timeout" if isinstance(error, httpx.ConnectTimeout) else "timeout"
            return Answer(None, kind, f"no answer within {TIMEOUT_S:.0f} s", 0)
        except httpx.ConnectError as error:
            if "CERTIFICATE" in str(error) or "SSL" in str(error):
                return Answer(None, "tls", f"{error}; --insecure accepts it", 0)
            return Answer(None, "connect", f"nobody listens at {self.url}: start your program", 0)
        except httpx.HTTPError as error:
            return Answer(None, "reset", str(error) or type(error).__name__, 0)
        except (UnicodeError, httpx.InvalidURL) as error:
            return Answer(None, "protocol", f"it cannot be written as a request: {error}", 0)

    @staticmethod
    def _read(response: httpx.Response, began: float) -> tuple[bytes, bool]:
        """Read the beginning of an answer."""
        whole = b""
        for piece in response.iter_bytes():
            whole += piece
            if len(whole) > BODY_MAX:
                return whole[:BODY_MAX], True
            if time.perf_counter() - began > TIMEOUT_S:
                raise httpx.ReadTimeout("the answer did not end in time")
        return whole, False
