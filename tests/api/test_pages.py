"""Pages: every row once, there and back, whatever happens meanwhile; cursors nobody can make up."""

import base64
import random
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.api.house import KEY, OTHER_KEY, House, Json, assert_problem, places
from tests.sizes import SIZES

MESSAGES = 7


async def fill(house: House) -> dict[str, str]:
    """Make seven messages with two events each, at two endpoints; return what lists are asked."""
    sink = house.stage.sink
    await house.stage.add_endpoint(f"{sink.url}/second")
    for number in range(MESSAGES):
        await house.hear(f"m{number}", "sent", "delivered", reference="all-of-them")
    await house.delivered(4 * MESSAGES)
    for _ in range(MESSAGES):
        body = {"url": "https://example.com/", "event_types": ["call.*"]}
        await house.post("/v1/endpoints", body)
    endpoints = (await house.get("/v1/endpoints"))["data"]
    connection = (await house.connection("whatsapp"))["id"]
    event = (await house.get("/v1/events"))["data"][0]["id"]
    endpoint = next(one["id"] for one in endpoints if one["url"].endswith("/second"))
    message = (await house.message("m3"))["id"]
    return {"connection": connection, "event": event, "endpoint": endpoint, "message": message}


def lists(made: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Return every list with every filter that changes how it is read."""
    event, endpoint = {"event": made["event"]}, {"endpoint": made["endpoint"]}
    over = {"status": "delivered"}
    return [
        ("messages", {}), ("messages", {"reference": "all-of-them"}), ("messages", {"to": "1234"}),
        ("messages", {"to": "1234", "from": "3881", "reference": "all-of-them"}),
        ("events", {}), ("events", {"type": "message.*"}), ("events", {"message": made["message"]}),
        ("callbacks", {}), ("callbacks", {"outcome": "accepted"}),
        ("callbacks", {"connection": made["connection"]}),
        ("deliveries", {}), ("deliveries", event), ("deliveries", endpoint), ("deliveries", over),
        ("deliveries", {**over, **endpoint}),
        ("attempts", {}), ("attempts", event), ("attempts", endpoint),
        ("attempts", {**event, **endpoint}),
        ("attempts", {"since": "1h", "status": "2xx"}),
        ("deliveries", {**over, "since": "1h"}),
        ("deliveries", {**endpoint, "since": "1h", "type": "message.sent"}),
        ("endpoints", {}), ("connections", {}),
        ("audit-log", {}), ("audit-log", {"action": "endpoint.created"}),
    ]  # fmt: skip


async def forward(house: House, path: str, filters: dict[str, str], limit: int) -> list[Json]:
    """Walk from the first page to the last."""
    pages = [await house.get(path, limit=limit, **filters)]
    while pages[-1]["next"]:
        cursor = pages[-1]["next"]
        pages.append(await house.get(path, limit=limit, cursor=cursor, **filters))
        assert len(pages) < 100
    return pages


async def test_every_list_there_and_back(house: House) -> None:
    """Pages add up to the whole list; each page's `prev` is the page before it."""
    made = await fill(house)
    for name, filters in lists(made):
        path = f"/v1/{name}"
        whole = await house.get(path, limit=200, **filters)
        assert (None, None) == (whole["next"], whole["prev"])
        assert whole["data"], (name, filters)
        for limit in (1, 3):
            pages = await forward(house, path, filters, limit)
            assert whole["data"] == [row for page in pages for row in page["data"]], (name, filters)
            assert all(len(page["data"]) == limit for page in pages[:-1])
            assert pages[0]["prev"] is None
            for before, page in pairwise(pages):
                back = await house.get(path, limit=limit, cursor=page["prev"], **filters)
                assert before["data"] == back["data"], (name, filters)
                again = await house.get(path, limit=limit, cursor=back["next"], **filters)
                assert page["data"] == again["data"], (name, filters)
                assert (before is pages[0]) == (back["prev"] is None)


async def test_rows_that_come_meanwhile_disturb_no_page(house: House) -> None:
    """New rows are before the first page: none is seen twice, none is missed."""
    made = await fill(house)
    for name, filters in lists(made):
        still = name in ("endpoints", "connections", "audit-log")
        if still or "event" in filters or "message" in filters:
            continue
        path = f"/v1/{name}"
        whole = (await house.get(path, limit=200, **filters))["data"]
        page = await house.get(path, limit=3, **filters)
        seen = page["data"]
        count = len(house.stage.sink.received)
        await house.hear(f"{name}{filters}", "sent", reference="all-of-them")
        await house.delivered(count + 2)
        while page["next"]:
            page = await house.get(path, limit=3, cursor=page["next"], **filters)
            seen += page["data"]
        assert whole == seen, (name, filters)
        newer = await house.get(path, limit=200, **filters)
        assert whole == newer["data"][-len(whole) :]
        assert len(whole) < len(newer["data"])


async def test_links_name_the_neighbours(house: House) -> None:
    """The Link header has whole URLs that give the neighbouring pages, filters included."""
    await fill(house)
    for path, filters in (("/v1/messages", {"reference": "all-of-them"}), ("/v1/events", {})):
        first = await house.call("GET", path, params={"limit": 2, **filters})
        assert first.headers["link"].endswith('rel="next"')
        url = first.headers["link"].partition(">")[0].removeprefix("<")
        assert url.startswith(f"http://127.0.0.1:8420{path}?")
        assert {"limit", "cursor", *filters} == set(dict(parse_qsl(urlsplit(url).query)))
        second = await house.call("GET", f"{path}?{urlsplit(url).query}")
        assert 2 == len(second.json()["data"])
        assert ['rel="next"', 'rel="prev"'] == [
            link.rpartition("; ")[2] for link in second.headers["link"].split(", ")
        ]


def mutants(cursor: str, count: int) -> set[str]:
    """Make cursors that differ from a real one in one place or another."""
    dice = random.Random(8420)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.%+/ \u00e9"
    made: set[str] = set()
    while len(made) < count:
        place, char = dice.randrange(len(cursor)), dice.choice(alphabet)
        how = dice.randrange(4)
        if how == 0:
            changed = cursor[:place] + char + cursor[place + 1 :]
        elif how == 1:
            changed = cursor[:place] + char + cursor[place:]
        elif how == 2:
            changed = cursor[:place] + cursor[place + 1 :]
        else:
            changed = cursor[:place] + cursor[:place:-1]
        made.add(changed)
    return made - {cursor}


async def test_cursors_that_were_tampered_with(house: House) -> None:
    """Every changed cursor is refused, whatever was changed about it."""
    await fill(house)
    cursor = (await house.get("/v1/messages", limit=2))["next"]
    assert 2 == len((await house.get("/v1/messages", limit=2, cursor=cursor))["data"])
    for changed in mutants(cursor, SIZES.changed_cursors):
        response = await house.call("GET", "/v1/messages", params={"limit": 2, "cursor": changed})
        assert ["cursor"] == places(assert_problem(response, 400, "invalid_cursor"))


async def test_cursors_that_somebody_made_up(house: House) -> None:
    """Without the installation's key nobody can make one."""
    for payload in (b"", b"[0,5]", b'[false,"x"]', b"[]", b"x" * 16 + b"[0,340282366920938463463]"):
        cursor = base64.urlsafe_b64encode(b"t" * 16 + payload).decode().rstrip("=")
        response = await house.call("GET", "/v1/events", params={"cursor": cursor})
        assert_problem(response, 400, "invalid_cursor")


async def test_a_cursor_belongs_to_its_list_filters_and_key(house: House) -> None:
    """Elsewhere it is refused: in another list, with other filters, for another tenant."""
    await fill(house)
    cursor = (await house.get("/v1/messages", limit=2, to="1234"))["next"]

    async def refused(path: str, key: str = KEY, **params: Any) -> bool:
        response = await house.call("GET", path, key=key, params={"cursor": cursor, **params})
        return response.status_code == 400

    assert not await refused("/v1/messages", to="1234")
    assert not await refused("/v1/messages", to="1234", limit=7)
    assert await refused("/v1/messages")
    assert await refused("/v1/messages", to="12345")
    assert await refused("/v1/messages", to="1234", reference="x")
    assert await refused("/v1/messages", **{"from": "1234"})
    assert await refused("/v1/messages", OTHER_KEY, to="1234")
    assert await refused("/v1/events")
