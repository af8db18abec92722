"""Creating, changing and deleting what people configure: endpoints and connections.

Every change goes through `Configuration.change`: when a function here returns, every living worker
goes by it. Who may do it is decided before; what is asked for is checked here.
"""

import ipaddress
import os
import re
import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from ringback.domain.delivery_policy import faults_in_policy
from ringback.domain.egress import Own, judge, may_be_own
from ringback.domain.endpoint_fields import (
    faults_in_headers,
    faults_in_metadata,
    faults_in_uid,
)
from ringback.domain.endpoints import DeliveryPolicy, Endpoint, Mode
from ringback.domain.event_types import faults_in_patterns
from ringback.domain.hosts import InvalidUrl, IpAddress
from ringback.domain.ids import show, uuid7
from ringback.domain.signing import SECRET_BYTES, new_secret, secret_key
from ringback.domain.targets import Target
from ringback.errors import Fault, Invalid, RingbackError
from ringback.services import audit, catalogue, quarantine
from ringback.services.audit import Act
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.guards import LOCKED, OPEN, Guards
from ringback.storage import configuration as stored
from ringback.storage import deliveries, inspector, listening
from ringback.storage.audit import Actor
from ringback.storage.configuration import StoredConnection, StoredEndpoint
from ringback.storage.database import Connection as DatabaseConnection
from ringback.storage.database import Database
from ringback.storage.lists import Scope

TEST_ENDPOINT_DAYS = 7
# A listening endpoint lives at least so long after it was last read.
LISTEN_S = 86_400
_RENEWED_S = LISTEN_S + 3600
# All of them are in every worker's memory.
ENDPOINTS_MAX = 1000
CONNECTIONS_MAX = 1000
TOKEN_MAX = 128
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,128}")
_TOKEN_BYTES = 16


class TokenTaken(RingbackError):
    """Another connection of this installation has this token in its callback URL."""


class LimitReached(RingbackError):
    """This tenant and mode has as many of these as it may have."""


class NewEndpoint(msgspec.Struct, frozen=True):
    """What a new endpoint is to be: without a URL it listens; a secret is made unless given."""

    url: str
    event_types: list[str]
    description: str = ""
    secret: str | None = None
    delivery: DeliveryPolicy = DeliveryPolicy()
    uid: str | None = None
    metadata: dict[str, str] = {}
    headers: tuple[tuple[str, str], ...] = ()


class EndpointChanges(msgspec.Struct, frozen=True):
    """What is to change of an endpoint; None leaves a field as it is.

    `delivery` makes the new policy from the one that is stored when the change is written.
    """

    url: str | None = None
    event_types: list[str] | None = None
    description: str | None = None
    enabled: bool | None = None
    delivery: Callable[[DeliveryPolicy], DeliveryPolicy] | None = None
    uid: str | None = None
    metadata: dict[str, str] | None = None
    headers: tuple[tuple[str, str], ...] | None = None


class NewConnection(msgspec.Struct, frozen=True):
    """What a new connection is to be; a token is made unless one is given."""

    provider: str
    name: str
    config: dict[str, object]
    token: str | None = None
    public_url: str | None = None
    on_bad_signature: Literal["reject", "quarantine"] = "reject"


def checked_public_url(url: str, mode: Mode) -> str:
    """Return the address at which a provider reaches this installation. Raises Invalid."""
    pointer = "/public_url"
    try:
        target = Target.parse(url)
    except InvalidUrl as error:
        raise Invalid(Fault(pointer, str(error))) from error
    if "?" in url or "#" in url:
        raise Invalid(Fault(pointer, "Write it without a query."))
    if target.scheme != "https" and mode is Mode.LIVE:
        raise Invalid(Fault(pointer, "Live connections are called by https."))
    return url.rstrip("/")


class Manager:
    """Changes configuration on behalf of one request's tenant and mode."""

    def __init__(
        self,
        configuration: Configuration,
        database: Database,
        clock: Clock,
        own: Own | None,
        guards: Guards = OPEN,
        actor: Actor | None = None,
    ) -> None:
        """Take the edges.

        `own` is our own listener, whose pages under /inspect/ may be sent to; `guards` say what
        else may be reached. `actor` is who asks: it is named in the audit log.
        """
        self._configuration = configuration
        self._database = database
        self._clock = clock
        self._own = own
        self._guards = guards
        self._actor = actor

    async def add_endpoint(self, scope: Scope, new: NewEndpoint) -> StoredEndpoint:
        """Add an endpoint and return it.

        Raises:
            Invalid: the URL, a pattern or the secret is wrong.
            LimitReached: there are 1,000 already.
            UidTaken: another endpoint has this own id.

        """
        mode = Mode(scope.mode)
        faults = self._faults_in_url(new.url, mode, new.delivery) if new.url else []
        faults += self._faults_in_delivery(new.delivery)
        faults += faults_in_patterns(new.event_types, "/event_types")
        faults += faults_in_secret(new.secret)
        faults += _faults_in_fields(new.uid, new.metadata, new.headers)
        if faults:
            raise Invalid(*faults)
        if len(self.endpoints(scope)) >= ENDPOINTS_MAX:
            raise LimitReached(f"There are {ENDPOINTS_MAX} endpoints already; delete some.")
        now = self._now()
        engine = Endpoint(
            0, self._new_id(), scope.tenant, mode, new.url, tuple(new.event_types), (),
            policy=new.delivery, headers=new.headers,
        )  # fmt: skip
        secret = new.secret or new_secret(os.urandom(SECRET_BYTES))
        endpoint = StoredEndpoint(
            engine, [secret], new.description, now, now, None, None, self._expiry(engine), new.uid,
            new.metadata,
        )  # fmt: skip
        async with self._configuration.change() as connection:
            await stored.add_endpoint(connection, self._configuration.vault, endpoint)
            await self._audit(connection, scope, *audit.endpoint_created(endpoint))
        return self._endpoint(scope, engine.id) or endpoint

    async def change_endpoint(
        self, scope: Scope, id_: uuid.UUID, changes: EndpointChanges
    ) -> StoredEndpoint | None:
        """Change an endpoint and return it; None when there is none. A test one lives on.

        What others change at the same time stays changed: only what is asked for is written over
        what is stored by then.

        Raises:
            Invalid: the URL, a pattern or another field is wrong.
            UidTaken: another endpoint has this own id.

        """
        if self._endpoint(scope, id_) is None:
            return None
        headers, vault = changes.headers, self._configuration.vault
        place = (id_, scope.tenant, Mode(scope.mode))
        async with self._configuration.change() as connection:
            known = await stored.held_endpoint(connection, vault, place)
            if known is None:
                return None
            changed = self._changed(known, changes)
            if faults := self._faults_in_changes(known.engine, changed.engine, changes):
                raise Invalid(*faults)
            await stored.update_endpoint(connection, changed)
            await self._audit(connection, scope, *audit.endpoint_changed(known, changed))
            if headers is not None:
                await stored.reseal_endpoint(
                    connection, vault, known.engine,
                    lambda sealed: msgspec.structs.replace(sealed, headers=headers),
                )  # fmt: skip
        return self._endpoint(scope, id_)

    def _faults_in_changes(
        self, known: Endpoint, changed: Endpoint, changes: EndpointChanges
    ) -> list[Fault]:
        """Check what was asked for, and what the endpoint is with it."""
        faults: list[Fault] = []
        if known.listens:
            faults += _faults_in_listening(changes)
        elif changes.url is not None or changes.delivery is not None:
            faults += self._faults_in_url(changed.url, changed.mode, changed.policy)
            faults += self._faults_in_delivery(changed.policy)
        if changes.event_types is not None:
            faults += faults_in_patterns(changes.event_types, "/event_types")
        return faults + _faults_in_fields(changes.uid, changes.metadata, changes.headers)

    def _changed(self, known: StoredEndpoint, changes: EndpointChanges) -> StoredEndpoint:
        old = known.engine
        engine = msgspec.structs.replace(
            old,
            url=old.url if changes.url is None else changes.url,
            event_types=(
                old.event_types if changes.event_types is None else tuple(changes.event_types)
            ),
            disabled=old.disabled if changes.enabled is None else not changes.enabled,
            policy=old.policy if changes.delivery is None else changes.delivery(old.policy),
            headers=old.headers if changes.headers is None else changes.headers,
        )
        by_hand = changes.enabled is False
        return msgspec.structs.replace(
            known,
            engine=engine,
            description=known.description if changes.description is None else changes.description,
            disabled_for="Disabled by hand." if by_hand else known.disabled_for,
            expires=self._expiry(engine),
            uid=known.uid if changes.uid is None else changes.uid,
            metadata=known.metadata if changes.metadata is None else changes.metadata,
        )

    async def delete_endpoint(self, scope: Scope, id_: uuid.UUID) -> bool:
        """Delete an endpoint and cancel what it is still owed; False when there is none."""
        known = self._endpoint(scope, id_)
        if known is None:
            return False
        async with self._configuration.change() as connection:
            if not await stored.delete_endpoint(connection, id_, scope.tenant, Mode(scope.mode)):
                return False
            await self._audit(connection, scope, audit.endpoint_deleted(known))
        # No worker brings anything new for it now.
        while await deliveries.cancel(self._database, known.engine.no):
            pass
        return True

    async def add_connection(self, scope: Scope, new: NewConnection) -> StoredConnection:
        """Add a connection and return it.

        Raises:
            Invalid: the provider, its config, the token or the address is wrong.
            TokenTaken: another connection has this token.
            LimitReached: there are 1,000 already.

        """
        faults = []
        if new.token is not None and not _TOKEN.fullmatch(new.token):
            detail = f"Write 8 to {TOKEN_MAX} letters, digits, hyphens or underscores."
            faults.append(Fault("/token", detail))
        public_url = None
        try:
            if new.public_url:
                public_url = checked_public_url(new.public_url, Mode(scope.mode))
        except Invalid as error:
            faults += error.faults
        try:
            catalogue.check_config(new.provider, new.config)
        except Invalid as error:
            faults += error.faults
        wanted, now = new.on_bad_signature, self._clock.now_ms()
        if not faults and wanted == "quarantine":
            faults = quarantine.faults(new.provider, new.config, "/on_bad_signature", now)
        if faults:
            raise Invalid(*faults)
        if len(self.connections(scope)) >= CONNECTIONS_MAX:
            raise LimitReached(f"There are {CONNECTIONS_MAX} connections already; delete some.")
        made = self._now()
        connection = StoredConnection(
            0, self._new_id(), scope.tenant, Mode(scope.mode), new.provider, new.name,
            new.token or secrets.token_urlsafe(_TOKEN_BYTES), new.config, made, made,
            public_url, new.on_bad_signature,
        )  # fmt: skip
        async with self._configuration.change() as session:
            vault = self._configuration.vault
            if await stored.add_connection(session, vault, connection) is None:
                raise TokenTaken("Another connection has this token.")
            await self._audit(session, scope, audit.of_connection("connection.created", connection))
        return self.connection(scope, connection.id) or connection

    async def delete_connection(self, scope: Scope, id_: uuid.UUID) -> bool:
        """Delete a connection: its callback URL is not known from then on; False if none."""
        known = self.connection(scope, id_)
        if known is None:
            return False
        async with self._configuration.change() as session:
            if not await stored.delete_connection(session, id_, scope.tenant, Mode(scope.mode)):
                return False
            await self._audit(session, scope, audit.of_connection("connection.deleted", known))
        return True

    async def secret(self, scope: Scope, endpoint: StoredEndpoint) -> str:
        """Return the secret that signs for an endpoint; that it was shown is in the audit log."""
        shown = Act("endpoint.secret_shown", show("end", endpoint.engine.id))
        async with self._database.acquire() as connection:
            await self._audit(connection, scope, shown)
        return endpoint.secrets[0]

    async def note_check(self, scope: Scope, endpoint: StoredEndpoint) -> None:
        """Write down that a signature was checked with an endpoint's secrets."""
        checked = Act("endpoint.signature_checked", show("end", endpoint.engine.id))
        async with self._database.acquire() as connection:
            await self._audit(connection, scope, checked)

    async def clear_inspected(self, scope: Scope, name: str) -> None:
        """Forget the requests that the inspector received under a name."""
        await inspector.clear(self._database, scope.tenant, scope.mode, name)

    def endpoints(self, scope: Scope) -> list[StoredEndpoint]:
        """Return the endpoints of a tenant and mode, newest first."""
        found = [
            endpoint
            for endpoint in self._configuration.everything.endpoints
            if (endpoint.engine.tenant, endpoint.engine.mode) == scope
            and (endpoint.expires is None or endpoint.expires > self._now())
        ]
        return sorted(found, key=lambda endpoint: endpoint.engine.id, reverse=True)

    def endpoint(self, scope: Scope, id_: uuid.UUID) -> StoredEndpoint | None:
        """Return an endpoint, or None when this tenant and mode has none of this id."""
        return self._endpoint(scope, id_)

    def endpoint_by_uid(self, scope: Scope, uid: str) -> StoredEndpoint | None:
        """Return an endpoint by its owner's own id, or None."""
        return next((one for one in self.endpoints(scope) if one.uid == uid), None)

    def _endpoint(self, scope: Scope, id_: uuid.UUID) -> StoredEndpoint | None:
        return next((one for one in self.endpoints(scope) if one.engine.id == id_), None)

    def connections(self, scope: Scope) -> list[StoredConnection]:
        """Return the connections of a tenant and mode, newest first."""
        found = [
            connection
            for connection in self._configuration.everything.connections
            if (connection.tenant, connection.mode) == scope
        ]
        return sorted(found, key=lambda connection: connection.id, reverse=True)

    def connection(self, scope: Scope, id_: uuid.UUID) -> StoredConnection | None:
        """Return a connection, or None when this tenant and mode has none of this id."""
        return next((one for one in self.connections(scope) if one.id == id_), None)

    async def _audit(self, connection: DatabaseConnection, scope: Scope, *acts: Act) -> None:
        """Write down what was done, in the transaction that does it."""
        await audit.write(connection, scope, self._actor, self._clock.now_ms(), *acts)

    def _faults_in_delivery(self, delivery: DeliveryPolicy) -> list[Fault]:
        faults = faults_in_policy(delivery, "/delivery")
        if self._guards.locked:
            for name in audit.OPENINGS:
                if getattr(delivery, name):
                    faults.append(Fault(f"/delivery/{name}", LOCKED))
        return faults

    def _faults_in_url(self, url: str, mode: Mode, delivery: DeliveryPolicy) -> list[Fault]:
        """Judge a URL as far as that goes without resolving its host: sending judges it again."""
        try:
            target = Target.parse(url)
        except InvalidUrl as error:
            return [Fault("/url", str(error))]
        if may_be_own(target, self._own):
            return []
        try:
            policy = self._guards.policy(mode, delivery)
        except ValueError:
            # The networks are wrong; that is said at their own place.
            policy = self._guards.policy(mode, DeliveryPolicy())
        verdict = judge(target, _addresses(target), policy, self._own)
        if verdict.allowed:
            return []
        advice = self._guards.advice(target, verdict, delivery)
        said = f"{verdict.reason[:1].upper()}{verdict.reason[1:]}. {advice.words}"
        return [Fault("/url", said.rstrip(), advice.change)]

    async def keep_listening(self, scope: Scope, id_: uuid.UUID) -> None:
        """Let a listening endpoint live on, because it is read; writes at most once an hour."""
        known = self._endpoint(scope, id_)
        if known is None or known.expires is None:
            return
        if known.expires - self._now() < timedelta(seconds=LISTEN_S):
            expires = self._expiry(known.engine)
            assert expires is not None
            async with self._configuration.change() as connection:
                await listening.renew(connection, id_, scope, expires)

    def _expiry(self, endpoint: Endpoint) -> datetime | None:
        if endpoint.listens:
            return self._now() + timedelta(seconds=_RENEWED_S)
        if endpoint.mode == Mode.TEST:
            return self._now() + timedelta(days=TEST_ENDPOINT_DAYS)
        return None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)

    def _new_id(self) -> uuid.UUID:
        return uuid7(self._clock.now_ms(), os.urandom(10))


def faults_in_secret(secret: str | None) -> list[Fault]:
    """Check a signing secret that an owner brings along."""
    if secret is None or secret_key(secret) is not None:
        return []
    detail = "Write whsec_ and the base64 of 24 to 64 random bytes, or leave it out."
    return [Fault("/secret", detail)]


def _faults_in_fields(
    uid: str | None, metadata: dict[str, str] | None, headers: tuple[tuple[str, str], ...] | None
) -> list[Fault]:
    faults = [] if uid is None else faults_in_uid(uid)
    return [*faults, *faults_in_metadata(metadata or {}), *faults_in_headers(headers or ())]


def _faults_in_listening(changes: EndpointChanges) -> list[Fault]:
    """Check what is to change of an endpoint without a URL."""
    faults = []
    if changes.url is not None:
        faults.append(Fault("/url", "It listens: add another endpoint for this URL."))
    if changes.delivery is not None:
        faults.append(Fault("/delivery", "It listens: it is told at once, and once."))
    return faults


def _addresses(target: Target) -> list[IpAddress]:
    """Return the addresses that the URL itself shows: a literal one, or what localhost means."""
    if target.literal:
        return [ipaddress.ip_address(target.host)]
    if target.host == "localhost" or target.host.endswith(".localhost"):
        return [ipaddress.ip_address("127.0.0.1")]
    return []
