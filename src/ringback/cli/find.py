"""`ringback find`: anything, by whatever is at hand.

Imported by `ringback --help`: what is heavy is imported inside.
"""

from typing import Annotated

import typer

from ringback.cli.declared import Column
from ringback.cli.session import Session, online

_COLUMNS = (
    Column("kind", "kind"), Column("id", "id", "id"), Column("title", "title"),
    Column("detail", "detail"), Column("at", "at", "time"),
)  # fmt: skip
_EXAMPLES = ("find 0123", "find order-48213", "find wamid.HBgL…", "find msg_01… -o json")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    epilog = "\n\n".join(f"$ ringback {example}" for example in _EXAMPLES)
    app.command("find", epilog=epilog)(online(find))


def find(
    session: Session,
    text: Annotated[
        list[str], typer.Argument(metavar="TEXT…", help="What there is of it.", show_default=False)
    ],
) -> None:
    """Find anything: an id, a provider's id, a number's last digits, a reference, a name.

    Says on standard error what it looked for. Exit code 4 when nothing was found.
    """
    found = session.client.get("/v1/search", {"q": " ".join(text)})
    session.out.rows(found["data"], _COLUMNS)
    for one in found["looked_for"]:
        line = f"{one['what']}: {one['found']}" + (f". {one['note']}" if one["note"] else "")
        (session.detail if found["data"] and not one["note"] else session.say)(line)
    if not found["data"]:
        raise typer.Exit(4)
