"""Write docs/commands.md anew from the table in the code: `python -m scripts.commands`."""

from pathlib import Path

from ringback.cli.commands import LIMIT
from ringback.cli.declared import Command, Option, Resource
from ringback.cli.root import RESOURCES

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
_HEAD = f"""\
# Commands for resources

Written from [cli/resources.py](../src/ringback/cli/resources.py) and its neighbours by `make docs`.
Every command also takes the [global options](cli.md#global-options).

- Where several ids are taken, `-` reads them from standard input, as `-o id` writes them.
- Lists take `--limit N` (`-n`, {LIMIT} if not said) or `--all`.
- What sends a body also takes it as JSON with `--data` (`-d`): itself, `@FILE`, or `-` for standard
  input; options are put over it, and `--set PATH=VALUE` sets any field.
- Lists of values are separated by commas, or the option is given several times.
- Spans are `90s`, `15m`, `2h`, `7d`; times are ISO 8601, a span from now, or an id, for the time
  that it carries.
"""


def page() -> str:
    """Return the page as the code has it."""
    return _HEAD + "".join(_resource(one) for one in RESOURCES)


def _resource(resource: Resource) -> str:
    return f"\n## `ringback {resource.name}`\n\n{resource.help}\n" + "".join(
        _command(resource, one) for one in resource.commands
    )


def _command(resource: Resource, command: Command) -> str:
    argument = ""
    if "{id}" in command.path:
        argument = " " + (command.argument or ("ID…" if command.many else "ID"))
    lines = [f"\n### `{resource.name} {command.name}{argument}`\n\n{_prose(command.help)}\n"]
    if command.options:
        lines.append("\n| option | |\n|---|---|\n")
        lines += [_row(one) for one in command.options]
    if command.examples:
        shown = "\n".join(f"ringback {one}" for one in command.examples)
        lines.append(f"\n```sh\n{shown}\n```\n")
    return "".join(lines)


def _prose(text: str) -> str:
    return text.replace("*", r"\*")


def _row(option: Option) -> str:
    named = option.dashed
    if option.takes == "flag":
        named = f"`{named}`, `--no-{named.removeprefix('--')}`"
    elif option.choices:
        named = f"`{named}` {', '.join(option.choices)}"
    else:
        named = f"`{named} {option.metavar}`"
    needed = " Required." if option.required else ""
    return f"| {named} | {_prose(option.help)}{needed} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
