"""`--workers 2`: two processes behave as one."""

import os
import signal

import pytest

from tests.embedded.stage import query

from .installation import Installation, until
from .receiver import Receiver

REPORTS = 20


@pytest.fixture
def both(own: Installation) -> Installation:
    """The module's installation with two workers, started by whoever comes first."""
    if own.process is None:
        own.start("--demo=bare", "--workers", "2")
    assert 2 == len(own.workers())
    return own


def test_an_endpoint_is_used_by_every_worker_right_away(
    both: Installation, receiver: Receiver
) -> None:
    """Whichever worker made it: once that is answered, all others send to it as well."""
    endpoint = both.add_endpoint(receiver.url)
    # Each on a connection of its own, which the kernel gives to one worker or the other.
    assert [200] * REPORTS == [both.report(f"worker-{number}") for number in range(REPORTS)]
    until(lambda: len(set(receiver.ids())) == REPORTS, say=lambda: len(receiver.got))
    both.api("DELETE", f"/v1/endpoints/{endpoint['id']}")
    assert [200] * REPORTS == [both.report(f"without-{number}") for number in range(REPORTS)]
    until(lambda: query(both.dsn, "select count(*) from attempt") == 3 * REPORTS)
    assert 2 == query(both.dsn, "select count(distinct worker) from attempt")
    assert REPORTS == len(receiver.got)


def test_no_secret_is_in_the_environment_of_a_worker(both: Installation) -> None:
    """What seals the database's secrets comes to workers where no other process can look."""
    key = (both.data / "secret_key").read_text(encoding="ascii").strip()
    environments = [worker.environ() for worker in both.workers()]
    assert 2 == len(environments)
    assert [] == [one for one in environments if key in " ".join(one.values())]


def test_another_worker_takes_over_from_a_killed_one(
    both: Installation, receiver: Receiver
) -> None:
    """The deliveries of one go on though it alone is killed, and a new one takes its place."""
    receiver.status = None
    both.add_endpoint(receiver.url)
    assert 200 == both.report("shared")
    (first,) = until(receiver.ids)
    owner = "select pid from worker where id in (select owner from delivery)"
    receiver.status = 204
    os.kill(int(str(query(both.dsn, owner))), signal.SIGKILL)
    until(lambda: receiver.ids() == [first, first])
    until(lambda: len(both.workers()) == 2)
    assert 0 == both.stop()
