"""`POST /v1/events`: from raw bytes to the answer, past the framework. The first publishing route.

The answer leaves after the commit, like every other.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any
from uuid import UUID

import msgspec

from ringback.domain.http import Callback, HttpResponse
from ringback.domain.idempotency import (
    BAD_KEY,
    HEADER,
    OTHER_BODY,
    REPLAYED,
    fingerprint,
    usable,
)
from ringback.domain.ids import IdSequence, show
from ringback.domain.publishing import read_events
from ringback.domain.strict_json import StrictJsonError
from ringback.errors import DatabaseUnavailable, Fault, Invalid
from ringback.services.access import MODE_HEADER, TENANT_HEADER, Asker, Denied, bearer, identify
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.configuration import Configuration
from ringback.services.pressure import Pressure
from ringback.services.publications import Publication
from ringback.services.tally import ANSWER_S, Histogram

LARGE = 256 * 1024
_encode = msgspec.json.Encoder().encode


class Wrong(msgspec.Struct, frozen=True):
    """What is wrong with a header of a request."""

    detail: str
    parameter: str


_WRONG_KEY = [Wrong(OTHER_BODY, parameter="Idempotency-Key")]
_TITLES = {
    "malformed_json": (400, "The body is not JSON that can be used"),
    "tenant_needed": (400, "An operator's key has to say for which tenant"),
    "unauthenticated": (401, "A valid API key is needed"),
    "scope_missing": (403, "The key lacks a scope"),
    "tenant_suspended": (403, "The tenant is suspended"),
    "not_found": (404, "There is no such thing"),
    "invalid": (422, "The request is not valid"),
    "idempotency_key_reused": (422, "The idempotency key belongs to another request"),
    "behind": (429, "Deliveries are behind"),
    "unavailable": (503, "The database does not answer just now"),
}


class Publisher:
    """Takes events from whoever holds a key.

    `requests` counts by outcome, `published` the events; `seconds` is how long answers took.
    """

    def __init__(
        self,
        configuration: Configuration,
        committer: Committer,
        large: Committer,
        clock: Clock,
        pressure: Pressure,
        used: Callable[[UUID], None],
    ) -> None:
        """Take the edges; `large` commits bodies over 256 KiB on a connection of its own.

        `used` is told which key was used.
        """
        self._used = used
        self._configuration = configuration
        self._committer = committer
        self._large = large
        self._clock = clock
        self._pressure = pressure
        self.requests: Counter[str] = Counter()
        self.published = 0
        self.seconds = Histogram(ANSWER_S)

    async def publish(self, _: str, request: Callback) -> HttpResponse:
        """Take one request and answer it; raises nothing."""
        began = perf_counter()
        answer = await self._take(request)
        self.seconds.add(perf_counter() - began)
        return answer

    async def _take(self, request: Callback) -> HttpResponse:
        try:
            asker = self._asker(request)
        except Denied as error:
            return self._denied(error)
        once = request.header(HEADER)
        if once is not None and not usable(once):
            return self._problem("invalid", BAD_KEY, [Wrong(BAD_KEY, parameter="Idempotency-Key")])
        try:
            events, many = read_events(request.body)
        except StrictJsonError as error:
            return self._problem("malformed_json", f"{error}.")
        except Invalid as error:
            return self._problem("invalid", "See errors.", error.faults)
        if not await self._pressure.admit():
            return self._problem(
                "behind", "Deliveries are behind; the event was not taken. Send it again later.",
                headers=(("retry-after", str(self._pressure.retry_after_s())),),
            )  # fmt: skip
        kept = None if once is None else (once, fingerprint(request.body))
        publication = Publication(asker.scope, events, self._clock.now_ms(), kept=kept)
        committer = self._large if len(request.body) > LARGE else self._committer
        try:
            await committer.submit(publication)
        except DatabaseUnavailable as error:
            return self._problem("unavailable", str(error), headers=(("retry-after", "1"),))
        if publication.conflict:
            return self._problem("idempotency_key_reused", OTHER_BODY, _WRONG_KEY)
        headers = [("content-type", "application/json")]
        if publication.replayed:
            self.requests["replayed"] += 1
            headers.append((REPLAYED, "true"))
        else:
            self.requests["accepted"] += 1
            self.published += len(events)
        views = [_view(id_, event.type) for id_, event in zip(publication.ids, events, strict=True)]
        return HttpResponse(
            201, tuple(headers),
            _encode({"data": views} if many else views[0]),
        )  # fmt: skip

    def _asker(self, request: Callback) -> Asker:
        """Find out who asks. Raises Denied when nobody known does, or may not publish."""
        asker = identify(
            self._configuration.snapshot, self._clock.now_ms(),
            bearer(request.header("authorization")), request.header(TENANT_HEADER),
            request.header(MODE_HEADER),
        )  # fmt: skip
        asker.allow("events:write")
        self._used(asker.key.id)
        return asker

    def _denied(self, error: Denied) -> HttpResponse:
        wrong = [Wrong(error.detail, parameter=error.header)] if error.header else []
        return self._problem(error.code, error.detail, wrong, tuple(error.headers.items()))

    def _problem(
        self,
        code: str,
        detail: str,
        faults: Sequence[Fault | Wrong] = (),
        headers: tuple[tuple[str, str], ...] = (),
    ) -> HttpResponse:
        self.requests[code] += 1
        status, title = _TITLES[code]
        request_id = show("req", IdSequence(self._clock.now_ms(), os.urandom(10)).next())
        body: dict[str, Any] = {
            "type": f"urn:ringback:problem:{code}", "title": title, "status": status,
            "detail": detail, "code": code, "instance": request_id,
            "errors": faults,
        }  # fmt: skip
        own = (("content-type", "application/problem+json"), ("ringback-request-id", request_id))
        return HttpResponse(status, (*own, *headers), _encode(body))


def _view(event_id: UUID | None, type_: str) -> dict[str, object]:
    assert event_id is not None
    return {"id": show("evt", event_id), "type": type_}
