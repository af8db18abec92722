"""API keys as a resource: made, shown once, scoped, expiring, last used, revoked everywhere."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.house import ACTING, KEY, LIVE_KEY, OPERATOR_KEY, House, Json, assert_problem, places


async def made(house: House, *, key: str = KEY, **fields: object) -> Json:
    """Make a key."""
    return await house.post("/v1/api-keys", {"name": "one", **fields}, key=key)


async def status(house: House, key: str, path: str = "/v1/messages") -> int:
    """Return how a key is answered."""
    return (await house.call("GET", path, key=key)).status_code


async def test_a_key_is_shown_once(house: House) -> None:
    """The answer to its making holds the key, which works at once; nothing later shows it."""
    new = await made(house)
    assert new["key"].startswith("rk_test_")
    assert ("test", None, new["key"][-4:]) == (new["kind"], new["scopes"], new["hint"])
    assert 200 == await status(house, new["key"])
    shown = await house.get(f"/v1/api-keys/{new['id']}")
    assert {**new, "key": None} == {**shown, "key": None}
    assert "key" not in shown
    listed = (await house.get("/v1/api-keys"))["data"]
    assert new["id"] == listed[0]["id"]
    assert new["key"] not in str(listed)


async def test_a_revoked_key_ends_everywhere(house: House) -> None:
    """When the answer comes, no worker takes the key: not this one, not another, nowhere."""
    new = await made(house)
    other = house.stage.another_engine()
    await other.start()
    try:
        there = house.client_of(
            house.build(configuration=other.configuration, database=other.database)
        )
        headers = {"authorization": f"Bearer {new['key']}"}
        assert 200 == (await there.get("/v1/messages", headers=headers)).status_code
        began = datetime.now(UTC)
        gone = await house.call("DELETE", f"/v1/api-keys/{new['id']}")
        assert 204 == gone.status_code
        assert timedelta(seconds=1) > datetime.now(UTC) - began
        for client in (there, house.client):
            answer = await client.get("/v1/messages", headers=headers)
            assert_problem(answer, 401, "unauthenticated")
        published = await house.call("POST", "/v1/events", key=new["key"], json={})
        assert 401 == published.status_code
    finally:
        await other.stop()
    assert (await house.get(f"/v1/api-keys/{new['id']}"))["revoked_at"] is not None
    again = await house.call("DELETE", f"/v1/api-keys/{new['id']}")
    assert_problem(again, 404, "not_found")


async def test_without_the_scope_it_is_refused(house: House) -> None:
    """403 with the scope's name, in words and as RFC 6750 has it; with the scope it works."""
    new = await made(house, scopes=["messages:read", "events:write"])
    assert 200 == await status(house, new["key"])
    for method, path, scope in (
        ("GET", "/v1/endpoints", "endpoints:read"),
        ("POST", "/v1/api-keys", "keys:write"),
        ("GET", "/v1/tenants", "tenants:read"),
    ):
        answer = await house.call(method, path, key=new["key"], json={})
        problem = assert_problem(answer, 403, "scope_missing")
        assert scope in problem["detail"]
        assert f'scope="{scope}"' in answer.headers["www-authenticate"]
    await house.post("/v1/events", {"type": "a.b", "data": {}}, key=new["key"])
    reader = await made(house, scopes=["messages:read"])
    refused = await house.call(
        "POST", "/v1/events", key=reader["key"], json={"type": "a.b", "data": {}}
    )
    assert "events:write" in assert_problem(refused, 403, "scope_missing")["detail"]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"scopes": ["endpoints:everything"]}, "/scopes/0"),
        ({"scopes": ["events:read", "tenants:read"]}, "/scopes/1"),
        ({"kind": "live"}, "/kind"),
        ({"kind": "operator"}, "/kind"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2027-01-01T00:00:00"}, "/expires_at"),
        ({"expires_at": "soon"}, "/expires_at"),
        ({"name": ""}, "/name"),
        ({"scopes": "events:read"}, "/scopes"),
    ],
)
async def test_what_a_key_cannot_be(house: House, fields: Json, place: str) -> None:
    """422 with the place of each fault."""
    answer = await house.call("POST", "/v1/api-keys", json={"name": "one", **fields})
    assert [place] == places(assert_problem(answer, 422, "invalid"))


async def test_no_key_makes_more_than_itself(house: House) -> None:
    """Neither scopes nor time nor mode can be won by making another key."""
    end = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    maker = await made(house, scopes=["keys:write", "messages:read"], expires_at=end)
    longer = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    for fields, place in (
        ({"scopes": ["endpoints:read"], "expires_at": end}, "/scopes/0"),
        ({}, "/expires_at"),
        ({"expires_at": longer}, "/expires_at"),
    ):
        answer = await house.call(
            "POST", "/v1/api-keys", key=maker["key"], json={"name": "two", **fields}
        )
        assert [place] == places(assert_problem(answer, 422, "invalid"))
    heir = await made(house, key=maker["key"], expires_at=end)
    assert ["keys:write", "messages:read"] == heir["scopes"]
    test = await made(house, key=LIVE_KEY, kind="test")
    assert test["key"].startswith("rk_test_")
    assert test["id"] in [row["id"] for row in (await house.get("/v1/api-keys"))["data"]]


async def test_last_use_is_noted_in_batches(house: House) -> None:
    """Nothing is written by a request; the next flush knows of it, once for all of them."""
    new = await made(house)
    for _ in range(3):
        await status(house, new["key"])
    shown = await house.get(f"/v1/api-keys/{new['id']}")
    assert shown["last_used_at"] is None
    await house.engine.key_use.flush()
    used = (await house.get(f"/v1/api-keys/{new['id']}"))["last_used_at"]
    assert used is not None
    await house.engine.key_use.flush()
    assert used == (await house.get(f"/v1/api-keys/{new['id']}"))["last_used_at"]
    publisher = await made(house)
    await house.post("/v1/events", {"type": "a.b", "data": {}}, key=publisher["key"])
    await house.engine.key_use.flush()
    assert (await house.get(f"/v1/api-keys/{publisher['id']}"))["last_used_at"] is not None


async def test_operators_make_operators(house: House) -> None:
    """Without a tenant an operator's key makes and lists operators' keys, and no others."""
    new = await made(house, key=OPERATOR_KEY, scopes=["tenants:read"])
    assert new["key"].startswith("rk_op_")
    listed = (await house.get("/v1/api-keys", key=OPERATOR_KEY))["data"]
    assert {"operator"} == {row["kind"] for row in listed}
    assert 200 == await status(house, new["key"], "/v1/tenants")
    answer = await house.call("POST", "/v1/api-keys", key=OPERATOR_KEY,
                              json={"name": "one", "kind": "live"})  # fmt: skip
    assert ["/kind"] == places(assert_problem(answer, 422, "invalid"))
    theirs = await house.call(
        "POST", "/v1/api-keys", key=OPERATOR_KEY, headers=ACTING, json={"name": "first"}
    )
    assert "test" == theirs.json()["kind"]
    seen = await house.get("/v1/api-keys", key=theirs.json()["key"])
    assert theirs.json()["id"] in [row["id"] for row in seen["data"]]


async def test_what_is_done_to_keys_is_in_the_audit_log(house: House) -> None:
    """Who made which key and who revoked it, without the key; an operator's own stand apart."""
    new = await made(house, scopes=["events:read"])
    await house.call("DELETE", f"/v1/api-keys/{new['id']}")
    entries = (await house.get("/v1/audit-log", object=new["id"]))["data"]
    assert ["api_key.revoked", "api_key.created"] == [entry["action"] for entry in entries]
    assert ["events:read"] == entries[1]["detail"]["scopes"]
    assert new["key"] not in str(entries)
    theirs = await made(house, key=OPERATOR_KEY)
    log = (await house.get("/v1/audit-log", key=OPERATOR_KEY))["data"]
    assert [theirs["id"]] == [entry["object"] for entry in log]


async def test_a_key_says_what_it_is(house: House) -> None:
    """Kind, tenant, mode and scopes; a key with one scope may ask as well, and so may operators."""
    made = await house.post("/v1/api-keys", {"name": "small", "scopes": ["events:read"]})
    who = await house.get("/v1/whoami", key=made["key"])
    scopes = ["events:read", "self:read", "self:write", "search:read"]
    assert (made["id"], "test", "test", scopes, None) == (
        who["key"], who["kind"], who["mode"], who["scopes"], who["expires_at"],
    )  # fmt: skip
    assert (who["tenant"], who["tenant_uid"]) == await _default_tenant(house)
    alone = await house.get("/v1/whoami", key=OPERATOR_KEY)
    assert ("operator", None, None) == (alone["kind"], alone["tenant"], alone["mode"])
    acting = await house.call("GET", "/v1/whoami", key=OPERATOR_KEY, headers=ACTING)
    assert ("operator", "other", "test") == tuple(
        acting.json()[name] for name in ("kind", "tenant_uid", "mode")
    )


async def _default_tenant(house: House) -> tuple[str, str]:
    found = await house.call("GET", "/v1/tenants/default", key=OPERATOR_KEY)
    return found.json()["id"], found.json()["uid"]
