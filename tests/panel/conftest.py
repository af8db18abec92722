"""What the panel's tests share: the data of a shop, a browser, and a page that is signed in."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, StorageState

from tests.up.installation import Installation

from .browser import CHROMIUM, Panel, browsing, panel_of, sign_in
from .demo_data import shop

__all__ = ["shop"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browsers come last: Playwright keeps a loop, beside which no asynchronous test can run.

    Of them, those with a crowd: it fills the live mode, which others want to find empty.
    """

    def place(item: pytest.Item) -> tuple[bool, bool]:
        names = getattr(item, "fixturenames", ())
        return "browser" in names, "crowded" in names

    items.sort(key=place)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or a skip where there is none."""
    if CHROMIUM is None:
        pytest.skip("needs chromium")
    with browsing() as found:
        yield found


@pytest.fixture(scope="session")
def signed_in(browser: Browser, shop: Installation) -> StorageState:
    """The owner's session at the shop."""
    return sign_in(browser, shop)


@pytest.fixture
def panel(browser: Browser, shop: Installation, signed_in: StorageState) -> Iterator[Panel]:
    """A page of the shop's panel; every complaint of the browser fails the test."""
    with panel_of(browser, shop, signed_in) as found:
        yield found


@pytest.fixture
def dark(browser: Browser, shop: Installation, signed_in: StorageState) -> Iterator[Panel]:
    """The same for somebody whose system is dark."""
    with panel_of(browser, shop, signed_in, color_scheme="dark") as found:
        yield found
