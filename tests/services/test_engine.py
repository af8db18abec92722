"""The engine on a real database and a real receiver: from a callback to a signed webhook."""

import asyncio
import hashlib
import hmac
import json

import pytest
import standardwebhooks

from ringback.domain.http import Callback
from tests.services.sink import until
from tests.services.stage import Stage, fresh


async def test_a_callback_becomes_a_signed_webhook(stage: Stage) -> None:
    """The event arrives, verifies, and says what the provider said, with our three clocks."""
    answer = await stage.receive(stage.callback("delivered", "m1", reference="order-1"))
    assert answer.status == 200
    await until(lambda: len(stage.sink.received) == 1)
    got = stage.sink.received[0]
    event = standardwebhooks.Webhook(stage.secret).verify(got.body, got.headers)
    assert event["type"] == "message.delivered"
    assert event["id"] == got.headers["webhook-id"]
    assert event["data"]["sequence"] == 1
    assert event["data"]["message"]["origin"] == "observed"
    assert event["data"]["message"]["reference"] == "order-1"
    assert {"timestamp"} < set(event)
    assert {"received_at", "emitted_at"} < set(event["data"])
    await until(lambda: stage.engine.recorder.attempts == 1)
    rows = await stage.rows("select status, final, n, detail from attempt")
    assert [(200, 1, 1)] == [row[:3] for row in rows]
    detail = json.loads(rows[0]["detail"])
    assert detail["decision"] == "200: delivered."
    assert {"dns", "connect", "tls", "first_byte", "total", "wait"} == set(detail["timings"])
    assert await stage.value("select count(*) from delivery") == 0


@pytest.mark.parametrize("token", ["demo-whatsapp", "demo-bandwidth", "demo-simulator"])
async def test_every_provider_gets_its_own_answer(stage: Stage, token: str) -> None:
    """A signed status of each provider is accepted with 2xx and delivered."""
    answer = await stage.receive(stage.callback("delivered", fresh(), token=token), token)
    assert 200 <= answer.status < 300
    await until(lambda: len(stage.sink.received) == 1)


async def test_nothing_is_answered_before_it_is_stored(stage: Stage) -> None:
    """When the answer is there, callback, subject, event and owed delivery are committed."""
    stage.sink.delay_s = 5
    await stage.receive(stage.callback("sent"))
    counts = await stage.rows(
        "select (select count(*) from callback), (select count(*) from subject),"
        " (select count(*) from event), (select count(*) from delivery)"
    )
    assert tuple(counts[0]) == (1, 1, 1, 1)


async def test_a_repeated_callback_has_one_effect(stage: Stage) -> None:
    """Sixteen copies at once, five times over: one event, one delivery, all answered 200."""
    callback = stage.callback("delivered")
    for _ in range(5):
        answers = await asyncio.gather(*(stage.receive(callback) for _ in range(16)))
        assert {200} == {answer.status for answer in answers}
    await until(lambda: stage.engine.recorder.attempts == 1)
    assert await stage.value("select count(*) from event") == 1
    assert len(stage.sink.received) == 1
    outcomes = await stage.rows("select outcome, count(*) from callback group by 1 order by 1")
    assert [(1, 79), (2, 1)] == [tuple(row) for row in outcomes]


async def test_two_workers_agree_about_one_message(stage: Stage) -> None:
    """The same facts posted to two workers at once: each counts once, in one sequence."""
    other = stage.another_engine()
    await other.start()
    try:
        callbacks = [stage.callback(status) for status in ("sent", "delivered", "read")]
        answers = await asyncio.gather(
            *(stage.receive(callback) for callback in callbacks),
            *(other.receiver.receive("demo-whatsapp", callback) for callback in callbacks),
        )
        assert {200} == {answer.status for answer in answers}
        rows = await stage.rows("select sequence from event order by pos")
        assert [1, 2, 3] == [row[0] for row in rows]
        await until(lambda: len(stage.sink.received) == 3)
        bodies = [json.loads(got.body) for got in stage.sink.received]
        assert [1, 2, 3] == [body["data"]["sequence"] for body in bodies]
    finally:
        await other.stop()


async def test_a_failure_is_tried_again_with_the_same_id(stage: Stage) -> None:
    """503 schedules a retry; the repeat has the same id and body, and a signature of its own."""
    stage.sink.answers.append((503, "retry-after: 120\r\n"))
    await stage.receive(stage.callback("delivered"))
    await until(lambda: stage.engine.recorder.attempts == 1)
    wait = await stage.value("select extract(epoch from due - now())::int from delivery")
    assert isinstance(wait, int)
    assert 115 <= wait <= 145
    await stage.execute("update delivery set due = now()")
    stage.engine.claimer.poke()
    await until(lambda: stage.engine.recorder.attempts == 2)
    first, second = stage.sink.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert (first.headers["ringback-attempt"], second.headers["ringback-attempt"]) == ("1", "2")
    standardwebhooks.Webhook(stage.secret).verify(second.body, second.headers)
    rows = await stage.rows("select n, status, final from attempt order by n")
    assert [(1, 503, None), (2, 200, 1)] == [tuple(row) for row in rows]


async def test_one_message_is_delivered_in_order(stage: Stage) -> None:
    """While the first event of a message fails, the later ones wait; another message does not."""
    stage.sink.answers.append((500, ""))
    await stage.receive(stage.callback("sent", "slow"))
    await until(lambda: stage.engine.recorder.attempts == 1)
    await stage.receive(stage.callback("delivered", "slow"))
    await stage.receive(stage.callback("delivered", "other"))
    await until(lambda: stage.engine.recorder.attempts == 2)
    await asyncio.sleep(0.1)
    assert len(stage.sink.received) == 2
    await stage.execute("update delivery set due = now() where due is not null")
    stage.engine.claimer.poke()
    await until(lambda: stage.engine.recorder.attempts == 4)
    got = [json.loads(request.body) for request in stage.sink.received]
    slow = [
        body["data"]["sequence"]
        for body in got
        if body["data"]["message"]["provider_message_id"] == "slow"
    ]
    assert slow == [1, 1, 2]


async def test_a_forged_callback_is_refused_and_kept(stage: Stage) -> None:
    """401, listed as rejected with the reason in words, never read, and without our secrets."""
    good = stage.callback("delivered")
    forged = Callback(good.method, good.url, good.headers, good.body + b" ")
    assert (await stage.receive(forged)).status == 401
    rows = await stage.rows("select outcome, reason, body, url from callback")
    assert [(7, good.body + b" ")] == [(row["outcome"], row["body"]) for row in rows]
    assert "signature" in rows[0]["reason"].lower()
    assert rows[0]["url"].endswith("/in/{token}")
    assert await stage.value("select count(*) from event") == 0


async def test_credentials_are_not_kept(stage: Stage) -> None:
    """The password that Bandwidth sends does not lie in the stored headers."""
    await stage.receive(stage.callback("delivered", token="demo-bandwidth"), "demo-bandwidth")
    headers = json.loads((await stage.rows("select headers from callback"))[0][0])
    assert {"authorization": "(hidden)"} == {
        name.lower(): value for name, value in headers if name.lower() == "authorization"
    }


async def test_a_challenge_is_counted_and_not_listed(stage: Stage) -> None:
    """Bandwidth's first request has no credentials: 401 with the challenge, nothing stored."""
    callback = stage.callback("delivered", token="demo-bandwidth")
    bare = Callback(callback.method, callback.url, (), callback.body)
    answer = await stage.receive(bare, "demo-bandwidth")
    assert answer.status == 401
    headers = {name.lower(): value for name, value in answer.headers}
    assert headers["www-authenticate"].startswith("Basic realm=")
    assert await stage.value("select count(*) from callback") == 0
    stage.engine.workers.poke()
    async with asyncio.timeout(5):
        while not await stage.rows("select 1 from callback_count"):
            await asyncio.sleep(0.05)
    rows = await stage.rows("select what, n from callback_count")
    assert [("challenge", 1)] == [tuple(row) for row in rows]


async def test_a_body_that_cannot_be_read_is_kept_and_answered(stage: Stage) -> None:
    """Signed nonsense: 200, outcome unparsed, the bytes as they came."""
    provider_body = b'{"entry": ['
    good = stage.callback("delivered")
    signed = _signed(stage, provider_body, good)
    assert (await stage.receive(signed)).status == 200
    rows = await stage.rows("select outcome, body from callback")
    assert [(5, provider_body)] == [tuple(row) for row in rows]


def _signed(stage: Stage, body: bytes, like: Callback) -> Callback:
    secret: str = stage.connection().config.app_secret  # type: ignore[attr-defined]
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = (("content-type", "application/json"), ("x-hub-signature-256", f"sha256={mac}"))
    return Callback("POST", like.url, headers, body)


async def test_an_unknown_token_is_not_found(stage: Stage) -> None:
    """404 without a hint, and nothing is stored."""
    answer = await stage.receive(stage.callback("delivered"), "demo-whatsap")
    assert (answer.status, answer.body) == (404, b"not found\n")
    assert await stage.value("select count(*) from callback") == 0


async def test_cut_connections_lose_and_repeat_nothing(stage: Stage) -> None:
    """The server ends our connections over and over: every callback is stored and sent once."""
    stop = asyncio.Event()

    async def cut() -> None:
        while not stop.is_set():
            await stage.rows(
                "select pg_terminate_backend(pid) from pg_stat_activity where pid in"
                " (select pid from pg_locks where locktype = 'advisory' and classid > 1000000)"
                " and datname = current_database()"
            )
            await asyncio.sleep(0.1)

    cutter = asyncio.create_task(cut())
    total = 300
    try:
        for start in range(0, total, 20):
            answers = await asyncio.gather(
                *(stage.receive(stage.callback("sent", f"c{start + n}")) for n in range(20))
            )
            assert {200} == {answer.status for answer in answers}
    finally:
        stop.set()
        await cutter
    await until(lambda: len(stage.sink.received) >= total, 20)
    await asyncio.sleep(1.5)
    ids = [got.headers["webhook-id"] for got in stage.sink.received]
    assert (len(ids), len(set(ids))) == (total, total)
    assert await stage.value("select count(*) from event") == total
    assert await stage.value("select count(*) from delivery") == 0
    assert await stage.value("select count(*) from callback") == total


async def test_a_worker_that_leaves_gives_its_deliveries_back(stage: Stage) -> None:
    """What one worker had not finished when it stopped is sent by another."""
    stage.sink.delay_s = 30
    await stage.receive(stage.callback("sent"))
    await until(lambda: len(stage.sink.received) == 1)
    stage.sink.delay_s = 0
    other = stage.another_engine()
    await other.start()
    try:
        await stage.engine.stop()
        await until(lambda: len(stage.sink.received) == 2)
        first, second = stage.sink.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
    finally:
        await other.stop()
        await stage.engine.database.open()


async def test_a_flood_of_duplicates_is_counted(stage: Stage) -> None:
    """The first hundred duplicates of an hour are listed, the rest only counted."""
    callback = stage.callback("delivered")
    await stage.receive(callback)
    for _ in range(10):
        await asyncio.gather(*(stage.receive(callback) for _ in range(15)))
    assert await stage.value("select count(*) from callback where outcome = 1") == 100
