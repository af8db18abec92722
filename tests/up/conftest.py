"""Installations: one demo that whoever only uses it shares, and as many of one's own as needed."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests import memory_disk

from .installation import Installation
from .receiver import Receiver, receiving

Make = Callable[..., Installation]


@contextmanager
def _home() -> Iterator[Path]:
    # Not pytest's tmp_path: it is closed to other accounts, and too long for a Unix socket.
    home = Path(tempfile.mkdtemp(prefix="rb-up-", dir=memory_disk.base()))
    try:
        home.chmod(0o755)
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def installations() -> Iterator[Make]:
    """Lend what makes installations; none of them, and nothing of theirs, outlives it."""
    with ExitStack() as stack:

        def make(*before: str, **variables: str) -> Installation:
            home = stack.enter_context(_home())
            return stack.enter_context(Installation(home, *before, **variables))

        yield make


@pytest.fixture(scope="session")
def demo() -> Iterator[Installation]:
    """A running demo that was just started for the first time. Leave it running."""
    with installations() as make:
        demo = make()
        demo.start()
        yield demo
        assert 0 == demo.stop()


@pytest.fixture
def make_installation() -> Iterator[Make]:
    """Make installations that are not started yet; nothing of them outlives the test."""
    with installations() as make:
        yield make


@pytest.fixture(scope="module")
def own() -> Iterator[Installation]:
    """An installation that the tests of a module start and stop, one after the other."""
    with installations() as make:
        yield make()


@pytest.fixture(scope="module")
def make_pair() -> Iterator[Make]:
    """Make installations for all tests of a module."""
    with installations() as make:
        yield make


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback that keeps what it gets."""
    with receiving() as receiver:
        yield receiver
