"""The global options, where the installation is found, and what the command line never does."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ringback.api.problems import CODES
from ringback.cli import failures
from ringback.cli.options import Chosen
from ringback.cli.session import Place, Session
from ringback.services import profile
from tests.cli.conftest import Run, ran
from tests.server import KEY, Served

SOURCES = Path(__file__).parents[2] / "src"


def _write(file: Path, **profiles: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f'[profiles.{name}]\nurl = "http://{name}.test"\napi_key = "{key}"\n'
        for name, key in profiles.items()
    ]
    file.write_text("\n".join(lines), encoding="utf-8")


def _place(**chosen: str) -> Place:
    return Session(Chosen(**chosen)).place  # type: ignore[arg-type]


def test_options_count_before_and_after_the_command(ringback: Run, served: Served) -> None:
    """The same option may stand in either place; the latter counts."""
    before = ringback("-o", "json", "endpoints", "list")
    assert isinstance(before.json, list)
    after = ringback("-o", "json", "endpoints", "list", "-o", "jsonl")
    assert not after.out.startswith("[")
    wrong = {"RINGBACK_URL": "http://127.0.0.1:9"}
    ringback("--url", served.url, "endpoints", "list", **wrong)


def test_each_value_is_found_by_precedence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Option, then variable, then the profile that is named or meant, then what is usual."""
    assert ("http://127.0.0.1:8420", None) == _place()[:2]
    _write(home / "config/ringback/config.toml", default="k1", other="k2")
    assert ("http://default.test", "k1") == _place()[:2]
    assert ("http://other.test", "k2") == _place(profile="other")[:2]
    monkeypatch.setenv("RINGBACK_PROFILE", "other")
    assert ("http://other.test", "k2") == _place()[:2]
    monkeypatch.setenv("RINGBACK_API_KEY", "k3")
    assert ("http://other.test", "k3") == _place()[:2]
    assert ("http://other.test", "k4") == _place(api_key="k4")[:2]


def test_the_working_directory_goes_before_the_home(home: Path) -> None:
    """The first file wins whole: nothing of the other one is taken."""
    _write(home / "config/ringback/config.toml", default="k1", other="k2")
    _write(home / "here/.ringback.toml", mine="k5")
    assert ("http://mine.test", "k5") == _place()[:2]
    assert "There is no profile other" in ran("events", "list", "--profile", "other").err


def test_a_key_never_leaves_for_another_address(home: Path) -> None:
    """A URL that is given takes the profile of that address, or none: not the usual one's key."""
    _write(home / "config/ringback/config.toml", default="k1", other="k2")
    assert "k2" == _place(url="http://other.test/").api_key
    assert _place(url="http://elsewhere.test").api_key is None
    assert _place(url="http://elsewhere.test", profile="other").api_key is None
    refused = ran("endpoints", "list", "--url", "http://elsewhere.test")
    assert 3 == refused.code
    assert "hint: " in refused.err


def test_profiles_are_kept_field_by_field(home: Path) -> None:
    """What else is in the file stays; a field that is taken back is gone."""
    file = home / "config/ringback/config.toml"
    _write(file, default="k1")
    file.write_text(file.read_text() + "# mine\n")
    profile.keep(file, "new one", {"url": "http://n.test", "api_key": "k9", "mode": "test"})
    profile.keep(file, "new one", {"mode": None, "tenant": "t"})
    profile.use(file, "new one")
    kept = profile.book()
    assert "new one" == kept.default
    assert {"url": "http://n.test", "api_key": "k9", "tenant": "t"} == kept.profiles["new one"]
    assert "# mine" in file.read_text()
    profile.use(file, "default")
    assert 1 == file.read_text().count("profile =")
    assert 0o600 == file.stat().st_mode & 0o777


def test_nobody_there_is_a_network_error(home: Path) -> None:
    """It says who does not answer and how to start one; the exit code is 6."""
    done = ran("endpoints", "list", "--url", "http://127.0.0.1:9", "--api-key", "rk_x")
    assert 6 == done.code
    assert "Nobody answers at http://127.0.0.1:9" in done.err
    assert "`ringback up`" in done.err


def test_hints_are_for_errors_that_there_are() -> None:
    """A hint for a code that the API no longer has would never be seen."""
    assert set(failures._HINTS) <= set(CODES)


def test_talk_is_told_on_standard_error_as_much_as_wanted(ringback: Run) -> None:
    """-v tells each request with its id, -q nothing but errors; data is the same."""
    loud = ringback("event-types", "list", "-v")
    assert "GET /v1/event-types → 200" in loud.err
    assert "req_" in loud.err
    assert loud.out == ringback("event-types", "list", "-q").out
    assert "There is nothing." in ringback("audit", "list", "--object", "nobody").err
    assert "" == ringback("audit", "list", "--object", "nobody", "-q").err


def _program(*arguments: str, **variables: str) -> subprocess.Popen[bytes]:
    world = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), **variables}
    return subprocess.Popen(
        [sys.executable, "-m", "ringback", *arguments], env=world, cwd="/",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_help_imports_typer_and_rich_and_nothing_more() -> None:
    """What a command needs is imported by that command: help comes at once."""
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from ringback.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
        "print(*(n for n in sys.modules if n.startswith('ringback.')), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCES)}, cwd="/",
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    tops, ours = (set(line.split()) for line in done.stderr.splitlines())
    comes_along = {
        "typer", "rich", "shellingham", "annotated_doc", "markdown_it", "mdurl", "pygments",
        "attr", "ringback", "__main__", "__mp_main__", "sitecustomize", "usercustomize",
    }  # fmt: skip
    foreign = {name for name in tops - set(sys.stdlib_module_names) if not name.startswith("_")}
    assert set() == {n for n in foreign - comes_along if "distutils" not in n}
    # The names of scenarios are in the help; that module holds values and imports nothing.
    values = {"ringback.domain", "ringback.domain.scenarios"}
    assert values == {name for name in ours if not name.startswith("ringback.cli")}


def test_a_reader_that_has_enough_ends_it_quietly(served: Served) -> None:
    """`ringback … | head -1`: no complaint, and no failure."""
    for _ in range(3):
        served.api("POST", "/v1/events", [{"type": "shop.paid", "data": {"n": "x" * 4000}}] * 100)
    process = _program(
        "events", "list", "--all", "-o", "jsonl",
        RINGBACK_URL=served.url, RINGBACK_API_KEY=KEY,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b"{")
    process.stdout.close()
    assert b"" == process.stderr.read()
    assert 0 == process.wait(20)
    process.stderr.close()


def test_ctrl_c_ends_it_at_once(served: Served) -> None:
    """Without a stack trace, and with the exit code of an interrupt."""
    process = _program(
        "endpoints", "list", "-v", RINGBACK_URL="http://10.255.255.1:81", RINGBACK_API_KEY=KEY
    )
    assert process.stderr is not None
    assert process.stdout is not None
    assert process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert 130 == process.wait(20)
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.stdout.close()
