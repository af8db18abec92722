"""SEC-17: deliveries, sends and the simulator's posts leave through the guarded client only.

That no other module may so much as import what reaches out is a rule of tests/floor_rules.py, with
its exceptions; here the rule's other half is looked at, and a whole engine while it connects.
"""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import ringback
from ringback.services.simulate import Plan, Simulator
from ringback.transport import dial
from tests.floor_rules import LIBRARIES, MAY_IMPORT, OUTWARD, OUTWARD_EXCEPTIONS
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage
from tests.source import sources

_HOUSE = Path(ringback.__file__).parent
_DIAL = Path(dial.__file__).relative_to(_HOUSE).as_posix()
_PRIVATE = ("10.255.255.254", 8499)
# What is being written down, and whether it is: a hook cannot be taken away again.
_seen: list[tuple[object, str]] = []
_watching: list[bool] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if not _watching or event not in {"socket.connect", "socket.sendto"}:
        return
    frame, files = sys._getframe(), []
    while frame.f_back is not None:
        frame = frame.f_back
        files.append(Path(frame.f_code.co_filename))
    if not any("asyncpg" in file.parts for file in files):
        ours = [file.relative_to(_HOUSE) for file in files if file.is_relative_to(_HOUSE)]
        _seen.append((arguments[1], ours[0].as_posix() if ours else "a library alone"))


@contextmanager
def _connections() -> Iterator[list[tuple[object, str]]]:
    """Write down every connection but the database's: where to, and which module made it."""
    if not getattr(_hook, "added", False):
        sys.addaudithook(_hook)
        _hook.added = True  # type: ignore[attr-defined]
    _seen.clear()
    _watching.append(True)
    try:
        yield _seen
    finally:
        _watching.clear()


def _who_calls(name: str) -> set[str]:
    """Return the modules of the server that call something of this name."""
    found = set()
    for file in sources(".py"):
        for node in ast.walk(file.tree) if file.ours else ():
            called = node.func if isinstance(node, ast.Call) else None
            if name in {getattr(called, "attr", None), getattr(called, "id", None)}:
                found.add(file.path.removeprefix("src/ringback/"))
    return {path for path in found if path.partition("/")[0] not in ("cli", "client")}


# Who calls what reaches out, and why that one may. The command line (`cli`, `client`) has a client
# of its own, of another library, and is no part of the server.
CALLERS = {
    "create_connection": {"transport/dial.py": "the dialler opens every connection"},
    "Dialer": {"transport/client.py": "only the client has one"},
    "Guard": {"transport/client.py": "and it asks the guard before"},
    "Client": {
        "app.py": "what is delivered and what is sent goes through these",
        "services/demo/__main__.py": "the demo plays the providers",
        "services/doctor/examination.py": "the doctor tries what the server would",
    },
}


@pytest.mark.parametrize("name", CALLERS)
def test_whoever_reaches_out_is_known(name: str) -> None:
    """A module that dials by itself, or builds a client of its own, is named here."""
    assert set() == _who_calls(name) - set(CALLERS[name])
    assert set() == set(CALLERS[name]) - _who_calls(name)


def test_who_else_may_reach_out_is_named() -> None:
    """None goes where anybody configured: our own port, our own workers, our own database."""
    assert {
        ("serving.py", "socket"), ("worker.py", "socket"), ("services/supervise.py", "socket"),
        ("services/supervise.py", "urllib.request"), ("services/crew.py", "select"),
        ("services/crew.py", "subprocess"), ("services/embedded", "subprocess"),
        ("client/local.py", "socket"), ("client/local.py", "getaddrinfo"),
        ("storage/database.py", "socket"),
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
        await until(lambda: stage.engine.recorder.attempts >= 2)
        await stage.engine.simulator.simulate(stage.connection(), plan)
        await outside.simulate(stage.connection(), plan)
        port = int(BASE_URL.rpartition(":")[2])
        await until(lambda: ("127.0.0.1", port) in [where for where, _ in seen])
        await until(lambda: not outside._tasks)
        # The callback's event; and of the send, whose fake nobody serves here, two.
        await until(lambda: len(stage.sink.received) >= 3)
    wheres = [where for where, _ in seen]
    assert {("127.0.0.1", stage.sink.port), ("127.0.0.1", port)} == set(wheres)
    assert {_DIAL} == {module for _, module in seen}
    errors = await stage.rows("select error from attempt where endpoint = $1", denied.no)
    assert {"guard_denied"} == {row["error"] for row in errors}
