"""An endpoint's own id, metadata, headers, and the rotation of its secret, as people see them."""

import pytest

from tests.api.house import KEY, OTHER_KEY, House, Json, assert_problem, places

HOOK = {"url": "https://example.com/hook", "event_types": ["shop.*"]}


async def test_an_own_id_names_it(house: House) -> None:
    """It stands in URLs as ours does, is free again after deletion, and nobody else's."""
    made = await house.post("/v1/endpoints", {**HOOK, "uid": "orders"})
    assert made["id"] == (await house.get("/v1/endpoints/orders"))["id"]
    taken = await house.call("POST", "/v1/endpoints", json={**HOOK, "uid": "orders"})
    assert_problem(taken, 409, "uid_taken")
    second = await house.post("/v1/endpoints", {**HOOK, "uid": "second"})
    taken = await house.call("PATCH", f"/v1/endpoints/{second['id']}", json={"uid": "orders"})
    assert_problem(taken, 409, "uid_taken")
    foreign = await house.call("GET", "/v1/endpoints/orders", key=OTHER_KEY)
    missing = await house.call("GET", "/v1/endpoints/nothing")
    assert (404, 404) == (foreign.status_code, missing.status_code)
    assert {**foreign.json(), "instance": ""} == {**missing.json(), "instance": ""}
    await house.post("/v1/endpoints", {**HOOK, "uid": "orders"}, key=OTHER_KEY)
    assert 204 == (await house.call("DELETE", "/v1/endpoints/orders")).status_code
    renamed = await house.call("PATCH", "/v1/endpoints/second", json={"uid": "orders"})
    assert "orders" == renamed.json()["uid"]


async def test_an_ended_test_endpoint_keeps_no_id(house: House) -> None:
    """What has ended is no longer there: its own id can be taken."""
    first = await house.post("/v1/endpoints", {**HOOK, "uid": "orders"})
    await house.stage.execute(
        "update endpoint set expires = now() - interval '1 minute' where uid = 'orders'"
    )
    await house.engine.configuration.reload()
    second = await house.post("/v1/endpoints", {**HOOK, "uid": "orders"})
    assert first["id"] != second["id"]


async def test_metadata_is_kept(house: House) -> None:
    """Pairs come back as they were written, and are replaced as a whole."""
    made = await house.post("/v1/endpoints", {**HOOK, "metadata": {"team": "orders", "é": ""}})
    assert {"team": "orders", "é": ""} == made["metadata"]
    path = f"/v1/endpoints/{made['id']}"
    await house.call("PATCH", path, json={"description": "x"})
    assert {"team": "orders", "é": ""} == (await house.get(path))["metadata"]
    await house.call("PATCH", path, json={"metadata": {"a": "b"}})
    assert {"a": "b"} == (await house.get(path))["metadata"]


async def test_headers_are_sent_and_not_shown(house: House) -> None:
    """They go out with every request; the API and the attempts show the last characters only."""
    token = "Bearer 4711-very-secret"
    body = {**HOOK, "url": f"{house.stage.sink.url}/mine", "headers": {"Authorization": token}}
    made = await house.post("/v1/endpoints", body)
    assert {"Authorization": "…cret"} == made["headers"]
    await house.post("/v1/events", {"type": "shop.paid", "data": {}})
    await house.delivered(1)
    assert token == house.stage.sink.received[0].headers["authorization"]
    attempt = (await house.get("/v1/attempts"))["data"][0]
    shown = await house.get(f"/v1/attempts/{attempt['id']}")
    assert "…cret" in str(shown)
    assert "very-secret" not in str(shown)
    path = f"/v1/endpoints/{made['id']}"
    await house.call("PATCH", path, json={"headers": {"X-Shop": "7"}})
    await house.post("/v1/events", {"type": "shop.paid", "data": {}})
    await house.delivered(2)
    sent = house.stage.sink.received[1].headers
    assert ("7", None) == (sent["x-shop"], sent.get("authorization"))
    assert {"X-Shop": "…"} == (await house.get(path))["headers"]
    for table, column in (("attempt", "detail"), ("endpoint", "sealed")):
        kept = await house.stage.value(
            f"select string_agg(encode({column}, 'escape'), '') from {table}"
        )
        assert "very-secret" not in str(kept)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"headers": {"webhook-id": "x"}}, "/headers"),
        ({"headers": {"Ringback-Attempt": "1"}}, "/headers"),
        ({"headers": {"User-Agent": "x"}}, "/headers"),
        ({"headers": {"Host": "x"}}, "/headers"),
        ({"headers": {"x-a": "line\r\nx-b: 1"}}, "/headers"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "/headers"),
        ({"headers": {f"x-{n}": "1" for n in range(21)}}, "/headers"),
        ({"uid": "a b"}, "/uid"),
        ({"uid": ""}, "/uid"),
        ({"uid": "end_" + "0" * 26}, "/uid"),
        ({"metadata": {str(n): "" for n in range(21)}}, "/metadata"),
        ({"metadata": {"": "x"}}, "/metadata"),
        ({"metadata": {"a": "x" * 513}}, "/metadata"),
    ],
)
async def test_what_an_endpoint_cannot_have(house: House, fields: Json, place: str) -> None:
    """422 with the place, when it is made and when it is changed."""
    answer = await house.call("POST", "/v1/endpoints", json={**HOOK, **fields})
    assert [place] == places(assert_problem(answer, 422, "invalid"))
    made = await house.post("/v1/endpoints", HOOK)
    answer = await house.call("PATCH", f"/v1/endpoints/{made['id']}", json=fields)
    assert [place] == places(assert_problem(answer, 422, "invalid"))


async def test_a_secret_is_rotated(house: House) -> None:
    """A new secret at once, the old one listed until its end, and no more than three of them."""
    made = await house.post("/v1/endpoints", HOOK)
    path = f"/v1/endpoints/{made['id']}"
    told = await house.post(f"{path}/rotate-secret", {}, status=200)
    assert made["secret"] != told["secret"]
    assert [made["secret"]] == [old["secret"] for old in told["retiring"]]
    assert told == await house.get(f"{path}/secret")
    for _ in range(2):
        told = await house.post(f"{path}/rotate-secret", {"overlap_s": 60}, status=200)
    assert 3 == len(told["retiring"])
    full = await house.call("POST", f"{path}/rotate-secret", json={})
    assert_problem(full, 409, "limit_reached")
    log = (await house.get("/v1/audit-log", object=made["id"]))["data"]
    assert 3 == sum(entry["action"] == "endpoint.secret_rotated" for entry in log)
    assert "whsec_" not in str(log)
    own = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    told = await house.post(f"{path}/rotate-secret", {"secret": own, "overlap_s": 0}, status=200)
    assert (own, 3) == (told["secret"], len(told["retiring"]))
    for body, place in (
        ({"secret": own}, "/secret"), ({"secret": "x"}, "/secret"),
        ({"overlap_s": 604_801}, "/overlap_s"), ({"overlap_s": -1}, "/overlap_s"),
    ):  # fmt: skip
        answer = await house.call("POST", f"{path}/rotate-secret", key=KEY, json=body)
        assert [place] == places(assert_problem(answer, 422, "invalid"))
