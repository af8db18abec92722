"""Where deliveries go: nginx, or a receiver of our own that also notes times of arrival."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Self

from bench.children import started
from bench.errors import BenchError
from bench.installation import ROOT, free_ports

_START_S = 10.0
_STOP_S = 10.0
_CONFIGURATION = """\
daemon off;
worker_processes 1;
{user}
pid {home}/pid;
error_log {home}/error.log warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  server {{ listen 127.0.0.1:{status}; location / {{ stub_status; }} }}
  server {{
{listens}
    location / {{ return 200 "ok"; }}
  }}
}}
"""


def nginx_program() -> str | None:
    """Return the path of nginx, or None."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


class Sink:
    """A receiver with one origin for each of so many endpoints."""

    name = ""

    def __init__(self, scratch: Path, count: int) -> None:
        """Prepare a directory; nothing is started yet."""
        self.count = count
        self.home = Path(tempfile.mkdtemp(prefix="sink-", dir=scratch))
        self.ports: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def urls(self) -> list[str]:
        """The URL of each endpoint."""
        return [f"http://127.0.0.1:{port}/hook" for port in self.ports]

    @property
    def pid(self) -> int:
        """The process id of the receiver."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        """Start it and wait until it listens. Raises BenchError."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def start(self) -> None:
        """Start the process."""
        raise NotImplementedError

    def requests(self) -> int:
        """Return how many requests have arrived so far."""
        raise NotImplementedError

    def end(self) -> None:
        """End the process and wait for it."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process is not None and process.stdout is not None:
            process.stdout.close()

    def stop(self) -> None:
        """End the process and delete its directory."""
        self.end()
        shutil.rmtree(self.home, ignore_errors=True)


class Nginx(Sink):
    """nginx that answers 200 at once and keeps its connections."""

    name = "nginx"

    def start(self) -> None:
        """Write the configuration, start, wait until it answers."""
        program = nginx_program()
        assert program is not None
        self._status, *self.ports = free_ports(self.count + 1)
        self._asked = 0
        self.home.chmod(0o755)
        text = _CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "", home=self.home, status=self._status,
            listens="\n".join(f"    listen 127.0.0.1:{port};" for port in self.ports),
        )  # fmt: skip
        (self.home / "nginx.conf").write_text(text, encoding="ascii")
        log = self.home / "error.log"
        command = [program, "-p", str(self.home), "-c", str(self.home / "nginx.conf"), "-e"]
        with log.open("wb") as said:
            self._process = started([*command, str(log)], said=said)
        deadline = time.monotonic() + _START_S
        while True:
            try:
                self.requests()
                return
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise BenchError(f"nginx did not start:\n{log.read_text()}") from None
                time.sleep(0.02)

    def requests(self) -> int:
        """Ask nginx for its own count; our questions are not in it."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._status}/", timeout=10) as answer:
            text = answer.read().decode()
        self._asked += 1
        found = re.search(r"(?m)^ (\d+) (\d+) (\d+)", text)
        assert found is not None
        return int(found[3]) - self._asked


class Noting(Sink):
    """Our own receiver; the last `hang` of its endpoints never answer."""

    name = "own"

    def __init__(self, scratch: Path, count: int, hang: int = 0) -> None:
        """Prepare."""
        super().__init__(scratch, count)
        self._hang = hang
        self._out = self.home / "arrivals.json"

    def start(self) -> None:
        """Start the process and read its ports."""
        self._process = started(
            [
                sys.executable, "-m", "bench.receiver", "--ports", str(self.count),
                "--hang", str(self._hang), "--out", str(self._out),
            ],
            cwd=ROOT, said=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        try:
            self.ports = json.loads(line)
        except ValueError:
            said = line + self._process.stdout.read()
            raise BenchError(f"The receiver did not start:\n{said.decode()}") from None

    def requests(self) -> int:
        """Ask it how many have arrived."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}/count", timeout=10) as told:
            return int(told.read())

    def arrivals(self) -> list[tuple[int, int, float]]:
        """End it and return (endpoint's place, number, monotonic time) of what arrived."""
        self.end()
        told: list[tuple[int, int, float]] = json.loads(self._out.read_text(encoding="ascii"))
        return told


def discarding(scratch: Path, count: int) -> Sink:
    """Return the receiver of closed-loop cases: nginx, or ours where there is none."""
    return Nginx(scratch, count) if nginx_program() else Noting(scratch, count)
