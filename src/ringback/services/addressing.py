"""Which endpoints a publisher names for an event: `deliver_to`, looked up without a query."""

from ringback.domain.publishing import NewEvent
from ringback.errors import Fault
from ringback.services.batch import Scope
from ringback.services.snapshot import Snapshot

_UNKNOWN = "There is no such endpoint of this tenant in this mode."
_DISABLED = "This endpoint is disabled: enable it, or leave it out."


def addressed(snapshot: Snapshot, scope: Scope, event: NewEvent) -> tuple[int, ...] | None:
    """Return the numbers of the endpoints that an event is for; None when it names none."""
    if event.deliver_to is None:
        return None
    found = {snapshot.number_of(scope.tenant, scope.mode, name) for name in event.deliver_to}
    return tuple(sorted(number for number in found if number is not None))


def faults_in_addresses(
    snapshot: Snapshot, scope: Scope, event: NewEvent, pointer: str
) -> list[Fault]:
    """Check the endpoints that an event names; `pointer` is the event's place."""
    faults = []
    for place, name in enumerate(event.deliver_to or ()):
        number = snapshot.number_of(scope.tenant, scope.mode, name)
        endpoint = None if number is None else snapshot.endpoints.get(number)
        if endpoint is None:
            faults.append(Fault(f"{pointer}/deliver_to/{place}", _UNKNOWN))
        elif endpoint.disabled:
            faults.append(Fault(f"{pointer}/deliver_to/{place}", _DISABLED))
    return faults
