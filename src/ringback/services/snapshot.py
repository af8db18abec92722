"""All configuration at one version, arranged for look-ups without a query. Values only."""

import uuid
from collections.abc import Iterable

import msgspec

from ringback.domain.endpoints import ApiKey, Connection, Endpoint, Mode, Tenant
from ringback.domain.event_types import OwnType, matches
from ringback.domain.ids import show
from ringback.domain.people import Person, Session

# Of so many types of event, each of a tenant and mode, it is remembered who wants them.
MATCHED_MAX = 100_000


class Snapshot(msgspec.Struct):
    """What the hot path knows: never changed, only replaced by a newer one."""

    version: int
    hash_key: bytes
    tenants: dict[int, Tenant]
    keys: dict[bytes, ApiKey]
    connections: dict[str, Connection]
    endpoints: dict[int, Endpoint]
    # By their ids as people see them, and by what their operators call them.
    tenants_by_name: dict[str, Tenant] = {}
    # The numbers of endpoints, by tenant, mode and what people call them.
    endpoints_by_name: dict[tuple[int, int, str], int] = {}
    # People who may sign in, and who has, by the hashes of their sessions' secrets.
    people: dict[uuid.UUID, Person] = {}
    sessions: dict[bytes, Session] = {}
    # What tenants say of their own types, by tenant, mode and name.
    own_types: dict[tuple[int, int, str], OwnType] = {}
    # How people reach this installation, without a final slash.
    base_url: str = ""
    _matched: dict[tuple[int, int, str], tuple[Endpoint, ...]] = {}
    _tenant_ids: dict[int, str] = {}

    def matching(self, tenant: int, mode: Mode, type_: str) -> tuple[Endpoint, ...]:
        """Return the enabled endpoints that want a type, in order of their numbers."""
        key = (tenant, mode, type_)
        found = self._matched.get(key)
        if found is None:
            found = tuple(
                endpoint
                for endpoint in self.endpoints.values()
                if endpoint.tenant == tenant
                and endpoint.mode == mode
                and not endpoint.disabled
                and not endpoint.listens
                and matches(endpoint.event_types, type_)
            )
            if len(self._matched) < MATCHED_MAX:
                self._matched[key] = found
        return found

    def chosen(self, numbers: Iterable[int]) -> list[Endpoint]:
        """Return the endpoints of these numbers that are enabled, in the order given."""
        found = (self.endpoints.get(number) for number in numbers)
        return [endpoint for endpoint in found if endpoint is not None and not endpoint.disabled]

    def number_of(self, tenant: int, mode: Mode, name: str) -> int | None:
        """Return the number of an endpoint by its id or its owner's, or None."""
        return self.endpoints_by_name.get((tenant, mode, name))

    def reachable(self) -> dict[int, Endpoint]:
        """Return all endpoints that are sent to, by their numbers.

        Those of suspended tenants as disabled: what they are owed waits. New events are owed to
        them all the same.
        """
        waiting = {
            number: msgspec.structs.replace(self.endpoints[number], disabled=True)
            for number in self.suspended()
        }
        every = self.endpoints | waiting
        return {number: endpoint for number, endpoint in every.items() if not endpoint.listens}

    def suspended(self) -> set[int]:
        """Return the numbers of the endpoints that suspended tenants have."""
        tenants = {tenant.no for tenant in self.tenants.values() if tenant.suspended}
        if not tenants:
            return set()
        return {no for no, endpoint in self.endpoints.items() if endpoint.tenant in tenants}

    def tenant_id(self, tenant: int) -> str:
        """Return a tenant's id as people see it."""
        shown = self._tenant_ids.get(tenant)
        if shown is None:
            shown = self._tenant_ids[tenant] = show("ten", self.tenants[tenant].id)
        return shown

    def connection_by_id(self, id_: uuid.UUID) -> Connection | None:
        """Return a connection by its id."""
        return next((c for c in self.connections.values() if c.id == id_), None)
