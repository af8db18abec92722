"""What every event holds whatever it is about, as structs from which schemas are derived."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Number = Annotated[int, Meta(ge=1)]


class Envelope(Struct, kw_only=True):
    """What every event says of itself."""

    id: Annotated[str, Meta(description="The same on every attempt, as in `webhook-id`.")]
    type: str
    timestamp: Annotated[Time, Meta(description="When it happened.")]
    tenant: str
    mode: Literal["live", "test"]
    test: Annotated[
        bool | UnsetType, Meta(description="true when somebody sent an example; else left out.")
    ] = UNSET


class Numbered(Struct, kw_only=True):
    """What stands in `data` whatever the event is about."""

    sequence: Annotated[Number, Meta(description="1, 2, 3 … within what the event is about.")]
    received_at: Annotated[Time, Meta(description="When we learned of it.")]
    emitted_at: Annotated[Time, Meta(description="When the event was made.")]


class PublishedEnvelope(Envelope, kw_only=True):
    """What events that were published say of themselves, and ours about our own parts."""

    subject: Annotated[str | None, Meta(description="What it is about.")]
    sequence: Annotated[Number, Meta(description="1, 2, 3 … within the subject.")]
    received_at: Annotated[Time, Meta(description="When it was published.")]
