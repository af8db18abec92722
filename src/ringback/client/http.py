"""The client: one request with its retries, and lists as iterators.

Synchronous, over httpx. A POST carries an `Idempotency-Key`: sending it again does nothing twice.
"""

import email.utils
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlsplit

import httpx

from ringback import __version__
from ringback.client.problems import ApiError, ClientError, NotTheApi, TimedOut, Unreachable, read

TIMEOUT_S = 30.0
CONNECT_S = 5.0
# How often a request is sent at most, and what is waited before each repetition.
WAITS_S = (0.1, 0.3, 0.9)
# A server that asks for more patience than this is reported instead.
PATIENCE_S = 30.0
PAGE_MAX = 200
_AGAIN = frozenset({429, 502, 503, 504})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
Query = Mapping[str, str | int | bool | None]
Json = dict[str, Any]


class Told(NamedTuple):
    """One request that was made: for whoever wants to see them. `status` None: no answer."""

    method: str
    path: str
    status: int | None
    ms: float
    request_id: str | None


class Page(NamedTuple):
    """A stretch of a list, and the cursor of the next one."""

    data: list[Json]
    next: str | None


class Client:
    """Speaks to one installation with one key; a context manager."""

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        *,
        tenant: str | None = None,
        mode: str | None = None,
        timeout_s: float = TIMEOUT_S,
        wait: Callable[[float], None] = time.sleep,
        told: Callable[[Told], None] = lambda _: None,
    ) -> None:
        """Take where and with which key; nothing is sent yet.

        `tenant` and `mode` (`live`, `test`) are for operators' keys: whom to act for. `timeout_s`
        is how many seconds an answer may take. `told` hears of every request that was made.

        Raises:
            Unreachable: `url` is no http or https URL.

        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Unreachable(
                f"{url!r} is no address of an installation: it begins with http:// or https://."
            )
        headers = {
            "accept": "application/json",
            "user-agent": f"ringback-cli/{__version__}",
            **({"authorization": f"Bearer {api_key}"} if api_key else {}),
            **({"ringback-tenant": tenant} if tenant else {}),
            **({"ringback-mode": mode} if mode else {}),
        }
        self.url = url.rstrip("/")
        self._wait = wait
        self._told = told
        self._http = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_S),
            follow_redirects=False,
            # A proxy of the company's is not asked for what runs on this machine.
            trust_env=parts.hostname not in _LOOPBACK,
            # Loading the authorities takes longer than the request; without TLS nobody needs them.
            verify=parts.scheme == "https",
        )

    def __enter__(self) -> Self:
        """Lend it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Make a request and return the answer's JSON; None when it has no body.

        It is made again, at most three times, while nobody answers or the server asks for it
        (429, 502, 503, 504, and a repeat that came too early).

        Raises:
            ApiError: the answer is not a success.
            Unreachable, TimedOut, NotTheApi: there is no answer of the API's.

        """
        headers = {}
        if method == "POST":
            headers["idempotency-key"] = idempotency_key or f"cli-{secrets.token_hex(16)}"
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False).encode()
        request = self._http.build_request(
            method, self.url + path, params=_written(query), headers=headers, content=content
        )
        for sent, pause in enumerate((*WAITS_S, None)):
            try:
                return self._once(request, path)
            except (ApiError, Unreachable) as error:
                if sent and method == "DELETE" and getattr(error, "status", 0) == 404:
                    return None  # the first one did it, and its answer was lost
                after = _pause(error, pause)
                if after is None:
                    raise
            self._wait(after)
        raise AssertionError

    def _once(self, request: httpx.Request, path: str) -> Any:
        began = time.perf_counter()
        status = request_id = None
        try:
            response = self._http.send(request)
            status = response.status_code
            request_id = response.headers.get("ringback-request-id")
        except httpx.HTTPError as error:
            raise explained(error, self.url) from error
        finally:
            ms = (time.perf_counter() - began) * 1000
            self._told(Told(request.method, path, status, ms, request_id))
        if not response.is_success:
            after = retry_after(response.headers.get("retry-after"))
            raise read(status, response.headers, response.content, after)
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError:
            raise NotTheApi(f"What answers at {self.url} is not Ringback: no JSON came.") from None

    def get(self, path: str, query: Query | None = None) -> Any:
        """Get something; see `call`."""
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, *, idempotency_key: str | None = None) -> Any:
        """Post something, once however often it is sent; see `call`."""
        return self.call("POST", path, body=body, idempotency_key=idempotency_key)

    def pages(
        self, path: str, query: Query | None = None, *, size: int | None = PAGE_MAX
    ) -> Iterator[Page]:
        """Go through the pages of a list, in its order, each with at most `size` rows (1-200).

        Some lists are one page and take no size: None.
        """
        asked: dict[str, str | int | bool | None] = {**(query or {}), "limit": size}
        while True:
            found = self.get(path, asked)
            if not isinstance(found, dict) or not isinstance(found.get("data"), list):
                raise NotTheApi(f"What answers at {self.url}{path} is no list of Ringback's.")
            # A list ends with its last page; the feed, read with `after`, where nothing more is.
            over = found.get("next") is None or found.get("more") is False
            yield Page(found["data"], None if over else found["next"])
            if over:
                return
            asked["after" if "more" in found else "cursor"] = found["next"]

    def rows(
        self, path: str, query: Query | None = None, *, most: int | None = None, paged: bool = True
    ) -> Iterator[Json]:
        """Go through the rows of a list, in its order; at most `most`, or all of them.

        `paged` is false for a list that is always one page.
        """
        size = PAGE_MAX if most is None else max(1, min(most, PAGE_MAX))
        found = (
            row
            for page in self.pages(path, query, size=size if paged else None)
            for row in page.data
        )
        return islice(found, most)

    def open_stream(self, path: str, query: Query | None, headers: dict[str, str]) -> Any:
        """Start a request whose answer does not end; a context manager. See client/sse.py."""
        return self._http.stream(
            "GET", self.url + path, params=_written(query), headers=headers,
            timeout=httpx.Timeout(CONNECT_S, read=60.0),
        )  # fmt: skip


def segment(text: str) -> str:
    """Write an id, or a name of somebody's own, as one part of a path."""
    return quote(text, safe="")


def _written(query: Query | None) -> dict[str, str]:
    written = {}
    for name, value in (query or {}).items():
        if value is not None:
            written[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return written


def _pause(error: ClientError, usual_s: float | None) -> float | None:
    """Say how long to wait before the request is made again; None: not again."""
    if usual_s is None:
        return None
    if isinstance(error, Unreachable):
        return usual_s
    if isinstance(error, ApiError) and (error.status in _AGAIN or error.code == "in_flight"):
        after = error.retry_after_s
        if after is None:
            return usual_s
        return after if after <= PATIENCE_S else None
    return None


def retry_after(text: str | None) -> float | None:
    """Read `Retry-After`, seconds or a date, as seconds from now; None when it says nothing."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def explained(error: httpx.HTTPError, url: str) -> ClientError:
    """Say in our own words why there is no answer."""
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return Unreachable(f"Nobody answers at {url}: {_reason(error)}.")
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"{url} has not answered in time.")
    return Unreachable(f"The connection to {url} broke: {_reason(error)}.")


def _reason(error: Exception) -> str:
    text = str(error).rstrip(".") or type(error).__name__
    return text.partition("] ")[2] or text
