"""The code that receivers paste: it takes what we sign, and nothing else."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ringback.domain.signature_check import check, received
from ringback.domain.signing import Signer, new_secret, secret_key
from ringback.domain.snippets import SECRET_NAME, snippets

SECRET = new_secret(bytes(range(24)))
BODY = '{"type":"shop.paid","data":{"name":"Zoë"}}'.encode()
# Reads headers and the body's hex as JSON, and prints whether `verify` takes them.
CALLS = {
    "python": (
        [sys.executable], "s.py",
        ("\nimport json, sys\ngiven = json.load(sys.stdin)\n"
        "print(int(verify(given['headers'], bytes.fromhex(given['body']))))\n"),
    ),
    "javascript": (
        ["node"], "s.cjs",
        ("\nconst given = JSON.parse(require('node:fs').readFileSync(0));\n"
        "console.log(verify(given.headers, Buffer.from(given.body, 'hex')) ? 1 : 0);\n"),
    ),
    "php": (
        ["php"], "s.php",
        ("\n$given = json_decode(file_get_contents('php://stdin'), true);\n"
        "echo verify($given['headers'], hex2bin($given['body'])) ? 1 : 0;\n"),
    ),
}  # fmt: skip


def signed(body: bytes, *, age_s: int = 0, secret: str = SECRET) -> dict[str, str]:
    """Return the headers of a body that is signed, also with another secret before it."""
    stamp = int(time.time()) - age_s
    keys = tuple(secret_key(each) or b"" for each in (new_secret(bytes(24)), secret))
    return {
        "webhook-id": "evt_1", "webhook-timestamp": str(stamp),
        "webhook-signature": Signer(keys).sign("evt_1", stamp, body),
    }  # fmt: skip


@pytest.mark.parametrize("language", CALLS)
def test_code_takes_what_is_ours_and_refuses_the_rest(language: str, tmp_path: Path) -> None:
    """A fresh and whole request; not an old one, another body, or another secret."""
    program, name, call = CALLS[language]
    if shutil.which(program[0]) is None:
        pytest.skip(f"there is no {program[0]}")
    file = tmp_path / name
    file.write_text(snippets(None)[language] + call, encoding="utf-8")
    other = new_secret(bytes(range(1, 25)))
    for headers, body, taken in (
        (signed(BODY), BODY, "1"), (signed(BODY), BODY + b" ", "0"),
        (signed(BODY, age_s=301), BODY, "0"), (signed(BODY, secret=other), BODY, "0"),
    ):  # fmt: skip
        done = subprocess.run(
            [*program, str(file)], env={**os.environ, SECRET_NAME: SECRET}, capture_output=True,
            input=json.dumps({"headers": headers, "body": body.hex()}).encode(), timeout=30,
            check=False,
        )  # fmt: skip
        assert taken == done.stdout.decode().strip(), done.stderr.decode()


def test_curl_sends_what_is_signed_as_ours() -> None:
    """Its request passes our own check."""
    for needed in ("sh", "curl", "openssl"):
        if shutil.which(needed) is None:
            pytest.skip(f"there is no {needed}")
    came: list[tuple[list[tuple[str, str]], bytes]] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append((list(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        code = snippets(f"http://127.0.0.1:{server.server_port}/it's")["curl"]
        world = {**os.environ, SECRET_NAME: SECRET, "no_proxy": "*"}
        done = subprocess.run(
            ["sh", "-c", code], env=world, capture_output=True, timeout=30, check=False
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert 1 == len(came), done.stderr.decode()
    headers, body = came[0]
    assert check(received(headers, body), [SECRET], int(time.time())).ok
