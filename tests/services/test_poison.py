"""T13: spoiled callbacks that are rightly signed, of every provider, through a whole engine.

And what the database refuses: one in a full batch costs only itself.
"""

import asyncio
import random
from collections import Counter

import msgspec
import pytest

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback, HttpRequest
from ringback.domain.publishing import NewEvent
from ringback.errors import DatabaseUnavailable
from ringback.providers import registry
from ringback.services import commit
from ringback.services.batch import Scope
from ringback.services.commit import BATCH_MAX
from ringback.services.flood import LISTED_PER_HOUR
from ringback.services.publications import Publication
from ringback.storage.database import Connection as Session
from ringback.storage.hot import CommitRows, Committed, commit_batch
from tests.providers.cases import GENUINE, Case, raw_config
from tests.providers.mutations import mutated
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage, fresh
from tests.sizes import SIZES

AT_ONCE = 64
# A full batch is refused; halving it asks for two at each of nine levels.
HALVINGS = BATCH_MAX.bit_length() - 1
COMMITS_MAX = 1 + 2 * HALVINGS
# Adapters that tell their callers what is wrong with a body, instead of taking it.
POSTED = [provider for provider in registry.PROVIDERS.values() if not provider.keyed]


def poisoned(case: Case, connection: Connection, now_ms: int, dice: random.Random) -> Callback:
    """Spoil a recording and sign what came of it, as its provider would."""
    spoiled = mutated(case.callback, dice)
    url = f"{BASE_URL}/in/{connection.token}"
    query = spoiled.query if spoiled.query.isascii() and spoiled.query.isprintable() else ""
    if query and " " not in query:
        url += f"?{query}"
    names = ("content-type", "user-agent")
    headers = tuple(header for header in spoiled.headers if header[0].lower() in names)
    request = HttpRequest(case.callback.method, url, headers, spoiled.body)
    proved = case.provider.authenticate(request, connection.config, now_ms)
    return Callback(proved.method, proved.url, proved.headers, proved.body, "127.0.0.1")


async def test_poisoned_callbacks_are_answered_and_kept(stage: Stage) -> None:
    """All get their 2xx; what is kept is what came, byte for byte; no parser has a defect."""
    dice, room = random.Random(13), asyncio.Semaphore(AT_ONCE)
    each = -(-SIZES.poisoned_bodies // len(POSTED))
    posted: dict[int, Counter[bytes]] = {}
    statuses: Counter[int] = Counter()

    async def post(token: str, callback: Callback) -> None:
        async with room:
            statuses[(await stage.receive(callback, token)).status] += 1

    for provider in POSTED:
        connection = await stage.connect(provider.name, raw_config(provider))
        cases = [c for c in GENUINE if c.provider is provider and c.config == connection.config]
        bodies: Counter[bytes] = Counter()
        tasks = []
        for _ in range(each):
            now = stage.engine.clock.now_ms()
            callback = poisoned(dice.choice(cases), connection, now, dice)
            # A form that cannot be read is what some signatures cannot be made of.
            if provider.verify(callback, connection.config, now).verdict == "ok":
                bodies[callback.body] += 1
                tasks.append(post(connection.token, callback))
        assert len(tasks) > each * 0.8, provider.name
        posted[connection.no] = bodies
        await asyncio.gather(*tasks)
    assert {status // 100 for status in statuses} == {2}
    assert sum(statuses.values()) == sum(sum(bodies.values()) for bodies in posted.values())
    await all_kept(stage, posted)


async def all_kept(stage: Stage, posted: dict[int, Counter[bytes]]) -> None:
    """Hold what is stored to what was posted; only duplicates beyond the first hundred may lack."""
    rows = await stage.rows("select connection, body, outcome, reason from callback")
    assert [] == [row["reason"] for row in rows if "defect" in row["reason"]]
    outcomes = stage.engine.receiver.outcomes
    assert [] == [what for _, what in outcomes if what in ("defect", "unavailable", "rejected")]
    for connection in stage.engine.configuration.snapshot.connections.values():
        if connection.no not in posted:
            continue
        stored = Counter(row["body"] for row in rows if row["connection"] == connection.no)
        assert stored <= posted[connection.no]
        repeated = outcomes[connection.provider, "duplicate"]
        lacking = (posted[connection.no] - stored).total()
        # One that comes round again, because another was first, may use up a place twice.
        listed = LISTED_PER_HOUR - AT_ONCE
        assert repeated - LISTED_PER_HOUR <= lacking <= max(0, repeated - listed)
    # The bodies are near enough to real ones to reach past the parsers.
    assert {"accepted", "unparsed", "unrecognised", "unmatched"} <= {what for _, what in outcomes}


def test_every_provider_is_poisoned() -> None:
    """Whoever adds a provider has it in this test; keyed ones refuse with words instead."""
    assert {"whatsapp", "bandwidth", "smsportal", "generic"} <= {one.name for one in POSTED}


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much each commit that was asked for had, in callbacks and events of publishers."""
    sizes: list[int] = []

    async def counted(session: Session, worker: int, rows: CommitRows) -> Committed:
        published = sum(row[8] is None for row in rows.events)
        sizes.append(len(rows.callbacks) + published)
        return await commit_batch(session, worker, rows)

    monkeypatch.setattr(commit, "commit_batch", counted)
    return sizes


async def test_one_in_a_full_batch_is_kept_raw(stage: Stage, committed: list[int]) -> None:
    """Of 512 in one commit a callback has a byte that no text column takes: it is kept unread, all
    others as if it were not there, after two commits for each halving and one for itself.
    """
    good = [stage.callback("sent", fresh()) for _ in range(BATCH_MAX - 1)]
    bad = stage.callback("sent", fresh())
    spoiled = Callback(bad.method, bad.url + "?a=\0", bad.headers, bad.body)
    place = BATCH_MAX // 3
    every = [*good[:place], spoiled, *good[place:]]
    answers = await asyncio.gather(*(stage.receive(item) for item in every))
    assert {200: BATCH_MAX} == Counter(answer.status for answer in answers)
    assert BATCH_MAX == committed[0]
    assert len(committed) <= COMMITS_MAX + 1
    outcomes = await stage.rows("select outcome, count(*) from callback group by 1 order by 1")
    assert [(2, BATCH_MAX - 1), (5, 1)] == [tuple(row) for row in outcomes]
    assert bad.body == await stage.value("select body from callback where outcome = 5")
    await until(lambda: len(stage.sink.received) == BATCH_MAX - 1)


async def test_one_that_cannot_be_stored_at_all_is_told(stage: Stage, committed: list[int]) -> None:
    """Of 512 in one commit something has no simpler form either: whoever asked is to come again,
    and everybody else is answered.
    """
    good = [stage.callback("sent", fresh()) for _ in range(BATCH_MAX - 1)]
    connection = stage.connection()
    event = NewEvent(type="no\0text", data=msgspec.Raw(b"{}"))
    work = Publication(Scope(connection.tenant, connection.mode), [event], 0)
    told, *answers = await asyncio.gather(
        stage.engine.committer.submit(work), *map(stage.receive, good), return_exceptions=True
    )
    assert isinstance(told, DatabaseUnavailable)
    assert {200: BATCH_MAX - 1} == Counter(answer.status for answer in answers)  # type: ignore[union-attr]
    assert BATCH_MAX == committed[0]
    assert len(committed) <= COMMITS_MAX
    assert BATCH_MAX - 1 == await stage.value("select count(*) from callback where outcome = 2")
    assert BATCH_MAX - 1 == await stage.value("select count(*) from event")
