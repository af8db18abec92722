"""Changing a connection that there is: its name, its address, and its secrets with an overlap.

When a function here returns, every worker goes by it. Nobody has to do anything when an overlap
ends.
"""

from typing import Literal, NamedTuple

import msgspec

from ringback.domain.endpoints import Connection, Mode, Pause
from ringback.domain.ids import show
from ringback.errors import Fault, Invalid
from ringback.providers import registry
from ringback.services import audit, catalogue, quarantine
from ringback.services.audit import Act
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.manage import LimitReached, checked_public_url
from ringback.storage import configuration as stored
from ringback.storage.audit import Actor
from ringback.storage.configuration import SealedConnection, StoredConnection
from ringback.storage.lists import Scope

OVERLAP_S = 24 * 3600
OVERLAP_MAX_S = 7 * 24 * 3600
# How long a config that no longer counts is kept, to tell why a callback is refused.
REMEMBERED_MS = 7 * 86_400_000
EARLIER_MAX = 3
OnBadSignature = Literal["reject", "quarantine"]
Part = Literal["intake", "processing"]


class Edges(NamedTuple):
    """What a change is made with; `actor` is who asks."""

    configuration: Configuration
    clock: Clock
    actor: Actor | None


class Changes(msgspec.Struct, frozen=True):
    """What is to change; None leaves a field as it is, an empty `public_url` removes it."""

    name: str | None = None
    public_url: str | None = None
    on_bad_signature: OnBadSignature | None = None


async def change(
    edges: Edges, scope: Scope, known: StoredConnection, changes: Changes
) -> StoredConnection | None:
    """Change a connection and return it; None when it is gone. Raises Invalid."""
    url = changes.public_url
    if url:
        url = checked_public_url(url, Mode(scope.mode))

    now, wanted = edges.clock.now_ms(), changes.on_bad_signature

    def changed(old: SealedConnection) -> SealedConnection:
        if wanted == "quarantine":
            _check_quarantine(known.provider, old.config, "/on_bad_signature", now)
        return msgspec.structs.replace(
            old,
            public_url=old.public_url if url is None else url or None,
            on_bad_signature=changes.on_bad_signature or old.on_bad_signature,
            previous=_remembered(old, now),
        )

    given = {name: value for name, value in msgspec.structs.asdict(changes).items() if value}
    act = Act("connection.changed", show("con", known.id), {**given})
    return await _write(edges, scope, known, changed, act, changes.name)


async def rotate(
    edges: Edges, scope: Scope, known: StoredConnection, fields: dict[str, object], overlap_s: int
) -> StoredConnection | None:
    """Take `fields` into the config; what was counts for `overlap_s` seconds more.

    None when the connection is gone.

    Raises:
        Invalid: the config would be wrong, is the one there is, takes secrets elsewhere that are
            not given, or makes a proof that quarantine does not keep.
        LimitReached: three earlier ones count already.

    """
    now = edges.clock.now_ms()
    ends = now + overlap_s * 1000

    def changed(old: SealedConnection) -> SealedConnection:
        config = {**old.config, **fields}
        catalogue.check_config(known.provider, config)
        if config == old.config:
            raise Invalid(Fault("/config", "That is the config there is."))
        _check_destinations(known.provider, old.config, fields)
        kind = old.on_bad_signature
        if kind == "quarantine":
            _check_quarantine(known.provider, config, "/config", now)
        kept = _remembered(old, now)
        if len([one for one in kept if one[1] > now]) >= EARLIER_MAX:
            raise LimitReached(f"{EARLIER_MAX} earlier configs count already; end their overlap.")
        earlier = _latest([(old.config, ends), *kept])
        return msgspec.structs.replace(old, config=config, previous=earlier)

    detail: audit.Detail = {"overlap_s": overlap_s, "config": sorted(fields)}
    act = Act("connection.rotated", show("con", known.id), detail)
    return await _write(edges, scope, known, changed, act)


async def end_overlap(
    edges: Edges, scope: Scope, known: StoredConnection
) -> StoredConnection | None:
    """Let only the newest config count from now on; None when the connection is gone."""
    now = edges.clock.now_ms()

    def changed(old: SealedConnection) -> SealedConnection:
        ended = [(config, min(until, now)) for config, until in _remembered(old, now)]
        return msgspec.structs.replace(old, previous=ended)

    act = Act("connection.overlap_ended", show("con", known.id))
    return await _write(edges, scope, known, changed, act)


async def pause(
    edges: Edges, scope: Scope, known: StoredConnection, part: Part, reason: str
) -> StoredConnection | None:
    """Pause the intake or the processing of a connection, unless that is paused already.

    None when the connection is gone.

    Raises:
        Invalid: nothing can be held of it, because its callers are told what became of it.

    """
    if getattr(known.pauses, part) is not None:
        return known
    if part == "processing" and registry.get(known.provider).keyed:
        words = "Its callers are told the ids of what they post: pause its intake instead."
        raise Invalid(Fault("/part", words))
    actor = edges.actor
    made = Pause(
        edges.clock.now_ms(), actor.id if actor else None, actor is not None and actor.person,
        reason,
    )  # fmt: skip

    def changed(old: SealedConnection) -> SealedConnection:
        if getattr(old.pauses, part) is not None:
            return old
        pauses = msgspec.structs.replace(old.pauses, **{part: made})
        return msgspec.structs.replace(old, pauses=pauses)

    about: audit.Detail = {"part": part, "reason": reason}
    act = Act("connection.paused", show("con", known.id), about)
    return await _write(edges, scope, known, changed, act)


async def resume(
    edges: Edges, scope: Scope, known: StoredConnection, part: Part
) -> StoredConnection | None:
    """Let intake or processing go on; what was held is read from now on. None when it is gone."""
    if getattr(known.pauses, part) is None:
        return known
    now = edges.clock.now_ms()

    def changed(old: SealedConnection) -> SealedConnection:
        resumed = now if part == "processing" else old.pauses.resumed
        pauses = msgspec.structs.replace(old.pauses, resumed=resumed, **{part: None})
        return msgspec.structs.replace(old, pauses=pauses)

    act = Act("connection.resumed", show("con", known.id), {"part": part})
    return await _write(edges, scope, known, changed, act)


async def worked_off(edges: Edges, connection: Connection) -> None:
    """Note that nothing is held of a connection any more, unless it was paused again."""

    def changed(old: SealedConnection) -> SealedConnection:
        if old.pauses != connection.pauses:
            return old
        pauses = msgspec.structs.replace(old.pauses, resumed=None)
        return msgspec.structs.replace(old, pauses=pauses)

    configuration = edges.configuration
    place = (connection.id, connection.tenant, connection.mode)
    async with configuration.change() as session:
        await stored.change_connection(session, configuration.vault, place, None, changed)


async def forget(edges: Edges) -> None:
    """Erase configs whose overlap has been over for seven days: nothing needs them any more."""
    now = edges.clock.now_ms()

    def changed(old: SealedConnection) -> SealedConnection:
        return msgspec.structs.replace(old, previous=_remembered(old, now))

    configuration = edges.configuration
    old = [
        one
        for one in configuration.everything.connections
        if any(until <= now - REMEMBERED_MS for _, until in one.previous)
    ]
    if not old:
        return
    async with configuration.change() as session:
        for one in old:
            place = (one.id, one.tenant, one.mode)
            await stored.change_connection(session, configuration.vault, place, None, changed)


def _remembered(old: SealedConnection, now_ms: int) -> list[tuple[dict[str, object], int]]:
    return [one for one in old.previous if one[1] > now_ms - REMEMBERED_MS]


def _latest(earlier: list[tuple[dict[str, object], int]]) -> list[tuple[dict[str, object], int]]:
    """Return the three that count longest, in the order they are in.

    What is only remembered must not push out what still counts.
    """
    places = sorted(range(len(earlier)), key=lambda place: -earlier[place][1])[:EARLIER_MAX]
    return [earlier[place] for place in sorted(places)]


def _check_quarantine(provider: str, config: dict[str, object], pointer: str, now_ms: int) -> None:
    """Make sure that what is quarantined can be read one day. Raises Invalid."""
    if faults := quarantine.faults(provider, config, pointer, now_ms):
        raise Invalid(*faults)


def _check_destinations(
    provider: str, config: dict[str, object], fields: dict[str, object]
) -> None:
    """Make sure that nobody has secrets sent elsewhere who does not know them. Raises Invalid."""
    faults = [
        Fault(f"/config/{secret}", f"Give it again: {name} says where it is sent.")
        for name, secrets in catalogue.destinations(provider).items()
        if name in fields and fields[name] != config.get(name)
        for secret in secrets
        if config.get(secret) is not None and secret not in fields
    ]
    if faults:
        raise Invalid(*faults)


async def _write(
    edges: Edges, scope: Scope, known: StoredConnection, changed: stored.Reseal, act: Act,
    name: str | None = None,
) -> StoredConnection | None:  # fmt: skip
    configuration = edges.configuration
    async with configuration.change() as session:
        place = (known.id, scope.tenant, Mode(scope.mode))
        if not await stored.change_connection(session, configuration.vault, place, name, changed):
            return None
        await audit.write(session, scope, edges.actor, edges.clock.now_ms(), act)
    found = (one for one in configuration.everything.connections if one.id == known.id)
    return next(found, None)
