"""Changing a connection: where its provider calls, its secrets with an overlap, quarantine."""

from typing import Any

import msgspec

from ringback.domain.http import Callback
from ringback.providers import registry
from ringback.services.catalogue import example_config
from ringback.services.clock import Clock
from ringback.services.connection_changes import REMEMBERED_MS, Edges, forget
from ringback.services.flood import QUARANTINED_BYTES_PER_HOUR
from ringback.services.receive import PREVIOUS
from tests.api.house import House, Json, assert_problem, places
from tests.api.test_audit import log

TOKEN = "demo-simulator"
OLD, NEW = "not-a-real-first-secret", "not-a-real-second-secret"


async def _rotate(house: House, secret: str, **more: Any) -> Json:
    known = await house.connection("simulator")
    path = f"/v1/connections/{known['id']}/rotate"
    response = await house.call("POST", path, json={"config": {"secret": secret}, **more})
    assert 200 == response.status_code, response.text
    answer: Json = response.json()
    return answer


async def _change(house: House, **changes: Any) -> Json:
    known = await house.connection("simulator")
    response = await house.call("PATCH", f"/v1/connections/{known['id']}", json=changes)
    assert 200 == response.status_code, response.text
    answer: Json = response.json()
    return answer


async def _post(house: House, secret: str, message_id: str) -> int:
    """Post a status that is signed with a secret; return how it is answered."""
    stage = house.stage
    connection = stage.connection(TOKEN)
    config: Any = connection.config
    meant = msgspec.structs.replace(config, secret=secret)
    made = stage.callback("sent", message_id, token=TOKEN)
    signed = registry.get("simulator").sign(made.body, meant, house.engine.clock.now_ms())
    headers = (*((n, v) for n, v in made.headers if n not in {name for name, _ in signed}), *signed)
    callback = Callback(made.method, made.url, headers, made.body, "127.0.0.1")
    return (await stage.receive(callback, TOKEN)).status


async def _newest(house: House) -> Json:
    found: list[Json] = (await house.get("/v1/callbacks"))["data"]
    return found[0]


async def test_secrets_rotate_with_an_overlap(house: House) -> None:
    """Both count until the overlap ends; what only the old one fits is told and counted."""
    await _rotate(house, OLD, overlap_s=0)
    rotated = await _rotate(house, NEW)
    assert 0 == rotated["overlap"]["used"]
    assert NEW not in str(rotated)
    assert 200 == await _post(house, NEW, "m-new")
    assert "" == (await _newest(house))["reason"]
    assert 200 == await _post(house, OLD, "m-old")
    newest = await _newest(house)
    assert "accepted" == newest["outcome"]
    assert "It fits the secret from before the rotation" in newest["reason"]
    taken = house.engine.flood.take()
    assert [1] == [n for place, n in taken.items() if place.what == PREVIOUS]
    path = f"/v1/connections/{rotated['id']}"
    assert 204 == (await house.call("DELETE", f"{path}/overlap")).status_code
    assert (await house.get(path))["overlap"] is None
    assert 401 == await _post(house, OLD, "m-late")
    late = await _newest(house)
    assert "rejected" == late["outcome"]
    assert "from before the last rotation, whose overlap is over" in late["reason"]
    assert OLD not in str(await house.get(f"/v1/callbacks/{late['id']}"))
    told = [(entry["action"], entry["detail"]) for entry in await log(house)][:2]
    assert [
        ("connection.overlap_ended", {}),
        ("connection.rotated", {"overlap_s": 86400, "config": ["secret"]}),
    ] == told


async def test_what_cannot_be_rotated_to(house: House) -> None:
    """The config there is, a wrong one, and more than three that count at once."""
    known = await house.connection("simulator")
    path = f"/v1/connections/{known['id']}/rotate"
    for config in ({"secret": ""}, {"unknown": "x"}, {}):
        response = await house.call("POST", path, json={"config": config})
        assert 422 == response.status_code
    await _rotate(house, OLD)
    response = await house.call("POST", path, json={"config": {"secret": OLD}})
    assert_problem(response, 422, "invalid")
    await _rotate(house, NEW)
    await _rotate(house, OLD)
    response = await house.call("POST", path, json={"config": {"secret": NEW}})
    assert_problem(response, 409, "limit_reached")


async def test_what_counts_no_more_does_not_end_an_overlap(house: House) -> None:
    """However often the config is changed at once, a secret counts until its overlap ends."""
    await _rotate(house, OLD, overlap_s=0)
    await _rotate(house, NEW)
    for secret in (OLD + "-2", OLD + "-3", OLD + "-4", OLD + "-5"):
        await _rotate(house, secret, overlap_s=0)
    assert 200 == await _post(house, OLD, "m-old")
    assert 401 == await _post(house, NEW, "m-over")


async def test_a_public_url_of_its_own(house: House) -> None:
    """It is in the callback URL and what is verified; simulated callbacks are signed for it."""
    changed = await _change(house, public_url="https://eu.example.com/rb/", name="Europe")
    assert "https://eu.example.com/rb" == changed["public_url"]
    assert f"https://eu.example.com/rb/in/{TOKEN}" == changed["callback_url"]
    assert "Europe" == changed["name"]
    assert 200 == await _post(house, _secret(house), "m-eu")
    whole = await house.get(f"/v1/callbacks/{(await _newest(house))['id']}")
    assert "https://eu.example.com/rb/in/{token}" == whole["url"]
    assert (await _change(house, public_url=""))["public_url"] is None
    for url in ("ftp://example.com", "https://example.com/?a=1", "nowhere"):
        path = f"/v1/connections/{changed['id']}"
        response = await house.call("PATCH", path, json={"public_url": url})
        assert_problem(response, 422, "invalid")


def _secret(house: House) -> str:
    config: Any = house.stage.connection(TOKEN).config
    secret: str = config.secret
    return secret


async def test_quarantine_keeps_what_does_not_fit(house: House) -> None:
    """Answered like a good one, kept, and read once the secret is mended; not before."""
    await _change(house, on_bad_signature="quarantine")
    assert 200 == await _post(house, OLD, "m-kept")
    kept = await _newest(house)
    assert ("quarantined", 0) == (kept["outcome"], kept["items"])
    path = f"/v1/callbacks/{kept['id']}/reparse"
    assert_problem(await house.call("POST", path, json={"effects": True}), 409, "not_now")
    await _rotate(house, OLD)
    read = (await house.call("POST", path, json={"effects": True})).json()
    assert "accepted" == read["outcome"]
    assert "accepted" == (await _newest(house))["outcome"]
    found = await house.get("/v1/messages", provider_message_id="m-kept")
    assert ["sent"] == [row["status"] for row in found["data"]]


async def test_an_address_and_quarantine_from_the_start(house: House) -> None:
    """A new connection is called where it says, and a wrong address is no connection."""
    new = {
        "provider": "simulator", "name": "Elsewhere", "config": {"secret": OLD},
        "public_url": "https://hooks.example.com/x/", "on_bad_signature": "quarantine",
    }  # fmt: skip
    made = await house.post("/v1/connections", new)
    assert ("https://hooks.example.com/x", "quarantine") == (
        made["public_url"], made["on_bad_signature"],
    )  # fmt: skip
    assert made["callback_url"].startswith("https://hooks.example.com/x/in/")
    once = {"to_enter", "mapping_tested", "to_do"}
    assert {name: value for name, value in made.items() if name not in once} == await house.get(
        f"/v1/connections/{made['id']}"
    )
    wrong = {**new, "public_url": "https://hooks.example.com/?a=1", "token": "short"}
    problem = assert_problem(
        await house.call("POST", "/v1/connections", json=wrong), 422, "invalid"
    )
    assert ["/public_url", "/token"] == sorted(places(problem))


async def test_quarantine_is_refused_where_proofs_are_not_kept(house: House) -> None:
    """Credentials are hidden before storage: what they prove could never be verified again."""
    known = await house.connection("bandwidth")
    answer = await house.call(
        "PATCH", f"/v1/connections/{known['id']}", json={"on_bad_signature": "quarantine"}
    )
    assert_problem(answer, 422, "invalid")
    assert "Credentials are not kept" in answer.text
    new = {"provider": "bandwidth", "name": "B", "config": example_config("bandwidth")}
    answer = await house.call(
        "POST", "/v1/connections", json={**new, "on_bad_signature": "quarantine"}
    )
    assert_problem(answer, 422, "invalid")
    for provider in ("whatsapp", "simulator"):
        known = await house.connection(provider)
        path = f"/v1/connections/{known['id']}"
        answer = await house.call("PATCH", path, json={"on_bad_signature": "quarantine"})
        assert 200 == answer.status_code, answer.text


async def test_what_is_quarantined_may_fit_the_secret_before(house: House) -> None:
    """As long as an earlier secret counts for what comes, it counts for what was kept."""
    await _change(house, on_bad_signature="quarantine")
    assert 200 == await _post(house, OLD, "m-before")
    kept = await _newest(house)
    await _rotate(house, OLD)
    await _rotate(house, NEW)
    path = f"/v1/callbacks/{kept['id']}/reparse"
    assert 200 == (await house.call("POST", path, json={"effects": True})).status_code


async def test_a_secret_goes_nowhere_else_unless_it_is_given(house: House) -> None:
    """Who may change a host but not read the token could have it sent there."""
    known = await house.connection("whatsapp")
    path = f"/v1/connections/{known['id']}/rotate"
    token = {"access_token": "not-a-real-token-of-ours"}
    assert 200 == (await house.call("POST", path, json={"config": token})).status_code
    elsewhere = {"base_url": "https://waba.example.com"}
    answer = await house.call("POST", path, json={"config": elsewhere})
    assert_problem(answer, 422, "invalid")
    assert "/config/access_token" in answer.text
    body = {"config": {**elsewhere, **token}}
    assert 200 == (await house.call("POST", path, json=body)).status_code


async def test_earlier_secrets_are_erased_in_the_end(house: House) -> None:
    """Seven days after their overlap nothing of them is kept."""
    await _rotate(house, OLD, overlap_s=0)
    engine = house.engine

    async def forgotten(ms: int) -> int:
        clock = Clock()
        clock.offset_ms = engine.clock.offset_ms + ms
        await forget(Edges(engine.configuration, clock, None))
        rows = engine.configuration.everything.connections
        return sum(len(one.previous) for one in rows if one.provider == "simulator")

    assert 1 == await forgotten(REMEMBERED_MS - 60_000)
    assert 0 == await forgotten(REMEMBERED_MS + 1)


async def test_quarantine_refuses_when_it_is_full(house: House) -> None:
    """What is beyond the hour's bytes is refused, so that it comes again."""
    await _change(house, on_bad_signature="quarantine")
    engine = house.engine
    now, connection = engine.clock.now_ms(), house.stage.connection(TOKEN)
    assert engine.flood.room(connection, QUARANTINED_BYTES_PER_HOUR, now)
    assert 401 == await _post(house, OLD, "m-beyond")
    outcomes = engine.receiver.outcomes
    assert (1, 0) == (outcomes["simulator", "rejected"], outcomes["simulator", "quarantined"])
    assert ["rejected"] == [place.what for place in engine.flood.take()]
