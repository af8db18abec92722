"""`POST /v1/events`: from raw bytes to the answer, past the framework. The first publishing route.

The answer leaves after the commit, like every other.
"""

import os
from collections import Counter
from time import perf_counter
from typing import Any
from uuid import UUID

import msgspec

from ringback.domain.endpoints import ApiKey
from ringback.domain.http import Callback, HttpResponse
from ringback.domain.ids import IdSequence, show
from ringback.domain.publishing import read_events
from ringback.domain.strict_json import StrictJsonError
from ringback.errors import DatabaseUnavailable, Fault, Invalid
from ringback.services.batch import Scope
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.configuration import Configuration
from ringback.services.pressure import Pressure
from ringback.services.publications import Publication
from ringback.services.tally import ANSWER_S, Histogram
from ringback.storage.configuration import key_hash

LARGE = 256 * 1024
_encode = msgspec.json.Encoder().encode
_TITLES = {
    "malformed_json": (400, "The body is not JSON that can be used"),
    "unauthenticated": (401, "A valid API key is needed"),
    "invalid": (422, "The request is not valid"),
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
    ) -> None:
        """Take the edges; `large` commits bodies over 256 KiB on a connection of its own."""
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
        key = self._key(request)
        if isinstance(key, HttpResponse):
            return key
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
        publication = Publication(Scope(key.tenant, key.mode), events, self._clock.now_ms())
        committer = self._large if len(request.body) > LARGE else self._committer
        try:
            await committer.submit(publication)
        except DatabaseUnavailable as error:
            return self._problem("unavailable", str(error), headers=(("retry-after", "1"),))
        self.requests["accepted"] += 1
        self.published += len(events)
        views = [_view(id_, event.type) for id_, event in zip(publication.ids, events, strict=True)]
        return HttpResponse(
            201, (("content-type", "application/json"),),
            _encode({"data": views} if many else views[0]),
        )  # fmt: skip

    def _key(self, request: Callback) -> ApiKey | HttpResponse:
        scheme, _, text = (request.header("authorization") or "").partition(" ")
        key = None
        if scheme.lower() == "bearer":
            key = self._configuration.snapshot.keys.get(key_hash(text.strip()))
        if key is None or (key.expires_ms is not None and key.expires_ms <= self._clock.now_ms()):
            detail = "Send the header `Authorization: Bearer rk_…` with a key that is in force."
            challenge = (("www-authenticate", 'Bearer realm="ringback"'),)
            return self._problem("unauthenticated", detail, headers=challenge)
        return key

    def _problem(
        self,
        code: str,
        detail: str,
        faults: tuple[Fault, ...] = (),
        headers: tuple[tuple[str, str], ...] = (),
    ) -> HttpResponse:
        self.requests[code] += 1
        status, title = _TITLES[code]
        request_id = show("req", IdSequence(self._clock.now_ms(), os.urandom(10)).next())
        body: dict[str, Any] = {
            "type": f"urn:ringback:problem:{code}", "title": title, "status": status,
            "detail": detail, "code": code, "instance": request_id,
            "errors": [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults],
        }  # fmt: skip
        own = (("content-type", "application/problem+json"), ("ringback-request-id", request_id))
        return HttpResponse(status, (*own, *headers), _encode(body))


def _view(event_id: UUID | None, type_: str) -> dict[str, object]:
    assert event_id is not None
    return {"id": show("evt", event_id), "type": type_}
