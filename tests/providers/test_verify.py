"""T01, T03, T05, T12: forged, altered, replayed and unsigned callbacks; handshakes."""

import ast
import base64
import hashlib
import hmac
import random
import string
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from pywa.utils import webhook_updates_validator

import ringback.providers
from ringback.domain.http import Callback
from ringback.providers.base import Provider, ProviderConfig
from ringback.providers.config import load_config, secret_fields
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from tests.sizes import SIZES

from .cases import (
    CASES,
    READERS,
    Case,
    config_of,
    flipped,
    raw_config,
    secrets_in,
    signed,
    with_headers,
)
from .proving import PROVED, Part, Proved, let_through, said, same_body

WHATSAPP, BANDWIDTH, SIMULATOR = (
    PROVIDERS["whatsapp"], PROVIDERS["bandwidth"], PROVIDERS["simulator"],
)  # fmt: skip
BODY = b'{"object":"whatsapp_business_account","entry":[],"items":[]}'
FLIPS = 200

by_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.name)
by_reader = pytest.mark.parametrize("provider", READERS, ids=lambda one: one.name)


def verdict(provider: Provider, callback: Callback, config: ProviderConfig | None = None) -> str:
    """Verify with the recordings' config, or another, and return the verdict."""
    return provider.verify(callback, config or config_of(provider), NOW_MS).verdict


by_proof = pytest.mark.parametrize("one", PROVED, ids=str)


@by_proof
def test_nothing_but_the_whole_proof_lets_a_callback_in(one: Proved) -> None:
    """T01: each part taken away, doubled or altered is refused, and so is all that it covers."""
    assert verdict(one.case.provider, one.callback, one.case.config) == "ok"
    assert set() == let_through(one.case.provider.verify, one)


@by_proof
def test_what_no_proof_covers_may_change(one: Proved) -> None:
    """`%2b` for `%2B` is no other form, and credentials cover no body at all."""
    for callback in same_body(one, random.Random(str(one))):
        assert verdict(one.case.provider, callback, one.case.config) == "ok"


def test_every_provider_proves_its_callbacks() -> None:
    """Each has recordings with a proof; where the key is the proof, whoever asks has checked it."""
    proved = {one.case.provider.name for one in PROVED if one.parts}
    assert proved == {name for name, provider in PROVIDERS.items() if not provider.keyed}


@by_proof
def test_one_who_looks_away_is_found_out(one: Proved) -> None:
    """An adapter that ignored a part, or what is covered, would fail the test above by its name."""
    genuine, verify = one.callback, one.case.provider.verify
    own = said(genuine)

    def careless(look_away: Callable[[Callback], Callback]) -> set[str]:
        return let_through(lambda callback, *more: verify(look_away(callback), *more), one)

    for part in one.parts:
        found = careless(partial(Part.put, part, values=own[part]))
        assert {f"{part} taken away", f"{part} doubled", f"{part} altered"} <= found
    words, url_is_signed = one.case.provider.covers(one.case.config)
    credentials = one.parts == {Part("header", "authorization")}
    body_is_signed = "the body" in words and not credentials and bool(genuine.body)
    replace = msgspec.structs.replace
    found = careless(lambda callback: replace(callback, body=genuine.body))
    assert ("another body" in found) == (body_is_signed or (url_is_signed and bool(genuine.body)))
    found = careless(lambda callback: replace(callback, url=genuine.url))
    assert ("another URL" in found) == url_is_signed


def _hex_mutations(value: str) -> list[str]:
    head, digest = value[:-64], value[-64:]
    return [
        "",
        digest,
        head,
        head + digest.upper(),
        head + digest[:-1],
        head + digest + "0",
        head + digest[::-1],
        head + digest[32:] + digest[:32],
        head + "0" * 64,
        head + "f" * 64,
        head + base64.b64encode(bytes.fromhex(digest)).decode(),
        head.upper() + digest,
        head + " " + digest,
        " " + value,
        value + " ",
        value + "\n",
        value + "," + value,
        value + "\x00",
        head + "é" + digest[1:],
        value + "é",
        head + "٣" * 64,
        f'"{value}"',
        head + head + digest,
    ]


@pytest.mark.parametrize("provider", [WHATSAPP, SIMULATOR], ids=lambda one: one.name)
def test_a_mutated_signature_is_refused(provider: Provider) -> None:
    """Other spellings, encodings, lengths and alphabets of the right signature do not count."""
    genuine = signed(provider, config_of(provider), BODY)
    ((name, value),) = genuine.headers
    assert verdict(provider, genuine) == "ok"
    assert verdict(provider, with_headers(genuine, (name.upper(), value))) == "ok"
    for mutated in _hex_mutations(value):
        assert verdict(provider, with_headers(genuine, (name, mutated))) == "failed", mutated
    for headers in ([], [(name, value)] * 2, [(name, "x"), (name, value)], [("X-Other", value)]):
        assert verdict(provider, with_headers(genuine, *headers)) == "failed"


@pytest.mark.parametrize("provider", [WHATSAPP, SIMULATOR], ids=lambda one: one.name)
def test_a_signature_for_something_else_is_refused(provider: Provider) -> None:
    """A right signature of another body, by another secret or algorithm, does not count."""
    config = config_of(provider)
    (field,) = [name for name in secret_fields(provider.Config) if name.endswith("secret")]
    other = load_config(provider.Config, {**raw_config(provider), field: "not-a-real-other"})
    genuine = signed(provider, config, BODY)
    ((name, value),) = genuine.headers
    key = str(getattr(config, field)).encode()
    covered = BODY if provider is WHATSAPP else value.partition(",")[0][2:].encode() + b"." + BODY
    forged = [signed(provider, other, BODY).headers[0][1]]
    altered = (b"", BODY + b"\n", BODY[:-1], b" " + BODY, BODY.replace(b":", b": "), BODY * 2)
    forged += [signed(provider, config, body).headers[0][1] for body in altered]
    for algorithm in ("md5", "sha1", "sha512", "sha3_256", "blake2s"):
        digest = hmac.new(key, covered, algorithm).hexdigest()
        forged += [f"{algorithm}={digest}", f"sha256={digest}", value[:-64] + digest]
    forged.append(value[:-64] + hashlib.sha256(key + covered).hexdigest())
    forged.append(value[:-64] + hmac.new(covered, key, "sha256").hexdigest())
    for mutated in forged:
        assert verdict(provider, with_headers(genuine, (name, mutated))) == "failed", mutated
    assert verdict(provider, Callback("POST", genuine.url, genuine.headers, b"")) == "failed"


@by_reader
def test_a_connection_without_its_secret_is_closed(provider: Provider) -> None:
    """An empty secret verifies nothing, not even what is signed with one; the reason says so."""
    empty = dict.fromkeys(raw_config(provider), "")
    config = provider.Config(**empty)
    found = provider.verify(signed(provider, config, BODY), config, NOW_MS)
    assert found.verdict == "failed"
    assert "the connection " in found.reason
    if provider is WHATSAPP:
        assert verdict(provider, handshake(token="", challenge="1"), config) == "failed"


def test_mutated_basic_credentials_are_refused() -> None:
    """Only the exact user name and password in canonical base64 count, whatever the scheme."""
    config = config_of(BANDWIDTH)
    genuine = signed(BANDWIDTH, config, BODY)
    ((name, value),) = genuine.headers
    scheme, _, encoded = value.partition(" ")
    user, password = "not-a-real-user", "not-a-real-password"

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    for allowed in (value, f"basic {encoded}", f"BASIC {encoded}"):
        assert verdict(BANDWIDTH, with_headers(genuine, (name, allowed))) == "ok"
    refused = [
        "", scheme, f"{scheme} ", encoded, f"Bearer {encoded}", f"Digest {encoded}",
        f"{scheme}  {encoded}", f" {value}", f"{value} ", f"{value}\n", f"{value},{value}",
        f"{scheme}\t{encoded}", f"{scheme} {encoded}=", f"{scheme} {encoded[:-1]}",
        f"{scheme} {encoded[:4]}\n{encoded[4:]}", f"{scheme} {encoded.rstrip('=')}",
        f"{scheme} {encoded.lower()}", f"{scheme} {encoded.replace('b', '_')}",
        f"{scheme} {'é' * 20}", f"{scheme} {'A' * 4_000}", basic(user), basic(f"{user}:"),
        basic(f":{password}"), basic(":"), basic(f"{password}:{user}"), basic(f"{user}{password}"),
        basic(f"{user}:{password}:"), basic(f"{user}:{password} "), basic(f" {user}:{password}"),
        basic(f"{user.upper()}:{password}"), basic(f"{user}:{password.upper()}"),
        basic(f"{user}:{password}\x00"), basic(f"{user}:{password[:-1]}"), basic(f"x:{password}"),
        basic(f"{user}\n:{password}"), basic("é:ü"),
    ]  # fmt: skip
    for mutated in refused:
        assert verdict(BANDWIDTH, with_headers(genuine, (name, mutated))) == "failed", mutated
    assert verdict(BANDWIDTH, with_headers(genuine, (name, value), (name, value))) == "failed"


def test_no_credentials_are_asked_for_and_wrong_ones_too() -> None:
    """Bandwidth comes back only after a 401 with WWW-Authenticate; no other answer will do."""
    config = config_of(BANDWIDTH)
    bare = with_headers(signed(BANDWIDTH, config, BODY))
    wrong = with_headers(bare, ("Authorization", "Basic eDp5"))
    for callback, expected in ((bare, "challenge"), (wrong, "failed")):
        verification = BANDWIDTH.verify(callback, config, NOW_MS)
        reply = BANDWIDTH.reply(callback, config, verification)
        assert expected == verification.verdict
        assert reply.status == 401
        assert ("WWW-Authenticate", 'Basic realm="ringback"') in reply.headers


def test_metas_vector() -> None:
    """A3: the signature covers the bytes as they came, escapes included."""
    body = rb'{"entry":[{"id":"1","changes":[]}],"object":"whatsapp_business_account","e":"\u00e9"}'
    config = load_config(WHATSAPP.Config, {"app_secret": "app_secret", "verify_token": "x"})
    digest = "1d536e7585809788175af07fcea4d6a3e9ac67d930f99ff5e4173eba79980c44"
    callback = Callback("POST", "https://h/", (("X-Hub-Signature-256", f"sha256={digest}"),), body)
    assert verdict(WHATSAPP, callback, config) == "ok"
    assert WHATSAPP.sign(body, config, 0) == callback.headers


def test_pywa_and_we_agree_on_every_body() -> None:
    """S4: what we sign pywa takes and the other way round; a changed body neither takes."""
    dice = random.Random(3)
    for _ in range(SIZES.oracle_bodies):
        secret = "".join(dice.choices(string.ascii_letters + string.digits, k=32))
        body = dice.randbytes(dice.randrange(1, 400))
        config = load_config(WHATSAPP.Config, {"app_secret": secret, "verify_token": "x"})
        ours = WHATSAPP.sign(body, config, 0)[0][1]
        assert webhook_updates_validator(secret, body, ours)
        theirs = "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()
        for sent in (body, flipped(body, dice)):
            headers = (("X-Hub-Signature-256", theirs),)
            found = verdict(WHATSAPP, Callback("POST", "https://h/", headers, sent), config)
            assert webhook_updates_validator(secret, sent, theirs) == (found == "ok")


ODD_TIMES = [
    "1772443000.9", "+1772443000", "-1772443000", "1_772_443_000", " 1772443000", "1772443000 ",
    "NaN", "1e9", "Infinity", "0x69A5A978", "9223372036854775808", "18446744073709551616", "", "0",
    "1", "٣٣٣٣٣٣٣٣٣٣", "1772443000\n", "1772443000,t=1772443000", "01772443000000", "177244300",
]  # fmt: skip


def test_only_times_within_five_minutes_count() -> None:
    """T03: 1,000 times around the edges; the exact boundary still counts, one second more not."""
    config = config_of(SIMULATOR)
    secret = str(raw_config(SIMULATOR)["secret"]).encode()

    def at(text: str) -> Callback:
        covered = text.encode() + b"." + BODY
        digest = hmac.new(secret, covered, "sha256").hexdigest()
        headers = (("X-Simulator-Signature", f"t={text},v1={digest}"),)
        return Callback("POST", "https://h/", headers, BODY)

    now = NOW_MS // 1000
    for offset in range(-490, 490):
        expected = "ok" if abs(offset) <= 300 else "failed"
        assert expected == verdict(SIMULATOR, at(str(now + offset)))
    for text in ODD_TIMES:
        assert verdict(SIMULATOR, at(text)) == "failed", text
    for late, expected in ((0, "ok"), (1, "failed")):
        found = SIMULATOR.verify(at(str(now)), config, NOW_MS + 300_000 + late)
        assert expected == found.verdict


def handshake(token: str, challenge: str, mode: str = "subscribe") -> Callback:
    """Make Meta's set-up request."""
    query = f"hub.mode={quote(mode)}&hub.challenge={quote(challenge)}&hub.verify_token="
    return Callback("GET", f"https://hooks.example/in/x?{query}{quote(token)}", (), b"")


MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<b>",
    '"',
    "'",
    "&lt;",
    "%3C",
]


def test_the_handshake_is_no_oracle_and_reflects_no_markup() -> None:
    """T12: 500 handshakes; only the right token with a plain challenge gets an echo."""
    config, right = config_of(WHATSAPP), str(raw_config(WHATSAPP)["verify_token"])
    dice = random.Random(12)
    echoed = 0
    for number in range(500):
        token = right if number % 2 else flipped(right.encode(), dice).decode("latin-1")
        size = dice.choice((1, 10, 256, 257, 5_000))
        plain = "".join(dice.choices(string.ascii_letters + string.digits, k=size))
        challenge = plain if number % 4 < 2 else plain[:100] + dice.choice(MARKUP)
        callback = handshake(token, challenge)
        verification = WHATSAPP.verify(callback, config, NOW_MS)
        reply = WHATSAPP.reply(callback, config, verification)
        if token == right and challenge == plain and size <= 256:
            echoed += 1
            assert (reply.status, reply.body) == (200, challenge.encode())
            assert ("Content-Type", "text/plain; charset=utf-8") in reply.headers
            assert ("X-Content-Type-Options", "nosniff") in reply.headers
        else:
            assert (verification.verdict, reply.status, reply.body) == ("failed", 403, b"")
    assert echoed > 50


@pytest.mark.parametrize(
    "url",
    [
        "https://h/in/x",
        "https://h/in/x?",
        "https://h/in/x?hub.mode=subscribe",
        "https://h/in/x?hub.mode=subscribe&hub.challenge=1",
        "https://h/in/x?hub.challenge=1&hub.verify_token=TOKEN",
        "https://h/in/x?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=TOKEN",
        "https://h/in/x?hub.mode=subscribe&hub.challenge=&hub.verify_token=TOKEN",
        "https://h/in/x?hub.mode=subscribe&hub.challenge=1&hub.challenge=2&hub.verify_token=TOKEN",
        "https://h/in/x?hub.mode=subscribe&hub.challenge=1&hub.verify_token=TOKEN&hub.verify_token=x",
        "https://h/in/x?hub.mode=subscribe&hub.challenge=1&hub.verify_token=%FF%ED%A0%80",
        "https://h/in/x?hub.mode=subscribe&hub.challenge=%00&hub.verify_token=TOKEN",
        "https://h/in/x?hub.mode=subscribe&hub.challenge=1%0D%0A&hub.verify_token=TOKEN",
        "https://h/in/x?" + "a=b&" * 20_000 + "hub.mode=subscribe",
        "https://h/in/x?hub.mode=subscribe&hub.challenge=1&hub.verify_token=TOKEN" + "&a=b" * 1_024,
    ],
)
def test_an_incomplete_handshake_is_refused(url: str) -> None:
    """Each of the three parameters is needed exactly once, and sane."""
    token = str(raw_config(WHATSAPP)["verify_token"])
    assert verdict(WHATSAPP, Callback("GET", url.replace("TOKEN", token), (), b"")) == "failed"


@by_reader
def test_other_methods_are_refused(provider: Provider) -> None:
    """Only the methods that the provider uses are verified at all."""
    genuine = signed(provider, config_of(provider), BODY)
    for method in ("PUT", "DELETE", "HEAD", "OPTIONS", "post", "GET", ""):
        if method == "GET" and provider.name == "link_cool":
            continue  # That is how its reports come.
        callback = Callback(method, genuine.url, genuine.headers, BODY)
        assert verdict(provider, callback) == "failed"


@by_reader
def test_noise_in_headers_and_query_never_raises(provider: Provider) -> None:
    """2,000 random values where the authentication stands give a verdict, never an exception."""
    config, dice = config_of(provider), random.Random(7)
    names = {part.name for one in PROVED for part in one.parts}
    pool = [chr(code) for code in (*range(256), 0x661, 0xD800, 0x1F600)]
    for _ in range(2_000):
        value = "".join(dice.choices(pool, k=dice.randrange(80)))
        prefix = dice.choice(["", "Basic ", "sha256=", "t=1772443000,v1="])
        headers = tuple((name, prefix + value) for name in names)
        url = f"https://h/in/x?hub.mode=subscribe&hub.challenge=1&hub.verify_token={value}"
        for method in ("GET", "POST"):
            callback = Callback(method, url, headers, b"{}")
            verification = provider.verify(callback, config, NOW_MS)
            assert verification.verdict == "failed"
            assert provider.reply(callback, config, verification).status in (401, 403)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_secret_appears_in_a_reason(case: Case) -> None:
    """What is said about a verdict can be shown to anybody who may see the callback."""
    told = repr(case.provider.verify(case.callback, case.config, NOW_MS)) + repr(case.config)
    plain = [value for value in raw_config(case.provider).values() if isinstance(value, str)]
    for value in [*plain, *secrets_in(case.config)]:
        assert value not in told


def test_nothing_secret_is_compared_with_equals() -> None:
    """T05: no `==`, `!=` or `in` touches what is called a signature, token, digest or password."""
    words = ("sig", "token", "digest", "secret", "password", "hmac")
    found: list[str] = []
    for path in Path(ringback.providers.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Compare) or _tells_nothing(node.left):
                continue
            if any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                text = ast.unparse(node).lower()
            elif any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
                # What is looked for, and where: names alone, for a word in a text is no secret.
                text = " ".join(_names(node)).lower()
            else:
                continue
            found += [f"{path.name}: {text}" for word in words if word in text]
    assert found == []


def _tells_nothing(node: ast.AST) -> bool:
    """Say whether this is how many there are, or what was found of something: no secret itself."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "len"
    return isinstance(node, ast.Attribute) and node.attr == "verdict"


def _names(node: ast.AST) -> list[str]:
    """Return the names and attributes that an expression is made of, but for constants' names."""
    names = [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
    names += [one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)]
    return [name for name in names if not name.isupper() and name != "signed"]
