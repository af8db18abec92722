"""Trying a connection's credentials: whether its provider takes them."""

from fastapi import APIRouter
from pydantic import Field

from ringback.api.auth import CallerDep
from ringback.api.connections import known_connection
from ringback.api.shown import View
from ringback.errors import Fault, Invalid

router = APIRouter(prefix="/connections", tags=["connections"])


class CredentialsView(View):
    """What the provider thinks of a connection's credentials."""

    ok: bool | None = Field(
        description="Whether it takes them; null when there are none, or no way to ask it."
    )
    detail: str = Field(examples=["Twilio takes the credentials."])


@router.post("/{connection_id}/check", name="check_connection", summary="Try the credentials")
async def check(caller: CallerDep, connection_id: str) -> CredentialsView:
    """Ask the provider whether it takes what messages are sent with. It changes nothing there."""
    found = known_connection(caller, connection_id)
    connection = caller.context.configuration.snapshot.connection_by_id(found.id)
    if connection is None:
        raise Invalid(Fault("", "This version cannot read the connection's stored config."))
    told = await caller.context.credentials.check(connection)
    if told is None:
        words = "The connection has no credentials to send with, or its provider cannot be asked."
        return CredentialsView(ok=None, detail=words)
    return CredentialsView(ok=told.ok, detail=told.detail)
