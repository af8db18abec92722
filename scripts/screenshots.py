"""Write a picture of every screen of the panel, light and dark, with the data of the demo's shop.

    python -m scripts.screenshots [FOLDER]        without a folder: build/screens

Those that the documentation shows are then copied to docs/screens with `--docs`.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page

from tests.panel.browser import DESK, PHONE, browsing, panel_of, sign_in
from tests.panel.demo_data import played
from tests.panel.screens import addresses

ROOT = Path(__file__).parents[1]
SHOWN = ("overview", "message", "attempt", "endpoint")
ON_A_PHONE = ("overview", "message")
# Figures move and charts draw themselves for a moment after a screen is there.
_STILL_MS = 900


def _take(page: Page, file: Path) -> None:
    page.wait_for_timeout(_STILL_MS)
    page.screenshot(path=file)
    print(file)


def main(folder: Path, *, docs: bool) -> None:
    """Take every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    with played("shop", pace=2) as shop, browsing() as browser:
        signed_in = sign_in(browser, shop)
        screens = addresses(shop)
        for scheme in ("light", "dark"):
            with panel_of(browser, shop, signed_in, color_scheme=scheme, viewport=DESK) as panel:
                for name, path in screens.items():
                    _take(panel.go(path), folder / f"{name}-{scheme}.png")
            with panel_of(browser, shop, signed_in, color_scheme=scheme, viewport=PHONE) as panel:
                for name in ON_A_PHONE:
                    _take(panel.go(screens[name]), folder / f"{name}-{scheme}-phone.png")
    if docs:
        for name in SHOWN:
            for scheme in ("light", "dark"):
                shutil.copy(folder / f"{name}-{scheme}.png", ROOT / "docs" / "screens")


if __name__ == "__main__":
    wanted = [one for one in sys.argv[1:] if one != "--docs"]
    main(Path(wanted[0]) if wanted else ROOT / "build" / "screens", docs="--docs" in sys.argv)
