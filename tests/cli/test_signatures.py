"""`ringback sign` and `ringback verify`, held against the vendors' own verifiers both ways."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import standardwebhooks
import svix
from typer.testing import CliRunner

from ringback.cli.main import app

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
BODY = b'{"type":"message.delivered","n":1}'


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RINGBACK_WEBHOOK_SECRET", raising=False)


def _run(*arguments: str, text: bytes = BODY, code: int = 0, **variables: str) -> str:
    done = CliRunner().invoke(app, arguments, input=text, env=variables)
    assert code == done.exit_code, done.output
    return done.stdout if code != 2 else done.stderr


def _headers(text: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in text.splitlines())


def test_vendors_verify_what_the_command_signs() -> None:
    """Both take the printed headers with the same body, and so does `verify`."""
    printed = _run("sign", "--secret", SECRET, "--secret", OTHER)
    headers = _headers(printed)
    for secret in (SECRET, OTHER):
        assert standardwebhooks.Webhook(secret).verify(BODY, headers) == json.loads(BODY)
        svix.Webhook(secret).verify(BODY, headers)
    whole = printed.encode() + b"\n" + BODY
    assert "The signature is right" in _run("verify", "--secret", SECRET, text=whole)


def test_the_command_verifies_what_vendors_sign() -> None:
    """A signature by `standardwebhooks` and by `svix`, given header by header or by option."""
    now = datetime.now(UTC)
    for sign in (standardwebhooks.Webhook(SECRET).sign, svix.Webhook(SECRET).sign):
        signature = sign("msg_1", now, BODY.decode())
        stamp = str(int(now.timestamp()))
        options = ["--id", "msg_1", "--timestamp", stamp, "--signature", signature]
        _run("verify", "--secret", SECRET, *options)
        fields = ["-H", "Svix-Id: msg_1", "-H", f"svix-timestamp: {stamp}"]
        _run("verify", *fields, "-H", f"svix-signature:{signature}", RINGBACK_WEBHOOK_SECRET=SECRET)


def test_the_published_vector_is_signed_alike() -> None:
    """A known secret, id, time and body give the known signature."""
    options = ["--id", "msg_p5jXN8AQM9LWM0D4loKWxJek", "--timestamp", "1772440000"]
    headers = _headers(_run("sign", "--secret", SECRET, *options, text=b'{"test": 2432232314}'))
    assert headers["webhook-signature"] == "v1,dFyCVkw5QAQdgQ8dfaPdLy3eQE+HDnQkWNbvHMfRP2g="


def test_a_refusal_is_explained(tmp_path: Path) -> None:
    """A rewritten body and another secret: exit code 1, the cause in words and as a code."""
    headers = _run("sign", "--secret", SECRET).encode()
    pretty = json.dumps(json.loads(BODY), indent=2).encode()
    said = _run("verify", "--secret", SECRET, text=headers + b"\n" + pretty, code=1)
    assert "without spaces" in said
    assert "(body_rewritten)" in said
    file = tmp_path / "request"
    file.write_bytes(headers + b"\n" + BODY)
    wrong = _run("verify", "--secret", OTHER, "--file", str(file), code=1)
    assert "(secret_or_body)" in wrong
    assert OTHER not in wrong


def test_of_several_secrets_it_says_which_fits() -> None:
    """During a rotation both are tried."""
    whole = _run("sign", "--secret", SECRET).encode() + b"\n" + BODY
    both = f"{OTHER}, {SECRET}"
    assert "secret 2 of 2" in _run("verify", text=whole, RINGBACK_WEBHOOK_SECRET=both)


def test_an_old_request_is_right_as_of_its_own_time() -> None:
    """Too old by hours today; right with --at, as seconds or as a time, and with a tolerance."""
    then = int(time.time()) - 7200
    whole = _run("sign", "--secret", SECRET, "--timestamp", str(then)).encode() + b"\n" + BODY
    said = _run("verify", "--secret", SECRET, text=whole, code=1)
    assert "(too_old)" in said
    assert "(signature_right)" in said
    iso = datetime.fromtimestamp(then).isoformat()  # noqa: DTZ006 - as people here write it
    zoned = datetime.fromtimestamp(then, UTC).isoformat()
    for option in (
        ["--at", str(then)],
        ["--at", iso],
        ["--at", zoned],
        ["--at", "2h"],
        ["--tolerance", "3h"],
    ):
        _run("verify", "--secret", SECRET, *option, text=whole)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["verify", "--id", "x"], "RINGBACK_WEBHOOK_SECRET"),
        (["sign"], "RINGBACK_WEBHOOK_SECRET"),
        (["sign", "--secret", "whsec_!"], "whsec_ and base64"),
        (["sign", "--secret", SECRET, "--id", "a.b"], "without dots"),
        (["verify", "--secret", SECRET], "an empty line, and the body"),
        (["verify", "--secret", SECRET, "-H", "nonsense"], "'Name: value'"),
        (["verify", "--secret", SECRET, "--id", "x", "--at", "noon"], "is no time"),
        (["verify", "--secret", SECRET, "--file", "/none"], "Cannot read /none"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], says: str) -> None:
    """What is missing or cannot be read is said with what to write instead."""
    assert says in _run(*arguments, code=2)


def test_bytes_are_signed_as_they_are() -> None:
    """A body that is no text at all goes through unchanged."""
    body = bytes(range(256))
    headers = _headers(_run("sign", "--secret", SECRET, text=body))
    signed = b"%b.%b.%b" % (
        headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body
    )  # fmt: skip
    digest = hmac.digest(base64.b64decode(SECRET.removeprefix("whsec_")), signed, "sha256")
    assert f"v1,{base64.b64encode(digest).decode()}" == headers["webhook-signature"]
