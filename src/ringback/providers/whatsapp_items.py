"""What a WhatsApp callback says: the reading of a body.

A body holds entries, an entry changes, a change statuses or messages, or one of the other fields,
which are in `whatsapp_fields`. Tables are in `whatsapp_tables`, contents in `whatsapp_content`.
"""

from typing import Literal

import msgspec

from ringback.domain.events import rfc3339
from ringback.domain.messages import Status
from ringback.domain.strict_json import UNREADABLE, StrictJsonError, unchecked
from ringback.providers import reading
from ringback.providers.base import Inbound, Report
from ringback.providers.whatsapp_content import content_of, window
from ringback.providers.whatsapp_fields import NOTICES, call_of, call_status_of, consents_of
from ringback.providers.whatsapp_tables import (
    CHANNEL,
    ERROR_TABLE,
    MARKETING_ONLY,
    OBJECT,
    PURPOSES,
    STATUS,
)


class _Envelope(msgspec.Struct):
    object: str = OBJECT
    entry: msgspec.Raw = msgspec.Raw(b"")


class _Entry(msgspec.Struct):
    id: str = ""
    time: int | str | None = None
    changes: msgspec.Raw = msgspec.Raw(b"null")


class _Change(msgspec.Struct):
    field: str = ""
    value: msgspec.Raw = msgspec.Raw(b"null")


class _Metadata(msgspec.Struct, frozen=True):
    display_phone_number: str | None = None
    phone_number_id: str | None = None


class _Value(msgspec.Struct):
    metadata: _Metadata = _Metadata()
    statuses: msgspec.Raw = msgspec.Raw(b"")
    messages: msgspec.Raw = msgspec.Raw(b"")
    message_echoes: msgspec.Raw = msgspec.Raw(b"")
    calls: msgspec.Raw = msgspec.Raw(b"")
    user_preferences: msgspec.Raw = msgspec.Raw(b"")
    contacts: msgspec.Raw = msgspec.Raw(b"")
    errors: msgspec.Raw = msgspec.Raw(b"")


class _ErrorData(msgspec.Struct):
    details: str | None = None


class _Error(msgspec.Struct):
    code: int | str | None = None
    title: str | None = None
    message: str | None = None
    error_data: _ErrorData | None = None


class _Origin(msgspec.Struct):
    type: str | None = None


class _Conversation(msgspec.Struct):
    id: str | None = None
    expiration_timestamp: str | int | None = None
    origin: _Origin | None = None


class _Pricing(msgspec.Struct):
    billable: bool | None = None
    pricing_model: str | None = None
    type: str | None = None
    category: str | None = None


class _Status(msgspec.Struct):
    id: str = ""
    status: str = ""
    type: str = ""
    timestamp: str | int | None = None
    recipient_id: str | None = None
    recipient_type: str | None = None
    recipient_user_id: str | None = None
    recipient_participant_id: str | None = None
    recipient_participant_user_id: str | None = None
    recipient_participant_parent_user_id: str | None = None
    recipient_parent_user_id: str | None = None
    # What older callbacks call it.
    parent_recipient_user_id: str | None = None
    biz_opaque_callback_data: str | None = None
    conversation: _Conversation | None = None
    pricing: _Pricing | None = None
    errors: list[_Error] | None = None


class _PlainValue(msgspec.Struct, forbid_unknown_fields=True):
    statuses: list[_Status]
    metadata: _Metadata = _Metadata()
    # Beside statuses, these say nothing more.
    messaging_product: msgspec.Raw = msgspec.Raw(b"")
    contacts: msgspec.Raw = msgspec.Raw(b"")


class _PlainChange(msgspec.Struct):
    field: Literal["messages"]
    value: _PlainValue


class _PlainEntry(msgspec.Struct):
    changes: list[_PlainChange]
    id: str = ""


class _Plain(msgspec.Struct):
    """Most callbacks by far: statuses of messages, every field of its type, nothing else."""

    object: Literal["whatsapp_business_account"]
    entry: list[_PlainEntry]


_PLAIN: msgspec.json.Decoder[_Plain] = msgspec.json.Decoder(_Plain)
_ENVELOPE = reading.Shape(_Envelope)
_ENTRY = reading.Shape(_Entry)
_CHANGE = reading.Shape(_Change)
_VALUE = reading.Shape(_Value)
_STATUS = reading.Shape(_Status)
# Beyond that the walk counts every piece.
PLAIN_MAX = 1000
_MAP: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])
_MAPS: msgspec.json.Decoder[list[object] | None] = msgspec.json.Decoder(list[object] | None)


class Items(reading.Walk):
    """Reads one callback of Meta's; made anew for each."""

    def body(self, body: bytes) -> None:
        """Read the changes of every entry. Raises StrictJsonError for a body without entries."""
        if not self._plain(body):
            self._walk(body)

    def _plain(self, body: bytes) -> bool:
        """Read a body of nothing but plain statuses in one go; False, and nothing read, for others.

        It is what `_walk` makes of it, at half the price.
        """
        if self.mended:
            return False
        try:
            found = _PLAIN.decode(body)
        except UNREADABLE:
            return False
        values = [change.value for entry in found.entry for change in entry.changes]
        told = [(said, value.metadata) for value in values for said in value.statuses]
        if len(told) > PLAIN_MAX or not all(value.statuses for value in values):
            return False
        for said, _ in told:
            if not reading.text(said.id) or said.status not in STATUS or said.type == "call":
                return False
        for said, metadata in told:
            self._report(said, said.id, STATUS[said.status], _number(metadata))
        return True

    def _walk(self, body: bytes) -> None:
        envelope = _ENVELOPE.read(body)
        if envelope.object != OBJECT:
            kind = reading.kind_of("whatsapp.object", envelope.object)
            self.unrecognised(kind, msgspec.Raw(body))
        elif not envelope.entry:
            raise StrictJsonError("no `entry`")
        else:
            self.each(envelope.entry, "/entry", self._entry)

    def _entry(self, fragment: msgspec.Raw, where: str) -> None:
        entry = _ENTRY.read(fragment)
        self.each(entry.changes, f"{where}/changes", self._change, entry)

    def _change(self, fragment: msgspec.Raw, where: str, entry: _Entry) -> None:
        change = _CHANGE.read(fragment)
        if change.field == "messages" or change.field in _PARTS:
            self._value(change, f"{where}/value", entry)
        elif change.field in NOTICES:
            self._notice(change, entry)
        else:
            self._other(change, entry)

    def _other(self, change: _Change, entry: _Entry) -> None:
        """Pass on a field as it came, whose content has no word of ours."""
        kind = reading.kind_of("whatsapp", change.field)
        at = reading.unix_ms(entry.time)
        self.unrecognised(kind, change.value, at, entry.id, str(entry.time))

    def _notice(self, change: _Change, entry: _Entry) -> None:
        said = unchecked(self.sound(change.value), _MAP)
        found = NOTICES[change.field](said, entry.id)
        if found is None:
            self._other(change, entry)
            return
        key = reading.fingerprint(entry.id, str(entry.time), bytes(memoryview(change.value)))
        at, key = reading.unix_ms(entry.time), f"{change.field}:{key}"
        found = msgspec.structs.replace(found, key=key, occurred_at=at, unnamed=at is None)
        self.add(found)

    def _value(self, change: _Change, where: str, entry: _Entry) -> None:
        """Read the lists of a value: what each field may hold is in `_PARTS`."""
        value = _VALUE.read(change.value)
        ours = _number(value.metadata)
        found = False
        for name in _PARTS[change.field]:
            part = getattr(value, name)
            if part:
                found = True
                try:
                    self.each(part, f"{where}/{name}", getattr(self, _STEPS[name]), ours, value)
                except StrictJsonError as error:
                    self.unparsed(error.reason, f"{where}/{name}")
        if value.errors:
            self.unrecognised("whatsapp.errors", value.errors, None, entry.id, str(entry.time))
        elif not found:
            self._other(change, entry)

    def _status(self, fragment: msgspec.Raw, where: str, ours: str | None, value: _Value) -> None:
        said = _STATUS.read(self.sound(fragment))
        named = reading.text(said.id)
        status = STATUS.get(said.status)
        if named is None:
            self.unmatched("a status without the id of its message", where)
            return
        if said.type == "call":
            self._call_status(fragment, where, ours, value)
            return
        if status is None:
            at = reading.unix_ms(said.timestamp)
            self.unrecognised("whatsapp.status", fragment, at)
            return
        self._report(said, named, status, ours)

    def _report(self, said: _Status, named: str, status: Status, ours: str | None) -> None:
        # In a group every participant has a status of their own under one id.
        participant = said.recipient_participant_id or said.recipient_participant_user_id
        member = reading.plus(reading.text(participant))
        in_group = member is not None or said.recipient_type == "group"
        group = reading.text(said.recipient_id) if in_group else None
        to = member or reading.plus(reading.text(said.recipient_id or said.recipient_user_id))
        error = None
        if said.status == "failed":
            first = said.errors[0] if said.errors else _Error()
            details = first.error_data.details if first.error_data else None
            because = details or first.message or first.title
            error = ERROR_TABLE.failure(first.code, because)[1]
        priced = said.pricing is not None or said.conversation is not None
        cost, purpose = _priced(said) if priced else (None, None)
        if error is not None and error.provider_code in MARKETING_ONLY:
            purpose = "marketing"
        self.add(
            Report(
                message_id=named,
                status=status,
                key=f"{named}:{said.status}" + (f":{member}" if member else ""),
                occurred_at=reading.unix_ms(said.timestamp),
                recipient=member,
                to=to,
                from_=ours,
                channel=CHANNEL,
                reference=reading.text(said.biz_opaque_callback_data, reading.REFERENCE_MAX),
                error=error,
                provider_status=said.status,
                cost=cost,
                purpose=purpose,
                metadata=_ids_beside(said, to, group),
            )
        )

    def _message(self, fragment: msgspec.Raw, where: str, ours: str | None, value: _Value) -> None:
        message = unchecked(self.sound(fragment), _MAP)
        named = reading.text(message.get("id"))
        kind = reading.text(message.get("type"), reading.KIND_MAX)
        at = reading.unix_ms(message.get("timestamp"))
        if named is None:
            self.unmatched("a message without an id", where)
            return
        if kind is None:
            self.unrecognised("whatsapp.message", fragment, at)
            return
        user_id = reading.text(message.get("from_user_id"))
        person = reading.text(message.get("from")) or user_id
        content = content_of(message, kind)
        until = window(kind, message, at)
        if until is not None:
            content["service_window_closes_at"] = until
        contact = self._contact(value.contacts, message)
        if contact.get("profile"):
            content["profile"] = reading.mapping(contact["profile"])
        user_id = user_id or reading.text(contact.get("user_id"))
        if user_id is not None:
            content["user_id"] = user_id
        parent = message.get("from_parent_user_id") or contact.get("parent_user_id")
        if reading.text(parent) is not None:
            content["parent_user_id"] = parent
        context = reading.mapping(message.get("context"))
        reaction = reading.mapping(message.get("reaction"))
        self.add(
            Inbound(
                message_id=named,
                key=named,
                from_=reading.plus(person),
                to=ours,
                content=content,
                channel=CHANNEL,
                occurred_at=at,
                reply_to=reading.text(context.get("id"))
                or reading.text(reaction.get("message_id")),
            )
        )

    def _contact(self, contacts: msgspec.Raw, message: dict[str, object]) -> dict[str, object]:
        """Find the sender's contact; one that cannot be read costs nothing else."""
        try:
            found = unchecked(self.sound(contacts), _MAPS) if contacts else None
        except StrictJsonError:
            return {}
        for contact in map(reading.mapping, found or ()):
            for theirs, ours in (("wa_id", "from"), ("user_id", "from_user_id")):
                if contact.get(theirs) and contact[theirs] == message.get(ours):
                    return contact
        return {}

    def _echo(self, fragment: msgspec.Raw, where: str, ours: str | None, _value: _Value) -> None:
        """Read a message that the business itself sent, from the app on its phone."""
        message = unchecked(self.sound(fragment), _MAP)
        named = reading.text(message.get("id"))
        kind = reading.text(message.get("type"), reading.KIND_MAX)
        at = reading.unix_ms(message.get("timestamp"))
        if named is None:
            self.unmatched("a message without an id", where)
        elif kind is None or kind in ("edit", "revoke"):
            # These are about another message, and none that was sent.
            self.unrecognised("whatsapp.echo", fragment, at)
        else:
            person = reading.text(message.get("to")) or reading.text(message.get("to_user_id"))
            self.add(
                Report(
                    message_id=named,
                    status="sent",
                    key=f"{named}:echo",
                    occurred_at=at,
                    to=reading.plus(person),
                    from_=reading.plus(reading.text(message.get("from"))) or ours,
                    channel=CHANNEL,
                    content=content_of(message, kind),
                )
            )

    def _call(self, fragment: msgspec.Raw, where: str, ours: str | None, value: _Value) -> None:
        call = unchecked(self.sound(fragment), _MAP)
        if reading.text(call.get("id")) is None:
            self.unmatched("a call without an id", where)
            return
        found = call_of(call, ours, failed_by_error=bool(value.errors))
        if found is None:
            self.unrecognised("whatsapp.call", fragment, reading.unix_ms(call.get("timestamp")))
        else:
            self.add(found)

    def _call_status(
        self, fragment: msgspec.Raw, where: str, ours: str | None, _value: _Value
    ) -> None:
        said = unchecked(self.sound(fragment), _MAP)
        if reading.text(said.get("id")) is None:
            self.unmatched("a status without the id of its call", where)
            return
        found = call_status_of(said, ours)
        if found is None:
            self.unrecognised("whatsapp.call", fragment, reading.unix_ms(said.get("timestamp")))
        else:
            self.add(found)

    def _preference(
        self, fragment: msgspec.Raw, where: str, ours: str | None, _value: _Value
    ) -> None:
        said = unchecked(self.sound(fragment), _MAP)
        if not (reading.text(said.get("wa_id")) or reading.text(said.get("user_id"))):
            self.unmatched("a preference of nobody", where)
            return
        found = consents_of(said, ours)
        if not found:
            at = reading.unix_ms(said.get("timestamp"))
            self.unrecognised("whatsapp.user_preferences", fragment, at)
        for consent in found:
            self.add(consent)


# Which lists of its value a field is read from, and what reads each.
_PARTS = {
    "messages": ("statuses", "messages"),
    "smb_message_echoes": ("message_echoes",),
    "calls": ("calls", "statuses"),
    "user_preferences": ("user_preferences",),
}
_STEPS = {
    "statuses": "_status",
    "messages": "_message",
    "message_echoes": "_echo",
    "calls": "_call",
    "user_preferences": "_preference",
}


def _number(metadata: _Metadata) -> str | None:
    """Return the number of the business that a value is about, or else that number's id."""
    number = reading.text(metadata.display_phone_number)
    return reading.plus(number) or reading.text(metadata.phone_number_id)


def _ids_beside(said: _Status, to: str | None, group: str | None) -> dict[str, str]:
    """Return what else the recipient is known by: the group, and the ids that are no number."""
    if group is None:
        own = said.recipient_user_id
        parent = said.recipient_parent_user_id or said.parent_recipient_user_id
    else:
        own = said.recipient_participant_user_id
        parent = said.recipient_participant_parent_user_id
    if group is own is parent is None:
        return {}
    user, over = reading.text(own), reading.text(parent)
    found = {
        "group_id": group,
        "whatsapp_user_id": None if user == to else user,
        "whatsapp_parent_user_id": over,
    }
    return {name: value for name, value in found.items() if value is not None}


def _priced(said: _Status) -> tuple[dict[str, str] | None, str | None]:
    """Read what a message is priced by, and the purpose that follows from it."""
    cost: dict[str, str] = {}
    category = None
    price, conversation = said.pricing, said.conversation
    if price is not None:
        category = price.category
        if price.billable is not None:
            cost["billable"] = "true" if price.billable else "false"
        for name, value in (
            ("model", price.pricing_model), ("type", price.type), ("category", category),
        ):  # fmt: skip
            if reading.text(value, reading.KIND_MAX):
                cost[name] = str(value)
    if conversation is not None:
        origin = conversation.origin.type if conversation.origin else None
        category = category or origin
        until = reading.unix_ms(conversation.expiration_timestamp)
        if reading.text(conversation.id):
            cost["conversation"] = str(conversation.id)
        if reading.text(origin, reading.KIND_MAX):
            cost["conversation_category"] = str(origin)
        if until is not None:
            cost["conversation_expires_at"] = rfc3339(until)
    return cost or None, PURPOSES.get(category or "")
