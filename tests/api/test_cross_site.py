"""T41: whatever another site makes a browser do with somebody's cookie is refused."""

import re

from tests.api.house import House, Json, assert_problem
from tests.api.people import ORIGIN, signed_in
from tests.api.test_document import BY_KEY_ALONE, operations

FOREIGN = (
    "https://evil.example", "null", "", "http://api.test.evil.example", "http://evil.example:80",
    "http://api.test:81", "https://api.test:444", "http://api.test@evil.example", "file://api.test",
)  # fmt: skip


async def test_every_operation_that_changes_something(house: House) -> None:
    """Foreign or missing Origin, or a missing or wrong CSRF token: 403, without exception."""
    browser = await signed_in(house, "owner")
    csrf = browser.csrf
    document = await house.get("/openapi.json", key=None)
    tried = 0
    for name, operation in operations(document):
        method, _, path = name.partition(" ")
        if method == "GET" or operation["operationId"] in BY_KEY_ALONE:
            continue
        path = re.sub(r"\{\w+\}", "x", path)
        ways: list[Json] = [{"x-ringback-csrf": csrf}, {"origin": ORIGIN}]
        ways += [{"x-ringback-csrf": csrf, "origin": origin} for origin in FOREIGN]
        ways += [
            {"x-ringback-csrf": wrong, "origin": ORIGIN} for wrong in ("", csrf[:-1], "0" * 64)
        ]
        for headers in ways:
            answer = await browser.client.request(method, path, json={}, headers=headers)
            assert_problem(answer, 403, "cross_site")
            tried += 1
    assert tried > 200
    assert 200 == (await browser.call("GET", "/v1/session")).status_code


async def test_nobody_is_signed_in_by_another_site(house: House) -> None:
    """Signing in, too, has to come from the panel; a program without an Origin may."""
    body = {"email": "a@example.com", "password": "x"}
    for headers, status in (
        ({"origin": "https://evil.example"}, 403), ({"origin": ORIGIN}, 401), ({}, 401),
        ({"cookie": "ringback_session=old"}, 403),
        ({"cookie": "ringback_session=old", "origin": ORIGIN}, 401),
    ):  # fmt: skip
        answer = await house.call("POST", "/v1/session", key=None, json=body, headers=headers)
        assert status == answer.status_code, headers


async def test_own_addresses_are_taken(house: House) -> None:
    """The public URL's origin and that of the host that was asked, with TLS or without."""
    browser = await signed_in(house, "admin")
    for origin in (ORIGIN, "https://api.test", "http://API.test:80", "http://127.0.0.1:8420"):
        answer = await browser.call("PATCH", "/v1/session", json={}, headers={"origin": origin})
        assert 200 == answer.status_code, origin
