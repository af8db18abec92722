"""How an endpoint is delivered to, as its owner or whoever runs the installation configured it."""

from typing import Any

import pytest

from ringback.domain.retry import SCHEDULE_S
from ringback.errors import SettingsError
from ringback.settings import Settings
from tests.api.house import House, Json
from tests.services.sink import Sink, until


async def only(house: House, sink: Sink, **delivery: Any) -> Json:
    """Make the one endpoint that there is."""
    await house.stage.execute("update endpoint set deleted = now()")
    body = {"url": sink.url, "event_types": ["message.*"], "delivery": delivery}
    return await house.post("/v1/endpoints", body)


async def attempts(house: House, count: int) -> list[Json]:
    """Wait for so many attempts and return them, oldest first."""
    await until(lambda: house.engine.recorder.attempts >= count)
    found: list[Json] = (await house.get("/v1/attempts"))["data"]
    return found[::-1]


async def test_what_is_given_up_on_is_not_tried_again(house: House) -> None:
    """DEL-08: 400, 413 and 422 as the endpoint says; any other failure is tried again."""
    await only(house, house.stage.sink, give_up_on=[422, 400])
    house.stage.sink.answers.extend([(422, ""), (400, ""), (413, ""), (500, ""), (404, "")])
    for number in range(5):
        await house.hear(f"m{number}", "sent")
        await attempts(house, number + 1)
    assert [
        (422, "exhausted"), (400, "exhausted"), (413, None), (500, None), (404, None),
    ] == [(one["status"], one["final"]) for one in await attempts(house, 5)]  # fmt: skip


async def test_no_more_at_a_time_than_an_endpoint_wants(house: House) -> None:
    """DEL-15: `concurrency` holds, is changed while it runs, and the rest waits."""
    sink = house.stage.sink
    made = await only(house, sink, concurrency=2)
    sink.delay_s = 0.2
    for number in range(6):
        await house.hear(f"m{number}", "sent")
    await house.delivered(6)
    assert 2 == sink.most
    path = f"/v1/endpoints/{made['id']}"
    assert (
        200 == (await house.call("PATCH", path, json={"delivery": {"concurrency": 5}})).status_code
    )
    for number in range(6, 12):
        await house.hear(f"m{number}", "sent")
    await house.delivered(12)
    assert 5 == sink.most


async def test_a_request_takes_no_longer_than_an_endpoint_says(house: House) -> None:
    """DEL-24: `timeout_s` is for the whole request; what takes longer has failed."""
    await only(house, house.stage.sink, timeout_s=1)
    house.stage.sink.delay_s = 8.0
    await house.hear("m1", "sent")
    (attempt,) = await attempts(house, 1)
    assert ("timeout", None) == (attempt["error"], attempt["final"])
    assert 900 < attempt["ms"] < 5000


async def test_the_installation_has_a_schedule_for_all(house: House) -> None:
    """DEL-03: RINGBACK_RETRY_SCHEDULE for whoever has none; null takes an own one back."""
    stage = house.stage
    body = {"url": stage.sink.url, "event_types": ["message.*"]}
    usual = await house.post("/v1/endpoints", body)
    assert list(SCHEDULE_S) == usual["delivery"]["retry_schedule_s"]
    house.client = house.client_of(house.build(retry_schedule=(7, 9)))
    usual = await house.get(f"/v1/endpoints/{usual['id']}")
    assert [7, 9] == usual["delivery"]["retry_schedule_s"]
    path = f"/v1/endpoints/{usual['id']}"
    for asked, shown in (([60], [60]), ([], []), (None, [7, 9])):
        change = {"delivery": {"retry_schedule_s": asked}}
        changed = (await house.call("PATCH", path, json=change)).json()
        assert shown == changed["delivery"]["retry_schedule_s"]


async def test_the_installations_schedule_is_obeyed(house: House) -> None:
    """A worker with that setting waits so long, and gives up after so many; an own one counts."""
    stage = house.stage
    await stage.execute("update endpoint set deleted = now()")
    for path, delivery in (("usual", {}), ("own", {"retry_schedule_s": [60]})):
        body = {"url": f"{stage.sink.url}/{path}", "event_types": ["message.*"]}
        await house.post("/v1/endpoints", {**body, "delivery": delivery})
    other = stage.another_engine(retry_schedule="700,9")
    await other.start()
    try:
        stage.sink.answers.extend([(500, ""), (500, "")])
        await other.receiver.receive("demo-whatsapp", stage.callback("sent"))
        await until(lambda: other.recorder.attempts == 2)
        rows = await stage.rows(
            "select e.url, extract(epoch from d.due - now())::float8 as wait "
            "from delivery d join endpoint e on e.no = d.endpoint order by e.url desc"
        )
        usual, own = rows
        assert usual["url"].endswith("usual")
        assert 650 < usual["wait"] <= 840
        assert 30 < own["wait"] <= 72
        words = [one["decision"] for one in (await house.get("/v1/attempts"))["data"]]
        assert {"attempt 1 of 2", "attempt 1 of 3"} == {
            text.partition(": ")[2].partition(",")[0] for text in words
        }
    finally:
        await other.stop()


@pytest.mark.parametrize("text", ["", "0", "5,,6", "604801", "soon", ",".join(["1"] * 21)])
def test_a_schedule_that_cannot_be_is_refused(text: str) -> None:
    """The limits are those of an endpoint's own schedule."""
    with pytest.raises((ValueError, SettingsError)):
        Settings(retry_schedule=text)
