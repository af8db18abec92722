"""People: who may sign in, and in which role."""

import contextlib
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.api_keys import Kind
from ringback.api.asked import Asked
from ringback.api.auth import Caller, CallerDep
from ringback.api.pages import Page, PageQuery, Pager, within
from ringback.api.problems import Problem, not_found
from ringback.api.session import Email, Name
from ringback.api.shown import KeyId, Time, UserId, View
from ringback.domain import ids
from ringback.domain.events import rfc3339
from ringback.domain.people import Person
from ringback.domain.roles import Role
from ringback.services.again import NotNow
from ringback.services.keys import kind_of
from ringback.services.manage import LimitReached
from ringback.services.people import Gone, NotYours, People
from ringback.services.sign_in import link_to

router = APIRouter(prefix="/people", tags=["signing in"])


class PersonView(View):
    """Somebody who may sign in."""

    id: UserId
    email: str | None = Field(examples=["ada@example.com"])
    name: str = Field(examples=["Ada"])
    role: Role = Field(description="In this tenant; owners have all.")
    password_set: bool = Field(description="False: invited, and not here yet.")
    last_seen_at: Time | None = Field(description="By the sessions that are in force.")
    created_at: Time


class InvitedView(PersonView):
    """Somebody who was just invited: the only answer that holds the link."""

    link: str = Field(
        description="For them alone, once, within 7 days.",
        examples=["http://127.0.0.1:8420/panel/sign-in#token=kT3s…"],
    )
    offered: bool = Field(
        description="True: they are known in this installation. They open the link signed in, or "
        "with the password that they have; the role counts from then on."
    )


class LinkView(View):
    """A link: the only answer that holds it."""

    link: str = Field(
        description="For them alone, once; with it they choose a password.",
        examples=["http://127.0.0.1:8420/panel/sign-in#token=kT3s…"],
    )


class KeyLeft(View):
    """An API key in force that somebody who was removed has made."""

    id: KeyId
    name: str = Field(examples=["Order system"])
    kind: Kind


class RemovedView(View):
    """What is left of somebody who was removed."""

    keys: list[KeyLeft] = Field(
        description="Keys of this tenant that they made, which may be in use: revoke those that "
        "they know."
    )


class PersonCreate(Asked):
    """Somebody to invite."""

    email: Email
    name: Name
    role: Role


class PersonChange(Asked):
    """What is to be different; what is left out stays."""

    email: Email | None = None
    name: Name | None = None
    role: Role | None = None


def _people(caller: Caller) -> People:
    context = caller.context
    return People(context.configuration, context.database, context.clock, caller.asker)


def _known(caller: Caller, named: str) -> Person:
    found = _people(caller).find(ids.read("usr", named), named)
    if found is None:
        raise not_found("person")
    return found


def _view(caller: Caller, person: Person) -> PersonView:
    sessions = caller.context.configuration.snapshot.sessions.values()
    used = max((one.used_ms for one in sessions if one.person == person.id), default=None)
    return PersonView(
        id=ids.show("usr", person.id),
        email=person.email,
        name=person.name,
        role=_people(caller).role(person),
        password_set=person.secured,
        last_seen_at=None if used is None else rfc3339(used),
        created_at=rfc3339(person.created_ms),
    )


@contextlib.contextmanager
def _telling_why() -> Iterator[None]:
    """Make problems of why somebody is not managed."""
    try:
        yield
    except Gone:
        raise not_found("person") from None
    except LimitReached as error:
        raise Problem("limit_reached", str(error)) from error
    except NotNow as error:
        raise Problem("not_now", str(error)) from error
    except NotYours as error:
        raise Problem("not_yours", str(error)) from error


@router.post("", name="create_person", status_code=201, summary="Invite somebody")
async def create(caller: CallerDep, body: PersonCreate) -> InvitedView:
    """Give somebody a role in the tenant. The answer has the link that they sign in with first."""
    with _telling_why():
        made, secret, offered = await _people(caller).invite(body.email, body.name, body.role)
    link, view = link_to(caller.context.public_url, secret), _view(caller, made).model_dump()
    if offered:
        view["last_seen_at"] = None  # not here
    return InvitedView(**view, link=link, offered=offered)


@router.get("", name="list_people", summary="List people")
async def page(
    request: Request, response: Response, caller: CallerDep, query: Annotated[PageQuery, Query()]
) -> Page[PersonView]:
    """List the people of the tenant, newest first; owners only for owners and operators."""
    pager = Pager(request, caller, query)
    cut = pager.cut(within(_people(caller).visible(), _key, pager.window), _key, response)
    views = [_view(caller, row) for row in cut.rows]
    return Page(data=views, next=cut.next, prev=cut.prev)


def _key(row: Person) -> tuple[int, ...]:
    return (row.id.int,)


@router.get("/{person_id}", name="get_person", summary="One person")
async def get(caller: CallerDep, person_id: str) -> PersonView:
    """Return somebody, by id or by e-mail address."""
    return _view(caller, _known(caller, person_id))


@router.patch("/{person_id}", name="change_person", summary="Change somebody")
async def change(caller: CallerDep, person_id: str, body: PersonChange) -> PersonView:
    """Change somebody's role, name or address. A role counts from the next request on."""
    person = _known(caller, person_id)
    with _telling_why():
        changed = await _people(caller).change(
            person, role=body.role, name=body.name, email=body.email
        )
    return _view(caller, changed)


@router.post("/{person_id}/reset", name="reset_person", summary="Make a link for somebody")
async def reset(caller: CallerDep, person_id: str) -> LinkView:
    """Make a link with which somebody chooses a new password; it replaces earlier ones.

    The password that they have is good until the link is used.
    """
    with _telling_why():
        secret = await _people(caller).link(_known(caller, person_id))
    return LinkView(link=link_to(caller.context.public_url, secret))


@router.delete("/{person_id}", name="delete_person", summary="Remove somebody")
async def delete(caller: CallerDep, person_id: str) -> RemovedView:
    """Take somebody out of the tenant. Their sessions end with their last tenant.

    API keys that they made go on, since programs use them: the answer names them.
    """
    person = _known(caller, person_id)
    with _telling_why():
        await _people(caller).remove(person)
    left = await _people(caller).keys_of(person)
    return RemovedView(
        keys=[KeyLeft(id=ids.show("key", one.id), name=one.name, kind=kind_of(one)) for one in left]
    )
