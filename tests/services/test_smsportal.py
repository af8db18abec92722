"""SMSPortal through a whole engine: what its generations say of one message comes together."""

import json
from typing import Any
from urllib.parse import urlencode

from ringback.domain.endpoints import Connection
from ringback.domain.http import Callback
from tests.services.sink import until
from tests.services.stage import BASE_URL, Stage

CONFIG: dict[str, object] = {"verify": {"scheme": "url_token"}}


def posted(connection: Connection, body: object) -> Callback:
    """Make a webhook of V2 or V3."""
    url = f"{BASE_URL}/in/{connection.token}"
    return Callback("POST", url, (), json.dumps(body).encode(), "127.0.0.1")


def asked(connection: Connection, **fields: object) -> Callback:
    """Make a webhook of V1."""
    url = f"{BASE_URL}/in/{connection.token}?{urlencode(fields)}"
    return Callback("GET", url, (), b"", "127.0.0.1")


async def test_all_generations_speak_of_one_message(stage: Stage) -> None:
    """Reports of V1 and V2, a click of V3 and a reply meet; STOP is an event of the person's."""
    connection = await stage.connect("smsportal", CONFIG)
    await stage.add_endpoint(f"{stage.sink.url}/others", "link.*", "contact.*")
    who: dict[str, Any] = {"eventId": 5, "msisdn": "15550100123"}
    callbacks = [
        asked(connection, ID=9, EventID=5, Phonenumber="15550100123", Status="SUBMITD"),
        posted(connection, {**who, "Status": "DELIVRD", "UserReference": "order-48213"}),
        posted(connection, {**who, "type": "click", "url": "https://shop.example/"}),
        posted(connection, {**who, "Id": 7, "To": "30942", "Message": "stop"}),
    ]
    for callback in callbacks:
        answer = await stage.receive(callback, connection.token)
        assert answer.status == 200
    await until(lambda: len(stage.sink.received) == 5)
    events = {}
    for got in stage.sink.received:
        event = json.loads(got.body)
        events[event["type"]] = event["data"]
    told = events["message.delivered"]["message"]
    assert (told["reference"], told["to"], told["status"]) == (
        "order-48213",
        "+15550100123",
        "delivered",
    )
    assert events["message.sent"]["message"]["id"] == told["id"]
    assert events["link.clicked"]["message"] == told["id"]
    assert events["link.clicked"]["link"]["source"] == "provider"
    assert events["message.received"]["in_reply_to"]["message"] == told["id"]
    assert "contact.opted_out" in events
