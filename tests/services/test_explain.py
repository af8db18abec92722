"""Why a callback is refused: each usual cause is found and named, and no secret is told."""

import json
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import pytest

from ringback.domain.endpoints import Connection, Mode
from ringback.domain.http import Callback, HttpRequest
from ringback.providers import registry
from ringback.providers.base import ProviderConfig
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS
from ringback.services import explain
from ringback.services.explain import explained
from tests.providers.cases import CASES, Case, config_of, secrets_in
from tests.providers.generic_stage import SCHEMES

URL = "https://hooks.example.com/in/tok-0001?a=b%20c&b=1"
BODY = '{"object": "é", "n": [1]}'.encode()
FORM = b"MessageSid=SM1&MessageStatus=sent"
Change = Callable[[HttpRequest], HttpRequest]


def _config(provider: str) -> ProviderConfig:
    if provider == "generic":
        return load_config(registry.get(provider).Config, {"verify": SCHEMES["whole"]})
    return config_of(registry.get(provider))


def _connection(provider: str, config: ProviderConfig | None = None, **more: Any) -> Connection:
    config = config or _config(provider)
    known = Connection(1, uuid.UUID(int=1), 1, Mode.LIVE, provider, "Main", "tok-0001", config)
    return msgspec.structs.replace(known, **more)


def _signed(
    provider: str, url: str = URL, body: bytes = b"", config: ProviderConfig | None = None,
    at_ms: int = NOW_MS,
) -> HttpRequest:  # fmt: skip
    """Make a request as the provider signs it for a URL and a body."""
    form = provider == "twilio"
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    plain = HttpRequest("POST", url, (("Content-Type", kind),), body or (FORM if form else BODY))
    return registry.get(provider).authenticate(plain, config or _config(provider), at_ms)


def _told(
    connection: Connection, request: HttpRequest, others: tuple[Connection, ...] = (), **came: Any
) -> str:
    """Return what is said of a request that came with some things otherwise."""
    callback = Callback(request.method, request.url, request.headers, request.body)
    callback = msgspec.structs.replace(callback, **came)
    provider = registry.get(connection.provider)
    verification = provider.verify(callback, connection.config, NOW_MS)
    assert "failed" == verification.verdict
    said = explained(provider, connection, callback, verification.reason, NOW_MS, list(others))
    assert said.startswith(verification.reason.rstrip("."))
    for secret in secrets_in(connection.config):
        assert secret not in said
    return said


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a slow machine find what a fast one does."""
    monkeypatch.setattr(explain, "PATIENCE_S", 5.0)


class Elsewhere(NamedTuple):
    """A URL that was signed, in place of the one that arrived, and what is said."""

    signed: str
    said: str
    headers: tuple[tuple[str, str], ...] = ()


@pytest.mark.parametrize(
    "case",
    [
        Elsewhere(URL.replace("https", "http"), "set this connection's public_url to http://hooks"),
        Elsewhere(URL.replace(".com", ".com:8443"), "public_url to https://hooks.example.com:8443.",
                  (("Host", "hooks.example.com:8443"),)),
        Elsewhere(URL.replace("hooks", "eu"), "public_url to https://eu.example.com.",
                  (("X-Forwarded-Host", "eu.example.com, inner"),)),
        Elsewhere(URL.replace("hooks", "eu"), "public_url to https://eu.example.com.",
                  (("Host", "eu.example.com"),)),
        Elsewhere(URL.replace("/in/", "/rb/in/"), "public_url to https://hooks.example.com/rb.",
                  (("X-Forwarded-Prefix", "/rb"),)),
        Elsewhere(URL.replace("0001?", "0001/?"), "exactly as it is shown"),
        Elsewhere(URL.partition("?")[0], "without its query"),
        Elsewhere(URL.replace("%20", "+"), "query encoded anew"),
        Elsewhere(URL.replace("a=b%20c&b=1", "a=b c&b=1"), "query decoded"),
    ],
    ids=lambda case: case.said,
)  # fmt: skip
@pytest.mark.parametrize("provider", ["generic", "twilio"])
def test_the_url_that_was_signed_is_found(provider: str, case: Elsewhere) -> None:
    """Scheme, port, host, prefix, slash and query: what fits is shown, and what to set."""
    request = _signed(provider, case.signed)
    if provider == "twilio" and "8443" in case.signed:
        pytest.skip("the port does not matter there")
    said = _told(_connection(provider), request, url=URL, headers=request.headers + case.headers)
    assert case.said in said
    assert "tok-0001" not in said


@pytest.mark.parametrize("provider", ["whatsapp", "simulator", "generic"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body: body + b"\n", "without the line end"),
        (lambda body: b"\xef\xbb\xbf" + body, "without a byte order mark"),
        (lambda body: json.dumps(json.loads(body), separators=(",", ":")).encode(), "its letters"),
    ],
    ids=["line end", "mark", "encoding"],
)
def test_a_body_that_was_rewritten_is_recognised(
    provider: str, change: Callable[[bytes], bytes], words: str
) -> None:
    """A line end, a mark, other blanks and escapes."""
    request = _signed(provider)
    said = _told(_connection(provider), request, body=change(request.body))
    assert words in said
    assert "something on the way rewrites bodies" in said


@pytest.mark.parametrize("provider", ["simulator", "generic"])
@pytest.mark.parametrize(("off_s", "words"), [(-900, "900 s old"), (900, "900 s ahead")])
def test_a_clock_that_is_off_is_told_by_how_much(provider: str, off_s: int, words: str) -> None:
    """Behind and ahead."""
    request = _signed(provider, at_ms=NOW_MS + off_s * 1000)
    assert words in _told(_connection(provider), request)


def test_a_secret_from_before_a_rotation_is_recognised() -> None:
    """Also after its overlap is over."""
    old = msgspec.structs.replace(_config("simulator"), secret="not-a-real-older-secret")
    connection = _connection("simulator", previous=((old, NOW_MS - 1),))
    assert "before the last rotation" in _told(connection, _signed("simulator", config=old))


def test_the_secret_of_another_connection_is_recognised() -> None:
    """By its name, or only by its mode when that is another."""
    other = msgspec.structs.replace(_config("simulator"), secret="not-a-real-other-secret")
    request = _signed("simulator", config=other)
    theirs = _connection("simulator", other, name="Second", id=uuid.UUID(int=2))
    assert "your connection Second (con_" in _told(_connection("simulator"), request, (theirs,))
    hidden = msgspec.structs.replace(theirs, mode=Mode.TEST)
    said = _told(_connection("simulator"), request, (hidden,))
    assert "in test mode" in said
    assert "Second" not in said


def test_secrets_that_were_mistaken_are_recognised() -> None:
    """One for the other, and with what was copied around them."""
    right: Any = _config("whatsapp")
    swapped = msgspec.structs.replace(
        right, app_secret=right.verify_token, verify_token=right.app_secret
    )
    request = _signed("whatsapp", config=right)
    assert "It fits the value of verify_token" in _told(_connection("whatsapp", swapped), request)
    blank = msgspec.structs.replace(right, app_secret=f" {right.app_secret} ")
    assert "without the blanks" in _told(_connection("whatsapp", blank), request)


@pytest.mark.parametrize("provider", ["whatsapp", "simulator", "generic", "twilio"])
def test_what_nothing_explains_says_what_was_checked(provider: str) -> None:
    """The words of the adapter, the URL where it is signed, and the last advice."""
    request = _signed(provider)
    other = "MessageSid=SM2&MessageStatus=sent" if provider == "twilio" else '{"another": 1}'
    said = _told(_connection(provider), request, body=other.encode())
    words, signed = registry.get(provider).covers(_config(provider))
    assert f"Checked: {words}" in said
    assert signed == ("the URL was taken to be https://hooks.example.com/in/{token}" in said)
    assert "copy the secret from the provider once more" in said


def test_tries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In number, and in time: then it says what was checked."""
    monkeypatch.setattr(explain, "PATIENCE_S", 0.0)
    request = _signed("generic", URL.replace("https", "http"))
    assert "Checked:" in _told(_connection("generic"), request, url=URL)
    monkeypatch.setattr(explain, "PATIENCE_S", 5.0)
    monkeypatch.setattr(explain, "TRIES_MAX", 0)
    assert "Checked:" in _told(_connection("generic"), request, url=URL)


REFUSED = [case for case in CASES if case.name.startswith("refused")]


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_every_recorded_refusal_has_a_likely_cause(case: Case) -> None:
    """Whatever its provider proves itself by: after the reason and what was checked, why."""
    connection = _connection(case.provider.name, case.config)
    found = case.provider.verify(case.callback, case.config, NOW_MS)
    assert "failed" == found.verdict
    said = explained(case.provider, connection, case.callback, found.reason, NOW_MS, [])
    _, checked, rest = said.partition("Checked: ")
    cause = rest.partition(". ")[2] if checked else said.partition(". ")[2]
    assert cause, said
    assert explain.cause(found.reason) in explain.CAUSES[:-1]


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("linkmobility/refused-wrong-header", "another value than this connection"),
        ("linkmobility/refused-wrong-query", "another value than this connection"),
        ("pswin/refused-wrong-secret", "another value than this connection"),
        ("link_cool/refused-wrong-secret", "another value than this connection"),
        ("textellent/refused-wrong-secret", "another value than this connection"),
        ("smsportal/refused-header", "another value than this connection"),
        ("bandwidth/refused-wrong-password", "The user name fits, and the password does not"),
        ("pswin/refused-no-secret", "Nothing proves it"),
        ("linkmobility/refused-no-header", "Nothing proves it"),
        ("linkmobility/refused-two-headers", "It came twice"),
        ("whatsapp/refused-handshake-token", "handshake has another token"),
        ("simulator/refused-method", "does not ask so"),
    ],
)
def test_the_likely_cause_is_the_right_one(name: str, cause: str) -> None:
    """Another secret in a header or a URL is told apart from none, from two, and from a scan."""
    (case,) = [case for case in REFUSED if str(case) == name]
    reason = case.provider.verify(case.callback, case.config, NOW_MS).reason
    connection = _connection(case.provider.name, case.config)
    said = explained(case.provider, connection, case.callback, reason, NOW_MS, [])
    assert cause in said.partition("Checked: ")[2]
