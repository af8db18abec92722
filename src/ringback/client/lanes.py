"""Working through jobs in order per lane, a few lanes at a time, with bounded room.

What has the same lane is done one after the other; lanes do not wait for each other. `put` waits
while there is no room, so that whoever brings jobs brings no more than can be held.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Job = TypeVar("Job")
THREADS = 16
# Jobs in hand, those under way included.
HELD_MAX = 256


class Lanes(Generic[Job]):
    """Runs jobs on threads of its own. What a job raises ends all, and `put` raises it."""

    def __init__(
        self, work: Callable[[Job], None], *, threads: int = THREADS, held: int = HELD_MAX
    ) -> None:
        """Take what does a job; nothing runs before the first one."""
        self._work = work
        self._lanes: dict[str, deque[Job]] = {}
        self._ready: deque[str] = deque()
        self._change = threading.Condition()
        self._held = 0
        self._room = held
        self._wanted = threads
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._failure: BaseException | None = None

    def put(self, lane: str, job: Job) -> None:
        """Add a job; waits while as many are held as there may be. Raises what a job raised."""
        with self._change:
            while self._held >= self._room and not self._closed:
                self._change.wait()
            if self._failure is not None:
                raise self._failure
            if self._closed:
                return
            self._held += 1
            if lane in self._lanes:
                self._lanes[lane].append(job)
                return
            self._lanes[lane] = deque([job])
            self._ready.append(lane)
            if len(self._threads) < min(self._wanted, len(self._lanes)):
                thread = threading.Thread(target=self._run, name="listen", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._change.notify_all()

    def close(self, seconds: float) -> int:
        """Begin nothing more; wait so long for what is under way; return how many were not done."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        for thread in self._threads:
            thread.join(seconds / max(len(self._threads), 1))
        with self._change:
            return self._held

    def _run(self) -> None:
        while True:
            with self._change:
                while not self._ready and not self._closed:
                    self._change.wait()
                if self._closed:
                    return
                lane = self._ready.popleft()
                job = self._lanes[lane][0]
            try:
                self._work(job)
            except BaseException as error:
                with self._change:
                    self._failure, self._closed = error, True
                    self._change.notify_all()
                return
            with self._change:
                self._held -= 1
                waiting = self._lanes[lane]
                waiting.popleft()
                if waiting:
                    self._ready.append(lane)
                else:
                    del self._lanes[lane]
                self._change.notify_all()
