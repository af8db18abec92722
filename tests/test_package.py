"""The wheel holds everything that the program needs and nothing else; the locks pin it all."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.floor_rules import imported
from tests.source import ROOT, sources

LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*(?:\[[a-z,]+\])?)==(\S+)", re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel as a release does, from the tree as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_whole_program(wheel: zipfile.ZipFile) -> None:
    """Every file of the package is in it, SQL and recorded callbacks included, and only those."""
    package = ROOT / "src" / "ringback"
    ours = {
        f"ringback/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in wheel.namelist() if not name.startswith("ringback-")}
    assert ours == packed
    assert {"ringback/py.typed", "ringback/storage/migrations/0001_foundation.sql"} <= packed


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    """Licence, command, lowest Python and version are in the metadata."""
    text = {Path(name).name: wheel.read(name).decode() for name in wheel.namelist() if _about(name)}
    assert "ringback = ringback.cli.main:main" in text["entry_points.txt"]
    assert "Apache License" in text["LICENSE"]
    assert "Requires-Python: >=3.11" in text["METADATA"]
    assert "License-Expression: Apache-2.0" in text["METADATA"]
    source = (ROOT / "src/ringback/__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{_project()["version"]}"' in source


def _about(name: str) -> bool:
    return ".dist-info/" in name


def _project() -> dict[str, object]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    project: dict[str, object] = tomllib.loads(text)["project"]
    return project


def _pins(lock: str) -> dict[str, str]:
    return dict(_PIN.findall((ROOT / lock).read_text(encoding="utf-8")))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_index(lock: str) -> None:
    """What is installed is what was locked, from wherever people get their packages."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "    "))]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[a-z0-9].*==[^ ]+( ; .*)? \\", line), line
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_tests_run_on_the_versions_that_people_run() -> None:
    """The development lock pins everything that the others pin, alike."""
    everything = _pins("requirements-dev.lock")
    for lock in LOCKS[:2]:
        assert _pins(lock).items() <= everything.items()


def test_every_direct_dependency_is_locked() -> None:
    """A dependency that is added is locked too: `make lock`."""
    declared = _project()["dependencies"]
    assert isinstance(declared, list)
    names = {re.split(r"[<>=!~ \[]", line)[0] for line in declared}
    assert names <= set(_pins("requirements.lock"))


def test_everything_that_is_imported_is_declared() -> None:
    """No file leans on a package that only came along with another one, or was once installed."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lines: list[str] = tomllib.loads(text)["dependency-groups"]["dev"]
    direct = _project()["dependencies"]
    assert isinstance(direct, list)
    declared = {re.split(r"[<>=!~ \[]", line)[0] for line in [*lines, *direct]}
    # FastAPI's own foundation; it is nothing without them, and they are its types.
    declared |= {"starlette", "pydantic"}
    known = sys.stdlib_module_names | {"ringback", "tests", "scripts", "bench"}
    distributions = packages_distributions()
    for file in sources(".py"):
        for node, name in imported(file):
            top = name.partition(".")[0]
            if top not in known:
                found = {one.lower().replace("_", "-") for one in distributions.get(top, [])}
                assert found & declared, file.at(node, f"{top} is not declared")
