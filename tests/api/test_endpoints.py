"""Endpoints: made, shown, changed, deleted; and what no endpoint may be."""

from datetime import timedelta
from typing import Any

import httpx
import msgspec

from ringback.domain import ids
from ringback.domain.egress import Own
from ringback.domain.signing import secret_key
from ringback.services import manage
from ringback.storage import configuration as stored
from tests.api.house import LIVE_KEY, HandClock, House, assert_problem, at, places
from tests.services.sink import until

URL = "https://example.com/hook"
FIELDS = {
    "kind",
    "id", "url", "event_types", "description", "delivery", "mode", "enabled", "disabled_at",
    "disabled_for", "created_at", "updated_at", "expires_at", "uid", "metadata", "headers",
}  # fmt: skip


async def create(house: House, **more: Any) -> httpx.Response:
    """Ask for an endpoint."""
    return await house.call(
        "POST", "/v1/endpoints", json={"url": URL, "event_types": ["*"], **more}
    )


async def test_a_new_endpoint_is_answered_with_its_secret(house: House) -> None:
    """Only the answer to the creation, and the route for it, show the secret."""
    body = {"url": URL, "event_types": ["message.*", "call.completed"], "description": "Orders"}
    made = await house.post("/v1/endpoints", body)
    secret = made.pop("secret")
    assert secret_key(secret) is not None
    assert set(made) == FIELDS
    assert (URL, ["message.*", "call.completed"], "Orders", "test", True, None) == (
        made["url"], made["event_types"], made["description"], made["mode"], made["enabled"],
        made["disabled_at"],
    )  # fmt: skip
    path = f"/v1/endpoints/{made['id']}"
    assert made == await house.get(path)
    assert {"secret": secret, "retiring": []} == await house.get(f"{path}/secret")
    listed = await house.call("GET", "/v1/endpoints")
    assert made in listed.json()["data"]
    assert secret not in listed.text


async def test_a_secret_of_ones_own(house: House) -> None:
    """A well-formed whsec_ secret is taken; anything else is refused and not repeated."""
    own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert own == (await create(house, secret=own)).json()["secret"]
    for wrong in ("whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!"):
        response = await create(house, secret=wrong)
        assert ["/secret"] == places(assert_problem(response, 422, "invalid"))
        assert f'"{wrong}"' not in response.text


async def test_test_endpoints_end_after_a_week_unless_they_are_changed(house: House) -> None:
    """A change gives seven more days; a live endpoint has no end."""
    clock = HandClock()
    house.client = house.client_of(house.build(clock=clock))
    made = await house.post("/v1/endpoints", {"url": URL, "event_types": ["*"]})
    week = timedelta(days=7)
    assert abs(at(made["expires_at"]) - at(made["created_at"]) - week) < timedelta(seconds=5)
    clock.ahead_ms = 86_400_000
    path = f"/v1/endpoints/{made['id']}"
    changed = (await house.call("PATCH", path, json={"description": "still used"})).json()
    assert timedelta(hours=23) < at(changed["expires_at"]) - at(made["expires_at"])
    clock.ahead_ms = 9 * 86_400_000
    assert_problem(await house.call("GET", path), 404, "not_found")
    live = await house.post("/v1/endpoints", {"url": URL, "event_types": ["*"]}, key=LIVE_KEY)
    assert (None, "live") == (live["expires_at"], live["mode"])


async def test_what_is_changed_and_what_stays(house: House) -> None:
    """A change touches what it names; null is no way to name it."""
    made = (await create(house, description="first")).json()
    path = f"/v1/endpoints/{made['id']}"
    body = {"url": "https://example.com/other", "event_types": ["message.read"]}
    changed = (await house.call("PATCH", path, json=body)).json()
    assert ({**body, "description": "first", "enabled": True}) == {
        name: changed[name] for name in ("url", "event_types", "description", "enabled")
    }
    assert changed == await house.get(path)
    for field in ("url", "event_types", "description", "enabled"):
        response = await house.call("PATCH", path, json={field: None})
        assert [f"/{field}"] == places(assert_problem(response, 422, "invalid"))
    response = await house.call("PATCH", path, json={"secret": "whsec_x", "enabled": "no"})
    assert ["/enabled", "/secret"] == sorted(places(assert_problem(response, 422, "invalid")))
    assert changed == await house.get(path)


async def test_a_disabled_endpoint_receives_nothing(house: House) -> None:
    """From the answer on; enabled again, it gets what comes from then on."""
    sink = house.stage.sink
    path = "/v1/endpoints/" + (await house.get("/v1/endpoints"))["data"][0]["id"]
    off = (await house.call("PATCH", path, json={"enabled": False})).json()
    assert (False, "Disabled by hand.") == (off["enabled"], off["disabled_for"])
    assert off["disabled_at"] is not None
    await house.hear("m1", "sent")
    on = (await house.call("PATCH", path, json={"enabled": True})).json()
    assert (True, None, None) == (on["enabled"], on["disabled_at"], on["disabled_for"])
    await house.hear("m2", "sent")
    await until(lambda: len(sink.received) >= 1)
    events = [event["id"] for event in (await house.get("/v1/events"))["data"]]
    assert [events[0]] == [received.headers["webhook-id"] for received in sink.received]


async def test_urls_that_no_endpoint_may_have(house: House) -> None:
    """What could never be sent to is refused at once, with the reason and its place."""
    refused = [
        "ftp://example.com/", "example.com", "/hook", "https://", "https://user:pw@example.com/",
        "https://exa mple.com/", "https://10.0.0.1/", "https://169.254.169.254/latest",
        "https://[fd00::1]/", "https://example.com:22/", "https://0x7f.1:5432/",
        "https://256.1.1.1/",
    ]  # fmt: skip
    for url in refused:
        response = await create(house, url=url)
        assert ["/url"] == places(assert_problem(response, 422, "invalid"))
    live_only = [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://localhost/x",
        "https://[::1]/",
    ]
    for url in live_only:
        body = {"url": url, "event_types": ["*"]}
        response = await house.call("POST", "/v1/endpoints", key=LIVE_KEY, json=body)
        problem = assert_problem(response, 422, "invalid")
        assert ["/url"] == places(problem)
        await house.post("/v1/endpoints", body)
    assert 422 == (await create(house, url="https://example.com/" + "x" * 2048)).status_code


async def test_the_inspector_may_be_sent_to_in_any_mode(house: House) -> None:
    """Our own pages under /inspect/ are allowed, and nothing else of our listener."""
    house.client = house.client_of(house.build(own=Own(8420)))
    body = {"url": "http://127.0.0.1:8420/inspect/mine", "event_types": ["*"]}
    assert 201 == (await house.call("POST", "/v1/endpoints", key=LIVE_KEY, json=body)).status_code
    response = await create(house, url="http://127.0.0.1:8420/v1/endpoints")
    assert ["/url"] == places(assert_problem(response, 422, "invalid"))


async def test_patterns_are_checked(house: House) -> None:
    """A pattern that can never match is refused at its place, and at least one is needed."""
    response = await create(house, event_types=["message.delivered", "message.deliverd", "a b"])
    problem = assert_problem(response, 422, "invalid")
    assert ["/event_types/1", "/event_types/2"] == places(problem)
    assert "message.delivered" in problem["errors"][0]["detail"]
    for body in ({"url": URL}, {"url": URL, "event_types": []}):
        response = await house.call("POST", "/v1/endpoints", json=body)
        assert ["/event_types"] == places(assert_problem(response, 422, "invalid"))
    made = (await create(house)).json()
    response = await house.call(
        "PATCH", f"/v1/endpoints/{made['id']}", json={"event_types": [], "url": "x"}
    )
    assert ["/event_types", "/url"] == sorted(places(assert_problem(response, 422, "invalid")))


async def test_a_deleted_endpoint_is_owed_nothing(house: House) -> None:
    """Its open deliveries end as cancelled, its history stays, and it is gone."""
    house.stage.sink.answers.extend([(503, "")] * 3)
    await house.hear("m1", "sent", "delivered")
    await house.delivered(1)
    endpoint = (await house.get("/v1/endpoints"))["data"][0]["id"]
    path = f"/v1/endpoints/{endpoint}"
    response = await house.call("DELETE", path)
    assert (204, b"") == (response.status_code, response.content)
    assert_problem(await house.call("GET", path), 404, "not_found")
    assert_problem(await house.call("DELETE", path), 404, "not_found")
    assert 0 == await house.stage.value("select count(*) from delivery")
    owed = (await house.get("/v1/deliveries", endpoint=endpoint))["data"]
    assert ["cancelled", "cancelled"] == [delivery["status"] for delivery in owed]
    assert [0, 1] == [delivery["attempts"] for delivery in owed]


async def test_there_is_a_limit(house: House) -> None:
    """All endpoints are in every worker's memory, so there is an end to them."""
    configuration = house.engine.configuration
    known = configuration.everything.endpoints[0]
    async with configuration.change() as connection:
        for _ in range(manage.ENDPOINTS_MAX - 1):
            engine = msgspec.structs.replace(known.engine, id=house.new_id())
            new = msgspec.structs.replace(known, engine=engine)
            await stored.add_endpoint(connection, configuration.vault, new)
    assert_problem(await create(house), 409, "limit_reached")
    response = await house.call("DELETE", f"/v1/endpoints/{ids.show('end', known.engine.id)}")
    assert 204 == response.status_code
    assert 201 == (await create(house)).status_code
