# ruff: noqa: D103 - the names of the scripts say what they do
"""Hostile servers: what each does to a client, and what the client must make of it (T26).

A behaviour is a script on a connection, after the request was read unless it says otherwise.
`python -m tests.transport.hostile` serves them all, each under its name as path, until stdin ends;
so they cost the process that is tested neither time nor memory.
"""

import asyncio
import gzip
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .receivers import OK, receiving, reset

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
H = b"HTTP/1.1 200 OK\r\n"
KEPT = 64 * 1024
BOMB = gzip.compress(bytes(20_000_000))


@dataclass(frozen=True)
class Behaviour:
    """A script and its expected outcome; `size` is the body's, None where it is not checked."""

    script: Script
    error: str | None = None
    status: int | None = None
    size: int | None = None
    truncated: bool = False
    reads_first: bool = True


BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(
    error: str | None = None,
    status: int | None = None,
    size: int | None = None,
    *,
    truncated: bool = False,
    reads_first: bool = True,
) -> Callable[[Script], Script]:
    """Register a script under its name."""

    def register(script: Script) -> Script:
        BEHAVIOURS[script.__name__] = Behaviour(script, error, status, size, truncated, reads_first)
        return script

    return register


def says(name: str, data: bytes, error: str | None, status: int | None, size: int = 0) -> None:
    """Register a server that writes `data` and then waits for another request, or the end."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    BEHAVIOURS[name] = Behaviour(script, error, status, size)


async def forever(writer: asyncio.StreamWriter, data: bytes, every_s: float = 0.0) -> None:
    """Write the same bytes again and again."""
    while True:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(every_s)


# --- silence and slowness: the deadline ends it ---


@behaviour("timeout")
async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@behaviour("timeout", reads_first=False)
async def never_reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


@behaviour("timeout")
async def drips_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"X: ")
    await forever(writer, b"a", 0.05)


@behaviour("timeout", 200)
async def drips_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"Content-Length: 1000000\r\n\r\n")
    await forever(writer, b"a", 0.05)


@behaviour("timeout", 200)
async def drips_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"Transfer-Encoding: chunked\r\n\r\n")
    await forever(writer, b"1\r\na\r\n", 0.05)


@behaviour("timeout", 200)
async def drips_without_length(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"\r\n")
    await forever(writer, b"a", 0.05)


@behaviour("timeout", 200, 3)
async def stops_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"Content-Length: 10\r\n\r\nabc")
    await reader.read()


@behaviour("timeout")
async def stops_after_interim(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    await reader.read()


# --- too much of everything ---


@behaviour(None, 200, KEPT, truncated=True)
async def endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"\r\n")
    await forever(writer, b"x" * 16384)


@behaviour(None, 500, KEPT, truncated=True)
async def endless_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n")
    await forever(writer, b"4000\r\n" + b"x" * 16384 + b"\r\n")


@behaviour(None, 200, KEPT, truncated=True)
async def endless_tiny_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"Transfer-Encoding: chunked\r\n\r\n")
    await forever(writer, b"1\r\na\r\n" * 2000)


@behaviour(None, 200, KEPT, truncated=True)
async def huge_length(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"Content-Length: 1000000000000\r\n\r\n")
    await forever(writer, b"x" * 16384)


@behaviour("protocol", 200)
async def endless_chunk_extension(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(H + b"Transfer-Encoding: chunked\r\n\r\n5;a=")
    await forever(writer, b"x" * 16384)


@behaviour("protocol", 200)
async def endless_trailers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n")
    await forever(writer, b"X-Trailer: xxxxxxxx\r\n" * 500)


@behaviour("head_too_large")
async def endless_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H)
    await forever(writer, b"X-Header: xxxxxxxx\r\n" * 100)


@behaviour("head_too_large")
async def endless_header_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"X: ")
    await forever(writer, b"x" * 16384)


@behaviour("head_too_large")
async def endless_header_name(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H)
    await forever(writer, b"x" * 1000)


@behaviour("head_too_large")
async def endless_reason(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 ")
    await forever(writer, b"x" * 16384)


@behaviour("head_too_large")
async def endless_empty_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await forever(writer, b"\r\n" * 1000)


@behaviour("protocol")
async def endless_interim(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await forever(writer, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")


# --- ending the connection ---


@behaviour("reset")
async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@behaviour("reset")
async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    reset(writer)


@behaviour("reset", reads_first=False)
async def closes_unread(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@behaviour("reset")
async def closes_in_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"Content-Le")
    writer.close()


@behaviour("reset", 200, 3)
async def closes_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"Content-Length: 10\r\n\r\nabc")
    writer.close()


@behaviour("reset", 200, 3)
async def closes_in_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    writer.close()


@behaviour("reset", 200)
async def resets_in_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"Content-Length: 10\r\n\r\nabc")
    await writer.drain()
    await asyncio.sleep(0.02)
    reset(writer)


@behaviour(None, 200, 3)
async def ends_body_by_closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(H + b"\r\nabc")
    writer.close()


@behaviour(None, 200, 3)
async def ends_body_by_half_closing(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nabc")
    writer.write_eof()
    await reader.read()


@behaviour(None, 413, 0, reads_first=False)
async def answers_without_reading(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    await asyncio.sleep(5)


# --- answers that are complete at once, right or wrong ---

LINES = b"".join(b"X-%d: y\r\n" % n for n in range(63))
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"

says("fine", OK, None, 200, 2)
says("sixty_four_lines", H + LINES + b"Content-Length: 2\r\n\r\nok", None, 200, 2)
says("sixty_five_lines", H + LINES + b"Y: z\r\nContent-Length: 0\r\n\r\n", "head_too_large", None)
says("eight_interim", INTERIM * 8 + OK, None, 200, 2)
says("nine_interim", INTERIM * 9 + OK, "protocol", None)
says("gzip_bomb", H + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB,
     None, 200, min(len(BOMB), KEPT))  # fmt: skip
says("two_answers", OK + b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", None, 200, 2)
says("answer_and_garbage", OK + b"\x00\xff" * 100, None, 200, 2)
says("no_content_with_body", b"HTTP/1.1 204 No\r\n\r\nbody", None, 204)
says("not_modified_with_length", b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", None, 304)
says("redirect", b"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
     None, 302)  # fmt: skip
says("garbage", b"\x16\x03\x01\x02\x00 not http at all\r\n\r\n", "protocol", None)
says("http_0_9", b"<html>hello</html>\r\n\r\n", "protocol", None)
says("http_2", b"HTTP/2 200\r\n\r\n", "protocol", None)
says("http_9_9", b"HTTP/9.9 200 OK\r\n\r\n", "protocol", None)
says("switches_protocol", b"HTTP/1.1 101 Sw\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
     "protocol", None)  # fmt: skip
says("status_000", b"HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n", "protocol", None)
says("status_99", b"HTTP/1.1 99 Low\r\n\r\n", "protocol", None)
says("status_2000", b"HTTP/1.1 2000 High\r\n\r\n", "protocol", None)
says("negative_length", H + b"Content-Length: -1\r\n\r\n", "protocol", None)
says("length_overflow", H + b"Content-Length: 99999999999999999999\r\n\r\n", "protocol", None)
says("two_lengths", H + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", "protocol", None)
says("length_and_chunked", H + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
     "protocol", None)  # fmt: skip
says("bad_chunk_size", H + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "protocol", 200)
says("chunk_overflow", H + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
     "protocol", 200)  # fmt: skip
says("folded_header", H + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n", "protocol", None)
says("bare_line_feeds", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "protocol", None)
says("nul_in_header", H + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n", "protocol", None)
says("space_before_colon", H + b"X : a\r\nContent-Length: 0\r\n\r\n", "protocol", None)


async def misbehave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the name of a behaviour from each request's path and follow its script."""
    while not writer.is_closing():
        head = await reader.readuntil(b"\r\n\r\n")
        chosen = BEHAVIOURS[head.split(b" ")[1][1:].decode()]
        if chosen.reads_first:
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        await chosen.script(reader, writer)


async def main() -> None:
    """Serve, say on which port, and end with stdin."""
    async with receiving(misbehave) as receiver:
        sys.stdout.write(f"{receiver.port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
