"""Finding anything by whatever somebody has at hand: an id, a number's last digits, a name.

Looks only where the asker may read, says what it looked for, and costs a handful of queries.
"""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal

import msgspec

from ringback.domain import finding, ids
from ringback.domain.event_types import CATALOGUE
from ringback.domain.finding import TEXT_MAX, Wanted
from ringback.domain.ids import Prefix
from ringback.domain.masking import tells_more
from ringback.domain.search import Kind, reversed_address
from ringback.errors import RingbackError
from ringback.services import delivery_log
from ringback.services.manage import Manager
from ringback.services.own_types import OwnTypes
from ringback.storage import attempts, callbacks, events, keys, messages
from ringback.storage.configuration import StoredConnection, StoredEndpoint
from ringback.storage.database import Database
from ringback.storage.lists import Scope, Window
from ringback.storage.messages import StoredMessage, Term, TooBroad

HITS_MAX = 20
# What one look-up may bring of these.
EACH_MAX = 8
Thing = Literal[
    "message", "event", "callback", "delivery", "attempt", "endpoint", "connection", "event_type",
    "api_key",
]  # fmt: skip
_PREFIXES: dict[Thing, Prefix] = {
    "message": "msg", "event": "evt", "callback": "cbk", "delivery": "dlv", "attempt": "att",
    "endpoint": "end", "connection": "con", "api_key": "key",
}  # fmt: skip
_THINGS: dict[str, Thing] = {prefix: thing for thing, prefix in _PREFIXES.items()}
NEEDS: dict[Thing, str] = {
    "message": "messages:read", "event": "events:read", "callback": "callbacks:read",
    "delivery": "deliveries:read", "attempt": "deliveries:read", "endpoint": "endpoints:read",
    "connection": "connections:read", "event_type": "events:read", "api_key": "keys:read",
}  # fmt: skip
"""The scope that reads each kind of thing."""


class Hit(msgspec.Struct, frozen=True):
    """One thing that was found; `at_ms` is when it came about, in milliseconds since 1970."""

    kind: Thing
    id: str
    title: str
    detail: str
    at_ms: int | None = None


class Looked(msgspec.Struct, frozen=True):
    """One look-up in words, and how many it brought.

    `filters` are those of `GET /v1/messages` that list all of them, `note` what there is to know.
    """

    what: str
    found: int
    note: str | None = None
    filters: dict[str, str] | None = None


class Findings(msgspec.Struct):
    """Hits, those that fit best first, and every look-up."""

    hits: list[Hit] = []
    looked: list[Looked] = []

    def add(self, hit: Hit | None) -> bool:
        """Add a hit that is not there yet; say whether there was one at all."""
        if hit is not None and all(hit.id != one.id for one in self.hits):
            self.hits.append(hit)
        return hit is not None


class TellsMore(RingbackError):
    """Whether there is such a number is more than somebody is shown for whom numbers are masked."""


class Asked(msgspec.Struct, frozen=True):
    """On whose behalf is looked, and through what. `may` says which scopes they have.

    Where numbers are `masked` for them, nothing is found by more of one than is shown.
    """

    database: Database
    manager: Manager
    own_types: OwnTypes
    scope: Scope
    may: Callable[[str], bool]
    now: datetime
    masked: bool = False


class Finder:
    """Finds on behalf of one asker, once."""

    def __init__(self, asked: Asked) -> None:
        """Take on whose behalf."""
        self._asked = asked
        self._database = asked.database
        self._scope = asked.scope
        self._found = Findings([], [])

    async def find(self, pasted: str) -> Findings:
        """Find whatever a text names; at most 20 hits.

        Raises:
            TellsMore: it is a number or an address, and these are masked for who asks.

        """
        wanted, found = finding.read(pasted[:TEXT_MAX]), self._found
        if wanted.secret is not None:
            note = "Secrets are never looked for; if it was pasted where others read it, replace it"
            found.looked.append(Looked(f"nothing: this is {wanted.secret}", 0, f"{note}."))
        elif wanted.ids:
            for shown in wanted.ids:
                await self._by_id(shown)
        elif wanted.text:
            await self._by_text(wanted)
        del found.hits[HITS_MAX:]
        return found

    async def _by_id(self, shown: str) -> None:
        prefix, what = shown[:3], f"the id {shown}"
        thing = _THINGS.get(prefix)
        if thing is None:
            unknown = f"What {prefix}_ ids name cannot be looked up."
            self._found.looked.append(Looked(what, 0, unknown))
        elif not self._may(thing):
            self._found.looked.append(Looked(what, 0, _unread(thing)))
        else:
            there = await self._thing(thing, shown)
            note = None if there else "There is none, or retention has removed it."
            self._found.looked.append(Looked(what, int(there), note))

    async def _thing(self, thing: Thing, shown: str) -> bool:
        if thing == "delivery":
            return await self._delivery(shown)
        id_ = ids.read(_PREFIXES[thing], shown)
        if id_ is None:
            return False
        by_id: dict[Thing, Callable[[uuid.UUID], Awaitable[bool]]] = {
            "message": self._message, "event": self._event, "callback": self._callback,
            "attempt": self._attempt, "api_key": self._key, "endpoint": self._endpoint,
            "connection": self._connection,
        }  # fmt: skip
        return await by_id[thing](id_)

    async def _message(self, id_: uuid.UUID) -> bool:
        stored = await messages.get(self._database, self._scope, id_)
        return self._found.add(message_hit(stored) if stored else None)

    async def _about(self, message: uuid.UUID | None) -> None:
        """Add the message that something is about, for those who may read it."""
        if message is not None and self._may("message"):
            await self._message(message)

    async def _event(self, id_: uuid.UUID) -> bool:
        brief = (await events.briefs(self._database, self._scope, [id_])).get(id_)
        if brief is None:
            return False
        self._found.add(Hit("event", ids.show("evt", id_), brief.type, "", ids.time_of(id_)))
        await self._about(brief.subject)
        return True

    async def _callback(self, id_: uuid.UUID) -> bool:
        raw = await callbacks.get(self._database, self._scope, id_)
        if raw is None:
            return False
        one = raw.callback
        title = f"{one.provider} callback, {one.outcome}"
        self._found.add(Hit("callback", ids.show("cbk", id_), title, one.reason, ids.time_of(id_)))
        await self._about(one.subject)
        return True

    async def _attempt(self, id_: uuid.UUID) -> bool:
        whole = await attempts.get(self._database, self._scope, id_)
        if whole is None:
            return False
        one = whole.attempt
        title = f"Attempt {one.n}: {one.status or one.error or 'no request'}"
        detail = str(one.detail.get("decision", ""))
        self._found.add(Hit("attempt", ids.show("att", id_), title, detail, ids.time_of(id_)))
        brief = (await events.briefs(self._database, self._scope, [one.event])).get(one.event)
        await self._about(brief.subject if brief else None)
        return True

    async def _delivery(self, shown: str) -> bool:
        named = ids.read_delivery_id(shown)
        # Both numbers are signed in the database: beyond that, nothing has them.
        if named is None or named[0] >> 31 or named[1] >> 63:
            return False
        one = await delivery_log.get(self._database, self._scope, *named, self._asked.now)
        if one is None:
            return False
        title = f"{one.event_type or 'An event'}, {one.status}"
        endpoint = self._asked.manager.endpoint(self._scope, one.endpoint)
        detail = f"to {endpoint.engine.url}" if endpoint and endpoint.engine.url else ""
        self._found.add(Hit("delivery", shown, title, detail, ids.time_of(one.ref.event)))
        await self._about(one.message)
        return True

    async def _key(self, id_: uuid.UUID) -> bool:
        key = await keys.get(self._database, self._scope, id_)
        if key is None:
            return False
        detail = "revoked" if key.revoked else f"ends in {key.hint}"
        hit = Hit("api_key", ids.show("key", id_), key.name, detail, ids.time_of(id_))
        return self._found.add(hit)

    async def _endpoint(self, id_: uuid.UUID) -> bool:
        one = self._asked.manager.endpoint(self._scope, id_)
        return self._found.add(endpoint_hit(one) if one else None)

    async def _connection(self, id_: uuid.UUID) -> bool:
        one = self._asked.manager.connection(self._scope, id_)
        return self._found.add(connection_hit(one) if one else None)

    async def _by_text(self, wanted: Wanted) -> None:
        if self._asked.masked and ("@" in wanted.text or any(map(tells_more, wanted.endings))):
            raise TellsMore
        if self._may("message"):
            for ending in wanted.endings:
                await self._ending(Kind.TO, "to", ending)
                await self._ending(Kind.FROM, "from", ending)
            if not wanted.endings and not (self._asked.masked and tells_more(wanted.text)):
                await self._whole_address(wanted.text)
            await self._carried(Kind.PROVIDER_MESSAGE_ID, "provider_message_id", wanted)
            await self._carried(Kind.REFERENCE, "reference", wanted)
        else:
            what = "messages by number, reference or the provider's id"
            self._found.looked.append(Looked(what, 0, _unread("message")))
        self._named("endpoint", "endpoints by URL, name or your own id", self._endpoints(wanted))
        self._named("connection", "connections by name or provider", self._connections(wanted))
        self._named("event_type", "event types by name", self._types(wanted))

    async def _ending(self, kind: Kind, parameter: str, digits: str) -> None:
        what = f"messages {parameter} numbers that end in {digits}"
        term = Term(kind, reversed_address(digits), prefix=True)
        await self._messages(what, term, {parameter: digits})

    async def _whole_address(self, text: str) -> None:
        """Look for senders and recipients that are words, short codes or addresses of mail."""
        for kind, parameter in ((Kind.TO, "to"), (Kind.FROM, "from")):
            what = f"messages {parameter} exactly {text}"
            # A few digits are no whole address to the list, which wants an ending.
            filters = None if text.isdigit() else {parameter: text}
            await self._messages(what, Term(kind, reversed_address(text)), filters)

    async def _carried(self, kind: Kind, parameter: str, wanted: Wanted) -> None:
        name = "the provider's id" if kind == Kind.PROVIDER_MESSAGE_ID else "the reference"
        exact = Term(kind, wanted.text)
        what = f"messages with {name} {wanted.text}"
        if await self._messages(what, exact, {parameter: wanted.text}) or not wanted.beginning:
            return
        if self._asked.masked:
            # A number may stand within it, and would be read from beginning to beginning.
            return
        what = f"messages where {name} begins with {wanted.text}"
        await self._messages(what, Term(kind, wanted.text, prefix=True), None)

    async def _messages(self, what: str, term: Term, filters: dict[str, str] | None) -> int:
        """Look for messages by what they carry; return how many there are, at most a few."""
        window = Window(EACH_MAX + 1)
        try:
            rows = (await messages.search(self._database, self._scope, [term], window)).rows
        except TooBroad:
            self._found.looked.append(Looked(what, 0, "Too many values fit: give more of it."))
            return 0
        for row in rows[:EACH_MAX]:
            self._found.add(message_hit(row))
        more = "There are more: these are the newest." if len(rows) > EACH_MAX else None
        shown = filters if rows else None
        self._found.looked.append(Looked(what, min(len(rows), EACH_MAX), more, shown))
        return len(rows)

    def _named(self, thing: Thing, what: str, hits: list[Hit]) -> None:
        if not self._may(thing):
            self._found.looked.append(Looked(what, 0, _unread(thing)))
            return
        for hit in hits[:EACH_MAX]:
            self._found.add(hit)
        more = "There are more: give more of the name." if len(hits) > EACH_MAX else None
        self._found.looked.append(Looked(what, min(len(hits), EACH_MAX), more))

    def _endpoints(self, wanted: Wanted) -> list[Hit]:
        return [
            endpoint_hit(one)
            for one in self._asked.manager.endpoints(self._scope)
            if _within(wanted.text, one.engine.url, one.description, one.uid)
        ]

    def _connections(self, wanted: Wanted) -> list[Hit]:
        return [
            connection_hit(one)
            for one in self._asked.manager.connections(self._scope)
            if _within(wanted.text, one.name, one.provider)
        ]

    def _types(self, wanted: Wanted) -> list[Hit]:
        own = self._asked.own_types.every(self._scope)
        known = {name: one.description for name, one in CATALOGUE.items()}
        known |= {one.own.name: one.own.description for one in own}
        return [
            Hit("event_type", name, name, description)
            for name, description in sorted(known.items())
            if _within(wanted.text, name)
        ]

    def _may(self, thing: Thing) -> bool:
        return self._asked.may(NEEDS[thing])


def _unread(thing: Thing) -> str:
    return f"Not looked for: this needs the scope {NEEDS[thing]}."


def _within(text: str, *names: str | None) -> bool:
    """Say whether a text of two characters or more stands in one of these names."""
    part = text.casefold()
    return len(part) > 1 and any(part in name.casefold() for name in names if name)


def message_hit(stored: StoredMessage) -> Hit:
    """Show a message: whom it is to or from, and how it stands."""
    message = stored.message
    inbound = message.direction == "inbound"
    party = message.from_ if inbound else message.to
    title = f"{'From' if inbound else 'To'} {party or 'nobody known'}"
    parts = (message.status, message.channel, message.provider, message.reference)
    shown, at_ms = ids.show("msg", stored.id), ids.time_of(stored.id)
    return Hit("message", shown, title, " · ".join(part for part in parts if part), at_ms)


def endpoint_hit(one: StoredEndpoint) -> Hit:
    """Show an endpoint: its description or URL, and whether it is disabled."""
    url = one.engine.url or "listens"
    parts = (url if one.description else "", one.uid, "disabled" if one.engine.disabled else "")
    return Hit(
        "endpoint", ids.show("end", one.engine.id), one.description or url,
        " · ".join(part for part in parts if part), ids.time_of(one.engine.id),
    )  # fmt: skip


def connection_hit(one: StoredConnection) -> Hit:
    """Show a connection: its name and its provider."""
    shown = ids.show("con", one.id)
    return Hit("connection", shown, one.name, one.provider, ids.time_of(one.id))
