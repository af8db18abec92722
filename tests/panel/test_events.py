"""Events and callbacks on screen: what comes is there at once, and why it came, or did not."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.up.installation import Installation

from .browser import Panel

# The tail is measured with so many; the bound is the promise for 95 of 100.
EVENTS = 20
TAIL_S = 1.0
# Tells when a row with a text has appeared, by the clock that this test has as well.
WATCH = """
wanted => { window.__seen = {};
  const look = () => { for (const row of document.querySelectorAll(".seen .row")) {
    const said = wanted.find(one => row.textContent.includes(one));
    if (said && !window.__seen[said]) window.__seen[said] = Date.now(); } };
  const main = document.querySelector("main");
  new MutationObserver(look).observe(main, {childList: true, subtree: true}); }
"""


def newest(shop: Installation, path: str) -> Any:
    """Return the first row of a list."""
    return shop.api("GET", path)["data"][0]


def live(panel: Panel, path: str) -> None:
    """Open a screen whose stream is open as well."""
    panel.go(path)
    panel.page.locator(".live.s-live").wait_for()
    panel.page.locator(".seen .row").first.wait_for()


def test_an_event_is_in_the_live_tail_within_a_second(
    panel: Panel, shop: Installation, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """From the provider's POST to the row on screen, 95 of 100 times."""
    live(panel, "/events")
    names = [f"tail-{n}-{time.monotonic_ns()}" for n in range(EVENTS)]
    panel.page.evaluate(WATCH, names)
    took = []
    for name in names:
        posted = time.time()
        assert 200 == shop.report(name)
        panel.page.wait_for_function("name => window.__seen[name]", arg=name, polling=20)
        took.append(panel.page.evaluate("name => window.__seen[name]", name) / 1000 - posted)
    took.sort()
    record_testsuite_property("tail_p95_s", took[-2])
    record_testsuite_property("tail_median_s", took[EVENTS // 2])
    # Of twenty the nineteenth; a machine that is busy elsewhere may hold one up.
    assert took[-2] < TAIL_S, took


def test_filters_hold_for_the_tail(panel: Panel, shop: Installation) -> None:
    """What does not fit the filter is not put in; what fits is."""
    live(panel, "/events?type=message.read,message.delivered")
    other = f"other-{time.monotonic_ns()}"
    page = panel.page
    types = set(page.locator(".seen .row .event-type").all_inner_texts())
    assert types <= {"message.read", "message.delivered"}
    assert 200 == shop.report(other)
    expect(page.locator(".seen .row", has_text=other)).to_have_count(1)
    page.locator(".filter select").first.select_option("message.failed")
    assert "type=message.failed" in page.url
    expect(page.locator(".seen .row .event-type").first).to_have_text("message.failed")
    again = f"again-{time.monotonic_ns()}"
    assert 200 == shop.report(again)
    page.wait_for_timeout(600)  # what must not happen has no signal
    expect(page.locator(".seen .row", has_text=again)).to_have_count(0)


def test_a_pause_holds_rows_back(panel: Panel, shop: Installation) -> None:
    """Paused, the tail stands still and counts; a click shows what came."""
    live(panel, "/events")
    page = panel.page
    page.keyboard.press("l")
    name = f"held-{time.monotonic_ns()}"
    assert 200 == shop.report(name)
    fresh = page.locator(".fresh")
    expect(fresh).to_contain_text("1 new")
    expect(page.locator(".seen .row", has_text=name)).to_have_count(0)
    fresh.click()
    expect(page.locator(".seen .row", has_text=name)).to_have_count(1)


def test_an_event_tells_its_causes(panel: Panel, shop: Installation) -> None:
    """Its page leads to the callback, the message, the deliveries and the schema."""
    event = newest(shop, "/v1/events?type=message.delivered&limit=1")
    page = panel.go(f"/events/{event['id']}")
    chain = page.locator(".chain")
    expect(chain.locator("li")).to_have_count(4)
    leads_to = str(chain.locator(".link-message a").get_attribute("href"))
    assert event["data"]["message"]["id"] in leads_to
    schema = page.get_by_role("link", name="Version 1")
    assert "/schemas/message.delivered/v1" == schema.get_attribute("href")
    expect(page.locator("pre").last).to_contain_text(event["id"])
    expect(page.locator(".table tbody tr").first).to_be_visible()
    chain.locator(".link-in a").click()
    expect(page.locator("h1")).to_contain_text("A callback from")
    page.locator(".plain-list a", has_text="message.delivered").click()
    expect(page.locator("h1")).to_have_text("message.delivered")


def test_a_refused_callback_is_explained(panel: Panel, shop: Installation) -> None:
    """What was refused is in the list with its reason, and its page says what the cause may be."""
    page = panel.go("/callbacks")
    page.locator(".filter select").first.select_option("rejected")
    row = page.locator(".seen .row", has_text="Rejected").first
    row.wait_for()
    assert all("Rejected" in one for one in page.locator(".seen .row").all_inner_texts())
    row.locator("a.cover").click()
    reason = newest(shop, "/v1/callbacks?outcome=rejected&limit=1")["reason"]
    expect(page.locator(".decided")).to_be_visible()
    told = " ".join(page.locator(".decided, .reason-more").all_inner_texts())
    assert reason[0].upper() + reason[1:] == told
    assert told.startswith(page.inner_text(".decided"))
    expect(page.get_by_role("button", name="Read again")).to_have_count(0)


def test_every_reason_has_a_likely_cause(panel: Panel, shop: Installation) -> None:
    """Of all that the demo's callbacks were refused for, none is left without advice."""
    found = shop.api("GET", "/v1/callbacks?outcome=rejected&limit=100")["data"]
    for reason, one in {row["reason"]: row for row in found}.items():
        page = panel.go(f"/callbacks/{one['id']}")
        # What was found by trying says what it is; otherwise the likeliest is said.
        expect(page.locator(".hint p, .reason-more").first, reason).to_be_visible()


def test_a_callback_is_read_again(panel: Panel, shop: Installation) -> None:
    """Reading it again says what it holds; let take effect, it brings about nothing new."""
    one = newest(shop, "/v1/callbacks?outcome=accepted&limit=1")
    page = panel.go(f"/callbacks/{one['id']}")
    page.get_by_role("button", name="Read again").click()
    read = page.locator(".read-again")
    expect(read).to_contain_text("It can be read")
    expect(read.locator(".plain-list li").first).to_be_visible()
    page.get_by_role("button", name="Let it take effect").click()
    expect(read).to_contain_text("nothing new")
