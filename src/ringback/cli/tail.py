"""`ringback tail`: what happens, as it happens, a line each.

Events come as a stream that goes on where it broke; deliveries and callbacks by looking at the
newest of their lists again and again. Imported by `ringback --help`: what is heavy is imported
inside.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringback.cli.declared import Column
from ringback.cli.session import Session, online

if TYPE_CHECKING:
    from ringback.client.follow import Followed

LOOK_S = 1.0
_FORMATS = ("table", "jsonl", "json", "id")
_WIDTHS = {"type": 28, "about": 16, "answer": 18, "outcome": 12, "provider": 12}
_EVENT = (
    Column("time", "timestamp", "time"), Column("type", "type"),
    Column("about", "data.message.to|data.subject|subject"), Column("id", "id", "id"),
)  # fmt: skip
_ATTEMPT = (
    Column("time", "at", "time"), Column("answer", "status|error"), Column("ms", "ms", "number"),
    Column("delivery", "delivery", "id"), Column("decision", "decision"),
)  # fmt: skip
_CALLBACK = (
    Column("time", "received_at", "time"), Column("provider", "provider"),
    Column("outcome", "outcome", "status"), Column("id", "id", "id"), Column("reason", "reason"),
)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Watch events, deliveries or callbacks as they happen. Ctrl-C ends it.",
    )
    for command in (events, deliveries, callbacks):
        group.command()(online(command))
    app.add_typer(group, name="tail", rich_help_panel="Try it")


def events(
    session: Session,
    *,
    type: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option("--type", "-e", metavar="TYPE", help="A type or a family; several times."),
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", metavar="ID", help="The events of one message.")
    ] = None,
    after: Annotated[
        str,
        typer.Option(
            "--after",
            metavar="WHERE",
            help="Where to begin: now, earliest, 15m, a time, an event's id, or a cursor.",
        ),
    ] = "now",
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="End after so many.")
    ] = None,
) -> None:
    """Watch events, in the order of the feed, without gaps.

    When the connection breaks it is made again, and goes on behind the last event. At the end it
    says how another run goes on there.
    """
    from ringback.client.sse import Stream

    query = {"type": ",".join(type) if type else None, "message": message, "after": after}
    stream = Stream(session.client, "/v1/events", query, lost=_lost(session))
    _show(session, _decoded(stream), _EVENT, count)
    if stream.last_id is not None:
        session.say(f"Go on with: ringback tail events --after {stream.last_id}")


def _decoded(stream: Any) -> Iterator[dict[str, Any]]:
    import json

    for one in stream:
        stream.last_id = one.id or stream.last_id
        yield json.loads(one.data)


def deliveries(
    session: Session,
    *,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", metavar="ID", help="Those to one endpoint.")
    ] = None,
    event: Annotated[
        str | None, typer.Option("--event", metavar="ID", help="Those of one event.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only attempts that were not answered with 2xx.")
    ] = False,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="End after so many.")
    ] = None,
) -> None:
    """Watch deliveries: every attempt, with its answer and what follows from it."""
    rows = _following(session, "/v1/attempts", {"endpoint": endpoint, "event": event}, "at")
    kept = (row for row in rows if not (failed and _is_good(row)))
    _show(session, kept, _ATTEMPT, count)


def _is_good(attempt: dict[str, Any]) -> bool:
    return attempt["error"] is None and 200 <= (attempt["status"] or 0) < 300


def callbacks(
    session: Session,
    *,
    connection: Annotated[
        str | None, typer.Option("--connection", metavar="ID", help="Those of one connection.")
    ] = None,
    outcome: Annotated[
        str | None, typer.Option("--outcome", metavar="WORD", help="Those with one outcome.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="End after so many.")
    ] = None,
) -> None:
    """Watch callbacks as they come from providers, and what becomes of each."""
    query = {"connection": connection, "outcome": outcome}
    _show(session, _following(session, "/v1/callbacks", query, "received_at"), _CALLBACK, count)


def _following(
    session: Session, path: str, query: dict[str, Any], time: str
) -> "Iterator[dict[str, Any]]":
    from ringback.client.follow import follow

    def left_out(number: int) -> None:
        session.say(f"More than {number:,} came at once: some of them are not shown.")

    followed: Followed = follow(
        session.client, path, query, time, every_s=LOOK_S, lost=_lost(session), left_out=left_out
    )
    return followed


def _lost(session: Session) -> Any:
    def lost(error: Exception, pause_s: float) -> None:
        session.say(f"{error} Trying again in {pause_s:.0f} s.")

    return lost


def _show(
    session: Session,
    rows: Iterator[dict[str, Any]],
    columns: Sequence[Column],
    count: int | None,
) -> None:
    """Write each row as it comes, until there were so many, or Ctrl-C."""
    import sys
    from itertools import islice

    wanted = session.chosen.output or "table"
    if wanted not in _FORMATS:
        raise typer.BadParameter(f"What does not end is written as {', '.join(_FORMATS)}.")
    try:
        for row in islice(rows, count):
            if wanted == "table":
                session.out.text(_line(row, columns))
            elif wanted == "id":
                print(row["id"])
            else:
                session.out.rows([row], columns) if wanted == "jsonl" else _json(row)
            sys.stdout.flush()
    except KeyboardInterrupt:
        session.say("")


def _json(row: dict[str, Any]) -> None:
    import json

    print(json.dumps(row, ensure_ascii=False))


def _line(row: dict[str, Any], columns: Sequence[Column]) -> Any:
    from rich.text import Text

    from ringback.cli.output import safe, told

    line = Text()
    for column in columns:
        value = told(row, column)
        text = safe("-" if value is None else str(value))
        if column.kind == "time":
            text = text[11:23]  # the date is today's
        if column.kind == "number":
            text = f"{float(value or 0):.0f} ms".rjust(8)
        line.append(text.ljust(_WIDTHS.get(column.title, 0)), style=_style(column, text))
        line.append("  ")
    return line


def _style(column: Column, text: str) -> str:
    if column.title == "answer":
        return "green" if text.startswith("2") else "red"
    if column.kind == "status":
        return "green" if text == "accepted" else "yellow"
    return "dim" if column.kind == "time" else ""
