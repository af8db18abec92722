"""Callbacks: whole, with what became of them."""

import base64

from ringback.domain.http import Callback
from ringback.domain.outcomes import OUTCOMES
from tests.api.house import House, assert_problem, places
from tests.services.stage import BASE_URL

TOKEN = "demo-whatsapp"


async def outcomes(house: House, **filters: str) -> list[str]:
    """Return the outcomes of the callbacks that fit, newest first."""
    listed = await house.get("/v1/callbacks", **filters)
    return [callback["outcome"] for callback in listed["data"]]


async def post(house: House, body: bytes) -> None:
    """Post something to the demo's WhatsApp connection."""
    url = f"{BASE_URL}/in/{TOKEN}?a=b"
    await house.stage.receive(Callback("POST", url, (), body, "192.0.2.7"))


async def test_a_callback_as_it_came(house: House) -> None:
    """Method, URL, headers and body; the token and credentials are not in it."""
    sent = house.stage.callback("sent", "m1")
    secret = {"Authorization": "Bearer hidden-word"}
    await house.stage.receive(
        Callback("POST", sent.url, (*sent.headers, *secret.items()), sent.body, "192.0.2.7")
    )
    listed = (await house.get("/v1/callbacks"))["data"][0]
    message = await house.message("m1")
    assert ("whatsapp", "POST", "accepted", "", 1, message["id"], message["connection"]) == (
        listed["provider"], listed["method"], listed["outcome"], listed["reason"], listed["items"],
        listed["message"], listed["connection"],
    )  # fmt: skip
    response = await house.call("GET", f"/v1/callbacks/{listed['id']}")
    shown = response.json()
    assert listed == {name: shown[name] for name in listed}
    assert (f"{BASE_URL}/in/{{token}}", "192.0.2.7") == (shown["url"], shown["peer"])
    assert {
        "text": sent.body.decode(),
        "base64": None,
        "size": len(sent.body),
        "masked": False,
    } == shown["body"]
    assert [list(pair) for pair in sent.headers] == shown["headers"][:-1]
    assert ["Authorization", "(hidden)"] == shown["headers"][-1]
    assert TOKEN not in response.text
    assert "hidden-word" not in response.text


async def test_a_body_that_is_no_text(house: House) -> None:
    """Bytes that are not UTF-8 are shown in base64."""
    await post(house, b"\xff\x00\xfe")
    listed = (await house.get("/v1/callbacks"))["data"][0]
    assert "rejected" == listed["outcome"]
    assert listed["reason"]
    body = (await house.get(f"/v1/callbacks/{listed['id']}"))["body"]
    assert {
        "text": None,
        "base64": base64.b64encode(b"\xff\x00\xfe").decode(),
        "size": 3,
        "masked": False,
    } == body


async def test_callbacks_by_outcome_and_connection(house: House) -> None:
    """Each filter alone, and both together."""
    await house.hear("m1", "sent")
    await house.stage.receive(house.stage.callback("sent", "m1", at_ms=0))
    await post(house, b"{}")
    await house.observe(1)
    await house.observe(1)
    assert ["duplicate", "accepted", "rejected", "accepted", "accepted"] == await outcomes(house)
    assert ["rejected"] == await outcomes(house, outcome="rejected")
    assert ["duplicate"] == await outcomes(house, outcome="duplicate")
    assert 3 == len(await outcomes(house, outcome="accepted"))
    connection = (await house.message("m1"))["connection"]
    assert ["rejected", "accepted", "accepted"] == await outcomes(house, connection=connection)
    assert ["rejected"] == await outcomes(house, connection=connection, outcome="rejected")
    assert [] == await outcomes(house, connection=connection, outcome="duplicate")
    for outcome in OUTCOMES:
        await outcomes(house, outcome=outcome)
    response = await house.call("GET", "/v1/callbacks?outcome=fine")
    assert ["outcome"] == places(assert_problem(response, 422, "invalid"))
