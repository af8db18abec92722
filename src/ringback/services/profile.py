"""The command line's profiles: where installations are and with which key, in a private file.

    profile = "default"            which one is meant when none is named

    [profiles.default]
    url = "http://127.0.0.1:8420"
    api_key = "rk_live_…"
    tenant = "customer-4711"       for operators' keys: whom to act for, and
    mode = "test"                  in which mode

`./.ringback.toml` counts instead of the file in the home when there is one; they are never merged.
"""

import contextlib
import fcntl
import itertools
import json
import os
import re
import tomllib
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ringback.errors import StartupError


class Profile(msgspec.Struct, frozen=True):
    """How to reach one installation."""

    name: str
    url: str
    api_key: str


LOCAL = Path(".ringback.toml")
FIELDS = ("url", "api_key", "tenant", "mode")
"""What a profile may say."""


class Book(msgspec.Struct, frozen=True):
    """The profiles of one file: by name, and which is meant when none is named."""

    file: Path
    default: str | None
    profiles: dict[str, dict[str, str]]

    def named(self, name: str | None) -> tuple[str, dict[str, str]] | None:
        """Return a profile with its name; without a name the one that is meant, or None.

        Raises:
            StartupError: it is named and not there.

        """
        wanted = name or self.default
        if wanted is None and self.profiles:
            wanted = "default" if "default" in self.profiles else next(iter(self.profiles))
        if wanted is None:
            return None
        if wanted not in self.profiles:
            known = ", ".join(self.profiles) or "none"
            raise StartupError(
                f"There is no profile {wanted} in {self.file}; there is: {known}. "
                "`ringback login --profile NAME` adds one."
            )
        return wanted, self.profiles[wanted]


def config_dir() -> Path:
    """Return the directory of the command line's files.

    Raises:
        StartupError: this user has no home.

    """
    root = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    if not root.is_absolute():  # the standard says to ignore a relative one
        try:
            root = Path.home() / ".config"
        except RuntimeError:
            raise StartupError(
                "This user has no home directory: say where the API key is to be kept with "
                "XDG_CONFIG_HOME."
            ) from None
    return root / "ringback"


def path() -> Path:
    """Return the file that holds the profiles."""
    return config_dir() / "config.toml"


def in_force() -> Path:
    """Return the file whose profiles count here: the working directory's, else the home's."""
    return LOCAL if LOCAL.is_file() else path()


def book(file: Path | None = None) -> Book:
    """Read the profiles of a file, by default of the one in force; none when it is not there.

    Raises:
        StartupError: it cannot be read, or is not TOML.

    """
    file = file or in_force()
    text = _text(file)
    default = _parsed(text, file).get("profile")
    return Book(file, default if isinstance(default, str) else None, _profiles(text, file))


def keep(file: Path, name: str, fields: dict[str, str | None]) -> None:
    """Set fields of a profile, None removes one; it is added if need be; other lines stay.

    Raises:
        StartupError: the file is not TOML, the profile is no section of its own, or it cannot be
            written.

    """
    with explained(file), _one_at_a_time(file.parent):
        text = _text(file)
        if name not in _profiles(text, file):
            text = f"{text.rstrip()}\n\n[profiles.{json.dumps(name)}]\n".lstrip()
        for field, value in fields.items():
            text = _with_field(text, name, field, value)
        there = _profiles(text, file).get(name, {})
        if any(there.get(field) != value for field, value in fields.items()):
            raise _no_section(name, file)
        write_private(file, text)


def name_for(book: Book, url: str, api_key: str) -> str:
    """Return the profile that a key belongs in: the one of its address and mode, or a new one."""
    there = (name for name, fields in book.profiles.items() if _is_of(fields, url, api_key))
    return next(there, None) or _new_name(url, book.profiles)


def use(file: Path, name: str) -> None:
    """Let a profile be the one that is meant when none is named.

    Raises:
        StartupError: the file cannot be read or written, or there is no such profile.

    """
    book(file).named(name)
    with explained(file), _one_at_a_time(file.parent):
        text = _text(file)
        head, section, rest = text.partition("[")
        head = re.sub(r"(?m)^[ \t]*profile[ \t]*=[^\n]*\n*", "", head)
        text = f"profile = {json.dumps(name)}\n\n{head}{section}{rest}"
        if _parsed(text, file).get("profile") != name:
            raise StartupError(f"Cannot set the profile in {file}: write `profile` first in it.")
        write_private(file, text)


@contextlib.contextmanager
def explained(file: Path) -> Iterator[None]:
    """Turn trouble with one of the command line's files into a StartupError with the remedy."""
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise StartupError(
            f"Cannot use {file}: {reason}. It is for the API key: make it readable and writable "
            "for this user, or name another directory with XDG_CONFIG_HOME."
        ) from None


def _text(file: Path) -> str:
    with explained(file):
        return file.read_text(encoding="utf-8") if file.exists() else ""


def _profiles(text: str, where: Path) -> dict[str, dict[str, str]]:
    found = _parsed(text, where).get("profiles", {})
    sections = found if isinstance(found, dict) else {}
    return {name: fields for name, fields in sections.items() if isinstance(fields, dict)}


def _parsed(text: str, where: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StartupError(
            f"{where} is not valid TOML ({error}). Mend it or move it away."
        ) from None


def read(url: str) -> Profile | None:
    """Return the first profile of the installation at `url`, or None."""
    return next(iter(read_all(url)), None)


def read_all(url: str) -> list[Profile]:
    """Return the profiles of the installation at `url`: one for each mode it has a key of.

    Raises:
        StartupError: the file cannot be read.

    """
    file = path()
    return [
        Profile(name, url, fields["api_key"])
        for name, fields in _profiles(_text(file), file).items()
        if fields.get("url") == url and fields.get("api_key")
    ]


def write(url: str, api_key: str) -> Profile:
    """Add or replace the profile of the installation at `url`; the file's other lines stay.

    A test key never replaces a live one, nor the other way round. The first profile is called
    `default`, another one after its port.

    Raises:
        StartupError: the file is not TOML, its profile of `url` is no section of its own, or it
            cannot be written.

    """
    file = path()
    with explained(file), _one_at_a_time(file.parent):
        return _write(file, url, api_key)


@contextlib.contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    """Wait for another installation that starts just now and writes here as well."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(file: Path, url: str, api_key: str) -> Profile:
    text = _text(file)
    profiles = _profiles(text, file)
    name = next((name for name, one in profiles.items() if _is_of(one, url, api_key)), None)
    key_line = f"api_key = {json.dumps(api_key)}\n"
    if name is None:
        name = _new_name(url, profiles)
        block = f"[profiles.{json.dumps(name)}]\nurl = {json.dumps(url)}\n{key_line}"
        text = f"{text.rstrip()}\n\n{block}".lstrip()
    else:
        text = _with_field(text, name, "api_key", api_key)
    wanted = {**profiles.get(name, {}), "url": url, "api_key": api_key}
    if _profiles(text, file).get(name) != wanted:
        raise _no_section(name, file)
    write_private(file, text)
    return Profile(name, url, api_key)


def _is_of(fields: dict[str, str], url: str, api_key: str) -> bool:
    """Say whether a profile is of this installation and holds a key of the same mode, or none."""
    kept = fields.get("api_key", "")
    return fields.get("url") == url and (not kept or _mode(kept) == _mode(api_key))


def _mode(api_key: str) -> str:
    return "_".join(api_key.split("_", 2)[:2])


def _new_name(url: str, taken: Container[str]) -> str:
    """Name another installation: by its port, or by its host, and by a number if need be."""
    if "default" not in taken:
        return "default"
    parts = urlsplit(url)
    base = f"local-{parts.port}" if parts.port else str(parts.hostname)
    names = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)


def _no_section(name: str, file: Path) -> StartupError:
    return StartupError(f"Give the profile {name} in {file} a section of its own, or remove it.")


def _with_field(text: str, name: str, field: str, value: str | None) -> str:
    """Put a field into the section of a profile, in place of the one there; nothing else changes.

    None removes it.
    """
    spelled = "|".join(re.escape(f"[profiles.{form}]") for form in (name, json.dumps(name)))
    head, lines = rf"^(?P<head>[ \t]*(?:{spelled})[^\n]*\n)", r"(?P<lines>.*?)(?=^[ \t]*\[|\Z)"
    found = re.search(f"(?ms){head}{lines}", text)
    if found is None:
        return text
    others = re.sub(rf"(?m)^[ \t]*{field}[ \t]*=[^\n]*\n?", "", found["lines"])
    line = "" if value is None else f"{field} = {json.dumps(value)}\n"
    return text[: found.start()] + found["head"] + line + others + text[found.end() :]


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step that survives a power cut."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    # One that was left over has whatever mode it has.
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
