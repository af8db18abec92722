"""Sending through Twilio: the request for one message, what its answer means, and files of people.

https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource
"""

import re
from urllib.parse import urlencode, urlsplit

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import ErrorClass, Failure
from ringback.providers import reading
from ringback.providers import twilio_forms as forms
from ringback.providers.base import (
    CheckFlow,
    MediaFlow,
    MediaRefused,
    OutboundMessage,
    SendFlow,
    SendResult,
)
from ringback.providers.twilio_config import TwilioConfig
from ringback.providers.twilio_proof import FORM, basic
from ringback.providers.twilio_tables import CHANNELS, ERROR_TABLE

VERSION = "2010-04-01"
TEXT_MAX = 1600
FILES_MAX = 10
VALIDITY_MAX_S = 36_000
WAIT_MAX_S = 3600
# Twilio calls once, and again only where the URL says so; never after 15 seconds in all.
# https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
OVERRIDES = "rc=5&rp=5xx,ct,rt"

_ADDRESS = re.compile(r"[!-~][ -~]{0,127}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_TEMPLATE = re.compile(r"HX[0-9a-fA-F]{32}")
_ACCOUNT = re.compile(r"/Accounts/(AC[0-9a-fA-F]{32})/")
_TEMPORARY = "content_direct_temporary"


def send(message: OutboundMessage, config: TwilioConfig) -> SendFlow:
    """Send a text, files or a template; one request."""
    refusal = _refusal(message, config)
    if refusal is not None:
        return SendResult("refused", error=refusal)
    account = config.account_sid or ""
    response = yield HttpRequest(
        "POST",
        f"https://{_host(config)}/{VERSION}/Accounts/{account}/Messages.json",
        (
            ("Authorization", basic(*credentials(config, account))),
            ("Content-Type", FORM),
            ("Accept", "application/json"),
        ),
        urlencode(_form(message, config)).encode(),
    )
    return _result(response)


def media(found: dict[str, object], config: TwilioConfig) -> MediaFlow:
    """Fetch a file: Twilio wants credentials, and sends on to a signed URL, which wants none.

    Credentials go to Twilio's own hosts alone.
    https://www.twilio.com/docs/messaging/api/media-resource
    """
    url = found.get("url")
    if not isinstance(url, str):
        return MediaRefused("it has no URL")
    where = urlsplit(url)
    named = _ACCOUNT.search(where.path)
    account = config.account_sid or (named[1] if named else "")
    if where.scheme != "https" or not f".{where.hostname or ''}".endswith(".twilio.com"):
        return HttpRequest("GET", url)
    if not (account or config.api_key_sid):
        return MediaRefused("the connection has no account_sid, which Twilio asks for")
    request = HttpRequest("GET", url, (("Authorization", basic(*credentials(config, account))),))
    response = yield request
    if 300 <= response.status < 400:
        onward = next((v for k, v in response.headers if k.lower() == "location"), "")
        if urlsplit(onward).scheme == "https":
            return HttpRequest("GET", onward)
        return MediaRefused("Twilio sends on to no https URL")
    if response.status == 200:
        return _direct(response) or request
    return MediaRefused(
        f"Twilio answered {response.status}",
        response.status in (404, 408, 429) or response.status >= 500,
    )


def check(config: TwilioConfig) -> CheckFlow:
    """Ask for the account itself.

    https://www.twilio.com/docs/iam/api/account
    """
    account = config.account_sid or ""
    url = f"https://{_host(config)}/2010-04-01/Accounts/{account}.json"
    response = yield HttpRequest(
        "GET", url, (("Authorization", basic(*credentials(config, account))),)
    )
    return reading.checked(response, "Twilio")


def credentials(config: TwilioConfig, account: str) -> tuple[str, str]:
    """Return what requests are made with: the API key where there is one, else the account."""
    if config.api_key_sid and config.api_key_secret:
        return config.api_key_sid, config.api_key_secret
    return account, config.auth_token


def prefixed(address: str, channel: str) -> str:
    """Return an address as Twilio wants it on a channel."""
    named = channel in CHANNELS and not address.lower().startswith(f"{channel}:")
    return f"{channel}:{address}" if named else address


def _host(config: TwilioConfig) -> str:
    # A region is reached through an edge; without one Twilio takes the region's own.
    # https://www.twilio.com/docs/global-infrastructure/understanding-edge-locations
    parts = ["api", config.edge, config.region or ("us1" if config.edge else None), "twilio.com"]
    return ".".join(part for part in parts if part)


def _refusal(message: OutboundMessage, config: TwilioConfig) -> Failure | None:
    """Say why a message cannot even be asked for, or None."""
    if not config.account_sid or not config.auth_token:
        return _refused("platform", "not_configured")
    if not message.from_ and not config.messaging_service_sid:
        return _refused("platform", "not_configured")
    if _ADDRESS.fullmatch(message.to) is None:
        return _refused("recipient", "invalid_recipient")
    if message.from_ and _ADDRESS.fullmatch(message.from_) is None:
        return _refused("sender", "invalid_sender")
    kind = message.content.get("kind")
    if kind not in (None, "text", "media", "template"):
        return _refused("content", "unsupported_type")
    if kind == "template":
        named = message.content.get("name")
        if not isinstance(named, str) or _TEMPLATE.fullmatch(named) is None:
            return _refused("content", "template")
        return None
    files = _files(message)
    if len(files) > FILES_MAX or (kind == "media" and not files):
        return _refused("content", "media")
    if len(message.text) > TEXT_MAX or not (files or message.text):
        return _refused("content", "text_length")
    return None


def _refused(class_: ErrorClass, code: str) -> Failure:
    return Failure(class_, code, stage="rejected")


def _files(message: OutboundMessage) -> list[str]:
    listed = message.content.get("media")
    found = [reading.mapping(one).get("url") for one in listed] if isinstance(listed, list) else []
    return [url for url in found if isinstance(url, str) and url]


def _form(message: OutboundMessage, config: TwilioConfig) -> list[tuple[str, str]]:
    form = [("To", prefixed(message.to, message.channel))]
    if not message.from_:
        form.append(("MessagingServiceSid", config.messaging_service_sid or ""))
    elif _SERVICE.fullmatch(message.from_):
        form.append(("MessagingServiceSid", message.from_))
    else:
        form.append(("From", prefixed(message.from_, message.channel)))
    if message.content.get("kind") == "template":
        form.append(("ContentSid", str(message.content["name"])))
        variables = _variables(message.content.get("parameters"))
        if variables:
            form.append(("ContentVariables", msgspec.json.encode(variables).decode()))
    else:
        if message.text:
            form.append(("Body", message.text))
        form += [("MediaUrl", url) for url in _files(message)]
    if message.validity_s is not None:
        form.append(("ValidityPeriod", str(min(max(message.validity_s, 1), VALIDITY_MAX_S))))
    if message.callback_url:
        form.append(("StatusCallback", _callback(message.callback_url, message.reference)))
    return form


def _callback(url: str, reference: str | None) -> str:
    """Return the URL for a message's reports: with its reference, and asking for repeats."""
    if reference:
        url = forms.with_query(url, **{forms.REFERENCE: reference})
    return url if "#" in url else f"{url}#{OVERRIDES}"


def _variables(parameters: object) -> dict[str, str]:
    """Return a template's variables by name; a list counts from 1."""
    if isinstance(parameters, list):
        parameters = {str(place): value for place, value in enumerate(parameters, 1)}
    return {str(name): str(value) for name, value in reading.mapping(parameters).items()}


class _Answer(msgspec.Struct):
    sid: str | None = None
    code: int | None = None
    message: str | None = None


class _Links(msgspec.Struct):
    links: dict[str, object] | None = None


_ANSWER = reading.Shape(_Answer)
_LINKS = reading.Shape(_Links)


def _direct(response: HttpResponse) -> HttpRequest | None:
    """Read the Media Content Service's answer: where the file is had without credentials.

    https://www.twilio.com/docs/conversations/api/media-resource
    """
    found = reading.answer(response.body, _LINKS)
    url = reading.mapping(None if found is None else found.links).get(_TEMPORARY)
    return HttpRequest("GET", url) if isinstance(url, str) and url[:8] == "https://" else None


def _result(response: HttpResponse) -> SendResult:
    """Read Twilio's answer. One that names neither an id nor an error proves nothing."""
    answer = reading.answer(response.body, _ANSWER) or _Answer()
    named = reading.text(answer.sid)
    if 200 <= response.status < 300 and named is not None:
        return SendResult("submitted", (named,))
    result = reading.result_of_status(response.status)
    if result.error is None:
        return result
    wait = _wait_s(response) if response.status == 429 else None
    if answer.code is None:
        return msgspec.structs.replace(result, wait_s=wait)
    rule, failure = ERROR_TABLE.failure(answer.code, answer.message)
    if ERROR_TABLE.row(str(answer.code)) is None:
        class_, code = result.error.class_, result.error.code
        failure = msgspec.structs.replace(
            failure, class_=class_, code=code, retryable=result.error.retryable
        )
    failure = msgspec.structs.replace(failure, stage="rejected")
    throttled = rule.class_ == "throttled" or response.status == 429
    return SendResult("throttled" if throttled else "refused", error=failure, wait_s=wait)


def _wait_s(response: HttpResponse) -> float | None:
    """Read Retry-After in seconds, where Twilio says it."""
    for name, value in response.headers:
        if name.lower() == "retry-after" and value.isascii() and value.isdigit():
            return float(min(int(value[:6]), WAIT_MAX_S))
    return None
