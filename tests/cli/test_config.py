"""`ringback config show`: what is in force and why, and never a secret."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ringback.cli.main import app
from ringback.settings import PREFIX, Settings, without_password

SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture(autouse=True)
def _bare(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del home  # without a profile
    for name in list(os.environ):
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def _run(*arguments: str, code: int = 0, **variables: str) -> tuple[str, str]:
    done = CliRunner().invoke(app, ["config", "show", *arguments], env=variables)
    assert code == done.exit_code, done.output
    return done.stdout, done.stderr


def _rows(text: str) -> dict[str, Any]:
    return {row["variable"]: row for row in json.loads(text)["settings"]}


def test_every_setting_says_where_it_comes_from(tmp_path: Path) -> None:
    """From the environment, from a file, or by default; what is not set says what that means."""
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\n")
    shown, said = _run("-o", "json", RINGBACK_PORT="9000", RINGBACK_SECRET_KEY_FILE=str(file))
    rows = _rows(shown)
    assert {PREFIX + name.upper() for name in Settings.model_fields} == set(rows)
    assert ("9000", "environment") == _of(rows["RINGBACK_PORT"])
    assert ("••••", "file") == _of(rows["RINGBACK_SECRET_KEY"])
    assert ("127.0.0.1", "default") == _of(rows["RINGBACK_HOST"])
    assert (None, "default") == _of(rows["RINGBACK_PUBLIC_URL"])
    assert "http://127.0.0.1:9000" in rows["RINGBACK_PUBLIC_URL"]["meaning"]
    assert "" == said


def _of(row: dict[str, Any]) -> tuple[Any, Any]:
    return row["value"], row["source"]


def test_it_says_whom_commands_ask(home: Path) -> None:
    """By a profile's address and the end of its key; options and variables go before."""
    shown, _ = _run()
    assert "Commands ask http://127.0.0.1:8420 with no key (no profile)." in shown
    directory = home / "config" / "ringback"
    directory.mkdir(parents=True)
    (directory / "config.toml").write_text(
        '[profiles.default]\nurl = "https://x.example"\napi_key = "rk_test_hunter2abcd"\n'
    )
    shown, _ = _run()
    assert "Commands ask https://x.example with ••••abcd (profile default of " in shown
    assert "hunter2" not in shown
    asked = json.loads(_run("-o", "json", RINGBACK_URL="http://127.0.0.1:1")[0])["commands"]
    assert ("http://127.0.0.1:1", None) == (asked["url"], asked["api_key"])


def test_no_secret_is_shown() -> None:
    """Neither the key nor the database's password, in either format."""
    dsn = "postgresql://me:hunter2@db.example:5432/x?password=hunter3"
    for output in ("table", "json"):
        shown, said = _run(
            "-o", output, RINGBACK_DATABASE_URL=dsn, RINGBACK_SECRET_KEY=f"{SECRET},{SECRET}"
        )
        assert "hunter" not in shown + said
        assert SECRET not in shown + said
        assert "postgresql://me:••••@db.example:5432/x?password=••••" in shown
        assert "(2 keys)" in shown


def test_what_is_wrong_is_said_and_the_rest_shown(tmp_path: Path) -> None:
    """Exit code 1, every fault with its variable; a name that means nothing is a warning."""
    shown, said = _run(
        code=1, RINGBACK_PORT="x", RINGBACK_PROT="1", RINGBACK_WORKERS="3",
        RINGBACK_DATABASE_URL_FILE=str(tmp_path / "none"),
    )  # fmt: skip
    assert "error: RINGBACK_PORT: " in said
    assert "cannot read" in said
    assert "Did you mean RINGBACK_PORT?" in said
    (workers,) = [line for line in shown.splitlines() if line.startswith("RINGBACK_WORKERS")]
    assert ["RINGBACK_WORKERS", "3", "environment"] == workers.split()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://h/x", "postgresql://h/x"),
        ("postgresql://u@h/x", "postgresql://u@h/x"),
        ("postgresql://u:p%40x@h1,h2/x", "postgresql://u:••••@h1,h2/x"),
        ("postgresql:///x?host=/run&sslpassword=a", "postgresql:///x?host=/run&sslpassword=••••"),
        ("host=h password=p", "••••"),
        ("http://[", "••••"),
    ],
)
def test_a_password_is_hidden_wherever_it_stands(url: str, shown: str) -> None:
    """In the login and in the query; of what is no URL nothing is shown."""
    assert shown == without_password(url)
