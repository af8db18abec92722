"""Playing providers: sends to their faked APIs, and their signed callbacks to our own door.

Where an adapter can send, a message is handed to the fake of its provider at `/fake/{token}` over
HTTP, as it would be to the provider; of other connections only the callbacks are made, as for
messages that somebody else has sent.
"""

import asyncio
import os
import re
import secrets
import uuid
from collections.abc import Coroutine
from typing import Any, NamedTuple

import msgspec
import structlog

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback, HttpRequest
from ringback.domain.messages import Status
from ringback.domain.networks import TEST
from ringback.domain.scenarios import Outcome
from ringback.errors import DatabaseUnavailable, Fault, Invalid
from ringback.providers import registry
from ringback.providers.base import CannotSimulateError, OutboundMessage, SendResult
from ringback.providers.beside import TellsBeside
from ringback.providers.placeholders import filled
from ringback.services.clock import Clock
from ringback.services.send import Sender
from ringback.services.talk import Talk, Tokens
from ringback.transport.client import Client
from ringback.transport.exchange import Exchange, Outgoing

TASKS_MAX = 256
STATUSES_MAX = 16
BATCH_MAX = 20
DELAY_MAX_MS = 60_000
# Says to a faked API what it is to do: a scenario, perhaps `; code=…`, perhaps `; quiet`.
SCENARIO_HEADER = "Ringback-Scenario"
# What a message says that was given no text: no provider sends an empty one.
USUAL_TEXT = "Hello, this is a simulated message."
# A picture that every faked API serves: what people answer with.
PICTURE_PATH = "/ringback/picture.png"
PICTURE_TYPE = "image/png"
# Why there is nothing to be forged.
UNPROVED = "Nothing but its URL proves a callback of this connection"
_DEADLINE_S = 15.0
# The last part of a header: the signature or the credentials in it.
_PROOF = re.compile(r"[^ =,]+(?==*$)")
# Headers of a callback that prove nothing.
_NO_PROOF = frozenset({"content-type", "user-agent"})
_DRY_RUN = "dry-run"
_FULL = "Too many simulations are under way; wait for some to end."
log = structlog.get_logger()


class Plan(msgspec.Struct, frozen=True):
    """What to simulate: the statuses in order, and how far the network is from perfect.

    `outcome` is what the provider's send API does, `error_code` the provider's code of a refusal
    or failure. `delay_ms` lies between two callbacks; `duplicate` and `loss` are probabilities
    from 0 to 1; `reorder` shuffles, so that another order comes out where there is one.
    `answer_ms` is how long the provider's send API takes to answer: reports may come before it.
    `batch` messages are told of in one callback. `forged`: nothing is sent, and the callbacks are
    somebody's who does not know the secret. `about` is the provider's id of a message that is
    there already: it is reported on, and nothing is sent. `then` is played after this.
    """

    to: str
    from_: str
    channel: str
    statuses: tuple[Status, ...]
    reference: str | None = None
    text: str = ""
    delay_ms: int = 0
    duplicate: float = 0.0
    loss: float = 0.0
    reorder: bool = False
    answer_ms: int = 0
    forged: bool = False
    about: str | None = None
    outcome: Outcome = "accepted"
    error_code: str | None = None
    media: tuple[dict[str, object], ...] = ()
    batch: int = 1
    then: "Plan | None" = None

    @property
    def sends(self) -> bool:
        """Whether something is sent: what a person wrote, or somebody made up, was not."""
        reported = any(status != "received" for status in self.statuses)
        return self.about is None and not self.forged and (reported or self.outcome != "accepted")


class Simulated(NamedTuple):
    """A simulation under way: the provider's id of the message, and ours when we send it.

    `outcome` is what became of the send, where there was one; `others` are the further messages
    of a batch.
    """

    provider_id: str | None
    message: uuid.UUID | None
    outcome: str | None = None
    others: tuple["Simulated", ...] = ()


class _Sent(NamedTuple):
    """One message that was sent: ours, and what the provider answered."""

    id: uuid.UUID
    result: SendResult
    message: OutboundMessage


class Simulator:
    """Posts the callbacks that a provider would."""

    def __init__(
        self, client: Client, clock: Clock, base_url: str, sender: Sender | None = None
    ) -> None:
        """Take the client; callbacks go to `base_url`/in/{token}.

        With a sender, messages are really sent where the adapter can do that: committed before the
        request to the fake, answered, and reported on in whatever order the plan gives.
        """
        self._sender = sender
        self._client = client
        self._clock = clock
        self._base_url = base_url
        self._tasks: set[asyncio.Task[Any]] = set()
        self._random = secrets.SystemRandom()
        # Those of fakes are kept apart from those of providers.
        self._tokens = Tokens()

    @property
    def full(self) -> bool:
        """Whether as many plans are under way as there may be."""
        return len(self._tasks) >= TASKS_MAX

    async def simulate(self, connection: Connection, plan: Plan) -> Simulated:
        """Start a simulation; return the provider's id of the message, and ours if we send it.

        Raises:
            BlockingIOError: 256 plans are under way already.
            Invalid: the provider never reports this.
            DatabaseUnavailable: the message could not be stored.

        """
        if self.full:
            raise BlockingIOError(_FULL)
        try:
            # What cannot be told of is not sent either.
            self._requests(connection, plan, [_DRY_RUN] * plan.batch)
        except CannotSimulateError as error:
            where = "/forged" if str(error) == UNPROVED else "/statuses"
            raise Invalid(Fault(where, f"{str(error).rstrip('.')}.")) from error
        provider = registry.get(connection.provider)
        if self._sender is None or not provider.faked or not plan.sends:
            made = [plan.about or f"sim-{os.urandom(10).hex()}" for _ in range(plan.batch)]
            self._start(self._play(connection, plan, made))
            first, *others = [Simulated(one, None) for one in made]
            return first._replace(others=tuple(others))
        # Whoever asked may go away in between: what has begun is brought to its end.
        sent = await asyncio.shield(self._start(self._send(connection, plan, self._sender)))
        named = [id_ for one in sent for id_ in one.result.message_ids]
        self._start(self._play(connection, plan, named))
        first, *others = [_simulated(one) for one in sent]
        return first._replace(others=tuple(others))

    def post(self, connection: Connection, plans: list[tuple[str, Plan]], after_s: float) -> None:
        """Start posting callbacks about messages that somebody else sent, by the provider's ids."""
        for provider_id, plan in plans:
            self._start(self._play(connection, plan, [provider_id], after_s))

    def url_of(self, connection: Connection) -> str:
        """Return a connection's callback URL, as its provider would call it."""
        return f"{connection.public_url or self._base_url}/in/{connection.token}"

    async def post_now(self, connection: Connection, request: HttpRequest) -> Exchange:
        """Post one callback, made for `url_of`, and wait for the answer. Raises BlockingIOError."""
        if self.full:
            raise BlockingIOError(_FULL)
        if connection.public_url is not None:
            request = _moved(request, connection.public_url, self._base_url)
        # Whoever asked may go away in between: what has begun is brought to its end.
        return await asyncio.shield(self._start(self._post(request)))

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send(self, connection: Connection, plan: Plan, sender: Sender) -> list[_Sent]:
        """Commit messages, hand them to the provider's fake, and commit what it answers."""
        now = self._clock.now_ms()
        if not plan.text and not plan.media:
            plan = msgspec.structs.replace(plan, text=USUAL_TEXT)
        messages = tuple([self._message(plan, place, "", now) for place in range(plan.batch)])
        ours = [await sender.begin(connection, message) for message in messages]
        # Whoever tries things out may have no credentials: the fake takes the same placeholders.
        equipped = msgspec.structs.replace(connection, config=filled(connection.config))
        results = await sender.send(equipped, messages, self._talk(connection, plan))
        sent = [_Sent(*three) for three in zip(ours, results, messages, strict=True)]
        if plan.answer_ms:
            self._start(self._answer_late(connection, plan, sender, sent))
        else:
            await self._answer(connection, sender, sent)
        return sent

    async def _answer(self, connection: Connection, sender: Sender, sent: list[_Sent]) -> None:
        for one in sent:
            await sender.finish(connection, one.id, one.result, one.message)

    async def _answer_late(
        self, connection: Connection, plan: Plan, sender: Sender, sent: list[_Sent]
    ) -> None:
        """Take the answer for one that came late, maybe after reports."""
        await asyncio.sleep(plan.answer_ms / 1000)
        try:
            await self._answer(connection, sender, sent)
        except DatabaseUnavailable as error:
            log.warning("simulate.unanswered", error=str(error)[:200])

    def _talk(self, connection: Connection, plan: Plan) -> Talk:
        """Say how to talk to the fake in place of the provider, and what the fake is to do."""
        code = f"; code={plan.error_code}" if plan.error_code and plan.outcome == "refused" else ""
        word = "delivered" if plan.outcome == "accepted" else plan.outcome
        told = (SCENARIO_HEADER, f"{word}{code}; quiet")
        base = f"{self._base_url}/fake/{connection.token}"
        # Some codes are refusals of a token.
        tokens = Tokens() if plan.outcome == "refused" else self._tokens
        return Talk(
            self._client, TEST, _DEADLINE_S, tokens, connection.id,
            lambda request: moved(request, base, told),
        )  # fmt: skip

    @staticmethod
    def _message(plan: Plan, place: int, message_id: str, at_ms: int) -> OutboundMessage:
        reference = plan.reference
        if reference is not None and plan.batch > 1:
            reference = f"{reference}-{place + 1}"
        content: dict[str, object] = {}
        if plan.media:
            content = {"kind": "media", "media": list(plan.media)}
            if plan.text:
                content["text"] = plan.text
        return OutboundMessage(
            to=plan.to, from_=plan.from_, channel=plan.channel, text=plan.text,
            message_id=message_id, reference=reference, at_ms=at_ms, content=content,
            error_code=plan.error_code,
        )  # fmt: skip

    def _requests(
        self, connection: Connection, plan: Plan, ids: list[str]
    ) -> list[tuple[float, HttpRequest]]:
        """Make the callbacks of a plan, each with the seconds after which it is posted."""
        provider = registry.get(connection.provider)
        url = self.url_of(connection)
        now = self._clock.now_ms()
        scheduled: list[tuple[float, HttpRequest]] = []
        for place, status in enumerate(plan.statuses if ids else ()):
            at_ms = now + place * max(plan.delay_ms, 1)
            told = [self._message(plan, number, id_, at_ms) for number, id_ in enumerate(ids)]
            if plan.batch > 1:
                args = (tuple(told), status, connection.config, url)
                requests = [provider.simulate_batch(*args)]
            else:
                requests = [provider.simulate(one, status, connection.config, url) for one in told]
            if isinstance(provider, TellsBeside):
                beside = [provider.beside(one, status, connection.config, url) for one in told]
                requests += [one for one in beside if one is not None]
            if connection.public_url is not None:
                # Signed for where the provider calls, and posted to where we are.
                public = connection.public_url
                requests = [_moved(one, public, self._base_url) for one in requests]
            if plan.forged and any(_proves(connection, _forged(one), now) for one in requests):
                raise CannotSimulateError(UNPROVED)
            for request in requests:
                scheduled += self._posted(request, plan, place)
        if plan.reorder:
            times = [after for after, _ in scheduled]
            shuffled = [request for _, request in scheduled]
            before = list(shuffled)
            while shuffled == before and any(one != before[0] for one in before):
                self._random.shuffle(shuffled)
            scheduled = list(zip(times, shuffled, strict=True))
        return scheduled

    def _posted(
        self, request: HttpRequest, plan: Plan, place: int
    ) -> list[tuple[float, HttpRequest]]:
        """Let the network do to one callback what the plan says."""
        if plan.forged:
            request = _forged(request)
        if self._random.random() < plan.loss:
            return []
        copies = 2 if self._random.random() < plan.duplicate else 1
        return [(place * plan.delay_ms / 1000, request)] * copies

    async def _play(
        self, connection: Connection, plan: Plan, ids: list[str], after_s: float = 0
    ) -> None:
        """Post the callbacks of a plan, and then those of what comes after it."""
        await asyncio.sleep(after_s)
        # Dated only now: no report is older than the message that it is about.
        try:
            requests = self._requests(connection, plan, ids)
        except CannotSimulateError as error:
            log.warning("simulate.impossible", provider=connection.provider, error=str(error)[:200])
            return
        await self._post_all(requests, forged=plan.forged)
        if plan.then is not None and ids:
            made_up = [f"sim-{os.urandom(10).hex()}"]
            await self._play(connection, plan.then, made_up)

    async def _post_all(self, scheduled: list[tuple[float, HttpRequest]], *, forged: bool) -> None:
        passed = 0.0
        for after, request in scheduled:
            await asyncio.sleep(after - passed)
            passed = after
            exchange = await self._post(request)
            if not exchange.ok and not forged:
                log.warning("simulate.refused", status=exchange.status, error=exchange.error)

    async def _post(self, request: HttpRequest) -> Exchange:
        outgoing = Outgoing.of(request)
        return await self._client.send(outgoing, policy=TEST, deadline_s=_DEADLINE_S, connections=8)

    def close(self) -> None:
        """Stop everything under way."""
        for task in self._tasks:
            task.cancel()


def moved(request: HttpRequest, base: str, *headers: tuple[str, str]) -> HttpRequest:
    """Return a request with `base` in place of scheme, host and port, and with more headers.

    Path and query are kept as they are.
    """
    rest = request.url.partition("://")[2]
    place = min((rest.find(mark) for mark in "/?" if mark in rest), default=len(rest))
    tail = rest[place:] if rest[place : place + 1] == "/" else f"/{rest[place:]}"
    return msgspec.structs.replace(
        request, url=f"{base}{tail}", headers=(*request.headers, *headers)
    )


def _simulated(sent: _Sent) -> Simulated:
    ids = sent.result.message_ids
    return Simulated(ids[0] if ids else None, sent.id, sent.result.outcome)


def _forged(request: HttpRequest) -> HttpRequest:
    """Return a callback with other bytes than were signed, and with other credentials."""
    headers = tuple(
        (name, value if name.lower() in _NO_PROOF else _PROOF.sub(_reversed, value))
        for name, value in request.headers
    )
    # Some providers prove themselves by what stands in the query.
    place, mark, query = request.url.partition("?")
    spoiled = "&".join(f"{pair}0" for pair in query.split("&"))
    return msgspec.structs.replace(
        request,
        url=f"{place}{mark}{spoiled if mark else ''}",
        headers=headers,
        body=request.body + b" " if request.body else b"",
    )


def _proves(connection: Connection, request: HttpRequest, now_ms: int) -> bool:
    callback = Callback(request.method, request.url, request.headers, request.body)
    provider = registry.get(connection.provider)
    return provider.verify(callback, connection.config, now_ms).verdict == "ok"


def _reversed(proof: re.Match[str]) -> str:
    return proof[0][::-1]


def _moved(request: HttpRequest, public: str, base: str) -> HttpRequest:
    return msgspec.structs.replace(request, url=base + request.url.removeprefix(public))
