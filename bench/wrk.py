"""The closed-loop generator: wrk, with a script for each kind of request.

As many requests are under way as there are connections; the next one leaves when an answer comes.
"""

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench import bodies
from bench.children import started
from bench.errors import BenchError

PACKAGE_MISSING = "wrk is needed for closed-loop cases: apt-get install wrk"
_LONG_S = 3600
_STOP_S = 20
_RESULT = re.compile(r"^bench: (\{.*\})$", re.MULTILINE)
# The rate of refusals shows whether intake was slowed; nothing else may go wrong.
_DONE = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('bench: {"requests":%d,"refused":%d,"broken":%d,"p50":%f,"p99":%f}\\n',
    summary.requests, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


@dataclass(frozen=True)
class Generated:
    """What wrk says it has done: answers, those that were no 2xx, and milliseconds to them."""

    requests: int
    refused: int
    broken: int
    p50: float
    p99: float

    @property
    def accepted(self) -> int:
        """How many requests were answered 2xx."""
        return self.requests - self.refused


def program() -> str:
    """Return the path of wrk. Raises BenchError when it is not installed."""
    found = shutil.which("wrk")
    if found is None:
        raise BenchError(PACKAGE_MISSING)
    return found


def _quoted(text: str) -> str:
    # Lua reads what JSON writes, as long as it is ASCII; its own long brackets change line ends.
    return json.dumps(text)


def publishing_script(port: int, api_key: str, first: int) -> str:
    """Return the script that publishes one event for each request, numbered from `first`."""
    before, _, between, _, after = bodies.pieces(publishing=True)
    head = bodies.request(
        bodies.PUBLISH_PATH, port, {"authorization": f"Bearer {api_key}"}, bodies.publication(0)
    ).partition(b"\r\n\r\n")[0]
    return f"""
local head = {_quoted(head.decode())} .. "\\r\\n\\r\\n"
local a, b, c = {_quoted(before)}, {_quoted(between)}, {_quoted(after)}
local number = {first}
request = function()
  local n = string.format("%0{bodies.DIGITS}d", number)
  number = number + 1
  return head .. a .. n .. b .. n .. c
end
{_DONE}"""


def callback_script(port: int, prepared: Path) -> str:
    """Return the script that posts the signed callbacks of a file, one line each."""
    texts = bodies.pieces(publishing=False)
    places = [f"{_quoted(text)}" if index % 2 == 0 else text for index, text in enumerate(texts)]
    head = f"POST {bodies.WHATSAPP_PATH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
    head += "user-agent: facebookexternalua\r\naccept: */*\r\ncontent-type: application/json\r\n"
    digits = bodies.DIGITS
    return f"""
local file = assert(io.open({_quoted(str(prepared))}))
local head = {_quoted(head)}
request = function()
  local line = file:read("*l")
  if not line then
    -- The check at the end finds repeated callbacks, so that this cannot go unnoticed.
    file:seek("set")
    line = file:read("*l")
  end
  local signature, number = line:sub(1, 64), line:sub(65, {64 + digits})
  local time, status = line:sub({65 + digits}, {64 + 2 * digits}), line:sub({65 + 2 * digits})
  local body = {" .. ".join(places)}
  return head .. "x-hub-signature-256: sha256=" .. signature .. "\\r\\ncontent-length: " .. #body ..
    "\\r\\n\\r\\n" .. body
end
{_DONE}"""


def write_callbacks(path: Path, callbacks: Iterable[bodies.Status]) -> None:
    """Write signed callbacks for `callback_script`."""
    with path.open("w", encoding="ascii") as file:
        for one in callbacks:
            file.write(f"{one.signature}{bodies.numbered(one.number)}{one.time}{one.status}\n")


class Wrk:
    """One run of wrk, from its start until it is told to stop."""

    def __init__(self, url: str, script: str, connections: int, scratch: Path) -> None:
        """Start it; it runs until `stop`."""
        path = scratch / "load.lua"
        path.write_text(script, encoding="ascii")
        self._process = started(
            [
                program(), "--threads", "1", "--connections", str(connections),
                "--duration", f"{_LONG_S}s", "--timeout", "30s", "--script", str(path), url,
            ],
            said=subprocess.PIPE,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def stop(self) -> Generated:
        """Stop it and return what it has done. Raises BenchError."""
        self._process.send_signal(signal.SIGINT)
        try:
            said = self._process.communicate(timeout=_STOP_S)[0].decode()
        except subprocess.TimeoutExpired:
            self.kill()
            raise BenchError("wrk did not stop.") from None
        found = _RESULT.search(said)
        if found is None:
            raise BenchError(f"wrk has failed:\n{said[-2000:]}")
        return Generated(**json.loads(found[1]))

    def kill(self) -> None:
        """End it without a word, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
