"""The library of samples: every recording of every provider, played to a connection over HTTP."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ringback.domain.ids import read
from ringback.providers.base import Unrecognised
from ringback.providers.registry import PROVIDERS
from ringback.services.play import Played
from tests.postgres_server import PostgresServer
from tests.providers.cases import GENUINE, PAYLOADS, Case, raw_config
from tests.server import KEY, LIVE_KEY, Served, serving

Json = dict[str, Any]
PLAYED = [case for case in GENUINE if not case.provider.keyed]
AT_ONCE, PART = 8, 40


@pytest.fixture(scope="module")
def served(postgres18: PostgresServer) -> Iterator[Served]:
    """One worker for all tests here."""
    name = postgres18.create_migrated()
    with serving(postgres18.dsn(name)) as served:
        yield served
    postgres18.drop(name)


def connected(served: Served, provider: str, config: Json | None = None, key: str = KEY) -> str:
    """Make a connection, with the config of its provider's recordings; return its id."""
    config = raw_config(PROVIDERS[provider]) if config is None else config
    body = {"provider": provider, "name": "Samples", "config": config}
    made: str = served.api("POST", "/v1/connections", body, key)["id"]
    return made


def own_config(case: Case) -> Json:
    """Return the config of a recording as the API takes it."""
    own = PAYLOADS / case.provider.name / f"{case.name}.config.json"
    return json.loads(own.read_bytes()) if own.exists() else raw_config(case.provider)


def asked(served: Served, connection: str, body: Json, key: str = KEY) -> httpx.Response:
    """Ask for a simulation, whatever the answer is."""
    headers = {"authorization": f"Bearer {key}"}
    path = f"/v1/connections/{connection}/simulate"
    return served.client.request("POST", path, json=body, headers=headers)


def expected(case: Case) -> tuple[int, str]:
    """Say how a recording is answered, and what becomes of it, by its golden."""
    golden: Any = case.golden
    parsed = case.provider.parse(case.callback, case.config)
    outcome = "accepted"
    if any(one.unmatched for one in parsed.unparsed):
        outcome = "unmatched"
    if any(isinstance(item, Unrecognised) for item in parsed.items):
        outcome = "unrecognised"
    if any(not one.unmatched for one in parsed.unparsed):
        outcome = "unparsed"
    return golden["reply"]["status"], outcome


async def _play_all(served: Served, cases: list[Case], places: dict[str, str]) -> list[Played]:
    """Play recordings to the connection with their config, some at a time."""
    engine = served.application.engine
    found = {one.id: one for one in engine.configuration.snapshot.connections.values()}
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Played:
        place = read("con", places[json.dumps([case.provider.name, own_config(case)])])
        assert place is not None
        async with gate:
            (played,) = await engine.player.play(found[place], case.name, again=False)
        return played

    return await asyncio.gather(*map(one, cases))


def test_every_recording_is_taken_as_its_golden_says(served: Served) -> None:
    """Proved with the connection's secret, answered and read alike; what it says is news.

    `accepted` is a callback in which something is, or nothing is said at all.
    """
    configs = {json.dumps([one.provider.name, own_config(one)]): one for one in PLAYED}
    places = {
        which: connected(served, case.provider.name, own_config(case))
        for which, case in configs.items()
    }
    parts = [PLAYED[n : n + PART] for n in range(0, len(PLAYED), PART)]
    played = [one for part in parts for one in served.run(_play_all(served, part, places))]
    assert [(str(case), *expected(case)) for case in PLAYED] == [
        (str(case), one.status, one.outcome) for case, one in zip(PLAYED, played, strict=True)
    ]
    assert all(one.callback is not None for one in played)


@pytest.mark.parametrize("provider", ["twilio", "link_cool"])
def test_each_play_is_news_and_the_very_same_a_duplicate(served: Served, provider: str) -> None:
    """Posted by POST or by GET: the callbacks are named, and lead to a message each time."""
    place = connected(served, provider)
    body = {"sample": "status-expired", "again": True}
    first, second = (asked(served, place, body).json() for _ in range(2))
    for done in (first, second):
        assert ["accepted", "duplicate"] == [one["outcome"] for one in done["callbacks"]]
        assert [200, 200] == [one["status"] for one in done["callbacks"]]
        kept = served.api("GET", f"/v1/callbacks/{done['callbacks'][0]['callback']}")
        assert done["message"] == kept["message"]
        assert "expired" == served.api("GET", f"/v1/messages/{done['message']}")["status"]
    assert first["message"] != second["message"]


def test_samples_are_listed_by_what_they_are_about(served: Served) -> None:
    """With what they say, the events that follow, and the raw request; none with a bad proof."""
    rows = served.api("GET", f"/v1/connections/{connected(served, 'twilio')}/samples")["data"]
    found = {one["name"]: one for one in rows}
    one = found["status-delivered"]
    assert ("Status delivered", "statuses", "a message is delivered", ["message.delivered"]) == (
        one["title"], one["about"], one["says"], one["events"],
    )  # fmt: skip
    assert "MessageStatus=delivered" in one["body"]["text"]
    assert "reference=order-48213" == one["query"]
    assert {"statuses", "people", "consent", "links", "others", "unread"} == {
        one["about"] for one in rows
    }
    assert "links" == found["click-callback"]["about"]
    assert not [name for name in found if name.startswith(("refused", "challenge", "handshake"))]


def test_there_are_none_where_callers_have_keys(served: Served) -> None:
    """An empty list, and no sample by any name."""
    place = connected(served, "native")
    assert [] == served.api("GET", f"/v1/connections/{place}/samples")["data"]
    (fault,) = asked(served, place, {"sample": "message"}).json()["errors"]
    assert "/sample" == fault["pointer"]


def test_what_cannot_be_played_is_said(served: Served) -> None:
    """An unknown name with those near it, what belongs to a message's life, a proof that lacks."""
    place = connected(served, "twilio")
    refused = asked(served, place, {"sample": "status-deliverd"})
    assert 422 == refused.status_code
    (fault,) = refused.json()["errors"]
    assert "/sample" == fault["pointer"]
    assert "status-delivered" in fault["detail"]
    refused = asked(served, place, {"sample": "status-sent", "statuses": ["sent"], "from": "+1555"})
    assert ["/from", "/statuses"] == [one["pointer"] for one in refused.json()["errors"]]
    both = asked(served, place, {"to": "+15550123", "from": "+15550100", "again": True})
    assert ["/again"] == [one["pointer"] for one in both.json()["errors"]]
    # All that this one says stands in the query, which the default signature does not cover.
    refused = asked(served, connected(served, "generic"), {"sample": "query"})
    assert "would not take it" in refused.json()["errors"][0]["detail"]


def test_samples_are_played_in_test_mode_alone(served: Served) -> None:
    """They can be looked at in live mode."""
    place = connected(served, "bandwidth", key=LIVE_KEY)
    assert served.api("GET", f"/v1/connections/{place}/samples", key=LIVE_KEY)["data"]
    assert 403 == asked(served, place, {"sample": "status-delivered"}, LIVE_KEY).status_code


def test_what_a_pause_turns_away_leads_to_no_callback(served: Served) -> None:
    """The answer is told; nothing is kept."""
    place = connected(served, "whatsapp")
    served.api("POST", f"/v1/connections/{place}/pause", {"part": "intake"})
    done = asked(served, place, {"sample": "status-delivered"}).json()
    (played,) = done["callbacks"]
    assert (503, None, None) == (played["status"], played["callback"], played["outcome"])
