"""Native connections: a tenant's own program tells of its messages, and the usual events follow."""

import json
from typing import Any

import httpx
import msgspec

from ringback.domain.http import Callback
from ringback.providers.native_items import FAULTS_MAX, ITEMS_MAX, read, schema
from tests.api.house import ACTING, KEY, LIVE_KEY, OPERATOR_KEY, OTHER_KEY, House, Json
from tests.domain.schemas import faults
from tests.markdown import pages

AT = "2026-03-02T15:01:22.000Z"
MESSAGE: Json = {
    "type": "message", "id": "m-1", "to": "+15550123", "from": "+15550100", "channel": "sms",
    "at": "2026-03-02T15:01:22Z", "reference": "order-48213", "purpose": "transactional",
    "campaign": "spring", "tags": ["shop"], "metadata": {"order": "48213"},
}  # fmt: skip
DELIVERED: Json = {
    "type": "status", "id": "m-1", "status": "delivered", "at": "2026-03-02T15:01:30Z",
    "carrier": {"name": "Example Mobile", "mccmnc": "99970"},
    "cost": {"amount": "0.0075", "currency": "EUR"},
}  # fmt: skip
RECEIVED: Json = {
    "type": "received", "id": "in-1", "from": "+15550123", "to": "+15550100", "text": "Thanks",
    "reply_to": "m-1",
}  # fmt: skip


async def connect(house: House, key: str = KEY) -> str:
    """Make a native connection; return its token."""
    body = {"provider": "native", "name": "Ours", "token": f"ours-{key[-12:]}", "config": {}}
    made = await house.post("/v1/connections", body, key=key)
    return str(made["callback_url"]).rpartition("/")[2]


async def tell(
    house: House, token: str, body: Any, key: str | None = KEY, method: str = "POST", **more: str
) -> httpx.Response:
    """Post to a native connection."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {**more, **({"authorization": f"Bearer {key}"} if key else {})}
    request = Callback(method, f"http://x/in/{token}", tuple(fields.items()), raw)
    answer = await house.stage.receive(request, token)
    return httpx.Response(answer.status, headers=list(answer.headers), content=answer.body)


def assert_problem(answer: httpx.Response, status: int, code: str) -> Json:
    """Check that an answer is a problem of this kind; return it."""
    assert (status, "application/problem+json") == (
        answer.status_code, answer.headers["content-type"],
    )  # fmt: skip
    problem: Json = answer.json()
    assert (code, status) == (problem["code"], problem["status"])
    assert answer.headers["ringback-request-id"] == problem["instance"]
    return problem


async def test_a_message_its_statuses_and_the_answer(house: House) -> None:
    """One message with all that was said of it; events are numbered, ordered and delivered."""
    token = await connect(house)
    first = await tell(house, token, MESSAGE)
    assert 200 == first.status_code
    both = await tell(house, token, [DELIVERED, RECEIVED])
    message, reply = both.json()["data"]
    assert first.json() == message
    shown = await house.get(f"/v1/messages/{message['id']}")
    assert {
        "origin": "observed", "direction": "outbound", "status": "delivered",
        "provider_message_id": "m-1", "provider": "native", "to": "+15550123",
        "from": "+15550100", "reference": "order-48213", "purpose": "transactional",
        "campaign": "spring", "tags": ["shop"], "metadata": {"order": "48213"},
        "carrier": {"name": "Example Mobile", "mccmnc": "99970"},
        "cost": {"amount": "0.0075", "currency": "EUR"},
        "timestamps": {"submitted": AT, "delivered": "2026-03-02T15:01:30.000Z"},
    }.items() <= shown.items()  # fmt: skip
    answered = await house.get(f"/v1/messages/{reply['id']}")
    assert ("inbound", "received", {"kind": "text", "text": "Thanks"}) == (
        answered["direction"], answered["status"], answered["content"],
    )  # fmt: skip
    await house.delivered(3)
    events = [json.loads(one.body) for one in house.stage.sink.received]
    told = {(one["type"], one["data"]["sequence"]): one["data"] for one in events}
    expected = [("message.delivered", 2), ("message.received", 1), ("message.submitted", 1)]
    assert expected == sorted(told)
    assert message["id"] == told["message.received", 1]["in_reply_to"]["message"]


async def test_the_same_item_again_changes_nothing(house: House) -> None:
    """Repeats get the same ids and no event, in any order and within one request too."""
    token = await connect(house)
    first = (await tell(house, token, [DELIVERED, MESSAGE, DELIVERED])).json()
    again = (await tell(house, token, [MESSAGE, DELIVERED])).json()
    assert [first["data"][0]] * 3 == first["data"]
    assert first["data"][:2] == again["data"]
    assert 2 == len((await house.get("/v1/events"))["data"])
    listed = (await house.get("/v1/callbacks"))["data"]
    assert ["duplicate", "accepted"] == [row["outcome"] for row in listed]
    assert "Bearer" not in str(listed)
    message = await house.message("m-1")
    assert ("delivered", "spring") == (message["status"], message["campaign"])


async def test_who_may_tell(house: House) -> None:
    """A key of the connection's own tenant and mode with the scope, or an operator for them."""
    token = await connect(house)
    for key in (None, "rk_test_nobody"):
        answer = await tell(house, token, MESSAGE, key)
        assert_problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for key in (OTHER_KEY, LIVE_KEY):
        assert_problem(await tell(house, token, MESSAGE, key), 404, "not_found")
    reader = await house.post("/v1/api-keys", {"name": "x", "scopes": ["messages:read"]})
    refused = assert_problem(await tell(house, token, MESSAGE, reader["key"]), 403, "scope_missing")
    assert "native:write" in refused["detail"]
    writer = await house.post("/v1/api-keys", {"name": "x", "scopes": ["native:write"]})
    assert 200 == (await tell(house, token, MESSAGE, writer["key"])).status_code
    assert_problem(await tell(house, token, MESSAGE, OPERATOR_KEY), 400, "tenant_needed")
    own = {"ringback-tenant": "default", "ringback-mode": "test"}
    assert 200 == (await tell(house, token, MESSAGE, OPERATOR_KEY, **own)).status_code
    foreign = await tell(house, token, MESSAGE, OPERATOR_KEY, **ACTING)
    assert_problem(foreign, 404, "not_found")
    assert_problem(await tell(house, token, MESSAGE, method="GET"), 405, "method_not_allowed")
    assert 404 == (await tell(house, "no-such-token", MESSAGE)).status_code
    assert 1 == len((await house.get("/v1/messages"))["data"])


async def test_all_or_nothing(house: House) -> None:
    """One fault and nothing is taken: every fault is named by its place; nothing is kept of it."""
    token = await connect(house)
    wrong = [
        MESSAGE, {"type": "message", "id": "m-2", "colour": "red"},
        {"type": "status", "id": "m-1", "status": "arrived", "at": "noon"},
        {"type": "status", "id": "m-1", "status": "sent", "error": {"class": "network"}},
    ]  # fmt: skip
    problem = assert_problem(await tell(house, token, wrong), 422, "invalid")
    assert ["/1/colour", "/1/to", "/2/at", "/2/status", "/3/error"] == sorted(
        error["pointer"] for error in problem["errors"]
    )
    alone = assert_problem(await tell(house, token, wrong[1]), 422, "invalid")
    assert ["/colour", "/to"] == sorted(error["pointer"] for error in alone["errors"])
    for body in ([], [MESSAGE] * (ITEMS_MAX + 1), 7):
        assert_problem(await tell(house, token, body), 422, "invalid")
    for raw in (b"", b"{", b'{"type":"message","id":"\\u0000","to":"+1"}', b"\xff"):
        assert_problem(await tell(house, token, raw), 400, "malformed_json")
    assert [] == (await house.get("/v1/messages"))["data"]
    assert [] == (await house.get("/v1/callbacks"))["data"]


async def test_calls_and_number_orders(house: House) -> None:
    """Each is a subject of its own: its events are numbered, fit their schemas, and go in order."""
    await house.stage.add_endpoint(house.stage.sink.url, "call.*", "number_order.*")
    token = await connect(house)
    call, order = {"type": "call", "id": "c-1"}, {"type": "number_order", "id": "o-1"}
    told = [
        {**call, "event": "completed", "duration_s": 42}, {**order, "status": "updated"},
        {**call, "event": "ringing", "to": "+15550123"},
        {**order, "status": "completed", "numbers": ["+15550101"], "partial": True},
        {**call, "event": "input_received", "input": {"digits": "1"}},
    ]  # fmt: skip
    first = (await tell(house, token, told)).json()["data"]
    assert ["cal", "ord", "cal", "ord", "cal"] == [row["id"][:3] for row in first]
    assert {"data": first} == (await tell(house, token, told)).json()
    await house.delivered(5)
    bodies = [one.body for one in house.stage.sink.received]
    assert [] == [fault for body in bodies for fault in faults(body)]
    lives: dict[str, list[Json]] = {}
    for event in map(json.loads, bodies):
        lives.setdefault(event["type"].partition(".")[0], []).append(event)
    assert [(1, "call.completed", False), (2, "call.ringing", True),
            (3, "call.input_received", False)] == [
        (one["data"]["sequence"], one["type"], one["data"]["late"]) for one in lives["call"]
    ]  # fmt: skip
    last = lives["call"][-1]["data"]
    assert {"status": "completed", "to": "+15550123", "duration_s": 42, "id": first[0]["id"],
            "provider_call_id": "c-1"}.items() <= last["call"].items()  # fmt: skip
    done = lives["number_order"][-1]["data"]["number_order"]
    assert ("completed", True, ["+15550101"], first[1]["id"]) == (
        done["status"], done["partial"], done["numbers"], done["id"],
    )  # fmt: skip
    assert [] == (await house.get("/v1/messages"))["data"]
    listed = (await house.get("/v1/callbacks"))["data"]
    again = await house.post(f"/v1/callbacks/{listed[-1]['id']}/reparse", {}, status=200)
    assert ["call", "number_order"] * 2 + ["call"] == [item["kind"] for item in again["items"]]


async def test_a_thousand_at_once(house: House) -> None:
    """As many items as one request may have: each its own message, in one commit."""
    token = await connect(house)
    items = [{**MESSAGE, "id": f"n-{number}"} for number in range(ITEMS_MAX)]
    answer = await tell(house, token, items)
    assert ITEMS_MAX == len({row["id"] for row in answer.json()["data"]})
    assert 1 == await house.stage.value("select count(*) from callback")
    assert ITEMS_MAX == await house.stage.value("select count(*) from event")


async def test_a_suspended_tenants_program_is_told(house: House) -> None:
    """Its key is refused like everywhere else."""
    token = await connect(house)
    asked = {"suspended": True}
    await house.call("PUT", "/v1/tenants/default", key=OPERATOR_KEY, json=asked)
    assert_problem(await tell(house, token, MESSAGE), 403, "tenant_suspended")


async def test_the_document_has_the_format(house: House) -> None:
    """The request's JSON Schema is in the OpenAPI document, and the page names every field."""
    document = await house.get("/openapi.json", key=None)
    operation = document["paths"]["/in/{token}"]["post"]
    assert [{"key": ["native:write"]}] == operation["security"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    _, parts = schema("#/components/schemas/{name}")
    assert {name for name in parts if name.startswith("Native")} == set(parts)
    for name, part in parts.items():
        assert part == document["components"]["schemas"][name]
    assert "NativeMessage" in msgspec.json.encode(body).decode()
    page = pages()["docs/native.md"]
    for part in parts.values():
        for field in part["properties"]:
            assert f"`{field}`" in page.text, field


def test_looking_for_faults_has_an_end() -> None:
    """A request full of them is answered as soon as a hundred are found, whatever else is in it."""
    many = json.dumps([{"type": "fax", "id": "x"}, *[{"type": "fax"}] * 999]).encode()
    assert FAULTS_MAX == len(read(many).unparsed)
    wide = json.dumps({"type": "message", **{f"k{number}": 1 for number in range(70)}}).encode()
    assert ["It has more than 64 fields."] == [piece.reason for piece in read(wide).unparsed]
