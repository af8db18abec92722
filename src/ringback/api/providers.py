"""Providers: what can be connected, and with which settings."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from ringback.api.auth import CallerDep
from ringback.api.pages import NoQuery, Page
from ringback.api.shown import View
from ringback.services import catalogue

router = APIRouter(prefix="/providers", tags=["connections"])


class ProviderView(View):
    """A provider."""

    name: str = Field(examples=["whatsapp"])
    label: str = Field(examples=["WhatsApp Cloud API"])
    channels: list[str] = Field(examples=[["whatsapp"]])
    documentation: str = Field(description="Where the provider describes its callbacks.")
    simulates: list[str] = Field(
        description="The statuses of which test callbacks can be made.", examples=[["delivered"]]
    )
    config_schema: dict[str, Any] = Field(
        description="JSON Schema of a connection's `config`; secrets are `writeOnly`."
    )


@router.get("", name="list_providers", summary="List providers")
async def page(caller: CallerDep, query: Annotated[NoQuery, Query()]) -> Page[ProviderView]:
    """List all providers on one page, in order of name."""
    del caller, query
    views = [
        ProviderView(
            name=provider.name,
            label=provider.label,
            channels=list(provider.channels),
            documentation=provider.documentation,
            simulates=list(provider.simulates),
            config_schema=provider.config_schema,
        )
        for provider in catalogue.providers()
    ]
    return Page(data=views, next=None, prev=None)
