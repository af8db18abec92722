"""A server for all tests of the command line, and a way to run commands against it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ringback.cli.main import app
from tests.postgres_server import PostgresServer
from tests.server import KEY, Served, serving


class Ran:
    """What one command printed, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        """Take its exit code and both streams."""
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        """The data, decoded."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """The data, line by line."""
        return self.out.splitlines()


Run = Callable[..., Ran]


@pytest.fixture(scope="package")
def served(
    postgres18: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A server that all tests here share: each makes what it needs itself."""
    name = postgres18.create_migrated()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        with serving(postgres18.dsn(name)) as served:
            yield served
    postgres18.drop(name)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a working directory without anything, and no variables of ours."""
    for name in ("URL", "API_KEY", "PROFILE"):
        monkeypatch.delenv(f"RINGBACK_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def ran(*arguments: str, text: str | None = None, **variables: str) -> Ran:
    """Run a command in this process."""
    done = CliRunner().invoke(app, arguments, input=text, env=variables)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ran(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def ringback(served: Served, home: Path) -> Run:
    """Run a command against the server with its test key; the exit code is checked."""

    def run(*arguments: str, code: int = 0, text: str | None = None, **variables: str) -> Ran:
        world = {"RINGBACK_URL": served.url, "RINGBACK_API_KEY": KEY, **variables}
        done = ran(*arguments, text=text, **world)
        assert code == done.code, done.err
        return done

    return run
