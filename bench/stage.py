"""What cases run on: installations, receivers, durations, and the numbers that never come twice."""

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from bench.errors import BenchError
from bench.installation import Endpoint, Installation
from bench.sinks import Sink
from bench.sizes import Size

# Each load takes its numbers from a range of its own.
_RANGE = 10_000_000
# A start is most of what a case of a moment takes: all have the one that any of them needs.
_SHARED_WORKERS = 2


class Stage:
    """Hands out installations: a new one each time, or a shared one where only operation counts."""

    def __init__(self, size: Size, scratch: Path | None = None) -> None:
        """Take the durations, and where temporary directories may be."""
        self.size = size
        self.scratch = Path(tempfile.mkdtemp(prefix="rb-bench-", dir=scratch))
        self.scratch.chmod(0o755)
        self._kept: Installation | None = None
        self._numbers = itertools.count(1)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Do nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop whatever still runs and delete every temporary file."""
        try:
            self._stack.close()
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    @contextlib.contextmanager
    def installation(self, workers: int = 1) -> Iterator[Installation]:
        """Lend a running installation that owes nothing and has no endpoints."""
        if not self.size.shared:
            with Installation(self.scratch, workers=workers) as fresh:
                yield fresh
            return
        if self._kept is None:
            made = Installation(self.scratch, workers=_SHARED_WORKERS)
            self._kept = self._stack.enter_context(made)
        try:
            yield self._kept
        except BenchError:
            # It may owe something, to endpoints that are gone: the next case has a new one.
            self._kept = None
            raise

    @contextlib.contextmanager
    def endpoints(
        self, installation: Installation, sink: Sink, types: str = "*"
    ) -> Iterator[list[Endpoint]]:
        """Lend an endpoint for each of a receiver's origins."""
        made = installation.add_endpoints(sink.urls, [types])
        yield made
        # Not when something has failed: then nobody uses the installation any more.
        installation.delete_endpoints(made)

    def folder(self, name: str) -> Path:
        """Make an empty directory."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.scratch))

    def first_number(self) -> int:
        """Return the first number of a range that nobody else has."""
        return next(self._numbers) * _RANGE
