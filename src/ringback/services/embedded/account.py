"""Which operating-system account the embedded server runs as, and what that account can reach.

PostgreSQL refuses to run as root. So root starts it as the system account `ringback`; everybody
else starts it as themselves. Not here: changing the modes of directories that are not ours.
"""

import dataclasses
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from ringback.services.embedded.errors import DataDirectoryError

ACCOUNT_NAME = "ringback"
ACCOUNT_HOME = "/var/lib/ringback"
CREATE_TIMEOUT_S = 20.0


@dataclasses.dataclass(frozen=True, slots=True)
class Account:
    """An account of the operating system that the server is started as."""

    name: str
    uid: int
    gid: int


def server_account(cluster: Path) -> Account | None:
    """Return whom the server must run as, None for "as ourselves".

    Existing data decides: PostgreSQL demands that it belongs to whoever runs it. The account
    is created when root starts the first server; where that is impossible, `nobody` is used.

    Raises DataDirectoryError when the data in `cluster` belongs to an account that is no use.
    """
    try:
        owner = cluster.lstat()
    except OSError:
        owner = None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise DataDirectoryError(
                f"{cluster} belongs to {_name_of(owner.st_uid)}, not to you: start Ringback as"
                " that user, or choose another directory with RINGBACK_DATA_DIR"
            )
        return None
    if owner is None:
        return _find(ACCOUNT_NAME) or _create() or _nobody()
    if owner.st_uid == 0:
        raise DataDirectoryError(
            f"{cluster} belongs to root, but PostgreSQL does not run as root: give it to the"
            f" account that is to run it (chown -R {ACCOUNT_NAME}: {cluster})"
        )
    return Account(_name_of(owner.st_uid), owner.st_uid, owner.st_gid)


def can_enter(directory: Path, account: Account) -> bool:
    """Say whether `account` may pass through `directory` and everything above it."""
    return all(_allowed(each, account, 0o1) for each in (directory, *directory.parents))


def can_use(file: Path, account: Account, bits: int) -> bool:
    """Say whether `account` reaches `file` and has `bits` (4 read, 1 execute) on it."""
    return can_enter(file.parent, account) and _allowed(file, account, bits)


def _allowed(path: Path, account: Account, bits: int) -> bool:
    # By mode bits; access lists are not looked at. A wrong answer costs a needless copy of
    # the programs, or an error of the program that is started.
    found = path.stat()
    if found.st_uid == account.uid:
        shift = 6
    elif found.st_gid == account.gid:
        shift = 3
    else:
        shift = 0
    return (found.st_mode >> shift) & bits == bits


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _create() -> Account | None:
    # shadow's useradd, or busybox's adduser (Alpine). Either may be missing, and /etc may be
    # read-only in a container: then there is no account, and the caller takes `nobody`.
    shell = "/usr/sbin/nologin"
    home = ["--no-create-home", "--home-dir", ACCOUNT_HOME]
    ways = (
        ["useradd", "--system", "--user-group", *home, "--shell", shell, ACCOUNT_NAME],
        ["adduser", "-S", "-D", "-H", "-h", ACCOUNT_HOME, "-s", shell, ACCOUNT_NAME],
    )
    for way in ways:
        if shutil.which(way[0]) is None:
            continue
        try:
            subprocess.run(way, capture_output=True, check=False, timeout=CREATE_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired):
            continue
        account = _find(ACCOUNT_NAME)
        if account is not None:
            return account
    return None


def _nobody() -> Account:
    account = _find("nobody")
    if account is None:
        raise DataDirectoryError(
            f"PostgreSQL does not run as root, and there is neither an account {ACCOUNT_NAME}"
            " nor one called nobody: start Ringback as an ordinary user"
        )
    return account


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
