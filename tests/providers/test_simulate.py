"""Simulated callbacks: as each provider would post them, and with the simulator's bad habits."""

import random
from typing import get_args

import msgspec
import pytest

from ringback.domain.http import Callback, HttpRequest
from ringback.domain.messages import Status
from ringback.providers.base import (
    CannotSimulateError,
    Inbound,
    OutboundMessage,
    Provider,
    Report,
)
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.providers.simulator import Scheduled, SimulatorConfig, plan

from .cases import READERS, config_of, raw_config

SIMULATOR = PROVIDERS["simulator"]
URL = "https://hooks.example/in/example?a=b"
MESSAGE = OutboundMessage(
    "+15550100123", "+15550100900", "sms", "Hello", "id-1", "order-48213", NOW_MS + 646
)


def posted(request: HttpRequest) -> Callback:
    """Turn a request that somebody is to send into the callback that arrives."""
    return Callback(request.method, request.url, request.headers, request.body)


def arrived(provider: Provider, request: HttpRequest) -> Report | Inbound:
    """Verify and parse a simulated callback of one item."""
    config = config_of(provider)
    callback = posted(request)
    assert provider.verify(callback, config, NOW_MS).verdict == "ok"
    parsed = provider.parse(callback, config)
    assert parsed.unparsed == ()
    (item,) = parsed.items
    assert isinstance(item, Report | Inbound)
    return item


# What callbacks of a provider never say.
UNTOLD = {
    "link_cool": frozenset({"sender", "milliseconds", "inbound time", "inbound id"}),
    "linkmobility": frozenset({"sender"}),
    "pswin": frozenset({"sender", "reference", "time", "inbound id"}),
    "smsportal": frozenset({"sender", "milliseconds"}),
    "twilio": frozenset({"time"}),
    "whatsapp": frozenset({"milliseconds"}),
}
PAIRS = [(one, status) for one in READERS for status in one.simulated]


@pytest.mark.parametrize(
    ("provider", "status"), PAIRS, ids=lambda one: one if isinstance(one, str) else one.name
)
def test_a_simulated_callback_arrives_as_what_it_is(provider: Provider, status: Status) -> None:
    """It verifies, and reads as the status, ids, addresses, reference and time that it was for."""
    request = provider.simulate(MESSAGE, status, config_of(provider), URL)
    # A proof or a reference may stand in the query, after what is there.
    assert request.method in ("POST", "GET")
    assert request.url.startswith(URL)
    item = arrived(provider, request)
    untold = UNTOLD.get(provider.name, frozenset())
    at = MESSAGE.at_ms - (646 if "milliseconds" in untold else 0)
    timeless = "time" in untold or (status == "received" and "inbound time" in untold)
    assert item.occurred_at == (None if timeless else at)
    assert item.to == MESSAGE.to
    assert item.message_id == "id-1" or (status == "received" and "inbound id" in untold)
    if isinstance(item, Report):
        assert item.from_ == (None if "sender" in untold else MESSAGE.from_)
        assert status == item.status
        assert item.reference == (None if "reference" in untold else "order-48213")
        assert (status in ("failed", "expired", "unconfirmed") or item.error is None) is True
        assert status != "failed" or item.error is not None
    else:
        assert (status, MESSAGE.from_) == ("received", item.from_)
        assert (item.content["kind"], item.content["text"]) == ("text", "Hello")


@pytest.mark.parametrize("provider", READERS, ids=lambda one: one.name)
def test_what_a_provider_never_reports_cannot_be_simulated(provider: Provider) -> None:
    """There is no callback for a status without a word: a typed error says so."""
    for status in set(get_args(Status)) - set(provider.simulated):
        with pytest.raises(CannotSimulateError, match=status):
            provider.simulate(MESSAGE, status, config_of(provider), URL)


@pytest.mark.parametrize("provider", READERS, ids=lambda one: one.name)
def test_messages_without_an_id_get_one_from_their_content(provider: Provider) -> None:
    """The same message gets the same made-up id, another message another."""
    one = msgspec.structs.replace(MESSAGE, message_id="")
    other = msgspec.structs.replace(one, to="+15550100124")
    config = config_of(provider)
    found = [
        arrived(provider, provider.simulate(message, "delivered", config, URL)).message_id
        for message in (one, one, other)
    ]
    assert found[0]
    assert found[0] == found[1] != found[2]


def habits(**changes: object) -> SimulatorConfig:
    """Make a simulator's config with some habits."""
    return load_config(SimulatorConfig, {**raw_config(SIMULATOR), "delay_ms": 100, **changes})


def statuses(scheduled: list[Scheduled]) -> list[Status]:
    """Return what is posted, in order."""
    return [one.status for one in scheduled]


@pytest.mark.parametrize(
    ("outcome", "life"),
    [
        ("submitted", []),
        ("sent", ["sent"]),
        ("delivered", ["sent", "delivered"]),
        ("read", ["sent", "delivered", "read"]),
        ("failed", ["sent", "failed"]),
        ("expired", ["sent", "expired"]),
        ("cancelled", ["cancelled"]),
        ("unconfirmed", ["sent", "unconfirmed"]),
    ],
)
def test_a_well_behaved_life(outcome: str, life: list[Status]) -> None:
    """Without bad habits every status is posted once, in order, one delay after the other."""
    scheduled = plan(MESSAGE, habits(outcome=outcome), URL)
    assert life == statuses(scheduled)
    assert [100 * (place + 1) for place in range(len(life))] == [s.after_ms for s in scheduled]
    for one in scheduled:
        verification = SIMULATOR.verify(posted(one.request), habits(), MESSAGE.at_ms + one.after_ms)
        assert verification.verdict == "ok"
        item = arrived(SIMULATOR, one.request)
        assert (MESSAGE.at_ms + one.after_ms, "id-1") == (item.occurred_at, item.message_id)


def test_loss_duplication_and_reordering_on_demand() -> None:
    """A probability of one means always: nothing, everything twice, and out of order."""
    assert plan(MESSAGE, habits(loss=1, outcome="read"), URL) == []
    twice = plan(MESSAGE, habits(duplicate=1, outcome="read"), URL)
    assert sorted(["sent", "delivered", "read"] * 2) == sorted(statuses(twice))
    assert len({one.request.body for one in twice}) == 3
    assert statuses(plan(MESSAGE, habits(reorder=1, outcome="delivered"), URL)) == [
        "delivered",
        "sent",
    ]


def test_a_reordered_status_keeps_the_time_at_which_it_happened() -> None:
    """Only the posting changes places: the provider's times stay true."""
    scheduled = plan(MESSAGE, habits(reorder=1, outcome="delivered"), URL)
    happened = [arrived(SIMULATOR, one.request).occurred_at for one in scheduled]
    assert happened == [MESSAGE.at_ms + 200, MESSAGE.at_ms + 100]


def test_a_failure_carries_the_code_that_was_asked_for() -> None:
    """The config chooses the way to fail."""
    scheduled = plan(MESSAGE, habits(outcome="failed", code="opted_out"), URL)
    item = arrived(SIMULATOR, scheduled[-1].request)
    assert isinstance(item, Report)
    assert item.error is not None
    assert (item.error.class_, item.error.provider_code) == ("consent", "opted_out")


def test_the_same_seed_gives_the_same_habits() -> None:
    """A run can be repeated; another seed or another message goes another way."""
    chaos = {"duplicate": 0.5, "reorder": 0.5, "loss": 0.3, "outcome": "read"}
    runs = {tuple(statuses(plan(MESSAGE, habits(**chaos, seed=seed), URL))) for seed in range(40)}
    assert len(runs) > 5
    assert plan(MESSAGE, habits(**chaos, seed=1), URL) == plan(
        MESSAGE, habits(**chaos, seed=1), URL
    )
    chosen = [plan(MESSAGE, habits(**chaos), URL, random.Random(4)) for _ in range(2)]
    assert chosen[0] == chosen[1]


def test_the_probabilities_are_what_they_say() -> None:
    """Over 2,000 messages a loss of 0.3 loses about 30 % of the callbacks, duplicates likewise."""
    dice = random.Random(1)
    lost = [plan(MESSAGE, habits(loss=0.3), URL, dice) for _ in range(2_000)]
    doubled = [plan(MESSAGE, habits(duplicate=0.2), URL, dice) for _ in range(2_000)]
    assert 2_600 <= sum(map(len, lost)) <= 3_000
    assert 4_600 <= sum(map(len, doubled)) <= 5_000


def test_no_plan_is_longer_or_later_than_stated() -> None:
    """At most two callbacks for each status, within (statuses + 1) delays, in order of time."""
    for seed in range(200):
        scheduled = plan(
            MESSAGE, habits(duplicate=0.9, reorder=0.5, outcome="read", seed=seed), URL
        )
        times = [one.after_ms for one in scheduled]
        assert len(scheduled) <= 6
        assert sorted(times) == times
        assert all(100 <= time <= 400 for time in times)
