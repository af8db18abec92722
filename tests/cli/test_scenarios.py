"""Every scenario, through every provider that can play it: over HTTP, at the provider's fake.

All scenarios of a provider run at the same time, so that it takes as long as the longest.
"""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from ringback.domain.http import HttpResponse
from ringback.domain.scenarios import SCENARIOS, Scenario
from ringback.providers.base import Provider, TokenRequest
from ringback.providers.config import load_config
from ringback.providers.placeholders import filled
from ringback.providers.registry import PROVIDERS
from ringback.services import catalogue
from ringback.services.fake_apis import PICTURE, read_header
from ringback.services.simulate import moved
from tests.providers.cases import READERS, sendable
from tests.server import LIVE_KEY, Served

PLAYED = [provider for provider in READERS if provider.simulated]
SENDING = [provider for provider in PLAYED if provider.faked]
by_played = pytest.mark.parametrize("provider", PLAYED, ids=lambda one: one.name)
by_sending = pytest.mark.parametrize("provider", SENDING, ids=lambda one: one.name)
OURS = "+15550100"
PATIENCE_S = 20.0


def until(found: Callable[[], bool], told: Callable[[], object] = str) -> None:
    """Wait until something is so; `told` says what is not."""
    deadline = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)


def connect(served: Served, provider: Provider) -> Any:
    """Make a connection with the provider's made-up settings, and nothing else."""
    body = {
        "provider": provider.name, "name": "Trial",
        "config": catalogue.example_config(provider.name),
    }  # fmt: skip
    return served.api("POST", "/v1/connections", body)


def playable(provider: Provider, scenario: Scenario) -> bool:
    """Say whether a provider has what a scenario needs."""
    ways = dict(scenario.more)
    return (
        scenario.count == 1
        and set(scenario.statuses[-1:]) <= set(provider.simulated)
        and (scenario.outcome == "accepted" or provider.faked)
        and ("batch" not in ways or provider.batches)
    )


def expected(scenario: Scenario, outcome: str | None) -> str:
    """Return the status that a message has in the end."""
    if outcome in ("uncertain", "refused", "throttled"):
        return "submitted" if outcome == "uncertain" else "failed"
    order = ("sent", "delivered", "failed", "expired", "read")
    return max(scenario.statuses, key=order.index)


def play(served: Served, connection: Any, provider: Provider, name: str, number: int) -> list[Any]:
    """Ask for one scenario; return its messages as they are known at once."""
    scenario = SCENARIOS[name]
    statuses = [one for one in scenario.statuses if one in provider.simulated]
    body = {
        "from": OURS, "to": f"+1555010{number:04}", "reference": f"{provider.name}-{name}",
        "channel": provider.channels[0], **dict(scenario.more), "outcome": scenario.outcome,
        **({"statuses": statuses} if statuses else {}),
    }  # fmt: skip
    if "delay_ms" in body:
        body["delay_ms"] = 50
    made = served.api("POST", f"/v1/connections/{connection['id']}/simulate", body)
    return [made, *made["others"]]


def ended(served: Served, connection: Any, one: Any, status: str) -> bool:
    """Say whether a message is there and has reached its end."""
    if one["message"]:
        return bool(status == served.api("GET", f"/v1/messages/{one['message']}")["status"])
    query = urlencode(
        {"provider_message_id": one["provider_message_id"], "connection": connection["id"]}
    )
    found = served.api("GET", f"/v1/messages?{query}")["data"]
    return [status] == [message["status"] for message in found]


@by_played
def test_every_scenario_ends_as_it_says(served: Served, provider: Provider) -> None:
    """Sent through the fake where the adapter sends, reported on, and in the end where it says."""
    connection = connect(served, provider)
    names = [name for name, one in SCENARIOS.items() if playable(provider, one)]
    assert {"delivered", "failed", "duplicate", "reordered"} <= set(names)
    courses = []
    for number, name in enumerate(names, 1):
        made = play(served, connection, provider, name, number)
        if name != "forged":
            courses += [(name, one) for one in made]
    if provider.faked:
        outcomes = {name: one["outcome"] for name, one in courses}
        assert "submitted" == outcomes["delivered"]
        words = {"refused": "refused", "throttled": "throttled"}
        assert words == {name: outcomes[name] for name in words}
        assert outcomes["broken"] in ("uncertain", "refused")
    left = courses

    def over() -> bool:
        nonlocal left
        left = [
            (name, one)
            for name, one in left
            if not ended(served, connection, one, expected(SCENARIOS[name], one["outcome"]))
        ]
        return not left

    until(over, lambda: left)
    rejected = f"/v1/callbacks?connection={connection['id']}&outcome=rejected"
    forged = set(SCENARIOS["forged"].statuses) & set(provider.simulated)
    until(lambda: len(served.api("GET", rejected)["data"]) == len(forged))


def test_a_person_who_says_stop_is_suppressed(served: Served) -> None:
    """The simulator tells of the opt-out beside the message, and it is in the list."""
    connection = connect(served, PROVIDERS["simulator"])
    play(served, connection, PROVIDERS["simulator"], "stop", 77)
    then = {"from": "+15550100077", "to": OURS, "statuses": ["received"], "text": "STOP"}
    served.api("POST", f"/v1/connections/{connection['id']}/simulate", then)

    def found() -> list[Any]:
        return [
            (one["source"], one["evidence"]["keyword"])
            for one in served.api("GET", "/v1/suppressions?address=15550100077")["data"]
        ]

    until(lambda: found() == [("keyword", "STOP")], found)


@by_sending
def test_a_library_of_the_providers_is_answered_and_told(
    served: Served, provider: Provider
) -> None:
    """Its requests come without our header: the number decides, and callbacks follow."""
    connection = connect(served, provider)
    base = connection["callback_url"].replace("/in/", "/fake/")
    wanted = {"delivered": "submitted", "failed": "submitted", "refused": "refused",
              "throttled": "throttled"}  # fmt: skip
    results = {}
    with httpx.Client() as client:
        for name in wanted:
            number = SCENARIOS[name].number
            assert number is not None
            results[name] = _send(client, provider, base, number)
    assert wanted == {name: result.outcome for name, result in results.items()}
    ends = [
        ({"message": None, "provider_message_id": results[name].message_ids[0]}, name)
        for name in ("delivered", "failed")
    ]
    until(lambda: all(ended(served, connection, one, name) for one, name in ends))


def _send(client: httpx.Client, provider: Provider, base: str, to: str) -> Any:
    """Send as the adapter describes, straight to the fake."""
    config = filled(load_config(provider.Config, catalogue.example_config(provider.name)))
    flow = provider.send(sendable(provider, to=to), config)
    try:
        step = next(flow)
        while True:
            request = moved(step.request if isinstance(step, TokenRequest) else step, base)
            got = client.request(
                request.method, request.url, headers=dict(request.headers), content=request.body
            )
            step = flow.send(HttpResponse(got.status_code, tuple(got.headers.items()), got.content))
    except StopIteration as end:
        return end.value


def test_a_fake_is_only_for_tests(served: Served) -> None:
    """Live connections, unknown tokens and other addresses are 404; a wrong scenario is 400."""
    simulator = PROVIDERS["simulator"]
    live = {"provider": "simulator", "name": "Live", "config": {"secret": "x"}}
    made = served.api("POST", "/v1/connections", live, LIVE_KEY)
    token = made["callback_url"].rpartition("/")[2]
    assert 404 == httpx.post(f"{served.url}/fake/{token}/messages").status_code
    served.api("DELETE", f"/v1/connections/{made['id']}", key=LIVE_KEY)
    assert 404 == httpx.post(f"{served.url}/fake/nobody/messages").status_code
    base = connect(served, simulator)["callback_url"].replace("/in/", "/fake/")
    other = httpx.post(f"{base}/elsewhere?a=b")
    assert (404, "The faked API of Simulator has no POST /elsewhere.\n") == (
        other.status_code, other.text,
    )  # fmt: skip
    wrong = httpx.post(f"{base}/messages", headers={"Ringback-Scenario": "sunshine"})
    assert (400, True) == (wrong.status_code, "delivered, failed" in wrong.text)
    assert PICTURE == httpx.get(f"{base}/ringback/picture.png").content


def test_a_header_chooses_the_scenario(served: Served) -> None:
    """Also with a code; `quiet` posts nothing."""
    connection = connect(served, PROVIDERS["simulator"])
    base = connection["callback_url"].replace("/in/", "/fake/")
    body = {"to": "+15550123", "from": OURS, "text": "Hi"}
    refused = httpx.post(
        f"{base}/messages", json=body, headers={"Ringback-Scenario": "refused; code=spam"}
    )
    assert (400, {"error": "spam"}) == (refused.status_code, refused.json())
    quiet = {"Ringback-Scenario": "delivered; quiet"}
    httpx.post(f"{base}/messages", json=body, headers=quiet)
    told = httpx.post(f"{base}/messages", json=body, headers={"Ringback-Scenario": "reply"})
    id_ = told.json()["id"]
    path = f"/v1/messages?connection={connection['id']}"
    until(lambda: len(served.api("GET", path)["data"]) == 2)
    found = served.api("GET", path)["data"]
    assert [None, id_] == [
        None if one["direction"] == "inbound" else one["provider_message_id"] for one in found
    ]


@pytest.mark.parametrize("value", ["", "sunshine", "refused; code=", "refused; loud", "; quiet"])
def test_a_header_that_says_nothing_known(value: str) -> None:
    """It is refused, not guessed."""
    assert read_header(value) is None


@by_played
def test_the_picture_of_a_simulated_person_is_fetched(served: Served, provider: Provider) -> None:
    """Whatever way the provider tells of files: the picture is here, and its link is good."""
    if "received" not in provider.simulated:
        pytest.skip("nobody writes through it")
    connection = connect(served, provider)
    body = {
        "from": f"+1555010{9000 + len(provider.name)}", "to": OURS, "statuses": ["received"],
        "channel": next(one for one in ("mms", "whatsapp", "sms") if one in provider.channels),
        "text": "Like this one?", "media": [{}],
    }  # fmt: skip
    served.api("POST", f"/v1/connections/{connection['id']}/simulate", body)
    path = f"/v1/messages?connection={connection['id']}&direction=inbound"
    until(lambda: len(served.api("GET", path)["data"]) == 1)
    (message,) = served.api("GET", path)["data"]
    files = message["content"].get("media")
    if not files:
        pytest.skip("it tells of no files")
    (file,) = files
    shown = f"/v1/media/{file['file']}"
    until(lambda: served.api("GET", shown)["state"] == "kept")
    assert "image/png" == served.api("GET", shown)["content_type"]
    assert PICTURE == httpx.get(file["link"]).content
