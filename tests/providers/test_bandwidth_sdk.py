"""Bandwidth's own package as an oracle: callbacks, requests and the faked API against its models.

`bandwidth-sdk` holds every field that Bandwidth documents and has no check of a callback's
credentials, so it says what bodies look like and nothing about proofs. What we take and it would
not, on purpose, is listed in `ODD` with the reason.
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import bandwidth
import pytest
from bandwidth.exceptions import ApiException
from bandwidth.models.blocked_webhook import BlockedWebhook
from bandwidth.models.failure_webhook import FailureWebhook
from bandwidth.models.inbound_callback import InboundCallback
from bandwidth.models.message_request import MessageRequest
from bandwidth.models.multi_channel_message_request import MultiChannelMessageRequest
from bandwidth.models.status_callback import StatusCallback
from bandwidth.models.verification_denial_webhook import VerificationDenialWebhook
from bandwidth.models.verification_webhook import VerificationWebhook
from pydantic import BaseModel

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers.bandwidth import Bandwidth
from ringback.providers.base import Fake, OutboundMessage
from ringback.providers.recorded import NOW_MS

from .cases import GENUINE, Case
from .test_bandwidth import BANDWIDTH, PICTURE, config_with, filled, message, sent

# Recordings that Bandwidth's own models refuse or do not know, each with the reason to read them.
ODD = {
    "bare-object": "one event outside an array, as the specification models it",
    "batch-one-malformed": "an item that is malformed, between others",
    "empty-array": "nothing at all",
    "empty-body": "nothing at all",
    "inbound-nested": "answers inside `content`, where RBM has the rest",
    "inbound-without-id": "a message without its id",
    "not-json": "no JSON",
    "status-failed-unknown-code": "a code as text, which the models have as a number",
    "time-odd": "times that are none",
    "toll-free-pending": "PENDING, which the older documentation has and the models have not",
    "toll-free-unknown-status": "a status that there is not yet",
    "unknown-type": "a type that there is not yet",
}
# Recordings that the models take and we do not.
STRICTER = {"batch-faulty-strings": "NUL and lone surrogates, which can be stored nowhere"}
CALLBACKS = [one for one in GENUINE if isinstance(one.provider, Bandwidth)]
MODELS: dict[str, type[BaseModel]] = {
    "blocked": BlockedWebhook,
    "failed": FailureWebhook,
    "denied": VerificationDenialWebhook,
    "inbound": InboundCallback,
    "status": StatusCallback,
    "toll_free": VerificationWebhook,
}
TYPES = {"message-received", "suggestion-response", "requested-location-response"}


def model_of(case: Case, body: dict[str, Any]) -> type[BaseModel]:
    """Name the model that a body is to be read by."""
    if "type" in body:
        return MODELS["inbound" if body["type"] in TYPES else "status"]
    return MODELS.get(case.name.rpartition("-")[2], MODELS["toll_free"])


def unknown(value: Any, path: str = "") -> list[str]:
    """List the fields that a model was given and does not know, however deep they stand."""
    found = []
    if isinstance(value, list):
        found += [name for one in value for name in unknown(one, path)]
    elif isinstance(value, BaseModel):
        found += [f"{path}/{name}" for name in getattr(value, "additional_properties", {})]
        for name in type(value).model_fields:
            found += unknown(getattr(value, name), f"{path}/{name}")
    return found


def parsed(model: Any, body: object) -> Any:
    """Read a body by a model, all fields of which it knows."""
    found = model.from_dict(body)
    assert unknown(found) == []
    return found


@pytest.mark.parametrize(
    "case", [one for one in CALLBACKS if one.name not in ODD.keys() | STRICTER], ids=str
)
def test_every_recorded_callback_is_one_of_bandwidths(case: Case) -> None:
    """Each event of each recording is read by Bandwidth's models, which know all of its fields."""
    document = json.loads(case.callback.body)
    for body in document if isinstance(document, list) else [document]:
        parsed(model_of(case, body), body)


@pytest.mark.parametrize("name", ODD)
def test_what_bandwidth_would_not_send_is_odd(name: str) -> None:
    """The list of what is read all the same holds no recording that the models take as it is."""
    (case,) = (one for one in CALLBACKS if one.name == name)
    try:
        document = json.loads(case.callback.body)
        bodies = document if isinstance(document, list) else []
        sound = [parsed(model_of(case, body), body) for body in bodies]
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError):
        return
    assert sound == []


def test_every_field_of_bandwidths_models_occurs_in_a_recording() -> None:
    """No field that is documented goes untried."""
    seen: dict[type[BaseModel], set[str]] = {}
    for case in CALLBACKS:
        if case.name not in ODD.keys() | STRICTER:
            document = json.loads(case.callback.body)
            for body in document if isinstance(document, list) else [document]:
                for one in _models(parsed(model_of(case, body), body)):
                    filled = {n for n in type(one).model_fields if getattr(one, n) is not None}
                    seen.setdefault(type(one), set()).update(filled)
    # Said only of numbers that are blocked, for which there is a model of its own.
    seen[VerificationDenialWebhook] |= {"blocked", "blocked_reason"}
    for kind, names in seen.items():
        assert set() == set(kind.model_fields) - names - {"additional_properties"}, kind


def _models(value: Any) -> Iterator[BaseModel]:
    if isinstance(value, list):
        for one in value:
            yield from _models(one)
    elif isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from _models(getattr(value, name))


SMALL = {**PICTURE, "thumbnail_url": "https://files.example/small.jpg"}
SUGGESTIONS = [
    {"text": "Yes", "payload": "yes"},
    {"kind": "url", "text": "Track", "url": "https://shop.example/1"},
    {"kind": "dial", "text": "Call", "phone_number": "+15550100900"},
    {"kind": "location_request", "text": "Where are you?"},
    {"kind": "location", "text": "Shop", "latitude": 51.5, "longitude": -0.12, "label": "Shop"},
    {
        "kind": "calendar", "text": "Save", "title": "Visit", "description": "At the shop",
        "start": "2026-03-02T15:00:00Z", "end": "2026-03-02T16:00:00Z",
    },
]  # fmt: skip
CARD = {"title": "Title", "media": [SMALL], "suggestions": SUGGESTIONS[:4]}
MESSAGES = {
    "text": message(reference="order-48213"),
    "validity": message(validity_s=3600, at_ms=NOW_MS),
    "mms": filled("mms", "Your door", kind="media", media=[PICTURE]),
    "mms alone": filled("mms", "", kind="media", media=[PICTURE] * 10),
    "rbm": filled("rcs", "Is it you?", suggestions=SUGGESTIONS),
    "rbm reference": message("rcs", reference="order-48213", validity_s=60, at_ms=NOW_MS),
    "rbm files": filled("rcs", "", kind="media", media=[SMALL, PICTURE], suggestions=SUGGESTIONS),
    "rbm file with text": filled("rcs", "Your door", kind="media", media=[PICTURE]),
    "card": filled("rcs", "Text", kind="card", **CARD),
    "carousel": filled("rcs", "", kind="carousel", cards=[CARD, {"title": "Two"}]),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_every_request_is_one_that_bandwidth_takes(name: str) -> None:
    """What is sent is read by the models of the API, which know all of its fields."""
    request, body = sent(MESSAGES[name], priority="high")
    rich = request.url.endswith("/multiChannel")
    parsed(MultiChannelMessageRequest if rich else MessageRequest, body)
    assert rich == (MESSAGES[name].channel == "rcs")


class _Handler(BaseHTTPRequestHandler):
    """Answers as the fake does."""

    how: ClassVar[Fake] = Fake("0" * 32, NOW_MS)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self) -> None:
        """Read the request, and write what the fake makes of it."""
        size = int(self.headers.get("Content-Length") or 0)
        headers = tuple(self.headers.items())
        request = HttpRequest(self.command, f"http://h{self.path}", headers, self.rfile.read(size))
        found = BANDWIDTH.fake(request, config_with(**CLIENT), self.how)
        answer = HttpResponse(404) if found is None else found.response
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)


for _method in ("GET", "POST", "PUT", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler.answer)


CLIENT = {"client_id": "not-a-real-client", "client_secret": "not-a-real-client-secret"}


@pytest.fixture
def client() -> Iterator[bandwidth.ApiClient]:
    """Bandwidth's own client, with its whole way through HTTP, onto the fake."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    configuration = bandwidth.Configuration(
        host=f"http://127.0.0.1:{server.server_port}/api/v2",
        username="not-a-real-api-user",
        password="not-a-real-api-password",
        ignore_operation_servers=True,
    )
    with bandwidth.ApiClient(configuration) as made:
        yield made
        made.rest_client.pool_manager.clear()
    _Handler.how = Fake("0" * 32, NOW_MS)
    server.shutdown()
    thread.join()
    server.server_close()


def test_bandwidths_client_sends_to_the_fake(client: bandwidth.ApiClient) -> None:
    """Texts and RBM messages by Bandwidth's own client are answered in its own shapes."""
    _, body = sent(MESSAGES["text"])
    made = bandwidth.MessagesApi(client).create_message("5500001", MessageRequest.from_dict(body))
    assert unknown(made) == []
    assert (made.id, made.tag) == (f"{NOW_MS}{'0' * 16}", "order-48213")
    assert (made.segment_count, made.direction.value) == (1, "out")
    _, body = sent(MESSAGES["card"])
    asked = MultiChannelMessageRequest.from_dict(body)
    told = bandwidth.MultiChannelApi(client).create_multi_channel_message("5500001", asked)
    assert unknown(told) == []
    assert told.data is not None
    assert told.data.to == ["+15550100123"]


def test_bandwidths_client_finds_lists_and_files(client: bandwidth.ApiClient) -> None:
    """Lists are empty, uploads are taken, and a file comes back."""
    assert bandwidth.MessagesApi(client).list_messages("5500001").total_count == 0
    media = bandwidth.MediaApi(client)
    assert media.list_media("5500001") == []
    media.upload_media("5500001", "door.gif", b"GIF89a", _content_type="image/gif")
    assert bytes(media.get_media("5500001", "door.gif")).startswith(b"GIF89a")
    media.delete_media("5500001", "door.gif")


def test_bandwidths_client_gets_a_token(client: bandwidth.ApiClient) -> None:
    """An API client fetches an access token and is let in with it."""
    configuration = client.configuration
    configuration.username = configuration.password = None
    configuration.client_id, configuration.client_secret = CLIENT.values()
    origin = configuration.host.removesuffix("/api/v2")
    configuration.access_token_url = f"{origin}/api/v1/oauth2/token"
    assert bandwidth.MessagesApi(client).list_messages("5500001").total_count == 0


@pytest.mark.parametrize(
    ("how", "status", "word"),
    [
        ({"outcome": "refused"}, 400, "request-validation"),
        ({"outcome": "refused", "code": "from"}, 400, "request-validation"),
        ({"outcome": "refused", "code": "no such code"}, 400, "request-validation"),
        ({"outcome": "refused", "code": "unauthorized"}, 401, "unauthorized"),
        ({"outcome": "refused", "code": "forbidden"}, 403, "forbidden"),
        ({"outcome": "throttled"}, 429, "max-message-queue-size-exceeded"),
        ({"outcome": "broken"}, 500, "internal-server-error"),
    ],
)
@pytest.mark.parametrize("name", ["text", "card"])
def test_bandwidths_client_understands_each_refusal(
    client: bandwidth.ApiClient, name: str, how: dict[str, Any], status: int, word: str
) -> None:
    """It raises its own error for each, with the type that was asked for."""
    _Handler.how = Fake("0" * 32, NOW_MS, **how)
    _, body = sent(MESSAGES[name])
    send: Any = bandwidth.MessagesApi(client).create_message
    asked: Any = MessageRequest
    if name == "card":
        send = bandwidth.MultiChannelApi(client).create_multi_channel_message
        asked = MultiChannelMessageRequest
    with pytest.raises(ApiException) as raised:
        send("5500001", asked.from_dict(body))
    told = raised.value.data
    assert raised.value.status == status
    assert unknown(told) == []
    assert word == (told.errors[0] if name == "card" else told).type


def exchanged(one: OutboundMessage, how: Fake, **changes: object) -> Any:
    """Drive a send of ours against the fake; return its result and what the fake took."""
    config = config_with(**changes)
    taken: list[OutboundMessage] = []
    flow = BANDWIDTH.send(one, config)
    try:
        step = next(flow)
        while True:
            request = step if isinstance(step, HttpRequest) else step.request
            found = BANDWIDTH.fake(request, config, how)
            assert found is not None
            taken += found.messages
            step = flow.send(found.response)
    except StopIteration as stopped:
        return stopped.value, taken


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("changes", [{}, CLIENT])
def test_what_we_send_the_fake_takes(name: str, changes: dict[str, object]) -> None:
    """Our sends and the fake understand each other, with a user's password or a client's token."""
    one = MESSAGES[name]
    result, (taken,) = exchanged(one, Fake("ab" * 16, NOW_MS), **changes)
    assert (result.outcome, result.message_ids) == ("submitted", (taken.message_id,))
    assert (one.to, one.from_, one.channel) == (taken.to, taken.from_, taken.channel)
    assert (one.reference, one.validity_s) == (taken.reference, taken.validity_s)


@pytest.mark.parametrize("code", [None, *BANDWIDTH.refusals])
@pytest.mark.parametrize("channel", ["sms", "rcs"])
def test_what_the_fake_refuses_we_understand(code: str | None, channel: str) -> None:
    """Each named refusal is one of ours, of a class other than unknown."""
    result, taken = exchanged(message(channel), Fake("ab" * 16, NOW_MS, "refused", code))
    assert taken == []
    throttled = code == "max-message-queue-size-exceeded"
    assert result.outcome == ("throttled" if throttled else "refused")
    assert result.error.class_ != "unknown"
    assert result.error.provider_code == (
        code if code and "-" in code else result.error.provider_code
    )
    for outcome, expected in (("throttled", "throttled"), ("broken", "uncertain")):
        how = Fake("ab" * 16, NOW_MS, outcome)  # type: ignore[arg-type]
        assert exchanged(message(channel), how)[0].outcome == expected


def test_strangers_and_bad_requests_are_refused_by_the_fake() -> None:
    """Wrong credentials, another account, another type and bad fields: as Bandwidth would."""
    good, _ = sent(message())
    (kind,) = [one for one in good.headers if one[0] == "Content-Type"]
    (proof,) = [one for one in good.headers if one[0] == "Authorization"]
    how = Fake("ab" * 16, NOW_MS)

    def refused(headers: Any, url: str = good.url, body: bytes = good.body) -> Any:
        found = BANDWIDTH.fake(HttpRequest("POST", url, headers, body), config_with(), how)
        assert found is not None
        assert found.messages == ()
        told = json.loads(found.response.body)
        fields = [one["fieldName"] for one in told.get("fieldErrors", [])]
        return found.response.status, told["type"], fields

    other = good.url.replace("5500001", "5500002")
    assert refused((kind,)) == (401, "unauthorized", [])
    assert refused((kind, ("Authorization", "Basic eDp5"))) == (401, "unauthorized", [])
    assert refused((kind, proof), other) == (403, "forbidden", [])
    assert refused((proof,)) == (415, "unsupported-content-type", [])
    every = ["to", "from", "applicationId", "text"]
    for nothing in (b"", b"[]", b"{}", b"null", b"\xff"):
        assert refused((kind, proof), body=nothing) == (400, "request-validation", every)
    odd = {"to": ["1"] * 11, "from": 5, "text": 5, "media": [5], "tag": 5, "expiration": "x"}
    found = refused((kind, proof), body=json.dumps(odd).encode())
    assert set(found[2]) == {"to", "from", "applicationId", "text", "media", "tag", "expiration"}
    for path in ("/", "/api/v2/users/1/calls", "/api/v2/users/1/messages/x", "/messages"):
        assert BANDWIDTH.fake(HttpRequest("POST", f"https://h{path}"), config_with(), how) is None


def test_a_group_is_one_id_and_a_message_for_each() -> None:
    """Several recipients get one MMS with one id; long texts count their segments."""
    request, body = sent(message(text="é" * 71))
    told = BANDWIDTH.fake(request, config_with(), Fake("ab" * 16, NOW_MS))
    assert told is not None
    assert json.loads(told.response.body)["segmentCount"] == 2
    body["to"].append("+15550100124")
    several = HttpRequest("POST", request.url, request.headers, json.dumps(body).encode())
    found = BANDWIDTH.fake(several, config_with(), Fake("ab" * 16, NOW_MS))
    assert found is not None
    assert [(one.to, one.channel) for one in found.messages] == [
        ("+15550100123", "mms"), ("+15550100124", "mms"),
    ]  # fmt: skip
    assert len({one.message_id for one in found.messages}) == 1
