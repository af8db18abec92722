"""The `ringback` command: everything that it can be told to do."""

import sys
from typing import Any, Literal

import typer
from typer.core import TyperCommand

from ringback.cli import account, find, listen, overview, root, samples, signatures, tail
from ringback.cli.options import remember

app = root.begin()

_PORT = typer.Option(
    None, min=1, max=65535, help="Port to listen on.", show_default="RINGBACK_PORT or 8420"
)
_HOST = typer.Option(None, help="Address to listen on.", show_default="RINGBACK_HOST or 127.0.0.1")
_WORKERS = typer.Option(
    None, min=1, max=64, help="Server processes.", show_default="RINGBACK_WORKERS or 1"
)


_Demo = Literal["shop", "vendor", "clinic", "bare"]
_DEMO = typer.Option(
    None,
    "--demo",
    metavar="[SET]",
    show_default=False,
    help="Add a data set that lives, in test mode: shop (where none is named), "
    "vendor, clinic; or bare, where nothing happens.",
)


class _Up(TyperCommand):
    """`up`, whose `--demo` may be given a name, and needs none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        following = [*args[1:], ""]
        known = _Demo.__args__  # type: ignore[attr-defined]
        args = [
            "--demo=shop" if arg == "--demo" and after not in known else arg
            for arg, after in zip(args, following, strict=False)
        ]
        return super().parse_args(ctx, args)


@app.command(cls=_Up)
def up(
    demo: _Demo | None = _DEMO,
    port: int | None = _PORT,
    host: str | None = _HOST,
    workers: int | None = _WORKERS,
    operator_key: bool = typer.Option(
        False, "--operator-key", help="Make an operator's key, and show it once."
    ),
    sign_in_link: bool = typer.Option(
        False, "--sign-in-link", help="Show a link that signs in the owner, whoever is locked out."
    ),
) -> None:
    """Start everything in the foreground: a private PostgreSQL, migrations, the server.

    Set RINGBACK_DATABASE_URL to use a PostgreSQL of your own (15 to 18) instead. Ctrl-C stops
    everything; the next start finds all data.
    """
    from ringback.cli.up import run

    sys.exit(
        run(
            demo=demo, port=port, host=host, workers=workers, operator_key=operator_key,
            sign_in_link=sign_in_link,
        )
    )  # fmt: skip


@app.command()
def serve(
    migrate: bool = typer.Option(
        False, "--migrate", help="Bring the database to this version before."
    ),
    port: int | None = _PORT,
    host: str | None = _HOST,
    workers: int | None = _WORKERS,
) -> None:
    """Run the server alone, on a PostgreSQL of yours: for production.

    It needs RINGBACK_DATABASE_URL and RINGBACK_SECRET_KEY, makes no key and writes no file. What is
    missing it names, and ends. It logs to standard error and stops by SIGTERM or Ctrl-C.
    """
    from ringback.cli.serve import run

    sys.exit(run(migrates=migrate, port=port, host=host, workers=workers))


_migrate = typer.Typer(invoke_without_command=True)
app.add_typer(_migrate, name="migrate")


@_migrate.callback()
def migrate(
    context: typer.Context,
    status: bool = typer.Option(False, "--status", help="Only list what is still to be applied."),
    operator_key: bool = typer.Option(
        False, "--operator-key", help="Then make an operator's key, and print it once."
    ),
) -> None:
    """Bring the database at RINGBACK_DATABASE_URL to this version."""
    if context.invoked_subcommand is None:
        from ringback.cli.migrate import run

        sys.exit(run(only_status=status, operator_key=operator_key and not status))


@_migrate.command("status")
def migrate_status() -> None:
    """List what is still to be applied, and change nothing."""
    from ringback.cli.migrate import run

    sys.exit(run(only_status=True))


_config = typer.Typer(no_args_is_help=True, help="The settings of this machine's installation.")
app.add_typer(_config, name="config")


@_config.command("show")
def config_show(
    context: typer.Context,
    output: Literal["table", "json"] = typer.Option("table", "--output", "-o", help="Format."),
) -> None:
    """Show the settings in force and where each comes from, and which installation commands ask.

    Secrets are not shown. Exit code 1 when one of them is wrong. Variables that mean nothing are
    warned of.
    """
    from ringback.cli.config import show

    sys.exit(show(output, remember(context, {})))


@app.command()
def doctor(
    output: Literal["table", "json"] = typer.Option("table", "--output", "-o", help="Format."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Show only what is not well."),
) -> None:
    """Look into everything that an installation needs, and say how to mend what is wrong.

    Run it where the server runs, with the same environment. It changes nothing and shows no secret.
    Exit code 1 when there is a problem.
    """
    from ringback.cli.doctor import run

    sys.exit(run(output, quiet=quiet))


signatures.add_to(app)
tail.add_to(app)
listen.add_to(app)
samples.add_to(app)
account.add_to(app, _config)
find.add_to(app)
overview.add_to(app)
root.add_resources(app)


def main() -> None:
    """Run the command line."""
    account.begin_completion()
    app()
