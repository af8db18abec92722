"""Refusals past the framework: the same problems as the API's, for the hot routes with a key."""

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from ringback.domain.http import Headers, HttpResponse
from ringback.domain.ids import IdSequence, show
from ringback.errors import Fault, RingbackError
from ringback.services.access import Denied
from ringback.services.clock import Clock

REQUEST_ID = "ringback-request-id"
# Every problem of the API, whoever answers it: its code, status and title.
TITLES: dict[str, tuple[int, str]] = {
    "malformed_url": (400, "The URL cannot be read"),
    "malformed_json": (400, "The body is not JSON that can be used"),
    "invalid_cursor": (400, "The cursor is not one of this list"),
    "tenant_needed": (400, "An operator's key has to say for which tenant"),
    "unauthenticated": (401, "A valid API key or session is needed"),
    "wrong_credentials": (401, "The e-mail address or the password is wrong"),
    "link_spent": (401, "The link has been used, or is too old"),
    "scope_missing": (403, "The key or the role lacks a scope"),
    "cross_site": (403, "The request does not come from the panel"),
    "not_yours": (403, "Only an owner may do this"),
    "tenant_suspended": (403, "The tenant is suspended"),
    "test_mode_only": (403, "Only test keys may do this"),
    "not_found": (404, "There is no such thing"),
    "no_such_route": (404, "There is no such route"),
    "method_not_allowed": (405, "The method is not for this route"),
    "request_timeout": (408, "The request took too long to arrive"),
    "token_taken": (409, "The token is taken"),
    "uid_taken": (409, "The own id is taken"),
    "in_flight": (409, "The first request with this key is under way"),
    "outcome_unknown": (409, "How the first request with this key ended is not known"),
    "limit_reached": (409, "There are as many as there may be"),
    "not_now": (409, "Not in the state that things are in"),
    "cursor_expired": (410, "Events behind the cursor have been removed"),
    "body_too_large": (413, "The body is too large"),
    "url_too_long": (414, "The URL is too long"),
    "unsupported_media_type": (415, "The body has to be JSON"),
    "invalid": (422, "The request is not valid"),
    "idempotency_key_reused": (422, "The idempotency key belongs to another request"),
    "too_many_attempts": (429, "Too many attempts to sign in"),
    "rate_limited": (429, "Too many requests with this key"),
    "busy": (429, "Too much is under way already"),
    "behind": (429, "Deliveries are behind"),
    "internal": (500, "Something went wrong here"),
    "link_expired": (410, "The link is no longer good"),
    "media_pending": (503, "The file is not here yet"),
    "media_unavailable": (503, "The file cannot be read just now"),
    "paused": (503, "The connection's intake is paused"),
    "unavailable": (503, "The database does not answer just now"),
}
_OF_LISTENER = {408: "request_timeout", 413: "body_too_large"}
_encode = msgspec.json.Encoder().encode


class Wrong(msgspec.Struct, frozen=True):
    """What is wrong with a header of a request."""

    detail: str
    parameter: str


class TurnedAway(RingbackError):
    """A request that is not taken: a problem's code, its words, its faults, further headers."""

    def __init__(
        self,
        code: str,
        detail: str,
        faults: Sequence[Fault | Wrong] = (),
        headers: Headers = (),
    ) -> None:
        """Take what the answer says; the code has a title here."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.faults = faults
        self.headers = headers

    def response(self, request_id: str) -> HttpResponse:
        """Make the answer."""
        status, title = TITLES[self.code]
        body: dict[str, Any] = {
            "type": f"urn:ringback:problem:{self.code}", "title": title, "status": status,
            "detail": self.detail, "code": self.code, "instance": request_id,
            "errors": self.faults,
        }  # fmt: skip
        own = (("content-type", "application/problem+json"), (REQUEST_ID, request_id))
        return HttpResponse(status, (*own, *self.headers), _encode(body))


def worded(refused: HttpResponse, clock: Clock) -> HttpResponse:
    """Word what the listener refuses as a problem, where the request is known to be the API's."""
    code = _OF_LISTENER.get(refused.status)
    if code is None:
        return refused
    detail = refused.body.decode().strip().capitalize() + "."
    kept = tuple(field for field in refused.headers if field[0] != "content-type")
    return TurnedAway(code, detail, headers=kept).response(new_request_id(clock))


def of_denied(error: Denied) -> TurnedAway:
    """Say what a key may not do."""
    wrong = [Wrong(error.detail, parameter=error.header)] if error.header else []
    return TurnedAway(error.code, error.detail, wrong, tuple(error.headers.items()))


def new_request_id(clock: Clock) -> str:
    """Make an id for a request."""
    return show("req", IdSequence(clock.now_ms(), os.urandom(10)).next())
