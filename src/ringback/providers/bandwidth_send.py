"""Sending with Bandwidth: texts, MMS and RBM, and what its answers mean.

SMS and MMS go through `messages`, RBM through `messages/multiChannel`
(https://dev.bandwidth.com/docs/messaging/createMessage). Credentials are those of the API, which
are not those of the callbacks.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import ErrorClass, Failure
from ringback.providers import bandwidth_access as access
from ringback.providers import reading
from ringback.providers.bandwidth_config import BandwidthConfig
from ringback.providers.base import (
    CheckFlow,
    ErrorRule,
    OutboundMessage,
    SendFlow,
    SendResult,
    with_headers,
)

HOST = "https://messaging.bandwidth.com"
API_URL = f"{HOST}/api/v2/users"
TEXT_MAX = 2048
RBM_TEXT_MAX = 3270
TAG_MAX = 1024
MEDIA_MAX = 10
MEDIA_URL_MAX = 4096
RBM_URL_MAX = 1000
LABEL_MAX = 25
SUGGESTIONS_MAX, CARD_SUGGESTIONS_MAX = 11, 4
CARDS_MIN, CARDS_MAX = 2, 10

# Which field of a refused request names whose fault it was.
FIELDS: dict[str, tuple[ErrorClass, str]] = {
    "to": ("recipient", "invalid_recipient"),
    "from": ("sender", "invalid_sender"),
    "text": ("content", "bad_text"),
    "media": ("content", "bad_media"),
    "tag": ("content", "bad_tag"),
    "expiration": ("content", "bad_expiration"),
    "applicationid": ("platform", "bad_application"),
}
# What an answer's own `type` means, whatever HTTP status it comes with.
REFUSED: dict[str, ErrorRule] = {
    "request-validation": ErrorRule("content", "bad_request", stage="rejected"),
    "unauthorized": ErrorRule("platform", "unauthorised", stage="rejected"),
    "forbidden": ErrorRule("platform", "unauthorised", stage="rejected"),
    "unsupported-content-type": ErrorRule("platform", "bad_request", stage="rejected"),
    "max-message-queue-size-exceeded": ErrorRule("throttled", "rate", True, "rejected"),
}
# What a suggestion of ours is called there, and which of its fields go along under which name.
_SUGGESTED: dict[str, tuple[str, dict[str, str]]] = {
    "reply": ("REPLY", {}),
    "dial": ("DIAL_PHONE", {"phone_number": "phoneNumber"}),
    "url": ("OPEN_URL", {"url": "url"}),
    "location": (
        "SHOW_LOCATION",
        {"latitude": "latitude", "longitude": "longitude", "label": "label"},
    ),
    "location_request": ("REQUEST_LOCATION", {}),
    "calendar": (
        "CREATE_CALENDAR_EVENT",
        {"title": "title", "start": "startTime", "end": "endTime", "description": "description"},
    ),
}


class _Refused(Exception):
    """Something that Bandwidth would have to refuse: the result to end with."""

    def __init__(self, class_: ErrorClass, code: str) -> None:
        super().__init__(code)
        self.result = SendResult("refused", error=Failure(class_, code, stage="rejected"))


class _FieldError(msgspec.Struct, rename="camel"):
    field_name: str = ""
    description: str = ""


class _Source(msgspec.Struct):
    field: str | None = None


class _Error(msgspec.Struct):
    type: str | None = None
    description: str | None = None
    source: _Source | None = None


class _Data(msgspec.Struct):
    id: str = ""


class _Answer(msgspec.Struct, rename="camel"):
    id: str = ""
    type: str | None = None
    description: str | None = None
    field_errors: list[_FieldError] = []
    # The two of `multiChannel`, which wraps what it says.
    data: _Data | None = None
    errors: list[_Error] = []


_ANSWER = reading.Shape(_Answer)


def flow(message: OutboundMessage, config: BandwidthConfig) -> SendFlow:
    """Send a message to one recipient: one request, and what it takes to have an access token."""
    try:
        request = _request(message, config)
    except _Refused as refused:
        return refused.result
    for again in (False, True):
        proof = yield from access.authorization(config, refused=again)
        if isinstance(proof, HttpResponse):
            # Nothing was sent yet: it may be tried again when tokens are to be had.
            late = proof.status == 429 or proof.status >= 500
            code = "unauthorised" if proof.status in (400, 401, 403) else "no_token"
            return SendResult("refused", error=Failure("platform", code, late, stage="rejected"))
        response = yield with_headers(request, (("Authorization", proof),))
        if response.status != 401 or not access.renewable(config):
            break
    return result(response, message.to)


def check(config: BandwidthConfig) -> CheckFlow:
    """Ask which files of ours are there.

    https://dev.bandwidth.com/docs/messaging/media
    """
    allowed = yield from access.authorization(config)
    if isinstance(allowed, HttpResponse):
        return reading.checked(HttpResponse(401), "Bandwidth")
    response = yield HttpRequest(
        "GET", f"{API_URL}/{config.account_id}/media", (("Authorization", allowed),)
    )
    return reading.checked(response, "Bandwidth")


def iso(at_ms: int) -> str:
    """Write a time in milliseconds since 1970 as Bandwidth does."""
    seconds, milliseconds = divmod(at_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"


def _request(message: OutboundMessage, config: BandwidthConfig) -> HttpRequest:
    if not (config.account_id and config.application_id):
        raise _Refused("platform", "not_configured")
    if not access.configured(config):
        raise _Refused("platform", "not_configured")
    if len(message.reference or "") > TAG_MAX:
        raise _Refused("content", "reference_length")
    rich = message.channel == "rcs"
    address = {"from": message.from_, "applicationId": config.application_id}
    body: dict[str, object]
    if rich:
        channel = {**address, "channel": "RBM", "content": _rbm(message)}
        body = {"to": message.to, "channelList": [channel]}
    else:
        body = {**address, "to": [message.to], **_plain(message)}
    if message.reference:
        body["tag"] = message.reference
    if config.priority != "default":
        body["priority"] = config.priority
    if message.validity_s is not None:
        if not message.at_ms:
            # Bandwidth wants the moment, and an adapter knows no clock.
            raise _Refused("platform", "no_time")
        body["expiration"] = iso(message.at_ms + message.validity_s * 1000)
    return HttpRequest(
        "POST",
        f"{API_URL}/{config.account_id}/messages{'/multiChannel' if rich else ''}",
        (("Content-Type", "application/json; charset=utf-8"),),
        msgspec.json.encode(body),
    )


def _plain(message: OutboundMessage) -> dict[str, object]:
    """Make what an SMS or an MMS holds: its text, its files or both."""
    kind = message.content.get("kind", "text")
    if kind not in ("text", "media"):
        raise _Refused("content", "unsupported_kind")
    files = _urls(message.content, MEDIA_URL_MAX)
    if (kind == "media") != bool(files) or len(files) > MEDIA_MAX:
        raise _Refused("content", "bad_media")
    if len(message.text) > TEXT_MAX or not (message.text or files):
        raise _Refused("content", "text_length")
    text = {"text": message.text} if message.text else {}
    return {**text, **({"media": files} if files else {})}


def _rbm(message: OutboundMessage) -> dict[str, object]:
    """Make what an RBM message holds: a text, files, a card or several."""
    content = message.content
    kind = content.get("kind", "text")
    found: dict[str, object]
    if kind == "text":
        if not 0 < len(message.text) <= RBM_TEXT_MAX:
            raise _Refused("content", "text_length")
        found = {"text": message.text}
    elif kind == "media":
        files = _rbm_files(content)
        if not 0 < len(files) <= MEDIA_MAX:
            raise _Refused("content", "bad_media")
        if message.text and len(files) > 1:
            # RBM has no text beside files, and a card has one file: it would be lost.
            raise _Refused("content", "text_beside_media")
        found = _standalone(message) if message.text else {"media": files}
    elif kind == "card":
        found = _standalone(message)
    elif kind == "carousel":
        cards = [_card(reading.mapping(card)) for card in reading.sequence(content.get("cards"))]
        if not CARDS_MIN <= len(cards) <= CARDS_MAX:
            raise _Refused("content", "cards_count")
        found = {"cardWidth": "MEDIUM", "cardContents": cards}
    else:
        raise _Refused("content", "unsupported_kind")
    suggestions = [] if "cardContent" in found else _suggestions(content, SUGGESTIONS_MAX)
    return {**found, "suggestions": suggestions} if suggestions else found


def _standalone(message: OutboundMessage) -> dict[str, object]:
    card = _card({**message.content, "text": message.text})
    return {"orientation": "VERTICAL", "cardContent": card}


def _card(card: Mapping[str, object]) -> dict[str, object]:
    title, text = reading.text(card.get("title"), 200), reading.text(card.get("text"), 2000)
    made: dict[str, object] = {}
    if title:
        made["title"] = title
    if text:
        made["description"] = text
    files = _rbm_files(card)
    if files:
        made["media"] = {**files[0], "height": "MEDIUM"}
    if not made:
        raise _Refused("content", "empty_card")
    suggestions = _suggestions(card, CARD_SUGGESTIONS_MAX)
    return {**made, "suggestions": suggestions} if suggestions else made


def _suggestions(content: Mapping[str, object], limit: int) -> list[dict[str, object]]:
    """Translate suggestions: `{kind, text, payload?}` and what the kind carries."""
    made = []
    for one in map(reading.mapping, reading.sequence(content.get("suggestions"))):
        kind, label = one.get("kind", "reply"), reading.text(one.get("text"), LABEL_MAX)
        if kind not in _SUGGESTED or label is None:
            raise _Refused("content", "bad_suggestion")
        named, fields = _SUGGESTED[str(kind)]
        payload = reading.text(one.get("payload"), 1024) or label
        suggestion: dict[str, object] = {
            "type": named,
            "text": label,
            "postbackData": base64.b64encode(payload.encode()).decode(),
        }
        for ours, theirs in fields.items():
            value = one.get(ours)
            if value is not None:
                suggestion[theirs] = str(value)
        made.append(suggestion)
    if len(made) > limit:
        raise _Refused("content", "bad_suggestion")
    return made


def _rbm_files(content: Mapping[str, object]) -> list[dict[str, object]]:
    urls = _urls(content, RBM_URL_MAX)
    entries = map(reading.mapping, reading.sequence(content.get("media")))
    return [
        {
            "fileUrl": url,
            **({"thumbnailUrl": entry["thumbnail_url"]} if entry.get("thumbnail_url") else {}),
        }
        for url, entry in zip(urls, entries, strict=True)
    ]


def _urls(content: Mapping[str, object], limit: int) -> list[str]:
    found = []
    for entry in map(reading.mapping, reading.sequence(content.get("media"))):
        url = reading.text(entry.get("url"), limit)
        if url is None or not url.startswith(("https://", "http://")):
            raise _Refused("content", "bad_media")
        found.append(url)
    return found


def result(response: HttpResponse, to: str) -> SendResult:
    """Read Bandwidth's answer to a send, of either kind."""
    answer = reading.answer(response.body, _ANSWER) or _Answer()
    named = reading.text(answer.id) or (reading.text(answer.data.id) if answer.data else None)
    if 200 <= response.status < 300 and named is not None:
        return SendResult("submitted", (named,), recipient=to)
    judged = reading.result_of_status(response.status)
    error = judged.error
    if error is None:
        return judged
    first = answer.errors[0] if answer.errors else _Error()
    word = reading.text(answer.type or first.type, 64)
    rule = REFUSED.get(word or "") if response.status != 429 else None
    class_, code = (rule.class_, rule.code) if rule else (error.class_, error.code)
    retryable = rule.retryable if rule else error.retryable
    description = reading.clipped(answer.description or first.description, 500)
    field = first.source.field if first.source else None
    if answer.field_errors:
        field = answer.field_errors[0].field_name
        description = reading.clipped(answer.field_errors[0].description, 500) or description
    if field and class_ != "throttled":
        last = field.rpartition(".")[2].partition("[")[0].lower()
        class_, code = FIELDS.get(last, ("content", "bad_request"))
    failure = Failure(class_, code, retryable, word or error.provider_code, description, "rejected")
    throttled = class_ == "throttled"
    return SendResult(
        "throttled" if throttled else "refused",
        error=failure,
        wait_s=reading.wait_s(response.headers) if throttled else None,
    )
