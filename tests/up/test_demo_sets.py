"""`ringback up --demo=…` as a process: what each data set shows after its ten minutes are in."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from ringback.domain.event_types import CATALOGUE
from tests.panel.demo_data import FILLED, PATIENCE_S, played, rows

from .conftest import Make
from .installation import Installation, until

ENDED = {"delivered", "read", "failed", "expired", "cancelled", "unconfirmed"}


@pytest.fixture(scope="module", params=["shop", "vendor", "clinic"])
def filled(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """A data set after its first ten minutes."""
    with played(str(request.param)) as installation:
        yield installation


def test_messages_of_every_status_are_there(filled: Installation) -> None:
    """And of several providers, channels and origins, with reasons in one vocabulary."""
    found = rows(filled, "/v1/messages")
    assert ENDED | {"submitted", "sent", "received"} <= {one["status"] for one in found}
    assert len({one["provider"] for one in found}) >= 3
    assert len({one["channel"] for one in found}) >= 2
    assert {"observed", "inbound", "simulated"} <= {one["origin"] for one in found}
    assert len({one["error"]["code"] for one in found if one["error"]}) >= 5
    assert [one for one in found if one["campaign"] and one["tags"]]


def test_the_times_are_those_of_the_last_ten_minutes(filled: Installation) -> None:
    """What providers say of when it happened is spread over them."""
    sent = sorted(
        one["timestamps"]["sent"]
        for one in rows(filled, "/v1/messages")
        if "sent" in one["timestamps"]
    )
    minutes = {moment[:16] for moment in sent}
    assert 10 <= len(minutes) <= 12


def test_callbacks_of_every_kind_are_there(filled: Installation) -> None:
    """Accepted and repeated, refused, not to be read, of a kind without a type."""
    outcomes = Counter(one["outcome"] for one in rows(filled, "/v1/callbacks"))
    assert {"accepted", "duplicate", "rejected", "unparsed", "unrecognised"} <= set(outcomes)
    assert outcomes["accepted"] > 500


def test_deliveries_went_every_way(filled: Installation) -> None:
    """Slow, busy, failing, down, gone: each is seen, and what is owed is still there."""
    told = {one["status"] for one in rows(filled, "/v1/attempts", 20_000)}
    assert {200, 410, 500, 502, 503} <= told
    endpoints = rows(filled, "/v1/endpoints")
    (gone,) = [one for one in endpoints if not one["enabled"]]
    assert "410" in gone["disabled_for"]
    exhausted = {one["endpoint"] for one in rows(filled, "/v1/deliveries?status=exhausted")}
    assert len(exhausted) >= 2
    down = [one for one in endpoints if "outage" in one["description"]]
    assert down
    for one in down:
        waiting = filled.api("GET", f"/v1/deliveries?endpoint={one['id']}&limit=1")["data"]
        assert waiting[0]["status"] in ("pending", "scheduled")


def test_nothing_is_lost(filled: Installation) -> None:
    """Every event went, or is still owed, to every endpoint that wants it."""
    everything = next(
        one["id"] for one in rows(filled, "/v1/endpoints") if one["url"].endswith("/inspect/demo")
    )
    events = rows(filled, "/v1/events", 20_000)
    owed = until(lambda: _delivered(filled, everything, len(events)), PATIENCE_S)
    assert {one["id"] for one in events if not one.get("test")} <= owed


def _delivered(filled: Installation, endpoint: str, most: int) -> set[Any]:
    found = rows(filled, f"/v1/deliveries?endpoint={endpoint}", most + 100)
    ended = all(one["status"] == "delivered" for one in found)
    return {one["event"] for one in found} if ended else set()


def test_types_keys_and_tests_are_there(filled: Installation) -> None:
    """Own types with schemas were published, keys have few scopes, endpoints were tested."""
    types = {one["name"] for one in filled.api("GET", "/v1/event-types")["data"]} - set(CATALOGUE)
    assert types <= {one["type"] for one in rows(filled, "/v1/events", 20_000)}
    assert types
    assert [one for one in rows(filled, "/v1/api-keys") if one["scopes"] and len(one["scopes"]) < 4]
    actions = {one["action"] for one in rows(filled, "/v1/audit-log")}
    assert {"endpoint.tested", "endpoint.disabled"} <= actions


def test_a_restart_goes_on_and_doubles_nothing(make_installation: Make) -> None:
    """What is configured stays as it is; the story goes on from where it stood."""
    own = make_installation(RINGBACK_DEMO_PACE="1")
    own.start("--demo")
    until(lambda: FILLED in own.said, PATIENCE_S)
    before = _configured(own)
    newest = rows(own, "/v1/messages", 100)[0]["created_at"]
    until(lambda: rows(own, "/v1/messages", 100)[0]["created_at"] > newest, say="it stands still")
    began = time.monotonic()
    assert 0 == own.stop()
    assert time.monotonic() - began < 10
    own.start("--demo=shop")
    until(lambda: FILLED in own.said, PATIENCE_S)
    assert before == _configured(own)
    # The player is no part of what serves.
    (player,) = [one for one in own.processes() if "ringback.services.demo" in one.cmdline()]
    player.send_signal(signal.SIGKILL)
    until(lambda: not player.is_running() or player.status() == psutil.STATUS_ZOMBIE)
    assert 200 == own.report("still-here")
    assert 0 == own.stop()


def _configured(own: Installation) -> list[Any]:
    lists = ("/v1/endpoints", "/v1/connections", "/v1/api-keys")
    ids = [sorted(one["id"] for one in rows(own, path)) for path in lists]
    return [*ids, [one["name"] for one in own.api("GET", "/v1/event-types")["data"]]]
