"""Faked send APIs: what a provider's own would answer, at `/fake/{token}/…the provider's path…`.

Only for connections in test mode; the token is what lets somebody in. Whoever points a provider's
own library here has its messages taken, and their callbacks posted to `/in/{token}`. What happens
is chosen by the header `Ringback-Scenario`, or by the number that a message goes to: see
`domain/scenarios.py`.
"""

import asyncio
import base64
import os
import re

import msgspec
import structlog

from ringback.domain.endpoints import Connection, Mode
from ringback.domain.http import Callback, HttpRequest, HttpResponse
from ringback.domain.scenarios import SCENARIOS, Scenario, of_address
from ringback.providers import registry
from ringback.providers.base import Fake, Faked, OutboundMessage, Provider
from ringback.providers.placeholders import filled
from ringback.services.clock import Clock
from ringback.services.configuration import Configuration
from ringback.services.fake_pace import Pace
from ringback.services.receive import NOT_FOUND
from ringback.services.simulate import (
    PICTURE_PATH,
    PICTURE_TYPE,
    SCENARIO_HEADER,
    Plan,
    Simulator,
)

MESSAGES_MAX = 100
# Callbacks wait a moment, so that whoever sent has the answer first.
SOON_S = 0.2
# A picture of one pixel: what people send who answer with one.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC"
)
_PLAIN = (("content-type", "text/plain; charset=utf-8"),)
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# What of a scenario's ways is the callbacks' business.
_WAYS = frozenset({"delay_ms", "duplicate", "reorder", "forged"})
# A request is told of by itself: what is told of together comes from several.
NAMES = tuple([name for name, one in SCENARIOS.items() if "batch" not in dict(one.more)])
log = structlog.get_logger()


class Asked(msgspec.Struct, frozen=True):
    """What the header says: a scenario's name, a code to fail with, whether to post nothing."""

    scenario: str
    code: str | None = None
    quiet: bool = False


class FakeApis:
    """Serves the send APIs of all connections in test mode; keeps nothing but counts of calls."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        simulator: Simulator,
        base_url: str,
        pace: Pace | None = None,
    ) -> None:
        """Take what knows the connections, what posts callbacks, and what counts the calls."""
        self._configuration = configuration
        self._clock = clock
        self._simulator = simulator
        self._base_url = base_url.rstrip("/")
        self._pace = pace or Pace(clock.boottime)

    async def handle(self, rest: str, request: Callback) -> HttpResponse:
        """Answer one request; `rest` is the token and the provider's own path."""
        token = rest.partition("/")[0]
        connection = self._configuration.snapshot.connections.get(token)
        if connection is None or connection.mode is not Mode.TEST:
            return NOT_FOUND
        if request.method == "GET" and rest == token + PICTURE_PATH:
            return HttpResponse(200, (("content-type", PICTURE_TYPE),), PICTURE)
        provider = registry.get(connection.provider)
        if not provider.faked:
            return _refused(404, f"{provider.label} has no send API here.")
        given = request.header(SCENARIO_HEADER)
        asked = None if given is None else read_header(given)
        if given is not None and asked is None:
            words = f"{SCENARIO_HEADER} names no scenario that is played here. There are: "
            batch = "What one callback tells of together, `ringback simulate batch` plays."
            return _refused(400, f"{words}{', '.join(NAMES)}. {batch}")
        meant = self._meant(token, request)
        with self._pace.call(connection.id) as wait_s:
            if wait_s:
                return _throttled(connection, provider, meant, self._how(), wait_s)
            return await self._answer(connection, provider, meant, asked)

    def _how(self) -> Fake:
        return Fake(os.urandom(16).hex(), self._clock.now_ms())

    def _meant(self, token: str, request: Callback) -> HttpRequest:
        """Return a request as it would have come to the provider: without what is ours."""
        tail = request.url.partition(f"/fake/{token}")[2]
        headers = tuple(one for one in request.headers if one[0].lower() != SCENARIO_HEADER.lower())
        place = tail if tail.startswith("/") else f"/{tail}"
        return HttpRequest(request.method, f"{self._base_url}{place}", headers, request.body)

    async def _answer(
        self, connection: Connection, provider: Provider, request: HttpRequest, asked: Asked | None
    ) -> HttpResponse:
        how = self._how()
        config = filled(connection.config)
        faked = provider.fake(request, config, how)
        if faked is not None:
            # Only now it is known whom it goes to, if anybody.
            other = self._otherwise(how, faked, asked)
            faked = provider.fake(request, config, other) if other is not None else faked
        if faked is None:
            place = f"{request.method} {request.url.removeprefix(self._base_url).partition('?')[0]}"
            return _refused(404, f"The faked API of {provider.label} has no {place[:200]}.")
        if asked is None or not asked.quiet:
            await self._report(connection, provider, faked, asked)
        return faked.response

    def _otherwise(self, how: Fake, faked: Faked, asked: Asked | None) -> Fake | None:
        """Say how else than with success a request is to be answered; None: it is not.

        What brings no message, such as a request for a token, is refused only by a code of its own.
        """
        code = asked.code if asked else None
        if not faked.messages:
            return msgspec.structs.replace(how, code=code) if code is not None else None
        name = asked.scenario if asked else of_address(faked.messages[0].to)
        outcome = SCENARIOS[name].outcome
        if self._simulator.full and not (asked and asked.quiet):
            outcome = "throttled"
        if outcome == "accepted":
            return None
        return msgspec.structs.replace(how, outcome=outcome, code=code)

    async def _report(
        self, connection: Connection, provider: Provider, faked: Faked, asked: Asked | None
    ) -> None:
        """Start posting the callbacks of what was taken; wait where the answer is to come late."""
        wait_ms = 0
        for message in faked.messages[:MESSAGES_MAX]:
            scenario = SCENARIOS[asked.scenario if asked else of_address(message.to)]
            ways = dict(scenario.more)
            late_ms = int(ways.get("answer_ms", 0))
            wait_ms = max(wait_ms, late_ms)
            plan = self._plan(connection, provider, message, scenario, asked)
            after_s = 0 if late_ms else SOON_S
            self._simulator.post(connection, [(message.message_id, plan)], after_s)
        await asyncio.sleep(wait_ms / 1000)

    def _plan(
        self,
        connection: Connection,
        provider: Provider,
        message: OutboundMessage,
        scenario: Scenario,
        asked: Asked | None,
    ) -> Plan:
        can = provider.simulated
        then = None
        if scenario.answer and "received" in can:
            picture: dict[str, object] = {
                "url": f"{self._base_url}/fake/{connection.token}{PICTURE_PATH}",
                "content_type": PICTURE_TYPE,
            }
            then = Plan(
                to=message.from_, from_=message.to, channel=message.channel,
                statuses=("received",), text=scenario.answer,
                media=(picture,) if scenario.picture else (),
            )  # fmt: skip
        return Plan(
            to=message.to, from_=message.from_, channel=message.channel,
            statuses=tuple([one for one in scenario.statuses if one in can]),
            reference=message.reference, text=message.text, then=then,
            error_code=asked.code if asked else None,
            **{name: value for name, value in scenario.more if name in _WAYS},
        )  # fmt: skip


def read_header(value: str) -> Asked | None:
    """Read `Ringback-Scenario: refused; code=21211; quiet`; None for what it cannot be."""
    name, *rest = [part.strip() for part in value.split(";")]
    if name not in NAMES:
        return None
    code, quiet = None, False
    for part in rest:
        if part == "quiet":
            quiet = True
        elif part.startswith("code=") and _CODE.fullmatch(part.removeprefix("code=")):
            code = part.removeprefix("code=")
        else:
            return None
    return Asked(name, code, quiet)


def _throttled(
    connection: Connection, provider: Provider, request: HttpRequest, how: Fake, wait_s: int
) -> HttpResponse:
    """Answer what comes too fast as the provider would; plainly where it has no such answer."""
    late = msgspec.structs.replace(how, outcome="throttled")
    faked = provider.fake(request, filled(connection.config), late)
    if faked is not None and faked.response.status >= 400:
        return faked.response
    headers = (*_PLAIN, ("retry-after", str(wait_s)))
    return HttpResponse(429, headers, b"Too many requests to the faked API of this connection.\n")


def _refused(status: int, words: str) -> HttpResponse:
    return HttpResponse(status, _PLAIN, f"{words}\n".encode())
