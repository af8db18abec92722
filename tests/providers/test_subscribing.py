"""Subscribing by a provider's API: what is missing is added, what is ours is mended, no more."""

import json
from typing import Any

import msgspec
import pytest

from ringback.domain.http import HttpRequest, HttpResponse
from ringback.providers.base import Fake, Provider, ProviderConfig, TokenRequest
from ringback.providers.config import load_config, secret_fields
from ringback.providers.placeholders import filled
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.providers.subscribing import Subscribed, Subscribing, Wish

from .cases import config_of, raw_config
from .driving import Asked, driven

TOLD = [one for one in PROVIDERS.values() if isinstance(one, Subscribing)]
by_told = pytest.mark.parametrize("provider", TOLD, ids=lambda one: one.name)
URL = "https://hooks.example/in/example-token"
EVENTS = ["INCOMING_MESSAGE", "PHONE_NUMBER_ADDED_TO_DNT"]
OTHER: dict[str, object] = {
    "clientId": 3,
    "event": "INCOMING_MESSAGE",
    "target_url": "https://zap.example/x?key=1",
}


def _subscribe(provider: Provider, wish: Wish, config: ProviderConfig, answer: Any) -> Subscribed:
    assert isinstance(provider, Subscribing)
    return driven(provider.subscribe(wish, config), answer)[0]


@by_told
def test_the_fake_is_told(provider: Provider) -> None:
    """What is described the provider's own fake understands; a dry run only reads."""
    config, methods = filled(config_of(provider)), []

    def answer(asked: Asked) -> HttpResponse:
        assert isinstance(asked, HttpRequest)
        methods.append(asked.method)
        found = provider.fake(asked, config, Fake("0" * 32, NOW_MS))
        assert found is not None, asked.url
        return found.response

    told = _subscribe(provider, Wish(URL), config, answer)
    assert (True, {"added"}) == (told.ok, {one.state for one in told.subscriptions})
    assert {URL} == {one.url for one in told.subscriptions}
    methods.clear()
    looked = _subscribe(provider, Wish(URL, dry_run=True), config, answer)
    assert (True, {"GET"}) == (looked.ok, set(methods))
    assert [one.state for one in told.subscriptions] == [one.state for one in looked.subscriptions]


@by_told
def test_wrong_credentials_are_told_of(provider: Provider) -> None:
    """And missing ones, by the name of their setting: nothing is asked then."""
    config = filled(config_of(provider))
    optional = {one.name for one in msgspec.structs.fields(type(config)) if one.default is None}
    secrets = sorted(optional & secret_fields(type(config)))
    told = []
    for name in secrets:
        wrong = msgspec.structs.replace(config, **{name: "not-a-real-other"})

        def answer(asked: Asked) -> HttpResponse:
            request = asked.request if isinstance(asked, TokenRequest) else asked
            found = provider.fake(request, config, Fake("0" * 32, NOW_MS))
            assert found is not None
            return found.response

        told.append(_subscribe(provider, Wish(URL), wrong, answer))
        bare = msgspec.structs.replace(config, **{name: None})
        flow = provider.subscribe(Wish(URL), bare)  # type: ignore[attr-defined]
        missing, asked = driven(flow, answer)
        if not asked:
            assert not missing.ok
            assert f"`{name}`" in missing.detail
    assert any(not one.ok and "refuses the credentials" in one.detail for one in told)
    assert not any("not-a-real" in one.detail for one in told)


class Textellents:
    """Textellent's subscriptions, kept as it may keep them; `refuses` are events it does not."""

    def __init__(self, *there: dict[str, object], refuses: str = "") -> None:
        self.there = list(there)
        self.refuses = refuses
        self.changes: list[str] = []

    def __call__(self, asked: Asked) -> HttpResponse:
        """Answer one request."""
        assert isinstance(asked, HttpRequest)
        headers = dict(asked.headers)
        assert "not-a-real-auth-code" == headers["authCode"]
        if asked.method == "GET":
            return HttpResponse(200, (), json.dumps({"subscriptions": self.there}).encode())
        self.changes.append(asked.method)
        if asked.method == "POST":
            body = json.loads(asked.body)
            if body["event"] == self.refuses:
                return HttpResponse(400, (), b'{"message": "No enum constant"}')
            self.there.append({"clientId": 70 + len(self.there), **body})
        else:
            gone = {"event": headers["event"], "target_url": headers["targetUrl"]}
            self.there = [one for one in self.there if {**one, **gone} != one]
        return HttpResponse(200, (), b'{"statusCode": "200", "message": "Success"}')


TEXTELLENT = PROVIDERS["textellent"]


def _textellent(api: Textellents, **wish: Any) -> tuple[bool, list[tuple[str, str]]]:
    config = load_config(TEXTELLENT.Config, {**raw_config(TEXTELLENT), "events": EVENTS})
    told = _subscribe(TEXTELLENT, Wish(URL, **wish), config, api)
    return told.ok, [(one.what, one.state) for one in told.subscriptions]


def test_textellent_is_told_once() -> None:
    """A second time changes nothing, and what somebody else has subscribed stays as it is."""
    api = Textellents(OTHER)
    ok, rows = _textellent(api)
    assert (True, [*((event, "added") for event in EVENTS), ("INCOMING_MESSAGE", "others")]) == (
        ok, rows,
    )  # fmt: skip
    secret = raw_config(TEXTELLENT)["callback_secret"]
    assert [f"{URL}?callback_proof={secret}&event={event}" for event in EVENTS] == [
        one["target_url"] for one in api.there[1:]
    ]
    api.changes.clear()
    _, rows = _textellent(api)
    assert ["kept", "kept", "others"] == [state for _, state in rows]
    assert ([], OTHER) == (api.changes, api.there[0])


def test_what_was_ours_is_brought_here() -> None:
    """From an earlier address or with an earlier secret: first the new one, then the old one ends.

    A dry run says so and changes nothing.
    """
    old: list[dict[str, object]] = [
        {"id": "a-1", "event": EVENTS[0], "targetUrl": f"http://old.example/in/example-token?x={n}"}
        for n in range(2)
    ]
    api = Textellents(*[{**one, "target_url": one["targetUrl"]} for one in old])
    expected = [(EVENTS[0], "changed"), (EVENTS[1], "added")]
    assert (True, expected) == _textellent(api, dry_run=True)
    assert [] == api.changes
    assert (True, expected) == _textellent(api)
    assert ["POST", "DELETE", "DELETE", "POST"] == api.changes
    assert {"https://hooks.example/in/example-token"} == {
        str(one["target_url"]).partition("?")[0] for one in api.there
    }


def test_others_are_ended_when_that_is_asked() -> None:
    """What cannot be named at the provider stays."""
    nameless: dict[str, object] = {"event": "X", "target_url": "https://zap.example/y"}
    api = Textellents(OTHER, nameless)
    _, rows = _textellent(api, remove_others=True)
    assert [("INCOMING_MESSAGE", "removed"), ("X", "others")] == rows[2:]
    assert nameless == api.there[0]


def test_what_one_event_is_refused_costs_only_itself() -> None:
    """Its name may be another at the provider, which says so."""
    api = Textellents(refuses=EVENTS[0])
    config = load_config(TEXTELLENT.Config, {**raw_config(TEXTELLENT), "events": EVENTS})
    told = _subscribe(TEXTELLENT, Wish(URL), config, api)
    assert not told.ok
    assert ["refused", "added"] == [one.state for one in told.subscriptions]
    assert "No enum constant" in told.subscriptions[0].detail


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>", "cannot be read, so nothing was changed"),
        (200, b'{"data": {"total": 0}}', "cannot be read, so nothing was changed"),
        (200, b'{"statusCode": "401"}', "refuses the credentials"),
        (429, b"", "too often"), (503, b"", "try again later"), (404, b"", "no such account"),
        (422, b'{"message": "authCode not-a-real-auth-code is odd"}', "refuses it (HTTP 422)"),
    ],
)  # fmt: skip
def test_a_list_that_is_none_changes_nothing(status: int, body: bytes, words: str) -> None:
    """One request and no more; our own secrets are never repeated."""
    config = config_of(TEXTELLENT)
    flow = TEXTELLENT.subscribe(Wish(URL), config)  # type: ignore[attr-defined]
    told, asked = driven(flow, lambda _: HttpResponse(status, (), body))
    assert (False, 1) == (told.ok, len(asked))
    assert words in told.detail
    assert "not-a-real" not in told.detail


WHATSAPP = PROVIDERS["whatsapp"]
ACCOUNT = "102290129340398"


def _app(id_: str, url: str | None = None) -> dict[str, object]:
    more = {} if url is None else {"override_callback_uri": url}
    return {"whatsapp_business_api_data": {"id": id_, "name": f"App {id_}"}, **more}


class Metas:
    """Meta's list of subscribed apps; the token is app 1's. `verifies`: the callback answers."""

    def __init__(self, *apps: dict[str, object], verifies: bool = True) -> None:
        self.apps = list(apps)
        self.verifies = verifies
        self.changes = 0

    def __call__(self, asked: Asked) -> HttpResponse:
        """Answer one request."""
        assert isinstance(asked, HttpRequest)
        assert f"https://graph.facebook.com/v25.0/{ACCOUNT}/subscribed_apps" == asked.url
        if asked.method == "GET":
            return HttpResponse(200, (), json.dumps({"data": self.apps}).encode())
        body = json.loads(asked.body)
        assert raw_config(WHATSAPP)["verify_token"] == body["verify_token"]
        if not self.verifies:
            said = {"error": {"message": "(#2200) Callback verification failed", "code": 2200}}
            return HttpResponse(400, (), json.dumps(said).encode())
        self.changes += 1
        rest = [one for one in self.apps if one["whatsapp_business_api_data"]["id"] != "1"]  # type: ignore[index]
        self.apps = [_app("1", body["override_callback_uri"]), *rest]
        return HttpResponse(200, (), b'{"success": true}')


def _whatsapp(api: Metas, **more: Any) -> Subscribed:
    own = {"access_token": "not-a-real-token", "account_id": ACCOUNT}
    config = load_config(WHATSAPP.Config, {**raw_config(WHATSAPP), **own})
    return _subscribe(WHATSAPP, Wish(URL, **more), config, api)


@pytest.mark.parametrize(
    ("apps", "state", "detail"),
    [
        ([], "added", ""),
        ([_app("1")], "changed", "It was at the app's own callback URL."),
        ([_app("1", "https://old.example/in/a?b=c")], "changed", "It was at https://old.example/in/a."),
    ],
)  # fmt: skip
def test_meta_is_told_once(apps: list[dict[str, object]], state: str, detail: str) -> None:
    """The token's app leads here then, and another app's stays; twice changes nothing."""
    api = Metas(*apps, _app("2", "https://zap.example/x"))
    told = _whatsapp(api)
    assert (True, 1) == (told.ok, api.changes)
    assert [("App 1", state, URL, detail), ("App 2", "others", "https://zap.example/x", "")] == [
        (one.what, one.state, one.url, one.detail) for one in told.subscriptions
    ]
    told = _whatsapp(api)
    assert (1, ["kept", "others"]) == (api.changes, [one.state for one in told.subscriptions])
    assert "nothing was changed" in told.detail


def test_meta_says_why_it_will_not() -> None:
    """It calls the URL before it answers: its words are told, and what to look at."""
    told = _whatsapp(Metas(verifies=False))
    assert not told.ok
    assert "(#2200) Callback verification failed" in told.detail
    assert "has to be reached from outside" in told.detail
    config = load_config(
        WHATSAPP.Config, {**raw_config(WHATSAPP), "base_url": "https://partner.example/v1"}
    )
    told = _subscribe(WHATSAPP, Wish(URL), config, Metas())
    assert (False, True) == (told.ok, "Enter the callback URL there." in told.detail)
    long = Wish("https://hooks.example/" + "x" * 200)
    own = {"access_token": "not-a-real-token", "account_id": ACCOUNT}
    config = load_config(WHATSAPP.Config, {**raw_config(WHATSAPP), **own})
    assert "at most 200 characters" in _subscribe(WHATSAPP, long, config, Metas()).detail
