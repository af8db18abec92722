"""Every way to stop `ringback up`: what it answers with, and that no process stays behind."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from .conftest import Make
from .installation import Installation, until
from .receiver import Receiver

# Ctrl-C waits three seconds for a delivery that hangs; at once is much less, on a busy machine too.
AT_ONCE_S = 3.0


@pytest.fixture
def running(own: Installation) -> Installation:
    """The module's installation, up."""
    own.start()
    return own


@pytest.fixture
def hanging(running: Installation, receiver: Receiver) -> Receiver:
    """A receiver that never answers, with a delivery under way to it."""
    receiver.status = None
    endpoint = running.add_endpoint(receiver.url)
    assert 200 == running.report("hanging")
    until(lambda: receiver.got)
    assert endpoint["enabled"]
    return receiver


def test_ctrl_c_of_a_terminal_stops_everything(running: Installation) -> None:
    """A terminal sends SIGINT to the whole process group; the exit code is 0, nothing is said."""
    before = running.said
    os.killpg(running.pid, signal.SIGINT)
    assert 0 == running.ended()
    assert before == running.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_supervisor_stops_everything(
    running: Installation, number: signal.Signals
) -> None:
    """`kill -INT`, a service manager's SIGTERM, and a terminal that is closed do the same."""
    # The last line of what it has to say at its start.
    running.until_said("what is not\n\n")
    before = running.said
    assert 0 == running.stop(number)
    assert before == running.said


def test_what_nohup_started_outlives_its_terminal(
    own: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where SIGHUP was ignored at the start it stays so, and the workers are not replaced."""
    monkeypatch.setattr(own, "before", ("nohup",))
    own.start()
    workers = own.workers()
    os.killpg(own.pid, signal.SIGHUP)
    time.sleep(0.5)
    assert workers == own.workers()
    assert 200 == own.report("still-there")
    assert 0 == own.stop()


def test_a_hanging_delivery_does_not_hold_up_the_stop(
    running: Installation, hanging: Receiver
) -> None:
    """It gets three seconds, is given back, and is sent anew by the next start."""
    assert 0 == running.stop()
    (first,) = hanging.ids()
    hanging.status = 204
    running.start()
    until(lambda: len(hanging.got) > 1)
    assert {first} == set(hanging.ids())

    def delivered() -> bool:
        attempts = running.attempts("hanging", hanging.url)
        return bool(attempts) and attempts[-1]["final"] == "delivered"

    until(delivered)
    assert 0 == running.stop()


def test_sigterm_waits_for_what_is_under_way(running: Installation, receiver: Receiver) -> None:
    """A delivery that is answered after five seconds is recorded, and not sent again.

    Nobody new is let in meanwhile, and what is waited for is said.
    """
    receiver.delay_s = 5.0
    running.add_endpoint(receiver.url)
    assert 200 == running.report("slow")
    until(lambda: receiver.got)
    os.kill(running.pid, signal.SIGTERM)
    until(lambda: "waiting for 1 delivery, up to 20 s" in running.said, say=lambda: running.said)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", running.port), 5)
    assert running.process is not None
    assert running.process.poll() is None
    assert 0 == running.ended()
    running.start()
    (attempt,) = running.attempts("slow", receiver.url)
    assert "delivered" == attempt["final"]
    assert 1 == len(receiver.got)
    assert 0 == running.stop()


def test_a_second_ctrl_c_stops_at_once(running: Installation, hanging: Receiver) -> None:
    """Who does not want to wait for the delivery that hangs need not."""
    os.killpg(running.pid, signal.SIGINT)
    time.sleep(0.2)
    began = time.monotonic()
    os.killpg(running.pid, signal.SIGINT)
    assert 0 == running.ended()
    assert time.monotonic() - began < AT_ONCE_S


def test_a_first_start_can_be_interrupted(make_installation: Make) -> None:
    """Before it is up the exit code is 130; nothing is left, and the next start begins anew."""
    early = make_installation()
    for number in (signal.SIGINT, signal.SIGTERM):
        early.spawn("--demo=bare")
        early.until_said("creating the database")
        assert 130 == early.stop(number)
        assert "Traceback" not in early.said
    early.start()
    assert early.key in early.said
    assert 0 == early.stop()


def test_a_start_can_be_interrupted_while_workers_load(own: Installation) -> None:
    """Workers are told to stop though they have come no further than their imports."""
    own.spawn("--demo=bare")
    until(own.workers)
    os.killpg(own.pid, signal.SIGINT)
    assert own.ended() in {0, 130}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_readers_of_the_feed_do_not_hold_up_a_stop(
    running: Installation, number: signal.Signals
) -> None:
    """A stream ends properly and a long poll is answered, at once; then everything is down."""
    url = f"http://127.0.0.1:{running.port}/v1/events"
    key = {"authorization": f"Bearer {running.key}"}
    stream = {**key, "accept": "text/event-stream"}
    with ThreadPoolExecutor(1) as pool, httpx.stream("GET", url, headers=stream) as told:
        lines = told.iter_lines()
        assert next(lines).startswith("retry: ")
        poll = pool.submit(
            httpx.get, url, params={"after": "now", "wait": 30}, headers=key, timeout=40
        )
        until(lambda: _readers(running, 2))
        time.sleep(0.3)  # the request is sent by then, and waits
        began = time.monotonic()
        os.kill(running.pid, number)
        list(lines)
        assert [] == poll.result().json()["data"]
        assert time.monotonic() - began < AT_ONCE_S
    assert 0 == running.ended()


def _readers(running: Installation, count: int) -> bool:
    """Say whether so many connections to the server stand, as seen from here."""
    here = psutil.Process().net_connections("tcp")
    to_it = [one for one in here if getattr(one.raddr, "port", None) == running.port]
    return len([one for one in to_it if one.status == psutil.CONN_ESTABLISHED]) >= count


def test_a_hanging_request_does_not_hold_up_the_stop(running: Installation) -> None:
    """A delivery to our own inspector that waits for a minute hangs at both its ends."""
    # The last of this module: the next start would attempt it again.
    running.add_endpoint(f"http://127.0.0.1:{running.port}/inspect/slow?delay=60s")
    assert 200 == running.report("slow")
    until(lambda: running.ask("GET", "/readyz").json["queue"]["sending"])
    assert 0 == running.stop()
