"""`ringback listen`: events of the installation, forwarded to a program on this machine.

The session is an endpoint of its own on the server, without a URL: what it is owed comes down as a
stream, and what the local program answers goes up as attempts. Imported by `ringback --help`: what
is heavy is imported inside.
"""

import re
import shlex
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ringback.cli.session import Session, online

if TYPE_CHECKING:
    from ringback.client.listening import Listening, Work
    from ringback.client.local import Answer

# For what is under way when it is interrupted.
DRAIN_S = 3.0
_TYPE_WIDTH = 28
# The server keeps a session for a day after it was last read.
_FORGET_S = 2 * 86_400


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Try it")(online(listen))


def listen(
    session: Session,
    *,
    target: Annotated[
        str | None,
        typer.Argument(metavar="[PORT|URL]", help="Where to: 3000, or http://localhost:3000/x."),
    ] = None,
    type: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option("--type", "-e", metavar="TYPE", help="A type or a family; several times."),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint", metavar="NAME", help="The session's own name; this machine's if left out."
        ),
    ] = None,
    path: Annotated[
        str | None, typer.Option("--path", metavar="PATH", help="The path to post to.")
    ] = None,
    print_secret: Annotated[
        bool, typer.Option("--print-secret", help="Print the secret that signs, and end.")
    ] = False,
    output: Annotated[
        Literal["compact", "jsonl", "quiet"],
        typer.Option("--output", "-o", help="A line for each event, or all of it, or nothing."),
    ] = "compact",
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Accept any certificate of the local program.")
    ] = False,
    allow_external: Annotated[
        bool, typer.Option("--allow-external", help="Forward also out of this network.")
    ] = False,
) -> None:
    """Forward events to a program on this machine, behind any firewall, and report its answers.

    Each event is posted once, signed, in the order of each message; what is answered is an attempt
    like others. A session is kept for 24 hours: what happens while this does not run, or while the
    laptop sleeps, comes afterwards, and so do replays to it. Without a port it looks for a program
    on 3000, 8000, 8080 and 5000.
    """
    from ringback.client import local
    from ringback.client.listening import Listening

    where = None if print_secret else local.target(target, path, external=allow_external)
    listening = Listening(session.client, endpoint or _own_name(), type, lost=_lost(session))
    listening.open(needs_secret=print_secret)
    if where is None:
        print(listening.secret)
        return
    types = ", ".join(listening.types)
    session.say(f"{listening.name} ({listening.id}, {listening.mode}) → {where}: {types}")
    # Who ends it without a terminal ends it as cleanly.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run = _Run(session, listening, where, output=output, insecure=insecure)
    run.until_interrupted()
    session.say(run.told())
    again = f"ringback listen {shlex.quote(where)} --endpoint {listening.name}"
    session.say(f"What comes meanwhile is kept for 24 hours. Go on with: {again}")


class _Run:
    """One run: brings what the session is owed to the local program, and the answers back."""

    def __init__(
        self, session: Session, listening: "Listening", where: str, *, output: str, insecure: bool
    ) -> None:
        from ringback.client.lanes import Lanes
        from ringback.client.local import Forwarder

        self._session = session
        self._listening = listening
        self._output = output
        self._forwarder = Forwarder(where, listening.key, insecure=insecure)
        self._lanes: Lanes[Work] = Lanes(self._forward)
        self._kept = Kept(listening.id)
        self._writing = threading.Lock()
        self._good = self._bad = 0

    def until_interrupted(self) -> None:
        """Go on until Ctrl-C; then finish what is under way, and remember the place."""
        from ringback.client.problems import ApiError

        place = self._kept.place()
        # A session that was made elsewhere, or whose place is lost, begins with what comes now.
        after = None if self._listening.made or place else "now"
        try:
            try:
                self._bring(after, place)
            except ApiError as error:
                if error.status == 404:
                    said = "The session has ended: nobody read it for 24 hours, or it was deleted."
                    self._session.say(f"{said} Start again.")
                if place is None or error.code not in {"cursor_expired", "invalid_cursor"}:
                    raise
                self._session.say(f"{error} Going on with what comes now.")
                self._bring("now", None)
        except KeyboardInterrupt:
            self._session.say("")
        finally:
            left = self._lanes.close(DRAIN_S)
            if not self._listening.close(DRAIN_S) or left:
                self._session.say("Not everything was answered: the rest comes again next time.")
            self._kept.keep(self._listening.place)
            self._forwarder.close()

    def _bring(self, after: str | None, place: str | None) -> None:
        for work in self._listening.works(after, place):
            self._lanes.put(work.lane, work)

    def told(self) -> str:
        """Say how much was forwarded."""
        told = f"Forwarded: {self._good} taken, {self._bad} failed."
        if self._bad:
            failed = f"ringback deliveries list --endpoint {self._listening.id} --status exhausted"
            told += f" Once more: {failed} -o id | ringback deliveries replay -"
        return told

    def _forward(self, work: "Work") -> None:
        answer = self._forwarder.send(work.event, work.headers, work.body)
        self._listening.report(work, answer)
        good = answer.status is not None and 200 <= answer.status < 300
        with self._writing:
            self._good += good
            self._bad += not good
            self._show(work, answer, good=good)
            self._kept.now_and_then(self._listening.place)

    def _show(self, work: "Work", answer: "Answer", *, good: bool) -> None:
        import json
        import sys
        from datetime import UTC, datetime

        if self._output == "quiet":
            return
        now = datetime.now(UTC)
        if self._output == "jsonl":
            record = {
                "at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "event": work.event, "type": work.type, "delivery": work.delivery,
                "status": answer.status, "error": answer.error, "ms": round(answer.ms, 1),
            }  # fmt: skip
            print(json.dumps(record, ensure_ascii=False))
        else:
            self._session.out.text(_line(now.astimezone(), work, answer, good=good))
        sys.stdout.flush()


class Kept:
    """Where a session stands, in a private file beside the profiles: another run goes on there."""

    def __init__(self, endpoint: str) -> None:
        """Take the endpoint's id."""
        from ringback.services import profile

        self._endpoint = endpoint
        self._file = profile.config_dir() / "listen.json"
        self._next = 0.0

    def place(self) -> str | None:
        """Return where the last run ended, or None."""
        kept = self._read().get(self._endpoint)
        return kept["place"] if isinstance(kept, dict) and kept.get("place") else None

    def now_and_then(self, place: str | None) -> None:
        """Keep the place, once a second at most."""
        import time

        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 1.0
            self.keep(place)

    def keep(self, place: str | None) -> None:
        """Keep the place, and forget sessions that have ended."""
        import json
        import time

        from ringback.services import profile

        if place is None:
            return
        now = int(time.time())
        others = {
            id_: kept for id_, kept in self._read().items()
            if isinstance(kept, dict) and now - kept.get("at", 0) < _FORGET_S
        }  # fmt: skip
        whole = {**others, self._endpoint: {"place": place, "at": now}}
        with profile.explained(self._file):
            profile.write_private(self._file, json.dumps(whole))

    def _read(self) -> dict[str, Any]:
        import json

        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _line(now: Any, work: "Work", answer: "Answer", *, good: bool) -> Any:
    from rich.text import Text

    from ringback.cli.output import safe

    line = Text(f"{now:%H:%M:%S}  ", style="dim")
    line.append(f"{safe(work.type):<{_TYPE_WIDTH}}  {work.event}  ", style="default")
    line.append(str(answer.status or answer.error), style="green" if good else "red")
    line.append(f"  {answer.ms:.0f} ms", style="dim")
    if answer.detail:
        line.append(f"  {safe(answer.detail)}", style="default")
    return line


def _lost(session: Session) -> Any:
    def lost(error: Exception, pause_s: float | None) -> None:
        if pause_s is None:
            session.say(f"An answer was not taken: {error}")
        else:
            session.say(f"{error} Trying again in {pause_s:.1f} s; nothing is missed.")

    return lost


def _own_name() -> str:
    """Return this machine's name, as an own id of an endpoint can be."""
    import platform

    return "listen-" + (re.sub(r"[^A-Za-z0-9._-]", "-", platform.node())[:64] or "here")
