"""The documentation cannot lie about what can be checked: links, settings, commands, errors.

Where a page repeats what the code declares, the code is right and the page is compared with it.
"""

import json
import re
import tomllib
from importlib.resources import files
from typing import Any, get_args

import pytest
import typer.main

from ringback import settings as settings_module
from ringback.api.problems import CODES
from ringback.cli import up
from ringback.cli.main import app
from ringback.cli.root import RESOURCES
from ringback.domain import messages, outcomes, retry
from ringback.domain.event_types import CATALOGUE
from ringback.domain.scenarios import SCENARIOS
from ringback.providers.registry import PROVIDERS
from ringback.services import failpoints
from ringback.services.audit import Action
from ringback.settings import PREFIX, Settings
from ringback.transport.exchange import ErrorClass as AttemptError
from scripts import commands as commands_page
from scripts import doctor
from scripts import providers as provider_pages
from scripts.house_map import draw, renewed
from tests.markdown import Page, codes, pages, plain
from tests.source import ROOT, Source, texts

PAGES = pages()
ACTIONS = get_args(Action)
README = PAGES["README.md"]
NONE = "\u2013"
# What reads like a setting and is none of the server's. Name: where it is explained.
_OTHER_VARIABLES = {
    "RINGBACK_URL": "for whoever calls the server",
    "RINGBACK_API_KEY": "for whoever calls the server",
    "RINGBACK_PROFILE": "for the command line",
    "RINGBACK_WEBHOOK_SECRET": "for whoever receives events",
}
_IN_TESTS_ONLY = {"RINGBACK_PROOF", failpoints.VARIABLE, failpoints.LOG_VARIABLE}


@pytest.mark.parametrize("path", sorted(PAGES))
def test_every_link_leads_somewhere(path: str) -> None:
    """Relative links name files that exist, and their fragments headings."""
    for link in PAGES[path].links:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = (ROOT / path).parent / name if name else ROOT / path
        assert target.exists(), link
        if fragment:
            assert fragment in PAGES[_relative(target)].anchors, link


def _relative(target: object) -> str:
    return str((ROOT / str(target)).resolve().relative_to(ROOT))


def test_every_page_can_be_reached_from_the_first() -> None:
    """Whoever starts at README.md and follows links finds every page."""
    reached, waiting = {"README.md"}, ["README.md"]
    while waiting:
        here = waiting.pop()
        for link in PAGES[here].links:
            name = link.partition("#")[0]
            if name.endswith(".md") and ":" not in name:
                found = _relative((ROOT / here).parent / name)
                if found not in reached:
                    reached.add(found)
                    waiting.append(found)
    assert set(PAGES) == reached


def test_every_setting_is_documented_as_it_is() -> None:
    """The table of settings has each one, with its default and its description."""
    documented = {plain(row[0]): (plain(row[1]), row[2]) for row in _settings()}
    declared = {
        PREFIX + name.upper(): (
            NONE if field.default is None else str(field.default), field.description
        )
        for name, field in Settings.model_fields.items()
    }  # fmt: skip
    assert declared == documented


def _settings() -> list[list[str]]:
    return PAGES["docs/configuration.md"].table("variable")


def test_every_variable_in_the_documentation_exists() -> None:
    """No page names a RINGBACK_ variable that nothing reads."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | set(_OTHER_VARIABLES)
    known |= {f"{PREFIX}{name}_FILE" for name in settings_module._FILES}
    for page in PAGES.values():
        named = set(re.findall(r"\bRINGBACK_[A-Z_]+[A-Z]", page.text))
        assert named <= known | _IN_TESTS_ONLY, page.path
    assert known <= set(re.findall(r"\bRINGBACK_[A-Z_]+[A-Z]", PAGES["docs/configuration.md"].text))


def test_every_command_and_option_is_documented() -> None:
    """Each command of `ringback --help` has a section, which names each of its options.

    Those of resources are on a page of their own, and what every command takes is told once.
    """
    page = PAGES["docs/cli.md"]
    group = typer.main.get_command(app)
    commands = getattr(group, "commands", {})
    assert {"up", "migrate"} <= set(commands)
    named = re.findall(r"(?ms)^## `ringback ([\w-]+)[^`]*`\n(.*?)(?=^## |\Z)", page.text)
    sections = dict(named)
    resources = {one.name for one in RESOURCES}
    assert set(commands) - resources == set(sections)
    (shared,) = re.findall(r"(?ms)^## Global options\n(.*?)(?=^## )", page.text)
    globally = _options(group, deep=False)
    assert globally <= set(codes(shared))
    for name, section in sections.items():
        for inner in getattr(commands[name], "commands", {}):
            assert f"ringback {name} {inner}" in " ".join(section.split())
        for option in _options(commands[name]) - globally:
            assert f"`{option}`" in section, f"{name} {option}"


def _options(command: Any, *, deep: bool = True) -> set[str]:
    """Return how the options of a command, and of the commands in it, are written."""
    within = getattr(command, "commands", {}).values() if deep else ()
    own = {option for parameter in command.params for option in parameter.opts}
    return {one for one in own if one.startswith("-")}.union(*map(_options, within))


def test_every_number_of_a_scenario_is_documented() -> None:
    """The numbers that choose what a faked send API does are those of the code."""
    table = PAGES["docs/callbacks.md"].table("a message to")
    named = {(plain(number), plain(name)): what for number, name, what in table}
    known = {(one.number, name): one.what for name, one in SCENARIOS.items() if one.number}
    assert known == named


def test_the_pages_of_providers_are_up_to_date() -> None:
    """They are written from what adapters declare and are seen to read; `make docs` writes them."""
    there = {path: path.read_text(encoding="utf-8") for path in provider_pages.FOLDER.glob("*.md")}
    expected = provider_pages.pages()
    assert sorted(expected) == sorted(there)
    for path, text in expected.items():
        assert text == there[path], f"{path.name}: `python -m scripts.providers` writes it anew"


def test_the_page_of_commands_is_up_to_date() -> None:
    """It is written from the table of resources; `make docs` writes it anew."""
    assert commands_page.PAGE.read_text(encoding="utf-8") == commands_page.page()


def test_every_cause_that_a_check_of_a_signature_names_is_documented() -> None:
    """The table has each code that `ringback verify` prints, and no other."""
    folder = ROOT / "src" / "ringback" / "domain"
    text = "".join(
        (folder / name).read_text(encoding="utf-8")
        for name in ("signature_check.py", "signature_guesses.py")
    )
    # The first argument; or what one stands for that is computed.
    found = set(re.findall(r'\b(?:Cause|Guess)\(\s*"([a-z_]+)"', text))
    found |= {"body_line_ends", "id_missing", "timestamp_missing", "signature_missing"}
    table = PAGES["docs/cli.md"].table("cause")
    assert found == {code for row in table for cell in row for code in codes(cell)}


def test_the_page_of_the_doctor_is_up_to_date() -> None:
    """docs/doctor.md has the checks as the code declares them; `make docs` writes them anew."""
    page = PAGES["docs/doctor.md"].text
    assert doctor.renewed(page) == page


def test_the_first_page_shows_the_commands_that_the_program_prints() -> None:
    """What is to be tried is written once, in cli/up.py; the first page repeats it exactly."""
    shown = README.blocks("sh")
    for command in (up._WHATSAPP, up._BANDWIDTH, up._MESSAGES):
        assert command in shown


def test_the_first_page_is_short() -> None:
    """A first page is read; what is longer belongs into docs/."""
    assert len(README.text.splitlines()) <= 160


def test_every_json_example_is_json() -> None:
    """Examples can be copied."""
    for page in PAGES.values():
        for block in page.blocks("json"):
            json.loads(block)


_ROW = re.compile(r"[A-Z]{3}-[0-9]{2}")


def _features() -> list[list[str]]:
    return PAGES["docs/features.md"].table("id")


def test_every_feature_has_one_row() -> None:
    """Ids are unique and well-formed, and each feature says what it is and how much it matters."""
    ids = [row[0] for row in _features()]
    assert len(ids) == len(set(ids))
    for row in _features():
        assert _ROW.fullmatch(row[0]), row
        assert row[1], row
        assert row[2] in {"1", "2", "1 ★", "2 ★"}, row


def test_every_claimed_feature_has_a_page_and_a_test() -> None:
    """A row that is claimed names a page that links to something real and a test that exists."""
    tests = {file.path: file.text for file in texts() if file.path.startswith("tests/")}
    claimed = [row for row in _features() if row[3] or row[4]]
    assert claimed
    for row in claimed:
        assert re.fullmatch(r"\[[^\]]+\]\(([^)]+)\)", row[3]), row
        path, _, name = plain(row[4]).partition("::")
        assert path in tests, row
        assert re.search(rf"(?m)^(async )?def {re.escape(name)}\(", tests[path]), row


def test_the_page_of_features_counts_right() -> None:
    """The summary says how many rows there are and how many are claimed."""
    rows = _features()
    claimed = sum(bool(row[4]) for row in rows)
    assert f"{claimed} of {len(rows)}" in PAGES["docs/features.md"].text


def test_decisions_are_numbered_once_and_complete() -> None:
    """Each decision has its number in name and title, and says why, what and how measured."""
    names = sorted(path for path in PAGES if re.match(r"docs/adr/\d", path))
    numbers = [int(name.removeprefix("docs/adr/")[:4]) for name in names]
    assert list(range(1, len(numbers) + 1)) == numbers
    for number, name in zip(numbers, names, strict=True):
        title, *sections = PAGES[name].headings
        assert title.startswith(f"{number}. ")
        assert ["Status", "Context", "Decision", "Measured"] == sections, name
        assert name.removeprefix("docs/adr/") in PAGES["docs/adr/README.md"].links
        assert f"[{title}]" in PAGES["docs/adr/README.md"].text


def test_every_dependency_was_decided_on() -> None:
    """The decision about dependencies lists exactly the direct ones."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [re.split(r"[<>=!~ \[]", line)[0] for line in project["dependencies"]]
    page = next(page for path, page in PAGES.items() if path.endswith("-dependencies.md"))
    assert sorted(declared) == [plain(row[0]) for row in page.table("package")]


def test_the_changelog_has_one_sentence_for_each_change() -> None:
    """A change is one line, one sentence, from the point of view of whoever notices it."""
    lines = PAGES["CHANGELOG.md"].text.splitlines()
    entries = [line for line in lines if line.startswith("- ")]
    assert entries
    for entry in entries:
        assert re.fullmatch(r"- [A-Z`].*[^.]\.", entry), entry
        assert not re.search(r"[.!?] [A-Z]", entry), entry
    assert not [line for line in lines if line.startswith("  ")]


def test_the_map_of_the_house_is_up_to_date() -> None:
    """ARCHITECTURE.md shows every module; `python scripts/house_map.py` draws it anew."""
    page = PAGES["ARCHITECTURE.md"].text
    assert renewed(page, draw(ROOT / "src" / "ringback")) == page


def test_the_map_of_the_house_leaves_no_room_out() -> None:
    """Every package and top module is drawn: a new one is added to scripts/house_map.py."""
    page = PAGES["ARCHITECTURE.md"].text
    for module in (file for file in texts() if file.ours and file.path.endswith(".py")):
        folder, _, name = module.path.removeprefix("src/ringback/").rpartition("/")
        if folder and name == "__init__.py":
            assert f"\n{folder}/ " in page, module.path
        elif name not in {"__init__.py", "__main__.py"}:
            assert re.search(rf"(?m)^ *{re.escape(name)} ", page), module.path


def test_every_place_that_the_architecture_names_exists() -> None:
    """Whoever looks for a file finds it: what reads like a path is one."""
    roots = [ROOT, ROOT / "src/ringback", ROOT / "src/ringback/storage"]
    named = [code for code in codes(PAGES["ARCHITECTURE.md"].prose) if _is_path(code)]
    assert named
    for path in named:
        assert any((root / path).exists() for root in roots), path


def _is_path(code: str) -> bool:
    return bool(re.fullmatch(r"[\w./-]+", code)) and ("/" in code or code.endswith(".py"))


def test_every_table_is_explained() -> None:
    """The architecture names each table of the database, and no other."""
    folder = files("ringback.storage")
    sql = "".join(
        entry.read_text(encoding="utf-8")
        for entry in (folder / "migrations").iterdir()
        if entry.name.endswith(".sql")
    )
    sql += (folder / "sql" / "migrate.sql").read_text(encoding="utf-8")
    made = re.findall(r"(?m)^create (?:unlogged )?table (?:if not exists )?(\w+)", sql)
    partitions = re.findall(r"(?m)^create table (\w+) partition of", sql)
    explained = [name for row in PAGES["ARCHITECTURE.md"].table("table") for name in codes(row[0])]
    assert set(made) - set(partitions) == set(explained)


def test_the_errors_of_the_api_are_documented_as_they_are() -> None:
    """Each code with its status and title."""
    documented = {
        plain(row[0]): (int(row[1]), row[2])
        for row in PAGES["docs/errors.md"].table("code")
    }  # fmt: skip
    assert CODES == documented


def test_the_errors_of_messages_and_attempts_are_documented() -> None:
    """Each class of failure has its row."""
    page = PAGES["docs/errors.md"]
    assert set(get_args(messages.ErrorClass)) == {plain(row[0]) for row in page.table("class")}
    # Two ends that we decide ourselves stand in the same column of attempts.
    ours = {"cancelled", "retention"}
    # A request that was taken back before it was sent is no attempt.
    recorded = {*get_args(AttemptError)} - {"withdrawn"}
    assert recorded | ours == {plain(row[0]) for row in page.table("error")}


def test_the_retry_schedule_is_documented_as_it_is() -> None:
    """The waits in the table are those of domain/retry.py."""
    ((_, *cells),) = PAGES["docs/guarantees.md"].table("after attempt")
    units = {"s": 1, "min": 60, "h": 3600}
    waits = [int(cell.split()[0]) * units[cell.split()[1]] for cell in cells]
    assert retry.SCHEDULE_S == tuple(waits)


def test_outcomes_and_providers_are_documented() -> None:
    """Callbacks end in outcomes that exist; every provider says how it is verified."""
    page = PAGES["docs/callbacks.md"]
    assert {plain(row[0]) for row in page.table("outcome")} <= set(outcomes.OUTCOMES)
    named = {plain(row[0]) for row in page.table("provider")}
    assert set(PROVIDERS) == {re.sub(r"^\[(.*)\]\(.*\)$", r"\1", name) for name in named}


def test_every_type_of_event_in_the_documentation_exists() -> None:
    """No page speaks of an event that the catalogue does not know; one is about acts instead."""
    families = {name.partition(".")[0] for name in CATALOGUE}
    for page in PAGES.values():
        known = set(ACTIONS) if page.path == "docs/audit.md" else set(CATALOGUE)
        for code in codes(page.prose):
            family, dot, rest = code.partition(".")
            if dot and family in families and re.fullmatch(r"[a-z_]+", rest):
                assert code in known, f"{page.path}: {code}"


def test_every_act_of_the_audit_log_is_documented() -> None:
    """The table names each, and no other."""
    table = PAGES["docs/audit.md"].table("action")
    assert set(ACTIONS) == {plain(code) for row in table for code in row[0].split(", ")}


def test_the_licence_is_apache_2() -> None:
    """The full text, and the same name in the package's metadata."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text[:200]
    assert "Version 2.0, January 2004" in text[:200]
    assert "limitations under the License." == text.strip().splitlines()[-1].strip()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert ("Apache-2.0", ["LICENSE"]) == (project["license"], project["license-files"])


def _page(text: str) -> Page:
    return Page(Source("page.md", text))


def test_links_tables_and_blocks_are_found() -> None:
    """The reading of Markdown that everything here stands on."""
    table = "| id | n |\n|---|---|\n| `a` | 1 |\n"
    page = _page(f"# A b\n[x](y.md#z)\n\n{table}\n```sh\n[no](no)\n```\n")
    assert ["y.md#z"] == page.links
    assert {"a-b"} == page.anchors
    assert [["`a`", "1"]] == page.table("id")
    assert ["[no](no)"] == page.blocks("sh")
    with pytest.raises(LookupError):
        page.table("other")
