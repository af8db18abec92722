"""Webhook deliveries and attempts: why something failed is said, mended and sent once more."""

import json
import shutil
import subprocess
import time
from typing import Any, get_args

import pytest
from playwright.sync_api import Page, Route, expect

from ringback.transport.exchange import ErrorClass
from tests.up.installation import Installation, until

from .browser import Panel

JSON = "application/json"


def exhausted(shop: Installation, n: int = 0) -> Any:
    """Return a delivery that was given up after an answer."""
    found = shop.api("GET", "/v1/deliveries?status=exhausted&limit=100")["data"]
    return [one for one in found if one["last_attempt"]["status"] == 500][n]


def hint(page: Page, **attempt: Any) -> Any:
    """Return what the panel says of an attempt."""
    usual = {"error": None, "status": None, "response": None, "explanation": None, "allow": None}
    return page.evaluate(
        "one => import('/panel/parts/attempt.js').then(its => its.hintOf(one))",
        {**usual, "request": {"url": "https://old.example/hooks"}, **attempt},
    )


def test_a_failed_delivery_is_explained_and_replayed_in_three_clicks(
    panel: Panel, shop: Installation
) -> None:
    """From the list: what was given up, one of it with the reason and the fix, once more.

    Whose first attempt was by hand, and whose was the event's own, is told of each.
    """
    page = panel.go("/deliveries")
    page.get_by_role("tab", name="Exhausted").click()
    page.locator(".seen .row", has_text="500").first.click()
    expect(page.locator(".decided")).to_contain_text("500")
    expect(page.locator(".hint")).to_contain_text("The receiver failed")
    before = page.url
    page.get_by_role("button", name="Replay").click()
    page.wait_for_url(lambda url: url != before)
    made = page.url.rpartition("/")[2].partition("?")[0]
    until(lambda: shop.api("GET", f"/v1/deliveries/{made}")["history"])
    expect(page.locator(".attempts tbody tr").first).to_contain_text("500")
    page.locator(".attempts tbody tr").last.get_by_role("link", name="Open").click()
    about = page.locator("aside .facts")
    expect(about).to_contain_text("replay by hand")
    first = shop.api("GET", f"/v1/deliveries/{before.rpartition('/')[2].partition('?')[0]}")
    panel.go(f"/attempts/{first['history'][0]['id']}")
    expect(about).to_contain_text("the event itself")


def test_a_row_is_replayed_by_its_key(panel: Panel, shop: Installation) -> None:
    """`j` chooses the first row and `r` replays it; the list of everything then has one more."""
    page = panel.go("/deliveries?status=exhausted")
    row = page.locator(".seen .row").first
    row.wait_for()
    with page.expect_response(lambda one: one.url.endswith("/replay")) as sent:
        page.keyboard.press("j")
        page.keyboard.press("r")
    assert 202 == sent.value.status
    assert shop.api("GET", f"/v1/deliveries/{sent.value.json()['id']}")["id"]


def test_tabs_say_what_they_mean(panel: Panel) -> None:
    """Each tab is a status of the API, stands in the URL, and says what it is about."""
    page = panel.go("/deliveries")
    for name, status, words in (
        ("Scheduled", "scheduled", "Failing"),
        ("Exhausted", "exhausted", "Failed for good"),
        ("Cancelled", "cancelled", "Ended without being delivered"),
    ):
        page.get_by_role("tab", name=name).click()
        assert f"status={status}" in page.url
        expect(page.locator(".tab-lead")).to_contain_text(words)
        panel.settle()
        stands = page.locator(".seen .row").all_inner_texts()
        assert all(name in row for row in stands)


def test_an_attempt_shows_everything(panel: Panel, shop: Installation) -> None:
    """Request, answer, timings, the decision, what differs from the attempt before."""
    attempt = exhausted(shop)["last_attempt"]
    page = panel.go(f"/attempts/{attempt['id']}")
    expect(page.locator(".decided")).to_have_text(attempt["decision"])
    expect(page.locator(".exchange").first).to_contain_text("webhook-signature")
    expect(page.locator(".exchange").last).to_contain_text("500")
    expect(page.locator(".fall")).to_contain_text("first byte")
    expect(page.get_by_text(f"Compared with attempt {attempt['n'] - 1}")).to_be_visible()
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("h1")).to_contain_text(f"Attempt {attempt['n'] - 1}")


def test_the_box_says_which_secret_signed(panel: Panel, shop: Installation) -> None:
    """It is the endpoint's present secret; after a rotation with an overlap, an older one."""
    attempt = exhausted(shop, 1)["last_attempt"]
    page = panel.go(f"/attempts/{attempt['id']}")
    by = page.locator(".signature .facts")
    expect(by).to_contain_text("the endpoint's present secret")
    shop.api("POST", f"/v1/endpoints/{attempt['endpoint']}/rotate-secret", {"overlap_s": 3600})
    panel.go(f"/attempts/{attempt['id']}")
    expect(by).to_contain_text("an older secret of the endpoint")


def test_the_shell_snippet_verifies(panel: Panel, shop: Installation) -> None:
    """What the box says to a shell gives the very signature of the request."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    attempt = shop.api("GET", f"/v1/attempts/{exhausted(shop, 2)['last_attempt']['id']}")
    told = shop.api("GET", f"/v1/endpoints/{attempt['endpoint']}/secret")
    page = panel.go(f"/attempts/{attempt['id']}")
    page.get_by_role("button", name="Shell", exact=True).click()
    script = page.locator(".signature pre").last.inner_text()
    (shop.home / "body.json").write_text(attempt["request"]["body"]["text"], encoding="utf-8")
    given = dict(attempt["request"]["headers"])["webhook-signature"].split(" ")
    found = [
        subprocess.run(
            ["bash", "-e", "-c", script], cwd=shop.home, check=True, capture_output=True, text=True,
            env={"RINGBACK_WEBHOOK_SECRET": secret, "PATH": shop.variables["PATH"]},
        ).stdout.strip()
        for secret in (told["secret"], *(one["secret"] for one in told["retiring"]))
    ]  # fmt: skip
    assert set(given) & {f"v1,{one}" for one in found}


def test_every_error_has_a_fix(panel: Panel) -> None:
    """Each class of error, and each usual status, comes with what is wrong and what to do."""
    page = panel.go("/deliveries")
    other = hint(page, error="something new")["title"]
    for error in get_args(ErrorClass):
        assert other != hint(page, error=error)["title"], error
    for status in (302, 400, 401, 404, 410, 418, 429, 500, 503, 599):
        assert hint(page, status=status)["text"], status
    assert hint(page, status=204) is None
    expired = hint(page, error="tls", explanation="certificate verify failed: has expired")
    assert "The receiver's certificate has expired" == expired["title"]
    page_of_a_proxy = {"headers": [["Content-Type", "text/html; charset=utf-8"]]}
    assert "HTML page" in hint(page, status=502, response=page_of_a_proxy)["text"][1]


def test_a_redirect_is_followed_by_changing_the_endpoint(panel: Panel) -> None:
    """Where an endpoint has moved, the change that follows it is ready to be sent."""
    page = panel.go("/deliveries")
    moved = {"headers": [["location", "/v2/hooks"]]}
    said = hint(page, status=301, response=moved)
    assert {"url": "https://old.example/v2/hooks"} == said["change"]


def test_what_opens_a_refused_host_is_a_button(panel: Panel, shop: Installation) -> None:
    """With `guard_denied` the change to the endpoint is shown, asked about once, and sent."""
    attempt = shop.api("GET", f"/v1/attempts/{exhausted(shop)['last_attempt']['id']}")
    allow = {"delivery": {"allowed_hosts": ["hooks.intern.example"]}}
    refused = {**attempt, "error": "guard_denied", "status": None, "response": None, "allow": allow}
    sent = []

    def answer(route: Route) -> None:
        if route.request.method == "PATCH":
            sent.append(route.request.post_data_json)
        route.fulfill(json={} if route.request.method == "PATCH" else refused)

    panel.page.route("**/v1/attempts/att_*", answer)
    panel.page.route("**/v1/endpoints/end_*", answer)
    page = panel.go(f"/attempts/{attempt['id']}")
    expect(page.locator(".hint pre")).to_contain_text(json.dumps(allow, separators=(",", ":")))
    page.get_by_role("button", name="Open it for this endpoint").click()
    page.get_by_role("button", name="Change the endpoint").click()
    expect(page.locator(".notice")).to_contain_text("Replay what failed")
    assert [allow] == sent


def test_copied_as_curl_it_is_the_same_request(panel: Panel, shop: Installation) -> None:
    """The command sends the same method, headers and body."""
    attempt = shop.api("GET", f"/v1/attempts/{exhausted(shop)['last_attempt']['id']}")
    name = f"curl-{time.monotonic_ns()}"
    attempt["request"]["url"] = f"http://127.0.0.1:{shop.port}/inspect/{name}"
    attempt["request"]["body"]["text"] += "it's"
    panel.go("/deliveries")
    command = panel.page.evaluate(
        "one => import('/panel/screens/attempt.js').then(its => its.curlOf(one))", attempt
    )
    subprocess.run(["bash", "-e", "-c", command], check=True, capture_output=True)
    # The inspector answers first and writes then.
    (came,) = until(lambda: shop.api("GET", f"/v1/inspect/{name}")["data"])
    assert attempt["request"]["body"]["text"] == came["body"]["text"]
    headers = dict(came["headers"])
    for header, value in attempt["request"]["headers"]:
        assert value == headers[header]


def test_what_a_role_sees_masked_is_revealed(panel: Panel, shop: Installation) -> None:
    """Whose role sees masks, and may lift them, asks for one attempt; the API is told which."""
    attempt = shop.api("GET", f"/v1/attempts/{exhausted(shop)['last_attempt']['id']}")
    asked = []

    def masked(route: Route) -> None:
        session = route.fetch().json()
        route.fulfill(json={**session, "masked": True, "may_reveal": True})

    def reveal(route: Route) -> None:
        asked.append(route.request.post_data_json)
        route.fulfill(json={**attempt, "decision": "shown whole"})

    panel.page.route("**/v1/session", masked)
    panel.page.route("**/v1/reveal", reveal)
    page = panel.go(f"/attempts/{attempt['id']}")
    page.get_by_role("button", name="Reveal").click()
    expect(page.locator(".decided")).to_have_text("shown whole")
    expect(page.get_by_role("button", name="Reveal")).to_have_count(0)
    assert [{"object": attempt["id"]}] == asked
