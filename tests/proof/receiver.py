"""The oracle's receivers: they write down what comes, and then behave as their script says."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import ssl
import struct
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from .behaviours import MIXES, behaviour
from .journal import Receipt

TOLERANCE_S = 300
SLOW_S = 0.2
_HEAD_MAX = 64 * 1024


class EndpointScript(msgspec.Struct, frozen=True):
    """One endpoint: how it answers (a name of `behaviours.MIXES`) and the secret it checks by.

    With `close`, every answer ends its connection. With `strict`, a wrong signature is answered
    400: for endpoints behind a proxy that changes bits.
    """

    name: str
    mix: str
    secret: str
    close: bool = False
    strict: bool = False


class Receiver:
    """One endpoint as an HTTP/1.1 server on loopback."""

    def __init__(self, script: EndpointScript, seed: int, note: Callable[[Receipt], None]) -> None:
        """Take the script; `note` writes a receipt down and returns when it is written."""
        self.script = script
        self.port = 0
        self._seed = seed
        self._note = note
        self._seen: Counter[str] = Counter()
        self._server: asyncio.Server | None = None

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        """Listen on a free port, with TLS when a context is given."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=_HEAD_MAX, backlog=512, ssl=context
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        try:
            while True:
                path, headers = await _head(reader)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                receipt = self._receipt(path, headers, body, peer[1] if peer else 0)
                self._note(receipt)
                if not await self._behave(receipt.behaviour, reader, writer):
                    break
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            pass
        finally:
            writer.transport.abort()

    def _receipt(self, path: str, headers: dict[str, str], body: bytes, peer: int) -> Receipt:
        fact, subject, sequence = said(body)
        signed = verified(self.script.secret, headers, body, time.time())
        self._seen[fact] += 1
        how = behaviour(
            self._seed, self.script.name, MIXES[self.script.mix], fact, self._seen[fact]
        )
        if path != "/hook":
            how = "trap"
        elif self.script.strict and not signed:
            how = "refused"
        return Receipt(
            endpoint=self.script.name, id=headers.get("webhook-id", ""), at=time.time(),
            behaviour=how, attempt=int(headers.get("ringback-attempt", "0")),
            digest=hashlib.sha256(body).hexdigest(), signed=signed, fact=fact, subject=subject,
            sequence=sequence, peer=peer,
        )  # fmt: skip

    async def _behave(
        self, how: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer as the script says; False when the connection is over."""
        if how == "hang":
            await reader.read()
            return False
        if how == "swallow":
            reset(writer)
            return False
        if how == "reset":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it")
            await writer.drain()
            await asyncio.sleep(0.01)
            reset(writer)
            return False
        if how == "slow":
            await asyncio.sleep(SLOW_S)
        answer = self._answer(how)
        if how == "drip":
            for at in range(0, len(answer), 8):
                writer.write(answer[at : at + 8])
                await writer.drain()
                await asyncio.sleep(0.02)
        else:
            writer.write(answer)
            await writer.drain()
        return not self.script.close

    def _answer(self, how: str) -> bytes:
        status, extra = {
            "fail": ("500 Internal Server Error", ""),
            "busy": ("429 Too Many Requests", "retry-after: 1\r\n"),
            "moved": ("301 Moved Permanently", f"location: http://127.0.0.1:{self.port}/trap\r\n"),
            "refused": ("400 Bad Request", ""),
        }.get(how, ("200 OK", ""))
        close = "connection: close\r\n" if self.script.close else ""
        return f"HTTP/1.1 {status}\r\n{extra}{close}content-length: 2\r\n\r\nok".encode()


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return lines[0].split(" ")[1], {name.lower(): value.strip() for name, _, value in pairs}


def said(body: bytes) -> tuple[str, str, int]:
    """Read what an event says: the fact it is about, its subject, its sequence number."""
    try:
        event: dict[str, Any] = json.loads(body)
        data = event["data"]
        if event["type"].startswith("message."):
            name = data["message"]["provider_message_id"]
            return f"{name}/{event['type'].partition('.')[2]}", name, int(data["sequence"])
        return str(data["fact"]), str(event["subject"]), int(event["sequence"])
    except (KeyError, TypeError, ValueError):
        return "", "", 0


def verified(secret: str, headers: dict[str, str], body: bytes, now: float) -> bool:
    """Check a Standard Webhooks signature, with nothing of the sender's own code."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        stamp = headers["webhook-timestamp"]
        signed = b"%b.%b.%b" % (headers["webhook-id"].encode(), stamp.encode(), body)
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        given = headers["webhook-signature"].split()
        fresh = abs(now - int(stamp)) <= TOLERANCE_S
    except (KeyError, ValueError):
        return False
    return fresh and any(hmac.compare_digest(f"v1,{expected}", one) for one in given)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with RST instead of FIN."""
    taken = writer.get_extra_info("socket")
    if taken is not None:
        sock = socket.socket(fileno=socket.dup(taken.fileno()))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        sock.close()
