"""Tenants and modes see nothing of each other: what is another's is as good as missing."""

import random
import re
from typing import Any

from ringback.domain.scopes import OPERATIONS, SCOPES
from tests.api.house import ACTING, KEY, LIVE_KEY, NEEDED, OPERATOR_KEY, OTHER_KEY, House, Json
from tests.api.test_suppressions import said, wish
from tests.services.test_media import arrive
from tests.sizes import SIZES

PREFIXES = {
    "endpoint_id": "end", "connection_id": "con", "message_id": "msg", "event_id": "evt",
    "callback_id": "cbk", "delivery_id": "dlv", "attempt_id": "att", "key_id": "key",
    "suppression_id": "opt", "media_id": "med",
}  # fmt: skip
# What is of a tenant and of no mode: tests/api/test_people.py tries it.
OF_NO_MODE = {"session_id", "person_id"}
# Everybody who is somebody else: another tenant, the other mode, an operator who acts for one.
OTHERS: tuple[tuple[str, dict[str, str]], ...] = (
    (OTHER_KEY, {}), (LIVE_KEY, {}), (OPERATOR_KEY, ACTING),
    (OPERATOR_KEY, {"ringback-tenant": "default", "ringback-mode": "live"}),
)  # fmt: skip
BODIES: dict[str, Json] = {
    "change_endpoint": {"description": "mine now"},
    "simulate": {"to": "+15550101", "from": "+15550100"},
    "reparse_callback": {"effects": True},
    "rotate_endpoint_secret": {},
    "change_connection": {"name": "mine now"},
    "pause_connection": {"part": "intake"},
    "resume_connection": {"part": "intake"},
    "subscribe_connection": {},
    "rotate_connection": {"config": {"app_secret": "mine-now"}},
    "test_endpoint": {},
    "answer": {
        "answers": [
            {"delivery": "dlv_" + "0" * 26, "event": "evt_" + "0" * 26, "error": "tls", "ms": 1}
        ]
    },
}


async def belongings(house: House) -> dict[str, list[str]]:
    """Make something of each kind with the first tenant's test key; return the ids by kind."""
    await said(house, wish("opted_out"))
    house.stage.sink.answers.append((503, ""))
    await house.hear("m1", "sent", "delivered")
    await house.delivered(1)
    await house.hear("m2", "sent")
    await house.delivered(2)
    found = {}
    for name in ("endpoints", "connections", "messages", "events", "callbacks", "deliveries",
                 "attempts", "api-keys", "suppressions"):  # fmt: skip
        rows = (await house.get(f"/v1/{name}"))["data"]
        found[rows[0]["id"][:3]] = [row["id"] for row in rows]
    # Nobody listens there: it waits to be fetched.
    found["med"] = [one["file"] for one in await arrive(house.stage, "http://127.0.0.1:9/x.png")]
    assert set(PREFIXES.values()) == set(found)
    return {**found, "con": [(await house.connection("whatsapp"))["id"]]}


async def operations(house: House) -> list[tuple[str, str, str, str]]:
    """Return (name, method, path, parameter) of every operation on one thing of a tenant's."""
    document = await house.get("/openapi.json", key=None)
    return [
        (operation["operationId"], method.upper(), path, named[1])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if (named := re.search(r"\{(\w+_id)\}", path))
        and named[1] not in OF_NO_MODE
        and not SCOPES[OPERATIONS[operation["operationId"]]].operator
    ]


def missing(prefix: str, dice: random.Random) -> str:
    """Make an id of a kind that nothing has."""
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    tail = "".join(dice.choice(alphabet) for _ in range(25))
    # Within the range of numbers that a delivery's id may hold.
    return f"{prefix}_0000000000000{tail[:13]}" if prefix == "dlv" else f"{prefix}_0{tail}"


async def outcome(
    house: House, operation: tuple[str, str, str, str], id_: str, who: tuple[str, dict[str, str]]
) -> tuple[int, Json]:
    """Call an operation about an id; return what differs between two calls only if it may not."""
    name, method, path, parameter = operation
    more: dict[str, Any] = {"json": BODIES[name]} if name in BODIES else {}
    named, (key, headers) = path.replace(f"{{{parameter}}}", id_), who
    response = await house.call(method, named, key=key, headers=headers, **more)
    body = response.json() if response.content else {}
    body.pop("instance", None)
    assert id_ not in response.text
    return response.status_code, body


async def test_what_is_anothers_is_missing(house: House) -> None:
    """Every operation on one thing: 404, and the same body as for an id that nothing has."""
    owned = await belongings(house)
    dice = random.Random(64)
    tried = await operations(house)
    assert len(tried) >= 14
    for operation in tried:
        prefix = PREFIXES[operation[3]]
        for who in OTHERS:
            foreign = await outcome(house, operation, owned[prefix][0], who)
            nothing = await outcome(house, operation, missing(prefix, dice), who)
            assert 404 == foreign[0], operation
            assert nothing == foreign, operation
    for prefix, rows in owned.items():
        for path in {path for _, _, path, named in tried if PREFIXES[named] == prefix}:
            own = path.replace("}", "").partition("{")
            assert 200 == (await house.call("GET", own[0] + rows[0])).status_code


async def test_random_calls_about_what_is_anothers(house: House) -> None:
    """However often it is tried, with whatever of theirs: never anything but 404."""
    owned = await belongings(house)
    dice = random.Random(6464)
    tried = await operations(house)
    for _ in range(SIZES.foreign_calls):
        operation = dice.choice(tried)
        id_ = dice.choice(owned[PREFIXES[operation[3]]])
        status, _ = await outcome(house, operation, id_, dice.choice(OTHERS))
        assert 404 == status


async def test_lists_hold_nothing_of_anothers(house: House) -> None:
    """All lists are empty for others, also when a filter names what is another's."""
    owned = await belongings(house)
    listed = [
        ("messages", {}), ("messages", {"to": "1234"}), ("messages", {"provider_message_id": "m1"}),
        ("events", {}), ("events", {"type": "message.*"}), ("events", {"message": "msg"}),
        ("callbacks", {}), ("callbacks", {"connection": "con"}),
        ("callbacks", {"outcome": "accepted"}),
        ("deliveries", {}), ("deliveries", {"endpoint": "end"}), ("deliveries", {"event": "evt"}),
        ("deliveries", {"status": "delivered"}), ("deliveries", {"status": "scheduled"}),
        ("deliveries", {"status": "pending"}),
        ("deliveries", {"endpoint": "end", "status": "delivered"}),
        ("deliveries", {"endpoint": "end", "status": "pending"}),
        ("attempts", {}), ("attempts", {"endpoint": "end"}), ("attempts", {"event": "evt"}),
        ("endpoints", {}), ("connections", {}),
        ("suppressions", {}), ("suppressions", {"address": "0123"}),
    ]  # fmt: skip
    for name, filters in listed:
        named = {field: owned[value][0] if value in owned else value
                 for field, value in filters.items()}  # fmt: skip
        assert (await house.get(f"/v1/{name}", **named))["data"], (name, filters)
        for key in (OTHER_KEY, LIVE_KEY):
            page = await house.get(f"/v1/{name}", key=key, **named)
            assert {"data": [], "next": None, "prev": None} == page, (name, filters)


async def test_no_list_of_the_document_shows_what_is_anothers(house: House) -> None:
    """Whatever lists there are: nothing that one key sees in them is seen by another."""
    owned = await belongings(house)
    await house.post("/v1/endpoints", {"url": "https://example.com/", "event_types": ["*"]})
    document = await house.get("/openapi.json", key=None)
    lists = [
        path
        for path, methods in document["paths"].items()
        if path.startswith("/v1/") and "{" not in path and "get" in methods
        and not SCOPES[OPERATIONS[methods["get"]["operationId"]]].operator
    ]  # fmt: skip
    assert len(lists) >= 10
    seen: set[str] = set()
    for path in lists:
        needed = NEEDED.get(path)
        mine = (await house.call("GET", path, params=needed)).text
        ids = [id_ for rows in owned.values() for id_ in rows if id_ in mine]
        seen |= {id_[:3] for id_ in ids}
        for key, headers in OTHERS:
            answer = await house.call("GET", path, key=key, headers=headers, params=needed)
            assert 200 == answer.status_code, path
            assert [] == [id_ for id_ in ids if id_ in answer.text], path
    assert set(owned) == seen


async def test_the_inspector_is_each_tenants_own(house: House) -> None:
    """Another tenant neither sees nor empties what came in under a name."""
    await house.stage.execute(
        "insert into inspected_request (tenant, mode, name, method, url, headers, body, answered) "
        "values (1, 2, 'mine', 'POST', 'u', '[]', '', 200)"
    )
    assert [] == (await house.get("/v1/inspect/mine", key=OTHER_KEY))["data"]
    assert 204 == (await house.call("DELETE", "/v1/inspect/mine", key=OTHER_KEY)).status_code
    assert 1 == len((await house.get("/v1/inspect/mine", key=KEY))["data"])


async def test_test_events_go_to_test_endpoints_only(house: House) -> None:
    """A live endpoint for everything gets nothing of what a test connection brings."""
    body = {"url": "https://example.com/live", "event_types": ["*"]}
    live = await house.post("/v1/endpoints", body, key=LIVE_KEY)
    theirs = await house.post("/v1/endpoints", body, key=OTHER_KEY)
    await house.hear("m1", "sent")
    await house.delivered(1)
    assert 1 == len((await house.get("/v1/deliveries"))["data"])
    for made, key in ((live, LIVE_KEY), (theirs, OTHER_KEY)):
        assert [] == (await house.get("/v1/deliveries", key=key, endpoint=made["id"]))["data"]
