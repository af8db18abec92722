"""Search: anything by an id, a number, a reference, a name; and only what the key may read."""

from typing import Any

import pytest

from ringback.services.find import EACH_MAX, HITS_MAX, NEEDS
from ringback.storage import messages
from tests.api.house import ACTING, LIVE_KEY, OPERATOR_KEY, OTHER_KEY, House, Json, assert_problem
from tests.api.test_isolation import belongings


async def search(house: House, q: str, **more: Any) -> Json:
    """Search for a text."""
    return await house.get("/v1/search", q=q, **more)


async def hits(house: House, q: str, **more: Any) -> list[tuple[str, str]]:
    """Return kind and id of what is found."""
    return [(hit["kind"], hit["id"]) for hit in (await search(house, q, **more))["data"]]


async def titles(house: House, q: str) -> list[str]:
    """Return what the hits are called."""
    return [hit["title"] for hit in (await search(house, q))["data"]]


async def test_an_id_of_any_kind(house: House) -> None:
    """Each is found, first of all; what is about a message brings it along."""
    owned = await belongings(house)
    whose = {
        "msg": "message", "evt": "event", "cbk": "callback", "dlv": "delivery", "att": "attempt",
        "end": "endpoint", "con": "connection", "key": "api_key",
    }  # fmt: skip
    message = await house.message("m2")
    for prefix, kind in whose.items():
        id_ = owned[prefix][0]
        found = await hits(house, f"see {id_}")
        assert (kind, id_) == found[0]
        about = prefix in ("msg", "evt", "cbk", "dlv", "att")
        assert [("message", message["id"])] * about == [one for one in found if one[0] == "message"]
        answer = await search(house, id_)
        assert [(f"the id {id_}", 1, None, None)] == [
            tuple(one.values()) for one in answer["looked_for"]
        ]


async def test_ids_that_name_nothing(house: House) -> None:
    """It is said that there is none, or that such ids cannot be looked up."""
    for prefix in ("msg", "evt", "cbk", "dlv", "att", "end", "con", "key"):
        answer = await search(house, f"{prefix}_0" + "1" * 25)
        assert [] == answer["data"]
        assert "retention" in answer["looked_for"][0]["note"]
    for id_ in ("msg_" + "z" * 26, "dlv_7" + "z" * 25, "req_0" + "1" * 25):
        assert [] == await hits(house, id_)


async def test_a_number_or_its_last_digits(house: House) -> None:
    """To and from, however it is written; each message once, the newest first."""
    for number in (1, 2):
        await house.observe(number)
    await house.observe(3, **{"from": "+15550100001", "to": "+15550009999"})
    for text in ("0001", "+15550100001", "+1 (555) 010-0001", "001555 0100001"):
        found = await hits(house, text)
        assert [(await house.message(name))["id"] for name in ("p1", "p3")] == [
            id_ for _, id_ in found
        ]
    assert 3 == len(await hits(house, "9999"))
    answer = await search(house, "0001")
    assert [{"to": "0001"}, {"from": "0001"}] == [
        one["filters"] for one in answer["looked_for"] if one["filters"]
    ]
    assert ["To +15550100001", "To +15550009999"] == [hit["title"] for hit in answer["data"]]


async def test_a_reference_and_a_providers_id(house: House) -> None:
    """Whole, or as they begin; a whole one hides what only begins so."""
    await house.observe(1, reference="order-48213")
    await house.observe(2, reference="order-482")
    await house.observe(3, reference="other")
    ids = {name: (await house.message(name))["id"] for name in ("p1", "p2", "p3")}
    assert [("message", ids["p1"])] == await hits(house, "order-48213")
    assert [("message", ids["p2"])] == await hits(house, "order-482")
    assert {ids["p1"], ids["p2"]} == {id_ for _, id_ in await hits(house, "order-4")}
    assert [("message", ids["p3"])] == await hits(house, "p3")
    assert [] == await hits(house, "order-9")
    for odd in ("\ud7ff".encode().decode() * 4, "\U0010ffff" * 4, "%_'\"\\"):
        assert [] == await hits(house, odd)


async def test_a_sender_that_is_a_word(house: House) -> None:
    """And a short code, which has fewer digits than an ending needs."""
    await house.observe(1, **{"from": "ACME"})
    await house.observe(2, **{"from": "123"})
    assert ["To +15550100001"] == await titles(house, "ACME")
    assert ["To +15550100002"] == await titles(house, "123")


async def test_names_of_what_is_configured(house: House) -> None:
    """Endpoints, connections and event types, by any part of their names in any case."""
    body = {
        "url": "https://hooks.harbour.example/in", "event_types": ["shop.paid"],
        "description": "Harbour Clinic CRM", "uid": "crm-7",
    }  # fmt: skip
    made = (await house.post("/v1/endpoints", body))["id"]
    for text in ("harbour", "CLINIC", "hooks.harbour.example", "crm-7"):
        assert [("endpoint", made)] == await hits(house, text)
    whatsapp = await house.connection("whatsapp")
    assert ("connection", whatsapp["id"]) in await hits(house, "whatsapp")
    assert ("event_type", "message.delivered") in await hits(house, "message.deliv")
    await house.call("PUT", "/v1/event-types/shop.paid", json={"description": "Paid."})
    assert [("event_type", "shop.paid")] == await hits(house, "shop.pa")
    assert [] == await hits(house, "h")


async def test_no_more_than_twenty(house: House) -> None:
    """A few of each look-up, and a word that there are more."""
    for number in range(EACH_MAX + 2):
        await house.observe(number, reference="same")
    answer = await search(house, "same")
    assert EACH_MAX == len(answer["data"])
    (look,) = [one for one in answer["looked_for"] if one["found"]]
    assert (EACH_MAX, {"reference": "same"}) == (look["found"], look["filters"])
    assert "more" in look["note"]
    assert len((await search(house, "message"))["data"]) <= HITS_MAX


async def test_what_stands_for_too_much(house: House, monkeypatch: Any) -> None:
    """It is said of that look-up alone; the others bring what they have."""
    monkeypatch.setattr(messages, "VALUES_MAX", 2)
    for number in range(3):
        await house.observe(number, to=f"+1555{number}1234", **{"from": "+15559991234"})
    answer = await search(house, "1234")
    notes = {one["what"]: one["note"] for one in answer["looked_for"]}
    assert "give more" in notes["messages to numbers that end in 1234"]
    assert notes["messages from numbers that end in 1234"] is None
    assert 3 == len(answer["data"])


async def test_secrets_are_not_searched_by(house: House) -> None:
    """It is said that it was one, without it."""
    answer = await search(house, LIVE_KEY)
    assert ([], 1) == (answer["data"], len(answer["looked_for"]))
    assert LIVE_KEY not in str(answer)


async def test_nothing_of_anothers(house: House) -> None:
    """Another tenant, the other mode and operators who act for them find none of it."""
    owned = await belongings(house)
    await house.observe(1)
    # What is known of suppressions and files is found where they are listed, and not by a search.
    texts = [rows[0] for prefix, rows in owned.items() if prefix not in {"opt", "med"}]
    for text in (*texts, "m1", "order-1", "0001", "+15550100001", "127.0.0.1"):
        assert await hits(house, text), text
        for key in (OTHER_KEY, LIVE_KEY):
            assert [] == await hits(house, text, key=key), text
        acting = await house.call(
            "GET", "/v1/search", params={"q": text}, key=OPERATOR_KEY, headers=ACTING
        )
        assert [] == acting.json()["data"]


@pytest.mark.parametrize("scope", sorted(set(NEEDS.values())))
async def test_only_what_the_key_may_read(house: House, scope: str) -> None:
    """A key with one scope finds kinds of that scope alone, and is told which it lacks."""
    owned = await belongings(house)
    made = await house.post("/v1/api-keys", {"name": "small", "scopes": [scope]})
    kinds = {kind for kind, needed in NEEDS.items() if needed == scope}
    for text in (*(rows[0] for rows in owned.values()), "m1", "whatsapp", "message.", "127.0.0.1"):
        answer = await search(house, text, key=made["key"])
        assert {hit["kind"] for hit in answer["data"]} <= kinds
        for look in answer["looked_for"]:
            if look["note"] and "scope" in look["note"]:
                assert scope not in look["note"]
                assert 0 == look["found"]


async def test_what_cannot_be_searched_for(house: House) -> None:
    """Nothing, or a whole letter; an operator has to say for whom."""
    for params in ({}, {"q": ""}, {"q": "x" * 257}, {"q": "x", "kind": "message"}):
        assert_problem(await house.call("GET", "/v1/search", params=params), 422, "invalid")
    answer = await house.call("GET", "/v1/search", params={"q": "x"}, key=OPERATOR_KEY)
    assert "tenant_needed" == answer.json()["code"]
