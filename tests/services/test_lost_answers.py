"""What becomes of deliveries when the database did something and its answer never came.

Every way in which an answer can be lost is tried in tests/simulation; here stands what needs a real
database to be believed.
"""

import asyncio

from ringback.storage.hot import Finished
from tests.services.sink import until
from tests.services.stage import Stage


async def test_a_result_that_was_recorded_already_frees_its_delivery(stage: Stage) -> None:
    """Recorded, the answer lost, claimed again by the same worker: recording it once more is
    refused, and the delivery is sent again instead of being kept for ever. It is given back only
    after a claim under way, which would else start what is no longer ours.
    """
    engine = stage.engine
    await engine.claimer.quiet.acquire()
    stage.sink.answers.append((503, ""))
    await stage.receive(stage.callback("delivered"))
    await until(lambda: engine.recorder.attempts == 1)
    (row,) = await stage.rows("select lane, endpoint, ord from delivery")
    attempt = await stage.value("select id from attempt")
    key = tuple(row)
    result = Finished(*key, attempt, 503, None, 1.0, 0, 0.0, b"{}", b"")  # type: ignore[call-arg]
    await stage.execute(f"update delivery set owner = {engine.lease.worker()}")
    engine.held._keys.add(key)
    others = len(engine.claimer.quiet._waiters or ())
    engine.recorder.put(result)
    await until(lambda: len(engine.claimer.quiet._waiters or ()) > others)
    assert {key} == engine.held._keys
    assert engine.lease.worker() == await stage.value("select owner from delivery")
    engine.claimer.quiet.release()
    await until(lambda: len(stage.sink.received) == 2)
    await until(lambda: engine.recorder.attempts == 2)
    assert 0 == await stage.value("select count(*) from delivery")


async def test_what_a_broken_connection_does_late_is_not_forgotten(stage: Stage) -> None:
    """The server goes on for a connection that is gone: what becomes ours is looked for only when
    that is decided.
    """
    engine = stage.engine
    # Nobody else uses this one here.
    link, worker = engine.links[3], engine.lease.worker()
    connection = await link.get(worker)
    late = asyncio.create_task(
        connection.execute(
            "insert into delivery (lane, endpoint, ord, tenant, mode, event, owner, due, n, retry) "
            f"select gen_random_uuid(), 1, 1, 1, 2, gen_random_uuid(), {worker}, now(), 0, true "
            "from pg_sleep(0.5)"
        )
    )
    await asyncio.sleep(0.1)
    link.drop()
    await asyncio.gather(late, return_exceptions=True)
    engine.reconciler.ask(worker)
    await asyncio.sleep(1)
    assert 0 == await stage.value(f"select count(*) from delivery where owner = {worker}")


async def test_connections_of_two_registrations_may_break_at_once(stage: Stage) -> None:
    """One that was not used since the new registration speaks of the old: neither is forgotten."""
    engine = stage.engine
    worker = engine.lease.worker()
    await stage.execute(
        "insert into delivery (lane, endpoint, ord, tenant, mode, event, owner, due, n, retry) "
        f"select gen_random_uuid(), 1, 1, 1, 2, gen_random_uuid(), {worker}, now(), 0, true"
    )
    engine.reconciler.ask(worker)
    engine.reconciler.ask(0)
    await until(lambda: engine.reconciler.returned == 1)
