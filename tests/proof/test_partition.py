"""A worker that cannot reach PostgreSQL any more, with real sockets and nobody who says so.

One of two workers has the proxy between itself and the database. What it posts and sends goes on
through the other, and through itself again; nobody is told 2xx of what is not stored.
"""

import asyncio
import json
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

import pytest

from ringback.app import Engine
from ringback.domain.http import Callback
from ringback.domain.ids import show
from ringback.services import commit, failpoints, profile, workers
from ringback.storage import database
from ringback.storage.database import VANISHED_S, Connection, Database, connect
from tests.postgres_server import PostgresServer
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage

from .proxy import Fault, Passage, Proxy, black_hole, plain

# Five times as fast as they are.
MEASURES = {"BEAT_S": 0.4, "LEASE_S": 1.6, "RETIRE_S": 3.0}
ANSWER_S = 0.6
HOT_ANSWER_S = 2.0
SUBJECTS = 6
_SETTLED_S = 60.0


class Gate:
    """A fault for all connections: what passes stops without a word, and goes on or never does."""

    def __init__(self) -> None:
        """Begin open."""
        self._open = asyncio.Event()
        self._open.set()
        self._passages: list[Passage] = []
        self._dead: list[Passage] = []
        self._heard = False

    def plan(self, _: int) -> Fault:
        """Return what happens to a connection."""
        return self if self._open.is_set() else black_hole

    def close(self) -> None:
        """Let nothing through, also of new connections."""
        self._open.clear()

    def open(self) -> None:
        """Let everything through that was held back, and all that comes."""
        self._open.set()

    def deaden(self, *, heard: bool) -> None:
        """Let nothing through any more of the connections that there are, and new ones pass.

        `heard`: what the worker says arrives, and only the answers do not.
        """
        self._dead += self._passages
        self._heard = heard

    async def __call__(self, passage: Passage) -> None:
        """Pass on what may pass."""
        self._passages.append(passage)

        async def up() -> None:
            async for data in passage.up():
                await self._let(passage, self._heard)
                await passage.to_server(data)
            # Who is cut off is not heard to hang up either.
            await self._let(passage)

        async def down() -> None:
            async for data in passage.down():
                await self._let(passage)
                await passage.to_client(data)

        await passage.first(up(), down())

    async def _let(self, passage: Passage, heard: bool = False) -> None:
        await self._open.wait()
        if passage in self._dead and not heard:
            await asyncio.Event().wait()


class Pair:
    """Two workers: `near` the database, and `far` behind the gate."""

    def __init__(self, stage: Stage, far: Engine, gate: Gate) -> None:
        """Take them, running."""
        self.stage, self.near, self.far, self.gate = stage, stage.engine, far, gate
        # What was accepted, and by whom.
        self.accepted: dict[str, Engine] = {}
        self.refused = 0
        self._numbers = 0

    async def publish(self, engine: Engine) -> bool:
        """Publish an event; True when it was accepted, and then it is stored."""
        known = profile.read(BASE_URL)
        assert known is not None
        self._numbers += 1
        body = {"type": "shop.paid", "subject": f"s{self._numbers % SUBJECTS}", "data": {}}
        headers = (("authorization", f"Bearer {known.api_key}"),)
        request = Callback("POST", f"{BASE_URL}/v1/events", headers, json.dumps(body).encode())
        answer = await engine.publisher.publish("", request)
        if answer.status != 201:
            assert answer.status in {429, 503}, answer
            self.refused += 1
            return False
        event = json.loads(answer.body)["id"]
        assert event in await self._stored()
        self.accepted[event] = engine
        return True

    async def _stored(self) -> set[str]:
        rows = await self.stage.rows("select id from event where type = 'shop.paid'")
        return {show("evt", row["id"]) for row in rows}

    def accepted_by(self, engine: Engine) -> int:
        """How many events a worker has accepted."""
        return list(self.accepted.values()).count(engine)

    async def publish_many(self, engine: Engine, many: int) -> None:
        """Publish so many at the same time."""
        await asyncio.gather(*(self.publish(engine) for _ in range(many)))

    async def interrupted(self, gate: Callable[[], None]) -> asyncio.Task[None]:
        """Publish a lot through the far worker, and do something to the gate before a commit."""
        reached = asyncio.Event()

        async def reach(place: str) -> None:
            if place == "before_commit":
                failpoints.reach = None
                gate()
                reached.set()

        failpoints.reach = reach
        task = asyncio.create_task(self.publish_many(self.far, 18))
        await reached.wait()
        return task

    async def settled(self) -> None:
        """Wait until nothing is open, and look at everything that came."""
        async with asyncio.timeout(_SETTLED_S):
            while await self.stage.value("select count(*) from delivery"):
                await asyncio.sleep(0.1)
        came: dict[str, list[int]] = defaultdict(list)
        got = set()
        for received in self.stage.sink.received:
            event = json.loads(received.body)
            if event["id"] not in got:
                got.add(event["id"])
                came[event["subject"]].append(event["sequence"])
        assert {} == {name: at for name, at in came.items() if at != sorted(at)}
        assert self.accepted.keys() <= got
        assert got == await self._stored()
        assert 0 == await self.stage.value("select unblock(null)")

    async def comes_back(self) -> None:
        """Wait until the far worker takes events again."""
        async with asyncio.timeout(_SETTLED_S):
            while not await self.publish(self.far):
                await asyncio.sleep(0.1)


@pytest.fixture
async def pair(
    dsn: str, postgres18: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    """Two workers on a database, with time limits that a test can wait for."""
    for name, seconds in MEASURES.items():
        monkeypatch.setattr(workers, name, seconds)
    monkeypatch.setattr("ringback.app.ANSWER_S", ANSWER_S)
    monkeypatch.setattr(database, "HOT_ANSWER_S", HOT_ANSWER_S)
    monkeypatch.setattr(database, "POOL_ANSWER_S", HOT_ANSWER_S)
    monkeypatch.setattr(database, "_CONNECT_TIMEOUT_S", 2)
    monkeypatch.setattr(commit, "SETTLE_S", 3.0)
    gate = Gate()
    proxy = Proxy(postgres18.socket, gate.plan)
    await proxy.start()
    stage = Stage(dsn)
    await stage.open()
    await stage.add_endpoint(stage.sink.url, "shop.*")
    stage.sink.delay_s = 0.1
    name = stage.dsn.partition("@/")[2].partition("?")[0]
    direct, stage.dsn = stage.dsn, f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"
    far = stage.another_engine()
    stage.dsn = direct
    await far.start()
    yield Pair(stage, far, gate)
    failpoints.reach = None
    gate.open()
    await far.stop()
    await stage.close()
    await proxy.stop()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("heard", [False, True])
async def test_connections_that_are_dead_without_a_word(pair: Pair, heard: bool) -> None:
    """As after a firewall has lost them: what waits for an answer is settled on new ones."""
    await pair.publish_many(pair.far, 12)
    under_way = await pair.interrupted(lambda: pair.gate.deaden(heard=heard))
    await under_way
    await pair.comes_back()
    await pair.publish_many(pair.far, 12)
    await pair.publish_many(pair.near, 12)
    await pair.settled()


@pytest.mark.timeout(60)
async def test_a_worker_is_apart_for_longer_than_its_lease(pair: Pair) -> None:
    """The other takes over what it owned; nothing is accepted meanwhile, and it comes back."""
    await pair.publish_many(pair.far, 12)
    before = pair.far.lease.id
    under_way = await pair.interrupted(pair.gate.close)
    known = pair.accepted_by(pair.far)
    await until(lambda: not pair.far.lease.held(), 20)
    assert not await pair.publish(pair.far)
    retired = f"select not alive from worker where id = {before}"
    async with asyncio.timeout(30):
        while not await pair.stage.value(retired):
            await pair.publish_many(pair.near, 2)
            await asyncio.sleep(0.2)
    assert known == pair.accepted_by(pair.far)
    pair.gate.open()
    await under_way
    await pair.comes_back()
    assert before != pair.far.lease.id
    await pair.publish_many(pair.far, 12)
    await pair.settled()


async def test_the_system_watches_every_connection(dsn: str, postgres18: PostgresServer) -> None:
    """Of the worker's own, hot or not, and of the pool: a server that vanishes is missed."""
    proxy = Proxy(postgres18.socket, lambda _: plain)
    await proxy.start()
    name = dsn.partition("@/")[2].partition("?")[0]
    pool = Database(f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}")
    await pool.open()
    hot = await connect(pool.dsn, hot=True)
    async with pool.acquire() as pooled:
        assert [VANISHED_S * 1000] * 2 == [_watched(hot), _watched(pooled)]
    hot.terminate()
    await pool.close()
    await proxy.stop()


def _watched(connection: Connection) -> int:
    transport: asyncio.Transport = connection._transport  # type: ignore[attr-defined]
    sock: socket.socket = transport.get_extra_info("socket")
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
