"""Logs: one line an event, from an allow-list, without numbers, bodies or what exceptions say."""

import json
import os
import pty
import subprocess
import sys

from tests.source import ROOT

DELIVERY = "dlv_00000000000000000000012345"
REQUEST = "req_01kan2v5t4e7g8h9j0k1m2n3p4"
NUMBER, BODY, SECRET = "+447700900123", "Dear Ms Lovelace, your parcel", "whsec_c2VjcmV0"

# Set up as a worker does it, then whatever could go wrong in one.
_PROGRAM = f"""
import structlog
from ringback.log import configure
log = structlog.get_logger()
configure("info")

class Row:
    def __str__(self):
        return "to {NUMBER}"

def parse(body):
    secret = "{SECRET}"
    raise ValueError(f"cannot read {{body}} to {NUMBER}")

log.debug("test.quiet", worker=1)
log.info("test.plain", worker=7, items=3, ms=1.5, version=None, status=True)
log.warning("test.fields", worker=1, body="{BODY}", to="{NUMBER}", text="{BODY}", headers=["x"])
log.warning("test.numbers", error="no route to {NUMBER} or 16505551234,4477009", reason=Row())
log.warning("test.ids", connection="01990000-1234-7000-8000-123456789012", request_id="{REQUEST}",
    deliveries="{DELIVERY}")
log.warning("test.rows", error="null value\\nDETAIL: Failing row contains ({BODY}).")
log.warning("test.long", error="x" * 5000)
try:
    try:
        parse("{BODY}")
    except ValueError as error:
        raise KeyError("{NUMBER}") from error
except KeyError:
    log.exception("test.defect", provider="whatsapp")
log.warning("test.given", exception="Traceback: sent to {NUMBER}")
"""


_COMMAND = [sys.executable, "-c", _PROGRAM]
_ENVIRONMENT = {**os.environ, "TERM": "dumb"}


def _run() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _COMMAND, cwd=ROOT, env=_ENVIRONMENT, check=True, timeout=60, capture_output=True, text=True
    )


def _on_a_terminal() -> str:
    """Run it with a terminal as standard error; return what stands there."""
    parent, child = pty.openpty()
    process = subprocess.Popen(_COMMAND, cwd=ROOT, env=_ENVIRONMENT, stderr=child)
    os.close(child)
    chunks: list[bytes] = []
    try:
        while chunk := os.read(parent, 65536):
            chunks.append(chunk)
    except OSError:
        # How a terminal says that nobody writes any more.
        pass
    finally:
        os.close(parent)
    assert 0 == process.wait(60)
    return b"".join(chunks).decode()


def test_a_log_is_json_from_an_allow_list() -> None:
    """Elsewhere than on a terminal each line is an object; what is not on the list is not there."""
    done = _run()
    assert "" == done.stdout
    entries = {entry["event"]: entry for entry in map(json.loads, done.stderr.splitlines())}
    assert "test.quiet" not in entries
    plain = entries["test.plain"]
    assert plain.pop("timestamp").endswith("Z")
    assert {
        "event": "test.plain", "level": "info", "worker": 7, "items": 3, "ms": 1.5,
        "version": None, "status": True,
    } == plain  # fmt: skip
    assert {"event", "level", "timestamp", "worker"} == set(entries["test.fields"])
    assert 300 == len(entries["test.long"]["error"])


def test_numbers_are_masked_and_ids_are_not() -> None:
    """Enough is left of a number to recognise it by, never to call it; ids stay whole."""
    entries = {entry["event"]: entry for entry in map(json.loads, _run().stderr.splitlines())}
    numbers = entries["test.numbers"]
    assert "no route to +44•••••0123 or •••••1234,•••••09" == numbers["error"]
    assert "to +44•••••0123" == numbers["reason"]
    ids = entries["test.ids"]
    assert "01990000-1234-7000-8000-123456789012" == ids["connection"]
    assert REQUEST == ids["request_id"]
    assert DELIVERY == ids["deliveries"]


def test_an_exception_tells_where_and_not_what() -> None:
    """Its type, its places in the code and those of its cause; no message, no variables."""
    entries = {entry["event"]: entry for entry in map(json.loads, _run().stderr.splitlines())}
    defect = entries["test.defect"]
    assert "whatsapp" == defect["provider"]
    told = defect["exception"]
    assert told.index("builtins.KeyError") < told.index("because of builtins.ValueError")
    assert "in parse" in told
    assert "null value" == entries["test.rows"]["error"]


def test_no_canary_gets_through() -> None:
    """Neither as JSON nor on a terminal, where it is lines for people."""
    terminal = _on_a_terminal()
    assert "test.plain" in terminal
    assert '{"' not in terminal
    for text in (terminal, _run().stderr):
        assert "in parse" in text
        found = [canary for canary in (NUMBER, NUMBER[1:], BODY, SECRET) if canary in text]
        assert [] == found
