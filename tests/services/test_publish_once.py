"""`Idempotency-Key` when publishing: key and events in one commit, whoever comes at once."""

import asyncio
import json
import uuid
from typing import Any

from ringback.app import Engine
from ringback.domain.http import Callback, HttpResponse
from ringback.services import profile
from ringback.storage.database import connect
from tests.services.stage import BASE_URL, Stage


async def post(engine: Engine, body: Any, name: str | None) -> HttpResponse:
    """Publish, with an idempotency key if one is given."""
    known = profile.read(BASE_URL)
    assert known is not None
    headers = [("authorization", f"Bearer {known.api_key}")]
    if name is not None:
        headers.append(("idempotency-key", name))
    request = Callback("POST", f"{BASE_URL}/v1/events", tuple(headers), json.dumps(body).encode())
    return await engine.publisher.publish("", request)


def event(number: int = 0, **more: Any) -> dict[str, Any]:
    """Make an event."""
    return {"type": "shop.paid", "data": {"n": number}, **more}


async def test_a_repeat_gets_the_ids_of_the_first(stage: Stage) -> None:
    """The same key and body, one event or many: the same answer, and nothing is stored again."""
    for body in (event(), [event(n, subject=f"s{n % 3}") for n in range(100)]):
        name = uuid.uuid4().hex
        first = await post(stage.engine, body, name)
        again = await post(stage.engine, body, name)
        assert (201, 201, first.body) == (first.status, again.status, again.body)
        assert "true" == dict(again.headers)["idempotency-replayed"]
        assert "idempotency-replayed" not in dict(first.headers)
    assert 101 == await stage.value("select count(*) from event")
    assert [1, 34] == [row[0] for row in await stage.rows(
        "select distinct sequence from event where sequence in (1, 34, 35) order by 1"
    )]  # fmt: skip


async def test_another_body_is_refused(stage: Stage) -> None:
    """422 with the header's name; without a key the same event is another one."""
    await post(stage.engine, event(), "k")
    other = await post(stage.engine, event(1), "k")
    assert 422 == other.status
    problem = json.loads(other.body)
    assert "idempotency_key_reused" == problem["code"]
    assert "Idempotency-Key" == problem["errors"][0]["parameter"]
    await post(stage.engine, event(), None)
    assert 2 == await stage.value("select count(*) from event")


async def test_a_key_counts_for_a_day(stage: Stage) -> None:
    """After a day the same key is a new one."""
    first = await post(stage.engine, event(), "k")
    await stage.execute("update idempotency_key set created = now() - interval '25 hours'")
    second = await post(stage.engine, event(1), "k")
    assert (201, True) == (second.status, second.body != first.body)
    assert second.body == (await post(stage.engine, event(1), "k")).body


async def test_everybody_at_once(stage: Stage) -> None:
    """Two workers, twenty keys, each sent ten times with events of shared subjects: each is
    stored once, wholly, all its repeats get its ids, and no subject has a hole.
    """
    other = stage.another_engine()
    await other.start()
    try:
        bodies = {
            f"k{n}": [event(n, subject=f"s{(n + step) % 4}") for step in range(3)] + [event(n)]
            for n in range(20)
        }
        sent = [(name, body) for _ in range(10) for name, body in bodies.items()]
        engines = (stage.engine, other)
        answers = await asyncio.gather(
            *(post(engines[place % 2], body, name) for place, (name, body) in enumerate(sent))
        )
    finally:
        await other.stop()
    assert {201} == {answer.status for answer in answers}
    told: dict[str, set[bytes]] = {}
    for (name, _), answer in zip(sent, answers, strict=True):
        told.setdefault(name, set()).add(answer.body)
    assert {1} == {len(bodies) for bodies in told.values()}
    assert 80 == await stage.value("select count(*) from event")
    replayed = sum("idempotency-replayed" in dict(answer.headers) for answer in answers)
    assert len(sent) - 20 == replayed
    numbered = await stage.rows(
        "select array_agg(sequence order by pos) from event where subject is not null "
        "group by subject"
    )
    assert [list(range(1, 16))] * 4 == [row[0] for row in numbered]


async def test_nothing_is_kept_of_what_was_not_stored(stage: Stage) -> None:
    """A key and its events are one transaction: when it is cut off, neither or both are there."""
    for number in range(20):
        task = asyncio.create_task(post(stage.engine, event(number), f"cut{number}"))
        connection = await connect(stage.dsn)
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() "
            "and query like '%commit_batch%'"
        )
        await connection.close()
        answer = await task
        again = await post(stage.engine, event(number), f"cut{number}")
        assert 201 == again.status
        assert answer.status in {201, 503}
        if answer.status == 201:
            assert answer.body == again.body
    assert 20 == await stage.value("select count(*) from event")
    assert 20 == await stage.value("select count(*) from idempotency_key")
