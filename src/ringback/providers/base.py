"""What a provider adapter is: verify, parse, reply, send, simulate; all of it without I/O.

An adapter is one file with one class and one folder of payloads. It is given bytes and values and
gives values back; it opens no socket, reads no clock and keeps no state.
"""

from collections.abc import Generator
from typing import Any, ClassVar, Literal

import msgspec

from ringback.domain.calls import CallWord, Reason
from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse, Verdict
from ringback.domain.messages import Direction, ErrorClass, Failure, Status
from ringback.domain.orders import OrderStatus

# Marks a config field whose value is never shown, logged or stored in plain text.
SECRET: dict[str, object] = {"secret": True}


class ProviderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every `Config`. Its repr shows no value, so that none ends in a log."""

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__} of {type(self).__module__}>"


def secret(description: str, limit: int = 256) -> msgspec.Meta:
    """Annotate a secret config field: never empty, at most `limit` characters, never shown."""
    return msgspec.Meta(
        min_length=1,
        max_length=limit,
        pattern=r"^[ -~]*$(?!\n)",
        description=description,
        extra=SECRET,
    )


class CannotSimulateError(ValueError):
    """This provider never reports the status that was asked for."""


class Verification(msgspec.Struct, frozen=True):
    """What `verify` found: only `ok` may be parsed.

    `challenge` asks the provider to come back with credentials (counted, not listed) and
    `handshake` answers a set-up request. `reason` says in words what was checked and why it
    failed; it never contains a secret.
    """

    verdict: Verdict
    reason: str = ""


class Report(msgspec.Struct, frozen=True):
    """A provider's statement about the status of one outbound message to one recipient.

    `key` is what the provider identifies the statement by, without its time. `recipient` is set
    where one provider id covers several recipients: then it belongs to the message's identity.
    `occurred_at` is in milliseconds since 1970, None where the provider sends no time.
    """

    message_id: str
    status: Status
    key: str
    occurred_at: int | None = None
    recipient: str | None = None
    to: str | None = None
    from_: str | None = None
    channel: str | None = None
    reference: str | None = None
    error: Failure | None = None
    provider_status: str | None = None
    weak: bool = False
    part: int = 0
    parts: int | None = None
    segments: int | None = None
    carrier: dict[str, str] | None = None
    cost: dict[str, str] | None = None
    purpose: str | None = None
    campaign: str | None = None
    tags: list[str] = []
    metadata: dict[str, str] = {}
    content: dict[str, object] | None = None


class Inbound(msgspec.Struct, frozen=True):
    """A message from a person. `content` holds `kind` and whatever that kind carries."""

    message_id: str
    key: str
    from_: str | None
    to: str | None
    content: dict[str, object]
    channel: str
    occurred_at: int | None = None
    recipient: str | None = None
    reply_to: str | None = None
    reference: str | None = None
    segments: int | None = None


class CallReport(msgspec.Struct, frozen=True):
    """A provider's statement about a call: its status, or something that happened to it."""

    call_id: str
    word: CallWord
    key: str
    occurred_at: int | None = None
    direction: Direction = "outbound"
    from_: str | None = None
    to: str | None = None
    reference: str | None = None
    reason: Reason | None = None
    duration_s: int | None = None
    forwarded_to: str | None = None
    input: dict[str, str] | None = None
    recording: dict[str, str] | None = None


class OrderReport(msgspec.Struct, frozen=True):
    """A provider's statement about an order of numbers; `numbers` are those that are done."""

    order_id: str
    status: OrderStatus
    key: str
    occurred_at: int | None = None
    kind: str | None = None
    provider_status: str | None = None
    reference: str | None = None
    numbers: list[str] = []
    partial: bool = False
    error: Failure | None = None


class Unrecognised(msgspec.Struct, frozen=True):
    """Something well-formed that this adapter has no word for: emitted as it came."""

    kind: str
    key: str
    fragment: msgspec.Raw
    occurred_at: int | None = None


class Unparsed(msgspec.Struct, frozen=True):
    """A piece that could not be read: why, and where (a JSON pointer, or "" for the whole)."""

    reason: str
    pointer: str = ""
    # True when it was readable but named no message that it could be joined to.
    unmatched: bool = False


Item = Report | Inbound | CallReport | OrderReport | Unrecognised


class Parsed(msgspec.Struct, frozen=True):
    """What `parse` made of one callback; one bad item costs only itself."""

    items: tuple[Item, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()


class OutboundMessage(msgspec.Struct, frozen=True):
    """What `send` and `simulate` are given: a message as far as a provider needs to know it."""

    to: str
    from_: str
    channel: str
    text: str = ""
    message_id: str = ""
    reference: str | None = None
    at_ms: int = 0


class SendResult(msgspec.Struct, frozen=True):
    """What became of a send: the provider's ids, or why it refused.

    `uncertain` means that the provider may have taken it: it must not be sent again blindly.
    `recipient` belongs to the message's identity, as in `Report`: with it the key is (id,
    recipient), without it the id alone.
    """

    outcome: Literal["submitted", "refused", "throttled", "uncertain"]
    message_ids: tuple[str, ...] = ()
    error: Failure | None = None
    recipient: str | None = None


SendFlow = Generator[HttpRequest, HttpResponse, SendResult]


class ErrorRule(msgspec.Struct, frozen=True):
    """One row of an ERRORS table: what a provider's code means in our words.

    The table's keys are codes ("4720") or ranges of codes ("4700-4799"); see `error_table`.
    """

    class_: ErrorClass
    code: str
    retryable: bool = False
    stage: Literal["rejected", "undeliverable"] = "undeliverable"
    status: Status = "failed"

    def failure(self, provider_code: str | None, description: str | None) -> Failure:
        """Make the canonical error for a provider's code and its own description."""
        return Failure(
            class_=self.class_,
            code=self.code,
            retryable=self.retryable,
            provider_code=provider_code,
            description=description,
            stage=self.stage,
        )


class Provider:
    """One provider. Subclasses declare the class variables and override the methods.

    `Config` is a msgspec Struct: its annotations carry help text and `SECRET` marks, from which
    validation, redaction, the form and the documentation are derived. `documentation` is the
    provider's own page, "" where there is none; `simulated` lists what `simulate` can make.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    channels: ClassVar[tuple[str, ...]]
    documentation: ClassVar[str]
    Config: ClassVar[type[ProviderConfig]]
    STATUS: ClassVar[dict[str, Status]] = {}
    ERRORS: ClassVar[dict[str, ErrorRule]] = {}
    simulated: ClassVar[tuple[Status, ...]] = ()
    # Callers prove themselves with an API key, and are told what is wrong with what they post.
    keyed: ClassVar[bool] = False

    def verify(self, callback: Callback, config: Any, now_ms: int) -> Verification:
        """Say whether the callback really comes from the provider. Raises nothing for content."""
        raise NotImplementedError

    def parse(self, callback: Callback, config: Any) -> Parsed:
        """Read a verified callback. Tolerant: raises nothing, whatever the bytes are."""
        raise NotImplementedError

    def reply(self, callback: Callback, config: Any, verification: Verification) -> HttpResponse:
        """Make the answer this provider wants for a verdict, once everything is stored."""
        raise NotImplementedError

    def send(self, message: OutboundMessage, config: Any) -> SendFlow:
        """Describe the requests that send a message, one `yield` a request."""
        raise NotImplementedError

    def sign(self, body: bytes, config: Any, now_ms: int) -> Headers:
        """Make the headers that authenticate a callback's body as the provider would."""
        raise NotImplementedError

    def authenticate(self, request: HttpRequest, config: Any, now_ms: int) -> HttpRequest:
        """Return a callback with what proves where it comes from, as the provider would send it.

        Here the headers of `sign`, in place of those that are called the same. A provider whose
        proof covers more than the body, or is no header, overrides this.
        """
        return with_headers(request, self.sign(request.body, config, now_ms))

    def covers(self, config: Any) -> tuple[str, bool]:
        """Say in words what proves where a callback comes from, and whether the URL is signed.

        A signed URL must be known exactly as the provider calls it. Here: the body alone.
        """
        del config
        return "the signature covers the body, and not the URL", False

    def conceal(self, callback: Callback, config: Any) -> Callback:
        """Return the callback as it may be kept: without the credentials that came with it.

        `Authorization` and cookies are hidden whatever the provider; here is what else would let
        somebody in who reads it.
        """
        del config
        return callback

    def simulate(
        self, message: OutboundMessage, status: Status, config: Any, url: str
    ) -> HttpRequest:
        """Make a callback as this provider would post it to `url`, correctly signed.

        `message.at_ms` is both the time of the status and of the signature. Raises
        CannotSimulateError for a status that is not in `simulated`.
        """
        raise NotImplementedError


def with_headers(request: HttpRequest, headers: Headers) -> HttpRequest:
    """Return a request with these headers last, in place of those that are called the same."""
    names = {name.lower() for name, _ in headers}
    kept = tuple(header for header in request.headers if header[0].lower() not in names)
    return msgspec.structs.replace(request, headers=kept + headers)
