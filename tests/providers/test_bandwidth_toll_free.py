"""T01 for toll-free verifications: the signature of the body, in each canonical form."""

import base64
import hashlib
import hmac
import json
import random
import string

import msgspec
import pytest

from ringback.domain.http import Callback
from ringback.providers.bandwidth import Bandwidth
from ringback.providers.bandwidth_config import BandwidthConfig
from ringback.providers.base import Notice, OutboundMessage
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS
from tests.sizes import SIZES

from .cases import arrived, flipped, raw_config, signed, with_headers

BANDWIDTH = Bandwidth()
NAME = "X-Bandwidth-Signature-HMAC-SHA256"
SECRET = "not-a-real-shared-secret"
BODY = b'{"phoneNumber":"+18885550100", "status":"VERIFIED", "accountId":"1"}'


def config_with(**changes: object) -> BandwidthConfig:
    """Make the config of the recordings, with some changes."""
    return load_config(BandwidthConfig, {**raw_config(BANDWIDTH), **changes})


def verdict(callback: Callback, **changes: object) -> str:
    """Verify and return the verdict; the reason never holds the right signature."""
    found = BANDWIDTH.verify(callback, config_with(**changes), NOW_MS)
    right = hmac.new(SECRET.encode(), callback.body, "sha256").hexdigest()
    assert right not in found.reason
    return found.verdict


def test_only_the_one_spelling_of_the_signature_counts() -> None:
    """Other encodings, lengths, keys, bodies and algorithms do not count, nor do two headers."""
    genuine = signed(BANDWIDTH, config_with(), BODY)
    ((name, value),) = genuine.headers
    assert (name, verdict(genuine)) == (NAME, "ok")
    assert verdict(with_headers(genuine, (NAME.lower(), value))) == "ok"
    key = SECRET.encode()
    refused = [
        "", value.upper(), value[:-1], value + "0", value[::-1], "0" * 64, f"sha256={value}",
        base64.b64encode(bytes.fromhex(value)).decode(), f" {value}", f"{value} ", f"{value}\n",
        f"{value},{value}", value + "\x00", "é" + value[1:], "٣" * 64, f'"{value}"', "\ud800",
        hashlib.sha256(key + BODY).hexdigest(), hmac.new(BODY, key, "sha256").hexdigest(),
        hmac.new(key, BODY, "sha512").hexdigest(), hmac.new(key, BODY, "md5").hexdigest(),
        hmac.new(b"", BODY, "sha256").hexdigest(), hmac.new(key, BODY * 2, "sha256").hexdigest(),
        hmac.new(key, BODY.replace(b" ", b""), "sha256").hexdigest(),
    ]  # fmt: skip
    for mutated in refused:
        assert verdict(with_headers(genuine, (NAME, mutated))) == "failed", mutated
    assert verdict(with_headers(genuine, (NAME, value), (NAME, value))) == "failed"
    assert verdict(with_headers(genuine)) == "challenge"
    for method in ("GET", "PUT", "post", ""):
        assert verdict(msgspec.structs.replace(genuine, method=method)) == "failed"


def test_a_signature_counts_only_where_there_is_a_secret() -> None:
    """Without one the credentials decide: no signature opens a connection that has none."""
    genuine = signed(BANDWIDTH, config_with(), BODY)
    assert verdict(genuine, toll_free_secret=None) == "challenge"
    empty = BandwidthConfig(username="x", password="y", toll_free_secret="")
    forged = hmac.new(b"", BODY, "sha256").hexdigest()
    found = BANDWIDTH.verify(with_headers(genuine, (NAME, forged)), empty, NOW_MS)
    assert found.verdict == "challenge"


def test_both_proofs_have_to_be_right_where_both_come() -> None:
    """A right password saves no wrong signature, and a right signature no wrong password."""
    genuine = signed(BANDWIDTH, config_with(), BODY)
    known = BANDWIDTH.sign(BODY, config_with(), NOW_MS)[0]
    wrong = ("Authorization", "Basic eDp5")
    (right,) = genuine.headers
    for headers, expected in (
        ((known, right), "ok"),
        ((known, (NAME, "0" * 64)), "failed"),
        ((wrong, right), "failed"),
        ((known,), "ok"),
    ):
        assert expected == verdict(with_headers(genuine, *headers))


@pytest.mark.parametrize("form", ["raw", "compact", "sorted"])
def test_random_bodies_in_both_directions(form: str) -> None:
    """S4: what we sign is what the form says, and what is signed so we take; changed, we do not."""
    dice = random.Random(form)
    for _ in range(SIZES.oracle_bodies // 3):
        names = dice.sample(string.ascii_lowercase, dice.randrange(1, 6))
        document = {name: dice.choice([dice.randrange(9), "é" * 3, [1, {"b": 1, "a": None}]])
                    for name in names}  # fmt: skip
        document["phoneNumber"] = "+18885550100"
        body = json.dumps(document, indent=dice.choice([None, 1])).encode()
        compact = json.dumps(
            document, separators=(",", ":"), sort_keys=form == "sorted", ensure_ascii=False
        )
        covered = body if form == "raw" else compact.encode()
        theirs = hmac.new(SECRET.encode(), covered, "sha256").hexdigest()
        config = config_with(toll_free_form=form)
        assert signed(BANDWIDTH, config, body).headers == ((NAME, theirs),)
        for sent, expected in ((body, "ok"), (body.replace(b"+1888", b"+1889"), "failed")):
            callback = Callback("POST", "https://h/", ((NAME, theirs),), sent)
            assert expected == BANDWIDTH.verify(callback, config, NOW_MS).verdict


def test_the_password_in_both_directions() -> None:
    """S4: 1,000 pairs of credentials: ours are what RFC 7617 says, and another pair is refused."""
    dice = random.Random(5)
    alphabet = [chr(code) for code in range(0x21, 0x7F) if chr(code) != ":"]
    for _ in range(SIZES.oracle_bodies):
        user = "".join(dice.choices(alphabet, k=dice.randrange(1, 129)))
        password = "".join(dice.choices([*alphabet, ":", " "], k=dice.randrange(1, 129)))
        config = config_with(username=user, password=password)
        body = dice.randbytes(dice.randrange(200))
        theirs = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        assert BANDWIDTH.sign(body, config, NOW_MS) == (("Authorization", theirs),)
        raw = flipped(f"{user}:{password}".encode(), dice)
        forged = "Basic " + base64.b64encode(raw).decode()
        for value, expected in ((theirs, "ok"), (forged, "failed")):
            callback = Callback("POST", "https://h/", (("Authorization", value),), body)
            assert expected == BANDWIDTH.verify(callback, config, NOW_MS).verdict


@pytest.mark.parametrize("status", ["verified", "unverified", "pending", "blocked", "failed"])
@pytest.mark.parametrize("secret", [SECRET, None])
def test_a_verification_can_be_simulated(status: str, secret: str | None) -> None:
    """It arrives signed, or with the password, as the status that it was for; answered 204."""
    content: dict[str, object] = {"kind": "toll_free", "status": status, "reason": "Because"}
    message = OutboundMessage("+18885550100", "", "sms", content=content)
    config = config_with(toll_free_secret=secret)
    request = BANDWIDTH.simulate(message, "sent", config, "https://hooks.example/in/x")
    callback = arrived(request)
    assert ({name for name, _ in request.headers} >= {NAME}) == (secret is not None)
    verification = BANDWIDTH.verify(callback, config, NOW_MS)
    assert verification.verdict == "ok"
    assert BANDWIDTH.reply(callback, config, verification).status == 204
    (item,) = BANDWIDTH.parse(callback, config).items
    assert isinstance(item, Notice)
    assert (item.type, item.data["status"]) == ("sender.status_changed", status)
    assert (item.data["address"], item.data["kind"]) == ("+18885550100", "toll_free")
    assert ("reason" in item.data) == (status in ("unverified", "blocked", "failed"))


def test_what_is_too_large_for_a_verification_is_not_read() -> None:
    """Any body may come with a signature: a large one is refused before it is made canonical."""
    body = b'{"phoneNumber":"+18885550100","more":"' + b"1" * 65_494 + b'"}'
    for size, words in ((65_536, "does not match"), (65_537, "larger than")):
        large = body.ljust(size)
        callback = Callback("POST", "https://hooks.example/in/example", ((NAME, "0" * 64),), large)
        found = BANDWIDTH.verify(callback, config_with(), NOW_MS)
        assert (found.verdict, words in found.reason) == ("failed", True)
