"""Signature checks: what a receiver should take, why it must refuse the rest, and who signed."""

import base64
import time
from typing import Any

import pytest

from ringback.domain.signing import Signer, new_secret, secret_key
from ringback.services.signature_checks import BODY_MAX
from tests.api.house import (
    ACTING,
    LIVE_KEY,
    OPERATOR_KEY,
    OTHER_KEY,
    House,
    Json,
    assert_problem,
    places,
)

OTHER_SECRET = new_secret(bytes(range(24)))


async def delivered(house: House) -> tuple[str, Json]:
    """Deliver one event; return its endpoint's id and the attempt."""
    await house.hear("m1", "sent")
    await house.delivered(1)
    endpoint = (await house.get("/v1/endpoints"))["data"][0]["id"]
    attempt = (await house.get("/v1/attempts"))["data"][0]["id"]
    return endpoint, await house.get(f"/v1/attempts/{attempt}")


async def checked(house: House, **asked: Any) -> Json:
    """Check a request."""
    return await house.post("/v1/signature-checks", asked, status=200)


def codes(found: Json) -> list[str]:
    """Return the causes by their words."""
    return [cause["code"] for cause in found["causes"]]


async def test_what_was_sent_is_valid(house: House) -> None:
    """With the endpoint's own secret, by its id or a secret that is given, whole or in parts."""
    endpoint, attempt = await delivered(house)
    headers, body = dict(attempt["request"]["headers"]), attempt["request"]["body"]["text"]
    encoded = base64.b64encode(body.encode()).decode()
    pasted = "\r\n".join([*(f"{n}: {v}" for n, v in headers.items()), "", body])
    for asked in (
        {"endpoint": endpoint, "headers": headers, "body": body},
        {"endpoint": endpoint, "headers": headers, "body_base64": encoded},
        {"secret": house.stage.secret, "headers": headers, "body": body},
        {"endpoint": endpoint, "secret": OTHER_SECRET, "request": pasted},
    ):  # fmt: skip
        found = await checked(house, **asked)
        assert (True, []) == (found["valid"], found["causes"]), asked
        assert [headers["webhook-signature"]] == found["received"]
        (fits,) = [one for one in found["secrets"] if one["fits"]]
        assert (headers["webhook-signature"], house.stage.secret[-4:]) == (
            fits["signature"], fits["hint"],
        )  # fmt: skip
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}"
    assert signed == found["signed"]["text"]
    assert house.stage.secret not in str(found)
    assert {"python", "javascript", "php", "curl"} == set(found["snippets"])
    assert house.stage.sink.url in found["snippets"]["curl"]


async def test_a_refusal_is_explained(house: House) -> None:
    """Each of what goes wrong in practice has its own word, and what to do about it."""
    endpoint, attempt = await delivered(house)
    headers, body = dict(attempt["request"]["headers"]), attempt["request"]["body"]["text"]
    unsigned = {name: value for name, value in headers.items() if name != "webhook-signature"}
    base = {"endpoint": endpoint, "headers": headers, "body": body}
    for changes, first in (
        ({"headers": unsigned}, "signature_missing"), ({"at": "1h"}, "in_the_future"),
        ({"body": body.replace("m1", "m2")}, "secret_or_body"), ({"body": f"{body}\n"}, None),
        ({"endpoint": None, "secret": OTHER_SECRET}, "secret_or_body"),
    ):  # fmt: skip
        asked = {name: value for name, value in {**base, **changes}.items() if value is not None}
        found = await checked(house, **asked)
        assert not found["valid"]
        assert first in (None, codes(found)[0]), codes(found)
        assert all(cause["detail"] for cause in found["causes"])
    old = Signer((secret_key(OTHER_SECRET) or b"",)).sign("x", int(time.time()) - 900, b"{}")
    stale = {"webhook-id": "x", "webhook-timestamp": str(int(time.time()) - 900)}
    asked = {"secret": OTHER_SECRET, "headers": {**stale, "webhook-signature": old}, "body": "{}"}
    assert ["too_old", "signature_right"] == codes(await checked(house, **asked))
    assert (await checked(house, **asked, tolerance_s=1000))["valid"]


async def test_which_secret_signed_an_attempt(house: House) -> None:
    """The current one; after a rotation the retiring one; and none once that has ended."""
    endpoint, attempt = await delivered(house)
    shown = await checked(house, attempt=attempt["id"])
    assert (True, endpoint, [("current", True)]) == (
        shown["valid"], shown["endpoint"], [(o["secret"], o["fits"]) for o in shown["secrets"]],
    )  # fmt: skip
    assert ["current"] == attempt["signature"]["secrets"]
    assert shown["signed"] == attempt["signature"]["signed"]
    rotate = f"/v1/endpoints/{endpoint}/rotate-secret"
    await house.post(rotate, {"overlap_s": 3600}, status=200)
    again = await checked(house, attempt=attempt["id"])
    assert [("current", False), ("retiring", True)] == [
        (one["secret"], one["fits"]) for one in again["secrets"]
    ]
    assert again["valid"]
    whole = await house.get(f"/v1/attempts/{attempt['id']}")
    assert ["retiring"] == whole["signature"]["secrets"]
    await house.stage.execute("update endpoint set deleted = now()")
    await house.post("/v1/endpoints", {"url": "https://example.com/", "event_types": ["x.y"]})
    gone = await house.get(f"/v1/attempts/{attempt['id']}")
    assert [] == gone["signature"]["secrets"]


async def test_a_replaced_secret_is_told(house: House) -> None:
    """An attempt that no secret of today fits was signed with one that was replaced."""
    endpoint, attempt = await delivered(house)
    await house.post(f"/v1/endpoints/{endpoint}/rotate-secret", {"overlap_s": 0}, status=200)
    found = await checked(house, attempt=attempt["id"])
    assert (False, ["secret_replaced"]) == (found["valid"], codes(found))


async def test_it_is_written_down(house: House) -> None:
    """What is checked with an endpoint's secrets is in the audit log; what is not, is not."""
    endpoint, attempt = await delivered(house)
    headers = dict(attempt["request"]["headers"])
    await checked(house, secret=OTHER_SECRET, headers=headers, body="{}")
    await checked(house, attempt=attempt["id"])
    await checked(house, endpoint=endpoint, headers=headers, body="{}")
    log = await house.get("/v1/audit-log", action="endpoint.signature_checked")
    assert [endpoint] == [entry["object"] for entry in log["data"]]


async def test_nothing_of_anothers(house: House) -> None:
    """Others' endpoints and attempts are as good as missing."""
    endpoint, attempt = await delivered(house)
    request: Json = {"headers": {"webhook-id": "x"}, "body": ""}
    for key, headers in ((OTHER_KEY, {}), (LIVE_KEY, {}), (OPERATOR_KEY, ACTING)):
        for asked, status in (
            ({"attempt": attempt["id"]}, 404),
            ({**request, "endpoint": endpoint}, 422),
        ):
            answer = await house.call(
                "POST", "/v1/signature-checks", key=key, headers=headers, json=asked
            )
            assert status == answer.status_code


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({}, "/headers"), ({"headers": {}}, "/body"),
        ({"headers": {}, "body": "", "body_base64": ""}, "/body"),
        ({"headers": {}, "body_base64": "?"}, "/body_base64"),
        ({"headers": {}, "body": ""}, "/endpoint"), ({"request": "hello"}, "/request"),
        ({"request": "a: b\n\n", "body": ""}, "/body"),
        ({"headers": {}, "body": "", "endpoint": "end_1"}, "/endpoint"),
        ({"headers": {}, "body": "", "secret": "x", "at": "soon"}, "/at"),
        ({"headers": {}, "body": "x" * (BODY_MAX + 1), "secret": "x"}, "/body"),
        ({"attempt": "att_0" + "1" * 25, "body": ""}, "/body"),
    ],
)  # fmt: skip
async def test_what_cannot_be_checked(house: House, asked: Json, place: str) -> None:
    """Each fault with its place."""
    answer = await house.call("POST", "/v1/signature-checks", json=asked)
    assert [place] == places(assert_problem(answer, 422, "invalid"))
