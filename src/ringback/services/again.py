"""Once more, by a person's wish: replaying a delivery, and reading a stored callback again."""

import uuid
from typing import Literal

import msgspec

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback
from ringback.domain.ids import delivery_id, show
from ringback.domain.outcomes import Outcome
from ringback.errors import RingbackError
from ringback.providers import registry
from ringback.providers.base import (
    CallReport,
    Consent,
    Inbound,
    Notice,
    OrderReport,
    Parsed,
    Report,
)
from ringback.services import audit, delivery_log, quarantine, slices
from ringback.services.arrivals import Arrival
from ringback.services.audit import Act
from ringback.services.batch import Scope
from ringback.services.clock import Clock
from ringback.services.commit import Committer
from ringback.services.configuration import Configuration
from ringback.services.receive import read_large
from ringback.services.replays import Replay
from ringback.storage import callbacks, deliveries, events
from ringback.storage.audit import Actor
from ringback.storage.database import Database
from ringback.storage.lists import Scope as StoredScope

ITEMS_SHOWN = 100


class NotNow(RingbackError):
    """What was asked for cannot be done in the state that things are in; the text says why."""


class ReadItem(msgspec.Struct, frozen=True):
    """One thing that a callback says."""

    kind: Literal[
        "report", "inbound", "call", "number_order", "consent", "notice", "unrecognised", "unparsed"
    ]
    about: str
    status: str | None = None


class Reread(msgspec.Struct, frozen=True):
    """What reading a callback again gives; `events` are those that it brought about now."""

    outcome: Outcome
    reason: str
    items: list[ReadItem]
    effects: bool
    events: list[str]


class Again:
    """Replays and re-parses."""

    def __init__(
        self,
        configuration: Configuration,
        database: Database,
        committers: tuple[Committer, Committer],
        clock: Clock,
    ) -> None:
        """Take the edges; the second committer is for callbacks that are read again."""
        self._configuration = configuration
        self._database = database
        self._committer, self._large = committers
        self._clock = clock

    async def replay(
        self, scope: StoredScope, actor: Actor, endpoint_no: int, ord_: int
    ) -> str | None:
        """Deliver an event once more under its own id; return the new delivery's id.

        None when there is no such delivery. It is in the audit log first.

        Raises:
            NotNow: it is still open, its endpoint does not receive, or the event is gone.

        """
        now = events.moment(self._clock.now_ms())
        known = await delivery_log.get(self._database, scope, endpoint_no, ord_, now)
        if known is None:
            return None
        if known.status in {"pending", "scheduled"}:
            raise NotNow("This delivery is still open: it goes on by itself.")
        endpoint = self._configuration.snapshot.endpoints.get(endpoint_no)
        if endpoint is None or endpoint.disabled:
            raise NotNow("Its endpoint is deleted or disabled: enable it, then replay.")
        event = await events.whole(self._database, scope, known.ref.event)
        if event is None:
            raise NotNow("Retention has removed the event; there is nothing left to send.")
        mode = endpoint.mode
        about: audit.Detail = {"event": show("evt", event.id)}
        act = Act("delivery.replay", delivery_id(endpoint_no, ord_), about)
        await self._audit(scope, actor, act)
        replay = Replay(Scope(scope.tenant, mode), event.id, event.subject, endpoint, event.body)
        await self._committer.submit(replay)
        return delivery_id(
            endpoint_no, replay.ord or await self._made(scope, endpoint_no, event.id)
        )

    async def _made(self, scope: StoredScope, endpoint_no: int, event: uuid.UUID) -> int:
        """Return the place of the newest delivery of an event: of the one that was just made."""
        known = await deliveries.of_events(self._database, scope, [event])
        return max(ref.ord for ref in known if ref.endpoint_no == endpoint_no)

    async def reparse(
        self, scope: StoredScope, actor: Actor, id_: uuid.UUID, *, effects: bool
    ) -> Reread | None:
        """Read a stored callback with today's parser; None when there is none of this id.

        Without `effects` nothing is written: the answer shows what it says. With them, what is
        new in it is merged, numbered and delivered as if it had just come.

        What was quarantined is read if its proof fits the connection as it is now.

        Raises:
            NotNow: it was refused when it came, its proof does not fit, its connection is gone.

        """
        raw = await callbacks.get(self._database, scope, id_)
        if raw is None:
            return None
        if raw.callback.outcome == "rejected":
            raise NotNow("Its signature was not accepted when it came: it is never read.")
        connection = self._configuration.snapshot.connection_by_id(raw.callback.connection)
        if connection is None:
            raise NotNow("Its connection was deleted: nothing knows how to read it any more.")
        callback = Callback(raw.callback.method, raw.url, raw.headers, raw.body, raw.peer)
        if raw.callback.outcome == "quarantined":
            came_ms = int(raw.callback.received.timestamp() * 1000)
            connection = _check(connection, callback, came_ms, self._clock.now_ms())
        parsed = await read_large(connection, callback)
        if not effects:
            arrival = Arrival(connection, callback, 0, parsed)
            return _shown(parsed, arrival.read_as, raw.callback.reason, [], effects=False)
        await self._audit(scope, actor, Act("callback.reparse", show("cbk", id_)))
        received = int(raw.callback.received.timestamp() * 1000)
        return await self._take(connection, callback, parsed, received, id_)

    async def _audit(self, scope: StoredScope, actor: Actor, act: Act) -> None:
        """Write down what is about to be done by hand: nothing is done without its entry."""
        async with self._database.acquire() as connection:
            await audit.write(connection, scope, actor, self._clock.now_ms(), act)

    async def _take(
        self,
        connection: Connection,
        callback: Callback,
        parsed: Parsed,
        received_ms: int,
        id_: uuid.UUID,
    ) -> Reread:
        arrival = Arrival(connection, callback, received_ms, parsed, stored_as=id_)
        await slices.commit(arrival, self._large)
        emitted = [show("evt", event) for event in arrival.emitted]
        outcome = arrival.outcome
        if outcome == "duplicate" and not emitted:
            # Everything in it was known: what it says has long been taken.
            outcome = "accepted"
        owner = StoredScope(connection.tenant, connection.mode)
        words, items = arrival.words, arrival.parts
        await callbacks.reread(self._database, owner, id_, outcome, words, items)
        return _shown(arrival.parsed, outcome, arrival.words, emitted, effects=True)


def _check(connection: Connection, callback: Callback, received_ms: int, now_ms: int) -> Connection:
    """Return the connection with the config that a quarantined callback fits by now.

    Configs from before a rotation count as long as they do for what comes.

    Raises:
        NotNow: it fits none of them.

    """
    came = quarantine.as_it_came(callback, connection)
    provider = registry.get(connection.provider)
    verification = provider.verify(came, connection.config, received_ms)
    if verification.verdict == "ok":
        return connection
    for config, until in connection.previous:
        if until > now_ms and provider.verify(came, config, received_ms).verdict == "ok":
            return msgspec.structs.replace(connection, config=config)
    words = "What proves where it comes from still does not fit, or was not kept"
    raise NotNow(f"{words}: {verification.reason.rstrip('.')}.")


def _shown(
    parsed: Parsed, outcome: Outcome, reason: str, emitted: list[str], *, effects: bool
) -> Reread:
    items: list[ReadItem] = []
    for item in parsed.items[:ITEMS_SHOWN]:
        if isinstance(item, Report):
            items.append(ReadItem("report", item.message_id, item.status))
        elif isinstance(item, Inbound):
            items.append(ReadItem("inbound", item.message_id, "received"))
        elif isinstance(item, CallReport):
            items.append(ReadItem("call", item.call_id, item.word))
        elif isinstance(item, OrderReport):
            items.append(ReadItem("number_order", item.order_id, item.status))
        elif isinstance(item, Consent):
            items.append(ReadItem("consent", item.address, item.word))
        elif isinstance(item, Notice):
            items.append(ReadItem("notice", item.message_id or "", item.type))
        else:
            items.append(ReadItem("unrecognised", item.kind))
    items += [
        ReadItem("unparsed", f"{piece.pointer}: {piece.reason}")
        for piece in parsed.unparsed[:ITEMS_SHOWN]
    ]
    return Reread(outcome, reason, items, effects, emitted)
