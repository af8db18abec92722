"""Endpoints in the panel: adding one, trying it, changing it, and receivers to copy that work."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.up.installation import ENDS_WITH_US, Installation, free_port, until

from .browser import Panel

RUN = {
    "python": [sys.executable, "{file}"],
    "javascript": ["node", "{file}"],
    "php": ["php", "-S", "127.0.0.1:{port}", "{file}"],
}
SUFFIX = {"python": "py", "javascript": "mjs", "php": "php"}


def made(shop: Installation, **fields: object) -> str:
    """Make an endpoint for some types of message and return its id."""
    found: str = shop.api("POST", "/v1/endpoints", {"event_types": ["message.*"], **fields})["id"]
    return found


def inspector(shop: Installation, name: str) -> str:
    """Return a URL at which the inspector receives."""
    return f"http://127.0.0.1:{shop.port}/inspect/{name}"


def test_adding_one_leads_from_its_url_to_a_verified_test(panel: Panel, shop: Installation) -> None:
    """URL, events, test, live: where one is stands in the URL, and the secret never does."""
    page = panel.go("/endpoints")
    page.click("text=Add an endpoint")
    page.fill("input[type=url]", inspector(shop, "panel-new"))
    page.fill("form input[type=text]", "Billing")
    page.click("text=Next")
    page.uncheck(".family:has-text('message.*') .head input")
    page.click(".family:has-text('contact.*') .fold")
    page.check("li:has-text('contact.opted_out') input")
    assert "types=contact.opted_out" in page.url
    page.reload()
    expect(page.locator("li:has-text('contact.opted_out') input")).to_be_checked()
    page.click("text=Create the endpoint")
    page.click("button:text-is('Show')")
    expect(page.locator(".secret-once code")).to_contain_text("whsec_")
    secret = page.inner_text(".secret-once code")
    page.click("text=Send it")
    expect(page.locator(".came")).to_contain_text("200")
    expect(page.locator(".result")).to_contain_text(f"Verified by the secret …{secret[-4:]}")
    assert secret not in page.url
    page.click("text=Go on")
    page.click("text=Open the endpoint")
    expect(page.locator("h1")).to_have_text("Billing")
    assert ["contact.opted_out"] == shop.api("GET", f"/v1/endpoints/{_id(page.url)}")["event_types"]


def _id(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def test_what_cannot_be_added_is_said_where_it_is_wrong(panel: Panel) -> None:
    """A live endpoint on this machine is refused: back at the URL, beside its field."""
    page = panel.go("/endpoints/new?url=http://127.0.0.1:9000/hooks&step=types", mode="live")
    page.click("text=Create the endpoint")
    expect(page.locator(".field.wrong")).to_contain_text("Plain http is refused")


def test_a_closed_port_is_opened_where_it_is_refused(panel: Panel) -> None:
    """The refusal of a live URL has the button that opens its port; the policy tab has the port."""
    page = panel.go("/endpoints/new?url=https://hooks.invalid:8443/x&step=types", mode="live")
    page.click("text=Create the endpoint")
    expect(page.locator(".field.wrong")).to_contain_text("Port 8443 is closed until it is allowed")
    page.click("button:has-text('Open it for this endpoint')")
    page.click("text=Create the endpoint")
    expect(page.locator("h2:has-text('Does it arrive?')")).to_be_visible()
    end = page.url.partition("id=")[2].partition("&")[0]
    page = panel.go(f"/endpoints/{end}?tab=policy", mode="live")
    ports = page.locator(".field:has-text('Ports opened for it') input")
    expect(ports).to_have_value("8443")
    ports.fill("8443, 9443")
    page.click("text=Save")
    expect(page.locator("text=Save >> nth=0")).to_be_disabled()
    page = panel.go(f"/endpoints/{end}?tab=policy", mode="live")
    expect(page.locator(".field:has-text('Ports opened for it') input")).to_have_value("8443, 9443")
    page.click("text=More")
    page.click("[role=menuitem] >> text=Delete")
    page.click("dialog footer >> text=Delete")
    page.wait_for_selector("h1:text-is('Endpoints')")


def test_a_test_with_data_of_ones_own_that_is_refused(panel: Panel, shop: Installation) -> None:
    """What was edited is sent; what the endpoint answered and what that means stands beside it."""
    end = made(shop, url=inspector(shop, "panel-no") + "?status=503")
    page = panel.go(f"/endpoints/{end}")
    page.keyboard.press("t")
    area = page.locator("textarea")
    expect(area).to_have_value(re.compile(r'"sequence": \d'))
    area.fill("{")
    expect(page.locator("text=Send it")).to_be_disabled()
    area.fill('{"order": "48213"}')
    page.click("text=Send it")
    expect(page.locator(".came")).to_contain_text("503")
    expect(page.locator(".result")).to_contain_text('"order": "48213"')
    expect(page.locator(".result")).to_contain_text("Verified")
    page.goto(page.url.replace("tab=test", "tab=deliveries"))
    expect(page.locator(".seen .row")).to_have_count(1)


def test_everything_of_it_can_be_changed(panel: Panel, shop: Installation) -> None:
    """Events, schedule, limits, header fields, secret: what is saved is what the API then has."""
    end = made(shop, url=inspector(shop, "panel-change"), description="Changing")
    page = panel.go(f"/endpoints/{end}?tab=filter")
    expect(page.locator(".matches")).to_contain_text("of the last")
    page.click(".family:has-text('call.*') .fold")
    page.check("li:has-text('call.failed') input")
    page.click("text=Save")
    expect(page.locator(".notice")).to_contain_text("Saved")
    page = panel.go(f"/endpoints/{end}?tab=policy")
    expect(page.locator(".schedule li")).to_have_count(10)
    page.fill(".field:has-text('Waits between') textarea", "10 s, 5 min, soon")
    expect(page.locator("text=Save")).to_be_disabled()
    page.fill(".field:has-text('Waits between') textarea", "10 s, 5 min")
    expect(page.locator(".schedule li")).to_have_count(3)
    page.fill(".field:has-text('Timeout') input", "99")
    page.click("text=Save")
    expect(page.locator(".field.wrong")).to_contain_text("1 to 30")
    page.fill(".field:has-text('Timeout') input", "5")
    page.check("text=422")
    page.click("text=Save")
    expect(page.locator("text=Save >> nth=0")).to_be_disabled()
    page = panel.go(f"/endpoints/{end}?tab=security")
    page.click("text=Change them")
    page.fill(".pair >> nth=0 >> input >> nth=0", "authorization")
    page.fill(".pair >> nth=0 >> input >> nth=1", "Bearer abcdefghijklmnop")
    page.click("dialog footer >> text=Save")
    expect(page.locator(".headers")).to_contain_text("…mnop")
    page.click("text=Change it")
    page.click("dialog footer >> text=Change it")
    expect(page.locator(".secrets li")).to_have_count(2)
    found = shop.api("GET", f"/v1/endpoints/{end}")
    delivery = found["delivery"]
    assert ["message.*", "call.failed"] == found["event_types"]
    assert ([10, 300], 5, [422]) == (
        delivery["retry_schedule_s"], delivery["timeout_s"], delivery["give_up_on"],
    )  # fmt: skip
    assert {"authorization": "…mnop"} == found["headers"]


def test_it_is_disabled_and_deleted_only_when_confirmed(panel: Panel, shop: Installation) -> None:
    """Both ask first; a disabled one says so and is enabled by a click; a deleted one is gone."""
    end = made(shop, url=inspector(shop, "panel-end"), description="Going")
    page = panel.go(f"/endpoints/{end}")
    expect(page.locator(".banner")).to_contain_text("seven days after its last change")
    page.click("text=More")
    page.click("[role=menuitem] >> text=Disable")
    assert shop.api("GET", f"/v1/endpoints/{end}")["enabled"]
    page.click("dialog footer >> text=Disable")
    page.click(".banner >> text=Enable")
    expect(page.locator(".title .tone")).not_to_have_text("Disabled")
    page.click("text=More")
    page.click("[role=menuitem] >> text=Delete")
    page.click("dialog footer >> text=Delete")
    page.wait_for_selector("h1:text-is('Endpoints')")
    page.wait_for_selector(".row")
    assert 0 == page.locator("text=Going").count()


@pytest.mark.parametrize(
    ("language", "how"),
    [("python", "library"), ("python", "hand"), ("javascript", "hand"), ("php", "hand")],
)
def test_receivers_to_copy_take_a_real_delivery(
    panel: Panel, shop: Installation, tmp_path: Path, language: str, how: str
) -> None:
    """What the page offers is run as it stands: it takes what is ours, and nothing else."""
    command = RUN[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    end = made(shop, url=url, uid=f"receiver-{language}-{how}")
    name = f"RECEIVER_{language}_{how}_WEBHOOK_SECRET".upper()
    secret = shop.api("GET", f"/v1/endpoints/{end}/secret")["secret"]
    page = panel.go(f"/endpoints/{end}?tab=code&language={language}&how={how}")
    file = tmp_path / f"receiver.{SUFFIX[language]}"
    file.write_text(page.inner_text(".receivers .code code"), encoding="utf-8")
    page.goto(page.url.replace(f"language={language}&how={how}", "language=curl"))
    forge = page.inner_text(".receivers .code code")
    words = [word.format(file=file, port=port) for word in command]
    running = subprocess.Popen(
        [*ENDS_WITH_US, *words],
        env={**os.environ, name: secret, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _posted(forge, url, {name: secret}) == "204")
        assert "401" == _posted(forge, url, {name: "whsec_" + "A" * 32})
        sent = shop.api("POST", f"/v1/endpoints/{end}/test", {})
        until(lambda: _status(shop, sent["delivery"]) == "delivered")
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait()


def _status(shop: Installation, delivery: str) -> str:
    found: str = shop.api("GET", f"/v1/deliveries/{delivery}")["status"]
    return found


def _posted(forge: str, url: str, variables: dict[str, str]) -> str:
    """Play the sender with the page's own curl; return the status it was answered with."""
    done = subprocess.run(
        ["bash", "-c", forge], env={**os.environ, **variables, "RECEIVER_URL": url},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    return done.stdout.split()[-1] if done.stdout.split() else ""
