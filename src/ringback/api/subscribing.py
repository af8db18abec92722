"""Having a provider post a connection's callbacks here, by its own API."""

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from ringback.api.asked import Asked
from ringback.api.auth import CallerDep
from ringback.api.connections import known_connection
from ringback.api.shown import View
from ringback.errors import Fault, Invalid

router = APIRouter(prefix="/connections", tags=["connections"])


class SubscribeRequest(Asked):
    """How far to go at the provider."""

    dry_run: bool = Field(
        default=False, description="Only ask, and say what would be done; nothing is changed."
    )
    remove_others: bool = Field(
        default=False,
        description="End what leads elsewhere too, whoever has subscribed it, where the provider "
        "lets us: up to 20 at once.",
    )


class SubscriptionView(View):
    """One thing that callbacks come for."""

    what: str = Field(
        description="In the provider's words: an event, or an app.", examples=["INCOMING_MESSAGE"]
    )
    state: Literal["kept", "added", "changed", "removed", "others", "refused"] = Field(
        description="`kept`: as wanted already; `changed`: ours, and led elsewhere; `others`: "
        "somebody else's, left as it is; `refused`: the provider would not."
    )
    url: str = Field(
        description="Where it leads, without its query.",
        examples=["https://hooks.example.com/in/9f2c1d84a7b34e60"],
    )
    detail: str = Field(description="What else there is to say, such as why; may be empty.")


class SubscribedView(View):
    """What became of it at the provider."""

    ok: bool = Field(description="Whether the callbacks come here now, or would.")
    detail: str = Field(examples=["Textellent posts here now."])
    dry_run: bool
    subscriptions: list[SubscriptionView]


@router.post(
    "/{connection_id}/subscribe", name="subscribe_connection", summary="Subscribe to callbacks"
)
async def subscribe(
    caller: CallerDep, connection_id: str, body: SubscribeRequest
) -> SubscribedView:
    """Tell the provider, by its API, to post this connection's callbacks to its callback URL.

    Asked again it changes nothing. For providers with `subscribes`; in test mode their fakes are
    asked, which remember nothing.
    """
    found = known_connection(caller, connection_id)
    connection = caller.context.configuration.snapshot.connection_by_id(found.id)
    if connection is None:
        raise Invalid(Fault("", "This version cannot read the connection's stored config."))
    told = await caller.context.subscriber.subscribe(
        connection, caller.scope, caller.asker.actor,
        dry_run=body.dry_run, remove_others=body.remove_others,
    )  # fmt: skip
    listed = [
        SubscriptionView(what=one.what, state=one.state, url=one.url, detail=one.detail)
        for one in told.subscriptions
    ]
    return SubscribedView(
        ok=told.ok, detail=told.detail, dry_run=body.dry_run, subscriptions=listed
    )
