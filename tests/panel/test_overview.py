"""The overview in a real browser: honest figures, spans, what needs a person, what is new."""

from typing import Any

from playwright.sync_api import Route, expect

from tests.up.installation import Installation

from .browser import PHONE, Panel

NEEDS: list[dict[str, Any]] = [
    {
        "kind": "endpoint_failing", "name": "Order system", "since": None, "endpoint": "end_1",
        "connection": None, "count": 212, "answer": 503, "error": None, "reason": None,
        "usual_per_s": None, "silent_s": None,
    },
    {
        "kind": "connection_silent", "name": "Harbour SMS", "since": None, "endpoint": None,
        "connection": "con_1", "count": 0, "answer": None, "error": None, "reason": None,
        "usual_per_s": 3.0, "silent_s": 840.0,
    },
]  # fmt: skip


def number(text: str) -> int:
    """Read the number that a text begins with."""
    return int(text.split(maxsplit=1)[0].replace(",", ""))


def test_every_message_is_in_one_group(panel: Panel) -> None:
    """Delivered, awaiting, failed and unconfirmed make accepted; awaiting is a group of its own."""
    page = panel.go("/?span=1h")
    accepted = number(page.locator(".became > header .faint").inner_text())
    rows = {
        row.locator("span").first.inner_text(): number(row.locator(".n").inner_text())
        for row in page.locator(".fr").all()
    }
    ends = ("Delivered", "Awaiting a report", "Failed or expired", "Unconfirmed")
    assert accepted == sum(rows[name] for name in ends)
    assert 0 < rows["Awaiting a report"] < accepted


def test_every_tile_leads_to_what_it_counts(panel: Panel) -> None:
    """Tiles state what they are of, and lead to the list with the same filter."""
    page = panel.go("/?span=1h")
    tile = page.locator(".tile", has_text="Delivered or read")
    expect(tile).to_contain_text(" of ")
    expect(page.locator(".tile", has_text="Awaiting a report")).to_contain_text("p95 age")
    tile.click()
    page.wait_for_url("**status=delivered%2Cread**")
    assert "since=1h" in page.url
    panel.settle()
    chips = page.locator(".seen .chip")
    expect(chips.first).to_be_visible()
    assert {"Delivered", "Read"} >= set(chips.all_inner_texts())


def test_failures_replies_and_requests_have_figures(panel: Panel) -> None:
    """What failed is told of how many, what came in is counted, and requests are drawn."""
    page = panel.go("/?span=1h")
    failed = page.locator(".tile", has_text="Failed or expired")
    expect(failed).to_contain_text(" of ")
    came = page.locator(".tile", has_text="From people")
    assert 0 < number(came.locator(".big").inner_text())
    expect(page.locator(".requests .plot")).to_be_visible()
    expect(page.locator(".requests .legend")).to_have_text(["taken", "not taken"])
    failed.click()
    page.wait_for_url("**status=failed%2Cexpired%2Ccancelled**")


def test_the_span_is_in_the_address(panel: Panel) -> None:
    """A span is chosen, stands in the address, and is there again after loading anew."""
    page = panel.go("/?span=1h")
    expect(page.get_by_role("heading", name="The last hour")).to_be_visible()
    page.get_by_role("button", name="7 d").click()
    page.wait_for_url("**span=7d**")
    page.reload()
    expect(page.get_by_role("heading", name="The last 7 days")).to_be_visible()


def test_new_messages_come_by_themselves(panel: Panel, shop: Installation) -> None:
    """A message that comes in stands on top, and is counted, without anything being done."""
    page = panel.go("/?span=1h")
    expect(page.locator(".live")).to_contain_text("live")
    before = number(page.locator(".became > header .faint").inner_text())
    connections = shop.api("GET", "/v1/connections")["data"]
    simulator = next(one["id"] for one in connections if one["provider"] == "simulator")
    sent = {"from": "+14155550100", "to": "+14155550177", "statuses": ["sent"]}
    shop.api("POST", f"/v1/connections/{simulator}/simulate", sent)
    expect(page.locator(".latest li a").first).to_contain_text("+14155550177")
    expect(page.locator(".became > header .faint")).to_have_text(f"{before + 1:,} accepted")


def test_what_needs_a_person_is_said_in_sentences(panel: Panel) -> None:
    """Each says what is wrong and how much waits, and leads to the place where it is mended."""

    def told(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "needs_a_person": NEEDS})

    panel.page.route("**/v1/overview?*", told)
    page = panel.go("/?span=1h")
    needs = page.locator(".needs li a")
    expect(needs).to_have_count(2)
    expect(needs.first).to_contain_text("“Order system” answers 503")
    expect(needs.first).to_contain_text("212 deliveries wait")
    expect(needs.last).to_contain_text("No callback from “Harbour SMS” for 14 min")
    expect(needs.last).to_contain_text("usual: 3.0/s")
    assert "/panel/endpoints/end_1" in (needs.first.get_attribute("href") or "")
    assert "/panel/connections/con_1" in (needs.last.get_attribute("href") or "")
    section = page.get_by_role("navigation", name="Sections").get_by_role("link", name="Endpoints")
    expect(section).to_contain_text("1 failing")


def test_an_installation_without_anything_says_what_to_do(panel: Panel) -> None:
    """There are no figures of nothing: there is a way to the first message."""
    page = panel.go("/", mode="live")
    expect(page.get_by_text("Nothing has come or gone here yet")).to_be_visible()
    expect(page.get_by_role("link", name="Get started")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(0)


def test_it_fits_a_phone(panel: Panel) -> None:
    """Nothing scrolls sideways on a narrow screen."""
    panel.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page = panel.go("/?span=24h")
    expect(page.locator(".tile").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
