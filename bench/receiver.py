"""A receiver of our own: answers every request, and writes down when which event arrived.

    python -m bench.receiver --ports 10 [--hang 1] [--out FILE]

Prints its ports as one line of JSON. The last `--hang` ports read and never answer. On SIGTERM
it writes [port's place, number, time] for each event into FILE; times are CLOCK_MONOTONIC, which
all processes of a machine share. GET /count answers how many requests there were.
"""

import argparse
import asyncio
import functools
import gc
import json
import signal
import sys
import time
from pathlib import Path
from typing import cast

import httptools
import uvloop

from bench.bodies import DIGITS, MARK

ARRIVALS_MAX = 2_000_000
_MARK = MARK.encode()
_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok"


class Log:
    """What has arrived. Bounded; what comes after the last place is only counted."""

    def __init__(self) -> None:
        """Start empty."""
        self.requests = 0
        self.arrivals: list[tuple[int, int, float]] = []

    def note(self, place: int, body: bytes, at: float) -> None:
        """Note an event that arrived on a port."""
        self.requests += 1
        found = body.find(_MARK)
        if found >= 0 and len(self.arrivals) < ARRIVALS_MAX:
            digits = body[found + len(_MARK) :][:DIGITS]
            self.arrivals.append((place, int(digits), at))


class Receiving(asyncio.Protocol):
    """One connection: parses requests with llhttp, as the product's client does answers."""

    def __init__(self, log: Log, place: int, *, hang: bool) -> None:
        """Take where to note what arrives."""
        self._log = log
        self._place = place
        self._hang = hang
        self._parser = httptools.HttpRequestParser(self)
        self._parts: list[bytes] = []
        self._url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._at = time.monotonic()
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Keep the path."""
        self._url = url

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body."""
        self._parts.append(data)

    def on_message_complete(self) -> None:
        """Note the request and answer it."""
        body = b"".join(self._parts)
        self._parts = []
        if self._url == b"/count":
            count = str(self._log.requests).encode()
            head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            self._transport.write(head % len(count) + count)
            self._transport.close()
            return
        self._log.note(self._place, body, self._at)
        if not self._hang:
            self._transport.write(_ANSWER)


async def serve(ports: int, hang: int, out: Path | None) -> None:
    """Receive until SIGTERM, then write down what has arrived."""
    loop, log, stop = asyncio.get_running_loop(), Log(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    taken = []
    for place in range(ports):
        accept = functools.partial(Receiving, log, place, hang=place >= ports - hang)
        server = await loop.create_server(accept, "127.0.0.1", 0)
        taken.append(server.sockets[0].getsockname()[1])
    gc.freeze()
    print(json.dumps(taken), flush=True)
    await stop.wait()
    if out is not None:
        out.write_text(json.dumps(log.arrivals), encoding="ascii")


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ports", type=int, default=1)
    parser.add_argument("--hang", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    # The parent speaks to us with SIGTERM; a Ctrl-C in the terminal is meant for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uvloop.run(serve(options.ports, options.hang, options.out))
    sys.stdout.close()


if __name__ == "__main__":
    main()
