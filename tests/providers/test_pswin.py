"""The PSWinCom gateway: lists and their answers, batches in XML, and the gateway that is played."""

import random
from xml.etree import ElementTree as ET

import msgspec
import pytest

from ringback.domain.http import Callback, HttpRequest, HttpResponse
from ringback.providers import query_proof
from ringback.providers.base import (
    CannotSimulateError,
    Consent,
    Fake,
    Inbound,
    OutboundMessage,
    Report,
    SendResult,
    Unparsed,
    Unrecognised,
    Verification,
)
from ringback.providers.config import load_config
from ringback.providers.pswin import PsWin
from ringback.providers.pswin_config import PsWinConfig
from ringback.providers.recorded import NOW_MS

from .cases import GENUINE, arrived, signed
from .driving import Asked, FakeApi, assert_told, assert_unasked, driven
from .sound import taken

PSWIN = PsWin()
ACCOUNT = {"username": "not-a-real-user", "password": "not-a-real-<password> & more"}
CONFIG = load_config(PsWinConfig, {"callback_secret": "not-a-real-callback-secret", **ACCOUNT})
MESSAGE = OutboundMessage("+15550100123", "2012", "sms", "Blåbær & <takk>", at_ms=NOW_MS)
URL = "https://hooks.example/in/example"


def told(request: Asked) -> ET.Element:
    """Read a request of ours by another reader of XML."""
    assert isinstance(request, HttpRequest)
    return ET.fromstring(request.body)


def fields(message: ET.Element) -> dict[str, str]:
    """Return what a message's elements say."""
    return {child.tag: child.text or "" for child in message}


def test_a_text_is_sent_as_the_gateway_wants_it() -> None:
    """Numbers lose their plus, a lifetime is in minutes, and a report is asked for."""
    api = FakeApi(PSWIN, CONFIG)
    message = msgspec.structs.replace(MESSAGE, validity_s=90)
    result, (request,) = driven(PSWIN.send(message, CONFIG), api)
    assert isinstance(request, HttpRequest)
    assert (request.method, request.url) == ("POST", "https://xml.pswin.com/")
    session = told(request)
    assert (session.findtext("CLIENT"), session.findtext("PW")) == tuple(ACCOUNT.values())
    (sent,) = session.findall("MSGLST/MSG")
    assert fields(sent) == {
        "ID": "1",
        "TEXT": "Blåbær & <takk>",
        "SND": "2012",
        "RCV": "15550100123",
        "TTL": "2",
        "RCPREQ": "Y",
    }
    (taken,) = api.taken
    assert result == SendResult("submitted", (taken.message_id,))
    assert (taken.to, taken.from_, taken.text) == (MESSAGE.to, "2012", MESSAGE.text)
    assert taken.validity_s == 120


@pytest.mark.parametrize(
    ("text", "unicode"),
    [("Hello @ £5 ÄÖÜ ñ", False), ("Φ and Ω", False), ("5 €", True), ("[x]", True), ("👍 é", True)],
)
def test_what_the_plain_alphabet_lacks_is_sent_as_unicode(text: str, unicode: bool) -> None:
    """Everything arrives as it was written, by one way or the other."""
    api = FakeApi(PSWIN, CONFIG)
    _, (request,) = driven(PSWIN.send(msgspec.structs.replace(MESSAGE, text=text), CONFIG), api)
    (sent,) = told(request).findall("MSGLST/MSG")
    assert ("OP" in fields(sent)) == unicode
    assert [one.text for one in api.taken] == [text]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"to": "Ada"}, "invalid_recipient"),
        ({"to": "+1555"}, "invalid_recipient"),
        ({"from_": "A name too long"}, "invalid_sender"),
        ({"from_": "Blåbær"}, "invalid_sender"),
        ({"text": ""}, "text_length"),
        ({"text": "x" * 2145}, "text_length"),
        ({"text": "€" * 1073}, "text_length"),
        ({"content": {"kind": "media", "media": []}}, "unsupported_content"),
    ],
)
def test_what_the_gateway_could_only_refuse_or_cut_makes_no_request(
    changed: dict[str, object], code: str
) -> None:
    """It is said before anything leaves; and so is that there is no account."""
    assert_unasked(PSWIN, CONFIG, msgspec.structs.replace(MESSAGE, **changed), code)
    bare = load_config(PsWinConfig, {"callback_secret": "not-a-real-callback-secret"})
    assert_unasked(PSWIN, bare, MESSAGE, "not_configured")


def test_a_batch_has_a_result_for_each() -> None:
    """100 texts are one request; one that cannot be sent costs only itself, and IDs stay true."""
    messages = [msgspec.structs.replace(MESSAGE, to=f"+1555{n:07}") for n in range(99)]
    messages.insert(5, msgspec.structs.replace(MESSAGE, to="Ada"))
    api = FakeApi(PSWIN, CONFIG)
    results, asked = driven(PSWIN.send_batch(tuple(messages), CONFIG), api)
    assert len(asked) == 1
    assert [result.outcome for result in results].count("submitted") == 99
    assert results[5].outcome == "refused"
    ids = [result.message_ids[0] for result in results if result.message_ids]
    assert ids == [one.message_id for one in api.taken]
    assert len(set(ids)) == 99


@pytest.mark.parametrize(
    ("how", "outcome", "class_", "provider_code"),
    [
        ({"outcome": "refused"}, "refused", "platform", "FAIL"),
        ({"outcome": "refused", "code": "FAIL"}, "refused", "platform", "FAIL"),
        ({"outcome": "refused", "code": "LOGON"}, "refused", "platform", "LOGON"),
        ({"outcome": "throttled"}, "throttled", "throttled", "http_429"),
        ({"outcome": "broken"}, "uncertain", None, None),
    ],
)
def test_what_the_gateway_refuses_is_told_in_our_words(
    how: dict[str, str], outcome: str, class_: str | None, provider_code: str | None
) -> None:
    """Every shape of refusal that is played becomes an outcome and a class; 5xx is uncertain."""
    assert_told(PSWIN, CONFIG, MESSAGE, how, outcome, class_, provider_code)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<MSG><ID>1</ID><REF>A</REF><STATUS>OK</STATUS></MSG>", SendResult("submitted", ("A",))),
        ("<MSG><ID>1</ID><STATUS>OK</STATUS><INFO/></MSG>", SendResult("uncertain")),
        ("<MSG><ID>2</ID><REF>A</REF><STATUS>OK</STATUS></MSG>", SendResult("uncertain")),
        ("<MSG><ID>1</ID><REF>A</REF><STATUS>LATER</STATUS></MSG>", SendResult("uncertain")),
        ("", SendResult("uncertain")),
        ("<MSG>", SendResult("uncertain")),
    ],
)  # fmt: skip
def test_an_answer_without_proof_is_uncertain(body: str, expected: SendResult) -> None:
    """Without the gateway's reference nobody can join the report; it is not sent again blindly."""
    answer = f"<SESSION><LOGON>OK</LOGON><REASON/><MSGLST>{body}</MSGLST></SESSION>".encode()
    result, _ = driven(PSWIN.send(MESSAGE, CONFIG), lambda _: HttpResponse(200, (), answer))
    assert expected == result


def test_the_played_gateway_takes_what_others_send() -> None:
    """With its own document type, without IDs, in another charset; and refuses what is no XML."""
    head = '<?xml version="1.0"?>\n<!DOCTYPE SESSION SYSTEM "pswincom_submit.dtd">\n'
    who = "<CLIENT>not-a-real-user</CLIENT><PW>not-a-real-&lt;password&gt; &amp; more</PW>"
    listed = "<MSG><TEXT>Hei æ</TEXT><RCV>15550100123</RCV><SND>LINK</SND></MSG>" * 2
    body = f"{head}<SESSION>{who}<SD>x</SD><MSGLST>{listed}</MSGLST></SESSION>"
    how = Fake(seed="0" * 32, now_ms=0)
    request = HttpRequest(
        "POST", "https://h/", (("Content-Type", "application/xml; charset=utf-8"),), body.encode()
    )
    found = PSWIN.fake(request, CONFIG, how)
    assert found is not None
    assert [one.text for one in found.messages] == ["Hei æ", "Hei æ"]
    answered = ET.fromstring(found.response.body)
    assert [one.text for one in answered.iter("ID")] == ["1", "2"]
    for status, odd in (
        (400, HttpRequest("POST", "https://h/", (), b"text")),
        (405, HttpRequest("GET", "https://h/")),
    ):
        answer = PSWIN.fake(odd, CONFIG, how)
        assert answer is not None
        assert answer.response.status == status
    assert PSWIN.fake(HttpRequest("POST", "https://h/other"), CONFIG, how) is None


def test_every_id_of_a_list_is_acknowledged() -> None:
    """Odd IDs come back as they were, written safely; what has none gets its place."""
    body = "<MSGLST>" + "".join(
        f"<MSG>{one}<STATE>DELIVRD</STATE><REF>r</REF></MSG>"
        for one in ("<ID>41</ID>", "<ID>&lt;b&gt;</ID>", "", f"<ID>{'9' * 40}</ID>")
    ) + "</MSGLST>"  # fmt: skip
    callback = signed(PSWIN, CONFIG, body.encode())
    reply = PSWIN.reply(callback, CONFIG, PSWIN.verify(callback, CONFIG, NOW_MS))
    answered = ET.fromstring(reply.body)
    assert [one.findtext("ID") for one in answered] == ["41", "<b>", "3", "4"]
    assert {one.findtext("STATUS") for one in answered} == {"OK"}


def test_several_messages_are_simulated_in_one_list() -> None:
    """A batch is one callback with the gateway's own document type; each has its item."""
    messages = tuple(
        msgspec.structs.replace(MESSAGE, message_id=f"r{n}", text=f"{n} é 👍") for n in range(3)
    )
    for status, kind in (("delivered", Report), ("received", Inbound)):
        request = PSWIN.simulate_batch(messages, status, CONFIG, URL)  # type: ignore[arg-type]
        assert b"<!DOCTYPE MSGLST SYSTEM" in request.body
        parsed = PSWIN.parse(arrived(request), CONFIG)
        assert parsed.unparsed == ()
        assert [type(item) for item in parsed.items] == [kind] * 3
    texts = [item.content["text"] for item in parsed.items if isinstance(item, Inbound)]
    assert texts == ["0 é 👍", "1 é 👍", "2 é 👍"]
    with pytest.raises(CannotSimulateError, match="sent"):
        PSWIN.simulate_batch(messages, "sent", CONFIG, URL)


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        ("failed", "BARRED", "BARRED"),
        ("failed", "ZEROBAL", "ZEROBAL"),
        ("unconfirmed", "UNKNOWN", "UNKNOWN"),
        ("failed", "EXPIRED", "UNDELIV"),
        ("failed", "4711", "UNDELIV"),
        ("delivered", "BARRED", "DELIVRD"),
    ],
)
def test_a_failure_is_simulated_with_the_state_that_is_asked_for(
    status: str, code: str, state: str
) -> None:
    """A state of this status is the gateway's own; anything else changes nothing."""
    message = msgspec.structs.replace(MESSAGE, message_id="r1", error_code=code)
    request = PSWIN.simulate(message, status, CONFIG, URL)  # type: ignore[arg-type]
    (item,) = PSWIN.parse(arrived(request), CONFIG).items
    assert isinstance(item, Report)
    assert (status, state) == (item.status, item.provider_status)
    assert item.error is None or item.error.opt_out == (state == "BARRED")


BODIES = [case.callback.body for case in GENUINE if case.provider.name == "pswin"]
PIECES = [
    b"<MSG>", b"</MSG>", b"<ID>1</ID>", b"<STATE>DELIVRD</STATE>", b"<STATE/>", b"<TEXT>x</TEXT>",
    b"<REF>r</REF>", b"<SND>1</SND>", b"<METADATA><DATA/></METADATA>",
    b"<POSITION><POS/></POSITION>",
    b"&#1;", b"&#xD800;", b"&amp;", b"\x00", b"\xff", b"<![CDATA[", b"]]>", b"<!--", b"<a>" * 70,
    b'<DATA KEY="" VALUE="\xe6"/>', b"<ADDRESS>;;;;;;;;;;;</ADDRESS>",
    b"<RCV>" + b"9" * 600 + b"</RCV>",
]  # fmt: skip


def test_any_body_gives_a_typed_result_and_an_acknowledgement() -> None:
    """T13: recorded lists with pieces put in, cut out and doubled all get their 200, in time."""
    dice, kinds = random.Random(13), set[type]()
    for _ in range(1_500):
        body = bytearray(dice.choice(BODIES))
        for _ in range(dice.randrange(1, 4)):
            place = dice.randrange(len(body) + 1)
            if dice.random() < 0.3:
                del body[place : place + dice.randrange(20)]
            elif dice.random() < 0.5 and b"</MSG>" in body:
                place = body.rindex(b"</MSG>")
                body[place:place] = dice.choice(PIECES)
            else:
                body[place:place] = dice.choice(PIECES)
        callback = Callback("POST", query_proof.into(URL, CONFIG.callback_secret), (), bytes(body))
        kinds |= taken(PSWIN, CONFIG, callback)
        reply = PSWIN.reply(callback, CONFIG, Verification("ok"))
        assert b"<STATUS>OK</STATUS>" in reply.body
    assert {Report, Inbound, Unrecognised, Unparsed} == kinds - {Consent}
