"""The data directory: what lies where, who may read it, and how files get into it.

It is written for root working in a directory that belongs to a lesser account: files are
opened without following links, and replaced by renaming. Not here: what PostgreSQL writes.
"""

import contextlib
import dataclasses
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from ringback.services.embedded.account import Account, can_enter
from ringback.services.embedded.errors import DataDirectoryError, SocketPathError

MAJOR = 18
PORT = 5432
SOCKET_PATH_MAX_BYTES = 100  # Linux takes 107, macOS 103
PASSWORD_MAX_BYTES = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Where everything lies beneath the data directory `root` (absolute, links resolved)."""

    root: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own directory; its name carries the major version."""
        return self.root / f"pg{MAJOR}"

    @property
    def run(self) -> Path:
        """The directory of the Unix socket."""
        return self.root / "run"

    @property
    def socket(self) -> Path:
        """The Unix socket."""
        return self.run / f".s.PGSQL.{PORT}"

    @property
    def socket_lock(self) -> Path:
        """PostgreSQL's lock file for the socket."""
        return self.run / f"{self.socket.name}.lock"

    @property
    def log(self) -> Path:
        """The directory of the server's log files."""
        return self.root / "log"

    @property
    def password(self) -> Path:
        """The file with the database password."""
        return self.root / "password"

    @property
    def lock(self) -> Path:
        """The file that `ringback up` locks and writes its pid into."""
        return self.root / "lock"

    @property
    def mark(self) -> Path:
        """The file that every process of the server keeps locked while it lives."""
        return self.root / "server.lock"

    @property
    def settings(self) -> Path:
        """The server's settings, rewritten at every start."""
        return self.root / "ringback.conf"

    @property
    def pid_file(self) -> Path:
        """PostgreSQL's own lock file."""
        return self.cluster / "postmaster.pid"


def require_usable_socket_path(layout: Layout) -> None:
    """Check that the socket's path fits into a socket address and into a DSN.

    Raises SocketPathError.
    """
    size = len(os.fsencode(layout.socket))
    if size > SOCKET_PATH_MAX_BYTES:
        raise SocketPathError(
            f"the path of the database's socket, {layout.socket}, has {size} bytes, more than"
            f" the {SOCKET_PATH_MAX_BYTES} that every system takes: choose a shorter data"
            " directory with RINGBACK_DATA_DIR"
        )
    if any(character in ',"' or not character.isprintable() for character in str(layout.root)):
        raise SocketPathError(
            f"the data directory {str(layout.root)!r} has a comma, a quotation mark or a control"
            " character in its path, which a database address cannot hold: choose another one"
            " with RINGBACK_DATA_DIR"
        )


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError about the data directory `path` into a DataDirectoryError with the fix."""
    try:
        yield
    except OSError as error:
        raise DataDirectoryError(
            f"the data directory {path} cannot be used: {error}. Make it writable for this user,"
            " or choose another one with RINGBACK_DATA_DIR"
        ) from error


def prepare_data_directory(root: Path, account: Account | None) -> None:
    """Create the data directory with mode 0700 for `account` (None: for ourselves).

    Idempotent. A directory that exists is taken over only if it is empty or has been a data
    directory before, so that nobody's home changes its mode or owner by a wrong setting.

    Raises DataDirectoryError.
    """
    with explained(root):
        root.parent.mkdir(parents=True, exist_ok=True)
        if account is not None and not can_enter(root.parent, account):
            raise DataDirectoryError(
                f"the database runs as the system account {account.name}, which cannot reach"
                f" {root}: choose another data directory with RINGBACK_DATA_DIR, such as"
                " /var/lib/ringback"
            )
        if root.exists():
            _require_ours(root, account)
        for directory in (root, root / "run", root / "log"):
            _make_private(directory, account)
        if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(f"no permission to write to {root}")


def _require_ours(root: Path, account: Account | None) -> None:
    found = root.stat()
    owner = os.geteuid() if account is None else account.uid
    if found.st_uid == owner and found.st_mode & 0o777 == 0o700:
        return
    if account is None and found.st_uid != owner:
        raise DataDirectoryError(
            f"the data directory {root} belongs to another user: start Ringback as that user,"
            " or choose another directory with RINGBACK_DATA_DIR"
        )
    names = {entry.name for entry in os.scandir(root)} - {"lost+found"}
    if names and "lock" not in names and f"pg{MAJOR}" not in names:
        raise DataDirectoryError(
            f"{root} is not empty and not a data directory of Ringback, so its owner and mode"
            " stay as they are: choose an empty or a new directory with RINGBACK_DATA_DIR"
        )


def _make_private(directory: Path, account: Account | None) -> None:
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(handle)
        if account is not None and found.st_uid != account.uid:
            os.fchown(handle, account.uid, account.gid)
        if found.st_mode & 0o777 != 0o700:
            os.fchmod(handle, 0o700)
    finally:
        os.close(handle)


def write_private(path: Path, text: str, *, mode: int, account: Account | None) -> None:
    """Write `text` to `path` in one step (never half), owned by `account` (None: by us).

    Raises OSError.
    """
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        if account is not None:
            os.fchown(handle, account.uid, account.gid)
        os.fchmod(handle, mode)
        os.fsync(handle)
    draft.rename(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_password(path: Path) -> str | None:
    """Return the stored password, None if there is no file or an empty one. Raises OSError."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        raw = file.read(PASSWORD_MAX_BYTES)
    return raw.decode("utf-8", "replace").strip() or None


def new_password() -> str:
    """Return a fresh password: 256 random bits in letters that need no quoting anywhere."""
    return secrets.token_urlsafe(32)
