"""The shell in a real browser: signing in, finding, keys, modes, and lists that stay quick."""

from playwright.sync_api import Browser, StorageState, expect

from tests.up.installation import Installation, until

from .browser import LINK, Panel


def test_the_printed_link_signs_in_once(
    browser: Browser, shop: Installation, signed_in: StorageState
) -> None:
    """A second use of the link is refused with a way on; without a session there is a form."""
    assert signed_in["cookies"]
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{shop.port}/panel/messages")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(page.get_by_label("Password")).to_be_visible()
        page.goto(LINK.findall(shop.said)[-1])
        expect(page.get_by_text("This link does not work")).to_be_visible()
        page.get_by_role("button", name="Sign in with a password").click()
        expect(page.get_by_label("Password")).to_be_visible()
        assert "token" not in page.url
    finally:
        context.close()


def test_the_stream_goes_on_where_it_broke_off(panel: Panel, shop: Installation) -> None:
    """A worker that dies takes the stream with it; nothing that happened meanwhile is missing."""
    page = panel.go("/events?type=shop.resumed")
    live = page.locator("button.live")
    expect(live).to_contain_text("live")
    sent = [{"type": "shop.resumed", "data": {"n": n}} for n in range(3)]
    shop.api("POST", "/v1/events", sent[0])
    expect(page.locator(".seen .row")).to_have_count(1)
    for worker in shop.workers():
        worker.kill()
    expect(live).to_contain_text("reconnecting")
    until(lambda: shop.ask("GET", "/readyz").status == 200)
    for event in sent[1:]:
        shop.api("POST", "/v1/events", event)
    expect(page.locator(".seen .row")).to_have_count(len(sent))
    expect(live).to_contain_text("live")
    panel.complaints.clear()  # the browser notes the connections that broke


def test_lists_are_found_again_by_their_address(panel: Panel) -> None:
    """A filter becomes part of the address; back and forward go through what was shown."""
    page = panel.go("/messages")
    page.get_by_label("Status").select_option("failed")
    page.wait_for_url("**status=failed**")
    panel.settle()
    chips = page.locator(".seen .chip")
    expect(chips.first).to_have_text("Failed")
    assert {"Failed"} == set(chips.all_inner_texts())
    page.locator(".seen .row a").first.click()
    page.wait_for_url(lambda url: "/messages/msg_" in url)
    page.go_back()
    expect(page.get_by_label("Status")).to_have_value("failed")


def test_what_fits_nothing_is_told_from_what_is_empty(panel: Panel) -> None:
    """A filter that lets nothing through offers to be cleared; a mode without data says how."""
    page = panel.go("/messages?reference=nothing-has-this")
    expect(page.get_by_text("Nothing fits these filters")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(".seen .row").first).to_be_visible()
    page = panel.go("/messages", mode="live")
    expect(page.get_by_text("No messages yet")).to_be_visible()
    expect(page.get_by_text("ringback simulate delivered")).to_be_visible()


def test_the_palette_finds_what_is_pasted(panel: Panel, shop: Installation) -> None:
    """Ctrl-K, the last digits of a number, Enter: the message; a name of a screen goes there."""
    message = shop.api("GET", "/v1/messages?status=delivered&limit=1")["data"][0]
    page = panel.go("/messages")
    page.keyboard.press("Control+k")
    expect(page.locator(".palette input")).to_be_focused()
    page.keyboard.type(message["id"])
    expect(page.locator(".palette [role=option]").first).to_contain_text("message")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: message["id"] in url)
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url(lambda url: url.split("?")[0].endswith("/messages"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Pause what is live")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_rows_are_walked_with_keys(panel: Panel) -> None:
    """With j and k one chooses a row, Enter opens it."""
    page = panel.go("/messages")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".row.at")).to_have_attribute("aria-rowindex", "3")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/messages/msg_" in url)


def test_a_list_can_be_taken_to_the_shell(panel: Panel) -> None:
    """What is copied is the request that the list makes, and the command that does the same."""
    page = panel.go("/messages?status=failed")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for item, expected in (
        ("curl", "/v1/messages?status=failed'"),
        ("CLI command", "ringback messages list --status failed"),
    ):
        page.get_by_role("button", name="Copy as").click()
        page.get_by_role("menuitem", name=item).click()
        assert expected in page.evaluate("navigator.clipboard.readText()")


def test_a_chosen_theme_stays(panel: Panel) -> None:
    """Dark is dark at once and after a reload."""
    page = panel.go("/messages")
    page.keyboard.press("Control+k")
    expect(page.locator(".palette input")).to_be_focused()
    page.keyboard.type("Dark theme")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
