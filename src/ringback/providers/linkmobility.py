"""LINK Mobility's MyLINK SMS API: a header of yours as proof, answers, and what is simulated.

https://docs.linkmobility.com/api-reference/mylink-sms-api. LINK signs nothing. What a callback
says is read in `linkmobility_items`; `linkmobility_send` sends and plays LINK's own part.
"""

import re
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse
from ringback.domain.messages import Status
from ringback.providers import (
    forms,
    header_words,
    keywords,
    linkmobility_items,
    linkmobility_send,
    query_proof,
    reading,
)
from ringback.providers.base import (
    BatchFlow,
    CannotSimulateError,
    CheckFlow,
    Fake,
    Faked,
    OutboundMessage,
    Parsed,
    Provider,
    SendFlow,
    Verification,
)
from ringback.providers.linkmobility_config import LinkMobilityConfig
from ringback.providers.proofs import failed, hidden, same

# What is simulated of each status: `type`, `code` and `details`.
_SAID: dict[Status, tuple[str, int | None, str]] = {
    "submitted": ("queued", 1000, "Queued"),
    "sent": ("sent", 1001, "Sent to message gateway"),
    "delivered": ("delivered", 2000, "Delivered"),
    "read": ("read", None, "Read"),
    "failed": ("failed", 4007, "Not delivered"),
    "expired": ("failed", 4008, "Expired"),
    "unconfirmed": ("failed", 4009, "Timeout"),
}
_WHERE = "in the MyLINK portal, among the custom headers of the callback"
_CHANNELS = {"whatsapp": "whatsApp", "rcs": "rcs", "email": "email"}


class LinkMobility(Provider):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "linkmobility"
    label: ClassVar[str] = "LINK Mobility (MyLINK SMS)"
    channels: ClassVar[tuple[str, ...]] = ("sms", "whatsapp", "rcs", "email")
    documentation: ClassVar[str] = "https://docs.linkmobility.com/api-reference/mylink-sms-api"
    Config = LinkMobilityConfig
    STATUS = linkmobility_items.STATUS
    ERRORS = linkmobility_items.ERRORS
    simulated: ClassVar[tuple[Status, ...]] = (*_SAID, "received")
    sends: ClassVar[tuple[str, ...]] = ("text",)
    refusals: ClassVar[tuple[str, ...]] = linkmobility_send.REFUSALS
    batch_max: ClassVar[int] = linkmobility_send.BATCH_MAX
    repeats: ClassVar[str] = (
        "for 4 hours, or as long as the callback's own lifetime says: 8 at most"
    )
    setup: ClassVar[str] = """\
1. Make a long random value, with `openssl rand -hex 32` for instance: the `token` of the
   connection. LINK signs nothing, so this value is all that proves a callback.
2. In the MyLINK portal open *Callbacks* and create one for delivery reports and one for messages of
   people (*MO*). Both get the callback URL, method POST, content type JSON, and under the headers
   `X-Callback-Token` with that value.
3. The portal's *Test* posts a sample and shows the answer: 200 if the header fits. A 401 means that
   it is missing or holds something else; which of them is in the list of callbacks here.
4. To send, open *SMS API* in the portal and create credentials: the client id and the client
   secret, which is shown once, are `client_id` and `client_secret`.
"""
    notes: ClassVar[str] = """\
- Nothing is signed. Whoever knows the header's value can forge callbacks: make it long and random.
- What a report means is told by its code. Expired messages (4008) come as `failed` and are
  `expired` here; 4009 and 4010 prove neither success nor failure and are `unconfirmed`.
- LINK repeats a report only within the lifetime of its callback: four hours, and eight for
  messages that are sent from here with a callback URL of their own.
- A reply has no id of its own; the event's stands for it.
- A message with a callback URL of its own has the header's value in that URL's query, because
  headers can be configured in the portal only.
"""

    def verify(self, callback: Callback, config: LinkMobilityConfig, now_ms: int) -> Verification:
        """Check the header, or the query of a URL that a message of ours named."""
        del now_ms
        if not config.token:
            return failed("the connection has no value for the header")
        in_header = callback.header_values(config.header)
        in_query = query_proof.given(callback)
        if len(in_header) > 1 or len(in_query) > 1:
            return failed(f"several headers {config.header}, or several in the query")
        if not in_header and not in_query:
            return failed(
                f"no header {config.header}: it has to be entered in the MyLINK portal, "
                "under the custom headers of the callback"
            )
        right = True
        for value in in_header + in_query:
            right &= same(value, config.token)
        if not right:
            where = f"the header {config.header}" if in_header else "the query"
            return failed(f"{where} holds another value than this connection's")
        if callback.method != "POST":
            return failed("the method is not POST")
        return Verification("ok", f"{'the header' if in_header else 'the query'} matches")

    def explain(self, callback: Callback, config: LinkMobilityConfig, now_ms: int) -> str | None:
        """Say which half of credentials is wrong, or which header the value came in."""
        del now_ms
        return header_words.header_fault(callback, config.header, config.token, _WHERE)

    def parse(self, callback: Callback, config: LinkMobilityConfig) -> Parsed:
        """Read the event of a callback."""
        word, _ = forms.parameters(callback.header("Content-Type") or "")
        body = callback.body
        if word == "application/x-www-form-urlencoded":
            body = _as_json(body)
        return keywords.heard(linkmobility_items.Items().read(body), config)

    def reply(
        self, callback: Callback, config: LinkMobilityConfig, verification: Verification
    ) -> HttpResponse:
        """Answer 200 and nothing, or 401."""
        del callback, config
        return HttpResponse(200 if verification.verdict == "ok" else 401)

    def covers(self, config: LinkMobilityConfig) -> tuple[str, bool]:
        """Say that nothing is signed."""
        del config
        return "it comes with a header of yours, and nothing is signed", False

    def conceal(self, callback: Callback, config: LinkMobilityConfig) -> Callback:
        """Hide the header's value, and the same in the query."""
        return query_proof.conceal(hidden(callback, config.header))

    def sign(self, body: bytes, config: LinkMobilityConfig, now_ms: int) -> Headers:
        """Make the header; it covers neither body nor time."""
        del body, now_ms
        return ((config.header, config.token),)

    def authenticate(
        self, request: HttpRequest, config: LinkMobilityConfig, now_ms: int
    ) -> HttpRequest:
        """Add the header, or put its value where a URL of ours already has a place for it."""
        if f"{query_proof.PARAMETER}=" not in request.url.partition("?")[2]:
            return super().authenticate(request, config, now_ms)
        return query_proof.authenticate(request, config.token)

    def send(self, message: OutboundMessage, config: LinkMobilityConfig) -> SendFlow:
        """Send a text to one recipient: a token, then one request."""
        (result,) = yield from linkmobility_send.flow((message,), config)
        return result

    def send_batch(
        self, messages: tuple[OutboundMessage, ...], config: LinkMobilityConfig
    ) -> BatchFlow:
        """Send up to 1,000 texts with one request: what LINK refuses of it, it refuses whole."""
        results = yield from linkmobility_send.flow(messages, config)
        return tuple(results)

    def check(self, config: LinkMobilityConfig) -> CheckFlow | None:
        """Ask whether our credentials are taken, where there are any."""
        able = config.client_id and config.client_secret
        return linkmobility_send.check(config) if able else None

    def fake(self, request: HttpRequest, config: LinkMobilityConfig, how: Fake) -> Faked | None:
        """Answer as LINK's token endpoint and its send API would."""
        return linkmobility_send.fake(request, config, how)

    def simulate(
        self, message: OutboundMessage, status: Status, config: LinkMobilityConfig, url: str
    ) -> HttpRequest:
        """Make a callback with its header for a status of `message`, or for its arrival.

        In one that arrives, `from_` is the person and `to` is our number.
        """
        if status not in self.simulated:
            raise CannotSimulateError(f"LINK Mobility never reports {status}")
        body = msgspec.json.encode(_event(message, status))
        request = HttpRequest("POST", url, (("Content-Type", "application/json"),), body)
        return self.authenticate(request, config, message.at_ms)


def _as_json(body: bytes) -> bytes:
    """Turn a form into the JSON that it stands for: `status.code` and `status[code]` are nested."""
    told: dict[str, object] = {}
    for name, value in forms.pairs(body) or ():
        path = name.replace("[", ".").replace("]", "").split(".")
        place = told
        for step in path[:-1][:8]:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place.setdefault(path[-1], value)
    # What is no form at all is read as what it is not: JSON.
    return msgspec.json.encode(told) if told else body


def _event(message: OutboundMessage, status: Status) -> dict[str, object]:
    seconds, milliseconds = divmod(message.at_ms, 1000)
    time = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"
    seed = (message.message_id, message.to, message.text, str(message.at_ms), status)
    inbound = status == "received"
    named = message.message_id or linkmobility_send.uuid_of(*seed[1:4])
    event: dict[str, object] = {
        "eventId": named if inbound else linkmobility_send.uuid_of(*seed),
        "channel": _CHANNELS.get(message.channel, "sms"),
        "recipient": message.to,
        "timeStamp": time,
        "provider": {"timestamp": time, "code": None, "details": None, "operator": "Simulated"},
    }
    if inbound:
        event["reply"] = _reply(message)
        return event
    type_, code, details = _SAID[status]
    asked = message.error_code or ""
    rule = linkmobility_items.ERROR_TABLE.rule(asked)
    if re.fullmatch("[1-9][0-9]{3}", asked) and rule.status == status:
        type_, code = "rejected" if asked.startswith("3") else "failed", int(asked)
        details = f"Simulated: {rule.code}"
    said: dict[str, object] = {
        "requestId": linkmobility_send.uuid_of(named),
        "referenceId": message.reference,
        "messageId": named,
        "type": type_,
        "details": details,
        "segments": 1,
    }
    if code is not None:
        said["code"] = code
    return {**event, "status": said}


def _reply(message: OutboundMessage) -> dict[str, object]:
    reply: dict[str, object] = {"sender": message.from_, "routeId": None, "routeKeyword": None}
    files = message.content.get("media")
    if isinstance(files, list) and files:
        first = reading.mapping(files[0])
        media = {"type": first.get("content_type"), "source": first.get("url")}
        return {**reply, "text": None, "media": {**media, "caption": message.text or None}}
    return {**reply, "text": message.text}
