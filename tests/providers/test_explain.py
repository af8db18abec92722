"""What adapters themselves say of a refused callback: the cause in words, and never a secret."""

import base64
import hashlib
import hmac
import json
import random
from typing import Any

import msgspec
import pytest

from ringback.domain.http import Callback, HttpRequest
from ringback.providers import bandwidth_toll_free, twilio_proof
from ringback.providers.base import ProviderConfig
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS

from .cases import arrived, config_of, raw_config, secrets_in

URL = "https://hooks.example/in/example?a=b%2fc+d&e"
FORM = b"MessageSid=SM1&MessageStatus=sent&To=%2B15550100123"
FORM_TYPE = ("Content-Type", "application/x-www-form-urlencoded")
JSON_TYPE = ("Content-Type", "application/json")
ACCOUNT = "AC" + "0a" * 16
SHA1_TEXT = 28


def config(name: str, **changes: Any) -> ProviderConfig:
    """Make a provider's config with some things otherwise; None leaves one out."""
    raw = {**raw_config(PROVIDERS[name]), **changes}
    kept = {key: value for key, value in raw.items() if value is not None}
    return load_config(PROVIDERS[name].Config, kept)


def told(name: str, known: ProviderConfig, callback: Callback) -> str | None:
    """Return what an adapter says of a callback that it refuses, which holds no secret."""
    provider = PROVIDERS[name]
    assert "failed" == provider.verify(callback, known, NOW_MS).verdict
    said = provider.explain(callback, known, NOW_MS)
    for secret in secrets_in(known) if said else ():
        assert secret not in (said or "")
    for value in (value for _, value in callback.headers):
        assert len(value) < SHA1_TEXT or value not in (said or "")
    return said


def signed(name: str, known: ProviderConfig, url: str, body: bytes, kind: Any) -> Callback:
    """Make a callback as the provider proves it."""
    asked = HttpRequest("POST", url, (kind,), body)
    return arrived(PROVIDERS[name].authenticate(asked, known, NOW_MS))


def but(callback: Callback, **changes: Any) -> Callback:
    """Return the callback as it comes in after something on the way, or somebody, changed it."""
    headers = dict(callback.headers) | changes.pop("headers", {})
    kept = tuple((name, value) for name, value in headers.items() if value is not None)
    return msgspec.structs.replace(callback, **{"headers": kept, **changes})


TWILIO = config("twilio", account_sid=ACCOUNT)
AS_FORM = signed("twilio", TWILIO, URL, FORM, FORM_TYPE)
AS_JSON = signed("twilio", TWILIO, URL, b'[{"id": 1}]', JSON_TYPE)


def with_another_token(body: bytes = FORM, **changes: Any) -> tuple[ProviderConfig, Callback]:
    """Make a form that another Auth Token signed, and the config that it comes to."""
    other = config("twilio", auth_token="not-a-real-token-of-somebody", account_sid=None)
    return config("twilio", **changes), signed("twilio", other, URL, body, FORM_TYPE)


FORMER = "&AccountSid=AC" + "1b" * 16


@pytest.mark.parametrize(
    ("known", "callback", "words"),
    [
        pytest.param(TWILIO, but(AS_JSON, url=URL), "fits this URL with bodySHA256", id="no hash"),
        pytest.param(TWILIO, but(AS_JSON, body=b"[]"), "the body alone was changed", id="body"),
        pytest.param(TWILIO, but(AS_FORM, headers={"Content-Type": "text/plain"}),
                     "changes or drops Content-Type", id="type"),
        pytest.param(TWILIO, but(AS_FORM, body=b"{}", headers={"Content-Type": JSON_TYPE[1]}),
                     "turns a form into JSON", id="form as JSON"),
        pytest.param(TWILIO, but(AS_FORM, url=URL.replace("https", "http").replace("%2f", "%2F")),
                     "with https:// and its escapes in lower case: set public_url", id="both"),
        pytest.param(TWILIO, but(AS_FORM, url=URL.replace("%2f", "%2F")),
                     "https:// and its escapes in lower case: look for", id="re-encoded"),
        pytest.param(TWILIO, but(AS_FORM, body=FORM + b"&added=1"),
                     "without the field 'added'", id="one field more"),
        pytest.param(TWILIO, but(AS_FORM, body=FORM + b"&a=b%2Fc+d&e="),
                     "copies them into the form", id="fields of the query"),
        pytest.param(TWILIO, but(signed("twilio", TWILIO, URL, b"", FORM_TYPE), body=FORM),
                     "the URL alone, without any field", id="a GET"),
        pytest.param(TWILIO, but(AS_FORM, headers={twilio_proof.HEADER: "A" * 43 + "="}),
                     "something on the way drops that header", id="SHA-256"),
        pytest.param(*with_another_token(account_sid=None, auth_token=ACCOUNT),
                     "looks like a SID (AC…)", id="a SID"),
        pytest.param(*with_another_token(api_key_sid="SK" + "2c" * 16,
                                         api_key_secret="not-a-real-key-secret",
                                         auth_token="not-a-real-key-secret"),
                     "the secret of its API key, which signs nothing", id="a key's secret"),
        pytest.param(*with_another_token(FORM + FORMER.encode(), account_sid=ACCOUNT),
                     f"of the account {FORMER[-34:]}, and this connection is of another: a sub",
                     id="subaccount"),
        pytest.param(*with_another_token(FORM + FORMER.encode(), account_sid=FORMER[-34:]),
                     "enter that account's own primary Auth Token", id="own account"),
    ],
)  # fmt: skip
def test_twilios_own_ways_are_known(known: ProviderConfig, callback: Callback, words: str) -> None:
    """Hashes of bodies, algorithms, fields, two things at once, and whose token signs."""
    assert words in (told("twilio", known, callback) or "")


def test_twilios_credentials_in_the_url_are_told_apart() -> None:
    """The signature fits, and what stands in the callback URL does not."""
    known = config("twilio", callback_username="carrier", callback_password="not-a-real-pass-1")
    wrong = base64.b64encode(b"carrier:not-a-real-other").decode()
    callback = signed("twilio", known, URL, FORM, FORM_TYPE)
    said = told("twilio", known, but(callback, headers={"Authorization": f"Basic {wrong}"}))
    assert "The user name fits, and the password does not" in (said or "")


META = config("whatsapp", phone_number_id="106540352242922", account_id="102290129340398")
OTHER_APP = config("whatsapp", app_secret="not-a-real-secret-of-another-app")
AS_META_WRITES = (
    rb'{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":['
    rb'{"field":"messages","value":{"metadata":{"phone_number_id":"106540352242922"},'
    rb'"text":"caf\u00e9 at https:\/\/a.example"}}]}]}'
)
DIRECT = signed("whatsapp", META, URL, AS_META_WRITES, JSON_TYPE)
FROM_OTHER = signed("whatsapp", OTHER_APP, URL, AS_META_WRITES, JSON_TYPE)
WRITTEN_ANEW = json.dumps(json.loads(AS_META_WRITES), ensure_ascii=False).encode()


def with_sha1(secret: bytes) -> Callback:
    """Make a callback that has the old signature alone."""
    made = "sha1=" + hmac.new(secret, AS_META_WRITES, hashlib.sha1).hexdigest()
    return but(DIRECT, headers={"X-Hub-Signature-256": None, "X-Hub-Signature": made})


@pytest.mark.parametrize(
    ("known", "callback", "words"),
    [
        pytest.param(META, but(DIRECT, body=WRITTEN_ANEW), "the same JSON as Meta writes it",
                     id="re-encoded"),
        pytest.param(META, FROM_OTHER, "this connection's own number id 106540352242922, so another"
                     " app posts it: enter the App Secret", id="another app"),
        pytest.param(config("whatsapp", phone_number_id="77", account_id="88"), FROM_OTHER,
                     "number id 106540352242922, and this connection has another", id="number"),
        pytest.param(config("whatsapp", phone_number_id=None, account_id="88"), FROM_OTHER,
                     "account id 102290129340398, and this connection has another", id="account"),
        pytest.param(META, with_sha1(b"not-a-real-app-secret"), "with SHA-1, and it", id="sha1"),
        pytest.param(META, with_sha1(b"x"), "does not fit the app secret either", id="sha1, wrong"),
        pytest.param(META, but(DIRECT, headers={
            "X-Hub-Signature-256": "sha256=" + DIRECT.headers[-1][1][7:].upper()}),
                     "fits but for how it is written", id="capitals"),
        pytest.param(config("whatsapp", app_secret="EAAnot-a-real-token"), FROM_OTHER,
                     "looks like an access token", id="token"),
        pytest.param(config("whatsapp", app_secret="123456789012345"), FROM_OTHER,
                     "looks like the id of an app", id="app's id"),
    ],
)  # fmt: skip
def test_metas_own_ways_are_known(known: ProviderConfig, callback: Callback, words: str) -> None:
    """Whose app, which header, whose JSON."""
    assert words in (told("whatsapp", known, callback) or "")


def basic(text: str) -> str:
    """Write credentials, or anything else, as a header of the Basic scheme has them."""
    return "Basic " + base64.b64encode(text.encode()).decode()


USER, PASSWORD = "ringback-hooks", "not-a-real-Password"
HALVES = [
    pytest.param(basic(f"{USER}:not-a-real-other"), "The user name fits, and the password does not",
                 id="password"),
    pytest.param(basic(f"{USER}:"), "the password does not, which is empty", id="no password"),
    pytest.param(basic(f"other:{PASSWORD}"), "The password fits, and the user name does not",
                 id="user"),
    pytest.param(basic("other:not-a-real-other"), "Neither user name nor password fit", id="both"),
    pytest.param(basic(f"{PASSWORD}:{USER}"), "stand in each other's place", id="swapped"),
    pytest.param(basic(f"{USER.upper()}:{PASSWORD}"), "but for capital letters", id="capitals"),
    pytest.param(basic(f" {USER}:{PASSWORD} "), "but for blanks around them", id="blanks"),
    pytest.param("Bearer not-a-real-token", "another scheme than Basic", id="scheme"),
    pytest.param("Basic *", "no base64 of a user name", id="no base64"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("bandwidth", {"username": USER, "password": PASSWORD}),
        ("linkmobility", {"header": "Authorization", "token": basic(f"{USER}:{PASSWORD}")}),
        ("smsportal", {"verify": {"scheme": "header", "name": "Authorization",
                                  "value": basic(f"{USER}:{PASSWORD}")}}),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("sent", "words"), HALVES)
def test_which_half_of_credentials_is_wrong(
    name: str, changes: dict[str, Any], sent: str, words: str
) -> None:
    """User name and password are told apart, for the owner of the connection alone."""
    known = config(name, **changes)
    callback = Callback("POST", "https://hooks.example/in/x", (("Authorization", sent),), b"[]")
    said = told(name, known, callback) or ""
    assert words in said
    assert not any(half in said for half in (USER, PASSWORD))
    verdict = PROVIDERS[name].verify(callback, known, NOW_MS)
    reply = PROVIDERS[name].reply(callback, known, verdict)
    assert (401, b"") == (reply.status, reply.body)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"X-Other": "not-a-real-header-value"}, "came in the header X-Other"),
        ({"X-Ours": "not-a-real-header-value "}, "but for blanks around it"),
        ({"X-Ours": '"not-a-real-header-value"'}, "without the quotation marks"),
        ({"X-Ours": "Bearer not-a-real-header-value"}, "without the word before it"),
        ({"X-Ours": ""}, "The header is empty"),
        ({"X-Ours": "another"}, None),
        ({}, None),
    ],
)
def test_a_secret_in_a_header_that_is_nearly_right(
    headers: dict[str, str], words: str | None
) -> None:
    """Its name, and what stands around it, at every provider with such a header."""
    value = "not-a-real-header-value"
    ours = {"scheme": "header", "name": "X-Ours", "value": value}
    for name, known in (
        ("linkmobility", config("linkmobility", header="X-Ours", token=value)),
        ("smsportal", config("smsportal", verify=ours)),
    ):
        callback = Callback("POST", "https://hooks.example/in/x", tuple(headers.items()), b"{}")
        said = told(name, known, callback)
        assert (words is None) == (said is None)
        assert (words or "") in (said or "")


def test_a_bare_secret_that_has_its_word_here_alone() -> None:
    """The connection says `Bearer …`, and what comes says … alone."""
    known = config("linkmobility", header="X-Ours", token="Bearer not-a-real-value")
    callback = Callback("POST", "https://h/in/x", (("X-Ours", "not-a-real-value"),), b"{}")
    assert "leave it out here" in (told("linkmobility", known, callback) or "")


def test_bandwidths_credentials_of_the_api_are_known() -> None:
    """Those of its user and of its client are not what callbacks come with."""
    more = {"api_username": "api", "api_password": "not-a-real-api", "client_id": "client"}
    known = config("bandwidth", **more, client_secret="not-a-real-client")
    for sent, whose in (("api:not-a-real-api", "user's"), ("client:not-a-real-client", "client's")):
        callback = Callback("POST", URL, (("Authorization", basic(sent)),), b"[]")
        assert f"They are the API {whose}" in (told("bandwidth", known, callback) or "")


def test_bandwidths_other_form_of_a_verification_is_found() -> None:
    """Which of them is signed nobody says: what fits is to be set."""
    body = b'{"phoneNumber": "+18005550100", "accountId": "5500001"}'
    known = config("bandwidth", toll_free_secret="not-a-real-shared-secret")
    made = bandwidth_toll_free.signature(body, "not-a-real-shared-secret", "sorted")
    header = (bandwidth_toll_free.SIGNATURE_HEADER, made or "")
    assert "set toll_free_form to sorted" in (
        told("bandwidth", known, Callback("POST", URL, (header,), body)) or ""
    )
    assert told("bandwidth", known, Callback("POST", URL, (header,), body + b" {")) is None


def test_smsportals_headers_are_found_by_what_they_hold() -> None:
    """Their names are not published: what fits is to be set, and what looks like one is named."""
    secret = {"scheme": "signature", "secret": "not-a-real-signature-secret"}
    theirs = config("smsportal", verify={**secret, "header": "X-Sig", "timestamp_header": "X-Time"})
    callback = signed("smsportal", theirs, URL, b"{}", JSON_TYPE)
    known = config("smsportal", verify=secret)
    said = told("smsportal", known, callback) or ""
    assert "It fits with the signature in X-Sig, the time in X-Time" in said
    other = config("smsportal", verify={**secret, "secret": "not-a-real-other-secret"})
    assert "a signature stands in X-Sig" in (told("smsportal", other, callback) or "")


@pytest.mark.parametrize("name", ["twilio", "whatsapp", "bandwidth", "linkmobility", "smsportal"])
def test_whatever_comes_there_is_no_exception(name: str) -> None:
    """Nothing, half of something, and much of anything: words or none, within the time."""
    dice, provider, known = random.Random(9), PROVIDERS[name], config_of(PROVIDERS[name])
    named = ("Authorization", twilio_proof.HEADER, "X-Hub-Signature", "X-Hub-Signature-256",
             "Webhook-Engine-Signature", bandwidth_toll_free.SIGNATURE_HEADER, "X-Ours",
             twilio_proof.SETTINGS_HEADER)  # fmt: skip
    values = ("", "Basic", "Basic é", "basic QTpC", "sha256=" + "0" * 64, "sha1=\udc80", "1" * 10,
              "A" * 43 + "=", "A" * 27 + "=", "algorithm=HMAC_SHA256", " ", "\udcff")  # fmt: skip
    for _ in range(400):
        headers = [(dice.choice(named), dice.choice(values)) for _ in range(dice.randrange(4))]
        headers += [dice.choice((FORM_TYPE, JSON_TYPE))]
        body = dice.choice((b"", b"{}", b"%ff&%00=1&a", b'"\xff', FORM * 9, b"[" * 5_000))
        url = dice.choice((URL, URL + "&bodySHA256=0", "é://?", "", "https://[?%zz&&=", "?\udc80"))
        callback = Callback(dice.choice(("GET", "POST", "PUT")), url, tuple(headers), body)
        said = provider.explain(callback, known, NOW_MS)
        assert said is None or said
