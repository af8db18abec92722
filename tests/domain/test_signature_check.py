"""Why a signature does not fit: each mistake that people make is made, and must be named."""

import base64
import hmac
import json
import os
import time
from collections.abc import Callable

import pytest
import standardwebhooks
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.domain import pasted
from ringback.domain.signature_check import Received, check, key_of, received, words
from ringback.domain.signing import SECRET_BYTES, Signer, new_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
NOW = 1_772_440_000
ID = "evt_1"
SENT = b'{"type":"message.delivered","to":"/\xc3\xa9","n":1,"list":[1,{"b":2,"a":1.5}]}'


def _sign(content: bytes, key: bytes | None = None, digest: str = "sha256") -> str:
    used = key if key is not None else key_of(SECRET)
    assert used is not None
    return "v1," + base64.b64encode(hmac.digest(used, content, digest)).decode()


def _right(body: bytes = SENT) -> Received:
    return Received(body, ID, str(NOW), _sign(b"%b.%d.%b" % (ID.encode(), NOW, body)))


def _codes(given: Received, *secrets: str, now: int = NOW) -> list[str]:
    return [cause.code for cause in check(given, secrets or (SECRET,), now).causes]


def test_a_right_signature_is_right_with_any_of_the_secrets() -> None:
    """It says which secret fits; up to five minutes either way are fresh."""
    for now in (NOW - 300, NOW, NOW + 300):
        found = check(_right(), [OTHER, SECRET], now)
        assert (True, 1, ()) == (found.ok, found.secret, found.causes)


@pytest.mark.parametrize(
    ("now", "code", "says"),
    [
        (NOW + 301, "too_old", "5 min 1 s old, 1 s more than the tolerance of 5 min"),
        (NOW + 90_000, "too_old", "1 d 1 h old"),
        (NOW - 302, "in_the_future", "5 min 2 s in the future, 2 s more"),
    ],
)
def test_outside_the_tolerance(now: int, code: str, says: str) -> None:
    """It says by how much, and that the signature itself is right."""
    found = check(_right(), [SECRET], now)
    assert (False, 0) == (found.ok, found.secret)
    assert [code, "signature_right"] == [cause.code for cause in found.causes]
    assert says in found.causes[0].detail


def _dumped(**how: object) -> Callable[[bytes], bytes]:
    return lambda body: json.dumps(json.loads(body), **how).encode()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_dumped(), "body_rewritten"),
        (_dumped(indent=2, ensure_ascii=False), "body_rewritten"),
        (lambda body: body + b"\n", "body_line_ends"),
        (lambda body: body + b"\r\n", "body_line_ends"),
        (lambda body: b"\xef\xbb\xbf" + body, "body_bom"),
        (lambda body: b"  " + body + b" ", "body_spaces"),
        (lambda body: json.dumps(body.decode()).encode(), "body_rewritten"),
    ],
)
def test_a_body_that_something_changed(change: Callable[[bytes], bytes], code: str) -> None:
    """What frameworks, editors and shells do to the body we sent."""
    sent = _right()
    assert [code] == _codes(Received(change(SENT), sent.id, sent.timestamp, sent.signature))


@pytest.mark.parametrize(
    "signed",
    [
        json.dumps(json.loads(SENT)).encode(),
        json.dumps(json.loads(SENT), indent=4, sort_keys=True).encode() + b"\n",
        json.dumps(json.loads(SENT), separators=(",", ":")).replace("/", "\\/").encode(),
        json.dumps(json.loads(SENT), indent="\t", ensure_ascii=False).encode(),
    ],
)
def test_a_body_that_was_signed_in_another_form(signed: bytes) -> None:
    """What other senders sign, when the receiver looks at the compact form."""
    theirs = _right(signed)
    assert ["body_rewritten"] == _codes(Received(SENT, ID, str(NOW), theirs.signature))


def test_line_ends_that_something_translated() -> None:
    """A body with LF was signed and CRLF came, and the other way round."""
    unix, dos = b'{\n"a":1\n}', b'{\r\n"a":1\r\n}'
    for signed, came in ((unix, dos), (dos, unix)):
        given = Received(came, ID, str(NOW), _right(signed).signature)
        assert ["body_line_ends"] == _codes(given)


def test_numbers_as_javascript_writes_them() -> None:
    """1.0 becomes 1 on its way through JSON.parse and JSON.stringify."""
    given = Received(
        b'{"price":1.0,"n":1e2}', ID, str(NOW), _right(b'{"price":1,"n":100}').signature
    )
    assert ["body_rewritten"] == _codes(given)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (SECRET.encode(), "secret_not_decoded"),
        (SECRET.removeprefix("whsec_").encode(), "secret_not_decoded"),
    ],
)
def test_a_secret_that_was_used_as_text(key: bytes, code: str) -> None:
    """The commonest mistake of hand-written verifiers, with and without the prefix."""
    signature = _sign(b"%b.%d.%b" % (ID.encode(), NOW, SENT), key)
    assert [code] == _codes(Received(SENT, ID, str(NOW), signature))


def test_a_secret_that_was_copied_badly() -> None:
    """Spaces and quotes around it, URL-safe letters, a missing padding, a cut."""
    raw = b"\xfb\xef\xbe" * 8 + b"\xff"
    text = base64.b64encode(raw).decode()
    given = Received(SENT, ID, str(NOW), _sign(b"%b.%d.%b" % (ID.encode(), NOW, SENT), raw))
    assert [] == _codes(given, f"whsec_{text}")
    for secret, code in (
        (f" whsec_{text}\n", "secret_spaces"),
        (f"'whsec_{text}'", "secret_spaces"),
        (f"whsec_{text.replace('+', '-').replace('/', '_')}", "secret_alphabet"),
        (f"whsec_{text.rstrip('=')}", "secret_alphabet"),
    ):
        assert code == _codes(given, secret)[0], secret
    assert "secret_unreadable" in _codes(given, f"whsec_{text[:-3]}")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"%d.evt_1.%b" % (NOW, SENT), "swapped"),
        (b"%d.%b" % (NOW, SENT), "the id is missing"),
        (b"evt_1.%b" % SENT, "the timestamp is missing"),
        (SENT, "only the body"),
        (b"evt_1.%d000.%b" % (NOW, SENT), "the timestamp is in ms"),
    ],
)
def test_what_stands_before_the_body_is_wrong(content: bytes, says: str) -> None:
    """Id, timestamp and body, with dots between them; each other way is named."""
    found = check(Received(SENT, ID, str(NOW), _sign(content)), [SECRET], NOW)
    assert ["signed_content"] == [cause.code for cause in found.causes]
    assert says in found.causes[0].detail


def test_two_mistakes_at_once() -> None:
    """The body written anew, and the secret used as text: both are named."""
    content = b"%b.%d.%b" % (ID.encode(), NOW, json.dumps(json.loads(SENT)).encode())
    given = Received(SENT, ID, str(NOW), _sign(content, SECRET.encode()))
    assert ["secret_not_decoded", "body_rewritten"] == _codes(given)


def test_other_ways_of_writing_a_digest() -> None:
    """Hex, URL-safe base64, no version, another hash."""
    content = b"%b.%d.%b" % (ID.encode(), NOW, SENT)
    key = key_of(SECRET)
    assert key is not None
    digest = hmac.digest(key, content, "sha256")
    for signature, code in (
        (f"v1,{digest.hex()}", "signature_malformed"),
        (digest.hex(), "signature_unversioned"),
        (base64.b64encode(digest).decode(), "signature_unversioned"),
        (_sign(content, digest="sha512"), "hash_other"),
        (f"v1,{hmac.digest(key, content, 'sha1').hex()}", "hash_other"),
    ):
        assert code == _codes(Received(SENT, ID, str(NOW), signature))[0], signature


def test_versions_of_the_list() -> None:
    """Only v1 counts; a list of others says so, and what v1a would need."""
    right = _right().signature
    assert [] == _codes(Received(SENT, ID, str(NOW), f"v1a,AAAA v2,xyz {right}"))
    found = check(Received(SENT, ID, str(NOW), "v1a,AAAA"), [SECRET], NOW)
    assert "version_unknown" == found.causes[0].code
    assert "public key" in found.causes[0].detail
    assert "signature_empty" in _codes(Received(SENT, ID, str(NOW), " "))


def test_missing_headers_and_a_timestamp_that_is_none() -> None:
    """Each is named; a signature that fits without them is explained too."""
    assert [f"{name}_missing" for name in ("id", "timestamp", "signature")] == _codes(
        Received(SENT)
    )
    lone = Received(SENT, None, str(NOW), _sign(b"%d.%b" % (NOW, SENT)))
    assert ["signed_content", "id_missing"] == _codes(lone)
    for text, code in ((f"{NOW}123", "timestamp_milliseconds"), ("now", "timestamp_unreadable")):
        assert code in _codes(Received(SENT, ID, text, _right().signature))


def test_a_body_that_was_cut() -> None:
    """Content-Length tells how many bytes are missing."""
    sent = _right()
    cut = Received(SENT[:-3], sent.id, sent.timestamp, sent.signature, len(SENT))
    assert "body_length" == check(cut, [SECRET], NOW).causes[0].code
    assert "3 bytes were cut off" in check(cut, [SECRET], NOW).causes[0].detail


def test_another_secret() -> None:
    """Nothing else explains it: the likeliest cause in words, and no secret repeated."""
    found = check(_right(), [OTHER], NOW)
    assert ["secret_or_body"] == [cause.code for cause in found.causes]
    assert OTHER not in str(found)
    assert "alphabetical" not in found.causes[0].detail


def test_keys_that_something_sorted() -> None:
    """The order that was signed is lost; that it was changed is likely, and said."""
    came = json.dumps(json.loads(SENT), sort_keys=True).encode()
    found = check(Received(came, ID, str(NOW), _right().signature), [SECRET], NOW)
    assert "alphabetical order" in found.causes[0].detail


def test_what_the_vendors_accept_is_right_and_what_they_refuse_is_not() -> None:
    """`standardwebhooks` says the same of right, changed and old requests, and of either names."""
    for family in ("webhook", "svix"):
        for change, off in ((b"", 0), (b" ", 0), (b"", 290), (b"", 310), (b"", -290), (b"", -310)):
            _same_verdict(family, change, off)


def _same_verdict(family: str, change: bytes, off: int) -> None:
    secret = new_secret(os.urandom(SECRET_BYTES))
    key = key_of(secret)
    assert key is not None
    now = int(time.time())
    body = b'{"a":1}'
    stamp = now - off
    signature = Signer((key,)).sign(ID, stamp, body)
    values = (ID, str(stamp), signature)
    headers = dict(
        zip((f"{family}-{name}" for name in ("id", "timestamp", "signature")), values, strict=True)
    )
    ours = check(received(list(headers.items()), body + change), [secret], now).ok
    plain = {name.replace("svix", "webhook"): value for name, value in headers.items()}
    try:
        standardwebhooks.Webhook(secret).verify(body + change, plain)
        theirs = True
    except standardwebhooks.WebhookVerificationError:
        theirs = False
    assert theirs == ours, (change, off)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=60), st.none() | st.text(max_size=20), st.none() | st.text(max_size=20),
    st.none() | st.text(max_size=60), st.text(max_size=50),
)  # fmt: skip
def test_nothing_raises(
    body: bytes, id_: str | None, stamp: str | None, signature: str | None, secret: str
) -> None:
    """Whatever was received and whatever is given as a secret, there is a verdict in words."""
    found = check(Received(body, id_, stamp, signature), [secret], NOW)
    assert not found.ok
    assert all(cause.detail for cause in found.causes)


def test_lengths_of_time_in_words() -> None:
    """The two largest units; nothing is no time."""
    assert ["0 s", "1 min 1 s", "1 d", "2 h 3 min"] == [
        words(seconds) for seconds in (0, 61, 86_400, 7385)
    ]


@pytest.mark.parametrize(
    ("text", "headers", "body"),
    [
        (b"POST /x HTTP/1.1\r\nA: 1\r\nb:2\r\n\r\nbo\r\ndy", (("A", "1"), ("b", "2")), b"bo\r\ndy"),
        (b"a: 1\n\nbody", (("a", "1"),), b"body"),
        (b"> POST / HTTP/1.1\r\n> A: 1\r\n>\r\n\r\n{}", (("A", "1"),), b"\r\n{}"),
        (b"a: 1", (("a", "1"),), b""),
    ],
)
def test_a_pasted_request(text: bytes, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
    """With or without its first line, as a log or curl shows it; the body stays byte for byte."""
    found = pasted.read(text)
    assert found is not None
    assert (headers, body) == (found.headers, found.body)


@pytest.mark.parametrize(
    "text", [b"", b"{}", b'{"a": 1}\n\nx', b"POST / HTTP/1.1\r\n\r\n", b"a b: 1\n\n"]
)
def test_what_is_no_request(text: bytes) -> None:
    """A body alone is not taken for one."""
    assert pasted.read(text) is None
