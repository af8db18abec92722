"""The session of whoever is signed in: opening one, what it may do, changing oneself, ending it."""

import contextlib
import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import CallerDep, LeavingDep, denied, only_signed_in
from ringback.api.context import Context
from ringback.api.cookies import check_origin, check_site, drop_cookie, secret_in, set_cookie
from ringback.api.problems import Problem
from ringback.api.shown import TenantId, Time, UserId, View
from ringback.domain import ids
from ringback.domain.events import rfc3339
from ringback.domain.hosts import IpAddress
from ringback.domain.people import EMAIL_MAX, NAME_MAX, PASSWORD_MAX, Session, csrf_of, secret_hash
from ringback.domain.roles import REVEAL, Role
from ringback.errors import Fault, Invalid
from ringback.services.access import (
    COOKIE,
    MODE_HEADER,
    TENANT_HEADER,
    Asker,
    Denied,
    SignedIn,
    identify_session,
    tenants_of,
)
from ringback.services.manage import LimitReached
from ringback.services.passwords import Busy
from ringback.services.sign_in import LinkSpent, Peer, TooMany, Wishes, WrongCredentials

# An owner has all tenants; a list to choose from shows so many.
TENANTS_SHOWN = 1000
TOKEN_MAX = 128
# Compatibility characters of a password may become several.
TYPED_MAX = 4 * PASSWORD_MAX
router = APIRouter(prefix="/session", tags=["signing in"])

Typed = Annotated[str, Field(min_length=1, max_length=TYPED_MAX)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX, examples=["Ada"])]
Email = Annotated[str, Field(min_length=3, max_length=EMAIL_MAX, examples=["ada@example.com"])]


class PersonShown(View):
    """Who is signed in."""

    id: UserId
    email: str | None = Field(
        description="Null: not said yet; only links sign in.", examples=["ada@example.com"]
    )
    name: str = Field(examples=["Ada"])
    password_set: bool = Field(description="False: only links sign in.")


class TenantChosen(View):
    """A tenant."""

    id: TenantId
    name: str = Field(examples=["Harbour Clinic"])


class TenantOffered(TenantChosen):
    """A tenant that may be chosen with `Ringback-Tenant`."""

    uid: str | None = Field(description="Its operator's own id.", examples=["customer-4711"])
    role: Role | None = Field(description="Null: a key asks.")


class SessionView(View):
    """Who asks, for whom, and what they may do. The answer to keys has no person and no role."""

    person: PersonShown | None
    role: Role | None
    tenant: TenantChosen | None = Field(description="Null for an operator's key that names none.")
    tenants: list[TenantOffered]
    mode: Literal["live", "test"] | None
    csrf: str | None = Field(
        description="For the header X-Ringback-CSRF of every request but GET; null for a key.",
        examples=["5f1d…"],
    )
    scopes: list[str] = Field(examples=[["events:read", "messages:read"]])
    masked: bool = Field(description="Whether numbers and texts are masked in answers.")
    may_reveal: bool
    first: bool = Field(description="Whether it is the owner, who has not chosen a password yet.")
    expires_at: Time | None = Field(description="In any case; without requests after 12 h.")


class SessionOpen(Asked):
    """Either an e-mail address and a password, or a link's token and what goes with it."""

    email: Email | None = None
    password: Typed | None = None
    token: str | None = Field(
        default=None, min_length=1, max_length=TOKEN_MAX,
        description="What stands after `#token=` in a link.", examples=["kT3s…"],
    )  # fmt: skip
    name: str | None = Field(
        default=None, max_length=NAME_MAX, examples=["Ada"],
        description="With a token: what you are called; may be empty.",
    )  # fmt: skip
    current_password: Typed | None = Field(
        default=None,
        description="With the token of an offer, unless you are signed in: the password you have.",
    )


class SelfChange(Asked):
    """What is to be different; what is left out stays."""

    name: Name | None = None
    email: Email | None = None
    password: Typed | None = Field(
        default=None, description="12 to 256 characters. It ends all your other sessions."
    )
    current_password: Typed | None = Field(
        default=None, description="The one that was, for a new address or a new password."
    )


@router.post(
    "", name="create_session", status_code=201, summary="Sign in",
    openapi_extra={"security": []},
)  # fmt: skip
async def create(request: Request, response: Response, body: SessionOpen) -> SessionView:
    """Sign in with e-mail address and password, or with the token of a link, which works once.

    The answer sets the cookie `ringback_session`, HttpOnly and SameSite=Lax. An invitation or a
    reset needs a new password with its token; an offer of another role is accepted by whoever is
    signed in as the one it is for, or has that one's password. No key is needed, and no key helps.
    """
    context: Context = request.app.state.context
    before = _before(context, request)
    peer = Peer(address_of(request), request.headers.get("user-agent", ""), before)
    secret = await _opened(context, body, peer)
    asker = _asker(context, request, secret)
    request.scope["state"]["asker"] = asker
    set_cookie(request, response, context.public_url, secret)
    response.headers["cache-control"] = "no-store"
    return _view(context, asker, secret)


def _before(context: Context, request: Request) -> Session | None:
    """Return the session that the browser has, which the new one replaces. Raises Problem."""
    secret = request.cookies.get(COOKIE)
    if secret is None:
        # A program has no Origin to send; a page of another site cannot but send it.
        if "origin" in request.headers:
            check_origin(request, context.public_url)
        return None
    snapshot = context.configuration.snapshot
    before = snapshot.sessions.get(secret_hash(secret))
    try:
        identify_session(snapshot, context.clock.now_ms(), secret, None, None)
    except Denied as error:
        # Whoever is told nothing but this has no CSRF token, and has to get away from here.
        check_origin(request, context.public_url)
        return before if error.code == "tenant_suspended" else None
    check_site(request, context.public_url, secret)
    return before


async def _opened(context: Context, body: SessionOpen, peer: Peer) -> str:
    """Open a session and return its secret. Raises Problem."""
    with telling_why():
        if body.token is not None:
            wishes = Wishes(body.name or None, body.email, body.password)
            return await context.sign_in.by_link(body.token, wishes, peer, body.current_password)
        if body.email is None or body.password is None:
            place = "/email" if body.email is None else "/password"
            words = "Send `email` and `password`, or the `token` of a link."
            raise Invalid(Fault(place, words))
        return await context.sign_in.by_password(body.email, body.password, peer)


@contextlib.contextmanager
def telling_why() -> Iterator[None]:
    """Make problems of what may be wrong with signing in."""
    try:
        yield
    except WrongCredentials:
        words = "Nobody has this e-mail address and this password here."
        raise Problem("wrong_credentials", words) from None
    except LinkSpent:
        words = "It was used, or is too old, or there is a newer one: ask for another link."
        raise Problem("link_spent", words) from None
    except TooMany as error:
        headers = {"retry-after": str(error.wait_s)}
        raise Problem("too_many_attempts", str(error), headers=headers) from None
    except Busy as error:
        raise Problem("busy", str(error), headers={"retry-after": "1"}) from None
    except LimitReached as error:
        raise Problem("limit_reached", str(error)) from None


def _asker(context: Context, request: Request, secret: str) -> Asker:
    """Find out what a new session may do. Raises Problem."""
    headers = request.headers
    snapshot, now_ms = context.configuration.snapshot, context.clock.now_ms()
    try:
        return identify_session(
            snapshot, now_ms, secret, headers.get(TENANT_HEADER), headers.get(MODE_HEADER)
        )
    except Denied as error:
        raise denied(error) from None


@router.get("", name="get_session", summary="Who is signed in")
async def get(request: Request, response: Response, caller: CallerDep) -> SessionView:
    """Say who is signed in, for which tenant and mode, and what they may do; 401 when nobody is."""
    response.headers["cache-control"] = "no-store"
    return _view(caller.context, caller.asker, secret_in(request))


@router.patch("", name="change_session", summary="Change oneself")
async def change(request: Request, caller: CallerDep, body: SelfChange) -> SessionView:
    """Change one's own name or password, or say an e-mail address where there is none yet.

    Only for whoever is signed in. An address that is known others change: it is what they invite.
    """
    signed_in = only_signed_in(caller)
    with telling_why():
        wishes = Wishes(body.name, body.email, body.password)
        await caller.context.sign_in.change_self(signed_in, wishes, body.current_password)
    secret = secret_in(request)
    assert secret is not None
    return _view(caller.context, _asker(caller.context, request, secret), secret)


@router.delete("", name="end_session", status_code=204, summary="Sign out")
async def end(request: Request, response: Response, session: LeavingDep) -> None:
    """End the session. When the answer comes, no worker takes its cookie any more.

    It works in a suspended tenant, too.
    """
    context: Context = request.app.state.context
    await context.sign_in.sign_out(session)
    drop_cookie(request, response, context.public_url)


def address_of(request: Request) -> str:
    """Return the address that a request comes from.

    A proxy of the setting RINGBACK_TRUSTED_PROXIES is believed: the last address that it names, or
    the one before it where that is such a proxy, too. Nobody else is, whatever they write.
    """
    peer = request.client.host if request.client else ""
    context: Context = request.app.state.context
    named = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    address: IpAddress | None = None
    with contextlib.suppress(ValueError):
        address = _plain(peer)
        while named and any(address in network for network in context.trusted_proxies):
            address = _plain(named.pop().strip())
    return peer if address is None else str(address)


def _plain(address: str) -> IpAddress:
    """Read an address; IPv4 within IPv6 is the IPv4 address. Raises ValueError."""
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _view(context: Context, asker: Asker, secret: str | None) -> SessionView:
    snapshot, signed_in, key = context.configuration.snapshot, asker.signed_in, asker.key
    tenant = snapshot.tenants.get(asker.tenant)
    offered, ends = ([] if tenant is None else [tenant]), key.expires_ms
    if signed_in is not None:
        offered = tenants_of(snapshot, signed_in.person, TENANTS_SHOWN)
        ends = signed_in.session.expires_ms
    return SessionView(
        person=None if signed_in is None else _person(signed_in),
        role=None if signed_in is None else signed_in.role,
        tenant=tenant and TenantChosen(id=ids.show("ten", tenant.id), name=tenant.name),
        tenants=[
            TenantOffered(
                id=ids.show("ten", one.id), name=one.name, uid=one.uid,
                role=signed_in and signed_in.person.role_in(one.no),
            )
            for one in offered
        ],
        mode=asker.mode.word if asker.mode is not None else None,
        csrf=csrf_of(secret) if secret is not None and signed_in is not None else None,
        scopes=asker.scopes,
        masked=asker.masked,
        may_reveal=asker.may(REVEAL),
        first=asker.signed_in is not None and asker.owns and not asker.signed_in.person.secured,
        expires_at=None if ends is None else rfc3339(ends),
    )  # fmt: skip


def _person(signed_in: SignedIn) -> PersonShown:
    person = signed_in.person
    return PersonShown(
        id=ids.show("usr", person.id), email=person.email, name=person.name,
        password_set=person.secured,
    )  # fmt: skip
