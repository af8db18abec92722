"""Answers of PostgreSQL that never come: what was asked for may have happened, or not.

The engine talks to PostgreSQL through the proxy, which loses the answer to just the statement that
a test names. Nothing may be lost, published twice, sent twice or left lying.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from ringback.app import Engine
from ringback.domain.http import Callback
from ringback.domain.ids import delivery_id
from ringback.services import commit, failpoints, profile
from ringback.services.push import UNRECORDED_MAX
from ringback.storage.audit import Actor
from ringback.storage.link import HotLink
from ringback.storage.lists import Scope
from tests.postgres_server import PostgresServer
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage

from .proxy import Passage, Proxy

ACTOR = Actor(uuid.UUID(int=1))


class Loser:
    """A fault for all connections: those that are named lose the next answer, and end."""

    def __init__(self) -> None:
        """Lose nothing yet."""
        self._ports: set[int] = set()
        self.lost = 0
        self.then: Callable[[], None] | None = None

    def lose(self, link: HotLink) -> None:
        """Lose the next outcome on a link, when it has happened."""
        connection = link._connection
        assert connection is not None
        transport: asyncio.Transport = connection._transport  # type: ignore[attr-defined]
        self._ports.add(transport.get_extra_info("sockname")[1])

    async def __call__(self, passage: Passage) -> None:
        """Pass everything on, but what is to be lost."""
        port = passage.client_writer.get_extra_info("peername")[1]

        async def down() -> None:
            async for data in passage.down():
                # A statement is prepared in an exchange of its own; its outcome begins with `2`.
                if port in self._ports and data[:1] == b"2":
                    self._ports.discard(port)
                    self.lost += 1
                    passage.cut()
                    if self.then is not None:
                        self.then()
                    return
                await passage.to_client(data)

        await passage.first(passage.send_on(), down())


@pytest.fixture
async def proxy(postgres18: PostgresServer) -> AsyncIterator[Proxy]:
    """A proxy in front of PostgreSQL."""
    loser = Loser()
    proxy = Proxy(postgres18.socket, lambda _: loser)
    await proxy.start()
    yield proxy
    failpoints.reach = None
    await proxy.stop()


@pytest.fixture
async def stage(dsn: str, proxy: Proxy) -> AsyncIterator[Stage]:
    """An engine that reaches its database through the proxy; what looks on does not."""
    stage = Stage(dsn)
    name = stage.dsn.partition("@/")[2].partition("?")[0]
    direct, stage.dsn = stage.dsn, f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"
    stage.engine = stage.another_engine()
    stage.dsn = direct
    await stage.open()
    yield stage
    await stage.close()


def _loser(proxy: Proxy) -> Loser:
    loser = proxy.plan(0)
    assert isinstance(loser, Loser)
    return loser


def _lose_at(place: str, proxy: Proxy, link: Callable[[], HotLink]) -> None:
    """Lose the outcome of the statement that follows a place, every second time.

    Not the first time: a new connection asks about types before it runs a statement.
    """
    reaches = [0]

    async def reach(reached: str) -> None:
        if reached == place:
            reaches[0] += 1
            if reaches[0] % 2 == 0:
                _loser(proxy).lose(link())

    failpoints.reach = reach


async def _publish(engine: Engine, number: int) -> int:
    known = profile.read(BASE_URL)
    assert known is not None
    body = {"type": "shop.paid", "subject": "s", "data": {"number": number}}
    headers = (("authorization", f"Bearer {known.api_key}"),)
    request = Callback("POST", f"{BASE_URL}/v1/events", headers, json.dumps(body).encode())
    return (await engine.publisher.publish("", request)).status


async def _publish_many(engine: Engine, many: int) -> None:
    known = profile.read(BASE_URL)
    assert known is not None
    headers = (("authorization", f"Bearer {known.api_key}"),)
    body = json.dumps([{"type": "shop.paid", "data": {}}] * many).encode()
    request = Callback("POST", f"{BASE_URL}/v1/events", headers, body)
    assert 201 == (await engine.publisher.publish("", request)).status


async def _settled(stage: Stage, events: int, seconds: float = 20.0) -> list[int]:
    """Wait until nothing is open; return the sequence numbers as they came."""
    async with asyncio.timeout(seconds):
        while await stage.value("select count(*) from delivery"):
            await asyncio.sleep(0.05)
    assert events == await stage.value("select count(*) from event")
    return [json.loads(got.body)["sequence"] for got in stage.sink.received]


async def test_the_answer_to_a_commit_is_lost(stage: Stage, proxy: Proxy) -> None:
    """It is found out that it is stored: answered 201, one event each, sent once, in order."""
    await stage.add_endpoint(stage.sink.url, "shop.*")
    _lose_at("before_commit", proxy, lambda: stage.engine.committer._link)
    for number in range(6):
        assert 201 == await _publish(stage.engine, number)
    assert [1, 2, 3, 4, 5, 6] == await _settled(stage, 6)
    assert 3 == _loser(proxy).lost
    assert 0 == await stage.value("select unblock(null)")


async def test_the_answer_to_a_replay_is_lost(stage: Stage, proxy: Proxy) -> None:
    """It is made once for each wish, stored or not, and whoever wished for it learns its id."""
    endpoint = await stage.add_endpoint(stage.sink.url, "shop.*")
    assert 201 == await _publish(stage.engine, 0)
    await _settled(stage, 1)
    scope = Scope(endpoint.tenant, endpoint.mode)
    ((ord_,),) = await stage.rows("select ord from attempt")
    _lose_at("before_commit", proxy, lambda: stage.engine.committer._link)
    made = []
    for number in range(4):
        made.append(await stage.engine.again.replay(scope, ACTOR, endpoint.no, ord_))
        assert [1] * (number + 2) == await _settled(stage, 1)
    assert 3 == _loser(proxy).lost
    rows = await stage.rows("select ord from attempt order by ord")
    assert made == [delivery_id(endpoint.no, row[0]) for row in rows[1:]]


async def test_a_commit_that_never_arrived(stage: Stage, proxy: Proxy) -> None:
    """It is found out that it is not stored, and committed again: one event."""
    await stage.add_endpoint(stage.sink.url, "shop.*")
    cut = [3]

    async def reach(place: str) -> None:
        if place == "before_commit" and cut[0]:
            cut[0] -= 1
            proxy.drop()
            await asyncio.sleep(0.05)

    failpoints.reach = reach
    for number in range(6):
        assert 201 == await _publish(stage.engine, number)
    assert [1, 2, 3, 4, 5, 6] == await _settled(stage, 6)


async def test_nobody_answers_for_longer_than_is_waited(
    stage: Stage, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publisher is told to come again; what was stored all the same is sent afterwards.

    Nothing else is posted meanwhile: the worker puts it right by itself, without a restart.
    """
    monkeypatch.setattr(commit, "SETTLE_S", 1.0)
    await stage.add_endpoint(stage.sink.url, "shop.*")
    loser = _loser(proxy)

    loser.then = lambda: _refuse(proxy)
    _lose_at("before_commit", proxy, lambda: stage.engine.committer._link)
    assert 201 == await _publish(stage.engine, 0)
    assert [1] == await _settled(stage, 1)
    assert 503 == await _publish(stage.engine, 1)
    assert 1 == loser.lost
    await asyncio.sleep(0.5)
    proxy.refusing = False
    assert [1, 2] == await _settled(stage, 2)


def _refuse(proxy: Proxy) -> None:
    proxy.refusing = True
    proxy.drop()


@pytest.mark.parametrize("place", ["after_result_before_commit", "before_claim"])
async def test_the_answer_to_a_completion_or_claim_is_lost(
    stage: Stage, proxy: Proxy, place: str
) -> None:
    """Recorded once; what was handed on, or claimed, without our knowing is sent once, in order."""
    endpoint = await stage.add_endpoint(stage.sink.url, "shop.*")
    stage.sink.delay_s = 0.05
    if place == "before_claim":
        # Owed to nobody in particular, so that it has to be claimed.
        stage.engine.push.stopping = True
        for number in range(4):
            assert 201 == await _publish(stage.engine, number)
        async with stage.engine.claimer.quiet:
            link = stage.engine.claimer._link
            await link.get(stage.engine.lease.worker())
            _loser(proxy).lose(link)
            stage.engine.push.stopping = False
        stage.engine.claimer.poke()
    else:
        _lose_at(place, proxy, lambda: stage.engine.recorder._link)
        for number in range(4):
            assert 201 == await _publish(stage.engine, number)
    assert [1, 2, 3, 4] == await _settled(stage, 4, 30)
    assert 1 <= _loser(proxy).lost
    rows = await stage.rows("select final from attempt where endpoint = $1", endpoint.no)
    assert [1, 1, 1, 1] == [row[0] for row in rows]


async def test_the_answer_to_a_retirement_is_lost(stage: Stage) -> None:
    """A worker is retired and we do not hear of it: what it owned is adopted all the same."""
    stage.sink.answers.append((503, ""))
    await stage.receive(stage.callback("sent"))
    await until(lambda: stage.engine.recorder.attempts == 1)
    # As it is a minute after the start.
    stage.engine.workers._adopt_until = 0.0
    boot = stage.engine.workers._identity[0]
    await stage.execute(
        "with ghost as (insert into worker (boot_id, pid, pid_start)"
        f" values ('{boot}', 4194304, 0) returning id)"
        " update delivery set owner = ghost.id, due = now() from ghost"
    )
    failpoints.reach = failpoints.Failpoints(
        failpoints.read("after_retire_before_adopt=errorx1"), None
    ).reach
    stage.engine.workers.poke()
    await until(lambda: len(stage.sink.received) == 2, 30)


async def test_what_is_not_recorded_is_bounded(stage: Stage) -> None:
    """While nothing can be recorded, no more than 500 are sent beyond those under way (G3)."""
    endpoint = await stage.add_endpoint(stage.sink.url, "shop.*")
    blocker = await asyncpg.connect(stage.dsn)
    try:
        await blocker.execute("begin; lock table attempt in access exclusive mode")
        for _ in range(10):
            await _publish_many(stage.engine, 100)
        await until(lambda: len(stage.sink.received) >= UNRECORDED_MAX, 20)
        await asyncio.sleep(1)
        assert len(stage.sink.received) <= UNRECORDED_MAX + endpoint.policy.concurrency
    finally:
        await blocker.close()
    await _settled(stage, 1_000, 40)
    assert 1_000 == len(stage.sink.received)
