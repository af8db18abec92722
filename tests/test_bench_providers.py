"""Reading callbacks is measured for every adapter, and the page has what was recorded."""

from bench import providers
from ringback.domain.http import Callback
from ringback.providers.registry import PROVIDERS


def test_every_recording_of_every_adapter_is_measured() -> None:
    """None is left out, mappings and refusals included; how large figures are is never tested."""
    figures = providers.recorded(1)["providers"]
    assert sorted(PROVIDERS) == list(figures)
    for name, one in figures.items():
        files = list((providers.PAYLOADS / name).glob("*.http"))
        kinds = one["kinds"].values()
        assert len(files) == sum(each["recordings"] for each in kinds)
        assert one["recordings"] == len(files) - one["kinds"]["refused"]["recordings"]
        for each in (one, *kinds):
            assert 0 < each["median_us"] <= each["p99_us"]
        for each in kinds:
            assert each["items"] >= each["recordings"]
            assert 0 < each["item_median_us"] <= each["median_us"]


def test_what_a_batch_tells_of_is_counted() -> None:
    """Every error code of Twilio's comes in one callback; what is refused is not read."""
    twilio = PROVIDERS["twilio"]
    found = providers.recordings(twilio)
    assert max(one.items for one in found) >= len(twilio.ERRORS)
    assert {1} == {one.items for one in found if one.kind == "refused"}


def test_json_is_told_from_the_rest() -> None:
    """By what the body is: an untrue content type changes nothing, what is broken is neither."""
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    expected = {
        b' {"a":1}': "json", b"[]": "json", b"<a/>": "xml", b"": "query", b"a=1": "form",
        b'{"a"': "other",
    }  # fmt: skip
    for body, kind in expected.items():
        headers = form if kind in ("form", "json") else (("content-type", "application/json"),)
        assert kind == providers.kind(Callback("POST", "https://x.example/", headers, body))


def test_the_table_has_json_in_a_column_of_its_own() -> None:
    """Forms, XML and queries stand beside it, what is refused apart, and nothing where none is."""
    one = {"recordings": 3, "median_us": 2.0, "p99_us": 9.0}
    results = {
        "date": "2026-01-02", "python": "3.11.7", "rounds": 10,
        "providers": {
            "mixed": {**one, "bytes": 12, "kinds": {
                "json": {"recordings": 1, "median_us": 1.5, "p99_us": 4.0},
                "form": {"recordings": 1, "median_us": 5.0, "p99_us": 6.0},
                "xml": {"recordings": 1, "median_us": 9.0, "p99_us": 9.5},
                "refused": {"recordings": 2, "median_us": 3.0, "p99_us": 4.0},
            }},
            "plain": {**one, "bytes": 1200, "kinds": {"json": one}},
        },
    }  # fmt: skip
    expected = [
        "| `mixed` | 3 | 12 | 1.5 µs (1) | form 5.0 µs (1), XML 9.0 µs (1) | 3.0 µs (2) | 9.0 µs |",
        "| `plain` | 3 | 1,200 | 2.0 µs (3) | none | none | 9.0 µs |",
    ]
    assert expected == providers.markdown(results).splitlines()[-2:]


def test_the_table_has_a_column_for_an_item_of_json() -> None:
    """Beside the time of a callback stands that of one thing it tells of, once it is counted."""
    json = {"recordings": 2, "median_us": 9.0, "p99_us": 9.5, "items": 7, "item_median_us": 3.0}
    one = {"recordings": 2, "bytes": 12, "median_us": 9.0, "p99_us": 9.5}
    results = {
        "date": "2026-01-02", "python": "3.11.7", "rounds": 10,
        "providers": {"batches": {**one, "kinds": {"json": json}}, "forms": {**one, "kinds": {}}},
    }  # fmt: skip
    expected = [
        (
            "| provider | recordings | bytes, on average | JSON, median | an item of JSON, median "
            "| others, median | refused, median | p99 |"
        ),
        "|---|---|---|---|---|---|---|---|",
        "| `batches` | 2 | 12 | 9.0 µs (2) | 3.0 µs (7) | none | none | 9.5 µs |",
        "| `forms` | 2 | 12 | none | none | none | none | 9.5 µs |",
    ]
    assert expected == providers.markdown(results).splitlines()[-4:]


def test_the_page_has_the_recorded_figures() -> None:
    """What stands in docs/performance.md is the newest result, and nothing by hand."""
    page = providers.PAGE.read_text(encoding="utf-8")
    assert providers.published(providers.markdown(providers.latest())) == page
