"""What the pages of providers claim: seen in a recording, declared by an adapter, or tried."""

import re

import pytest

from ringback.providers.config import json_schema
from ringback.providers.registry import PROVIDERS
from scripts import providers as pages
from scripts.provider_matrix import matrix
from scripts.provider_seen import proofs, seen, wishes
from scripts.provider_sends import Sender
from scripts.provider_settings import required, sending


def page(name: str) -> str:
    """Read the page of a provider as it stands."""
    return (pages.FOLDER / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_status_is_claimed_only_when_a_recording_shows_it(name: str) -> None:
    """Each word leads to a recording whose golden has it as that status; no word is left out."""
    text = page(name)
    row = re.compile(r"^\| `([^`]+)` \| `(\w+)` \|.*\[([\w-]+)\]\(\S+\.http\) \|$", re.MULTILINE)
    rows = row.findall(text)
    found = seen(PROVIDERS[name])
    shown = {(item.get("provider_status"), item["status"], at) for at, item in found.reports}
    assert set(rows) <= shown
    assert set(PROVIDERS[name].STATUS) <= {word for word, _, _ in rows}


def test_the_settings_of_parts_are_told_like_those_of_the_whole() -> None:
    """A table for each part that a config is made of, with a row for each of its fields."""
    text = page("generic")
    parts = json_schema(PROVIDERS["generic"].Config)["$defs"]
    assert isinstance(parts, dict)
    for name, part in parts.items():
        told = text.partition(f"\n### {name}\n")[2].partition("\n#")[0]
        fields = re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)
        assert sorted(part.get("properties", {})) == sorted(fields), name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linkmobility", ["secret in each callback"]),
        ("native", ["API key"]),
        ("simulator", ["signature of body, time"]),
        ("twilio", ["signature of body, URL"]),
        ("whatsapp", ["signature of body"]),
    ],
)
def test_what_proves_a_callback_is_found_by_changing_some(name: str, expected: list[str]) -> None:
    """What can be changed without being noticed is not covered."""
    assert expected == proofs(PROVIDERS[name], seen(PROVIDERS[name]))


def test_the_settings_that_a_connection_needs_are_named() -> None:
    """Those that it cannot be without, also within parts; and those that sending needs."""
    assert ["verify.scheme=signature", "verify.secret=…"] == required(PROVIDERS["smsportal"].Config)
    assert ["client_id", "client_secret"] == sending(PROVIDERS["linkmobility"].Config)


def test_what_a_send_comes_to_is_tried_on_the_fake() -> None:
    """Refusals with their meaning, what is refused here already, and the longest text."""
    twilio = Sender(PROVIDERS["twilio"], seen(PROVIDERS["twilio"]))
    ends = {one.about: one.result for one in twilio.refusals()}
    stopped = ends["`21610`"].error
    assert stopped is not None
    assert ("consent", "rejected", True) == (stopped.class_, stopped.stage, stopped.opt_out)
    assert "throttled" == ends["asked too often"].outcome
    assert "uncertain" == ends["an error of its own"].outcome
    here = {one.about: one.result.error for one in twilio.refused_here()}
    unset = here["settings that sending needs are missing"]
    assert unset is not None
    assert "not_configured" == unset.code
    assert (1600, 10, True) == (twilio.text_max(), twilio.files_max(), twilio.waits())


def test_the_matrix_has_a_row_for_every_provider_in_every_table() -> None:
    """With what was seen: LINK tells expiry apart, and posts again for hours."""
    text = matrix()
    rows = re.findall(r"^\| \[[^]]+\]\((\w+)\.md\) \|.*$", text, re.MULTILINE)
    assert sorted([*PROVIDERS] * 3) == sorted(rows)
    assert pages.FOLDER / "README.md" in pages.pages()
    link = next(line for line in text.splitlines() if "(linkmobility.md)" in line)
    head = next(line for line in text.splitlines() if line.startswith("| provider |"))
    names, cells = ([cell.strip() for cell in line.split("|")] for line in (head, link))
    assert "✓" == cells[names.index("expired")]
    assert "" == cells[names.index("weak")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linkmobility", {"heard"}),
        ("simulator", {"told"}),
        ("twilio", {"told", "heard"}),
        ("whatsapp", {"told", "heard"}),
    ],
)
def test_who_tells_of_an_opt_out_is_found_without_words(name: str, expected: set[str]) -> None:
    """A provider's own notices are there without any list of words; a STOP read here is not."""
    assert expected == wishes(PROVIDERS[name], seen(PROVIDERS[name]))
