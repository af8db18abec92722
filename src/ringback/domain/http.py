"""HTTP as values: what came in, what we answer, what is to be sent. No I/O."""

from typing import Literal

import msgspec

Headers = tuple[tuple[str, str], ...]


class HttpRequest(msgspec.Struct, frozen=True):
    """A request that somebody is to send: providers and the simulator only describe it.

    `url` is absolute. `headers` keep their order; names are matched without regard to case.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""


class HttpResponse(msgspec.Struct, frozen=True):
    """An answer: ours to a provider, or a provider's to us."""

    status: int
    headers: Headers = ()
    body: bytes = b""


class Callback(msgspec.Struct, frozen=True):
    """A provider's HTTP request to us, as raw as it came.

    `url` is the public URL that the provider called, with its query undecoded, because some
    signatures cover it. `body` is never decoded before the signature has been checked.
    """

    method: str
    url: str
    headers: Headers
    body: bytes
    peer: str = ""

    def header(self, name: str) -> str | None:
        """Return the first header called `name` (any case), or None."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return None

    def header_values(self, name: str) -> list[str]:
        """Return every header called `name`, in order: a doubled signature header is a refusal."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    @property
    def query(self) -> str:
        """The undecoded query string, without its question mark."""
        return self.url.partition("?")[2].partition("#")[0]


Verdict = Literal["ok", "failed", "challenge", "handshake"]
