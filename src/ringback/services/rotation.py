"""Rotating an endpoint's signing secret: for a while both the new and the old one sign.

When `rotate` returns, every worker signs so. Nobody has to do anything when the overlap ends.
"""

import os
import uuid

import msgspec

from ringback.domain.ids import show
from ringback.domain.signing import SECRET_BYTES, new_secret
from ringback.errors import Fault, Invalid
from ringback.services import audit
from ringback.services.audit import Act
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.manage import LimitReached, Manager, faults_in_secret
from ringback.storage import configuration as stored
from ringback.storage.audit import Actor
from ringback.storage.configuration import Sealed, StoredEndpoint
from ringback.storage.lists import Scope

OVERLAP_S = 24 * 3600
OVERLAP_MAX_S = 7 * 24 * 3600
# Each of them makes the signature header longer.
RETIRING_MAX = 3


class Rotation:
    """Rotates secrets."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        manager: Manager,
        actor: Actor | None = None,
    ) -> None:
        """Take the edges; `actor` is who asks."""
        self._actor = actor
        self._configuration = configuration
        self._clock = clock
        self._manager = manager

    async def rotate(
        self, scope: Scope, id_: uuid.UUID, secret: str | None, overlap_s: int
    ) -> StoredEndpoint | None:
        """Sign with a new secret, and with the old one for `overlap_s` seconds more.

        None when there is no such endpoint.

        Raises:
            Invalid: the secret is none, or is the one there is.
            LimitReached: three old secrets sign already.

        """
        known = self._manager.endpoint(scope, id_)
        if known is None:
            return None
        faults = faults_in_secret(secret)
        if secret in known.secrets:
            faults = [Fault("/secret", "That is the secret there is.")]
        if faults:
            raise Invalid(*faults)
        now = self._clock.now_ms()
        fresh = secret or new_secret(os.urandom(SECRET_BYTES))

        def changed(sealed: Sealed) -> Sealed:
            retiring = [old for old in sealed.retiring if old[1] > now and old[0] != fresh]
            if overlap_s:
                ends = now + overlap_s * 1000
                retiring = [*((old, ends) for old in sealed.secrets), *retiring]
            if len(retiring) > RETIRING_MAX:
                words = f"{RETIRING_MAX} old secrets sign already; wait, or take no overlap."
                raise LimitReached(words)
            return msgspec.structs.replace(sealed, secrets=[fresh], retiring=retiring)

        async with self._configuration.change() as connection:
            vault = self._configuration.vault
            if not await stored.reseal_endpoint(connection, vault, known.engine, changed):
                return None
            act = Act("endpoint.secret_rotated", show("end", id_), {"overlap_s": overlap_s})
            await audit.write(connection, scope, self._actor, now, act)
        return self._manager.endpoint(scope, id_)
