"""What a request to a native connection holds: the items, as they are declared, checked and read.

The declarations are the format: the JSON Schema and the documentation are derived from them. A
request is strict where a provider's callback is tolerant, because whoever wrote it can mend it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from ringback.domain.calls import RANK, CallWord, Reason
from ringback.domain.messages import Direction, ErrorClass, Failure
from ringback.domain.orders import NUMBERS_MAX, OrderStatus
from ringback.domain.strict_json import StrictJsonError, check
from ringback.providers.base import (
    CallReport,
    Inbound,
    Item,
    OrderReport,
    Parsed,
    Report,
    Unparsed,
)
from ringback.providers.config_faults import faults
from ringback.providers.reading import ID_MAX, KIND_MAX, REFERENCE_MAX, TEXT_MAX, fingerprint

ITEMS_MAX = 1000
TAGS_MAX = 20
METADATA_MAX = 20
DURATION_MAX = 10_000_000
WORD_MAX = 64
VALUE_MAX = 512
FAULTS_MAX = 100
FIELDS_MAX = 64
_LATEST_MS = 253_402_300_799_999  # the end of the year 9999
_FAILED = ("failed", "expired", "unconfirmed")


def _text(limit: int, description: str, pattern: str | None = None) -> msgspec.Meta:
    return msgspec.Meta(min_length=1, max_length=limit, description=description, pattern=pattern)


_WORD = r"^[a-z0-9_]+$(?!\n)"
Id = Annotated[
    str, _text(ID_MAX, "Your own id of the message, call or order: the same id is the same one.")
]
At = Annotated[
    datetime,
    msgspec.Meta(tz=True, description="When it happened, with its zone. Left out: not known."),
]
Address = Annotated[str, _text(ID_MAX, "A number as E.164 has it, or another address.")]
Channel = Annotated[str, _text(KIND_MAX, "sms, mms, whatsapp, rcs … in lower case.", _WORD)]
Reference = Annotated[
    str, _text(REFERENCE_MAX, "Another name for it, such as an order's; messages are found by it.")
]
Part = Annotated[
    int, msgspec.Meta(ge=1, le=255, description="Which part of the message this is about.")
]
Count = Annotated[int, msgspec.Meta(ge=1, le=255, description="How many there are.")]
Tag = Annotated[str, _text(WORD_MAX, "A word to group messages by.")]
Tags = Annotated[list[Tag], msgspec.Meta(max_length=TAGS_MAX)]
Metadata = Annotated[
    dict[
        Annotated[str, msgspec.Meta(min_length=1, max_length=WORD_MAX)],
        Annotated[str, msgspec.Meta(max_length=VALUE_MAX)],
    ],
    msgspec.Meta(max_length=METADATA_MAX, description="What you want to find with it again."),
]
Small = Annotated[str, msgspec.Meta(min_length=1, max_length=WORD_MAX)]


class NativeCarrier(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The network of the person's number."""

    name: Small | None = None
    mccmnc: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{5,6}$(?!\n)")] | None = None


class NativeCost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the message cost."""

    amount: Annotated[
        str, msgspec.Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,8})?$(?!\n)", description="A decimal.")
    ]
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$(?!\n)", description="ISO 4217.")]


class NativeError(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"class_": "class"}
):
    """Why a message failed."""

    class_: ErrorClass
    code: Annotated[str, _text(WORD_MAX, "One word for it.", _WORD)] = "unknown"
    retryable: bool = False
    provider_code: Small | None = None
    description: Annotated[str, msgspec.Meta(min_length=1, max_length=REFERENCE_MAX)] | None = None
    stage: Literal["rejected", "undeliverable"] = "undeliverable"


class _Any(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="type",
    forbid_unknown_fields=True,
    rename={"from_": "from"},
):
    """What every item may say. What is known already is never overwritten."""

    id: Id
    at: At | None = None
    reference: Reference | None = None


class _About(_Any, frozen=True, kw_only=True):
    """What every item about a message may say beyond that."""

    to: Address | None = None
    from_: Address | None = None
    channel: Channel | None = None
    segments: Count | None = None


class _Outbound(_About, frozen=True, kw_only=True):
    """What items about messages to people may say beyond that."""

    purpose: Literal["transactional", "marketing"] | None = None
    campaign: Annotated[str, _text(VALUE_MAX, "The campaign that it is part of.")] | None = None
    tags: Tags = []
    metadata: Metadata = {}
    carrier: NativeCarrier | None = None
    cost: NativeCost | None = None
    parts: Count | None = None


class NativeMessage(_Outbound, frozen=True, kw_only=True, tag="message"):
    """A message to a person that you send, or are about to send."""

    to: Address
    status: Literal["scheduled", "queued", "submitted", "sent"] = "submitted"
    text: Annotated[str, _text(TEXT_MAX, "Its text, if it is to be shown with it.")] | None = None


class NativeStatus(_Outbound, frozen=True, kw_only=True, tag="status"):
    """What became of a message to a person."""

    status: Literal[
        "scheduled", "queued", "submitted", "sent", "delivered", "read",
        "failed", "expired", "cancelled", "unconfirmed",
    ]  # fmt: skip
    error: NativeError | None = None
    provider_status: Annotated[str, _text(WORD_MAX, "The status in your own words.")] | None = None
    weak: Annotated[bool, msgspec.Meta(description="The proof is weaker than the word.")] = False
    part: Part | None = None


class NativeReceived(_About, frozen=True, kw_only=True, tag="received"):
    """A message from a person."""

    from_: Address
    text: Annotated[str, msgspec.Meta(max_length=TEXT_MAX)] | None = None
    content: (
        Annotated[dict[str, Any], msgspec.Meta(description="In place of `text`; with a `kind`.")]
        | None
    ) = None
    reply_to: Annotated[str, _text(ID_MAX, "Your id of the message that it answers.")] | None = None


class NativeCall(_Any, frozen=True, kw_only=True, tag="call"):
    """What happened to a call; the last four do not move its status."""

    event: CallWord
    direction: Direction = "outbound"
    to: Address | None = None
    from_: Address | None = None
    reason: Annotated[Reason | None, msgspec.Meta(description="Why it failed.")] = None
    duration_s: Annotated[int, msgspec.Meta(ge=0, le=DURATION_MAX)] | None = None
    forwarded_to: Address | None = None
    input: Annotated[
        Metadata | None, msgspec.Meta(description="`digits` that were pressed, `speech` …")
    ] = None
    recording: Annotated[
        Metadata | None, msgspec.Meta(description="Its `url`, and what else is known of it.")
    ] = None


class NativeNumberOrder(_Any, frozen=True, kw_only=True, tag="number_order"):
    """What became of an order of numbers."""

    status: OrderStatus
    kind: Annotated[str, _text(WORD_MAX, "What kind of order, in your own word.")] | None = None
    provider_status: Annotated[str, _text(WORD_MAX, "Its state, in your own word.")] | None = None
    numbers: Annotated[
        list[Address], msgspec.Meta(max_length=NUMBERS_MAX, description="Those that are done.")
    ] = []
    partial: Annotated[bool, msgspec.Meta(description="Some of them will never come.")] = False
    error: NativeError | None = None


NativeItem = NativeMessage | NativeStatus | NativeReceived | NativeCall | NativeNumberOrder
NativeItems = Annotated[list[NativeItem], msgspec.Meta(min_length=1, max_length=ITEMS_MAX)]
# What is said of a field in place of its pattern.
_MEANT = {
    "at": "Write a time with its zone, such as 2026-03-02T15:01:22Z.",
    "channel": "Write lower-case letters, digits and _.",
    "code": "Write lower-case letters, digits and _.",
    "amount": "Write a decimal in a string, such as 0.0075.",
    "currency": "Write three capital letters, such as EUR.",
    "mccmnc": "Write five or six digits.",
}
# What makes sense with some events of a call only.
_ONLY_WITH: dict[str, tuple[CallWord, ...]] = {
    "reason": ("failed",),
    "duration_s": ("completed", "failed"),
    "forwarded_to": ("forwarded",),
    "input": ("input_received",),
    "recording": ("recording_available",),
}
_ITEM = msgspec.json.Decoder(NativeItem)
_ITEMS = msgspec.json.Decoder(list[NativeItem])
_RAW: msgspec.json.Decoder[object] = msgspec.json.Decoder()


def read(body: bytes) -> Parsed:
    """Read a request: what is sound, and every fault with its place. Raises nothing."""
    try:
        check(body)
        raw = _RAW.decode(body)
    except StrictJsonError as error:
        return Parsed(unparsed=(Unparsed(error.reason),))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return Parsed(unparsed=(Unparsed("This is not JSON."),))
    if isinstance(raw, list) and not 1 <= len(raw) <= ITEMS_MAX:
        return Parsed(unparsed=(Unparsed(f"Send 1 to {ITEMS_MAX} items."),))
    if not isinstance(raw, list | dict):
        return Parsed(unparsed=(Unparsed("Send an item, or a list of items."),))
    items: list[Item] = []
    found: list[Unparsed] = []
    for at, item in _decoded(body, raw, found):
        wrong = list(_contradictions(item))
        found += [Unparsed(words, at + place) for place, words in wrong]
        if not wrong:
            items.append(_canonical(item))
    return Parsed(tuple(items), tuple(found[:FAULTS_MAX]))


def _decoded(
    body: bytes, raw: list[object] | dict[str, object], found: list[Unparsed]
) -> Iterator[tuple[str, NativeItem]]:
    """Go through the items that are as declared; note what keeps the others from it."""
    many = isinstance(raw, list)
    try:
        sound = _ITEMS.decode(body) if many else [_ITEM.decode(body)]
    except msgspec.ValidationError:
        for index, one in enumerate(raw if isinstance(raw, list) else [raw]):
            at = f"/{index}" if many else ""
            try:
                yield at, msgspec.convert(one, NativeItem)
            except msgspec.ValidationError:
                found += [Unparsed(words, place) for place, words in _faults(one, at)]
                if len(found) >= FAULTS_MAX:
                    return  # enough to mend: looking on would cost time that others need
    else:
        for index, item in enumerate(sound):
            yield f"/{index}" if many else "", item


def _faults(raw: object, at: str) -> list[tuple[str, str]]:
    if not isinstance(raw, dict):
        return [(at, "Write an object.")]
    if len(raw) > FIELDS_MAX:
        return [(at, f"It has more than {FIELDS_MAX} fields.")]
    return [(place, _sentence(place, words)) for place, words in faults(raw, NativeItem, at)]


def _sentence(place: str, words: str) -> str:
    name = place.rpartition("/")[2]
    if name in _MEANT and ("regex" in words or words == "must be one of: "):
        return _MEANT[name]
    return words[:1].upper() + words[1:].rstrip(".") + "."


def _contradictions(item: NativeItem) -> Iterator[tuple[str, str]]:
    """Say what is wrong with an item whose every field is right."""
    if item.at is not None and not 0 <= _ms(item.at) <= _LATEST_MS:
        yield "/at", "Write a time between 1970 and 9999."
    if isinstance(item, NativeStatus):
        if item.error is not None and item.status not in _FAILED:
            yield "/error", f"Only what is {', '.join(_FAILED)} has an error."
    elif isinstance(item, NativeCall):
        yield from _of_call(item)
    elif isinstance(item, NativeNumberOrder):
        if item.error is not None and item.status != "failed":
            yield "/error", "Only what is failed has an error."
        if item.partial and item.status != "completed":
            yield "/partial", "Only what is completed can be partial."
    elif isinstance(item, NativeReceived):
        if (item.text is None) == (item.content is None):
            yield "/text", "Send either `text` or `content`."
        elif item.content is not None:
            kind = item.content.get("kind")
            if not isinstance(kind, str) or not 1 <= len(kind) <= WORD_MAX:
                yield "/content/kind", f"It is required: a word of up to {WORD_MAX} characters."
            if len(msgspec.json.encode(item.content)) > TEXT_MAX:
                yield "/content", f"It may have {TEXT_MAX} bytes."


def _of_call(item: NativeCall) -> Iterator[tuple[str, str]]:
    for name, words in _ONLY_WITH.items():
        if getattr(item, name) is not None and item.event not in words:
            yield f"/{name}", f"Only with {' or '.join(words)}."


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _canonical(item: NativeItem) -> Item:
    at = None if item.at is None else _ms(item.at)
    if isinstance(item, NativeReceived):
        return Inbound(
            message_id=item.id, key=f"{item.id}:received", from_=item.from_, to=item.to,
            content=item.content or {"kind": "text", "text": item.text},
            channel=item.channel or "sms", occurred_at=at, reply_to=item.reply_to,
            reference=item.reference, segments=item.segments,
        )  # fmt: skip
    if isinstance(item, NativeCall):
        return _call(item, at)
    if isinstance(item, NativeNumberOrder):
        return OrderReport(
            order_id=item.id, status=item.status, occurred_at=at, kind=item.kind,
            key=f"{item.id}:{item.status}:{item.provider_status or ''}",
            provider_status=item.provider_status, reference=item.reference,
            numbers=item.numbers, partial=item.partial,
            error=_failure(item.status, item.error),
        )  # fmt: skip
    part = item.part or 0 if isinstance(item, NativeStatus) else 0
    return Report(
        message_id=item.id, status=item.status, occurred_at=at, part=part,
        key=f"{item.id}:{item.status}" + (f":{part}" if part else ""),
        to=item.to, from_=item.from_, channel=item.channel, reference=item.reference,
        segments=item.segments, parts=item.parts, purpose=item.purpose, campaign=item.campaign,
        tags=item.tags, metadata=item.metadata, **_rest(item),
        carrier=_plain(item.carrier), cost=_plain(item.cost),
    )  # fmt: skip


def _call(item: NativeCall, at: int | None) -> CallReport:
    key = f"{item.id}:{item.event}"
    if item.event not in RANK:
        # It may happen more than once: what it says tells one from the other.
        said = (item.forwarded_to, item.input, item.recording)
        key += f":{fingerprint(msgspec.json.encode(said, order='sorted'))}"
    reason: Reason | None = "error" if item.event == "failed" else None
    return CallReport(
        call_id=item.id, word=item.event, key=key, occurred_at=at, direction=item.direction,
        from_=item.from_, to=item.to, reference=item.reference, reason=item.reason or reason,
        duration_s=item.duration_s, forwarded_to=item.forwarded_to, input=item.input,
        recording=item.recording,
    )  # fmt: skip


def _plain(part: NativeCarrier | NativeCost | None) -> dict[str, str] | None:
    found: dict[str, str] | None = None if part is None else msgspec.to_builtins(part)
    return found


def _rest(item: NativeMessage | NativeStatus) -> dict[str, Any]:
    """Return what only one of the two says."""
    if isinstance(item, NativeMessage):
        text = item.text
        return {"content": None if text is None else {"kind": "text", "text": text}}
    return {
        "error": _failure(item.status, item.error),
        "provider_status": item.provider_status,
        "weak": item.weak,
    }


def _failure(status: str, error: NativeError | None) -> Failure | None:
    if error is None:
        return Failure("unknown", "unknown") if status == "failed" else None
    return Failure(
        error.class_, error.code, error.retryable, error.provider_code, error.description,
        error.stage,
    )  # fmt: skip


def schema(template: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the JSON Schema of a request, and the parts that it refers to by `template`."""
    (one, many), parts = msgspec.json.schema_components(
        [NativeItem, NativeItems], ref_template=template
    )
    return {"anyOf": [one, many]}, parts
