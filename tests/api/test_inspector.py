"""The inspector's requests, and the simulator behind test connections."""

import asyncio

from ringback.domain.http import Callback
from ringback.domain.ids import show
from ringback.services.simulate import Plan, Simulated
from ringback.storage import inspector as stored
from tests.api.house import LIVE_KEY, House, Json, assert_problem, places


async def inspected(house: House, name: str, *bodies: bytes) -> None:
    """Let requests come in under a name, and wait until they are stored."""
    assert house.engine.inspector is not None
    for body in bodies:
        url = f"http://127.0.0.1:8420/inspect/{name}?status=503"
        callback = Callback("POST", url, (("x-a", "1"),), body, "")
        await house.engine.inspector.handle(name, callback)
    async with asyncio.timeout(10):
        while len(await rows(house, name)) < len(bodies):
            await asyncio.sleep(0.01)


async def rows(house: House, name: str) -> list[Json]:
    """Return the requests of a name, newest first."""
    data: list[Json] = (await house.get(f"/v1/inspect/{name}"))["data"]
    return data


async def test_what_was_posted_is_shown_newest_first(house: House) -> None:
    """Body as text and, if it is JSON, parsed; and what it was answered with."""
    await inspected(house, "mine", b'{"a": [1]}', b"no json", b"\xff")
    found = await rows(house, "mine")
    assert [(None, None), ("no json", None), ('{"a": [1]}', {"a": [1]})] == [
        (row["body"]["text"], row["parsed"]) for row in found
    ]
    assert ("POST", 503, [["x-a", "1"]], "/w==") == (
        found[0]["method"], found[0]["answered"], found[0]["headers"], found[0]["body"]["base64"],
    )  # fmt: skip
    assert found[0]["url"].endswith("/inspect/mine?status=503")
    assert [] == await rows(house, "other")


async def test_forgetting(house: House) -> None:
    """A name is emptied; others are not."""
    await inspected(house, "mine", b"1")
    await inspected(house, "yours", b"2")
    response = await house.call("DELETE", "/v1/inspect/mine")
    assert (204, b"") == (response.status_code, response.content)
    assert [] == await rows(house, "mine")
    assert 1 == len(await rows(house, "yours"))
    assert 204 == (await house.call("DELETE", "/v1/inspect/nothing")).status_code


async def test_the_inspector_is_for_test_keys(house: House) -> None:
    """A live key sees test data nowhere."""
    for method in ("GET", "DELETE"):
        response = await house.call(method, "/v1/inspect/mine", key=LIVE_KEY)
        assert_problem(response, 403, "test_mode_only")


async def test_pages_of_requests(house: House) -> None:
    """All 500 that are kept can be walked through, there and back."""
    await stored.add(house.engine.database, [
        stored.NewInspected(1, 2, "many", "POST", "u", (), str(number).encode(), 200)
        for number in range(stored.KEPT)
    ])  # fmt: skip
    page = await house.get("/v1/inspect/many", limit=200)
    pages = [page]
    while page["next"]:
        page = await house.get("/v1/inspect/many", limit=200, cursor=page["next"])
        pages.append(page)
    texts = [row["body"]["text"] for page in pages for row in page["data"]]
    assert [str(number) for number in reversed(range(stored.KEPT))] == texts
    back = await house.get("/v1/inspect/many", limit=200, cursor=pages[2]["prev"])
    assert pages[1]["data"] == back["data"]


async def test_a_simulation_goes_the_whole_way(house: House) -> None:
    """What is answered names the message whose callbacks come in."""
    posted: list[tuple[object, object]] = []
    message = house.new_id()

    async def simulate(connection: object, plan: object) -> Simulated:
        posted.append((connection, plan))
        return Simulated("sim-1", message)

    house.client = house.client_of(house.build(simulate=simulate))
    connection = (await house.connection("simulator"))["id"]
    body = {"to": "+15550101", "from": "+15550100", "statuses": ["sent", "read"], "delay_ms": 5}
    made = await house.post(f"/v1/connections/{connection}/simulate", body, status=202)
    expected = {"provider_message_id": "sim-1", "message": show("msg", message)}
    assert {**expected, "outcome": None, "others": [], "callbacks": []} == made
    ((_, plan),) = posted
    assert ("+15550101", "+15550100", ("sent", "read"), 5, "sms", False) == tuple(
        getattr(plan, name)
        for name in ("to", "from_", "statuses", "delay_ms", "channel", "reorder")
    )


async def test_the_next_status_of_a_message_is_simulated(house: House) -> None:
    """A message of the connection is reported on as it is: by its provider's id, nothing sent."""
    plans: list[Plan] = []

    async def simulate(connection: object, plan: Plan) -> Simulated:
        plans.append(plan)
        return Simulated(plan.about or "sim-1", None)

    await house.hear("m1", "sent")
    message = await house.message("m1")
    house.client = house.client_of(house.build(simulate=simulate))
    path = f"/v1/connections/{message['connection']}/simulate"
    asked = {"message": message["id"], "statuses": ["read"]}
    made = await house.post(path, asked, status=202)
    expected = {"provider_message_id": "m1", "message": message["id"]}
    assert {**expected, "outcome": None, "others": [], "callbacks": []} == made
    (plan,) = plans
    assert ("m1", message["to"], message["channel"], ("read",)) == (
        plan.about, plan.to, plan.channel, plan.statuses,
    )  # fmt: skip
    other = (await house.connection("simulator"))["id"]
    for place, body, at in (
        (other, asked, ["/message"]), (other, {**asked, "message": "msg_1"}, ["/message"]),
        (other, {"statuses": ["read"]}, ["/to", "/from"]),
    ):  # fmt: skip
        response = await house.call("POST", f"/v1/connections/{place}/simulate", json=body)
        assert at == places(assert_problem(response, 422, "invalid"))


async def test_what_cannot_be_simulated(house: House) -> None:
    """Unknown statuses, those that the provider never reports, live keys, too much at once."""
    connection = (await house.connection("simulator"))["id"]
    path = f"/v1/connections/{connection}/simulate"
    body = {"to": "+15550101", "from": "+15550100"}
    for wrong, place in (
        ({"statuses": ["sent", "lost"]}, "/statuses/1"), ({"statuses": []}, "/statuses"),
        ({"statuses": ["sent"] * 17}, "/statuses"), ({"delay_ms": 60_001}, "/delay_ms"),
        ({"duplicate": 1.5}, "/duplicate"), ({"statuses": ["scheduled"]}, "/statuses/0"),
    ):  # fmt: skip
        response = await house.call("POST", path, json={**body, **wrong})
        assert [place] == places(assert_problem(response, 422, "invalid"))
    response = await house.call("POST", path, json=body, key=LIVE_KEY)
    assert_problem(response, 404, "not_found")

    async def full(*_: object) -> Simulated:
        raise BlockingIOError("Too many simulations are under way; wait for some to end.")

    house.client = house.client_of(house.build(simulate=full))
    response = await house.call("POST", path, json=body)
    assert_problem(response, 429, "busy")
    assert "retry-after" in response.headers
