"""Failpoints: each is in the source once, each is reached, and each action does what it says.

And what an error at a place, expected or not, may cost: a repeat of a post, never an event.
"""

import ast
import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ringback.errors import DatabaseUnavailable, SettingsError
from ringback.services import failpoints
from ringback.services.failpoints import LOG_VARIABLE, PLACES, VARIABLE, Failpoints, read
from ringback.serving import Application
from ringback.transport.incoming import Request
from tests.services.sink import until
from tests.services.stage import Stage, fresh
from tests.source import sources


@pytest.fixture
async def stage(dsn: str) -> AsyncIterator[Stage]:
    """A running engine with one endpoint."""
    stage = Stage(dsn)
    # The way to connect is chosen when the engine is built: some failpoint has to be on.
    failpoints.reach = Failpoints([], None).reach
    stage.engine = stage.another_engine()
    await stage.open()
    yield stage
    failpoints.reach = None
    await stage.close()


def test_each_place_is_in_the_source_once() -> None:
    """Every name on the list is awaited at exactly one place, and no other name is."""
    named = Counter(
        call.args[0].value
        for file in sources(".py")
        if file.ours
        for call in ast.walk(file.tree)
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in {"reach", "failpoints.reach"}
        and isinstance(call.args[0], ast.Constant)
    )
    assert dict.fromkeys(PLACES, 1) == dict(named)


async def _post(app: Application, path: str, stage: Stage, message_id: str) -> int:
    """Send a callback through the hot route, as the listener would."""
    callback = stage.callback("sent", message_id)
    route = app.server.route("POST", path.encode())
    assert route is not None
    request = Request()
    request.method, request.target = "POST", path.encode()
    request.headers = [(name.lower().encode(), value.encode()) for name, value in callback.headers]
    request.body = bytearray(callback.body)
    return (await route.handle(request, "127.0.0.1")).status


async def test_every_place_is_reached(stage: Stage) -> None:
    """A delivery that fails once and a worker that disappears: nothing more is needed."""
    seen: set[str] = set()

    async def note(place: str) -> None:
        seen.add(place)

    failpoints.reach = note
    stage.sink.answers.append((503, ""))
    assert 200 == await _post(Application(stage.engine), "/in/demo-whatsapp", stage, fresh())
    await until(lambda: stage.engine.recorder.attempts == 1)
    boot, _, _ = stage.engine.workers._identity
    await stage.execute(
        f"insert into worker (boot_id, pid, pid_start) values ('{boot}', 4194304, 0)"
    )
    stage.engine.workers.poke()
    await stage.execute("update delivery set due = now()")
    await until(lambda: set(PLACES) == seen, 30)


@pytest.mark.parametrize("place", [p for p in PLACES if p != "after_retire_before_adopt"])
@pytest.mark.parametrize("action", ["raise", "error", "sleep:0.2"])
async def test_what_goes_wrong_at_a_place_loses_nothing(
    stage: Stage, place: str, action: str
) -> None:
    """An error there, expected or not, or a pause: each accepted event comes, and is one event."""
    points = Failpoints(read(f"{place}={action}x2"), None)
    failpoints.reach = points.reach
    stage.sink.answers.append((503, ""))
    app = Application(stage.engine)
    accepted: set[str] = set()

    async def post(message_id: str) -> None:
        for _ in range(5):
            try:
                status = await _post(app, "/in/demo-whatsapp", stage, message_id)
            except (RuntimeError, DatabaseUnavailable):
                continue  # after the answer; whoever asked may ask again
            if status == 200:
                accepted.add(message_id)
                return

    for number in range(4):
        await asyncio.gather(*(post(f"m{number}-{n}") for n in range(3)))
    assert 12 == len(accepted)
    async with asyncio.timeout(30):
        while await stage.value("select count(*) from delivery"):
            await stage.execute("update delivery set due = now() where due > now()")
            stage.engine.claimer.poke()
            await asyncio.sleep(0.1)
    assert points._done[place] >= 1
    if (place, action) != ("before_commit", "raise"):
        assert 12 == await stage.value("select count(*) from event")
        assert 12 == len({got.headers["webhook-id"] for got in stage.sink.received})


@pytest.mark.parametrize(
    ("text", "seconds", "chance", "start", "times"),
    [
        ("after_ack=kill", 0, 1, 0, 0),
        ("after_ack=kill@3%", 0, 0.03, 0, 0),
        ("after_ack=sleep:0.5@2.5%+6x20", 0.5, 0.025, 6, 20),
    ],
)
def test_how_failpoints_are_written(
    text: str, seconds: float, chance: float, start: float, times: int
) -> None:
    """Action, seconds, chance, from when and how often; several with commas between them."""
    (one,) = read(text)
    assert ("after_ack", seconds, chance, start, times) == (
        one.place, one.seconds, one.chance, one.start, one.times
    )  # fmt: skip
    assert [one, *read("after_claim=raise")] == read(f"{text} , after_claim=raise,")


@pytest.mark.parametrize(
    "text", ["nowhere=kill", "after_ack", "after_ack=explode", "after_ack=kill@"]
)
def test_what_is_no_failpoint_is_refused(text: str) -> None:
    """A typing error must not make a proof prove nothing."""
    with pytest.raises(SettingsError, match="after_recv"):
        read(text)


async def test_actions(tmp_path: Path) -> None:
    """Raise and error raise, sleep sleeps, a limit over all processes is kept by the file."""
    log = tmp_path / "log"
    text = "after_ack=raisex2,after_claim=error,after_recv=sleep:0.05"
    points = Failpoints(read(text), log)
    with pytest.raises(RuntimeError):
        await points.reach("after_ack")
    with pytest.raises(RuntimeError):
        await Failpoints(read(text), log).reach("after_ack")
    await points.reach("after_ack")
    with pytest.raises(DatabaseUnavailable):
        await points.reach("after_claim")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(points.reach("after_recv"), 0.01)
    await points.reach("after_connect")
    assert ["after_ack", "after_ack", "after_claim", "after_recv"] == [
        line.split()[0] for line in log.read_text(encoding="ascii").splitlines()
    ]


async def test_a_start_can_be_waited_for() -> None:
    """Nothing happens in the first seconds of a process."""
    await Failpoints(read("after_ack=raise+60"), None).reach("after_ack")


async def test_chance_is_a_share() -> None:
    """A tenth is about a tenth."""
    points = Failpoints(read("after_ack=sleep@10%"), None)
    for _ in range(2_000):
        await points.reach("after_ack")
    assert 100 < points._done["after_ack"] < 300


def test_kill_kills(tmp_path: Path) -> None:
    """The process is gone at once, by SIGKILL, and the log says where."""
    environment = {**os.environ, VARIABLE: "after_recv=kill", LOG_VARIABLE: str(tmp_path / "log")}
    program = (
        "import asyncio; from ringback.services import failpoints as f; assert f.arm();"
        "asyncio.run(f.reach('after_recv')); print('still here')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, timeout=20,
        check=False,
    )  # fmt: skip
    assert (-signal.SIGKILL, b"") == (done.returncode, done.stdout)
    assert (tmp_path / "log").read_text(encoding="ascii").startswith("after_recv kill ")


def test_nothing_is_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable a place is a comparison with None, and connecting is untouched."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert not failpoints.arm()
    assert failpoints.reach is None

    def connect(*_: object) -> Awaitable[Any]:
        raise AssertionError

    kept: Callable[..., Any] = failpoints.connecting(connect)
    assert kept is connect
