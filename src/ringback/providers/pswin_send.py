"""Sending by the PSWinCom gateway's XML API, up to 100 messages a request; and its own part.

https://wiki.pswin.com/Gateway%20XML%20API.ashx. The gateway gives references of its own and takes
none of ours.
"""

import hmac
import re
from collections.abc import Generator, Iterable
from urllib.parse import urlsplit

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import ErrorClass, Failure
from ringback.providers import forms, reading, xml_reading
from ringback.providers.base import Fake, Faked, OutboundMessage, SendResult, TokenRequest
from ringback.providers.pswin_config import PsWinConfig
from ringback.providers.xml_reading import Element, XmlError, escaped

BATCH_MAX = 100
# 16 parts of 134 characters, or of 67 where each takes two bytes; the gateway cuts the rest off.
TEXT_MAX = 2144
UNICODE_MAX = 1072
UNICODE = "9"
REFUSALS = ("LOGON", "FAIL")
CHARSET = "iso-8859-1"

_RECIPIENT = re.compile(r"[0-9]{9,15}")
_SENDER = re.compile(r"""[0-9]{1,15}|[A-Za-z0-9 !"#%&'()*+\-./?><;]{1,11}""")
# The characters of the alphabet that networks call GSM-7, without its second page.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_SUBMITTED = xml_reading.document_type("SESSION", "pswincom_submit.dtd")
_ANSWERED = xml_reading.document_type("SESSION", "pswincom_submit_response.dtd")

Flow = Generator[HttpRequest | TokenRequest, HttpResponse, list[SendResult]]


def flow(messages: tuple[OutboundMessage, ...], config: PsWinConfig) -> Flow:
    """Send these with one request. What the gateway could only refuse is refused before."""
    if not (config.username and config.password):
        return [_refused("platform", "not_configured")] * len(messages)
    results: dict[int, SendResult] = {}
    written: list[str] = []
    for number, message in enumerate(messages, 1):
        one = _written(message, number)
        if isinstance(one, SendResult):
            results[number] = one
        else:
            written.append(one)
    if written:
        response = yield _request(written, config)
        asked = [number for number in range(1, len(messages) + 1) if number not in results]
        results |= _results(response, asked)
    return [results[number] for number in range(1, len(messages) + 1)]


def _request(written: Iterable[str], config: PsWinConfig) -> HttpRequest:
    body = (
        f'<?xml version="1.0" encoding="{CHARSET}"?>\r\n<SESSION>'
        f"<CLIENT>{escaped(config.username or '')}</CLIENT><PW>{escaped(config.password or '')}"
        f"</PW><MSGLST>{''.join(written)}</MSGLST></SESSION>"
    )
    headers = (("Content-Type", f"text/xml; charset={CHARSET}"),)
    url = f"https://{config.gateway}/"
    return HttpRequest("POST", url, headers, body.encode(CHARSET, "xmlcharrefreplace"))


def _written(message: OutboundMessage, number: int) -> str | SendResult:
    """Write one message, or say why the gateway could only refuse it."""
    to, sender = message.to.removeprefix("+"), message.from_
    if sender.removeprefix("+").isdigit():
        sender = sender.removeprefix("+")
    if message.content and message.content.get("kind") not in (None, "text"):
        return _refused("content", "unsupported_content")
    if not _RECIPIENT.fullmatch(to):
        return _refused("recipient", "invalid_recipient")
    if not _SENDER.fullmatch(sender):
        return _refused("sender", "invalid_sender")
    text, plain = message.text, set(message.text) <= _GSM
    encoded = text.encode("utf-16-be", "replace")
    if not 0 < len(text) <= TEXT_MAX or not (plain or len(encoded) <= 2 * UNICODE_MAX):
        return _refused("content", "text_length")
    fields = {
        "ID": str(number),
        "TEXT": text if plain else encoded.hex(),
        "SND": sender,
        "RCV": to,
        "OP": "" if plain else UNICODE,
        "TTL": "" if message.validity_s is None else str(max(1, -(-message.validity_s // 60))),
        "RCPREQ": "Y",
    }
    told = "".join(f"<{name}>{escaped(value)}</{name}>" for name, value in fields.items() if value)
    return f"<MSG>{told}</MSG>"


def _results(response: HttpResponse, asked: list[int]) -> dict[int, SendResult]:
    if not 200 <= response.status < 300:
        return dict.fromkeys(asked, reading.result_of_status(response.status))
    try:
        session = _read(response.headers, response.body, _ANSWERED)
    except XmlError:
        return dict.fromkeys(asked, SendResult("uncertain"))
    if session.words("LOGON") == "FAIL":
        because = reading.clipped(session.words("REASON"), 500)
        failure = Failure("platform", "unauthorised", False, "LOGON", because, "rejected")
        return dict.fromkeys(asked, SendResult("refused", error=failure))
    listed = session.first("MSGLST")
    told = {one.words("ID"): one for one in (listed.each("MSG") if listed is not None else ())}
    return {number: _result(told.get(str(number))) for number in asked}


def _result(told: Element | None) -> SendResult:
    """Judge what is said of one message; without a reference nobody knows which it is."""
    status = told.words("STATUS") if told is not None else None
    named = reading.text(told.words("REF")) if told is not None else None
    if status == "OK" and named is not None:
        return SendResult("submitted", (named,))
    if told is None or status != "FAIL":
        return SendResult("uncertain")
    because = reading.clipped(told.words("INFO"), 500)
    return SendResult(
        "refused", error=Failure("platform", "refused", False, "FAIL", because, "rejected")
    )


def _read(
    headers: tuple[tuple[str, str], ...], body: bytes, document_type: re.Pattern[str]
) -> Element:
    said = next((value for name, value in headers if name.lower() == "content-type"), "")
    charset = forms.parameters(said)[1].get("charset", "").lower()
    known = charset if charset in xml_reading.CHARSETS else None
    root = xml_reading.read(body, known, CHARSET, document_type)
    if root.name != "SESSION":
        raise XmlError("the outermost element is not SESSION")
    return root


def _refused(class_: ErrorClass, code: str) -> SendResult:
    return SendResult("refused", error=Failure(class_, code, stage="rejected"))


def reference_of(*pieces: str) -> str:
    """Make a reference as the gateway's look, the same for the same pieces."""
    hexed = reading.fingerprint(*pieces).upper()
    return "-".join((hexed[:8], hexed[8:12], hexed[12:16], hexed[16:20], hexed[20:]))


def fake(request: HttpRequest, config: PsWinConfig, how: Fake) -> Faked | None:
    """Answer a request as the gateway would; None for an address that it does not have."""
    if urlsplit(request.url).path not in ("", "/"):
        return None
    if request.method != "POST":
        return Faked(HttpResponse(405))
    if how.outcome == "throttled":
        return Faked(HttpResponse(429))
    if how.outcome == "broken":
        return Faked(HttpResponse(500))
    try:
        session = _read(request.headers, request.body, _SUBMITTED)
    except XmlError:
        return Faked(HttpResponse(400))
    expected = (config.username or "", config.password or "")
    right = True
    for name, value in zip(("CLIENT", "PW"), expected, strict=True):
        given = (session.words(name) or "").encode()
        right &= hmac.compare_digest(given, value.strip().encode()) and bool(value)
    if not right or how.code == "LOGON":
        return Faked(_answer("<LOGON>FAIL</LOGON><REASON>Invalid username or password</REASON>"))
    listed = session.first("MSGLST")
    taken: list[OutboundMessage] = []
    told = ""
    for place, one in enumerate(listed.each("MSG") if listed is not None else (), 1):
        number, message = one.words("ID") or str(place), _taken(one, f"{how.seed}{place}")
        fault = "Message refused" if how.outcome == "refused" else _fault(message)
        if fault is None:
            taken.append(message)
            said = f"<REF>{message.message_id}</REF><STATUS>OK</STATUS><INFO></INFO>"
        else:
            said = f"<STATUS>FAIL</STATUS><INFO>{escaped(fault)}</INFO>"
        told += f"<MSG><ID>{escaped(number)}</ID>{said}</MSG>"
    body = f"<LOGON>OK</LOGON><REASON></REASON><MSGLST>{told}</MSGLST>"
    return Faked(_answer(body), tuple(taken))


def _taken(found: Element, seed: str) -> OutboundMessage:
    text = found.first("TEXT")
    words = text.text if text is not None else ""
    if found.words("OP") == UNICODE:
        try:
            words = bytes.fromhex(words).decode("utf-16-be", "replace")
        except ValueError:
            words = ""
    lives = found.words("TTL") or ""
    return OutboundMessage(
        to=reading.plus(found.words("RCV")) or "",
        from_=reading.plus(found.words("SND")) or "",
        channel="sms",
        text=words,
        message_id=reference_of(seed),
        validity_s=int(lives) * 60 if lives.isascii() and lives.isdigit() else None,
    )


def _fault(message: OutboundMessage) -> str | None:
    if not _RECIPIENT.fullmatch(message.to.removeprefix("+")):
        return "Invalid receiver number"
    return None if message.text else "No message text"


def _answer(inner: str) -> HttpResponse:
    body = f'<?xml version="1.0"?><SESSION>{inner}</SESSION>'.encode(CHARSET, "xmlcharrefreplace")
    return HttpResponse(200, (("Content-Type", f"text/xml; charset={CHARSET}"),), body)
