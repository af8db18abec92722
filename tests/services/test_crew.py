"""The worker processes that a supervisor keeps: replaced when they die, stopped when told to."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringback.services import crew, worker_process
from ringback.services.crew import Crew


@pytest.fixture
def fd() -> Iterator[int]:
    """The number of a socket that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.fileno()


def _while(
    crew_: Crew,
    act: Callable[[], None],
    told: bytes = b"",
    stopping: Callable[[], None] = lambda: None,
) -> tuple[bool, list[int]]:
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
        return crew_.run(lambda: len(interrupts), told, stopping), interrupts
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


def test_workers_are_told_what_to_serve(
    fd: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Over standard input: those that were started in advance, and those that replace them."""
    monkeypatch.setattr(crew, "MODULE", "tests.services.crew_member")
    monkeypatch.setattr(crew, "EARLY_S", 0.0)
    monkeypatch.setenv("CREW_MEMBER", "listening")
    monkeypatch.setenv("CREW_HEARD", str(tmp_path))
    workers = Crew(1, fd, 10.0)
    workers.start()
    (first,) = workers.pids

    def heard() -> dict[int, bytes]:
        return {int(one.name): one.read_bytes() for one in tmp_path.iterdir()}

    def act() -> None:
        _until(lambda: heard() == {first: b"hello"})
        os.kill(first, signal.SIGKILL)
        _until(lambda: len(heard()) == 2 and all(heard().values()))

    assert (True, [1]) == _while(workers, act, b"hello")
    assert {b"hello"} == set(heard().values())


def test_a_worker_that_does_not_serve_yet_survives_anothers_end(
    fd: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is told of deaths from the moment that it serves; before, that does not end it."""
    monkeypatch.setattr(crew, "MODULE", "tests.services.crew_member")
    monkeypatch.setenv("CREW_MEMBER", "young")
    monkeypatch.setenv("CREW_HEARD", str(tmp_path))
    monkeypatch.setenv(worker_process.SUPERVISOR, str(os.getpid()))
    workers = Crew(1, fd, 10.0)
    workers.start()
    (pid,) = workers.pids
    _until((tmp_path / "begun").exists)
    os.kill(pid, crew.DIED)
    heard = tmp_path / str(pid)

    def told() -> bool:
        return heard.exists() and heard.read_bytes() == b"hello"

    assert (True, [1]) == _while(workers, lambda: _until(told), b"hello")


def test_workers_that_nobody_needs_are_ended(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was started in advance is gone when the start fails."""
    monkeypatch.setattr(crew, "MODULE", "tests.services.crew_member")
    workers = Crew(2, fd, 10.0)
    workers.start()
    pids = list(workers.pids)
    workers.abandon()
    assert 2 == len(pids)
    for pid in pids:
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


@pytest.mark.parametrize("patient", [True, False])
def test_workers_that_may_drain_are_not_hurried(
    fd: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, patient: bool
) -> None:
    """They have longer to stop, and are only told to; without patience they are told to hurry."""
    monkeypatch.setattr(crew, "MODULE", "tests.services.crew_member")
    monkeypatch.setenv("CREW_MEMBER", "draining")
    monkeypatch.setenv("CREW_HEARD", str(tmp_path))
    workers = Crew(1, fd, 0.1, 30.0)
    closed: list[int] = []

    def act() -> None:
        _until((tmp_path / "begun").exists)
        workers.patient = patient

    assert (True, [1]) == _while(workers, act, stopping=lambda: closed.append(1))
    assert (patient, [1]) == ((tmp_path / "drained").exists(), closed)
