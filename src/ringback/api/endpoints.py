"""Endpoints: the URLs that receive events."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, field_validator

from ringback.api.asked import Asked
from ringback.api.auth import Caller, CallerDep
from ringback.api.pages import Page, PageQuery, Pager, within
from ringback.api.problems import Problem, not_found
from ringback.api.shown import EndpointId, Time, View, moment, moment_or_none
from ringback.domain import ids
from ringback.domain.delivery_policy import HOSTS_MAX, NETWORKS_MAX, PORTS_MAX, RETRIES_MAX
from ringback.domain.endpoint_fields import UID_MAX, masked
from ringback.domain.endpoints import DeliveryPolicy, Order
from ringback.domain.event_types import PATTERNS_MAX
from ringback.domain.events import rfc3339
from ringback.domain.targets import MAX_URL
from ringback.errors import Fault, Invalid
from ringback.services.manage import EndpointChanges, LimitReached, NewEndpoint
from ringback.services.rotation import OVERLAP_MAX_S, OVERLAP_S
from ringback.storage.configuration import StoredEndpoint, UidTaken

DESCRIPTION_MAX = 1000
router = APIRouter(prefix="/endpoints", tags=["endpoints"])

Url = Annotated[
    str,
    Field(
        max_length=MAX_URL,
        description="Where events are posted to. https; in test mode also http and loopback.",
        examples=["https://example.com/webhooks/ringback"],
    ),
]
EventTypes = Annotated[
    list[str],
    Field(
        max_length=PATTERNS_MAX,
        description="Whole types, families such as `message.*`, or `*`.",
        examples=[["message.delivered", "message.failed"]],
    ),
]
Uid = Annotated[
    str,
    Field(
        max_length=UID_MAX,
        description="An id of your own. It names the endpoint in URLs as well as ours does.",
        examples=["orders-production"],
    ),
]
Metadata = Annotated[
    dict[str, str],
    Field(description="Pairs of your own, kept with it.", examples=[{"team": "orders"}]),
]
Headers = Annotated[
    dict[str, str],
    Field(
        description="Header fields of your own, sent with every request.",
        examples=[{"authorization": "Bearer 8Yq…"}],
    ),
]
Kind = Annotated[
    Literal["http", "listen"],
    Field(description="`http`: events are posted to its URL. `listen`: it has none, and is read."),
]
Description = Annotated[str, Field(max_length=DESCRIPTION_MAX, examples=["Order system"])]


class DeliveryView(View):
    """How an endpoint wants to be delivered to."""

    order: Order = Field(
        description="What is sent one after the other: the events of a `message`, all events of "
        "the `endpoint`, or `none`."
    )
    retry_schedule_s: list[int] = Field(
        description="Seconds to wait after each failed attempt; each wait is up to 20 % longer. "
        "The installation's, unless the endpoint has its own."
    )
    timeout_s: float = Field(description="For one request, in all.")
    concurrency: int = Field(description="Requests at a time, of all workers together.")
    give_up_on: list[int] = Field(description="Statuses after which nothing is tried again.")
    allowed_networks: list[str] = Field(description="Private networks opened for this endpoint.")
    allowed_hosts: list[str] = Field(
        description="Names that may lead to private addresses; `*.` and a name: all below it."
    )
    allowed_ports: list[int] = Field(
        description="Ports opened for this endpoint, beside 80 and 443. In test mode all from 1024 "
        "on are, but for those of other services."
    )


class DeliveryChange(Asked):
    """How an endpoint is to be delivered to; what is left out stays, or is as usual."""

    order: Order | None = None
    retry_schedule_s: list[int] | None = Field(
        default=None,
        max_length=RETRIES_MAX,
        description="null: as usual in this installation.",
        examples=[[5, 30, 120, 600]],
    )
    timeout_s: float | None = Field(default=None, examples=[15])
    concurrency: int | None = Field(default=None, examples=[32])
    give_up_on: list[int] | None = Field(default=None, max_length=8, examples=[[400, 422]])
    allowed_networks: list[str] | None = Field(
        default=None, max_length=NETWORKS_MAX, examples=[["10.1.2.0/24"]]
    )
    allowed_hosts: list[str] | None = Field(
        default=None, max_length=HOSTS_MAX, examples=[["hooks.intern.example", "*.shop.example"]]
    )
    allowed_ports: list[int] | None = Field(default=None, max_length=PORTS_MAX, examples=[[8443]])

    def over(self, policy: DeliveryPolicy) -> DeliveryPolicy:
        """Return a policy with these changes."""
        given = self.model_dump(exclude_none=True)
        if "retry_schedule_s" in self.model_fields_set:
            given.pop("retry_schedule_s", None)
            given["schedule_s"] = self.retry_schedule_s
        changes = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in given.items()
        }
        return msgspec.structs.replace(policy, **changes)


class EndpointView(View):
    """An endpoint."""

    id: EndpointId
    kind: Kind
    url: Url | None = Field(description="Where events are posted to; null for one that listens.")
    event_types: EventTypes
    description: str
    uid: str | None = Field(description="Your own id of it.")
    metadata: Metadata
    headers: dict[str, str] = Field(
        description="Your header fields; of their values at most the last four characters.",
        examples=[{"authorization": "…k2Qx"}],
    )
    mode: str = Field(description="`live` or `test`.", examples=["live"])
    delivery: DeliveryView
    enabled: bool = Field(description="Whether events are sent to it.")
    disabled_at: Time | None
    disabled_for: str | None = Field(description="Why it is disabled.")
    created_at: Time
    updated_at: Time
    expires_at: Time | None = Field(
        description="When a test endpoint ends; every change gives it seven more days. One that "
        "listens ends 24 h after it was last read."
    )


class NewEndpointView(EndpointView):
    """An endpoint that was just made, with its signing secret."""

    secret: str = Field(
        description="Signs every event (Standard Webhooks).",
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )


class RetiringView(View):
    """An older secret that signs as well for a while."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    until: Time


class EndpointSecret(View):
    """The signing secret of an endpoint."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    retiring: list[RetiringView] = Field(description="Older ones that sign as well until then.")


class SecretRotation(Asked):
    """A change of the signing secret."""

    secret: str | None = Field(
        default=None, max_length=128, description="One of your own, `whsec_…`; else one is made."
    )
    overlap_s: int = Field(
        default=OVERLAP_S, ge=0, le=OVERLAP_MAX_S,
        description="For so many seconds the old secret signs as well; 0: it ends at once.",
    )  # fmt: skip


class EndpointCreate(Asked):
    """A new endpoint."""

    kind: Kind = "http"
    url: Url | None = Field(default=None, description="Where events are posted to: for `http`.")
    event_types: EventTypes
    description: Description = ""
    delivery: DeliveryChange = DeliveryChange()
    uid: Uid | None = None
    metadata: Metadata = Field(default_factory=dict)
    headers: Headers = Field(default_factory=dict)
    secret: str | None = Field(
        default=None, max_length=128, description="One of your own, `whsec_…`; else one is made."
    )


class EndpointChange(Asked):
    """What is to change; what is left out stays."""

    url: Url | None = None
    event_types: EventTypes | None = None
    description: Description | None = None
    delivery: DeliveryChange | None = None
    uid: Uid | None = None
    metadata: Metadata | None = None
    headers: Headers | None = None
    enabled: bool | None = Field(default=None, description="Whether events are sent to it.")

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("Leave it out to keep it as it is; null is no value for it.")
        return value


def _fields(caller: Caller, endpoint: StoredEndpoint) -> dict[str, Any]:
    engine = endpoint.engine
    schedule = engine.policy.schedule_s
    usual = caller.context.retry_schedule
    return {
        "id": ids.show("end", engine.id),
        "kind": "listen" if engine.listens else "http",
        "url": engine.url or None,
        "event_types": list(engine.event_types),
        "description": endpoint.description,
        "uid": endpoint.uid,
        "metadata": endpoint.metadata,
        "headers": {name: masked(value) for name, value in engine.headers},
        "mode": engine.mode.word,
        "delivery": DeliveryView(
            order=engine.policy.order,
            retry_schedule_s=list(usual if schedule is None else schedule),
            timeout_s=engine.policy.timeout_s,
            concurrency=engine.policy.concurrency,
            give_up_on=list(engine.policy.give_up_on),
            allowed_networks=list(engine.policy.allowed_networks),
            allowed_hosts=list(engine.policy.allowed_hosts),
            allowed_ports=list(engine.policy.allowed_ports),
        ),
        "enabled": not engine.disabled,
        "disabled_at": moment_or_none(endpoint.disabled_at),
        "disabled_for": endpoint.disabled_for,
        "created_at": moment(endpoint.created),
        "updated_at": moment(endpoint.updated),
        "expires_at": moment_or_none(endpoint.expires),
    }


def endpoint_in_path(caller: Caller, endpoint_id: str) -> StoredEndpoint:
    """Find the endpoint of the path. Raises Problem when there is none of this caller's."""
    manager, identifier = caller.manager, ids.read("end", endpoint_id)
    if identifier is None:
        found = manager.endpoint_by_uid(caller.scope, endpoint_id)
    else:
        found = manager.endpoint(caller.scope, identifier)
    if found is None:
        raise not_found("endpoint")
    return found


@router.post("", name="create_endpoint", status_code=201, summary="Add an endpoint")
async def create(caller: CallerDep, body: EndpointCreate) -> NewEndpointView:
    """Add an endpoint. Its secret is in the answer; when that comes, every worker sends to it."""
    if body.kind == "listen":
        policy = _of_listening(body)
    elif body.url:
        policy = body.delivery.over(DeliveryPolicy())
    else:
        raise Invalid(Fault("/url", 'Say where to post to, or make it one of the kind "listen".'))
    new = NewEndpoint(
        body.url or "", body.event_types, body.description, body.secret,
        policy, body.uid, body.metadata,
        tuple(body.headers.items()),
    )  # fmt: skip
    try:
        made = await caller.manager.add_endpoint(caller.scope, new)
    except LimitReached as error:
        raise Problem("limit_reached", str(error)) from error
    except UidTaken as error:
        raise Problem("uid_taken", str(error)) from error
    return NewEndpointView(**_fields(caller, made), secret=made.secrets[0])


def _of_listening(body: EndpointCreate) -> DeliveryPolicy:
    """Return how one is told that listens. Raises Invalid."""
    faults = []
    if body.url is not None:
        faults.append(Fault("/url", "One that listens has no URL."))
    if body.delivery.model_fields_set:
        faults.append(Fault("/delivery", "One that listens is told at once, and once."))
    if faults:
        raise Invalid(*faults)
    return DeliveryPolicy(order="none")


@router.get("", name="list_endpoints", summary="List endpoints")
async def page(
    request: Request, response: Response, caller: CallerDep, query: Annotated[PageQuery, Query()]
) -> Page[EndpointView]:
    """List the endpoints of the key's tenant and mode, newest first."""
    pager = Pager(request, caller, query)
    rows = caller.manager.endpoints(caller.scope)
    found = within(rows, _key, pager.window)
    cut = pager.cut(found, _key, response)
    views = [EndpointView(**_fields(caller, row)) for row in cut.rows]
    return Page(data=views, next=cut.next, prev=cut.prev)


def _key(row: StoredEndpoint) -> tuple[int, ...]:
    return (row.engine.id.int,)


@router.get("/{endpoint_id}", name="get_endpoint", summary="One endpoint")
async def get(caller: CallerDep, endpoint_id: str) -> EndpointView:
    """Return an endpoint, without its secret."""
    return EndpointView(**_fields(caller, endpoint_in_path(caller, endpoint_id)))


@router.get("/{endpoint_id}/secret", name="get_endpoint_secret", summary="Its signing secret")
async def secret(caller: CallerDep, endpoint_id: str) -> EndpointSecret:
    """Return the secret that signs what is sent to this endpoint, and any that still does."""
    found = endpoint_in_path(caller, endpoint_id)
    return _secrets(caller, found, await caller.manager.secret(caller.scope, found))


def _secrets(caller: Caller, endpoint: StoredEndpoint, secret: str) -> EndpointSecret:
    now = caller.context.clock.now_ms()
    retiring = [
        RetiringView(secret=old, until=rfc3339(until))
        for old, until in endpoint.retiring
        if until > now
    ]
    return EndpointSecret(secret=secret, retiring=retiring)


@router.post(
    "/{endpoint_id}/rotate-secret", name="rotate_endpoint_secret", summary="Change its secret"
)
async def rotate(caller: CallerDep, endpoint_id: str, body: SecretRotation) -> EndpointSecret:
    """Sign with a new secret, and for a while with the old one too, so that no receiver fails."""
    found = endpoint_in_path(caller, endpoint_id)
    try:
        changed = await caller.rotation.rotate(
            caller.scope, found.engine.id, body.secret, body.overlap_s
        )
    except LimitReached as error:
        raise Problem("limit_reached", str(error)) from error
    if changed is None:
        raise not_found("endpoint")
    return _secrets(caller, changed, changed.secrets[0])


@router.patch("/{endpoint_id}", name="change_endpoint", summary="Change an endpoint")
async def change(caller: CallerDep, endpoint_id: str, body: EndpointChange) -> EndpointView:
    """Change what is given. When the answer comes, every worker goes by it."""
    found = endpoint_in_path(caller, endpoint_id)
    delivery = body.delivery.over if body.delivery else None
    headers = None if body.headers is None else tuple(body.headers.items())
    changes = EndpointChanges(
        body.url, body.event_types, body.description, body.enabled, delivery, body.uid,
        body.metadata, headers,
    )  # fmt: skip
    try:
        changed = await caller.manager.change_endpoint(caller.scope, found.engine.id, changes)
    except UidTaken as error:
        raise Problem("uid_taken", str(error)) from error
    if changed is None:
        raise not_found("endpoint")
    return EndpointView(**_fields(caller, changed))


@router.delete(
    "/{endpoint_id}", name="delete_endpoint", status_code=204, summary="Delete an endpoint"
)
async def delete(caller: CallerDep, endpoint_id: str) -> None:
    """Delete an endpoint. What it was still owed is cancelled."""
    found = endpoint_in_path(caller, endpoint_id)
    if not await caller.manager.delete_endpoint(caller.scope, found.engine.id):
        raise not_found("endpoint")
