"""What the audit log says of a change: one entry for each thing that was done, without secrets.

Pure but for `write`, which is called within the transaction of the change: neither is there without
the other.
"""

import os
from typing import Literal

import msgspec

from ringback.domain.endpoint_fields import masked
from ringback.domain.endpoints import DeliveryPolicy, Endpoint, Mode
from ringback.domain.hosts import InvalidUrl
from ringback.domain.ids import IdSequence, show
from ringback.domain.targets import Target
from ringback.storage import audit
from ringback.storage.audit import Actor
from ringback.storage.configuration import StoredConnection, StoredEndpoint
from ringback.storage.database import Connection
from ringback.storage.lists import Scope

Action = Literal[
    "endpoint.created", "endpoint.changed", "endpoint.deleted", "endpoint.disabled",
    "endpoint.opened", "endpoint.closed", "endpoint.secret_shown", "endpoint.secret_rotated",
    "endpoint.signature_checked",
    "endpoint.tested",
    "connection.created", "connection.deleted", "connection.changed", "connection.rotated",
    "connection.overlap_ended", "connection.paused", "connection.resumed",
    "connection.subscribed",
    "event_type.created", "event_type.changed", "event_type.deleted",
    "api_key.created", "api_key.revoked", "tenant.created", "tenant.changed", "tenant.deleted",
    "delivery.replay", "callback.reparse", "suppression.removed",
    "person.signed_in", "person.sign_in_failed", "person.signed_out", "person.session_ended",
    "person.invited", "person.joined", "person.changed", "person.removed", "person.link_made",
    "person.password_set", "personal.revealed", "mapping.tried",
]  # fmt: skip
OPENINGS = ("allowed_networks", "allowed_hosts", "allowed_ports")
# Fields that the API names otherwise.
_API_NAMES = {"schedule_s": "retry_schedule_s"}
Detail = dict[str, object]


class Act(msgspec.Struct, frozen=True):
    """One thing that was done, the id of what it was done to, and what people want to know."""

    action: Action
    about: str
    detail: Detail = {}


async def write(
    connection: Connection, scope: Scope, actor: Actor | None, now_ms: int, *acts: Act
) -> None:
    """Write entries down, in the caller's transaction. No actor: the installation itself."""
    ids = IdSequence(now_ms, os.urandom(10))
    for act in acts:
        await audit.add(connection, scope, ids.next(), actor, act.action, act.about, act.detail)


async def write_of_people(
    connection: Connection, tenant: int, actor: Actor | None, now_ms: int, *acts: Act
) -> None:
    """Write down what is of no mode, such as who signed in: in both, whichever is looked at."""
    for mode in Mode:
        await write(connection, Scope(tenant, mode), actor, now_ms, *acts)


def endpoint_created(made: StoredEndpoint) -> list[Act]:
    """Say that an endpoint was made, and what was opened with it."""
    about = show("end", made.engine.id)
    fields = {name: value for name, value in _fields(made).items() if name != "enabled"}
    created = Act("endpoint.created", about, fields)
    return [created, *_openings(about, DeliveryPolicy(), made.engine.policy)]


def endpoint_changed(before: StoredEndpoint, after: StoredEndpoint) -> list[Act]:
    """Say what has changed, each field with what it was and what it is; nothing if nothing did."""
    about = show("end", before.engine.id)
    old, new = _fields(before), _fields(after)
    changed: Detail = {
        name: {"from": old.get(name), "to": new.get(name)}
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    }
    acts = [Act("endpoint.changed", about, changed)] if changed else []
    return [*acts, *_openings(about, before.engine.policy, after.engine.policy)]


def endpoint_disabled(endpoint: Endpoint, reason: str) -> Act:
    """Say that an endpoint was disabled by what it answered."""
    return Act("endpoint.disabled", show("end", endpoint.id), {"reason": reason})


def endpoint_deleted(endpoint: StoredEndpoint) -> Act:
    """Say that an endpoint was deleted, and where it was."""
    detail: Detail = {"url": _shown(endpoint.engine.url), "description": endpoint.description}
    return Act("endpoint.deleted", show("end", endpoint.engine.id), detail)


def of_connection(
    action: Literal["connection.created", "connection.deleted"], connection: StoredConnection
) -> Act:
    """Say that a connection was made or deleted; of its config only which fields it has."""
    fields = sorted(connection.config)
    detail: Detail = {"provider": connection.provider, "name": connection.name, "config": fields}
    return Act(action, show("con", connection.id), detail)


def _openings(about: str, before: DeliveryPolicy, after: DeliveryPolicy) -> list[Act]:
    opened, closed = {}, {}
    for name in OPENINGS:
        old, new = getattr(before, name), getattr(after, name)
        if more := [one for one in new if one not in old]:
            opened[name] = more
        if fewer := [one for one in old if one not in new]:
            closed[name] = fewer
    acts = [Act("endpoint.opened", about, dict(opened))] if opened else []
    return [*acts, *([Act("endpoint.closed", about, dict(closed))] if closed else [])]


def _fields(endpoint: StoredEndpoint) -> Detail:
    engine = endpoint.engine
    return {
        "url": _shown(engine.url),
        "event_types": list(engine.event_types),
        "description": endpoint.description,
        "uid": endpoint.uid,
        "metadata": endpoint.metadata,
        "headers": {name: masked(value) for name, value in engine.headers},
        "enabled": not engine.disabled,
        **{
            _API_NAMES.get(name, name): list(value) if isinstance(value, tuple) else value
            for name, value in msgspec.structs.asdict(engine.policy).items()
            if name not in OPENINGS
        },
    }


def _shown(url: str) -> str:
    """Show a URL without its query, which may hold a secret; a listening endpoint has none."""
    if not url:
        return ""
    try:
        return Target.parse(url).shown
    except InvalidUrl:
        return "a URL that cannot be read"
