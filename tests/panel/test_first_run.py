"""From a fresh start to a delivered message, a working endpoint and a provider that is heard."""

import re
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, Route, StorageState, expect

from tests.up.conftest import installations
from tests.up.installation import Installation, until

from .browser import LINK, PATIENCE_MS, Panel, in_test_mode, panel_of

CLICKS_MAX = 5
# Clicks are counted by the page itself, over all that is loaded.
_COUNT = """addEventListener("click", () => {
  sessionStorage.clicks = Number(sessionStorage.clicks ?? 0) + 1;
}, true)"""
SECONDS_MAX = 60.0


class First(NamedTuple):
    """What the first minutes were: how long and how many clicks until a message was delivered."""

    installation: Installation
    signed_in: StorageState
    seconds: float
    clicks: int
    message: str


@pytest.fixture(scope="module")
def first(browser: Browser) -> Iterator[First]:
    """An installation that was just started with nothing in it, and its first message."""
    with installations() as make:
        installation = make()
        installation.start("--workers", "1")
        link = until(lambda: LINK.findall(installation.said))[-1]
        context = browser.new_context()
        context.add_init_script(_COUNT)
        page = context.new_page()
        expect.set_options(timeout=PATIENCE_MS)
        began = time.monotonic()
        page.goto(link)
        page.get_by_role("button", name="Send a message", exact=True).last.click()
        expect(
            page.get_by_role("heading", name=re.compile("^(Delivered to|Read by)"))
        ).to_be_visible()
        seconds = time.monotonic() - began
        found = re.search("message=(msg_[a-z0-9]+)", page.url)
        assert found, page.url
        clicks = int(page.evaluate("sessionStorage.clicks"))
        yield First(installation, context.storage_state(), seconds, clicks, found[1])
        assert 0 == installation.stop()


@pytest.fixture
def start(browser: Browser, first: First) -> Iterator[Panel]:
    """A page of that installation's panel."""
    with panel_of(browser, first.installation, first.signed_in) as found:
        yield found


def simulated(page: Page, *statuses: str, **more: object) -> str:
    """Send a message through the simulator; return its id."""
    connections = in_test_mode(page, "GET", "/v1/connections")["data"]
    (simulator,) = [one["id"] for one in connections if one["provider"] == "simulator"]
    body = {"to": "+15550123", "from": "+15550100", "statuses": statuses, **more}
    path = f"/v1/connections/{simulator}/simulate"
    return str(in_test_mode(page, "POST", path, body)["message"])


def test_a_message_is_delivered_on_screen_at_once(first: First) -> None:
    """From the printed link to the first delivered message: a minute and five clicks at most."""
    assert 1 <= first.clicks <= CLICKS_MAX
    assert first.seconds <= SECONDS_MAX


def test_an_intention_orders_the_steps(start: Panel) -> None:
    """What one wants decides what comes first; it stands in the address, and so it stays."""
    page = start.go("/start")
    steps = page.locator(".stage > h2")
    expect(steps.first).to_contain_text("Send a message")
    expect(steps.first).to_contain_text("done")
    page.get_by_role("button", name="Reminders and campaigns").click()
    expect(steps.first).to_contain_text("Connect a provider")
    assert "for=campaigns" in page.url
    page.reload()
    expect(steps.first).to_contain_text("Connect a provider")
    expect(page.get_by_role("button", name="Add the connection")).to_be_visible()


def test_an_endpoint_is_tested_and_goes_live(start: Panel) -> None:
    """Request, response and signature are shown; live URLs are checked; untested is said."""
    page = start.go("/start?step=endpoint")
    page.get_by_role("button", name="Use the inspector").click()
    expect(page.locator(".chosen")).to_contain_text("untested")
    page.get_by_role("button", name="Send test event").click()
    expect(page.locator(".came")).to_contain_text("It works: your endpoint answered 200")
    expect(page.locator(".sides")).to_contain_text("webhook-signature")
    expect(page.locator(".check")).to_contain_text("Right: the endpoint's present secret signed it")
    expect(page.locator(".chosen .t-good")).to_have_text("tested")
    url = page.get_by_label("Live URL")
    url.fill("http://example.com/hooks")
    page.get_by_role("button", name="Save & go live").click()
    expect(page.locator(".field.wrong")).to_contain_text("http is refused")
    url.fill("https://example.com/hooks")
    page.get_by_role("button", name="Save & go live").click()
    page.wait_for_url("**mode=live**")
    expect(page.locator(".chosen")).to_contain_text("example.com/hooks")
    expect(page.locator(".chosen .tag.warn")).to_have_text("untested")
    page.get_by_role("button", name="Another endpoint").click()
    expect(page.locator(".there")).to_contain_text("The inspector")


def test_a_provider_is_waited_for_and_explained(start: Panel) -> None:
    """No public address is said; a refused callback is explained; a good one turns it green."""
    page = start.go("/start?step=provider")
    page.get_by_label("App secret").fill("0123456789abcdef")
    page.get_by_role("button", name="Add the connection").click()
    expect(page.get_by_text("Listening for the first callback…")).to_be_visible()
    expect(page.get_by_text("This installation has no public address")).to_be_visible()
    expect(page.locator(".stage.open")).to_contain_text("/in/")
    page.get_by_role("button", name="One with a wrong signature").click()
    told = page.locator(".came")
    expect(told).to_contain_text("A callback came, and was refused")
    expect(page.locator(".stage.open .facts")).to_contain_text(["", "another app secret signed it"])
    expect(page.locator(".start .hints")).to_contain_text("Copy it once more")
    page.get_by_role("button", name="Simulate a callback").click()
    expect(told).to_contain_text("The first callback is in")
    expect(page.locator(".stage.open > h2")).to_contain_text("done")


def test_what_is_missing_before_going_live_is_told(start: Panel) -> None:
    """Each check says what it found; what the page cannot see has a command."""
    page = start.go("/start?step=live")
    checks = page.locator(".ready li")
    expect(checks.filter(has_text="Public address").locator(".t-bad")).to_be_visible()
    expect(checks.locator(".t-good")).to_contain_text(["Server", "Clock", "Secrets"])
    expect(checks.filter(has_text="Live connections")).to_contain_text("None yet")
    expect(page.get_by_text("ringback doctor")).to_be_visible()


def test_a_message_lives_on_its_page(start: Panel) -> None:
    """What the simulator reports next appears by itself: headline, track and timeline."""
    page = start.go("/start")
    message = simulated(page, "sent")
    start.go(f"/messages/{message}")
    expect(page.get_by_role("heading", name="On its way to +15550123")).to_be_visible()
    page.get_by_role("button", name="Simulate next").click()
    page.get_by_role("menuitem", name="Delivered").click()
    expect(
        page.get_by_role(
            "heading", name=re.compile(r"^Delivered to \+15550123, .* after we sent it")
        )
    ).to_be_visible()
    expect(page.locator(".stop.done b")).to_have_text(["Queued", "Submitted", "Sent", "Delivered"])
    expect(page.locator(".tl .it.in").last).to_contain_text("Callback: status delivered")
    assert [] == [
        one for one in in_test_mode(page, "GET", f"/v1/messages/{message}/timeline")["entries"]
        if one["kind"] == "fact"
    ]  # fmt: skip


def test_repetitions_and_another_order_are_marked(start: Panel) -> None:
    """What came twice is one row; what came in another order than it happened says so."""
    page = start.go("/start")
    twice = simulated(page, "sent", "delivered", duplicate=1)
    message = simulated(page, "sent", "delivered", reorder=True, delay_ms=20)
    start.go(f"/messages/{twice}?show=callbacks")
    rows = page.locator(".tl .it")
    expect(rows).to_contain_text(["2 duplicate", "2 duplicate"])
    start.go(f"/messages/{message}?show=callbacks")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("arrived 1st, happened 2nd")
    rows.first.get_by_role("button", name="raw").click()
    expect(page.get_by_role("group", name="As it came")).to_contain_text('"status": "delivered"')
    assert "as=raw" in page.url
    rows.first.get_by_role("button", name="normalised").click()
    expect(page.get_by_role("group", name="As it was understood")).to_contain_text(
        "message.delivered"
    )


def test_a_delivery_is_replayed_from_its_message(start: Panel) -> None:
    """`r` opens the dialog; the event goes to the endpoint again, and its row is marked."""
    page = start.go("/start")
    url = f"http://127.0.0.1:{start.url.rsplit(':', 1)[1]}/inspect/replays"
    in_test_mode(page, "POST", "/v1/endpoints", {
        "url": url, "event_types": ["message.delivered"], "description": "Order system",
    })  # fmt: skip
    message = simulated(page, "delivered")
    start.go(f"/messages/{message}?show=webhooks")
    out = page.locator(".out-row").filter(has_text="Order system")
    expect(out).to_contain_text("first attempt")
    expect(page.locator("aside")).to_contain_text(
        "not subscribed to message.queued, message.submitted"
    )
    page.keyboard.press("r")
    page.get_by_label("Endpoint", exact=True).select_option(label="Order system")
    page.get_by_role("button", name="Send 1 event again").click()
    expect(out).to_have_count(2)
    expect(out.last).to_contain_text("replay")


def test_what_has_answered_is_known_by_its_figures(panel: Panel) -> None:
    """Of an endpoint that figures speak well of nothing more is asked, and it is not untested."""
    asked: list[str] = []

    def none(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(json={"data": [], "next": None})

    panel.page.route("**/v1/attempts?*", none)
    with panel.page.expect_response("**/v1/stats/endpoints?*") as told:
        page = panel.go("/start?step=endpoint")
    well = [one["id"] for one in told.value.json()["data"] if one["deliveries"]["value"]]
    assert well
    expect(page.locator(".there .t-good").first).to_be_visible()
    assert not [url for url in asked if any(one in url for one in well)]
