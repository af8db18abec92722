"""The demo's stories: the same for the same seed, of numbers that belong to nobody, readable."""

import itertools
import re
from collections import Counter

import msgspec
import pytest

from ringback.domain.http import Callback
from ringback.providers import registry
from ringback.providers.base import Inbound, Provider, Report
from ringback.services.demo import wire
from ringback.services.demo.install import config_of
from ringback.services.demo.plan import PEOPLE, DemoSet
from ringback.services.demo.sets import SETS
from ringback.services.demo.story import Step, Story

NOW = 1_790_000_000_000
BASE = "http://127.0.0.1:8420"
MINUTES_10 = 600_000
# Set aside for fiction by who gives numbers out, and never given to anybody.
NOBODYS = re.compile(
    r"\+1[2-9][0-9]{2}55501[0-9]{2}|\+447700900[0-9]{3}|\+4917139200[0-9]{2}"
    r"|\+3363998[0-9]{4}|\+61491570(006|110|15[6-9])"
)
LIVELY = [name for name, one in SETS.items() if one.courses]


def lines_of(plan: DemoSet) -> dict[str, wire.Line]:
    """Return the connections of a set with secrets as a start thinks of them."""
    return {
        one.token: wire.Line(
            "con_1", one.token, one.provider, one.sender, one.tenant, config_of(one), "rk_test_1"
        )
        for one in plan.connections
    }


def steps_of(name: str, seed: int = 3) -> list[Step]:
    """Return what is told in the first ten minutes."""
    plan = SETS[name]
    providers = {one.token: one.provider for one in plan.connections}
    story = Story(plan, providers, seed, NOW, 1.0)
    return list(itertools.takewhile(lambda step: step.at_ms < NOW + MINUTES_10, story))


@pytest.mark.parametrize("name", LIVELY)
def test_the_same_seed_tells_the_same_story(name: str) -> None:
    """In the order of its times; another seed tells another one."""
    first = steps_of(name)
    assert first == steps_of(name)
    assert first != steps_of(name, seed=4)
    assert first == sorted(first)
    assert 1000 < len(first) < 5000


def test_people_have_numbers_of_fiction() -> None:
    """Nobody real is written to, whatever is done with the data; and everybody has their own."""
    assert [] == [person for person in PEOPLE if not NOBODYS.fullmatch(person.number)]
    assert len(PEOPLE) == len({person.number for person in PEOPLE})
    senders = [one.sender for plan in SETS.values() for one in plan.connections]
    assert [] == [one for one in senders if one[:1] == "+" and not NOBODYS.fullmatch(one)]


@pytest.mark.parametrize("name", LIVELY)
def test_callbacks_are_as_the_provider_makes_them(name: str) -> None:
    """Every one is verified and read by its adapter as the fact that it tells."""
    lines = lines_of(SETS[name])
    for step in steps_of(name):
        if step.fact is None or step.trouble:
            continue
        line = lines[step.connection]
        request = wire.callback(line, step.fact, BASE, NOW)
        adapter, config = _adapter(line)
        callback = Callback(request.method, request.url, request.headers, request.body)
        assert "ok" == adapter.verify(callback, config, NOW).verdict
        parsed = adapter.parse(callback, config)
        assert () == parsed.unparsed
        item, *wishes = parsed.items
        assert ["opted_out"] * len(wishes) == [getattr(one, "word", None) for one in wishes]
        assert not wishes or step.fact.text == "STOP"
        if isinstance(item, Inbound):
            assert (step.fact.status, step.fact.person) == ("received", item.from_)
            assert step.fact.text == item.content["text"]
        else:
            assert isinstance(item, Report)
            assert step.fact.status == item.status
            assert step.fact.person == item.to
            assert (step.fact.error is None) == (item.error is None)
        # Meta's times are in whole seconds.
        assert item.occurred_at is not None
        assert 0 <= step.fact.at_ms - item.occurred_at < 1000


@pytest.mark.parametrize("name", LIVELY)
def test_troubles_are_what_they_are_called(name: str) -> None:
    """What is badly signed is refused, what is cut cannot be read, what is strange has no type."""
    lines = lines_of(SETS[name])
    seen: Counter[str] = Counter()
    for step in steps_of(name):
        if step.fact is None or step.trouble is None:
            continue
        line = lines[step.connection]
        request = wire.troubled(line, step.trouble, step.fact, BASE, NOW)
        adapter, config = _adapter(line)
        callback = Callback(request.method, request.url, request.headers, request.body)
        verdict = adapter.verify(callback, config, NOW).verdict
        assert ("failed" if step.trouble in ("forged", "stale") else "ok") == verdict
        seen[step.trouble] += 1
        if verdict == "failed":
            continue
        parsed = adapter.parse(callback, config)
        assert (step.trouble in ("garbled", "nameless")) == bool(parsed.unparsed)
        assert (step.trouble == "unknown_kind") == bool(parsed.items)
    assert {"forged", "garbled", "unknown_kind"} <= set(seen)


@pytest.mark.parametrize("name", LIVELY)
def test_everything_happens_within_ten_minutes(name: str) -> None:
    """Every way for a message to end, reports that cross, come late or twice, and answers."""
    steps = steps_of(name)
    facts = [step.fact for step in steps if step.fact and not step.trouble]
    assert {
        "submitted", "sent", "delivered", "read", "failed", "expired", "cancelled", "unconfirmed",
        "received",
    } <= {fact.status for fact in facts}  # fmt: skip
    assert len({fact.error.code for fact in facts if fact.error}) >= 5
    assert [fact for fact in facts if fact.reply_to]
    assert max(Counter((fact.id, fact.status) for fact in facts).values()) == 2
    newest: dict[str, int] = {}
    late = 0
    for fact in facts:
        late += fact.at_ms < newest.get(fact.id, 0)
        newest[fact.id] = max(fact.at_ms, newest.get(fact.id, 0))
    assert late > 10


def _adapter(line: wire.Line) -> tuple[Provider, object]:
    adapter = registry.get(line.provider)
    return adapter, msgspec.convert(line.config, adapter.Config)
