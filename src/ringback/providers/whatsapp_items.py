"""What a WhatsApp callback says: tables of statuses and errors, and the reading of a body.

A body holds entries, an entry changes, a change statuses or messages. Signatures, answers and
sending are in `whatsapp`.
"""

import msgspec

from ringback.domain.messages import Status
from ringback.domain.strict_json import StrictJsonError, unchecked
from ringback.providers import reading
from ringback.providers.base import ErrorRule, Inbound, Report
from ringback.providers.error_table import ErrorTable

CHANNEL = "whatsapp"
OBJECT = "whatsapp_business_account"

STATUS: dict[str, Status] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",  # a voice message was played for the first time
    "failed": "failed",
}

# Columns: class, code, retryable, stage.
ERRORS: dict[str, ErrorRule] = {
    "131026": ErrorRule("recipient", "undeliverable", False, "undeliverable"),
    "131021": ErrorRule("recipient", "same_as_sender", False, "rejected"),
    "131030": ErrorRule("recipient", "not_allow_listed", False, "rejected"),
    "131062": ErrorRule("recipient", "user_id_not_supported", False, "rejected"),
    "137000": ErrorRule("recipient", "identity_changed", False, "rejected"),
    "131037": ErrorRule("sender", "display_name_not_approved", False, "rejected"),
    "131045": ErrorRule("sender", "certificate", False, "rejected"),
    "131048": ErrorRule("sender", "restricted_for_spam", False, "rejected"),
    "131008-131009": ErrorRule("content", "bad_parameter", False, "rejected"),
    "131051": ErrorRule("content", "unsupported_type", False, "rejected"),
    "131052": ErrorRule("content", "media_download", False, "rejected"),
    "131053": ErrorRule("content", "media_upload", True, "rejected"),
    "132000-132012": ErrorRule("content", "template", False, "rejected"),
    "132015": ErrorRule("content", "template_paused", False, "rejected"),
    "132016": ErrorRule("content", "template_disabled", False, "rejected"),
    "132068-132069": ErrorRule("content", "flow", False, "rejected"),
    "368": ErrorRule("policy", "account_blocked", False, "rejected"),
    "130472": ErrorRule("policy", "experiment", False, "rejected"),
    "130497": ErrorRule("policy", "country_restricted", False, "rejected"),
    "131031": ErrorRule("policy", "account_locked", False, "rejected"),
    "131047": ErrorRule("policy", "service_window_closed", False, "rejected"),
    "131049": ErrorRule("policy", "marketing_limit", False, "rejected"),
    "131064": ErrorRule("policy", "template_classification", False, "rejected"),
    "131050": ErrorRule("consent", "marketing_stopped", False, "rejected"),
    "131042": ErrorRule("credit", "payment", False, "rejected"),
    "131044": ErrorRule("credit", "payment", False, "rejected"),
    "4": ErrorRule("throttled", "application_rate", True, "rejected"),
    "80007": ErrorRule("throttled", "account_rate", True, "rejected"),
    "130429": ErrorRule("throttled", "throughput", True, "rejected"),
    "131056": ErrorRule("throttled", "pair_rate", True, "rejected"),
    "131000": ErrorRule("platform", "provider_error", True, "undeliverable"),
    "131016": ErrorRule("platform", "unavailable", True, "undeliverable"),
    "131057": ErrorRule("platform", "maintenance", True, "undeliverable"),
    "135000": ErrorRule("platform", "provider_error", False, "undeliverable"),
    "131063": ErrorRule("platform", "marketing_disabled", False, "rejected"),
    "133016": ErrorRule("platform", "registration_rate", False, "rejected"),
    "138000-138999": ErrorRule("platform", "calling", False, "rejected"),
    "139100-139103": ErrorRule("platform", "block_list", False, "rejected"),
    "0": ErrorRule("platform", "unauthorised", False, "rejected"),
    "3": ErrorRule("platform", "unauthorised", False, "rejected"),
    "10": ErrorRule("platform", "unauthorised", False, "rejected"),
    "190": ErrorRule("platform", "unauthorised", False, "rejected"),
    "200-299": ErrorRule("platform", "unauthorised", False, "rejected"),
    "131005": ErrorRule("platform", "unauthorised", False, "rejected"),
}
ERROR_TABLE = ErrorTable(ERRORS)

# Which field of a type's own object holds what the person wrote or chose.
_WORDS: dict[str, str] = {
    "text": "body",
    "button": "text",
    "image": "caption",
    "video": "caption",
    "document": "caption",
    "order": "text",
    "system": "body",
    "button_reply": "title",
    "list_reply": "title",
    "nfm_reply": "body",
}
# What may stand beside the type's own object and belongs to the content.
_BESIDE = ("context", "referral", "identity", "errors", "group_id")


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
    contacts: msgspec.Raw = msgspec.Raw(b"")
    errors: msgspec.Raw = msgspec.Raw(b"")


class _ErrorData(msgspec.Struct):
    details: str | None = None


class _Error(msgspec.Struct):
    code: int | str | None = None
    title: str | None = None
    message: str | None = None
    error_data: _ErrorData | None = None


class _Status(msgspec.Struct):
    id: str = ""
    status: str = ""
    timestamp: str | int | None = None
    recipient_id: str | None = None
    recipient_user_id: str | None = None
    recipient_participant_id: str | None = None
    recipient_participant_user_id: str | None = None
    biz_opaque_callback_data: str | None = None
    errors: list[_Error] | None = None


_ENVELOPE = reading.Shape(_Envelope)
_ENTRY = reading.Shape(_Entry)
_CHANGE = reading.Shape(_Change)
_VALUE = reading.Shape(_Value)
_STATUS = reading.Shape(_Status)
_MAP: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])
_MAPS: msgspec.json.Decoder[list[object] | None] = msgspec.json.Decoder(list[object] | None)


class Items(reading.Walk):
    """Reads one callback of Meta's; made anew for each."""

    def body(self, body: bytes) -> None:
        """Read the changes of every entry. Raises StrictJsonError for a body without entries."""
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
        if change.field != "messages":
            kind = reading.kind_of("whatsapp", change.field)
            at = reading.unix_ms(entry.time)
            self.unrecognised(kind, change.value, at, entry.id, str(entry.time))
            return
        value = _VALUE.read(change.value)
        where += "/value"
        number = reading.text(value.metadata.display_phone_number)
        ours = reading.plus(number) or reading.text(value.metadata.phone_number_id)
        for part, name, step in (
            (value.statuses, "statuses", self._status),
            (value.messages, "messages", self._message),
        ):
            if part:
                try:
                    self.each(part, f"{where}/{name}", step, ours, value)
                except StrictJsonError as error:
                    self.unparsed(error.reason, f"{where}/{name}")
        if value.errors:
            self.unrecognised("whatsapp.errors", value.errors, None, entry.id, str(entry.time))
        elif not value.statuses and not value.messages:
            self.unrecognised("whatsapp.messages", change.value)

    def _status(self, fragment: msgspec.Raw, where: str, ours: str | None, _value: _Value) -> None:
        said = _STATUS.read(self.sound(fragment))
        named = reading.text(said.id)
        at = reading.unix_ms(said.timestamp)
        status = STATUS.get(said.status)
        if named is None:
            self.unmatched("a status without the id of its message", where)
            return
        if status is None:
            self.unrecognised("whatsapp.status", fragment, at)
            return
        # In a group every participant has a status of their own under one id.
        participant = said.recipient_participant_id or said.recipient_participant_user_id
        member = reading.plus(reading.text(participant))
        error = None
        if said.status == "failed":
            first = said.errors[0] if said.errors else _Error()
            details = first.error_data.details if first.error_data else None
            because = details or first.message or first.title
            error = ERROR_TABLE.failure(first.code, because)[1]
        self.add(
            Report(
                message_id=named,
                status=status,
                key=f"{named}:{said.status}" + (f":{member}" if member else ""),
                occurred_at=at,
                recipient=member,
                to=member
                or reading.plus(reading.text(said.recipient_id or said.recipient_user_id)),
                from_=ours,
                channel=CHANNEL,
                reference=reading.text(said.biz_opaque_callback_data, reading.REFERENCE_MAX),
                error=error,
                provider_status=said.status,
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
        person = reading.text(message.get("from")) or reading.text(message.get("from_user_id"))
        content = _content(message, kind)
        profile = self._profile(value.contacts, message)
        if profile:
            content["profile"] = profile
        context = reading.mapping(message.get("context"))
        self.add(
            Inbound(
                message_id=named,
                key=named,
                from_=reading.plus(person),
                to=ours,
                content=content,
                channel=CHANNEL,
                occurred_at=at,
                reply_to=reading.text(context.get("id")),
            )
        )

    def _profile(
        self, contacts: msgspec.Raw, message: dict[str, object]
    ) -> dict[str, object] | None:
        """Find the sender's profile; a contact that cannot be read costs nothing else."""
        try:
            found = unchecked(self.sound(contacts), _MAPS) if contacts else None
        except StrictJsonError:
            return None
        for contact in map(reading.mapping, found or ()):
            for theirs, ours in (("wa_id", "from"), ("user_id", "from_user_id")):
                if contact.get(theirs) and contact[theirs] == message.get(ours):
                    return reading.mapping(contact.get("profile")) or None
        return None


def _content(message: dict[str, object], kind: str) -> dict[str, object]:
    """Make the content: the kind, the words if there are any, and the type's own object."""
    content: dict[str, object] = {"kind": kind}
    own = reading.mapping(message.get(kind))
    inner = own.get("type") if kind == "interactive" else None
    chosen = reading.mapping(own.get(inner)) if isinstance(inner, str) else own
    words = reading.clipped(chosen.get(_WORDS.get(inner if isinstance(inner, str) else kind, "")))
    if words is not None:
        content["text"] = words
    for name in _BESIDE if kind == "text" else (kind, *_BESIDE):
        if message.get(name) is not None and name != "kind":
            content.setdefault(name, message[name])
    return content
