"""What a check is and what it finds. Checks look; they mend nothing and show no secret."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from ringback.settings import Settings
from ringback.storage.configuration import Everything
from ringback.storage.database import Connection
from ringback.storage.doctor import Beating, Server
from ringback.transport.client import Client

State = Literal["ok", "warning", "problem", "skipped"]


class Found(msgspec.Struct, frozen=True):
    """One thing that a check says: how it is, and what to do about it unless it is well."""

    state: State
    says: str
    fix: str = ""


def ok(says: str) -> Found:
    """Say that something is well."""
    return Found("ok", says)


def warning(says: str, fix: str) -> Found:
    """Say that something may become a problem, or is one for some uses."""
    return Found("warning", says, fix)


def problem(says: str, fix: str) -> Found:
    """Say that something does not work, or loses something."""
    return Found("problem", says, fix)


def skipped(says: str) -> Found:
    """Say why something was not looked at."""
    return Found("skipped", says)


class Ground(msgspec.Struct):
    """What checks stand on; earlier checks fill in what later ones need.

    `settings` is None when they cannot be read. `embedded` says that the database is that of
    `ringback up`, in `data_dir`. `connection`, `server` and `everything` (the configuration that
    people made) are None until they were reached. `client` may go anywhere: it is asked for the
    public URL and the server here, which only whoever runs this installation has named.
    """

    environment: Mapping[str, str]
    client: Client
    settings: Settings | None = None
    fault: str = ""
    embedded: bool = False
    data_dir: Path | None = None
    dsn: str | None = None
    secret_key: str | None = None
    connection: Connection | None = None
    server: Server | None = None
    migrated: bool = False
    workers: Sequence[Beating] = ()
    everything: Everything | None = None


Look = Callable[[Ground], Awaitable[Sequence[Found]]]


class Check(msgspec.Struct, frozen=True):
    """One check: its name, what it looks at, when it is not well (both for the documentation).

    `needs` names fields of the ground without which there is nothing to look at.
    """

    name: str
    looks: str
    wrong: str
    look: Look
    needs: tuple[str, ...] = ()


class Group(msgspec.Struct, frozen=True):
    """The checks of one subject, in the order in which they are made."""

    name: str
    title: str
    checks: tuple[Check, ...]


class Finding(msgspec.Struct, frozen=True):
    """What one check of a group found."""

    check: str
    state: State
    says: str
    fix: str = ""


def count(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"
