"""SEC-17: deliveries, sends and the simulator's posts leave through the guarded client only.

That no other module may so much as import what reaches out is a rule of tests/floor_rules.py, with
its exceptions; here the rule's other half is looked at, and a whole engine while it connects.
"""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ringback.services.simulate import Plan, Simulator
from ringback.transport import dial
from tests.floor_rules import LIBRARIES, MAY_IMPORT, OUTWARD, OUTWARD_EXCEPTIONS
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage
from tests.source import sources

_DIAL = str(Path(dial.__file__))
_PRIVATE = ("10.255.255.254", 8499)
# What is being written down, and whether it is: a hook cannot be taken away again.
_seen: list[tuple[object, bool]] = []
_watching: list[bool] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not _watching or event not in {"socket.connect", "socket.sendto"}:
        return
    frame, files = sys._getframe(), set()
    while frame.f_back is not None:
        frame = frame.f_back
        files.add(frame.f_code.co_filename)
    if not any("asyncpg" in file for file in files):
        _seen.append((arguments[1], _DIAL in files))


@contextmanager
def _connections() -> Iterator[list[tuple[object, bool]]]:
    """Write down every connection but the database's: where to, and whether our dialler made it."""
    if not getattr(_hook, "added", False):
        sys.addaudithook(_hook)
        _hook.added = True  # type: ignore[attr-defined]
    _seen.clear()
    _watching.append(True)
    try:
        yield _seen
    finally:
        _watching.clear()


def _calls(name: str) -> list[str]:
    """Return the modules of the program that call something of this name, once for each call."""
    found = []
    for file in sources(".py"):
        for node in ast.walk(file.tree) if file.ours else ():
            called = node.func if isinstance(node, ast.Call) else None
            if name in {getattr(called, "attr", None), getattr(called, "id", None)}:
                found.append(file.path.removeprefix("src/ringback/"))
    return found


def test_one_place_connects_and_one_builds_who_does() -> None:
    """The dialler opens connections, only the client has one, and app.py builds both clients.

    `ringback doctor` builds one for itself, and so does the demo, which plays the providers. The
    command line's is another one, of another library.
    """
    assert ["transport/dial.py"] == _calls("create_connection")
    assert ["transport/client.py"] == _calls("Dialer")
    assert ["transport/client.py"] == _calls("Guard")
    built = [path for path in _calls("Client") if not path.startswith("cli")]
    of_their_own = ["services/demo/__main__.py", "services/doctor/examination.py"]
    assert ["app.py", "app.py", *of_their_own] == built


def test_who_else_may_reach_out_is_named() -> None:
    """None goes where anybody configured: our own port, our own workers, our own database."""
    assert {
        ("app.py", "socket"), ("worker.py", "socket"), ("services/supervise.py", "socket"),
        ("services/supervise.py", "urllib.request"), ("services/crew.py", "select"),
        ("services/crew.py", "subprocess"), ("services/embedded", "subprocess"),
        ("client/local.py", "socket"), ("client/local.py", "getaddrinfo"),
        ("services/demo/__main__.py", "socket"), ("services/demo/receiver.py", "socket"),
        ("services/demo/start.py", "subprocess"),
    } == set(OUTWARD_EXCEPTIONS)  # fmt: skip
    assert {"transport"} == set().union(*OUTWARD.values())
    # The libraries that connect: to the database, and to a server from the command line.
    connecting = {"asyncpg", "httpx", "requests", "aiohttp", "urllib3"} & set(LIBRARIES)
    assert {"asyncpg", "httpx"} == connecting
    # The one that speaks HTTP is the command line's: no part of the server imports its room.
    assert {"client"} == LIBRARIES["httpx"]
    assert {"cli"} == {room for room, below in MAY_IMPORT.items() if "client" in below}


async def test_whatever_an_engine_connects_to_went_through_the_guard(stage: Stage) -> None:
    """A delivery and the simulator's posts are dialled; what is private is never connected to."""
    denied = await stage.add_endpoint(f"http://{_PRIVATE[0]}:{_PRIVATE[1]}/hook")
    plan = Plan("+16505551234", "+15550100", "sms", ("sent",))
    outside = Simulator(
        stage.engine.door, stage.engine.clock, f"http://{_PRIVATE[0]}:{_PRIVATE[1]}"
    )
    with _connections() as seen:
        await stage.receive(stage.callback("delivered"))
        await until(lambda: stage.engine.recorder.attempts == 2)
        await stage.engine.simulator.simulate(stage.connection(), plan)
        await outside.simulate(stage.connection(), plan)
        port = int(BASE_URL.rpartition(":")[2])
        await until(lambda: ("127.0.0.1", port) in [where for where, _ in seen])
        await until(lambda: not outside._tasks)
        # The callback's event; and of the send, whose fake nobody serves here, two.
        await until(lambda: len(stage.sink.received) == 3)
    wheres = [where for where, _ in seen]
    assert {("127.0.0.1", stage.sink.port), ("127.0.0.1", port)} == set(wheres)
    assert all(dialled for _, dialled in seen)
    errors = await stage.rows("select error from attempt where endpoint = $1", denied.no)
    assert {"guard_denied"} == {row["error"] for row in errors}
