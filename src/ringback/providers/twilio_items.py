"""What a form of Twilio's says: statuses, messages from people, Conversations. One thing a form.

https://www.twilio.com/docs/messaging/guides/webhook-request
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

import json
import math
from collections.abc import Mapping

import msgspec

from ringback.domain.consent import ConsentWord, person_of_address
from ringback.domain.http import Callback
from ringback.domain.messages import Failure
from ringback.providers import reading, twilio_wishes, twilio_words
from ringback.providers import twilio_forms as forms
from ringback.providers.base import (
    Consent,
    Inbound,
    Item,
    Notice,
    Parsed,
    Report,
    Unparsed,
    Unrecognised,
)
from ringback.providers.proofs import octets
from ringback.providers.twilio_tables import (
    INBOUND,
    STATUS,
    WEAK,
    address,
    channel,
    failure,
)

MEDIA_MAX = 50
# What Advanced Opt-Out made of a keyword. HELP asks for words, and says nothing of consent.
OPT_OUT: dict[str, ConsentWord] = {"STOP": "opted_out", "START": "opted_in"}
# Sources of a Conversations message that is not from a person outside.
OURS = frozenset(("API", "SDK"))
NO_CLICK = "a click without its message or its link"
MEDIA_SERVICE = "https://mcs.us1.twilio.com/v1/Services"

_REFERRAL = {
    "body": "ReferralBody",
    "headline": "ReferralHeadline",
    "source_id": "ReferralSourceId",
    "source_type": "ReferralSourceType",
    "source_url": "ReferralSourceUrl",
    "media_id": "ReferralMediaId",
    "media_url": "ReferralMediaUrl",
    "media_content_type": "ReferralMediaContentType",
    "ctwa_clid": "ReferralCtwaClid",
}
_CONVERSATION = {
    "id": "ConversationSid",
    "service": "ChatServiceSid",
    "participant": "ParticipantSid",
}


Fields = Mapping[str, str]


def read(callback: Callback) -> Parsed:
    """Read a verified form. Raises nothing, whatever it holds."""
    form = octets(callback.query) if callback.method == "GET" else callback.body
    found = forms.pairs(form)
    if found is None:
        return _unparsed("the form is too large")
    told = forms.fields(found)
    if not told:
        return _unparsed("the form is empty, or none of it is text")
    reference = reading.text(forms.reference_in(callback.url), reading.REFERENCE_MAX)
    if told.get("EventType", "").startswith("on"):
        return _conversation(told, reference)
    named = told.get("MessageSid") or told.get("SmsSid") or told.get("SmsMessageSid")
    sid = reading.text(named)
    status = (told.get("MessageStatus") or told.get("SmsStatus") or "").lower()
    if told.get("EventType") == "READ" and status not in STATUS:
        status = "read"
    if sid is None and told.get("event_type") == "click":
        return _clicked(told)
    if sid is None and told.get("CallSid"):
        return _unrecognised("twilio.call", told)
    if sid is None:
        return _unparsed("a form without the id of a message", unmatched=True)
    if status in INBOUND:
        return Parsed(tuple(_inbound(told, sid, reference)))
    if status not in STATUS:
        return _unrecognised(reading.kind_of("twilio.message", status), told)
    return Parsed((_report(told, sid, status, reference),))


def _clicked(told: Fields) -> Parsed:
    """Read a click from a form: the callback of a link shortening domain may be one."""
    fragment = msgspec.json.encode(told)
    found = click_of(told, None, reading.fingerprint(fragment))
    return _unparsed(NO_CLICK, unmatched=True) if found is None else Parsed((found,))


def click_of(told: Mapping[str, object], at: int | None, key: str) -> Notice | None:
    """Read a click on a link that Twilio has shortened; None without its message or its link.

    Event Streams and the callback of a link shortening domain name the message differently.
    https://www.twilio.com/docs/messaging/features/link-shortening
    """
    sid = reading.text(told.get("message_sid")) or reading.text(told.get("sms_sid"))
    link = reading.text(told.get("link"), 2048)
    if sid is None or link is None:
        return None
    data: dict[str, object] = {"url": link, "source": "provider"}
    recipient = address(told.get("to"))
    if recipient is not None:
        data["recipient"] = recipient
    shortened = reading.text(told.get("shortened_link"), 2048)
    if shortened is not None:
        data["provider_link"] = shortened
    moment = reading.iso_ms(told.get("click_time"))
    return Notice("link.clicked", f"{key}:clicked", data, moment or at, sid)


def _unparsed(reason: str, *, unmatched: bool = False) -> Parsed:
    return Parsed((), (Unparsed(reason, "", unmatched),))


def _unrecognised(kind: str, told: Fields, at: int | None = None) -> Parsed:
    fragment = msgspec.json.encode(told)
    key = f"{kind}:{reading.fingerprint(fragment)}"
    return Parsed((Unrecognised(kind, key, msgspec.Raw(fragment), at),))


def _report(told: Fields, sid: str, word: str, reference: str | None) -> Report:
    status, error = STATUS[word], None
    if status == "failed":
        why = told.get("ChannelStatusMessage") or told.get("ErrorMessage")
        status, error = failure(told.get("ErrorCode"), why)
    # Its only time is RawDlrDoneDate: to the minute, in a zone that nobody states.
    return Report(
        message_id=sid,
        status=status,
        key=f"{sid}:{word}",
        to=address(told.get("To")),
        from_=address(told.get("From")),
        channel=channel(sid, told.get("To"), told.get("From"), told.get("ChannelToAddress")),
        reference=reference,
        error=error,
        provider_status=word,
        weak=word in WEAK,
        segments=_number(told.get("NumSegments")),
        metadata=_said_of(told, error),
    )


def _said_of(told: Fields, error: Failure | None) -> dict[str, str]:
    found = {"structured_message": "true"} if told.get("StructuredMessage") == "true" else {}
    return {**found, **twilio_wishes.of_service(told.get("MessagingServiceSid"), error)}


def _inbound(told: Fields, sid: str, reference: str | None) -> list[Item]:
    media = _media(told)
    person, ours = address(told.get("From")), address(told.get("To"))
    where = channel(sid, told.get("From"), told.get("To"), media=bool(media))
    inbound = Inbound(
        message_id=sid,
        key=sid,
        from_=person,
        to=ours,
        content=_content(told, media, where),
        channel=where,
        reply_to=reading.text(told.get("OriginalRepliedMessageSid")),
        reference=reference,
        segments=_number(told.get("NumSegments")),
    )
    consent = consent_of(told.get("OptOutType"), sid, inbound, told.get("Body"))
    return [inbound] if consent is None else [inbound, consent]


def consent_of(word: str | None, sid: str, inbound: Inbound, said: str | None) -> Consent | None:
    """Return what a message's OptOutType says of consent; None for HELP, and without one."""
    meant = OPT_OUT.get((word or "").upper())
    if meant is None or inbound.from_ is None:
        return None
    evidence = {"message_id": sid, "opt_out_type": (word or "").upper()}
    if said:
        evidence["keyword"] = said[: reading.KIND_MAX]
    return Consent(
        address=inbound.from_,
        word=meant,
        key=f"{sid}:{meant}",
        occurred_at=inbound.occurred_at,
        kind=person_of_address(inbound.from_, inbound.channel, None).kind,
        channel=inbound.channel,
        sender=inbound.to,
        evidence=evidence,
    )


def _content(told: Fields, media: list[dict[str, object]], where: str) -> dict[str, object]:
    content: dict[str, object] = {"kind": "media" if media else "text"}
    twilio_words.spoken(content, told.get("Body"), where)
    if media:
        content["media"] = media
    place = _place(told)
    if place:
        content |= {"kind": "location", "location": place}
    button = _kept(told, {"text": "ButtonText", "payload": "ButtonPayload"})
    if button:
        content |= {"kind": "button", "button": button}
    referral = _kept(told, _REFERRAL)
    if referral:
        files = _number(told.get("ReferralNumMedia"))
        content["referral"] = referral | ({"num_media": files} if files else {})
    profile = _kept(told, {"name": "ProfileName"})
    user = address(told.get("ExternalUserId"))
    if user is not None:
        profile["user_id"] = user
    if profile:
        content["profile"] = profile
    for name, field in (("forwarded", "Forwarded"), ("forwarded_often", "FrequentlyForwarded")):
        if told.get(field) == "true":
            content[name] = True
    if told.get("MessageType"):
        content["message_type"] = reading.clipped(told["MessageType"], reading.KIND_MAX)
    if told.get("ChannelMetadata"):
        held = twilio_words.held(told["ChannelMetadata"])
        if held:
            content["channel_metadata"] = held
    meant = told.get("OptOutType", "").upper()
    if meant in (*OPT_OUT, "HELP"):
        content["opt_out_type"] = meant
    service = reading.text(told.get("MessagingServiceSid"))
    if service is not None:
        content[twilio_wishes.NAMED] = service
    return content


def _media(told: Fields) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for index in range(min(_number(told.get("NumMedia")) or 0, MEDIA_MAX)):
        url = reading.text(told.get(f"MediaUrl{index}"), 2048)
        if url is not None:
            one: dict[str, object] = {"url": url}
            kind = reading.text(told.get(f"MediaContentType{index}"))
            found.append(one if kind is None else {**one, "content_type": kind})
    return found


def _place(told: Fields) -> dict[str, object] | None:
    try:
        where = [float(told[name]) for name in ("Latitude", "Longitude")]
    except (KeyError, ValueError):
        return None
    if not all(map(math.isfinite, where)):
        return None
    place: dict[str, object] = {"latitude": where[0], "longitude": where[1]}
    return {**place, **_kept(told, {"name": "Label", "address": "Address"})}


def _kept(told: Fields, names: Mapping[str, str]) -> dict[str, object]:
    """Return the fields that say something, under our names."""
    found: dict[str, object] = {}
    for ours, theirs in names.items():
        if told.get(theirs):
            found[ours] = reading.clipped(told[theirs])
    return found


def _number(value: str | None) -> int | None:
    if value is None or not (value.isascii() and value.isdigit() and len(value) <= 3):
        return None
    return reading.count(int(value))


def _conversation(told: Fields, reference: str | None) -> Parsed:
    """Read an event of Conversations: a message from outside, a receipt, or one of the others.

    https://www.twilio.com/docs/conversations/conversations-webhooks
    """
    event = told.get("EventType", "")
    sid = reading.text(told.get("MessageSid"))
    at = reading.iso_ms(told.get("DateUpdated")) or reading.iso_ms(told.get("DateCreated"))
    kind = reading.kind_of("twilio", event)
    if event == "onDeliveryUpdated":
        word = told.get("Status", "").lower()
        if sid is None:
            return _unparsed("a delivery receipt without the id of its message", unmatched=True)
        if word in STATUS:
            return Parsed((_receipt(told, sid, word, at, reference),))
    elif event == "onMessageAdded" and told.get("Source", "API").upper() not in OURS:
        if sid is None:
            return _unparsed("a message without an id", unmatched=True)
        return Parsed((_spoken(told, sid, at, reference),))
    return _unrecognised(kind, told, at)


def _receipt(told: Fields, sid: str, word: str, at: int | None, reference: str | None) -> Report:
    # One message of a conversation goes to several people: each has receipts of his own.
    person = reading.text(told.get("ParticipantSid"))
    status, error = STATUS[word], None
    if status == "failed":
        status, error = failure(told.get("ErrorCode"), None)
    return Report(
        message_id=sid,
        status=status,
        key=f"{sid}:{person}:{word}",
        occurred_at=at,
        recipient=person,
        reference=reference,
        error=error,
        provider_status=word,
        weak=word in WEAK,
        metadata=_sids(told),
    )


def _sids(told: Fields) -> dict[str, str]:
    """Return what a message of a conversation is called outside of it."""
    named = {"channel_message_sid": "ChannelMessageSid", "conversation_sid": "ConversationSid"}
    found = {ours: reading.text(told.get(theirs)) for ours, theirs in named.items()}
    return {name: value for name, value in found.items() if value is not None}


def _spoken(told: Fields, sid: str, at: int | None, reference: str | None) -> Inbound:
    author = told.get("Author")
    files = _conversation_media(told)
    content: dict[str, object] = {"kind": "media" if files else "text"}
    words = reading.clipped(told.get("Body"))
    if words is not None:
        content["text"] = words
    if files:
        content["media"] = files
    content["conversation"] = _kept(told, _CONVERSATION)
    source = told["Source"].lower()
    known = source if source in ("sms", "mms", "whatsapp", "rcs", "messenger") else None
    return Inbound(
        message_id=sid,
        key=sid,
        from_=address(author),
        to=None,
        content=content,
        channel=known or channel(sid, author, media=bool(files)),
        occurred_at=at,
        reference=reference,
    )


def _conversation_media(told: Fields) -> list[dict[str, object]]:
    """Read the field Media, a JSON array; its files are had from the Media Content Service."""
    try:
        listed = json.loads(told.get("Media", "[]"))
    except (ValueError, RecursionError):
        return []
    found: list[dict[str, object]] = []
    service = told.get("ChatServiceSid", "")
    for one in map(reading.mapping, listed[:MEDIA_MAX] if isinstance(listed, list) else []):
        sid = reading.text(one.get("Sid"))
        if sid is not None and sid.isalnum() and service.isalnum():
            size = one.get("Size")
            file: dict[str, object | None] = {
                "id": sid,
                "url": f"{MEDIA_SERVICE}/{service}/Media/{sid}",
                "content_type": reading.text(one.get("ContentType")),
                "filename": reading.text(one.get("Filename")),
                "size": size if isinstance(size, int) else None,
            }
            found.append({name: value for name, value in file.items() if value is not None})
    return found
