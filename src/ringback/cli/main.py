"""The `ringback` command: its groups, and how errors are shown."""

import sys

import typer

from ringback import __version__
from ringback.cli import signatures

app = typer.Typer(
    name="ringback",
    help="The event backbone for business messaging: provider callbacks in, signed webhooks out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _main(
    _: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


@app.command()
def up(
    demo: bool = typer.Option(
        False, "--demo", help="Add demo connections in test mode and the built-in inspector."
    ),
    port: int | None = typer.Option(
        None, min=1, max=65535, help="Port to listen on.", show_default="RINGBACK_PORT or 8420"
    ),
    host: str | None = typer.Option(
        None, help="Address to listen on.", show_default="RINGBACK_HOST or 127.0.0.1"
    ),
    workers: int | None = typer.Option(
        None, min=1, max=64, help="Server processes.", show_default="RINGBACK_WORKERS or 1"
    ),
    operator_key: bool = typer.Option(
        False, "--operator-key", help="Make an operator's key, and show it once."
    ),
) -> None:
    """Start everything in the foreground: a private PostgreSQL, migrations, the server.

    Set RINGBACK_DATABASE_URL to use a PostgreSQL of your own (15 to 18) instead. Ctrl-C stops
    everything; the next start finds all data.
    """
    from ringback.cli.up import run

    sys.exit(run(demo=demo, port=port, host=host, workers=workers, operator_key=operator_key))


@app.command()
def migrate(
    status: bool = typer.Option(False, "--status", help="Only list what is still to be applied."),
) -> None:
    """Bring the database at RINGBACK_DATABASE_URL to this version."""
    from ringback.cli.migrate import run

    sys.exit(run(only_status=status))


signatures.add_to(app)


def main() -> None:
    """Run the command line."""
    app()
