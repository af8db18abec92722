"""Lists that live: nothing that came is missing, and nothing that is chosen moves."""

import contextlib
import json

from playwright.sync_api import Page, Route, expect

from tests.up.installation import Installation

from .browser import Panel

BURST = 300
_ROW = ".seen .row"


def _publish(shop: Installation, type_: str, count: int) -> str:
    """Publish events, a hundred in a request; return the id of the last one."""
    last = ""
    for begin in range(0, count, 100):
        events = [{"type": type_, "data": {"n": n}} for n in range(begin, min(begin + 100, count))]
        last = shop.api("POST", "/v1/events", events)["data"][-1]["id"]
    return last


def _scroll_until(page: Page, told: str) -> None:
    """Scroll to the end, as people do who see nothing come: again, until the foot tells it."""
    rows, foot = page.locator(".rows"), page.locator(".list footer")
    for _ in range(10):
        rows.evaluate("box => { box.scrollTop -= 1; }")
        rows.evaluate("box => { box.scrollTop = box.scrollHeight; }")
        with contextlib.suppress(AssertionError):
            expect(foot).to_contain_text(told, timeout=3_000)
            return
    expect(foot).to_contain_text(told)


def test_after_a_flood_the_newest_are_there(panel: Panel, shop: Installation) -> None:
    """More than anybody can read at once is not put in row by row; then the list is up to date."""
    page = panel.go("/events?type=shop.flooded")
    expect(page.locator("button.live")).to_contain_text("live")
    last = _publish(shop, "shop.flooded", BURST)
    expect(page.locator(_ROW).first.locator("a").first).to_have_attribute(
        "href", f"/panel/events/{last}?mode=test"
    )
    for loaded in ("250 loaded", f"{BURST} rows"):
        _scroll_until(page, loaded)


def test_what_is_held_back_belongs_to_its_filter(panel: Panel, shop: Installation) -> None:
    """Another filter begins anew; what is held goes in when the pause ends, newest first."""
    page = panel.go("/events?type=shop.held")
    expect(page.locator("button.live")).to_contain_text("live")
    page.locator("button.live").click()
    _publish(shop, "shop.held", 3)
    expect(page.get_by_role("button", name="3 new")).to_be_visible()
    page.evaluate("history.pushState(null, '', location.pathname + '?mode=test&type=shop.other')")
    page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
    panel.settle()
    expect(page.get_by_role("button", name="new")).to_have_count(0)
    last = _publish(shop, "shop.other", 2)
    expect(page.get_by_role("button", name="2 new")).to_be_visible()
    page.keyboard.press("l")
    expect(page.locator(_ROW)).to_have_count(2)
    expect(page.locator(f"{_ROW} a").first).to_have_attribute(
        "href", f"/panel/events/{last}?mode=test"
    )


def test_a_chosen_row_stays_chosen(panel: Panel, shop: Installation) -> None:
    """What comes in at the top moves no choice to another row, and a reload keeps it."""
    page = panel.go("/messages")
    page.keyboard.press("j")
    chosen = page.locator(".row.at a").first
    address = chosen.get_attribute("href")
    assert address is not None
    assert shop.report("comes-in-above") < 300
    expect(page.get_by_text("comes-in-above").first).to_be_visible()
    expect(chosen).to_have_attribute("href", address)
    page.reload()
    panel.settle()
    expect(page.locator(".row.at a").first).to_have_attribute("href", address)


def test_a_search_that_found_nothing_yet_says_so(panel: Panel) -> None:
    """The API looks at so much at a time: an empty page with more behind it is no empty list."""
    asked = 0

    def answer(route: Route) -> None:
        nonlocal asked
        asked += 1
        route.fulfill(json={"data": [], "next": f"c{asked}", "prev": None})

    panel.page.route("**/v1/messages?*", answer)
    page = panel.go("/messages?status=unconfirmed")
    expect(page.get_by_text("Nothing in what was looked at so far")).to_be_visible()
    before = asked
    assert 1 <= before <= 10
    page.get_by_role("button", name="Look further").click()
    expect(page.get_by_text("Nothing in what was looked at so far")).to_be_visible()
    assert asked > before


def test_a_page_that_fails_can_be_asked_for_again(panel: Panel) -> None:
    """A further page that could not be had is told at the foot; trying again goes on from there."""
    failing = True

    def answer(route: Route) -> None:
        if failing and "cursor=" in route.request.url:
            problem = {"title": "Try later", "detail": "Try again in a moment.", "errors": []}
            route.fulfill(status=503, body=json.dumps(problem))
        else:
            route.continue_()

    panel.page.route("**/v1/messages?*", answer)
    page = panel.go("/messages")
    page.locator(".rows").evaluate("box => { box.scrollTop = box.scrollHeight; }")
    foot = page.locator(".list footer")
    expect(foot).to_contain_text("Try again in a moment.")
    failing = False
    foot.get_by_role("button", name="Try again").click()
    expect(foot).not_to_contain_text("Try again in a moment.")
    expect(foot).to_contain_text("250 loaded")
    panel.complaints.clear()  # the browser notes the 503 as well
