"""What a command on a resource is, as a declaration: which request, which options, which columns.

cli/resources.py declares them, cli/commands.py makes typer commands of them. Values only.
"""

import dataclasses
import keyword
from typing import Any, Literal

# How an option is written and what the API gets. `past` and `future`: a duration, a time, or an
# id; `seconds`: a duration; `place`: one in the feed; `settings`: pairs that are read as the
# provider's schema says. Lists are given several times, or with commas.
Takes = Literal[
    "text", "whole", "number", "flag", "list", "numbers", "pairs", "settings", "json", "past",
    "future", "seconds", "schedule", "place",
]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Column:
    """One column: its title, and where in a row it is; `a.b|c` is a.b, or c where that is null.

    A `wide` one is shown where there is room for it. `words` stand for null or false, and for
    anything else.
    """

    title: str
    path: str
    kind: Literal["id", "text", "status", "time", "number"] = "text"
    wide: bool = False
    words: tuple[str, str] | None = None


@dataclasses.dataclass(frozen=True)
class Option:
    """One option: the API's field (`a.b` is b in the object a), and what it is.

    `name` is how it is called here when that is not the field's own last part, `choices` are all
    that there is to choose from.
    """

    field: str
    help: str
    takes: Takes = "text"
    name: str = ""
    metavar: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def called(self) -> str:
        """The option's name without dashes, as a name in Python."""
        own = (self.name or self.field.rpartition(".")[2]).replace("-", "_")
        return f"{own}_" if keyword.iskeyword(own) else own

    @property
    def dashed(self) -> str:
        """The option as it is written."""
        return f"--{self.called.rstrip('_').replace('_', '-')}"


@dataclasses.dataclass(frozen=True)
class Command:
    """One command of a resource: the request that it makes, and what is done with the answer.

    `path` has `{id}` where the id goes. A `list` shows rows, `get` whole things, `draw` a picture;
    `make`, `change` and `act` send a body of `options` over `fixed`; `remove` asks before; `try`
    sends to endpoints and waits for the answers. `many`: several ids are taken, and `-` for
    standard input. `paged`: the list has pages. `sends`: there is a body. `done` is said for each
    on standard error.
    """

    name: str
    does: Literal["list", "get", "make", "change", "act", "remove", "draw", "try"]
    method: str
    path: str
    help: str
    options: tuple[Option, ...] = ()
    columns: tuple[Column, ...] = ()
    examples: tuple[str, ...] = ()
    fixed: tuple[tuple[str, Any], ...] = ()
    argument: str = ""
    argument_help: str = ""
    many: bool = True
    paged: bool = True
    done: str = ""
    sends: bool = True


@dataclasses.dataclass(frozen=True)
class Resource:
    """A group of commands: its name, what it holds, and the field that is its id."""

    name: str
    help: str
    thing: str
    commands: tuple[Command, ...]
    columns: tuple[Column, ...] = ()
    key: str = "id"
