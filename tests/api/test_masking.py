"""Roles that see masks: no operation tells them a number or a text, but one by one, audited."""

import httpx

from ringback.domain.roles import POWERS, ROLES, Role
from ringback.domain.scopes import OPERATIONS
from tests.api.house import House, Json, assert_problem, places
from tests.api.people import Browser, signed_in
from tests.api.streamed import ALL, Stream, front_of
from tests.api.test_document import operations

NUMBER, TEXT = "4915112344821", "Meet me at the pier"
MASKED = [role for role in ROLES if POWERS[role].masked]
# Operations that tell somebody who may read all of it something of what is planted.
TELLING = {
    "list_messages", "get_message", "get_timeline", "list_events", "get_event", "get_callback",
    "get_attempt", "list_inspected", "search",
}  # fmt: skip


async def planted(house: House) -> dict[str, str]:
    """Plant a number and a text wherever they can be; return an id of each kind."""
    await house.observe(1, type="received", text=TEXT, to="+15550009999", **{"from": f"+{NUMBER}"})
    await house.observe(2, to=f"+{NUMBER}", status="failed", error="30003")
    await house.delivered(2)
    data = {"phone": f"+{NUMBER}", "text": TEXT, "note": f"{TEXT[:0]}rang +{NUMBER} twice"}
    await house.post("/v1/events", {"type": "shop.rang", "data": data, "subject": NUMBER})
    body = f'{{"from": "+{NUMBER}", "deep": ["{TEXT}"]}}'
    await house.stage.rows(
        "insert into inspected_request (tenant, mode, name, method, url, headers, body, answered) "
        "values (1, 2, 'mine', 'POST', $1, $2, $3, 200)",
        f"http://x/inspect/mine?from=%2B{NUMBER}", f'[["x-from", "{NUMBER}"]]'.encode(),
        body.encode(),
    )  # fmt: skip
    message = next(
        row for row in (await house.get("/v1/messages"))["data"] if row["from"] == f"+{NUMBER}"
    )
    event = (await house.get("/v1/events", message=message["id"]))["data"][0]
    attempt = (await house.get("/v1/attempts", event=event["id"]))["data"][0]
    timeline = (await house.get(f"/v1/messages/{message['id']}/timeline"))["entries"]
    return {
        "message_id": message["id"], "event_id": event["id"], "attempt_id": attempt["id"],
        "delivery_id": attempt["delivery"], "endpoint_id": attempt["endpoint"],
        "callback_id": next(row["id"] for row in timeline if row["kind"] == "callback"),
        "connection_id": (await house.connection("simulator"))["id"],
        "event_type": "message.received", "name": "mine", "version": "1",
    }  # fmt: skip


def named(path: str, ids: dict[str, str]) -> str:
    """Put ids into a path; what is of no kind that is planted is left as it is."""
    for name, id_ in ids.items():
        path = path.replace(f"{{{name}}}", id_)
    return path


async def asked(browser: Browser, name: str, path: str) -> httpx.Response:
    """Ask an operation that reads; of those that filter, for what is planted."""
    query = {"q": NUMBER[-4:]} if name == "search" else {}
    return await browser.call("GET", path, params=query)


async def test_nothing_that_reads_tells_what_is_masked(house: House) -> None:
    """Every GET of the document, as each role: what an agent is told is masked for the others."""
    ids = await planted(house)
    document = await house.get("/openapi.json", key=None)
    reading = [
        (operation["operationId"], named(name.removeprefix("GET "), ids))
        for name, operation in operations(document)
        if name.startswith("GET /v1/") and operation["operationId"] != "listen"
    ]
    assert {name for name, _ in reading} <= set(OPERATIONS)
    admin, told = await signed_in(house, "admin"), set()
    for name, path in reading:
        text = (await asked(admin, name, path)).text
        told |= {name} if NUMBER in text or TEXT in text else set()
    assert told >= TELLING
    for role in MASKED:
        browser = await signed_in(house, role)
        answered = set()
        for name, path in reading:
            answer = await asked(browser, name, path)
            assert NUMBER not in answer.text, (role, name)
            assert TEXT not in answer.text, (role, name)
            answered |= {name} if answer.status_code == 200 else set()
        if role != "marketer":
            assert answered >= TELLING, role


async def test_what_is_masked_keeps_its_shape(house: House) -> None:
    """The last digits are left, raw bodies say their size and that they are withheld."""
    ids = await planted(house)
    browser = await signed_in(house, "read_only")

    async def shown(path: str) -> Json:
        found: Json = (await browser.call("GET", path)).json()
        return found

    message = await shown(f"/v1/messages/{ids['message_id']}")
    assert ("+49 151 ••• 4821", "+1 555 ••• 9999") == (message["from"], message["to"])
    callback = await shown(f"/v1/callbacks/{ids['callback_id']}")
    size = callback["body"].pop("size")
    assert {"text": None, "base64": None, "masked": True} == callback["body"]
    raw = (await house.get(f"/v1/callbacks/{ids['callback_id']}"))["body"]
    assert (size, False) == (len(raw["text"]), raw["masked"])
    event = (await shown(f"/v1/events/{ids['event_id']}"))["data"]["message"]
    assert {"kind": "text", "text": "•••"} == event["content"]


async def test_a_stream_is_masked_as_the_role_is(house: House) -> None:
    """Line by line, also when the role changes while somebody listens."""
    await planted(house)
    browser = await signed_in(house, "developer")
    cookie = f"ringback_session={browser.client.cookies['ringback_session']}"
    headers = {"cookie": cookie, "ringback-mode": "test", "accept": "text/event-stream"}
    async with (
        front_of(house) as front,
        front.client.stream("GET", "/v1/events", params=ALL, headers=headers) as response,
    ):
        assert 200 == response.status_code
        stream = Stream(response)
        first = [one.data.decode() for one in await stream.some(3)]
        assert "+49 151 ••• 4821" in "".join(first)
        assert [] == [one for one in first if NUMBER in one or TEXT in one]
        async with house.engine.configuration.change() as connection:
            await connection.execute("update membership set role = 'agent'")
        await house.post("/v1/events", {"type": "shop.rang", "data": {"text": TEXT}})
        assert TEXT in (await stream.next()).data.decode()


async def test_one_object_is_revealed_and_that_is_written_down(house: House) -> None:
    """A developer looks at each kind; the audit log names who looked at what."""
    ids = await planted(house)
    browser = await signed_in(house, "developer")
    objects = [ids[name] for name in ("message_id", "event_id", "callback_id", "attempt_id")]
    for object_ in objects:
        answer = await browser.call("POST", "/v1/reveal", json={"object": object_})
        assert 200 == answer.status_code, answer.text
        assert NUMBER in answer.text
        assert (object_, 200) == (answer.json()["id"], answer.status_code)
    log = (await house.get("/v1/audit-log", action="personal.revealed"))["data"]
    assert objects[::-1] == [row["object"] for row in log]
    me = (await browser.call("GET", "/v1/session")).json()["person"]["id"]
    assert {me} == {row["actor"] for row in log}
    for object_, status, code in (
        ("end_" + "0" * 26, 422, "invalid"), ("msg_" + "0" * 26, 404, "not_found"),
    ):  # fmt: skip
        answer = await browser.call("POST", "/v1/reveal", json={"object": object_})
        assert_problem(answer, status, code)
    assert 4 == len((await house.get("/v1/audit-log", action="personal.revealed"))["data"])


async def test_who_may_reveal(house: House) -> None:
    """Marketers and those who only read may not, and what is of another tenant is missing."""
    ids = await planted(house)
    for role, status in (("marketer", 403), ("read_only", 403), ("agent", 200), ("admin", 200)):
        wanted: Role = role  # type: ignore[assignment]
        browser = await signed_in(house, wanted)
        answer = await browser.call("POST", "/v1/reveal", json={"object": ids["message_id"]})
        assert status == answer.status_code, role
    other = await signed_in(house, "developer", tenant=2)
    answer = await other.call("POST", "/v1/reveal", json={"object": ids["message_id"]})
    assert_problem(answer, 404, "not_found")
    agent = await signed_in(house, "agent", tenant=2)
    answer = await agent.call("POST", "/v1/reveal", json={"object": ids["callback_id"]})
    assert_problem(answer, 403, "scope_missing")


async def test_what_is_kept_for_a_repeat_is_whole(house: House) -> None:
    """What is kept under an idempotency key is masked by what its asker is when it comes again."""
    path, body = "/v1/endpoints", {
        "url": "https://example.com/", "event_types": ["*"], "description": f"of +{NUMBER}",
    }  # fmt: skip
    browser = await signed_in(house, "developer")
    headers = {"idempotency-key": "once"}
    first = await browser.call("POST", path, json=body, headers=headers)
    async with house.engine.configuration.change() as connection:
        await connection.execute("update membership set role = 'admin'")
    again = await browser.call("POST", path, json=body, headers=headers)
    assert ("of +49 151 ••• 4821", f"of +{NUMBER}", "true") == (
        first.json()["description"], again.json()["description"],
        again.headers["idempotency-replayed"],
    )  # fmt: skip


async def test_a_masked_number_is_not_read_digit_by_digit(house: House) -> None:
    """Who sees four digits finds by exactly these; more, and beginnings of ids, tell nothing."""
    await planted(house)
    await house.hear("wamid.HBgNNDkxNTExMjM0NDgyMRUCABEYEg", "sent", reference=f"of +{NUMBER}")
    browser = await signed_in(house, "marketer")

    async def answered(path: str, **query: str) -> httpx.Response:
        return await browser.call("GET", path, params=query)

    for parameter in ("to", "from"):
        for text in (f"0{NUMBER[-4:]}", NUMBER[-5:], NUMBER, f"+{NUMBER}", "ada@example.com"):
            answer = await answered("/v1/messages", **{parameter: text})
            assert [parameter] == places(assert_problem(answer, 422, "invalid")), text
            assert "last 4 digits" in answer.json()["errors"][0]["detail"]
        answer = await answered("/v1/messages", **{parameter: NUMBER[-4:]})
        assert 1 == len(answer.json()["data"])
    assert 200 == (await answered("/v1/messages", **{"from": "HarbourCli"})).status_code
    for text in (NUMBER[-5:], f"+{NUMBER[:6]} {NUMBER[6:]}", f"whatsapp:{NUMBER}", "a@example.com"):
        assert ["q"] == places(assert_problem(await answered("/v1/search", q=text), 422, "invalid"))
    found = (await answered("/v1/search", q=NUMBER[-4:])).json()
    assert 2 == len(found["data"])
    for whole in ("wamid.HBgNNDkxNTExMjM0NDgyMRUCABEYEg", f"of +{NUMBER}"):
        assert 1 == len((await house.get("/v1/search", q=whole[:-2]))["data"])
        assert [] == (await answered("/v1/search", q=whole[:-2])).json()["data"]
        assert 1 == len((await answered("/v1/search", q=whole)).json()["data"])


async def test_a_key_is_shown_no_more_than_its_maker(house: House) -> None:
    """A developer's key is masked, and so is what it makes; an admin's is not; reveals audited."""
    ids = await planted(house)
    browser, path = await signed_in(house, "developer"), f"/v1/messages/{ids['message_id']}"
    first = (await browser.call("POST", "/v1/api-keys", json={"name": "mine"})).json()
    second = await house.post("/v1/api-keys", {"name": "its own"}, key=first["key"])
    for made in (first, second):
        key = made["key"]
        assert [True, True] == [
            (await house.get(place, key=key))["masked"] for place in ("/v1/whoami", "/v1/session")
        ]
        assert (await house.get(f"/v1/api-keys/{made['id']}"))["masked"]
        assert "+49 151 ••• 4821" == (await house.get(path, key=key))["from"]
        assert NUMBER not in str(await house.get("/v1/events", key=key))
        refused = await house.call("GET", f"/v1/messages?from={NUMBER}", key=key)
        assert_problem(refused, 422, "invalid")
    shown = await house.post(
        "/v1/reveal", {"object": ids["message_id"]}, key=second["key"], status=200
    )
    assert f"+{NUMBER}" == shown["from"]
    log = (await house.get("/v1/audit-log", action="personal.revealed"))["data"]
    assert [second["id"]] == [row["actor"] for row in log]
    created = (await house.get("/v1/audit-log", action="api_key.created"))["data"]
    assert [True, True] == [row["detail"]["masked"] for row in created[:2]]
    admin = await signed_in(house, "admin")
    theirs = (await admin.call("POST", "/v1/api-keys", json={"name": "whole"})).json()
    assert (False, f"+{NUMBER}") == (
        theirs["masked"], (await house.get(path, key=theirs["key"]))["from"],
    )  # fmt: skip


async def test_a_masked_key_streams_masked_and_listens_whole(house: House) -> None:
    """The feed is masked for a developer's key; a listener is an endpoint and gets all."""
    await planted(house)
    browser = await signed_in(house, "developer")
    key = (await browser.call("POST", "/v1/api-keys", json={"name": "mine"})).json()["key"]
    listens = {"kind": "listen", "event_types": ["*"]}
    endpoint = await house.post("/v1/endpoints", listens, key=key)
    headers = {"authorization": f"Bearer {key}", "accept": "text/event-stream"}
    async with front_of(house) as front:
        for path, whole in (
            ("/v1/events", False), (f"/v1/endpoints/{endpoint['id']}/stream", True),
        ):  # fmt: skip
            async with front.client.stream("GET", path, params=ALL, headers=headers) as response:
                assert 200 == response.status_code
                told = "".join(one.data.decode() for one in await Stream(response).some(3))
                assert whole == (NUMBER in told)
