"""The command line's profile: where this installation is and with which key, in a private file."""

import itertools
import json
import os
import re
import tomllib
from collections.abc import Container
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ringback.errors import StartupError


class Profile(msgspec.Struct, frozen=True):
    """How to reach one installation."""

    name: str
    url: str
    api_key: str


def config_dir() -> Path:
    """Return the directory of the command line's files."""
    root = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(root) / "ringback"


def path() -> Path:
    """Return the file that holds the profiles."""
    return config_dir() / "config.toml"


def _profiles(text: str, where: Path) -> dict[str, dict[str, str]]:
    try:
        found = tomllib.loads(text).get("profiles", {})
    except tomllib.TOMLDecodeError as error:
        raise StartupError(
            f"{where} is not valid TOML ({error}). Mend it or move it away."
        ) from None
    sections = found if isinstance(found, dict) else {}
    return {name: fields for name, fields in sections.items() if isinstance(fields, dict)}


def read(url: str) -> Profile | None:
    """Return the profile of the installation at `url`, or None."""
    file = path()
    if not file.exists():
        return None
    for name, fields in _profiles(file.read_text(encoding="utf-8"), file).items():
        if fields.get("url") == url and fields.get("api_key"):
            return Profile(name, url, fields["api_key"])
    return None


def write(url: str, api_key: str) -> Profile:
    """Add or replace the profile of the installation at `url`; the file's other lines stay.

    The first installation is called `default`, another one after its port.

    Raises:
        StartupError: the file is not TOML, or its profile of `url` is no section of its own.

    """
    file = path()
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    profiles = _profiles(text, file)
    name = next((name for name, fields in profiles.items() if fields.get("url") == url), None)
    key_line = f"api_key = {json.dumps(api_key)}\n"
    if name is None:
        name = _new_name(url, profiles)
        block = f"[profiles.{json.dumps(name)}]\nurl = {json.dumps(url)}\n{key_line}"
        text = f"{text.rstrip()}\n\n{block}".lstrip()
    else:
        text = _with_key(text, name, key_line)
    wanted = {**profiles.get(name, {}), "url": url, "api_key": api_key}
    if _profiles(text, file).get(name) != wanted:
        raise StartupError(f"Give the profile {name} in {file} a section of its own, or remove it.")
    write_private(file, text)
    return Profile(name, url, api_key)


def _new_name(url: str, taken: Container[str]) -> str:
    """Name another installation: by its port, or by its host, and by a number if need be."""
    if "default" not in taken:
        return "default"
    parts = urlsplit(url)
    base = f"local-{parts.port}" if parts.port else str(parts.hostname)
    names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)


def _with_key(text: str, name: str, key_line: str) -> str:
    """Put a key into the section of a profile, in place of the one there; nothing else changes."""
    spelled = "|".join(re.escape(f"[profiles.{form}]") for form in (name, json.dumps(name)))
    head, lines = rf"^(?P<head>[ \t]*(?:{spelled})[^\n]*\n)", r"(?P<lines>.*?)(?=^[ \t]*\[|\Z)"
    found = re.search(f"(?ms){head}{lines}", text)
    if found is None:
        return text
    others = re.sub(r"(?m)^[ \t]*api_key[ \t]*=[^\n]*\n?", "", found["lines"])
    return text[: found.start()] + found["head"] + key_line + others + text[found.end() :]


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # One that was left over has whatever mode it has.
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(file)
