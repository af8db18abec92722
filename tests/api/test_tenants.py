"""Tenants: upserted by their operators' own ids, acted for, suspended, deleted."""

import msgspec
import pytest

from tests.api.house import (
    ACTING,
    KEY,
    OPERATOR_KEY,
    OTHER_KEY,
    House,
    Json,
    assert_problem,
    places,
)  # fmt: skip

EVENT = {"type": "shop.paid", "data": {}}


async def put(house: House, name: str, body: Json, status: int = 200) -> Json:
    """Put a tenant with the operator's key."""
    answer = await house.call("PUT", f"/v1/tenants/{name}", key=OPERATOR_KEY, json=body)
    assert status == answer.status_code, answer.text
    found: Json = answer.json()
    return found


async def test_a_tenant_is_added_once(house: House) -> None:
    """The first PUT adds it, the next change what they name and keep the rest."""
    new = await put(house, "customer-1", {"name": "One"}, 201)
    assert ("customer-1", "One", None) == (new["uid"], new["name"], new["suspended_at"])
    same = await put(house, "customer-1", {})
    assert {**new, "updated_at": None} == {**same, "updated_at": None}
    assert "Two" == (await put(house, "customer-1", {"name": "Two"}))["name"]
    assert new["id"] == (await put(house, new["id"], {"name": "Three"}))["id"]
    assert "bare" == (await put(house, "bare", {}, 201))["name"]
    for name in ("customer-1", new["id"]):
        assert "Three" == (await house.get(f"/v1/tenants/{name}", key=OPERATOR_KEY))["name"]
    listed = (await house.get("/v1/tenants", key=OPERATOR_KEY))["data"]
    assert ["bare", "customer-1", "other", "default"] == [row["uid"] for row in listed]


@pytest.mark.parametrize("name", ["-", "a b", "%C3%A9", "x" * 129, "ten_" + "0" * 26])
async def test_what_no_own_id_can_be(house: House, name: str) -> None:
    """422 for an id that is not one, or that reads like ours."""
    answer = await house.call("PUT", f"/v1/tenants/{name}", key=OPERATOR_KEY, json={})
    assert_problem(answer, 422, "invalid")


async def test_an_operator_acts_for_a_tenant(house: House) -> None:
    """With the headers it sees and makes what the tenant's own key would, on every route."""
    body = {"url": "https://example.com/hook", "event_types": ["*"]}
    made = await house.call("POST", "/v1/endpoints", key=OPERATOR_KEY, headers=ACTING, json=body)
    assert 201 == made.status_code
    assert "test" == made.json()["mode"]
    path = f"/v1/endpoints/{made.json()['id']}"
    assert 200 == (await house.call("GET", path, key=OTHER_KEY)).status_code
    assert 404 == (await house.call("GET", path, key=KEY)).status_code
    other = {**ACTING, "ringback-mode": "live"}
    assert 404 == (await house.call("GET", path, key=OPERATOR_KEY, headers=other)).status_code
    told = await house.call("POST", "/v1/events", key=OPERATOR_KEY, headers=ACTING, json=EVENT)
    assert 201 == told.status_code
    assert 1 == len((await house.get("/v1/events", key=OTHER_KEY))["data"])
    assert [] == (await house.get("/v1/events"))["data"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/messages"), ("POST", "/v1/events")])
async def test_an_operator_has_to_say_for_whom(house: House, method: str, path: str) -> None:
    """No tenant: 400. An unknown one: 404. No mode, or none that there is: 422."""

    async def ask(key: str = OPERATOR_KEY, **headers: str) -> object:
        named = {f"ringback-{name}": value for name, value in headers.items()}
        return await house.call(method, path, key=key, headers=named, json=EVENT)

    assert_problem(await ask(), 400, "tenant_needed")  # type: ignore[arg-type]
    assert_problem(await ask(tenant="nobody", mode="test"), 404, "not_found")  # type: ignore[arg-type]
    for headers in ({"tenant": "other"}, {"tenant": "other", "mode": "Live"}):
        problem = assert_problem(await ask(**headers), 422, "invalid")  # type: ignore[arg-type]
        assert ["Ringback-Mode"] == places(problem)


async def test_a_tenants_own_key_names_nobody_else(house: House) -> None:
    """Its own tenant and mode may be named; another's is as good as missing."""
    for headers, status in (
        ({"ringback-tenant": "default"}, 200), ({"ringback-mode": "test"}, 200),
        ({"ringback-tenant": "other"}, 404), ({"ringback-tenant": "nobody"}, 404),
        ({"ringback-mode": "live"}, 422),
    ):  # fmt: skip
        answer = await house.call("GET", "/v1/messages", headers=headers)
        assert status == answer.status_code
    bodies = [
        (await house.call("GET", "/v1/messages", headers={"ringback-tenant": name})).json()
        for name in ("other", "nobody")
    ]
    assert {**bodies[0], "instance": ""} == {**bodies[1], "instance": ""}
    for method, path in (("GET", ""), ("GET", "/default"), ("PUT", "/default"), ("DELETE", "/x")):
        answer = await house.call(method, f"/v1/tenants{path}", json={})
        assert_problem(answer, 403, "scope_missing")


async def test_a_suspended_tenant_is_refused(house: House) -> None:
    """Its keys get 403 on every route, callbacks for it go on, and it can come back."""
    await put(house, "default", {"suspended": True})
    for method, path in (("GET", "/v1/messages"), ("POST", "/v1/events")):
        answer = await house.call(method, path, json=EVENT)
        assert_problem(answer, 403, "tenant_suspended")
    await house.hear("m1", "sent")
    since = (await put(house, "default", {"suspended": True}))["suspended_at"]
    assert since == (await house.get("/v1/tenants/default", key=OPERATOR_KEY))["suspended_at"]
    await put(house, "default", {"suspended": False})
    assert 1 == len((await house.get("/v1/messages"))["data"])


async def test_what_a_suspended_tenant_is_owed_waits(house: House) -> None:
    """Its callbacks bring about events, which go out in order once it is no longer suspended.

    What failed before it was suspended waits as well, and is not what health complains about;
    other tenants are delivered to meanwhile.
    """
    theirs = {"url": f"{house.stage.sink.url}/theirs", "event_types": ["*"]}
    await house.post("/v1/endpoints", theirs, key=OTHER_KEY)
    house.stage.sink.answers.append((503, "retry-after: 1\r\n"))
    await house.hear("m0", "sent")
    await house.delivered(1)
    await put(house, "default", {"suspended": True})
    for message in ("m1", "m2"):
        await house.hear(message, "sent", "delivered")
    await house.stage.execute("update delivery set due = now() where due is not null")
    house.engine.claimer.poke()
    await house.post("/v1/events", EVENT, key=OTHER_KEY)
    await house.delivered(2)
    assert "/hook/theirs" == house.stage.sink.received[-1].path
    assert 5 == await house.stage.value("select count(*) from delivery")
    assert 0 == (await house.engine.health()).waiting
    await put(house, "default", {"suspended": False})
    await house.delivered(7)
    went = [msgspec.json.decode(one.body) for one in house.stage.sink.received[2:]]
    lives: dict[str, list[int]] = {}
    for event in went:
        message = event["data"]["message"]["provider_message_id"]
        lives.setdefault(message, []).append(event["data"]["sequence"])
    assert {"m0": [1], "m1": [1, 2], "m2": [1, 2]} == lives
    assert 0 == await house.stage.value("select count(*) from delivery")


async def test_a_deleted_tenant_is_gone(house: House) -> None:
    """Its keys end at once, its endpoints get nothing more, and its own id is free again."""
    body = {"url": f"{house.stage.sink.url}/theirs", "event_types": ["*"]}
    await house.post("/v1/endpoints", body, key=OTHER_KEY)
    house.stage.sink.answers.append((500, ""))
    await house.post("/v1/events", EVENT, key=OTHER_KEY)
    await house.delivered(1)
    before = await house.get("/v1/tenants/other", key=OPERATOR_KEY)
    for status in (204, 404):
        gone = await house.call("DELETE", "/v1/tenants/other", key=OPERATOR_KEY)
        assert status == gone.status_code
    assert_problem(await house.call("GET", "/v1/messages", key=OTHER_KEY), 401, "unauthenticated")
    assert 0 == await house.stage.value("select count(*) from delivery")
    acting = await house.call("GET", "/v1/messages", key=OPERATOR_KEY, headers=ACTING)
    assert_problem(acting, 404, "not_found")
    again = await put(house, "other", {}, 201)
    assert before["id"] != again["id"]
    first = await house.call("DELETE", "/v1/tenants/default", key=OPERATOR_KEY)
    assert_problem(first, 409, "not_now")


async def test_what_is_done_to_tenants_is_in_the_audit_log(house: House) -> None:
    """In the installation's own, which an operator reads without naming a tenant."""
    new = await put(house, "customer-1", {"name": "One"}, 201)
    await put(house, "customer-1", {"suspended": True})
    await house.call("DELETE", "/v1/tenants/customer-1", key=OPERATOR_KEY)
    log = (await house.get("/v1/audit-log", key=OPERATOR_KEY))["data"]
    assert [("tenant.deleted", new["id"]), ("tenant.changed", new["id"]),
            ("tenant.created", new["id"])] == [
        (entry["action"], entry["object"]) for entry in log
    ]  # fmt: skip
    assert True is log[1]["detail"]["suspended"]
    for key in (KEY, OTHER_KEY):
        assert [] == (await house.get("/v1/audit-log", key=key))["data"]
