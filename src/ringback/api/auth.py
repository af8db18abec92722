"""Who asks: the bearer key of a request, and the tenant and mode that it stands for."""

import uuid
from typing import Annotated

import msgspec
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ringback.api.context import Context
from ringback.api.problems import Problem, unavailable
from ringback.domain.endpoints import Mode
from ringback.services.manage import Manager
from ringback.storage.configuration import key_hash
from ringback.storage.lists import Scope

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="An API key: rk_live_… or rk_test_…. It decides whose data is seen, and which "
    "mode's.",
)
_CHALLENGE = {"www-authenticate": 'Bearer realm="ringback"'}


class Caller(msgspec.Struct, frozen=True):
    """Whoever asks, and what a handler needs to answer them."""

    context: Context
    scope: Scope
    key: uuid.UUID

    @property
    def manager(self) -> Manager:
        """What changes configuration on behalf of this caller's key."""
        return self.context.manager(self.key)

    @property
    def mode(self) -> Mode:
        """The mode of the key."""
        return Mode(self.scope.mode)

    def only_in_test_mode(self, what: str) -> None:
        """Raise a problem unless the key is a test key."""
        if self.mode != Mode.TEST:
            raise Problem("test_mode_only", f"{what} has test data only: use a test key.")


async def authenticate(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """Find out who asks. Raises Problem when nobody known does."""
    context: Context = request.app.state.context
    if not context.held():
        # Keys may have been revoked while this worker was cut off.
        raise unavailable()
    if credentials is None:
        detail = "Send the header `Authorization: Bearer rk_…`."
        raise Problem("unauthenticated", detail, headers=_CHALLENGE)
    key = context.configuration.snapshot.keys.get(key_hash(credentials.credentials))
    if key is None:
        detail = "The key is not known, or was revoked."
        raise Problem("unauthenticated", detail, headers=_CHALLENGE)
    if key.expires_ms is not None and key.expires_ms <= context.clock.now_ms():
        raise Problem("unauthenticated", "The key has expired.", headers=_CHALLENGE)
    return Caller(context, Scope(key.tenant, key.mode), key.id)


CallerDep = Annotated[Caller, Depends(authenticate)]
