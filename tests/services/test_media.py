"""Files that people send: fetched once through the guard, kept, served by their links."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ringback.domain.http import Callback
from ringback.domain.ids import read, show
from ringback.domain.media import FILE_MAX, LINK_S, PER_MESSAGE_MAX, link, linked, served_as
from ringback.providers.base import Inbound, Parsed
from ringback.services import media as fetching
from ringback.services.arrivals import Arrival
from ringback.services.media import Media, Pace
from ringback.services.media_store import Directory, StoreError
from ringback.services.retain import Periods, Retainer
from ringback.storage import media as rows
from ringback.storage.database import Database
from tests.services.stage import BASE_URL, Stage
from tests.transport.receivers import Receiver, receiving

SECRET = b"s" * 32
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400


@pytest.fixture
async def provider() -> AsyncIterator[Receiver]:
    """A provider that answers with a picture."""
    async with receiving() as receiver:
        receiver.reply = answer(200, PICTURE, "Content-Type: image/png")
        yield receiver


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Write an answer."""
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def arrive(stage: Stage, *urls: str, token: str = "demo-simulator") -> list[dict[str, str]]:
    """Take a message with files; return their entries in its content, as it is stored."""
    connection = stage.connection(token)
    now = stage.engine.clock.now_ms()
    named = f"in-{uuid.uuid4().hex}"
    content: dict[str, object] = {
        "kind": "media",
        "media": [{"url": url, "caption": "My door"} for url in urls],
    }
    item = Inbound(named, named, "+15550100123", "+15550100900", content, "mms", now)
    callback = Callback("POST", f"{BASE_URL}/in/x", (), b"{}")
    arrival = Arrival(connection, callback, now, Parsed((item,)))
    await stage.engine.receiver.submit(arrival)
    body = await stage.value("select body from event where id = $1", arrival.emitted[0])
    assert isinstance(body, bytes)
    found: list[dict[str, str]] = json.loads(body)["data"]["message"]["content"]["media"]
    return found


async def settled(stage: Stage, file: str, *states: int) -> dict[str, object]:
    """Wait until a file is in one of these states; return its row."""
    for _ in range(400):
        (row,) = await stage.rows("select * from media where id = $1", read("med", file))
        if row["state"] in states and not (row["state"] == 1 and row["error"] is None):
            return dict(row)
        await asyncio.sleep(0.02)
    raise AssertionError(f"{file} is not settled: {dict(row)}")


async def test_a_file_is_fetched_once_and_kept(stage: Stage, provider: Receiver) -> None:
    """The event has its link at once; the file is fetched without being asked for, one time."""
    (entry,) = await arrive(stage, provider.url("/door.png"))
    row = await settled(stage, entry["file"], 2)
    assert ("image/png", len(PICTURE), hashlib.sha256(PICTURE).digest(), None, 1) == (
        row["content_type"], row["size"], row["sha256"], row["due"], row["tries"],
    )  # fmt: skip
    assert "My door" == entry["caption"]
    token = entry["link"].removeprefix(f"{BASE_URL}/media/")
    named = linked(stage.engine.configuration.snapshot.hash_key, token)
    assert named is not None
    assert entry["file"] == show("med", named[0])
    assert PICTURE == await stage.engine.store.get(named[0])
    await stage.engine.media.once()
    await stage.engine.media.settled()
    assert 1 == len(provider.heads)


async def test_a_repeated_message_brings_no_second_file(stage: Stage, provider: Receiver) -> None:
    """Only what is new is work: the rows are those of the message's one fact."""
    connection = stage.connection("demo-simulator")
    now = stage.engine.clock.now_ms()
    content: dict[str, object] = {"kind": "media", "media": [{"url": provider.url()}]}
    item = Inbound("again", "again", "+15550100123", "+15550100900", content, "mms", now)
    for _ in range(2):
        callback = Callback("POST", f"{BASE_URL}/in/x", (), b"{}")
        await stage.engine.receiver.submit(Arrival(connection, callback, now, Parsed((item,))))
    assert 1 == await stage.value("select count(*) from media")


async def test_a_failure_is_tried_again_and_given_up_after_a_day(
    stage: Stage, provider: Receiver
) -> None:
    """The waits grow; the row says why; after the last one nothing more is tried."""
    provider.reply = answer(503)
    (entry,) = await arrive(stage, provider.url("/late"))
    row = await settled(stage, entry["file"], 1)
    assert ("The provider answered 503.", 1, 0) == (row["error"], row["failures"], row["unended"])
    assert 86_400 <= sum(fetching.WAITS_S) <= 90_000
    await stage.execute(f"update media set failures = {len(fetching.WAITS_S)}, due = now()")
    await stage.engine.media.once()
    row = await settled(stage, entry["file"], 3)
    assert (None, "The provider answered 503.") == (row["due"], row["error"])


async def test_too_large_a_file_is_given_up_at_once(stage: Stage, provider: Receiver) -> None:
    """One byte more than 25 MiB, and nothing is kept; trying again would not make it smaller."""
    provider.reply = answer(200, b"x" * (FILE_MAX + 1))
    (entry,) = await arrive(stage, provider.url("/film"))
    row = await settled(stage, entry["file"], 3)
    assert "It is larger than 25 MiB." == row["error"]


async def test_the_guard_stands_before_files_too(stage: Stage) -> None:
    """A link into a private network is not followed, and the row says so."""
    (entry,) = await arrive(stage, "http://10.0.0.1/secret")
    row = await settled(stage, entry["file"], 1)
    assert str(row["error"]).startswith("guard_denied: ")


async def test_a_redirect_is_followed_without_credentials(stage: Stage, provider: Receiver) -> None:
    """Three at most; elsewhere only the URL goes along, and the guard judges each."""
    async with receiving() as first:
        first.reply = answer(307, b"", f"Location: {provider.url('/moved')}")
        (entry,) = await arrive(stage, first.url("/door"))
        assert 2 == (await settled(stage, entry["file"], 2))["state"]
        assert [b"GET /moved HTTP/1.1"] == [head.split(b"\r\n")[0] for head in provider.heads]
        first.reply = answer(307, b"", "Location: /round")
        (entry,) = await arrive(stage, first.url("/round"))
        row = await settled(stage, entry["file"], 1)
        assert "It was sent on more than 3 times." == row["error"]


async def test_a_redirect_to_nonsense_is_a_failure(stage: Stage, provider: Receiver) -> None:
    """What is no URL is not followed, and the file is tried again later like any other."""
    provider.reply = answer(302, b"", "Location: http://[")
    (entry,) = await arrive(stage, provider.url("/odd"))
    row = await settled(stage, entry["file"], 1)
    assert ("It was sent on to what is no URL.", True) == (row["error"], row["due"] is not None)


@asynccontextmanager
async def hanging(reply: bytes = b"") -> AsyncIterator[tuple[Receiver, asyncio.Event]]:
    """A provider that answers nothing until the event is set."""
    gate = asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await slow.read(reader)
        await gate.wait()
        writer.write(reply)
        await writer.drain()

    async with receiving(slowly) as slow:
        yield slow, gate


async def asked(receiver: Receiver, count: int) -> None:
    """Wait until a provider was asked so often."""
    for _ in range(1500):
        if len(receiver.heads) >= count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"asked {len(receiver.heads)} times, not {count}")


async def due_now(stage: Stage) -> None:
    """Let the waits after failures be over, and look."""
    await stage.execute("update media set due = now() where due is not null and tried")
    stage.engine.media.poke()


async def test_slow_files_of_one_keep_those_of_others_not_waiting(
    stage: Stage, provider: Receiver
) -> None:
    """A connection has four under way at most: another's file is fetched at once."""
    async with hanging(provider.reply) as (slow, gate):
        many = await arrive(stage, *[slow.url(f"/{number}") for number in range(10)])
        (other,) = await arrive(stage, provider.url("/door.png"), token="demo-bandwidth")
        assert 2 == (await settled(stage, other["file"], 2))["state"]
        assert fetching.OF_ONE_MAX == slow.connections
        gate.set()
        for entry in many:
            await settled(stage, entry["file"], 2)


async def test_the_last_file_does_not_wait_for_slow_ones(stage: Stage, provider: Receiver) -> None:
    """Nine of a message hang; their first tries are short, so the tenth has its turn."""
    stage.engine.media.pace = Pace(first_s=1.0, full_s=3600)
    async with hanging() as (slow, _):
        urls = [slow.url(f"/{number}") for number in range(9)]
        many = await arrive(stage, *urls, provider.url("/door.png"))
        assert 10 == len(many)
        assert 2 == (await settled(stage, many[9]["file"], 2))["state"]
        row = await settled(stage, many[0]["file"], 1)
        assert ("It took longer than 1 s.", True) == (row["error"], row["tried"])


async def test_a_file_that_needs_longer_has_it_the_second_time(
    stage: Stage, provider: Receiver
) -> None:
    """Only the first try is short."""
    stage.engine.media.pace = Pace(first_s=0.05, full_s=3600)
    async with hanging(provider.reply) as (slow, gate):
        (entry,) = await arrive(stage, slow.url("/film"))
        await settled(stage, entry["file"], 1)
        await due_now(stage)
        await asked(slow, 2)
        gate.set()
        assert 2 == (await settled(stage, entry["file"], 2))["tries"]


async def test_later_tries_keep_places_free_for_first_ones(
    stage: Stage, provider: Receiver
) -> None:
    """What failed before hangs where it may, for long; what is new is fetched beside it."""
    stage.engine.media.pace = Pace(first_s=0.05, full_s=3600)
    async with hanging() as (slow, _):
        many = await arrive(stage, *[slow.url(f"/{number}") for number in range(6)])
        for entry in many:
            await settled(stage, entry["file"], 1)
        await due_now(stage)
        await asked(slow, 6 + fetching.AGAIN_OF_ONE_MAX)
        stage.engine.media.pace = Pace(first_s=3600)
        (new,) = await arrive(stage, provider.url("/door.png"))
        assert 2 == (await settled(stage, new["file"], 2))["state"]
        assert 6 + fetching.AGAIN_OF_ONE_MAX == len(slow.heads)


def test_ten_files_are_tried_within_a_minute() -> None:
    """The numbers keep what docs/media.md says: ten hang, or a worker ends while four do."""
    rounds = -(-PER_MESSAGE_MAX // fetching.OF_ONE_MAX)
    assert rounds * fetching.FIRST_S <= 60
    assert fetching.LEASE_S + fetching.LOOK_S + rounds * fetching.FIRST_S <= 60
    assert fetching.AT_ONCE - fetching.AGAIN_MAX > fetching.OF_ONE_MAX
    assert 3 * fetching.HOLD_S < fetching.LEASE_S
    assert fetching.AGAIN_OF_ONE_MAX < fetching.AGAIN_MAX


async def test_each_connection_has_its_turn(dsn: str) -> None:
    """However many are due of one, the first of each is taken before the second of any."""
    database = Database(dsn)
    await database.open()
    await database.rows(
        "insert into media (id, tenant, mode, connection, subject, place, entry, due, tried)"
        " select gen_random_uuid(), 1, 1, case when n <= 3000 then 7 when n <= 3002 then 8 else 9"
        " end, gen_random_uuid(), 0, '{}', now() - make_interval(secs => 4000 - n), n = 3003"
        " from generate_series(1, 3003) as n"
    )

    async def taken(tried: bool, most: int, busy: dict[int, int]) -> list[int]:
        found = await rows.claim(database, tried, most, 3600, 4, busy)
        return sorted(file.connection for file in found)

    assert [7, 8] == await taken(False, 2, {})
    assert [7, 7, 8] == await taken(False, 3, {})
    assert [7, 7] == await taken(False, 8, {7: 2})
    assert [] == await taken(False, 8, {7: 4})
    assert [9] == await taken(True, 8, {7: 4})
    await database.close()


async def test_what_a_dead_worker_was_at_is_taken_up(stage: Stage, provider: Receiver) -> None:
    """A row is somebody's until a time; then it is anybody's, and the first one's end is void."""
    stage.engine.media.pace = Pace(hold_s=0.02)
    async with hanging(answer(200, b"late")) as (slow, gate):
        (entry,) = await arrive(stage, slow.url("/door.png"))
        await asked(slow, 1)
        # As if it had been silent: its number is no longer the row's.
        await stage.execute("update media set tries = tries + 1, due = now() + interval '1 h'")
        gate.set()
        await stage.engine.media.settled()
    picture = json.dumps({"url": provider.url("/door.png")})
    await stage.execute(f"update media set due = now(), entry = convert_to('{picture}', 'utf8')")
    stage.engine.media.poke()
    row = await settled(stage, entry["file"], 2)
    assert (3, hashlib.sha256(PICTURE).digest()) == (row["tries"], row["sha256"])


async def test_who_is_at_a_file_keeps_it(stage: Stage, provider: Receiver) -> None:
    """The lease is renewed while a file is fetched, so that it may be short."""
    stage.engine.media.pace = Pace(lease_s=3600, hold_s=0.02)
    async with hanging(provider.reply) as (slow, gate):
        (entry,) = await arrive(stage, slow.url("/door.png"))
        await asked(slow, 1)
        await stage.execute("update media set due = now() + interval '1 s'")
        renewed = "select due > now() + interval '1 min' from media"
        while not await stage.value(renewed):
            await asyncio.sleep(0.02)
        gate.set()
        assert 1 == (await settled(stage, entry["file"], 2))["tries"]


async def test_a_worker_that_stops_gives_its_files_back(stage: Stage) -> None:
    """Nobody has to wait for its silence, and what was broken off counts as never tried."""
    stage.engine.media.pace = Pace(lease_s=3600)
    async with hanging() as (slow, _):
        await arrive(stage, slow.url("/door.png"))
        await asked(slow, 1)
        await stage.engine.stop()
        (row,) = await stage.rows(
            "select due <= now() as due, tried, error, failures, unended from media"
        )
    assert (True, False, None, 0, 0) == tuple(row)


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> Callable[[Media], Awaitable[int]]:
    """Have no worker look for files but when the test does; to be asked for before the stage."""

    async def nothing(_: Media) -> int:
        return 0

    really = Media.once
    monkeypatch.setattr(Media, "once", nothing)
    return really


async def dies_at_them(stage: Stage) -> int:
    """Let a worker take what is due and die: nothing is noted, and its lease is over at once."""
    database = stage.engine.database
    if await rows.waits_alone(database):
        return int(await rows.claim_alone(database, 0.0) is not None)
    return len(await rows.claim(database, False, 8, 0.0, 8, {}))


async def test_what_ends_its_worker_each_time_is_given_up(
    by_hand: Callable[[Media], Awaitable[int]], stage: Stage, provider: Receiver
) -> None:
    """Tries that never ended count: after five it is not asked for again, and told as failed."""
    (entry,) = await arrive(stage, provider.url("/bomb"))
    for _ in range(fetching.UNENDED_MAX):
        assert 1 == await dies_at_them(stage)
    assert 1 == await by_hand(stage.engine.media)
    row = await settled(stage, entry["file"], 3)
    assert "5 tries to fetch it never came to an end: each time the worker that made it" in str(
        row["error"]
    )
    assert (None, [], 1) == (row["due"], provider.heads, stage.engine.media.failed)
    assert 0 == await by_hand(stage.engine.media)
    assert 1 == stage.engine.media.failed


async def test_what_may_end_workers_is_fetched_alone(
    by_hand: Callable[[Media], Awaitable[int]], stage: Stage, provider: Receiver
) -> None:
    """What was merely beside it three times comes to an end by itself, in turns with the rest."""
    media = stage.engine.media
    files = [entry["file"] for entry in await arrive(stage, *[provider.url("/door")] * 2)]
    assert [2, 2, 2] == [await dies_at_them(stage) for _ in range(3)]
    (new,) = await arrive(stage, provider.url("/new"))
    begun = []
    for _ in range(3):
        begun.append(await by_hand(media))
        assert 0 == await by_hand(media), "nothing is begun beside it"
        await media.settled()
    assert [1, 1, 1] == begun
    assert [b"/door", b"/new", b"/door"] == [head.split()[1] for head in provider.heads]
    ended = [await settled(stage, file, 2) for file in (*files, new["file"])]
    assert [(4, 0), (4, 0), (1, 0)] == [(row["tries"], row["unended"]) for row in ended]


async def test_files_go_when_their_time_is_over(stage: Stage, provider: Receiver) -> None:
    """After thirty days the file is removed, and then what is known of it."""
    (entry,) = await arrive(stage, provider.url("/door.png"))
    await settled(stage, entry["file"], 2)
    file = read("med", entry["file"])
    assert file is not None
    later = datetime.now(UTC) + timedelta(days=Periods().media + 1)
    retainer = Retainer(stage.engine.database, Periods(), store=stage.engine.store)
    await retainer.once(datetime.now(UTC))
    assert PICTURE == await stage.engine.store.get(file)
    await retainer.once(later)
    assert None is await stage.engine.store.get(file)
    assert 0 == await stage.value("select count(*) from media")


def test_a_link_is_good_for_what_it_names_alone() -> None:
    """Each other character, file, time or secret makes it somebody's invention."""
    file = uuid.UUID("01980000-0000-7000-8000-0000000000aa")
    made = link("https://hooks.example", SECRET, file, 1_772_442_927 + LINK_S)
    token = made.removeprefix("https://hooks.example/media/")
    assert (file, 1_772_442_927 + LINK_S) == linked(SECRET, token)
    others = [token[:place] + "~" + token[place + 1 :] for place in range(len(token))]
    others += ["", ".", "..", token + "A", token[:-1], f"é{token}"]
    assert [None] * len(others) == [linked(SECRET, other) for other in others]
    assert None is linked(b"t" * 32, token)


def test_only_what_cannot_run_is_shown_in_place() -> None:
    """Pictures, sound and films are shown; pages, drawings and what is unknown are downloads."""
    for kind in ("image/png", "image/jpeg; q=1", "VIDEO/mp4", "audio/ogg; codecs=opus"):
        assert (kind.partition(";")[0].lower(), True) == served_as(kind)
    others: tuple[str | None, ...] = (
        "text/html", "image/svg+xml", "audio/\u0436", "application/pdf", "", None,
        "video/x\r\nA: b",
    )  # fmt: skip
    for other in others:
        assert ("application/octet-stream", False) == served_as(other)


async def test_a_directory_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    """Missing files are none; a directory that is a file is an error with its name."""
    store, file = Directory(tmp_path / "media"), uuid.uuid4()
    assert None is await store.get(file)
    await store.delete(file)
    await store.put(file, b"one")
    await store.put(file, b"two")
    assert b"two" == await store.get(file)
    kept = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert [(0o600, file.hex)] == [(path.stat().st_mode & 0o777, path.name) for path in kept]
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(StoreError, match="taken"):
        await Directory(tmp_path / "taken").put(file, b"")
