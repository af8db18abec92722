"""Who asks: the key or session of the request, for whom it acts, and what it may do."""

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from ringback import __version__
from ringback.api.auth import CallerDep
from ringback.api.shown import KeyId, TenantId, Time, UserId, View
from ringback.domain import ids
from ringback.domain.events import rfc3339

router = APIRouter(prefix="/whoami", tags=["api keys"])


class WhoView(View):
    """A key or a session, and for whom it acts in this request."""

    key: KeyId | None = Field(description="Null for a session.")
    person: UserId | None = Field(description="Who is signed in; null for a key.")
    kind: Literal["live", "test", "operator", "session"]
    tenant: TenantId | None = Field(description="Null for an operator's key that names none.")
    tenant_uid: str | None = Field(description="The tenant's own id, if it has one.")
    tenant_name: str | None = Field(examples=["Harbour Clinic"])
    mode: Literal["live", "test"] | None
    scopes: list[str] = Field(
        description="What it may do, by name.", examples=[["events:write", "messages:read"]]
    )
    masked: bool = Field(description="Whether numbers and texts are masked in answers.")
    expires_at: Time | None
    version: str = Field(description="Of this installation.", examples=[__version__])


@router.get("", name="whoami", summary="Who asks")
async def get(caller: CallerDep) -> WhoView:
    """Say what the key of this request is, for whom it acts, and what it may do. Any key may."""
    key, mode, signed_in = caller.asker.key, caller.asker.mode, caller.asker.signed_in
    ends = key.expires_ms if signed_in is None else signed_in.session.expires_ms
    tenant = caller.context.configuration.snapshot.tenants.get(caller.asker.tenant)
    return WhoView(
        key=None if signed_in else ids.show("key", key.id),
        person=ids.show("usr", signed_in.person.id) if signed_in else None,
        kind="session" if signed_in else key.mode.word if key.mode else "operator",
        tenant=ids.show("ten", tenant.id) if tenant else None,
        tenant_uid=tenant.uid if tenant else None,
        tenant_name=tenant.name if tenant else None,
        mode=mode.word if mode is not None else None,
        scopes=caller.asker.scopes,
        masked=caller.asker.masked,
        expires_at=rfc3339(ends) if ends is not None else None,
        version=__version__,
    )
