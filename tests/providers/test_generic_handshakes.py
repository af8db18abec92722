"""Handshakes of `generic`: echoes and CRCs; nothing that could be a callback is ever signed."""

import json
import random
from base64 import b64decode

import pytest

from ringback.domain.http import Callback
from ringback.providers.config import ConfigError, load_config
from ringback.providers.generic_config import GenericConfig
from ringback.providers.registry import PROVIDERS

from .cases import signed

GENERIC = PROVIDERS["generic"]
SHARED = "not-a-real-consumer-secret"
VERIFY = {"scheme": "hmac", "secret": SHARED, "header": "X-Signature", "encoding": "base64",
          "prefix": "sha256="}  # fmt: skip
CRC = load_config(GenericConfig, {"verify": VERIFY, "handshake": {"kind": "crc", "secret": SHARED}})
URL = "https://hooks.example/in/example"
TOKEN = "9b4507b3-9040-4669-9ca3-6b94edb50553"


def asked(query: str, config: GenericConfig = CRC, method: str = "GET") -> tuple[str, int, bytes]:
    """Return verdict, status and body of the answer to a request."""
    callback = Callback(method, f"{URL}?{query}", (), b"")
    verification = GENERIC.verify(callback, config, 0)
    answer = GENERIC.reply(callback, config, verification)
    return verification.verdict, answer.status, answer.body


def test_a_challenge_is_signed_as_openssl_signs_it() -> None:
    """`openssl dgst -sha256 -hmac SECRET -binary | base64` gave this."""
    verdict, status, body = asked(f"crc_token={TOKEN}&nonce=1")
    assert ("handshake", 200) == (verdict, status)
    proof = "sha256=Jq0Z3n1xx0fmNppuOIGaL+MRhs+UPzbIUw1LRv59lvY="
    assert {"response_token": proof} == json.loads(body)


@pytest.mark.parametrize("query", [
    "", "crc_token=", "crc_token=short", f"crc_token={TOKEN}&crc_token={TOKEN}",
    "crc_token=%7B%22id%22%3A%221234%22%7D", "crc_token=a%3D1%26b%3D2222", f"crc_token={'a' * 257}",
    f"crc_token={TOKEN}&a=%FF",
])  # fmt: skip
def test_nothing_else_is_signed(query: str) -> None:
    """No JSON, no form, nothing short, long or doubled: what callbacks consist of least of all."""
    assert ("failed", 401, b"") == asked(query)


def test_only_a_get_asks_for_a_signature() -> None:
    """Whatever comes by another method is a callback, and has to prove itself."""
    for method in ("PUT", "HEAD", "get", ""):
        assert ("failed", 401, b"") == asked(f"crc_token={TOKEN}", method=method)


def test_a_signature_can_be_wanted_in_hex() -> None:
    """In the field and after the words that the config names."""
    shaken = {"kind": "crc", "secret": SHARED, "encoding": "hex", "prefix": "", "field": "proof"}
    _, _, body = asked(f"crc_token={TOKEN}", load_config(
        GenericConfig, {"verify": VERIFY, "handshake": shaken}))  # fmt: skip
    mac = b64decode("Jq0Z3n1xx0fmNppuOIGaL+MRhs+UPzbIUw1LRv59lvY=").hex()
    assert {"proof": mac} == json.loads(body)


def test_what_was_signed_is_no_callback() -> None:
    """With one secret for both, a signature from a handshake proves no body."""
    _, _, body = asked(f"crc_token={TOKEN}")
    proof = json.loads(body)["response_token"]
    forged = Callback("POST", URL, (("X-Signature", proof),), TOKEN.encode())
    assert "failed" == GENERIC.verify(forged, CRC, 0).verdict
    echo = load_config(GenericConfig, {"verify": VERIFY, "handshake": {"kind": "echo",
        "parameter": "challenge"}})  # fmt: skip
    for config, body, expected in (
        (CRC, b'{"id": 1}', "ok"), (CRC, b"a" * 256, "failed"), (CRC, b"a" * 257, "ok"),
        (echo, b"a" * 256, "ok"),
    ):  # fmt: skip
        assert expected == GENERIC.verify(signed(GENERIC, config, body), config, 0).verdict


def test_an_echo_gives_back_no_markup() -> None:
    """T12: 500 challenges, a third of them with something that a browser could run."""
    config = load_config(
        GenericConfig, {"verify": VERIFY, "handshake": {"kind": "echo", "parameter": "challenge"}}
    )
    dice = random.Random(12)
    for _ in range(500):
        tail = dice.choice(("", "%3Cscript%3E", "%22onload%3D", "javascript%3A"))
        value = f"{dice.randrange(10**9)}{tail}"
        verdict, status, body = asked(f"challenge={value}", config)
        if tail:
            assert ("failed", 401, b"") == (verdict, status, body)
        else:
            assert ("handshake", 200, value.encode()) == (verdict, status, body)


def test_the_token_of_an_echo_is_compared_and_hidden() -> None:
    """Another one is refused; in what is kept of it, it cannot be read."""
    shaken = {"kind": "echo", "parameter": "c", "token_parameter": "t", "token": "not-a-real-one"}
    config = load_config(GenericConfig, {"verify": VERIFY, "handshake": shaken})
    assert ("handshake", 200, b"77") == asked("c=77&t=not-a-real-one", config)
    assert ("failed", 401, b"") == asked("c=77&t=not-a-real-two", config)
    assert ("failed", 401, b"") == asked("c=77", config)
    assert ("failed", 401, b"") == asked("c=77&t=", config)
    kept = GENERIC.conceal(Callback("GET", f"{URL}?c=77&t=not-a-real-two", (), b""), config)
    assert "not-a-real" not in kept.url


@pytest.mark.parametrize("half", [{"token": "not-a-real-one"}, {"token_parameter": "t"}])
def test_a_token_needs_its_place(half: dict[str, str]) -> None:
    """A token that is never looked at would let everybody in who asks."""
    shaken = {"kind": "echo", "parameter": "c", **half}
    with pytest.raises(ConfigError, match="need each other"):
        load_config(GenericConfig, {"verify": VERIFY, "handshake": shaken})
