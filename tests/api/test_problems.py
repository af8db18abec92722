"""Every way to go wrong has one shape, its own code, and never a stack trace."""

import json
from collections.abc import AsyncIterator
from typing import Any

from ringback.api.problems import CODES, of_exception
from ringback.errors import Fault, Invalid
from tests.api.house import KEY, House, assert_problem, places

JSON = {"content-type": "application/json"}
ENDPOINT = {"url": "https://example.com/hook", "event_types": ["*"]}


async def test_an_unknown_route(house: House) -> None:
    """A path that is no route answers 404, with a key or without; a final slash is no route."""
    for path in ("/", "/v1", "/v1/nothing", "/v1/messages/", "/v2/messages", "/healthz/x"):
        assert_problem(await house.call("GET", path), 404, "no_such_route")
        assert_problem(await house.call("GET", path, key=None), 404, "no_such_route")


async def test_a_method_that_is_not_for_the_route(house: House) -> None:
    """The answer names the methods that are."""
    response = await house.call("PUT", "/v1/messages")
    assert_problem(response, 405, "method_not_allowed")
    assert "GET" == response.headers["allow"]


async def test_every_request_has_an_id_of_its_own(house: House) -> None:
    """Answers carry the request's id, also successes; no two are equal."""
    seen = [
        (await house.call("GET", path)).headers["ringback-request-id"]
        for path in ("/v1/messages", "/v1/messages", "/nothing", "/healthz")
    ]
    assert len(seen) == len(set(seen))
    assert all(one.startswith("req_") for one in seen)


async def test_answers_are_kept_by_nobody(house: House) -> None:
    """Under /v1, problems too; what may be kept says so itself, and stays as it says it."""
    for path in ("/v1/messages", "/v1/nothing", "/v1/session", "/v1/messages/x"):
        headers = (await house.call("GET", path)).headers
        assert ["no-store"] == headers.get_list("cache-control"), path
        assert ["nosniff"] == headers.get_list("x-content-type-options"), path
    schema = (await house.call("GET", "/schemas/message.delivered/v1")).headers
    assert "no-store" not in schema["cache-control"]


async def test_a_body_that_says_it_is_too_large(house: House) -> None:
    """A length over 1 MiB is refused before anything is read; one of exactly 1 MiB is not."""
    large = b'"' + b"x" * (1024 * 1024 - 1) + b'"'
    response = await house.call("POST", "/v1/endpoints", content=large, headers=JSON)
    assert_problem(response, 413, "body_too_large")
    response = await house.call("POST", "/v1/endpoints", content=large[:-2] + b'"', headers=JSON)
    assert_problem(response, 422, "invalid")
    for length in ("99999999999999999999999", "1048577"):
        response = await house.call(
            "POST", "/v1/endpoints", content=b"{}", headers={**JSON, "content-length": length}
        )
        assert_problem(response, 413, "body_too_large")


async def test_a_body_that_never_ends(house: House) -> None:
    """Without a length the body is counted as it comes, and no more than 1 MiB is kept."""
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 64 * 1024
            assert taken < 4 * 1024 * 1024
            yield b" " * 64 * 1024

    response = await house.call("POST", "/v1/endpoints", content=endless(), headers=JSON)
    assert_problem(response, 413, "body_too_large")


async def test_a_body_that_is_not_json_by_its_own_word(house: House) -> None:
    """Anything but application/json is refused, whatever is inside."""
    for media_type in ("text/plain", "application/xml", "", "multipart/form-data"):
        headers = {"content-type": media_type}
        response = await house.call(
            "POST", "/v1/endpoints", content=json.dumps(ENDPOINT), headers=headers
        )
        assert_problem(response, 415, "unsupported_media_type")


BROKEN = (
        b"{", b"nonsense", b'{"url": }', b"\xff\xfe", b'"\xed\xa0\x80"', b"[" * 100 + b"]" * 100,
        b'{"url": NaN}', b'{"a": ' + b"9" * 100 + b"}", b'{"url": "\\u0000"}', b'{"\\ud800": 1}',
        b'{"url": "\x00"}', b"\xef\xbb\xbf{}", b'{"a": 1e999}',
)  # fmt: skip


async def test_json_that_cannot_be_used(house: House) -> None:
    """What is no JSON, or holds what no database can store, is refused as malformed."""
    for body in BROKEN:
        response = await house.call("POST", "/v1/endpoints", content=body, headers=JSON)
        assert_problem(response, 400, "malformed_json")


UNSTORABLE = (
    "/v1/messages/%00", "/v1/messages?reference=%00", "/v1/messages?reference=%ed%a0%80",
     "/v1/messages/%ed%a0%80", "/v1/messages?%00=1", "/v1/inspect/%00", "/v1/messages?to=%ff",
     "/healthz?a=%00",
)  # fmt: skip


async def test_a_url_that_no_database_can_store(house: House) -> None:
    """NUL and bytes that are not UTF-8 are refused, wherever in the URL they stand."""
    for path in UNSTORABLE:
        assert_problem(await house.call("GET", path), 400, "malformed_url")


async def test_a_url_that_is_too_long(house: House) -> None:
    """More than 8 KiB of URL are refused."""
    response = await house.call("GET", "/v1/messages?reference=" + "x" * 8192)
    assert_problem(response, 414, "url_too_long")


async def test_faults_in_a_body_have_pointers(house: House) -> None:
    """Each fault is listed with its place; what is wrong is never repeated."""
    body: dict[str, Any] = {
        "url": 5, "event_types": ["*", 7], "secret": {"mine": 1}, "a/b~c": 1, "more": 2,
    }  # fmt: skip
    response = await house.call("POST", "/v1/endpoints", json=body)
    problem = assert_problem(response, 422, "invalid")
    expected = ["/a~1b~0c", "/event_types/1", "/more", "/secret", "/url"]
    assert expected == sorted(places(problem))
    assert "mine" not in response.text


async def test_a_body_that_is_no_object(house: House) -> None:
    """The fault then lies at the root."""
    for body in (b"[]", b"5", b"null", b'"text"', b""):
        response = await house.call("POST", "/v1/endpoints", content=body, headers=JSON)
        assert [""] == places(assert_problem(response, 422, "invalid"))


async def test_what_is_missing_is_named(house: House) -> None:
    """Every field that has to be there and is not has its own fault."""
    response = await house.call("POST", "/v1/connections", json={})
    expected = ["/config", "/name", "/provider"]
    assert expected == sorted(places(assert_problem(response, 422, "invalid")))


WRONG_QUERIES = (
    ("limit=0", "limit"), ("limit=201", "limit"), ("limit=many", "limit"), ("limt=5", "limt"),
     ("cursor=" + "x" * 1025, "cursor"),
)  # fmt: skip


async def test_faults_in_a_query_name_the_parameter(house: House) -> None:
    """A parameter that is wrong, or that does not exist, is an error, never ignored."""
    for path in ("messages", "events", "callbacks", "deliveries", "attempts", "endpoints",
                 "connections", "inspect/demo"):  # fmt: skip
        for query, parameter in WRONG_QUERIES:
            response = await house.call("GET", f"/v1/{path}?{query}")
            assert [parameter] == places(assert_problem(response, 422, "invalid"))


async def test_filters_that_are_no_ids(house: House) -> None:
    """A filter that is not the id of such a thing says what would be one."""
    for path, parameter in (
        ("events", "message"), ("callbacks", "connection"), ("deliveries", "endpoint"),
        ("deliveries", "event"), ("attempts", "endpoint"), ("attempts", "event"),
    ):  # fmt: skip
        for value in ("", "5", "msg_", "evt_" + "z" * 26, "end_" + "0" * 25):
            response = await house.call("GET", f"/v1/{path}", params={parameter: value})
            assert [parameter] == places(assert_problem(response, 422, "invalid"))


async def test_a_database_that_does_not_answer(house: House) -> None:
    """Then it is 503 with a time to come again, and not a word about where the database is."""
    await house.engine.database.close()
    try:
        for path in ("messages", "events", "callbacks", "deliveries", "attempts", "connections",
                     "inspect/demo"):  # fmt: skip
            response = await house.call("GET", f"/v1/{path}")
            assert_problem(response, 503, "unavailable")
            assert "2" == response.headers["retry-after"]
            assert "RINGBACK" not in response.text
        response = await house.call("POST", "/v1/endpoints", json=ENDPOINT)
        assert_problem(response, 503, "unavailable")
    finally:
        await house.engine.database.open()


async def test_a_defect(house: House) -> None:
    """What nobody foresaw is a 500 in the same shape, without a word of what went wrong."""

    async def broken() -> Any:
        raise RuntimeError("rk_secret_detail")

    client = house.client_of(house.build(health=broken))
    response = await client.get("/readyz", headers={"authorization": f"Bearer {KEY}"})
    assert_problem(response, 500, "internal")
    assert "rk_secret_detail" not in response.text


def test_every_fault_is_told_with_its_place() -> None:
    """Faults found by a service become errors one to one."""
    problem = of_exception(Invalid(Fault("/a", "First."), Fault("/b", "Second.")))
    found = [(error.pointer, error.detail) for error in problem.errors]
    assert [("/a", "First."), ("/b", "Second.")] == found


def test_codes_are_stable_words() -> None:
    """A code is a lower-case word; its status is one of an error."""
    for code, (status, title) in CODES.items():
        assert code.replace("_", "").isalpha()
        assert code == code.lower()
        assert 400 <= status < 600
        assert title
