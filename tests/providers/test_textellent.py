"""Textellent: sending and its fake, subscriptions, and callbacks by its mapping or another."""

import json
from typing import Any

import msgspec
import pytest

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import Failure
from ringback.providers.base import (
    CannotSimulateError,
    Consent,
    Fake,
    OutboundMessage,
    SendResult,
    Unrecognised,
)
from ringback.providers.config import ConfigError, load_config
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.providers.textellent_config import TextellentConfig

from .cases import CASES, arrived, config_of, raw_config
from .driving import driven

TEXTELLENT = PROVIDERS["textellent"]
MESSAGE = OutboundMessage("+15550100123", "+15550100900", "sms", "Hello", at_ms=NOW_MS)
URL = "https://hooks.example/in/example"
API = "https://client.textellent.com/api/v1"


def config(**changes: Any) -> TextellentConfig:
    """Make a config."""
    return load_config(TextellentConfig, {**raw_config(TEXTELLENT), **changes})


def sent(
    answer: HttpResponse, message: OutboundMessage = MESSAGE, **changes: Any
) -> tuple[SendResult, list[Any]]:
    """Send a message, and return the result and what was asked."""
    return driven(TEXTELLENT.send(message, config(**changes)), lambda _: answer)


def test_what_is_sent_is_as_the_api_has_it() -> None:
    """One JSON object with the account's code in a header, files by their addresses."""
    media: dict[str, object] = {"kind": "media", "media": [{"url": "https://files.example/a.jpg"}]}
    message = msgspec.structs.replace(MESSAGE, content=media)
    answer = HttpResponse(200, (), b'{"statusCode":200,"messageId":481001}')
    more = {"partner_client_code": "franchise-7", "ignore_quiet_hours": True}
    result, (request,) = sent(answer, message, **more)
    assert SendResult("submitted", ("481001",)) == result
    assert f"{API}/messages.json" == request.url
    assert {
        "Content-Type": "application/json", "authCode": "not-a-real-auth-code",
        "partnerClientCode": "franchise-7",
    } == dict(request.headers)  # fmt: skip
    assert {
        "text": "Hello", "from": "+15550100900", "to": "+15550100123", "ignoreQuietHours": True,
        "mediaFileURLs": ["https://files.example/a.jpg"],
    } == json.loads(request.body)  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"status":"success","data":{"id":"m-1"}}', SendResult("submitted", ("m-1",))),
        (200, b'{"statusCode":200,"message":"Success"}', SendResult("uncertain")),
        (200, b"<html>", SendResult("uncertain")),
        (502, b"", SendResult("uncertain")),
        (200, b'{"statusCode":401}', SendResult("refused", error=Failure(
            "platform", "unauthorised", False, "http_401", stage="rejected"))),
        (429, b"", SendResult("throttled", error=Failure(
            "throttled", "rate", True, "http_429", stage="rejected"))),
    ],
)  # fmt: skip
def test_answers_are_read(status: int, body: bytes, expected: SendResult) -> None:
    """Bare or wrapped; what has no id may have been taken."""
    assert expected == sent(HttpResponse(status, (), body))[0]


@pytest.mark.parametrize(
    ("changes", "message", "code"),
    [
        ({"auth_code": None}, MESSAGE, "not_configured"),
        ({}, msgspec.structs.replace(MESSAGE, text=""), "text_length"),
        ({}, msgspec.structs.replace(MESSAGE, content={"kind": "media"}), "unsupported_content"),
        ({}, msgspec.structs.replace(MESSAGE, content={"kind": "template"}), "unsupported_content"),
        ({}, msgspec.structs.replace(MESSAGE, validity_s=600), "validity_not_possible"),
    ],
)
def test_what_cannot_be_sent_is_not_asked_for(
    changes: dict[str, Any], message: OutboundMessage, code: str
) -> None:
    """It is refused here, without a request."""
    result, asked = sent(HttpResponse(200), message, **changes)
    assert ([], "refused") == (asked, result.outcome)
    assert result.error is not None
    assert code == result.error.code


def test_subscriptions_can_be_tried() -> None:
    """What the setup tells people to post is understood by the fake, with the right code alone."""
    asked = HttpRequest(
        "POST", f"{API}/event/subscribe.json", (("authCode", "not-a-real-auth-code"),),
        b'{"event":"INCOMING_MESSAGE","target_url":"https://hooks.example/in/x"}',
    )  # fmt: skip
    assert f"{API}/event/subscribe.json" in TEXTELLENT.setup
    how = Fake("0" * 32, NOW_MS)
    others = [
        msgspec.structs.replace(asked, method="GET", url=f"{API}/event/subscriptions.json"),
        msgspec.structs.replace(asked, method="DELETE", url=f"{API}/event/unsubscribe/77.json"),
    ]
    for one in (asked, *others):
        for headers, status in ((asked.headers, 200), ((), 401), ((("authcode", "x"),), 401)):
            request = msgspec.structs.replace(one, headers=headers)
            found = TEXTELLENT.fake(request, config_of(TEXTELLENT), how)
            assert found is not None
            assert (status, ()) == (found.response.status, found.messages)


def test_opt_outs_are_wishes() -> None:
    """Added to the do-not-text list, or taken off it: whom, and by which word."""
    found = {
        case.name: item
        for case in CASES
        if case.provider is TEXTELLENT and case.name.startswith("opt-")
        for item in case.provider.parse(case.callback, case.config).items
    }
    assert all(isinstance(item, Consent) for item in found.values())
    assert {"opt-out": "opted_out", "opt-in": "opted_in", "opt-out-query": "opted_out"} == {
        name: item.word for name, item in found.items() if isinstance(item, Consent)
    }


def test_another_mapping_takes_the_place_of_the_preset() -> None:
    """Also for what is simulated; a mapping that has no word for a status says so."""
    fields = {"message_id": "/ref/id", "status": "/st", "to": "/to", "occurred_at": "/at"}
    when = [{"place": "/kind", "in": ["dlr"]}]
    rule = {"item": "report", "when": when, "statuses": {"OK": "delivered"}, "fields": fields}
    own = config(mapping={"rules": [rule], "items": "/events/*/list", "times": {
        "formats": ["%d/%b/%Y %H:%M:%S"], "zone": "Africa/Johannesburg"}})  # fmt: skip
    message = msgspec.structs.replace(MESSAGE, message_id="m-1")
    request = TEXTELLENT.simulate(message, "delivered", own, URL)
    piece: dict[str, Any] = {"kind": "dlr", "ref": {"id": "m-1"}, "st": "OK", "to": "+15550100123"}
    piece["at"] = "02/Mar/2026 11:16:40"
    assert {"events": [{"list": piece}]} == json.loads(request.body)
    assert "ok" == TEXTELLENT.verify(arrived(request), own, NOW_MS).verdict
    with pytest.raises(CannotSimulateError, match="says failed"):
        TEXTELLENT.simulate(message, "failed", own, URL)


def test_a_preset_that_there_is_not_is_refused() -> None:
    """With the names of those that there are."""
    with pytest.raises(ConfigError, match="must be one of: jasmin, kannel"):
        config(preset="nothing")


def test_events_without_a_rule_are_told_apart_by_their_names() -> None:
    """The name is in the query: two events with one body are two, and each says which it is."""
    found = [
        item
        for case in CASES
        for event in ("newContactDetails", "phoneNumberAddedToWrongNumber")
        if case.provider is TEXTELLENT and f"event={event}" in case.callback.url
        for item in TEXTELLENT.parse(case.callback, case.config).items
    ]
    kinds = {item.kind for item in found if isinstance(item, Unrecognised)}
    assert {"textellent.newContactDetails", "textellent.phoneNumberAddedToWrongNumber"} == kinds
    assert 2 == len({item.key for item in found})
