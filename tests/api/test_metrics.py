"""`/metrics`: what Prometheus reads, and what stands about it in the documentation."""

import itertools
import json
import re
import socket
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from ringback import __version__
from ringback.api.metrics import FAMILIES, written
from ringback.domain.ids import show
from ringback.domain.messages import ErrorClass, Failure
from ringback.providers.base import OutboundMessage, SendResult
from ringback.providers.registry import PROVIDERS
from ringback.services import figures
from ringback.services.figures import Figures
from ringback.serving import Application
from ringback.transport.incoming import URL_MAX
from tests.api.house import House
from tests.markdown import pages, plain
from tests.source import ROOT

PAGE = pages()["docs/metrics.md"]
ALERTS = ROOT / "docs" / "alerts.yml"
DASHBOARD = ROOT / "docs" / "dashboards" / "ringback.json"
LABELS = {family.name: family.labels for family in FAMILIES}


def _families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def _values(text: str) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels, in order of their names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def _scrape(house: House) -> str:
    response = await house.call("GET", "/metrics", key=None)
    assert 200 == response.status_code
    assert "text/plain; version=0.0.4; charset=utf-8" == response.headers["content-type"]
    return response.text


async def test_it_tells_what_happened_without_a_key(house: House) -> None:
    """A callback, its commit, its attempt and its delivery; as a library of others reads it."""
    await house.hear("m1", "sent")
    await house.delivered(1)
    values = _values(await _scrape(house))
    (number,) = house.engine.configuration.snapshot.endpoints
    endpoint = show("end", house.engine.configuration.snapshot.endpoints[number].id)
    connection = show("con", house.stage.connection().id)
    last = ("ringback_connection_last_callback_timestamp_seconds", connection, "test", "whatsapp")
    assert abs(values[last] - house.engine.clock.now_ms() / 1000) < 60
    expected = {
        ("ringback_callbacks_total", "accepted", "whatsapp"): 1.0,
        ("ringback_attempts_total", "2xx"): 1.0,
        ("ringback_endpoint_attempts_total", endpoint, "delivered"): 1.0,
        ("ringback_endpoint_attempts_total", "other", "delivered"): 0.0,
        ("ringback_deliveries_ended_total", "delivered"): 1.0,
        ("ringback_commit_items_bucket", "+Inf"): 1.0,
        ("ringback_commit_items_count",): 1.0,
        ("ringback_commit_items_sum",): 1.0,
        ("ringback_answer_seconds_count", "callback"): 1.0,
        ("ringback_delivery_seconds_count",): 1.0,
        ("ringback_deliveries_unblocked_total",): 0.0,
        ("ringback_deliveries_stuck",): 0.0,
        ("ringback_connection_silent", connection, "test", "whatsapp"): 0.0,
        ("ringback_workers",): 1.0,
        ("ringback_database_up",): 1.0,
        ("ringback_build_info", __version__): 1.0,
    }
    assert expected == {name: values.get(name) for name in expected}
    assert 0 < values[("ringback_delivery_seconds_sum",)] < 10
    assert 0 <= values[("ringback_event_loop_lag_seconds",)] < 10


async def test_codes_in_no_table_are_counted_once(house: House) -> None:
    """By provider, when a callback first tells them; known codes and repetitions are not."""
    at = house.engine.clock.now_ms()
    for number, code in enumerate(("4999", "4999", "131026", "4998")):
        await house.stage.fail(f"m{number}", code, at_ms=at)
    await house.stage.fail("m0", "4999", at_ms=at)
    values = _values(await _scrape(house))
    assert 3.0 == values[("ringback_unknown_codes_total", "whatsapp")]


async def test_codes_in_no_table_are_counted_of_sends(house: House) -> None:
    """By provider, when a send is refused with one: listed with the rest; known ones are not."""
    sender, connection = house.engine.sender, house.stage.connection("demo-whatsapp")
    message = OutboundMessage("+15550123", "+15550100", "whatsapp", "Hi")
    told: tuple[tuple[ErrorClass, str | None], ...] = (
        ("unknown", "4997"), ("recipient", "131026"), ("unknown", None),
    )  # fmt: skip
    for class_, code in told:
        id_ = await sender.begin(connection, message)
        error = Failure(class_, "refused", provider_code=code, stage="rejected")
        await sender.finish(connection, id_, SendResult("refused", error=error), message)
    values = _values(await _scrape(house))
    assert 1.0 == values[("ringback_unknown_codes_total", "whatsapp")]
    path = f"/v1/connections/{(await house.connection('whatsapp'))['id']}/stats"
    listed = (await house.get(path))["unknown_codes"]["codes"]
    assert [("4997", 1)] == [(one["code"], one["times"]) for one in listed]


async def test_everything_that_is_counted_is_shown(house: House) -> None:
    """No count goes under a name that no metric has."""
    await house.hear("m1", "sent", "sent")
    await house.delivered(1)
    told = await house.engine.watch.figures()
    keys = {family.key for family in FAMILIES}
    assert {name.partition(" ")[0] for name in [*told.totals, *told.now]} <= keys


async def test_no_label_says_anything_about_people(house: House) -> None:
    """Numbers, references, names and URLs of what passes through are nowhere in it."""
    await house.hear("wamid.canary", "sent", reference="order-canary")
    forged = house.stage.callback("read", "wamid.canary")
    await house.stage.receive(msgspec.structs.replace(forged, headers=()))
    await house.delivered(1)
    text = await _scrape(house)
    endpoint = next(iter(house.engine.configuration.snapshot.endpoints.values()))
    for canary in ("canary", "6505551234", endpoint.url, "demo-whatsapp", "ten_"):
        assert canary not in text
    labels = {label for family in _families(text).values() for s in family.samples
              for label in s.labels}  # fmt: skip
    assert labels == {label for family in FAMILIES for label in family.labels} - {"status"} | {"le"}


async def test_what_is_turned_away_is_counted(house: House) -> None:
    """What is too long is refused before anything reads it, and counted at its door."""
    whole = Application(house.engine)
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    whole.server.start(listening)
    async with httpx.AsyncClient(base_url=url) as client:
        too_long = "x" * (URL_MAX + 1)
        for path in (f"/in/{too_long}", f"/in/{too_long}", f"/inspect/{too_long}"):
            assert 414 == (await client.post(path)).status_code
        values = _values((await client.get("/metrics")).text)
    await whole.server.close()
    assert {
        ("ringback_requests_turned_away_total", "callback", "414"): 2.0,
        ("ringback_requests_turned_away_total", "inspect", "414"): 1.0,
    } == {name: value for name, value in values.items() if "turned_away" in name[0]}


async def test_without_the_database_it_says_so(house: House) -> None:
    """Still 200, no total that would seem to have fallen to nothing."""
    await house.engine.database.close()
    text = await _scrape(house)
    values = _values(text)
    assert 0.0 == values[("ringback_database_up",)]
    assert ("ringback_attempts_in_flight",) in values
    assert not [name for name, *_ in values if name.endswith(("_total", "_bucket"))]
    assert ("ringback_workers",) not in values
    await house.engine.database.open()


def test_buckets_add_up_also_across_versions() -> None:
    """Cumulative and in order, whatever bounds an older worker had."""
    totals = {"batch 1": 2, "batch 10": 3, "batch 4": 5, "batch +Inf": 1, "batch sum": 70_000_000}
    text = written(Figures(database=True, totals=totals, now={})).decode()
    family = _families(text)["ringback_commit_items"]
    assert [("1.0", 2.0), ("4.0", 7.0), ("10.0", 10.0), ("+Inf", 11.0)] == [
        (sample.labels["le"], sample.value) for sample in family.samples if "le" in sample.labels
    ]
    assert {"ringback_commit_items_count": 11.0, "ringback_commit_items_sum": 70.0} == {
        sample.name: sample.value for sample in family.samples if "le" not in sample.labels
    }


def test_every_metric_is_documented_as_it_is() -> None:
    """The table has each metric with its kind, its labels and its meaning."""
    documented = {
        plain(name): (kind, tuple(re.findall(r"`(\w+)`", labels)), meaning)
        for name, kind, labels, meaning in PAGE.table("metric")
    }
    assert {f.name: (f.kind, f.labels, f.meaning) for f in FAMILIES} == documented


def test_alerts_and_queries_speak_of_metrics_that_exist() -> None:
    """Names in the example rules and on the page are names of metrics, or of their parts."""
    for text in (ALERTS.read_text(encoding="utf-8"), PAGE.text):
        _check(text)
    assert 8 == ALERTS.read_text(encoding="utf-8").count("- alert:")


def test_the_dashboard_shows_every_metric_by_labels_that_it_has() -> None:
    """In its queries and in how it names their lines; single endpoints only as far as they lead."""
    shown: set[str] = set()
    for panel in _panels():
        for target in panel.get("targets", []):
            query = target["expr"]
            names = _check(query)
            assert names, query
            shown |= names
            labels = {label for name in names for label in LABELS[name]}
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels
            grouped = {
                label.strip()
                for by in re.findall(r"by \((.*?)\)", query)
                for label in by.split(",")
            }
            assert grouped <= labels | {"le"}, query
            if "endpoint" in grouped or ("connection" in grouped and panel["type"] != "stat"):
                assert query.startswith("topk(10, "), query
    assert set(LABELS) == shown


def test_the_dashboard_can_be_read() -> None:
    """Each panel has an id, a place, words and a unit of its own, and the data source is chosen."""
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    (variable,) = board["templating"]["list"]
    assert ("datasource", "datasource", "prometheus") == (
        variable["name"], variable["type"], variable["query"]
    )  # fmt: skip
    panels = _panels()
    assert len(panels) == len({panel["id"] for panel in panels})
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        place = set(
            itertools.product(
                range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
            )
        )  # fmt: skip
        assert not place & taken, panel["title"]
        assert max(x for x, _ in place) < 24
        taken |= place
        assert panel["title"]
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            sources = [panel["datasource"], *(one["datasource"] for one in panel["targets"])]
            assert {"${datasource}"} == {one["uid"] for one in sources}
            refs = [one["refId"] for one in panel["targets"]]
            assert sorted(set(refs)) == refs


def _panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def _check(text: str) -> set[str]:
    """Return the metrics that a text names; each there is, with every label it is chosen by."""
    found = set()
    for name, part, chosen in re.findall(
        r"\b(ringback_\w+?)(_bucket|_count|_sum)?\b(?:{([^{}]*)})?", text
    ):
        assert name in LABELS, name
        histogram = "histogram" == next(one.kind for one in FAMILIES if one.name == name)
        assert histogram or not part, name
        assert set(re.findall(r"(\w+)[=!]", chosen)) <= {*LABELS[name]}, text
        found.add(name)
    return found


async def test_what_alerts_see_rise_is_there_from_the_start(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count that is born at 1 has not risen: of every provider there is a 0 before anything."""
    monkeypatch.setattr(figures, "EVERY_S", 0.0)
    wanted = re.findall(r"increase\((\w+)(?:{(.*?)})?\[", ALERTS.read_text(encoding="utf-8"))
    assert {
        ("ringback_unknown_codes_total", ""),
        ("ringback_deliveries_unblocked_total", ""),
        ("ringback_callbacks_total", 'outcome="defect"'),
    } == set(wanted)
    ours: set[tuple[str, ...]] = {("ringback_deliveries_unblocked_total",)}
    for provider in PROVIDERS:
        ours.add(("ringback_callbacks_total", "defect", provider))
        ours.add(("ringback_unknown_codes_total", provider))
    before = _values(await _scrape(house))
    assert dict.fromkeys(ours, 0.0) == {name: before.get(name) for name in ours}
    house.engine.receiver.outcomes["whatsapp", "defect"] += 1
    after = _values(await _scrape(house))
    assert {("ringback_callbacks_total", "defect", "whatsapp"): 1.0} == {
        name: value for name, value in after.items() if name in ours and value
    }


def test_metrics_are_named_as_is_usual() -> None:
    """Counters end in total, times are in seconds, and no two have one name or key."""
    for family in FAMILIES:
        assert re.fullmatch(r"ringback_[a-z_]+", family.name)
        assert ("counter" == family.kind) == family.name.endswith("_total")
    assert len(FAMILIES) == len({f.name for f in FAMILIES}) == len({f.key for f in FAMILIES})
