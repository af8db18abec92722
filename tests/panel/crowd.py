"""Ten thousand messages of the live mode, with texts from people who mean no good."""

import json
from itertools import cycle, islice
from typing import Any

from tests.up.installation import Installation

from .browser import Panel
from .naughty_strings import naughty

MESSAGES = 10_000
_EACH = 1000
TOKEN = "crowd-of-people"
# What the panel itself does to ask the API.
_ASK = """async ([method, path, body]) => {
  const session = await (await fetch("/v1/session")).json();
  const headers = {"ringback-mode": "live", "x-ringback-csrf": session.csrf};
  if (body) headers["content-type"] = "application/json";
  const sent = body ? JSON.stringify(body) : undefined;
  const answer = await fetch(path, {method, headers, body: sent});
  return {status: answer.status, body: await answer.json()};
}"""


def ask(panel: Panel, method: str, path: str, body: Any = None) -> Any:
    """Ask the API in the live mode, as whoever is signed in; return what it answers."""
    answer = panel.page.evaluate(_ASK, [method, path, body])
    assert answer["status"] < 300, answer
    return answer["body"]


def crowd(panel: Panel, shop: Installation) -> str:
    """Fill the live mode through a native connection; return a key for it."""
    panel.go("/messages", mode="live")
    name = "A platform <img src=x onerror=alert(1)>"
    ask(panel, "POST", "/v1/connections",
        {"provider": "native", "name": name, "token": TOKEN, "config": {}})  # fmt: skip
    key = ask(panel, "POST", "/v1/api-keys", {"name": name})["key"]
    texts = list(islice(cycle(naughty()), MESSAGES))
    for begin in range(0, MESSAGES, _EACH):
        items = [
            {"type": "received", "id": f"in-{n}", "from": f"+1555{n:07}", "to": "+15550100",
             "text": text, "reference": text[:200] or f"r-{n}"}
            for n, text in enumerate(texts[begin : begin + _EACH], begin)
        ]  # fmt: skip
        sent = json.dumps(items).encode("utf-8", "replace")
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        answer = shop.ask("POST", f"/in/{TOKEN}", sent, headers)
        assert answer.status == 200, answer.body[:500]
    return str(key)
