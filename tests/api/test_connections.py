"""Connections: made, shown without their secrets, deleted; and the providers there are."""

from typing import Any

import httpx

from ringback.providers import registry
from ringback.providers.config import secret_fields
from tests.api.house import LIVE_KEY, House, assert_problem, places
from tests.services.stage import BASE_URL

SECRET = "an-app-secret-of-32-characters-xy"
CONFIG = {"app_secret": SECRET, "verify_token": "a-verify-token"}
FIELDS = {
    "id", "provider", "name", "mode", "callback_url", "config", "usable", "counts",
    "last_callback", "created_at", "updated_at", "public_url", "on_bad_signature", "overlap",
    "paused", "held",
}  # fmt: skip


async def create(house: House, **more: Any) -> httpx.Response:
    """Ask for a connection."""
    body = {"provider": "whatsapp", "name": "Main number", "config": CONFIG, **more}
    return await house.call("POST", "/v1/connections", json=body)


async def test_a_new_connection_has_a_callback_url(house: House) -> None:
    """The answer says where the provider posts to; no secret of the config comes back."""
    response = await create(house)
    assert 201 == response.status_code
    made = response.json()
    assert {"url": made["callback_url"], "made_up": {}} == made.pop("to_enter")
    assert [None, None] == [made.pop("mapping_tested"), made.pop("to_do")]
    assert set(made) == FIELDS
    assert ("whatsapp", "Main number", "test", True, {}, None) == (
        made["provider"], made["name"], made["mode"], made["usable"], made["counts"],
        made["last_callback"],
    )  # fmt: skip
    url, _, token = made["callback_url"].rpartition("/")
    assert f"{BASE_URL}/in" == url
    assert 22 == len(token)
    assert made == await house.get(f"/v1/connections/{made['id']}")
    assert ("…" + SECRET[-4:], "…oken") == (
        made["config"]["app_secret"], made["config"]["verify_token"],
    )  # fmt: skip


async def test_no_route_shows_a_secret(house: House) -> None:
    """Whatever is asked about a connection, its secrets are not in the answer."""
    made = (await create(house)).json()
    answers = [
        await house.call("GET", "/v1/connections"),
        await house.call("GET", f"/v1/connections/{made['id']}"),
        await create(house),
        await create(house, provider="no-such", config={"app_secret": SECRET}),
        await create(house, config={**CONFIG, "more": SECRET}),
        await create(house, config={"app_secret": SECRET, "verify_token": ""}),
        await house.call("GET", "/v1/callbacks"),
    ]
    assert [200, 200, 201, 422, 422, 422, 200] == [answer.status_code for answer in answers]
    for answer in answers:
        assert SECRET not in answer.text
        assert "a-verify-token" not in answer.text


async def test_who_may_not_add_connections_sees_no_token(house: House) -> None:
    """Neither in a connection nor in its callbacks: whoever has it may post as the provider."""
    made = (await create(house, provider="simulator", config={"secret": "s3cret"})).json()
    token = made["callback_url"].rpartition("/")[2]
    await house.hear("m1", "sent", token=token)
    callback = (await house.get("/v1/callbacks", connection=made["id"]))["data"][0]
    url = made["callback_url"]
    await house.stage.execute(f"update callback set url = '{url}?a=/in/b'")
    paths = (f"/v1/connections/{made['id']}", f"/v1/callbacks/{callback['id']}")
    scopes = ["connections:read", "callbacks:read"]
    reader = (await house.post("/v1/api-keys", {"name": "r", "scopes": scopes}))["key"]
    for path in paths:
        assert token in str(await house.get(path))
        shown = await house.get(path, key=reader)
        assert token not in str(shown)
        told = shown.get("callback_url") or shown["url"].removesuffix("?a=/in/b")
        assert f"{BASE_URL}/in/•••" == told
    assert token not in str(await house.get("/v1/connections", key=reader))


async def test_a_callback_to_a_new_connection_is_taken(house: House) -> None:
    """From the answer on; the connection then shows its last callback and its handshakes."""
    made = (await create(house, provider="simulator", config={"secret": "s3cret"})).json()
    token = made["callback_url"].rpartition("/")[2]
    await house.hear("m1", "sent", token=token)
    shown = await house.get(f"/v1/connections/{made['id']}")
    last = shown["last_callback"]
    assert "accepted" == last["outcome"]
    newest = (await house.get("/v1/callbacks"))["data"][0]
    assert (newest["id"], newest["received_at"]) == (last["id"], last["received_at"])
    await house.stage.execute(
        "insert into callback_count select no, current_date, 'handshake', tenant, mode, 2 "
        "from connection where provider = 'simulator'"
    )
    counts = (await house.get(f"/v1/connections/{made['id']}"))["counts"]
    assert {"handshake": 2} == counts


async def test_faults_in_a_config_have_pointers(house: House) -> None:
    """Each field of the provider's settings that is wrong is named below /config."""
    response = await create(house, config={"app_secret": "", "verify_tokn": "x"}, token="short")
    problem = assert_problem(response, 422, "invalid")
    expected = ["/config/app_secret", "/config/verify_tokn", "/token"]
    assert expected == sorted(places(problem))
    assert all(error["detail"].endswith(".") for error in problem["errors"])
    for wrong in ({"name": ""}, {"name": "x" * 129}):
        assert ["/name"] == places(assert_problem(await create(house, **wrong), 422, "invalid"))


async def test_an_unknown_provider_is_answered_with_the_known(house: House) -> None:
    """The fault lists every provider that there is."""
    problem = assert_problem(await create(house, provider="twillio"), 422, "invalid")
    assert ["/provider"] == places(problem)
    for name in registry.PROVIDERS:
        assert name in problem["errors"][0]["detail"]


async def test_a_token_of_ones_own(house: House) -> None:
    """It becomes part of the URL; a taken one is refused, also when another tenant has it."""
    made = (await create(house, token="my-own-token_1")).json()
    assert f"{BASE_URL}/in/my-own-token_1" == made["callback_url"]
    assert_problem(await create(house, token="my-own-token_1"), 409, "token_taken")
    response = await house.call(
        "POST", "/v1/connections", key=LIVE_KEY,
        json={"provider": "whatsapp", "name": "x", "config": CONFIG, "token": "my-own-token_1"},
    )  # fmt: skip
    assert_problem(response, 409, "token_taken")
    assert 4 == len((await house.get("/v1/connections"))["data"])
    for wrong in ("short", "with space", "sl/ash-es", "x" * 129, "ümlaut-token"):
        problem = assert_problem(await create(house, token=wrong), 422, "invalid")
        assert ["/token"] == places(problem)


async def test_a_deleted_connection_takes_no_callbacks(house: House) -> None:
    """Its URL is unknown from the answer on; what it brought stays."""
    connection = next(
        one for one in (await house.get("/v1/connections"))["data"] if one["provider"] == "whatsapp"
    )
    callback = house.stage.callback("sent", "m1")
    await house.stage.receive(callback)
    path = f"/v1/connections/{connection['id']}"
    assert 204 == (await house.call("DELETE", path)).status_code
    assert_problem(await house.call("GET", path), 404, "not_found")
    assert_problem(await house.call("DELETE", path), 404, "not_found")
    assert 404 == (await house.stage.receive(callback)).status
    kept = (await house.get("/v1/callbacks", connection=connection["id"]))["data"]
    assert [connection["id"]] == [one["connection"] for one in kept]


async def test_a_connection_that_cannot_be_read_is_shown_as_such(house: House) -> None:
    """Of a provider that is gone, nothing of the config is shown, secrets least of all."""
    made = (await create(house)).json()
    await house.stage.execute("update connection set provider = 'gone' where name = 'Main number'")
    await house.engine.configuration.reload()
    shown = await house.get(f"/v1/connections/{made['id']}")
    assert (False, {}) == (shown["usable"], shown["config"])


async def test_the_providers_there_are(house: House) -> None:
    """Each is listed with its channels, its documentation and the schema of its config."""
    listed = await house.get("/v1/providers")
    assert (None, None) == (listed["next"], listed["prev"])
    assert sorted(registry.PROVIDERS) == [provider["name"] for provider in listed["data"]]
    for shown in listed["data"]:
        provider = registry.get(shown["name"])
        assert list(provider.channels) == shown["channels"]
        assert provider.documentation == shown["documentation"]
        properties = shown["config_schema"]["properties"]
        secrets = {name for name, field in properties.items() if field.get("writeOnly")}
        assert secret_fields(provider.Config) == secrets


async def test_what_is_ours_to_choose_may_be_left_out(house: House) -> None:
    """It is made up and told once, and the URL to enter has the proof where that stands in it."""
    for listed in (await house.get("/v1/providers"))["data"]:
        name, fields = listed["name"], listed["config_schema"].get("properties", {})
        chosen = {one for one, about in fields.items() if about.get("x-chosen")}
        config = {one: v for one, v in listed["example_config"].items() if one not in chosen}
        body = {"provider": name, "name": name, "config": config}
        made = await house.post("/v1/connections", body)
        entered = made["to_enter"]
        assert chosen & set(listed["config_schema"].get("required", [])) == set(entered["made_up"])
        token = str(made["callback_url"]).rpartition("/")[2]
        connection = house.stage.connection(token)
        for one, value in entered["made_up"].items():
            assert value == getattr(connection.config, one)
        proof = entered["made_up"].get("callback_secret")
        end = f"?callback_proof={proof}" if proof else ""
        if name != "twilio":
            assert made["callback_url"] + end == entered["url"]
        found = await house.get(f"/v1/connections/{made['id']}")
        assert "to_enter" not in found
        assert proof is None or proof not in str(found)


async def test_a_proof_in_the_url_is_in_the_url_to_enter(house: House) -> None:
    """A key in the query of `generic`, the credentials of Twilio; also when they are changed."""
    key = {"scheme": "api_key", "in": "query", "name": "k", "value": "not-a-real-key-&1"}
    made = await house.post(
        "/v1/connections", {"provider": "generic", "name": "G", "config": {"verify": key}}
    )
    assert f"{made['callback_url']}?k=not-a-real-key-%261" == made["to_enter"]["url"]
    changed = {"verify": {**key, "value": "not-a-real-key-2"}}
    path = f"/v1/connections/{made['id']}/rotate"
    rotated = await house.post(path, {"config": changed}, status=200)
    assert f"{made['callback_url']}?k=not-a-real-key-2" == rotated["to_enter"]["url"]
    config = {
        "auth_token": "not-a-real-auth-token-of-twilio0", "callback_username": "me@shop",
        "callback_password": "not-a-real-password",
    }  # fmt: skip
    made = await house.post(
        "/v1/connections", {"provider": "twilio", "name": "T", "config": config}
    )
    scheme, _, rest = str(made["callback_url"]).partition("://")
    assert f"{scheme}://me%40shop:not-a-real-password@{rest}" == made["to_enter"]["url"]
