"""Read receipts of WhatsApp's: what is asked, what becomes of it, and the fake's part."""

import json
from typing import Any

import msgspec
import pytest

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers.base import SendResult

from .driving import driven
from .whatsapp_stage import TEXT, WHATSAPP, asked, config, how, library, played


def marked(message_id: str, answer: HttpResponse | None = None, **more: Any) -> Any:
    """Mark a message as read at the fake, or get another answer: the result, and what was asked."""
    typing = more.pop("typing", False)
    adapter: Any = WHATSAPP
    flow = adapter.mark_read(message_id, config(**more), typing=typing)

    def played_by(request: object) -> HttpResponse:
        assert isinstance(request, HttpRequest)
        return answer or played(request, how()).response

    return driven(flow, played_by)


def test_a_message_of_a_person_is_marked_as_read() -> None:
    """By its own id, with the sign of typing if it is asked for; it is no message of ours."""
    for typing in (False, True):
        result, (request,) = marked("wamid.theirs", typing=typing)
        assert asked(TEXT).url == request.url
        shown = {"typing_indicator": {"type": "text"}} if typing else {}
        assert {
            "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.theirs",
            **shown,
        } == json.loads(request.body)  # fmt: skip
        assert SendResult("submitted") == result
        assert () == played(request, how()).messages


@pytest.mark.parametrize(
    ("message_id", "more", "class_", "code"),
    [
        ("", {}, "content", "message_id"),
        ("w" * 257, {}, "content", "message_id"),
        ("wamid.x", {"access_token": None}, "platform", "not_configured"),
        ("wamid.x", {"phone_number_id": None}, "platform", "not_configured"),
    ],
)
def test_a_receipt_that_cannot_be_given_makes_no_request(
    message_id: str, more: dict[str, Any], class_: str, code: str
) -> None:
    """Without an id, or without credentials."""
    result, requests = marked(message_id, **more)
    assert ([], "refused", class_, code) == (
        requests, result.outcome, result.error.class_, result.error.code,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"success":false}', "uncertain"),
        (200, b"<html>", "uncertain"),
        (400, b'{"error":{"code":131009,"message":"(#131009) no such message"}}', "refused"),
        (400, b'{"error":{"code":131056,"message":"slow"}}', "throttled"),
        (503, b"", "uncertain"),
    ],
)
def test_what_becomes_of_a_receipt(status: int, body: bytes, outcome: str) -> None:
    """The answers are those of a send, but for the success."""
    assert outcome == marked("wamid.x", HttpResponse(status, (), body))[0].outcome


def test_receipts_of_another_library_are_understood() -> None:
    """Its marks and its typing, by pywa; Meta wants an id, and one kind of typing alone."""
    client = library(how())
    assert client.mark_message_as_read("wamid.theirs")
    assert client.indicate_typing("wamid.theirs")
    good = marked("wamid.theirs", typing=True)[1][0]
    for changed in ({"message_id": ""}, {"typing_indicator": {"type": "voice"}},
                    {"typing_indicator": None}):  # fmt: skip
        body = json.dumps({**json.loads(good.body), **changed}).encode()
        assert 400 == played(msgspec.structs.replace(good, body=body), how()).response.status
