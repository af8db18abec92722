"""`POST /v1/events`: from raw bytes to the answer, past the framework. The first publishing route.

The answer leaves after the commit, like every other.
"""

from collections import Counter
from collections.abc import Callable
from time import perf_counter
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
from ringback.domain.ids import show
from ringback.domain.publishing import NewEvent, read_events
from ringback.domain.strict_json import StrictJsonError
from ringback.errors import DatabaseUnavailable, Fault, Invalid
from ringback.services.access import (
    MODE_HEADER,
    TENANT_HEADER,
    Asker,
    Denied,
    bearer,
    identify,
    not_by_cookie,
)
from ringback.services.addressing import faults_in_addresses
from ringback.services.batch import Scope
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.configuration import Configuration
from ringback.services.own_events import Examiner, warning
from ringback.services.pressure import Pressure
from ringback.services.publications import Publication
from ringback.services.rate_limits import RateLimits
from ringback.services.request_log import Line, RequestLog
from ringback.services.tally import ANSWER_S, Histogram
from ringback.services.turned_away import (
    REQUEST_ID,
    TurnedAway,
    Wrong,
    new_request_id,
    of_denied,
)

LARGE = 256 * 1024
# Of one request, in its answer.
FAULTS_MAX = 100
_encode = msgspec.json.Encoder().encode


_WRONG_KEY = [Wrong(OTHER_BODY, parameter="Idempotency-Key")]


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
        request_log: RequestLog,
        rates: RateLimits,
    ) -> None:
        """Take the edges; `large` commits bodies over 256 KiB on a connection of its own.

        `used` is told which key was used.
        """
        self._used = used
        self._log = request_log
        self._rates = rates
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
        asker: Asker | None = None
        code: str | None = None
        try:
            asker = self._asker(request)
            answer = await self._take(asker, request)
        except Denied as error:
            code, answer = self._away(of_denied(error))
        except TurnedAway as error:
            code, answer = self._away(error)
        seconds = perf_counter() - began
        self.seconds.add(seconds)
        if self._log.wants(answer.status):
            sizes = len(request.body), len(answer.body)
            id_ = dict(answer.headers).get(REQUEST_ID)
            self._log.note(
                Line("POST", "/v1/events", answer.status, seconds, id_, *sizes, asker, code)
            )
        return answer

    def _away(self, error: TurnedAway) -> tuple[str, HttpResponse]:
        self.requests[error.code] += 1
        return error.code, error.response(new_request_id(self._clock))

    async def _take(self, asker: Asker, request: Callback) -> HttpResponse:
        """Publish what a request holds. Raises Denied and TurnedAway."""
        taken = self._rates.take(asker.key)
        if taken is not None and not taken.allowed:
            raise TurnedAway("rate_limited", taken.words, headers=taken.headers)
        self._admit(asker)
        once = request.header(HEADER)
        if once is not None and not usable(once):
            wrong = Wrong(BAD_KEY, parameter="Idempotency-Key")
            raise TurnedAway("invalid", BAD_KEY, [wrong])
        try:
            events, many = read_events(request.body)
        except StrictJsonError as error:
            raise TurnedAway("malformed_json", f"{error}.") from None
        except Invalid as error:
            raise TurnedAway("invalid", "See errors.", error.faults) from None
        faults = self._faults(asker.scope, events, many=many)
        if faults and once is None:
            raise TurnedAway("invalid", "See errors.", faults)
        if not await self._pressure.admit():
            words = "Deliveries are behind; the event was not taken. Send it again later."
            again = ("retry-after", str(self._pressure.retry_after_s()))
            raise TurnedAway("behind", words, headers=(again,))
        kept = None if once is None else (once, fingerprint(request.body))
        publication = Publication(
            asker.scope, events, self._clock.now_ms(), kept=kept, refused=bool(faults)
        )
        committer = self._large if len(request.body) > LARGE else self._committer
        try:
            await committer.submit(publication)
        except DatabaseUnavailable as error:
            again = ("retry-after", "1")
            raise TurnedAway("unavailable", str(error), headers=(again,)) from None
        if publication.conflict:
            raise TurnedAway("idempotency_key_reused", OTHER_BODY, _WRONG_KEY)
        if faults and not publication.replayed:
            raise TurnedAway("invalid", "See errors.", faults)
        headers = [("content-type", "application/json")]
        if taken is not None and taken.bucket.low(taken.now):
            headers += taken.headers
        if self._log.everything:
            headers.append((REQUEST_ID, new_request_id(self._clock)))
        if publication.replayed:
            self.requests["replayed"] += 1
            headers.append((REPLAYED, "true"))
        else:
            self.requests["accepted"] += 1
            self.published += len(events)
        views = self._views(asker.scope, publication)
        return HttpResponse(
            201, tuple(headers),
            _encode({"data": views} if many else views[0]),
        )  # fmt: skip

    def _faults(self, scope: Scope, events: list[NewEvent], *, many: bool) -> list[Fault]:
        """Hold events to what this tenant has configured."""
        snapshot = self._configuration.snapshot
        examiner = Examiner(snapshot, scope)
        faults: list[Fault] = []
        for place, event in enumerate(events):
            pointer = f"/{place}" if many else ""
            if event.deliver_to is not None:
                faults += faults_in_addresses(snapshot, scope, event, pointer)
            if snapshot.own_types:
                faults += examiner.faults(event, pointer)
            if len(faults) >= FAULTS_MAX:
                break
        return faults[:FAULTS_MAX]

    def _views(self, scope: Scope, publication: Publication) -> list[dict[str, object]]:
        """Show what was published: each with its id, and a warning if its type is deprecated."""
        snapshot = self._configuration.snapshot
        views = []
        for id_, event in zip(publication.ids, publication.events, strict=True):
            assert id_ is not None
            view: dict[str, object] = {"id": show("evt", id_), "type": event.type}
            if snapshot.own_types and (words := warning(snapshot, scope, event.type)) is not None:
                view["warning"] = words
            views.append(view)
        return views

    def _asker(self, request: Callback) -> Asker:
        """Find out who asks. Raises Denied when nobody known does."""
        key = bearer(request.header("authorization"))
        if key is None:
            not_by_cookie(request.header("cookie"))
        return identify(
            self._configuration.snapshot, self._clock.now_ms(), key,
            request.header(TENANT_HEADER), request.header(MODE_HEADER),
        )  # fmt: skip

    def _admit(self, asker: Asker) -> None:
        """Raise Denied unless a key may publish."""
        asker.allow("events:write")
        self._used(asker.key.id)
