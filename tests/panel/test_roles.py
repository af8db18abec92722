"""What people of several roles see in a real browser: masked or whole, and nothing that refuses."""

import re

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.up.installation import Installation

from .browser import Panel, in_test_mode
from .people import another, enter


def come(page: Page, owner: Panel, role: str, name: str) -> str:
    """Invite somebody through the API and let them come in; return the panel's address."""
    owner.go("/team")
    email = f"{name.split(maxsplit=1)[0].lower()}@example.com"
    body = {"email": email, "name": name, "role": role}
    enter(page, in_test_mode(owner.page, "POST", "/v1/people", body)["link"], name)
    return f"{owner.url}/panel"


def settled(page: Page, url: str) -> None:
    """Open an address in test mode and wait until it shows something."""
    page.goto(f"{url}{'&' if '?' in url else '?'}mode=test")
    page.wait_for_selector("main")
    page.wait_for_selector(".skeleton", state="detached")


def leads(page: Page) -> dict[str, str]:
    """Return where the page's links lead: one address for each kind of screen."""
    read = "all => all.map(one => one.getAttribute('href'))"
    found: list[str] = page.locator("main a[href^='/panel']").evaluate_all(read)
    return {re.sub(r"/[a-z]{3}_[0-9a-z]{26}", "/:id", one.split("?")[0]): one for one in found}


def delivered(shop: Installation) -> tuple[str, str]:
    """Return a message and the event of its delivery, which a callback brought about."""
    message = shop.api("GET", "/v1/messages?status=delivered&limit=1")["data"][0]["id"]
    entries = shop.api("GET", f"/v1/messages/{message}/timeline")["entries"]
    return message, next(one["id"] for one in entries if one.get("type") == "message.delivered")


@pytest.mark.parametrize(("role", "name"), [("agent", "Kay M"), ("marketer", "Ruth T")])
def test_nothing_leads_to_a_refusal(
    browser: Browser, panel: Panel, shop: Installation, role: str, name: str
) -> None:
    """On the overview, a message, its event and a connection, whatever is a link can be seen."""
    known, event = delivered(shop)
    connection = shop.api("GET", "/v1/connections?limit=1")["data"][0]["id"]
    refused: list[str] = []

    def heard(answer: Response) -> None:
        if answer.status == 403:
            refused.append(f"{answer.request.method} {answer.url}")

    with another(browser) as page:
        url = come(page, panel, role, name)
        page.on("response", heard)
        kinds: dict[str, str] = {}
        message = f"/messages/{known}"
        for path in ("", message, f"/events/{event}", f"/connections/{connection}"):
            settled(page, f"{url}{path}")
            assert [] == page.locator(".state").all_inner_texts(), path
            kinds |= leads(page)
            if path == message:
                expect(page.locator(".out-name").first).to_be_visible()
                expect(page.get_by_text("deleted endpoint")).to_have_count(0)
        assert {"/panel/messages", "/panel/messages/:id", "/panel/events/:id"} <= set(kinds)
        assert (role == "marketer") == ("/panel/attempts/:id" in kinds)
        for path in kinds.values():
            settled(page, f"{panel.url}{path}")
            expect(page.get_by_text("Your role does not include this")).to_have_count(0)
    assert [] == refused


def test_a_developer_sees_masks_and_lifts_one(
    browser: Browser, panel: Panel, shop: Installation
) -> None:
    """Numbers are masked in lists and on pages; one message is shown whole, and that is audited."""
    whole = shop.api("GET", "/v1/messages?direction=outbound&status=delivered&limit=1")["data"][0]
    with another(browser) as page:
        url = come(page, panel, "developer", "Dora K")
        for path in ("/messages?direction=outbound&status=delivered", "/events"):
            settled(page, f"{url}{path}")
            expect(page.locator(".seen .row").first).to_be_visible()
            assert whole["to"] not in page.content()
            shown = page.locator(".seen").inner_text()
            assert "•" in shown
            assert not re.search(r"\+\d{8}", shown)
        settled(page, f"{url}/messages/{whole['id']}")
        assert whole["to"] not in page.content()
        page.get_by_role("button", name="Reveal").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(whole["to"])
        expect(page.get_by_role("button", name="Reveal")).to_have_count(0)
    (entry,) = [
        one
        for one in shop.api("GET", "/v1/audit-log?action=personal.revealed&limit=50")["data"]
        if one["object"] == whole["id"]
    ]
    people = in_test_mode(panel.page, "GET", "/v1/people")["data"]
    assert ["Dora K"] == [one["name"] for one in people if one["id"] == entry["actor"]]


def test_what_an_endpoint_is_called_follows_it(panel: Panel, shop: Installation) -> None:
    """Its new name is read after a change; once it is deleted that is said, and not before."""
    simulator = next(
        one["id"]
        for one in shop.api("GET", "/v1/connections")["data"]
        if one["provider"] == "simulator"
    )
    page = panel.go("/messages")
    made = shop.api("POST", "/v1/endpoints", {
        "url": f"http://127.0.0.1:{shop.port}/inspect/called", "description": "Old name",
        "event_types": ["message.sent"],
    })  # fmt: skip
    sent = {"from": "+14155550100", "to": "+14155550188", "statuses": ["sent"]}
    message = shop.api("POST", f"/v1/connections/{simulator}/simulate", sent)["message"]
    page = panel.go(f"/messages/{message}")
    own = page.locator(".out-name", has_text=re.compile("name|deleted"))
    expect(own).to_have_text("Old name")
    shop.api("PATCH", f"/v1/endpoints/{made['id']}", {"description": "New name"})
    renamed = "() => import('/panel/parts/names.js').then(its => its.renamed())"
    page.evaluate(renamed)
    expect(own).to_have_text("New name")
    shop.api("DELETE", f"/v1/endpoints/{made['id']}")
    page.evaluate(renamed)
    expect(own).to_have_text("deleted endpoint")
