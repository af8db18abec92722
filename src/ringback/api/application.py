"""The REST API as one FastAPI application: routes, problems, the frame around all of it.

Built by app.py from the parts that it is given. It starts nothing.
"""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

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
    endpoints, listening, trials, connections, simulate, providers, messages, timeline, events,
    event_types, callbacks, suppressions, deliveries, again, attempts, inspector, audit, api_keys,
    tenants, whoami, scopes, search, session, sessions, people, reveal, overview, event_matches,
    stats, signature_checks, media, mapping_trials, credentials,
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


def build_api(context: Context) -> FastAPI:
    """Build the application around its context."""
    app = FastAPI(
        title="Ringback",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        generate_unique_id_function=document.operation_id,
        **_NO_TELEMETRY,
    )
    app.state.context = context
    for kind in _ANSWERED:
        app.add_exception_handler(kind, problems.answer)
    version_1 = APIRouter(prefix="/v1", responses=document.PROBLEMS)
    for resource in _RESOURCES:
        version_1.include_router(resource.router)
    app.include_router(version_1)
    app.include_router(media.files)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(schemas.router)
    app.include_router(docs.router)
    elsewhere = [*publishing.router.routes, *native.router.routes]
    app.openapi = lambda: document.describe(  # type: ignore[method-assign]
        app, elsewhere, native.SCHEMAS
    )
    app.add_middleware(Repeats, context=context, document=app.openapi)
    app.add_middleware(Masking, context=context)
    app.add_middleware(Frame, clock=context.clock, request_log=context.request_log)
    return app
