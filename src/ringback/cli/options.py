"""The options that every command understands which talks to an installation, and what was chosen.

Imported by `ringback --help`: nothing but typer in here.
"""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

Format = Literal["table", "json", "jsonl", "csv", "id"]
PANEL = "Global options"
_KEPT = "ringback.chosen"


@dataclasses.dataclass
class Chosen:
    """What was given before or after the command's name; the latter counts."""

    profile: str | None = None
    url: str | None = None
    api_key: str | None = None
    tenant: str | None = None
    mode: str | None = None
    output: Format | None = None
    no_color: bool = False
    quiet: bool = False
    verbose: bool = False
    yes: bool = False


def _option(*names: str, **more: Any) -> Any:
    return typer.Option(*names, rich_help_panel=PANEL, show_default=False, **more)


OPTIONS: dict[str, Any] = {
    "profile": Annotated[
        str | None,
        _option("--profile", metavar="NAME", help="Which installation of the configuration file."),
    ],
    "url": Annotated[
        str | None, _option("--url", metavar="URL", help="Where the installation is.")
    ],
    "api_key": Annotated[
        str | None,
        _option(
            "--api-key", metavar="KEY", help="The key to ask with; better in RINGBACK_API_KEY."
        ),
    ],
    "tenant": Annotated[
        str | None,
        _option("--tenant", metavar="ID", help="For operators' keys: the tenant to act for."),
    ],
    "mode": Annotated[
        Literal["live", "test"] | None,
        _option("--mode", help="For operators' keys: the mode to act in."),
    ],
    "output": Annotated[
        Format | None, _option("--output", "-o", help="How data is written; table if not said.")
    ],
    "no_color": Annotated[bool, _option("--no-color", help="No colours; NO_COLOR does the same.")],
    "quiet": Annotated[bool, _option("--quiet", "-q", help="Data and errors only.")],
    "verbose": Annotated[
        bool, _option("--verbose", "-v", help="Tell every request, and which profile is used.")
    ],
    "yes": Annotated[bool, _option("--yes", "-y", help="Ask nothing: yes to every question.")],
}
_FLAGS = frozenset({"no_color", "quiet", "verbose", "yes"})


def parameters(besides: set[str] = frozenset()) -> list[inspect.Parameter]:  # type: ignore[assignment]
    """Return the global options as parameters of a command that has `besides` as its own."""
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if name in _FLAGS else None,
            annotation=annotation,
        )
        for name, annotation in OPTIONS.items()
        if name not in besides
    ]


def remember(ctx: typer.Context, given: dict[str, Any]) -> Chosen:
    """Add what was given at one place of the command line to what is known, and return that."""
    chosen: Chosen = ctx.meta.setdefault(_KEPT, Chosen())
    for name, value in given.items():
        if value not in (None, False):
            setattr(chosen, name, value)
    return chosen


def signed(
    function: Callable[..., None], own: list[inspect.Parameter], name: str, text: str
) -> Callable[..., None]:
    """Give a function that takes anything the signature that typer reads commands from."""
    function.__name__ = name
    function.__doc__ = text
    function.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
    function.__annotations__ = {one.name: one.annotation for one in own}
    return function
