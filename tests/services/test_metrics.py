"""The installation's numbers: of all workers, whichever is asked; exact, and never going back."""

import asyncio
import json
import socket

from ringback.app import Engine
from ringback.domain.http import Callback
from ringback.services import profile
from ringback.services.figures import Figures
from ringback.services.pace import FAILING
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage, fresh


async def _read(engine: Engine) -> Figures:
    """Return the figures of this moment, past the second for which they are kept."""
    engine.watch._figures = None
    return await engine.watch.figures()


async def _hear(stage: Stage, count: int) -> None:
    before = len(stage.sink.received)
    for _ in range(count):
        assert 200 == (await stage.receive(stage.callback("sent", fresh()))).status
    await until(lambda: len(stage.sink.received) == before + count)
    await until(lambda: stage.engine.push.active == 0)


async def _until_none(stage: Stage, rows: str) -> None:
    async with asyncio.timeout(20):
        while await stage.rows(rows):
            await asyncio.sleep(0.02)


async def _die(engine: Engine) -> None:
    """End a worker as `kill -9` does: it tells nobody."""
    for task in engine._tasks:
        task.cancel()
    await asyncio.gather(*engine._tasks, return_exceptions=True)
    await engine.client.close()
    for link in engine.links:
        await link.close()
    await engine.database.close()


async def test_one_callback_is_counted_from_door_to_delivery(stage: Stage) -> None:
    """Taken, committed, attempted, delivered: one each, with how long it took."""
    await _hear(stage, 1)
    await stage.engine.recorder.drained()
    (endpoint,) = (no for no, e in stage.engine.configuration.snapshot.endpoints.items())
    figures = await _read(stage.engine)
    expected = {
        "callbacks whatsapp accepted": 1, "attempts 2xx": 1, "ended delivered": 1,
        f"endpoint {endpoint} delivered": 1, f"endpoint {endpoint} failed": 0, "batch 1": 1,
        "batch sum": 1_000_000, "unblocked": 0, "adopted": 0, "reconciled": 0,
    }  # fmt: skip
    assert expected == {name: figures.totals.get(name) for name in expected}
    for histogram in ("answer callback", "delivery"):
        buckets = {n: c for n, c in figures.totals.items() if n.startswith(f"{histogram} ")}
        took = buckets.pop(f"{histogram} sum")
        assert 1 == sum(buckets.values())
        assert 0 < took < 10_000_000
    assert (True, 1, 0, 0.0) == (
        figures.database, figures.workers, figures.due, figures.oldest_due_s
    )  # fmt: skip
    standing = {
        "failing", "slowed_endpoints", "in_flight", "queued", "unrecorded", "waiting", "stuck",
        "readers",
    }  # fmt: skip
    assert dict.fromkeys(standing, 0) == {
        name: value for name, value in figures.now.items() if name != "lag"
    }


async def test_every_outcome_of_a_callback_is_counted(stage: Stage) -> None:
    """Duplicates, forgeries, unknown URLs and what could not be stored."""
    callback = stage.callback("sent")
    await stage.receive(callback)
    await stage.receive(callback)
    forged = Callback(callback.method, callback.url, (), callback.body, "127.0.0.1")
    assert 401 == (await stage.receive(forged)).status
    assert 404 == (await stage.receive(callback, "nobody")).status
    # One that finds no lease.
    stage.engine.lease._beat_sent -= 100
    assert 503 == (await stage.receive(stage.callback("sent", fresh()))).status
    stage.engine.workers.poke()
    await until(stage.engine.lease.held)
    figures = await _read(stage.engine)
    expected = {
        "callbacks whatsapp accepted": 1, "callbacks whatsapp duplicate": 1,
        "callbacks whatsapp rejected": 1, "callbacks none unknown": 1,
        "callbacks whatsapp unavailable": 1,
    }  # fmt: skip
    found = {n: c for n, c in figures.totals.items() if n.startswith("callbacks ") and c}
    assert expected == found
    assert {"unproven whatsapp missing": 1} == {
        n: c for n, c in figures.totals.items() if n.startswith("unproven ")
    }


async def test_failed_attempts_are_counted_with_their_class(stage: Stage) -> None:
    """A 503 and a refused connection fail; neither is a delivery."""
    stage.sink.answers.append((503, ""))
    await stage.receive(stage.callback("sent", fresh()))
    await until(lambda: stage.engine.recorder.attempts == 1)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    unreachable = await stage.add_endpoint(f"http://127.0.0.1:{port}/")
    await stage.receive(stage.callback("sent", fresh()))
    await until(lambda: stage.engine.recorder.attempts == 3)
    totals = (await _read(stage.engine)).totals
    assert {"attempts 5xx": 1, "attempts connect": 1, "attempts 2xx": 1} == {
        name: count for name, count in totals.items() if name.startswith("attempts ")
    }
    assert 1 == totals[f"endpoint {unreachable.no} failed"]
    assert {"ended delivered": 1} == {n: c for n, c in totals.items() if n.startswith("ended ")}


async def test_published_events_are_counted_by_what_was_answered(stage: Stage) -> None:
    """Three events in one request; a request without a key."""
    known = profile.read(BASE_URL)
    assert known is not None
    body = json.dumps([{"type": "shop.order", "data": {}}] * 3).encode()
    for headers in ((("authorization", f"Bearer {known.api_key}"),), ()):
        request = Callback("POST", f"{BASE_URL}/v1/events", headers, body)
        await stage.engine.publisher.publish("", request)
    totals = (await _read(stage.engine)).totals
    assert (1, 1, 3) == (
        totals["publish accepted"], totals["publish unauthenticated"], totals["published"]
    )  # fmt: skip
    buckets = [n for n in totals if n.startswith("answer event ") and not n.endswith("sum")]
    assert 2 == sum(totals[name] for name in buckets)


async def test_any_worker_tells_of_all(stage: Stage) -> None:
    """Two workers take callbacks; both say the same totals, and that two live."""
    other = stage.another_engine()
    await other.start()
    try:
        await _hear(stage, 2)
        for _ in range(3):
            callback = stage.callback("sent", fresh())
            assert 200 == (await other.receiver.receive("demo-whatsapp", callback)).status
        await other.workers.told()
        for engine in (stage.engine, other):
            figures = await _read(engine)
            assert (5, 2) == (figures.totals["callbacks whatsapp accepted"], figures.workers)
    finally:
        await other.stop()


async def test_totals_survive_whoever_counted_them(stage: Stage) -> None:
    """A worker dies, is retired, folded and forgotten: what it had told stays counted."""
    other = stage.another_engine()
    await other.start()
    for _ in range(3):
        await other.receiver.receive("demo-whatsapp", stage.callback("sent", fresh()))
    seen = (await _read(other)).totals["callbacks whatsapp accepted"]
    assert 3 == seen
    await _die(other)
    assert 3 == (await _read(stage.engine)).totals["callbacks whatsapp accepted"]
    await stage.execute("update worker set alive = false, ended = now() where id = 2")
    assert 3 == (await _read(stage.engine)).totals["callbacks whatsapp accepted"]
    third = stage.another_engine()
    await third.start()
    await _until_none(stage, "select from worker where not alive and not folded")
    await third.stop()
    assert await stage.value("select folded from worker where id = 2")
    figures = await _read(stage.engine)
    assert (3, 1) == (figures.totals["callbacks whatsapp accepted"], figures.workers)
    await stage.execute("update worker set ended = now() - interval '8 days' where not alive")
    fourth = stage.another_engine()
    await fourth.start()
    await _until_none(stage, "select from worker where id in (2, 3)")
    await fourth.stop()
    assert 3 == (await _read(stage.engine)).totals["callbacks whatsapp accepted"]


async def test_a_worker_that_comes_back_is_not_counted_twice(stage: Stage) -> None:
    """Retired while it stood still, it registers again; its numbers are in two rows, once each."""
    await _hear(stage, 2)
    await stage.engine.workers.told()
    await stage.execute("update worker set alive = false, ended = now()")
    await until(lambda: stage.engine.lease.id == 2)
    await until(stage.engine.lease.held)
    await _hear(stage, 1)
    figures = await _read(stage.engine)
    assert (3, 3) == (figures.totals["callbacks whatsapp accepted"], figures.totals["attempts 2xx"])


async def test_a_worker_that_leaves_tells_its_last_numbers(stage: Stage) -> None:
    """What was counted after the last beat is told on signing off."""
    other = stage.another_engine()
    await other.start()
    await other.receiver.receive("demo-whatsapp", stage.callback("sent", fresh()))
    await other.stop()
    assert 1 == (await _read(stage.engine)).totals["callbacks whatsapp accepted"]


async def test_however_many_ask_the_database_is_asked_once_a_second(stage: Stage) -> None:
    """Two hundred at once get one and the same answer, for one beat."""
    before = await stage.value("select beat from worker")
    answers = await asyncio.gather(*(stage.engine.watch.figures() for _ in range(200)))
    assert 1 == len({id(answer) for answer in answers})
    after = await stage.value("select beat from worker")
    assert isinstance(before, int)
    assert isinstance(after, int)
    assert after - before <= 2


async def test_without_the_database_there_is_nothing_that_could_go_back(stage: Stage) -> None:
    """No totals, this worker's standing values only; afterwards everything is there again."""
    await _hear(stage, 1)
    await stage.engine.database.close()
    figures = await _read(stage.engine)
    assert (False, {}, 0) == (figures.database, figures.totals, figures.workers)
    assert 0 == figures.now["in_flight"]
    await stage.engine.database.open()
    assert 1 == (await _read(stage.engine)).totals["callbacks whatsapp accepted"]


async def test_due_is_what_is_due_and_could_be_sent(stage: Stage) -> None:
    """Retries in the future are not, and neither is what a disabled endpoint is owed."""
    endpoint = next(iter(stage.engine.configuration.snapshot.endpoints))
    await stage.engine.claimer.quiet.acquire()
    # Nobody claims meanwhile.
    for seconds, number in ((-30, 1), (-90, 2), (600, 3)):
        await stage.execute(
            "insert into delivery (lane, endpoint, ord, tenant, mode, event, due, n, retry) values "
            f"(gen_random_uuid(), {endpoint}, {number}, 1, 2, gen_random_uuid(), "
            f"now() + interval '{seconds} s', 0, true)"
        )
    figures = await _read(stage.engine)
    assert 2 == figures.due
    assert 90 <= figures.oldest_due_s < 100
    # An endpoint that fails holds back what is due for it: that is told by itself.
    (slots,) = stage.engine.push._slots.values()
    for _ in range(FAILING):
        slots.pace.result(None, "connect", asyncio.get_running_loop().time())
    figures = await _read(stage.engine)
    assert (0, 0.0, 2) == (figures.due, figures.oldest_due_s, figures.held)
    assert (1, 0) == (figures.now["failing"], figures.now["slowed_endpoints"])
    slots.pace.result(200, None, asyncio.get_running_loop().time())
    figures = await _read(stage.engine)
    assert (0, 2) == (figures.due, figures.held)
    assert (0, 1) == (figures.now["failing"], figures.now["slowed_endpoints"])
    await stage.execute("update endpoint set disabled = now()")
    figures = await _read(stage.engine)
    assert (0, 0.0) == (figures.due, figures.oldest_due_s)
    stage.engine.claimer.quiet.release()
