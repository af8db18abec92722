"""Reports that come before the provider's answer: held back, joined, or let go as observed."""

import asyncio
import json
import random
import uuid

import pytest

from ringback.app import Engine
from ringback.domain.endpoints import Mode
from ringback.domain.ids import show
from ringback.domain.messages import Failure, Status
from ringback.providers import registry
from ringback.providers.base import OutboundMessage, ProviderConfig, SendResult
from ringback.services import send
from ringback.services.batch import PENDING_S, Scope
from ringback.services.send import SWEEP_S
from ringback.services.sends import Unanswered
from tests.providers.driving import FakeApi, driven
from tests.services.sink import until
from tests.services.stage import Stage
from tests.sizes import SIZES

TOKEN = "demo-simulator"
TO = "+16505551234"


def _message(reference: str | None = None) -> OutboundMessage:
    return OutboundMessage(to=TO, from_="+15550783881", channel="sms", reference=reference)


def _types(stage: Stage) -> list[str]:
    return [json.loads(got.body)["type"] for got in stage.sink.received]


async def _answer(stage: Stage, ours: uuid.UUID, provider_id: str) -> None:
    result = SendResult("submitted", (provider_id,))
    await stage.engine.sender.finish(stage.connection(TOKEN), ours, result)


async def _report(stage: Stage, status: Status, provider_id: str) -> None:
    callback = stage.callback(status, provider_id, token=TOKEN)
    assert (await stage.receive(callback, TOKEN)).status == 200


async def test_an_early_report_is_joined(stage: Stage) -> None:
    """It emits nothing until the answer comes; then it is the message's own, in sequence."""
    ours = await stage.engine.sender.begin(stage.connection(TOKEN), _message())
    await _report(stage, "delivered", "p1")
    await until(lambda: len(stage.sink.received) == 1)
    assert _types(stage) == ["message.queued"]
    assert await stage.value("select count(*) from subject where kind = 1") == 1
    await _answer(stage, ours, "p1")
    await until(lambda: len(stage.sink.received) == 3)
    got = [json.loads(request.body)["data"] for request in stage.sink.received]
    assert _types(stage) == ["message.queued", "message.submitted", "message.delivered"]
    assert [data["sequence"] for data in got] == [1, 2, 3]
    assert {show("msg", ours)} == {data["message"]["id"] for data in got}
    assert got[2]["message"]["origin"] == "simulated"
    assert await stage.value("select count(*) from pending") == 0


async def test_later_reports_follow_the_trace(stage: Stage) -> None:
    """After the join, reports under the provider's id reach the message; repeats stay known."""
    ours = await stage.engine.sender.begin(stage.connection(TOKEN), _message())
    early = stage.callback("sent", "p1", token=TOKEN)
    await stage.receive(early, TOKEN)
    await _answer(stage, ours, "p1")
    await stage.receive(early, TOKEN)
    await _report(stage, "delivered", "p1")
    await until(lambda: len(stage.sink.received) == 4)
    assert _types(stage)[-1] == "message.delivered"
    assert await stage.value("select count(*) from subject where kind = 1") == 1
    rows = await stage.rows("select sequence from event where subject = $1 order by pos", ours)
    assert [1, 2, 3, 4] == [row[0] for row in rows]


async def test_a_report_after_the_answer_needs_no_wait(stage: Stage) -> None:
    """The usual order: answer, then report."""
    ours = await stage.engine.sender.begin(stage.connection(TOKEN), _message())
    await _answer(stage, ours, "p1")
    await _report(stage, "delivered", "p1")
    await until(lambda: len(stage.sink.received) == 3)
    assert await stage.value("select count(*) from subject") == 1


async def test_what_no_send_claims_is_observed(stage: Stage) -> None:
    """A report about somebody else's message, held back meanwhile, is let go after the answer."""
    ours = await stage.engine.sender.begin(stage.connection(TOKEN), _message())
    await _report(stage, "delivered", "stranger")
    await _answer(stage, ours, "p1")
    await until(lambda: "message.delivered" in _types(stage))
    event = next(
        body
        for request in stage.sink.received
        if (body := json.loads(request.body))["type"] == "message.delivered"
    )
    assert event["data"]["message"]["origin"] == "observed"
    assert event["data"]["message"]["provider_message_id"] == "stranger"
    assert await stage.value("select count(*) from pending") == 0


async def test_many_of_a_deleted_connection_hold_up_nobody(stage: Stage) -> None:
    """What was held back for it is told, and 500 that cannot be found keep no other waiting."""
    await stage.engine.sender.begin(stage.connection(TOKEN), _message())
    await _report(stage, "delivered", "stranger")
    await stage.execute(
        "insert into pending (subject, tenant, mode, kind, connection, until) "
        "select gen_random_uuid(), tenant, mode, 2, 999, now() - interval '1 hour' "
        "from pending, generate_series(1, 500) where kind = 2"
    )
    number = stage.connection(TOKEN).no
    async with stage.engine.configuration.change() as connection:
        await connection.execute("update connection set deleted = now() where no = $1", number)
    assert TOKEN not in stage.engine.configuration.snapshot.connections
    await stage.execute("update pending set until = now() where kind = 1")
    await until(lambda: "message.delivered" in _types(stage))
    await until_none_waits(stage)


async def until_none_waits(stage: Stage) -> None:
    """Wait until no early report is held back."""
    async with asyncio.timeout(10):
        while await stage.value("select count(*) from pending where kind = 2"):
            await asyncio.sleep(0.05)


async def test_other_addresses_and_connections_do_not_wait(stage: Stage) -> None:
    """Only a report on the same connection to the same address is held back."""
    await stage.engine.sender.begin(stage.connection(TOKEN), _message())
    other = stage.callback("delivered", "w1")
    assert (await stage.receive(other)).status == 200
    await until(lambda: "message.delivered" in _types(stage))


async def test_a_refusal_fails_the_message(stage: Stage) -> None:
    """The provider's error is the message's: failed, rejected, with the reason."""
    ours = await stage.engine.sender.begin(stage.connection(TOKEN), _message())
    why = Failure("recipient", "undeliverable", stage="rejected")
    result = SendResult("refused", error=why)
    await stage.engine.sender.finish(stage.connection(TOKEN), ours, result)
    await until(lambda: len(stage.sink.received) == 2)
    failed = json.loads(stage.sink.received[1].body)
    assert failed["type"] == "message.failed"
    assert failed["data"]["error"]["stage"] == "rejected"


async def test_answers_and_reports_meet_in_any_order(stage: Stage) -> None:
    """Random interleavings of the simulator's sends and its reports on two workers: every report
    joined, each message whole, none twice.
    """
    other = stage.another_engine()
    await other.start()
    await stage.execute("update endpoint set deleted = now()")
    await stage.engine.configuration.reload()
    await other.configuration.reload()
    chance = random.Random(15)
    connection = stage.connection(TOKEN)
    assert isinstance(connection.config, ProviderConfig)
    api = FakeApi(registry.get(connection.provider), connection.config)
    try:
        limit = asyncio.Semaphore(64)

        async def one(number: int) -> None:
            async with limit:
                await _interleave(stage, [stage.engine, other], chance, api, number)

        await asyncio.gather(*(one(number) for number in range(SIZES.early_interleavings)))
        async with asyncio.timeout(30):
            while await stage.value("select count(*) from pending"):
                await asyncio.sleep(0.1)
    finally:
        await other.stop()
    total = SIZES.early_interleavings
    assert await stage.value("select count(*) from subject where kind = 1") == total
    assert await stage.value("select count(*) from subject where kind = 1 and status = 5") == total
    wrong = await stage.rows(
        "select subject from event group by subject"
        " having count(*) <> 4 or max(sequence) <> 4 or count(distinct type) <> 4"
    )
    assert wrong == []


async def test_what_is_never_answered_holds_nothing_back_for_ever(stage: Stage) -> None:
    """Who sent is gone without an answer. A report waits for it for a minute, then it is told of as
    observed; the message is left as uncertain a few seconds later.
    """
    other = stage.another_engine()
    await other.start()
    ours = await other.sender.begin(stage.connection(TOKEN), _message())
    await other.stop()
    await _report(stage, "delivered", "p1")
    left = await stage.rows("select extract(epoch from until - now())::float from pending")
    assert 2 == len(left)
    assert all(30 < row[0] <= PENDING_S for row in left)
    await asyncio.sleep(SWEEP_S * 1.5)
    assert await stage.value("select count(*) from pending where kind = 2") == 1
    await stage.execute(f"update pending set until = until - interval '{PENDING_S} s'")
    await until(lambda: {"message.delivered", "message.submitted"} <= {*_types(stage)}, 20)
    assert {"message.queued", "message.delivered", "message.submitted"} == {*_types(stage)}
    told = [json.loads(got.body) for got in stage.sink.received]
    event = next(body["data"] for body in told if body["type"] == "message.delivered")
    assert event["message"]["origin"] == "observed"
    assert event["message"]["id"] != show("msg", ours)
    assert await stage.value("select count(*) from pending where kind = 2") == 0


async def test_a_sweep_that_fails_keeps_no_send_open(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That early reports cannot be let go is no reason to leave what was never answered waiting."""

    async def failing() -> int:
        raise ValueError("defect")

    monkeypatch.setattr(stage.engine.sweeper, "once", failing)
    await stage.engine.sender.begin(stage.connection(TOKEN), _message())
    await stage.execute(f"update pending set until = until - interval '{PENDING_S + 30} s'")
    await until(lambda: "message.submitted" in _types(stage), 20)


async def test_more_than_a_sweep_takes_is_let_go(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one sweep leaves the next ones take: each report is told of, once."""
    monkeypatch.setattr(send, "SWEEP_MAX", 20)
    ours = await stage.engine.sender.begin(stage.connection(TOKEN), _message())
    strangers = [f"s{number}" for number in range(50)]
    await asyncio.gather(*(_report(stage, "delivered", stranger) for stranger in strangers))
    assert await stage.value("select count(*) from pending where kind = 2") == len(strangers)
    await _answer(stage, ours, "p1")
    await until(lambda: _types(stage).count("message.delivered") == len(strangers))
    told = [json.loads(got.body)["data"]["message"] for got in stage.sink.received]
    assert sorted(strangers) == sorted(
        one["provider_message_id"] for one in told if one["origin"] == "observed"
    )
    assert await stage.value("select count(*) from pending") == 0


async def _interleave(
    stage: Stage, engines: list[Engine], chance: random.Random, api: FakeApi, number: int
) -> None:
    """Send by the simulator; its reports are under way from when it has taken the message."""
    connection = stage.connection(TOKEN)
    message = OutboundMessage(to=f"+1650555{number:06}", from_="+15550783881", channel="sms")
    ours = await chance.choice(engines).sender.begin(connection, message)
    result, _ = driven(api.provider.send(message, connection.config), api)
    assert "submitted" == result.outcome
    (provider_id,) = result.message_ids

    async def answer() -> None:
        await asyncio.sleep(chance.random() * 0.01)
        await chance.choice(engines).sender.finish(connection, ours, result, message)

    async def report(status: Status) -> None:
        await asyncio.sleep(chance.random() * 0.01)
        callback = stage.callback(status, provider_id, token=TOKEN, to=message.to)
        for _ in range(chance.choice((1, 1, 2))):
            reply = await chance.choice(engines).receiver.receive(TOKEN, callback)
            assert reply.status == 200

    await asyncio.gather(answer(), report("sent"), report("delivered"))


async def test_a_send_that_nobody_finished_is_uncertain(stage: Stage) -> None:
    """A worker dies between the commit of a message and the provider's answer: within the send's
    time nothing is said; then one worker says, once, that it may have been sent. Nobody sends it.
    """
    other = stage.another_engine()
    await other.start()
    ours = await other.sender.begin(stage.connection(TOKEN), _message())
    await other.stop()
    assert 0 == await stage.engine.sweeper.give_up()
    await stage.execute("update pending set until = now() - interval '6 seconds'")
    await until(lambda: len(stage.sink.received) == 2)
    data = json.loads(stage.sink.received[1].body)["data"]
    assert ["message.queued", "message.submitted"] == _types(stage)
    assert (show("msg", ours), True) == (data["message"]["id"], data["weak"])
    assert 0 == await stage.value("select count(*) from pending")


@pytest.mark.parametrize("refused", [False, True])
async def test_an_answer_that_comes_after_all_is_taken(stage: Stage, refused: bool) -> None:
    """Its send counts as uncertain already: the provider's word stands, and its id is known."""
    ours = await stage.engine.sender.begin(stage.connection(TOKEN), _message())
    await stage.execute("update pending set until = now() - interval '6 seconds'")
    await until(lambda: len(stage.sink.received) == 2)
    if refused:
        why = Failure("recipient", "undeliverable", stage="rejected")
        result = SendResult("refused", error=why)
        await stage.engine.sender.finish(stage.connection(TOKEN), ours, result)
    else:
        await _answer(stage, ours, "p1")
        await _report(stage, "delivered", "p1")
    last = ["message.failed"] if refused else ["message.submitted", "message.delivered"]
    await until(lambda: len(stage.sink.received) == 2 + len(last))
    assert ["message.queued", "message.submitted", *last] == _types(stage)
    assert not json.loads(stage.sink.received[2].body)["data"]["weak"]
    # Who does not know the answer, and says so now, says nothing new.
    await stage.engine.sender.finish(stage.connection(TOKEN), ours, SendResult("uncertain"))
    await stage.engine.committer.submit(
        Unanswered(Scope(stage.connection(TOKEN).tenant, Mode.TEST), ours, 0)
    )
    assert 2 + len(last) == await stage.value("select count(*) from event")


async def test_an_uncertain_send_keeps_no_other_from_its_end(stage: Stage) -> None:
    """Its connection is deleted, its message gone: neither holds up the sends beside it."""
    connection = stage.connection(TOKEN)
    gone = await stage.engine.sender.begin(connection, _message())
    ours = await stage.engine.sender.begin(connection, _message())
    await stage.execute(f"delete from subject_key where subject = '{gone}'")
    await stage.execute(f"update connection set deleted = now() where no = {connection.no}")
    await stage.execute("update pending set until = now() - interval '6 seconds'")
    await until(lambda: "message.submitted" in _types(stage))
    about = json.loads(stage.sink.received[-1].body)["data"]["message"]["id"]
    assert show("msg", ours) == about
