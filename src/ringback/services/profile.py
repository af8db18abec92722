"""The command line's profile: where this installation is and with which key, in a private file."""

import json
import os
import re
import tomllib
from pathlib import Path

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
    return found if isinstance(found, dict) else {}


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
    """
    file = path()
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    profiles = _profiles(text, file)
    name = next((name for name, fields in profiles.items() if fields.get("url") == url), None)
    if name is None:
        name = "local-" + url.rpartition(":")[2] if "default" in profiles else "default"
    block = f"[profiles.{json.dumps(name)}]\nurl = {json.dumps(url)}\n"
    block += f"api_key = {json.dumps(api_key)}\n"
    header = re.escape(f"[profiles.{json.dumps(name)}]") + "|" + re.escape(f"[profiles.{name}]")
    old = re.compile(rf"(?ms)^(?:{header})\s*\n.*?(?=^\[|\Z)")
    if old.search(text):
        text = old.sub(lambda _: block + "\n", text, count=1)
    else:
        text = f"{text.rstrip()}\n\n{block}".lstrip()
    write_private(file, text)
    return Profile(name, url, api_key)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(file)
