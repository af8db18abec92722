"""R5, the network: every fault between a worker and its endpoints, at the same time.

Twelve endpoints, each behind a proxy with a fault of its own, get the same events. All of them
arrive everywhere; where no answer was lost on its way back, none arrives twice. A thirteenth has no
fault: it gets its own as fast as before anything was spoiled.
"""

import asyncio
import json
import os
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from ringback.domain.endpoints import DeliveryPolicy, Endpoint, Mode
from ringback.domain.http import Callback
from ringback.domain.ids import show, uuid7
from ringback.services import profile
from ringback.storage import configuration as stored
from tests.services.crowd import p99
from tests.services.stage import BASE_URL, Stage
from tests.sizes import FULL, SIZES

from .checker import Evidence, Verdict, check
from .faults import lost_answer
from .journal import Intent, Receipt, Record, Result
from .proxy import FAULTS, Fault, Measures, Proxy
from .receiver import EndpointScript, Receiver
from .report import keep

SEED = 20261123
# What spoils nothing for good: every connection gets it. Of the others one in three.
HARMLESS = frozenset(("latency", "bandwidth", "slicing", "slow_close"))
LANES = SIZES.spoiled_deliveries // 4
# Of each endpoint: those before anything is spoiled, and all. In full 8,500 and more at thirteen.
CALM = SIZES.spoiled_deliveries * 2 // 5
EACH = CALM + SIZES.spoiled_deliveries
PER_SECOND = 25
WELL = "well"
# Others' 99th percentile in full, beside what it was; what is within the floor is not told apart.
OF_CALM, FLOOR_S, P99_S = 1.2, 0.05, 10.0
MEASURES = Measures(
    latency_s=0.05, rate=16_384, slice=32, close_after_s=0.3, reset_after_s=0.004, seed=SEED
)
POLICY = DeliveryPolicy(schedule_s=(1,) * 100, timeout_s=2, concurrency=16)
_DRAIN_S = 60 + SIZES.spoiled_deliveries


@dataclass(frozen=True)
class Wire:
    """The way to one endpoint."""

    proxy: Proxy
    receiver: Receiver


class Network:
    """A worker, and one endpoint behind each fault."""

    def __init__(self, stage: Stage) -> None:
        """Take a running engine."""
        self.stage = stage
        self.wires: dict[str, Wire] = {}
        self.records: list[Record] = []
        self.spoiling = False

    async def add(self, name: str, fault: Fault | None, context: ssl.SSLContext | None) -> None:
        """Add the endpoint behind a fault, which does nothing until it is `spoiling`."""
        script = EndpointScript(name, "steady", self.stage.secret, close=True, strict=True)
        receiver = Receiver(script, SEED, self.records.append)
        await receiver.start(context)
        always = name in HARMLESS

        def plan(number: int) -> Fault | None:
            return fault if self.spoiling and (always or not number % 3) else None

        proxy = Proxy(receiver.port, plan, MEASURES)
        await proxy.start()
        self.wires[name] = Wire(proxy, receiver)
        scheme = "https" if context else "http"
        await self._endpoint(f"{scheme}://127.0.0.1:{proxy.port}/hook")

    async def _endpoint(self, url: str) -> None:
        configuration = self.stage.engine.configuration
        id_ = uuid7(self.stage.engine.clock.now_ms(), os.urandom(10))
        tenant = next(iter(configuration.snapshot.tenants))
        one = Endpoint(0, id_, tenant, Mode.TEST, url, ("shop.*",), (), policy=POLICY)
        now = datetime.now(UTC)
        new = stored.StoredEndpoint(one, [self.stage.secret], "", now, now, None, None, None)
        async with configuration.change() as connection:
            await stored.add_endpoint(connection, configuration.vault, new)

    async def publish(self, number: int) -> None:
        """Publish one event."""
        known = profile.read(BASE_URL)
        assert known is not None
        fact = f"p{number}"
        body = {"type": "shop.paid", "subject": f"s{number % LANES}", "data": {"fact": fact}}
        headers = (("authorization", f"Bearer {known.api_key}"),)
        request = Callback("POST", f"{BASE_URL}/v1/events", headers, json.dumps(body).encode())
        self.records.append(Intent(fact, time.time()))
        answer = await self.stage.engine.publisher.publish("", request)
        assert 201 == answer.status
        event = json.loads(answer.body)["id"]
        self.records.append(Result(fact, "accepted", time.time(), 201, event))

    async def flow(self, numbers: range) -> float:
        """Publish these events one after the other; return the 99th percentile of the healthy
        endpoint's, from before each was published to its arrival.
        """
        began = time.monotonic()
        for place, number in enumerate(numbers):
            await asyncio.sleep(began + place / PER_SECOND - time.monotonic())
            await self.publish(number)
        wanted = {f"p{number}" for number in numbers}

        def arrived() -> dict[str, float]:
            own = [one for one in self.records if isinstance(one, Receipt)]
            return {r.fact: r.at for r in reversed(own) if r.endpoint == WELL and r.fact in wanted}

        async with asyncio.timeout(_DRAIN_S):
            while len(at := arrived()) < len(wanted):
                await asyncio.sleep(0.1)
        told = {one.fact: one.at for one in self.records if isinstance(one, Intent)}
        return p99([at[fact] - told[fact] for fact in wanted])

    async def arrived(self) -> None:
        """Wait until nothing is open."""
        async with asyncio.timeout(_DRAIN_S):
            while await self.stage.value("select count(*) from delivery"):
                await asyncio.sleep(0.2)

    async def judge(self, name: str) -> Verdict:
        """Judge what came to one endpoint; a repeat is excused by an answer that was lost."""
        own = [one for one in self.records if getattr(one, "endpoint", name) == name]
        rows = await self.stage.rows("select id from event where type like 'shop.%'")
        return check(
            Evidence(
                SEED, own, (name,), stored=frozenset(show("evt", row[0]) for row in rows),
                corrupted=frozenset(("bit_flip",)),
                faults=tuple(map(lost_answer, self.wires[name].proxy.lost_at)),
            )
        )  # fmt: skip

    async def close(self) -> None:
        """End every connection."""
        for wire in self.wires.values():
            await wire.proxy.stop()
            wire.receiver.stop()


@pytest.fixture
async def network(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Network]:
    """The twelve ways and one without a fault; the one whose handshake stalls is https."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    network = Network(stage)
    for name, fault in FAULTS.items():
        await network.add(name, fault, context if name == "tls_stall" else None)
    await network.add(WELL, None, None)
    yield network
    await network.close()


@pytest.mark.timeout(_DRAIN_S + 120)
async def test_every_fault_of_a_network(network: Network) -> None:
    """0 lost, in order, no bad signature taken; repeats only where an answer was lost. Who has no
    fault is told as fast as before: at most 1.2 times as late.
    """
    calm = await network.flow(range(CALM))
    await network.arrived()
    network.spoiling = True
    beside = await network.flow(range(CALM, EACH))
    await network.arrived()
    verdicts = {name: await network.judge(name) for name in (*FAULTS, WELL)}
    told = f"others' p99: {calm * 1000:.1f} ms before, {beside * 1000:.1f} ms beside the faults"
    keep("R5 network", "\n".join([*_told(network, verdicts), "", told]))
    assert beside <= (max(FLOOR_S, OF_CALM * calm) if SIZES is FULL else P99_S)
    assert {} == {name: str(v) for name, v in verdicts.items() if v.violations}
    assert dict.fromkeys((*FAULTS, WELL), EACH) == {
        name: verdict.delivered for name, verdict in verdicts.items()
    }
    for name in FAULTS:
        assert network.wires[name].proxy.spoiled >= SIZES.spoiled_deliveries / 4, name
    assert (0, 0) == (network.wires[WELL].proxy.spoiled, verdicts[WELL].duplicates)


def _told(network: Network, verdicts: dict[str, Verdict]) -> list[str]:
    rows = ["| fault | connections | spoiled | answers lost | repeats |", "|---|---|---|---|---|"]
    for name, verdict in verdicts.items():
        proxy = network.wires[name].proxy
        rows.append(
            f"| {name} | {proxy.connections} | {proxy.spoiled} | {proxy.lost_answers} | "
            f"{verdict.duplicates} |"
        )
    return rows
