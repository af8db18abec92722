"""The first page works as printed: its commands are run, one after the other, on a fresh start.

Only what needs a network is left out: making the receiver's own virtual environment.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.markdown import pages
from tests.source import ROOT

START_S = 60.0
EVENTUALLY_S = 10.0
STOP_S = 10.0
INSTALL = "python3 -m venv receiver && receiver/bin/pip install -q standardwebhooks\n"
_NEEDED = ("bash", "curl", "openssl")
pytestmark = pytest.mark.skipif(
    not all(shutil.which(name) for name in _NEEDED), reason=f"needs {', '.join(_NEEDED)}"
)
MAKE, ENVIRONMENT, WHATSAPP, BANDWIDTH, MESSAGES, TIMELINE, INSPECTOR, RECEIVER = pages()[
    "README.md"
].blocks("sh")


@dataclass
class Installation:
    """A running `ringback up --demo` in a home of its own."""

    home: Path
    process: subprocess.Popen[bytes]

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return (self.home / "said").read_text(encoding="utf-8")

    def command(self, block: str) -> list[str]:
        """Return how to run a block of the page in a shell with the demo's variables."""
        return ["bash", "-e", "-c", f"{ENVIRONMENT}\n{block}"]

    def shell(self, block: str) -> str:
        """Run a block as if it had been pasted, and return what it printed."""
        done = subprocess.run(
            self.command(block), env=self.variables, cwd=ROOT, capture_output=True, text=True,
            timeout=30, check=False,
        )  # fmt: skip
        assert 0 == done.returncode, done.stderr
        return done.stdout

    @property
    def variables(self) -> dict[str, str]:
        """The environment of whoever sits at this home."""
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def demo() -> Iterator[Installation]:
    """Start the demo, wait until it answers, and stop it with Ctrl-C at the end."""
    # Short and open, because the path of a socket is bounded and root's server is not root.
    home = Path(tempfile.mkdtemp(prefix="rb-page-", dir="/tmp"))
    home.chmod(0o755)
    variables = {"RINGBACK_DATA_DIR": str(home / "data"), "RINGBACK_PORT": str(_free_port())}
    program = str(Path(sys.executable).with_name("ringback"))
    with (home / "said").open("wb") as said:
        process = subprocess.Popen(
            [program, "up", "--demo"], stderr=said, stdout=said, cwd=ROOT,
            env={"HOME": str(home), "PATH": os.environ["PATH"], **variables},
        )  # fmt: skip
    running = Installation(home, process)
    try:
        _until(lambda: "Ctrl-C stops" in running.said, START_S, running)
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        code = process.wait(STOP_S + 5)
        shutil.rmtree(home, ignore_errors=True)
    assert 0 == code


def _until(done: Any, seconds: float, running: Installation) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert running.process.poll() is None, running.said
        assert time.monotonic() < deadline, running.said
        time.sleep(0.05)
    return found


def test_the_start_prints_what_the_page_shows(demo: Installation) -> None:
    """The commands on the page are the ones that the program printed, and the key is shown."""
    for block in (WHATSAPP, BANDWIDTH, MESSAGES):
        assert block in demo.said
    assert "rk_test_" in demo.said
    assert "make run" == MAKE


def test_the_first_page_works_as_printed(demo: Installation) -> None:
    """Callbacks are accepted, as often as they are sent; each becomes a message of its own."""
    assert "200" == demo.shell(WHATSAPP).split()[-1]
    assert "200" == demo.shell(WHATSAPP).split()[-1]
    assert "200" == demo.shell(BANDWIDTH).split()[-1]
    (newest,) = json.loads(demo.shell(MESSAGES))["data"]
    assert ("observed", "delivered", "bandwidth", "order-48213") == (
        newest["origin"], newest["status"], newest["provider"], newest["reference"],
    )  # fmt: skip
    url = '"$RINGBACK_URL/v1/messages?reference=order-48213"'
    everything = demo.shell(f'curl -sS {url} -H "authorization: Bearer $RINGBACK_API_KEY"')
    assert 3 == len(json.loads(everything)["data"])


def test_the_timeline_tells_the_whole_story(demo: Installation) -> None:
    """Callback, event and delivery of the newest message, in this order."""
    demo.shell(WHATSAPP)

    def story() -> Any:
        told = demo.shell(TIMELINE).splitlines()
        return told if "▶ attempt" in told[-1] else None

    # Every endpoint of the shop that wants it has an attempt.
    told = _until(story, EVENTUALLY_S, demo)
    (place,) = [place for place, line in enumerate(told) if "◀ callback" in line]
    callback, event, attempt = told[place : place + 3]
    assert re.search(r"◀ callback  whatsapp accepted +cbk_", callback)
    assert re.search(r"● 1 message\.delivered +evt_", event)
    assert re.search(r"▶ attempt 1 at delivered: 200 in \d+ ms, delivered +end_", attempt)


def test_the_inspector_shows_what_it_received(demo: Installation) -> None:
    """The newest request is the event of the newest callback, with the sender's own tag."""

    def newest() -> Any:
        # The shop lives: what is its own may come in between.
        demo.shell(BANDWIDTH)
        data = json.loads(demo.shell(INSPECTOR))["data"]
        about = data and data[0]["parsed"]["data"].get("message")
        return about and about["reference"] == "order-48213" and data

    (request,) = _until(newest, EVENTUALLY_S, demo)
    assert "message.delivered" == request["parsed"]["type"]
    assert "order-48213" == request["parsed"]["data"]["message"]["reference"]
    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= {
        name for name, _ in request["headers"]
    }


def test_readiness_says_how_far_behind_deliveries_are(demo: Installation) -> None:
    """Machines ask without a key whether callbacks can be stored, and how much is waiting."""
    assert {"status": "ok"} == json.loads(demo.shell('curl -sS "$RINGBACK_URL/healthz"'))
    ready = json.loads(demo.shell('curl -sS --fail "$RINGBACK_URL/readyz"'))
    assert (True, []) == (ready["ready"], ready["reasons"])
    assert {"oldest_due_seconds", "waiting", "sending", "queued"} <= set(ready["queue"])


@pytest.mark.parametrize("library", ["standardwebhooks", "svix"])
def test_the_receiver_verifies_events(demo: Installation, library: str) -> None:
    """The example prints what is genuine, with either library, and refuses what is not."""
    port = _free_port()
    example = (ROOT / "examples" / "receiver.py").read_text(encoding="utf-8")
    changed = example.replace("from standardwebhooks import", "from svix.webhooks import")
    assert changed != example
    script = demo.home / f"receiver_{library}.py"
    script.write_text(example if library == "standardwebhooks" else changed, encoding="utf-8")
    block = RECEIVER
    for printed, here in (
        (INSTALL, ""), ("receiver/bin/python examples/receiver.py", f"exec python {script}"),
        ("127.0.0.1:9000", f"127.0.0.1:{port}"),
    ):  # fmt: skip
        assert printed in block
        block = block.replace(printed, here)
    variables = {**demo.variables, "PORT": str(port)}
    variables["PATH"] = f"{Path(sys.executable).parent}:{variables['PATH']}"
    out = demo.home / f"{library}.out"
    with out.open("wb") as printed_to:
        receiver = subprocess.Popen(
            demo.command(block), env=variables, cwd=ROOT, stdout=printed_to, stderr=printed_to
        )
    try:
        _until(lambda: _answer(port) == 401, EVENTUALLY_S, demo)
        demo.shell(WHATSAPP)
        _until(lambda: "1 message.delivered evt_" in out.read_text("utf-8"), EVENTUALLY_S, demo)
    finally:
        receiver.terminate()
        receiver.wait(STOP_S)


def _answer(port: int) -> int | None:
    """Post something that nobody signed, and return the status of the answer."""
    head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(head.encode())
            line = connection.recv(64).split()
            return int(line[1]) if len(line) > 1 else None
    except OSError:
        return None
