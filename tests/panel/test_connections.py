"""Connections in the panel: adding one, hearing from it, playing its provider; the inspector."""

import json
import re
from urllib.request import Request, urlopen

from playwright.sync_api import Route, expect

from tests.up.installation import Installation, until

from .browser import Panel


def made(shop: Installation, provider: str, config: dict[str, object]) -> str:
    """Make a connection and return its id."""
    body = {"provider": provider, "name": f"Panel {provider}", "config": config}
    found: str = shop.api("POST", "/v1/connections", body)["id"]
    return found


def test_adding_one_shows_what_the_provider_has_to_know_once(
    panel: Panel, shop: Installation
) -> None:
    """Its URL, what was chosen for the provider, and that nobody outside can reach this machine."""
    page = panel.go("/connections/new")
    page.click("button:has-text('WhatsApp Cloud API')")
    page.fill(".field:has-text('Name') input >> nth=0", "Panel WhatsApp")
    page.fill(".field:has-text('App secret') input", "0f9c1d84a7b34e60")
    page.click("text=Make one up")
    page.click("text=Create the connection")
    expect(page.locator("h1")).to_have_text("Panel WhatsApp")
    expect(page.locator(".waiting")).to_contain_text("Listening for the first callback")
    expect(page.locator(".banner.warn")).to_contain_text("No provider can reach this address")
    page.click(".banner >> button:text-is('Show')")
    token = page.inner_text(".banner .secret code")
    assert re.fullmatch("[0-9a-f]{32}", token)
    one = shop.api("GET", f"/v1/connections/{page.url.partition('?')[0].rpartition('/')[2]}")
    assert f"…{token[-4:]}" == one["config"]["verify_token"]
    expect(page.locator(".command").first).to_contain_text(one["callback_url"])
    page.reload()
    page.wait_for_selector(".reports")
    assert token not in page.content()
    assert "0f9c1d84a7b34e60" not in page.content()
    page.click("text=Delete")
    page.click("dialog footer >> text=Delete")
    page.wait_for_selector("h1:text-is('Connections')")


def test_a_url_with_its_proof_is_shown_once(panel: Panel, shop: Installation) -> None:
    """What is left out is made up; the URL to enter ends with it, and is not shown again."""
    page = panel.go("/connections/new?provider=pswin")
    page.click("text=Create the connection")
    expect(page.locator(".waiting")).to_contain_text("Listening for the first callback")
    page.click(".banner >> button:text-is('Show')")
    url = page.inner_text(".banner .secret code")
    one = shop.api("GET", f"/v1/connections/{page.url.partition('?')[0].rpartition('/')[2]}")
    assert re.fullmatch(re.escape(one["callback_url"]) + r"\?callback_proof=[0-9a-f]{32}", url)
    page.reload()
    expect(page.locator(".command").first).to_contain_text(one["callback_url"])
    assert "callback_proof=" + url[-32:] not in page.content()


def test_processing_is_paused_and_goes_on(panel: Panel, shop: Installation) -> None:
    """It says why and how much is held; what was held is read, and the last callbacks say so."""
    one = made(shop, "simulator", {"secret": "not-a-real-secret-paused"})
    page = panel.go(f"/connections/{one}?tab=settings")
    page.click(".pausing:has-text('Processing') button")
    expect(page.locator("dialog")).to_contain_text("no event follows")
    page.fill("dialog input", "The shop is being moved.")
    page.click("dialog footer >> text=Pause the processing")
    expect(page.locator(".pauses")).to_contain_text("The shop is being moved.")
    expect(page.locator(".title .tone")).to_have_text("Paused")
    body = {"to": "+15550107711", "from": "+15550100", "statuses": ["sent"], "delay_ms": 0}
    shop.api("POST", f"/v1/connections/{one}/simulate", body)
    expect(page.locator(".pauses")).to_contain_text("1 callback is held")
    page.click("[role=tab]:text-is('Overview')")
    expect(page.locator(".verdicts li").first).to_contain_text("Held")
    page.click(".pauses >> text=Let it go on")
    expect(page.locator(".pauses")).to_have_count(0)
    path = f"/v1/callbacks?connection={one}"
    until(lambda: shop.api("GET", path)["data"][0]["outcome"] == "accepted")


def test_codes_in_no_table_are_shown(panel: Panel, shop: Installation) -> None:
    """With how many messages failed so, and a link to the last of them."""
    one = made(shop, "twilio", {"auth_token": "not-a-real-auth-token-for-panel0"})
    body = {"to": "+15550107712", "from": "+15550100", "statuses": ["failed"], "delay_ms": 0}
    shop.api("POST", f"/v1/connections/{one}/simulate", {**body, "error_code": "39999"})
    until(lambda: shop.api("GET", f"/v1/connections/{one}/stats")["unknown_codes"]["codes"])
    page = panel.go(f"/connections/{one}")
    facts = page.locator(".facts > div:has-text('39999')")
    expect(facts).to_contain_text("1 message")
    facts.locator("a").click()
    page.wait_for_url("**/messages/msg_*")


def test_no_mapping_is_tried_on_what_is_unproved(panel: Panel, shop: Installation) -> None:
    """A callback in quarantine leads to the settings of its connection, and not to its mapping."""
    verify = {"scheme": "hmac", "secret": "not-a-real-secret-0", "header": "X-Sig"}
    one = made(shop, "generic", {"verify": verify})
    shop.api("PATCH", f"/v1/connections/{one}", {"on_bad_signature": "quarantine"})
    url = shop.api("GET", f"/v1/connections/{one}")["callback_url"]
    urlopen(Request(url, b"{}", {"content-type": "application/json"})).close()
    until(lambda: shop.api("GET", f"/v1/callbacks?connection={one}")["data"])
    (callback,) = shop.api("GET", f"/v1/callbacks?connection={one}")["data"]
    page = panel.go(f"/callbacks/{callback['id']}")
    expect(page.locator("text=Settings of its connection")).to_be_visible()
    expect(page.locator("text=Try a mapping on it")).to_have_count(0)


def test_what_is_wrong_is_said_at_its_field(panel: Panel) -> None:
    """One of several shapes is chosen; what the API refuses stands beside the field it is about."""
    page = panel.go("/connections/new?provider=generic")
    page.select_option(".shape select >> nth=0", "basic")
    page.fill(".field:has-text('Username') input", "with:colon")
    page.fill(".field:has-text('Password') input", "geheim")
    page.click("text=Create the connection")
    expect(page.locator(".field.wrong")).to_contain_text("Username")


def test_a_double_click_simulates_once(panel: Panel, shop: Installation) -> None:
    """While it is being asked for, the button is still."""
    one = made(shop, "bandwidth", {"username": "ringback", "password": "geheim"})
    sent: list[str] = []

    def answer(route: Route) -> None:
        sent.append(route.request.url)
        expect(go).to_be_disabled()
        route.fulfill(json={"provider_message_id": "1", "message": None})

    page = panel.go(f"/connections/{one}?tab=simulate")
    go = page.locator("form button:text-is('Simulate')")
    page.route("**/simulate", answer)
    go.dblclick()
    expect(page.locator("form .banner")).to_be_visible()
    assert 1 == len(sent)


def test_simulating_leads_to_the_message(panel: Panel, shop: Installation) -> None:
    """Statuses that the provider has are played; what came of them is a click away, and heard."""
    one = made(shop, "bandwidth", {"username": "ringback", "password": "geheim"})
    page = panel.go(f"/connections/{one}")
    expect(page.locator(".title .tone")).to_have_text("Waiting")
    page.click("[role=tab]:text-is('Simulate')")
    page.check("label:has-text('Read')")
    page.fill(".field:has-text('Milliseconds') input", "0")
    page.click("form button:text-is('Simulate')")
    page.click("text=Open the message")
    page.wait_for_url("**/messages/msg_*")
    page = panel.go(f"/connections/{one}")
    expect(page.locator(".waiting")).to_contain_text("Accepted")
    page = panel.go(f"/connections/{one}?tab=simulate")
    page.click("text=How far the network is from perfect")
    page.check("text=badly signed")
    page.click("form button:text-is('Simulate')")
    page.click("[role=tab]:text-is('Callbacks')")
    expect(page.locator(".seen .row").first).to_contain_text("Rejected")


def test_a_provider_is_told_where_to_post(panel: Panel, shop: Installation) -> None:
    """Looking changes nothing; then each event says what became of it. Others have no button."""
    config: dict[str, object] = {
        "callback_secret": "not-a-real-callback-secret", "auth_code": "not-a-real-auth-code",
    }  # fmt: skip
    page = panel.go(f"/connections/{made(shop, 'textellent', config)}")
    page.click("button:text-is('Only look')")
    expect(page.locator("p[role=status]")).to_contain_text("nothing was changed yet")
    page.click("button:text-is('Subscribe')")
    expect(page.locator("p[role=status]")).to_contain_text("posts here now")
    card = page.locator(".card:has(button:text-is('Only look'))")
    expect(card).to_contain_text("INCOMING_MESSAGE")
    expect(card).to_contain_text("added")
    assert "not-a-real-callback-secret" not in page.content()
    page = panel.go(f"/connections/{made(shop, 'bandwidth', {'username': 'r', 'password': 'g'})}")
    page.wait_for_selector(".reports")
    expect(page.locator("button:text-is('Only look')")).to_have_count(0)


def test_the_inspector_shows_what_came_and_whether_it_was_signed(
    panel: Panel, shop: Installation
) -> None:
    """A request appears by itself, with the verdict on its signature; then it is forgotten."""
    url = f"http://127.0.0.1:{shop.port}/inspect/panel-inspector"
    page = panel.go("/inspector?name=panel-inspector")
    expect(page.locator(".none-yet")).to_contain_text(url)
    end = shop.api("POST", "/v1/endpoints", {"url": url, "event_types": ["message.*"]})["id"]
    page = panel.go("/inspector?name=panel-inspector")
    sent = shop.api("POST", f"/v1/endpoints/{end}/test", {"event_type": "message.failed"})
    expect(page.locator(".inspected tbody tr")).to_contain_text("message.failed")
    request = page.locator(".inspect .card").nth(1)
    expect(request).to_contain_text("Verified by the secret")
    expect(request).to_contain_text(sent["id"])
    page.click("text=Clear")
    page.click("dialog footer >> text=Clear")
    expect(page.locator(".none-yet")).to_contain_text(url)
    page = panel.go("/inspector", mode="live")
    page.click("text=Go to test mode")
    page.wait_for_selector(".inspect-name")


def test_a_provider_says_what_it_can_do_and_what_to_enter(panel: Panel, shop: Installation) -> None:
    """Reports, what people send, codes that opt out, and its own instructions with their marks."""
    one = made(shop, "twilio", {"auth_token": "not-a-real-auth-token-for-panel0"})
    page = panel.go(f"/connections/{one}")
    expect(page.locator(".reports .yes").first).to_contain_text("Submitted")
    expect(page.locator(".reports >> text=Opt-outs, by their codes")).to_be_visible()
    expect(page.locator(".prose ol li").first).to_contain_text("Copy the primary Auth Token")
    expect(page.locator(".prose ol li b").first).to_have_text("primary")
    page.click("summary:has-text('codes of failures')")
    page.click("summary:has-text('All of them')")
    expect(page.locator(".facts:has-text('21610')").first).to_contain_text("opts out")


def test_a_refusal_is_played_with_the_providers_code(panel: Panel, shop: Installation) -> None:
    """The faked send API says no with the code that was chosen, and the message says why."""
    one = made(shop, "twilio", {"auth_token": "not-a-real-auth-token-for-panel0"})
    page = panel.go(f"/connections/{one}?tab=simulate")
    page.fill(".field:has-text('To') input >> nth=0", "+15550107777")
    page.select_option(".field:has-text('What the provider answers') select", "refused")
    page.select_option(".field:has-text('Code of the failure') select", "21610")
    page.click("form >> button:text-is('Simulate')")
    expect(page.locator(".banner[role=status]")).to_contain_text("The provider refused it.")
    page.click("text=Open the message")
    expect(page.locator("text=21610").first).to_be_visible()


def test_a_picture_that_came_with_a_message_is_opened(panel: Panel, shop: Installation) -> None:
    """Its link is asked for when somebody wants to see it, and leads to the file."""
    one = made(shop, "bandwidth", {"username": "ringback", "password": "geheim"})
    body = {
        "from": "+15550107788", "to": "+15550100", "statuses": ["received"], "channel": "mms",
        "text": "Like this one?", "media": [{}],
    }  # fmt: skip
    shop.api("POST", f"/v1/connections/{one}/simulate", body)
    path = f"/v1/messages?connection={one}&direction=inbound"
    until(lambda: bool(shop.api("GET", path)["data"]))
    (message,) = shop.api("GET", path)["data"]
    file = message["content"]["media"][0]["file"]
    until(lambda: shop.api("GET", f"/v1/media/{file}")["state"] == "kept")
    page = panel.go(f"/messages/{message['id']}")
    with page.expect_popup() as opened:
        page.click(".files button")
    opened.value.wait_for_load_state()
    assert opened.value.url.startswith(f"http://127.0.0.1:{shop.port}/media/{file}.")


def test_credentials_are_tried_from_the_panel(panel: Panel, shop: Installation) -> None:
    """Without any, that is what it says; the question changes nothing."""
    one = made(shop, "twilio", {"auth_token": "not-a-real-auth-token-for-panel0"})
    page = panel.go(f"/connections/{one}")
    page.click("button:text-is('Try them')")
    expect(page.locator("p[role=status]")).to_contain_text("has no credentials to send with")


def test_settings_are_changed_and_what_is_wrong_stands_at_its_field(
    panel: Panel, shop: Installation
) -> None:
    """Where it is reached and what is refused; a URL that cannot be is told beside its field."""
    one = made(shop, "twilio", {"auth_token": "not-a-real-auth-token-for-panel0"})
    page = panel.go(f"/connections/{one}?tab=settings")
    page.fill(".field:has-text('Public URL') input", "https://hooks.example.com/?a=b")
    page.select_option(".field:has-text('does not fit') select", "quarantine")
    page.click("button:text-is('Save')")
    expect(page.locator(".field.wrong")).to_contain_text("without a query")
    page.fill(".field:has-text('Public URL') input", "https://hooks.example.com")
    page.click("button:text-is('Save')")
    expect(page.locator("button:text-is('Save')")).to_be_disabled()
    expect(page.locator(".field.wrong")).to_have_count(0)
    now = shop.api("GET", f"/v1/connections/{one}")
    assert ("https://hooks.example.com", "quarantine") == (
        now["public_url"], now["on_bad_signature"],
    )  # fmt: skip


def test_secrets_are_changed_with_an_overlap_that_can_be_ended(
    panel: Panel, shop: Installation
) -> None:
    """Only secrets are asked for; the old one counts until it is ended, in a nested config too."""
    secret = {"scheme": "hmac", "secret": "not-a-real-secret-0", "header": "X-Sig", "prefix": "v1="}
    one = made(shop, "generic", {"verify": secret})
    page = panel.go(f"/connections/{one}?tab=settings")
    expect(page.locator("form").nth(1).locator(".field")).to_have_count(2)
    page.fill(".field:has-text('Secret') input", "not-a-real-secret-1")
    page.fill(".field:has-text('Overlap') input", "2")
    page.click("button:text-is('Change the secrets')")
    expect(page.locator(".overlap")).to_contain_text("No callback has needed them")
    now = shop.api("GET", f"/v1/connections/{one}")["config"]["verify"]
    assert ("…et-1", "v1=") == (now["secret"], now["prefix"])
    page.click("button:text-is('End it now')")
    page.click("dialog footer >> text=End it now")
    expect(page.locator(".overlap")).to_have_count(0)
    assert None is shop.api("GET", f"/v1/connections/{one}")["overlap"]


def test_a_mapping_is_tried_on_what_came_and_saved(panel: Panel, shop: Installation) -> None:
    """From a callback to its mapping: what it becomes, why another reads nothing, and saving."""
    one = made(shop, "generic", {"verify": {"scheme": "url_token"}})
    url = shop.api("GET", f"/v1/connections/{one}")["callback_url"]
    body = json.dumps({"id": "7", "state": "ok", "to": "+15550107799"}).encode()
    urlopen(Request(url, body, {"content-type": "application/json"})).close()
    until(lambda: shop.api("GET", f"/v1/callbacks?connection={one}")["data"])
    (callback,) = shop.api("GET", f"/v1/callbacks?connection={one}")["data"]
    page = panel.go(f"/callbacks/{callback['id']}")
    page.click("text=Try a mapping on it")
    rule = {"item": "report", "fields": {"message_id": "/no", "status": "/state", "to": "/to"}}
    page.fill("textarea", json.dumps({"rules": [{**rule, "statuses": {"ok": "delivered"}}]}))
    page.click("text=Try it on this callback")
    expect(page.locator(".tried")).to_contain_text("Not read")
    page.click("button:text-is('Save')")
    expect(page.locator("button:text-is('Save it all the same')")).to_be_visible()
    page.fill("textarea", page.input_value("textarea").replace("/no", "/id"))
    page.click("text=Try it on the last callbacks")
    expect(page.locator(".tried .said")).to_contain_text("message.delivered")
    page.click("button:text-is('Save')")
    expect(page.locator("text=Callbacks are read by it from now on")).to_be_visible()
    (now,) = shop.api("GET", f"/v1/connections/{one}")["config"]["mapping"]["rules"]
    assert "/id" == now["fields"]["message_id"]


def test_a_quarantined_callback_is_read_again_once_it_fits(
    panel: Panel, shop: Installation
) -> None:
    """It says that it is held back, why, and where to mend it; then it can be read."""
    one = made(shop, "simulator", {"secret": "not-a-real-secret-before"})
    shop.api("PATCH", f"/v1/connections/{one}", {"on_bad_signature": "quarantine"})
    url = shop.api("GET", f"/v1/connections/{one}")["callback_url"]
    urlopen(Request(url, b"{}", {"content-type": "application/json"})).close()
    until(lambda: shop.api("GET", f"/v1/callbacks?connection={one}")["data"])
    (callback,) = shop.api("GET", f"/v1/callbacks?connection={one}")["data"]
    page = panel.go(f"/callbacks/{callback['id']}")
    expect(page.locator("h1")).to_contain_text("is held back")
    expect(page.locator(".reason-more")).to_contain_text("Checked")
    expect(page.locator("text=Settings of its connection")).to_be_visible()
    expect(page.locator(".read-again button")).to_be_enabled()


def test_a_sample_is_looked_at_played_and_leads_to_its_callback(
    panel: Panel, shop: Installation
) -> None:
    """Found by its words, shown raw before; posted twice, the second callback is a duplicate."""
    one = made(shop, "twilio", {"auth_token": "not-a-real-auth-token-for-panel1"})
    page = panel.go(f"/connections/{one}?tab=simulate")
    page.check("label:has-text('a sample')")
    expect(page.locator(".tree summary").first).to_contain_text("Statuses of messages")
    page.fill("input[type=search]", "no such words")
    page.click(".state.no-match >> button")
    page.fill("input[type=search]", "link clicked form")
    expect(page.locator(".tree li")).to_have_count(1)
    page.click(".tree a:has-text('Click callback form')")
    expect(page.locator(".catalogue h2")).to_have_text("Click callback form")
    expect(page.locator(".catalogue .facts")).to_contain_text("link.clicked")
    assert "event_type=click" in page.inner_text(".catalogue .code >> nth=1")
    assert [] == shop.api("GET", f"/v1/callbacks?connection={one}")["data"]
    page.check("label:has-text('post it twice')")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".came .banner")).to_have_count(2)
    expect(page.locator(".came .banner >> nth=1")).to_contain_text("Duplicate")
    page.click("text=Open callback 1")
    page.wait_for_url("**/callbacks/cbk_*")
    page.go_back()
    expect(page.locator(".catalogue h2")).to_have_text("Click callback form")
    page.route("**/samples", lambda route: route.fulfill(status=503, json={"title": "Busy"}))
    page.reload()
    expect(page.locator(".state.failed")).to_be_visible()
    page.unroute("**/samples")
    # What the browser says of the failure that was asked for.
    panel.complaints.clear()
    page.click(".state.failed >> button")
    expect(page.locator(".catalogue h2")).to_have_text("Click callback form")
