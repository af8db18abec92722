"""The simulator's send API: what is sent to it, what it answers, and the codes that it fails with.

    POST /messages  {"from", "to", "channel", "text", "reference", "media"}
    200 {"id": "sim_…"}      400 {"error": code}      429 {"error": "too_fast"}      500

Nobody serves it but the fakes at `/fake/{token}`.
"""

from typing import Literal

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers import reading
from ringback.providers.base import (
    ErrorRule,
    Fake,
    Faked,
    OutboundMessage,
    SendFlow,
    SendResult,
)
from ringback.providers.error_table import ErrorTable

# A reserved name that no resolver answers: sends are driven at a fake.
SEND_URL = "https://simulator.invalid/messages"
RETRY_AFTER_S = 2

# One code for each class, so that every way to fail can be tried. Columns: class, code,
# retryable, stage.
ERRORS: dict[str, ErrorRule] = {
    "unreachable": ErrorRule("recipient", "undeliverable", False, "undeliverable"),
    "bad_sender": ErrorRule("sender", "invalid_sender", False, "rejected"),
    "spam": ErrorRule("content", "spam", False, "rejected"),
    "forbidden": ErrorRule("policy", "forbidden", False, "rejected"),
    "opted_out": ErrorRule("consent", "opted_out", False, "rejected", opt_out=True),
    "no_credit": ErrorRule("credit", "payment", False, "rejected"),
    "too_fast": ErrorRule("throttled", "rate", True, "rejected"),
    "carrier_down": ErrorRule("network", "carrier_failure", True, "undeliverable"),
    "outage": ErrorRule("platform", "provider_error", True, "undeliverable"),
}
ERROR_TABLE = ErrorTable(ERRORS)

# It refuses with each of them but the one that says to come again.
REFUSALS = tuple(code for code in ERRORS if code != "too_fast")
_JSON = (("Content-Type", "application/json"),)


class _Answer(msgspec.Struct):
    id: str = ""
    error: str = ""


class _Asked(msgspec.Struct, rename={"from_": "from"}):
    to: str = ""
    from_: str = ""
    channel: str = "sms"
    text: str = ""
    reference: str | None = None
    media: list[dict[str, object]] = []


_ANSWER = reading.Shape(_Answer)
_ASKED = reading.Shape(_Asked)


def send(message: OutboundMessage) -> SendFlow:
    """Describe a send; its answer is `{"id": …}` or `{"error": code}`."""
    body: dict[str, object] = {
        "from": message.from_,
        "to": message.to,
        "channel": message.channel,
        "text": message.text,
        "reference": message.reference,
    }
    if message.content.get("media"):
        body["media"] = message.content["media"]
    response = yield HttpRequest("POST", SEND_URL, _JSON, msgspec.json.encode(body))
    answer = reading.answer(response.body, _ANSWER) or _Answer()
    named = reading.text(answer.id)
    if 200 <= response.status < 300 and named is not None:
        return SendResult("submitted", (named,))
    if answer.error:
        rule, failure = ERROR_TABLE.failure(answer.error, None)
        outcome: Literal["throttled", "refused"] = (
            "throttled" if rule.class_ == "throttled" else "refused"
        )
        return SendResult(outcome, error=msgspec.structs.replace(failure, stage="rejected"))
    return reading.result_of_status(response.status)


def fake(request: HttpRequest, how: Fake) -> Faked | None:
    """Answer a send as `how` says; None for what is no send."""
    path = request.url.partition("://")[2].partition("?")[0].partition("/")[2]
    if (request.method, path) != ("POST", "messages"):
        return None
    if how.outcome == "broken":
        return Faked(HttpResponse(500, _JSON, b"{}"))
    if how.outcome == "throttled":
        headers = (*_JSON, ("Retry-After", str(RETRY_AFTER_S)))
        return Faked(HttpResponse(429, headers, msgspec.json.encode({"error": "too_fast"})))
    if how.outcome == "refused":
        answer = msgspec.json.encode({"error": how.code or REFUSALS[0]})
        return Faked(HttpResponse(400, _JSON, answer))
    asked = reading.answer(request.body, _ASKED) or _Asked()
    if not asked.to:
        return Faked(HttpResponse(400, _JSON, msgspec.json.encode({"error": "unreachable"})))
    id_ = f"sim_{how.seed}"
    taken = OutboundMessage(
        to=asked.to, from_=asked.from_, channel=asked.channel, text=asked.text, message_id=id_,
        reference=asked.reference, at_ms=how.now_ms,
    )  # fmt: skip
    return Faked(HttpResponse(200, _JSON, msgspec.json.encode({"id": id_})), (taken,))
