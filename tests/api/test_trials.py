"""Test events: a real delivery of an example, to one endpoint alone."""

import json

import pytest

from ringback.domain.event_examples import example
from ringback.domain.publishing import DATA_MAX
from ringback.services.trials import usual_type
from tests.api.house import OTHER_KEY, House, Json, assert_problem, places
from tests.api.test_deliver_to import endpoint
from tests.domain.schemas import faults
from tests.services.sink import until


async def test_only_that_endpoint_gets_the_example(house: House) -> None:
    """The example with ids and times of its own, marked, signed; the answer names its delivery."""
    mine = await endpoint(house, "mine", "call.*", uid="mine")
    await endpoint(house, "all", "*")
    for name in (mine["id"], "mine"):
        sent = await house.post(
            f"/v1/endpoints/{name}/test", {"event_type": "message.failed"}, status=202
        )
        await house.delivered(1)
        (got,) = house.stage.sink.received
        body = json.loads(got.body)
        assert ("/hook/mine", sent["id"]) == (got.path, got.headers["webhook-id"])
        assert (sent["id"], "message.failed", True, "test") == (
            body["id"], body["type"], body["test"], body["mode"],
        )  # fmt: skip
        assert json.loads(example("message.failed"))["data"] == body["data"]
        assert [] == faults(got.body)
        assert "webhook-signature" in got.headers
        delivery = await house.get(f"/v1/deliveries/{sent['delivery']}")
        assert ("delivered", mine["id"], sent["id"]) == (
            delivery["status"], delivery["endpoint"], delivery["event"],
        )  # fmt: skip
        assert body == await house.get(f"/v1/events/{sent['id']}")
        house.stage.sink.received.clear()


async def test_the_data_may_be_ones_own(house: House) -> None:
    """Data that is given stands in place of the example's; what says which event it is stays ours.

    A type of one's own then needs no example.
    """
    mine = await endpoint(house, "mine", "message.*")
    await house.call("PUT", "/v1/event-types/order.paid", json={"description": "Paid."})
    path, data = f"/v1/endpoints/{mine['id']}/test", {"order": "48213", "total": 12}
    for type_ in ("message.failed", "order.paid"):
        asked = {"event_type": type_, "data": data}
        sent = await house.post(path, asked, status=202)
        await house.delivered(1)
        (got,) = house.stage.sink.received
        body = json.loads(got.body)
        assert (sent["id"], type_, True, data) == (
            body["id"], body["type"], body["test"], body["data"],
        )  # fmt: skip
        house.stage.sink.received.clear()
    refused = await house.call("POST", path, json={"data": {"text": "x" * DATA_MAX}})
    assert ["/data"] == places(assert_problem(refused, 422, "invalid"))


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("*",), "message.delivered"),
        (("message.*",), "message.delivered"),
        (("message.read", "message.failed"), "message.read"),
        (("conversation.*", "endpoint.*"), "endpoint.disabled"),
        (("conversation.*",), "conversation.opened"),
        (("shop.*",), "message.delivered"),
    ],
)
def test_what_is_sent_when_nobody_says(patterns: tuple[str, ...], expected: str) -> None:
    """A type that the endpoint wants, and of those one that there really is."""
    assert expected == usual_type(patterns)


async def test_a_test_that_fails_is_over(house: House) -> None:
    """It is tried once, its delivery says how it went, and nobody else hears of it."""
    mine = await endpoint(house, "mine", "message.*")
    await endpoint(house, "ops", "endpoint.*")
    house.stage.sink.answers.append((500, ""))
    sent = await house.post(f"/v1/endpoints/{mine['id']}/test", {}, status=202)
    assert "message.delivered" == sent["type"]
    await until(lambda: house.engine.recorder.attempts == 1)
    delivery = await house.get(f"/v1/deliveries/{sent['delivery']}")
    assert "exhausted" == delivery["status"]
    assert ["/hook/mine"] == [request.path for request in house.stage.sink.received]
    assert 1 == await house.stage.value("select count(*) from event")


async def test_what_cannot_be_tested(house: House) -> None:
    """An unknown type, a disabled endpoint, another's, none at all; tests are in the audit log."""
    mine = await endpoint(house, "mine", "message.*")
    path = f"/v1/endpoints/{mine['id']}/test"
    wrong = await house.call("POST", path, json={"event_type": "message.arrived"})
    assert ["/event_type"] == places(assert_problem(wrong, 422, "invalid"))
    foreign = await house.call("POST", path, json={}, key=OTHER_KEY)
    assert_problem(foreign, 404, "not_found")
    await house.post(path, {"event_type": "call.failed"}, status=202)
    await house.call("PATCH", f"/v1/endpoints/{mine['id']}", json={"enabled": False})
    assert_problem(await house.call("POST", path, json={}), 409, "not_now")
    log: list[Json] = (await house.get("/v1/audit-log", action="endpoint.tested"))["data"]
    assert [(mine["id"], {"event_type": "call.failed"})] == [
        (entry["object"], entry["detail"]) for entry in log
    ]
