"""`kill -9` of one process after the other, and of all: what must end ends, the rest recovers."""

import os
import signal
import sys

import pytest

from tests.embedded.stage import server_pid

from .installation import Installation, until
from .receiver import Receiver

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's end"
)


@pytest.fixture
def running(own: Installation) -> Installation:
    """The module's installation, up."""
    own.start()
    return own


@linux
def test_a_killed_supervisor_leaves_nobody_behind(
    running: Installation, receiver: Receiver
) -> None:
    """Workers and PostgreSQL end within seconds, even while a request hangs; then it starts."""
    receiver.status = None
    running.add_endpoint(receiver.url)
    running.add_endpoint(f"http://127.0.0.1:{running.port}/inspect/slow?delay=60s")
    assert 200 == running.report("orphaned")
    until(lambda: receiver.got)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    until(lambda: not running.processes(), say=running.processes)
    receiver.status = 204
    running.start()
    until(lambda: len(set(receiver.ids())) == 1 and len(receiver.got) > 1)
    assert 0 == running.stop()


@linux
def test_a_start_right_after_the_kill_works(running: Installation) -> None:
    """A service manager starts anew at once: the port and the data are free, or waited for."""
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    running.start()
    assert 200 == running.report("at-once")
    assert 0 == running.stop()


def test_a_start_after_the_kill_of_everything_recovers(
    running: Installation, receiver: Receiver
) -> None:
    """What was acknowledged is there, and what was owed to a failing endpoint is delivered."""
    receiver.status = 503
    running.add_endpoint(receiver.url)
    references = [f"owed-{number}" for number in range(5)]
    assert [200] * 5 == [running.report(reference) for reference in references]
    until(lambda: all(running.attempts(each, receiver.url) for each in references))
    running.kill()
    receiver.status = 204
    refused = len(receiver.got)
    running.start()
    assert [1] * 5 == [len(running.messages(reference)) for reference in references]
    until(lambda: len(set(receiver.ids()[refused:])) == 5, 10 * 6, receiver.ids)
    assert set(receiver.ids()[:refused]) == set(receiver.ids()[refused:])

    def finals() -> list[str]:
        told = [running.attempts(reference, receiver.url) for reference in references]
        return [attempts[-1]["final"] for attempts in told]

    until(lambda: finals() == ["delivered"] * 5, say=finals)
    assert 0 == running.stop()


def test_a_killed_worker_is_replaced_and_its_deliveries_go_on(
    running: Installation, receiver: Receiver
) -> None:
    """Another worker comes, sees that its predecessor is gone, and sends what that one owned."""
    receiver.status = None
    running.add_endpoint(receiver.url)
    assert 200 == running.report("inherited")
    (first,) = until(receiver.ids)
    (worker,) = running.workers()
    receiver.status = 204
    worker.kill()
    until(lambda: receiver.ids() == [first, first])
    (other,) = running.workers()
    assert worker.pid != other.pid
    until(lambda: running.report("after") == 200)
    assert 0 == running.stop()


def test_a_killed_database_ends_everything(running: Installation) -> None:
    """Half of it is worth nothing: it stops, says why, and the next start recovers."""
    assert 200 == running.report("before")
    before = len(running.messages("before"))
    os.kill(server_pid(running.data), signal.SIGKILL)
    assert 1 == running.ended()
    assert "the database server has ended" in running.said
    running.start()
    assert before == len(running.messages("before"))
    assert 0 == running.stop()
