"""`whoami`, `login`, `config`, `open`, `completion`: which installation is spoken to."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import Run, ran
from tests.cli.test_options import SOURCES
from tests.server import KEY, LIVE_KEY, OPERATOR_KEY, Served


def test_whoami_says_which_key_asks_where_and_for_whom(ringback: Run, served: Served) -> None:
    """With the place that the address and key were found at."""
    who = ringback("whoami", "-o", "json").json
    assert (served.url, "test", "test", "no profile") == (
        who["url"], who["kind"], who["mode"], who["from"],
    )  # fmt: skip
    operator = ringback("whoami", "-o", "json", RINGBACK_API_KEY=OPERATOR_KEY).json
    assert ("operator", None) == (operator["kind"], operator["tenant"])
    assert "hint: " in ringback("whoami", code=3, RINGBACK_API_KEY="rk_test_nobody").err


def test_login_checks_a_key_and_keeps_it(served: Served, home: Path) -> None:
    """A wrong one is not kept; a good one is used from then on, each mode's under its own name."""
    refused = ran("login", "--url", served.url, "--api-key", "rk_test_nobody")
    assert 3 == refused.code
    assert not (home / "config/ringback/config.toml").exists()
    assert 0 == ran("login", "--url", served.url, text=f"{KEY}\n").code
    assert "test" == ran("whoami", "-o", "json").json["mode"]
    live = ran("login", "--url", served.url, "--api-key", LIVE_KEY)
    assert "config use local-" in live.err
    rows = ran("config", "profiles", "-o", "csv").lines
    assert ["default", "yes"] == [rows[1].split(",")[0], rows[1].split(",")[3]]
    assert KEY not in "".join(rows)
    name = rows[2].split(",")[0]
    assert 0 == ran("config", "use", name).code
    assert "live" == ran("whoami", "-o", "json").json["mode"]
    again = ran("login", "--url", served.url, "--api-key", KEY)
    assert "profile default" in again.err
    assert 0o600 == (home / "config/ringback/config.toml").stat().st_mode & 0o777


def test_fields_of_a_profile_are_set_shown_and_removed(home: Path) -> None:
    """A profile that is named is added; a field that is not set is exit code 1."""
    assert 0 == ran("config", "set", "url", "http://a.test", "--profile", "a").code
    assert ["http://a.test"] == ran("config", "get", "url").lines
    assert 1 == ran("config", "get", "tenant").code
    ran("config", "set", "tenant", "acme")
    assert ["acme"] == ran("config", "get", "tenant", "--profile", "a").lines
    ran("config", "set", "tenant", "")
    assert 1 == ran("config", "get", "tenant").code
    assert [str(home / "config/ringback/config.toml")] == ran("config", "path").lines
    (home / "here/.ringback.toml").write_text("", encoding="utf-8")
    assert [str(home / "here/.ringback.toml")] == ran("config", "path").lines
    assert "ringback login" in ran("config", "profiles").err
    assert 1 == ran("config", "use", "b").code


def test_open_prints_where_a_thing_is(home: Path) -> None:
    """The documentation, or the thing that an id names."""
    world = {"RINGBACK_URL": "http://a.test/"}
    assert ["http://a.test/docs"] == ran("open", **world).lines
    assert ["http://a.test/v1/messages/msg_1"] == ran("open", "msg_1", **world).lines
    assert 2 == ran("open", "nonsense", **world).code


_NAMED = "import sys; sys.argv = ['ringback']; from ringback.cli.main import main; main()"


def test_a_shell_completes_commands() -> None:
    """The script is printed, and what it asks for is answered, groups of resources too."""
    assert "_RINGBACK_COMPLETE" in ran("completion", "bash").out
    world = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "COMP_CWORD": "2",
        "COMP_WORDS": "ringback endpoints rot", "_RINGBACK_COMPLETE": "complete_bash",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _NAMED], env=world, cwd="/", capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ["rotate"] == done.stdout.split(), done.stderr
