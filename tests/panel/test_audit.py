"""The audit log in a real browser: who did what, in words, and what else was done."""

from playwright.sync_api import expect

from tests.up.installation import Installation

from .browser import Panel


def test_what_was_done_is_told_in_words(panel: Panel, shop: Installation) -> None:
    """An entry says who did what to what; filters narrow and lead to the rest."""
    made = shop.api("POST", "/v1/api-keys", {"name": "Night watch"})
    shop.api("DELETE", f"/v1/api-keys/{made['id']}")
    page = panel.go("/audit?action=api_key.revoked")
    row = page.locator(".seen .row").first
    expect(row).to_contain_text("key “first start”")
    expect(row).to_contain_text("revoked an API key")
    expect(row).to_contain_text("name: Night watch")
    row.get_by_role("button", name="More about").click()
    expect(page.get_by_role("dialog")).to_contain_text(made["id"])
    page.get_by_role("link", name="Everything done to it").click()
    page.wait_for_url(f"**object={made['id']}**")
    panel.settle()
    expect(page.locator(".seen .row")).to_have_count(2)
    expect(page.locator(".seen .row").last).to_contain_text("made an API key")
    page.get_by_role("button", name="of one object").click()
    expect(page.locator(".seen .row").nth(2)).to_be_visible()
    assert "object=" not in page.url


def test_signing_in_is_in_it(panel: Panel) -> None:
    """Who signed in, how and from where."""
    page = panel.go("/audit?action=person.signed_in")
    row = page.locator(".seen .row").first
    expect(row).to_contain_text("signed in")
    expect(row).to_contain_text("address: 127.0.0.1")
