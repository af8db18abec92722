"""The bodies of events about parts of Ringback itself, as structs: endpoints, alerts, runs.

They have the envelope of published events. Bodies about messages and the like: event_bodies.py.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from ringback.domain.event_envelopes import Number, PublishedEnvelope, Time


class EventEndpoint(Struct, kw_only=True):
    """The endpoint that an event is about."""

    id: str
    url: str


class EndpointData(Struct, kw_only=True):
    """An endpoint, and what happened to it."""

    endpoint: EventEndpoint
    reason: Annotated[str | UnsetType, Meta(description="Why, in words.")] = UNSET


class EndpointEvent(PublishedEnvelope, kw_only=True):
    """Something that happened to an endpoint. It never goes to the endpoint that it is about."""

    data: EndpointData


class ExhaustedData(EndpointData, kw_only=True):
    """A delivery that was given up."""

    delivery: str
    event: str
    event_type: str
    attempts: Number


class ExhaustedEvent(PublishedEnvelope, kw_only=True):
    """A delivery was given up."""

    data: ExhaustedData


class ExpiringData(EndpointData, kw_only=True):
    """A test endpoint whose time is nearly over."""

    expires_at: Time


class ExpiringEvent(PublishedEnvelope, kw_only=True):
    """A test endpoint will expire."""

    data: ExpiringData


class EventConnection(Struct, kw_only=True):
    """The connection that an event is about."""

    id: str
    name: str
    provider: str


class ConnectionData(Struct, kw_only=True):
    """A connection, and what its callbacks do."""

    connection: EventConnection
    since: Time
    reason: str | UnsetType = UNSET


class ConnectionEvent(PublishedEnvelope, kw_only=True):
    """A connection's callbacks have stopped, are rejected, or come again."""

    data: ConnectionData


class EventAlert(Struct, kw_only=True):
    """Something that needs a person."""

    id: str
    cause: str
    about: Annotated[str, Meta(description="The id of what it is about.")]
    text: str
    opened_at: Time
    resolved_at: Time | None


class AlertData(Struct, kw_only=True):
    """An alert."""

    alert: EventAlert


class AlertEvent(PublishedEnvelope, kw_only=True):
    """An alert was opened or resolved."""

    data: AlertData


class EventTrigger(Struct, kw_only=True):
    """A URL at which a business system starts something."""

    id: str
    name: str


class TriggerData(Struct, kw_only=True):
    """A request that a trigger got."""

    trigger: EventTrigger
    request: str
    reason: str | UnsetType = UNSET


class TriggerEvent(PublishedEnvelope, kw_only=True):
    """A business system's request was taken, or could not be used."""

    data: TriggerData


class EventAutomation(Struct, kw_only=True):
    """An automation."""

    id: str
    name: str
    version: Number


class EventRun(Struct, kw_only=True):
    """One run of an automation."""

    id: str
    started_at: Time
    ended_at: Time


class AutomationData(Struct, kw_only=True):
    """A run of an automation, and how it ended."""

    automation: EventAutomation
    run: EventRun
    error: str | UnsetType = UNSET


class AutomationEvent(PublishedEnvelope, kw_only=True):
    """A run of an automation ended."""

    data: AutomationData
