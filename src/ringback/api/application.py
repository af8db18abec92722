"""The REST API as one FastAPI application: routes, problems, the frame around all of it.

Built by serving.py from the parts that it is given. It starts nothing.
"""

import re
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from ringback import __version__
from ringback.api import (
    again,
    api_keys,
    attempts,
    audit,
    callbacks,
    connections,
    credentials,
    deliveries,
    docs,
    document,
    endpoints,
    event_matches,
    event_types,
    events,
    health,
    inspector,
    library,
    listening,
    mapping_trials,
    media,
    messages,
    metrics,
    native,
    overview,
    people,
    problems,
    providers,
    publishing,
    reveal,
    schemas,
    scopes,
    search,
    session,
    sessions,
    signature_checks,
    simulate,
    stats,
    subscribing,
    suppressions,
    tenants,
    timeline,
    trials,
    whoami,
)
from ringback.api.context import Context
from ringback.api.frame import Frame
from ringback.api.masking import Masking
from ringback.api.repeats import Repeats
from ringback.errors import DatabaseUnavailable, Invalid

_ANSWERED = (
    problems.Problem, Invalid, DatabaseUnavailable, RequestValidationError, HTTPException,
)  # fmt: skip
_RESOURCES = (
    endpoints, listening, trials, connections, library, simulate, providers, messages, timeline,
    events, event_types, callbacks, suppressions, deliveries, again, attempts, inspector, audit,
    api_keys, tenants, whoami, scopes, search, session, sessions, people, reveal, overview,
    event_matches, stats, signature_checks, media, mapping_trials, credentials, subscribing,
)  # fmt: skip

# Traces leave by our own way out or not at all, whatever the environment says.
_NO_TELEMETRY: dict[str, Any] = {
    "telemetry": {
        "tracing": False,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
    }
}
_PREFIX = "/v1"


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Return all routes. They know no context, and take a fifth of a second to make."""
    version_1 = APIRouter(prefix=_PREFIX, responses=document.PROBLEMS)
    for resource in _RESOURCES:
        version_1.include_router(resource.router)
    routes = APIRouter(generate_unique_id_function=document.operation_id)
    for router in (
        version_1, media.files, health.router, metrics.router, schemas.router, docs.router,
    ):  # fmt: skip
        routes.include_router(router)
    return tuple(routes.routes)


@cache
def operations_of_post() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the paths under /v1 that take a POST, and what each of these operations is called.

    Not from the document, which takes most of a second to write: the first request of a worker
    would wait for it, and everything else that the worker does.
    """
    return tuple(
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", _PREFIX + route.path)), route.name)
        for resource in _RESOURCES
        for route in resource.router.routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    )


@cache
def _described() -> dict[str, Any]:
    elsewhere = [*publishing.router.routes, *native.router.routes]
    return document.describe([*_routes(), *elsewhere], native.SCHEMAS)


def build_api(context: Context) -> FastAPI:
    """Build the application around its context."""
    app = FastAPI(
        title="Ringback",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        routes=list(_routes()),
        generate_unique_id_function=document.operation_id,
        **_NO_TELEMETRY,
    )
    app.state.context = context
    for kind in _ANSWERED:
        app.add_exception_handler(kind, problems.answer)
    app.openapi = _described  # type: ignore[method-assign]
    app.add_middleware(Repeats, context=context, operations=operations_of_post())
    app.add_middleware(Masking, context=context)
    app.add_middleware(Frame, clock=context.clock, request_log=context.request_log)
    return app
