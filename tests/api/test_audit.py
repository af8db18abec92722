"""The audit log: who did what to which object, committed with it, found again, without secrets."""

from datetime import timedelta
from typing import Any

from ringback.domain import ids
from ringback.services.retain import Periods, Retainer
from ringback.storage.configuration import key_hash
from tests.api.house import KEY, LIVE_KEY, OTHER_KEY, House, Json, assert_problem, places
from tests.services.sink import until

URL = "https://example.com/hook"
CONFIG = {"secret": "CANARY-of-the-simulator"}


def actor(house: House, key: str = KEY) -> str:
    """Return the id of an API key as it is shown."""
    return ids.show("key", house.engine.configuration.everything.keys[key_hash(key)].id)


async def log(house: House, **filters: Any) -> list[Json]:
    """Return the newest page of the audit log."""
    found: list[Json] = (await house.get("/v1/audit-log", **filters))["data"]
    return found


async def endpoint(house: House, **more: Any) -> Json:
    """Make an endpoint."""
    return await house.post("/v1/endpoints", {"url": URL, "event_types": ["*"], **more})


async def test_the_life_of_an_endpoint(house: House) -> None:
    """Made, changed, shown and deleted: each with the key, the object and what was different."""
    made = await endpoint(house, url=f"{URL}?token=CANARY", description="Orders")
    path = f"/v1/endpoints/{made['id']}"
    change = {"enabled": False, "delivery": {"retry_schedule_s": [7], "timeout_s": 3}}
    assert 200 == (await house.call("PATCH", path, json=change)).status_code
    assert 200 == (await house.call("PATCH", path, json={"description": "Orders"})).status_code
    await house.get(f"{path}/secret")
    assert 204 == (await house.call("DELETE", path)).status_code
    deleted, shown, changed, created = await log(house)
    assert {(made["id"], actor(house))} == {
        (entry["object"], entry["actor"]) for entry in (deleted, shown, changed, created)
    }
    assert [
        "endpoint.deleted", "endpoint.secret_shown", "endpoint.changed", "endpoint.created",
    ] == [entry["action"] for entry in (deleted, shown, changed, created)]  # fmt: skip
    assert {
        "enabled": {"from": True, "to": False},
        "retry_schedule_s": {"from": None, "to": [7]},
        "timeout_s": {"from": 15.0, "to": 3.0},
    } == changed["detail"]
    assert (f"{URL}?…", "Orders", ["*"]) == tuple(
        created["detail"][name] for name in ("url", "description", "event_types")
    )
    assert {"url": f"{URL}?…", "description": "Orders"} == deleted["detail"]
    text = (await house.call("GET", "/v1/audit-log")).text
    assert "CANARY" not in text
    assert made["secret"] not in text


async def test_what_is_opened_and_closed_has_its_own_word(house: House) -> None:
    """Networks and hosts: what was opened and what was closed, one entry each."""
    made = await endpoint(house, delivery={"allowed_networks": ["10.0.0.0/8"]})
    path = f"/v1/endpoints/{made['id']}"
    change = {"allowed_networks": ["10.0.0.0/8", "fd00::/8"], "allowed_hosts": ["erp.example"]}
    await house.call("PATCH", path, json={"delivery": change})
    await house.call("PATCH", path, json={"delivery": {"allowed_networks": [], "timeout_s": 2}})
    assert [
        ("endpoint.closed", {"allowed_networks": ["10.0.0.0/8", "fd00::/8"]}),
        ("endpoint.changed", {"timeout_s": {"from": 15.0, "to": 2.0}}),
        ("endpoint.opened", {"allowed_networks": ["fd00::/8"], "allowed_hosts": ["erp.example"]}),
        ("endpoint.opened", {"allowed_networks": ["10.0.0.0/8"]}),
    ] == [(entry["action"], entry["detail"]) for entry in (await log(house))[:4]]


async def test_connections_without_their_secrets(house: House) -> None:
    """Of a config only the names of its fields are told."""
    body = {"provider": "simulator", "name": "Mine", "config": CONFIG, "token": "CANARY-token"}
    made = await house.post("/v1/connections", body)
    assert 204 == (await house.call("DELETE", f"/v1/connections/{made['id']}")).status_code
    deleted, created = await log(house)
    assert ("connection.deleted", "connection.created") == (deleted["action"], created["action"])
    assert {made["id"]} == {deleted["object"], created["object"]}
    expected = {"provider": "simulator", "name": "Mine", "config": ["secret"]}
    assert (expected, expected) == (deleted["detail"], created["detail"])
    assert "CANARY" not in (await house.call("GET", "/v1/audit-log")).text


async def test_a_410_is_the_installations_own_act(house: House) -> None:
    """The endpoint that answered 410 was disabled by nobody's key."""
    house.stage.sink.answers.append((410, ""))
    await house.hear("m1", "sent")
    await until(lambda: house.engine.recorder.attempts == 1)
    (entry,) = await log(house, actor="installation")
    (row,) = (await house.get("/v1/endpoints"))["data"]
    assert ("endpoint.disabled", "installation", row["id"]) == (
        entry["action"], entry["actor"], entry["object"],
    )  # fmt: skip
    assert "410" in entry["detail"]["reason"]


async def test_replays_and_rereadings_are_told(house: House) -> None:
    """What was done once more by hand, with its object; only looking is no act."""
    await house.hear("m1", "sent")
    await house.delivered(1)
    delivery = (await house.get("/v1/deliveries"))["data"][0]
    callback = (await house.get("/v1/callbacks"))["data"][0]
    await house.post(f"/v1/deliveries/{delivery['id']}/replay", {}, status=202)
    path = f"/v1/callbacks/{callback['id']}/reparse"
    await house.post(path, {}, status=200)
    await house.post(path, {"effects": True}, status=200)
    assert [
        ("callback.reparse", callback["id"], {}),
        ("delivery.replay", delivery["id"], {"event": delivery["event"]}),
    ] == [(entry["action"], entry["object"], entry["detail"]) for entry in await log(house)]
    assert {actor(house)} == {entry["actor"] for entry in await log(house)}


async def test_no_change_without_its_entry(house: House) -> None:
    """One transaction: when the entry cannot be written, the change is not made."""
    made = await endpoint(house)
    connection = await house.connection("whatsapp")
    await house.stage.execute(
        "alter table audit_entry add constraint full_ check (false) not valid"
    )
    before = await house.stage.value("select config_version from installation")
    path = f"/v1/endpoints/{made['id']}"
    for method, where, body in (
        ("POST", "/v1/endpoints", {"url": URL, "event_types": ["*"]}),
        ("PATCH", path, {"description": "other"}),
        ("DELETE", path, None),
        ("POST", "/v1/connections", {"provider": "simulator", "name": "x", "config": CONFIG}),
        ("DELETE", f"/v1/connections/{connection['id']}", None),
    ):
        assert 500 == (await house.call(method, where, json=body)).status_code
    assert before == await house.stage.value("select config_version from installation")
    await house.engine.configuration.reload()
    assert "" == (await house.get(path))["description"]
    await house.connection("whatsapp")


async def test_found_by_action_object_and_actor(house: House) -> None:
    """Filters are named like fields, combine, and page like every list."""
    one, two = await endpoint(house), await endpoint(house)
    for made in (one, two, one):
        path = f"/v1/endpoints/{made['id']}"
        await house.call("PATCH", path, json={"description": str(made["id"])[:8] + "x"})
        await house.call("PATCH", path, json={"description": "y"})
    assert 6 == len(await log(house, action="endpoint.changed"))
    assert 5 == len(await log(house, object=one["id"]))
    assert 4 == len(await log(house, object=one["id"], action="endpoint.changed"))
    assert 8 == len(await log(house, actor=actor(house)))
    assert [] == await log(house, actor="installation")
    assert [] == await log(house, actor=actor(house, LIVE_KEY))
    for filters in ({"action": "endpoint.exploded"}, {"actor": "me"}):
        answer = await house.call("GET", "/v1/audit-log", params=filters)
        assert list(filters) == places(assert_problem(answer, 422, "invalid"))
    paged: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await house.get("/v1/audit-log", limit=3, action="endpoint.changed", **cursor)
        paged += [entry["id"] for entry in page["data"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert [entry["id"] for entry in await log(house, action="endpoint.changed")] == paged


async def test_each_tenant_and_mode_sees_its_own(house: House) -> None:
    """Neither another tenant's key nor the other mode's sees an entry."""
    await endpoint(house)
    assert 1 == len(await log(house))
    for key in (LIVE_KEY, OTHER_KEY):
        assert [] == (await house.get("/v1/audit-log", key=key))["data"]


async def test_kept_for_four_hundred_days(house: House) -> None:
    """Housekeeping removes what is older, and nothing younger."""
    await endpoint(house)
    retainer = Retainer(house.engine.database, Periods())
    async with house.engine.database.acquire() as connection:
        today = await connection.fetchval("select date_trunc('day', now(), 'UTC')")
    await retainer.once(today + timedelta(days=400, hours=23))
    assert 1 == len(await log(house))
    await retainer.once(today + timedelta(days=401, hours=1))
    assert [] == await log(house)
