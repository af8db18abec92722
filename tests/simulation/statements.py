"""What statements do, on the model of the store: by name, from arguments to rows."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from ringback.storage import hot
from ringback.storage.configuration import Everything
from ringback.storage.hot import CommitRows, Finished, Owned
from tests.simulation.model import SECOND, Store
from tests.simulation.timeloop import Process

Rows = list[Any]
# More than any system hands out: nobody has this process id.
NOBODY = 1 << 30


class Statements:
    """The store, and what is asked of it."""

    def __init__(self, store: Store, everything: Everything, now: Callable[[], int]) -> None:
        """Take the parts; `now` is the database's clock in microseconds."""
        self.store = store
        self.everything = everything
        self.now = now
        self.announce: Callable[[], None] = lambda: None
        self.processes: dict[int, Process] = {}
        # Whose end others on the same host can see.
        self.gone: set[Process] = set()
        self.handlers: dict[str, Callable[..., Rows]] = {
            "subjects.read": self._read_subjects, "subjects.read_facts": self._read_facts,
            "subjects.read_once": self._read_once,
            "suppressions.in_force": self._in_force, "subjects.commit": self._commit,
            "subjects.stored_events": self._stored_events,
            "subjects.stored_callbacks": self._stored_callbacks, "deliveries.owned": self._owned,
            "deliveries.finish": self._finish, "deliveries.claim": self._claim,
            "deliveries.bodies": self._bodies, "deliveries.release": self._release,
            "deliveries.end_gone": self._end_gone,
            "workers.register": self._register, "workers.heartbeat": self._heartbeat,
            "workers.others": self._others, "workers.retire": self._retire,
            "workers.adopt": self._adopt, "workers.unblock": self._unblock,
            "workers.leave": self._leave, "workers.kept": lambda: [(None,)],
            "workers.gone": lambda _: [], "workers.forget": list,
            "configuration.change": self._change, "configuration.lagging": self._lagging,
            "configuration.disable_endpoint": self._disable_endpoint, "audit.add": lambda *_: [],
        }  # fmt: skip

    def _read_facts(self, subjects: list[Any], hashes: list[int]) -> Rows:
        return list(self.store.read_facts(zip(subjects, hashes, strict=True)))

    def _read_once(self, keys: list[Any]) -> Rows:
        return [(key,) for key in sorted(self.store.read_once(keys))]

    def _read_subjects(
        self, keys: list[Any], numbers: list[int], addresses: list[str | None]
    ) -> Rows:
        wanted = zip(numbers, addresses, strict=True)
        flying = self.store.read_in_flight(wanted, self.now())
        named = self.store.read_subjects(keys)
        known = [(key, *row, None, None) for key, row in named.items()]
        return [*known, *((None,) * 7 + pair for pair in flying)]

    def _in_force(self, keys: list[Any]) -> Rows:
        rows = []
        for key in sorted(set(keys) & self.store.in_force.keys()):
            id_, word, since, whose = self.store.in_force[key]
            rows.append((key, word, since, id_, whose.address, self.store.wishes[id_].callback))
        return rows

    def _commit(self, worker: int, _: None, *columns: list[Any] | None) -> Rows:
        return [tuple(self.store.commit_batch(worker, commit_rows(columns), self.now()))]

    def _stored_events(self, ids: list[Any]) -> Rows:
        return [(id_,) for id_ in ids if id_ in self.store.events]

    def _stored_callbacks(self, ids: list[Any]) -> Rows:
        return [(id_,) for id_ in ids if id_ in self.store.callbacks]

    def _owned(self, worker: int) -> Rows:
        return [tuple(row.owned) for row in self.store.lanes.owned(worker)]

    def _finish(self, *arguments: Any) -> Rows:
        worker, results = finishing(arguments)
        return [tuple(row) for row in self.store.finish_batch(worker, results, self.now())]

    def _claim(self, worker: int, _: None, endpoints: list[int], free: list[int]) -> Rows:
        wanted = dict(zip(endpoints, free, strict=True))
        return [tuple(row) for row in self.store.claim(worker, wanted, self.now())]

    def _bodies(self, ids: list[Any]) -> Rows:
        return list(self.store.bodies(ids).items())

    def _release(self, worker: int, *key: list[Any]) -> Rows:
        self.store.release(worker, _owned(key), self.now())
        return []

    def _end_gone(self, worker: int, *key: list[Any]) -> Rows:
        return [(self.store.end_gone(worker, _owned(key), self.now()),)]

    def _register(self, boot_id: str, pid: int, pid_start: float) -> Rows:
        return [(self.store.register(boot_id, pid, pid_start),)]

    def _heartbeat(self, worker: int, config_seen: int, _: bytes | None) -> Rows:
        beat = self.store.heartbeat(worker, config_seen)
        clock = datetime.fromtimestamp(self.now() / SECOND, UTC)
        return [] if beat is None else [(beat, self.everything.version, clock)]

    def _others(self, worker: int) -> Rows:
        # Everybody is on a host of his own but for those who are gone from the asker's.
        return [
            (peer.id, peer.beat, peer.boot_id, NOBODY, peer.pid_start)
            if self.processes[peer.id] in self.gone
            else (peer.id, peer.beat, f"host of {peer.id}", peer.pid, peer.pid_start)
            for peer in self.store.peers(worker)
        ]

    def _retire(self, worker: int, beat: int) -> Rows:
        return [(self.store.retire(worker, beat),)]

    def _adopt(self, _: None, limit: int) -> Rows:
        return [(self.store.adopt(self.now(), limit),)]

    def _unblock(self, _: None) -> Rows:
        return [(self.store.unblock(self.now()),)]

    def _leave(self, worker: int) -> Rows:
        return [{"numbers": None}] if self.store.leave(worker) else []

    def _change(self) -> Rows:
        version = self.everything.version + 1
        self.everything = msgspec.structs.replace(self.everything, version=version)
        self.announce()
        return [(version,)]

    def _lagging(self, version: int) -> Rows:
        living = [row for row in self.store.workers.values() if row.alive]
        return [{"workers": sum(row.config_seen < version for row in living)}]

    def _disable_endpoint(self, id_: Any, _tenant: int, _mode: int, url: str, _why: str) -> Rows:
        replace = msgspec.structs.replace
        endpoints = self.everything.endpoints
        for place, row in enumerate(endpoints):
            if row.engine.id == id_ and row.engine.url == url and not row.engine.disabled:
                off = replace(row, engine=replace(row.engine, disabled=True))
                after = [*endpoints[:place], off, *endpoints[place + 1 :]]
                self.everything = replace(self.everything, endpoints=after)
                return [(datetime.fromtimestamp(self.now() / 1_000_000, UTC),)]
        return []


def commit_rows(columns: tuple[list[Any] | None, ...]) -> CommitRows:
    """Turn the columns of a commit back into rows; null is none."""
    rows, place = CommitRows(), 0
    for table, width in hot._WIDTHS.items():
        of_table = [column or [] for column in columns[place : place + width]]
        setattr(rows, table, list(zip(*of_table, strict=True)))
        place += width
    return rows


def _owned(key: tuple[list[Any], ...]) -> list[Owned]:
    rows = zip(*key, strict=True)
    return [Owned(lane, endpoint, ord_, lane, 0) for lane, endpoint, ord_ in rows]


def finishing(arguments: tuple[Any, ...]) -> tuple[int, list[Finished]]:
    """Turn the arguments of a completion back into the worker and its results."""
    worker, _, *columns = arguments
    return worker, [Finished(*row) for row in zip(*columns, strict=True)]
