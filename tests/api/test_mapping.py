"""Connections of `generic` with a mapping: their callbacks become events of messages."""

from typing import Any

import pytest

from ringback.providers.mapping import faults_of
from tests.api.house import House, Json, assert_problem, places
from tests.api.people import signed_in
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


REPORT: Json = {"body": '{"id": 7, "state": "KO", "to": "15550100123", "err": 5}'}


async def tried(house: House, **asked: Any) -> Json:
    """Try a mapping."""
    return await house.post("/v1/mapping-trials", asked, status=200)


async def test_a_mapping_is_tried_before_it_is_used(house: House) -> None:
    """What each sample would become, the event that would follow, and why the rest is not read."""
    samples = [REPORT, {"method": "GET", "query": "from=1555&text=Hi"}, {"body": '{"x": 1}'},
               {"body": "{", "headers": {"X-Any": "1"}}]  # fmt: skip
    found = await tried(house, mapping=MAPPING, samples=samples)
    assert (2, ["read", "read", "not_read", "not_read"]) == (
        found["read"], [one["verdict"] for one in found["tried"]]
    )  # fmt: skip
    report, inbound, other, broken = found["tried"]
    (said,) = report["items"]
    assert ("report", "message.failed") == (said["item"], said["event"])
    assert ("+15550100123", "opted_out") == (said["says"]["to"], said["says"]["error"]["code"])
    assert "message.received" == inbound["items"][0]["event"]
    assert [("", 0, "when/0"), ("", 1, "from")] == [
        (note["piece"], note["rule"], note["field"]) for note in other["notes"]
    ]
    assert [""] == [piece["pointer"] for piece in broken["unparsed"]]
    assert [] == (await house.get("/v1/events"))["data"]
    assert [] == (await house.get("/v1/callbacks"))["data"]


async def test_a_mapping_is_tried_on_callbacks_that_came(house: House) -> None:
    """The last ones of a connection, or those that are named; nothing more follows from them."""
    url = await connect(house, TOKEN)
    await call(house, url, body=b'{"id":7,"state":"DLVRD","to":"15550100123"}')
    await call(house, url, body=b'{"hello":1}')
    (connection, *_) = (await house.get("/v1/connections"))["data"]
    newest, older = (await house.get("/v1/callbacks"))["data"]
    before = await house.get("/v1/events")
    found = await tried(house, connection=connection["id"], mapping=MAPPING)
    assert [(newest["id"], "not_read"), (older["id"], "read")] == [
        (one["callback"], one["verdict"]) for one in found["tried"]
    ]
    found = await tried(house, callbacks=[older["id"]], preset="jasmin")
    assert ["not_read"] == [one["verdict"] for one in found["tried"]]
    assert before == await house.get("/v1/events")


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({}, "/mapping"),
        ({"mapping": MAPPING}, "/callbacks"),
        ({"mapping": MAPPING, "preset": "kannel"}, "/preset"),
        ({"preset": "nobody"}, "/preset"),
        ({"mapping": {"rules": []}}, "/mapping/rules"),
        ({"mapping": MAPPING, "callbacks": ["cbk_x"]}, "/callbacks/0"),
        ({"mapping": MAPPING, "callbacks": ["cbk_01j9x4t0v2e5q8r3s6w7y9zabc"]}, "/callbacks/0"),
    ],
)
async def test_what_cannot_be_tried(house: House, asked: Json, place: str) -> None:
    """Each fault says where it is."""
    response = await house.call("POST", "/v1/mapping-trials", json=asked)
    assert [place] == places(assert_problem(response, 422, "invalid"))


async def test_a_connection_is_added_only_if_its_mapping_reads_a_sample(house: House) -> None:
    """None of them read: it says why of each, and `force` adds it all the same."""
    config = {"verify": TOKEN, "mapping": MAPPING}
    asked: Json = {"provider": "generic", "name": "Any", "config": config}
    wrong = {**asked, "samples": [{"body": '{"x": 1}'}, {"body": "{"}]}
    response = await house.call("POST", "/v1/connections", json=wrong)
    problem = assert_problem(response, 422, "invalid")
    assert ["/config/mapping", "/samples/0", "/samples/1"] == places(problem)
    assert "when/0: nothing stands there" in problem["errors"][1]["detail"]
    forced = await house.post("/v1/connections", {**wrong, "force": True})
    tested = await house.post("/v1/connections", {**asked, "samples": [{"body": "{"}, REPORT]})
    alone = await house.post("/v1/connections", asked)
    without = await house.post("/v1/connections", {**asked, "config": {"verify": TOKEN}})
    assert [False, True, False, None] == [
        one["mapping_tested"] for one in (forced, tested, alone, without)
    ]
    assert [None, None] == [tested["to_do"], without["to_do"]]
    assert alone["to_do"].endswith(f"ringback connections try-mapping --connection {alone['id']}")


async def test_a_mapping_that_nothing_came_for_is_not_tested(house: House) -> None:
    """Given to a connection without callbacks it is saved, and the answer says what is to do."""
    made = await house.post(
        "/v1/connections", {"provider": "generic", "name": "Any", "config": {"verify": TOKEN}}
    )
    path = f"/v1/connections/{made['id']}/rotate"
    given = {"config": {"mapping": MAPPING}}
    changed = await house.post(path, given, status=200)
    assert (False, True) == (changed["mapping_tested"], made["id"] in changed["to_do"])
    await call(house, made["callback_url"], body=str(REPORT["body"]).encode())
    other = {**MAPPING, "rules": MAPPING["rules"][:1]}
    changed = await house.post(path, {"config": {"mapping": other}}, status=200)
    assert (True, None) == (changed["mapping_tested"], changed["to_do"])


async def test_ready_mappings_are_listed(house: House) -> None:
    """Each as it can be written into a config; what is not confirmed says so."""
    found = {one["name"]: one for one in (await house.get("/v1/mapping-presets"))["data"]}
    assert {"jasmin", "kannel"} <= set(found)
    for preset in found.values():
        assert preset["note"] or preset["verified"]
        assert [] == faults_of(preset["mapping"])
    config = {"verify": TOKEN, "preset": "kannel"}
    made = await house.post(
        "/v1/connections", {"provider": "generic", "name": "Kannel", "config": config}
    )
    url = f"{made['callback_url']}?id=m1&status=8"
    assert 200 == (await call(house, url, method="GET", body=b"")).status
    assert ["message.sent"] == (await kinds(house))[:1]
    wrong = {"provider": "generic", "name": "x", "config": {**config, "mapping": MAPPING}}
    response = await house.call("POST", "/v1/connections", json=wrong)
    assert ["/config/preset"] == places(assert_problem(response, 422, "invalid"))


async def test_a_mapping_is_changed_only_if_it_reads_what_came(house: House) -> None:
    """Samples, or else the last callbacks of the connection; `force` changes it all the same."""
    url = await connect(house, TOKEN)
    await call(house, url, body=b'{"id":7,"state":"DLVRD","to":"15550100123"}')
    (made, *_) = (await house.get("/v1/connections"))["data"]
    path = f"/v1/connections/{made['id']}/rotate"
    other: Json = {"rules": [{"item": "inbound", "fields": {"from": "/von"}}]}
    wrong: Json = {"config": {"mapping": other}}
    problem = assert_problem(await house.call("POST", path, json=wrong), 422, "invalid")
    assert ["/config/mapping", "/samples/0"] == places(problem)
    assert "cbk_" in problem["errors"][1]["detail"]
    fits = {**wrong, "samples": [{"body": '{"von": "15550100123"}'}]}
    for asked in (fits, {"config": {"mapping": MAPPING}}, {**wrong, "force": True}):
        changed = await house.post(path, asked, status=200)
        assert asked["config"]["mapping"] == changed["config"]["mapping"]


async def test_a_trial_undoes_no_mask(house: House) -> None:
    """Whoever sees masks is told which fields were read of callbacks that came, and no values."""
    url = await connect(house, TOKEN)
    await call(house, url, body=b'{"id":7,"text":"Meet me at the pier","from":"4915112344821"}')
    (kept, *_) = (await house.get("/v1/callbacks"))["data"]
    fields: Json = {"message_id": "/text", "status": "/id", "campaign": "/text",
                    "metadata": {"a": "/from"}}  # fmt: skip
    reads: Json = {"rules": [{"item": "report", "fields": fields, "statuses": {"7": "sent"}}]}
    when = [{"place": "/text", "in": ["x"]}]
    other: Json = {"rules": [{"item": "ignore", "when": when}]}
    wrong: Json = {"rules": [{"item": "report", "statuses": {"x": "sent"},
                              "fields": {"message_id": "/id", "status": "/text"}}]}  # fmt: skip
    developer = await signed_in(house, "developer")
    (connection, *_) = (await house.get("/v1/connections"))["data"]
    asked = {"callbacks": [kept["id"]]}
    answers = []
    for mapping in (reads, other, wrong):
        clear = await tried(house, mapping=mapping, **asked)
        assert "Meet me" in str(clear)
        answer = await developer.call(
            "POST", "/v1/mapping-trials", json={"mapping": mapping, **asked}
        )
        answers.append(answer)
    path = f"/v1/connections/{connection['id']}/rotate"
    answers.append(await developer.call("POST", path, json={"config": {"mapping": other}}))
    assert [200, 200, 200, 422] == [answer.status_code for answer in answers]
    for answer in answers:
        assert "Meet me" not in answer.text, answer.text
        assert "4915112344821" not in answer.text, answer.text
    (said,) = answers[0].json()["tried"][0]["items"]
    assert ({"campaign", "metadata"} <= said["says"].keys(), "message.sent") == (
        True, said["event"]
    )  # fmt: skip
    assert "something else stands there" in answers[1].text
    log = (await house.get("/v1/audit-log", action="mapping.tried"))["data"]
    assert [(kept["id"], {"callbacks": [kept["id"]]})] * 3 == [
        (row["object"], row["detail"]) for row in log
    ]


async def test_what_is_masked_cannot_be_guessed_by_a_trial(house: House) -> None:
    """Without the right to reveal nothing that came answers the conditions of a mapping."""
    url = await connect(house, TOKEN)
    await call(house, url, body=b'{"id":7,"state":"DLVRD","from":"4915112344821"}')
    (kept, *_) = (await house.get("/v1/callbacks"))["data"]
    (connection, *_) = (await house.get("/v1/connections"))["data"]
    developer = await signed_in(house, "developer")
    scopes = ["connections:read", "connections:write", "callbacks:read"]
    keys = []
    for name, more in (("blind", []), ("seeing", ["reveal"])):
        new = {"name": name, "scopes": [*scopes, *more]}
        keys.append((await developer.call("POST", "/v1/api-keys", json=new)).json()["key"])
    guess: Json = {"rules": [{"item": "ignore", "when": [
        {"place": "/from", "in": ["4915112344821"]}]}]}  # fmt: skip
    for named in ({"callbacks": [kept["id"]]}, {"connection": connection["id"]}):
        asked = {"mapping": guess, **named}
        refused = await house.call("POST", "/v1/mapping-trials", json=asked, key=keys[0])
        assert_problem(refused, 403, "scope_missing")
    answer = await house.post("/v1/mapping-trials", asked, key=keys[1], status=200)
    assert "ignored" == answer["tried"][0]["verdict"]
    # Nor by whether a mapping may be saved: nothing that came is asked.
    path = f"/v1/connections/{connection['id']}/rotate"
    wrong = {"rules": [{"item": "inbound", "fields": {"from": "/von"}}]}
    saved = {"config": {"mapping": wrong}}
    assert 200 == (await house.call("POST", path, json=saved, key=keys[0])).status_code
    written = {"mapping": guess, "samples": [{"body": '{"from": "4915112344821"}'}]}
    answer = await house.post("/v1/mapping-trials", written, key=keys[0], status=200)
    assert "ignored" == answer["tried"][0]["verdict"]


async def test_refused_callbacks_are_not_tried(house: House) -> None:
    """What nobody has proved is not read, also when it is named."""
    config = {"scheme": "bearer", "token": "not-a-real-token-for-trials"}
    url = await connect(house, config)
    await call(house, url, body=b'{"id":7}')
    (kept, *_) = (await house.get("/v1/callbacks"))["data"]
    assert "rejected" == kept["outcome"]
    asked = {"mapping": MAPPING, "callbacks": [kept["id"]]}
    answer = await house.call("POST", "/v1/mapping-trials", json=asked)
    assert ["/callbacks/0"] == places(assert_problem(answer, 422, "invalid"))
