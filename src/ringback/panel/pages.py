"""The panel's files at /panel, as they lie in site/: no build step, nothing from elsewhere.

Every path below /panel that is no file of the site answers the one page: which screen it shows is
read from the URL in the browser. What the page may load and run is said by its policy.
"""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

PAGE = "index.html"
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": POLICY,
    "cache-control": "no-cache",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
router = APIRouter(include_in_schema=False)


@cache
def site() -> dict[str, Traversable]:
    """Return the files of the site that are served, by their path."""
    return dict(_walk(files("ringback.panel") / "site", ""))


def _walk(folder: Traversable, path: str) -> list[tuple[str, Traversable]]:
    found = []
    for one in folder.iterdir():
        if one.is_dir():
            found += _walk(one, f"{path}{one.name}/")
        elif one.name.rpartition(".")[2] in _TYPES:
            found.append((path + one.name, one))
    return found


@cache
def _read(name: str) -> tuple[bytes, str]:
    body = site()[name].read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _answer(name: str, request: Request, status: int = 200) -> Response:
    body, tag = _read(name)
    headers = {**_HEADERS, "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    headers["content-type"] = _TYPES[name.rpartition(".")[2]]
    return Response(body, status_code=status, headers=headers)


@router.get("/")
async def root() -> Response:
    """Send a browser that comes to the bare address to the panel."""
    return RedirectResponse("/panel", headers={"cache-control": "no-store"})


@router.get("/panel")
async def page(request: Request) -> Response:
    """Return the page."""
    return _answer(PAGE, request)


@router.get("/panel/{path:path}")
async def file(path: str, request: Request) -> Response:
    """Return a file of the site, or the page for what is a screen."""
    if path in site():
        return _answer(path, request)
    last = path.rpartition("/")[2]
    # A screen's address has no extension; a file that is not there must not look like a page.
    missing = last.rpartition(".")[2] in _TYPES and "." in last
    return Response(status_code=404, headers=_HEADERS) if missing else _answer(PAGE, request)
