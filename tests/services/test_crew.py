"""The worker processes that a supervisor keeps: replaced when they die, stopped when told to."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ringback.services import crew
from ringback.services.crew import Crew


@pytest.fixture
def fd() -> Iterator[int]:
    """The number of a socket that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.fileno()


def _while(crew_: Crew, act: Callable[[], None]) -> tuple[bool, list[int]]:
    """Run a crew, `act` beside it, and then stop it; return how it ended, and its interrupts."""
    interrupts: list[int] = []

    def beside() -> None:
        try:
            act()
        finally:
            interrupts.append(1)
            os.kill(os.getpid(), signal.SIGUSR2)

    before = signal.signal(signal.SIGUSR2, lambda *_: None)
    thread = threading.Thread(target=beside)
    thread.start()
    try:
        return crew_.run(lambda: len(interrupts)), interrupts
    finally:
        thread.join()
        signal.signal(signal.SIGUSR2, before)


def _until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_worker_that_dies_is_replaced(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, the others stay, and all are gone when it has stopped."""
    monkeypatch.setattr(crew, "MODULE", "tests.services.crew_member")
    monkeypatch.setattr(crew, "EARLY_S", 0.0)
    workers = Crew(2, fd, 10.0)
    seen: list[int] = []

    def act() -> None:
        _until(lambda: len(workers.pids) == 2)
        first, second = workers.pids
        seen.extend((first, second))
        os.kill(first, signal.SIGKILL)
        _until(lambda: first not in workers.pids and len(workers.pids) == 2)
        assert second in workers.pids
        seen.extend(workers.pids)

    assert (True, [1]) == _while(workers, act)
    assert 3 == len(set(seen))
    assert [] == list(workers.pids)
    for pid in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_worker_that_does_not_stop_is_killed(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is over, and at once when it is interrupted again."""
    monkeypatch.setattr(crew, "MODULE", "tests.services.crew_member")
    monkeypatch.setenv("CREW_MEMBER", "deaf")
    workers = Crew(1, fd, 0.3)
    assert (True, [1]) == _while(workers, lambda: _until(lambda: len(workers.pids) == 1))
    assert [] == list(workers.pids)


def test_workers_that_keep_failing_are_given_up(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few that ended as soon as they had begun there is no point in another."""
    monkeypatch.setattr(crew, "MODULE", "tests.services.crew_member")
    monkeypatch.setattr(crew, "_PAUSE_S", 0.01)
    monkeypatch.setenv("CREW_MEMBER", "broken")
    assert not Crew(1, fd, 1.0).run(lambda: 0)
