"""The contract of a send, over every provider: what is sent, its fake takes, and reports join it.

`send` describes requests, `fake` answers them as the provider would, `send` reads the answers, and
`simulate` makes the callbacks: the four have to agree about ids, recipients and codes.
"""

from typing import Literal

import msgspec
import pytest

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.domain.messages import Status
from ringback.providers.base import (
    CannotSimulateError,
    Fake,
    Inbound,
    MediaRefused,
    OutboundMessage,
    Provider,
    ProviderConfig,
    Report,
    SendResult,
    TokenRequest,
)
from ringback.providers.config import secret_fields
from ringback.providers.error_table import ErrorTable
from ringback.providers.placeholders import filled
from ringback.providers.reading import fingerprint
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS

from .cases import READERS, arrived, config_of, sendable
from .driving import Asked, driven

SENDING = [provider for provider in PROVIDERS.values() if provider.faked]
URL = "https://hooks.example/in/example"
Outcome = Literal["accepted", "refused", "throttled", "broken"]
by_sending = pytest.mark.parametrize("provider", SENDING, ids=lambda one: one.name)


class Api:
    """A provider's fake as `/fake/{token}` serves it: what takes no message is never refused."""

    def __init__(
        self, provider: Provider, outcome: Outcome = "accepted", code: str | None = None
    ) -> None:
        self.provider, self.outcome, self.code = provider, outcome, code
        self.config: ProviderConfig = filled(config_of(provider))
        self.taken: list[OutboundMessage] = []
        self.seen = 0

    def __call__(self, asked: Asked) -> HttpResponse:
        """Answer one request."""
        request = asked.request if isinstance(asked, TokenRequest) else asked
        self.seen += 1
        how = Fake(fingerprint(str(self.seen)), NOW_MS)
        found = self.provider.fake(request, self.config, how)
        assert found is not None, f"{request.method} {request.url} is not known to the fake"
        if found.messages and self.outcome != "accepted":
            how = Fake(how.seed, NOW_MS, self.outcome, self.code)
            found = self.provider.fake(request, self.config, how)
            assert found is not None
            assert () == found.messages
        elif self.code is not None:
            found = self.provider.fake(request, self.config, Fake(how.seed, NOW_MS, code=self.code))
            assert found is not None
        self.taken += found.messages
        return found.response

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message to the fake."""
        return driven(self.provider.send(message, self.config), self)[0]


def example(provider: Provider, kind: str) -> OutboundMessage:
    """Make a message of a kind of content that a provider sends."""
    if kind == "text":
        return sendable(provider)
    channel = "rcs" if kind in ("card", "carousel") else provider.channels[0]
    content = OWN.get((provider.name, kind)) or EXAMPLES[kind]
    return sendable(provider, channel=channel, text="", content={"kind": kind, **content})


# What a message of each kind carries. Kind: its content, beside the kind itself.
EXAMPLES: dict[str, dict[str, object]] = {
    "media": {"media": [{"url": "https://files.example/one.png", "content_type": "image/png"}]},
    "template": {"name": "reminder", "language": "en", "parameters": ["Ada", "10:30"]},
    "location": {"location": {"latitude": 51.5, "longitude": -0.1}},
    "contacts": {"contacts": [{"name": {"formatted_name": "Ada"}}]},
    "reaction": {"reaction": {"message_id": "wamid.theirs", "emoji": "👍"}},
    "interactive": {
        "interactive": {
            "type": "button",
            "body": {"text": "Come?"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "Yes"}}]},
        }
    },
    "card": {"title": "One", "text": "First"},
    "carousel": {"cards": [{"title": "One"}, {"title": "Two"}]},
}
# Providers that name things in their own way.
OWN: dict[tuple[str, str], dict[str, object]] = {
    ("twilio", "template"): {"name": f"HX{'0' * 32}", "parameters": ["Ada", "10:30"]},
}
KINDS = [(provider, kind) for provider in SENDING for kind in provider.sends]


@pytest.mark.parametrize(
    ("provider", "kind"), KINDS, ids=lambda one: one if isinstance(one, str) else one.name
)
def test_what_can_be_sent_is_taken(provider: Provider, kind: str) -> None:
    """With an id for what was taken, which is whom and what the message said."""
    api = Api(provider)
    message = example(provider, kind)
    result = api.send(message)
    assert "submitted" == result.outcome, result
    assert result.message_ids
    assert None is result.error
    (taken,) = api.taken
    assert result.message_ids[0] == taken.message_id
    assert message.to.lstrip("+") == taken.to.rpartition(":")[2].lstrip("+")
    assert taken.reference in (message.reference, None)
    if kind == "text":
        assert message.text == taken.text
    assert result.message_ids != Api.send(_later(api), message).message_ids


def _later(api: Api) -> Api:
    api.seen += 100
    return api


@by_sending
def test_a_batch_is_taken_message_by_message(provider: Provider) -> None:
    """Each gets an id of its own and its own result, in order."""
    if provider.batch_max == 1:
        return
    messages = tuple(sendable(provider, to=f"+1555010013{n}", reference=f"r{n}") for n in range(3))
    api = Api(provider)
    results, _ = driven(provider.send_batch(messages, api.config), api)
    assert ["submitted"] * 3 == [result.outcome for result in results]
    assert [one.message_id for one in api.taken] == [one.message_ids[0] for one in results]
    assert 3 == len({(one.message_ids[0], one.recipient) for one in results})


REFUSED = [(provider, code) for provider in SENDING for code in provider.refusals]


@pytest.mark.parametrize(
    ("provider", "code"), REFUSED, ids=lambda one: one if isinstance(one, str) else one.name
)
def test_a_refusal_is_read_as_the_table_says(provider: Provider, code: str) -> None:
    """The fake refuses with the code, and `send` understands it as a report would be."""
    result = Api(provider, "refused", code).send(sendable(provider))
    error = result.error
    assert error is not None
    limit = error.class_ == "throttled"
    assert ("throttled" if limit else "refused", "rejected") == (result.outcome, error.stage)
    table = ErrorTable(provider.ERRORS)
    if table.row(code) is not None:
        rule = table.rule(code)
        assert (code, rule.class_, rule.code, rule.opt_out) == (
            error.provider_code, error.class_, error.code, error.opt_out,
        )  # fmt: skip


@by_sending
def test_a_refusal_without_a_code_is_one(provider: Provider) -> None:
    """Whoever asks for any refusal gets one that is known."""
    assert provider.refusals
    result = Api(provider, "refused").send(sendable(provider))
    assert "refused" == result.outcome
    assert result.error is not None
    assert result.error.class_ != "unknown"


# Sends through these carry no credentials.
OPEN = {"simulator"}


@by_sending
def test_wrong_credentials_are_refused(provider: Provider) -> None:
    """Whichever of the credentials that a send carries is another: the fake says so, not taken.

    It is the provider's own refusal, which `send` reads as `unauthorised`. The right ones are
    taken, and a fake whose connection has none takes nobody's.
    """
    own, refused = Api(provider).config, set()
    for wrong in _with_another_secret(own):
        api = Api(provider)
        result = driven(provider.send(sendable(provider), wrong), api)[0]
        if result.outcome == "submitted":
            continue
        assert ("refused", []) == (result.outcome, api.taken)
        assert result.error is not None
        assert ("platform", "unauthorised", False) == (
            result.error.class_, result.error.code, result.error.retryable,
        )  # fmt: skip
        refused.add(str(result))
    assert bool(refused) == (provider.name not in OPEN)
    assert "submitted" == Api(provider).send(sendable(provider)).outcome
    if refused:
        bare = Api(provider)
        bare.config = _without_credentials(own)
        result = driven(provider.send(sendable(provider), own), bare)[0]
        assert ("refused", []) == (result.outcome, bare.taken)


def _with_another_secret(config: ProviderConfig) -> list[ProviderConfig]:
    """Return configs that differ from a config in one secret each, in its last character."""
    found = []
    for name in sorted(secret_fields(type(config))):
        value = getattr(config, name)
        if isinstance(value, str):
            changed = value[:-1] + ("1" if value[-1] == "0" else "0")
            found.append(msgspec.structs.replace(config, **{name: changed}))
    return found


def _without_credentials(config: ProviderConfig) -> ProviderConfig:
    """Return a config that has none of the secrets that need not be there."""
    optional = {one.name for one in msgspec.structs.fields(type(config)) if one.default is None}
    missing = dict.fromkeys(optional & secret_fields(type(config)))
    return msgspec.structs.replace(config, **missing)


@by_sending
def test_too_many_requests_are_throttled(provider: Provider) -> None:
    """It may be tried again, later: that is what the error says."""
    result = Api(provider, "throttled").send(sendable(provider))
    assert "throttled" == result.outcome
    assert result.error is not None
    assert ("throttled", True) == (result.error.class_, result.error.retryable)
    assert result.wait_s is None or result.wait_s > 0


@by_sending
def test_an_error_of_the_providers_own_may_leave_it_open(provider: Provider) -> None:
    """Nobody knows whether it was taken, or the provider says that it was not: later, then."""
    result = Api(provider, "broken").send(sendable(provider))
    if result != SendResult("uncertain"):
        assert result.error is not None
        assert ("refused", "platform", True) == (
            result.outcome, result.error.class_, result.error.retryable,
        )  # fmt: skip


@by_sending
def test_a_fake_knows_no_other_address(provider: Provider) -> None:
    """Another path is none of its own, whatever is sent there; and no bytes break it."""
    config = filled(config_of(provider))
    how = Fake("0" * 32, NOW_MS)
    other = HttpRequest("POST", "https://h.example/elsewhere?a=b", (), b"{}")
    assert None is provider.fake(other, config, how)
    api = Api(provider)
    _, asked = driven(provider.send(sendable(provider), config), api)
    request = asked[-1]
    assert isinstance(request, HttpRequest)
    for body in (b"", b"\xff\x00", b"[1]", b"{}", b"<a>", b"a=%ff&b", request.body[:-3]):
        found = provider.fake(HttpRequest("POST", request.url, request.headers, body), config, how)
        assert found is not None
        assert found.response.status >= 400 or found.messages, body


REPORTED = [
    (provider, status)
    for provider in SENDING
    for status in provider.simulated
    if status != "received"
]


@pytest.mark.parametrize(
    ("provider", "status"), REPORTED, ids=lambda one: one if isinstance(one, str) else one.name
)
def test_a_report_joins_the_message_that_was_sent(provider: Provider, status: Status) -> None:
    """Its identity is what `send` was answered: the id, and the recipient where that belongs."""
    api = Api(provider)
    message = sendable(provider)
    result = api.send(message)
    sent = sendable(provider, message_id=result.message_ids[0])
    (item,) = _reports(provider, provider.simulate(sent, status, config_of(provider), URL))
    assert (status, result.message_ids[0]) == (item.status, item.message_id)
    assert result.recipient == item.recipient


def _reports(provider: Provider, request: HttpRequest) -> list[Report]:
    """Read a simulated callback that tells of messages only."""
    config = config_of(provider)
    callback = arrived(request)
    verification = provider.verify(callback, config, NOW_MS)
    assert "ok" == verification.verdict, verification.reason
    parsed = provider.parse(callback, config)
    assert () == parsed.unparsed
    assert all(isinstance(item, Report) for item in parsed.items)
    return [item for item in parsed.items if isinstance(item, Report)]


@by_sending
def test_a_failure_has_the_code_that_was_asked_for(provider: Provider) -> None:
    """Every code that a report can carry can be simulated, and means what the table says."""
    told, table = 0, ErrorTable(provider.ERRORS)
    for codes, rule in provider.ERRORS.items():
        code = table.example(codes)
        if code is None or rule.status not in provider.simulated:
            continue
        message = sendable(provider, message_id="id-1", error_code=code)
        try:
            request = provider.simulate(message, rule.status, config_of(provider), URL)
        except CannotSimulateError:
            # Some codes are only answers to a send.
            assert code in provider.refusals
            continue
        (item,) = _reports(provider, request)
        assert item.error is not None, code
        assert (code, rule.class_, rule.code, rule.status) == (
            item.error.provider_code, item.error.class_, item.error.code, item.status,
        )  # fmt: skip
        told += 1
    assert told >= 1 or not provider.ERRORS


BATCHING = [provider for provider in READERS if provider.batches]


@pytest.mark.parametrize("provider", BATCHING, ids=lambda one: one.name)
def test_a_callback_tells_of_several_messages(provider: Provider) -> None:
    """Of each as it would by itself; one it never reports cannot be told of."""
    messages = tuple(
        sendable(provider, message_id=f"id-{n}", to=f"+1555010013{n}", at_ms=NOW_MS)
        for n in range(3)
    )
    config = config_of(provider)
    for status in ("delivered", "failed"):
        items = _reports(provider, provider.simulate_batch(messages, status, config, URL))
        assert [(status, one.message_id) for one in messages] == [
            (item.status, item.message_id) for item in items
        ]
    with pytest.raises(CannotSimulateError):
        provider.simulate_batch(messages, "scheduled", config, URL)


@pytest.mark.parametrize(
    "provider", [one for one in READERS if not one.batches], ids=lambda one: one.name
)
def test_who_never_batches_says_so(provider: Provider) -> None:
    """A typed error, in words."""
    with pytest.raises(CannotSimulateError, match="by itself"):
        provider.simulate_batch((sendable(provider),), "delivered", config_of(provider), URL)


@pytest.mark.parametrize(
    "provider", [one for one in SENDING if "received" in one.simulated], ids=lambda one: one.name
)
def test_a_file_that_comes_in_can_be_fetched(provider: Provider) -> None:
    """Where a provider brings files: each entry is typed, and how to fetch it ends in a request."""
    file = {"url": "https://files.example/ringback/picture.png", "content_type": "image/png"}
    content: dict[str, object] = {"kind": "media", "media": [file]}
    channel = next((one for one in ("mms", "whatsapp", "rcs") if one in provider.channels), "sms")
    message = sendable(
        provider, message_id="id-1", channel=channel, content=content, text="Look",
        to="+15550100900", from_="+15550100123",
    )  # fmt: skip
    config = config_of(provider)
    callback = arrived(provider.simulate(message, "received", config, URL))
    (item,) = provider.parse(callback, config).items
    assert isinstance(item, Inbound)
    if item.content["kind"] == "text":
        # No files come through it.
        return
    found = item.content["media"]
    assert isinstance(found, list)
    (entry,) = found
    assert isinstance(entry, dict)
    assert entry.get("url") or entry.get("id")

    def answer(asked: Asked) -> HttpResponse:
        request = asked.request if isinstance(asked, TokenRequest) else asked
        faked = provider.fake(request, filled(config), Fake("0" * 32, NOW_MS))
        return HttpResponse(404) if faked is None else faked.response

    end, _ = driven(provider.media(entry, filled(config)), answer)
    assert isinstance(end, HttpRequest | MediaRefused)
    unknown, _ = driven(provider.media({}, filled(config)), answer)
    assert isinstance(unknown, MediaRefused)
    assert unknown.reason
