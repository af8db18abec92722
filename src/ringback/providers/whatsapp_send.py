"""WhatsApp's send API: what is posted for each kind of content, what an answer means, and files.

https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api
"""

import re
from urllib.parse import urlsplit, urlunsplit

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import ErrorClass, Failure
from ringback.providers import reading
from ringback.providers.base import (
    CheckFlow,
    MediaFlow,
    MediaRefused,
    OutboundMessage,
    SendFlow,
    SendResult,
)
from ringback.providers.whatsapp_config import (
    WhatsAppConfig,
    credentials,
    object_at,
    sends_to,
)
from ringback.providers.whatsapp_content import FILES
from ringback.providers.whatsapp_tables import ERROR_TABLE, UNEXPECTED, WAITS_S

TEXT_MAX = 4096
CAPTION_MAX = 1024
BUTTONS_MAX = 3
BUTTON_TITLE_MAX = 20
ROWS_MAX = 10
ROW_TITLE_MAX = 24
REFERENCE_MAX = 512
WAIT_MAX_S = 3600.0
MESSAGE_ID_MAX = 256
VALIDITY_MIN_S = 30
# For how long WhatsApp may try what is sent directly, without a template, by its category. Nothing
# else has a lifetime of its own: Meta refuses one, and a template has its own where it is made.
# https://developers.facebook.com/documentation/business-messaging/whatsapp/direct-send/configure-message-ttl
VALIDITY_MAX_S = {"utility": 43_200, "authentication": 900}

KINDS = ("text", "media", "template", "interactive", "location", "contacts", "reaction")
NUMBER = re.compile(r"\+?[0-9]{7,15}")
USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,126}")
_FILE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CAPTIONED = frozenset(("image", "video", "document"))
_DIRECT = frozenset(("text", "interactive"))
# What has no place for words: they would be lost.
_WORDLESS = frozenset(("location", "contacts", "reaction"))
_BY_EXTENSION = {
    "jpg": "image", "jpeg": "image", "png": "image", "webp": "sticker", "mp4": "video",
    "3gp": "video", "aac": "audio", "amr": "audio", "mp3": "audio", "m4a": "audio", "ogg": "audio",
}  # fmt: skip

Body = dict[str, object]

_HOSTS = (".graph.facebook.com", ".fbsbx.com", ".fbcdn.net", ".whatsapp.net")


class RefusedError(Exception):
    """A message that WhatsApp would not take, or that would lose something on the way."""

    def __init__(self, code: str, class_: ErrorClass = "content") -> None:
        super().__init__(code)
        self.failure = Failure(class_, code, stage="rejected")


def send(message: OutboundMessage, config: WhatsAppConfig) -> SendFlow:
    """Send a message of any kind; one request."""
    url = sends_to(config)
    if url is None or not config.access_token:
        refused = Failure("platform", "not_configured", stage="rejected")
        return SendResult("refused", error=refused)
    try:
        body = body_of(message)
    except RefusedError as error:
        return SendResult("refused", error=error.failure)
    headers = (*credentials(config), ("Content-Type", "application/json"))
    response = yield HttpRequest("POST", url, headers, msgspec.json.encode(body))
    return result_of(response)


def media(found: dict[str, object], config: WhatsAppConfig) -> MediaFlow:
    """Fetch a file: its address is asked for by its id, and is good for five minutes.

    The token goes along only to Meta's hosts, or to those of the partner that is configured.
    https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
    """
    if not config.access_token:
        return MediaRefused("the connection has no access token")
    named, url = found.get("id"), found.get("url")
    if isinstance(named, str) and _FILE_ID.fullmatch(named):
        headers = credentials(config)
        response = yield HttpRequest("GET", object_at(config, named), headers)
        told = reading.answer(response.body, _LOOKED_UP)
        if not 200 <= response.status < 300 or told is None or not told.url:
            return MediaRefused(
                f"its address could not be had: HTTP {response.status}",
                retryable=response.status >= 500 or response.status == 429 or _throttled(response),
            )
        url = told.url
    else:
        yield from ()
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        return MediaRefused("it has neither an id nor a URL")
    through = _through(url, config)
    if url.startswith("http://") or not (config.base_url or _metas(url)):
        return HttpRequest("GET", url)
    return HttpRequest("GET", through, credentials(config))


def _metas(url: str) -> bool:
    """Say whether a URL is at Meta: the token is shown to nobody else, whatever a callback says."""
    try:
        parts = urlsplit(url)
        host, usual = (parts.hostname or "").lower(), parts.port in (None, 443)
    except ValueError:
        return False
    return usual and f".{host}".endswith(_HOSTS)


def check(config: WhatsAppConfig, phone_number_id: str) -> CheckFlow:
    """Ask for the number that messages are sent from.

    https://developers.facebook.com/docs/whatsapp/business-management-api/phone-numbers
    """
    response = yield HttpRequest("GET", object_at(config, phone_number_id), credentials(config))
    return reading.checked(response, "Meta")


def _through(url: str, config: WhatsAppConfig) -> str:
    """Return a file's URL; a partner has Meta's files under its own host.

    https://docs.360dialog.com/docs/waba-messaging/media/upload-retrieve-or-delete-media
    """
    if not config.base_url:
        return url
    parts, base = urlsplit(url), urlsplit(config.base_url)
    path = base.path.rstrip("/") + parts.path
    return urlunsplit((base.scheme, base.netloc, path, parts.query, ""))


def body_of(message: OutboundMessage) -> Body:
    """Make the JSON of a message. Raises RefusedError for what WhatsApp would not take."""
    if not (NUMBER.fullmatch(message.to) or USER_ID.fullmatch(message.to)):
        raise RefusedError("invalid_recipient", "recipient")
    content = message.content
    kind = content.get("kind") or "text"
    make = _MAKERS.get(kind) if isinstance(kind, str) else None
    if make is None:
        raise RefusedError("unsupported_type")
    if message.text and kind in _WORDLESS:
        raise RefusedError("text_not_possible")
    type_, own = make(message)
    body: Body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        # In `to` a user id would be taken and silently dropped.
        "to" if NUMBER.fullmatch(message.to) else "recipient": message.to.lstrip("+"),
        "type": type_,
        type_: own,
    }
    body |= _direct(message, type_)
    answers = content.get("reply_to")
    if isinstance(answers, str) and 0 < len(answers) <= MESSAGE_ID_MAX:
        body["context"] = {"message_id": answers}
    if message.reference:
        if len(message.reference) > REFERENCE_MAX:
            raise RefusedError("reference_length")
        body["biz_opaque_callback_data"] = message.reference
    return body


def _direct(message: OutboundMessage, type_: str) -> Body:
    """Make the fields of a message that is sent without a template though nobody has written.

    Its `category` is for accounts that Meta has opened for it, and it alone may expire.
    """
    category = message.content.get("category")
    most = VALIDITY_MAX_S.get(category) if isinstance(category, str) else None
    if category is not None and (most is None or type_ not in _DIRECT):
        raise RefusedError("category")
    if message.validity_s is None:
        return {} if category is None else {"category": category}
    if most is None:
        raise RefusedError("validity_not_possible")
    lives = min(max(message.validity_s, VALIDITY_MIN_S), most)
    return {"category": category, "ttl_seconds": lives}


def _text(message: OutboundMessage) -> tuple[str, object]:
    if not 0 < len(message.text) <= TEXT_MAX:
        raise RefusedError("text_length")
    preview = message.content.get("preview_url") is True
    return "text", {"body": message.text, "preview_url": preview}


def _media(message: OutboundMessage) -> tuple[str, object]:
    files = message.content.get("media")
    if not isinstance(files, list) or len(files) != 1 or not isinstance(files[0], dict):
        # One message has one file.
        raise RefusedError("media_count")
    file = files[0]
    type_ = _type_of(file)
    own: Body = {}
    if isinstance(file.get("id"), str) and file["id"]:
        own["id"] = file["id"]
    elif isinstance(file.get("url"), str) and file["url"].startswith(("https://", "http://")):
        own["link"] = file["url"]
    else:
        raise RefusedError("media_without_url")
    caption = message.text or file.get("caption")
    if caption:
        if type_ not in _CAPTIONED:
            raise RefusedError("text_not_possible")
        if not isinstance(caption, str) or len(caption) > CAPTION_MAX:
            raise RefusedError("caption_length")
        own["caption"] = caption
    if type_ == "document" and isinstance(file.get("filename"), str):
        own["filename"] = file["filename"]
    if file.get("type") == "voice":
        own["voice"] = True
    return type_, own


def _type_of(file: dict[str, object]) -> str:
    """Tell WhatsApp's type of a file: as it is said, by its media type, or by its name's end."""
    said = file.get("type")
    if isinstance(said, str) and said in FILES:
        return "audio" if said == "voice" else said
    declared = str(file.get("content_type") or "").partition(";")[0].strip().lower()
    if declared == "image/webp":
        return "sticker"
    family = declared.partition("/")[0]
    if family in ("image", "video", "audio"):
        return family
    if not declared:
        for name in (file.get("filename"), file.get("url")):
            end = str(name or "").partition("?")[0].rpartition(".")[2].lower()
            if end in _BY_EXTENSION:
                return _BY_EXTENSION[end]
    return "document"


def _template(message: OutboundMessage) -> tuple[str, object]:
    """Make a template: `parameters` are its body's, `components` are passed on as they are."""
    content = message.content
    name, language = content.get("name"), content.get("language")
    if not isinstance(name, str) or not name or not isinstance(language, str) or not language:
        raise RefusedError("template_name")
    own: Body = {"name": name, "language": {"policy": "deterministic", "code": language}}
    components = content.get("components")
    parameters = content.get("parameters")
    made: list[object] = list(components) if isinstance(components, list) else []
    if isinstance(parameters, dict):
        values: list[object] = [
            {"type": "text", "parameter_name": key, "text": str(value)}
            for key, value in parameters.items()
        ]
    elif isinstance(parameters, list):
        values = [
            one if isinstance(one, dict) else {"type": "text", "text": str(one)}
            for one in parameters
        ]
    else:
        values = []
    if values:
        made.append({"type": "body", "parameters": values})
    if made:
        own["components"] = made
    return "template", own


def _interactive(message: OutboundMessage) -> tuple[str, object]:
    own = message.content.get("interactive")
    if not isinstance(own, dict) or not isinstance(own.get("type"), str):
        raise RefusedError("interactive_type")
    own = dict(own)
    if message.text and "body" not in own:
        own["body"] = {"text": message.text}
    action = reading.mapping(own.get("action"))
    buttons = action.get("buttons")
    if isinstance(buttons, list):
        titles = [
            reading.mapping(reading.mapping(one).get("reply")).get("title") for one in buttons
        ]
        _within(titles, BUTTONS_MAX, BUTTON_TITLE_MAX)
    sections = action.get("sections")
    if own["type"] == "list" and isinstance(sections, list):
        rows = [row for one in sections for row in _rows(one)]
        _within([reading.mapping(row).get("title") for row in rows], ROWS_MAX, ROW_TITLE_MAX)
    return "interactive", own


def _rows(section: object) -> list[object]:
    rows = reading.mapping(section).get("rows")
    return rows if isinstance(rows, list) else []


def _within(titles: list[object], most: int, longest: int) -> None:
    if not 0 < len(titles) <= most:
        raise RefusedError("interactive_count")
    if not all(isinstance(title, str) and 0 < len(title) <= longest for title in titles):
        raise RefusedError("interactive_title")


def _location(message: OutboundMessage) -> tuple[str, object]:
    own = reading.mapping(message.content.get("location"))
    for name, most in (("latitude", 90), ("longitude", 180)):
        value = own.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > most:
            raise RefusedError("location")
    return "location", own


def _contacts(message: OutboundMessage) -> tuple[str, object]:
    own = message.content.get("contacts")
    if not isinstance(own, list) or not own:
        raise RefusedError("contacts")
    return "contacts", own


def _reaction(message: OutboundMessage) -> tuple[str, object]:
    """Make a reaction; without an emoji it takes an earlier one back."""
    own = reading.mapping(message.content.get("reaction"))
    if not isinstance(own.get("message_id"), str) or not own["message_id"]:
        raise RefusedError("reaction")
    emoji = own.get("emoji")
    return "reaction", {
        "message_id": own["message_id"],
        "emoji": emoji if isinstance(emoji, str) else "",
    }


_MAKERS = {
    "text": _text,
    "media": _media,
    "template": _template,
    "interactive": _interactive,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
}


class _Sent(msgspec.Struct):
    id: str


class _ErrorData(msgspec.Struct):
    details: str | None = None


class _Error(msgspec.Struct):
    code: int
    message: str | None = None
    error_data: _ErrorData | str | None = None


class _Answer(msgspec.Struct):
    messages: list[_Sent] = []
    error: _Error | None = None


class _LookedUp(msgspec.Struct):
    url: str | None = None


_ANSWER = reading.Shape(_Answer)
_LOOKED_UP = reading.Shape(_LookedUp)
_USAGE: msgspec.json.Decoder[dict[str, list[dict[str, object]]]] = msgspec.json.Decoder(
    dict[str, list[dict[str, object]]]
)


def result_of(response: HttpResponse) -> SendResult:
    """Read Meta's answer to a send. One that names neither an id nor an error proves nothing."""
    answer = reading.answer(response.body, _ANSWER) or _Answer()
    if 200 <= response.status < 300 and answer.messages:
        return SendResult("submitted", (answer.messages[0].id[: reading.ID_MAX],))
    if answer.error is not None:
        more = answer.error.error_data
        details = more.details if isinstance(more, _ErrorData) else None
        rule, failure = ERROR_TABLE.failure(answer.error.code, details or answer.error.message)
        failure = msgspec.structs.replace(failure, stage="rejected")
        if response.status >= 500 and str(answer.error.code) in UNEXPECTED:
            return SendResult("uncertain")
        if rule.class_ != "throttled":
            return SendResult("refused", error=failure)
        wait_s = _wait_s(response, str(answer.error.code))
        return SendResult("throttled", error=failure, wait_s=wait_s)
    return reading.result_of_status(response.status)


def _throttled(response: HttpResponse) -> bool:
    answer = reading.answer(response.body, _ANSWER)
    if answer is None or answer.error is None:
        return False
    return ERROR_TABLE.rule(str(answer.error.code)).class_ == "throttled"


def _wait_s(response: HttpResponse, code: str) -> float | None:
    """Tell how long to wait: as the answer says, in seconds or minutes, or as the limit has it."""
    for name, value in response.headers:
        if name.lower() == "retry-after" and value.isascii() and value.isdigit() and value[:5]:
            return min(float(value[:5]), WAIT_MAX_S)
        if name.lower() == "x-business-use-case-usage" and len(value) < reading.TEXT_MAX:
            try:
                usage = _USAGE.decode(value.encode())
            except (msgspec.MsgspecError, UnicodeEncodeError):
                continue
            told = [one for limits in usage.values() for one in limits]
            minutes = [one.get("estimated_time_to_regain_access") for one in told]
            known = [one for one in minutes if isinstance(one, int) and one > 0]
            if known:
                return min(max(known) * 60.0, WAIT_MAX_S)
    return WAITS_S.get(code)
