"""T01, S4: Twilio's signatures, against the vectors of their own validator and against itself.

Where we are stricter than it: `test_stricter_than_their_validator` has each case with its reason.
"""

import base64
import hashlib
import hmac
import json
import random
from urllib.parse import quote, urlencode

import msgspec
import pytest
from twilio.request_validator import RequestValidator

from ringback.domain.http import Callback, Headers, HttpRequest
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.providers.twilio_proof import spellings
from tests.sizes import SIZES

from .cases import arrived, config_of, flipped

TWILIO = PROVIDERS["twilio"]
URL = "https://hooks.example/in/abc?reference=a%2Fb&x=1"
FORM: Headers = (("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),)
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
FIELDS = {
    "MessageSid": "SM00000000000000000000000000000001",
    "MessageStatus": "delivered",
    "To": "+15550100123",
    "From": "+15550100900",
    "AccountSid": "AC00000000000000000000000000000001",
    "ApiVersion": "2010-04-01",
    "Body": "",
    "ProfileName": "Ada é 👍",
}


class Several(dict[str, list[str]]):
    """Parameters that may come several times, as web frameworks hand them to the validator."""

    def getlist(self, name: str) -> list[str]:
        """Return all values of a name."""
        return self[name]


def token(text: str, shared: str | None = None) -> msgspec.Struct:
    """Make a config with these secrets."""
    return load_config(TWILIO.Config, {"auth_token": text, "shared_key": shared})


def posted(
    url: str, fields: object, signature: str, *headers: tuple[str, str], body: bytes | None = None
) -> Callback:
    """Make the callback of a form."""
    encoded = urlencode(fields, doseq=True).encode() if body is None else body  # type: ignore[arg-type]
    return Callback("POST", url, (*FORM, ("X-Twilio-Signature", signature), *headers), encoded)


def verdict(callback: Callback, config: object = None) -> str:
    """Verify, and return the verdict."""
    return TWILIO.verify(callback, config or config_of(TWILIO), NOW_MS).verdict


def genuine() -> Callback:
    """Return a form as Twilio would post it for the recordings' config."""
    request = HttpRequest("POST", URL, FORM, urlencode(FIELDS).encode())
    return arrived(TWILIO.authenticate(request, config_of(TWILIO), NOW_MS))


def genuine_json() -> Callback:
    """Return JSON as Event Streams would post it."""
    headers = (("Content-Type", "application/json"),)
    request = HttpRequest("POST", "https://hooks.example/in/abc", headers, b'[{"a":1}]')
    return arrived(TWILIO.authenticate(request, config_of(TWILIO), NOW_MS))


VECTOR = {
    "MessageSid": "SM00000000000000000000000000000001",
    "MessageStatus": "delivered",
    "To": "+15551230001",
    "From": "+15551230002",
    "AccountSid": "AC00000000000000000000000000000001",
    "ApiVersion": "2010-04-01",
}
OLD = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675310",
    "From": "+14158675310",
    "Digits": "1234",
    "To": "+18005551212",
}


def test_the_vectors() -> None:
    """A1: forms by SHA-1 and SHA-256, the vendor's own sample, and JSON by its hash."""
    config = token("12345", "12345")
    url = "https://mycompany.example/webhooks/twilio?src=a"
    by_key = (SETTINGS, "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256")
    hashed = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862"
    json_url = f"https://mycompany.example/json?bodySHA256={hashed}"
    genuine = [
        posted(url, VECTOR, "FtxdA634tJW6PpzVz/OHviYdTv4="),
        posted(url, VECTOR, "by/XfG/fvdIdpqs9wf/RWP8SoiDIgZXLzOpSHGHhJ2g=", by_key),
        posted("https://example.com/myapp.php?foo=1&bar=2", OLD, "L/OH5YylLD5NRKLltdqwSvS0BnU="),
        Callback(
            "POST", json_url, (("X-Twilio-Signature", "hjK+LAIDdN0rtQgiyTlvs6tO7ng="),), b'{"a":1}'
        ),
    ]
    for callback in genuine:
        assert verdict(callback, config) == "ok"
        made = TWILIO.authenticate(
            HttpRequest("POST", callback.url, callback.headers, callback.body), config, NOW_MS
        )
        assert callback.header("X-Twilio-Signature") == arrived(made).header("X-Twilio-Signature")
        assert made.url == callback.url


PIECES = ["", "a", "Z", "0", " ", "+", "&", "=", "%", "é", "ß", "👍", "\n", "ﬀ", "/", "\u2028", "~"]
NAMES = ["Body", "body", "MessageSid", "To", "é", "a.b", "MediaUrl0", "x y", "👍", "A", "AA"]
URLS = [
    "https://hooks.example/in/abc",
    "https://hooks.example/in/abc?reference=a%2Fb&x=1",
    "https://hooks.example:443/in/abc?y=%20",
    "https://hooks.example:8443/in/abc",
    "http://hooks.example/",
    "http://hooks.example:8080/in/a?b=c",
    "https://hooks.example?reference=1",
]


def text(dice: random.Random) -> str:
    """Make a short text of awkward pieces."""
    return "".join(dice.choices(PIECES, k=dice.randrange(8)))


def test_their_validator_and_we_agree_on_every_form() -> None:
    """S4: what they sign we take, what we sign they take, and what was changed neither takes."""
    dice, other = random.Random(1), 0
    for _ in range(SIZES.oracle_bodies):
        key = "".join(dice.choices("0123456789abcdef", k=32))
        names = dice.sample(NAMES, dice.randrange(1, 8))
        fields = Several(
            {name: [text(dice) for _ in range(dice.choice((1, 1, 1, 2, 3)))] for name in names}
        )
        url, shared = dice.choice(URLS), dice.random() < 0.3
        algorithm = "HMAC_SHA256" if shared else "HMAC_SHA1"
        headers = ((SETTINGS, f"key=k,algorithm={algorithm}"),) if shared else ()
        config = token("not-a-real-token" if shared else key, key if shared else None)
        theirs = RequestValidator(key)
        wanted = dice.choice(spellings(url))
        signature = theirs.compute_signature(wanted, fields, algorithm)
        assert verdict(posted(url, fields, signature, *headers), config) == "ok"
        body = urlencode(fields, doseq=True).encode()
        made = TWILIO.authenticate(HttpRequest("POST", url, FORM + headers, body), config, NOW_MS)
        ours = str(arrived(made).header("X-Twilio-Signature"))
        assert theirs.validate(url, fields, ours, algorithm)
        changed = Several(fields)
        changed[names[0]] = [*fields[names[0]], text(dice)]
        found = theirs.validate(url, changed, signature, algorithm)
        other += not found
        assert found == (verdict(posted(url, changed, signature, *headers), config) == "ok")
    assert other > SIZES.oracle_bodies / 2


def test_their_validator_and_we_agree_on_every_json_body() -> None:
    """S4: JSON is covered by its hash in the query; another body neither of us takes."""
    dice = random.Random(2)
    for _ in range(SIZES.oracle_bodies):
        key = "".join(dice.choices("0123456789abcdef", k=32))
        theirs, config = RequestValidator(key), token(key)
        body = json.dumps([{text(dice): text(dice)}], ensure_ascii=dice.random() < 0.5)
        url = dice.choice(URLS)
        hashed = theirs.compute_hash(body)
        url += ("&" if "?" in url else "?") + f"bodySHA256={hashed}"
        signature = theirs.compute_signature(dice.choice(spellings(url)), {})
        headers = (("Content-Type", "application/json"), ("X-Twilio-Signature", signature))
        callback = Callback("POST", url, headers, body.encode())
        assert verdict(callback, config) == "ok"
        ours = arrived(
            TWILIO.authenticate(HttpRequest("POST", url, (), body.encode()), config, NOW_MS)
        )
        assert theirs.validate(ours.url, body, ours.header("X-Twilio-Signature"))
        other = body + " "
        assert not theirs.validate(url, other, signature)
        changed = msgspec.structs.replace(callback, body=other.encode())
        assert verdict(changed, config) == "failed"


def test_stricter_than_their_validator() -> None:
    """What theirs takes and we do not, and why.

    The hash stands twice in the query (theirs takes the first): which one is meant is a guess. A
    form whose query has a hash that is not its own: a body is covered once, and wholly. A form
    without fields: Twilio posts none, and what a GET signs would pass for it.
    """
    config = token("12345")
    theirs = RequestValidator("12345")
    hashed = hashlib.sha256(b"[]").hexdigest()
    doubled = f"https://hooks.example/in/x?bodySHA256={hashed}&bodySHA256=0"
    signature = theirs.compute_signature(doubled, {})
    assert theirs.validate(doubled, "[]", signature)
    by_json = (("X-Twilio-Signature", signature),)
    assert verdict(Callback("POST", doubled, by_json, b"[]"), config) == "failed"
    strange = f"https://hooks.example/in/x?bodySHA256={hashed}"
    signature = theirs.compute_signature(strange, FIELDS)
    assert theirs.validate(strange, FIELDS, signature)
    assert verdict(posted(strange, FIELDS, signature), config) == "failed"
    url = "https://hooks.example/in/x?MessageSid=SM1&MessageStatus=sent"
    signature = theirs.compute_signature(url, {})
    assert theirs.validate(url, {}, signature)
    assert verdict(posted(url, {}, signature), config) == "failed"
    assert verdict(Callback("GET", url, (("X-Twilio-Signature", signature),), b""), config) == "ok"


def test_the_port_and_the_order_of_fields_do_not_count() -> None:
    """Twilio signs with the port or without it, and sorts: both count, as for their validator.

    A field that says two things reads as missing, because their order is not signed.
    """
    callback = genuine()
    for port in (":443", ":80", ":8443"):
        url = callback.url.replace("hooks.example", f"hooks.example{port}")
        assert verdict(msgspec.structs.replace(callback, url=url)) == "ok"
    dice, pairs = random.Random(3), list(FIELDS.items())
    expected = TWILIO.parse(callback, config_of(TWILIO))
    for _ in range(20):
        dice.shuffle(pairs)
        shuffled = msgspec.structs.replace(callback, body=urlencode([*pairs, pairs[0]]).encode())
        assert verdict(shuffled) == "ok"
        assert expected == TWILIO.parse(shuffled, config_of(TWILIO))


def _signatures(callback: Callback) -> list[str]:
    """Return what is nearly the signature of a callback: spellings, keys and algorithms."""
    right = str(callback.header("X-Twilio-Signature"))
    raw = base64.b64decode(right)
    covered = URL + "".join(name + FIELDS[name] for name in sorted(FIELDS))
    key = b"not-a-real-auth-token"

    def by(secret: bytes, what: str = covered, algorithm: str = "sha1") -> str:
        return base64.b64encode(hmac.digest(secret, what.encode(), algorithm)).decode()

    assert by(key) == right
    spelled = [
        "", right[:-1], right + "=", right.rstrip("="), right.lower(), right.upper(), f" {right}",
        f"{right} ", f"{right}\n", f'"{right}"', right[::-1], right + right, f"{right},{right}",
        f"sha1={right}", raw.hex(), raw.hex().upper(), base64.b32encode(raw).decode(), "é" + right,
        right.replace("=", "%3D"), right + "\x00", "A" * 27 + "=", "0" * 28,
        base64.b64encode(raw[:-1]).decode(), base64.b64encode(raw + b"\0").decode(),
        base64.b64encode(raw[::-1]).decode(), right[:26] + chr(ord(right[26]) + 1) + "=",
    ]  # fmt: skip
    keys = [
        key[:-1],
        key + b" ",
        key.upper(),
        key[::-1],
        b"",
        b"not-a-real-shared-key",
        b"\0" + key,
    ]
    algorithms = ("md5", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "sha224")
    wholes = [
        URL, covered[len(URL) :], covered + "\n", covered.upper(), covered + covered, "",
        URL + urlencode(FIELDS), URL + urlencode(sorted(FIELDS.items())),
        URL + "".join(FIELDS[name] for name in sorted(FIELDS)),
        URL + "".join(name + FIELDS[name] for name in FIELDS),
        URL + "".join(name + FIELDS[name] for name in sorted(FIELDS) if FIELDS[name]),
        URL + "&".join(f"{name}={FIELDS[name]}" for name in sorted(FIELDS)),
    ]  # fmt: skip
    return [
        *spelled,
        *(by(one) for one in keys),
        *(by(key, algorithm=one) for one in algorithms),
        *(by(key, what) for what in wholes),
        base64.b64encode(hashlib.sha1(key + covered.encode()).digest()).decode(),
        base64.b64encode(hmac.digest(covered.encode(), key, "sha1")).decode(),
    ]


URL_CHANGES = [
    ("https", "http"), ("hooks.example", "hooks.example."), ("hooks.example", "HOOKS.example"),
    ("hooks.example", "hook.example"), ("hooks.example", "a.hooks.example"), ("/in/abc", "/in/abd"),
    ("/in/abc", "/in/abc/"), ("/in/abc", "//in/abc"), ("/in/abc", "/in/%61bc"), ("/in/", "/IN/"),
    ("%2F", "/"), ("%2F", "%2f"), ("%2F", "%252F"), ("?reference=a%2Fb&x=1", ""), ("&x=1", ""),
    ("?reference=a%2Fb&x=1", "?x=1&reference=a%2Fb"), ("&x=1", "&x=1&y="), ("&x=1", "&x=1&x=1"),
    ("&x=1", "&x=2"), ("&x=1", "&x="), ("&x=1", "&x=1&"), ("&x=1", "&x=1#top"), ("&x", "&&x"),
    ("&x", ";x"), ("reference", "Reference"), ("https://", "https:/"), ("https://", ""),
]  # fmt: skip


def _forgeries() -> list[Callback]:
    """Return the genuine form with one thing altered, in more than 220 ways."""
    right, dice = genuine(), random.Random(4)
    given = str(right.header("X-Twilio-Signature"))
    proof = ("X-Twilio-Signature", given)
    replace = msgspec.structs.replace
    found = [
        replace(right, headers=(*FORM, ("X-Twilio-Signature", one))) for one in _signatures(right)
    ]
    found += [replace(right, url=right.url.replace(old, new, 1)) for old, new in URL_CHANGES]
    bodies: list[dict[str, str]] = []
    for name, value in FIELDS.items():
        rest = {key: FIELDS[key] for key in FIELDS if key != name}
        bodies += [
            rest, {**FIELDS, name: value + "0"}, {**FIELDS, name: f" {value}"},
            {**FIELDS, name: value[::-1] + "1"}, {**rest, name.lower(): value},
            {**rest, f"{name}x": value}, {**rest, name: "None"}, {**rest, f"x{name}": value},
        ]  # fmt: skip
    bodies += [{**FIELDS, "ErrorCode": "30003"}, {**FIELDS, "SmsStatus": ""}, {**FIELDS, "A": ""}]
    found += [replace(right, body=urlencode(body).encode()) for body in bodies]
    raw = right.body
    found += [
        replace(right, body=body)
        for body in (
            b"", raw + b"\n", raw + b"&a", raw[:-1], raw * 2 + b"x", b" " + raw, b"?" + raw,
            raw.replace(b"&", b";"), raw.replace(b"=", b":"), raw.replace(b"%2B", b"+"),
            quote(raw).encode(), json.dumps(FIELDS).encode(), b"a=b&" * 1_000 + raw,
        )
    ]  # fmt: skip
    found += [
        replace(right, method=method) for method in ("GET", "PUT", "PATCH", "HEAD", "post", "")
    ]
    types = [
        "application/json", "text/plain", "multipart/form-data; boundary=x", "", "a",
        "application/x-www-form-urlencodedx", "application/xml",
    ]  # fmt: skip
    found += [replace(right, headers=(("Content-Type", one), proof)) for one in types]
    found += [
        replace(right, headers=headers)
        for headers in (
            (), FORM, (*FORM, proof, proof), (*FORM, *FORM, proof), (proof,),
            (*FORM, ("X-Twilio-Signature-2", given)), (*FORM, ("Authorization", given)),
            (*FORM, ("X-Twilio-Signature", "x"), proof),
        )
    ]  # fmt: skip
    settings = [
        "algorithm=HMAC_SHA256", "key=k,algorithm=HMAC_SHA256", "algorithm=HMAC_MD5",
        "algorithm=none", "algorithm=HMAC_SHA1,algorithm=HMAC_SHA256", "algorithm=SHA1",
        "algorithm=HMAC_SHA256,algorithm=HMAC_SHA1", "key=k, algorithm = hmac_sha256 ",
    ]  # fmt: skip
    found += [replace(right, headers=(*FORM, proof, (SETTINGS, one))) for one in settings]
    found.append(replace(right, headers=(*FORM, proof, (SETTINGS, ""), (SETTINGS, ""))))
    for _ in range(40):
        forged = flipped(given.encode(), dice).decode("latin-1")
        found.append(replace(right, headers=(*FORM, ("X-Twilio-Signature", forged))))
    return found


def test_no_forgery_is_taken() -> None:
    """T01: of more than 220 alterations of a genuine form none is verified, and none raises."""
    assert verdict(genuine()) == "ok"
    forgeries = [one for one in _forgeries() if one != genuine()]
    assert len(forgeries) >= 220
    assert [one for one in forgeries if verdict(one) != "failed"] == []


def test_no_forged_json_is_taken() -> None:
    """T01: the hash, the body, the URL and the method are each held to the signature."""
    right, replace = genuine_json(), msgspec.structs.replace
    assert verdict(right) == "ok"
    other = hashlib.sha256(b"[]").hexdigest()
    url, _, hashed = right.url.rpartition("=")
    forgeries = [
        replace(right, body=b"[]"), replace(right, body=b""), replace(right, method="GET"),
        replace(right, url=f"{url}={other}", body=b"[]"), replace(right, url=f"{url}="),
        replace(right, url=right.url.upper()), replace(right, url=f"{url}={hashed.upper()}"),
        replace(right, url=f"{right.url}&bodySHA256={hashed}"), replace(right, method="PUT"),
        replace(right, url=right.url.partition("?")[0]), replace(right, url=f"{right.url}&a=b"),
        replace(right, url=right.url.replace("bodySHA256", "bodysha256")),
        replace(right, url=right.url.replace("bodySHA256", "xbodySHA256")),
        replace(right, url=right.url.replace("bodySHA256", "body%53HA256")),
        replace(right, method="GET", body=b""), replace(right, url=f"{url}={hashed}0"),
    ]  # fmt: skip
    assert [one for one in forgeries if verdict(one) != "failed"] == []


def test_each_algorithm_has_its_own_key() -> None:
    """The Auth Token signs by SHA-1 and the shared key by SHA-256, and neither the other way."""
    body = urlencode(FIELDS).encode()
    for key, algorithm, expected in (
        ("not-a-real-auth-token", "HMAC_SHA1", "ok"),
        ("not-a-real-shared-key", "HMAC_SHA256", "ok"),
        ("not-a-real-auth-token", "HMAC_SHA256", "failed"),
        ("not-a-real-shared-key", "HMAC_SHA1", "failed"),
    ):
        signature = RequestValidator(key).compute_signature(URL, FIELDS, algorithm)
        headers = (SETTINGS, f"key=webhooks_sharedkey_1,algorithm={algorithm}")
        assert expected == verdict(posted(URL, FIELDS, signature, headers, body=body))


def test_credentials_in_the_url_are_asked_for_beside_the_signature() -> None:
    """Without them a genuine callback is challenged; a forged one is refused whatever it brings."""
    secrets = {"callback_username": "not-a-real-user", "callback_password": "not-a-real-password"}
    config = load_config(TWILIO.Config, {"auth_token": "not-a-real-auth-token", **secrets})
    request = HttpRequest("POST", URL, FORM, urlencode(FIELDS).encode())
    right = arrived(TWILIO.authenticate(request, config, NOW_MS))
    assert verdict(right, config) == "ok"
    (*rest, (name, value)) = right.headers
    assert name == "Authorization"
    bare = msgspec.structs.replace(right, headers=tuple(rest))
    found = TWILIO.verify(bare, config, NOW_MS)
    reply = TWILIO.reply(bare, config, found)
    assert (found.verdict, reply.status) == ("challenge", 401)
    assert ("WWW-Authenticate", 'Basic realm="ringback"') in reply.headers
    given = value.partition(" ")[2]

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    for wrong in (
        "", "Basic", given, f"Bearer {given}", f"Basic  {given}", f"{value}=", f"{value}\n",
        f"Basic {given.rstrip('=')}x", basic("not-a-real-user:"), basic(":not-a-real-password"),
        basic("not-a-real-password:not-a-real-user"), basic(":"), f"Basic {given[:4]} {given[4:]}",
        "Basic é", basic("x:not-a-real-password"), basic("not-a-real-user:x"),
    ):  # fmt: skip
        headers = (*rest, (name, wrong))
        assert verdict(msgspec.structs.replace(right, headers=headers), config) == "failed", wrong
    doubled = (*right.headers, (name, value))
    assert verdict(msgspec.structs.replace(right, headers=doubled), config) == "failed"
    forged = msgspec.structs.replace(right, body=right.body + b"x")
    assert verdict(forged, config) == "failed"
    half = load_config(
        TWILIO.Config, {"auth_token": "not-a-real-auth-token", "callback_username": "u"}
    )
    for headers in (right.headers, (*rest, (name, basic("u:")))):
        assert verdict(msgspec.structs.replace(right, headers=headers), half) == "failed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "https://other.example/in/abc"}, "public_url"),
        ({"method": "PUT"}, "method"),
        ({"headers": FORM}, "no header X-Twilio-Signature"),
        ({"body": b""}, "empty form"),
    ],
)
def test_a_refusal_says_what_was_checked(change: dict[str, object], words: str) -> None:
    """Whoever sets it up reads what is likely wrong, and never a signature that would be right."""
    found = TWILIO.verify(msgspec.structs.replace(genuine(), **change), config_of(TWILIO), NOW_MS)
    assert found.verdict == "failed"
    assert words in found.reason
    assert "not-a-real" not in found.reason
