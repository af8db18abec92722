"""Sessions: who is signed in, where from, and ending that."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.asked import id_in_filter, id_in_path
from ringback.api.auth import Caller, CallerDep
from ringback.api.pages import Page, PageQuery, Pager, within
from ringback.api.problems import Problem, not_found
from ringback.api.shown import SessionId, Time, UserId, View
from ringback.domain import ids
from ringback.domain.events import rfc3339
from ringback.domain.people import Session

OTHERS = "people:write"
router = APIRouter(prefix="/sessions", tags=["signing in"])


class ASessionView(View):
    """Somebody who is signed in."""

    id: SessionId
    person: UserId
    name: str = Field(description="Of the person.", examples=["Ada"])
    current: bool = Field(description="Whether it is the one that asks.")
    address: str = Field(description="Where it was begun from.", examples=["192.0.2.7"])
    agent: str = Field(description="The browser, as it calls itself.")
    created_at: Time
    last_used_at: Time = Field(description="About a minute late.")
    expires_at: Time


class SessionQuery(PageQuery):
    """Filters of the list."""

    person: str | None = Field(default=None, description="The sessions of one person.")


@router.get("", name="list_sessions", summary="List sessions")
async def page(
    request: Request, response: Response, caller: CallerDep, query: Annotated[SessionQuery, Query()]
) -> Page[ASessionView]:
    """List one's own sessions, newest first; with the scope `people:write` those of others, too.

    Others are the people of the tenant who work for no other one; owners see everybody's.
    """
    person = id_in_filter("usr", query.person, "person")
    pager = Pager(request, caller, query)
    rows = [row for row in visible(caller) if person in {None, row.person}]
    rows.sort(key=lambda row: row.id, reverse=True)
    cut = pager.cut(within(rows, _key, pager.window), _key, response)
    return Page(data=[_view(caller, row) for row in cut.rows], next=cut.next, prev=cut.prev)


@router.delete("/{session_id}", name="revoke_session", status_code=204, summary="End a session")
async def revoke(caller: CallerDep, session_id: str) -> None:
    """End a session. When the answer comes, no worker takes its cookie any more."""
    id_ = id_in_path("ses", session_id)
    found = next((row for row in visible(caller) if row.id == id_), None)
    if found is None:
        raise not_found("session")
    if caller.asker.only_tests:
        words = "People work in both modes: a test key does not manage them. Use a live key, an "
        raise Problem("not_yours", words + "operator's, or the panel.")
    await caller.context.sign_in.end(caller.asker, found)


def visible(caller: Caller) -> list[Session]:
    """Return the sessions that somebody may see and end."""
    snapshot, asker = caller.context.configuration.snapshot, caller.asker
    sessions = snapshot.sessions.values()
    own = None if asker.signed_in is None else asker.signed_in.person.id
    others = asker.may(OTHERS)
    return [
        row for row in sessions if row.person == own or (others and _of_tenant(caller, row.person))
    ]


def _of_tenant(caller: Caller, id_: uuid.UUID) -> bool:
    """Say whether somebody belongs to the tenant that is acted for, and to no other."""
    person = caller.context.configuration.snapshot.people[id_]
    return caller.asker.sees(person) and caller.asker.governs(person)


def _key(row: Session) -> tuple[int, ...]:
    return (row.id.int,)


def _view(caller: Caller, row: Session) -> ASessionView:
    own = caller.asker.signed_in
    person = caller.context.configuration.snapshot.people[row.person]
    return ASessionView(
        id=ids.show("ses", row.id),
        person=ids.show("usr", person.id),
        name=person.name,
        current=own is not None and own.session.id == row.id,
        address=row.address,
        agent=row.agent,
        created_at=rfc3339(row.created_ms),
        last_used_at=rfc3339(row.used_ms),
        expires_at=rfc3339(row.expires_ms),
    )
