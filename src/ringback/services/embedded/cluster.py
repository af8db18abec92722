"""The database cluster on disk: made once, checked, and its log. Not here: processes.

Making one that is complete or absent, whatever is killed in between: `initdb` fills a sibling
directory with a name of its own, which is renamed at the end.
"""

import os
import shutil
import tempfile
from pathlib import Path

from ringback.services.embedded.errors import InitdbError, WrongVersionError
from ringback.services.embedded.files import (
    MAJOR,
    Layout,
    explained,
    new_password,
    read_password,
    sync_directory,
    write_private,
)
from ringback.services.embedded.programs import Programs, tail_of

ROLE = DATABASE = "ringback"
DRAFT_PREFIX = f".pg{MAJOR}-"
LOG_FILES_KEPT = 10
LOG_TAIL_BYTES = 2048

INCLUDES = """
# The settings of Ringback, then those of the people who run it (custom.conf).
include '../ringback.conf'
include_if_exists '../custom.conf'
"""


def require_version(layout: Layout) -> None:
    """Check that the directory holds no data, or data of our major version.

    Raises WrongVersionError.
    """
    if layout.cluster.exists():
        found = _version_in(layout.cluster)
        if found != str(MAJOR):
            raise WrongVersionError(
                f"{layout.cluster} does not hold a database of PostgreSQL {MAJOR} but"
                f" {'nothing of PostgreSQL' if found is None else f'one of version {found}'}:"
                " move it out of the way, or restore the directory from a backup"
            )
        return
    others = sorted(each.name for each in layout.root.glob("pg[0-9]*") if _version_in(each))
    if others:
        raise WrongVersionError(
            f"{layout.root} holds a database of another major version of PostgreSQL"
            f" ({', '.join(others)}), and this Ringback runs PostgreSQL {MAJOR}: convert it with"
            " `ringback db upgrade`, or go back to the version of Ringback that wrote it"
        )


def _version_in(cluster: Path) -> str | None:
    try:
        return (cluster / "PG_VERSION").read_text(encoding="ascii").strip()[:16] or None
    except (OSError, UnicodeDecodeError):
        return None


def create_cluster(layout: Layout, programs: Programs) -> None:
    """Make the cluster if it is not there. The password file exists before it does.

    Raises InitdbError with the program's output, DataDirectoryError.
    """
    with explained(layout.root):
        for leftover in layout.root.glob(DRAFT_PREFIX + "*"):
            shutil.rmtree(leftover, ignore_errors=True)
        if layout.cluster.exists():
            return
        if read_password(layout.password) is None:
            account = programs.account
            write_private(layout.password, new_password() + "\n", mode=0o600, account=account)
        # A name that nobody else has: an `initdb` that outlived its parent spoils only its own.
        draft = Path(tempfile.mkdtemp(prefix=DRAFT_PREFIX, dir=layout.root))
        try:
            _fill(draft, layout, programs)
            draft.rename(layout.cluster)
            sync_directory(layout.root)
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def _fill(draft: Path, layout: Layout, programs: Programs) -> None:
    account = programs.account
    if account is not None:
        os.chown(draft, account.uid, account.gid, follow_symlinks=False)
    options = (
        f"--username={ROLE} --auth=scram-sha-256 --encoding=UTF8 --locale=C"
        # The same order and the same upper and lower case on every system and C library.
        " --locale-provider=builtin --builtin-locale=C.UTF-8 --data-checksums --no-instructions"
    ).split()
    where = [f"--pgdata={draft}", f"--pwfile={layout.password}"]
    done = programs.run("initdb", [*options, *where])
    if done.code != 0:
        raise InitdbError(
            f"the database could not be created in {layout.root}: initdb ended with"
            f" {done.code}. Correct what it says below and start again; nothing was kept",
            done.output,
        )
    handle = os.open(draft / "postgresql.conf", os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
    with os.fdopen(handle, "a", encoding="utf-8") as file:
        file.write(INCLUDES)
        file.flush()
        os.fsync(handle)


def replace_lost_password(layout: Layout, programs: Programs) -> bool:
    """Set a new password if the password file is gone; say whether that was so.

    No server may run: this starts PostgreSQL in its single-user mode, which asks for no
    password but for the right to the files. Raises InitdbError, DataDirectoryError.
    """
    with explained(layout.root):
        if read_password(layout.password) is not None:
            return False
        password = new_password()
        statement = f"alter role {ROLE} password '{password}'\n"
        arguments = ["--single", "-D", str(layout.cluster), "postgres"]
        done = programs.run("postgres", arguments, standard_input=statement)
        if done.code != 0 or "ERROR:" in done.output:
            raise InitdbError(
                f"{layout.password} is missing, and no new password could be set", done.output
            )
        write_private(layout.password, password + "\n", mode=0o600, account=programs.account)
    return True


def log_tail(layout: Layout) -> str:
    """Return the end of what the server wrote at its start and into its newest log file."""
    tails = []
    for path in (layout.log / "start.log", *_log_files(layout.log)[-1:]):
        try:
            with path.open("rb") as file:
                tails.append(tail_of(file, LOG_TAIL_BYTES))
        except OSError:
            continue
    return "\n".join(each for each in tails if each)


def trim_log(directory: Path) -> int:
    """Delete all but the newest log files in `directory`; return how many were deleted."""
    old = _log_files(directory)[:-LOG_FILES_KEPT]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _log_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("postgresql-*.log"))  # their names sort by time
