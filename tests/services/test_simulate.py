"""The simulator before a door that is a real server: what it posts, when, and in what order."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from ringback.domain.endpoints import Connection, Mode
from ringback.domain.http import Callback
from ringback.domain.messages import Status
from ringback.providers import registry
from ringback.providers.base import Report
from ringback.providers.config import load_config
from ringback.services.clock import Clock
from ringback.services.simulate import TASKS_MAX, Plan, Simulator
from ringback.transport.client import Client
from tests.services.sink import Received, Sink, until

STATUSES: tuple[Status, ...] = (
    "submitted", "sent", "delivered", "read", "unconfirmed", "expired", "failed", "cancelled",
)  # fmt: skip
_CONFIGS: dict[str, dict[str, object]] = {
    "simulator": {"secret": "a-secret-of-the-simulator"},
    "whatsapp": {"app_secret": "0123456789abcdef", "verify_token": "handshake"},
    "bandwidth": {"username": "demo", "password": "correct horse"},
}


def _connection(provider: str = "simulator") -> Connection:
    kind = registry.get(provider).Config
    config = load_config(kind, _CONFIGS[provider])
    return Connection(1, uuid.uuid4(), 1, Mode.TEST, provider, "Test", "tok-en_1", config)


def _plan(*statuses: Status, **more: object) -> Plan:
    fields = {"to": "+16505551234", "from_": "+15550100", "channel": "sms", **more}
    return Plan(statuses=statuses or STATUSES, **fields)  # type: ignore[arg-type]


def _report(got: Received, connection: Connection) -> Report:
    """Read a callback as the receiver would: verified, and with one report in it."""
    provider = registry.get(connection.provider)
    callback = Callback("POST", f"http://door{got.path}", tuple(got.headers.items()), got.body)
    now_ms = int(time.time() * 1000)
    assert "ok" == provider.verify(callback, connection.config, now_ms).verdict
    (item,) = provider.parse(callback, connection.config).items
    assert isinstance(item, Report)
    return item


@pytest.fixture
async def door() -> AsyncIterator[Sink]:
    """The server in place of our own door."""
    sink = Sink()
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def simulator(door: Sink) -> AsyncIterator[Simulator]:
    """A simulator that posts to the door."""
    client = Client()
    simulator = Simulator(client, Clock(), f"http://127.0.0.1:{door.port}")
    yield simulator
    simulator.close()
    await client.close()


@pytest.mark.parametrize("provider", ["simulator", "whatsapp", "bandwidth"])
async def test_a_perfect_network_posts_each_status_once_and_in_order(
    door: Sink, simulator: Simulator, provider: str
) -> None:
    """Signed as the provider signs, to the connection's own URL, about one message."""
    connection = _connection(provider)
    statuses: tuple[Status, ...] = ("sent", "delivered")
    plan = _plan(*statuses, channel=registry.get(provider).channels[0], reference="order-1")
    simulated = await simulator.simulate(connection, plan)
    await until(lambda: len(door.received) == len(statuses))
    reports = [_report(got, connection) for got in door.received]
    assert list(statuses) == [report.status for report in reports]
    assert {(simulated.provider_id, "order-1")} == {
        (report.message_id, report.reference) for report in reports
    }
    assert {"/in/tok-en_1"} == {got.path for got in door.received}
    assert simulated.message is None


async def test_what_is_there_is_reported_on(door: Sink, simulator: Simulator) -> None:
    """A plan about a message has its id at the provider, and nothing is sent."""
    connection = _connection()
    simulated = await simulator.simulate(connection, _plan("read", about="sim-there"))
    await until(lambda: len(door.received) == 1)
    assert ("sim-there", None) == simulated[:2]
    assert "sim-there" == _report(door.received[0], connection).message_id


async def test_every_simulated_message_is_another(door: Sink, simulator: Simulator) -> None:
    """Ids never repeat, so that a plan can be run again."""
    connection = _connection()
    made = [await simulator.simulate(connection, _plan("sent")) for _ in range(20)]
    await until(lambda: len(door.received) == 20)
    assert 20 == len({one.provider_id for one in made})
    assert {one.provider_id for one in made} == {
        _report(got, connection).message_id for got in door.received
    }


async def test_duplicates_are_the_same_callback_again(door: Sink, simulator: Simulator) -> None:
    """With certainty each comes twice, byte for byte; by half, about every other."""
    connection = _connection()
    await simulator.simulate(connection, _plan(duplicate=1.0))
    await until(lambda: len(door.received) == 2 * len(STATUSES))
    bodies = [got.body for got in door.received]
    assert bodies[::2] == bodies[1::2]
    assert list(STATUSES) == [_report(got, connection).status for got in door.received[::2]]
    door.received.clear()
    for _ in range(40):
        await simulator.simulate(connection, _plan(duplicate=0.5))
    await _settled(door)
    counts = Counter(Counter(got.body for got in door.received).values())
    assert 40 * len(STATUSES) == counts.total()
    assert 90 <= counts[2] <= 230


async def test_lost_callbacks_never_come(door: Sink, simulator: Simulator) -> None:
    """With certainty none; by half, about every other, and the rest in order."""
    connection = _connection()
    await simulator.simulate(connection, _plan(loss=1.0, duplicate=1.0))
    for _ in range(40):
        await simulator.simulate(connection, _plan(loss=0.5))
    await _settled(door)
    reports = [_report(got, connection) for got in door.received]
    assert 90 <= len(reports) <= 230
    for message in {report.message_id for report in reports}:
        came = [STATUSES.index(one.status) for one in reports if one.message_id == message]
        assert sorted(set(came)) == came


async def _settled(door: Sink) -> None:
    """Wait until nothing has come for a moment."""
    before = -1
    while before != len(door.received):
        before = len(door.received)
        await asyncio.sleep(0.3)


async def test_a_shuffled_plan_posts_the_same_in_another_order(
    door: Sink, simulator: Simulator
) -> None:
    """All statuses once; their own times stay in order, as a provider's do."""
    connection = _connection()
    await simulator.simulate(connection, _plan(reorder=True))
    await simulator.simulate(connection, _plan(reorder=True))
    await until(lambda: len(door.received) == 2 * len(STATUSES))
    reports = [_report(got, connection) for got in door.received]
    orders = []
    for message in {report.message_id for report in reports}:
        mine = [report for report in reports if report.message_id == message]
        orders.append([report.status for report in mine])
        by_time = sorted(mine, key=lambda report: report.occurred_at or 0)
        assert list(STATUSES) == [report.status for report in by_time]
    assert [sorted(STATUSES)] * 2 == [sorted(order) for order in orders]
    assert [list(STATUSES)] * 2 != orders


async def test_a_shuffled_plan_never_keeps_its_order(door: Sink, simulator: Simulator) -> None:
    """Two callbacks come the other way round, every time."""
    connection = _connection()
    for _ in range(8):
        await simulator.simulate(connection, _plan("sent", "delivered", reorder=True))
    await until(lambda: len(door.received) == 16)
    reports = [_report(got, connection) for got in door.received]
    for message in {report.message_id for report in reports}:
        came = [report.status for report in reports if report.message_id == message]
        assert ["delivered", "sent"] == came


@pytest.mark.parametrize("provider", ["simulator", "whatsapp", "bandwidth"])
async def test_a_forged_plan_is_refused(door: Sink, simulator: Simulator, provider: str) -> None:
    """The callback fits no secret, and no message is sent for it."""
    connection = _connection(provider)
    made = await simulator.simulate(connection, _plan("sent", forged=True))
    await until(lambda: len(door.received) == 1)
    (got,) = door.received
    callback = Callback("POST", f"http://door{got.path}", tuple(got.headers.items()), got.body)
    verified = registry.get(provider).verify(callback, connection.config, int(time.time() * 1000))
    assert "failed" == verified.verdict, verified
    assert made.message is None


async def test_a_delay_lies_between_two_callbacks(door: Sink, simulator: Simulator) -> None:
    """On the wire and in the provider's times; duplicates come together, the first at once."""
    connection = _connection()
    plan = _plan("submitted", "sent", "delivered", delay_ms=200, duplicate=1.0)
    began = asyncio.get_running_loop().time()
    await simulator.simulate(connection, plan)
    await until(lambda: len(door.received) == 6)
    times = [got.at - began for got in door.received]
    for place, lowest in enumerate((0.0, 0.0, 0.2, 0.2, 0.4, 0.4)):
        assert lowest - 0.02 <= times[place] < lowest + 2
    at = [_report(got, connection).occurred_at or 0 for got in door.received[::2]]
    assert [200, 200] == [at[1] - at[0], at[2] - at[1]]


async def test_a_door_that_refuses_gets_the_rest_too(door: Sink, simulator: Simulator) -> None:
    """Nothing is tried again and nothing is given up: a plan is posted to its end."""
    door.answers.extend([(503, ""), (401, ""), (500, "")])
    await simulator.simulate(_connection(), _plan())
    await until(lambda: len(door.received) == len(STATUSES))
    assert list(STATUSES) == [_report(got, _connection()).status for got in door.received]


async def test_so_many_plans_at_once_and_no_more(door: Sink, simulator: Simulator) -> None:
    """One more is refused; when others have ended there is room again."""
    connection = _connection()
    for _ in range(TASKS_MAX):
        await simulator.simulate(connection, _plan("sent", "delivered", delay_ms=60_000))
    with pytest.raises(BlockingIOError, match="wait for some to end"):
        await simulator.simulate(connection, _plan("sent"))
    await until(lambda: len(door.received) == TASKS_MAX)
    simulator.close()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await simulator.simulate(connection, _plan("sent"))
    await until(lambda: len(door.received) == TASKS_MAX + 1)
