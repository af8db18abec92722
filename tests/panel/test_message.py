"""The message page on a shop's data: why a message failed, who knows of it, and a phone's width."""

import re

from playwright.sync_api import Browser, StorageState, expect

from tests.up.installation import Installation

from .browser import PHONE, Panel, panel_of


def newest(shop: Installation, query: str) -> str:
    """Return the id of the newest message that fits."""
    return str(shop.api("GET", f"/v1/messages?limit=1&{query}")["data"][0]["id"])


def test_a_failure_is_decoded(panel: Panel, shop: Installation) -> None:
    """The headline says why; the provider's code, what it means and what to do stand beside it."""
    message = newest(shop, "status=failed")
    error = shop.api("GET", f"/v1/messages/{message}")["error"]
    page = panel.go(f"/messages/{message}")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Not delivered to .+: "))
    card = page.locator("aside .card").filter(has_text="Why it failed")
    expect(card).to_contain_text(f"{error['class']} · {error['code'].replace('_', ' ')}")
    expect(card).to_contain_text(error.get("provider_code", ""))
    expect(card).to_contain_text("Advice")
    expect(page.locator(".stop").last).to_contain_text("Failed")
    expect(page.locator(".stop").last).to_have_class(re.compile("done"))


def test_filters_stand_in_the_address(panel: Panel, shop: Installation) -> None:
    """Callbacks alone are squares, facts alone have no boxes; back shows everything again."""
    page = panel.go(f"/messages/{newest(shop, 'status=read')}")
    everything = page.locator(".tl .it").count()
    page.get_by_role("button", name="Callbacks").click()
    page.wait_for_url("**show=callbacks**")
    expect(page.locator(".tl .it.fact")).to_have_count(0)
    assert 0 < page.locator(".tl .it.in").count() < everything
    page.get_by_role("button", name="Facts").click()
    expect(page.locator(".tl .it.in")).to_have_count(0)
    expect(page.locator(".out")).to_have_count(0)
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.locator(".tl .it")).to_have_count(everything)


def test_a_phone_shows_all_of_it(
    browser: Browser, shop: Installation, signed_in: StorageState
) -> None:
    """The track is vertical, and nothing scrolls sideways."""
    with panel_of(browser, shop, signed_in, viewport=PHONE) as panel:
        page = panel.go(f"/messages/{newest(shop, 'status=read')}")
        tops = [box["y"] for one in page.locator(".stop").all() if (box := one.bounding_box())]
        assert sorted(set(tops)) == tops
        assert len(tops) >= 3
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
