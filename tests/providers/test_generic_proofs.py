"""T01 and T05 for `generic`: genuine, forged and altered callbacks, scheme by scheme."""

import base64
import hmac
import random

import msgspec
import pytest

from ringback.domain.http import Callback, HttpRequest
from ringback.providers import generic_proofs
from ringback.providers.config import load_config
from ringback.providers.generic_config import (
    ApiKey,
    Basic,
    Bearer,
    GenericConfig,
    Hmac,
    Scheme,
    UrlToken,
)
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS

from .cases import flipped, secrets_in, with_headers
from .generic_stage import BODY, SCHEMES, URL, WITH_SECRETS, check, headed, proved, scheme_of

GENERIC = PROVIDERS["generic"]


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("name", SCHEMES)
def test_a_genuine_callback_of_any_method_is_verified(name: str, method: str) -> None:
    """What we sign as configured we take, with a body and, for a GET, without one."""
    body = b"" if method in ("GET", "HEAD") and name != "hmac" and name != "stamped" else BODY
    callback = proved(SCHEMES[name], HttpRequest(method, URL, (), body))
    assert "ok" == check(callback, SCHEMES[name]).verdict


@pytest.mark.parametrize("name", [name for name in WITH_SECRETS if name != "query"])
def test_a_flipped_bit_is_refused(name: str) -> None:
    """200 random bits in each header of the proof and, where it is covered, in the body."""
    raw, dice = SCHEMES[name], random.Random(name)
    genuine = proved(raw)
    signs = raw["scheme"] == "hmac"
    for place, (header, value) in enumerate(genuine.headers):
        if header == "Content-Type":
            continue
        start = len("Bearer ") if name == "bearer" else len("Basic ") if name == "basic" else 0
        for _ in range(200):
            forged = value[:start] + flipped(value[start:].encode(), dice).decode("latin-1")
            headers = list(genuine.headers)
            headers[place] = (header, forged)
            assert "failed" == check(with_headers(genuine, *headers), raw).verdict
    for _ in range(200 if signs else 0):
        changed = msgspec.structs.replace(genuine, body=flipped(BODY, dice))
        assert "failed" == check(changed, raw).verdict


def test_mutated_basic_credentials_are_refused() -> None:
    """Only the exact user name and password in canonical base64 count; none are asked for."""
    raw = SCHEMES["basic"]
    password = "not-a-real-password-1"
    encoded = base64.b64encode(f"acme:{password}".encode()).decode()

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    for allowed in (f"Basic {encoded}", f"basic {encoded}", f"BASIC {encoded}"):
        assert "ok" == headed(raw, "Authorization", allowed).verdict
    for mutated in (
        "", "Basic", "Basic ", encoded, f"Bearer {encoded}", f"Basic  {encoded}",
        f" Basic {encoded}", f"Basic {encoded} ", f"Basic {encoded}\n", f"Basic\t{encoded}",
        f"Basic {encoded}=", f"Basic {encoded.rstrip('=')}", f"Basic {encoded.lower()}",
        f"Basic {'é' * 20}", f"Basic {'A' * 4_000}", basic("acme"), basic("acme:"),
        basic(f":{password}"), basic(":"), basic(f"{password}:acme"), basic(f"acme{password}"),
        basic(f"acme:{password}:"), basic(f"acme:{password} "), basic(f"ACME:{password}"),
        basic(f"acme:{password}\x00"), basic(f"acme:{password[:-1]}"), basic(f"x:{password}"),
    ):  # fmt: skip
        assert "failed" == headed(raw, "Authorization", mutated).verdict, mutated
    pair = ("Authorization", f"Basic {encoded}")
    assert "failed" == check(Callback("POST", URL, (pair, pair), BODY), raw).verdict
    assert "challenge" == check(Callback("POST", URL, (), BODY), raw).verdict


@pytest.mark.parametrize(
    ("name", "header", "start"),
    [("bearer", "Authorization", "Bearer "), ("header", "X-Api-Key", "")],
)
def test_mutated_tokens_are_refused(name: str, header: str, start: str) -> None:
    """Only the exact value counts, in one header."""
    raw = SCHEMES[name]
    (secret,) = secrets_in(scheme_of(raw))
    value = start + secret
    assert "ok" == headed(raw, header, value).verdict
    for mutated in (
        "", start, secret.upper(), f"{start}{secret} ", f" {start} {secret}", f"{value}\n",
        f"{start}{secret[:-1]}", f"{value}x", f"{value},{value}", f"{value}\x00", f"{start}é",
        f"{start}{secret[::-1]}", f"Basic {secret}", f'{start}"{secret}"', f"{start}\udcff{secret}",
        f"{start}{'x' * 9_000}",
    ):  # fmt: skip
        assert "failed" == headed(raw, header, mutated).verdict, mutated
    pair = (header, value)
    for headers in ((), (pair, pair), ((header, "x"), pair), (("X-Other", value),)):
        assert "failed" == check(Callback("POST", URL, headers, BODY), raw).verdict


@pytest.mark.parametrize(
    "query",
    [
        "", "key", "key=", "key=x", "Key=not-a-real-key", "key=not-a-real-key&key=not-a-real-key",
        "key=x&key=not-a-real-key", "key=not-a-real-key&k%65y=x", "key=not-a-real-key%20",
        "key=not-a-real-key%00", "key=not-a-real-key\x00", "key=%FF", "keys=not-a-real-key",
        "a=key=not-a-real-key", "key=not-a-real-key&a=%FF", "key=NOT-A-REAL-KEY",
        "#key=not-a-real-key",
        "a&" * 1_000 + "key=not-a-real-key", "key=not+a+real+key", "key=%C3%A9",
    ],
)  # fmt: skip
def test_a_mutated_key_in_the_query_is_refused(query: str) -> None:
    """Only the exact value counts, once, in a query that can be read."""
    raw = SCHEMES["query"]
    callback = Callback("GET", f"https://hooks.example/in/x?{query}", (), b"")
    assert "failed" == check(callback, raw).verdict
    for right in ("key=not-a-real-key", "a=b&key=not%2Da-real-key&c", "&k%65y=not-a-real-key"):
        callback = Callback("POST", f"https://hooks.example/in/x?{right}", (), BODY)
        assert "ok" == check(callback, raw).verdict


def test_a_missing_key_and_a_doubled_one_are_told_apart() -> None:
    """The reason says which it is."""
    for query, words in (("a=b", "no readable"), ("key=x&key=y", "several")):
        callback = Callback("GET", f"https://hooks.example/in/x?{query}", (), b"")
        assert f"{words} parameter" in check(callback, SCHEMES["query"]).reason


def test_the_token_in_the_url_must_be_long() -> None:
    """Where nothing else proves anything, a short token is refused; the reason says what it is."""
    for path, expected in (("x" * 22, "ok"), ("x" * 21, "failed"), ("demo-simulator", "failed")):
        url = f"https://hooks.example/in/{path}?a=/{'x' * 40}"
        found = check(Callback("POST", url, (), BODY), SCHEMES["url_token"])
        assert expected == found.verdict
        assert "the token in the URL" in found.reason


@pytest.mark.parametrize("name", WITH_SECRETS)
def test_each_of_several_secrets_counts_while_they_are_changed(name: str) -> None:
    """The newest signs, every older one that is listed is taken, no other is."""
    (field,) = {"secret", "password", "token", "value"} & set(SCHEMES[name])
    newest, *older = [f"not-a-real-{number}" for number in range(4)]
    raw = {**SCHEMES[name], field: newest, "older": older}
    assert proved({**SCHEMES[name], field: newest}) == proved(raw)
    for one in (newest, *older):
        assert "ok" == check(proved({**SCHEMES[name], field: one}), raw).verdict
    gone = proved({**SCHEMES[name], field: "not-a-real-4"})
    assert "failed" == check(gone, raw).verdict


@pytest.mark.parametrize(
    "scheme",
    [
        Hmac(secret="", header="X-Signature"),
        Hmac(secret="", older=["", ""], header="X-Signature"),
        Basic(username="", password=""),
        Basic(username="acme", password=""),
        Bearer(token=""),
        Bearer(token="", older=[""]),
        ApiKey(name="X-Api-Key", value=""),
        ApiKey(in_="query", name="key", value=""),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_scheme_without_its_secret_is_closed(scheme: Scheme) -> None:
    """An empty secret verifies nothing, not even what is proved with an empty secret."""
    mac = hmac.new(b"", BODY, "sha256").hexdigest()
    for authorization in ("Basic Og==", "Basic YWNtZTo=", "Bearer "):
        headers = (("X-Signature", mac), ("Authorization", authorization), ("X-Api-Key", ""))
        callback = Callback("POST", "https://hooks.example/in/x?key=", headers, BODY)
        assert "failed" == generic_proofs.verify(callback, scheme, NOW_MS).verdict


@pytest.mark.parametrize("name", SCHEMES)
def test_noise_never_raises_and_no_reason_holds_a_secret(name: str) -> None:
    """2,000 random values where the proof stands give a verdict in words, and a 401."""
    config = load_config(GenericConfig, {"verify": SCHEMES[name]})
    assert isinstance(config.verify, Hmac | Basic | Bearer | ApiKey | UrlToken)
    dice = random.Random(name)
    pool = [chr(code) for code in (*range(256), 0x661, 0xD800, 0x1F600)]
    names = ("X-Signature", "X-Timestamp", "Authorization", "X-Api-Key")
    for _ in range(2_000):
        value = "".join(dice.choices(pool, k=dice.randrange(80)))
        prefix = dice.choice(["", "Basic ", "Bearer ", "1772443000"])
        headers = tuple((header, prefix + value) for header in names)
        callback = Callback(
            value, f"https://h/in/x?key={value}", headers, value.encode("utf-8", "replace")
        )
        found = GENERIC.verify(callback, config, NOW_MS)
        assert "failed" == found.verdict
        assert found.reason
        assert not [one for one in secrets_in(config.verify) if one in found.reason]
        assert 401 == GENERIC.reply(callback, config, found).status
