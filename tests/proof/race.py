"""A provider of the oracle whose callbacks come to several workers at once, and out of turn.

The four facts of a message are posted within a few hundredths of a second, each to one, two or
three workers, and again until one of them has taken it. Which event comes of which fact is the
same in whatever order they arrive; how often each was posted must not be seen anywhere.
"""

import asyncio
import contextlib
import hashlib
import hmac
import random
import time
from collections.abc import Callable, Iterator

import msgspec

from .journal import Intent, Outcome, Result
from .load import Caller, whatsapp

FACTS = ("sent", "delivered", "read", "failed")
TIMEOUT_S = 4.0
AT_ONCE_MAX = 3
_APART_S = 0.03
_PAUSE_S = 0.1


class RacePlan(msgspec.Struct, frozen=True):
    """To which workers, and how many messages a second, until told to stop."""

    ports: list[int]
    app_secret: str
    rate: float
    seed: int


class Race:
    """Posts what the plan says until it is stopped, and writes all of it down."""

    def __init__(self, plan: RacePlan, note: Callable[[Intent | Result], None]) -> None:
        """Take the plan; `note` writes a record down and returns when it is written."""
        self._plan = plan
        self._note = note
        self._idle: dict[int, list[Caller]] = {port: [] for port in plan.ports}
        self.stopping = False

    async def run(self) -> None:
        """Start one message after the other; those that began are finished."""
        dice = random.Random(f"{self._plan.seed}/race")
        lives: set[asyncio.Task[None]] = set()
        number = 0
        while not self.stopping:
            number += 1
            life = asyncio.create_task(self._live(number))
            lives.add(life)
            life.add_done_callback(lives.discard)
            await asyncio.sleep(dice.uniform(0.5, 1.5) / self._plan.rate)
        await asyncio.gather(*lives)
        for callers in self._idle.values():
            for caller in callers:
                caller.close()

    async def _live(self, number: int) -> None:
        dice = random.Random(f"{self._plan.seed}/{number}")
        name = f"wamid.{self._plan.seed}.{number}"
        await asyncio.gather(
            *(self._fact(name, fact, dice.random() * _APART_S, dice) for fact in FACTS)
        )

    async def _fact(self, name: str, fact: str, after_s: float, dice: random.Random) -> None:
        await asyncio.sleep(after_s)
        body = whatsapp(name, fact, int(time.time()))
        self._note(Intent(f"{name}/{fact}", time.time()))
        while True:
            ports = dice.sample(self._plan.ports, dice.randint(1, AT_ONCE_MAX))
            outcomes = await asyncio.gather(
                *(self._post(port, f"{name}/{fact}", body) for port in ports)
            )
            if "accepted" in outcomes:
                return
            await asyncio.sleep(_PAUSE_S)

    async def _post(self, port: int, fact: str, body: bytes) -> Outcome:
        mac = hmac.new(self._plan.app_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = f"x-hub-signature-256: sha256={mac}\r\n"
        with self._lent(port) as caller:
            outcome, status, _ = await caller.post("/in/demo-whatsapp", headers, body)
        self._note(Result(fact, outcome, time.time(), status))
        return outcome

    @contextlib.contextmanager
    def _lent(self, port: int) -> Iterator[Caller]:
        idle = self._idle[port]
        caller = idle.pop() if idle else Caller(port, TIMEOUT_S)
        try:
            yield caller
        finally:
            idle.append(caller)
