"""Errors as RFC 9457 problems: one shape for every answer that is not a success.

Codes and titles are stable. Details are for people and never contain a secret or a stack trace.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ringback.domain.opening import Change
from ringback.errors import DatabaseUnavailable, Invalid, RingbackError
from ringback.services.turned_away import TITLES

MEDIA_TYPE = "application/problem+json"
REQUEST_ID_HEADER = "ringback-request-id"
TYPE_PREFIX = "urn:ringback:problem:"
RETRY_AFTER_S = "2"

# What can go wrong, by code: status and title. The hot routes share the table.
CODES = TITLES
_BY_STATUS = {404: "no_such_route", 405: "method_not_allowed", 413: "body_too_large"}
_ERRORS_MAX = 100


class ProblemError(BaseModel):
    """One thing that is wrong with a request, and where."""

    pointer: str | None = Field(
        default=None, description="JSON pointer into the body.", examples=["/event_types/0"]
    )
    parameter: str | None = Field(
        default=None, description="Name of the query parameter.", examples=["limit"]
    )
    detail: str = Field(description="What is wrong, and what to do.")
    allow: Change | None = Field(
        default=None,
        description="Where a closed address or port is what is wrong: what to add to the body to "
        "open it for this endpoint.",
        examples=[{"delivery": {"allowed_ports": [8443]}}],
    )


class ProblemBody(BaseModel):
    """A problem as defined by RFC 9457."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(
        description="A stable name of the kind of problem.", examples=[TYPE_PREFIX + "invalid"]
    )
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(description="What went wrong this time.")
    code: str = Field(description="The last part of the type.", examples=["invalid"])
    instance: str = Field(description="The request's id, for whoever looks into it.")
    errors: list[ProblemError] = Field(description="Each fault with its place; may be empty.")


class Where(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault and its place: a JSON pointer into the body, or a query parameter.

    `allow` is what to add to the body to let it pass, if its sender wants that.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    allow: Mapping[str, object] | None = None


class Problem(RingbackError):
    """An answer that is not a success."""

    def __init__(
        self,
        code: str,
        detail: str,
        errors: Sequence[Where] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        """Take the code (a key of CODES), the detail, the faults and further headers."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """The HTTP status."""
        return CODES[self.code][0]

    def response(self, request_id: str) -> Response:
        """Make the answer."""
        status, title = CODES[self.code]
        body = {
            "type": TYPE_PREFIX + self.code,
            "title": title,
            "status": status,
            "detail": self.detail,
            "code": self.code,
            "instance": request_id,
            "errors": list(self.errors[:_ERRORS_MAX]),
        }
        return Response(msgspec.json.encode(body), status, self.headers, MEDIA_TYPE)


def not_found(what: str) -> Problem:
    """Say that there is no such thing; the same for what is missing and what is another's."""
    return Problem("not_found", f"There is no such {what}.")


def wrong_parameter(name: str, detail: str) -> Problem:
    """Say that a query parameter is wrong."""
    return Problem("invalid", "A query parameter is wrong.", [Where(detail, parameter=name)])


def unavailable() -> Problem:
    """Say that the database does not answer; nothing of its address is told."""
    return Problem("unavailable", "Try again in a moment.", headers={"retry-after": RETRY_AFTER_S})


def of_exception(error: Exception) -> Problem:
    """Make a problem of anything that a handler raises."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, DatabaseUnavailable):
        return unavailable()
    if isinstance(error, Invalid):
        return Problem(
            "invalid", "Something in the body is wrong.",
            [Where(fault.detail, fault.pointer, allow=fault.allow) for fault in error.faults],
        )  # fmt: skip
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    if isinstance(error, HTTPException):
        return _of_framework(error)
    return Problem("internal", "This is a defect; the log has more under the request's id.")


def _of_framework(error: HTTPException) -> Problem:
    headers = {str(name): str(value) for name, value in (error.headers or {}).items()}
    code = _BY_STATUS.get(error.status_code)
    if code is None:
        code = "internal" if error.status_code >= 500 else "malformed_json"
    return Problem(code, CODES[code][1] + ".", headers=headers)


def _of_validation(error: RequestValidationError) -> Problem:
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem("malformed_json", "The body is not JSON.")
    return Problem("invalid", "The request is not valid.", [_where(fault) for fault in faults])


def _where(fault: dict[str, Any]) -> Where:
    place, *path = fault["loc"]
    detail = _said(fault)
    if place == "body":
        return Where(detail, pointer="".join(f"/{_escaped(str(step))}" for step in path))
    return Where(detail, parameter=str(path[0]) if path else str(place))


def _said(fault: dict[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "There is no such field."
    if fault["type"] == "missing":
        return "This is required."
    text = str(fault["msg"]).removeprefix("Value error, ")
    return text.rstrip(".") + "."


def _escaped(step: str) -> str:
    return step[:128].replace("~", "~0").replace("/", "~1")


async def answer(request: Request, error: Exception) -> Response:
    """Answer an exception; FastAPI calls this."""
    problem = of_exception(error)
    request.state.code = problem.code
    return problem.response(request.state.request_id)
