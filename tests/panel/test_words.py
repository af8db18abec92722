"""The words of the panel cover what the API can say."""

import re
import shlex
from importlib.resources import files
from typing import Any, get_args

import typer.main

from ringback.cli.main import app
from ringback.domain.outcomes import OUTCOMES
from ringback.domain.roles import ROLES
from ringback.services.audit import Action

SITE = files("ringback.panel") / "site"
WORDS = (SITE / "strings.js").read_text(encoding="utf-8")
_MODULES = {
    f"{folder}/{one.name}": one.read_text(encoding="utf-8")
    for folder in ("parts", "screens", "shell")
    for one in (SITE / folder).iterdir()
}
# A command in quotes or as code, alone or behind a variable; and one that is copied.
_SAID = re.compile(r"""(["'`>])(?:[A-Z_]+=\S+ )?ringback ([a-z][^"`<]*)""")
_COPIED = re.compile(r"""(?:cli=(?:"|\$\{`)|asCli\(`)([^"`]+)""")
_VALUE = re.compile(r"\$\{[^}]*\}")


def test_every_act_in_the_audit_log_has_words() -> None:
    """Whatever is done is told as a sentence, and nothing is told that is never done."""
    actions = WORDS.partition('actions: {\n      "endpoint.created"')
    told = re.findall(r'"([a-z_]+\.[a-z_]+)":', actions[1] + actions[2].partition("}")[0])
    assert set(get_args(Action)) == set(told)


def test_every_role_has_words() -> None:
    """Each role is named, and what it is for is told."""
    for role in ROLES:
        assert 3 <= len(re.findall(rf"\b{role}: ", WORDS)), role


def test_every_outcome_of_a_callback_has_words_and_can_be_asked_for() -> None:
    """Outcomes are named, explained and offered as a filter: those of the API and no others."""
    _, _, section = WORDS.partition("  callbacks: {")
    offered = re.findall(r'"(\w+)"', re.findall(r"filter: \[(.*?)\]", section)[0])
    assert set(OUTCOMES) == set(offered)
    for outcome in OUTCOMES:
        assert 3 <= len(re.findall(rf"\b{outcome}: ", section)), outcome


def test_every_command_that_is_shown_exists() -> None:
    """Whatever the panel gives people to run is a command, and has the options that it is given."""
    lines = [line for _, line in _SAID.findall(WORDS)]
    for text in _MODULES.values():
        lines += [line for _, line in _SAID.findall(text)] + _COPIED.findall(text)
    assert 25 <= len(lines)
    assert {"up", "tenants", "people"} <= {line.split()[0] for line in lines}
    for line in lines:
        command, words = _command(_VALUE.sub("value", line))
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert options <= _options(command), line


def test_a_list_copied_as_a_command_has_its_filters_as_options() -> None:
    """Each filter that an address can have is an option of the command that lists the same."""
    found = 0
    for name, text in _MODULES.items():
        filters = re.findall(r"const FILTERS = \[(.*?)\]", text)
        for line in re.findall(r'cli="([^"]+)"', text) if filters else ():
            command, _ = _command(line)
            wanted = {f"--{one.replace('_', '-')}" for one in re.findall(r'"(\w+)"', filters[0])}
            assert wanted <= _options(command), name
            found += 1
    assert 3 <= found


def _command(line: str) -> tuple[Any, list[str]]:
    """Find the command of a line, and what else stands there."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)
    while words and hasattr(command, "list_commands"):
        named = command.get_command(None, words.pop(0))
        assert named is not None, line
        command = named
    return command, words


def _options(command: Any) -> set[str]:
    """Return how the options of a command are written."""
    return {"--help"} | {one for each in command.params for one in each.opts}
