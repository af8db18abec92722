"""What goes into the HTTP client and what comes out: values only, nothing is sent here."""

from typing import Literal

import msgspec

from ringback.domain.http import Headers, HttpRequest
from ringback.domain.networks import Verdict
from ringback.domain.targets import Target

ErrorClass = Literal[
    "invalid_request",  # a header, method or size that is never sent; nothing was resolved
    "guard_denied",  # the target is refused; nothing was connected to
    "dns",  # the name has no address, or none in time
    "connect",  # refused or unreachable
    "connect_timeout",  # no answer to the connection attempt
    "tls",  # handshake failed or not finished; certificate not accepted
    "timeout",  # connected, but no complete answer within the deadline
    "reset",  # the connection ended before the answer did
    "protocol",  # the answer is not HTTP/1.1 as we accept it
    "head_too_large",  # more than 16 KiB or 64 lines before the body
    "busy",  # our own limit: no free connection within the deadline
    "closed",  # the client was closed
    "withdrawn",  # the caller took it back before anything was sent
]
"""Why there is no complete answer. With any of the first six nothing of the request was sent."""


class Outgoing(msgspec.Struct, frozen=True):
    """A request to send. Host, length and encoding headers are the client's own business.

    `method` is one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS.
    """

    method: str
    target: Target
    headers: Headers = ()
    body: bytes = b""

    @staticmethod
    def of(request: HttpRequest) -> "Outgoing":
        """Make ready what a provider adapter described; raises `InvalidUrl`."""
        target = Target.parse(request.url)
        return Outgoing(request.method, target, request.headers, request.body)


class Timings(msgspec.Struct):
    """Milliseconds per phase; 0 where there was none, as on a reused connection.

    `wait` is the time for a free connection under the caller's limit. `first_byte` runs from the
    write to the first byte of the answer, `total` from the call to the result.
    """

    wait: float = 0.0
    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    first_byte: float = 0.0
    total: float = 0.0


class TlsFacts(msgspec.Struct, frozen=True):
    """What a handshake agreed on. `expires_at` is in seconds since 1970, None if unreadable."""

    version: str
    cipher: str
    subject: str
    expires_at: int | None


class Exchange(msgspec.Struct):
    """What came of one request; network trouble is a value here, never an exception.

    `status` is set as soon as a final head was read, so it can stand next to an `error` (reset
    inside the body). `sent` says whether any byte of the request may have left this machine: if
    not, it can be repeated without a doubt. `verdict` explains a guard_denied.
    """

    status: int | None = None
    raw_headers: list[tuple[bytes, bytes]] = []
    body: bytes = b""
    truncated: bool = False
    error: ErrorClass | None = None
    detail: str = ""
    verdict: Verdict | None = None
    sent: bool = False
    reused: bool = False
    address: tuple[str, int] | None = None
    tls: TlsFacts | None = None
    timings: Timings = msgspec.field(default_factory=Timings)

    @property
    def ok(self) -> bool:
        """A complete answer with a 2xx status: the only thing that counts as delivered."""
        return self.error is None and self.status is not None and 200 <= self.status < 300

    @property
    def headers(self) -> Headers:
        """The answer's header fields as text (Latin-1), in order."""
        return tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in self.raw_headers)

    def header(self, name: str) -> str | None:
        """Return the first header called `name` (any case), or None."""
        wanted = name.lower().encode("latin-1", "replace")
        for key, value in self.raw_headers:
            if key.lower() == wanted:
                return value.decode("latin-1")
        return None


class Failed(Exception):
    """A phase of a request failed; never leaves the transport package."""

    def __init__(self, error: ErrorClass, detail: str, verdict: Verdict | None = None) -> None:
        super().__init__(detail)
        self.error: ErrorClass = error
        self.detail = detail
        self.verdict = verdict
