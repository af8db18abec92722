"""The command line's profile: private, mended in place, and never at the cost of another's."""

import os
import stat
import tomllib
from pathlib import Path

import pytest

from ringback.errors import StartupError
from ringback.services import profile

URL, OTHER = "http://127.0.0.1:8420", "http://127.0.0.1:9000"


@pytest.fixture
def file() -> Path:
    """Where the profiles are; conftest.py points it to a directory of this test."""
    return profile.path()


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _read(file: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads(file.read_text(encoding="utf-8"))["profiles"]
    return found


def test_the_first_installation_is_the_default(file: Path) -> None:
    """Written, it is read again by its URL; no other URL finds it."""
    assert profile.read(URL) is None
    made = profile.write(URL, "rk_test_a")
    assert profile.Profile("default", URL, "rk_test_a") == made == profile.read(URL)
    assert profile.read(OTHER) is None
    assert {"default": {"url": URL, "api_key": "rk_test_a"}} == _read(file)


def test_only_its_owner_may_read_it(file: Path) -> None:
    """0600 in a directory of 0700, also after a change, and whatever an older file allowed."""
    old = os.umask(0)
    try:
        profile.write(URL, "rk_test_a")
        assert 0o700 == stat.S_IMODE(file.parent.stat().st_mode)
        file.chmod(0o644)
        draft = file.with_name(f".{file.name}.{os.getpid()}")
        draft.write_text("left over", encoding="utf-8")
        draft.chmod(0o666)
        profile.write(URL, "rk_test_b")
    finally:
        os.umask(old)
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert [file] == list(file.parent.iterdir())


def test_other_lines_stay(file: Path) -> None:
    """Comments, other sections and other keys of the same one are the user's."""
    text = (
        "# mine\ntop = 1\n\n[profiles.work]  # at work\nurl = 'https://x'\napi_key = 'k'\n\n"
        f"[profiles.default]  # here\noutput = 'json'\nurl = '{URL}'\n"
        "api_key = 'rk_test_old'\n# note\n\n"
        "[other]\nkey = 'kept'\napi_key = 'not ours'\n"
    )
    _write(file, text)
    assert "default" == profile.write(URL, "rk_test_new").name
    after = file.read_text(encoding="utf-8")
    wanted = text.replace("'rk_test_old'", '"rk_test_new"')
    assert sorted(wanted.splitlines()) == sorted(after.splitlines())
    before, found = tomllib.loads(text), tomllib.loads(after)
    before["profiles"]["default"]["api_key"] = "rk_test_new"
    assert before == found


def test_another_installation_has_a_name_of_its_own(file: Path) -> None:
    """After its port, or its host; and never a name that is taken."""
    urls = {
        URL: "default", OTHER: "local-9000", "http://10.0.0.1:9000": "local-9000-2",
        "http://10.0.0.2:9000": "local-9000-3", "https://x.example": "x.example",
        "https://x.example/ringback": "x.example-2",
    }  # fmt: skip
    for number, (url, name) in enumerate(urls.items()):
        assert name == profile.write(url, f"key-{number}").name
    assert list(urls.values()) == list(_read(file))
    for number, url in enumerate(urls):
        assert f"key-{number}" == (profile.read(url) or profile.Profile("", "", "")).api_key
        profile.write(url, f"new-{number}")
    assert {url: f"new-{number}" for number, url in enumerate(urls)} == {
        one["url"]: one["api_key"] for one in _read(file).values()
    }


@pytest.mark.parametrize("text", ["[profiles.default\n", "a = = 1", "\x00", "[a]\n[a]\n"])
def test_a_broken_file_is_named_and_left_alone(file: Path, text: str) -> None:
    """Neither read nor written: who mends it finds it as it was."""
    _write(file, text)
    with pytest.raises(StartupError, match=r"config\.toml is not valid TOML"):
        profile.read(URL)
    with pytest.raises(StartupError, match=r"config\.toml is not valid TOML"):
        profile.write(URL, "k")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        f"[profiles]\ndefault = {{ url = '{URL}', api_key = 'rk_test_old' }}\n",
        f"profiles.default.url = '{URL}'\nprofiles.default.api_key = 'rk_test_old'\n",
    ],
)
def test_a_profile_in_another_form_is_not_touched(file: Path, text: str) -> None:
    """TOML has many ways to say the same: one that is not ours is read, and left to its owner."""
    _write(file, text)
    assert profile.Profile("default", URL, "rk_test_old") == profile.read(URL)
    with pytest.raises(StartupError, match="section of its own"):
        profile.write(URL, "rk_test_new")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["", "profiles = 1\n", "[profiles]\na = 1\n", f"[profiles.a]\nurl = '{URL}'\n"]
)
def test_what_is_no_profile_is_none(file: Path, text: str) -> None:
    """No section, no table, no key: there is nothing to go by."""
    _write(file, text)
    assert profile.read(URL) is None


def test_a_profile_without_a_key_gets_one(file: Path) -> None:
    """The section that somebody prepared with the URL alone is completed."""
    _write(file, f"[profiles.mine]\nurl = '{URL}'\n")
    assert "mine" == profile.write(URL, "k").name
    assert {"mine": {"url": URL, "api_key": "k"}} == _read(file)
