"""Subscribing by the API: through the fake in test mode, and only where the world reaches us."""

import json
from typing import Any

import pytest

from ringback.services.subscribe import Subscriber, Ways
from tests.api.house import LIVE_KEY, House
from tests.transport.receivers import Receiver, receiving

CONFIG = {
    "callback_secret": "not-a-real-callback-secret", "auth_code": "not-a-real-auth-code",
    "events": ["INCOMING_MESSAGE"],
}  # fmt: skip


async def _made(house: House, provider: str, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"provider": provider, "name": "Trial", "config": config}
    found: dict[str, Any] = await house.post("/v1/connections", body, **more)
    return found


def _with(house: House, base_url: str, public_url: str | None = None) -> None:
    """Have the house's API reach fakes at `base_url`."""
    engine = house.engine
    ways = Ways(engine.client, engine.door, base_url, public_url)
    subscriber = Subscriber(ways, engine.guards, engine.database, engine.clock)
    house.client = house.client_of(house.build(subscriber=subscriber))


def _answering(receiver: Receiver, *subscriptions: dict[str, object]) -> None:
    body = json.dumps({"subscriptions": subscriptions, "statusCode": 200}).encode()
    receiver.reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def test_the_provider_is_told_and_it_is_written_down(house: House) -> None:
    """The fake of a test connection is asked; what was changed is in the audit log, once."""
    async with receiving() as fake:
        _with(house, fake.url("").rstrip("/"))
        made = await _made(house, "textellent", CONFIG)
        path = f"/v1/connections/{made['id']}/subscribe"
        token = made["callback_url"].rpartition("/")[2]
        _answering(fake)
        looked = await house.post(path, {"dry_run": True}, status=200)
        assert (True, True, 1) == (looked["ok"], looked["dry_run"], len(fake.heads))
        told = await house.post(path, {}, status=200)
        target = json.loads(fake.bodies[-1])["target_url"]
        assert target.endswith(
            f"/in/{token}?callback_proof=not-a-real-callback-secret&event=INCOMING_MESSAGE"
        )
        assert [("INCOMING_MESSAGE", "added", target.partition("?")[0])] == [
            (one["what"], one["state"], one["url"]) for one in told["subscriptions"]
        ]
        assert fake.heads[-1].startswith(f"POST /fake/{token}/api/v1/event/subscribe".encode())
        _answering(fake, {"clientId": 7, "event": "INCOMING_MESSAGE", "target_url": target})
        again = await house.post(path, {}, status=200)
        assert ["kept"] == [one["state"] for one in again["subscriptions"]]
    unreached = await house.post(path, {}, status=200)
    assert unreached["ok"] is False
    assert "It could not be asked" in unreached["detail"]
    log = await house.get("/v1/audit-log", action="connection.subscribed")
    assert [{"unanswered": "connect"}, {"added": ["INCOMING_MESSAGE"]}] == [
        one["detail"] for one in log["data"]
    ]


@pytest.mark.parametrize(
    ("public_url", "words"),
    [
        (None, "No public URL is known. Set RINGBACK_PUBLIC_URL"),
        ("https://127.0.0.1:8420", "is this machine: no provider reaches it"),
        ("http://hooks.example.com", "is plain http"),
    ],
)
async def test_nobody_is_told_of_an_address_that_he_cannot_reach(
    house: House, public_url: str | None, words: str
) -> None:
    """The answer says which setting to set."""
    _with(house, "http://127.0.0.1:9", public_url)
    made = await _made(house, "textellent", CONFIG, key=LIVE_KEY)
    path = f"/v1/connections/{made['id']}/subscribe"
    answer = await house.call("POST", path, key=LIVE_KEY, json={})
    assert 422 == answer.status_code
    assert words in answer.json()["errors"][0]["detail"]


async def test_what_cannot_be_told_says_so(house: House) -> None:
    """No credentials, a provider without such an API, and a connection that is not there."""
    made = await _made(house, "textellent", {"callback_secret": "not-a-real-callback-secret"})
    told = await house.post(f"/v1/connections/{made['id']}/subscribe", {}, status=200)
    assert told["ok"] is False
    assert "without `auth_code`: add it" in told["detail"]
    made = await _made(house, "simulator", {"secret": "not-a-real-simulator-secret"})
    answer = await house.call("POST", f"/v1/connections/{made['id']}/subscribe", json={})
    assert 422 == answer.status_code
    assert "told by hand" in answer.json()["errors"][0]["detail"]
    path = "/v1/connections/con_00000000000000000000000000/subscribe"
    assert 404 == (await house.call("POST", path, json={})).status_code
