"""What people wrote in Twilio's callbacks, clicks outside of Event Streams, and fields by name."""

import base64
import json
import random

import pytest

from ringback.domain.http import HttpRequest
from ringback.providers import twilio_words
from ringback.providers.base import Inbound, Item, Notice, Report
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS

from .cases import GENUINE, arrived, config_of

TWILIO = PROVIDERS["twilio"]
URL = "https://hooks.example/in/example"
LONG = "Please move my appointment to Thursday, \u00c9lodie \U0001f44d. Thank you"


def coded(text: str | bytes) -> str:
    """Write a text in base64."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def recorded(name: str) -> Item:
    """Return the only item of a recording."""
    (case,) = [one for one in GENUINE if one.provider is TWILIO and one.name == name]
    (item,) = TWILIO.parse(case.callback, case.config).items
    return item


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (coded(LONG), LONG),
        (coded(LONG + "\r\n\tBye"), LONG + "\r\n\tBye"),
        (LONG, None),
        (coded("x" * 60), None),
        (coded(" " + "x" * 59 + " "), None),
        (coded("Hi there"), None),
        (coded(LONG)[:-1], None),
        (coded(LONG + "!").replace("=", ""), None),
        (f" {coded(LONG)}", None),
        (coded(LONG + "\0"), None),
        (coded(b"\xff " * 30), None),
        ("A" * 64, None),
    ],
)
def test_a_text_in_base64_is_told_by_what_is_in_it(body: str, text: str | None) -> None:
    """Only words of a person are decoded, and what came stays beside them."""
    assert text == twilio_words.decoded(body)
    content: dict[str, object] = {}
    twilio_words.spoken(content, body, "sms")
    assert content == ({"text": body} if text is None else {"text": text, "text_in_base64": body})
    content = {}
    twilio_words.spoken(content, body, "whatsapp")
    assert {"text": body} == content


def test_an_event_of_a_long_text_is_decoded_too() -> None:
    """Event Streams have the body of the webhook."""
    data = {"messageSid": "SM1", "from": "+15550100123", "to": "+15550100900", "body": coded(LONG)}
    event = {"type": "com.twilio.messaging.inbound-message.received", "id": "EV1", "data": data}
    asked = HttpRequest("POST", URL, (), json.dumps([event]).encode())
    callback = arrived(TWILIO.authenticate(asked, config_of(TWILIO), NOW_MS))
    (item,) = TWILIO.parse(callback, config_of(TWILIO)).items
    assert isinstance(item, Inbound)
    assert LONG == item.content["text"]


def test_any_field_gives_an_object_or_nothing() -> None:
    """What is no JSON object, or holds what no text may, is left out."""
    for field in (None, "", "[]", "7", '"a"', "{", '{"a":"\\ud800"}', '{"a":"\\u0000"}', "\ud800"):
        assert {} == twilio_words.held(field)
    assert {} == twilio_words.held('{"a":"' + "x" * 70_000 + '"}')
    assert {"a": {"b": 1}} == twilio_words.held('{"a":{"b":1}}')
    dice = random.Random(3)
    for _ in range(300):
        twilio_words.decoded(coded(dice.randbytes(dice.randrange(120))))


def test_a_click_is_the_same_in_json_and_in_a_form() -> None:
    """The callback of a link shortening domain names message, person, link and moment."""
    first, second = recorded("click-callback"), recorded("click-callback-form")
    assert isinstance(first, Notice)
    assert first == second
    assert ("link.clicked", "+15550100123", "https://shop.example/spring?campaign=7") == (
        first.type, first.data["recipient"], first.data["url"],
    )  # fmt: skip
    assert (first.message_id or "").startswith("SM")


def test_a_click_of_no_fields_costs_only_itself() -> None:
    """Whatever stands where its fields should."""
    clicked = "com.twilio.daptbt.link-shortening.link-clicked"
    odd: tuple[object, ...] = ("a", None, [], 7, {})
    for data in odd:
        events = [{"type": clicked, "data": data}, {"type": "com.twilio.other"}]
        asked = HttpRequest("POST", URL, (), json.dumps(events).encode())
        callback = arrived(TWILIO.authenticate(asked, config_of(TWILIO), NOW_MS))
        parsed = TWILIO.parse(callback, config_of(TWILIO))
        assert (1, 1) == (len(parsed.items), len(parsed.unparsed))


def test_a_receipt_of_a_conversation_names_the_message_of_its_channel() -> None:
    """Whoever follows that one, too, can tell that they are the same."""
    item = recorded("conversation-delivery-delivered")
    assert isinstance(item, Report)
    assert {"channel_message_sid", "conversation_sid"} == item.metadata.keys()


FIELDS = (
    "ChannelPrefix ChannelInstallSid ChannelToAddress ChannelStatusMessage EventType "
    "RawDlrDoneDate StructuredMessage MessagingServiceSid ErrorCode SmsMessageSid NumMedia "
    "NumSegments MediaUrl0 MediaContentType0 ProfileName WaId Forwarded FrequentlyForwarded "
    "ButtonText ButtonPayload Latitude Longitude Address Label ReferralBody ReferralHeadline "
    "ReferralSourceId ReferralSourceType ReferralSourceUrl ReferralMediaId ReferralMediaUrl "
    "ReferralMediaContentType ReferralCtwaClid ReferralNumMedia OriginalRepliedMessageSid "
    "OriginalRepliedMessageSender ExternalUserId OptOutType MessageType ChannelMetadata FromCity "
    "FromState FromZip FromCountry ToCity ToState ToZip ToCountry ConversationSid Index Author "
    "ParticipantSid DateCreated DateUpdated Attributes Media ChatServiceSid Source RetryCount "
    "ClientIdentity DeliveryReceiptSid ChannelMessageSid"
)


def test_every_field_of_messages_and_conversations_is_in_a_recording() -> None:
    """So that what it becomes, or that it becomes nothing, is written down in a golden."""
    came = b"".join(one.callback.body for one in GENUINE if one.provider is TWILIO)
    assert [] == [name for name in FIELDS.split() if f"{name}=".encode() not in came]
