"""The audit log: who changed what people configure, and what was done by hand."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.auth import CallerDep
from ringback.api.pages import Page, PageQuery, Pager
from ringback.api.problems import wrong_parameter
from ringback.api.shown import Time, View, example, moment
from ringback.domain import ids
from ringback.services.audit import Action
from ringback.storage import audit
from ringback.storage.audit import Actor, Entry, Wanted

INSTALLATION = "installation"
OBJECT_MAX = 64
router = APIRouter(prefix="/audit-log", tags=["audit log"])


class EntryView(View):
    """One thing that was done."""

    id: str = Field(examples=[example("aud")])
    at: Time
    actor: str = Field(
        description="The id of the API key or the person that asked, or `installation`: it did so "
        "by itself.",
        examples=[example("key")],
    )
    action: Action
    object: str = Field(description="The id of what it was done to.", examples=[example("end")])
    detail: dict[str, Any] = Field(
        description="What it was about; of a change, what each field was and is. No secrets.",
        examples=[{"allowed_hosts": ["hooks.intern.example"]}],
    )


class AuditQuery(PageQuery):
    """Filters of the list."""

    action: Action | None = None
    object: str | None = Field(
        default=None, max_length=OBJECT_MAX, description="What was done to one object, by its id."
    )
    actor: str | None = Field(
        default=None,
        max_length=OBJECT_MAX,
        description="The id of a key or a person, or `installation`.",
    )


@router.get("", name="list_audit_log", summary="List the audit log")
async def page(
    request: Request, response: Response, caller: CallerDep, query: Annotated[AuditQuery, Query()]
) -> Page[EntryView]:
    """List what was done, newest first. Each entry was committed with what it tells of."""
    pager = Pager(request, caller, query)
    who = None
    if query.actor is not None:
        who = ids.read("key", query.actor) or ids.read("usr", query.actor)
    if query.actor is not None and who is None and query.actor != INSTALLATION:
        raise wrong_parameter("actor", f"Write the id of a key or a person, or {INSTALLATION}.")
    by_itself = None if query.actor is None else who is None
    wanted = Wanted(query.action, query.object, who, by_itself)
    found = await audit.page(caller.context.database, caller.scope, pager.window, wanted)
    cut = pager.cut(found, lambda row: (row.id.int,), response)
    return Page(data=[_view(row) for row in cut.rows], next=cut.next, prev=cut.prev)


def _view(entry: Entry) -> EntryView:
    return EntryView.model_validate(
        {
            "id": ids.show("aud", entry.id),
            "at": moment(entry.at),
            "actor": who_of(entry.actor),
            "action": entry.action,
            "object": entry.about,
            "detail": entry.detail,
        }
    )


def who_of(actor: Actor | None) -> str:
    """Write down who did something."""
    if actor is None:
        return INSTALLATION
    return ids.show("usr" if actor.person else "key", actor.id)
