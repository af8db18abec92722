"""Holding events to what their tenant says of their types, before they are published."""

from ringback.domain.event_types import OwnType
from ringback.domain.json_schemas import WORK_MAX, compiled, faults_in, work_of
from ringback.domain.publishing import NewEvent
from ringback.errors import Fault, Invalid
from ringback.services.batch import Scope
from ringback.services.snapshot import Snapshot

_ARCHIVED = "This type is archived: nothing is published of it any more."
_UNUSABLE = "The schema of this type cannot be used by this version: put it anew."
_TOO_MUCH = "This is too much to hold to the type's schema: send less at a time."


def own_type(snapshot: Snapshot, scope: Scope, name: str) -> OwnType | None:
    """Return what a tenant says of a type, or None when it says nothing."""
    return snapshot.own_types.get((scope.tenant, scope.mode, name))


class Examiner:
    """Examines the events of one request: what all of them take together is bounded."""

    def __init__(self, snapshot: Snapshot, scope: Scope) -> None:
        """Take what the tenant says of its types."""
        self._snapshot = snapshot
        self._scope = scope
        self._work = 0

    def faults(self, event: NewEvent, pointer: str) -> list[Fault]:
        """Return what is wrong with an event by its type; `pointer` is its place."""
        own = own_type(self._snapshot, self._scope, event.type)
        if own is None:
            return []
        if own.archived:
            return [Fault(f"{pointer}/type", f"{_ARCHIVED} {own.note or ''}".rstrip())]
        if own.schema is None:
            return []
        try:
            schema = compiled(own.schema)
        except (Invalid, ValueError):
            return [Fault(f"{pointer}/type", _UNUSABLE)]
        data = bytes(event.data)
        self._work += work_of(schema, data)
        if self._work > WORK_MAX:
            return [Fault(f"{pointer}/data", _TOO_MUCH)]
        return faults_in(schema, data, f"{pointer}/data")


def warning(snapshot: Snapshot, scope: Scope, name: str) -> str | None:
    """Return what a publisher is to know of a deprecated type, or None."""
    own = own_type(snapshot, scope, name)
    if own is None or not own.deprecated:
        return None
    return f"{name} is deprecated. {own.note or ''}".rstrip()
