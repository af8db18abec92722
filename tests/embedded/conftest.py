"""Short directories, a database that is made once, and servers that end with their test."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringback.services.embedded.server import EmbeddedServer
from tests import memory_disk

from .stage import Holder, Said, kill_all


@contextlib.contextmanager
def _spot() -> Iterator[Path]:
    # Not pytest's tmp_path: it is closed to other accounts, and too long for a Unix socket. Each
    # test copies 46 MB.
    spot = Path(tempfile.mkdtemp(prefix="rb-", dir=memory_disk.base()))
    try:
        spot.chmod(0o755)
        yield spot
    finally:
        shutil.rmtree(spot, ignore_errors=True)


@pytest.fixture
def spot() -> Iterator[Path]:
    """A short directory that every account may enter."""
    with _spot() as spot:
        yield spot


@pytest.fixture(scope="session")
def seed() -> Iterator[Path]:
    """A data directory with a database in it, cleanly stopped."""
    with _spot() as spot:
        server = EmbeddedServer(spot / "data", lambda _: None)
        server.start()
        server.stop(10)
        yield spot / "data"


@pytest.fixture
def data(seed: Path, spot: Path) -> Iterator[Path]:
    """A copy of the made database, of one's own; what runs on it is killed at the end."""
    subprocess.run(["cp", "-a", str(seed), str(spot / "data")], check=True)
    yield spot / "data"
    kill_all(spot / "data")


@pytest.fixture
def said() -> Said:
    """What the servers of `make_server` have said."""
    return Said()


@pytest.fixture
def make_server(said: Said) -> Iterator[Callable[[Path], EmbeddedServer]]:
    """Make embedded servers that are stopped when the test ends."""
    made: list[EmbeddedServer] = []

    def make(data: Path) -> EmbeddedServer:
        made.append(EmbeddedServer(data, said.append))
        return made[-1]

    yield make
    for server in made:
        server.stop(10)


@pytest.fixture
def make_holder() -> Iterator[Callable[..., Holder]]:
    """Make holder processes that end with the test."""
    made: list[Holder] = []

    def make(*arguments: str, **more: object) -> Holder:
        made.append(Holder(*arguments, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for holder in made:
        if holder.process.poll() is None:
            holder.close()
        else:
            holder.kill()
