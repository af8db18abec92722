"""The root of the `ringback` command: global options, groups of resources, how errors are shown.

Imported by `ringback --help`: nothing but typer and values in here.
"""

import contextlib
import inspect
import os
import sys
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperGroup

from ringback import __version__
from ringback.cli import commands
from ringback.cli.declared import Resource
from ringback.cli.endpoint_resource import ENDPOINTS
from ringback.cli.options import OPTIONS, parameters, remember, signed
from ringback.cli.record_resources import (
    ATTEMPTS,
    AUDIT,
    CALLBACKS,
    DELIVERIES,
    EVENT_TYPES,
    EVENTS,
    INSPECTOR,
    MESSAGES,
    SUPPRESSIONS,
)
from ringback.cli.resources import CONNECTIONS, KEYS, PEOPLE, SESSIONS, TENANTS

RESOURCES: tuple[Resource, ...] = (
    EVENTS, MESSAGES, DELIVERIES, ATTEMPTS, CALLBACKS, SUPPRESSIONS, ENDPOINTS, CONNECTIONS,
    EVENT_TYPES, INSPECTOR, KEYS, TENANTS, PEOPLE, SESSIONS, AUDIT,
)  # fmt: skip
# Where a command stands in the help.
_PANELS: dict[str, str | None] = {
    **dict.fromkeys(("up", "serve", "migrate", "doctor", "config"), "Run it"),
    **dict.fromkeys(("sign", "verify", "tail", "listen", "emit", "simulate"), "Try it"),
    **dict.fromkeys(("find", "overview"), "Look and change"),
    **dict.fromkeys(("whoami", "login", "open", "completion"), "Which installation"),
}
_EXAMPLES = (
    "up --demo", "simulate delivered", "messages list", "tail events",
    "endpoints create --url https://example.com/hooks --event-types 'message.*'",
)  # fmt: skip


class Root(TyperGroup):
    """The command itself: what any of its commands ends with is explained here."""

    def invoke(self, ctx: Any) -> Any:
        """Run what was asked for; errors on purpose become text and an exit code."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read has enough: `| head`. Nothing more can be written, not even at the end.
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except Exception as error:
            from ringback.errors import RingbackError

            if not isinstance(error, RingbackError):
                raise
            from ringback.cli.failures import explain

            raise typer.Exit(explain(error)) from None
        return result


class _Lazy(TyperGroup):
    """A group whose commands are made when it is asked for them: most calls need one group."""

    resource: Resource
    _made: TyperGroup | None = None

    def _whole(self) -> TyperGroup:
        if self._made is None:
            made = typer.main.get_group(commands.group_of(self.resource))
            self._made = made
            self.commands = made.commands  # what typer looks through for a likely name
        return self._made

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(self._whole().commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        return self._whole().commands.get(cmd_name)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


def _root(**values: Any) -> None:
    remember(values["ctx"], {name: values.get(name) for name in OPTIONS})


def _before() -> list[inspect.Parameter]:
    """The options that stand before a command's name."""
    version = typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    return [
        commands.keyword("ctx", typer.Context, inspect.Parameter.empty),
        commands.keyword("version", Annotated[bool, version], default=False),
        *parameters(),
    ]


def begin() -> typer.Typer:
    """Make the command, with its global options and no other command yet."""
    app = typer.Typer(
        name="ringback",
        cls=Root,
        help="The event backbone for business messaging: provider callbacks in, signed webhooks "
        "out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        epilog="\n\n".join(f"$ ringback {example}" for example in _EXAMPLES),
    )
    app.callback()(signed(_root, _before(), "ringback", ""))
    return app


def add_resources(app: typer.Typer) -> None:
    """Add a group for each resource, and give every command its place in the help.

    Commands of a group are made when they are asked for. Called when all others are there.
    """
    for resource in RESOURCES:
        lazy = type(resource.name, (_Lazy,), {"resource": resource})
        group = typer.Typer(cls=lazy, help=resource.help, no_args_is_help=True)
        app.add_typer(group, name=resource.name, rich_help_panel="Look and change")
    for command in app.registered_commands:
        name = str(command.name or getattr(command.callback, "__name__", ""))
        command.rich_help_panel = _PANELS.get(name, command.rich_help_panel)
    for group_ in app.registered_groups:
        group_.rich_help_panel = _PANELS.get(str(group_.name), group_.rich_help_panel)
