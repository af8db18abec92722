"""The contract of an adapter, over every provider and every recorded callback."""

import ast
import re
from typing import get_args

import pytest

from ringback.providers.base import Item, Notice, NoticeType, Provider, Report
from ringback.providers.config import json_schema
from ringback.providers.error_table import ErrorTable
from ringback.providers.recorded import NOW_MS, describe, read_request, write_request
from ringback.providers.registry import PROVIDERS
from tests.source import sources

from .cases import CASES, GENUINE, PAYLOADS, READERS, Case, secrets_in

by_case = pytest.mark.parametrize("case", CASES, ids=str)
by_provider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda one: one.name)
by_reader = pytest.mark.parametrize("provider", READERS, ids=lambda one: one.name)


@by_case
def test_every_recording_reads_as_its_golden(case: Case) -> None:
    """Verdict, reply and items of a recorded callback are those that were reviewed."""
    assert case.golden == describe(case.provider, case.callback, case.config)


@by_case
def test_the_name_of_a_recording_tells_its_verdict(case: Case) -> None:
    """A file is called `refused…`, `challenge…` or `handshake…` exactly if it is that."""
    verdict = case.provider.verify(case.callback, case.config, NOW_MS).verdict
    word = case.name.partition("-")[0]
    expected = {"refused": "failed", "challenge": "challenge", "handshake": "handshake"}
    assert expected.get(word, "ok") == verdict


@by_case
def test_a_recording_is_exact_bytes(case: Case) -> None:
    """Writing what was read gives the file again: nothing hides in its bytes."""
    raw = (PAYLOADS / case.provider.name / f"{case.name}.http").read_bytes()
    target = raw.split(b" ", 2)[1].decode()
    callback = read_request(raw)
    assert raw == write_request(callback.method, target, callback.headers, callback.body)


@by_case
def test_a_replay_gives_the_same_items_and_keys(case: Case) -> None:
    """Reading is a function of the bytes: a repeated callback is known by its keys."""
    first = case.provider.parse(case.callback, case.config)
    again = case.provider.parse(case.callback, case.config)
    assert repr([item.key for item in first.items]) == repr([item.key for item in again.items])
    assert first.unparsed == again.unparsed


@pytest.mark.parametrize("case", GENUINE, ids=str)
def test_keys_are_distinct_within_a_callback(case: Case) -> None:
    """Two statements in one callback never share key and time: none is lost as a repeat."""
    items = case.provider.parse(case.callback, case.config).items
    keys = [(item.key, item.occurred_at) for item in items]
    assert sorted(set(keys), key=str) == sorted(keys, key=str)


@by_case
def test_a_failed_item_says_why_and_others_do_not(case: Case) -> None:
    """`failed` carries a canonical error; what has not failed carries none."""
    for item in case.provider.parse(case.callback, case.config).items:
        if isinstance(item, Report):
            assert (item.error is not None) or item.status != "failed"
            assert item.error is None or item.status in ("failed", "expired", "unconfirmed")


@by_provider
def test_every_status_row_occurs_in_a_recording(provider: Provider) -> None:
    """No row of STATUS is untried: its word is some report's `provider_status`."""
    seen = {
        item.provider_status
        for case in GENUINE
        if case.provider is provider
        for item in provider.parse(case.callback, case.config).items
        if isinstance(item, Report)
    }
    assert set(provider.STATUS) <= seen


@by_provider
def test_every_error_row_occurs_in_a_recording(provider: Provider) -> None:
    """No row of ERRORS is untried, and each reads as the table says."""
    table = ErrorTable(provider.ERRORS)
    seen = set()
    for case in GENUINE:
        if case.provider is not provider:
            continue
        for item in provider.parse(case.callback, case.config).items:
            if isinstance(item, Report) and item.error and item.error.provider_code:
                row = table.row(item.error.provider_code)
                if row is not None:
                    seen.add(row)
                    rule = provider.ERRORS[row]
                    assert (rule.class_, rule.code) == (item.error.class_, item.error.code)
                    assert rule.status == item.status
    assert set(provider.ERRORS) == seen


def _sources(provider: Provider) -> list[ast.Module]:
    """Return the modules of an adapter."""
    return [
        file.tree
        for file in sources(".py")
        if file.ours and re.fullmatch(rf"ringback\.providers\.{provider.name}(_\w+)?", file.module)
    ]


@by_reader
def test_every_kind_of_item_occurs_in_a_recording(provider: Provider) -> None:
    """What an adapter makes, it is seen to make: each kind, each notice; and what is left over."""
    seen, unmatched = set[str](), set[bool]()
    for case in GENUINE:
        if case.provider is provider:
            parsed = provider.parse(case.callback, case.config)
            seen |= {type(item).__name__ for item in parsed.items}
            seen |= {item.type for item in parsed.items if isinstance(item, Notice)}
            unmatched |= {one.unmatched for one in parsed.unparsed}
    nodes = [node for tree in _sources(provider) for node in ast.walk(tree)]
    made = {
        node.func.id
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    named = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    kinds = {kind.__name__ for kind in get_args(Item)}
    assert made & kinds <= seen
    assert named & set(get_args(NoticeType)) <= seen
    assert {"Report", "Unrecognised"} <= seen
    assert "Inbound" in seen or "received" not in provider.simulated
    assert unmatched == {False, True}


@pytest.mark.parametrize(
    "provider", [one for one in READERS if one.documentation], ids=lambda one: one.name
)
def test_a_provider_says_what_people_need_to_know(provider: Provider) -> None:
    """What to enter there, and what is odd about it; each of its settings is explained."""
    assert provider.setup.strip()
    assert provider.notes.strip()
    assert provider.documentation.startswith("https://")
    properties = json_schema(provider.Config)["properties"]
    assert isinstance(properties, dict)
    for name, said in properties.items():
        assert any(one.get("description") for one in [said, *said.get("anyOf", [])]), name


@by_case
def test_a_recording_has_a_plain_name(case: Case) -> None:
    """Words in lower case, parted by hyphens."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", case.name)


# Whose callbacks never tell of more than one thing.
ALONE = ("link_cool",)


@pytest.mark.parametrize(
    "provider", [one for one in READERS if one.name not in ALONE], ids=lambda one: one.name
)
def test_one_bad_item_costs_only_itself(provider: Provider) -> None:
    """In a batch with malformed pieces every other item is read, and the pieces are placed."""
    (case,) = [
        case for case in GENUINE if case.provider is provider and case.name == "batch-one-malformed"
    ]
    parsed = provider.parse(case.callback, case.config)
    assert len(parsed.items) >= 2
    assert len(parsed.unparsed) >= 2
    assert all(re.fullmatch(r"(/[A-Za-z0-9]+)+", one.pointer) for one in parsed.unparsed)


@by_provider
def test_a_provider_declares_itself(provider: Provider) -> None:
    """Name, label and folder are there, and the registry knows it by its name."""
    assert PROVIDERS[provider.name] is provider
    assert re.fullmatch(r"[a-z][a-z0-9_]{1,30}", provider.name)
    assert provider.label
    assert (PAYLOADS / provider.name / "config.json").is_file()


@by_reader
def test_a_reader_declares_what_it_reads(provider: Provider) -> None:
    """It names its channels, and simulates nothing that it could not read."""
    assert provider.channels
    assert set(provider.simulated) - {"received"} <= {
        *provider.STATUS.values(),
        *(rule.status for rule in provider.ERRORS.values()),
    }


@by_provider
def test_there_is_a_golden_for_each_recording_and_no_other_file(provider: Provider) -> None:
    """A folder holds pairs of request and golden, and configs; nothing is left over."""
    names = {path.name for path in (PAYLOADS / provider.name).iterdir()}
    requests = {name.removesuffix(".http") for name in names if name.endswith(".http")}
    expected = {f"{stem}{end}" for stem in requests for end in (".http", ".json")}
    allowed = {f"{stem}.config.json" for stem in requests}
    assert expected | {"config.json"} == names - allowed


@by_case
def test_no_recording_holds_more_than_made_up_secrets(case: Case) -> None:
    """Recordings ship with the package: their secrets say that they are not real."""
    assert all(secret.startswith("not-a-real-") for secret in secrets_in(case.config))
