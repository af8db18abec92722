"""Callers of a real server with the hot route: raw requests on sockets, and what is answered."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import psutil

from tests.source import ROOT
from tests.transport.incoming_server import RECEIVE_S, Shown

_START_S = 30.0


class Server(NamedTuple):
    """A running server: its port, and the process that serves."""

    port: int
    worker: psutil.Process

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def send(self, raw: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send bytes on a connection of their own and read one answer."""
        reader, writer = await self.open()
        try:
            writer.write(raw)
            return await read_answer(reader)
        finally:
            writer.close()

    async def last(self) -> Shown:
        """Return what the handler got last."""
        answer = await self.send(request("tell"))
        return msgspec.json.decode(answer[2], type=Shown)


def request(
    name: str, *lines: str | bytes, method: str = "POST", body: bytes = b"", query: str = ""
) -> bytes:
    """Write a request for the handler."""
    head = [f"{method} /in/{name}{query} HTTP/1.1".encode(), b"Host: x"]
    head += [line if isinstance(line, bytes) else line.encode() for line in lines]
    if not any(line.lower().startswith((b"content-l", b"transfer")) for line in head):
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


async def read_answer(
    reader: asyncio.StreamReader, *, bare: bool = False
) -> tuple[int, dict[str, str], bytes]:
    """Read one answer; `bare` ones have no body whatever their length says."""
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.split(": ", 1) for line in head[1:] if line)
        size = 0 if bare else int(fields.get("content-length", "0"))
        return int(head[0].split(" ")[1]), fields, await reader.readexactly(size)


@contextlib.contextmanager
def serving(receive_s: float = RECEIVE_S) -> Iterator[Server]:
    """Run the server in a process of its own; requests have `receive_s` to arrive."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.transport.incoming_server", str(port), str(receive_s)],
        cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield Server(port, psutil.Process(process.pid))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
