"""What holds for every screen: it works, anybody can read it, nothing of it scrolls sideways."""

import re
from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import Browser, StorageState

from ringback.panel import pages
from tests.up.installation import Installation

from .browser import PHONE, Panel, panel_of
from .screens import addresses

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What is in order needs neither addresses nor a way back to us: those are most of the work.
_RUN = """async rules => (await axe.run(document, {
  runOnly: {type: "tag", values: rules}, resultTypes: ["violations"],
})).violations"""
pytestmark = pytest.mark.timeout(400)
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
ON_A_PHONE = ("overview", "messages", "message", "message-failed")


def _faults(panel: Panel) -> list[str]:
    """Say what axe finds on the page as it is shown."""
    found = panel.page.evaluate(_RUN, RULES)
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in found
        for node in fault["nodes"]
    ]


def test_axe_finds_nothing(browser: Browser, shop: Installation, signed_in: StorageState) -> None:
    """Every screen, in both themes: names, roles, contrast, order, focus; and no complaints."""
    faults: dict[tuple[str, str], list[str]] = {}
    with panel_of(browser, shop, signed_in, color_scheme="light") as panel:
        for name, path in addresses(shop).items():
            panel.go(path)
            # Through the debugger: the page's own policy would let no foreign script in.
            panel.page.evaluate(AXE)
            for scheme in SCHEMES:
                # While the page is open, which is far less work than loading it again.
                panel.look(scheme)
                found = _faults(panel)
                if panel.page.query_selector(".state.failed"):
                    found.append(panel.page.inner_text(".state.failed"))
                if found:
                    faults[name, scheme] = found
    assert {} == faults


def test_nothing_scrolls_sideways_on_a_phone(
    browser: Browser, shop: Installation, signed_in: StorageState
) -> None:
    """Overview, messages and a message fit a phone's width; the bar at the bottom leads on."""
    with panel_of(browser, shop, signed_in, viewport=PHONE, has_touch=True) as panel:
        for name, path in addresses(shop).items():
            if name in ON_A_PHONE:
                page = panel.go(path)
                wide = page.evaluate("document.documentElement.scrollWidth")
                assert PHONE["width"] == wide, name
                assert page.is_visible("nav.bottom")


def test_no_screen_is_left_out(shop: Installation) -> None:
    """Each route has an address among those that are looked at here, and a module that is there."""
    routes = (files("ringback.panel") / "site/routes.js").read_text(encoding="utf-8")
    listed = re.findall(r'screen\("([^"]+)", "(\w+)"', routes)
    assert 20 <= len(listed)
    paths = [path.split("?")[0] for path in addresses(shop).values()]
    for pattern, module in listed:
        like = re.compile(re.sub(r":\w+", "[^/]+", pattern))
        assert any(like.fullmatch(path) for path in paths), pattern
        assert f"screens/{module}.js" in pages.site()
