"""A provider's callback from raw bytes to its answer: verify, parse, commit, reply.

Nothing is answered 2xx before it is stored. What cannot be parsed is stored and answered like the
rest: many providers never send a callback again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from time import perf_counter

import msgspec
import structlog

from ringback.domain.endpoints import Connection
from ringback.domain.events import rfc3339
from ringback.domain.http import Callback, HttpResponse
from ringback.domain.outcomes import Outcome
from ringback.errors import DatabaseUnavailable
from ringback.providers import registry
from ringback.providers.base import Parsed, Provider, Unparsed, Verification
from ringback.services import slices
from ringback.services.arrivals import ITEMS_MAX, Arrival
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.configuration import Configuration
from ringback.services.explain import cause, explained
from ringback.services.flood import Flood
from ringback.services.pressure import Pressure
from ringback.services.tally import ANSWER_S, Histogram
from ringback.storage import callbacks
from ringback.storage.database import Database
from ringback.storage.lists import Scope

REJECTED_KEPT = 64 * 1024
# Bodies beyond this go over a connection of their own, so that small ones never wait for them.
LARGE = 256 * 1024
# What is counted of callbacks that only an earlier secret fits.
PREVIOUS = "previous_secret"
# Bodies beyond this are verified and read in a thread. Adapters are pure, so any thread may run
# them; what serves everybody else is not held for as long as megabytes take.
ASIDE = 64 * 1024
_BY_PREVIOUS = "It fits the secret from before the rotation, which counts until"
_HIDDEN = frozenset(("authorization", "proxy-authorization", "cookie"))
log = structlog.get_logger()

NOT_FOUND = HttpResponse(404, (("content-type", "text/plain"),), b"not found\n")
# When whoever is told that the intake is paused may come again.
PAUSED_RETRY_S = 60
PAUSED = HttpResponse(
    503, (("content-type", "text/plain"), ("retry-after", str(PAUSED_RETRY_S))),
    b"intake is paused, come again\n",
)  # fmt: skip
# What is counted of callbacks that a pause turned away.
TURNED_AWAY = "paused"
UNAVAILABLE = HttpResponse(
    503, (("content-type", "text/plain"), ("retry-after", "1")), b"not stored, come again\n"
)


class Receiver:
    """Takes callbacks for every connection.

    `outcomes` counts them by provider and outcome, `unproven` by provider and kind of cause those
    that did not prove themselves, `seconds` how long their answers took, and `unknown_codes` by
    provider the failures whose code is in no table of ours; who sends counts its refusals there,
    too.
    """

    def __init__(
        self,
        configuration: Configuration,
        committer: Committer,
        large: Committer,
        clock: Clock,
        flood: Flood,
        pressure: Pressure,
        keyed: Callable[[Connection, Callback], Awaitable[HttpResponse]],
        full: Callable[[Connection], bool],
        database: Database,
    ) -> None:
        """Take the edges; `large` commits large callbacks on a connection of its own.

        Large are bodies over 256 KiB, and callbacks of so many items that they are cut in slices.

        `keyed` answers for connections whose callers have an API key; `full` says whether as much
        is held of a connection as may be.
        """
        self._full = full
        self._database = database
        self._keyed = keyed
        self._configuration = configuration
        self._committer = committer
        self._large = large
        self._clock = clock
        self._flood = flood
        self._pressure = pressure
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.unproven: Counter[tuple[str, str]] = Counter()
        self.unknown_codes: Counter[str] = Counter()
        self.seconds = Histogram(ANSWER_S)

    async def receive(self, token: str, callback: Callback) -> HttpResponse:
        """Take one callback and return the provider's own answer; raises nothing."""
        connection = self._configuration.snapshot.connections.get(token)
        if connection is None:
            self.outcomes["none", "unknown"] += 1
            return NOT_FOUND
        began = perf_counter()
        try:
            if registry.get(connection.provider).keyed:
                answer = await self._keyed(connection, callback)
            else:
                answer = await self._take(connection, callback)
        except DatabaseUnavailable:
            answer = self._unavailable(connection, "unavailable")
        except Exception:
            log.exception("receive.defect", connection=connection.no, provider=connection.provider)
            answer = self._unavailable(connection, "defect")
        self.seconds.add(perf_counter() - began)
        return answer

    def _unavailable(self, connection: Connection, why: str) -> HttpResponse:
        self.outcomes[connection.provider, why] += 1
        return UNAVAILABLE

    async def _take(self, connection: Connection, callback: Callback) -> HttpResponse:
        now = self._clock.now_ms()
        provider = registry.get(connection.provider)
        if connection.public_url is not None:
            callback = at_public_url(callback, connection)
        if len(callback.body) <= ASIDE:
            verification = provider.verify(callback, connection.config, now)
        else:
            verification = await asyncio.to_thread(
                provider.verify, callback, connection.config, now
            )
        note = ""
        if verification.verdict == "failed" and connection.previous:
            connection, verification, note = self._earlier(
                provider, connection, callback, verification, now
            )
        reply = provider.reply(callback, connection.config, verification)
        if verification.verdict in {"challenge", "handshake"}:
            self._flood.count(connection, verification.verdict)
            self.outcomes[connection.provider, verification.verdict] += 1
            return reply
        held = connection.pauses.processing is not None
        if connection.pauses.intake is not None or (held and self._full(connection)):
            self.outcomes[connection.provider, TURNED_AWAY] += 1
            return self.turn_away(connection)
        if verification.verdict == "failed":
            return await self._refuse(connection, callback, now, verification, reply)
        if held:
            await self._store(connection, callback, now, Parsed(), "held", note)
            return reply
        if len(callback.body) <= ASIDE:
            parsed = read(connection, callback)
        else:
            parsed = await read_large(connection, callback)
        await self._store(connection, callback, now, parsed, reason=note)
        return reply

    def turn_away(self, connection: Connection) -> HttpResponse:
        """Tell whoever called to come again, and count it: nothing is stored."""
        self._flood.count(connection, TURNED_AWAY)
        return PAUSED

    def _earlier(
        self,
        provider: Provider,
        connection: Connection,
        callback: Callback,
        failed: Verification,
        now: int,
    ) -> tuple[Connection, Verification, str]:
        """Try the configs from before the last rotations, as long as they count."""
        for config, until in connection.previous:
            if until > now:
                verification = provider.verify(callback, config, now)
                if verification.verdict not in {"failed", "challenge"}:
                    self._flood.count(connection, PREVIOUS)
                    found = msgspec.structs.replace(connection, config=config)
                    return found, verification, f"{_BY_PREVIOUS} {rfc3339(until)}."
        return connection, failed, ""

    async def _refuse(
        self,
        connection: Connection,
        callback: Callback,
        now: int,
        verification: Verification,
        reply: HttpResponse,
    ) -> HttpResponse:
        """Refuse a callback, or keep it for whoever mends the secret; say why, as long as listed.

        Beyond what is listed of a flood, quarantine refuses too: what is not kept comes again.
        """
        settled: Outcome = "quarantined" if connection.quarantine else "rejected"
        full = self._flood.full(connection, settled, now)
        if full or not self._room(connection, callback, now):
            # Whatever it was to be: what is not kept is refused.
            self._flood.count(connection, "rejected")
            self.outcomes[connection.provider, "rejected"] += 1
            self.unproven[connection.provider, cause(verification.reason)] += 1
            return reply
        provider = registry.get(connection.provider)
        others = [
            one
            for one in self._configuration.snapshot.connections.values()
            if (one.tenant, one.provider) == (connection.tenant, connection.provider)
            and one.id != connection.id
        ]
        try:
            reason = explained(provider, connection, callback, verification.reason, now, others)
        except Exception:
            log.exception("explain.defect", connection=connection.no, provider=connection.provider)
            reason = verification.reason
        await self._store(connection, callback, now, Parsed(), settled, reason)
        self.unproven[connection.provider, cause(verification.reason)] += 1
        if connection.quarantine:
            return provider.reply(callback, connection.config, Verification("ok"))
        return reply

    def _room(self, connection: Connection, callback: Callback, now: int) -> bool:
        """Say whether there is room for a callback in quarantine, if that is where it goes."""
        size = len(callback.body)
        return not connection.quarantine or self._flood.room(connection, size, now)

    async def _store(
        self,
        connection: Connection,
        callback: Callback,
        now: int,
        parsed: Parsed,
        settled: Outcome | None = None,
        reason: str = "",
    ) -> None:
        concealed = registry.get(connection.provider).conceal(callback, connection.config)
        raw = stored_form(concealed, connection.token, settled)
        arrival = Arrival(connection, raw, now, parsed, settled, reason)
        await self._pressure.slow()
        if len(parsed.items) > slices.SLICE_ITEMS:
            await self._in_slices(arrival)
        else:
            await self.submit(arrival)

    async def _in_slices(self, arrival: Arrival) -> None:
        if await slices.commit(arrival, self._large) and arrival.id is not None:
            scope = Scope(arrival.connection.tenant, arrival.connection.mode)
            await callbacks.reread(
                self._database, scope, arrival.id, arrival.outcome, arrival.words, arrival.parts
            )
        self._count(arrival)

    async def submit(self, arrival: Arrival) -> None:
        """Commit what came as one, and count what became of it. Raises DatabaseUnavailable."""
        large = len(arrival.callback.body) > LARGE
        await (self._large if large else self._committer).submit(arrival)
        self._count(arrival)

    def _count(self, arrival: Arrival) -> None:
        self.outcomes[arrival.connection.provider, arrival.outcome] += 1
        if arrival.unknown_codes:
            self.unknown_codes[arrival.connection.provider] += len(arrival.unknown_codes)


def read(connection: Connection, callback: Callback) -> Parsed:
    """Read what a callback says; raises nothing, whatever it is."""
    provider = registry.get(connection.provider)
    try:
        parsed = provider.parse(callback, connection.config)
    except Exception:
        # A defect of ours must not lose a callback: it can be parsed again once mended.
        log.exception("parse.defect", connection=connection.no, provider=connection.provider)
        return Parsed(unparsed=(Unparsed("The parser failed; this is a defect of Ringback."),))
    if len(parsed.items) > ITEMS_MAX:
        return Parsed(unparsed=(Unparsed(f"More than {ITEMS_MAX} items in one callback."),))
    return parsed


async def read_large(connection: Connection, callback: Callback) -> Parsed:
    """Read a callback of any size, a large one in a thread; raises nothing, whatever it is."""
    if len(callback.body) <= ASIDE:
        return read(connection, callback)
    return await asyncio.to_thread(read, connection, callback)


def at_public_url(callback: Callback, connection: Connection) -> Callback:
    """Return a callback with the URL at which this connection's provider calls."""
    before, path, after = callback.url.partition(f"/in/{connection.token}")
    del before
    return msgspec.structs.replace(callback, url=f"{connection.public_url}{path}{after}")


def stored_form(callback: Callback, token: str, settled: Outcome | None) -> Callback:
    """Return a callback as it is kept: whole, but for what would give a secret away.

    The token in the URL and credentials in headers are replaced; a rejected body is cut after
    64 KiB.
    """
    headers = tuple(
        (name, "(hidden)" if name.lower() in _HIDDEN else value) for name, value in callback.headers
    )
    body = callback.body[:REJECTED_KEPT] if settled == "rejected" else callback.body
    url = callback.url.replace(f"/in/{token}", "/in/{token}", 1)
    return Callback(callback.method, url, headers, body, callback.peer)
