"""`ringback serve`: the server's processes on a database of one's own, for production."""

import sys

from ringback.cli.up import chosen
from ringback.errors import RingbackError
from ringback.log import configure
from ringback.services.production import Production, tell_unknown
from ringback.services.supervise import supported
from ringback.settings import load, unknown


def run(*, migrates: bool, port: int | None, host: str | None, workers: int | None) -> int:
    """Serve in the foreground until a signal; return the exit code."""
    try:
        supported()
        settings = chosen(load(), port=port, host=host, workers=workers)
        configure(settings.log_level)
        tell_unknown(unknown())
        return Production(settings, migrates=migrates).run()
    except RingbackError as error:
        print(f"ringback cannot start: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
