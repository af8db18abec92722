"""The config of a mapping: which piece of a callback says what, in the words of our items.

Only what can be written down; what makes sense of it is compiled in `mapping`. A place in a
callback is one string:

    /event/id            a JSON pointer into the piece: the same for JSON, XML and forms
    body:/account        the same, from the top of the body, where a callback holds several pieces
    query:MessageSid     a parameter of the query
    form:Body            a field of a form whose name is awkward in a pointer
    header:X-Event       a header; no signature covers it
    const:sms            this very text

Where a list of places stands, the first that holds something counts.
"""

from typing import Annotated, Literal

import msgspec

from ringback.domain.consent import ConsentWord
from ringback.domain.messages import ErrorClass, Status

RULES_MAX = 16
CONDITIONS_MAX = 8
PLACES_MAX = 4
PLACE_MAX = 256
WORDS_MAX = 200
WORD_MAX = 64
FORMATS_MAX = 6
STRIPPED_MAX = 8
METADATA_MAX = 20
MEDIA_MAX = 10
RANGE_MAX = 10_000

_CODE = r"^[a-z0-9_]+$(?!\n)"

Place = Annotated[str, msgspec.Meta(min_length=1, max_length=PLACE_MAX)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=WORD_MAX)]
Places = Place | Annotated[list[Place], msgspec.Meta(min_length=1, max_length=PLACES_MAX)]
Several = Annotated[list[Word], msgspec.Meta(min_length=1, max_length=WORDS_MAX)]
Digits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,2}$(?!\n)")]
CallingCode = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,2}$(?!\n)")]
Length = Annotated[int, msgspec.Meta(ge=5, le=13)]
Mark = Annotated[str, msgspec.Meta(min_length=1, max_length=4)]
Zone = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=WORD_MAX, pattern=r"^[A-Za-z0-9_+:/-]+$(?!\n)"),
]


def _of(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


class Part(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A part of a mapping; fields that say nothing are left out when it is shown."""


class Condition(Part, frozen=True, kw_only=True, rename={"in_": "in"}):
    """What a piece must hold. Without `in` it is enough that there is something."""

    place: Annotated[Places, _of("Where to look.")]
    in_: Annotated[Several | None, _of("What may stand there.")] = None
    exists: Annotated[bool, _of("Whether anything may stand there at all.")] = True


class ErrorRow(Part, frozen=True, kw_only=True, rename={"class_": "class"}):
    """What a code of theirs means in our words."""

    class_: Annotated[ErrorClass, _of("Whose fault it is.")]
    code: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=WORD_MAX, pattern=_CODE, description="One word for it."
        ),
    ] = "unknown"
    retryable: Annotated[bool, _of("Whether sending again may help.")] = False
    stage: Annotated[
        Literal["rejected", "undeliverable"], _of("Whether it was never sent, or never arrived.")
    ] = "undeliverable"
    opt_out: Annotated[bool, _of("It also says that the person wants no more messages.")] = False
    status: Annotated[
        Literal["failed", "expired", "unconfirmed"] | None,
        _of("What the message is then, whatever its status word says."),
    ] = None


class StatusRow(Part, frozen=True, kw_only=True):
    """A status word of theirs that says more than one of ours."""

    status: Annotated[Status, _of("What it means.")]
    weak: Annotated[
        bool, _of("The proof is weaker than the word: handed over, perhaps not there.")
    ] = False
    error: Annotated[ErrorRow | None, _of("Why, where no code of theirs says it better.")] = None


Statuses = Annotated[
    dict[Word, Status | StatusRow],
    msgspec.Meta(
        min_length=1,
        max_length=WORDS_MAX,
        description="Their words, in any case, and ranges such as 2200-2207 → ours.",
    ),
]
Errors = Annotated[
    dict[Word, ErrorRow],
    msgspec.Meta(max_length=WORDS_MAX, description="Their codes and ranges → what they mean."),
]


class Times(Part, frozen=True, kw_only=True):
    """How times are written: the formats that occur, and the zone of those that name none."""

    formats: Annotated[
        list[Word],
        msgspec.Meta(
            min_length=1,
            max_length=FORMATS_MAX,
            description="`iso`, `unix_s`, `unix_ms`, or a pattern such as %d/%b/%Y %H:%M:%S; the "
            "first that fits.",
        ),
    ] = msgspec.field(default_factory=lambda: ["iso"])
    zone: Annotated[
        Zone | None, _of("UTC, an offset such as +02:00, or a name such as Africa/Johannesburg.")
    ] = None


class Numbers(Part, frozen=True, kw_only=True):
    """How numbers are written, where not as E.164 has it. Short codes and names stay as they are.

    First one of `strip` goes from the front, then separators. What is all digits then gets the
    country, if it is a national number, and the +.
    """

    strip: Annotated[
        list[Word],
        msgspec.Meta(
            max_length=STRIPPED_MAX, description="What may stand before a number, such as 00."
        ),
    ] = msgspec.field(default_factory=list)
    country: Annotated[CallingCode | None, _of("Calling code of national numbers.")] = None
    trunk: Annotated[Digits | None, _of("What they begin with, such as 0.")] = None
    national_digits: Annotated[Length | None, _of("How many digits they have after that.")] = None
    plus: Annotated[bool, _of("Whether 7 to 15 digits are a number that lacks its +.")] = True


class _Fields(Part, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The fields that say when, and of what."""

    occurred_at: Annotated[Places | None, _of("When it happened.")] = None
    channel: Annotated[Places | None, _of("By what: sms, whatsapp … or a word of `channels`.")] = (
        None
    )


class _MessageFields(_Fields, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The fields of everything that is about one message."""

    from_: Annotated[Places | None, _of("Who sent the message.")] = None
    to: Annotated[Places | None, _of("Whom the message was sent to.")] = None
    recipient: Annotated[
        Places | None, _of("The person, where one id covers several messages.")
    ] = None
    reference: Annotated[Places | None, _of("Your own name for the message, given back.")] = None
    segments: Annotated[Places | None, _of("How many SMS it takes.")] = None
    text: Annotated[Places | None, _of("What was written.")] = None


class ReportFields(_MessageFields, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Where a report says what."""

    message_id: Annotated[Places, _of("Their id of the message.")]
    status: Annotated[Places, _of("Their word for its status.")]
    error_code: Annotated[Places | None, _of("Their code of what went wrong.")] = None
    error_text: Annotated[Places | None, _of("Their words for that.")] = None
    part: Annotated[Places | None, _of("Which part of a long message it is about.")] = None
    parts: Annotated[Places | None, _of("Of how many parts, each reported by itself.")] = None
    purpose: Annotated[Places | None, _of("`transactional` or `marketing`.")] = None
    campaign: Annotated[Places | None, _of("The campaign that it is part of.")] = None
    network: Annotated[Places | None, _of("Name of the person's network.")] = None
    mccmnc: Annotated[Places | None, _of("Code of the network, 5 or 6 digits.")] = None
    mcc: Annotated[Places | None, _of("Code of its country, where that stands alone.")] = None
    mnc: Annotated[Places | None, _of("Code of it in that country.")] = None
    cost: Annotated[Places | None, _of("What the message cost, a decimal number.")] = None
    currency: Annotated[Places | None, _of("In which currency, three letters.")] = None
    metadata: Annotated[
        dict[Word, Places],
        msgspec.Meta(max_length=METADATA_MAX, description="What else is to be kept of it."),
    ] = msgspec.field(default_factory=dict)


class InboundFields(_MessageFields, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Where a message from a person says what."""

    from_: Annotated[Places, _of("The person's number.")]
    message_id: Annotated[
        Places | None, _of("Their id of the message; without, it is known by all it says.")
    ] = None
    reply_to: Annotated[Places | None, _of("Their id of the message that it answers.")] = None
    keyword: Annotated[Places | None, _of("The keyword that it was taken for.")] = None
    metadata: Annotated[
        dict[Word, Places],
        msgspec.Meta(max_length=METADATA_MAX, description="What else is to be kept of it."),
    ] = msgspec.field(default_factory=dict)
    media: Annotated[
        list[Place],
        msgspec.Meta(
            max_length=MEDIA_MAX,
            description="Files, all of these places: an address, or an object with `url`, or "
            "lists of them.",
        ),
    ] = msgspec.field(default_factory=list)


class ConsentFields(_Fields, frozen=True, kw_only=True):
    """Where an opt-out or opt-in says what."""

    address: Annotated[Places, _of("The person's number.")]
    word: Annotated[Places, _of("Their word for what the person wants.")]
    sender: Annotated[
        Places | None, _of("Whose messages it is about; without, the whole account's.")
    ] = None
    purpose: Annotated[Places | None, _of("Which messages; without, all of them.")] = None
    keyword: Annotated[Places | None, _of("What the person wrote.")] = None
    message_id: Annotated[Places | None, _of("Their id of the message in which it was said.")] = (
        None
    )


class LinkFields(_Fields, frozen=True, kw_only=True):
    """Where a click or a preview says what."""

    url: Annotated[Places, _of("The link as it was in the message, or where it leads.")]
    provider_link: Annotated[Places | None, _of("The short link that they made of it.")] = None
    message_id: Annotated[Places | None, _of("Their id of the message with the link.")] = None
    recipient: Annotated[Places | None, _of("The person.")] = None


class _Rule(Part, frozen=True, kw_only=True, tag_field="item"):
    """What every rule has: it holds for pieces that meet all its conditions."""

    when: Annotated[
        list[Condition],
        msgspec.Meta(
            max_length=CONDITIONS_MAX, description="What must hold; without, it holds always."
        ),
    ] = msgspec.field(default_factory=list)
    key: Annotated[
        list[Place],
        msgspec.Meta(
            max_length=PLACES_MAX,
            description="What tells two of these apart, all together, where what is usual does "
            "not: of a report, its id, status, recipient and part.",
        ),
    ] = msgspec.field(default_factory=list)


class ReportRule(_Rule, frozen=True, kw_only=True, tag="report"):
    """The status of a message to a person."""

    fields: Annotated[ReportFields, _of("Where it says what.")]
    statuses: Statuses
    errors: Errors = msgspec.field(default_factory=dict)
    part_mark: Annotated[
        Mark | None, _of("In the id, what the number of a part comes after, such as $ in 4711$0.")
    ] = None
    parts_from: Annotated[Literal[0, 1], _of("The number of the first part.")] = 1


class InboundRule(_Rule, frozen=True, kw_only=True, tag="inbound"):
    """A message from a person."""

    fields: Annotated[InboundFields, _of("Where it says what.")]


class ConsentRule(_Rule, frozen=True, kw_only=True, tag="consent"):
    """Somebody wants no more messages, or wants them again."""

    fields: Annotated[ConsentFields, _of("Where it says what.")]
    words: Annotated[
        dict[Word, ConsentWord],
        msgspec.Meta(
            min_length=1, max_length=WORDS_MAX, description="Their words, in any case → ours."
        ),
    ] = msgspec.field(default_factory=lambda: {"opted_out": "opted_out", "opted_in": "opted_in"})


class LinkRule(_Rule, frozen=True, kw_only=True, tag="link"):
    """A link in a message was opened by a person, or fetched to show a preview."""

    fields: Annotated[LinkFields, _of("Where it says what.")]
    event: Annotated[Literal["clicked", "previewed"], _of("What happened to the link.")] = "clicked"


class IgnoreRule(_Rule, frozen=True, kw_only=True, tag="ignore"):
    """Nothing that anybody wants to know: stored, and no event."""


Rule = ReportRule | InboundRule | ConsentRule | LinkRule | IgnoreRule
