"""Developers and the catalogue in a real browser: keys, types, tests, types of one's own."""

import json

import httpx
from playwright.sync_api import expect

from tests.up.installation import Installation

from .browser import Panel

SCHEMA = {
    "type": "object", "properties": {"total": {"type": "integer", "minimum": 0}},
    "required": ["total"],
}  # fmt: skip


def asked(shop: Installation, key: str, path: str) -> int:
    """Return how a key is answered."""
    url = f"http://127.0.0.1:{shop.port}{path}"
    return httpx.get(url, headers={"authorization": f"Bearer {key}"}).status_code


def test_a_key_is_made_with_scopes_shown_once_and_revoked(panel: Panel, shop: Installation) -> None:
    """The dialog gives what was chosen and no more; the key is shown once; revoking it asks."""
    page = panel.go("/developers")
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Order system")
    dialog.get_by_label("It ends").select_option("90")
    dialog.get_by_label("Only what you choose").check()
    dialog.get_by_role("checkbox", name="events:read").check()
    dialog.get_by_role("button", name="Make the key").click()
    expect(dialog).to_contain_text("“Order system” is made")
    line = dialog.get_by_text("export RINGBACK_API_KEY=").inner_text()
    key = line.partition("RINGBACK_API_KEY=")[2].strip()
    assert (200, 403) == (asked(shop, key, "/v1/events"), asked(shop, key, "/v1/messages"))
    dialog.get_by_role("button", name="I have kept it").click()
    row = page.locator(".seen .row").first
    expect(row).to_contain_text("Order system")
    expect(row).to_contain_text("events:read")
    assert key not in page.content()
    row.get_by_role("button", name="Revoke Order system").click()
    expect(page.get_by_role("dialog")).to_contain_text("refused from now on")
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
    assert 401 == asked(shop, key, "/v1/events")


def test_a_type_has_its_fields_beside_an_example_and_is_tried(panel: Panel) -> None:
    """Fields are told in words, the schema is there as JSON; a test is sent and answered."""
    page = panel.go("/developers/catalogue")
    page.get_by_label("Find a type").fill("machine_det")
    page.get_by_role("navigation", name="Event types").get_by_role("link").click()
    page.wait_for_url("**/catalogue/call.machine_detected**")
    panel.settle()
    fields = page.get_by_role("group", name="Fields")
    expect(fields).to_contain_text("The same on every attempt")
    expect(page.get_by_role("group", name="Example")).to_contain_text('"call.machine_detected"')
    page.get_by_role("button", name="as JSON").click()
    expect(page.get_by_role("group", name="Schema")).to_contain_text("2020-12/schema")
    page.get_by_role("button", name="Send a test").click()
    dialog = page.get_by_role("dialog")
    inspector = dialog.get_by_role("option", name="inspector").first.get_attribute("value")
    dialog.get_by_label("To").select_option(inspector)
    dialog.get_by_role("button", name="Send", exact=True).click()
    expect(dialog.get_by_role("status")).to_contain_text("Delivered")
    dialog.get_by_role("link").click()
    page.wait_for_url("**/deliveries/dlv_**")


def test_a_type_of_ones_own_is_described_and_forgotten(panel: Panel, shop: Installation) -> None:
    """What does not fit is told at its place; what is saved is in the catalogue until forgotten."""
    page = panel.go("/developers/catalogue")
    page.get_by_role("button", name="Describe a type").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("parcel.shelved")
    dialog.get_by_label("What it means").fill("A parcel lies on its shelf.")
    dialog.get_by_label("JSON Schema of data").fill("{")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("This is not JSON")
    dialog.get_by_label("JSON Schema of data").fill(json.dumps(SCHEMA))
    dialog.get_by_label("Example of data").fill('{"total": -1}')
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("/example/total")).to_be_visible()
    dialog.get_by_label("Example of data").fill('{"total": 3}')
    dialog.get_by_role("button", name="Save").click()
    page.wait_for_url("**/catalogue/parcel.shelved**")
    expect(page.get_by_role("heading", name="parcel.shelved")).to_be_visible()
    expect(page.get_by_role("group", name="Fields")).to_contain_text("total integer")
    assert SCHEMA == shop.api("GET", "/v1/event-types/parcel.shelved")["schema"]
    page.get_by_role("button", name="Change").click()
    page.get_by_role("menuitem", name="Forget it").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget it").click()
    page.wait_for_url(lambda url: url.split("?")[0].endswith("/catalogue"))
    names = [one["name"] for one in shop.api("GET", "/v1/event-types")["data"]]
    assert "parcel.shelved" not in names
