"""The page at /docs: the API's document, to read and to try out. All of it comes from here.

The files in docs_page/swagger-ui are Swagger UI 5.35.0 as it was published, with its licences;
SHA256SUMS beside them says so. They are no part of what the document describes.
"""

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.responses import Response

from ringback.api.problems import Problem

PAGE = "index.html"
_FILES = {
    PAGE: "text/html; charset=utf-8",
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "swagger-ui/swagger-ui.css": "text/css; charset=utf-8",
    "swagger-ui/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
}
# Nothing is loaded from elsewhere, nothing is run that is not in these files.
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
router = APIRouter(prefix="/docs", include_in_schema=False)


@cache
def _read(name: str) -> tuple[bytes, str]:
    body = (files("ringback.api") / "docs_page" / name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _answer(name: str, request: Request) -> Response:
    body, tag = _read(name)
    headers = {**_HEADERS, "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers={**headers, "content-type": _FILES[name]})


@router.get("")
async def page(request: Request) -> Response:
    """Return the page."""
    return _answer(PAGE, request)


@router.get("/{name:path}")
async def file(name: str, request: Request) -> Response:
    """Return a file that the page needs."""
    if name not in _FILES or name == PAGE:
        raise Problem("no_such_route", "There is no such file of the page at /docs.")
    return _answer(name, request)
