"""Opening a private address for an endpoint, from the error that refused it (SEC-14)."""

import json
from typing import Any

import httpx

from ringback.services.guards import Guards
from tests.api.house import KEY, LIVE_KEY, House, assert_problem
from tests.services.sink import until

PRIVATE = "https://10.1.2.3/hook"


def _named(text: str) -> dict[str, Any]:
    """Read the change that an explanation names."""
    change: dict[str, Any] = json.loads(text[text.index("{") : text.rindex("}") + 1])
    return change


async def test_an_owner_opens_a_network_from_the_error(house: House) -> None:
    """A private address is refused with the change that opens it; sent with that, it is taken."""
    body = {"url": PRIVATE, "event_types": ["*"]}
    refused = await house.call("POST", "/v1/endpoints", json=body)
    (fault,) = assert_problem(refused, 422, "invalid")["errors"]
    assert "/url" == fault["pointer"]
    change = _named(fault["detail"])
    assert {"delivery": {"allowed_networks": ["10.1.2.3/32"]}} == change
    made = await house.post("/v1/endpoints", {**body, **change})
    # What is open already is in the next change, too.
    path = f"/v1/endpoints/{made['id']}"
    further = await house.call("PATCH", path, json={"url": "https://10.9.9.9/"})
    (fault,) = assert_problem(further, 422, "invalid")["errors"]
    change = _named(fault["detail"])
    assert {"delivery": {"allowed_networks": ["10.1.2.3/32", "10.9.9.9/32"]}} == change
    moved = await house.call("PATCH", path, json={"url": "https://10.9.9.9/", **change})
    assert 200 == moved.status_code


async def test_a_refused_attempt_has_the_change_ready(house: House) -> None:
    """`allow` of the attempt is sent as it is; the next attempt is no longer denied."""
    await house.stage.execute("update endpoint set deleted = now()")
    endpoint = await house.stage.add_endpoint("http://10.255.255.254:8499/hook")
    await house.hear("m1", "sent")
    await until(lambda: house.engine.recorder.attempts == 1)
    (attempt,) = (await house.get("/v1/attempts"))["data"]
    assert "guard_denied" == attempt["error"]
    whole = await house.get(f"/v1/attempts/{attempt['id']}")
    change = {"delivery": {"allowed_networks": ["10.255.255.254/32"]}}
    assert change == whole["allow"] == _named(whole["explanation"])
    path = f"/v1/endpoints/{attempt['endpoint']}"
    answer = await house.call("PATCH", path, json=whole["allow"])
    assert ["10.255.255.254/32"] == answer.json()["delivery"]["allowed_networks"]
    slots = house.engine.push._slots[endpoint.no]
    assert slots.target is not None
    assert (await house.engine.client.check(slots.target, slots.guard)).allowed


async def test_an_owner_opens_a_port_from_the_error(house: House) -> None:
    """Live, a port beside 80 and 443 is refused with the change that opens it, ready to be sent.

    At a private address the one change opens both; what other services listen at stays closed.
    """
    body: dict[str, Any] = {"url": "https://hooks.example:8443/x", "event_types": ["*"]}

    async def call(method: str, path: str, sent: dict[str, Any]) -> httpx.Response:
        return await house.call(method, path, key=LIVE_KEY, json=sent)

    refused = await call("POST", "/v1/endpoints", body)
    (fault,) = assert_problem(refused, 422, "invalid")["errors"]
    assert "Port 8443 is closed until it is allowed" in fault["detail"]
    assert {"delivery": {"allowed_ports": [8443]}} == fault["allow"] == _named(fault["detail"])
    made = (await call("POST", "/v1/endpoints", {**body, **fault["allow"]})).json()
    assert [8443] == made["delivery"]["allowed_ports"]
    path = f"/v1/endpoints/{made['id']}"
    further = await call("PATCH", path, {"url": "https://10.1.2.3:9443/"})
    (fault,) = assert_problem(further, 422, "invalid")["errors"]
    change = {"allowed_networks": ["10.1.2.3/32"], "allowed_ports": [8443, 9443]}
    assert {"delivery": change} == fault["allow"] == _named(fault["detail"])
    moved = await call("PATCH", path, {"url": "https://10.1.2.3:9443/", **fault["allow"]})
    assert 200 == moved.status_code
    never = await call("PATCH", path, {"url": "https://hooks.example:6379/"})
    (fault,) = assert_problem(never, 422, "invalid")["errors"]
    assert ("/url", True) == (fault["pointer"], "allow" not in fault)
    wrong = await call("PATCH", path, {"delivery": {"allowed_ports": [9443, 22, 70000]}})
    assert ["/delivery/allowed_ports/1", "/delivery/allowed_ports/2"] == [
        fault["pointer"] for fault in assert_problem(wrong, 422, "invalid")["errors"]
    ]
    opened = await house.get(
        "/v1/audit-log", key=LIVE_KEY, object=made["id"], action="endpoint.opened"
    )
    assert [
        {"allowed_networks": ["10.1.2.3/32"], "allowed_ports": [9443]}, {"allowed_ports": [8443]},
    ] == [one["detail"] for one in opened["data"]]  # fmt: skip


async def test_hosts_are_opened_by_name(house: House) -> None:
    """Kept as given, in their one spelling; what is no name is refused with its place."""
    hosts = ["hooks.intern.example", "*.shop.example", "erp"]
    body = {"url": "https://erp/x", "event_types": ["*"], "delivery": {"allowed_hosts": hosts}}
    made = await house.post("/v1/endpoints", body)
    assert hosts == made["delivery"]["allowed_hosts"]
    shown = await house.get(f"/v1/endpoints/{made['id']}")
    assert hosts == shown["delivery"]["allowed_hosts"]
    wrong = ["10.1.2.3", "*", "*.", "", "A.example", "a.example.", "a b", "a.*.example", "*.*.x"]
    body["delivery"] = {"allowed_hosts": wrong}
    problem = assert_problem(await house.call("POST", "/v1/endpoints", json=body), 422, "invalid")
    assert [f"/delivery/allowed_hosts/{place}" for place in range(len(wrong))] == [
        fault["pointer"] for fault in problem["errors"]
    ]


async def test_the_lock_forbids_it_whoever_asks(house: House) -> None:
    """With RINGBACK_LOCK_EGRESS neither networks nor hosts are opened, and nothing is advised."""
    locked = house.client_of(house.build(guards=Guards(locked=True)))
    headers = {"authorization": f"Bearer {KEY}"}
    body = {"url": PRIVATE, "event_types": ["*"]}
    answer = await locked.post("/v1/endpoints", json=body, headers=headers)
    (fault,) = assert_problem(answer, 422, "invalid")["errors"]
    assert "RINGBACK_LOCK_EGRESS" in fault["detail"]
    assert "{" not in fault["detail"]
    for field, value in (
        ("allowed_networks", "10.1.2.0/24"), ("allowed_hosts", "a.example"),
        ("allowed_ports", 8443),
    ):  # fmt: skip
        wanted = {**body, "url": "https://a.example/", "delivery": {field: [value]}}
        answer = await locked.post("/v1/endpoints", json=wanted, headers=headers)
        (fault,) = assert_problem(answer, 422, "invalid")["errors"]
        assert f"/delivery/{field}" == fault["pointer"]
        assert "RINGBACK_LOCK_EGRESS" in fault["detail"]
    await locked.aclose()


async def test_the_lock_closes_what_was_open_before(house: House) -> None:
    """An endpoint that was opened earlier is denied by a worker that starts with the lock."""
    made = await house.post(
        "/v1/endpoints",
        {"url": PRIVATE, "event_types": ["*"], "delivery": {"allowed_networks": ["10.0.0.0/8"]}},
    )
    locked = house.stage.another_engine(lock_egress=True)
    await locked.start()
    try:
        slots = next(s for s in locked.push._slots.values() if s.endpoint.url == made["url"])
        assert slots.target is not None
        assert "private" == (await locked.client.check(slots.target, slots.guard)).code
    finally:
        await locked.stop()
