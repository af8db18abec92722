"""The simulation finds what is wrong: each of these breaks something, and must be reported."""

import re
from collections.abc import Callable, Collection

import pytest

from ringback.services.commit import Committer, _Sent
from ringback.services.held import Reconciler
from ringback.services.record import Recorder
from ringback.services.workers import Lease
from ringback.storage.hot import CommitRows, Committed, Finished, Owned
from tests.simulation.lanes import Key, Row
from tests.simulation.model import Store
from tests.simulation.oracle import Violation
from tests.simulation.script import month
from tests.simulation.worker import Parts
from tests.simulation.world import World

SEEDS_MAX = 20


class _NoFence(Store):
    """Whoever completes a delivery may do so."""

    def may_finish(self, worker: int, row: Row) -> bool:
        del worker, row
        return True


class _NoAdoption(Store):
    """What the dead owned stays theirs."""

    def adopt(self, now: int, limit: int, prefer: Collection[Key] = ()) -> int:
        del now, limit, prefer
        return 0


class _Impatient(Store):
    """Retries come after four fifths of their wait."""

    def finish_batch(self, worker: int, results: list[Finished], now: int) -> list[Owned]:
        sooner = [result._replace(wait_s=result.wait_s * 0.8) for result in results]
        return super().finish_batch(worker, sooner, now)


class _Early(Store):
    """Claims take what is due within the next minute."""

    def claimable(
        self, endpoint: int, now: int, limit: int, prefer: Collection[Key] = ()
    ) -> list[Row]:
        return super().claimable(endpoint, now + 60_000_000, limit, prefer)

    def endpoints_due(self, now: int) -> list[int]:
        return super().endpoints_due(now + 60_000_000)


class _Forgetful(Store):
    """One event in twenty is owed to nobody."""

    def commit_batch(self, worker: int, rows: CommitRows, now: int) -> Committed:
        done = super().commit_batch(worker, rows, now)
        for row in [row for row in self.lanes if row.ord > done.base and row.ord % 20 == 0]:
            if len(self.lanes.of_lane(row.key[:2])) == 1:
                self.lanes.remove(row)
        return done


class _Overtaking(Committer):
    """Starts what has to wait behind others, too."""

    def _push(self, sent: _Sent, pushes: list[object], done: Committed) -> None:  # type: ignore[override]
        super()._push(sent, pushes, done._replace(behind=[]))  # type: ignore[arg-type]


class _NoLease(Parts):
    """Sends whatever it was given once."""

    def leased(self, lease: Lease) -> Callable[[int], bool]:
        del lease
        return lambda _: True


class _Keeping(Parts):
    """Gives nothing back."""

    def release(self, recorder: Recorder) -> Callable[[Owned], None]:
        del recorder
        return lambda _: None


class _Careless(Parts):
    """Never looks for what an answer that was lost has left behind."""

    def lost(self, reconciler: Reconciler) -> Callable[[int], None]:
        del reconciler
        return lambda _: None


class _Hasty(Parts):
    """Commits without waiting for what goes before."""

    committer = _Overtaking


def _months(parts: type[Parts], store: type[Store], first: int) -> None:
    for seed in (first, *range(SEEDS_MAX)):
        World(seed, month(seed), parts(), store()).run()


@pytest.mark.parametrize(
    ("parts", "store", "words", "first"),
    [
        (Parts, _NoFence, "completed", 11),
        (Parts, _NoAdoption, "who does not know it", 1),
        (Parts, _Impatient, "is retried after", 0),
        (Parts, _Early, "before its time", 0),
        (Parts, _Forgetful, "is not owed|is over", 0),
        (_Hasty, Store, "sends", 0),
        (_NoLease, Store, "sends", 1),
        (_Keeping, Store, "never done", 5),
        (_Careless, Store, "who does not know it", 0),
    ],
    ids=lambda one: getattr(one, "__name__", None),
)
def test_what_is_wrong_is_found(
    parts: type[Parts], store: type[Store], words: str, first: int
) -> None:
    """One of the first seeds reports it, in words that say what happened.

    `first` is tried before them: the one that found it when that was last looked for.
    """
    with pytest.raises(Violation) as found:
        _months(parts, store, first)
    assert re.search(words, str(found.value).partition("\n")[0])
