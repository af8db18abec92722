"""What a provider adapter is: verify, parse, reply, send, simulate; all of it without I/O.

An adapter is one file with one class and one folder of payloads. It is given bytes and values and
gives values back; it opens no socket, reads no clock and keeps no state.
"""

from collections.abc import Generator
from typing import Any, ClassVar, Literal

import msgspec

from ringback.domain.calls import CallWord, Reason
from ringback.domain.consent import ConsentWord
from ringback.domain.http import Callback, Headers, HttpRequest, HttpResponse, Verdict
from ringback.domain.messages import Direction, ErrorClass, Failure, Status
from ringback.domain.orders import OrderStatus

# Marks a config field whose value is never shown, logged or stored in plain text.
SECRET: dict[str, object] = {"secret": True}
# What whoever makes a connection chooses, and enters at the provider as well.
CHOSEN: dict[str, object] = {"chosen": True}


class ProviderConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every `Config`. Its repr shows no value, so that none ends in a log."""

    def faults(self) -> list[tuple[str, str]]:
        """Return what types alone cannot say is wrong: JSON pointers and words, without values."""
        return []

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__} of {type(self).__module__}>"


def secret(description: str, limit: int = 256, *, chosen: bool = False) -> msgspec.Meta:
    """Annotate a secret config field, never shown; a `chosen` one is ours, and entered there."""
    return msgspec.Meta(
        min_length=1, max_length=limit, pattern=r"^[ -~]*$(?!\n)", description=description,
        extra={**SECRET, **CHOSEN} if chosen else SECRET,
    )  # fmt: skip


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
    """A message from a person. `content` holds `kind` and whatever that kind carries.

    `reply_to` is the provider's id of the message that it answers, and `reply_recipient` what
    `recipient` is in that one's reports. `unnamed`: there is neither an id nor a time, and
    `message_id` is only a fingerprint of what it says; the same on another day is another message.
    """

    message_id: str
    key: str
    from_: str | None
    to: str | None
    content: dict[str, object]
    channel: str
    occurred_at: int | None = None
    recipient: str | None = None
    reply_to: str | None = None
    reply_recipient: str | None = None
    reference: str | None = None
    segments: int | None = None
    unnamed: bool = False


class CallReport(msgspec.Struct, frozen=True):
    """A provider's statement about a call: its status, something that happened to it, `details`."""

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
    details: dict[str, str] | None = None


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


class Consent(msgspec.Struct, frozen=True):
    """A provider's statement that a person wants no more messages, or wants them again.

    `address` is the person's: a number with its +, or an id of `kind`. `sender` is whose messages
    it is about (None: the whole account's), `purpose` which of them (None: all). `evidence` says
    what it rests on: `keyword`, `provider_word`, `provider_code`, `message_id` of the message that
    said it, whose `recipient` it is. `unnamed` as of an `Inbound`: `key` holds no id either.
    """

    address: str
    word: ConsentWord
    key: str
    occurred_at: int | None = None
    kind: str = "phone"
    channel: str | None = None
    sender: str | None = None
    purpose: str | None = None
    evidence: dict[str, str] = {}
    recipient: str | None = None
    unnamed: bool = False


NoticeType = Literal[
    "link.previewed", "link.clicked", "sender.status_changed", "template.status_changed"
]


class Notice(msgspec.Struct, frozen=True):
    """A provider's statement about a link, a sender or a template: an event that happens once.

    `data` is the event's object, under its family's name (`link` …), with the fields of its schema.
    `message_id` and `recipient` name its message as in `Report`, `unnamed` is as in `Consent`.
    """

    type: NoticeType
    key: str
    data: dict[str, object]
    occurred_at: int | None = None
    message_id: str | None = None
    recipient: str | None = None
    unnamed: bool = False


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


Item = Report | Inbound | CallReport | OrderReport | Consent | Notice | Unrecognised


class Parsed(msgspec.Struct, frozen=True):
    """What `parse` made of one callback; one bad item costs only itself."""

    items: tuple[Item, ...] = ()
    unparsed: tuple[Unparsed, ...] = ()


class OutboundMessage(msgspec.Struct, frozen=True):
    """What `send`, `fake` and `simulate` deal in: a message as far as a provider needs to know it.

    `content` is what is more than `text`, in the words of a message's own content: its `kind`
    (`media` with `media: [{url, content_type?, filename?}]`, `template` with `name`, `language`,
    `parameters`) and what that kind carries. `validity_s` is for how many seconds the provider may
    try; `callback_url` where reports of this message go, where a provider takes that for each
    message. `at_ms` is the time of what is simulated, and now for a send whose provider wants the
    moment at which `validity_s` ends. `error_code` is for `simulate`: the provider's code of a
    failure.
    """

    to: str
    from_: str
    channel: str
    text: str = ""
    message_id: str = ""
    reference: str | None = None
    at_ms: int = 0
    content: dict[str, object] = {}
    validity_s: int | None = None
    callback_url: str | None = None
    error_code: str | None = None


class SendResult(msgspec.Struct, frozen=True):
    """What became of a send: the provider's ids, or why it refused.

    `uncertain` means that the provider may have taken it: it must not be sent again blindly.
    `recipient` belongs to the message's identity, as in `Report`: with it the key is (id,
    recipient), without it the id alone. `wait_s` is how long a throttled sender is to wait, where
    the provider says so.
    """

    outcome: Literal["submitted", "refused", "throttled", "uncertain"]
    message_ids: tuple[str, ...] = ()
    error: Failure | None = None
    recipient: str | None = None
    wait_s: float | None = None


class TokenRequest(msgspec.Struct, frozen=True):
    """A request for an access token, whose answer is used again for as long as it is good.

    Whoever drives the flow may answer with what an earlier request like this one brought, until
    the `expires_in` seconds of that answer are nearly over. `refused`: that one was not taken, so
    a new one is fetched.
    """

    request: HttpRequest
    refused: bool = False


SendFlow = Generator[HttpRequest | TokenRequest, HttpResponse, SendResult]
BatchFlow = Generator[HttpRequest | TokenRequest, HttpResponse, tuple[SendResult, ...]]


class MediaRefused(msgspec.Struct, frozen=True):
    """A provider's media that cannot be had: why, and whether to try again later."""

    reason: str
    retryable: bool = False


# Ends with the request whose answer is the file itself.
MediaFlow = Generator[HttpRequest | TokenRequest, HttpResponse, HttpRequest | MediaRefused]


class Checked(msgspec.Struct, frozen=True):
    """Whether a provider takes the credentials that messages are sent with; the words say more."""

    ok: bool
    detail: str


# Ends with what a provider thinks of credentials.
CheckFlow = Generator[HttpRequest | TokenRequest, HttpResponse, Checked]


class Fake(msgspec.Struct, frozen=True):
    """How a faked send API behaves: what becomes of a request, and what ids are made of.

    `outcome` is `accepted`; `refused`, with the provider's `code` where one is named; `throttled`;
    or `broken`, an error of the provider's own. `seed` is 32 hex digits, others for each request.
    """

    seed: str
    now_ms: int
    outcome: Literal["accepted", "refused", "throttled", "broken"] = "accepted"
    code: str | None = None


class Faked(msgspec.Struct, frozen=True):
    """What a faked send API answers, and the messages that it took, with the ids it gave them."""

    response: HttpResponse
    messages: tuple[OutboundMessage, ...] = ()


class ErrorRule(msgspec.Struct, frozen=True):
    """One row of an ERRORS table: what a provider's code means in our words.

    The table's keys are codes ("4720") or ranges of codes ("4700-4799"); see `error_table`.
    `opt_out`: it also says that the person wants no more messages.
    """

    class_: ErrorClass
    code: str
    retryable: bool = False
    stage: Literal["rejected", "undeliverable"] = "undeliverable"
    status: Status = "failed"
    opt_out: bool = False

    def failure(self, provider_code: str | None, description: str | None) -> Failure:
        """Make the canonical error for a provider's code and its own description."""
        return Failure(
            class_=self.class_, code=self.code, retryable=self.retryable, stage=self.stage,
            provider_code=provider_code, description=description, opt_out=self.opt_out,
        )  # fmt: skip


class Provider:
    """One provider. Subclasses declare the class variables and override the methods.

    `Config` is a msgspec Struct: its annotations carry help text and `SECRET` marks, from which
    validation, redaction, the form and the documentation are derived. `documentation` is the
    provider's own page, "" where there is none; `simulated` lists what `simulate` can make,
    `sends` the kinds of content that `send` takes, and `refusals` codes that its send API refuses
    with, for trying them. `setup` tells people what to enter at the provider and `notes` what is
    odd about it: Markdown, for the page in the documentation. `repeats` says in a few words when it
    posts a callback again that was not taken, "" where it does not publish that.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    channels: ClassVar[tuple[str, ...]]
    documentation: ClassVar[str]
    Config: ClassVar[type[ProviderConfig]]
    STATUS: ClassVar[dict[str, Status]] = {}
    ERRORS: ClassVar[dict[str, ErrorRule]] = {}
    # Statuses that no word in STATUS and no code in ERRORS stands for.
    tells: ClassVar[tuple[Status, ...]] = ()
    # Whether messages from people come through it.
    inbound: ClassVar[bool] = True
    simulated: ClassVar[tuple[Status, ...]] = ()
    sends: ClassVar[tuple[str, ...]] = ()
    refusals: ClassVar[tuple[str, ...]] = ()
    batch_max: ClassVar[int] = 1
    opt_outs_by_sender: ClassVar[bool] = True  # what errors tell of; else for the whole account
    setup: ClassVar[str] = ""
    notes: ClassVar[str] = ""
    repeats: ClassVar[str] = ""
    # Callers prove themselves with an API key, and are told what is wrong with what they post.
    keyed: ClassVar[bool] = False
    # Config fields that say where secrets are sent, and which: who changes one gives those again.
    destinations: ClassVar[dict[str, tuple[str, ...]]] = {}

    @property
    def faked(self) -> bool:
        """Whether messages can be sent through it, and its send API be faked."""
        return bool(self.sends) and type(self).fake is not Provider.fake

    @property
    def batches(self) -> bool:
        """Whether one callback may tell of several messages."""
        return type(self).simulate_batch is not Provider.simulate_batch

    def verify(self, callback: Callback, config: Any, now_ms: int) -> Verification:
        """Say whether the callback really comes from the provider. Raises nothing for content."""
        raise NotImplementedError

    def explain(self, callback: Callback, config: Any, now_ms: int) -> str | None:
        """Say in words why a callback may have been refused, and how to mend it; None: no idea.

        Asked when none of the usual causes (URL, secret, clock, rewritten body) has been found to
        fit. It never contains a secret, or a signature that would be right.
        """
        del callback, config, now_ms
        return None

    def parse(self, callback: Callback, config: Any) -> Parsed:
        """Read a verified callback. Tolerant: raises nothing, whatever the bytes are."""
        raise NotImplementedError

    def reply(self, callback: Callback, config: Any, verification: Verification) -> HttpResponse:
        """Make the answer this provider wants for a verdict, once everything is stored."""
        raise NotImplementedError

    def send(self, message: OutboundMessage, config: Any) -> SendFlow:
        """Describe the requests that send a message, one `yield` a request."""
        raise NotImplementedError

    def send_batch(self, messages: tuple[OutboundMessage, ...], config: Any) -> BatchFlow:
        """Describe the requests that send up to `batch_max` messages, with a result for each."""
        raise NotImplementedError

    def media(self, found: dict[str, object], config: Any) -> MediaFlow:
        """Describe how an inbound message's file is fetched; `found` is its entry in `media`.

        Here: from its `url`, without credentials.
        """
        del config
        yield from ()
        url = found.get("url")
        return HttpRequest("GET", url) if isinstance(url, str) else MediaRefused("it has no URL")

    def check(self, config: Any) -> CheckFlow | None:
        """Describe a request that shows whether the provider takes our credentials.

        It changes nothing there. None: there is no such request, or nothing to show yet.
        """
        del config
        return None

    def fake(self, request: HttpRequest, config: Any, how: Fake) -> Faked | None:
        """Answer a request as the provider's own send API would; None: it has no such address.

        The host of the URL is not looked at. What `send` makes is understood, and so is what the
        provider's own libraries send.
        """
        del request, config, how
        return None

    def url_to_enter(self, url: str, config: Any) -> str:
        """Return a callback URL as it is entered there: with the proof where that stands in it."""
        del config
        return url

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

        `Authorization` and cookies are hidden anyway; here is what else would let a reader in.
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

    def simulate_batch(
        self, messages: tuple[OutboundMessage, ...], status: Status, config: Any, url: str
    ) -> HttpRequest:
        """Make one callback that tells of several messages. Raises CannotSimulateError.

        For providers that report so.
        """
        del messages, status, config, url
        raise CannotSimulateError(f"{self.label} reports every message by itself.")


def with_headers(request: HttpRequest, headers: Headers) -> HttpRequest:
    """Return a request with these headers last, in place of those that are called the same."""
    names = {name.lower() for name, _ in headers}
    kept = tuple(header for header in request.headers if header[0].lower() not in names)
    return msgspec.structs.replace(request, headers=kept + headers)
