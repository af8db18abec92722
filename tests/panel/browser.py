"""A real browser on the panel: Debian's Chromium, signed in, where every complaint is a failure."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    StorageState,
    expect,
    sync_playwright,
)

from tests.up.installation import Installation, until

CHROMIUM = shutil.which("chromium")
# Ten times what it takes: other work runs on the same machine.
PATIENCE_MS = 15_000
DESK = {"width": 1440, "height": 1000}
PHONE = {"width": 390, "height": 844}
LINK = re.compile(r"http://\S+/panel/sign-in#token=\S+")
# What the API refuses is told on the page; that the browser notes it as well is no defect.
_REFUSED = "Failed to load resource: the server responded with a status of 4"


class Panel:
    """A page of the panel, and what the browser had to complain about."""

    def __init__(self, url: str, page: Page) -> None:
        """Listen to what the browser says from now on."""
        self.url = url
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_REFUSED):
            self.complaints.append(message.text)

    def go(self, path: str, mode: str = "test") -> Page:
        """Open a screen, such as `/messages?status=failed`, and wait until it shows something."""
        joint = "&" if "?" in path else "?"
        self.page.goto(f"{self.url}/panel{path}{joint}mode={mode}")
        self.settle()
        return self.page

    def look(self, scheme: Literal["light", "dark"]) -> None:
        """Let the system be light or dark from now on, and wait until the panel is as well."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.wait_for_selector(f"html[data-theme={scheme}]")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing on the page is being loaded for the first time."""
        self.page.wait_for_selector("main")
        self.page.wait_for_selector(".skeleton", state="detached")


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            # Debian's own switches let what no screen shows be painted by a GPU of software.
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        try:
            yield browser
        finally:
            browser.close()


def sign_in(browser: Browser, installation: Installation) -> StorageState:
    """Follow the link that `ringback up` printed; return what makes other pages signed in."""
    link = until(lambda: LINK.findall(installation.said))[-1]
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(link)
        page.wait_for_selector(".app", timeout=PATIENCE_MS)
        return context.storage_state()
    finally:
        context.close()


@contextmanager
def panel_of(
    browser: Browser, installation: Installation, signed_in: StorageState, **more: object
) -> Iterator[Panel]:
    """Lend a page that is signed in; nothing may have been complained about in the end."""
    context: BrowserContext = browser.new_context(
        storage_state=signed_in,
        **{"viewport": DESK, "reduced_motion": "reduce", **more},  # type: ignore[arg-type]
    )
    try:
        panel = Panel(f"http://127.0.0.1:{installation.port}", context.new_page())
        yield panel
        assert [] == panel.complaints
    finally:
        context.close()


def in_test_mode(page: Page, method: str, path: str, body: object = None) -> Any:
    """Ask the API as the panel does."""
    ask = """async ([method, path, body]) => {
      const mode = {"ringback-mode": "test"};
      const {csrf} = await (await fetch("/v1/session", {headers: mode})).json();
      const answer = await fetch(path, {method, body: body && JSON.stringify(body), headers: {
        ...mode, "x-ringback-csrf": csrf, ...(body ? {"content-type": "application/json"} : {})}});
      if (!answer.ok) throw new Error(await answer.text());
      return answer.json();
    }"""
    return page.evaluate(ask, [method, path, body])
