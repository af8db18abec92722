"""`POST /in/{token}` of a native connection: a tenant's own program, known by its API key.

Unlike a provider it is told what is wrong, all of a request is taken or nothing, and it can be told
to come again later.
"""

from collections.abc import Callable
from time import perf_counter
from uuid import UUID

import msgspec

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback, HttpResponse
from ringback.domain.ids import show
from ringback.domain.strict_json import StrictJsonError, decode
from ringback.errors import DatabaseUnavailable, Fault
from ringback.providers import registry
from ringback.providers.base import Parsed
from ringback.services.access import (
    MODE_HEADER,
    TENANT_HEADER,
    Asker,
    Denied,
    bearer,
    identify,
    not_by_cookie,
)
from ringback.services.arrivals import Arrival
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.others import prefix_of
from ringback.services.pressure import Pressure
from ringback.services.rate_limits import RateLimits
from ringback.services.receive import PAUSED_RETRY_S, Receiver, stored_form
from ringback.services.request_log import Line, RequestLog
from ringback.services.turned_away import REQUEST_ID, TurnedAway, new_request_id, of_denied

SCOPE = "native:write"
ROUTE = "/in/{token}"
_encode = msgspec.json.Encoder().encode


class NativeIntake:
    """Takes requests to native connections."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        pressure: Pressure,
        receiver: Receiver,
        used: Callable[[UUID], None],
        request_log: RequestLog,
        rates: RateLimits,
    ) -> None:
        """Take the edges; `receiver` commits what came, `used` is told which key was used."""
        self._rates = rates
        self._configuration = configuration
        self._clock = clock
        self._pressure = pressure
        self._receiver = receiver
        self._used = used
        self._log = request_log

    async def take(self, connection: Connection, request: Callback) -> HttpResponse:
        """Take one request and answer it."""
        began = perf_counter()
        asker: Asker | None = None
        code: str | None = None
        try:
            asker = self._asker(request)
            answer = await self._take(asker, connection, request)
        except (Denied, TurnedAway) as error:
            away = of_denied(error) if isinstance(error, Denied) else error
            code, answer = away.code, away.response(new_request_id(self._clock))
            self._receiver.outcomes[connection.provider, code] += 1
        if self._log.wants(answer.status):
            id_, sizes = dict(answer.headers).get(REQUEST_ID), (len(request.body), len(answer.body))
            seconds = perf_counter() - began
            line = Line(request.method, ROUTE, answer.status, seconds, id_, *sizes, asker, code)
            self._log.note(line)
        return answer

    def _asker(self, request: Callback) -> Asker:
        """Find out who asks. Raises Denied when nobody known does."""
        key = bearer(request.header("authorization"))
        if key is None:
            not_by_cookie(request.header("cookie"))
        return identify(
            self._configuration.snapshot, self._clock.now_ms(), key,
            request.header(TENANT_HEADER), request.header(MODE_HEADER),
        )  # fmt: skip

    async def _take(self, asker: Asker, connection: Connection, request: Callback) -> HttpResponse:
        """Store what a request holds. Raises Denied and TurnedAway."""
        taken = self._rates.take(asker.key)
        if taken is not None and not taken.allowed:
            raise TurnedAway("rate_limited", taken.words, headers=taken.headers)
        asker.allow(SCOPE)
        if (asker.tenant, asker.mode) != (connection.tenant, connection.mode):
            words = "The key's tenant has no such connection in the key's mode."
            raise TurnedAway("not_found", words)
        if connection.pauses.intake is not None:
            self._receiver.turn_away(connection)
            again = ("retry-after", str(PAUSED_RETRY_S))
            raise TurnedAway("paused", "Nothing was taken. Send it again later.", headers=(again,))
        self._used(asker.key.id)
        parsed = _read(connection, request)
        if not await self._pressure.admit():
            words = "Deliveries are behind; nothing was taken. Send it again later."
            again = ("retry-after", str(self._pressure.retry_after_s()))
            raise TurnedAway("behind", words, headers=(again,))
        raw = stored_form(request, connection.token, None)
        arrival = Arrival(connection, raw, self._clock.now_ms(), parsed)
        try:
            await self._receiver.submit(arrival)
        except DatabaseUnavailable as error:
            again = ("retry-after", "1")
            raise TurnedAway("unavailable", str(error), headers=(again,)) from None
        if arrival.settled_as is not None:
            raise TurnedAway("internal", "It is kept as it came, but could not be stored in parts.")
        views = [
            {"id": show(prefix_of(item), id_)}
            for item, id_ in zip(parsed.items, arrival.subjects, strict=True)
            if id_ is not None
        ]
        headers = [("content-type", "application/json")]
        if self._log.everything:
            headers.append((REQUEST_ID, new_request_id(self._clock)))
        many = request.body.lstrip()[:1] == b"["
        return HttpResponse(200, tuple(headers), _encode({"data": views} if many else views[0]))


def _read(connection: Connection, request: Callback) -> Parsed:
    """Read a request. Raises TurnedAway with every fault."""
    provider = registry.get(connection.provider)
    if provider.verify(request, connection.config, 0).verdict != "ok":
        raise TurnedAway("method_not_allowed", "Use POST.", headers=(("allow", "POST"),))
    parsed = provider.parse(request, connection.config)
    if parsed.unparsed:
        try:
            decode(request.body)
        except StrictJsonError as error:
            raise TurnedAway("malformed_json", f"{error}.") from None
        faults = [Fault(piece.pointer, piece.reason) for piece in parsed.unparsed]
        words = "Something in the body is wrong; nothing of it was taken. See errors."
        raise TurnedAway("invalid", words, faults)
    return parsed
