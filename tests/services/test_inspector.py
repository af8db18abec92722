"""The built-in inspector: what it answers, what it keeps, and that nothing it is sent ends it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from ringback.domain.endpoints import Mode
from ringback.domain.http import Callback, HttpResponse
from ringback.services.inspector import (
    BODY_KEPT,
    NAMES_MAX,
    WAITING_BYTES_MAX,
    WAITING_MAX,
    Behaviour,
    Inspector,
    behaviour,
)
from ringback.storage import inspector as stored
from ringback.storage.database import Database

TENANT, MODE = 1, Mode.TEST
NEWEST = (1 << 63) - 1
_CHUNK = 100


@pytest.fixture
async def database(module_dsn: str) -> AsyncIterator[Database]:
    """A pool on a database whose inspector has received nothing."""
    database = Database(module_dsn)
    await database.open()
    await database.rows("truncate inspected_request")
    yield database
    await database.close()


class Desk:
    """An inspector with its loop running, and a caller for it."""

    def __init__(self, database: Database) -> None:
        """Build it; `running` starts its loop."""
        self.database = database
        self.inspector = Inspector(database, TENANT)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the loop that writes; it must not have ended by itself."""
        loop = asyncio.create_task(self.inspector.run())
        try:
            yield
            assert not loop.done()
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    async def send(
        self, name: str, query: str = "", body: bytes = b"{}", method: str = "POST"
    ) -> HttpResponse:
        """Make one request."""
        url = f"http://localhost:8420/inspect/{name}" + (f"?{query}" if query else "")
        return await self.inspector.handle(name, Callback(method, url, (("a", "1"),), body))

    async def kept(self, name: str) -> list[stored.Inspected]:
        """Return what is kept of a name, newest first."""
        return await stored.newest(
            self.database, TENANT, MODE, name, before=NEWEST, limit=10 * stored.KEPT
        )

    async def written(self, name: str, count: int) -> list[stored.Inspected]:
        """Wait until so many requests of a name are kept."""
        async with asyncio.timeout(10):
            while len(kept := await self.kept(name)) != count:
                await asyncio.sleep(0.02)
        return kept


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Behaviour()),
        ("status=503", Behaviour(503)),
        ("status=204&delay=0", Behaviour(204)),
        ("delay=2s", Behaviour(200, 2.0)),
        ("delay=250ms", Behaviour(200, 0.25)),
        ("delay=1.5", Behaviour(200, 1.5)),
        ("delay=60s", Behaviour(200, 60.0)),
        ("times=3&status=500", Behaviour(500, 0.0, 3)),
        ("times=0", Behaviour(200, 0.0, 0)),
        ("other=1&%zz=%00", Behaviour()),
        ("status=500&status=404", Behaviour(404)),
    ],
)
def test_a_query_says_how_to_behave(query: str, expected: Behaviour) -> None:
    """Status, delay and times; what else stands in a query is nobody's business."""
    assert expected == behaviour(query)


async def test_a_query_that_makes_no_sense_is_refused(database: Database) -> None:
    """400 with words, and it is not kept."""
    desk = Desk(database)
    for query, word in (
        *((f"status={status}", "status")
          for status in ("", "99", "100", "199", "600", "2000", "5xx", "-1", "+200", "20 ", "٢٠٠")),
        *((f"delay={delay}", "delay")
          for delay in ("", "s", "-1s", "1m", "61s", "60001ms", "1e3", "nan", "1.2345s", "9" * 7)),
        *((f"times={times}", "times") for times in ("", "-1", "1.5", "many", "1234567", "٣")),
        ("&".join(f"a{number}=1" for number in range(21)), "20 fields"),
    ):  # fmt: skip
        found = behaviour(query)
        assert isinstance(found, str)
        assert word in found
        assert 400 == (await desk.send("x", query)).status
    async with desk.running():
        await desk.send("x")
        await desk.written("x", 1)


async def test_a_name_is_letters_digits_and_dashes(database: Database) -> None:
    """Anything else is not found, and says what to write."""
    for name in ("", "a/b", "a b", "é", "a" * 65, "%41", "a.b", "../x", "a\n"):
        answer = await Desk(database).send(name)
        assert 404 == answer.status
        assert b"letters" in answer.body


async def test_it_misbehaves_as_often_as_it_was_told(database: Database) -> None:
    """Three times 503, then 200 for ever: for this name and exactly this query."""
    desk = Desk(database)
    answers = [(await desk.send("a", "status=503&times=3")).status for _ in range(5)]
    assert [503, 503, 503, 200, 200] == answers
    assert 503 == (await desk.send("b", "status=503&times=3")).status
    assert 503 == (await desk.send("a", "times=3&status=503")).status
    assert [500] * 5 == [(await desk.send("a", "status=500")).status for _ in range(5)]
    async with desk.running():
        kept = await desk.written("a", 11)
    assert [500] * 5 + [503, 200, 200] + [503] * 3 == [one.answered for one in kept]


async def test_it_answers_late_when_told_to(database: Database) -> None:
    """A delay counts for the misbehaviour, and no longer once that is over."""
    desk = Desk(database)
    began = time.monotonic()
    await desk.send("a", "delay=300ms&times=1")
    first = time.monotonic() - began
    await desk.send("a", "delay=300ms&times=1")
    second = time.monotonic() - began - first
    assert first >= 0.3
    assert second < 0.3


async def test_a_status_without_a_body_has_none(database: Database) -> None:
    """204, 205 and 304 come bare; the others say that it was received."""
    desk = Desk(database)
    bodies = [(await desk.send("a", f"status={status}")).body for status in (200, 204, 205, 304)]
    assert [b"received\n", b"", b"", b""] == bodies


async def test_the_last_five_hundred_of_a_name_are_kept(database: Database) -> None:
    """In the order in which they came; other names are not touched."""
    desk = Desk(database)
    async with desk.running():
        await desk.send("other")
        for number in range(620):
            await desk.send("a", f"n={number}")
            if number % _CHUNK == 0:
                await asyncio.sleep(0.05)
        await desk.written("other", 1)
        async with asyncio.timeout(10):
            while "n=619" not in (await desk.kept("a"))[0].url:
                await asyncio.sleep(0.02)
    kept = await desk.kept("a")
    assert [f"n={number}" for number in range(619, 119, -1)] == [
        one.url.partition("?")[2] for one in kept
    ]


async def test_a_request_is_kept_as_it_came(database: Database) -> None:
    """Method, URL, headers, the first 256 KiB of the body, and what it was answered with."""
    desk = Desk(database)
    async with desk.running():
        await desk.send("a", "status=418", b"\0\xff" * BODY_KEPT, "PATCH")
        (one,) = await desk.written("a", 1)
    assert ("PATCH", "http://localhost:8420/inspect/a?status=418") == (one.method, one.url)
    assert ((("a", "1"),), (b"\0\xff" * BODY_KEPT)[:BODY_KEPT], 418) == (
        one.headers, one.body, one.answered,
    )  # fmt: skip


async def test_two_hundred_names_at_a_time(database: Database) -> None:
    """429 for one more, also after a restart; a name that was cleared makes room again."""
    desk = Desk(database)
    async with desk.running():
        for number in range(NAMES_MAX):
            assert 200 == (await desk.send(f"n{number}")).status
        assert 429 == (await desk.send("more")).status
        assert 200 == (await desk.send("n7")).status
        await desk.written("n7", 2)
    again = Desk(database)
    async with again.running():
        await asyncio.sleep(0.1)
        assert 429 == (await again.send("more")).status
        await stored.clear(database, TENANT, MODE, "n0")
        async with asyncio.timeout(10):
            while (await again.send("more")).status == 429:
                await asyncio.sleep(0.1)


async def test_what_no_text_column_takes_costs_nobody_anything(database: Database) -> None:
    """A NUL in URL or method is replaced; what cannot be stored at all is left out, alone."""
    desk = Desk(database)
    for number in range(50):
        await desk.send("a", f"n={number}")
    await desk.send("a", "n=50\0", method="PO\0ST")
    await desk.send("a", "n=\ud800")
    await desk.send("a", "n=51")
    async with desk.running():
        kept = await desk.written("a", 52)
        await desk.send("a", "n=52")
        await desk.written("a", 53)
    assert ("PO\ufffdST", "n=50\ufffd") == (kept[1].method, kept[1].url.partition("?")[2])


async def test_what_waits_is_bounded(database: Database) -> None:
    """While nothing can be written the oldest are forgotten, by number and by bytes."""
    desk = Desk(database)
    large = WAITING_BYTES_MAX // BODY_KEPT
    for number in range(large + 20):
        await desk.send("large", f"n={number}", b"x" * BODY_KEPT)
    async with desk.running():
        kept = await desk.written("large", large - 1)
        assert f"n={large + 19}" in kept[0].url
    for number in range(WAITING_MAX + 20):
        await desk.send("small" if number < 20 else "later")
    async with desk.running():
        await desk.written("later", stored.KEPT)
    assert [] == await desk.kept("small")


async def test_it_goes_on_when_the_database_comes_back(database: Database) -> None:
    """What could not be written is lost, the loop is not."""
    desk = Desk(database)
    async with desk.running():
        await database.close()
        assert 200 == (await desk.send("a", "n=1")).status
        await asyncio.sleep(0.1)
        await database.open()
        await desk.send("a", "n=2")
        (one,) = await desk.written("a", 1)
    assert one.url.endswith("n=2")


async def test_two_workers_keep_one_list(database: Database) -> None:
    """Both write to the same names at once: together the last 500 of each, and nobody fails."""
    desks = [Desk(database), Desk(database)]

    async def write(desk: Desk) -> None:
        for number in range(800):
            await desk.send(f"n{number % 2}", f"n={number}")
            if number % 20 == 0:
                await asyncio.sleep(0.01)

    async with desks[0].running(), desks[1].running():
        await asyncio.gather(*map(write, desks))
        for name, last in (("n0", 798), ("n1", 799)):
            kept = await desks[0].written(name, stored.KEPT)
            assert 1 <= sum(one.url.endswith(f"n={last}") for one in kept) <= 2
            ids = [one.id for one in kept]
            assert sorted(ids, reverse=True) == ids
