"""Who asks: the key or the session of a request, whom it acts for, and whether it may do this.

What each operation needs stands in domain/scopes.py; nothing here names one.
"""

from typing import Annotated

import msgspec
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ringback.api.context import Context
from ringback.api.cookies import check_origin, check_site, secret_in
from ringback.api.problems import Problem, Where, unavailable
from ringback.domain.endpoints import Mode
from ringback.domain.people import Session, secret_hash
from ringback.domain.scopes import OPERATIONS
from ringback.services.access import (
    MODE_HEADER,
    TENANT_HEADER,
    Asker,
    Denied,
    SignedIn,
    bearer,
    identify,
    identify_session,
)
from ringback.services.keys import Keys
from ringback.services.manage import Manager
from ringback.services.own_types import OwnTypes
from ringback.services.rate_limits import Taken
from ringback.services.rotation import Rotation
from ringback.services.tenants import Tenants
from ringback.storage.lists import Scope

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="An API key: rk_live_… or rk_test_… stands for one tenant and mode; rk_op_… is an "
    "operator's and says with the headers Ringback-Tenant and Ringback-Mode for whom it acts.",
)


class Caller(msgspec.Struct, frozen=True):
    """Whoever asks, and what a handler needs to answer them.

    `scope` is the tenant and mode that is acted for; (0, 0) is the installation itself.
    """

    context: Context
    scope: Scope
    asker: Asker

    @property
    def manager(self) -> Manager:
        """What changes configuration on behalf of this caller."""
        return self.context.manager(self.asker.actor)

    @property
    def own_types(self) -> OwnTypes:
        """What describes types of events on behalf of this caller."""
        context = self.context
        return OwnTypes(context.configuration, context.database, context.clock, self.asker.actor)

    @property
    def rotation(self) -> Rotation:
        """What rotates signing secrets on behalf of this caller."""
        return Rotation(
            self.context.configuration, self.context.clock, self.manager, self.asker.actor
        )

    @property
    def keys(self) -> Keys:
        """What makes and revokes API keys on behalf of this caller."""
        return Keys(
            self.context.configuration, self.context.database, self.context.clock, self.asker,
            self.context.rate_limits,
        )  # fmt: skip

    @property
    def tenants(self) -> Tenants:
        """What adds, changes and deletes tenants on behalf of this caller."""
        return Tenants(
            self.context.configuration, self.context.database, self.context.clock,
            self.asker.actor,
        )  # fmt: skip

    @property
    def mode(self) -> Mode:
        """The mode that is acted in; never asked for the installation itself."""
        return Mode(self.scope.mode)

    def only_in_test_mode(self, what: str) -> None:
        """Raise a problem unless the key is a test key."""
        if self.mode != Mode.TEST:
            raise Problem("test_mode_only", f"{what} has test data only: use a test key.")


def denied(error: Denied) -> Problem:
    """Make a problem of what a key may not do."""
    where = [Where(error.detail, parameter=error.header)] if error.header else []
    return Problem(error.code, error.detail, where, error.headers)


def asker_of(context: Context, request: Request) -> Asker:
    """Find out who asks and for whom, once for each request.

    Raises Problem when nobody known does, or somebody too often.
    """
    state = request.scope["state"]
    asker: Asker = state.get("asker") or identified(context, request)
    if "asker" not in state:
        state["asker"] = asker
        state["rate"] = context.rate_limits.take(asker.key)
    taken: Taken | None = state["rate"]
    if taken is not None and not taken.allowed:
        raise Problem("rate_limited", taken.words)
    return asker


def identified(context: Context, request: Request) -> Asker:
    """Find out who asks as of now, however long ago the request began. Raises Problem."""
    if not context.held():
        # Keys may have been revoked while this worker was cut off.
        raise unavailable()
    headers, secret = request.headers, secret_in(request)
    place = (headers.get(TENANT_HEADER), headers.get(MODE_HEADER))
    snapshot, now_ms = context.configuration.snapshot, context.clock.now_ms()
    try:
        if secret is not None:
            check_site(request, context.public_url, secret)
            return identify_session(snapshot, now_ms, secret, *place)
        return identify(snapshot, now_ms, bearer(headers.get("authorization")), *place)
    except Denied as error:
        raise denied(error) from None


async def authenticate(
    request: Request,
    _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """Find out who asks. Raises Problem when nobody known does, or may not do this."""
    context: Context = request.app.state.context
    asker = asker_of(context, request)
    try:
        asker.allow(OPERATIONS[request.scope["route"].name])
    except Denied as error:
        raise denied(error) from None
    if asker.signed_in is not None:
        context.session_use.note(asker.signed_in.session.id)
    else:
        context.key_use.note(asker.key.id)
    return Caller(context, Scope(asker.tenant, asker.mode or 0), asker)


CallerDep = Annotated[Caller, Depends(authenticate)]


def only_signed_in(caller: Caller) -> SignedIn:
    """Return who is signed in. Raises Problem when a key asks."""
    signed_in = caller.asker.signed_in
    if signed_in is None:
        raise Problem("unauthenticated", "This is for people who are signed in, not for keys.")
    return signed_in


async def leaving(
    request: Request, key: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Session:
    """Return the session that is to end. Raises Problem.

    Whoever is shut out of a suspended tenant is told no CSRF token, and may leave by origin alone.
    """
    context: Context = request.app.state.context
    secret, headers = secret_in(request), request.headers
    if secret is not None and context.held():
        snapshot, now_ms = context.configuration.snapshot, context.clock.now_ms()
        place = (headers.get(TENANT_HEADER), headers.get(MODE_HEADER))
        try:
            identify_session(snapshot, now_ms, secret, *place)
        except Denied as error:
            if error.code == "tenant_suspended":
                check_origin(request, context.public_url)
                return snapshot.sessions[secret_hash(secret)]
    return only_signed_in(await authenticate(request, key)).session


LeavingDep = Annotated[Session, Depends(leaving)]
