"""The OpenAPI document: what FastAPI derives from the routes, and problems on every error."""

from collections.abc import Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from ringback import __version__
from ringback.api.examples import add_examples
from ringback.api.problems import CODES, MEDIA_TYPE, ProblemBody
from ringback.api.webhooks import add_events
from ringback.domain.idempotency import KEY_MAX
from ringback.domain.scopes import OPERATIONS, SCOPES
from ringback.services.access import COOKIE

DESCRIPTION = (
    "Provider callbacks in, signed and ordered webhooks out. Every key sees one tenant and one "
    "mode; an operator's key names them.\n\n"
    "Send the header `Authorization: Bearer rk_…`. Lists have `next` and `prev`, which go into "
    "`cursor`. Every POST takes an `Idempotency-Key`. Errors are RFC 9457 problems with a stable "
    "`code` and the place of each fault. What endpoints receive is under Webhooks: signed as "
    "Standard Webhooks, with a schema and an example of each type."
)
_ACTING = [
    {
        "name": "Ringback-Tenant", "in": "header", "required": False,
        "schema": {"type": "string", "maxLength": 128},
        "description": "For operators' keys: the tenant to act for, by its id or your own.",
    },
    {
        "name": "Ringback-Mode", "in": "header", "required": False,
        "schema": {"type": "string", "enum": ["live", "test"]},
        "description": "For operators' keys: the mode to act in.",
    },
]  # fmt: skip
# What the listener may answer before it is known that a request is for the API, in plain words.
_BEFORE_US = ("408", "414")
# Every item of these is known by its own id, whichever request it comes with.
_ITEMWISE = ("post_native",)
# Past the framework, where no cookie is read.
_BY_KEY_ALONE = ("publish_events", "post_native")
# How whoever is signed in is known. Whatever changes something needs X-Ringback-CSRF, too.
_COOKIE = {
    "type": "apiKey", "in": "cookie", "name": COOKIE,
    "description": "Of whoever has signed in with POST /v1/session. Every request but GET needs "
    "the headers Origin, this installation's own, and X-Ringback-CSRF, from GET /v1/session.",
}  # fmt: skip
_IDEMPOTENCY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_MAX, "pattern": "^[!-~]+$"},
    "description": "A repeat with the same key and body within 24 h gets the first answer.",
}  # fmt: skip
# What any route under /v1 may answer, and when.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": ProblemBody, "description": "The request cannot be read."},
    401: {"model": ProblemBody, "description": "A valid API key or session is needed."},
    403: {"model": ProblemBody, "description": "Not with this key, or in this role."},
    404: {
        "model": ProblemBody,
        "description": "There is no such thing, or it is another's.",
    },
    408: {"model": ProblemBody, "description": "The request took too long to arrive."},
    409: {"model": ProblemBody, "description": "It clashes with what there is."},
    413: {"model": ProblemBody, "description": "The body is too large."},
    414: {"model": ProblemBody, "description": "The URL is too long."},
    415: {"model": ProblemBody, "description": "The body has to be JSON."},
    422: {"model": ProblemBody, "description": "Something in the request is wrong."},
    429: {
        "model": ProblemBody,
        "description": "Too many requests with this key, or too much under way; see Retry-After.",
    },
    503: {"model": ProblemBody, "description": "The database does not answer; try again."},
}


# What belongs together, in the order in which people come to need it.
_TAGS = {
    "endpoints": "URLs of yours that receive events",
    "events": "What happened: publishing it, and finding it",
    "event types": "The catalogue",
    "messages": "Texts to and from people, as they stand",
    "deliveries": "Events owed to endpoints, and each request that was made",
    "once more": "Replays, and stored callbacks read again",
    "connections": "Provider accounts, and the URLs that their callbacks go to",
    "native": "What a platform that sends by itself reports",
    "callbacks": "What providers posted, as it came",
    "inspector": "A receiver for trying things out",
    "signing in": "People, their roles and their sessions",
    "api keys": "Which programs may do what",
    "tenants": "For operators",
    "audit log": "Who changed what",
    "schemas": "JSON Schemas of events; they need no key",
    "health": "For machines; they need no key",
}


def operation_id(route: APIRoute) -> str:
    """Name an operation like its route."""
    return route.name


def describe(routes: Sequence[BaseRoute], schemas: dict[str, Any]) -> dict[str, Any]:
    """Make the document of all routes; `schemas` are what those refer to that are not FastAPI's."""
    document = get_openapi(
        title="Ringback", version=__version__, description=DESCRIPTION, routes=routes
    )
    document["components"]["schemas"].update(schemas)
    document["components"]["securitySchemes"]["session"] = _COOKIE
    for path in document["paths"].values():
        for method, operation in path.items():
            _as_problems(operation["responses"])
            _with_headers(operation, posts=method == "post")
    document["components"]["schemas"]["ProblemBody"]["properties"]["code"]["enum"] = list(CODES)
    add_examples(document)
    add_events(document)
    document["tags"] = _tags(document)
    return document


def _tags(document: dict[str, Any]) -> list[dict[str, str]]:
    """List the tags that are used: ours in their order, then what else there is."""
    found = {
        tag: None
        for path in document["paths"].values()
        for operation in path.values()
        for tag in operation["tags"]
    }
    ordered = [*(tag for tag in _TAGS if tag in found), *(tag for tag in found if tag not in _TAGS)]
    return [
        {"name": tag, **({"description": _TAGS[tag]} if tag in _TAGS else {})} for tag in ordered
    ]


def _with_headers(operation: dict[str, Any], *, posts: bool) -> None:
    """Say which scope an operation needs, and which headers every operation understands."""
    scope = OPERATIONS.get(operation["operationId"])
    if scope is None:
        return
    operation["security"] = [{"key": [scope]}, {"session": []}]
    if operation["operationId"] in _BY_KEY_ALONE:
        operation["security"] = [{"key": [scope]}]
    operation["description"] += f" Scope: `{scope}`."
    headers = [] if SCOPES[scope].operator else [*_ACTING]
    headers += [_IDEMPOTENCY] if posts and operation["operationId"] not in _ITEMWISE else []
    if headers:
        operation["parameters"] = [*operation.get("parameters", ()), *headers]


def _as_problems(responses: dict[str, Any]) -> None:
    """Give answers that are problems their own media type."""
    for status, answer in responses.items():
        content = answer.get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if schema.get("$ref", "").endswith("/ProblemBody"):
            content[MEDIA_TYPE] = content.pop("application/json")
            if status in _BEFORE_US:
                content["text/plain"] = {"schema": {"type": "string"}}
