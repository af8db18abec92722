"""Callbacks of very many items: taken whole, in slices, in order, and all of it or once more."""

import json
import threading
import uuid
from collections.abc import AsyncIterator

import pytest

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback, HttpRequest
from ringback.domain.outcomes import WORD
from ringback.errors import DatabaseUnavailable
from ringback.providers import registry
from ringback.providers.base import Parsed
from ringback.services import failpoints, receive, slices
from ringback.services.slices import SLICE_ITEMS
from ringback.storage.audit import Actor
from ringback.storage.lists import Scope
from tests.services.stage import BASE_URL, Stage

TOKEN = "demo-whatsapp"
MANY = 4200
STORED = "select id, outcome, reason, items, octet_length(body) as size from callback order by id"
ACTOR = Actor(uuid.UUID(int=1))
TOLD = "select count(*)::int, count(distinct subject)::int from event"


@pytest.fixture
async def deaf(dsn: str) -> AsyncIterator[Stage]:
    """A running engine without an endpoint: nothing but what is stored."""
    stage = Stage(dsn)
    await stage.open()
    await stage.execute("update endpoint set deleted = now()")
    await stage.engine.configuration.reload()
    yield stage
    await stage.close()


def many(stage: Stage, *said: tuple[str, str], more: object = None) -> Callback:
    """Make one signed POST of the statuses (message id, word), and a value that is no change."""
    statuses = [
        {"id": id_, "status": word, "timestamp": str(1_800_000_000 + n), "recipient_id": "15550100"}
        for n, (id_, word) in enumerate(said)
    ]
    value = {"messaging_product": "whatsapp", "statuses": statuses}
    changes = [{"field": "messages", "value": value}, *([more] if more is not None else [])]
    entry = [{"id": "1", "changes": changes}]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
    connection = stage.connection(TOKEN)
    provider = registry.get(connection.provider)
    request = HttpRequest(
        "POST", f"{BASE_URL}/in/{TOKEN}", (("content-type", "application/json"),), body
    )
    signed = provider.authenticate(request, connection.config, 0)
    return Callback(signed.method, signed.url, signed.headers, signed.body, "127.0.0.1")


def each(count: int) -> list[tuple[str, str]]:
    """As many messages, each delivered."""
    return [(f"wamid.{n}", "delivered") for n in range(count)]


async def ids(stage: Stage) -> list[str]:
    """Return the messages that events tell of, by the provider's ids, in the order of the feed."""
    told = await stage.rows("select body from event where type like 'message.%' order by pos")
    return [json.loads(one["body"])["data"]["message"]["provider_message_id"] for one in told]


async def row(stage: Stage) -> tuple[str, str, int]:
    """Return the outcome, reason and items of the latest callback."""
    found = (await stage.rows(STORED))[-1]
    return WORD[found["outcome"]], found["reason"], found["items"]


async def test_4200_statuses_are_4200_messages(deaf: Stage) -> None:
    """One POST of 4,200: one callback that tells of all of them, an event each, in their order."""
    callback = many(deaf, *each(MANY))
    assert 200 == (await deaf.receive(callback)).status
    assert ("accepted", "", MANY) == await row(deaf)
    assert (MANY, MANY) == tuple((await deaf.rows(TOLD))[0])
    assert [id_ for id_, _ in each(MANY)] == await ids(deaf)
    assert [1] == [one[0] for one in await deaf.rows("select count(distinct callback) from event")]
    assert [len(callback.body)] == [one["size"] for one in await deaf.rows(STORED)]


async def test_what_fails_in_between_comes_again(
    deaf: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third slice fails: 503; posted once more all is taken, and nothing twice."""
    monkeypatch.setattr(slices, "SLICE_ITEMS", 8)
    callback, taken = many(deaf, *each(42)), 0

    async def reach(place: str) -> None:
        nonlocal taken
        taken += place == "after_recv"
        if taken == 3:
            raise DatabaseUnavailable("The third slice.")

    monkeypatch.setattr(failpoints, "reach", reach)
    assert 503 == (await deaf.receive(callback)).status
    assert 16 == len(await ids(deaf))
    monkeypatch.setattr(failpoints, "reach", None)
    assert 200 == (await deaf.receive(callback)).status
    assert ("accepted", "", 42) == await row(deaf)
    assert [id_ for id_, _ in each(42)] == await ids(deaf)
    assert 200 == (await deaf.receive(callback)).status
    assert ("duplicate", "", 42) == await row(deaf)
    assert 42 == await deaf.value("select count(*) from event")


async def test_what_cannot_be_stored_costs_its_slice(
    deaf: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL refuses one message: its slice is named, the others are taken; then read again."""
    monkeypatch.setattr(slices, "SLICE_ITEMS", 8)
    said = each(42)
    await deaf.execute(
        "alter table event add constraint odd check (position('wamid.12\"'::bytea in body) = 0)"
    )
    assert 200 == (await deaf.receive(many(deaf, *said))).status
    outcome, reason, _ = await row(deaf)
    assert ("unparsed", "Items 9 to 16 could not be stored.") == (outcome, reason)
    assert [id_ for id_, _ in said[:8] + said[16:]] == await ids(deaf)
    await deaf.execute("alter table event drop constraint odd")
    (stored,) = await deaf.rows(STORED)
    connection = deaf.connection(TOKEN)
    scope = Scope(connection.tenant, connection.mode)
    again = await deaf.engine.again.reparse(scope, ACTOR, stored["id"], effects=True)
    assert again is not None
    assert ("accepted", 8) == (again.outcome, len(again.events))
    assert ("accepted", "", 42) == await row(deaf)
    assert {id_ for id_, _ in said} == set(await ids(deaf))


async def test_the_row_tells_of_the_whole(deaf: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is only found in the last slice stands in the row; one message keeps its order."""
    monkeypatch.setattr(slices, "SLICE_ITEMS", 8)
    said = [*each(15), ("wamid.story", "sent"), ("wamid.story", "delivered")]
    callback = many(deaf, *said, more={"field": "not_of_ours", "value": {"a": 1}})
    assert 200 == (await deaf.receive(callback)).status
    assert ("unrecognised", "", 18) == await row(deaf)
    told = await deaf.rows("select type from event where sequence in (1, 2) order by pos")
    assert ["message.sent", "message.delivered"] == [one["type"] for one in told[15:17]]
    assert 1 == deaf.engine.receiver.outcomes["whatsapp", "unrecognised"]


async def test_large_bodies_are_read_beside(deaf: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body over 64 KiB is read by another thread than the one that serves, a small one by it."""
    threads: list[bool] = []
    really = receive.read

    def noting(connection: Connection, callback: Callback) -> Parsed:
        threads.append(threading.current_thread() is threading.main_thread())
        return really(connection, callback)

    monkeypatch.setattr(receive, "read", noting)
    small, large = many(deaf, *each(1)), many(deaf, *each(SLICE_ITEMS), *each(SLICE_ITEMS))
    assert len(small.body) < receive.ASIDE < len(large.body)
    await deaf.receive(small)
    await deaf.receive(large)
    assert [True, False] == threads


async def test_up_to_a_slice_it_is_one_commit(deaf: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """512 items are submitted as one, as a single item is; 513 as two."""
    submitted: list[int] = []

    async def reach(place: str) -> None:
        if place == "after_recv":
            submitted.append(1)

    monkeypatch.setattr(failpoints, "reach", reach)
    await deaf.receive(many(deaf, *each(SLICE_ITEMS)))
    assert 1 == len(submitted)
    await deaf.receive(many(deaf, *each(SLICE_ITEMS + 1)))
    assert 3 == len(submitted)
    assert SLICE_ITEMS + 1 == await deaf.value("select count(*) from event")
