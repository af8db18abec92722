"""The JSON Schemas of our event types, for whoever receives events. They need no key."""

import hashlib
from functools import cache

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from ringback.api.document import PROBLEMS
from ringback.api.problems import not_found
from ringback.domain.event_schemas import schema, schema_path, versions

MEDIA_TYPE = "application/schema+json"
# A version may get further fields; whoever keeps it asks again after a day.
_CACHING = {"cache-control": "public, max-age=86400"}
router = APIRouter(
    prefix="/schemas", tags=["schemas"],
    responses={status: PROBLEMS[status] for status in (400, 404, 408, 413, 414, 422, 429)},
)  # fmt: skip


@cache
def _served(event_type: str) -> tuple[bytes, str]:
    body = msgspec.json.format(msgspec.json.encode(schema(event_type)), indent=2) + b"\n"
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


@router.get(
    "/{event_type}", name="newest_schema", summary="The newest schema of a type", status_code=307,
    responses={307: {"description": "Where it is.", "headers": {
        "location": {"schema": {"type": "string"}, "description": "The path of the version."},
    }}},
    response_class=RedirectResponse,
)  # fmt: skip
async def newest(event_type: str) -> RedirectResponse:
    """Lead to the newest version of a type's schema."""
    known = versions(event_type)
    if not known:
        raise not_found("schema")
    return RedirectResponse(schema_path(event_type, known[-1]), 307)


@router.get(
    "/{event_type}/v{version}", name="get_schema", summary="The schema of a type",
    responses={
        200: {"description": "JSON Schema, draft 2020-12, of whole events.", "content": {
            MEDIA_TYPE: {"schema": {"type": "object"}},
        }},
        304: {"description": "It is as `If-None-Match` has it."},
    },
    response_class=Response,
)  # fmt: skip
async def get(event_type: str, version: str, request: Request) -> Response:
    """Return one version of the schema of a type of Ringback's own."""
    if version not in map(str, versions(event_type)):
        raise not_found("schema")
    body, tag = _served(event_type)
    headers = {**_CACHING, "etag": tag}
    known = [one.strip().removeprefix("W/") for one in _asked(request).split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=MEDIA_TYPE)


def _asked(request: Request) -> str:
    return request.headers.get("if-none-match", "")
