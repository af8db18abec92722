"""Other people in a browser of their own: invited, and come in by their link."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect

from .browser import DESK, PATIENCE_MS

PASSWORD = "a quiet harbour in spring"


@contextmanager
def another(browser: Browser) -> Iterator[Page]:
    """Open a browser of somebody else."""
    context = browser.new_context(viewport=DESK, reduced_motion="reduce")  # type: ignore[arg-type]
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
    finally:
        context.close()


def enter(page: Page, link: str, name: str) -> None:
    """Follow an invitation and choose a password."""
    page.goto(link)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".app")).to_be_visible()
