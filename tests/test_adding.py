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
    (place / "docs").mkdir()
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
    """One file, one folder and two lines: it is read, sent through, faked, played and told of."""
    page = PAGE.read_text(encoding="utf-8")
    place = _copied(tmp_path)
    written = _write(place, page)
    assert 6 == len(written)
    assert 2 == _change(place, page)
    goldens, pages, tests = _COMMAND.findall(page)
    assert "wrote acme/statuses.json" in _run(place, goldens)
    _run(place, pages)
    _look(place / "docs" / "providers")
    told = _run(place, f"{tests.strip()} -p no:cacheprovider -rp")
    passed = set(re.findall(r"^PASSED \S+::(test_\w+)", told, re.MULTILINE))
    expected = {
        "test_every_recording_reads_as_its_golden", "test_every_scenario_ends_as_it_says",
        "test_who_has_no_table_is_held_to_what_is_recorded",
        "test_every_mutant_of_what_verifies_is_noticed",
    }  # fmt: skip
    assert expected <= passed, told[-3000:]


def _look(pages: Path) -> None:
    """See that the provider's own page and the one of all providers tell what it has."""
    acme = (pages / "acme.md").read_text(encoding="utf-8")
    assert acme.startswith("# Acme\n")
    assert "--provider acme --name 'Acme' \\\n  --config secret=…\n" in acme
    for row in (
        "| `secret` | text | required, secret | Signing secret of the webhook at Acme. |",
        "| taken | X-Acme-Signature matches the body | 200 |",
        "| `delivered` | `delivered` | [batch-one-malformed](",
        "| `stopped` | consent | `opted_out` | `failed` | undeliverable |  | ✓ |",
        "| `stopped` | refused | consent | `opted_out` | rejected |  | ✓ |",
    ):
        assert row in acme, row
    every = (pages / "README.md").read_text(encoding="utf-8")
    found = [line.split(" | ", 1)[1] for line in every.splitlines() if "](acme.md)" in line]
    assert "signature of body |  | for 24 hours |" == found[1]
    assert [3, "text |  |  |  | ✓ |"] == [len(found), found[2]]
