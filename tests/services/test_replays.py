"""T04: callbacks that carry no time are replayed: across a restart, after weeks, many at once."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from ringback.app import Engine
from ringback.domain.consent import CODE
from ringback.domain.endpoints import Mode
from ringback.domain.http import Callback as Request
from ringback.domain.http import HttpResponse
from ringback.domain.ids import DAY_MS, uuid7
from ringback.domain.messages import Status
from ringback.providers import registry
from ringback.providers.base import OutboundMessage
from ringback.services.retain import Periods, Retainer
from ringback.storage import configuration as stored
from ringback.storage.database import connect
from ringback.storage.partitions import today
from tests.providers.cases import raw_config
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage
from tests.sizes import SIZES

AT_ONCE = 16
SETTLE_S = 300.0
# Partitions are made for two weeks: within them the clock can go on.
DAYS_ON = 13
# What the providers whose callbacks carry no time say: reports, messages, verifications, and words
# that Twilio takes for an opt-out, or that are heard.
KINDS: list[tuple[str, Status, dict[str, object], str]] = [
    ("demo-whatsapp", "sent", {}, "Hello"),
    ("demo-whatsapp", "received", {}, "Hello"),
    ("demo-bandwidth", "delivered", {}, "Hello"),
    ("demo-bandwidth", "received", {}, "Stop"),
    ("demo-bandwidth", "sent", {"kind": "toll_free"}, "Hello"),
    ("twilio-replayed-0123456789", "delivered", {}, "Hello"),
    ("twilio-replayed-0123456789", "received", {}, "STOP"),
    ("twilio-replayed-0123456789", "received", {}, "Start"),
    ("twilio-replayed-0123456789", "received", {}, "Arr\u00eat"),
    ("smsportal-replayed-0123456789", "delivered", {}, "Hello"),
    ("smsportal-replayed-0123456789", "received", {}, "STOP"),
]

# A signature over a time is refused on a later day, and shows nothing.
LASTING: dict[str, dict[str, object]] = {
    "smsportal": {
        "verify": {"scheme": "header", "name": "X-Hook-Key", "value": "not-a-real-hook-key"}
    }
}
Receive = Callable[[str, Request], Awaitable[HttpResponse]]


async def _connect(stage: Stage, name: str) -> None:
    """Add a connection with the config of a provider's recordings, and a proof that lasts."""
    configuration, now = stage.engine.configuration, datetime.now(UTC)
    id_ = uuid7(stage.engine.clock.now_ms(), os.urandom(10))
    tenant = next(iter(configuration.snapshot.tenants))
    config = raw_config(registry.get(name)) | LASTING.get(name, {})
    new = stored.StoredConnection(
        0, id_, tenant, Mode.TEST, name, name, f"{name}-replayed-0123456789", config, now, now
    )
    async with configuration.change() as connection:
        await stored.add_connection(connection, configuration.vault, new)


def _callbacks(stage: Stage, count: int) -> list[tuple[str, Request]]:
    """Make callbacks that are all about something else, as (token, request)."""
    made = []
    for number in range(count):
        token, status, content, text = KINDS[number % len(KINDS)]
        connection = stage.connection(token)
        provider = registry.get(connection.provider)
        message = OutboundMessage(
            f"+1888{number:07}", "+15550783881", provider.channels[0], text, f"wamid.{number}",
            at_ms=stage.engine.clock.now_ms(), content=content,
        )  # fmt: skip
        url = f"{BASE_URL}/in/{token}"
        request = provider.simulate(message, status, connection.config, url)
        made.append((token, Request(request.method, url, request.headers, request.body)))
    return made


async def _post(receive: Receive, callbacks: list[tuple[str, Request]]) -> None:
    """Post them in any order, sixteen at once; each is answered as if it were new."""
    shuffled = iter(random.sample(callbacks, len(callbacks)))

    async def some() -> None:
        for token, callback in shuffled:
            assert (await receive(token, callback)).status in (200, 204)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def _weeks_later(stage: Stage) -> None:
    """Do to the database what housekeeping does within 71 days: a change of generations, and 35.

    Keys were new just before the generation after theirs began, which is the worst that can be.
    """
    retainer = Retainer(stage.engine.database, Periods())
    connection = await connect(stage.dsn)
    try:
        now = await today(connection)
    finally:
        await connection.close()
    for days in (36, 35):
        await stage.execute(f"update once_generation set since = since - interval '{days} days'")
        dropped = await retainer.once(now + timedelta(days=35))
        assert f"callback_{now:%Y%m%d}" in dropped
        await retainer.once()


def _days_on(engine: Engine, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what comes to an engine from now on come so many days later."""
    now_ms = engine.clock.now_ms
    monkeypatch.setattr(engine.clock, "now_ms", lambda: now_ms() + days * DAY_MS)


@pytest.mark.timeout(900)
async def test_a_replay_has_no_effect_whenever_it_comes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each six times, shuffled, sixteen at once, by two workers, and weeks later: told once.

    The receiver gets each event once, whatever comes again.
    """
    await stage.add_endpoint(stage.sink.url, "sender.*", "contact.*")
    for name in ("twilio", "smsportal"):
        await _connect(stage, name)
    count = SIZES.replayed_callbacks
    callbacks = _callbacks(stage, count)
    # A word about consent is a message, and what it means.
    count += sum(KINDS[number % len(KINDS)][3] != "Hello" for number in range(count))

    async def settled() -> None:
        await until(lambda: len(stage.sink.received) >= count, SETTLE_S)
        assert count == await stage.value("select count(*) from event")

    await _post(stage.engine.receiver.receive, callbacks * 2)
    await settled()
    again = stage.another_engine()
    await stage.engine.stop()
    await again.start()
    try:
        await _post(again.receiver.receive, callbacks)
        await settled()
        await _weeks_later(stage)
        assert 0 < await stage.value("select count(*) from once_key")  # type: ignore[operator]
        await _post(again.receiver.receive, callbacks * 2)
        _days_on(again, DAYS_ON, monkeypatch)
        await _post(again.receiver.receive, callbacks)
        await settled()
        ids = [got.headers["webhook-id"] for got in stage.sink.received]
        assert (count, count) == (len(ids), len(set(ids)))
        async with asyncio.timeout(SETTLE_S):
            while await stage.value("select count(*) from delivery"):
                await asyncio.sleep(0.05)
        types = {msgspec.json.decode(got.body)["type"] for got in stage.sink.received}
        assert types == {
            "message.sent", "message.delivered", "message.received", "sender.status_changed",
            "contact.opted_out", "contact.opted_in",
        }  # fmt: skip
    finally:
        await again.stop()


async def test_a_replayed_start_lifts_no_later_stop(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """START, then STOP; the START as it was signed, on the days after: the STOP holds."""
    connection = await stage.connect("twilio", raw_config(registry.get("twilio")))
    provider, url = registry.get("twilio"), f"{BASE_URL}/in/{connection.token}"

    async def say(word: str) -> None:
        message = OutboundMessage(
            "+15550100900", "+15550100123", "sms", word, f"SM{word}", at_ms=1_772_000_000_000
        )
        made = provider.simulate(message, "received", connection.config, url)
        callback = Request(made.method, made.url, made.headers, made.body)
        assert 200 == (await stage.receive(callback, connection.token)).status

    for word in ("START", "STOP", "START"):
        await say(word)
    for days in (1, DAYS_ON - 1):
        _days_on(stage.engine, days, monkeypatch)
        await say("START")
    assert 4 == await stage.value("select count(*) from event")
    assert {CODE["opted_out"]} == {
        row[0] for row in await stage.rows("select word from suppression")
    }
