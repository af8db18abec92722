"""An event loop without a clock: when nothing is left to do now, it is the next timer's time.

And processes on it: groups of tasks that can be stopped for a while, as by SIGSTOP, or killed. What
is started inside a process belongs to it; what belongs to none is the world outside. Everything is
in one thread and in one order, so a run can be repeated exactly.
"""

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

_current: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("process", default=None)


class Process:
    """A group of tasks. `paused` ones go on later, what `died` has no effect any more."""

    def __init__(self, loop: "TimeLoop", name: str) -> None:
        """Make an empty process; `start` puts something into it."""
        self.loop = loop
        self.name = name
        self.paused = False
        self.died = False
        # In the order in which they began.
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self._parked: list[asyncio.Handle] = []
        self._context = contextvars.Context()
        self._context.run(_current.set, self)

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task inside this process; nothing that it does not catch goes unnoticed."""
        task = self._context.run(self.loop.create_task, work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.failed.append(error)
            self.loop.stop()

    def pause(self) -> None:
        """Stop everything in it until `resume`; time and the world outside go on."""
        self.paused = True

    def resume(self) -> None:
        """Let it go on, with everything that became due meanwhile."""
        self.paused = False
        self.loop.requeue(self._parked)
        self._parked = []

    def kill(self) -> None:
        """End it. Its tasks are cancelled, so that nothing is left over."""
        self.died = True
        self.resume()
        self.cancel()

    def cancel(self) -> None:
        """Cancel its tasks, again and again: one that was about to wake up takes no notice."""
        for task in list(self.tasks):
            task.cancel()
        if self.tasks:
            self.loop.outside(0.5, self.cancel)

    def park(self, handle: asyncio.Handle) -> None:
        """Keep what would run now for later."""
        self._parked.append(handle)


def current() -> Process | None:
    """Return the process whose code is running; None outside of all."""
    return _current.get()


class TimeLoop(asyncio.BaseEventLoop):
    """Runs callbacks in order of their times, without waiting for any."""

    def __init__(self, start: float) -> None:
        """Begin at `start` seconds."""
        super().__init__()
        self._at = start
        self._queue: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = 0
        self.failed: list[BaseException] = []
        self.set_exception_handler(self._note)

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._at

    def outside(self, delay: float, callback: Callable[..., object], *args: Any) -> None:
        """Run a callback after `delay` seconds in the world outside of all processes."""
        context = contextvars.Context()
        self.call_later(delay, callback, *args, context=context)

    def requeue(self, handles: list[asyncio.Handle]) -> None:
        """Run handles that were kept back."""
        self._queue.extend(handles)

    # What asyncio asks of a loop.

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Run a callback as soon as those before it have run."""
        handle = asyncio.Handle(callback, args, self, context)
        self._queue.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback at a time."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, timer))
        return timer

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], **options: Any
    ) -> asyncio.Task[Any]:
        """Start a task in the process that is running."""
        task = asyncio.Task(coro, loop=self, **options)
        process = _current.get()
        if process is not None:
            process.tasks[task] = None
            task.add_done_callback(lambda _: process.tasks.pop(task, None))
        return task

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: a cancelled timer is passed over when its time comes."""

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.failed.append(context.get("exception") or RuntimeError(context["message"]))
        self.stop()

    def _run_once(self) -> None:
        timers, queue = self._timers, self._queue
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        if not queue and timers:
            self._at = max(self._at, timers[0][0])
        while timers and timers[0][0] <= self._at:
            queue.append(heapq.heappop(timers)[2])
        for _ in range(len(queue)):
            handle = queue.popleft()
            if handle._cancelled:
                continue
            process = handle._context.get(_current)  # type: ignore[attr-defined]
            if process is not None and process.paused:
                process.park(handle)
            else:
                handle._run()
