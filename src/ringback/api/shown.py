"""How times, ids and raw bytes are written in answers, and the base of all answers."""

import base64
import uuid
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ringback.domain.events import rfc3339
from ringback.domain.ids import Prefix, show, time_of, uuid7

Time = Annotated[
    str,
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-02T15:01:22.646Z"]),
]
_EXAMPLE = uuid7(1_772_463_682_646, bytes.fromhex("5ad0c14ff3d1a9b2c70e"))


def example(prefix: Prefix) -> str:
    """Return an id of a kind for the documentation."""
    return show(prefix, _EXAMPLE)


MessageId = Annotated[str, Field(examples=[example("msg")])]
EventId = Annotated[str, Field(examples=[example("evt")])]
EndpointId = Annotated[str, Field(examples=[example("end")])]
ConnectionId = Annotated[str, Field(examples=[example("con")])]
CallbackId = Annotated[str, Field(examples=[example("cbk")])]
KeyId = Annotated[str, Field(examples=[example("key")])]
TenantId = Annotated[str, Field(examples=[example("ten")])]
SessionId = Annotated[str, Field(examples=[example("ses")])]
UserId = Annotated[str, Field(examples=[example("usr")])]
AttemptId = Annotated[str, Field(examples=[example("att")])]
DeliveryId = Annotated[str, Field(examples=["dlv_0000000000000g0000000008ka"])]


class View(BaseModel):
    """The base of everything that is answered."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=True)


class RawBody(View):
    """Bytes: as text when they are UTF-8, else in base64."""

    text: str | None = Field(description="The bytes as text; null when they are not UTF-8.")
    base64: str | None = Field(description="The bytes in base64; null when they are text.")
    size: int = Field(description="How many bytes are kept.")
    masked: bool = Field(
        default=False, description="Whether they are withheld from the role that asks."
    )


def body_of(raw: bytes) -> RawBody:
    """Show bytes."""
    try:
        return RawBody(text=raw.decode("utf-8"), base64=None, size=len(raw))
    except UnicodeDecodeError:
        return RawBody(text=None, base64=base64.b64encode(raw).decode(), size=len(raw))


def moment(at: datetime) -> str:
    """Write a time."""
    return rfc3339(round(at.astimezone(UTC).timestamp() * 1000))


def moment_or_none(at: datetime | None) -> str | None:
    """Write a time that may be missing."""
    return None if at is None else moment(at)


def born(identifier: uuid.UUID) -> str:
    """Write the time that a UUIDv7 carries."""
    return rfc3339(time_of(identifier))
