"""Tenants: the isolated customers of an installation. For operators' keys."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import CallerDep
from ringback.api.pages import Page, PageQuery, Pager
from ringback.api.problems import Problem, not_found
from ringback.api.rates import RateLimit, RateLimitAsked, asked_rate, shown_rate
from ringback.api.shown import TenantId, Time, View, moment, moment_or_none
from ringback.domain import ids
from ringback.services.again import NotNow
from ringback.services.manage import LimitReached
from ringback.storage.tenants import Change, StoredTenant

NAME_MAX = 128
router = APIRouter(prefix="/tenants", tags=["tenants"])


class TenantView(View):
    """A tenant."""

    id: TenantId
    uid: str | None = Field(description="Its operator's own id.", examples=["customer-4711"])
    name: str = Field(examples=["Harbour Clinic"])
    suspended_at: Time | None = Field(
        description="Since when its keys are refused and its deliveries wait. Callbacks are taken."
    )
    rate_limit: RateLimit | None = Field(
        description="Of its keys that have none of their own; null: the installation's."
    )
    created_at: Time
    updated_at: Time


class TenantPut(Asked):
    """A tenant as it is to be; what is left out stays."""

    name: str | None = Field(
        default=None, min_length=1, max_length=NAME_MAX, examples=["Harbour Clinic"]
    )
    suspended: bool | None = Field(
        default=None,
        description="True: its keys are refused and its deliveries wait, until it is false again.",
    )
    rate_limit: RateLimitAsked | None = Field(
        default=None,
        description="For its keys that have none of their own; null: the installation's.",
    )


def _view(tenant: StoredTenant) -> TenantView:
    return TenantView(
        id=ids.show("ten", tenant.id),
        uid=tenant.uid,
        name=tenant.name,
        suspended_at=moment_or_none(tenant.suspended),
        rate_limit=shown_rate(tenant.rate, tenant.burst),
        created_at=moment(tenant.created),
        updated_at=moment(tenant.updated),
    )


@router.put(
    "/{tenant_id}", name="put_tenant", summary="Add or change a tenant",
    responses={201: {"model": TenantView, "description": "It is new."}},
)  # fmt: skip
async def put(response: Response, caller: CallerDep, tenant_id: str, body: TenantPut) -> TenantView:
    """Add a tenant under an id of your own, or change it. Doing it twice changes nothing."""
    try:
        tenant, new = await caller.tenants.put(
            tenant_id,
            Change(
                body.name, body.suspended, "rate_limit" in body.model_fields_set,
                asked_rate(body.rate_limit),
            ),
        )  # fmt: skip
    except LimitReached as error:
        raise Problem("limit_reached", str(error)) from error
    if new:
        response.status_code = 201
    return _view(tenant)


@router.get("", name="list_tenants", summary="List tenants")
async def page(
    request: Request, response: Response, caller: CallerDep, query: Annotated[PageQuery, Query()]
) -> Page[TenantView]:
    """List the tenants of the installation, newest first."""
    pager = Pager(request, caller, query)
    found = await caller.tenants.newest(pager.window)
    cut = pager.cut(found, lambda tenant: (tenant.id.int,), response)
    return Page(data=[_view(tenant) for tenant in cut.rows], next=cut.next, prev=cut.prev)


@router.get("/{tenant_id}", name="get_tenant", summary="One tenant")
async def get(caller: CallerDep, tenant_id: str) -> TenantView:
    """Return a tenant, by its id or by your own."""
    found = await caller.tenants.get(tenant_id)
    if found is None:
        raise not_found("tenant")
    return _view(found)


@router.delete("/{tenant_id}", name="delete_tenant", status_code=204, summary="Delete a tenant")
async def delete(caller: CallerDep, tenant_id: str) -> None:
    """Delete a tenant: its keys end at once, its connections and endpoints are gone."""
    try:
        deleted = await caller.tenants.delete(tenant_id)
    except NotNow as error:
        raise Problem("not_now", str(error)) from error
    if not deleted:
        raise not_found("tenant")
