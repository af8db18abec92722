"""Who asks, and for whom: a key or somebody signed in, the tenant and mode, and what they may do.

Looks at memory only: no request costs a query for its key. The API and the hot routes both ask
here, so that a key means the same everywhere. The hot routes take keys alone.
"""

from typing import NamedTuple, NoReturn

from ringback.domain.endpoints import ApiKey, Mode, Tenant
from ringback.domain.ids import show
from ringback.domain.people import Person, Session, secret_hash
from ringback.domain.roles import OWNER, POWERS, Role
from ringback.domain.scopes import SCOPES, may
from ringback.errors import RingbackError
from ringback.services.batch import Scope
from ringback.services.snapshot import Snapshot
from ringback.storage.audit import Actor
from ringback.storage.configuration import key_hash

TENANT_HEADER = "ringback-tenant"
MODE_HEADER = "ringback-mode"
COOKIE = "ringback_session"
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


class SignedIn(NamedTuple):
    """Somebody who is signed in, and the role that they have in the tenant they act for."""

    person: Person
    session: Session
    role: Role


class Asker(NamedTuple):
    """A known key, and for which tenant (0: the installation) and mode (None then) it acts.

    Of somebody who is `signed_in` the key is what the role comes to: nobody holds it.
    """

    key: ApiKey
    tenant: int
    mode: Mode | None
    signed_in: SignedIn | None = None

    @property
    def scope(self) -> Scope:
        """The tenant and mode, for what needs both; only after `allow` said so."""
        assert self.mode is not None
        return Scope(self.tenant, self.mode)

    @property
    def actor(self) -> Actor:
        """Who is named in the audit log."""
        if self.signed_in is not None:
            return Actor(self.signed_in.person.id, person=True)
        return Actor(self.key.id)

    @property
    def masked(self) -> bool:
        """Whether numbers and texts are masked in what is answered."""
        return self.key.masked if self.signed_in is None else POWERS[self.signed_in.role].masked

    @property
    def owns(self) -> bool:
        """Whether it acts for the whole installation: an operator's key, or an owner."""
        return self.key.operator or (self.signed_in is not None and self.signed_in.role == OWNER)

    @property
    def scopes(self) -> list[str]:
        """What it may do, by name."""
        return [name for name in SCOPES if self.may(name)]

    def sees(self, person: Person) -> bool:
        """Say whether somebody belongs to the tenant; owners are seen by those who act as such."""
        if self.signed_in is not None and self.signed_in.person.id == person.id:
            return True
        return self.owns if person.owner else person.role_in(self.tenant) is not None

    def governs(self, person: Person) -> bool:
        """Say whether all that is of somebody is its business: they work for no other tenant."""
        return self.owns or (not person.owner and set(person.roles) == {self.tenant})

    @property
    def only_tests(self) -> bool:
        """Whether it is a test key: people work in both modes, so it manages none."""
        return self.signed_in is None and self.mode is Mode.TEST and not self.owns

    def may(self, scope: str) -> bool:
        """Say whether it has a scope."""
        if self.signed_in is not None:
            return scope in POWERS[self.signed_in.role].scopes
        return may(self.key.scopes, scope, operator=self.key.operator)

    def allow(self, scope: str) -> None:
        """Raise Denied unless the key has this scope, and a tenant if that needs one."""
        if self.signed_in is not None and not self.may(scope):
            role = self.signed_in.role
            raise Denied("scope_missing", f"The role {role} has no scope {scope}.")
        if not self.may(scope):
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


def identify_session(
    snapshot: Snapshot, now_ms: int, secret: str, tenant: str | None, mode: str | None
) -> Asker:
    """Find out who is signed in, by a cookie's secret; without a word the first tenant, live.

    Raises:
        Denied: nobody, no longer, or not in this tenant.

    """
    session = snapshot.sessions.get(secret_hash(secret))
    person = None if session is None else snapshot.people.get(session.person)
    if session is None or person is None:
        raise Denied("unauthenticated", "You are not signed in, or no longer.", _CHALLENGE)
    if session.expires_ms <= now_ms:
        raise Denied("unauthenticated", "The session is over: sign in again.", _CHALLENGE)
    chosen = _chosen(snapshot, person, tenant)
    role = person.role_in(chosen.no)
    assert role is not None
    acts_in = Mode.LIVE if mode is None else _mode(mode)
    scopes = None if person.owner or role == "admin" else POWERS[role].scopes
    key = ApiKey(person.id, chosen.no, acts_in, scopes=scopes)
    return Asker(key, chosen.no, acts_in, SignedIn(person, session, role))


def _chosen(snapshot: Snapshot, person: Person, named: str | None) -> Tenant:
    """Return the tenant that somebody means, or the first that there is."""
    if named is not None:
        tenant = snapshot.tenants_by_name.get(named)
        if tenant is None or person.role_in(tenant.no) is None:
            _no_such_tenant()
        if tenant.suspended and not person.owner:
            raise Denied("tenant_suspended", "Its operator has suspended this tenant.")
        return tenant
    mine = tenants_of(snapshot, person)
    if not mine:
        raise Denied("tenant_suspended", "There is no tenant that you may act for any more.")
    return mine[0]


def tenants_of(snapshot: Snapshot, person: Person, most: int | None = None) -> list[Tenant]:
    """Return the tenants that somebody may act for, the oldest first, at most so many."""
    numbers = sorted(snapshot.tenants if person.owner else person.roles)
    found = [
        tenant
        for number in numbers
        if (tenant := snapshot.tenants.get(number)) is not None
        and not tenant.deleted
        and (person.owner or not tenant.suspended)
    ]
    return found if most is None else found[:most]


def not_by_cookie(cookie: str | None) -> None:
    """Raise Denied where somebody signed in asks at a route that takes keys alone."""
    if cookie is not None and f"{COOKIE}=" in cookie:
        words = "Here a session does not do: send an API key, `Authorization: Bearer rk_…`."
        raise Denied("unauthenticated", words, _CHALLENGE)


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
