"""MyLINK: the header that proves a callback, tokens, batches, and the API that is played."""

import json
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from ringback.domain.http import Callback, HttpRequest, HttpResponse
from ringback.providers.base import Fake, Inbound, OutboundMessage, Report, SendResult, TokenRequest
from ringback.providers.config import load_config
from ringback.providers.linkmobility import LinkMobility
from ringback.providers.linkmobility_config import LinkMobilityConfig
from ringback.providers.recorded import NOW_MS

from .cases import arrived, signed, with_headers
from .driving import Asked, FakeApi, assert_told, assert_unasked, driven

LINK = LinkMobility()
CREDENTIALS = {"client_id": "not-a-real-client", "client_secret": "not-a-real-client-secret"}
CONFIG = load_config(LinkMobilityConfig, {"token": "not-a-real-callback-token", **CREDENTIALS})
MESSAGE = OutboundMessage(
    "+15550100123", "2012", "sms", "Hi é 👍", reference="order-48213", at_ms=NOW_MS
)
URL = "https://hooks.example/in/example"
BODY = b'{"eventId":"e1","status":{"messageId":"m1","type":"delivered","code":2000}}'


def verdict(callback: Callback) -> str:
    """Return what the adapter says of a callback."""
    return LINK.verify(callback, CONFIG, NOW_MS).verdict


def test_only_the_exact_header_counts() -> None:
    """T01: 1 valid and more than 20 mutations of the header, its place and its number."""
    genuine = signed(LINK, CONFIG, BODY)
    ((name, value),) = genuine.headers
    assert verdict(genuine) == "ok"
    assert verdict(with_headers(genuine, (name.lower(), value))) == "ok"
    other = load_config(LinkMobilityConfig, {"token": "not-a-real-callback-tokeN"})
    mutated = [
        "", " ", value[:-1], value + "x", value.upper(), value.title(), f" {value}", f"{value} ",
        f"{value}\n", f"{value}\x00", f"{value},{value}", f'"{value}"', f"Bearer {value}",
        value[::-1], value.replace("-", "_"), value.replace("e", "é"), "*", "null", value * 2,
        value.encode().hex(), other.token,
    ]  # fmt: skip
    for one in mutated:
        assert verdict(with_headers(genuine, (name, one))) == "failed", one
    for headers in ([], [(name, value)] * 2, [(name, value), (name, "x")], [("X-Other", value)]):
        assert verdict(with_headers(genuine, *headers)) == "failed"


def test_a_url_of_our_own_proves_itself_by_its_query() -> None:
    """Where a message named its callback URL there is no header, and the query has to be right."""
    proof = f"{URL}?callback_proof={CONFIG.token}"
    for url, expected in (
        (proof, "ok"),
        (f"{URL}?a=b&callback_proof={CONFIG.token}&c=d", "ok"),
        (f"{proof}x", "failed"),
        (f"{proof}&callback_proof={CONFIG.token}", "failed"),
        (f"{URL}?callback_proof=", "failed"),
        (f"{URL}?Callback_Proof={CONFIG.token}", "failed"),
        (f"{URL}#callback_proof={CONFIG.token}", "failed"),
    ):
        assert verdict(Callback("POST", url, (), BODY)) == expected, url
    hidden = LINK.conceal(
        Callback("POST", proof, (("X-Callback-Token", CONFIG.token),), BODY), CONFIG
    )
    assert CONFIG.token not in repr(hidden)


def test_a_text_is_sent_with_a_token() -> None:
    """The token is asked for with the client's credentials, and the request is LINK's."""
    api = FakeApi(LINK, CONFIG)
    message = msgspec.structs.replace(MESSAGE, validity_s=3600, callback_url=f"{URL}?m=1")
    result, (first, second) = driven(LINK.send(message, CONFIG), api)
    assert isinstance(first, TokenRequest)
    assert first.request.url.startswith("https://sso.linkmobility.com/auth/realms/CPaaS/")
    assert parse_qs(first.request.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["not-a-real-client"],
        "client_secret": ["not-a-real-client-secret"],
    }
    assert isinstance(second, HttpRequest)
    assert (second.method, second.url) == ("POST", "https://api.linkmobility.com/sms/v1/messages")
    assert dict(second.headers)["Authorization"].startswith("Bearer fake-")
    proof = f"{URL}?m=1&callback_proof={CONFIG.token}"
    assert json.loads(second.body) == [
        {
            "recipient": "+15550100123",
            "content": {
                "text": "Hi é 👍",
                "options": {"sms.sender": "2012", "sms.encoding": "AutoDetect"},
            },
            "referenceId": "order-48213",
            "expiration": {"relative": 3_600_000},
            "callback": {"mode": "URL", "urls": [proof], "ttl": 28_800_000},
        }
    ]
    (taken,) = api.taken
    assert result == SendResult("submitted", (taken.message_id,))
    assert (taken.to, taken.from_, taken.text) == (message.to, message.from_, message.text)
    assert (taken.reference, taken.validity_s, taken.callback_url) == ("order-48213", 3600, proof)


def test_a_token_that_is_not_taken_is_replaced_once() -> None:
    """After a 401 a new token is fetched and the request repeated; a second 401 is the end."""

    def never(asked: Asked) -> HttpResponse:
        if isinstance(asked, TokenRequest):
            return HttpResponse(200, (), b'{"access_token":"old","expires_in":300}')
        return HttpResponse(401, (), b'{"message":"Unauthorized"}')

    result, asked = driven(LINK.send(MESSAGE, CONFIG), never)
    assert [one.refused for one in asked if isinstance(one, TokenRequest)] == [False, True]
    assert len(asked) == 4
    assert result.error is not None
    assert (result.outcome, result.error.class_) == ("refused", "platform")


@pytest.mark.parametrize(
    ("status", "body", "outcome", "code", "retryable"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": "No"},
            "refused",
            "unauthorised",
            False,
        ),
        (400, {"error": "unauthorized_client"}, "refused", "unauthorised", False),
        (429, {}, "throttled", "rate", True),
        (503, {}, "refused", "no_token", True),
        (200, {"expires_in": 300}, "refused", "no_token", True),
    ],
)
def test_without_a_token_nothing_is_sent(
    status: int, body: object, outcome: str, code: str, retryable: bool
) -> None:
    """Whatever the sign-on answers, a message without a token has certainly not been taken."""
    answer = HttpResponse(status, (("Retry-After", "7"),), json.dumps(body).encode())
    result, asked = driven(LINK.send(MESSAGE, CONFIG), lambda _: answer)
    assert len(asked) == 1
    assert result.error is not None
    assert (outcome, code, retryable) == (
        result.outcome, result.error.code, result.error.retryable,
    )  # fmt: skip
    assert result.wait_s == (7.0 if status == 429 else None)


@pytest.mark.parametrize(
    ("how", "outcome", "class_", "provider_code"),
    [
        ({"outcome": "refused"}, "refused", "content", "http_400"),
        ({"outcome": "refused", "code": "400"}, "refused", "content", "http_400"),
        ({"outcome": "refused", "code": "401"}, "refused", "platform", "http_401"),
        ({"outcome": "refused", "code": "403"}, "refused", "platform", "http_403"),
        ({"outcome": "refused", "code": "invalid_client"}, "refused", "platform", "invalid_client"),
        ({"outcome": "throttled"}, "throttled", "throttled", "429"),
        ({"outcome": "broken"}, "uncertain", None, None),
    ],
)
def test_what_the_api_refuses_is_told_in_our_words(
    how: dict[str, str], outcome: str, class_: str | None, provider_code: str | None
) -> None:
    """Every shape of refusal that is played becomes an outcome and a class; 5xx is uncertain."""
    assert_told(LINK, CONFIG, MESSAGE, how, outcome, class_, provider_code)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"to": "Ada"}, "invalid_recipient"),
        ({"to": "12"}, "invalid_recipient"),
        ({"from_": "A name too long"}, "invalid_sender"),
        ({"from_": ""}, "invalid_sender"),
        ({"text": ""}, "text_length"),
        ({"text": "x" * 38_863}, "text_length"),
        ({"reference": "r" * 501}, "reference_length"),
        ({"content": {"kind": "media", "media": []}}, "unsupported_content"),
    ],
)
def test_what_link_could_only_refuse_makes_no_request(
    changed: dict[str, object], code: str
) -> None:
    """It is said before anything leaves; and so is that there are no credentials."""
    assert_unasked(LINK, CONFIG, msgspec.structs.replace(MESSAGE, **changed), code)
    bare = load_config(LinkMobilityConfig, {"token": "not-a-real-callback-token"})
    assert_unasked(LINK, bare, MESSAGE, "not_configured")


def test_a_batch_has_a_result_for_each() -> None:
    """1,000 texts are one request; one that cannot be sent costs only itself."""
    messages = tuple(
        msgspec.structs.replace(MESSAGE, to=f"+1555{n:07}", reference=f"r{n}") for n in range(999)
    )
    bad = msgspec.structs.replace(MESSAGE, to="Ada")
    api = FakeApi(LINK, CONFIG)
    results, asked = driven(LINK.send_batch((*messages[:5], bad, *messages[5:]), CONFIG), api)
    assert len(asked) == 2
    assert [result.outcome for result in results].count("submitted") == 999
    assert results[5].outcome == "refused"
    ids = [result.message_ids[0] for result in results if result.message_ids]
    assert ids == [one.message_id for one in api.taken]
    assert [one.reference for one in api.taken] == [f"r{n}" for n in range(999)]


@pytest.mark.parametrize(
    ("listed", "outcomes"),
    [
        ([("b", "r1", "+15550100002"), ("a", "r0", "+15550100001")], ["a", "b"]),
        ([("a", "r0", "+15550100001")], ["a", None]),
        ([("a", None, None), ("b", None, None)], ["a", "b"]),
        ([("a", "r0", "+15550100001"), ("b", "r0", "+15550100001")], [None, None]),
        ([], [None, None]),
    ],
)
def test_ids_are_matched_by_order_or_by_our_reference(
    listed: list[tuple[str, str | None, str | None]], outcomes: list[str | None]
) -> None:
    """An answer in another order is sorted out; what cannot be told is uncertain, not guessed."""
    messages = tuple(
        msgspec.structs.replace(MESSAGE, to=f"+1555010000{n + 1}", reference=f"r{n}")
        for n in range(2)
    )
    fields = ("messageId", "referenceId", "recipient")
    body = {"messages": [dict(zip(fields, one, strict=True)) for one in listed]}

    def answer(asked: Asked) -> HttpResponse:
        if isinstance(asked, TokenRequest):
            return HttpResponse(200, (), b'{"access_token":"t"}')
        return HttpResponse(202, (), json.dumps(body).encode())

    results, _ = driven(LINK.send_batch(messages, CONFIG), answer)
    assert outcomes == [result.message_ids[0] if result.message_ids else None for result in results]
    assert all(result.outcome == "uncertain" for result in results if not result.message_ids)


def test_the_played_api_finds_what_link_would_find() -> None:
    """Wrong bodies get the 400 that names the field; another's token a 401; other paths nothing."""
    how = Fake(seed="0" * 32, now_ms=0)
    good = {"recipient": "+15550100123", "content": {"text": "x", "options": {"sms.sender": "A"}}}
    token = dict(_bearer())
    for body, words in (
        ({}, "array"),
        ([], "array"),
        ([{**good, "recipient": "4791"}], "[0].recipient"),
        ([good, {**good, "content": {"text": ""}}], "[1].content.text"),
        ([{**good, "content": {"text": "x"}}], "sms.sender"),
        ([{**good, "callback": {"mode": "URL"}}], "callback.urls"),
        ([{**good, "referenceId": "r" * 501}], "referenceId"),
        ([good] * 1001, "1000"),
    ):
        request = HttpRequest(
            "POST", "https://h/sms/v1", tuple(token.items()), json.dumps(body).encode()
        )
        found = LINK.fake(request, CONFIG, how)
        assert found is not None
        assert found.response.status == 400
        assert words in json.loads(found.response.body)["message"]
    request = HttpRequest(
        "POST", "https://h/sms/v1/messages", (("Authorization", "Bearer x"),), b"[]"
    )
    found = LINK.fake(request, CONFIG, how)
    assert found is not None
    assert found.response.status == 401
    assert LINK.fake(HttpRequest("POST", "https://h/sms/v2/messages"), CONFIG, how) is None


def _bearer() -> list[tuple[str, str]]:
    _, (_, second) = driven(LINK.send(MESSAGE, CONFIG), FakeApi(LINK, CONFIG))
    assert isinstance(second, HttpRequest)
    return [header for header in second.headers if header[0] == "Authorization"]


@pytest.mark.parametrize(
    ("status", "code", "class_", "stage"),
    [
        ("failed", "3009", "throttled", "rejected"),
        ("failed", "4003", "recipient", "undeliverable"),
        ("failed", "4711", "unknown", "undeliverable"),
        ("unconfirmed", "4010", "network", "undeliverable"),
        ("failed", "4008", "recipient", "undeliverable"),
        ("failed", "spam", "recipient", "undeliverable"),
    ],
)
def test_a_failure_is_simulated_with_the_code_that_is_asked_for(
    status: str, code: str, class_: str, stage: str
) -> None:
    """A code of this status is LINK's own; one of another status changes nothing."""
    message = msgspec.structs.replace(MESSAGE, message_id="m1", error_code=code)
    request = LINK.simulate(message, status, CONFIG, URL)  # type: ignore[arg-type]
    (item,) = LINK.parse(arrived(request), CONFIG).items
    assert isinstance(item, Report)
    assert item.error is not None
    assert (status, class_, stage) == (item.status, item.error.class_, item.error.stage)


def test_a_file_is_simulated_and_proved_by_the_url_that_was_named() -> None:
    """Media arrives with its address; a URL that has the proof in it gets no header."""
    content = {"kind": "media", "media": [{"url": "https://f.example/1", "content_type": "a/b"}]}
    message = msgspec.structs.replace(MESSAGE, channel="whatsapp", content=content)
    request = LINK.simulate(message, "received", CONFIG, f"{URL}?callback_proof=")
    assert [name for name, _ in request.headers] == ["Content-Type"]
    assert parse_qs(urlsplit(request.url).query) == {"callback_proof": [CONFIG.token]}
    assert verdict(arrived(request)) == "ok"
    (item,) = LINK.parse(arrived(request), CONFIG).items
    assert isinstance(item, Inbound)
    assert item.content["media"] == [
        {"url": "https://f.example/1", "content_type": "a/b", "caption": "Hi é 👍"}
    ]


def test_a_message_that_is_tried_again_is_told_once_and_has_not_left() -> None:
    """`retried` is no step: with whatever event ids and times it comes, it is one fact."""
    told = set()
    for number, code in ((1, 5000), (2, 5000), (3, "5000"), (4, None), (5, 7777)):
        body = {
            "eventId": f"e{number}",
            "timeStamp": f"2026-03-02T09:15:0{number}Z",
            "status": {"messageId": "m1", "type": "retried", "code": code},
        }
        (item,) = LINK.parse(signed(LINK, CONFIG, json.dumps(body).encode()), CONFIG).items
        assert isinstance(item, Report)
        told.add((item.status, item.key, item.occurred_at))
    assert told == {("submitted", "m1:retried", None)}
