"""Every error that Ringback raises on purpose, as one tree.

    RingbackError
    ├── StartupError              the program cannot start; the text says what to do
    │   ├── MigrationError        the database and this version do not fit
    │   │   └── MadeByAnother     another version of Ringback made or migrated it
    │   ├── SettingsError         a setting is missing or wrong
    │   └── EmbeddedServerError   and its kinds: services/embedded/errors.py
    ├── DatabaseUnavailable       PostgreSQL does not answer (503; try again)
    │   └── Unstorable            it answers, and does not take what is to be stored
    ├── VaultError                a sealed secret cannot be opened
    ├── StoreError                a person's file cannot be kept or read (503)
    ├── Invalid                   a request is wrong (422), each fault with its JSON pointer
    ├── NotNow                    not in the state that things are in (409)
    ├── Denied                    a key that may not do this (401, 403; 400, 404, 422 for whom)
    ├── TurnedAway                what a hot route answers in place of a success
    ├── Refused                   an idempotency key that cannot be used now (409, 422)
    ├── TokenTaken                another connection has this token (409)
    ├── UidTaken                  another endpoint has this own id (409)
    ├── LimitReached              there are as many as there may be (409)
    ├── Crowded                   as many readers of the feed as there may be (429)
    ├── Removed                   a place in the feed whose events retention has removed (410)
    ├── TooBroad                  a search stands for too many values (422)
    ├── TellsMore                 a search that would tell more than a masked number shows (403)
    ├── WrongCredentials          nobody has this address and this password (401)
    ├── LinkSpent                 there is no such link, or it was used (410)
    ├── TooMany                   too many attempts have failed; wait (429)
    ├── Busy                      too many passwords are being looked at already (503)
    ├── NotYours                  only an owner, or an operator's key, may do this (403)
    ├── Gone                      somebody was removed at the same moment (409)
    ├── EmailTaken                somebody else has this e-mail address here (422)
    ├── InvalidUrl                a URL or host that no request is ever sent to
    ├── InvalidHeader             a header that is never sent
    ├── Unsendable                a request that cannot be written as HTTP/1.1
    ├── Problem                   the API's answer to any of these: api/problems.py
    ├── NoKey                     the command line knows no API key to ask with
    ├── NoTarget                  `ringback listen` was told of nowhere to forward to
    └── ClientError               the API was asked in vain: client/problems.py
        ├── ApiError              it answered with a problem
        ├── Unreachable           nobody answered
        ├── TimedOut              the answer did not come in time
        └── NotTheApi             somebody else answered

Messages say what is wrong and what to do about it. None contains a secret.
"""

import shlex
from collections.abc import Mapping

import msgspec


class RingbackError(Exception):
    """The root: everything that this package raises on purpose."""


class StartupError(RingbackError):
    """The program cannot start; the text says why and what to do."""


class MigrationError(StartupError):
    """The database and this version do not fit together."""


class MadeByAnother(MigrationError):
    """Another version of Ringback made the database, or has migrated it since."""

    def __init__(self, what: str, directory: str = "") -> None:
        """Say `what` does not fit, and the ways on; `directory` is that of a database of ours."""
        if directory:
            path = shlex.quote(directory)
            ways = (
                "if this was a trial, move its directory away and start anew: "
                f"mv {path} {shlex.quote(directory + '.old')}"
            )
        else:
            ways = (
                "restore a backup that this version made, or name an empty database in "
                "RINGBACK_DATABASE_URL."
            )
        super().__init__(f"{what} Nothing was changed. Start that version; or {ways}")
        self._what = what

    def within(self, directory: str) -> "MadeByAnother":
        """Return the same of the database that `ringback up` keeps in a directory."""
        return MadeByAnother(self._what, directory)


class SettingsError(StartupError):
    """A setting is missing or wrong."""


class DatabaseUnavailable(RingbackError):
    """PostgreSQL does not answer; what was asked for may be tried again."""


class Unstorable(DatabaseUnavailable):
    """PostgreSQL does not take what is to be stored, which was alone in its commit.

    To whoever asked it is the same as no answer; who would try again for ever may know better.
    """


class VaultError(RingbackError):
    """A sealed secret cannot be opened: a wrong key, or bytes that were changed."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request: where (a JSON pointer) and what.

    `allow` is what to add to the request if its sender wants to let it pass.
    """

    pointer: str
    detail: str
    allow: Mapping[str, object] | None = None


class Invalid(RingbackError):
    """A request is wrong: one or more faults, each with its place."""

    def __init__(self, *faults: Fault) -> None:
        """Collect the faults."""
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = faults
