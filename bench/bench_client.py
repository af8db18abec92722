"""What one POST costs the HTTP client: CPU microseconds of the sending process, keep-alive.

    python bench/bench_client.py [--posts 40000] [--concurrency 32] [--tls] [--loop uvloop|asyncio]

The receiver is another process that answers every request with the same few bytes. The figure is
user + system time of the sender (getrusage) per POST, so it holds on a busy machine too. It says
nothing about latency under load or about the receiver.
"""

import argparse
import asyncio
import multiprocessing
import multiprocessing.connection
import resource
import ssl
import time
from typing import cast

import trustme
import uvloop

from ringback.domain.networks import TEST
from ringback.domain.targets import Target
from ringback.transport.client import Client
from ringback.transport.exchange import Outgoing

ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\nok"
)
BODY = b'{"id":"evt_01","type":"message.delivered","data":"' + b"x" * 550 + b'"}'
HEADERS = (
    ("Content-Type", "application/json"),
    ("User-Agent", "Ringback/0.1 (+https://ringback.example)"),
    ("webhook-id", "evt_01kf3m5wz5e4qv8y2n6t7r9s0a"),
    ("webhook-timestamp", "1795262400"),
    ("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="),
)


class Receiver(asyncio.Protocol):
    """Answers each complete request; knows their length, because all of them are alike."""

    def __init__(self) -> None:
        self.size = 0
        self.seen = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Count bytes; the first request says how long one is."""
        if not self.size:
            self.size = data.index(b"\r\n\r\n") + 4 + len(BODY)
        self.seen += len(data)
        while self.seen >= self.size:
            self.seen -= self.size
            self.transport.write(ANSWER)


def serve(pipe: multiprocessing.connection.Connection, context: ssl.SSLContext | None) -> None:
    """Run the receiver until the process is ended."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(
            Receiver, "127.0.0.1", 0, ssl=context
        )
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


async def measure(port: int, options: argparse.Namespace, trust: ssl.SSLContext) -> None:
    """Warm up, send, and print what it cost."""
    client = Client(context=trust)
    scheme = "https" if options.tls else "http"
    target = Target.parse(f"{scheme}://127.0.0.1:{port}/hooks/orders?source=ringback")
    request = Outgoing("POST", target, HEADERS, BODY)

    async def sender(posts: int) -> None:
        for _ in range(posts):
            exchange = await client.send(request, policy=TEST, deadline_s=15.0)
            if not exchange.ok:
                raise SystemExit(f"{exchange.error}: {exchange.detail}")

    async def round_of(posts: int) -> None:
        each = posts // options.concurrency
        await asyncio.gather(*(sender(each) for _ in range(options.concurrency)))

    await round_of(options.posts // 10)
    for _ in range(options.rounds):
        before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        await round_of(options.posts)
        after, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - started
        user = (after.ru_utime - before.ru_utime) * 1e6 / options.posts
        system = (after.ru_stime - before.ru_stime) * 1e6 / options.posts
        rate = options.posts / wall
        print(f"{user + system:6.1f} µs/POST (user {user:.1f}, system {system:.1f}), {rate:,.0f}/s")
    await client.close()


def main() -> None:
    """Start the receiver, measure, end it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--posts", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    options = parser.parse_args()
    authority = trustme.CA()
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    context = None
    if options.tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    ours, theirs = multiprocessing.Pipe()
    fork = multiprocessing.get_context("fork")  # a TLS context cannot be sent to another process
    process = fork.Process(target=serve, args=(theirs, context), daemon=True)
    process.start()
    try:
        runner = uvloop.run if options.loop == "uvloop" else asyncio.run
        runner(measure(ours.recv(), options, trust))
    finally:
        process.kill()


if __name__ == "__main__":
    main()
