"""Who asks: the key of the request, for whom it acts, and what it may do."""

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from ringback import __version__
from ringback.api.auth import CallerDep
from ringback.api.shown import KeyId, TenantId, Time, View
from ringback.domain import ids
from ringback.domain.events import rfc3339
from ringback.domain.scopes import SCOPES, may

router = APIRouter(prefix="/whoami", tags=["api keys"])


class WhoView(View):
    """A key, and for whom it acts in this request."""

    key: KeyId
    kind: Literal["live", "test", "operator"]
    tenant: TenantId | None = Field(description="Null for an operator's key that names none.")
    tenant_uid: str | None = Field(description="The tenant's own id, if it has one.")
    tenant_name: str | None = Field(examples=["Harbour Clinic"])
    mode: Literal["live", "test"] | None
    scopes: list[str] = Field(
        description="What it may do, by name.", examples=[["events:write", "messages:read"]]
    )
    expires_at: Time | None
    version: str = Field(description="Of this installation.", examples=[__version__])


@router.get("", name="whoami", summary="Who asks")
async def get(caller: CallerDep) -> WhoView:
    """Say what the key of this request is, for whom it acts, and what it may do. Any key may."""
    key, mode = caller.asker.key, caller.asker.mode
    tenant = caller.context.configuration.snapshot.tenants.get(caller.asker.tenant)
    return WhoView(
        key=ids.show("key", key.id),
        kind=key.mode.word if key.mode else "operator",
        tenant=ids.show("ten", tenant.id) if tenant else None,
        tenant_uid=tenant.uid if tenant else None,
        tenant_name=tenant.name if tenant else None,
        mode=mode.word if mode is not None else None,
        scopes=[name for name in SCOPES if may(key.scopes, name, operator=key.operator)],
        expires_at=rfc3339(key.expires_ms) if key.expires_ms is not None else None,
        version=__version__,
    )
