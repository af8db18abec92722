"""Connections of `generic` with a mapping: their callbacks become events of messages."""

from typing import Any

from tests.api.house import House, Json, assert_problem, places
from tests.api.test_generic import call, connect

TOKEN = {"scheme": "url_token"}
MAPPING: Json = {
    "rules": [
        {
            "item": "report",
            "when": [{"place": "/state"}],
            "fields": {"message_id": "/id", "status": "/state", "to": "/to", "error_code": "/err"},
            "statuses": {"DLVRD": "delivered", "KO": "failed"},
            "errors": {"1-9": {"class": "consent", "code": "opted_out", "opt_out": True}},
        },
        {"item": "inbound", "fields": {"from": "/from", "to": "/to", "text": "/text"}},
    ]
}


async def kinds(house: House) -> list[Any]:
    """Return the types of the events, oldest first."""
    events = (await house.get("/v1/events"))["data"]
    return [event["type"] for event in reversed(events)]


async def test_what_a_mapping_reads_becomes_events(house: House) -> None:
    """Reports move messages, messages from people arrive; the same again has no effect."""
    url = await connect(house, TOKEN, mapping=MAPPING)
    for body in (b'{"id":7,"state":"dlvrd","to":"15550100123"}',
                 b'{"from":"15550100123","to":"2012","text":"Yes"}',
                 b'{"id":7,"state":"DLVRD","to":"15550100123"}'):  # fmt: skip
        assert 200 == (await call(house, url, body=body)).status
    assert ["message.delivered", "message.received"] == (await kinds(house))[:2]
    listed = (await house.get("/v1/messages"))["data"]
    assert [("inbound", "+15550100123"), ("outbound", "+15550100123")] == sorted(
        (one["direction"], one["to"] if one["direction"] == "outbound" else one["from"])
        for one in listed
    )


async def test_what_is_wrong_with_a_mapping_is_said(house: House) -> None:
    """Every fault has its place in the config, and the connection is not made."""
    wrong = {"rules": [{"item": "inbound", "fields": {"from": "from"}}], "items": "x"}
    config = {"verify": TOKEN, "mapping": wrong}
    asked = {"provider": "generic", "name": "Any", "config": config}
    problem = assert_problem(
        await house.call("POST", "/v1/connections", json=asked), 422, "invalid"
    )
    assert ["/config/mapping/items", "/config/mapping/rules/0/fields/from"] == places(problem)


async def test_a_mapping_is_shown_as_it_was_written(house: House) -> None:
    """What it leaves out stays out, so that it can be changed and written back."""
    await connect(house, TOKEN, mapping=MAPPING)
    shown, *_ = (await house.get("/v1/connections"))["data"]
    assert MAPPING == shown["config"]["mapping"]
