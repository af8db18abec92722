"""docs/adding-a-provider.md, followed to the letter in a copy of the program."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.source import ROOT

PAGE = ROOT / "docs" / "adding-a-provider.md"
_FILE = re.compile(r"^`([^`\s]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGE = re.compile(r"^```diff\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_REGISTRY = "src/ringback/providers/registry.py"


def _copied(place: Path) -> Path:
    """Copy what the page works on, without what was compiled of it."""
    junk = shutil.ignore_patterns("__pycache__", "site", "vendor", "proof", "up", "panel")
    for name in ("src", "tests", "scripts"):
        shutil.copytree(ROOT / name, place / name, ignore=junk)
    shutil.copytree(ROOT / "src" / "ringback" / "panel", place / "src" / "ringback" / "panel")
    shutil.copy(ROOT / "pyproject.toml", place)
    return place


def _write(place: Path, page: str) -> list[str]:
    """Write every file of the page; return their paths."""
    files = _FILE.findall(page)
    for name, text in files:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".http"):
            head, _, body = text.rstrip("\n").partition("\n\n")
            path.write_bytes((head.replace("\n", "\r\n") + "\r\n\r\n" + body).encode())
        else:
            path.write_text(text, encoding="utf-8")
    return [name for name, _ in files]


def _change(place: Path, page: str) -> int:
    """Make every change of the page: new lines come before the one that is there."""
    path = place / _REGISTRY
    changes = _CHANGE.findall(page)
    for change in changes:
        new, old = (line[1:] + "\n" for line in change.splitlines())
        text = path.read_text(encoding="utf-8")
        assert 1 == text.count(old), old
        path.write_text(text.replace(old, new + old), encoding="utf-8")
    return len(changes)


def _run(place: Path, command: str) -> str:
    """Run a command of the page in the copy; return what it printed."""
    words = command.split()
    assert "python" == words[0]
    done = subprocess.run(
        [sys.executable, *words[1:]], cwd=place, capture_output=True, text=True, timeout=180,
        check=False, env={**os.environ, "PYTHONPATH": f"{place / 'src'}{os.pathsep}{place}"},
    )  # fmt: skip
    assert 0 == done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_whoever_follows_the_page_has_a_provider(tmp_path: Path) -> None:
    """One file, one folder and two lines: it is read, sent through, faked and played."""
    page = PAGE.read_text(encoding="utf-8")
    place = _copied(tmp_path)
    written = _write(place, page)
    assert 6 == len(written)
    assert 2 == _change(place, page)
    goldens, tests = _COMMAND.findall(page)
    assert "wrote acme/statuses.json" in _run(place, goldens)
    told = _run(place, tests.strip() + " -p no:cacheprovider")
    assert "no tests ran" not in told
    assert re.search(r"\.{30,}", told)
