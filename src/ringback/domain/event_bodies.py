"""What the body of an event holds, as structs: their JSON Schemas are derived from here.

Bodies are rendered in events.py; a test renders every kind of them and holds it to these. A field
that is added keeps a version; one that goes, or means something else, makes the next.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ringback.domain import own_event_bodies as own
from ringback.domain.event_envelopes import Envelope, Numbered, Time
from ringback.domain.messages import Direction, Failure, Origin, Status

Texts = dict[str, str]


class EventMessage(Struct, kw_only=True, rename={"from_": "from"}):
    """A message as it stands after the event."""

    id: str
    origin: Origin
    direction: Direction
    channel: str | None
    purpose: str | None
    from_: str | None
    to: str | None
    status: Status | None
    previous_status: Annotated[Status | None, Meta(description="What it was before.")]
    provider: str | None
    connection: str | None
    provider_message_id: str | None
    provider_status: Annotated[
        str | UnsetType, Meta(description="The provider's own word, where it has one.")
    ] = UNSET
    reference: Annotated[str | None, Meta(description="The sender's own tag.")]
    campaign: str | None
    tags: list[str]
    metadata: Texts
    carrier: Texts | None
    segments: int | None
    cost: Texts | None
    error: Annotated[Failure | None, Meta(description="Why it failed, if it has.")]
    conflict: Annotated[
        bool, Meta(description="The provider has said both that it arrived and that it did not.")
    ]
    timestamps: Annotated[
        dict[str, Time], Meta(description="When each status was reached: the provider's time.")
    ]
    content: dict[str, Any] | UnsetType = UNSET


class EventReply(Struct, kw_only=True):
    """The message that an inbound one answers."""

    message: str
    how: Annotated[str, Meta(description="How it was found.")]


class MessageData(Numbered, kw_only=True):
    """A message, and what happened to it."""

    late: Annotated[bool, Meta(description="It came after what follows it: nothing moved.")]
    inferred: Annotated[bool, Meta(description="It follows from something that was said.")]
    weak: Annotated[bool, Meta(description="The proof is weaker than the word.")]
    message: EventMessage
    error: Failure | UnsetType = UNSET
    in_reply_to: EventReply | UnsetType = UNSET


class MessageEvent(Envelope, kw_only=True):
    """Something that happened to a message."""

    data: MessageData


class UnrecognisedData(Numbered, kw_only=True):
    """What a provider sent that has no type here."""

    provider: str
    connection: str
    kind: Annotated[str, Meta(description="What it is, as far as can be said.")]
    raw: Annotated[Any, Meta(description="As it came.")]


class UnrecognisedEvent(Envelope, kw_only=True):
    """Something that a provider sent, beyond our words."""

    data: UnrecognisedData


class EventCall(Struct, kw_only=True, rename={"from_": "from"}):
    """A call as it stands after the event."""

    id: str
    direction: Direction
    from_: str | None
    to: str | None
    status: Literal["initiated", "ringing", "answered", "completed", "failed"] | None
    previous_status: str | None
    provider: str | None
    connection: str | None
    provider_call_id: str | None
    reference: str | None
    duration_s: int | None
    reason: (
        Literal["busy", "no_answer", "cancelled", "rejected", "unreachable", "error"] | None
    )  # fmt: skip
    timestamps: dict[str, Time]


class CallData(Numbered, kw_only=True):
    """A call, and what happened to it."""

    late: bool
    call: EventCall
    forwarded_to: str | UnsetType = UNSET
    input: Annotated[
        Texts | UnsetType, Meta(description="`digits` that were pressed, `speech` that was heard.")
    ] = UNSET
    recording: Annotated[
        Texts | UnsetType, Meta(description="`url`, and what else the provider says of it.")
    ] = UNSET
    details: Annotated[
        Texts | UnsetType,
        Meta(
            description="What else the provider says of the call: `service_window_closes_at`, "
            "`deeplink_payload` and `cta_payload` of WhatsApp's."
        ),
    ] = UNSET


class CallEvent(Envelope, kw_only=True):
    """Something that happened to a call."""

    data: CallData


class EventNumberOrder(Struct, kw_only=True):
    """An order of numbers as it stands after the event."""

    id: str
    status: Literal["updated", "completed", "failed"]
    kind: Annotated[str | None, Meta(description="The provider's type, verbatim.")]
    provider_status: Annotated[str | None, Meta(description="Its state, verbatim.")]
    provider: str | None
    connection: str | None
    provider_order_id: str | None
    reference: str | None
    numbers: Annotated[list[str], Meta(description="Those that are done.")]
    partial: bool
    error: Failure | None


class NumberOrderData(Numbered, kw_only=True):
    """A number order, and what happened to it."""

    late: bool
    number_order: EventNumberOrder


class NumberOrderEvent(Envelope, kw_only=True):
    """Something that happened to a number order."""

    data: NumberOrderData


class EventSender(Struct, kw_only=True):
    """A number, short code or id of ours that messages come from or go to."""

    address: str
    kind: Annotated[
        str, Meta(description="number, toll_free, short_code, whatsapp, campaign and others.")
    ]
    status: str
    provider_status: Annotated[
        str | UnsetType | None, Meta(description="The provider's own word.")
    ] = UNSET
    reason: str | UnsetType | None = UNSET
    provider_code: Annotated[
        str | UnsetType, Meta(description="The provider's code of the reason.")
    ] = UNSET
    resubmit_allowed: Annotated[
        bool | UnsetType, Meta(description="Whether a denied registration may be made again.")
    ] = UNSET
    provider: str
    connection: str


class SenderData(Numbered, kw_only=True):
    """A sender, and what changed of it."""

    sender: EventSender


class SenderEvent(Envelope, kw_only=True):
    """A sender's registration, verification or quality changed."""

    data: SenderData


class EventTemplate(Struct, kw_only=True):
    """A template as the provider knows it, and what the provider says of it."""

    id: Annotated[str | UnsetType | None, Meta(description="The provider's.")] = UNSET
    name: str
    language: str | UnsetType | None = UNSET
    status: str
    provider_status: Annotated[
        str | UnsetType | None, Meta(description="The provider's own word.")
    ] = UNSET
    reason: str | UnsetType | None = UNSET
    category: str | UnsetType | None = UNSET
    components: Annotated[
        dict[str, Any] | UnsetType,
        Meta(description="What an edited one holds: `header`, `text`, `footer`, `buttons`."),
    ] = UNSET
    provider: str
    connection: str


class TemplateData(Numbered, kw_only=True):
    """A template, and what changed of it."""

    template: EventTemplate


class TemplateEvent(Envelope, kw_only=True):
    """A provider approved, rejected or paused a template."""

    data: TemplateData


class EventAddress(Struct, kw_only=True):
    """One address of a person."""

    kind: Annotated[str, Meta(description="phone, or what the provider's id is one of.")]
    value: str


class ContactData(Numbered, kw_only=True):
    """A person's wish about messages."""

    contact: EventAddress
    channel: Annotated[
        str | None,
        Meta(description="`sms` is text messages: SMS, MMS and RCS. null: for all of them."),
    ]
    sender: Annotated[
        str | None, Meta(description="Whose messages; null: those of the provider's account.")
    ]
    purpose: Annotated[str | None, Meta(description="null: for all of them.")]
    provider: str
    connection: str
    source: Annotated[
        Literal["keyword", "provider", "error"],
        Meta(description="A word that was sent, the provider's notice, or a refused message."),
    ]
    message: Annotated[str | None, Meta(description="The message that said it, or failed by it.")]
    evidence: Annotated[Texts, Meta(description="What it rests on, in the provider's words.")]


class ContactEvent(Envelope, kw_only=True):
    """A person wants messages, or does not."""

    data: ContactData


class EventLink(Struct, kw_only=True):
    """A link in a message."""

    url: str
    source: Annotated[Literal["provider"], Meta(description="Whose short link it is.")]
    recipient: str | UnsetType | None = UNSET
    provider_link: Annotated[
        str | UnsetType | None, Meta(description="The provider's short link, or its id.")
    ] = UNSET
    provider: str
    connection: str


class LinkData(Numbered, kw_only=True):
    """A link, and the message it was in."""

    link: EventLink
    message: Annotated[str | None, Meta(description="null where the provider names none we know.")]


class LinkEvent(Envelope, kw_only=True):
    """A link was fetched."""

    data: LinkData


class EventConversion(Struct, kw_only=True):
    """A business result."""

    name: str
    value: Annotated[str | None, Meta(description="An amount in decimal digits.")]
    currency: str | None


class ConversionData(Numbered, kw_only=True):
    """A business result and what it was credited to."""

    conversion: EventConversion
    message: str | None
    campaign: str | None


class ConversionEvent(Envelope, kw_only=True):
    """A business result was credited to a message."""

    data: ConversionData


class EventContact(Struct, kw_only=True):
    """One address of a person that is kept."""

    id: str
    kind: Literal["phone", "whatsapp", "email"]
    value: str


class EventConversation(Struct, kw_only=True):
    """A conversation as it stands after the event."""

    id: str
    channel: str
    contact: EventContact
    status: Literal["open", "closed"]
    assignee: str | None


class ConversationData(Numbered, kw_only=True):
    """A conversation, and what happened to it."""

    conversation: EventConversation
    message: Annotated[str | None, Meta(description="The message that brought it about.")]


class ConversationEvent(Envelope, kw_only=True):
    """A conversation was opened, assigned or closed."""

    data: ConversationData


OF_FAMILY: dict[str, type[Envelope]] = {
    "message": MessageEvent,
    "contact": ContactEvent,
    "link": LinkEvent,
    "conversion": ConversionEvent,
    "conversation": ConversationEvent,
    "call": CallEvent,
    "number_order": NumberOrderEvent,
    "sender": SenderEvent,
    "template": TemplateEvent,
    "trigger": own.TriggerEvent,
    "automation": own.AutomationEvent,
    "endpoint": own.EndpointEvent,
    "connection": own.ConnectionEvent,
    "alert": own.AlertEvent,
    "provider": UnrecognisedEvent,
}
OF_TYPE: dict[str, type[Envelope]] = {
    "endpoint.delivery_exhausted": own.ExhaustedEvent,
    "endpoint.expiring": own.ExpiringEvent,
}


def body_of(type_: str) -> type[Envelope]:
    """Return the struct that describes events of a type of ours."""
    return OF_TYPE.get(type_) or OF_FAMILY[type_.partition(".")[0]]
