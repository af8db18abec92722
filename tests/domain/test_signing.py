"""Standard Webhooks signatures, held against the vendors' own verifiers."""

import base64
import hmac
import json
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks
import svix
from hypothesis import given
from hypothesis import strategies as st

from ringback.domain.signature_check import check, received
from ringback.domain.signing import SECRET_BYTES, Signer, new_secret, secret_key
from tests.sizes import SIZES

Fields = dict[str, str]
VECTOR = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_vector() -> None:
    """A known secret, id, time and body give the known signature."""
    key = secret_key(VECTOR)
    assert key is not None
    body = b'{"test": 2432232314}'
    signed = Signer((key,)).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1772440000, body)
    assert signed == "v1,dFyCVkw5QAQdgQ8dfaPdLy3eQE+HDnQkWNbvHMfRP2g="


def test_vendors_verify_what_we_sign() -> None:
    """`standardwebhooks` and `svix` accept our headers over random bodies and secrets."""
    chance = random.Random(11)
    now = int(time.time())
    for _ in range(SIZES.oracle_bodies):
        secret = new_secret(chance.randbytes(SECRET_BYTES))
        key = secret_key(secret)
        assert key is not None
        number = chance.randint(0, 2**60)
        body = b'{"n":%d,"text":"%b"}' % (number, base64.b64encode(chance.randbytes(20)))
        headers = {
            "webhook-id": f"evt_{number}",
            "webhook-timestamp": str(now),
            "webhook-signature": Signer((key,)).sign(f"evt_{number}", now, body),
        }
        assert standardwebhooks.Webhook(secret).verify(body, headers) == {
            "n": number,
            "text": body.split(b'"')[5].decode(),
        }
        svix.Webhook(secret).verify(body, headers)


def _by_vendor(vendor: Any, secret: str, body: bytes, fields: Fields) -> bool:
    try:
        vendor.Webhook(secret).verify(body, {f"webhook-{name}": fields[name] for name in fields})
    except (vendor.webhooks.WebhookVerificationError, ValueError):
        return False
    return True


def _by_us(secret: str, body: bytes, fields: Fields) -> bool:
    headers = [(f"webhook-{name}", value) for name, value in fields.items()]
    return check(received(headers, body), [secret], int(time.time())).ok


@pytest.mark.parametrize("vendor", [standardwebhooks, svix], ids=lambda one: one.__name__)
def test_we_verify_what_vendors_sign(vendor: Any) -> None:
    """What `standardwebhooks` and `svix` sign we sign alike and take; changed, nobody takes it.

    Over random bodies, secrets and ids; of every tenth the body, id, time or secret is changed,
    because ours then looks for the reason.
    """
    chance = random.Random(12)
    moment = datetime.now(UTC).replace(microsecond=0)
    now = int(moment.timestamp())
    for number in range(SIZES.oracle_bodies):
        secret = new_secret(chance.randbytes(SECRET_BYTES))
        key = secret_key(secret)
        assert key is not None
        text = "".join(chance.choices('aé👍{}"\\\n 0', k=chance.randrange(60)))
        body, named = (
            json.dumps(text, ensure_ascii=False).encode(),
            f"evt_{chance.randrange(2**60)}",
        )
        theirs = vendor.Webhook(secret).sign(named, moment, body.decode())
        assert theirs == Signer((key,)).sign(named, now, body)
        fields = {"id": named, "timestamp": str(now), "signature": theirs}
        assert (_by_us(secret, body, fields), _by_vendor(vendor, secret, body, fields)) == (
            True,
            True,
        )
        if number % 10:
            continue
        other = new_secret(chance.randbytes(SECRET_BYTES))
        for used, sent, altered in (
            (secret, body.replace(b'"', b'" ', 1), fields),
            (secret, body, {**fields, "id": f"{named}0"}),
            (secret, body, {**fields, "timestamp": str(now - 1)}),
            (other, body, fields),
        ):
            assert not _by_us(used, sent, altered)
            assert not _by_vendor(vendor, used, sent, altered)


@pytest.mark.parametrize(
    "spell",
    [
        lambda fields: {**fields, "timestamp": f"{fields['timestamp']}.0"},
        lambda fields: {**fields, "timestamp": f"+{fields['timestamp']}"},
        lambda fields: {**fields, "signature": f"v1,*{fields['signature'][3:]}"},
    ],
)
def test_where_we_are_stricter(spell: Callable[[Fields], Fields]) -> None:
    """Vendors take other spellings of a time or of base64: one spelling counts here.

    A check that somebody debugs with must not call right what receivers in other languages, which
    compare text, refuse.
    """
    secret, now = new_secret(os.urandom(SECRET_BYTES)), int(time.time())
    key = secret_key(secret)
    assert key is not None
    fields = {
        "id": "evt_1",
        "timestamp": str(now),
        "signature": Signer((key,)).sign("evt_1", now, b"{}"),
    }
    assert (_by_us(secret, b"{}", fields), _by_vendor(svix, secret, b"{}", fields)) == (True, True)
    odd = spell(fields)
    assert (_by_us(secret, b"{}", odd), _by_vendor(svix, secret, b"{}", odd)) == (False, True)


def test_two_keys_give_two_signatures_and_either_verifies() -> None:
    """While a secret is rotated, receivers with the old or the new one both accept."""
    old, new = (new_secret(os.urandom(SECRET_BYTES)) for _ in range(2))
    keys = tuple(key for secret in (new, old) if (key := secret_key(secret)))
    now = int(time.time())
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(now),
        "webhook-signature": Signer(keys).sign("evt_1", now, b"{}"),
    }
    for secret in (old, new):
        assert standardwebhooks.Webhook(secret).verify(b"{}", headers) == {}


def test_another_body_is_refused() -> None:
    """A flipped byte does not verify."""
    secret = new_secret(os.urandom(SECRET_BYTES))
    key = secret_key(secret)
    assert key is not None
    now = int(time.time())
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(now),
        "webhook-signature": Signer((key,)).sign("evt_1", now, b'{"a":1}'),
    }
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(b'{"a":2}', headers)


@given(st.text(max_size=80))
def test_anything_else_is_no_secret(text: str) -> None:
    """Only whsec_ with 24 to 64 bytes of strict base64 is a secret; nothing raises."""
    key = secret_key(text)
    assert key is None or (text.startswith("whsec_") and 24 <= len(key) <= 64)


@pytest.mark.parametrize(
    "bad", ["", "whsec_", "whsec_AAAA", "whsec_!!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
def test_wrong_secrets(bad: str) -> None:
    """Too short, not base64, or without the prefix: not a secret."""
    assert secret_key(bad) is None


def test_keys_of_any_length_sign_as_hmac_does() -> None:
    """The standard library's HMAC says the same, for keys longer than a block too."""
    for length in (1, 24, 63, 64, 65, 200):
        key = os.urandom(length)
        expected = base64.b64encode(hmac.digest(key, b"evt_1.7.body", "sha256")).decode()
        assert f"v1,{expected}" == Signer((key,)).sign("evt_1", 7, b"body")
