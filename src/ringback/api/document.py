"""The OpenAPI document: what FastAPI derives from the routes, and problems on every error."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from ringback import __version__
from ringback.api.problems import CODES, MEDIA_TYPE, ProblemBody

DESCRIPTION = (
    "Provider callbacks in, signed and ordered webhooks out. Every key sees one tenant and one "
    "mode. Errors are RFC 9457 problems."
)
# What any route under /v1 may answer, and when.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": ProblemBody, "description": "The request cannot be read."},
    401: {"model": ProblemBody, "description": "A valid API key is needed."},
    403: {"model": ProblemBody, "description": "Not with this key."},
    404: {
        "model": ProblemBody,
        "description": "There is no such thing, or it is another's.",
    },
    409: {"model": ProblemBody, "description": "It clashes with what there is."},
    413: {"model": ProblemBody, "description": "The body is too large."},
    415: {"model": ProblemBody, "description": "The body has to be JSON."},
    422: {"model": ProblemBody, "description": "Something in the request is wrong."},
    429: {"model": ProblemBody, "description": "Too much is under way."},
    503: {"model": ProblemBody, "description": "The database does not answer; try again."},
}


def operation_id(route: APIRoute) -> str:
    """Name an operation like its route."""
    return route.name


def describe(app: FastAPI) -> dict[str, Any]:
    """Make the document of an application; once, then it is kept."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="Ringback", version=__version__, description=DESCRIPTION, routes=app.routes
        )
        for path in document["paths"].values():
            for operation in path.values():
                _as_problems(operation["responses"])
        document["components"]["schemas"]["ProblemBody"]["properties"]["code"]["enum"] = list(CODES)
        app.openapi_schema = document
    return app.openapi_schema


def _as_problems(responses: dict[str, Any]) -> None:
    """Give answers that are problems their own media type."""
    for answer in responses.values():
        content = answer.get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if schema.get("$ref", "").endswith("/ProblemBody"):
            content[MEDIA_TYPE] = content.pop("application/json")
