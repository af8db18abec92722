"""The command itself: its help is there at once, because nothing heavy is loaded for it."""

import subprocess
import sys

import pytest

from .installation import SOURCES


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--help"], "migrate"),
        (["up", "--help"], "RINGBACK_PORT"),
        (["migrate", "--help"], "--status"),
        (["verify", "--help"], "--tolerance"),
        (["listen", "--help"], "--allow-external"),
        (["--version"], "."),
    ],
)
def test_help_loads_neither_the_api_nor_the_server(arguments: list[str], shown: str) -> None:
    """Everything but the answer itself is imported by the command that needs it."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "ringback", *arguments],
        env={"PYTHONPATH": str(SOURCES), "COLUMNS": "200"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert 0 == done.returncode
    assert shown in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "ringback.cli.main" in loaded
    heavy = {"fastapi", "uvloop", "asyncpg", "cryptography", "ringback.services", "ringback.api"}
    assert set() == loaded & heavy
