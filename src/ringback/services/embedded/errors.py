"""Why the embedded server could not be started: one class per cause, the fix in each message.

    StartupError (ringback.errors)
    └── EmbeddedServerError
        ├── DataDirectoryError      not writable, not ours, out of reach, wrong owner
        ├── SocketPathError         the path of the Unix socket is too long or unusable
        ├── DirectoryLockedError    another `ringback up` runs on it (`pid`)
        ├── DirectoryInUseError     a server that we cannot use or end runs on it (`pids`)
        ├── WrongVersionError       the data was written by another major version
        ├── ProgramsMissingError    the wheel with PostgreSQL's programs is not there
        ├── InitdbError             `initdb` failed (`output`)
        ├── LoginRefusedError       the password in the data directory is not the server's
        └── ServerLostError         the server could not be started, or has ended (`output`)

They are exported by `ringback.services.embedded.server`; import them from there.
"""

from collections.abc import Sequence
from pathlib import Path

from ringback.errors import StartupError


class EmbeddedServerError(StartupError):
    """The embedded database server cannot be used; the message says why and what to do."""


class DataDirectoryError(EmbeddedServerError):
    """The data directory cannot be created, written, entered or taken over."""


class SocketPathError(EmbeddedServerError):
    """The data directory's path does not fit into the address of a Unix socket."""


class DirectoryLockedError(EmbeddedServerError):
    """A living `ringback up` holds the data directory; `pid` is its process, if it is known."""

    def __init__(self, directory: Path, pid: int | None) -> None:
        self.pid = pid
        who = "another process" if pid is None else f"process {pid}"
        how = "stop that one" if pid is None else f"stop it (kill {pid})"
        super().__init__(
            f"`ringback up` is already running on {directory} ({who}): {how},"
            " or choose another directory with RINGBACK_DATA_DIR"
        )


class DirectoryInUseError(EmbeddedServerError):
    """A PostgreSQL server that can neither be used nor waited for works in the directory."""

    def __init__(self, message: str, pids: Sequence[int]) -> None:
        self.pids = tuple(pids)
        super().__init__(message)


class WrongVersionError(EmbeddedServerError):
    """The data directory holds the data of another major version of PostgreSQL."""


class ProgramsMissingError(EmbeddedServerError):
    """PostgreSQL's programs are not where the wheel should have put them."""


class InitdbError(EmbeddedServerError):
    """`initdb` failed; `output` is what it said."""

    def __init__(self, message: str, output: str) -> None:
        self.output = output
        super().__init__(f"{message}\n{output}" if output else message)


class LoginRefusedError(EmbeddedServerError):
    """The server does not take the password that the data directory holds."""


class ServerLostError(EmbeddedServerError):
    """The server could not be started, or has ended; `output` is the end of its log."""

    def __init__(self, message: str, output: str) -> None:
        self.output = output
        super().__init__(f"{message}\n{output}" if output else message)
