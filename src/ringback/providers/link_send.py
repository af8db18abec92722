"""Sending by LINK Denmark's API, one text a request; and LINK's own part.

https://linkmobility.atlassian.net/wiki/spaces/COOL/pages/26017807/08.+Messages. The answer names
a batch; the batch and the recipient together name the message.
"""

import hmac
import re
from typing import Annotated
from urllib.parse import urlencode, urlsplit

import msgspec

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import ErrorClass, Failure
from ringback.domain.strict_json import StrictJsonError, decode
from ringback.providers import forms, query_proof, reading
from ringback.providers.base import (
    Fake,
    Faked,
    OutboundMessage,
    ProviderConfig,
    SendFlow,
    SendResult,
    secret,
)
from ringback.providers.keywords import OptInWords, OptOutWords, opt_in_words, opt_out_words

URL = "https://api.linkmobility.dk/v2/message.json"
PATH = urlsplit(URL).path
TEXT_MAX = 1600
# LINK names no maximum for `returndata`. It comes back in the query of a report, beside all else,
# and is told whole up to here: as long as the reference of LINK's newer API.
REFERENCE_MAX = 500
REFUSALS = ("400", "401")

_RECIPIENT = re.compile(r"\+[0-9]{6,15}")
_SENDER = re.compile(r"\+?[0-9]{3,22}|[ -~]{1,11}")
# The characters of the alphabet that networks call GSM-7, and those of its second page.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)


class LinkCoolConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret in the callback URL, and the key to send with."""

    callback_secret: Annotated[
        str,
        secret(
            "Secret that stands in the callback URL after `?callback_proof=`: long and random, of "
            "letters and digits, because it is all that proves a callback.",
            chosen=True,
        ),
    ]
    api_key: Annotated[str, secret("API key at LINK Denmark. Needed only to send.")] | None = None
    unicode_format: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Z0-9]{1,16}$(?!\n)",
            description="What `format` is set to for text beyond the GSM alphabet.",
        ),
    ] = "UNICODE"
    opt_out_words: OptOutWords = msgspec.field(default_factory=opt_out_words)
    opt_in_words: OptInWords = msgspec.field(default_factory=opt_in_words)


def flow(message: OutboundMessage, config: LinkCoolConfig) -> SendFlow:
    """Send a text to one recipient; one request."""
    to = reading.plus(message.to) or ""
    if not config.api_key:
        return _refused("platform", "not_configured")
    if message.content and message.content.get("kind") not in (None, "text"):
        return _refused("content", "unsupported_content")
    if not _RECIPIENT.fullmatch(to):
        return _refused("recipient", "invalid_recipient")
    if not _SENDER.fullmatch(message.from_):
        return _refused("sender", "invalid_sender")
    if not 0 < len(message.text) <= TEXT_MAX:
        return _refused("content", "text_length")
    if len(message.reference or "") > REFERENCE_MAX:
        return _refused("content", "reference_length")
    told: dict[str, object] = {
        "recipients": to,
        "sender": message.from_,
        "message": message.text,
        "format": "GSM" if set(message.text) <= _GSM else config.unicode_format,
    }
    if message.callback_url:
        told["status"] = True
        told["statusurl"] = query_proof.into(message.callback_url, config.callback_secret)
    if message.reference:
        told["returndata"] = message.reference
    if message.validity_s is not None:
        told["validity"] = max(1, -(-message.validity_s // 60))
    response = yield HttpRequest(
        "POST",
        f"{URL}?{urlencode({'apikey': config.api_key})}",
        (("Content-Type", "application/json"),),
        msgspec.json.encode({"message": told}),
    )
    return _result(response, to)


class _Details(msgspec.Struct):
    batchid: str | int | None = None


class _Answer(msgspec.Struct):
    message: str | None = None
    details: _Details | None = None


_ANSWER = reading.Shape(_Answer)


def _result(response: HttpResponse, to: str) -> SendResult:
    answer = reading.answer(response.body, _ANSWER) or _Answer()
    batch = answer.details.batchid if answer.details is not None else None
    named = reading.text(str(batch)) if batch is not None else None
    if 200 <= response.status < 300 and named is not None:
        return SendResult("submitted", (named,), recipient=to)
    result = reading.result_of_status(response.status)
    if result.error is None:
        return result
    bad = response.status == 400
    failure = Failure(
        "content" if bad else result.error.class_,
        "bad_request" if bad else result.error.code,
        result.error.retryable,
        result.error.provider_code,
        reading.clipped(answer.message, 500),
        "rejected",
    )
    return SendResult(result.outcome, error=failure)


def _refused(class_: ErrorClass, code: str) -> SendResult:
    return SendResult("refused", error=Failure(class_, code, stage="rejected"))


def fake(request: HttpRequest, config: LinkCoolConfig, how: Fake) -> Faked | None:
    """Answer a request as LINK would; None for an address that it does not have."""
    parted = urlsplit(request.url)
    if parted.path != PATH:
        return None
    if request.method != "POST":
        return Faked(_json(405, "Method not allowed"))
    known = (config.api_key or "").encode()
    given = dict(forms.pairs(parted.query) or ()).get("apikey", "")
    if not hmac.compare_digest(given.encode(), known) or not known or how.code == "401":
        return Faked(_json(401, "Unauthorized"))
    if how.outcome == "throttled":
        return Faked(_json(429, "Too many requests"))
    if how.outcome == "broken":
        return Faked(_json(500, "Internal error"))
    try:
        told = reading.mapping(reading.mapping(decode(request.body)).get("message"))
    except StrictJsonError:
        told = {}
    listed = [one.strip() for one in str(told.get("recipients", "")).split(",") if one.strip()]
    if how.outcome == "refused" or not listed or not told.get("message"):
        return Faked(_json(400, "Missing or invalid field"))
    batch = str(int(how.seed[:12], 16) % 90_000_000 + 10_000_000)
    lives = told.get("validity")
    taken = tuple(
        OutboundMessage(
            to=reading.plus(one) or one,
            from_=str(told.get("sender", "")),
            channel="sms",
            text=str(told["message"]),
            message_id=batch,
            reference=reading.text(told.get("returndata"), REFERENCE_MAX),
            validity_s=lives * 60 if isinstance(lives, int) else None,
            callback_url=reading.text(told.get("statusurl"), 4096),
        )
        for one in listed
    )
    return Faked(_json(201, "OK", {"batchid": batch}), taken)


def _json(status: int, message: str, details: dict[str, str] | None = None) -> HttpResponse:
    body: dict[str, object] = {"status": status, "message": message}
    if details is not None:
        body["details"] = details
    headers = (("Content-Type", "application/json"),)
    return HttpResponse(status, headers, msgspec.json.encode(body))
