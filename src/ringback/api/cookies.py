"""The cookie of a session, and what keeps other sites from using it.

A browser sends the cookie with requests that other pages make, too. So whatever changes something
has to come from a page of this installation, by its Origin, and has to say what only such a page
can read: the session's CSRF token. Requests with an API key carry no cookie that counts.
"""

import hmac
from urllib.parse import urlsplit

from fastapi import Request, Response

from ringback.api.problems import Problem
from ringback.domain.people import SESSION_S, csrf_of
from ringback.services.access import COOKIE

CSRF_HEADER = "x-ringback-csrf"
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


def secret_in(request: Request) -> str | None:
    """Return the secret of a request's session; None without one, or when a key asks."""
    if "authorization" in request.headers:
        return None
    return request.cookies.get(COOKIE) or None


def check_site(request: Request, public_url: str, secret: str) -> None:
    """Refuse what another site has brought about. Raises Problem."""
    if request.method in _SAFE:
        return
    check_origin(request, public_url)
    said = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(said.encode(), csrf_of(secret).encode()):
        words = "Send the header X-Ringback-CSRF with `csrf` of GET /v1/session."
        raise Problem("cross_site", words)


def check_origin(request: Request, public_url: str) -> None:
    """Refuse a request that no page of this installation makes. Raises Problem."""
    origin = request.headers.get("origin", "")
    if _place(origin) in (_place(public_url), _of_host(origin, request.headers.get("host", ""))):
        return
    words = (
        "The header Origin has to be this installation's: open the panel under its own address, "
        "or set RINGBACK_PUBLIC_URL to the one that it is opened under."
    )
    raise Problem("cross_site", words)


def _place(url: str) -> tuple[str, str]:
    """Return the scheme, host and port of a URL; never equal to another's when it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", url
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return "", url
    usual = ":443" if parts.scheme == "https" else ":80"
    return parts.scheme, parts.netloc.lower().removesuffix(usual)


def _of_host(origin: str, host: str) -> tuple[str, str] | None:
    """Return the origin of the host that a browser asked; whoever ends TLS knows its scheme."""
    scheme = origin.partition(":")[0]
    return _place(f"{scheme}://{host}") if scheme in {"http", "https"} and host else None


def _secure(request: Request, public_url: str) -> bool:
    """Say whether the browser is here by https, also where only whoever ends TLS knows it."""
    origin = request.headers.get("origin", "")
    return public_url.startswith("https:") or origin.startswith("https:")


def set_cookie(request: Request, response: Response, public_url: str, secret: str) -> None:
    """Give a browser the cookie of a session."""
    response.set_cookie(
        COOKIE, secret, max_age=SESSION_S, path="/", httponly=True, samesite="lax",
        secure=_secure(request, public_url),
    )  # fmt: skip


def drop_cookie(request: Request, response: Response, public_url: str) -> None:
    """Take the cookie away."""
    response.delete_cookie(
        COOKIE, path="/", httponly=True, samesite="lax", secure=_secure(request, public_url)
    )
