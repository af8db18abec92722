"""WhatsApp callbacks: simulated ones, what pywa reads in them, and what is kept of a handshake."""

import json
from typing import Any

import msgspec
import pytest
from pywa.types.message import Message
from pywa.types.message_status import MessageStatus
from pywa.utils import webhook_updates_validator

from ringback.domain.http import Callback
from ringback.domain.messages import Status
from ringback.providers.base import (
    CallReport,
    Consent,
    Inbound,
    Item,
    Notice,
    OutboundMessage,
    Report,
    Unrecognised,
)
from ringback.providers.error_table import ErrorTable
from ringback.providers.recorded import NOW_MS

from .cases import GENUINE, Case, arrived, raw_config
from .whatsapp_stage import NUMBER_ID, TEXT, URL, WHATSAPP, config, how, library, sent

OURS = [case for case in GENUINE if case.provider is WHATSAPP]
PERSON = OutboundMessage(
    "+15550100900", "+15550100123", "whatsapp", "Hello", "wamid.theirs", at_ms=NOW_MS
)
# pywa wants a contact beside every status and message, and a number's own digits; so it is asked
# about those that have both. What it makes of the others is an exception.
BOTH = [
    "status-sent", "status-delivered", "status-read", "status-played", "status-prices",
    "status-group", "inbound-text", "inbound-text-reply", "inbound-button", "inbound-contacts",
    "inbound-edit-revoke", "inbound-flow", "inbound-forwarded", "inbound-group",
    "inbound-interactive", "inbound-location", "inbound-media",
    "inbound-order", "inbound-reaction", "inbound-referral",
    "inbound-user-id-only", "inbound-product",
]  # fmt: skip


def read(request: Any) -> tuple[Item, ...]:
    """Verify and read a simulated callback."""
    callback = arrived(request)
    assert WHATSAPP.verify(callback, config(), NOW_MS).verdict == "ok"
    parsed = WHATSAPP.parse(callback, config())
    assert parsed.unparsed == ()
    return parsed.items


@pytest.mark.parametrize("name", BOTH)
def test_pywa_reads_the_same_in_our_recordings(name: str) -> None:
    """S4: id, time, word, price and sender, as far as another library has them."""
    (case,) = [case for case in OURS if case.name == name]
    body = json.loads(case.callback.body)
    value = body["entry"][0]["changes"][0]["value"]
    kind: Any = MessageStatus if "statuses" in value else Message
    theirs = kind.from_update(library(how()), body)
    ours = WHATSAPP.parse(case.callback, case.config).items[0]
    assert isinstance(ours, Report | Inbound)
    assert (theirs.id, theirs.timestamp.timestamp() * 1000) == (ours.message_id, ours.occurred_at)
    if isinstance(ours, Report):
        assert theirs.status.value == ours.provider_status
        assert theirs.tracker == ours.reference
        if theirs.pricing is not None:
            assert ours.cost is not None
            assert theirs.pricing.category.value.lower() == ours.cost["category"]
    else:
        number = theirs.from_user.wa_id
        assert ours.from_ == (f"+{number}" if number else theirs.from_user.bsuid)
        assert ours.content.get("user_id") == theirs.from_user.bsuid


def test_a_person_who_moved_is_known_by_both() -> None:
    """The number and the ids before, and those from now on, whatever the system message is of."""
    told = {
        (name, place): item.content.get("moved")
        for case in OURS
        if (name := case.name).startswith("inbound-system")
        for place, item in enumerate(WHATSAPP.parse(case.callback, case.config).items)
        if isinstance(item, Inbound)
    }
    ada, bo = "US.13491208655302741918", "US.20000000000000000003"
    parent = "US.ENT.11815799212886844830"
    assert {
        ("inbound-system", 0): {
            "previous": {"number": "+15550100123"}, "current": {"number": "+15550100124"},
        },
        ("inbound-system-user-id", 0): {"previous": {}, "current": {"user_id": "US.999"}},
        ("inbound-system-moved", 0): {
            "previous": {"number": "+15550100123", "user_id": ada, "parent_user_id": parent},
            "current": {
                "number": "+15550100124", "user_id": "US.20000000000000000001",
                "parent_user_id": "US.ENT.2",
            },
        },
        ("inbound-system-moved", 1): {
            "previous": {"user_id": bo}, "current": {"user_id": "US.20000000000000000004"},
        },
    } == told  # fmt: skip


def test_every_kind_of_event_of_whatsapps_is_in_a_recording() -> None:
    """Calls, wishes, templates and senders beside messages."""
    items = [item for case in OURS for item in WHATSAPP.parse(case.callback, case.config).items]
    assert {Report, Inbound, CallReport, Consent, Notice, Unrecognised} == set(map(type, items))
    assert {"sender.status_changed", "template.status_changed"} == {
        item.type for item in items if isinstance(item, Notice)
    }
    words = {item.word for item in items if isinstance(item, CallReport)}
    assert {"initiated", "ringing", "answered", "completed", "failed"} == words


@pytest.mark.parametrize("status", WHATSAPP.simulated)
def test_what_was_sent_is_told_of(status: Status) -> None:
    """From the fake's message to its reports: one id, our reference, the person's address."""
    if status == "received":
        return
    _, faked = sent(TEXT)
    (message,) = faked.messages
    told = msgspec.structs.replace(message, from_=TEXT.from_)
    for one, ours in ((message, NUMBER_ID), (told, "+15550100900")):
        (item,) = read(WHATSAPP.simulate(one, status, config(), URL))
        assert isinstance(item, Report)
        assert (message.message_id, status, TEXT.to, ours, "order-48213") == (
            item.message_id, item.status, item.to, item.from_, item.reference,
        )  # fmt: skip


@pytest.mark.parametrize("code", ["131047", "131050", "130472", "999999", "odd"])
def test_a_failure_has_the_code_that_was_asked_for(code: str) -> None:
    """Known or not, it reads as the table says."""
    message = msgspec.structs.replace(TEXT, error_code=code)
    (item,) = read(WHATSAPP.simulate(message, "failed", config(), URL))
    assert isinstance(item, Report)
    assert item.error is not None
    rule = ErrorTable(WHATSAPP.ERRORS).rule(code)
    assert (rule.class_, code, rule.opt_out) == (
        item.error.class_, item.error.provider_code, item.error.opt_out,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "content", "expected"),
    [
        ("Look", {"kind": "media", "media": [{"content_type": "image/jpeg"}]},
         {"kind": "media", "type": "image", "content_type": "image/jpeg", "text": "Look"}),
        ("", {"kind": "media", "media": [{"type": "voice", "content_type": "audio/ogg"}]},
         {"kind": "media", "type": "audio", "content_type": "audio/ogg"}),
        ("", {"kind": "media", "media": [{"id": "77", "content_type": "application/pdf",
                                          "filename": "a.pdf"}]},
         {"kind": "media", "type": "document", "id": "77", "filename": "a.pdf"}),
        ("", {"kind": "media", "media": [{"url": "http://a.example/a.png"}]},
         {"kind": "media", "type": "image", "url": "http://a.example/a.png"}),
        ("", {"kind": "location", "location": {"latitude": 1, "longitude": 2}},
         {"kind": "location", "location": {"latitude": 1, "longitude": 2}}),
        ("", {"kind": "button", "button": {"text": "Stop", "payload": "STOP"}},
         {"kind": "button", "text": "Stop"}),
        ("Yes", {"reply_to": "wamid.ours"}, {"kind": "text", "text": "Yes"}),
    ],
)  # fmt: skip
def test_what_people_send_is_simulated_with_its_content(
    text: str, content: dict[str, object], expected: dict[str, object]
) -> None:
    """Files with an id or address, replies with what they answer, kinds as they are."""
    message = msgspec.structs.replace(PERSON, text=text, content=content)
    item, *_ = read(WHATSAPP.simulate(message, "received", config(), URL))
    assert isinstance(item, Inbound)
    files: Any = item.content.get("media") or [{}]
    assert expected == {key: {**files[0], **item.content}[key] for key in expected}
    assert content.get("reply_to") == item.reply_to
    assert "2026-03-03T09:16:40.000Z" == item.content["service_window_closes_at"]
    assert ("media" in item.content) == bool(files[0].get("id") or files[0].get("url"))


def test_people_without_a_number_are_simulated_too() -> None:
    """Their id stands where the number would, both ways."""
    named = "US.13491208655302741918"
    message = msgspec.structs.replace(TEXT, to=named, message_id="wamid.ours")
    (report,) = read(WHATSAPP.simulate(message, "delivered", config(), URL))
    person = msgspec.structs.replace(PERSON, from_=named)
    (inbound,) = read(WHATSAPP.simulate(person, "received", config(), URL))
    assert isinstance(report, Report)
    assert isinstance(inbound, Inbound)
    assert (named, named, named) == (report.to, inbound.from_, inbound.content["user_id"])


@pytest.mark.parametrize("status", ["read", "failed", "received"])
def test_a_batch_tells_of_every_message(status: Status) -> None:
    """In one callback, those of one number together, in order."""
    messages = tuple(
        OutboundMessage(f"+1555010012{n}", f"+1555010090{n % 2}", "whatsapp", "Hi", f"wamid.{n}")
        for n in range(5)
    )
    request = WHATSAPP.simulate_batch(messages, status, config(account_id="7"), URL)
    changes = json.loads(request.body)["entry"][0]["changes"]
    assert (5 if status == "received" else 2, "7") == (
        len(changes), json.loads(request.body)["entry"][0]["id"],
    )  # fmt: skip
    ids = {item.message_id for item in read(request) if isinstance(item, Report | Inbound)}
    assert {one.message_id for one in messages} == ids


@pytest.mark.parametrize(
    "query",
    [
        "hub.mode=subscribe&hub.verify_token=TOKEN&hub.challenge=1",
        "hub.verify_token=TOKEN",
        "HUB.verify_token=TOKEN&hub.verify_token=TOKEN",
        "hub%2Everify_token=TOKEN",
        "hub.verif%79_token=TOKEN&a=b",
    ],
)
def test_a_verify_token_is_not_kept(query: str) -> None:
    """Not even of a handshake that was refused; the rest of the query stays."""
    url = f"{URL}?{query}".replace("TOKEN", "not-a-real-verify-token")
    callback = Callback("GET", url, (), b"")
    kept = WHATSAPP.conceal(callback, config())
    assert "not-a-real" not in kept.url
    assert kept.url == f"{URL}?{query}".replace("TOKEN", "(hidden)")


def test_a_callback_is_kept_as_it_came() -> None:
    """What has no token in it is not touched."""
    callback = Callback("POST", f"{URL}?a=b%20c&verify=1", (("A", "b"),), b"{}")
    assert callback == WHATSAPP.conceal(callback, config())


def by_name(name: str) -> Case:
    """Return one of our recordings."""
    (case,) = [case for case in OURS if case.name == name]
    return case


def test_history_starts_nothing() -> None:
    """Messages of months ago are passed on raw: no automation may answer them."""
    items = WHATSAPP.parse(by_name("other-fields").callback, config()).items
    assert {Unrecognised} == set(map(type, items))
    assert any(item.kind == "whatsapp.history" for item in items if isinstance(item, Unrecognised))


def test_where_we_are_stricter_than_pywa() -> None:
    """What pywa takes and we refuse, and why.

    - A digest without `sha256=`: Meta never leaves it out, and the algorithm is then a guess.
    - A challenge with markup in it: we echo nothing that a browser could take for a page.
    Nothing that pywa refuses is taken here.
    """
    body, secret = b"{}", str(raw_config(WHATSAPP)["app_secret"])
    (header,) = WHATSAPP.sign(body, config(), NOW_MS)
    bare = header[1].removeprefix("sha256=")
    for given, theirs, ours in (
        (header[1], True, "ok"), (bare, True, "failed"), (header[1].upper(), False, "failed"),
        (f"sha1={bare}", False, "failed"), (f"{header[1]} ", False, "failed"),
    ):  # fmt: skip
        callback = Callback("POST", URL, ((header[0], given),), body)
        assert theirs == webhook_updates_validator(secret, body, given)
        assert ours == WHATSAPP.verify(callback, config(), NOW_MS).verdict
    query = "hub.mode=subscribe&hub.verify_token=not-a-real-verify-token&hub.challenge=%3Cb%3E"
    found = WHATSAPP.verify(Callback("GET", f"{URL}?{query}", (), b""), config(), NOW_MS)
    assert "failed" == found.verdict
