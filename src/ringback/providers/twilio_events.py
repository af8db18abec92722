"""What Twilio's Event Streams say: an array of CloudEvents about messages and links.

https://www.twilio.com/docs/events/event-types/messaging/outbound-message
https://www.twilio.com/docs/events/event-types/messaging/inbound-message
https://www.twilio.com/docs/events/event-types/link-shortening/link
"""

import msgspec

from ringback.domain.strict_json import StrictJsonError, unchecked
from ringback.providers import reading, twilio_wishes, twilio_words
from ringback.providers import twilio_forms as forms
from ringback.providers.base import Inbound, Report
from ringback.providers.twilio_items import NO_CLICK, click_of, consent_of
from ringback.providers.twilio_tables import STATUS, WEAK, address, channel, failure

OUTBOUND = "com.twilio.messaging.message."
INBOUND = "com.twilio.messaging.inbound-message.received"
CLICKED = "com.twilio.daptbt.link-shortening.link-clicked"
TAGS_MAX = 10


class _Event(msgspec.Struct):
    # The samples in the documentation have a date in `datacontenttype`: it is not looked at.
    type: str = ""
    event_type: str = ""
    id: str | None = None
    time: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Message(msgspec.Struct, rename="camel"):
    message_sid: str = ""
    timestamp: str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    body: str | None = None
    message_status: str | None = None
    messaging_service_sid: str | None = None
    error_code: int | str | None = None
    status_callback_url: str | None = msgspec.field(default=None, name="statusCallBackUrl")
    tags: dict[str, object] | None = None
    number_of_segments: int | None = None
    num_segments: int | None = None
    num_media: int | None = None
    opt_out_type: str | None = None
    referral_ctwa_clid: str | None = None
    mcc: int | str | None = None
    mnc: int | str | None = None


_EVENT = reading.Shape(_Event)
_MESSAGE = reading.Shape(_Message)
_MAP: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])


class Events(reading.Walk):
    """Reads one callback of Event Streams; made anew for each."""

    def body(self, body: bytes) -> None:
        """Read an array of events, or one. Raises StrictJsonError for anything else."""
        if body.lstrip()[:1] == b"{":
            try:
                self._event(msgspec.Raw(body), "")
            except StrictJsonError as error:
                self.unparsed(error.reason, "")
        else:
            self.each(body, "", self._event)

    def _event(self, fragment: msgspec.Raw, where: str) -> None:
        event = _EVENT.read(self.sound(fragment))
        if event.type == CLICKED:
            self._click(event, fragment, f"{where}/data")
            return
        if not event.type and event.event_type == "click":
            # The callback of a link shortening domain: the fields alone, without an envelope.
            self._click(msgspec.structs.replace(event, data=fragment), fragment, where)
            return
        word = event.type.removeprefix(OUTBOUND)
        if event.type != INBOUND and word == event.type:
            self.unrecognised(_kind(event), fragment, _at(event))
            return
        message = _MESSAGE.read(event.data)
        sid = reading.text(message.message_sid)
        if sid is None:
            self.unmatched("an event without the id of its message", f"{where}/data/messageSid")
        elif event.type == INBOUND:
            self._inbound(event, message, sid)
        else:
            status = (message.message_status or word).lower()
            if status in STATUS:
                self._report(event, message, sid, status)
            else:
                self.unrecognised(_kind(event), fragment, _at(event))

    def _report(self, event: _Event, message: _Message, sid: str, word: str) -> None:
        status, error = STATUS[word], None
        if status == "failed":
            status, error = failure(message.error_code, None)
        words = reading.clipped(message.body)
        called = reading.text(message.status_callback_url, 4096)
        reference = None if called is None else forms.reference_in(called)
        self.add(
            Report(
                message_id=sid,
                status=status,
                key=f"{sid}:{word}",
                occurred_at=reading.iso_ms(message.timestamp) or _at(event),
                to=address(message.to),
                from_=address(message.from_),
                channel=channel(sid, message.to, message.from_),
                reference=reading.text(reference, reading.REFERENCE_MAX),
                error=error,
                provider_status=word,
                weak=word in WEAK,
                segments=reading.count(message.number_of_segments),
                carrier=reading.network(message.mcc, message.mnc),
                metadata={
                    **_tags(message.tags),
                    **twilio_wishes.of_service(message.messaging_service_sid, error),
                },
                content=None if words is None else {"kind": "text", "text": words},
            )
        )

    def _inbound(self, event: _Event, message: _Message, sid: str) -> None:
        # The files themselves are named in the messaging webhook alone.
        files = message.num_media or 0
        content: dict[str, object] = {"kind": "media" if files > 0 else "text"}
        where = channel(sid, message.from_, message.to, media=files > 0)
        twilio_words.spoken(content, message.body, where)
        if message.referral_ctwa_clid:
            content["referral"] = {"ctwa_clid": reading.clipped(message.referral_ctwa_clid)}
        if message.opt_out_type:
            content["opt_out_type"] = reading.clipped(message.opt_out_type, reading.KIND_MAX)
        service = reading.text(message.messaging_service_sid)
        if service is not None:
            content[twilio_wishes.NAMED] = service
        inbound = Inbound(
            message_id=sid,
            key=sid,
            from_=address(message.from_),
            to=address(message.to),
            content=content,
            channel=where,
            occurred_at=reading.iso_ms(message.timestamp) or _at(event),
            segments=reading.count(message.num_segments),
        )
        self.add(inbound)
        consent = consent_of(message.opt_out_type, sid, inbound, message.body)
        if consent is not None:
            self.add(consent)

    def _click(self, event: _Event, fragment: msgspec.Raw, where: str) -> None:
        named = reading.text(event.id) or reading.fingerprint(bytes(memoryview(fragment)))
        told: dict[str, object] = unchecked(event.data, _MAP)
        found = click_of(told, _at(event), named)
        if found is None:
            self.unmatched(NO_CLICK, where)
        else:
            self.add(found)


def _kind(event: _Event) -> str:
    return reading.kind_of("twilio", event.type.removeprefix("com.twilio."))


def _at(event: _Event) -> int | None:
    return reading.iso_ms(event.time)


def _tags(tags: dict[str, object] | None) -> dict[str, str]:
    """Return the tags that the message was sent with: names and short texts."""
    if not tags:
        return {}
    found = list(tags.items())[:TAGS_MAX]
    texts = {name: reading.text(value, 256) for name, value in found if 0 < len(name) <= 64}
    return {name: value for name, value in texts.items() if value is not None}
