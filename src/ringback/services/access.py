"""Who asks, and for whom: a key, the tenant and mode that it acts for, and what it may do.

Looks at memory only: no request costs a query for its key. The API and the hot routes both ask
here, so that a key means the same everywhere.
"""

from typing import NamedTuple, NoReturn

from ringback.domain.endpoints import ApiKey, Mode, Tenant
from ringback.domain.ids import show
from ringback.domain.scopes import SCOPES, may
from ringback.errors import RingbackError
from ringback.services.batch import Scope
from ringback.services.snapshot import Snapshot
from ringback.storage.configuration import key_hash

TENANT_HEADER = "ringback-tenant"
MODE_HEADER = "ringback-mode"
_MODES = {mode.word: mode for mode in Mode}
_CHALLENGE = 'Bearer realm="ringback"'


class Denied(RingbackError):
    """A key that may not do this: a problem's code, the words, and the headers to answer with.

    `header` names the request header that is wrong, if one is.
    """

    def __init__(
        self, code: str, detail: str, challenge: str | None = None, header: str | None = None
    ) -> None:
        """Take what the answer says."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = {"www-authenticate": challenge} if challenge else {}
        self.header = header


class Asker(NamedTuple):
    """A known key, and for which tenant (0: the installation) and mode (None then) it acts."""

    key: ApiKey
    tenant: int
    mode: Mode | None

    @property
    def scope(self) -> Scope:
        """The tenant and mode, for what needs both; only after `allow` said so."""
        assert self.mode is not None
        return Scope(self.tenant, self.mode)

    def allow(self, scope: str) -> None:
        """Raise Denied unless the key has this scope, and a tenant if that needs one."""
        if not may(self.key.scopes, scope, operator=self.key.operator):
            raise Denied(
                "scope_missing", f"This needs a key with the scope {scope}.",
                f'{_CHALLENGE}, error="insufficient_scope", scope="{scope}"',
            )  # fmt: skip
        if self.mode is None and not SCOPES[scope].installation:
            words = "This is an operator's key: say for which tenant with the header "
            raise Denied("tenant_needed", f"{words}Ringback-Tenant, and Ringback-Mode.")


def bearer(authorization: str | None) -> str | None:
    """Return the key of an Authorization header, or None when it holds none."""
    scheme, _, text = (authorization or "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" and text.strip() else None


def identify(
    snapshot: Snapshot, now_ms: int, key: str | None, tenant: str | None, mode: str | None
) -> Asker:
    """Find out who asks, by a request's key and its Ringback-Tenant and Ringback-Mode headers.

    Raises:
        Denied: nobody known; or another tenant or mode than the key's.

    """
    if key is None:
        detail = "Send the header `Authorization: Bearer rk_…`."
        raise Denied("unauthenticated", detail, _CHALLENGE)
    known = snapshot.keys.get(key_hash(key))
    if known is None:
        raise Denied("unauthenticated", "The key is not known, or was revoked.", _CHALLENGE)
    if known.expires_ms is not None and known.expires_ms <= now_ms:
        raise Denied("unauthenticated", "The key has expired.", _CHALLENGE)
    if known.operator:
        return _for_tenant(snapshot, known, tenant, mode)
    mine = snapshot.tenants[known.tenant]
    if tenant is not None and tenant not in {mine.uid, show("ten", mine.id)}:
        _no_such_tenant()
    if mode is not None and _mode(mode) is not known.mode:
        raise Denied("invalid", "The key is of the other mode.", header="Ringback-Mode")
    if mine.suspended:
        raise Denied("tenant_suspended", "Its operator has suspended this tenant.")
    return Asker(known, known.tenant, known.mode)


def _for_tenant(snapshot: Snapshot, key: ApiKey, named: str | None, mode: str | None) -> Asker:
    if named is None:
        return Asker(key, 0, None)
    tenant: Tenant | None = snapshot.tenants_by_name.get(named)
    if tenant is None:
        _no_such_tenant()
    if mode is None:
        detail = "Say in which mode to act for the tenant: live or test."
        raise Denied("invalid", detail, header="Ringback-Mode")
    return Asker(key, tenant.no, _mode(mode))


def _mode(word: str) -> Mode:
    mode = _MODES.get(word)
    if mode is None:
        raise Denied("invalid", "Write live or test.", header="Ringback-Mode")
    return mode


def _no_such_tenant() -> NoReturn:
    raise Denied("not_found", "There is no such tenant.")
