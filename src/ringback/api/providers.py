"""Providers: what can be connected, and with which settings."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field

from ringback.api.auth import CallerDep
from ringback.api.pages import NoQuery, Page
from ringback.api.shown import View
from ringback.services import catalogue

router = APIRouter(prefix="/providers", tags=["connections"])


class CodeView(View):
    """What a provider's code means."""

    codes: str = Field(description="A code, or a range of codes.", examples=["4700-4799"])
    class_: str = Field(serialization_alias="class", examples=["recipient"])
    code: str = Field(description="In the words of our errors.", examples=["unreachable"])
    status: str = Field(examples=["failed"])
    retryable: bool
    opt_out: bool = Field(description="Whether it says that the person wants no more messages.")


class ProviderView(View):
    """A provider."""

    name: str = Field(examples=["whatsapp"])
    label: str = Field(examples=["WhatsApp Cloud API"])
    channels: list[str] = Field(examples=[["whatsapp"]])
    documentation: str = Field(description="Where the provider describes its callbacks.")
    reports: list[str] = Field(
        description="The statuses that its callbacks can tell of; none: that depends on the "
        "mapping of a connection.",
        examples=[["sent", "delivered", "failed"]],
    )
    inbound: bool = Field(description="Whether messages from people come through it.")
    simulates: list[str] = Field(
        description="The statuses of which test callbacks can be made.", examples=[["delivered"]]
    )
    config_schema: dict[str, Any] = Field(
        description="JSON Schema of a connection's `config`; secrets are `writeOnly`."
    )
    sends: list[str] = Field(
        description="The kinds of content that can be sent through it; `simulate` then hands "
        "messages to its faked send API.",
        examples=[["text", "media"]],
    )
    refusals: list[str] = Field(
        description="Codes that its faked send API refuses with.", examples=[["21211"]]
    )
    batches: bool = Field(description="Whether one callback may tell of several messages.")
    subscribes: str = Field(
        description="What it can be told to post here, by `subscribe` of a connection; empty: "
        "that is entered there by hand."
    )
    errors: list[CodeView] = Field(description="What its codes mean.")
    setup: str = Field(description="What to enter at the provider, as Markdown.")
    example_config: dict[str, Any] = Field(
        description="A made-up `config` with which it can be tried in test mode."
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
            reports=list(provider.reports),
            inbound=provider.inbound,
            simulates=list(provider.simulates),
            config_schema=provider.config_schema,
            sends=list(provider.sends),
            refusals=list(provider.refusals),
            batches=provider.batches,
            subscribes=provider.subscribes,
            errors=[CodeView(**msgspec.structs.asdict(one)) for one in provider.errors],
            setup=provider.setup,
            example_config=provider.example_config,
        )
        for provider in catalogue.providers()
    ]
    return Page(data=views, next=None, prev=None)
