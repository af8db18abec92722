"""The oracle's client side: events published and callbacks posted, each with intent and result.

A publisher that gets no 2xx goes on to its next event: without a key of its own a repeat would be
another event. A provider repeats its callback until it is taken, as real ones do.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec

from .journal import Intent, Outcome, Result

TIMEOUT_S = 12.0
CALLERS = 12
PUBLISHED_SHARE = 0.6
SUBJECTS = 40
BATCH_SHARE = 0.1
_PAUSE_S = 0.1
STATUSES = ("sent", "delivered", "read")


class Plan(msgspec.Struct, frozen=True):
    """What to post and where: `rate` posts a second in all, until told to stop."""

    port: int
    api_key: str
    app_secret: str
    rate: float
    seed: int


class Caller:
    """One kept connection; opens another when it breaks."""

    def __init__(self, port: int, timeout_s: float = TIMEOUT_S) -> None:
        """Remember where to post; nothing is opened yet."""
        self._port = port
        self._timeout_s = timeout_s
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, headers: str, body: bytes) -> tuple[Outcome, int, bytes]:
        """Post once. `error`: certainly not taken. `unknown`: nobody answered."""
        try:
            if self._writer is None:
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return "error", 0, b""
        try:
            async with asyncio.timeout(self._timeout_s):
                status, answer = await self._exchange(path, headers, body)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, ValueError, IndexError):
            self.close()
            return "unknown", 0, b""
        return "accepted" if 200 <= status < 300 else "error", status, answer

    async def _exchange(self, path: str, headers: str, body: bytes) -> tuple[int, bytes]:
        reader, writer = self._reader, self._writer
        assert reader is not None
        assert writer is not None
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\n{headers}"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        fields = dict(line.partition(":")[::2] for line in lines[1:] if line)
        answer = await reader.readexactly(int(fields.get("content-length", "0")))
        if "close" in fields.get("connection", ""):
            self.close()
        return int(lines[0].split(" ")[1]), answer

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None


class Load:
    """Posts what the plan says until it is stopped, and writes all of it down."""

    def __init__(self, plan: Plan, note: Callable[[Intent | Result], None]) -> None:
        """Take the plan; `note` writes a record down and returns when it is written."""
        self._plan = plan
        self._note = note
        self._turn = 0.0
        self._made = 0
        self.stopping = False

    async def run(self) -> None:
        """Post with several callers at once until stopped; lives that began are finished."""
        self._turn = time.monotonic()
        await asyncio.gather(*(self._caller(number) for number in range(CALLERS)))

    async def _caller(self, number: int) -> None:
        dice = random.Random(f"{self._plan.seed}/caller/{number}")
        caller = Caller(self._plan.port)
        with contextlib.closing(caller):
            while not self.stopping:
                if dice.random() < PUBLISHED_SHARE:
                    await self._publish(caller, dice)
                else:
                    await self._live(caller)

    async def _paced(self) -> None:
        """Wait for the next turn of the common rate; turns that were missed are not made up."""
        now = time.monotonic()
        self._turn = max(self._turn + 1 / self._plan.rate, now - 1)
        if self._turn > now:
            await asyncio.sleep(self._turn - now)

    def _next(self) -> int:
        self._made += 1
        return self._made

    async def _publish(self, caller: Caller, dice: random.Random) -> None:
        await self._paced()
        subject = f"order-{dice.randrange(SUBJECTS)}"
        many = 5 if dice.random() < BATCH_SHARE else 1
        facts = [f"p{self._next()}" for _ in range(many)]
        events: list[dict[str, Any]] = [
            {"type": "shop.order_paid", "subject": subject, "data": {"fact": fact, "no": number}}
            for number, fact in enumerate(facts)
        ]
        body = json.dumps(events if many > 1 else events[0]).encode()
        self._intend(facts)
        headers = f"authorization: Bearer {self._plan.api_key}\r\n"
        outcome, status, answer = await caller.post("/v1/events", headers, body)
        ids = _ids(answer) if outcome == "accepted" else []
        for place, fact in enumerate(facts):
            event = ids[place] if place < len(ids) else ""
            self._note(Result(fact, outcome, time.time(), status, event))
        if outcome != "accepted":
            await asyncio.sleep(_PAUSE_S)

    async def _live(self, caller: Caller) -> None:
        """Live through one message: each status in turn, each posted until it is taken."""
        name = f"wamid.{self._plan.seed}.{self._next()}"
        for status in STATUSES:
            body = whatsapp(name, status, int(time.time()))
            while not await self._report(caller, f"{name}/{status}", body):
                await asyncio.sleep(_PAUSE_S)

    async def _report(self, caller: Caller, fact: str, body: bytes) -> bool:
        await self._paced()
        self._intend([fact])
        mac = hmac.new(self._plan.app_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = f"x-hub-signature-256: sha256={mac}\r\n"
        outcome, status, _ = await caller.post("/in/demo-whatsapp", headers, body)
        self._note(Result(fact, outcome, time.time(), status))
        return outcome == "accepted"

    def _intend(self, facts: list[str]) -> None:
        for fact in facts:
            self._note(Intent(fact, time.time()))


def _ids(answer: bytes) -> list[str]:
    view = json.loads(answer)
    return [item["id"] for item in view.get("data", [view])]


def whatsapp(name: str, status: str, at: int) -> bytes:
    """Write a WhatsApp status callback."""
    report = {
        "id": name, "status": status, "timestamp": str(at), "recipient_id": "16505551234",
        "biz_opaque_callback_data": "proof",
    }  # fmt: skip
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
        "statuses": [report],
    }
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
