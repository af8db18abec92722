"""Sending through SMSPortal: requests of both versions of its API, and what its answers mean.

After https://docs.smsportal.com/docs/rest-sending. An answer 200 may mean that nothing was queued:
what was left out is only counted (`errorReport`), by reason. Where it names the messages (`faults`)
those are refused; where it does not, and some went out, nobody knows which: uncertain.
"""

import base64
import re
from collections.abc import Generator

import msgspec

from ringback.domain.http import Headers, HttpRequest, HttpResponse
from ringback.domain.messages import ErrorClass, Failure
from ringback.domain.strict_json import StrictJsonError, decode
from ringback.providers import reading
from ringback.providers.base import (
    BatchFlow,
    CheckFlow,
    ErrorRule,
    OutboundMessage,
    SendFlow,
    SendResult,
    TokenRequest,
)
from ringback.providers.error_table import ErrorTable
from ringback.providers.smsportal_config import SmsPortalConfig

BATCH_MAX = 100
TEXT_MAX = 1600
REFERENCE_MAX = 100
DESCRIPTION_MAX = 500
KEYS_MAX = 200
# Requests for one call; what would need more is told to come again.
ROUNDS_MAX = 4

# Why messages of a batch were not queued, by the names under which they are counted.
REFUSALS: dict[str, ErrorRule] = {
    "noNetwork": ErrorRule("recipient", "no_network", stage="rejected"),
    "noContents": ErrorRule("content", "no_text", stage="rejected"),
    "contentToLong": ErrorRule("content", "text_length", stage="rejected"),
    "duplicates": ErrorRule("policy", "duplicate", stage="rejected"),
    "optedOuts": ErrorRule("consent", "opted_out", stage="rejected", opt_out=True),
}
_NAMES = {name.lower(): name for name in REFUSALS}
_TABLE = ErrorTable(REFUSALS)
_LATER = SendResult("throttled", error=Failure("throttled", "batch", True, stage="rejected"))
_NUMBER = re.compile(r"\+?[0-9]{7,15}")
_SENDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,10}")
_FAULT_NUMBERS = ("rawdestination", "scrubbeddestination", "destination")


def send(message: OutboundMessage, config: SmsPortalConfig) -> SendFlow:
    """Send one message: a batch of one."""
    results = yield from send_batch((message,), config)
    return results[0]


def send_batch(messages: tuple[OutboundMessage, ...], config: SmsPortalConfig) -> BatchFlow:
    """Send messages, one request for as many as may share an EventId; a result for each."""
    results = [_refusal(message, config) for message in messages]
    headers: Headers | SendResult = ()
    for round_ in range(ROUNDS_MAX):
        waiting = _next(messages, results, config)
        if not waiting:
            break
        if not headers:
            headers = yield from _authorization(config, refused=False)
        if isinstance(headers, SendResult):
            break
        chosen = tuple(messages[place] for place in waiting)
        response = yield _request(chosen, config, headers)
        if response.status == 401 and config.authentication == "bearer" and round_ == 0:
            headers = yield from _authorization(config, refused=True)
            if isinstance(headers, SendResult):
                break
            response = yield _request(chosen, config, headers)
        for place, answer in zip(waiting, results_of(response, chosen), strict=True):
            results[place] = answer
    left = headers if isinstance(headers, SendResult) else _LATER
    return tuple(result or left for result in results)


def check(config: SmsPortalConfig) -> CheckFlow:
    """Ask for the balance.

    https://docs.smsportal.com/reference
    """
    headers = yield from _authorization(config, refused=True)
    if isinstance(headers, SendResult):
        return reading.checked(HttpResponse(401), "SMSPortal")
    response = yield HttpRequest("GET", f"https://{config.api_host}/v3/Balance", headers)
    return reading.checked(response, "SMSPortal")


def destination(number: str) -> str:
    """Write a number as SMSPortal has it, without its +."""
    return number.removeprefix("+")


def _next(
    messages: tuple[OutboundMessage, ...],
    results: list[SendResult | None],
    config: SmsPortalConfig,
) -> list[int]:
    """Choose what goes into the next request: no number twice, and one sender and validity."""
    chosen: list[int] = []
    numbers: set[str] = set()
    options: dict[str, object] | None = None
    for place, message in enumerate(messages):
        if results[place] is not None or destination(message.to) in numbers:
            continue
        wanted = _options(message, config)
        if options is None:
            options = wanted
        if wanted == options and len(chosen) < BATCH_MAX:
            chosen.append(place)
            numbers.add(destination(message.to))
    return chosen


def _refusal(message: OutboundMessage, config: SmsPortalConfig) -> SendResult | None:
    """Say why a message cannot even be asked for, or None."""
    if not config.client_id or not config.api_secret:
        return _refused("platform", "not_configured")
    if not _NUMBER.fullmatch(message.to):
        return _refused("recipient", "invalid_recipient")
    if message.content.get("kind", "text") != "text":
        return _refused("content", "unsupported_kind")
    if not 0 < len(message.text) <= TEXT_MAX:
        return _refused("content", "text_length")
    if len(message.reference or "") > REFERENCE_MAX:
        return _refused("content", "reference_length")
    return None


def _refused(class_: ErrorClass, code: str) -> SendResult:
    return SendResult("refused", error=Failure(class_, code, stage="rejected"))


def _options(message: OutboundMessage, config: SmsPortalConfig) -> dict[str, object]:
    options: dict[str, object] = {}
    if config.sender_ids and _SENDER.fullmatch(message.from_) and not message.from_.isdigit():
        options["senderId"] = message.from_
    if message.validity_s:
        # In whole hours, and not one less than was asked for.
        options["validityPeriod"] = -(-message.validity_s // 3600)
    if config.shorten_urls:
        options["shortenUrls"] = True
    return options


def _request(
    messages: tuple[OutboundMessage, ...], config: SmsPortalConfig, headers: Headers
) -> HttpRequest:
    listed: list[dict[str, object]] = []
    for message in messages:
        one: dict[str, object] = {
            "content": message.text,
            "destination": destination(message.to),
        }
        if message.reference:
            one["customerId"] = message.reference
        listed.append(one)
    options = _options(messages[0], config)
    body: dict[str, object] = {"messages": listed}
    if options:
        body["sendOptions"] = options
    path = "/v3/BulkMessages"
    if config.api_version == "v1":
        path, body = "/v1/bulkmessages", {_capital(key): capitals(body[key]) for key in body}
    return HttpRequest(
        "POST",
        f"https://{config.api_host}{path}",
        (*headers, ("Content-Type", "application/json"), ("Accept", "application/json")),
        msgspec.json.encode(body),
    )


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def capitals(value: object) -> object:
    """Return a value with names as version 1 writes them: each begins with a capital."""
    if isinstance(value, dict):
        return {_capital(name): capitals(one) for name, one in value.items()}
    return [capitals(one) for one in value] if isinstance(value, list) else value


def _authorization(
    config: SmsPortalConfig, *, refused: bool
) -> Generator[TokenRequest, HttpResponse, Headers | SendResult]:
    """Get what proves who sends: the credentials themselves, or a token for a day."""
    pair = f"{config.client_id}:{config.api_secret}".encode()
    basic: Headers = (("Authorization", f"Basic {base64.b64encode(pair).decode()}"),)
    if config.authentication == "basic":
        return basic
    url = f"https://{config.api_host}/v1/Authentication"
    asked = HttpRequest("GET", url, (*basic, ("Accept", "application/json")))
    response = yield TokenRequest(asked, refused)
    token = reading.text(_answer(response).get("token"), 8192)
    if response.status == 200 and token is not None and token.isascii() and token.isprintable():
        return (("Authorization", f"Bearer {token}"),)
    result = result_of_error(response)
    # Nothing was sent yet, whatever went wrong.
    if result.outcome == "uncertain":
        failure = Failure("platform", "no_token", retryable=True, stage="rejected")
        result = SendResult("refused", error=failure)
    return result


def results_of(
    response: HttpResponse, messages: tuple[OutboundMessage, ...]
) -> tuple[SendResult, ...]:
    """Read the answer to a batch: one result for each message, in their order."""
    answer = _answer(response)
    inner = answer.get("sendresponse")
    told = inner if isinstance(inner, dict) else answer
    if not 200 <= response.status < 300:
        return (result_of_error(response),) * len(messages)
    event = _id(told.get("eventid"))
    report = reading.mapping(told.get("errorreport"))
    counted = [name for name in _NAMES if _number_of(report.get(name)) > 0]
    queued = told.get("messages")
    if queued == 0 or (event is None and (counted or answer.get("errors"))):
        return _all_refused(answer, report, counted, messages)
    if event is None:
        return (SendResult("uncertain"),) * len(messages)
    left_out = len(messages) - queued if type(queued) is int else len(counted)
    results = [_fault(message, report) for message in messages]
    known = sum(result is not None for result in results)
    rest = SendResult("uncertain") if left_out > known else None
    return tuple(
        result or rest or SendResult("submitted", (event,), recipient=_plus(message.to))
        for result, message in zip(results, messages, strict=True)
    )


def result_of_error(response: HttpResponse) -> SendResult:
    """Read an answer that is no success: its status judges, its body explains."""
    result = reading.result_of_status(response.status)
    if result.error is None:
        return result
    answer = _answer(response)
    errors = answer.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    told = first if isinstance(first, dict) else answer
    code = _id(told.get("errorcode"))
    failure = msgspec.structs.replace(
        result.error,
        provider_code=code[:32] if code else result.error.provider_code,
        description=reading.clipped(told.get("errormessage"), DESCRIPTION_MAX),
    )
    return SendResult(result.outcome, error=failure, wait_s=reading.wait_s(response.headers))


def _all_refused(
    answer: dict[str, object],
    report: dict[str, object],
    counted: list[str],
    messages: tuple[OutboundMessage, ...],
) -> tuple[SendResult, ...]:
    """Say why nothing of a batch was queued: by its faults, its counts, or its first error."""
    common: Failure | None = None
    if len(counted) == 1:
        common = _TABLE.failure(_NAMES[counted[0]], None)[1]
    elif not counted:
        errors = answer.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else None
        told = reading.mapping(first)
        code = _id(told.get("errorcode"))
        said = reading.clipped(told.get("errormessage"), DESCRIPTION_MAX)
        common = Failure("unknown", "not_queued", False, code and code[:32], said, "rejected")
    unnamed = Failure("unknown", "not_queued", stage="rejected")
    other = SendResult("refused", error=common or unnamed)
    return tuple(_fault(message, report) or other for message in messages)


def _fault(message: OutboundMessage, report: dict[str, object]) -> SendResult | None:
    """Find what an answer says was wrong with this very message, or None."""
    faults = report.get("faults")
    for one in faults if isinstance(faults, list) else ():
        fault = reading.mapping(one)
        numbers = {destination(_id(fault.get(name)) or "") for name in _FAULT_NUMBERS}
        if destination(message.to) not in numbers:
            continue
        said = reading.clipped(fault.get("errormessage"), DESCRIPTION_MAX)
        named = _NAMES.get((said or "").replace(" ", "").lower())
        if named is not None:
            return SendResult("refused", error=_TABLE.failure(named, None)[1])
        code = _id(fault.get("errorcode")) or _id(fault.get("status"))
        failure = Failure("unknown", "not_queued", False, code and code[:32], said, "rejected")
        return SendResult("refused", error=failure)
    return None


def _answer(response: HttpResponse) -> dict[str, object]:
    """Read an answer's object with all its names in lower case; empty where there is none."""
    try:
        found = _lower(decode(response.body), [KEYS_MAX * BATCH_MAX])
    except StrictJsonError:
        return {}
    return found if isinstance(found, dict) else {}


def _lower(value: object, left: list[int]) -> object:
    left[0] -= 1
    if left[0] < 0:
        return None
    if isinstance(value, dict):
        return {str(name).lower(): _lower(one, left) for name, one in value.items()}
    return [_lower(one, left) for one in value] if isinstance(value, list) else value


def _id(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if value else None
    return reading.text(value)


def _number_of(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _plus(number: str) -> str:
    return f"+{destination(number)}"
