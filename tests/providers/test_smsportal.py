"""SMSPortal's callbacks: signatures of an uncertain spelling, and three generations of shapes."""

import base64
import hmac
import random
import re
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from ringback.domain.http import Callback, HttpRequest
from ringback.domain.messages import Status
from ringback.providers.base import CannotSimulateError, Consent, Inbound, OutboundMessage, Report
from ringback.providers.config import ConfigError, load_config
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.providers.smsportal_config import SharedHeader, Signature, SmsPortalConfig
from ringback.providers.smsportal_items import time_ms
from ringback.providers.smsportal_templates import PRESETS

from .cases import arrived, flipped

SMSPORTAL = PROVIDERS["smsportal"]
KEY = "not-a-real-signature-key"
URL = "https://hooks.example/in/not-a-real-token-of-32-letters?type=status"
BODY = b'{"Status":"DELIVRD","EventId":1,"Msisdn":"15550100123"}'
SIGNATURE, TIMESTAMP = "Webhook-Engine-Signature", "Webhook-Engine-Timestamp"


def config(verify: dict[str, Any] | None = None, **fields: Any) -> SmsPortalConfig:
    """Make a config; signatures unless said otherwise."""
    scheme = {"scheme": "signature", "secret": KEY, **(verify or {})}
    if scheme["scheme"] != "signature":
        scheme.pop("secret")
    return load_config(SmsPortalConfig, {"verify": scheme, **fields})


def genuine(method: str = "POST", url: str = URL, body: bytes = BODY) -> Callback:
    """Make a callback that is signed now."""
    request = HttpRequest(method, url, (), body)
    return arrived(SMSPORTAL.authenticate(request, config(), NOW_MS))


def verdict(callback: Callback, of: SmsPortalConfig | None = None, at: int = NOW_MS) -> str:
    """Verify a callback."""
    return SMSPORTAL.verify(callback, of or config(), at).verdict


def with_value(callback: Callback, name: str, value: str) -> Callback:
    """Replace the value of a header."""
    headers = tuple((n, value if n == name else v) for n, v in callback.headers)
    return msgspec.structs.replace(callback, headers=headers)


def read(callback: Callback, **fields: Any) -> list[Any]:
    """Read a callback, of which nothing may be left unread."""
    parsed = SMSPORTAL.parse(callback, config(**fields))
    assert parsed.unparsed == ()
    return list(parsed.items)


HEX = "27404865b767b6cbc4d83710be201fa422b418d19fcd346fd240624d0c6ccf55"
BASE64 = "J0BIZbdntsvE2DcQviAfpCK0GNGfzTRv0kBiTQxsz1U="


@pytest.mark.parametrize(
    "written", [HEX, HEX.upper(), BASE64, f"v1={HEX}", f"v1:{BASE64}", f"v1={BASE64}"]
)
def test_the_vector_in_every_spelling(written: str) -> None:
    """A10: time, method, URL and body are signed; hex and base64 count, also after a version."""
    headers = ((SIGNATURE, written), (TIMESTAMP, "1772440000"))
    url, body = "https://hooks.example/smsportal", b'{"Status":"DELIVRD"}'
    callback = Callback("POST", url, headers, body)
    assert "ok" == verdict(callback, config({"secret": "secret"}), 1_772_440_000_000)
    for changed in (
        msgspec.structs.replace(callback, url=f"{url}/"),
        msgspec.structs.replace(callback, method="GET"),
        msgspec.structs.replace(callback, body=body + b" "),
        with_value(callback, TIMESTAMP, "1772440001"),
    ):
        assert "failed" == verdict(changed, config({"secret": "secret"}), 1_772_440_000_000)


def test_what_we_sign_is_the_vector() -> None:
    """A10, the other way round, in both spellings."""
    request = HttpRequest("POST", "https://hooks.example/smsportal", (), b'{"Status":"DELIVRD"}')
    for encoding, expected in (("any", HEX), ("hex", HEX), ("base64", BASE64)):
        made = SMSPORTAL.authenticate(
            request, config({"secret": "secret", "encoding": encoding}), 1_772_440_000_000
        )
        assert made.headers == ((TIMESTAMP, "1772440000"), (SIGNATURE, expected))


def test_a_mutated_signature_is_refused() -> None:
    """T01: another spelling, length, alphabet or key does not count, nor do doubled headers."""
    callback = genuine()
    value = callback.header(SIGNATURE) or ""
    raw = bytes.fromhex(value)
    signed = b"v1:1772443000|POST|" + URL.encode() + b"|" + BODY
    mutations = [
        "", "v1=", value[:-1], value + "0", value[::-1], value[32:] + value[:32], "0" * 64,
        f" {value}", f"{value} ", f"{value}\n", f"{value},{value}", f"v2={value}", f"v1=v1={value}",
        f"sha256={value}", f"V1={value}", f'"{value}"', value[:32] + value[32:].upper(),
        base64.urlsafe_b64encode(raw + b"\xff").decode(), base64.b64encode(raw).decode()[:-1],
        base64.b64encode(raw).decode() + "=", base64.b64encode(raw).decode().replace("=", "A"),
        base64.b64encode(value.encode()).decode(), "٣" * 64, value + "é", value + "\x00",
        hmac.new(KEY.encode(), BODY, "sha256").hexdigest(),
        hmac.new(KEY.encode(), signed, "sha1").hexdigest(),
        hmac.new(KEY.encode(), signed, "sha512").hexdigest(),
        hmac.new(b"", signed, "sha256").hexdigest(),
        hmac.new(signed, KEY.encode(), "sha256").hexdigest(),
        hmac.new(KEY.encode(), signed[3:], "sha256").hexdigest(),
    ]  # fmt: skip
    assert "ok" == verdict(callback)
    for mutated in mutations:
        assert "failed" == verdict(with_value(callback, SIGNATURE, mutated)), mutated
    for headers in ((), callback.headers * 2, callback.headers[:1], callback.headers[1:]):
        assert "failed" == verdict(msgspec.structs.replace(callback, headers=headers))


def test_a_flipped_bit_anywhere_is_refused() -> None:
    """T01: 200 random bits in the body, the query, the time and the signature, of both methods."""
    dice = random.Random(1)
    query = "?Status=DELIVRD&EventID=1&Phonenumber=15550100123&Data=" + quote("Hi é")
    callbacks = [genuine(), genuine("GET", URL.partition("?")[0] + query, b"")]
    for callback in callbacks:
        assert "ok" == verdict(callback)
        for _ in range(200):
            url = flipped(callback.url.encode("latin-1"), dice).decode("latin-1")
            assert "failed" == verdict(msgspec.structs.replace(callback, url=url))
            for name in (SIGNATURE, TIMESTAMP):
                value = flipped((callback.header(name) or "").encode(), dice).decode("latin-1")
                assert "failed" == verdict(with_value(callback, name, value))
            if callback.body:
                body = flipped(callback.body, dice)
                assert "failed" == verdict(msgspec.structs.replace(callback, body=body))


ODD_TIMES = [
    "1772443000.9", "+1772443000", "-1772443000", "1_772_443_000", " 1772443000", "1772443000 ",
    "NaN", "1e9", "Infinity", "0x69A5A978", "9223372036854775808", "", "0", "1", "٣٣٣٣٣٣٣٣٣٣",
    "1772443000\n", "01772443000", "177244300", "2026-03-02T09:16:40", "2026-03-02", "now",
]  # fmt: skip


def test_only_times_within_the_tolerance_count() -> None:
    """T03: 1,000 times around the edges, also in milliseconds and ISO 8601; the edge counts."""

    def at(text: str) -> Callback:
        signed = f"v1:{text}|POST|{URL}|".encode("utf-8", "surrogatepass") + BODY
        value = hmac.new(KEY.encode(), signed, "sha256").hexdigest()
        return Callback("POST", URL, ((TIMESTAMP, text), (SIGNATURE, value)), BODY)

    now = NOW_MS // 1000
    for offset in range(-490, 490):
        expected = "ok" if abs(offset) <= 300 else "failed"
        assert expected == verdict(at(str(now + offset)))
    for text in ODD_TIMES:
        assert "failed" == verdict(at(text)), text
    for text in (str(NOW_MS), "2026-03-02T09:16:40Z", "2026-03-02T11:16:40.000+02:00"):
        assert "ok" == verdict(at(text))
        assert "failed" == verdict(at(text), at=NOW_MS + 300_001)
    assert "ok" == verdict(at(str(now)), config({"tolerance_s": 900}), NOW_MS + 900_000)


def test_header_names_and_encoding_are_configured() -> None:
    """What SMSPortal does not publish is a setting; the other spelling then no longer counts."""
    own = config({"header": "X-Sig", "timestamp_header": "X-Time", "encoding": "base64"})
    callback = arrived(SMSPORTAL.authenticate(HttpRequest("POST", URL, (), BODY), own, NOW_MS))
    assert "ok" == verdict(callback, own)
    raw = base64.b64decode(callback.header("X-Sig") or "")
    assert "failed" == verdict(with_value(callback, "X-Sig", raw.hex()), own)


def test_a_shared_header_counts_and_is_hidden() -> None:
    """A custom header with a secret proves a callback, and is not kept with it."""
    own = config({"scheme": "header", "name": "X-Hook-Key", "value": "not-a-real-hook-key"})
    callback = Callback("POST", URL, (("x-hook-key", "not-a-real-hook-key"),), BODY)
    assert "ok" == verdict(callback, own)
    assert "not-a-real-hook-key" not in repr(SMSPORTAL.conceal(callback, own))
    for value in ("", "not-a-real-hook-ke", "not-a-real-hook-key ", "not-a-real-hook-kéy"):
        assert "failed" == verdict(with_value(callback, "x-hook-key", value), own)
    assert "failed" == verdict(msgspec.structs.replace(callback, headers=()), own)


def test_a_connection_without_its_secret_is_closed() -> None:
    """Nothing is proved by an empty secret, not even what was made with one, and by no proof."""
    callback = Callback("POST", URL, (("X-Hook-Key", ""),), BODY)
    bare = SmsPortalConfig(verify=Signature(secret=""))
    signed = arrived(SMSPORTAL.authenticate(HttpRequest("POST", URL, (), BODY), bare, NOW_MS))
    shared = SmsPortalConfig(verify=SharedHeader(name="X-Hook-Key", value=""))
    neither = SmsPortalConfig(verify=None)  # type: ignore[arg-type]
    for one, own in ((signed, bare), (callback, shared), (callback, neither)):
        assert SMSPORTAL.verify(one, own, NOW_MS).verdict == "failed"


def test_a_token_alone_has_to_be_long() -> None:
    """22 characters, as many as tokens have that are made by chance; a query does not count."""
    own = config({"scheme": "url_token"})
    for size, expected in ((22, "ok"), (21, "failed")):
        callback = Callback("GET", f"https://hooks.example/in/{'x' * size}?a={'y' * 30}", (), b"")
        assert expected == verdict(callback, own)


def test_base64_has_one_right_spelling() -> None:
    """Stray bits at its end do not count, and no base64 does where hex is configured."""
    callback = genuine()
    raw = bytes.fromhex(callback.header(SIGNATURE) or "")
    written = base64.b64encode(raw).decode()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    stray = [
        f"{written[:42]}{letter}="
        for letter in letters
        if letter != written[42] and base64.b64decode(f"{written[:42]}{letter}=") == raw
    ]
    assert len(stray) == 3
    assert verdict(with_value(callback, SIGNATURE, written)) == "ok"
    for spelling in stray:
        assert verdict(with_value(callback, SIGNATURE, spelling)) == "failed"
    hexadecimal = config({"encoding": "hex"})
    assert verdict(callback, hexadecimal) == "ok"
    assert verdict(with_value(callback, SIGNATURE, written), hexadecimal) == "failed"


def test_text_that_no_request_holds_is_refused_and_no_error() -> None:
    """Characters beyond Latin-1, and halves of some, come from no socket, but may from a test."""
    own = config({"scheme": "header", "name": "X-Hook-Key", "value": "not-a-real-hook-key"})
    for text in ("\u20ac", "\ud800"):
        assert verdict(Callback("POST", URL, (("X-Hook-Key", text),), BODY), own) == "failed"
        assert verdict(msgspec.structs.replace(genuine(), url=f"{URL}{text}")) == "failed"


def test_each_proof_says_what_it_covers() -> None:
    """Only the signature covers the URL, so only it needs the public one."""
    header = {"scheme": "header", "name": "X-Hook-Key", "value": "not-a-real-hook-key"}
    schemes: list[dict[str, Any]] = [{}, header, {"scheme": "url_token"}]
    assert [True, False, False] == [SMSPORTAL.covers(config(one))[1] for one in schemes]


def test_a_config_without_a_proof_is_refused() -> None:
    """Nobody forgets to choose: there is no proof by default."""
    with pytest.raises(ConfigError, match="verify"):
        load_config(SmsPortalConfig, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1530013907", 1_530_013_907_000),
        ("1772442322123", 1_772_442_322_123),
        ("2/Mar/2026 11:05:22", 1_772_442_322_000),
        ("02/mar/2026 11:05:22", 1_772_442_322_000),
        ("02-MAR-2026 11:05:22", 1_772_442_322_000),
        ("2026/03/02 11:05:22", 1_772_442_322_000),
        ("2026-03-02 11:05:22", 1_772_442_322_000),
        ("2026-03-02T11:05:22.123", 1_772_442_322_000),
        ("2026-03-02T09:05:22.123Z", 1_772_442_322_123),
        ("2026-03-02T14:05:22+05:00", 1_772_442_322_000),
        ("30/Feb/2026 11:05:22", None),
        ("02/Xyz/2026 11:05:22", None),
        ("02/03/2026 11:05:22", None),
        ("02/Mar/2026 24:05:22", None),
        ("02/Mar/0000 11:05:22", None),
        ("01/Jan/1970 01:59:59", None),
        ("", None),
        ("yesterday", None),
        ("٢/Mar/2026 11:05:22", None),
    ],
)
def test_times_are_read_in_every_way_they_come(text: str, expected: int | None) -> None:
    """Unix seconds, V1's own format, ISO 8601; without a zone they are the configured offset's."""
    assert expected == time_ms(text, 120)


def test_a_time_without_a_zone_is_the_configured_one() -> None:
    """The same words mean another moment with another offset."""
    body = (
        b'{"Status":"DELIVRD","EventId":1,"Msisdn":"15550100123","dateTime":"2026-03-02 11:05:22"}'
    )
    found = [
        read(genuine(body=body), utc_offset=offset)[0].occurred_at
        for offset in ("+02:00", "+00:00", "-05:30")
    ]
    assert [1_772_442_322_000, 1_772_449_522_000, 1_772_469_322_000] == found


@pytest.mark.parametrize("preset", PRESETS, ids=lambda one: one.type)
def test_a_preset_is_read_as_what_it_is_for(preset: Any) -> None:
    """The template that people paste, filled in as its variables say, is recognised by its type."""
    values = {"EventId": "5", "PhoneNumber": "15550100123", "SourcePhoneNumber": "15550100123"}
    values |= {"Status": "DELIVRD", "OriginalUrl": "https://shop.example/", "IncomingId": "7"}
    body = re.sub(r"@@(\w+)@@", lambda found: values.get(found[1], ""), preset.template)
    (item,) = read(genuine(url=URL.partition("?")[0], body=body.encode()))
    expected = {
        "status": "Report", "reply": "Inbound", "shortcode": "Inbound",
        "click": "Notice", "preview": "Notice",
    }  # fmt: skip
    assert expected[preset.type] == type(item).__name__
    assert preset.template in SMSPORTAL.setup
    assert all(f"`{name}`" in SMSPORTAL.setup for name in preset.unchecked)


@pytest.mark.parametrize(
    "text",
    ['"', 'a "b" c', "line\none", "back\\slash", "\t", '","type":"status","status":"DELIVRD'],
)
def test_a_text_whose_quotes_are_not_escaped_is_still_a_text(text: str) -> None:
    """Where a template is filled in without escaping, it says all it says, and adds no field."""
    body = f'{{"type": "reply", "incomingId": "7", "phoneNumber": "15550100123", "text": "{text}"}}'
    (item,) = read(genuine(body=body.encode()))
    assert isinstance(item, Inbound)
    assert (item.message_id, item.from_) == ("7", "+15550100123")
    assert item.content == {"kind": "text", "text": text}


def test_one_message_is_known_by_the_same_name_in_all_generations() -> None:
    """Reports of V1, V2 and V3 about one message join, and a reply names it."""
    v1 = "?ID=9&EventID=5&Phonenumber=15550100123&Status=SUBMITD"
    callbacks = [
        genuine("GET", URL.partition("?")[0] + v1, b""),
        genuine(body=b'{"Status":"DELIVRD","EventId":5,"Msisdn":"15550100123"}'),
        genuine(
            body=b'{"type":"status","eventId":"5","phoneNumber":"15550100123","status":"UNDELIV"}'
        ),
    ]
    for callback in callbacks:
        (report,) = read(callback)
        assert isinstance(report, Report)
        assert (report.message_id, report.recipient) == ("5", "+15550100123")
    (reply,) = read(genuine(body=b'{"Id":8,"EventId":5,"Msisdn":"15550100123","Message":"Yes"}',
                            url=URL.partition("?")[0]))  # fmt: skip
    assert isinstance(reply, Inbound)
    assert (reply.reply_to, reply.reply_recipient) == ("5", "+15550100123")


def test_words_of_opting_out_are_configured() -> None:
    """A reply that is such a word, and nothing but it, is also a wish."""
    for words, text, expected in (
        (["STOP"], " stop ", 2),
        (["STOP"], "please stop", 1),
        (["EIND", "STOP"], "Eind", 2),
        ([], "STOP", 1),
    ):
        body = msgspec.json.encode({"type": "reply", "msisdn": "15550100123", "text": text})
        items = read(genuine(body=body), opt_out_words=words)
        assert expected == len(items)
        assert all(
            isinstance(item, Consent) and item.address == "+15550100123" for item in items[1:]
        )


MESSAGE = OutboundMessage(
    "+15550100123", "+15550100900", "sms", "Hello & é", "20431567890", "order-48213", NOW_MS + 646
)
STATUSES = [status for status in SMSPORTAL.simulated if status != "received"]


@pytest.mark.parametrize("generation", ["v1", "v2", "v3"])
@pytest.mark.parametrize("scheme", ["signature", "url_token"])
def test_every_generation_is_simulated(generation: str, scheme: str) -> None:
    """Each status and a reply verify and read as what they were made for, whatever the shape."""
    own = config({"scheme": scheme}, simulate_as=generation, utc_offset="-03:30")
    for status in SMSPORTAL.simulated:
        request = SMSPORTAL.simulate(MESSAGE, status, own, URL.partition("?")[0] + "?a=b")
        assert request.method == ("GET" if generation == "v1" else "POST")
        assert "ok" == verdict(arrived(request), own)
        (item,) = SMSPORTAL.parse(arrived(request), own).items
        assert isinstance(item, Report | Inbound)
        assert item.message_id == "20431567890"
        assert (item.to, item.reference) == ("+15550100123", "order-48213") or status == "received"
        assert NOW_MS == item.occurred_at
        if isinstance(item, Report):
            assert status == item.status
        else:
            assert (item.from_, item.to) == ("+15550100900", "+15550100123")
            assert item.content["text"] == "Hello & é"


@pytest.mark.parametrize(
    ("status", "code", "class_"),
    [
        ("failed", "BLIST", "consent"),
        ("failed", "noroute", "network"),
        ("failed", None, "recipient"),
        ("expired", "EXPIRED", "network"),
    ],
)
def test_a_failure_of_choice_is_simulated(status: Status, code: str | None, class_: str) -> None:
    """The code of a failure is one of SMSPortal's own words."""
    message = msgspec.structs.replace(MESSAGE, error_code=code)
    request = SMSPORTAL.simulate(message, status, config(), URL)
    (item,) = SMSPORTAL.parse(arrived(request), config()).items
    assert isinstance(item, Report)
    assert item.error is not None
    assert (status, class_) == (item.status, item.error.class_)


def test_a_failure_that_there_is_not_cannot_be_simulated() -> None:
    """The error names the codes that there are."""
    message = msgspec.structs.replace(MESSAGE, error_code="4720")
    with pytest.raises(CannotSimulateError, match="UNDELIV, BLIST, NOROUTE"):
        SMSPORTAL.simulate(message, "failed", config(), URL)
