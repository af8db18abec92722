"""A crowd in the panel: long lists stay quick, and no text from outside is ever run."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, StorageState, expect

from tests.up.installation import Installation, until

from .browser import Panel, panel_of
from .crowd import MESSAGES, ask, crowd
from .naughty_strings import SENTINEL, naughty

ROWS_MAX = 100
TASK_MAX_MS = 200
_TRIES = 3
pytestmark = pytest.mark.timeout(300)
# Scroll to the foot of the list until everything is loaded, as somebody with a wheel would.
_SCROLL = """async ([wanted, most]) => {
  const box = document.querySelector(".rows");
  const tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((one) => one.duration)))
    .observe({entryTypes: ["longtask"]});
  let rows = 0;
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  const until = performance.now() + 60000;
  while (performance.now() < until) {
    box.scrollTop = box.scrollHeight;
    await frame();
    rows = Math.max(rows, box.querySelectorAll("[role=row]").length);
    if (Number.parseInt(box.querySelector(".space").style.height) >= wanted * 40) break;
  }
  for (let at = 0; at < box.scrollHeight; at += box.scrollHeight / 60) {
    box.scrollTop = at;
    await frame();
    rows = Math.max(rows, box.querySelectorAll("[role=row]").length);
  }
  await frame();
  return {loaded: Number.parseInt(box.querySelector(".space").style.height) / 40, rows, tasks};
}"""


@pytest.fixture(scope="module")
def crowded(browser: Browser, shop: Installation, signed_in: StorageState) -> Iterator[Panel]:
    """A page whose live mode holds ten thousand messages; no complaints in the end."""
    with panel_of(browser, shop, signed_in) as panel:
        crowd(panel, shop)
        yield panel


def test_ten_thousand_rows_are_a_hundred_in_the_document(crowded: Panel) -> None:
    """All are loaded by scrolling; few are in the document, and nothing keeps the page busy.

    What else runs on the machine can hold up a task: the best of a few tries counts.
    """
    longest = []
    for _ in range(_TRIES):
        page = crowded.go("/messages", mode="live")
        seen = page.evaluate(_SCROLL, [MESSAGES, ROWS_MAX])
        assert seen["loaded"] >= MESSAGES
        assert seen["rows"] <= ROWS_MAX
        longest.append(max(seen["tasks"], default=0))
        if longest[-1] <= TASK_MAX_MS:
            break
    assert min(longest) <= TASK_MAX_MS, longest


class _Naughty(BaseHTTPRequestHandler):
    """A receiver that answers with texts which mean no good, in its body and in a header."""

    def do_POST(self) -> None:
        """Answer once."""
        self.rfile.read(int(self.headers["content-length"]))
        texts = [text for text in naughty() if text.isascii() and text.isprintable()]
        self.send_response(400)
        self.send_header("x-naughty", "".join(texts[600:640]))
        self.end_headers()
        self.wfile.write("\n".join(texts[300:700]).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_what_an_endpoint_answers_is_never_run(crowded: Panel, shop: Installation) -> None:
    """Body and header of an answer, and an endpoint's name, show as the texts that they are."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Naughty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/"
        name = f"'\"><img src=x onerror={SENTINEL}>"
        new = {"url": url, "description": name, "event_types": ["naughty.never"]}
        added = shop.api("POST", "/v1/endpoints", new)
        shop.api("POST", f"/v1/endpoints/{added['id']}/test", {"event_type": "message.delivered"})
        find = f"/v1/attempts?endpoint={added['id']}"
        (attempt,) = until(lambda: shop.api("GET", find)["data"])
        for path in (f"/attempts/{attempt['id']}", f"/endpoints/{added['id']}", "/endpoints"):
            page = crowded.go(path)
            expect(page.get_by_text(name).first).to_be_visible()
            assert page.evaluate("window.naughty") is None
        crowded.go(f"/attempts/{attempt['id']}")
        expect(page.get_by_text("x-naughty")).to_be_visible()
        expect(page.get_by_text("<svg onload=").first).to_be_visible()
        assert [] == crowded.complaints
    finally:
        server.shutdown()
        server.server_close()


def test_no_text_from_outside_is_run(crowded: Panel, shop: Installation) -> None:
    """Naughty texts as references, bodies, names and types show as text, wherever they show.

    No dialog, no sentinel, nothing for the policy to refuse: they never were markup.
    """
    texts = naughty()
    assert 2700 <= len(texts)
    page = crowded.page
    shown = ["/messages", "/connections", "/developers", "/audit", "/callbacks"]
    event = {"type": "shop.naughty", "data": {"texts": texts[:600]}}
    key = ask(crowded, "POST", "/v1/api-keys", {"name": "n"})["key"]
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    for begin in range(0, len(texts), 600):
        event = {"type": "shop.naughty", "data": {"texts": texts[begin : begin + 600]}}
        answer = shop.ask("POST", "/v1/events", json.dumps(event).encode(), headers)
        assert answer.status < 300, answer.body[:300]
        shown.append(f"/events/{answer.json['id']}")
    callbacks = ask(crowded, "GET", "/v1/callbacks?limit=3")["data"]
    shown += [f"/callbacks/{one['id']}" for one in callbacks]
    messages = ask(crowded, "GET", "/v1/messages?limit=30")["data"]
    shown += [f"/messages/{one['id']}" for one in messages]
    for path in shown:
        crowded.go(path, mode="live")
        assert page.evaluate("window.naughty") is None, path
        assert [] == crowded.complaints, path
