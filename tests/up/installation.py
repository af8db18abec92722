"""One `ringback up` under test: a home of its own, a free port, and every process it starts.

Nothing of the program is imported: all it says is read from its output, all it knows is asked of
its API, and its processes are found by what only they have.
"""

import contextlib
import hashlib
import hmac
import http.client
import json
import os
import random
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import psutil

SOURCES = Path(__file__).parents[2] / "src"
# Ten times what it takes: other work runs on the same machine.
START_S = 40.0
STOP_S = 100.0
EVENTUALLY_S = 20.0
SAID_MAX = 20_000
UP = "Ctrl-C stops"
# Not even tests that are killed leave an installation behind.
ENDS_WITH_US = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
Found = TypeVar("Found")


def until(done: Callable[[], Found], seconds: float = EVENTUALLY_S, say: object = "") -> Found:
    """Wait until `done` returns something true, and return it; AssertionError with `say` if not."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, say() if callable(say) else say
        time.sleep(0.02)
    return found


def free_port() -> int:
    """Return a port that nobody listens on, outside of what outgoing connections are given."""
    for port in random.sample(range(28_100, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


class Answer:
    """What the server answered."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Installation:
    """One installation: it may be started again and again, on the same data."""

    def __init__(self, home: Path, *before: str, **variables: str) -> None:
        """Take a home; `before` is put in front of the command, `variables` into its world.

        The home is in the environment of every process, which is how they are found.
        """
        self.home = home
        self.port = free_port()
        self.python = sys.executable
        self.before = before
        self.command = "up"
        self.variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(SOURCES),
            "RINGBACK_DATA_DIR": str(home / "data"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "RINGBACK_PORT": str(self.port),
            **variables,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._runs = 0

    def __enter__(self) -> Self:
        """Lend it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind, however the test ended."""
        self.kill()

    @property
    def said(self) -> str:
        """What this run has printed so far; of a flood only the first part."""
        with (self.home / f"said-{self._runs}").open(encoding="utf-8") as file:
            return file.read(SAID_MAX)

    @property
    def data(self) -> Path:
        """The data directory."""
        named = self.variables.get("RINGBACK_DATA_DIR")
        return Path(named) if named else self.home / ".local" / "share" / "ringback"

    @property
    def config(self) -> Path:
        """The directory of the command line's files."""
        named = self.variables.get("XDG_CONFIG_HOME")
        return (Path(named) if named else self.home / ".config") / "ringback"

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        assert self.process is not None
        return self.process.pid

    def spawn(self, *arguments: str) -> None:
        """Start `ringback up`, as the leader of a process group, and return at once."""
        self._runs += 1
        program = [self.python, "-m", "ringback", self.command]
        command = [*self.before, *ENDS_WITH_US, *program, *arguments]
        with (self.home / f"said-{self._runs}").open("wb") as out:
            self.process = subprocess.Popen(
                command, env=self.variables, cwd="/", stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, start_new_session=True,
            )  # fmt: skip

    def start(self, *arguments: str) -> float:
        """Start `ringback up`, wait until it says that it is up; return how many seconds it took.

        Without arguments it is the demo, without anything that plays.
        """
        began = time.monotonic()
        self.spawn(*(arguments or ("--demo=bare",)))
        self.until_said(UP)
        return time.monotonic() - began

    def until_said(self, text: str) -> None:
        """Wait until `text` is printed, which must be before the program ends."""
        process = self.process
        assert process is not None
        until(lambda: text in self.said or process.poll() is not None, START_S, lambda: self.said)
        assert text in self.said, self.said

    def refused(self, *arguments: str) -> str:
        """Start what cannot start; return the one paragraph that says why."""
        self.spawn(*arguments)
        assert 1 == self.wait(), self.said
        assert "Traceback" not in self.said
        _, found, reason = self.said.strip().partition("ringback cannot start: ")
        assert found, self.said
        assert "\n\n" not in reason
        return reason

    def wait(self, seconds: float = STOP_S) -> int:
        """Wait for the supervisor's end and return its exit code."""
        assert self.process is not None
        return self.process.wait(seconds)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send the supervisor a signal, wait for the end of everything, return the exit code."""
        os.kill(self.pid, number)
        return self.ended()

    def ended(self) -> int:
        """Wait for the supervisor's end, see that nothing is left; return the exit code."""
        code = self.wait()
        # A child of a child may need a moment to notice.
        until(lambda: not self.processes(), say=self.processes)
        return code

    def processes(self) -> list[psutil.Process]:
        """Return every living process: ours by their environment, PostgreSQL's by directory."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE and self._is_mine(process):
                    found.append(process)
        return found

    def _is_mine(self, process: psutil.Process) -> bool:
        if process.environ().get("HOME") == str(self.home):
            return True
        return Path(process.cwd()).is_relative_to(self.home)

    def workers(self) -> list[psutil.Process]:
        """Return the server's worker processes."""
        return [each for each in self.processes() if each.ppid() == self.pid and _is_worker(each)]

    def kill(self) -> None:
        """Kill every process at once, as the end of a machine would, and wait until it is so."""
        # Stopped first, so that nobody sees another's end and does something about it.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in self.processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(number)
        if self.process is not None:
            self.process.wait(STOP_S)
        until(lambda: not self.processes(), say="killed processes live on")

    @property
    def demo(self) -> dict[str, str]:
        """The variables that the demo wrote down for the shell."""
        (file,) = re.findall(r"(?m)^\. (.+)$", self.said)
        lines = Path(*shlex.split(file)).read_text(encoding="utf-8").splitlines()
        return dict(shlex.split(line)[1].split("=", 1) for line in lines)

    @property
    def key(self) -> str:
        """The API key of the demo."""
        return self.demo["RINGBACK_API_KEY"]

    @property
    def dsn(self) -> str:
        """The address of the embedded database."""
        secret = (self.data / "password").read_text(encoding="ascii").strip()
        return f"postgresql://ringback:{secret}@/ringback?host={self.data}/run&port=5432"

    def shell(self, *blocks: str) -> str:
        """Run what somebody pastes into bash and return what it prints."""
        done = subprocess.run(
            ["bash", "-e", "-c", "\n".join(blocks)], cwd="/", capture_output=True, text=True,
            env={name: self.variables[name] for name in ("PATH", "HOME", "LC_ALL")},
            timeout=60, check=False,
        )  # fmt: skip
        assert 0 == done.returncode, done.stderr
        return done.stdout

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def api(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API with the demo's key; AssertionError unless it answers 2xx."""
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        answer = self.ask(method, path, sent, headers)
        assert 200 <= answer.status < 300, answer.body
        return answer.json if answer.body else None

    def add_endpoint(self, url: str) -> Any:
        """Add an endpoint for every event and return it, with its secret."""
        return self.api("POST", "/v1/endpoints", {"url": url, "event_types": ["*"]})

    def report(self, reference: str) -> int:
        """Post a signed delivery report of a new WhatsApp message; return the answer's status."""
        status = {
            "id": f"wamid.{secrets.token_hex(12)}",
            "status": "delivered",
            "timestamp": str(int(time.time())),
            "recipient_id": "16505551234",
            "biz_opaque_callback_data": reference,
        }
        metadata = {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"}
        value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}
        change = {"field": "messages", "value": value}
        entry = {"id": "102290129340398", "changes": [change]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        secret = self.demo["DEMO_WHATSAPP_SECRET"].encode()
        signed = hmac.new(secret, body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signed}"}
        return self.ask("POST", "/in/demo-whatsapp", body, headers).status

    def messages(self, reference: str) -> list[Any]:
        """Return the messages with this reference, newest first."""
        found: list[Any] = self.api("GET", f"/v1/messages?reference={reference}")["data"]
        return found

    def attempts(self, reference: str, url: str = "") -> list[Any]:
        """Return the attempts for the newest message with this reference, oldest first.

        With `url`, only those to the endpoint there.
        """
        message = self.messages(reference)[0]["id"]
        endpoints = {each["id"]: each["url"] for each in self.api("GET", "/v1/endpoints")["data"]}
        entries = self.api("GET", f"/v1/messages/{message}/timeline")["entries"]
        return [
            entry
            for entry in entries
            if entry["kind"] == "attempt" and (not url or endpoints.get(entry["endpoint"]) == url)
        ]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "ringback.worker" in process.cmdline()
    except psutil.Error:  # it has ended meanwhile
        return False
