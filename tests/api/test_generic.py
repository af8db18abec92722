"""Connections of the provider `generic`: verified, answered and passed on as configured."""

import base64
import hashlib
import hmac
import time
from typing import Any

import pytest

from ringback.domain.http import Callback, HttpResponse
from tests.api.house import House, Json, assert_problem, places

SECRET = "a-shared-secret-of-thirty-letters"
BODY = b'{"id": 7001, "status": "delivered"}'
FORM = "application/x-www-form-urlencoded"


async def connect(house: House, verify: Json, **config: Any) -> str:
    """Make a connection; return its URL. Only what is to be entered elsewhere tells a secret."""
    asked = {"provider": "generic", "name": "Any", "config": {"verify": verify, **config}}
    made = await house.post("/v1/connections", asked)
    del made["to_enter"]
    assert SECRET not in str(made)
    return str(made["callback_url"])


async def call(
    house: House,
    url: str,
    headers: dict[str, str] | None = None,
    body: bytes = BODY,
    method: str = "POST",
) -> HttpResponse:
    """Let a callback come in."""
    pairs = tuple((headers or {}).items())
    token = url.partition("?")[0].rpartition("/")[2]
    callback = Callback(method, url, pairs, body, "192.0.2.7")
    return await house.stage.receive(callback, token)


async def raws(house: House) -> list[Any]:
    """Return what the events hold, oldest first."""
    events = (await house.get("/v1/events", type="provider.unrecognised"))["data"]
    for event in events:
        assert ("generic", "generic.callback") == (event["data"]["provider"], event["data"]["kind"])
    return [event["data"]["raw"] for event in reversed(events)]


async def outcomes(house: House) -> list[tuple[str, str]]:
    """Return what became of the callbacks, and why."""
    listed = (await house.get("/v1/callbacks"))["data"]
    return [(one["outcome"], one["reason"]) for one in listed]


async def test_a_signature_as_configured(house: House) -> None:
    """Algorithm, header, prefix, encoding and what is covered: the right one passes, once."""
    url = await connect(
        house,
        {
            "scheme": "hmac", "secret": SECRET, "header": "X-Shop-Signature", "prefix": "v1=",
            "algorithm": "sha512", "encoding": "base64", "signed": "{timestamp}.{url}.{body}",
            "timestamp_header": "X-Shop-Timestamp",
        },
    )  # fmt: skip
    at = str(int(time.time()))
    covered = f"{at}.{url}.".encode() + BODY
    made = base64.b64encode(hmac.digest(SECRET.encode(), covered, hashlib.sha512)).decode()
    for given, expected in (
        (made, 200),
        (made, 200),
        (made[::-1], 401),
        (made[4:] + made[:4], 401),
    ):
        headers = {"X-Shop-Signature": f"v1={given}", "X-Shop-Timestamp": at}
        assert expected == (await call(house, url, headers)).status
    assert 401 == (await call(house, url)).status
    assert [{"id": 7001, "status": "delivered"}] == await raws(house)
    # Callbacks of one millisecond are listed in any order.
    found = sorted(await outcomes(house))
    assert ["duplicate", *["rejected"] * 3, "unrecognised"] == [outcome for outcome, _ in found]
    assert any(why.startswith("no header X-Shop-Signature. ") for _, why in found)


def basic(password: str) -> str:
    """Write Basic credentials."""
    return "Basic " + base64.b64encode(f"crm:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("verify", "query", "headers", "wrong"),
    [
        (
            {"scheme": "basic", "username": "crm", "password": SECRET},
            "", {"Authorization": basic(SECRET)}, {"Authorization": basic("other")},
        ),
        (
            {"scheme": "bearer", "token": "new", "older": [SECRET]},
            "", {"Authorization": f"Bearer {SECRET}"}, {"Authorization": "Bearer other"},
        ),
        (
            {"scheme": "api_key", "name": "X-Api-Key", "value": SECRET},
            "", {"X-Api-Key": SECRET}, {"X-Api-Key": "other"},
        ),
        (
            {"scheme": "api_key", "in": "query", "name": "key", "value": SECRET},
            f"?key={SECRET}", {}, None,
        ),
        ({"scheme": "url_token"}, "", {}, None),
    ],
    ids=["basic", "bearer", "header", "query", "url_token"],
)  # fmt: skip
async def test_other_proofs_as_configured(
    house: House, verify: Json, query: str, headers: Json, wrong: Json | None
) -> None:
    """Credentials, tokens and keys: the right one passes, none and a wrong one are answered 401."""
    url = await connect(house, verify)
    assert 200 == (await call(house, url + query, headers)).status
    assert [{"id": 7001, "status": "delivered"}] == await raws(house)
    if wrong is not None:
        assert 401 == (await call(house, url, wrong)).status
    if verify["scheme"] != "url_token":
        assert 401 == (await call(house, url)).status
    else:
        assert 404 == (await call(house, url[:-1])).status
    told = [await house.call("GET", path) for path in ("/v1/connections", "/v1/events")]
    assert not [answer for answer in told if SECRET in answer.text]


async def test_a_short_token_proves_nothing(house: House) -> None:
    """Of one's own making, and with nothing else to go by: its callbacks are refused."""
    config = {"verify": {"scheme": "url_token"}}
    asked = {"provider": "generic", "name": "x", "config": config, "token": "my-own-token"}
    made = await house.post("/v1/connections", asked)
    assert 401 == (await call(house, made["callback_url"])).status
    ((outcome, reason),) = await outcomes(house)
    assert ("rejected", True) == (outcome, "fewer than 22 characters" in reason)


async def test_answers_as_configured(house: House) -> None:
    """Nothing, 204, text, XML: what the sender wants, and only once it is verified and stored."""
    verify = {"scheme": "bearer", "token": SECRET}
    for reply, expected in (
        ({}, (200, None, b"")),
        ({"status": 204}, (204, None, b"")),
        ({"body": "ACK/Jasmin"}, (200, "text/plain; charset=utf-8", b"ACK/Jasmin")),
        (
            {"status": 202, "content_type": "text/xml", "body": "<Response/>"},
            (202, "text/xml", b"<Response/>"),
        ),
    ):
        url = await connect(house, verify, reply=reply)
        answer = await call(house, url, {"Authorization": f"Bearer {SECRET}"})
        content_type = dict(answer.headers).get("Content-Type")
        assert expected == (answer.status, content_type, answer.body)
        refused = await call(house, url, {"Authorization": "Bearer x"})
        assert (401, b"") == (refused.status, refused.body)


async def test_callbacks_of_any_kind(house: House) -> None:
    """A query, a form, JSON, XML and a multipart form each arrive as one event, whole."""
    url = await connect(house, {"scheme": "url_token"})
    part = b'--b\r\nContent-Disposition: form-data; name="id"\r\n\r\n7\r\n--b--\r\n'
    for method, query, body, content_type in (
        ("GET", "?id=7&to=%2B15550123", b"", ""),
        ("POST", "", b"id=7&to=%2B15550123", FORM),
        ("PUT", "", b'{"id": 7}', "application/json; charset=utf-8"),
        ("POST", "", "<id>é</id>".encode("latin-1"), "text/xml; charset=ISO-8859-1"),
        ("POST", "", part, "multipart/form-data; boundary=b"),
        ("POST", "", b"\x00\xff", "application/octet-stream"),
    ):
        headers = {"Content-Type": content_type} if content_type else {}
        assert 200 == (await call(house, url + query, headers, body, method)).status
    assert [
        {"id": ["7"], "to": ["+15550123"]},
        {"id": ["7"], "to": ["+15550123"]},
        {"id": 7},
        "<id>é</id>",
        {"id": ["7"]},
        {"content_type": "application/octet-stream", "base64": "AP8="},
    ] == await raws(house)


async def test_a_callback_is_known_by_what_names_it(house: House) -> None:
    """The configured places decide: another body of the same name changes nothing."""
    places_ = [{"in": "json", "pointer": "/id"}, {"in": "json", "pointer": "/status"}]
    url = await connect(house, {"scheme": "url_token"}, dedupe=places_)
    for body in (
        b'{"id":1,"status":"a"}',
        b'{"status":"a","id":1,"n":2}',
        b'{"id":1,"status":"b"}',
    ):
        assert 200 == (await call(house, url, body=body)).status
    assert [{"id": 1, "status": "a"}, {"id": 1, "status": "b"}] == await raws(house)


async def test_faults_in_the_depths_of_a_config_have_pointers(house: House) -> None:
    """Each is named where it lies below /config, all at once."""
    config = {
        "verify": {"scheme": "hmac", "secret": "", "algorithm": "md5"},
        "dedupe": [{"in": "json", "pointer": "id"}],
        "reply": {"status": 500},
    }
    asked = {"provider": "generic", "name": "x", "config": config}
    problem = assert_problem(
        await house.call("POST", "/v1/connections", json=asked), 422, "invalid"
    )
    assert [
        "/config/dedupe/0/pointer", "/config/reply/status", "/config/verify/algorithm",
        "/config/verify/header", "/config/verify/secret",
    ] == sorted(places(problem))  # fmt: skip


@pytest.mark.parametrize("where", ["header", "query"])
async def test_a_key_is_not_kept_with_the_callback(house: House, where: str) -> None:
    """Whoever reads callbacks cannot call the connection with what stands in them."""
    scheme = {"scheme": "api_key", "in": where, "name": "x-key", "value": SECRET}
    url = await connect(house, scheme)
    headers, query = ({"X-Key": SECRET}, "") if where == "header" else ({}, f"?x-key={SECRET}")
    assert 200 == (await call(house, url + query, headers)).status
    (listed,) = (await house.get("/v1/callbacks"))["data"]
    stored = str(await house.get(f"/v1/callbacks/{listed['id']}"))
    assert SECRET not in stored
    assert "(hidden)" in stored


async def test_what_nothing_proves_cannot_be_forged(house: House) -> None:
    """Where the URL is all there is, a forged callback would be a genuine one: it says so."""
    config = {"verify": {"scheme": "url_token"}}
    made = await house.post(
        "/v1/connections", {"provider": "generic", "name": "Open", "config": config}
    )
    body = {"to": "+15550123", "from": "+15550100", "statuses": ["delivered"], "forged": True}
    path = f"/v1/connections/{made['id']}/simulate"
    refused = await house.post(path, body, status=422)
    assert ["/forged"] == [one["pointer"] for one in refused["errors"]]
    await house.post(path, {**body, "forged": False}, status=202)
