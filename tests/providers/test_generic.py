"""What `generic` makes of verified callbacks, how it answers, and what it makes by itself."""

import base64
import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.domain.http import Callback, HttpRequest, HttpResponse
from ringback.domain.messages import Failure, Status
from ringback.providers.base import OutboundMessage, SendResult, Unrecognised, Verification
from ringback.providers.config import load_config
from ringback.providers.generic_config import GenericConfig
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS

from .cases import CASES, Case, arrived
from .generic_stage import BODY, SCHEMES, URL
from .sound import assert_sound

GENERIC = PROVIDERS["generic"]
PAGE = Path(__file__).parents[2] / "docs" / "generic.md"
OK = Verification("ok")

# Those that no mapping reads.
AS_THEY_CAME = [
    case for case in CASES if case.provider is GENERIC and getattr(case.config, "how", None) is None
]


def config_of(scheme: str = "hmac", **more: Any) -> GenericConfig:
    """Make a config with one of the schemes."""
    return load_config(GenericConfig, {"verify": SCHEMES[scheme], **more})


def item_of(callback: Callback, config: GenericConfig | None = None) -> Unrecognised:
    """Read a callback: always one item, and nothing unparsed."""
    parsed = GENERIC.parse(callback, config or config_of())
    assert_sound(parsed)
    assert () == parsed.unparsed
    (item,) = parsed.items
    assert isinstance(item, Unrecognised)
    assert ("generic.callback", None) == (item.kind, item.occurred_at)
    return item


def read(body: bytes, content_type: str = "", **more: Any) -> Any:
    """Return what is emitted of a body."""
    headers = (("Content-Type", content_type),) if content_type else ()
    return json.loads(bytes(item_of(Callback("POST", URL, headers, body), **more).fragment))


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"a": [1, "\xc3\xa9"]}', "application/json", {"a": [1, "é"]}),
        (b'[{"a": 1}]', "", [{"a": 1}]),
        (b'{"a": 1}', "text/plain; charset=utf-8", {"a": 1}),
        (b"null", "application/json", None),
        (b'{"a": NaN}', "application/json", '{"a": NaN}'),
        (b'{"a": "\\u0000"}', "application/json", '{"a": "\\u0000"}'),
        (b"[" * 65 + b"]" * 65, "application/json", "[" * 65 + "]" * 65),
        (b"a=1&a=2&b=%C3%A9", "application/x-www-form-urlencoded", {"a": ["1", "2"], "b": ["é"]}),
        (b"a=%E9", "APPLICATION/X-WWW-FORM-URLENCODED; charset=ISO-8859-1", {"a": ["é"]}),
        (b"a=%E9", "application/x-www-form-urlencoded", "a=%E9"),
        (b"a=1&b=2", "text/plain", "a=1&b=2"),
        ("<a>é</a>".encode(), "application/xml", "<a>é</a>"),
        ("<a>é</a>".encode("latin-1"), "text/xml; charset=iso-8859-1", "<a>é</a>"),
        (
            "<?xml version='1.0' encoding='windows-1252'?><a>€</a>".encode("cp1252"),
            "text/xml",
            "<?xml version='1.0' encoding='windows-1252'?><a>€</a>",
        ),
        (b"a\tb\r\n", "text/plain", "a\tb\r\n"),
        (b"\xff\xfe", "text/plain", {"content_type": "text/plain", "base64": "//4="}),
        (b"a\x00", "", {"content_type": "", "base64": "YQA="}),
        (b"\x1b[0m", "text/plain", {"content_type": "text/plain", "base64": "G1swbQ=="}),
    ],
)
def test_a_body_becomes_one_json_value(body: bytes, content_type: str, expected: Any) -> None:
    """JSON, forms, XML, text and bytes: whatever comes in arrives whole."""
    assert expected == read(body, content_type)


def test_json_stays_as_it_came() -> None:
    """Not one byte of it is written anew: numbers and the order of fields stay."""
    body = b' {"b": 1.50, "a": 12345678901234567890, "b2": "\\u00e9"}\n'
    assert body == bytes(item_of(Callback("POST", URL, (), body)).fragment)


@given(st.binary(max_size=60), st.sampled_from(["", "text/xml", "multipart/form-data; boundary=b"]))
def test_any_bytes_are_one_sound_item(body: bytes, content_type: str) -> None:
    """No body is refused, and what cannot be text comes back out of its base64."""
    found = read(body, content_type)
    if isinstance(found, dict) and "base64" in found:
        assert body == base64.b64decode(found["base64"])


@pytest.mark.parametrize("case", AS_THEY_CAME, ids=str)
def test_a_body_cut_anywhere_is_still_an_item(case: Case) -> None:
    """Every seventh length of the recordings reads as one item."""
    for length in range(0, len(case.callback.body), 7):
        callback = case.callback
        cut = Callback("POST", callback.url, callback.headers, callback.body[:length])
        assert isinstance(case.config, GenericConfig)
        item_of(cut, case.config)


def test_without_a_body_the_query_is_read() -> None:
    """As a form; the key of the connection is no part of it. What cannot be read is text."""
    for query, expected in (
        ("", {}),
        ("?a=1&key=not-a-real-key&a=2&b", {"a": ["1", "2"], "b": [""]}),
        ("?a=%FF&key=not-a-real-key", "a=%FF"),
    ):
        callback = Callback("GET", f"https://hooks.example/in/x{query}", (), b"")
        assert expected == json.loads(bytes(item_of(callback, config_of("query")).fragment))


def test_callbacks_are_the_same_when_they_say_the_same() -> None:
    """By body and query; headers, method and key make no difference.

    The query may be what tells two kinds of event with one body apart.
    """
    config = config_of("query")

    def key(method: str, query: str, body: bytes = b"", *headers: tuple[str, str]) -> str:
        return item_of(Callback(method, f"https://h/in/x?{query}", headers, body), config).key

    assert key("POST", "a=1", BODY) == key("PUT", "a=1&key=x", BODY, ("X-Attempt", "2"))
    assert key("GET", "a=1&key=x") == key("GET", "key=y&a=1")
    several = [
        key("GET", "a=1"), key("GET", "a=2"), key("POST", "", b"a=1"), key("POST", "", BODY),
        key("POST", "a=1", BODY), key("POST", "a=2", BODY),
        key("POST", "", BODY + b" "), key("GET", ""),
    ]  # fmt: skip
    assert len(several) == len(set(several))


DOCUMENT = (
    b'{"id": "a", "n": 1.0, "t": true, "deep": [{"~/": "x"}], "o": {}, "z": null, "": "e", "~1": 1}'
)


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("/id", True), ("/n", True), ("/t", True), ("/deep/0/~0~1", True), ("/", True),
        ("/~01", True),
        ("/deep", False), ("/o", False), ("/z", False), ("/no", False), ("/deep/1", False),
        ("/deep/00/~0~1", False), ("/deep/-", False), ("/id/0", False), ("/n/0", False),
    ],
)  # fmt: skip
def test_a_pointer_leads_to_a_value(pointer: str, found: bool) -> None:
    """Strings, numbers and truth values name a callback; elsewhere its body does."""
    config = config_of(dedupe=[{"in": "json", "pointer": pointer}])
    callback = Callback("POST", URL, (), DOCUMENT)
    key = item_of(callback, config).key
    assert found == key.startswith("generic.callback:named:")
    assert found == (key != item_of(callback).key)


def test_named_callbacks_are_the_same_by_their_names() -> None:
    """All places together, wherever they are; where one is missing the body decides."""
    form = "application/x-www-form-urlencoded"
    places = [
        {"in": "form", "field": "id"}, {"in": "query", "parameter": "v"},
        {"in": "header", "name": "X-Id"},
    ]  # fmt: skip
    config = config_of(dedupe=places)

    def key(body: bytes, query: str = "v=1", *ids: str) -> str:
        headers = (("Content-Type", form), *(("X-Id", one) for one in ids))
        return item_of(Callback("POST", f"https://h/in/x?{query}", headers, body), config).key

    first = key(b"id=7&n=1", "v=1", "h")
    assert first == key(b"n=2&id=7", "w=2&v=1", "h")
    assert (
        len({first, key(b"id=8", "v=1", "h"), key(b"id=7", "v=2", "h"), key(b"id=7", "v=1", "i")})
        == 4
    )
    for body, query, ids in (
        (b"n=1", "v=1", ["h"]), (b"id=7", "w=1", ["h"]), (b"id=7", "v=1", []),
        (b"id=7&id=7", "v=1", ["h"]), (b"id=7", "v=1&v=1", ["h"]), (b"id=7", "v=1", ["h", "h"]),
        (b"id=", "v=1", ["h"]),
    ):  # fmt: skip
        assert key(body, query, *ids).startswith("generic.callback:body:")


def test_names_do_not_run_into_each_other() -> None:
    """("ab", "c") is not ("a", "bc")."""
    places = [{"in": "json", "pointer": "/a"}, {"in": "json", "pointer": "/b"}]
    config = config_of(dedupe=places)
    keys = {
        item_of(Callback("POST", URL, (), body), config).key
        for body in (b'{"a":"ab","b":"c"}', b'{"a":"a","b":"bc"}', b'{"a":"a","b":"bc","n":1}')
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({}, HttpResponse(200)),
        ({"status": 204}, HttpResponse(204)),
        ({"status": 299, "content_type": "text/xml"}, HttpResponse(299)),
    ],
)
def test_an_answer_without_a_body(reply: dict[str, Any], expected: HttpResponse) -> None:
    """200 and nothing, or the status that was configured."""
    callback = Callback("POST", URL, (), BODY)
    assert expected == GENERIC.reply(callback, config_of(reply=reply), OK)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/xml; charset=utf-8", '<?xml version="1.0" encoding="UTF-8"?><Response/>'),
        ("application/json", '{"ok": true, "é": 1}'),
        ("text/plain; charset=utf-8", "ACK/Jasmin"),
        ("text/html", "<script>alert(1)</script>"),
    ],
)
def test_a_literal_answer(content_type: str, body: str) -> None:
    """Text of one's own, of which a browser makes nothing; HEAD gets none."""
    config = config_of(reply={"status": 201, "content_type": content_type, "body": body})
    reply = GENERIC.reply(Callback("POST", URL, (), BODY), config, OK)
    assert (201, body.encode()) == (reply.status, reply.body)
    assert (
        ("Content-Type", content_type),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "default-src 'none'; sandbox"),
    ) == reply.headers
    assert HttpResponse(201) == GENERIC.reply(Callback("HEAD", URL, (), b""), config, OK)


@pytest.mark.parametrize("name", SCHEMES)
def test_who_is_not_verified_gets_a_401(name: str) -> None:
    """Never the configured answer; Basic and Bearer are asked for."""
    config = config_of(name, reply={"body": "ACK"})
    verdict = Verification("challenge" if name == "basic" else "failed")
    reply = GENERIC.reply(Callback("POST", URL, (), BODY), config, verdict)
    asked = {"basic": 'Basic realm="ringback"', "bearer": 'Bearer realm="ringback"'}
    headers = (("WWW-Authenticate", asked[name]),) if name in asked else ()
    assert HttpResponse(401, headers) == reply


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("status", get_args(Status))
def test_a_simulated_callback_is_verified(status: Status, name: str) -> None:
    """For every status and scheme: it says what was asked for, proved as configured."""
    config = config_of(name)
    message = OutboundMessage("+15550123", "+15550100", "sms", "Hi", "id-1", "order-7", NOW_MS)
    request = GENERIC.simulate(message, status, config, URL)
    callback = arrived(request)
    assert "ok" == GENERIC.verify(callback, config, NOW_MS).verdict
    assert {
        "id": "id-1", "status": status, "at": NOW_MS, "from": "+15550100", "to": "+15550123",
        "channel": "sms", "reference": "order-7", "text": "Hi",
    } == json.loads(bytes(item_of(callback, config).fragment))  # fmt: skip


def test_headers_are_signed_where_they_are_enough() -> None:
    """`sign` makes the headers of a proof, and refuses where it needs the whole request."""
    bare = HttpRequest("POST", URL, (), BODY)
    for name in SCHEMES:
        config = config_of(name)
        if name in ("whole", "query"):
            with pytest.raises(ValueError, match="authenticate"):
                GENERIC.sign(BODY, config, NOW_MS)
        else:
            proved = GENERIC.authenticate(bare, config, NOW_MS).headers
            assert proved == GENERIC.sign(BODY, config, NOW_MS)


def test_nothing_is_sent_through_it() -> None:
    """No request is made: nobody knows how that system sends."""
    flow = GENERIC.send(OutboundMessage("+15550123", "+15550100", "sms"), config_of())
    with pytest.raises(StopIteration) as stopped:
        next(flow)
    failure = Failure("platform", "cannot_send", stage="rejected")
    assert SendResult("refused", error=failure) == stopped.value.value


def test_a_key_is_concealed_wherever_it_stands() -> None:
    """In its header, any case and number, or in the query; other callbacks stay as they are."""
    headers = (("x-api-key", "a"), ("X-Other", "b"), ("X-API-KEY", "c"))
    callback = Callback("POST", "https://h/in/x?a=1&key=k&%6Bey=l", headers, BODY)
    hidden = "(hidden)"
    shown = GENERIC.conceal(callback, config_of("header"))
    assert (("x-api-key", hidden), ("X-Other", "b"), ("X-API-KEY", hidden)) == shown.headers
    shown = GENERIC.conceal(callback, config_of("query"))
    assert (f"https://h/in/x?a=1&key={hidden}&%6Bey={hidden}", headers) == (
        shown.url,
        shown.headers,
    )
    for name in ("hmac", "basic", "bearer", "url_token"):
        assert callback == GENERIC.conceal(callback, config_of(name))


def test_every_example_on_its_page_is_a_config() -> None:
    """What docs/generic.md tells people to post is a valid connection, of every scheme."""
    found = re.findall(r"-d '(\{.*?\})'", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    schemes = set()
    for text in found:
        asked = json.loads(text)
        assert "generic" == asked["provider"]
        config = load_config(GenericConfig, asked["config"])
        schemes.add(type(config.verify).__name__)
    assert {"Hmac", "Basic", "Bearer", "ApiKey", "UrlToken"} == schemes
