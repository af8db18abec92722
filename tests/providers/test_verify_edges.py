"""T02: the last conditions of what verifies: without these, mutants of them go unnoticed."""

import base64
import hmac

import msgspec
import pytest
from twilio.request_validator import RequestValidator

from ringback.domain.http import Callback, Headers, HttpRequest
from ringback.providers import bandwidth_toll_free
from ringback.providers.bandwidth_config import BandwidthConfig
from ringback.providers.base import Provider
from ringback.providers.config import load_config
from ringback.providers.forms import PAIRS_MAX
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.providers.twilio_forms import SIZE_MAX
from ringback.providers.twilio_proof import basic
from ringback.providers.whatsapp import QUERY_MAX

from .cases import arrived, config_of, raw_config

TWILIO, BANDWIDTH, WHATSAPP = (
    PROVIDERS["twilio"], PROVIDERS["bandwidth"], PROVIDERS["whatsapp"],
)  # fmt: skip
URL = "https://hooks.example/in/abc"
FORM: Headers = (("Content-Type", "application/x-www-form-urlencoded"),)
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"


def signed(body: bytes, *headers: tuple[str, str], url: str = URL, **secrets: str) -> Callback:
    """Make a form that Twilio signed for these secrets."""
    config = load_config(TWILIO.Config, {"auth_token": "not-a-real-auth-token", **secrets})
    request = HttpRequest("POST", url, FORM + headers, body)
    return arrived(TWILIO.authenticate(request, config, NOW_MS))


def reason(provider: Provider, callback: Callback, **config: object) -> str:
    """Return what is said of a callback that is refused, and "" for one that is not."""
    used = load_config(provider.Config, {**raw_config(provider), **config})
    found = provider.verify(callback, used, NOW_MS)
    return found.reason if found.verdict == "failed" else ""


def test_a_form_of_twilios_has_limits() -> None:
    """1,000 fields and 256 KiB are read, one more is not; so is the query that a hash stands in."""
    most = b"&".join([b"a=b"] * PAIRS_MAX)
    large = b"a=" + b"b" * (SIZE_MAX - 2)
    for body in (most, large):
        assert reason(TWILIO, signed(body)) == ""
    for body in (most + b"&a=b", large + b"b"):
        assert "a form of more than" in reason(TWILIO, signed(body))
    request = HttpRequest("POST", f"{URL}?{'a&' * PAIRS_MAX}a=b", (), b"[]")
    callback = arrived(TWILIO.authenticate(request, config_of(TWILIO), NOW_MS))
    assert "not once in the query" in reason(TWILIO, callback)


def test_a_hash_of_other_letters_is_refused() -> None:
    """What stands for the body's hash in the query may be anything: it raises nothing."""
    for odd in ("%E9" * 64, "é", "x" * 64, "0" * 63, "0" * 65, ""):
        headers = (("X-Twilio-Signature", "A" * 27 + "="),)
        callback = Callback("POST", f"{URL}?bodySHA256={odd}", headers, b"[]")
        assert "64 lower-case hex digits" in reason(TWILIO, callback)


@pytest.mark.parametrize("settings", ["key=k", "", "algorithm=", "key=k,algorithm= ", "algorithm"])
def test_settings_without_an_algorithm_mean_the_auth_token(settings: str) -> None:
    """As for Twilio's own validator."""
    callback = signed(b"a=b")
    headers = (*callback.headers, (SETTINGS, settings))
    assert reason(TWILIO, msgspec.structs.replace(callback, headers=headers)) == ""


def test_a_refusal_names_the_secret_that_it_is_about() -> None:
    """Auth Token or shared key, missing or another."""
    by_key = (SETTINGS, "key=k,algorithm=HMAC_SHA256")
    other = signed(b"a=b", auth_token="not-a-real-other")
    assert "another Auth Token made it" in reason(TWILIO, other)
    other = signed(b"a=b", by_key, shared_key="not-a-real-other")
    assert "another shared key made it" in reason(TWILIO, other)
    assert "no shared key, and this is signed" in reason(TWILIO, other, shared_key=None)
    nothing = {"auth_token": ""}
    told = TWILIO.verify(signed(b"a=b"), TWILIO.Config(**nothing), NOW_MS).reason
    assert told == "the connection has no Auth Token"


def test_urls_of_other_letters() -> None:
    """Beyond Latin-1 a URL is signed as UTF-8, as theirs does; a lone surrogate raises nothing."""
    url = f"{URL}?name=ł"
    theirs = RequestValidator("not-a-real-auth-token").compute_signature(url, {"a": "b"})
    callback = signed(b"a=b", url=url)
    assert callback.header("X-Twilio-Signature") == theirs
    assert reason(TWILIO, callback) == ""
    assert reason(TWILIO, msgspec.structs.replace(callback, url=f"{URL}?name=\ud800"))


def test_half_of_the_credentials_closes_a_connection() -> None:
    """With a user name or a password alone, nothing that comes with credentials is let in."""
    for half in ({"callback_username": "u"}, {"callback_password": "p"}):
        bare = signed(b"a=b")
        for credentials in ("u:p", "u:", ":p", ":"):
            encoded = base64.b64encode(credentials.encode()).decode()
            headers = (*bare.headers, ("Authorization", f"Basic {encoded}"))
            assert reason(TWILIO, msgspec.structs.replace(bare, headers=headers), **half)
        config = load_config(TWILIO.Config, {"auth_token": "not-a-real-auth-token", **half})
        assert TWILIO.verify(bare, config, NOW_MS).verdict == "challenge"


def test_credentials_that_cannot_be_decoded_are_refused() -> None:
    """Bad padding is no exception."""
    secrets = {"callback_username": "u", "callback_password": "p"}
    right = signed(b"a=b", **secrets)
    assert reason(TWILIO, right, **secrets) == ""
    (*rest, _) = right.headers
    for value in ("Basic a", "Basic abcde", "Basic =", basic("u", "p") + "a"):
        headers = (*rest, ("Authorization", value))
        assert reason(TWILIO, msgspec.structs.replace(right, headers=headers), **secrets)


def test_each_secret_of_bandwidths_is_needed() -> None:
    """An empty user name or an empty password alone closes a connection."""
    for username, password in (("", "p"), ("u", ""), ("", "")):
        config = BandwidthConfig(username=username, password=password)
        headers = (("Authorization", basic(username, password)),)
        found = BANDWIDTH.verify(Callback("POST", URL, headers, b"[]"), config, NOW_MS)
        assert "no user name and password" in found.reason


def test_a_toll_free_signature_holds_for_post_alone() -> None:
    """Where the signature stands alone, the method is looked at too."""
    config = BandwidthConfig(username="u", password="p", toll_free_secret="not-a-real-secret")
    body = b'{"phoneNumber":"+18885550100"}'
    made = bandwidth_toll_free.signature(body, "not-a-real-secret", config.toll_free_form)
    alone = ((bandwidth_toll_free.SIGNATURE_HEADER, str(made)),)
    for method, expected in (("POST", "ok"), ("GET", "failed"), ("PUT", "failed")):
        found = BANDWIDTH.verify(Callback(method, URL, alone, body), config, NOW_MS)
        assert expected == found.verdict


def test_a_toll_free_signature_covers_something() -> None:
    """Without a secret, and of a body without a canonical form, no signature is right."""
    closed = BandwidthConfig(username="u", password="p", toll_free_secret="")
    empty = hmac.digest(b"", b"", "sha256").hex()
    assert "no shared secret" in str(bandwidth_toll_free.fault(b"", [empty], closed))
    secret = "not-a-real-secret"
    config = BandwidthConfig(
        username="u", password="p", toll_free_secret=secret, toll_free_form="sorted"
    )
    of_nothing = hmac.digest(secret.encode(), b"", "sha256").hex()
    assert "not JSON" in str(bandwidth_toll_free.fault(b"<a/>", [of_nothing], config))


def test_a_handshake_may_be_as_long_as_it_may() -> None:
    """4,096 characters are read, one more is not."""
    token = raw_config(WHATSAPP)["verify_token"]
    start = f"hub.mode=subscribe&hub.challenge=1&hub.verify_token={token}&a="
    for size, expected in ((QUERY_MAX, "handshake"), (QUERY_MAX + 1, "failed")):
        query = start + "x" * (size - len(start))
        found = WHATSAPP.verify(
            Callback("GET", f"{URL}?{query}", (), b""), config_of(WHATSAPP), NOW_MS
        )
        assert expected == found.verdict
