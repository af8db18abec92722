"""Reading callbacks is measured for every adapter, and the page has what was recorded."""

from bench import providers
from ringback.providers.registry import PROVIDERS


def test_every_adapter_is_measured() -> None:
    """Each that verifies callbacks has figures; how large they are is never tested."""
    figures = {name: providers.measured(one, 1) for name, one in PROVIDERS.items() if not one.keyed}
    assert set(figures) == {name for name in PROVIDERS if name != "native"}
    for one in figures.values():
        assert one["recordings"] >= 1
        assert 0 < one["median_us"] <= one["p99_us"]


def test_the_page_has_the_recorded_figures() -> None:
    """What stands in docs/performance.md is the newest result, and nothing by hand."""
    page = providers.PAGE.read_text(encoding="utf-8")
    assert providers.published(providers.markdown(providers.latest())) == page
