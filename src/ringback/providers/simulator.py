"""Simulator: a provider of our own, for development, that behaves as badly as it is told to.

Callbacks are POSTs of JSON, signed over time and body:

    X-Simulator-Signature: t=1772442927,v1=<lower-case hex of HMAC-SHA256(secret, t.body)>

    {"items": [
      {"type": "status", "id": "sim_1", "status": "delivered", "at": 1772442927123,
       "from": "+15550100", "to": "+15550123", "channel": "sms", "reference": "order-48213",
       "part": 1, "parts": 2, "segments": 2, "code": "unreachable", "description": "…"},
      {"type": "received", "id": "sim_2", "at": 1772442927123, "from": "+15550123",
       "to": "+15550100", "channel": "sms", "text": "Yes", "reply_to": "sim_1",
       "media": [{"url": "https://files.example/1.png", "content_type": "image/png"}]},
      {"type": "consent", "id": "sim_2", "word": "opted_out", "at": 1772442927123,
       "from": "+15550123", "to": "+15550100", "channel": "sms", "text": "STOP"}]}

A consent is the person's who is `from`, and about what `to` sends: `opted_out` or `opted_in`.
A simulated message STOP or START brings one with it.

`id`, `type` and, for a status, `status` are required; times are milliseconds since 1970. `plan`
says which callbacks a provider with these habits would post, and when; nothing is posted here.
What its send API takes and answers is in `simulator_send`.
"""

import hashlib
import hmac
import random
import re
from typing import Annotated, ClassVar, Literal

import msgspec

from ringback.domain.consent import ConsentWord
from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse
from ringback.domain.messages import Status
from ringback.providers import reading, simulator_send
from ringback.providers.base import (
    CannotSimulateError,
    Consent,
    Fake,
    Faked,
    Inbound,
    OutboundMessage,
    Parsed,
    Provider,
    ProviderConfig,
    Report,
    SendFlow,
    Verification,
    secret,
)
from ringback.providers.proofs import failed, only

TOLERANCE_MS = 300_000
DELAY_MAX_MS = 86_400_000
HEADER = "X-Simulator-Signature"
MEDIA_MAX = 10
# What a person may say, and what the provider makes of it.
KEYWORDS: dict[str, ConsentWord] = {"STOP": "opted_out", "START": "opted_in"}
_WORDS: dict[str, ConsentWord] = {word: word for word in KEYWORDS.values()}
_FILE = ("url", "id", "content_type", "filename")

_SIGNATURE = re.compile(r"t=([0-9]{10,11}),v1=([0-9a-f]{64})")

STATUS: dict[str, Status] = {
    "submitted": "submitted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
    "unconfirmed": "unconfirmed",
}
Outcome = Literal[
    "submitted", "sent", "delivered", "read", "failed", "expired", "cancelled", "unconfirmed"
]
Code = Literal[
    "unreachable", "bad_sender", "spam", "forbidden", "opted_out",
    "no_credit", "too_fast", "carrier_down", "outage",
]  # fmt: skip
# What a provider says on the way to an outcome, in order.
_LIVES: dict[Outcome, tuple[Status, ...]] = {
    "submitted": (),
    "sent": ("sent",),
    "delivered": ("sent", "delivered"),
    "read": ("sent", "delivered", "read"),
    "failed": ("sent", "failed"),
    "expired": ("sent", "expired"),
    "cancelled": ("cancelled",),
    "unconfirmed": ("sent", "unconfirmed"),
}

_Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


class SimulatorConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret of a simulator, and its habits."""

    secret: Annotated[str, secret("Any text: it signs the simulated callbacks.", chosen=True)]
    outcome: Annotated[Outcome, msgspec.Meta(description="How the life of a message ends.")] = (
        "delivered"
    )
    code: Annotated[
        Code, msgspec.Meta(description="Why messages fail, when the outcome is failed.")
    ] = "unreachable"
    delay_ms: Annotated[
        int,
        msgspec.Meta(
            ge=0, le=DELAY_MAX_MS, description="Milliseconds between one status and the next."
        ),
    ] = 200
    duplicate: Annotated[
        _Probability, msgspec.Meta(description="Probability that a callback is posted twice.")
    ] = 0.0
    reorder: Annotated[
        _Probability,
        msgspec.Meta(description="Probability that a callback changes places with the next one."),
    ] = 0.0
    loss: Annotated[
        _Probability, msgspec.Meta(description="Probability that a callback is never posted.")
    ] = 0.0
    seed: Annotated[
        int, msgspec.Meta(description="The same seed and message give the same habits.")
    ] = 0


class Scheduled(msgspec.Struct, frozen=True):
    """A callback that a provider would post, `after_ms` milliseconds after it took the message.

    `request` is signed for that moment.
    """

    after_ms: int
    status: Status
    request: HttpRequest


class _Body(msgspec.Struct):
    items: msgspec.Raw = msgspec.Raw(b"")


class _Item(msgspec.Struct, rename={"from_": "from"}):
    type: str = ""
    id: str = ""
    status: str = ""
    word: str = ""
    at: int | None = None
    from_: str | None = None
    to: str | None = None
    channel: str = "sms"
    reference: str | None = None
    text: str | None = None
    media: list[dict[str, object]] = []
    reply_to: str | None = None
    part: int = 0
    parts: int | None = None
    segments: int | None = None
    code: str | None = None
    description: str | None = None


_BODY = reading.Shape(_Body)
_ITEM = reading.Shape(_Item)


class _Items(reading.Walk):
    """Reads one callback; made anew for each."""

    def body(self, body: bytes) -> None:
        """Read the items. Raises StrictJsonError for a body that is no object."""
        self.each(_BODY.read(body).items or b"null", "/items", self._item)

    def _item(self, fragment: msgspec.Raw, where: str) -> None:
        item = _ITEM.read(self.sound(fragment))
        at = reading.unix_ms(item.at)
        if item.type not in ("status", "received", "consent"):
            self.unrecognised(reading.kind_of("simulator", item.type), fragment, at)
        elif reading.text(item.id) is None:
            self.unmatched("an item without the id of its message", f"{where}/id")
        elif item.type == "received":
            self._inbound(item, at)
        elif item.type == "consent":
            self._consent(item, fragment, where, at)
        elif item.status not in STATUS:
            self.unrecognised("simulator.status", fragment, at)
        else:
            self._report(item, at)

    def _report(self, item: _Item, at: int | None) -> None:
        status, part = STATUS[item.status], reading.count(item.part) or 0
        error = None
        if status == "failed" or item.code is not None:
            error = simulator_send.ERROR_TABLE.failure(item.code, item.description)[1]
        self.add(
            Report(
                message_id=item.id,
                status=status,
                key=f"{item.id}:{item.status}" + (f":{part}" if part else ""),
                occurred_at=at,
                to=reading.text(item.to),
                from_=reading.text(item.from_),
                channel=reading.text(item.channel, reading.KIND_MAX),
                reference=reading.text(item.reference, reading.REFERENCE_MAX),
                error=error,
                provider_status=item.status,
                part=part,
                parts=reading.count(item.parts),
                segments=reading.count(item.segments),
            )
        )

    def _consent(self, item: _Item, fragment: msgspec.Raw, where: str, at: int | None) -> None:
        word, person = _WORDS.get(item.word), reading.text(item.from_)
        if word is None:
            self.unrecognised("simulator.consent", fragment, at)
        elif person is None:
            self.unmatched("a consent that does not say whose it is", f"{where}/from")
        else:
            evidence = {"message_id": item.id, "keyword": reading.text(item.text)}
            self.add(
                Consent(
                    address=person,
                    word=word,
                    key=f"{item.id}:{word}",
                    occurred_at=at,
                    channel=reading.text(item.channel, reading.KIND_MAX),
                    sender=reading.text(item.to),
                    evidence={name: said for name, said in evidence.items() if said},
                )
            )

    def _inbound(self, item: _Item, at: int | None) -> None:
        self.add(
            Inbound(
                message_id=item.id,
                key=f"{item.id}:received",
                from_=reading.text(item.from_),
                to=reading.text(item.to),
                content=_content(item),
                channel=reading.text(item.channel, reading.KIND_MAX) or "sms",
                occurred_at=at,
                reply_to=reading.text(item.reply_to),
                reference=reading.text(item.reference, reading.REFERENCE_MAX),
                segments=reading.count(item.segments),
            )
        )


class Simulator(Provider):
    """The adapter; it holds no state."""

    name: ClassVar[str] = "simulator"
    label: ClassVar[str] = "Simulator"
    channels: ClassVar[tuple[str, ...]] = ("sms", "mms", "whatsapp", "rcs")
    documentation: ClassVar[str] = ""
    Config: ClassVar[type[ProviderConfig]] = SimulatorConfig
    STATUS = STATUS
    ERRORS = simulator_send.ERRORS
    simulated: ClassVar[tuple[Status, ...]] = (*STATUS.values(), "received")
    sends: ClassVar[tuple[str, ...]] = ("text", "media")
    refusals: ClassVar[tuple[str, ...]] = simulator_send.REFUSALS
    repeats: ClassVar[str] = "never"
    setup: ClassVar[str] = (
        "There is nothing to enter anywhere: it is a provider of our own, for trying things out. "
        "`ringback simulate` makes a connection to it when there is none."
    )

    def verify(self, callback: Callback, config: SimulatorConfig, now_ms: int) -> Verification:
        """Check the signature over time and body, and that the time is within 300 s of ours."""
        if callback.method != "POST":
            return failed("the method is not POST")
        given, fault = only(callback, HEADER)
        if given is None:
            return failed(fault)
        found = _SIGNATURE.fullmatch(given)
        if found is None:
            return failed(f"{HEADER} is not t=seconds,v1=64 lower-case hex digits")
        if not config.secret:
            return failed("the connection has no secret")
        expected = _signature(found[1], callback.body, config)
        if not hmac.compare_digest(expected, found[2]):
            return failed("the signature does not match the time and body")
        if abs(int(found[1]) * 1000 - now_ms) > TOLERANCE_MS:
            return failed("signed more than 300 s before or after now")
        return Verification("ok", f"{HEADER} matches the time and body")

    def parse(self, callback: Callback, config: SimulatorConfig) -> Parsed:
        """Read every item of a callback."""
        del config
        return _Items().read(callback.body)

    def reply(
        self, callback: Callback, config: SimulatorConfig, verification: Verification
    ) -> HttpResponse:
        """Answer 200 or 401, and nothing."""
        del callback, config
        return HttpResponse(200 if verification.verdict == "ok" else 401)

    def sign(self, body: bytes, config: SimulatorConfig, now_ms: int) -> Headers:
        """Sign a body for the second of `now_ms`."""
        at = str(now_ms // 1000)
        return ((HEADER, f"t={at},v1={_signature(at, body, config)}"),)

    def send(self, message: OutboundMessage, config: SimulatorConfig) -> SendFlow:
        """Describe a send: one request to a reserved name."""
        del config
        return simulator_send.send(message)

    def fake(self, request: HttpRequest, config: SimulatorConfig, how: Fake) -> Faked | None:
        """Answer a send as it is asked to."""
        del config
        return simulator_send.fake(request, how)

    def simulate(
        self, message: OutboundMessage, status: Status, config: SimulatorConfig, url: str
    ) -> HttpRequest:
        """Make a signed callback for a status of `message`, or for its arrival from a person."""
        return self.simulate_batch((message,), status, config, url)

    def simulate_batch(
        self,
        messages: tuple[OutboundMessage, ...],
        status: Status,
        config: SimulatorConfig,
        url: str,
    ) -> HttpRequest:
        """Make one signed callback that tells of several messages."""
        if status not in self.simulated:
            raise CannotSimulateError(f"the simulator never reports {status}")
        items = [_item(message, status, config) for message in messages]
        if status == "received":
            items += [found for one in messages if (found := _consent_item(one)) is not None]
        body = msgspec.json.encode({"items": items})
        headers = (("Content-Type", "application/json"),)
        signed = self.sign(body, config, max(message.at_ms for message in messages))
        return HttpRequest("POST", url, headers + signed, body)


def plan(
    message: OutboundMessage,
    config: SimulatorConfig,
    url: str,
    chance: random.Random | None = None,
) -> list[Scheduled]:
    """Say which callbacks a provider with these habits would post for `message`, and when.

    `message.at_ms` is when the provider took it. Without `chance`, the habits follow from the
    config's seed and the message, so that a run can be repeated. At most two callbacks for each
    status, ordered by time; the last one comes within (statuses + 1) x `delay_ms`.
    """
    source = f"{config.seed}|{_identify(message)}"
    dice = chance or random.Random(source)  # noqa: S311 - habits, not secrets
    life = _LIVES[config.outcome]
    moments = [config.delay_ms * (place + 1) for place in range(len(life))]
    posted = list(moments)
    for place in range(len(life) - 1):
        if dice.random() < config.reorder:
            posted[place], posted[place + 1] = posted[place + 1], posted[place]
    scheduled: list[Scheduled] = []
    for status, happened, after in zip(life, moments, posted, strict=True):
        if dice.random() < config.loss:
            continue
        again = dice.random() < config.duplicate
        later = after + int(config.delay_ms * dice.random())
        fact = _item(_at(message, happened), status, config)
        body = msgspec.json.encode({"items": [fact]})
        for when in (after, later) if again else (after,):
            signed = SIMULATOR.sign(body, config, message.at_ms + when)
            headers = (("Content-Type", "application/json"), *signed)
            scheduled.append(Scheduled(when, status, HttpRequest("POST", url, headers, body)))
    return sorted(scheduled, key=lambda one: one.after_ms)


def _at(message: OutboundMessage, after_ms: int) -> OutboundMessage:
    return msgspec.structs.replace(
        message, at_ms=message.at_ms + after_ms, message_id=_identify(message)
    )


def _content(item: _Item) -> dict[str, object]:
    text = reading.clipped(item.text) or ""
    if not item.media:
        return {"kind": "text", "text": text}
    files = [
        {name: value for name in _FILE if (value := reading.text(found.get(name))) is not None}
        for found in item.media[:MEDIA_MAX]
    ]
    return {"kind": "media", "media": files, **({"text": text} if text else {})}


def _signature(at: str, body: bytes, config: SimulatorConfig) -> str:
    return hmac.digest(config.secret.encode(), at.encode() + b"." + body, hashlib.sha256).hex()


def _identify(message: OutboundMessage) -> str:
    if message.message_id:
        return message.message_id
    return "sim_" + reading.fingerprint(
        message.to, message.from_, message.text, message.reference or "", str(message.at_ms)
    )


def _item(message: OutboundMessage, status: Status, config: SimulatorConfig) -> dict[str, object]:
    item: dict[str, object] = {
        "type": "received" if status == "received" else "status",
        "id": _identify(message),
        "at": message.at_ms,
        "from": message.from_,
        "to": message.to,
        "channel": message.channel,
    }
    if message.reference:
        item["reference"] = message.reference
    if status == "received":
        media = message.content.get("media")
        return {**item, "text": message.text, **({"media": media} if media else {})}
    if status == "failed":
        code = message.error_code or config.code
        item |= {"code": code, "description": "As told to the simulator"}
    return {**item, "status": status}


def _consent_item(message: OutboundMessage) -> dict[str, object] | None:
    """Make what a provider tells beside a keyword; None for any other text."""
    word = KEYWORDS.get(message.text.strip().upper())
    if word is None:
        return None
    return {
        "type": "consent", "id": _identify(message), "word": word, "at": message.at_ms,
        "from": message.from_, "to": message.to, "channel": message.channel,
        "text": message.text.strip(),
    }  # fmt: skip


SIMULATOR = Simulator()
