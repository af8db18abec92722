"""Changes of one thing that meet in the database: each is kept, whatever was in memory."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

import asyncpg
import msgspec

from ringback.domain.endpoints import DeliveryPolicy, Mode
from ringback.services import connection_changes
from ringback.services.connection_changes import Changes, Edges
from ringback.services.manage import EndpointChanges, Manager
from ringback.services.own_types import Asked, OwnTypes
from ringback.storage.audit import Actor
from ringback.storage.lists import Scope
from tests.services.stage import Stage

_WAITING = """
select count(*)::int from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


async def _waiting(stage: Stage) -> int:
    """Count the sessions that wait for another's lock."""
    (row,) = await stage.rows(_WAITING)
    return int(row[0])


async def _meet(stage: Stage, *changes: Coroutine[Any, Any, object]) -> None:
    """Let changes be made of the same state: none is committed before all have begun."""
    gate = await asyncpg.connect(stage.dsn)
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks, gate.transaction():
            # Each takes the next version last.
            await gate.execute("select from installation for update")
            for count, change in enumerate(changes, 1):
                tasks.create_task(change)
                while await _waiting(stage) < count:
                    await asyncio.sleep(0.01)
    finally:
        await gate.close()


async def test_what_was_disabled_stays_so_when_the_description_changes(stage: Stage) -> None:
    """Of two changes that meet neither undoes the other: fields, parts of the policy, headers."""
    engine = stage.engine
    endpoint = await stage.add_endpoint(f"{stage.sink.url}/shop", "shop.*")
    scope = Scope(endpoint.tenant, Mode.TEST)
    change = partial(
        Manager(engine.configuration, engine.database, engine.clock, None).change_endpoint,
        scope, endpoint.id,
    )  # fmt: skip

    def policy(**changed: Any) -> EndpointChanges:
        return EndpointChanges(delivery=lambda old: msgspec.structs.replace(old, **changed))

    await change(policy(allowed_networks=("10.1.0.0/16",)))
    await _meet(
        stage,
        change(EndpointChanges(enabled=False)),
        change(EndpointChanges(description="the shop")),
        change(policy(allowed_networks=())),
        change(policy(concurrency=3)),
        change(EndpointChanges(headers=(("x-shop", "one"),))),
        change(EndpointChanges(metadata={"a": "b"})),
    )
    await engine.configuration.reload()
    (now,) = (
        one for one in engine.configuration.everything.endpoints if one.engine.id == endpoint.id
    )
    assert (True, "Disabled by hand.") == (now.engine.disabled, now.disabled_for)
    assert ("the shop", {"a": "b"}) == (now.description, now.metadata)
    assert DeliveryPolicy(concurrency=3) == now.engine.policy
    assert (("x-shop", "one"),) == now.engine.headers
    rows = await stage.rows(
        "select action, count(*) from audit_entry where action like 'endpoint.%' group by 1"
    )
    # Each says what it has changed itself; what is opened and closed has an entry of its own.
    acts = {"endpoint.changed": 5, "endpoint.opened": 1, "endpoint.closed": 1}
    assert acts == {row[0]: row[1] for row in rows}


async def test_what_meets_at_a_connection_and_at_an_event_type_is_kept(stage: Stage) -> None:
    """A pause does not bring an old name back, and two who add one type add to each other's."""
    engine = stage.engine
    known = next(iter(engine.configuration.everything.connections))
    scope = Scope(known.tenant, known.mode)
    edges = Edges(engine.configuration, engine.clock, None)
    await _meet(
        stage,
        connection_changes.change(edges, scope, known, Changes(name="another name")),
        connection_changes.pause(edges, scope, known, "intake", "moving"),
        connection_changes.end_overlap(edges, scope, known),
    )
    types = OwnTypes(
        engine.configuration, engine.database, engine.clock, Actor(known.id, person=False)
    )
    await _meet(
        stage,
        types.put(scope, "shop.paid", Asked(description="somebody has paid")),
        types.put(scope, "shop.paid", Asked(example={"amount": 1})),
    )
    await engine.configuration.reload()
    everything = engine.configuration.everything
    (now,) = (one for one in everything.connections if one.id == known.id)
    assert "another name" == now.name
    assert now.pauses.intake is not None
    (made,) = everything.event_types
    assert ("somebody has paid", b'{"amount":1}') == (made.own.description, made.own.example)
